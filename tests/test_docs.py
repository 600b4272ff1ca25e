"""What the documentation says is so: paths, links, commands, tables, figures, and every worked example."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import shlex
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_typed_data

from oracle.formats.typed_data import NAME, TYPES, VERSION, Domain, digest
from oracle.records import Category, Purpose
from oracle.rights.emergency import Reason
from oracle.serve.cli import app
from oracle.serve.demo.facts import Facts

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECRET = (1).to_bytes(32, "big")
MADE = {".git", "deployments"}  # beside what .gitignore names


def named(page: Path) -> str:
    """A page's path as people say it."""
    return page.relative_to(ROOT).as_posix()


def fences(page: Path, kind: str) -> list[tuple[str, str]]:
    """(the rest of the fence's first line, content) of one kind."""
    found = FENCE.findall(page.read_text("utf-8"))
    return [(info.partition(" ")[2], body) for info, body in found if info.split(" ")[0] == kind]


def vectors() -> dict[str, dict[str, Any]]:
    """The worked examples of formats.md by name."""
    page = ROOT / "docs" / "formats.md"
    return {info.removeprefix("vector "): json.loads(body) for info, body in fences(page, "json")}


@cache
def anchors(page: Path) -> set[str]:
    """Headings as GitHub makes anchors of them."""
    heads = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def commands() -> list[tuple[str, str]]:
    """(page, line) of every ``medtwin`` command in a console block."""
    lines = []
    for page in PAGES:
        for _, body in fences(page, "console"):
            for line in re.findall(r"medtwin (?:[^|)\n])+", body):
                lines.append((named(page), line.split(" > ")[0].split("#")[0].strip()))
    return lines


# -- paths, links, commands ----------------------------------------------------------------


def test_readme_tree_is_the_repository() -> None:
    """Every path of the tree exists, and everything at the top is in it."""
    (_, tree), *_ = fences(ROOT / "README.md", "text")
    folder, told = "", set()
    for line in tree.splitlines():
        name = line.split()[0]
        folder = folder if line.startswith(" ") else name if name.endswith("/") else ""
        path = folder + name if line.startswith(" ") else name
        assert (ROOT / path).exists(), path
        assert (ROOT / path).is_dir() == path.endswith("/"), path
        told.add(path.split("/")[0])
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().split()}
    real = {path.name for path in ROOT.iterdir()} - ignored - MADE
    assert {name for name in real if not name.endswith(".egg-info") and not name.startswith(".coverage")} == told


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    """Relative links name files that exist, with headings that exist."""
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", page.read_text("utf-8"))):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        wanted = (page.parent / path).resolve() if path else page
        assert wanted.exists(), target
        assert not anchor or anchor in anchors(wanted), target


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_files_and_tests_named_exist(page: Path) -> None:
    """Paths in code quotes or tables, and tests named as file::function."""
    text = page.read_text("utf-8")
    for path, test in re.findall(r"\b(tests/[\w/]+\.(?:py|json|t\.sol))(?:::(test_\w+))?", text):
        assert (ROOT / path).is_file(), path
        word = "function" if path.endswith(".sol") else "def"
        assert not test or f"{word} {test}(" in (ROOT / path).read_text("utf-8"), f"{path}::{test}"
    for path in re.findall(r"`((?:oracle|contracts|scripts|docs)/[\w./-]+)`", text):
        assert (ROOT / path).exists(), path


def test_contracts_are_as_long_as_told() -> None:
    """Lines with code, of contracts and libraries and of interfaces; and the longest file."""

    def code(path: Path) -> int:
        text = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text("utf-8"), flags=re.DOTALL)
        lines = [line for line in text.splitlines() if line.strip()]
        return sum(not line.startswith(("pragma ", "import ")) for line in lines)

    ours = [path for path in (ROOT / "contracts").rglob("*.sol") if path.parent.name != "mocks"]
    declared = sum(code(path) for path in ours if path.parent.name == "interfaces")
    told = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    said = re.search(r"are ([\d,]+) lines of contracts and libraries and (\d+) of\s+interfaces", told)
    assert said
    assert [said[1], said[2]] == [f"{sum(map(code, ours)) - declared:,}", f"{declared}"]
    assert max(len(path.read_text("utf-8").splitlines()) for path in ours) <= 250


