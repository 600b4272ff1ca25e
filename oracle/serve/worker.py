"""The loop around oracle nodes: watch the chain, report on every twin that lets them look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ..errors import MedtwinError
from ..ports import Chain, Signer
from ..records import Purpose
from ..reports.predict import Node, Posted, predict
from ..twins import TwinKind


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
    chain = nodes[0].chain
    posted = []
    for kind in kinds:
        for twin_id in _due(chain, kind):
            place = (twin_id, kind.model_digest, int(chain.read("DataAnchor", "batchCount", twin_id)))
            if place in refused:
                continue
            try:
                one = predict(nodes, sender, kind, twin_id)
            except MedtwinError as error:
                refused[place] = error.kind
                say(f"event=not_reported model={kind.name} kind={error.kind}")
                continue
            posted.append(one)
            say(f"event=reported model={kind.name} round={one.report.round} status={one.report.status}")
    return posted


def _due(chain: Chain, kind: TwinKind) -> list[int]:
    """Twins with batches after their last report, whose owners let the oracle look."""
    oracle = chain.address("PredictionOracle")
    twins = dict.fromkeys(event.args["twinId"] for event in chain.events("DataAnchor", "BatchAnchored"))
    allowed = [
        twin
        for twin in twins
        if chain.read("ConsentRegistry", "isAllowed", twin, oracle, int(kind.category), int(Purpose.CARE))
    ]
    return [
        twin
        for twin in allowed
        if chain.read("PredictionOracle", "latest", twin, kind.model_digest).round
        < chain.read("DataAnchor", "batchCount", twin)
    ]
