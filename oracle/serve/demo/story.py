"""The order of the story; the acts are next door."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from ...reports.predict import Posted
from ...twins import TwinKind
from .access import research, revocation
from .care import introduce, predictions, publication, twins
from .facts import Facts
from .show import Show, duration
from .trust import attacks, auditing
from .world import world


def play(kind: TwinKind, console: Console, *, chain: str, store: str, data: Path) -> Facts:
    """Tell the whole story once and return what happened.

    Parameters
    ----------
    kind : TwinKind
        Whose recordings are used and which model looks at them.
    chain, store, data
        As :func:`oracle.serve.demo.world.world` takes them.

    Raises
    ------
    MedtwinError
        Something that had to work did not, or something that had to be refused was accepted.
    """
    facts = Facts()
    show = Show(console, facts)
    began = time.perf_counter()
    with ExitStack() as stack:
        with show.act("setup", "A chain, a store, three custodians, four oracle nodes"):
            scene = stack.enter_context(world(chain, store, data))
            introduce(scene, kind, show, facts)
        with show.act("twins", "Patients mint their twins and pair a device"):
            patients = twins(scene, kind, show, facts)
        with show.act("publish", "The devices' recordings: sealed, stored, anchored"):
            publication(scene, kind, patients, show, facts)
        with show.act("predict", "Patients let the oracle look; a quorum reports"):
            posted = predictions(scene, kind, patients, show, facts)
        with show.act("research", "A researcher buys access, a stranger tries"):
            researcher = research(scene, patients[0], show, facts)
        with show.act("revoke", "The patient revokes"):
            revocation(scene, patients[0], researcher, show, facts)
        with show.act("attacks", "Forged, replayed and foreign batches"):
            attacks(scene, kind, patients[1], show, facts)
        with show.act("audit", "Who looked, and can the record be trusted?"):
            auditing(scene, show, facts)
    facts.seconds["total"] = round(time.perf_counter() - began, 3)
    with show.act("figures", "Figures of this run"):
        _figures(kind, posted, show, facts)
    return facts


def _figures(kind: TwinKind, posted: list[Posted], show: Show, facts: Facts) -> None:
    anchored_gas = facts.gas["anchor"] * facts.batches
    headline = kind.card["headline"]
    show.table(
        ("figure", "value", "how measured"),
        [
            ("readings anchored", f"{facts.readings:,}", f"in {facts.batches} batches, each checked on the chain"),
            ("gas per reading", f"{anchored_gas / facts.readings:.1f}", f"{facts.gas['anchor']:,} a batch (median) over its readings"),
            ("time to report", duration(facts.seconds["time_to_alert"]), "from sealing the last batch to the posted report"),
            ("time to lock", f"{facts.revocation['blocks_to_lock']} block, {facts.revocation['seconds_to_lock']:.2f} s",
             "from sending the revocation to the first refusal"),
            (f"model: {headline['metric']}", f"{headline['value']:.3g} [{headline['low']:.3g}, {headline['high']:.3g}]",
             f"{headline['how']}"),
            (f"baseline: {headline['baseline_name']}", f"{headline['baseline_value']:.3g}", "the same records"),
        ],
        right=("value",),
    )  # fmt: skip
    show.say("")
    show.say(f"{sum(one.mined is not None for one in posted)} reports posted. This is not a medical device.")
    show.say("Next: [bold]make dev[/] runs a chain you can build on; docs/ has a guide for each reader.")
