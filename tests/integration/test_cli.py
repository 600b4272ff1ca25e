"""A whole life through the command: keys, a suite on Ganache, three custodian processes, a twin, its data, a purchase, its end.

The story's steps are tests in order; each builds on those before it.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
import typer
from eth_account import Account

from oracle import errors
from oracle.adapters.ganache import MNEMONIC, ganache
from oracle.serve.cli import app
from oracle.settings import Opened, open_chain

from .clinic import (
    COMMAND,
    ETHER,
    PASSWORD,
    ROOT,
    Cli,
    clean_environment,
    custodian_processes,
    now_ms,
    recorded,
    table,
    write_csv,
)  # fmt: skip

PEOPLE = ("patient", "watch", "researcher", "custodian-1", "custodian-2", "custodian-3")
PRICE, DAYS = 5 * ETHER, 7
KIND = ("--kind", "pulse")


@dataclass
class Life:
    """What the steps hand on."""

    home: Path
    cli: Cli
    opened: Opened
    stack: ExitStack = field(repr=False)
    addresses: dict[str, str] = field(default_factory=dict)
    twin: str = ""
    published: Path = Path()

    def with_environment(self, **variables: str) -> None:
        """The same command with more settings."""
        self.cli = Cli({**self.cli.environment, **variables})


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """An empty home, and Ganache's first account as the hospital's key."""
    home = tmp_path_factory.mktemp("life")
    Account.enable_unaudited_hdwallet_features()
    hospital = Account.from_mnemonic(MNEMONIC).key.hex()
    with ExitStack() as stack:
        url = stack.enter_context(ganache())
        opened = stack.enter_context(open_chain(url))
        environment = clean_environment(
            MEDTWIN_HOME=str(home), MEDTWIN_CHAIN=url, MEDTWIN_PASSWORD=PASSWORD,
            MEDTWIN_DEPLOYMENT=str(home / "deployment.json"), MEDTWIN_PRIVATE_KEY=hospital,
        )  # fmt: skip
        yield Life(home, Cli(environment), opened, stack)


def test_keys_are_made_and_listed(life: Life) -> None:
    """An address each; the file is for its owner alone and holds no key in clear."""
    for name in PEOPLE:
        life.addresses[name] = life.cli.facts("keys", "new", name)["address"]
        life.opened.fund(life.addresses[name], ETHER)

    listed = {row["name"]: row["address"] for row in life.cli.facts("keys", "list")}

    assert listed == life.addresses
    assert {path.stat().st_mode & 0o777 for path in (life.home / "keys").iterdir()} == {0o600}


def test_suite_is_deployed(life: Life) -> None:
    """Twelve contracts or more on chain 1337, and the file says where."""
    told = life.cli.facts("deploy")

    assert told["chain"] == 1337
    assert json.loads(Path(told["file"]).read_text("utf-8"))["contracts"] == told["contracts"]
    assert len(told["contracts"]) >= 12


def test_custodians_serve(life: Life) -> None:
    """Three processes, each ready to decide and countable."""
    urls = life.stack.enter_context(
        custodian_processes(life.cli.environment, [name for name in PEOPLE if name.startswith("custodian")], life.home)
    )
    life.with_environment(MEDTWIN_CUSTODIANS=",".join(urls))

    for url in urls:
        assert httpx.get(f"{url}/readyz", trust_env=False).text == "ready"
        assert "medtwin_custodian_decisions" in httpx.get(f"{url}/metrics", trust_env=False).text


def test_doctor_finds_everything(life: Life) -> None:
    """No problem; then, with the chain gone, a problem, what to do, and exit code 1."""
    assert {row["state"] for row in life.cli.facts("doctor")} == {"ok"}

    told = life.cli("--json", "doctor", MEDTWIN_CHAIN="http://127.0.0.1:9")

    problems = {row["what"]: row["try"] for row in told.facts if row["state"] == "problem"}
    assert {"chain", "deployment"} <= problems.keys()
    assert all(problems.values())
    assert told.code == 1


def test_twin_is_minted_and_shown(life: Life) -> None:
    """It belongs to the key that signed."""
    life.twin = life.cli.facts("twin", "mint", "--as", "patient")["twin"]

    shown = life.cli.facts("twin", "show", life.twin)[0]

    assert shown["owner"] == life.addresses["patient"]
    assert (shown["of"], shown["batches"], shown["retired"]) == ("patient", 0, False)


def test_device_is_paired(life: Life) -> None:
    """Device and owner sign; the twin shows it."""
    told = life.cli.facts("device", "pair", life.twin, "--device", "watch", "--as", "patient")

    assert told["device"] == life.addresses["watch"]
    assert life.cli.facts("twin", "show", life.twin)[0]["devices"] == life.addresses["watch"]


def test_consent_is_granted_and_listed(life: Life) -> None:
    """The oracle may look; the list says what the chain says."""
    life.cli.ok(
        "consent", "grant", life.twin, "--to", "oracle", "--purpose", "care", "--category", "waveform,vitals",
        "--days", "30", "--as", "patient",
    )  # fmt: skip

    granted = life.cli.facts("consent", "list", life.twin)[0]

    assert (granted["purpose"], granted["data"], granted["active"]) == ("care", "vitals, waveform", True)


def test_recording_is_published(life: Life) -> None:
    """Readings up to this second, on a chain that has not mined since: none is refused as of the future."""
    life.published = write_csv(life.home / "recording.csv", table(recorded(70, end_ms=now_ms())))

    told = life.cli.facts("publish", life.twin, str(life.published), "--device", "watch")

    assert len(told["batches"]) == 3
    assert life.cli.facts("twin", "show", life.twin)[0]["batches"] == 3


def test_offer_is_listed_and_bought(life: Life) -> None:
    """What the researcher pays is what the patient asked; without tokens nothing is bought."""
    terms = life.home / "terms.txt"
    terms.write_text("Research only.\n", "utf-8")
    life.cli.ok(
        "market", "offer", life.twin, "--price", str(PRICE), "--purpose", "research_health", "--category", "waveform",
        "--terms", str(terms), "--as", "patient",
    )  # fmt: skip
    listed = life.cli.facts("market", "list")[0]
    assert (listed["twin"], listed["price a day"], listed["purpose"]) == (life.twin, PRICE, "research_health")
    buy = ("market", "buy", life.twin, "--days", str(DAYS), "--as", "researcher")
    refused = life.cli("--json", *buy)
    assert (refused.code, refused.facts["error"]) == (errors.Denied.exit_code, "insufficient_tokens")

    give_tokens(life, PRICE * DAYS)
    told = life.cli.facts(*buy)

    assert told["paid"] == PRICE * DAYS


def give_tokens(life: Life, amount: int) -> None:
    """Test tokens for the researcher, minted by Ganache's first account."""
    deployment = json.loads((life.home / "deployment.json").read_text("utf-8"))
    abi = [{"type": "function", "name": "mint", "stateMutability": "nonpayable", "outputs": [],
            "inputs": [{"name": "to", "type": "address"}, {"name": "amount", "type": "uint256"}]}]  # fmt: skip
    token = life.opened.web3.eth.contract(address=deployment["contracts"]["TestToken"], abi=abi)
    sent = token.functions.mint(life.addresses["researcher"], amount).transact(
        {"from": life.opened.web3.eth.accounts[0]}
    )
    life.opened.web3.eth.wait_for_transaction_receipt(sent)


