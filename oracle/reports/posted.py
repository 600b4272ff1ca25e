"""Reports as they stand on the chain: what was posted, by whose signatures, and until when it may be refuted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..batches.anchored import Arrivals, batch_count
from ..errors import Denied, NotFound, StorageError
from ..formats.merkle import digest_leaf, hashed_up
from ..ports import Chain, Event, Store
from ..records import Report
from ..stages.post import ALONE, report_fields
from .bundles import Bundled, bundles

FIELDS = (
    "twinId", "model", "round", "asOf", "status", "score", "low", "high", "inputsRoot", "explanationRoot", "config",
)  # fmt: skip
"""Of the contract's Report."""


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


def latest_report(chain: Chain, store: Store, twin_id: int, model: bytes) -> Report:
    """The newest report of a twin by a model, posted by itself or in a bundle.

    Raises
    ------
    NotFound
        There is none.
    StorageError
        ``missing_block``: the list of a bundle that may hold a newer one has not arrived.
    """
    alone = int(chain.read("PredictionOracle", "latest", twin_id, model).round)
    found = bundles(chain, store, twin_id=twin_id)
    in_bundles = [one.report for _, one in _listed(found, twin_id, model=model)]
    round_ = max([alone, *(one.round for one in in_bundles)])
    for event in found.awaited if round_ < batch_count(chain, twin_id, store) else ():
        raise StorageError(
            f"the list of the reports that were posted in block {event.block} has not arrived",
            hint="see whether the store answers; after five minutes it is left out",
            kind="missing_block",
        )
    if round_ == 0:
        raise NotFound(
            f"there is no report on twin {twin_id:#x} by this model",
            hint="grant the oracle access (medtwin consent grant ... --to oracle) and publish readings",
        )
    return _report(chain, in_bundles, twin_id, model, round_)


def posted_report(chain: Chain, store: Store, twin_id: int, model: bytes, round_: int) -> Report:
    """The report of a round, from the chain's events or a bundle; Denied when there is none."""
    in_bundles = [
        one.report for _, one in _listed(bundles(chain, store, twin_id=twin_id), twin_id, model=model, round=round_)
    ]
    return _report(chain, in_bundles, twin_id, model, round_)


def postings(chain: Chain, store: Store, twin_id: int, **match: Any) -> list[Posting]:
    """A twin's reports, oldest first, each once; `match` names a model or a round."""
    alone = chain.events("PredictionOracle", "PredictionPosted", twinId=twin_id, **match)
    known = {bytes(event.args["reportDigest"]) for event in alone}
    found = [(event, _posting(chain, event)) for event in alone]
    for event, one in _listed(bundles(chain, store, twin_id=twin_id), twin_id, **match):
        if one.digest not in known:
            known.add(one.digest)
            place = (bytes(event.args["manifest"]), one.path)
            found.append((event, _told(chain, event, one.report, one.digest, place, _signatures(chain, event))))
    return [posting for _, posting in sorted(found, key=lambda one: (one[0].block, one[0].log_index))]


def bundled_events(chain: Chain, store: Store) -> list[Event]:
    """The reports that stand in bundles and not by themselves, each as the event that posting it would have made."""
    known = {bytes(event.args["reportDigest"]) for event in chain.events("PredictionOracle", "PredictionPosted")}
    found: dict[bytes, Event] = {}
    for event, listed in bundles(chain, store).arrived:
        for one in listed:
            if one.digest not in known:
                found.setdefault(one.digest, replace(event, name="PredictionPosted", args=arguments_of(one)))
    return list(found.values())


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


def _listed(found: Arrivals[Bundled], twin_id: int, **match: Any) -> list[tuple[Event, Bundled]]:
    """A twin's reports in bundles, with the event of each."""
    wanted = {"twin_id": twin_id, **match}
    return [
        (event, one)
        for event, listed in found.arrived
        for one in listed
        if all(getattr(one.report, name) == value for name, value in wanted.items())
    ]


def arguments_of(one: Bundled) -> dict[str, Any]:
    """As the event of a report that was posted by itself has them."""
    report = one.report
    subject = {"twinId": report.twin_id, "model": report.model, "round": report.round}
    return {**subject, "reportDigest": one.digest, "report": dict(zip(FIELDS, report_fields(report), strict=True))}


def _report(chain: Chain, in_bundles: Sequence[Report], twin_id: int, model: bytes, round_: int) -> Report:
    for one in in_bundles:
        if one.round == round_:
            return one
    found = chain.events("PredictionOracle", "PredictionPosted", twinId=twin_id, model=model, round=round_)
    if not found:
        raise Denied(
            f"round {round_} was overtaken by a later one", hint="ask for the newest round", kind="round_passed"
        )
    return report_of(found[-1].args["report"])


def _posting(chain: Chain, event: Event) -> Posting:
    report, digest = report_of(event.args["report"]), bytes(event.args["reportDigest"])
    return _told(chain, event, report, digest, *_signed(chain, event, report, digest))


def _told(
    chain: Chain, event: Event, report: Report, digest: bytes, place: tuple[bytes, tuple[bytes, ...]], signatures: bytes
) -> Posting:
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
    return (bytes(bundle.args["manifest"]), tuple(map(bytes, path))), _signatures(chain, bundle)


def _signatures(chain: Chain, event: Event) -> bytes:
    return bytes(chain.arguments("PredictionOracle", event.transaction).get("signatures", b""))
