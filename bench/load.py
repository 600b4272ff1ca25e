"""What custodians bear: ``python -m bench.load N`` writes ``bench/results/load.json``.

An anvil with a block a second and three custodians as processes. `WORKERS` programs ask without a pause, each of all three, one
permit for each refusal; every answer is a signed receipt, counted again in the custodians' logs. Memory is each
custodian's resident set, read while it goes. Where the time goes is measured by a profile of one custodian in this process.
"""

from __future__ import annotations

import cProfile
import json
import multiprocessing
import os
import pstats
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from oracle.adapters.keys import LocalSigner
from oracle.adapters.memory import new_signer
from oracle.batches.fetch import anchored_batches
from oracle.errors import Refused
from oracle.formats import hpke
from oracle.formats.envelope import parse_header
from oracle.formats.receipts import request_digest
from oracle.formats.typed_data import Domain
from oracle.ports import Custodian
from oracle.records import Category, KeyRequest, Purpose
from oracle.rights.consent import grant
from oracle.settings import Settings, open_custodian, open_custodians, open_store, open_suite

from .keepers import Keepers, keepers

RESULTS = Path(__file__).parent / "results" / "load.json"
WORKERS = 2
PROFILED = 200
PARTS = {
    "chain": ("adapters/chain.py",), "journal": ("adapters/custody.py",), "sealing": ("hpke.py", "envelope.py"),
    "signatures": ("typed_data.py", "adapters/keys.py"),
}  # fmt: skip


class Asker:
    """One who asks for the twin's batches, with and without a right to them."""

    def __init__(self, settings: Settings, twin_id: int, grantee: LocalSigner) -> None:
        self._chain, store = open_suite(settings), open_store(settings.store)
        self._twin_id, self._grantee = twin_id, grantee
        batches = anchored_batches(self._chain, twin_id)
        self._digests = tuple(one.batch.digest for one in batches)
        self._headers = [parse_header(store.get(one)) for one in self._digests]
        self._key = hpke.public_key(hpke.new_key(os.urandom))
        self._domain = Domain(self._chain.chain_id, self._chain.address("ConsentRegistry"))

    def ask(self, custodian: Custodian, *, rightly: bool) -> tuple[bool, float]:
        """Whether it was permitted, and the seconds until the answer."""
        purpose = Purpose.RESEARCH_HEALTH if rightly else Purpose.CARE
        request = KeyRequest(
            self._twin_id, self._grantee.address, self._key, self._digests, int(Category.VITALS), int(purpose),
            int.from_bytes(os.urandom(16), "big"), int(time.time()) + 600,
        )  # fmt: skip
        signed = replace(request, signature=self._grantee.sign_digest(request_digest(self._domain, request)))
        items = [
            (header.context, next(one for one in header.shares if one.custodian == custodian.address))
            for header in self._headers
        ]
        began = time.perf_counter()
        try:
            permitted = custodian.release(signed, items).receipt.permitted
        except Refused:
            permitted = False
        return permitted, time.perf_counter() - began


