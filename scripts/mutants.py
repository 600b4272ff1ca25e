"""Which small changes of the contracts there are, what each would be a mistake of, and which of them change nothing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .install_solc import ROOT

CONTRACTS = ROOT / "contracts"
SWAPS = (
    (r"(?<![<>=!])<=(?!=)", "<"), (r"(?<![<>=!])<(?![<=])", "<="), (r"(?<![<>=!])>=(?!=)", ">"),
    (r"(?<![<>=!])>(?![>=])", ">="), (r"==", "!="), (r"!=", "=="), (r"&&", "||"), (r"\|\|", "&&"),
    (r" \+ ", " - "), (r" - ", " + "), (r" \* ", " / "), (r" / ", " * "), (r"\btrue\b", "false"), (r"\bfalse\b", "true"),
    (r"(?<![\w.])!(?=[\w(])", ""), (r"\+\+", "--"),
    (r"\b0\b", "1"), (r"\b1\b", "2"), (r" \| ", " & "), (r" << ", " >> "),
)  # fmt: skip
"""What is replaced by what, one place at a time."""
TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
NUMBER = re.compile(r"(?<![\w.])\d[\d_]*\b")
CHECK = re.compile(r"\bif \(.*\) revert\b")
STATEMENT = re.compile(r"^\s+(?!return|revert|else|\}|using|import|error|event)[\w\[\].() ,|&=+\-<>!?:]*;$")
EFFECT = re.compile(r"( = |\+= |\|= |^\s+(delete|emit) |^\s+_\w+\()")
LOCAL = re.compile(r"^\s+\w+(\d+)?( memory| storage)? \w+ = ")
DECLARED = re.compile(
    r"\b(private|public|internal|external|constant|immutable|mapping|struct|error|event|pragma|import)\b|assembly"
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
    """One change of one line of one file."""

    file: str
    line: int
    before: str
    after: str

    @property
    def key(self) -> tuple[str, str, str]:
        """As it is argued: wherever in the file the line stands."""
        return self.file, self.before.strip(), self.after.strip()

    @property
    def classes(self) -> list[str]:
        """What it would be a mistake of."""
        return [name for name, pattern in CLASSES.items() if re.search(pattern, self.before)]

    @property
    def text(self) -> str:
        """The whole file with it."""
        lines = (CONTRACTS / self.file).read_text("utf-8").splitlines(keepends=True)
        lines[self.line - 1] = self.after + "\n"
        return "".join(lines)

    def rank(self, seed: int) -> str:
        """Its place in a draw, which changes elsewhere leave as it is."""
        return hashlib.sha256(repr((seed, self.key)).encode()).hexdigest()


def mutants() -> Iterator[Mutant]:
    """All of them, in the order of the files."""
    for path in sorted([*CONTRACTS.glob("*.sol"), *(CONTRACTS / "libraries").glob("*.sol")]):
        name = path.relative_to(CONTRACTS).as_posix()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            code = line.split(" //")[0].rstrip()
            if code.lstrip().startswith(("//", "*", "/*")):
                continue
            yield from (Mutant(name, number, line, after) for after in dict.fromkeys(_changed(code)) if after != line)


def _changed(code: str) -> Iterator[str]:
    bare = TEXT.sub(lambda found: '"' + "_" * (len(found[0]) - 2) + '"', code)  # what a text says is no code
    if " constant " in bare:
        yield from (
            code[: found.start()] + f"({found[0]} + 1)" + code[found.end() :] for found in NUMBER.finditer(bare)
        )
    if not re.match(r"import|pragma", bare) and "assembly" not in bare:
        yield from (
            code[: found.start() + 1] + code[found.start() + 2 :] for found in TEXT.finditer(bare) if len(found[0]) > 2
        )
    if DECLARED.search(bare):
        return
    for pattern, new in SWAPS:
        for found in re.finditer(pattern, bare):
            yield code[: found.start()] + new + code[found.end() :]
    if CHECK.search(bare) and bare.endswith(";"):
        yield re.sub(r"\bif \(.*\) revert\b", "if (false) revert", code)
    if STATEMENT.match(bare) and EFFECT.search(bare) and not LOCAL.match(bare):
        yield " " * (len(code) - len(code.lstrip())) + ";"
