"""After the storm: everything is started again, and then what is missing, doubled or wrong is found."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from oracle.batches.publish import resume
from oracle.errors import MedtwinError
from oracle.formats import merkle
from oracle.formats.bundles import place_of
from oracle.records import Report, Status
from oracle.reports.posted import report_of

from .bundles import standing
from .ledger import START_S
from .parties import LONG_S, SIGNERS, Mean

if TYPE_CHECKING:
    from .world import World

HEALING = 40
"""Looks of everybody in which what is missing must come,"""
AFTERWARDS = 4
"""and looks after that, in which nothing may come twice."""
LOOK_S = 12
"""From one to the next: after the last of them every node's patience is over."""


def heal(world: World) -> None:
    """Good weather: everything is started again, and each twin gets one more batch."""
    world.weather.calm = True
    world.network.apart = {}
    for store in world.stores.values():
        store.late = {}
    for keeper in world.keepers:
        keeper.lucks[1].lying = world.canary == "deaf"
    world.ledger.mine(int(world.now_s))
    for twin, pairing in list(world.ledger.state.pairings.items()):
        if pairing.paired and pairing.until_s < START_S + LONG_S:  # a calibration that ended is begun anew
            world.ledger.submit(world.owners[twin[1]].address, "unpair", twin[0])
    world.ledger.mine(int(world.now_s))
    world.allow_all()
    world.ledger.mine(int(world.now_s))
    for edge in world.edges:
        world.now_s += 12
        world.ledger.mine(int(world.now_s))
        with suppress(MedtwinError):  # then what it holds is missing in the end
            list(resume(edge))
        world.act("publish", edge)
        world.act("gateway")
    well = 0
    for _ in range(HEALING):
        well = well + 1 if not _missing(world) else 0
        if well > AFTERWARDS:
            return
        world.now_s += LOOK_S
        world.ledger.mine(int(world.now_s))
        for edge in world.edges:
            if edge.relay and edge.outbox.pending():  # the gateway did not take it yet
                with suppress(MedtwinError):
                    list(resume(edge))
        world.act("gateway")
        world.act("inspect")
        world.act("stall")
        for name in SIGNERS:
            if name != world.liar:
                world.turn(name)
                world.act("deliver")


def judge(world: World) -> None:
    """Once each, true, and none missing."""
    posts = [event for block in world.ledger.blocks for event in block.events if event.name == "PredictionPosted"]
    alone, bundled = [report_of(event.args["report"]) for event in posts], standing(world, world.ledger.blocks)
    reports = {*alone, *bundled}
    world.found.reports, world.found.bundled = len(reports), len(set(bundled))
    world.found.raced = len(alone) + len(bundled) - len(reports)  # who sent one could not see the other yet
    if len({place_of(one) for one in alone}) < len(alone):
        world.violation("a round was posted twice")
    if len({place_of(one) for one in reports}) < len(reports):
        world.violation("two reports of a round were posted")
    if world.deepest <= world.depth:  # deeper than what counts as final, what was read may be gone
        if not all(_is_true(world, one) for one in reports):
            world.violation("a report is wrong")
        if not all(_is_true(world, one) for one in world.observed.values()):
            world.violation("a node of good faith signed a report that is wrong")
    for what in _missing(world):
        world.violation(what)


def _missing(world: World) -> list[str]:
    """What does not stand on the chain, and should once all is well again."""
    state, missing = world.ledger.state, []
    counted = [(twin, state.counted.get(twin, ())) for twin in world.owners]
    newest = {twin: state.latest.get((twin, Mean.model_digest), 0) for twin, _ in counted}
    for one in standing(world, world.ledger.blocks):
        newest[one.twin_id] = max(newest[one.twin_id], one.round)
    if any(newest[twin] != len(digests) for twin, digests in counted):
        missing.append("a round was not posted after all was well again")
    if not set(world.sums) <= {digest for _, digests in counted for digest in digests}:
        missing.append("a batch was lost")
    if world.rogue and world.rogue.unpunished():
        missing.append("a gateway at fault was not suspended")
    return missing


def _is_true(world: World, report: Report) -> bool:
    """Whether it is what the round's batches say, computed here from what was published."""
    window = world.ledger.state.counted[report.twin_id][max(0, report.round - 2) : report.round]
    total, count = (sum(column) for column in zip(*(world.sums[one] for one in window), strict=True))
    inputs = merkle.root([merkle.digest_leaf(one) for one in window])
    if (
        report.status == Status.NO_ANSWER
    ):  # where the gateway of bad faith named a block that was not there, or hid a list
        return bool(world.rogue) and report.inputs_root == inputs
    return (report.score_e6, report.inputs_root) == (total // count, inputs)
