"""Who can do what: the list of functions comes from the ABIs, what comes of each stands here, reviewed.

given any function that changes state
  when it has no entry here
    it fails until somebody reviewed it
  when everybody calls it, in every state of a twin's world
    it does what it does for those who may, and refuses all others with a named error
given any contract
  when ether is sent
    it refuses
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import brownie
import pytest
from brownie import web3
from brownie.exceptions import VirtualMachineError
from eth_account.signers.local import LocalAccount
from eth_utils import keccak
from web3 import HTTPProvider

from bench.clinic import anvil
from oracle.adapters.process import free_port, last_words, running, wait_until
from oracle.deploy import plan
from tests.contracts import strangers, strangers_clinical, strangers_passkeys, strangers_reports
from tests.contracts.cast import ROLES, STATES, World, populate
from tests.contracts.strangers import Entry, Sends
from tests.contracts.strangers_states import CARRIED, SENT, Change

START_S = 30.0

ADDRESS = "0x" + "0" * 40
CONTRACTS = [*(name for name, _ in plan(ADDRESS, [ADDRESS] * 4, 1) if name != "TestToken"), "PasskeyAccount"]
ENTRIES = {**strangers.ENTRIES, **strangers_clinical.ENTRIES, **strangers_passkeys.ENTRIES, **strangers_reports.ENTRIES}


def writers() -> set[str]:
    """Every state-changing function of the suite: "Contract.signature"."""
    compiled = brownie.project.get_loaded_projects()[0]
    return {
        f"{contract}.{spelled(entry)}"
        for contract in CONTRACTS
        for entry in compiled[contract].abi
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    }


def spelled(entry: dict[str, Any]) -> str:
    """A function or an error as its selector is computed."""
    return f"{entry['name']}({','.join(kind(field) for field in entry['inputs'])})"


def kind(field: dict[str, Any]) -> str:
    """A type as in a function's signature."""
    if not field["type"].startswith("tuple"):
        return str(field["type"])
    return f"({','.join(kind(part) for part in field['components'])}){field['type'][5:]}"


def errors() -> dict[str, str]:
    """Names of all declared errors by selector."""
    builds = brownie.project.get_loaded_projects()[0]._build.items()
    declared = [entry for _, build in builds for entry in build["abi"] if entry["type"] == "error"]
    return {"0x" + keccak(text=spelled(entry))[:4].hex().removeprefix("0x"): entry["name"] for entry in declared}


@pytest.fixture(scope="module")
def world(suite: Any, nodes: list[LocalAccount], accounts: Any) -> World:
    """Everything in use."""
    return populate(suite, nodes, accounts)


@contextmanager
def swift(folder: Path) -> Iterator[HTTPProvider]:
    """A copy of the chain as it is, which answers calls in a thirtieth of Ganache's time."""
    port = free_port()
    provider = HTTPProvider(f"http://127.0.0.1:{port}")
    command = [
        anvil(), "--port", str(port), "--hardfork", "shanghai", "--fork-url", web3.provider.endpoint_uri,
        "--no-storage-caching",  # which knows blocks by their numbers, and ours are reverted
    ]  # fmt: skip
    with running(command, log=folder / "anvil.log") as process:
        assert wait_until(provider.is_connected, process, START_S), last_words(folder / "anvil.log")
        yield provider


def outcomes(w: World, provider: HTTPProvider, sends: dict[str, Sends]) -> dict[str, dict[str, str]]:
    """What comes of each function for each role: an error's name, or nothing when it succeeded."""
    names, told = errors(), {}
    for name, arguments in sends.items():
        call = encoded(w, name, arguments(w))
        requests = [("eth_call", [{"from": w.at[role], **call}, "latest"]) for role in ROLES]
        answers = sorted(provider.make_batch_request(requests), key=lambda answer: int(answer["id"]))
        found = ["" if "result" in answer else names[str(answer["error"]["data"])[:10]] for answer in answers]
        told[name] = dict(zip(ROLES, found, strict=True))
    return told


def encoded(w: World, name: str, arguments: tuple[Any, ...]) -> dict[str, str]:
    """A transaction's target and data."""
    contract, signature = name.split(".", 1)
    method = getattr(w[contract], signature.split("(")[0])
    if hasattr(method, "methods"):
        method = method[signature[signature.index("(") + 1 : -1]]
    return {"to": str(w[contract]), "data": method.encode_input(*arguments)}


def test_every_writer_was_reviewed() -> None:
    """A new function needs an entry, a removed one leaves none behind."""
    assert writers() == set(ENTRIES)
    for name, entry in ENTRIES.items():
        assert bool(entry.error) != bool(entry.allowed), name
        assert {*entry.may, *entry.instead} <= {*ROLES}, name
        assert bool(entry.carries) == bool(entry.carried), name


@pytest.mark.parametrize("state", STATES)
def test_everybody_may_what_is_theirs(world: World, state: str, tmp_path: Path) -> None:
    """Every function, every role: done, or refused with the error reviewed; also with the right party's signature."""
    STATES[state](world)
    carried = {name: entry for name, entry in ENTRIES.items() if entry.carries}

    with swift(tmp_path) as provider:
        sent = outcomes(world, provider, {name: entry.sends for name, entry in ENTRIES.items()})
        brought = outcomes(world, provider, {name: entry.carries for name, entry in carried.items()})

    assert set(SENT[state]) | set(CARRIED[state]) <= {name.partition("(")[0] for name in ENTRIES}
    assert sent == {name: changed(SENT[state], name, in_use(entry)) for name, entry in ENTRIES.items()}
    assert brought == {name: changed(CARRIED[state], name, dict.fromkeys(ROLES, "")) for name in carried}


def in_use(entry: Entry) -> dict[str, str]:
    """What comes of a call for each role while all is well."""
    return dict.fromkeys(ROLES, entry.error) | dict.fromkeys(entry.may, "") | dict(entry.instead)


def changed(changes: Mapping[str, Change], name: str, before: dict[str, str]) -> dict[str, str]:
    """The same in another state."""
    change = changes.get(name.partition("(")[0], {})
    return dict.fromkeys(ROLES, change) if isinstance(change, str) else before | dict(change)


def test_ether_is_refused(world: World, stranger: Any) -> None:
    """Nothing is payable, so no ether is ever stuck."""
    for contract in CONTRACTS:
        with pytest.raises(VirtualMachineError):
            stranger.transfer(world[contract], 1)