def test_make_targets_named_exist() -> None:
    """Every ``make X`` is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        text = page.read_text("utf-8")
        told = re.findall(r"`make ([a-z0-9-]+)", text) + re.findall(r"^\$ make ([a-z0-9-]+)", text, re.MULTILINE)
        assert set(told) <= targets, named(page)


@pytest.mark.parametrize(("page", "line"), commands())
def test_command_is_one_the_program_has(page: str, line: str) -> None:
    """Path, options, needed options and number of arguments."""
    words = shlex.split(line)[1:]
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands") and words:
        word = words.pop(0)
        if word.startswith("-"):
            assert word in options(command), line
        else:
            assert word in command.commands, line
            command = command.commands[word]
    known, given, arguments = options(command), set(), 0
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            arguments += 1
            continue
        assert word in known, f"{page}: {line}: {word}"
        given.add(known[word].name)
        if not known[word].is_flag:
            words.pop(0)
    places = [one for one in command.params if one.param_type_name == "argument"]
    assert sum(one.required for one in places) <= arguments <= len(places), f"{page}: {line}"
    assert {one.name for one in known.values() if one.required} <= given, f"{page}: {line}"


def options(command: Any) -> dict[str, Any]:
    """A command's options by their spellings."""
    found = [one for one in command.params if one.param_type_name == "option"]
    return {spelling: one for one in found for spelling in (*one.opts, *one.secondary_opts)}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_python_blocks_compile(page: Path) -> None:
    """Every Python block is Python."""
    for name, body in fences(page, "python"):
        compile(body, name or named(page), "exec")


# -- tables and words ----------------------------------------------------------------------


def test_bit_tables_are_the_code() -> None:
    """Categories, purposes and reasons of formats.md are the enumerations."""
    text = (ROOT / "docs" / "formats.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", text, re.MULTILINE)
    bits = [(str(flag.value), str(flag.name).lower()) for kind in (Category, Purpose) for flag in kind]
    assert rows == bits
    for reason in Reason:
        assert re.search(rf"\b{reason.value} `{reason.name.lower()}`", text)


