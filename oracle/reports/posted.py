"""Reports as they stand on the chain: what was posted, by whose signatures, and until when it may be refuted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import Denied, NotFound
from ..formats.merkle import digest_leaf, hashed_up
from ..ports import Chain, Event
from ..records import Report
from ..stages.post import ALONE, report_fields


@dataclass(frozen=True, slots=True)
class Posting:
    """A report and what its posting tells.

    `place` and `signatures` are the contract's: where the nodes signed the report, by itself or in a bundle, and how.
    `final_s` is when it can be refuted no more.
    """

    report: Report
    digest: bytes
    place: tuple[bytes, tuple[bytes, ...]]
    signatures: bytes
    posted_s: int
    final_s: int
    refuted: bool


def latest_report(chain: Chain, twin_id: int, model: bytes) -> Report:
    """The newest report of a twin by a model; NotFound when there is none."""
    newest = chain.read("PredictionOracle", "latest", twin_id, model)
    if newest.round == 0:
        raise NotFound(
            f"there is no report on twin {twin_id:#x} by this model",
            hint="grant the oracle access (medtwin consent grant ... --to oracle) and publish readings",
        )
    return posted_report(chain, twin_id, model, newest.round)


def posted_report(chain: Chain, twin_id: int, model: bytes, round_: int) -> Report:
    """The report of a round, from the chain's events."""
    found = chain.events("PredictionOracle", "PredictionPosted", twinId=twin_id, model=model, round=round_)
    if not found:
        raise Denied(
            f"round {round_} was overtaken by a later one", hint="ask for the newest round", kind="round_passed"
        )
    return report_of(found[-1].args["report"])


def postings(chain: Chain, twin_id: int, **match: Any) -> list[Posting]:
    """A twin's reports, oldest first; `match` names a model or a round."""
    return [
        _posting(chain, event)
        for event in chain.events("PredictionOracle", "PredictionPosted", twinId=twin_id, **match)
    ]


def report_of(fields: Mapping[str, Any]) -> Report:
    """A report from the contract's struct."""
    return Report(
        twin_id=fields["twinId"],
        model=fields["model"],
        round=fields["round"],
        as_of_s=fields["asOf"],
        status=fields["status"],
        score_e6=fields["score"],
        low_e6=fields["low"],
        high_e6=fields["high"],
        inputs_root=fields["inputsRoot"],
        explanation_root=fields["explanationRoot"],
        config=fields["config"],
    )


def _posting(chain: Chain, event: Event) -> Posting:
    report, digest = report_of(event.args["report"]), bytes(event.args["reportDigest"])
    place, signatures = _signed(chain, event, report, digest)
    final_s, refuted = chain.read_many(
        [
            ("PredictionOracle", "finalAt", report_fields(report), place),
            ("PredictionOracle", "isRefuted", digest),
        ]
    )
    return Posting(report, digest, place, signatures, event.time_s, int(final_s), bool(refuted))


def _signed(chain: Chain, event: Event, report: Report, digest: bytes) -> tuple[tuple[bytes, tuple[bytes, ...]], bytes]:
    """Where it was signed, and the signatures; none if it was sent through another contract, whose call nobody reads."""
    given = chain.arguments("PredictionOracle", event.transaction)
    path: Sequence[bytes] | None = given.get("path")
    if path is None:
        return ALONE, bytes(given.get("signatures", b""))
    root = hashed_up(path, digest_leaf(digest))
    bundle, *_ = chain.events("PredictionOracle", "BundlePosted", root=root, config=report.config)
    signed = chain.arguments("PredictionOracle", bundle.transaction).get("signatures", b"")
    return (bytes(bundle.args["manifest"]), tuple(map(bytes, path))), bytes(signed)
