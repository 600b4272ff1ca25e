"""The loop around oracle nodes: watch the chain, report on every twin that lets them look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ..batches.anchored import batched_twins
from ..ports import Signer
from ..reports.due import NotReported, due, report_all
from ..reports.predict import Node, Posted
from ..twins import Kind, TwinKind


def turn(
    nodes: Sequence[Node],
    sender: Signer,
    kinds: Iterable[TwinKind],
    say: Callable[[str], None],
    refused: dict[tuple[int, bytes, int], str],
) -> list[Posted]:
    """One look at all twins; posts what is new.

    `refused` remembers, by (twin, model, round), what could not be reported and why,
    so that it is said once and not tried again before there is something new.
    """
    chain, store, posted = nodes[0].chain, nodes[0].store, list[Posted]()
    known: dict[bytes, Kind] = {kind.model_digest: kind for kind in kinds}
    places = [one for one in due(chain, store, known, list(batched_twins(chain, store))) if one not in refused]
    for one in report_all(nodes, sender, known, places):
        if isinstance(one, NotReported):
            refused[one.place] = one.error.kind
            say(f"event=not_reported model={known[one.place[1]].name} kind={one.error.kind}")
        else:
            posted.append(one)
            name, report = known[one.report.model].name, one.report
            say(f"event=reported model={name} round={report.round} status={report.status}")
    return posted
