"""Break the contracts on purpose and see whether the Foundry tests notice: ``python -m scripts.mutate [--sample N]``.

A mutant is one small change of one line (:mod:`scripts.mutants`). Planted faults (:mod:`scripts.planted`) are tried in
the same way, but by the tests of their own contract alone; ``--sample 0`` tries nothing else. What is changed is compiled
by itself and put in the place of what forge built, so that no test is compiled again; what compiles to the same code is
no mutant. Writes ``bench/results/mutation.json``. Each survivor must be argued in :mod:`scripts.survivors`. ``--resume``
goes on with a run that was broken off, or tries again what lived in the last one: what was killed is not tried twice.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from queue import Queue
from typing import Any

from .foundry import environment, forge_command
from .install_solc import ROOT
from .mutants import CLASSES, Mutant, mutants
from .planted import PLANTED
from .survivors import ARGUED
from .variants import NOTHING, Change, compiled, needed, reached, texts

RESULTS = ROOT / "bench" / "results" / "mutation.json"
SCRATCH = ROOT / "build" / "mutants"
DEAD = ROOT / "build" / "mutants.killed"
LEAST_OF_SAMPLE, LEAST_OF_ALL = 0.95, 0.97
BATCH = 16
MOST_S = 600
SHORT = {
    "FOUNDRY_FUZZ_RUNS": "64",
    "FOUNDRY_INVARIANT_RUNS": "1",  # 8,192 steps
    "FOUNDRY_INVARIANT_SHRINK_RUN_LIMIT": "0",
    "FOUNDRY_LINT_LINT_ON_BUILD": "false",
    "FOUNDRY_CODE_SIZE_LIMIT": "1000000",  # what is not optimised is longer
}
EVERYTHING = "**"


class Bench:
    """A copy of the project and of what forge built of it, in which one change lives at a time."""

    def __init__(self, number: int) -> None:
        self.folder = SCRATCH / str(number)
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("contracts", "tests/foundry", "build/foundry/out", "build/foundry/cache"):
            if (ROOT / name).exists():
                shutil.copytree(ROOT / name, self.folder / name)
        shutil.copy(ROOT / "foundry.toml", self.folder)
        library = "node_modules/@openzeppelin/contracts"  # no link to it: forge would take it for another
        shutil.copytree(ROOT / library, self.folder / library, ignore=shutil.ignore_patterns("build"))
        self._forge("build")

    def fate(self, codes: dict[str, str], own: str, most: str = EVERYTHING) -> str:
        """``killed`` by the tests that match `own`, or else `most`; or ``survived``."""
        artifacts = {self.folder / "build" / "foundry" / "out" / f"{name}.json": code for name, code in codes.items()}
        originals = {path: path.read_text("utf-8") for path in artifacts}
        for path, code in artifacts.items():
            artifact = json.loads(originals[path])
            artifact["bytecode"]["object"] = f"0x{code}"
            path.write_text(json.dumps(artifact), "utf-8")
        try:
            passed = all(self._passes(tests) for tests in dict.fromkeys((own, most)) if tests)
        finally:
            for path, text in originals.items():
                path.write_text(text, "utf-8")
            for kept in ("fuzz", "invariants"):  # what found one mutant does not help to find the next
                shutil.rmtree(self.folder / "build" / "foundry" / kept, ignore_errors=True)
        return "survived" if passed else "killed"

    def _passes(self, tests: str) -> bool:
        try:
            ran = self._forge("test", "--fail-fast", "--threads", "1", "--match-path", f"tests/foundry/{tests}.t.sol")
        except subprocess.TimeoutExpired:
            return False  # it never ends, which no test does
        if "Compiling" in ran.stdout or (ran.returncode and "[FAIL" not in ran.stdout):
            raise RuntimeError(f"forge did not just test:\n{(ran.stdout + ran.stderr)[-2_000:]}")
        return ran.returncode == 0

    def _forge(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            forge_command(*arguments), cwd=self.folder, env=environment() | SHORT, capture_output=True, text=True,
            timeout=MOST_S, check=False,
        )  # fmt: skip


def own_tests(file: str) -> str:
    """Pattern of the tests named after the contracts that a file is part of; empty where there are none."""
    names = sorted({name.rpartition("/")[2].removesuffix(".sol") for name in reached(file)})
    tested = [name for name in names if any((ROOT / "tests" / "foundry").glob(f"{name}*.t.sol"))]
    return f"{{{','.join(tested)}}}*" if tested else ""


def _name(change: Change, most: str) -> str:
    """The same while neither it nor what it is compiled with changes."""
    file, text = change
    beside = sorted(frozenset().union(*map(needed, reached(file))) - {file})
    facts = [file, text, most, [(name, texts()[name]) for name in beside]]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


class Court:
    """Benches, workers that compile changes and try them there, and a file of what they killed."""

    def __init__(self, workers: int) -> None:
        self._pool = ThreadPoolExecutor(workers)
        self._benches: Queue[Bench] = Queue()
        self._originals = compiled([NOTHING])[0] or {}
        self._dead = set(DEAD.read_text("utf-8").split()) if DEAD.exists() else set()
        first, *others = map(Bench, range(workers))
        if first.fate(self._originals, "") != "survived":
            sys.exit("the tests fail without any mutant; see make test-foundry")
        for bench in (first, *others):
            self._benches.put(bench)

    def fates(self, changes: Sequence[Change], most: str = EVERYTHING) -> Iterator[str]:
        """``killed``, ``survived``, ``stillborn`` (it does not compile) or ``same`` for each."""
        batches = [changes[at : at + BATCH] for at in range(0, len(changes), BATCH)]
        for found in self._pool.map(lambda batch: self._tried(batch, most), batches):
            yield from found

    def _tried(self, batch: Sequence[Change], most: str) -> list[str]:
        bench, names = self._benches.get(), [_name(change, most) for change in batch]
        try:
            alive = [change for change, name in zip(batch, names, strict=True) if name not in self._dead]
            fates = (self._fate(bench, *one, most) for one in zip(alive, compiled(alive) if alive else [], strict=True))
            return ["killed" if name in self._dead else self._noted(name, next(fates)) for name in names]
        finally:
            self._benches.put(bench)

    def _fate(self, bench: Bench, change: Change, codes: dict[str, str] | None, most: str) -> str:
        if codes is None:
            return "stillborn"
        changed = {name: code for name, code in codes.items() if code != self._originals[name]}
        return bench.fate(changed, own_tests(change[0]), most) if changed else "same"

    def _noted(self, name: str, fate: str) -> str:
        if fate == "killed":
            with DEAD.open("a", encoding="utf-8") as dead:
                dead.write(name + "\n")
        return fate


def plant(court: Court, wanted: int) -> dict[str, Any]:
    """What the planted faults' own tests catch of so many of them, from first to last at equal distances."""
    faults = [PLANTED[at * len(PLANTED) // wanted] for at in range(wanted)]
    changes = []
    for file, before, after in faults:
        if before not in texts()[file]:
            sys.exit(f"{file} has no longer: {before}")
        changes.append((file, texts()[file].replace(before, after, 1)))
    fates = court.fates(changes, most="")
    missed = [{"file": one[0], "before": one[1]} for one, fate in zip(faults, fates, strict=True) if fate != "killed"]
    return {"planted": wanted, "planted_caught": wanted - len(missed), "planted_missed": missed}


def sample(court: Court, drawn: Sequence[Mutant], wanted: int) -> dict[str, Any]:
    """Fates of the first `wanted` that are mutants."""
    fates: list[tuple[Mutant, str]] = []
    at = 0
    while len(fates) < wanted and at < len(drawn):
        part = drawn[at : at + wanted - len(fates)]
        at += len(part)
        for one, fate in zip(part, court.fates([(one.file, one.text) for one in part]), strict=True):
            if fate in ("killed", "survived"):
                fates.append((one, fate))
            if fate == "survived":
                print(f"survived: {one.file}:{one.line} {one.after.strip()}", file=sys.stderr, flush=True)
    survivors = [one for one, fate in fates if fate == "survived"]
    return {
        "mutants": len(fates), "killed": len(fates) - len(survivors),
        "survivors": [asdict(one) | {"classes": one.classes, "argued": ARGUED.get(one.key)} for one in survivors],
        "classes": {
            name: {
                "mutants": sum(name in one.classes for one, _ in fates),
                "killed": sum(name in one.classes and fate == "killed" for one, fate in fates),
            }
            for name in CLASSES
        },
    }  # fmt: skip


def complaints(found: dict[str, Any]) -> list[str]:
    """What is below its floor, in words."""
    wrong = [f"not caught: {one['before']} in {one['file']}" for one in found["planted_missed"]]
    wrong += [
        f"not argued: {one['file']}:{one['line']} {one['after'].strip()}"
        for one in found["survivors"]
        if not one["argued"]
    ]
    least = LEAST_OF_ALL if found["mutants"] > found["of"] / 2 else LEAST_OF_SAMPLE
    if found["killed"] < least * found["mutants"]:
        wrong.append(f"only {found['killed']} of {found['mutants']} mutants killed")
    return wrong


def main() -> int:
    """1 when a planted fault was not caught, a survivor is not argued, or too many live."""
    asked = argparse.ArgumentParser(prog="scripts.mutate")
    asked.add_argument("--sample", type=int, help="so many, drawn; without it, all")
    asked.add_argument(
        "--planted", type=int, default=len(PLANTED), help="so many of the planted faults; without it, all"
    )
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    asked.add_argument("--resume", action="store_true", help="do not try again what an earlier run killed")
    chosen = asked.parse_args()
    if not chosen.resume:
        DEAD.unlink(missing_ok=True)
    began, everything = time.perf_counter(), list(mutants())
    wanted = len(everything) if chosen.sample is None else chosen.sample
    court = Court(chosen.workers)
    drawn = sorted(everything, key=lambda one: one.rank(chosen.seed))
    found = sample(court, drawn, wanted) | plant(court, chosen.planted)
    found |= {"of": len(everything), "seed": chosen.seed, "seconds": round(time.perf_counter() - began)}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    wrong = complaints(found)
    print(
        "\n".join(wrong)
        or f"mutants: {found['killed']} of {found['mutants']} killed, the others argued; "
        f"{found['planted_caught']} of {found['planted']} planted faults caught by their own tests"
    )
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