def fetching(life: Life, out: Path) -> tuple[str, ...]:
    """The researcher's fetch."""
    return ("fetch", life.twin, "--purpose", "research_health", *KIND, "--as", "researcher", "--out", str(out))


def test_fetched_csv_is_what_was_published(life: Life, tmp_path: Path) -> None:
    """Every row, in order, to the last digit; for people the sentence says that it was verified."""
    told = life.cli.ok(*fetching(life, tmp_path / "data.csv"))

    assert "every one verified against the chain" in told.out
    assert rows(tmp_path / "data.csv") == rows(life.published)


def rows(path: Path) -> list[tuple[int, str, float, str]]:
    """A CSV file's rows as values."""
    with path.open(encoding="utf-8", newline="") as file:
        return [(int(t), c, float(v), u) for t, c, v, u in list(csv.reader(file))[1:]]


def test_python_client_gives_the_same(life: Life) -> None:
    """``from oracle import connect``, in a fresh interpreter: a table equal to the file."""
    lines = (
        "from oracle import connect",
        f"frame = connect(key='researcher').twin('{life.twin}').fetch(purpose='research_health', category='waveform')",
        "print(frame.to_json(orient='split', date_unit='ms'))",
    )
    ended = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], cwd=ROOT, env=dict(life.cli.environment), capture_output=True,
        timeout=120, check=False,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stderr.decode()
    told = json.loads(ended.stdout)
    frame = pd.DataFrame(told["data"], columns=told["columns"])
    assert list(frame.columns) == ["time", "channel", "value"]
    assert list(frame.itertuples(index=False, name=None)) == [row[:3] for row in rows(life.published)]


def test_fetch_for_another_purpose_is_refused(life: Life, tmp_path: Path) -> None:
    """Bought for health research is not bought for care."""
    told = life.cli(
        "--json", "fetch", life.twin, "--purpose", "care", "--as", "researcher", "--out", str(tmp_path / "x.csv")
    )

    assert (told.code, told.facts["error"]) == (errors.Denied.exit_code, "custody_denied")
    assert not (tmp_path / "x.csv").exists()