def main() -> None:
    """Load them and write what was found."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory(prefix="medtwin-load-") as folder, keepers(Path(folder)) as made:
        twin_id, grantee = made.twin(), new_signer()
        grant(
            made.chain, made.keys["owner"], twin_id, grantee.address,
            categories=Category.VITALS, purposes=Purpose.RESEARCH_HEALTH, days=1,
        )  # fmt: skip
        made.mine_every(1)
        found = _load(made, twin_id, grantee, count) | {"share_of_time": _profile(made, twin_id, grantee)}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(RESULTS.read_text("utf-8"))
    if found["receipts_missing"] or found["wrong_answers"]:
        sys.exit("an answer is wrong, or has no receipt")


def _load(made: Keepers, twin_id: int, grantee: LocalSigner, count: int) -> dict[str, Any]:
    sizes = [[_resident_mib(made, name) for name in made.services]]
    queue: multiprocessing.Queue[list[tuple[bool, bool, float]]] = multiprocessing.Queue()
    secret = grantee._secret_32_bytes
    each = count // WORKERS
    programs = [
        multiprocessing.Process(target=_program, args=(made.settings, twin_id, secret, each, number, queue))
        for number in range(WORKERS)
    ]
    began = time.monotonic()
    for program in programs:
        program.start()
    answers: list[tuple[bool, bool, float]] = []
    while len(answers) < each * WORKERS:
        answers += queue.get(timeout=600)
        sizes.append([_resident_mib(made, name) for name in made.services])
    took = time.monotonic() - began
    for program in programs:
        program.join()
    logged = sum(sum(1 for _ in one.receipts()) for one in made.custodians)
    seconds = sorted(second for *_, second in answers)
    tenth = max(1, len(sizes) // 10)
    return {
        "requests": len(answers),
        "permitted": sum(permitted for _, permitted, _ in answers),
        "wrong_answers": sum(permitted != rightly for rightly, permitted, _ in answers),
        "receipts_missing": len(answers) - logged,
        "seconds": round(took, 1),
        "requests_per_s": round(len(answers) / took, 1),
        "seconds_p50": round(statistics.median(seconds), 4),
        "seconds_p99": round(seconds[len(seconds) * 99 // 100], 4),
        "resident_mib_after_a_tenth": [round(one) for one in sizes[tenth]],
        "resident_mib_at_the_end": [round(one) for one in sizes[-1]],
        "custodians": len(made.services),
        "cores": os.cpu_count(),
    }


def _program(settings: Settings, twin_id: int, secret: bytes, count: int, number: int, queue: Any) -> None:
    """Ask the custodians in turn, now with a right, now without; report every hundred answers."""
    asker, custodians = Asker(settings, twin_id, LocalSigner(secret)), open_custodians(settings)
    told: list[tuple[bool, bool, float]] = []
    for at in range(count):
        rightly = (at // len(custodians) + number) % 2 == 0
        told.append((rightly, *asker.ask(custodians[at % len(custodians)], rightly=rightly)))
        if len(told) == 100 or at == count - 1:
            queue.put(told)
            told = []


def _resident_mib(made: Keepers, name: str) -> float:
    """Of one custodian's process."""
    pages = int(Path(f"/proc/{made.services[name].pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _profile(made: Keepers, twin_id: int, grantee: LocalSigner) -> dict[str, float]:
    """Share of a custodian's time in each part of it, by functions of ours on the outermost level of the part."""
    keeper = open_custodian(made.folder / "profiled", made.keys["custodian-1"], [open_suite(made.settings)])
    twin = keeper._state  # the keys of the true custodian 1, whose files it may read while nobody asks
    private = open_custodian(made.state_of(1), made.keys["custodian-1"], [made.chain])._state.key(twin_id, bytes)
    twin.key(twin_id, lambda: private or b"")
    asker, profile = Asker(made.settings, twin_id, grantee), cProfile.Profile()
    asker.ask(keeper, rightly=True)
    profile.enable()
    for at in range(PROFILED):
        asker.ask(keeper, rightly=at % 2 == 0)
    profile.disable()
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    whole = sum(own for _, _, own, _, _ in stats.values())
    shares = {part: _entered(stats, files) / whole for part, files in PARTS.items()}
    return {part: round(share, 2) for part, share in shares.items()}


def _entered(stats: Any, files: Sequence[str]) -> float:
    """Seconds below functions of these files when called from others."""

    def inside(place: tuple[str, int, str]) -> bool:
        return any(place[0].endswith(f"oracle/{file}") for file in files)

    return sum(
        below for place, (_, _, _, _, callers) in stats.items() if inside(place)
        for caller, (_, _, _, below) in callers.items() if not inside(caller)
    )  # fmt: skip


if __name__ == "__main__":
    main()
