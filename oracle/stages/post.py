"""Gather nodes' observations into what the chain accepts, and put it there once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from ..errors import Denied, RevertedError
from ..formats.bundles import Bundle
from ..ports import Chain, Mined, Signer
from ..records import Observation, Report

ALONE: tuple[bytes, tuple[bytes, ...]] = (bytes(32), ())
"""Where a report stands that is in no bundle, as the contract's Place."""
SIGNATURE_BYTES = 65
"""r, s and v; the contract takes a quorum's one after the other."""

OVERTAKEN, BUNDLED = "RoundNotAfter", "BundleExists"
"""What the contract says when another node was faster."""


def agree(observations: Sequence[Observation], quorum: int) -> tuple[Report, list[bytes]]:
    """The report a quorum signed, with its signatures by ascending signer.

    Raises
    ------
    Denied
        No report has a quorum; the sentence says how the nodes are divided.
    """
    camps: dict[Report, dict[str, bytes]] = defaultdict(dict)
    for observation in observations:
        camps[observation.report][observation.signer] = observation.signature
    report, votes = max(camps.items(), key=lambda item: len(item[1]), default=(None, {}))
    if report is None or len(votes) < quorum:
        sizes = sorted((len(camp) for camp in camps.values()), reverse=True)
        raise Denied(
            f"no report has the {quorum} signatures needed: {len(camps)} different ones with {sizes}",
            hint="see why nodes differ or are silent: medtwin doctor",
            kind="no_quorum",
        )
    ascending = sorted(votes, key=lambda signer: int(signer, 16))
    return report, [votes[signer] for signer in ascending[:quorum]]


def post(report: Report, signatures: Sequence[bytes], chain: Chain, sender: Signer) -> Mined | None:
    """Post unless the round is already on the chain (then None)."""
    if chain.read("PredictionOracle", "latest", report.twin_id, report.model).round >= report.round:
        return None
    try:
        return chain.write(sender, "PredictionOracle", "post", report_fields(report), b"".join(signatures))
    except RevertedError as error:
        if error.error == OVERTAKEN:
            return None
        raise


def post_bundle(bundle: Bundle, signatures: Sequence[bytes], chain: Chain, sender: Signer) -> Mined | None:
    """Post many reports by their root; None if the root is on the chain already."""
    try:
        fields = (bundle.root, bundle.manifest, bundle.config)
        return chain.write(sender, "PredictionOracle", "postBundle", fields, b"".join(signatures))
    except RevertedError as error:
        if error.error == BUNDLED:
            return None
        raise


def split(signatures: bytes) -> list[bytes]:
    """What was posted, signature by signature."""
    return [signatures[at : at + SIGNATURE_BYTES] for at in range(0, len(signatures), SIGNATURE_BYTES)]


def post_many(
    agreed: Sequence[tuple[Report, Sequence[bytes]]], chain: Chain, sender: Signer
) -> list[Mined | RevertedError | None]:
    """Post those whose rounds are not on the chain, together; None for the others, an error where the contract says no."""
    latest = chain.read_many([("PredictionOracle", "latest", one.twin_id, one.model) for one, _ in agreed])
    missing = [at for at, (one, _) in enumerate(agreed) if latest[at].round < one.round]
    found: list[Mined | RevertedError | None] = [None] * len(agreed)
    calls = [("PredictionOracle", "post", report_fields(agreed[at][0]), b"".join(agreed[at][1])) for at in missing]
    for at, outcome in zip(missing, chain.write_many(sender, calls) if calls else [], strict=True):
        overtaken = isinstance(outcome, RevertedError) and outcome.error == OVERTAKEN
        found[at] = None if overtaken else outcome
    return found


def report_fields(report: Report) -> tuple[Any, ...]:
    """A report as the contract's struct."""
    return (
        report.twin_id,
        report.model,
        report.round,
        report.as_of_s,
        report.status,
        report.score_e6,
        report.low_e6,
        report.high_e6,
        report.inputs_root,
        report.explanation_root,
        report.config,
    )
