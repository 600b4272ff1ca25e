"""Break the contracts on purpose and see whether the Foundry tests notice: ``python -m scripts.mutate [--sample N]``.

A mutant is one small change of one line. Planted faults (:mod:`scripts.planted`) are tried in the same way. Writes
``bench/results/mutation.json``; survivors are listed, and argued in docs/assurance.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from queue import Queue
from typing import Any

from rich.console import Console
from rich.progress import Progress

from .foundry import environment, forge_command
from .install_solc import ROOT
from .planted import PLANTED

RESULTS = ROOT / "bench" / "results" / "mutation.json"
SCRATCH = ROOT / "build" / "mutants"
CONTRACTS = ROOT / "contracts"
LEAST_KILLED = 0.95
MOST_S = 300
SHORT = {"FOUNDRY_INVARIANT_RUNS": "2"}  # 16,384 steps a mutant
SWAPS = (
    (r"(?<![<>=!])<=(?!=)", "<"), (r"(?<![<>=!])<(?![<=])", "<="), (r"(?<![<>=!])>=(?!=)", ">"),
    (r"(?<![<>=!])>(?![>=])", ">="), (r"==", "!="), (r"!=", "=="), (r"&&", "||"), (r"\|\|", "&&"),
    (r" \+ ", " - "), (r" - ", " + "), (r" \* ", " / "), (r" / ", " * "), (r"\btrue\b", "false"), (r"\bfalse\b", "true"),
    (r"(?<![\w.])!(?=[\w(])", ""), (r"\+\+", "--"),
    (r"\b0\b", "1"), (r"\b1\b", "2"), (r" \| ", " & "), (r" << ", " >> "),
)  # fmt: skip
"""What is replaced by what, one place at a time."""
CHECK = re.compile(r"\bif \(.*\) revert\b")
STATEMENT = re.compile(r"^\s+(?!return|revert|else|\}|using|import|error|event)[\w\[\].() ,|&=+\-<>!?:]*;$")
EFFECT = re.compile(r"( = |\+= |\|= |^\s+(delete|emit) |^\s+_\w+\()")
DECLARED = re.compile(
    r"\b(private|public|internal|external|constant|immutable|mapping|struct|error|event|pragma|import)\b"
)
CLASSES = {
    "authorisation": r"msg\.sender|[oO]wner|hasRole|[sS]ign(er|ature)|[nN]once|DENIED|REVOKED|covers|contains|_check",
    "expiry": r"block\.timestamp|expiry|deadline|until|[eE]poch|notBefore|revokedAt|stop\b|readyAt",
    "escrow": r"paid|earned|withdrawn|amount|price|credit|refund|[sS]hare|forProtocol|forCustodian",
    "quorum": r"[qQ]uorum|faulty|previous|ascending|_standings|[rR]ound|threshold|supporters",
}
"""What a mistake in a line would be a mistake of; all of these must be noticed."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one file."""

    file: str
    line: int
    before: str
    after: str


def mutants() -> Iterator[Mutant]:
    """All of them, in the order of the files."""
    for path in sorted([*CONTRACTS.glob("*.sol"), *(CONTRACTS / "libraries").glob("*.sol")]):
        name = path.relative_to(CONTRACTS).as_posix()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            code = line.split("//")[0]
            if not code.strip() or code.lstrip().startswith(("*", "/*")) or '"' in code or DECLARED.search(code):
                continue
            yield from (Mutant(name, number, line, after) for after in dict.fromkeys(_changed(code)) if after != line)


def _changed(code: str) -> Iterator[str]:
    for pattern, new in SWAPS:
        for found in re.finditer(pattern, code):
            yield code[: found.start()] + new + code[found.end() :]
    if CHECK.search(code) and code.rstrip().endswith(";"):
        yield re.sub(r"\bif \(.*\) revert\b", "if (false) revert", code)
    if STATEMENT.match(code) and EFFECT.search(code) and not re.match(r"^\s+\w+(\d+)?( memory| storage)? \w+ = ", code):
        yield " " * (len(code) - len(code.lstrip())) + ";"


