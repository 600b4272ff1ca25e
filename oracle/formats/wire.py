"""What travels between a grantee and a custodian, and between nodes: canonical CBOR, the same for both ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cbor2

from ..errors import InputError, VerificationError
from ..records import (
    Batch,
    Context,
    ErasureRequest,
    ErasureStatement,
    Included,
    KeyRequest,
    Observation,
    Receipt,
    Release,
    SealedShare,
)
from . import cbor
from .bundles import Bundle, listed_fields, listed_report
from .envelope import context_of
from .epochs import signed_batch, signed_fields
from .receipts import decode, encode
from .typed_data import is_checksummed

MAX_REQUEST_BYTES = 2**20
MOST_BATCHES = 512
"""In one request for key shares."""
MOST_SIGNATURE_BYTES = 4_096
"""Of a request, beside 32 for each of its batches: a contract's signature may hold the request itself."""
MOST_OBSERVATIONS = 1_000  # in one message
SIGNATURE_BYTES = 65
MOST_STEPS = 16
"""Of a path in an epoch's tree: 2**16 batches are far more than one holds."""
Item = tuple[Context, SealedShare]
Proof = tuple[Batch, Included]
"""A batch and how it is in an epoch."""


def pack_request(request: KeyRequest, items: Sequence[Item], proofs: Sequence[Proof] = ()) -> bytes:
    """Body of a request for key shares; with `proofs` of the batches that are in epochs, if any are."""
    asked = [
        request.twin_id.to_bytes(32, "big"), request.grantee, request.recipient_key, list(request.batches),
        request.category, request.purpose, request.nonce, request.deadline_s, request.signature,
    ]  # fmt: skip
    more = [[_pack_proof(*proof) for proof in proofs]] if proofs else []
    return cbor2.dumps([asked, [_pack_item(*item) for item in items], *more], canonical=True)


def unpack_request(body: bytes) -> tuple[KeyRequest, list[Item], list[Proof]]:
    """Read a request; InputError for anything that is not one."""
    if len(body) > MAX_REQUEST_BYTES:
        raise InputError(f"a request of {len(body):,} bytes is too large", hint="ask for fewer batches at once")
    try:
        found = cbor.read(body)
        asked, items, *more = cbor.items(found, *[list] * (3 if type(found) is list and len(found) == 3 else 2))
        twin, grantee, recipient, batches, *rest = cbor.items(asked, bytes, str, bytes, list, int, int, int, int, bytes)
        category, purpose, nonce, deadline_s, signature = rest
        cbor.digests([twin, *batches])
        cbor.numbers((category, 32), (purpose, 32), (nonce, 256), (deadline_s, 40))
        if not is_checksummed(grantee):  # one spelling, so that a nonce is spent whatever the case of letters
            raise ValueError("grantee")
        request = KeyRequest(int.from_bytes(twin, "big"), grantee, recipient, tuple(batches), *rest)
        # Whatever is asked goes into a receipt, also if nobody signed it: strangers must not fill the disk.
        if len(batches) > MOST_BATCHES or len(signature) > MOST_SIGNATURE_BYTES + 32 * len(batches):
            raise ValueError("size")
        proofs = [_unpack_proof(proof) for proof in more[0]] if more else []
        if len({batch.digest for batch, _ in proofs}) != len(proofs):  # each is a question to the chain
            raise ValueError("proofs")
        return request, [_unpack_item(item) for item in items], proofs
    except ValueError as error:
        raise InputError("this is not a request for key shares", hint="see docs/formats.md") from error


def pack_release(release: Release) -> bytes:
    """Body of a permit; a refusal is the same with no shares."""
    receipt = release.receipt
    return cbor2.dumps([encode(receipt), receipt.signature, list(release.shares)], canonical=True)


def unpack_release(body: bytes) -> Release:
    """Read a custodian's answer; VerificationError for anything that is not one."""
    try:
        leaf, signature, shares = cbor.items(cbor.read(body), bytes, bytes, list)
        return Release(decode(leaf, signature), tuple(cbor.items(shares, *[bytes] * len(shares))))
    except ValueError as error:
        raise VerificationError("the custodian's answer does not read", kind="malformed_answer") from error


