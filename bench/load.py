"""What custodians bear: ``python -m bench.load N`` writes ``bench/results/load.json``.

An anvil with a block a second and three custodians as processes, each with two ways to it. `WORKERS` programs with `ASKERS` people
each ask without a pause, of all three, one permit for each refusal; every answer is a signed receipt, counted again in the
custodians' logs. Memory is each custodian's resident set, read while it goes. Where the time goes is each process's part of
the processors' time.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
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
from oracle.settings import Settings, open_custodians, open_store, open_suite

from .keepers import Keepers, keepers

RESULTS = Path(__file__).parent / "results" / "load.json"
WORKERS, ASKERS = 2, 16


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
    with tempfile.TemporaryDirectory(prefix="medtwin-load-") as folder, keepers(Path(folder), endpoints=2) as made:
        twin_id, grantee = made.twin(), new_signer()
        grant(
            made.chain, made.keys["owner"], twin_id, grantee.address,
            categories=Category.VITALS, purposes=Purpose.RESEARCH_HEALTH, days=1,
        )  # fmt: skip
        made.mine_every(1)
        found = _load(made, twin_id, grantee, count)
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
    ready = multiprocessing.Barrier(WORKERS + 1)
    programs = [
        multiprocessing.Process(target=_program, args=(made.settings, twin_id, secret, each, number, ready, queue))
        for number in range(WORKERS)
    ]
    for program in programs:
        program.start()
    ready.wait()
    before, began = _used(made, programs), time.monotonic()
    answers: list[tuple[bool, bool, float]] = []
    while len(answers) < each * WORKERS:
        answers += queue.get(timeout=600)
        sizes.append([_resident_mib(made, name) for name in made.services])
    took = time.monotonic() - began
    used = {name: (after - before[name]) / len(answers) for name, after in _used(made, programs).items()}
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
        "processor_ms_per_request": {name: round(1000 * each, 2) for name, each in used.items()},
        "requests_per_s_and_core": round(1 / sum(used.values()), 1),
        "seconds_p50": round(statistics.median(seconds), 4),
        "seconds_p99": round(seconds[len(seconds) * 99 // 100], 4),
        "resident_mib_after_a_tenth": [round(one) for one in sizes[tenth]],
        "resident_mib_at_the_end": [round(one) for one in sizes[-1]],
        "custodians": len(made.services),
        "cores": os.cpu_count(),
    }


def _program(settings: Settings, twin_id: int, secret: bytes, count: int, number: int, ready: Any, queue: Any) -> None:
    """Let people ask the custodians in turn, now with a right, now without; report every hundred answers."""
    asker, custodians = Asker(settings, twin_id, LocalSigner(secret)), open_custodians(settings)
    ready.wait()

    def ask(at: int) -> tuple[bool, bool, float]:
        rightly = (at // len(custodians) + number) % 2 == 0
        return (rightly, *asker.ask(custodians[at % len(custodians)], rightly=rightly))

    with ThreadPoolExecutor(ASKERS) as people:
        answers = people.map(ask, range(count))
        while some := list(islice(answers, 100)):
            queue.put(some)


def _used(made: Keepers, programs: Sequence[multiprocessing.Process]) -> dict[str, float]:
    """Seconds of a processor so far: of the custodians, the chain, and the programs, which are not waited for yet."""

    def of(pid: int | None) -> float:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    return {
        "custodians": sum(of(one.pid) for one in made.services.values()), "chain": of(made.chain_pid),
        "programs": sum(of(one.pid) for one in programs),
    }  # fmt: skip


def _resident_mib(made: Keepers, name: str) -> float:
    """Of one custodian's process."""
    pages = int(Path(f"/proc/{made.services[name].pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
