"""A node from an old backup, a clone beside its original, and more liars than the oracle allows for."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from oracle.adapters.process import free_port
from oracle.settings import node_folder

from .clinic import Clinic
from .hands import LOOK_S, TRAITOR, liar
from .patients import Patient, newest_round, publish_next, report_on


def copy_node(scene: Clinic, name: str, home: Path) -> None:
    """The node's memory and keys as they are now, elsewhere; of a database that is in use, as a backup takes it."""
    source = node_folder(scene.settings, scene.keys[name].address, scene.chain.deployment)
    target = home / source.relative_to(scene.settings.home)
    target.mkdir(parents=True)
    with (
        closing(sqlite3.connect(source / "signed.sqlite")) as there,
        closing(sqlite3.connect(target / "signed.sqlite")) as here,
    ):
        there.backup(here)
    shutil.copytree(scene.settings.home / "keys", home / "keys", dirs_exist_ok=True)


def copies(scene: Clinic, patients: Sequence[Patient], backup: Path) -> dict[str, bool]:
    """A node from an old backup refuses; a clone beside its original signs the same or nothing."""
    clone, port = scene.folder / "clone", free_port()
    scene.services["node-2"].signal(signal.SIGKILL)
    scene.services["old copy"] = scene.start_node("node-2", home=backup, port=port)
    refused = _comes(lambda: "old copy" in scene.ready("node-2", port), 60)
    scene.services["old copy"].signal(signal.SIGKILL)
    copy_node(scene, "node-2", clone)
    scene.services["node-2"].start()
    other = free_port()
    scene.services["clone"] = scene.start_node("node-2", home=clone, port=other)
    both = _comes(lambda: scene.ready("node-2") == scene.ready("node-2", other) == "ready", 60)
    before = [len(one.published) for one in patients]
    threads = [threading.Thread(target=report_on, args=(scene, one, len(one.published) + 1, threading.Event()))
               for one in patients[:4]]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    scene.services["clone"].signal(signal.SIGKILL)
    reported = all(newest_round(scene, one) > rounds for one, rounds in zip(patients[:4], before, strict=False))
    return {
        "old_backup_refused": refused,
        "clone_ran_beside": both and reported,
        "never_two_reports_of_a_round": scene.ear.twice(but=liar(scene)) == 0,
    }


def too_many_liars(scene: Clinic, patients: Sequence[Patient], *, short: bool) -> dict[str, bool]:
    """Two of four lie: nothing is posted, and an honest node says so."""
    for name in ("node-3", TRAITOR):
        scene.services[name].signal(signal.SIGKILL)
        scene.services[name] = scene.start_node(name, lies="wrong")
    patient = patients[-1]
    rounds = newest_round(scene, patient)
    publish_next(patient)
    seen = {"in_metrics": _comes(lambda: _metric(scene, "medtwin_node_dissenting") > 0, 90)}
    if not short:
        seen["in_readyz"] = _comes(lambda: scene.ready("node-1").startswith("no quorum"), 120)
        seen["in_the_alert"] = _comes(lambda: _metric(scene, "medtwin_node_without_quorum_seconds") > 60, 90)
    return seen | {"nothing_posted": newest_round(scene, patient) == rounds}


def _metric(scene: Clinic, name: str) -> float:
    """Of the first node."""
    text = scene.told(f"{scene.node_url('node-1')}/metrics")
    return next((float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} ")), 0.0)


def _comes(true: Callable[[], bool], within_s: float) -> bool:
    end = time.monotonic() + within_s
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(LOOK_S)
    return True