def pack_receipts(entries: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A page of a custodian's log."""
    return cbor2.dumps([list(entry) for entry in entries], canonical=True)


def unpack_receipts(body: bytes) -> list[tuple[bytes, bytes]]:
    """Read a page of a log."""
    try:
        entries = cbor.read(body)
        if type(entries) is not list:
            raise ValueError("entries")
        return [(leaf, signature) for leaf, signature in (cbor.items(entry, bytes, bytes) for entry in entries)]
    except ValueError as error:
        raise VerificationError("the custodian's log does not read", kind="malformed_answer") from error


def pack_erasure(request: ErasureRequest) -> bytes:
    """Body of an erasure order."""
    return cbor2.dumps(
        [request.twin_id.to_bytes(32, "big"), request.owner, request.deadline_s, request.signature], canonical=True
    )


def unpack_erasure(body: bytes) -> ErasureRequest:
    """Read an erasure order; InputError for anything that is not one."""
    try:
        twin, owner, deadline_s, signature = cbor.items(cbor.read(body), bytes, str, int, bytes)
        cbor.digests([twin])
        cbor.numbers((deadline_s, 40))
        if not is_checksummed(owner):
            raise ValueError("owner")
        return ErasureRequest(int.from_bytes(twin, "big"), owner, deadline_s, signature)
    except ValueError as error:
        raise InputError("this is not an erasure order", hint="see docs/formats.md") from error


def pack_statement(statement: ErasureStatement) -> bytes:
    """A custodian's statement, as it travels and as it is kept."""
    return cbor2.dumps(
        [
            statement.custodian,
            statement.twin_id.to_bytes(32, "big"),
            statement.key,
            statement.time_s,
            statement.signature,
        ],
        canonical=True,
    )


def unpack_statement(body: bytes) -> ErasureStatement:
    """Read a statement; VerificationError for anything that is not one."""
    try:
        custodian, twin, key, time_s, signature = cbor.items(cbor.read(body), str, bytes, bytes, int, bytes)
        cbor.digests([twin, key])
        cbor.numbers((time_s, 40))
        if not is_checksummed(custodian):
            raise ValueError("custodian")
        return ErasureStatement(custodian, int.from_bytes(twin, "big"), key, time_s, signature)
    except ValueError as error:
        raise VerificationError("the custodian's statement does not read", kind="malformed_answer") from error


def pack_observations(observations: Sequence[Observation]) -> bytes:
    """A node's signed reports on their way to another."""
    return cbor2.dumps([_pack_observation(one) for one in observations], canonical=True)


def unpack_observations(body: bytes) -> list[Observation]:
    """Read another node's message; InputError for anything that is not one. Signatures are checked by whoever keeps it."""
    try:
        found = cbor.read(body) if len(body) <= MAX_REQUEST_BYTES else None
        if type(found) is not list or len(found) > MOST_OBSERVATIONS:
            raise ValueError("observations")
        return [_unpack_observation(fields) for fields in found]
    except ValueError as error:
        raise InputError("this is not a message of a node", hint="see docs/formats.md", kind="malformed") from error


def pack_proposal(bundle: Bundle, signature: bytes) -> bytes:
    """A node's signed bundle on its way to another, which is to sign it too."""
    return cbor2.dumps([bundle.root, bundle.manifest, bundle.config, signature], canonical=True)


def unpack_proposal(body: bytes) -> tuple[Bundle, bytes]:
    """Read a proposal; InputError for anything that is not one. Who signed it is checked by whoever answers."""
    try:
        root, manifest, config, signature = cbor.items(cbor.read(body), bytes, bytes, bytes, bytes)
        cbor.digests([root, manifest, config])
        if len(signature) != SIGNATURE_BYTES:
            raise ValueError("signature")
        return Bundle(root, manifest, config), signature
    except ValueError as error:
        raise InputError("this is not a node's bundle", hint="see docs/formats.md", kind="malformed") from error


def refusal(receipt: Receipt) -> Release:
    """A refusal as it travels."""
    return Release(receipt, ())


def _pack_item(context: Context, share: SealedShare) -> list[Any]:
    return [
        context.chain_id, context.anchor, context.twin_id.to_bytes(32, "big"), context.device, context.sequence,
        context.schema, context.category, share.custodian, share.commitment, share.sealed,
    ]  # fmt: skip


def _unpack_item(fields: Any) -> Item:
    if type(fields) is not list:
        raise ValueError("item")
    custodian, commitment, sealed = cbor.items(fields[-3:], str, bytes, bytes)
    return context_of(fields[:-3]), SealedShare(custodian, commitment, sealed)


def _pack_proof(batch: Batch, included: Included) -> list[Any]:
    return [signed_fields(batch, included.signature), included.gateway, included.number, list(included.path)]


def _unpack_proof(fields: object) -> Proof:
    listed, gateway, number, path = cbor.items(fields, list, str, int, list)
    batch, signature = signed_batch(listed)
    cbor.numbers((number, 56))
    if not is_checksummed(gateway) or len(path) > MOST_STEPS:
        raise ValueError("place")
    return batch, Included(gateway, number, signature, cbor.digests(path))


def _pack_observation(one: Observation) -> list[Any]:
    return [*listed_fields(one.report), one.report.config, one.signer, one.signature]


def _unpack_observation(fields: Any) -> Observation:
    if type(fields) is not list:
        raise ValueError("observation")
    config, signer, signature = cbor.items(fields[-3:], bytes, str, bytes)
    cbor.digests([config])
    if not is_checksummed(signer):
        raise ValueError("signer")
    return Observation(listed_report(fields[:-3], config), signer, signature)
