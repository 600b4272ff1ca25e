"""The revocation race: ``python -m bench.lock N`` writes ``bench/results/lock.json``.

On Ganache and on an anvil with a block a second, three custodians run as processes; on the embedded chain they are objects in
this process. A chain's patient grants to N researchers. Each in turn opens the twin's batches, and goes on asking for their keys
without a pause while the patient revokes. A release is wrong if a custodian permitted it having seen the block of the
revocation or a later one; that is read from the custodians' own receipts.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import track

from oracle.adapters.memory import new_signer
from oracle.adapters.process import free_port
from oracle.batches.anchored import anchored_batches
from oracle.batches.fetch import open_batches
from oracle.errors import CustodyDenied, Refused
from oracle.formats.receipts import decode
from oracle.ports import Chain, Custodian, Signer, Store
from oracle.records import AnchoredBatch, Category, Context, KeyRequest, Purpose, Release, SealedShare
from oracle.rights.consent import grant, revoke
from oracle.serve.demo.world import world
from oracle.serve.devnet import home_of, hospital
from oracle.settings import Settings, open_custodians, open_store
from oracle.twins import kinds

from .keepers import keepers, published_twin

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

    def release(self, request: KeyRequest, items: Sequence[tuple[Context, SealedShare]], *more: object) -> Release:
        try:
            released = self.behind.release(request, items, *more)
        except Refused:
            self.answers += 1
            raise
        self.answers += 1
        return released


@dataclass(frozen=True, slots=True)
class Track:
    """A chain, a twin on it, its batches and its custodians; `threads` where asking and revoking may happen at once.

    The batches are looked up once: on the embedded chain that takes longer with every block, and no key depends on it.
    """

    chain: Chain
    store: Store
    owner: Signer
    twin_id: int
    category: Category
    batches: list[AnchoredBatch]
    custodians: list[Counting]
    threads: bool = True

    def allow(self, who: Signer) -> None:
        """Grant what is raced for."""
        grant(self.chain, self.owner, self.twin_id, who.address, categories=self.category, purposes=PURPOSE, days=1)

    def ask(self, who: Signer) -> None:
        """Open everything."""
        open_batches(
            self.chain, self.store, self.custodians, who, self.batches,  # type: ignore[arg-type]
            grantee=who.address, category=int(self.category), purpose=int(PURPOSE), random_bytes=os.urandom,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Race:
    """One revocation: its block, and the seconds from sending it until the first refusal."""

    researcher: str
    block: int
    seconds: float


def main() -> None:
    """Run the races on every chain and write what was found."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    chosen = sys.argv[2:] or list(TRACKS)
    found = {}
    for name in chosen:
        with tempfile.TemporaryDirectory(prefix="medtwin-lock-") as folder:
            found[name] = _raced(name, Path(folder), [new_signer() for _ in range(times)])
    # Programs read the keys at the top: of Ganache, and the faults of all chains together.
    top = dict(found.get("ganache") or next(iter(found.values())))
    for fault in ("wrong_releases", "receipts_missing"):
        top[fault] = sum(int(one[fault]) for one in found.values())
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({**top, "chains": found}, indent=1) + "\n", "utf-8")
    print(RESULTS.read_text("utf-8"))
    if top["wrong_releases"] or top["receipts_missing"]:
        sys.exit("a share was released after its revocation, or a receipt is missing")


def _raced(name: str, folder: Path, researchers: Sequence[Signer]) -> dict[str, float | int]:
    """All races on one chain, and what its custodians' logs say of them."""
    with TRACKS[name](folder, researchers) as on:
        told = f"{name}: {len(researchers)} revocations"
        races = [_race(on, one) for one in track(researchers, told, console=Console(stderr=True))]
        return _judge(races, on.custodians)


@contextmanager
def _on_ganache(folder: Path, researchers: Sequence[Signer]) -> Iterator[Track]:
    chosen = replace(Settings.read({"MEDTWIN_HOME": str(folder)}), deployment=folder / "deployment.json")
    urls = tuple(f"http://127.0.0.1:{free_port()}" for _ in range(3))
    settings, kind = replace(home_of(chosen, True), custodians=urls), kinds()["pulse"]
    with hospital(settings, kind, free_port(), lambda line: print(line, file=sys.stderr)) as made:
        custodians = [Counting(one) for one in open_custodians(settings)]
        store, owner = open_store(settings.store), made.keys["patient-2"]
        yield _ready(made.chain, store, owner, made.twins[1], Category(kind.category), custodians, researchers)


@contextmanager
def _on_anvil(folder: Path, researchers: Sequence[Signer]) -> Iterator[Track]:
    with keepers(folder) as made:
        twin_id, custodians = made.twin(), [Counting(one) for one in made.custodians]
        on = _ready(made.chain, made.store, made.keys["owner"], twin_id, Category.VITALS, custodians, researchers)
        made.mine_every(1)
        yield on


@contextmanager
def _embedded(folder: Path, researchers: Sequence[Signer]) -> Iterator[Track]:
    with world("embedded", "embedded", folder) as made:
        owner, custodians = made.person("owner"), [Counting(one) for one in made.custodians]
        twin_id = published_twin(made.chain, made.store, made.custodians, owner, made.hospital)
        on = _ready(made.chain, made.store, owner, twin_id, Category.VITALS, custodians, researchers)
        yield replace(on, threads=False)


def _ready(
    chain: Chain, store: Store, owner: Signer, twin_id: int, category: Category, custodians: list[Counting],
    researchers: Sequence[Signer],
) -> Track:  # fmt: skip
    """A track on which every researcher has a grant."""
    on = Track(chain, store, owner, twin_id, category, anchored_batches(chain, twin_id, store), custodians)
    for one in researchers:
        on.allow(one)
    return on


TRACKS: Mapping[str, Callable[[Path, Sequence[Signer]], AbstractContextManager[Track]]] = {
    "embedded": _embedded, "ganache": _on_ganache, "anvil": _on_anvil
}  # fmt: skip


def _race(on: Track, researcher: Signer) -> Race:
    """Open once, then ask until refused, while the owner revokes."""
    on.ask(researcher)
    refused: list[float] = []

    def insist() -> None:
        until = time.monotonic() + GIVE_UP_S
        while time.monotonic() < until:
            try:
                on.ask(researcher)
            except CustodyDenied:
                refused.append(time.monotonic())
                return

    asking = threading.Thread(target=insist)
    if on.threads:
        asking.start()
    sent = time.monotonic()
    block = revoke(on.chain, on.owner, on.twin_id, researcher.address).mined.block
    if on.threads:
        asking.join()
    else:  # a chain in this process takes one caller at a time
        insist()
    if not refused:
        raise SystemExit(f"still not refused after {GIVE_UP_S:.0f} s")
    return Race(researcher.address, block, refused[0] - sent)


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