def test_refusals_types_settings_and_facts_are_all_described() -> None:
    """Reasons of custodians, signed types, variables, the demo's keys, dependencies: each is named."""
    formats = (ROOT / "docs" / "formats.md").read_text("utf-8")
    words = set(re.findall(r'"([a-z]+(?:_[a-z]+)+)"', (ROOT / "oracle" / "custody" / "release.py").read_text("utf-8")))
    names = (words - {"not_owner"}) | set(TYPES) | set(Facts.__dataclass_fields__)
    assert not [name for name in sorted(names) if f"`{name}`" not in formats]
    settings = set(re.findall(r"``(MEDTWIN_\w+)``", (ROOT / "oracle" / "settings.py").read_text("utf-8")))
    guide = (ROOT / "docs" / "guides" / "developer.md").read_text("utf-8")
    assert settings == set(re.findall(r"^\| `(MEDTWIN_\w+)`", guide, re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    listed = [*project["dependencies"], *(one for group in project["optional-dependencies"].values() for one in group)]
    decisions = (ROOT / "docs" / "decisions.md").read_text("utf-8")
    told = re.findall(r"^\| `([\w\[\]-]+)` \|.*\S \|$", decisions, re.MULTILINE)
    assert sorted(re.split(r"[<>=;]", one)[0] for one in listed) == sorted(told)


def test_decisions_have_five_lines() -> None:
    """Date, question, choice, reason, what would change our mind."""
    text = (ROOT / "docs" / "decisions.md").read_text("utf-8").split("\n## Dependencies")[0]
    for section in text.split("\n## ")[1:]:
        heads = re.findall(r"^- \*\*([\w ]+):\*\*", section, re.MULTILINE)
        assert heads == ["Date", "Question", "Choice", "Reason", "Would change our mind"], section.splitlines()[0]


def test_gas_figures_are_the_measured_ones() -> None:
    """Figures of README and guides are those of tests/contracts/gas.json."""
    gas = json.loads((ROOT / "tests" / "contracts" / "gas.json").read_text())
    told = {name: f"{gas[name]['gas']:,}" for name in ("grant", "revoke", "anchor")}
    readme = (ROOT / "README.md").read_text("utf-8")
    assert f"| gas to grant, to revoke | {told['grant']}, {told['revoke']} |" in readme
    assert f"| gas to anchor a batch | {told['anchor']} |" in readme
    assert f"it took {told['revoke']} gas" in (ROOT / "docs" / "guides" / "patient.md").read_text("utf-8")


def test_gas_page_is_of_the_figures() -> None:
    """Whatever misses its goal is taken apart in gas.md; parts add up, and totals are within 2 % of gas.json."""
    known = json.loads((ROOT / "tests" / "contracts" / "gas.json").read_text())
    page = (ROOT / "docs" / "gas.md").read_text("utf-8")
    rows = {name: cells.split(" | ") for name, cells in re.findall(r"^\| `(\w+)` \| (.*) \|$", page, re.MULTILINE)}
    assert rows.keys() >= {name for name, one in known.items() if one["goal"] and one["gas"] > one["goal"]}
    for name, (told, _goal, _stretch, *parts) in rows.items():
        total = int(told.replace(",", ""))
        assert total == sum(int(part.replace(",", "")) for part in parts if part.strip()), name
        assert abs(total / known[name]["gas"] - 1) <= 0.02, f"{name}: run make gas-trace"


def test_model_figures_are_the_cards() -> None:
    """Every shipped model has a row in models.md, with the figure, interval and baseline of its card."""
    page = (ROOT / "docs" / "models.md").read_text("utf-8")
    cards = [json.loads(path.read_bytes()) for path in (ROOT / "oracle" / "artifacts" / "models").glob("*.json")]
    for card in cards:
        head = card["headline"]
        told = f"| `{card['name']}` | {head['metric']} | {head['value']} [{head['low']}, {head['high']}] |"
        assert told in page and f"{head['baseline_name']}: {head['baseline_value']} | {head['how']} |" in page, card[
            "name"
        ]
    assert len(cards) == page.count("\n| `")


def test_warnings_of_the_machine_are_the_cards() -> None:
    """models.md names each failure with its hours of warning, those without one too, and the false alarms."""
    page = (ROOT / "docs" / "models.md").read_text("utf-8")
    card = json.loads((ROOT / "oracle" / "artifacts" / "models" / "machine_temperature.json").read_bytes())
    for one in card["failures"]:
        hours = one["warned_hours_before"]
        assert f"| {one['at']} | {'none' if hours is None else f'{hours} h'} |" in page
    assert f"False alarms: {card['figures']['false_alarms_per_month']['value']} a month" in page


def test_faithfulness_is_the_cards() -> None:
    """models.md has the deletion areas of every card that has them, and by contribution beats random order."""
    page = (ROOT / "docs" / "models.md").read_text("utf-8")
    cards = [json.loads(path.read_bytes()) for path in (ROOT / "oracle" / "artifacts" / "models").glob("*.json")]
    explained = [card for card in cards if "explanation" in card]
    for card in explained:
        areas = [card["explanation"]["deletion"][name] for name in ("by_contribution", "random_order", "least_first")]
        assert areas == sorted(areas, reverse=True)
        assert f"| {card['name']} | {' | '.join(map(str, areas))} |" in page, "run make bench-models"
    assert len(explained) >= 6


def test_patient_guide_speaks_of_no_machinery() -> None:
    """The five words stay in the fold of technical details."""
    text = (ROOT / "docs" / "guides" / "patient.md").read_text("utf-8")
    plain = re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)
    assert "<details>" in text
    assert not re.findall(r"\b(?:gas|token|wallet|hash|block)(?:s|es|ed)?\b", plain, re.IGNORECASE)


def test_picture_is_small_and_of_no_one_machine() -> None:
    """Under 200 kB, no path of the machine that drew it, nothing fetched from elsewhere."""
    picture = (ROOT / "docs" / "demo.svg").read_text("utf-8")
    assert len(picture) < 200_000
    assert not re.findall(r"(?:/tmp|/home|/root|/Users|medtwin-\w+/store)", picture)
    assert set(re.findall(r"https?://[^\"')\s]+", picture)) == {"http://www.w3.org/2000/svg"}
    acts = re.findall(r">(\d)</text>", picture)
    assert acts == ["4", "5", "6", "7"]
    assert "acts four to seven" in (ROOT / "README.md").read_text("utf-8")


# -- worked examples -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Batch", "Report", "KeyRequest", "Receipt"])
def test_signed_example_is_what_code_and_eth_account_compute(name: str) -> None:
    """Type hash, domain separator, digest and signature."""
    shown = vectors()[name]
    domain = Domain(1337, shown["verifyingContract"])
    typed = {
        "types": {name: [{"name": field, "type": kind} for field, kind in TYPES[name]]},
        "primaryType": name,
        "domain": {"name": NAME, "version": VERSION, "chainId": 1337, "verifyingContract": domain.contract},
        "message": {field: value_of(kind, shown["message"][field]) for field, kind in TYPES[name]},
    }
    signable = encode_typed_data(full_message={**typed, "types": {**typed["types"], "EIP712Domain": DOMAIN_FIELDS}})
    assert digest(domain, name, typed["message"]) == bytes.fromhex(shown["digest"][2:])
    assert _hash_eip191_message(signable).hex() == shown["digest"][2:]
    assert signable.header.hex() == shown["domainSeparator"][2:]
    signed = Account.from_key(SECRET).sign_message(signable)
    assert bytes(signed.signature).hex() == shown["signature"][2:]
    spelled = f"{name}({','.join(f'{kind} {field}' for field, kind in TYPES[name])})"
    assert keccak(spelled.encode()).hex() == shown["typeHash"][2:]


def test_example_of_chunks_is_what_the_standards_give() -> None:
    """HKDF-Expand (RFC 5869) by hand, AES-256-GCM by the package; the root of two leaves hashed twice."""
    shown = vectors()["chunks"]
    given = {key: [bytes.fromhex(one[2:]) for one in shown[key]] for key in ("pieces", "nonces", "chunks", "digests")}
    key = hmac.new(bytes.fromhex(shown["dataKey"][2:]), b"medtwin/chunks/1\x01", "sha256").digest()
    leaves = sorted(keccak(keccak(one)) for one in given["digests"])

    assert key.hex() == shown["chunkKey"][2:]
    for nonce, piece, chunk in zip(given["nonces"], given["pieces"], given["chunks"], strict=True):
        assert AESGCM(key).encrypt(nonce, piece, None) == chunk
    assert [hashlib.sha256(one).digest() for one in given["chunks"]] == given["digests"]
    assert keccak(leaves[0] + leaves[1]).hex() == shown["root"][2:]


DOMAIN_FIELDS = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]


def keccak(data: bytes) -> bytes:
    """By the package that eth_account uses."""
    from eth_utils import keccak as keccak_256

    return bytes(keccak_256(data))


def value_of(kind: str, shown: Any) -> Any:
    """A value as the examples write it."""
    if kind == "bytes32[]":
        return [bytes.fromhex(one[2:]) for one in shown]
    if kind in ("bytes32", "bytes"):
        return bytes.fromhex(shown[2:])
    return int(shown, 16) if kind == "uint256" and isinstance(shown, str) else shown