class Bench:
    """A copy of the project in which one mutant lives at a time."""

    def __init__(self, number: int) -> None:
        self.folder = SCRATCH / str(number)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for name in ("contracts", "tests/foundry"):
            shutil.copytree(ROOT / name, self.folder / name)
        shutil.copy(ROOT / "foundry.toml", self.folder)
        (self.folder / "node_modules").symlink_to(ROOT / "node_modules")
        self._test()  # compiles everything once

    def _test(self, only: str = "") -> tuple[bool, str]:
        match = ["--match-path", f"tests/foundry/{only}.t.sol"] if only else []
        ran = subprocess.run(
            [*forge_command("test"), "--fail-fast", *match], cwd=self.folder, env=environment() | SHORT, capture_output=True,
            text=True, timeout=MOST_S, check=False,
        )  # fmt: skip
        return ran.returncode == 0, ran.stdout + ran.stderr

    def fate(self, file: str, text: str) -> str:
        """``killed``, ``survived`` or ``stillborn`` (it does not compile)."""
        path = self.folder / "contracts" / file
        original = path.read_text("utf-8")
        path.write_text(text, "utf-8")
        try:
            own = path.stem if (self.folder / "tests" / "foundry" / f"{path.stem}.t.sol").exists() else ""
            for only in dict.fromkeys((own, "")):
                passed, said = self._test(only)
                if "Compiler run failed" in said or "Compilation failed" in said or "solc exited" in said:
                    return "stillborn"
                if not passed and "[FAIL" not in said:
                    raise RuntimeError(f"forge ended badly with no test failing:\n{said[-2_000:]}")
                if not passed:
                    return "killed"
        except subprocess.TimeoutExpired:
            return "killed"  # it never ends, which no test does
        finally:
            path.write_text(original, "utf-8")
        return "survived"


def text_of(mutant: Mutant) -> str:
    """The whole file with the mutant in it."""
    lines = (CONTRACTS / mutant.file).read_text("utf-8").splitlines(keepends=True)
    lines[mutant.line - 1] = mutant.after + "\n"
    return "".join(lines)


def main() -> None:
    """Try planted faults and mutants, write, fail below the floor."""
    asked = argparse.ArgumentParser(prog="scripts.mutate")
    asked.add_argument("--sample", type=int, help="so many, drawn; without it, all")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    chosen = asked.parse_args()
    began, everything = time.perf_counter(), list(mutants())
    drawn = everything if chosen.sample is None else random.Random(chosen.seed).sample(everything, len(everything))
    benches: Queue[Bench] = Queue()
    with ThreadPoolExecutor(chosen.workers) as pool:
        for made in pool.map(Bench, range(chosen.workers)):
            benches.put(made)
        if not all(passed for passed, _ in [benches.queue[0]._test()]):
            sys.exit("the tests fail without any mutant; see make test-foundry")

        def judge(file: str, text: str) -> str:
            bench = benches.get()
            try:
                return bench.fate(file, text)
            finally:
                benches.put(bench)

        planted = _planted(pool, judge)
        found = _sample(pool, judge, drawn, chosen.sample or len(drawn))
    found |= {**planted, "of": len(everything), "seed": chosen.seed, "seconds": round(time.perf_counter() - began)}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(json.dumps(found, indent=1))
    if found["planted_caught"] < found["planted"] or found["killed"] < LEAST_KILLED * found["mutants"]:
        sys.exit("a planted fault was not caught, or too many mutants live")


def _planted(pool: ThreadPoolExecutor, judge: Any) -> dict[str, Any]:
    def text(file: str, before: str, after: str) -> str:
        whole = (CONTRACTS / file).read_text("utf-8")
        if before not in whole:
            sys.exit(f"{file} has no longer: {before}")
        return whole.replace(before, after, 1)

    fates = list(pool.map(lambda one: judge(one[0], text(*one)), PLANTED))
    missed = [{"file": one[0], "before": one[1]} for one, fate in zip(PLANTED, fates, strict=True) if fate != "killed"]
    return {"planted": len(PLANTED), "planted_caught": len(PLANTED) - len(missed), "planted_missed": missed}


def _sample(pool: ThreadPoolExecutor, judge: Any, drawn: list[Mutant], wanted: int) -> dict[str, Any]:
    """Fates of the first `wanted` that compile."""
    fates: list[tuple[Mutant, str]] = []
    at = 0
    with Progress(console=Console(stderr=True)) as shown:
        task = shown.add_task("mutants", total=wanted)

        def tried(one: Mutant) -> tuple[Mutant, str]:
            fate = judge(one.file, text_of(one))
            shown.advance(task, fate != "stillborn")
            return one, fate

        while len(fates) < wanted and at < len(drawn):
            part = drawn[at : at + wanted - len(fates)]
            at += len(part)
            fates += [one for one in pool.map(tried, part) if one[1] != "stillborn"]
    survivors = [asdict(one) for one, fate in fates if fate == "survived"]
    return {
        "mutants": len(fates), "killed": len(fates) - len(survivors), "survivors": survivors,
        "classes": {name: _tally(fates, pattern) for name, pattern in CLASSES.items()},
    }  # fmt: skip


def _tally(fates: list[tuple[Mutant, str]], pattern: str) -> dict[str, int]:
    """Of one class: how many were tried and how many killed."""
    of_class = [fate for one, fate in fates if re.search(pattern, one.before)]
    return {"mutants": len(of_class), "killed": of_class.count("killed")}


if __name__ == "__main__":
    main()
