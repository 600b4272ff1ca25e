"""Epochs: one Merkle root over many device-signed batches, and the manifest that lists them.

A gateway posts (root, number of batches, SHA-256 of the manifest) to EpochAnchor; the manifest is a block in the
content store, canonical CBOR, from which anybody computes the root again. Bytes in ``docs/formats.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cbor2

from ..errors import VerificationError
from ..records import Batch
from . import cbor, merkle
from .keccak import keccak
from .typed_data import Domain, batch_digest

FORMAT = "medtwin/manifest/1"
MOST_BATCHES = 2_000
"""In one epoch: its manifest stays well below 1 MiB."""

Signed = tuple[Batch, bytes]
"""A batch and its device's signature."""


def epoch_leaf(domain: Domain, batch: Batch, signature: bytes) -> bytes:
    """A batch's leaf, as ``EpochAnchor.leafOf``; `domain` is DataAnchor's."""
    return merkle.leaf(batch_digest(domain, batch) + keccak(signature))


def pack_manifest(batches: Sequence[Signed]) -> bytes:
    """The list of an epoch's batches, in their order."""
    return cbor2.dumps([FORMAT, [signed_fields(*one) for one in batches]], canonical=True)


def unpack_manifest(block: bytes) -> list[Signed]:
    """Read a manifest; VerificationError for anything that is not one in canonical form."""
    try:
        name, listed = cbor.items(cbor.read(block), str, list)
        if name != FORMAT or not 0 < len(listed) <= MOST_BATCHES:
            raise ValueError("manifest")
        batches = [signed_batch(fields) for fields in listed]
        if pack_manifest(batches) != block:
            raise ValueError("canonical form")
    except ValueError as error:
        raise VerificationError("this is not a manifest of an epoch", kind="malformed_manifest") from error
    return batches


def signed_batch(fields: object) -> Signed:
    """A batch as it is listed; ValueError for anything else."""
    twin, sequence, previous, digest, root, readings, start_s, end_s, signature = cbor.items(
        fields, bytes, int, bytes, bytes, bytes, int, int, int, bytes
    )
    cbor.digests([twin, previous, digest, root])
    cbor.numbers((sequence, 64), (readings, 32), (start_s, 40), (end_s, 40))
    if not sequence or not readings or start_s > end_s or len(signature) != 65:
        raise ValueError("batch")
    return Batch(int.from_bytes(twin, "big"), sequence, previous, digest, root, readings, start_s, end_s), signature


def signed_fields(batch: Batch, signature: bytes) -> list[Any]:
    """A batch as it is listed."""
    return [
        batch.twin_id.to_bytes(32, "big"), batch.sequence, batch.previous, batch.digest, batch.root, batch.readings,
        batch.start_s, batch.end_s, signature,
    ]  # fmt: skip
