"""Bundles: one Merkle root over many reports of one configuration, and the manifest that lists them.

Nodes sign (root, SHA-256 of the manifest, configuration); the manifest is a block in the content store, canonical CBOR,
from which anybody computes the root again. Bytes in ``docs/formats.md``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cbor2

from ..errors import InputError, VerificationError
from ..records import Report
from . import cbor, merkle
from .typed_data import Domain, digest, report_digest

FORMAT = "medtwin/bundle/1"
MOST_REPORTS = 1_000
"""In one bundle: its manifest has 300 KiB at most."""
MOST_BYTES = 2**20
"""A block of the store has no more."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """The statement over many reports that oracle nodes sign and PredictionOracle keeps; names as in the typed data."""

    root: bytes
    manifest: bytes
    config: bytes


def bundle_digest(domain: Domain, bundle: Bundle) -> bytes:
    """What an oracle node signs; `domain` is PredictionOracle's."""
    return digest(domain, "Bundle", {"root": bundle.root, "manifest": bundle.manifest, "config": bundle.config})


def place_of(report: Report) -> tuple[int, bytes, int]:
    """The round that it is of: twin, model, number."""
    return report.twin_id, report.model, report.round


def bundled(domain: Domain, reports: Sequence[Report]) -> tuple[Bundle, bytes]:
    """What nodes sign over these reports, in any order, and its manifest; `domain` is PredictionOracle's.

    Raises
    ------
    InputError
        None or too many, two of one round, or of two configurations.
    """
    ordered = sorted(reports, key=place_of)
    block = pack_bundle(ordered)
    root = merkle.root([leaf_of(domain, one) for one in ordered])
    return Bundle(root, hashlib.sha256(block).digest(), ordered[0].config), block


def leaf_of(domain: Domain, report: Report) -> bytes:
    """A report's leaf, as ``PredictionOracle.settle`` takes it."""
    return merkle.digest_leaf(report_digest(domain, report))


def pack_bundle(reports: Sequence[Report]) -> bytes:
    """The list of a bundle's reports, by twin, model and round; InputError for a list that is none."""
    try:
        _check(reports)
    except ValueError as error:
        raise InputError(
            f"these {len(reports)} reports make no bundle: {error}",
            hint=f"1 to {MOST_REPORTS:,} reports of one configuration, by twin, model and round, each round once",
            kind="bad_bundle",
        ) from error
    return cbor2.dumps([FORMAT, reports[0].config, [listed_fields(one) for one in reports]], canonical=True)


def unpack_bundle(block: bytes) -> tuple[Report, ...]:
    """Read a manifest; VerificationError for anything that is not one in canonical form."""
    try:
        if len(block) > MOST_BYTES:
            raise ValueError("it is too large")
        name, config, listed = cbor.items(cbor.read(block), str, bytes, list)
        if name != FORMAT or not 0 < len(listed) <= MOST_REPORTS:
            raise ValueError("it is of another format, empty or too long")
        cbor.digests([config])
        reports = tuple(listed_report(fields, config) for fields in listed)
        _check(reports)
        if pack_bundle(reports) != block:
            raise ValueError("it is not in canonical form")
    except ValueError as error:
        raise VerificationError(f"this is not a manifest of a bundle: {error}", kind="malformed_manifest") from error
    return reports


def listed_fields(report: Report) -> list[Any]:
    """A report as it is listed; its configuration stands elsewhere."""
    return [
        report.twin_id.to_bytes(32, "big"), report.model, report.round, report.as_of_s, report.status, report.score_e6,
        report.low_e6, report.high_e6, report.inputs_root, report.explanation_root,
    ]  # fmt: skip


def listed_report(fields: object, config: bytes) -> Report:
    """A report as it is listed; ValueError for anything else."""
    kinds = (bytes, bytes, int, int, int, int, int, int, bytes, bytes)
    twin, model, round_, as_of_s, status, *scores, inputs, why = cbor.items(fields, *kinds)
    cbor.digests([twin, model, inputs, why])
    cbor.numbers((round_, 48), (as_of_s, 40), (status, 8), *((score + 2**47, 48) for score in scores))
    score, low, high = scores
    return Report(int.from_bytes(twin, "big"), model, round_, as_of_s, status, score, low, high, inputs, why, config)


def _check(reports: Sequence[Report]) -> None:
    places = [place_of(one) for one in reports]
    if not 0 < len(reports) <= MOST_REPORTS:
        raise ValueError("none, or too many")
    if any(one >= other for one, other in pairwise(places)):
        raise ValueError("they do not ascend by twin, model and round")
    if len({one.config for one in reports}) > 1:
        raise ValueError("they are of two configurations")
