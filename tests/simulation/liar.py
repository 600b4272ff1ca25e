"""A node of bad faith among the simulated ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from oracle.formats.typed_data import report_digest
from oracle.records import Observation

from .bundles import DOMAIN
from .parties import SIGNERS

if TYPE_CHECKING:
    from .world import World


def lie(world: World) -> None:
    """A node of bad faith: another score, the same round, and not the same to everybody."""
    own = [one for place, one in world.observed.items() if place[0] == world.liar]
    if not own or world.weather.calm:
        return
    world.weather.faults["lie"] += 1
    report = world.rng.choice(own)
    lies = {
        "score": {"score_e6": report.score_e6 + 1}, "thousand": {"score_e6": 0, "low_e6": 0, "high_e6": 0},
        "round": {"round": report.round + world.rng.choice((-1, 1, 1000))}, "config": {"config": bytes(32)},
        "inputs": {"inputs_root": bytes(32)}, "replay": {},
    }  # fmt: skip
    for name in SIGNERS:
        told = replace(report, **world.rng.choice(list(lies.values())))
        digest = report_digest(DOMAIN, told)
        signer = world.rng.choice((world.liar, world.liar, "node-0"))  # sometimes in another's name
        forged = Observation(told, SIGNERS[signer].address, SIGNERS[world.liar].sign_digest(digest))
        world.network.send(world.liar, name, [forged])
