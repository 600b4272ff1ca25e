"""Add up the JUnit reports of several test runs into one closing line, such as ``== 312 passed in 1234.56s ==``.

A run that left no report, or ended badly with a report that shows no failure, counts as an error.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree


@dataclass(frozen=True, slots=True)
class Tally:
    """How many tests ended which way, and the time they took (s)."""

    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    time_s: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.passed + other.passed,
            self.failed + other.failed,
            self.errors + other.errors,
            self.skipped + other.skipped,
            self.time_s + other.time_s,
        )

    @property
    def clean(self) -> bool:
        """Whether tests ran and every one of them passed."""
        return self.passed > 0 and not (self.failed or self.errors or self.skipped)

    def line(self) -> str:
        """The closing line; what did not happen is left out."""
        errors = "error" if self.errors == 1 else "errors"
        counts = {"passed": self.passed, "failed": self.failed, errors: self.errors, "skipped": self.skipped}
        told = ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "no tests ran"
        return f"== {told} in {self.time_s:.2f}s =="


def read_report(path: Path) -> Tally:
    """Tally of one JUnit report (a ``testsuite``, or several in ``testsuites``)."""
    total = Tally()
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        failed, errors, skipped = (int(suite.get(name, 0)) for name in ("failures", "errors", "skipped"))
        passed = max(0, int(suite.get("tests", 0)) - failed - errors - skipped)
        total += Tally(passed, failed, errors, skipped, float(suite.get("time", 0)))
    return total


def read_run(folder: Path, name: str) -> Tally:
    """Tally of the run whose report is ``<name>.xml`` and whose exit code, if kept, is in ``<name>.exit``."""
    report, kept = folder / f"{name}.xml", folder / f"{name}.exit"
    exit_code = int(kept.read_text("utf-8")) if kept.exists() else 0
    try:
        tally = read_report(report)
    except (OSError, ElementTree.ParseError) as error:
        print(f"{name}: no report of its tests ({error})", file=sys.stderr)
        return Tally(errors=1)
    if not tally.passed and not tally.failed and not tally.errors:
        print(f"{name}: no test of it passed", file=sys.stderr)
        return tally + Tally(errors=1)
    if exit_code and not tally.failed and not tally.errors:
        print(f"{name}: ended with exit code {exit_code} though no test failed", file=sys.stderr)
        return tally + Tally(errors=1)
    return tally


def main() -> None:
    """Print the closing line; exit 1 unless tests ran and all passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="+")
    asked = parser.parse_args()
    total = sum((read_run(asked.folder, name) for name in asked.names), Tally())
    line = total.line()
    (asked.folder / "closing_line.txt").write_text(line + "\n", "utf-8")
    print(line, flush=True)
    sys.exit(0 if total.clean else 1)


if __name__ == "__main__":
    main()
