"""Custodians under everything at once: ``python -m bench.custody KILLS`` writes ``bench/results/custody.json``.

An anvil with a block a second and three custodians as processes, two blocks deep. A patient and an owner of equipment grant, let
grants run out, revoke, withdraw all, hand the equipment on; clinicians break the glass; all of them and strangers ask without
a pause. Meanwhile custodians are killed (SIGKILL) at random instants and started again, and the chain drops its last block.
Afterwards the chain, the custodians' logs and what the askers hold in their hands must agree; see :func:`judge`.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from oracle.adapters.chain import Web3Chain
from oracle.adapters.keys import LocalSigner
from oracle.adapters.memory import new_signer
from oracle.batches.fetch import fetch
from oracle.custody.audit import ASKED_AT_ONCE, verify_receipts
from oracle.errors import CustodyDenied, MedtwinError, Refused
from oracle.formats.receipts import decode
from oracle.ports import AskBlock, AskView, Chain, Custodian, Question, Signer
from oracle.records import Category, Context, KeyRequest, Purpose, Receipt, Release, SealedShare, TwinClass
from oracle.rights.consent import grant, revoke
from oracle.rights.emergency import Reason, open_emergency, voucher
from oracle.settings import open_custodians, open_store, open_suite

from .keepers import ETHER, Keepers, keepers

RESULTS = Path(__file__).parent / "results" / "custody.json"
DEPTH = 2
PURPOSE = Purpose.RESEARCH_HEALTH
DAY_S = 86_400
BETWEEN_KILLS_S = (0.1, 1.2)
Entry = tuple[bytes, bytes]
Logs = Mapping[str, Sequence[Entry]]


@dataclass(slots=True)
class Holding:
    """A custodian whose every answer is kept, as its asker would."""

    behind: Custodian
    receipts: list[tuple[str, Receipt, int]] = field(default_factory=list)
    """Custodian, receipt, number of shares that came with it."""

    @property
    def address(self) -> str:
        return self.behind.address

    def release(self, request: KeyRequest, items: Sequence[tuple[Context, SealedShare]], *more: object) -> Release:
        try:
            release = self.behind.release(request, items, *more)
        except Refused as refused:
            self.receipts.append((self.address, refused.receipt, 0))
            raise
        self.receipts.append((self.address, release.receipt, len(release.shares)))
        return release


@dataclass(slots=True)
class Scene:
    """Who acts on what."""

    made: Keepers
    luck: random.Random
    patient_twin: int
    machine: int
    owner_of_machine: LocalSigner
    people: list[LocalSigner]
    clinicians: list[LocalSigner]
    done: Counter[str] = field(default_factory=Counter)
    held: list[Holding] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


def main() -> None:
    """Run the campaign, print and keep what it showed."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory(prefix="medtwin-custody-") as folder:
        found = campaign(Path(folder), kills, seed)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(RESULTS.read_text("utf-8"))
    if found["faults"]:
        sys.exit("custody did not hold")


def campaign(folder: Path, kills: int, seed: int) -> dict[str, object]:
    """Everything at once until so many kills were made; then the verdict."""
    with keepers(folder, depth=DEPTH) as made:
        scene = _staged(made, random.Random(seed))
        made.mine_every(1)
        threads = [threading.Thread(target=_ask_on, args=(scene, number)) for number in range(3)]
        threads += [threading.Thread(target=_act_on, args=(scene,))]
        for thread in threads:
            thread.start()
        try:
            for at in range(kills):
                time.sleep(scene.luck.uniform(*BETWEEN_KILLS_S))
                _kill(scene, 1 + at % 3)
                if at % 10 == 9:
                    made.rpc("anvil_reorg", 1, [])
                    scene.done["reorganisations"] += 1
        finally:
            scene.over.set()
            for thread in threads:
                thread.join()
        for number in (1, 2, 3):
            made.wait_for(number)
        logs = {one.address: list(one.receipts()) for one in made.custodians}
        held = [kept for holding in scene.held for kept in holding.receipts]
        faults = judge(made.chain, logs, held)
        return {
            "seed": seed, "kills": kills, **scene.done, "answers_held": len(held),
            "permits_held": sum(shares > 0 for _, _, shares in held), "receipts": sum(map(len, logs.values())),
            "faults": faults, "canaries": canaries(made.chain, logs, held),
        }  # fmt: skip