def test_earnings_are_withdrawn(life: Life) -> None:
    """Something was earned by now, and not all."""
    life.opened.web3.provider.make_request("evm_mine", [])  # type: ignore[arg-type]
    told = life.cli.facts("market", "withdraw", life.twin, "--from", "researcher", "--as", "patient")

    assert 0 < told["amount"] < PRICE * DAYS


def test_revoked_researcher_is_refused(life: Life, tmp_path: Path) -> None:
    """One command ends it: a refund, then exit code 3, the reason and a remedy; no file."""
    told = life.cli.facts("consent", "revoke", life.twin, "--from", "researcher", "--as", "patient")
    assert 0 < told["refund"] < PRICE * DAYS

    refused = life.cli(*fetching(life, tmp_path / "data.csv"))

    assert refused.code == errors.Denied.exit_code == 3
    sentence, remedy = refused.err.strip().splitlines()
    assert "consent_revoked" in sentence
    assert remedy.startswith("  try: ") and "grant" in remedy
    assert not list(tmp_path.iterdir())


def test_device_is_cut_off(life: Life) -> None:
    """From then on nothing it signs is taken; nothing pending is left but its one batch."""
    life.cli.ok("device", "revoke", "watch", "--as", "patient")
    later = write_csv(life.home / "later.csv", table(recorded(5, end_ms=now_ms())))

    told = life.cli("--json", "publish", life.twin, str(later), "--device", "watch")

    assert (told.code, told.facts["error"]) == (errors.Denied.exit_code, "UnpairedDevice")
    assert life.cli.facts("twin", "show", life.twin)[0]["batches"] == 3


def test_audit_tells_and_verifies_all_of_it(life: Life) -> None:
    """Who asked, who was refused and why; every receipt counted and whole."""
    shown = life.cli.facts("audit", "show", life.twin)
    asked = [row["outcome"] for row in shown if row["what"].startswith("asked")]

    assert {row["twin"] for row in shown} == {life.twin}
    assert asked.count("permitted") == 4  # two custodians, twice
    assert asked.count("refused: consent_revoked") == 3
    assert any(outcome.startswith("refused:") and "revoked" not in outcome for outcome in asked)
    told = life.cli.facts("audit", "verify")
    assert (told["receipts"], told["verified"]) == (len(asked), True)


def test_twin_is_erased_with_a_certificate(life: Life) -> None:
    """Afterwards the owner's own key opens nothing, and the certificate holds."""
    out = life.home / "certificate.json"
    assert life.cli("erase", life.twin, "--out", str(out), "--as", "patient").code == errors.InputError.exit_code

    told = life.cli.facts("erase", life.twin, "--out", str(out), "--as", "patient", "--yes")

    assert told["blocks"] == 3
    assert life.cli.facts("audit", "certificate", str(out))["verified"] is True
    assert life.cli.facts("twin", "show", life.twin)[0]["retired"] is True


# -- help ------------------------------------------------------------------------------------


def commands(group: Any, name: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group with its name."""
    yield name, group
    for word, one in getattr(group, "commands", {}).items():
        yield from commands(one, (*name, word))


def test_help_of_every_command_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0, a sentence, and a word for every option and choice; the root names the first step."""
    root = typer.main.get_command(app)
    for name, command in commands(root):
        assert root.main([*name, "--help"], prog_name="medtwin", standalone_mode=False) in (0, None)
        said = capsys.readouterr().out
        assert "Usage: medtwin" in said, name
        assert (command.help or "").strip().endswith("."), name
        for parameter in command.params:
            if parameter.param_type_name == "option":
                assert getattr(parameter, "help", None) or parameter.hidden, (name, parameter.name)
    assert "medtwin demo" in (root.epilog or "")


@pytest.mark.parametrize("arguments", [("--help",), ("market", "buy", "--help"), ("dev", "--help")])
def test_help_as_a_process_exits_well(arguments: tuple[str, ...]) -> None:
    """The script itself, not only its parts."""
    ended = subprocess.run([*COMMAND, *arguments], cwd=ROOT, env=clean_environment(), capture_output=True, check=False)

    assert ended.returncode == 0
    assert b"Usage" in ended.stdout


@pytest.mark.parametrize(
    "arguments", [("market", "sell"), ("twin", "show"), ("deploy", "--faulty", "-1"), ("--bogus",)]
)
def test_misspelt_command_is_told_how(arguments: tuple[str, ...]) -> None:
    """Exit 2; for programs as JSON, if they could say so."""
    cli = Cli(clean_environment())

    assert cli(*arguments).code == 2
    if arguments != ("--bogus",):
        assert cli("--json", *arguments).facts["error"] == "usage"
