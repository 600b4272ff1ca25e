"""The revocation race on live processes: ``python -m bench.lock N`` writes ``bench/results/lock.json``.

Ganache and three custodian processes run as under ``make dev``. For each of N researchers the patient grants, the
researcher fetches, and goes on asking without a pause while the patient revokes. A release is wrong if a custodian
permitted it having seen the block of the revocation or a later one; that is read from the custodians' own receipts.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import track

from oracle.adapters.memory import new_signer
from oracle.adapters.process import free_port
from oracle.consent import grant, revoke
from oracle.errors import CustodyDenied, Refused
from oracle.fetch import fetch
from oracle.ports import Custodian, Signer
from oracle.receipts import decode
from oracle.records import Category, Context, KeyRequest, Purpose, Release, SealedShare
from oracle.serve.devnet import Hospital, home_of, hospital
from oracle.settings import Settings, open_custodians, open_store
from oracle.twins import TwinKind, kinds

RESULTS = Path(__file__).parent / "results" / "lock.json"
PURPOSE = Purpose.RESEARCH_HEALTH
GIVE_UP_S = 30.0


@dataclass(slots=True)
class Counting:
    """A custodian that counts its answers, permits and refusals alike."""

    behind: Custodian
    answers: int = 0

    @property
    def address(self) -> str:
        return self.behind.address

    def release(self, request: KeyRequest, items: Sequence[tuple[Context, SealedShare]]) -> Release:
        try:
            released = self.behind.release(request, items)
        except Refused:
            self.answers += 1
            raise
        self.answers += 1
        return released


@dataclass(frozen=True, slots=True)
class Race:
    """One revocation: its block, and the seconds until the first refusal."""

    researcher: str
    block: int
    seconds: float


def main() -> None:
    """Run the races and write what was found."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory(prefix="medtwin-lock-") as folder, _running(Path(folder)) as (running, settings):
        kind = kinds()["pulse"]
        custodians = [Counting(one) for one in open_custodians(settings)]
        races = [_race(running, settings, kind, custodians) for _ in track(range(times), console=Console(stderr=True))]
        found = _judge(races, custodians)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(json.dumps(found, indent=1))
    if found["wrong_releases"] or found["receipts_missing"]:
        sys.exit("a share was released after its revocation, or a receipt is missing")


@contextmanager
def _running(folder: Path) -> Iterator[tuple[Hospital, Settings]]:
    chosen = replace(Settings.read({"MEDTWIN_HOME": str(folder)}), deployment=folder / "deployment.json")
    urls = tuple(f"http://127.0.0.1:{free_port()}" for _ in range(3))
    settings = replace(home_of(chosen, True), custodians=urls)
    with hospital(settings, kinds()["pulse"], free_port(), lambda line: print(line, file=sys.stderr)) as running:
        yield running, settings


def _race(running: Hospital, settings: Settings, kind: TwinKind, custodians: Sequence[Counting]) -> Race:
    """Grant, fetch once, then ask in a thread until refused, while the owner revokes."""
    owner, twin_id, researcher = running.keys["patient-2"], running.twins[1], new_signer()
    scope = Category(kind.category)
    grant(running.chain, owner, twin_id, researcher.address, categories=scope, purposes=PURPOSE, days=1)
    _ask(running, settings, kind, custodians, researcher)
    refused: list[float] = []

    def insist() -> None:
        until = time.monotonic() + GIVE_UP_S
        while time.monotonic() < until:
            try:
                _ask(running, settings, kind, custodians, researcher)
            except CustodyDenied:
                refused.append(time.monotonic())
                return

    asking = threading.Thread(target=insist)
    asking.start()
    sent = time.monotonic()
    block = revoke(running.chain, owner, twin_id, researcher.address).mined.block
    asking.join()
    if not refused:
        raise SystemExit(f"still not refused after {GIVE_UP_S:.0f} s")
    return Race(researcher.address, block, refused[0] - sent)


def _ask(running: Hospital, settings: Settings, kind: TwinKind, custodians: Sequence[Counting], who: Signer) -> None:
    fetch(
        running.chain, open_store(settings.store), custodians, who,  # type: ignore[arg-type]
        twin_id=running.twins[1], purpose=int(PURPOSE), category=int(kind.category), random_bytes=os.urandom,
    )  # fmt: skip


def _judge(races: Sequence[Race], custodians: Sequence[Counting]) -> dict[str, float | int]:
    """Wrong releases, time to lock and missing receipts, from the custodians' logs."""
    logs = {one.address: [decode(*entry) for entry in one.behind.receipts()] for one in custodians}
    by_researcher = {race.researcher: race for race in races}
    looks = [receipt for log in logs.values() for receipt in log if receipt.grantee in by_researcher]
    wrong = [one for one in looks if one.permitted and one.head_block >= by_researcher[one.grantee].block]
    # The head is read before the question, so a refusal may name the block before the one that decided it.
    blocks = [
        max(
            0, min(one.head_block for one in looks if one.grantee == race.researcher and not one.permitted) - race.block
        )
        + 1
        for race in races
    ]
    seconds = [race.seconds for race in races]
    asked = {receipt.grantee for log in logs.values() for receipt in log} - set(by_researcher)
    others = sum(receipt.grantee in asked for log in logs.values() for receipt in log)
    answers = sum(one.answers for one in custodians)
    return {
        "revocations": len(races),
        "wrong_releases": len(wrong),
        "blocks_p50": int(statistics.median(blocks)),
        "blocks_p99": _percentile(blocks, 99),
        "seconds_p50": round(statistics.median(seconds), 3),
        "seconds_p99": round(_percentile(seconds, 99), 3),
        "requests_answered": answers,
        "receipts_missing": answers + others - sum(map(len, logs.values())),
    }


def _percentile(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


if __name__ == "__main__":
    main()