def judge(chain: Chain, logs: Logs, held: Sequence[tuple[str, Receipt, int]]) -> list[str]:
    """What does not agree: receipts lost, doubled or altered, shares without receipt, permits that the chain forbade."""
    faults = []
    try:
        verify_receipts(chain, logs)
    except MedtwinError as error:
        faults.append(f"audit: {error.kind}")
    for address, log in logs.items():
        read = [decode(*entry) for entry in log]
        if [one.number for one in read] != list(range(len(read))):
            faults.append(f"{address}: numbers have gaps")
        permits = Counter((one.grantee, one.nonce) for one in read if one.permitted)
        faults += [f"{address}: one request permitted twice" for count in permits.values() if count > 1]
        faults += [f"{address}: a permit that the chain forbade" for right in _rightly(chain, read) if not right]
    for address, receipt, shares in held:
        log = logs.get(address, ())
        if receipt.number >= len(log) or decode(*log[receipt.number]) != receipt:
            faults.append(f"{address}: a receipt that was handed out is not in its log")
        if shares and not receipt.permitted:
            faults.append(f"{address}: shares with a refusal")
    return faults


def _rightly(chain: Chain, receipts: Sequence[Receipt]) -> list[bool]:
    """For a permit at a block that still stands: the contract itself says yes there. A dropped block supports nothing by
    itself, so its permit must have been right by the block before it, from which a grant was taken for confirmed."""
    permits = [one for one in receipts if one.permitted]
    stands = [head.hash == one.head_hash for one, head in zip(permits, _told(chain, map(_at, permits)), strict=True)]
    asked = (
        AskView(
            ("ConsentRegistry", "isAllowed", one.twin_id, one.grantee, one.category, one.purpose),
            one.head_block if stood else max(0, one.head_block - DEPTH),
        )
        for one, stood in zip(permits, stands, strict=True)
    )
    return list(map(bool, _told(chain, asked)))


def _at(receipt: Receipt) -> AskBlock:
    return AskBlock(receipt.head_block)


def _told(chain: Chain, asked: Iterable[Question]) -> list[Any]:
    """The chain's answers, many of a message."""
    questions = iter(asked)
    return [
        answer for part in iter(lambda: list(islice(questions, ASKED_AT_ONCE)), []) for answer in chain.answers(part)
    ]


def canaries(chain: Chain, logs: Logs, held: Sequence[tuple[str, Receipt, int]]) -> dict[str, bool]:
    """Whether the judge sees what is planted: a lost receipt, an altered one, a share without one, a wrong permit."""
    address, receipt, _ = next(one for one in held if one[1].permitted)
    shorter = {**logs, address: logs[address][: receipt.number]}
    swapped = list(logs[address])
    swapped[0], swapped[-1] = swapped[-1], swapped[0]
    unknown = replace(receipt, nonce=receipt.nonce + 1)
    before = chain.events("ConsentRegistry", "ConsentGranted")[0].block - 1  # the first of all
    early = replace(receipt, head_block=before, head_hash=chain.head(before).hash)
    return {
        "lost": bool(judge(chain, shorter, held)),
        "moved": bool(judge(chain, {**logs, address: swapped}, held)),
        "without a receipt": bool(judge(chain, logs, [(address, unknown, 1)])),
        "forbidden": _rightly(chain, [early]) == [False],
    }


def _staged(made: Keepers, luck: random.Random) -> Scene:
    chain, hospital = made.chain, made.keys["hospital"]
    people, clinicians = [new_signer() for _ in range(6)], [new_signer() for _ in range(2)]
    for signer in (*people, *clinicians):
        made.opened.fund(signer.address, ETHER)
    role = chain.read("EmergencyAccess", "CLINICIAN_ROLE")
    for signer in clinicians:
        chain.write(hospital, "EmergencyAccess", "grantRole", role, signer.address)
    twin, machine = made.twin(), made.twin(TwinClass.EQUIPMENT)
    let_in = voucher(chain).address
    grant(chain, made.keys["owner"], twin, let_in, categories=Category.VITALS, purposes=Purpose.EMERGENCY, days=1)
    return Scene(made, luck, twin, machine, made.keys["owner"], people, clinicians)


