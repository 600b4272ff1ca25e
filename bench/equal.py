"""Both arms carry the same readings to the same prediction: what is compared for speed does the same job."""

from __future__ import annotations

from oracle.records import Explanation, Report
from oracle.reports.reason import reason
from oracle.serve.demo.world import World
from oracle.twins import kinds

from .loop import Loop
from .shares import approve, batches_of, edge_of, report_on


def equal_predictions(scene: World, loop: Loop) -> int:
    """Ours through seal, store, custodians and quorum; theirs through one transaction a reading. How many readings.

    Raises
    ------
    AssertionError
        They differ by a bit.
    """
    kind = kinds()["pulse"]
    approve(scene, kind)
    edge, batch = edge_of(scene, kind), batches_of(kind, scene.chain.head().time_s)[0]
    report = report_on(scene, kind, edge, batch)
    carried = loop.carry(batch)
    assert told(report) == told_by(reason(kind, [carried]).explanation), "the two arms predict differently"
    return len(batch)


def told(report: Report) -> tuple[int | bytes, ...]:
    """What a report says, and why."""
    return report.status, report.score_e6, report.low_e6, report.high_e6, report.explanation_root


def told_by(explanation: Explanation) -> tuple[int | bytes, ...]:
    """The same of an explanation."""
    one = explanation.prediction
    return int(one.status), one.score_e6, one.low_e6, one.high_e6, explanation.root