def _kill(scene: Scene, number: int) -> None:
    """SIGKILL in the middle of whatever it does; the two others go on meanwhile."""
    service = scene.made.services[f"custodian-{number}"]
    service.signal(signal.SIGKILL)
    service.start()
    scene.done["killed"] += 1
    scene.made.wait_for(number)


def _ask_on(scene: Scene, number: int) -> None:
    """Ask without a pause: people for both twins, clinicians through an emergency, all by a client of one's own."""
    luck, settings = random.Random(scene.luck.random()), scene.made.settings
    chain, store = open_suite(settings), open_store(settings.store)
    held = [Holding(one) for one in open_custodians(settings)]
    scene.held += held
    while not scene.over.is_set():
        through = luck.random() < 0.2
        who: Signer = luck.choice(scene.clinicians if through else scene.people)
        twin = scene.patient_twin if through else luck.choice((scene.patient_twin, scene.machine))
        try:
            fetch(
                chain, store, luck.sample(held, 3), who, twin_id=twin,  # type: ignore[arg-type]
                purpose=int(Purpose.EMERGENCY if through else PURPOSE), category=int(Category.VITALS),
                random_bytes=os.urandom, voucher=voucher(chain) if through else None,
            )  # fmt: skip
            scene.done["fetched"] += 1
        except CustodyDenied:
            scene.done["denied"] += 1
        except MedtwinError as error:
            scene.done[f"failed: {error.kind}"] += 1


def _act_on(scene: Scene) -> None:
    """One act after another on the chain, each at once after the last; a transaction that a reorganisation drops may fail."""
    acts: list[Callable[[Scene, Web3Chain], None]] = [
        _grant, _grant, _grant, _grant_briefly, _revoke, _revoke, _withdraw_all, _hand_on, _break_glass
    ]  # fmt: skip
    chain = open_suite(scene.made.settings)
    while not scene.over.is_set():
        act = scene.luck.choice(acts)
        try:
            act(scene, chain)
            scene.done[act.__name__.strip("_")] += 1
        except (MedtwinError, ValueError):
            scene.done["acts that failed"] += 1


def _target(scene: Scene) -> tuple[LocalSigner, int]:
    machine = scene.luck.random() < 0.4
    return (scene.owner_of_machine, scene.machine) if machine else (scene.made.keys["owner"], scene.patient_twin)


def _grant(scene: Scene, chain: Web3Chain, days: float = 1) -> None:
    owner, twin = _target(scene)
    who = scene.luck.choice(scene.people).address
    grant(chain, owner, twin, who, categories=Category.VITALS, purposes=PURPOSE, days=days)


def _grant_briefly(scene: Scene, chain: Web3Chain) -> None:
    _grant(scene, chain, days=scene.luck.randint(3, 8) / DAY_S)


def _revoke(scene: Scene, chain: Web3Chain) -> None:
    owner, twin = _target(scene)
    revoke(chain, owner, twin, scene.luck.choice(scene.people).address)


def _withdraw_all(scene: Scene, chain: Web3Chain) -> None:
    owner, twin = _target(scene)
    if twin == scene.machine:
        chain.write(owner, "TwinToken", "voidGrants", twin)


def _hand_on(scene: Scene, chain: Web3Chain) -> None:
    following = scene.luck.choice(scene.people)
    owner = scene.owner_of_machine
    chain.write(owner, "TwinToken", "transferFrom", owner.address, following.address, scene.machine)
    scene.owner_of_machine = following


def _break_glass(scene: Scene, chain: Web3Chain) -> None:
    first, second = scene.luck.sample(scene.clinicians, 2)
    open_emergency(chain, first, second, scene.patient_twin, categories=Category.VITALS, reason=Reason.SEPSIS)


if __name__ == "__main__":
    main()
