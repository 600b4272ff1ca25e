"""Settings: what the environment says, what is assumed without it, and what never shows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from oracle import deploy
from oracle.adapters.chain import Web3Chain
from oracle.adapters.ipfs import IpfsStore
from oracle.adapters.memory import new_signer
from oracle.adapters.store import EmbeddedStore
from oracle.errors import ChainError, InputError, NotFound
from oracle.records import Deployment
from oracle.settings import (
    DEV_CHAIN,
    DEV_CUSTODIANS,
    Settings,
    custodian_folder,
    open_chain,
    open_key,
    open_store,
    open_suite,
    threshold_of,
)  # fmt: skip

CANARY = "0x" + "c5" * 32


def test_read_of_nothing_gives_the_defaults() -> None:
    """Everything local, no secret, and a home that nobody chose."""
    found = Settings.read({})

    assert (found.chain, found.custodians) == (DEV_CHAIN, DEV_CUSTODIANS)
    assert all("127.0.0.1" in url for url in (found.chain, *found.custodians))
    assert (found.password, found.private_key, found.home_chosen) == (None, None, False)
    assert Path(found.store).parent == found.data.parent == found.home


def test_read_takes_every_variable(tmp_path: Path) -> None:
    """Each of the eight, with blanks and empty parts of the list ignored."""
    found = Settings.read({
        "MEDTWIN_HOME": str(tmp_path), "MEDTWIN_CHAIN": "http://chain:1", "MEDTWIN_STORE": "ipfs://host:5001",
        "MEDTWIN_DEPLOYMENT": "d.json", "MEDTWIN_CUSTODIANS": " http://a:1, ,http://b:2,", "MEDTWIN_DATA": "/data",
        "MEDTWIN_PASSWORD": "secret", "MEDTWIN_PRIVATE_KEY": CANARY,
    })  # fmt: skip

    assert found == Settings(
        tmp_path, "http://chain:1", "ipfs://host:5001", Path("d.json"), ("http://a:1", "http://b:2"), Path("/data"),
        "secret", CANARY, True,
    )  # fmt: skip


def test_read_takes_empty_variables_for_none() -> None:
    """A variable that is set to nothing is not set."""
    names = ["HOME", "CHAIN", "STORE", "DEPLOYMENT", "CUSTODIANS", "DATA", "PASSWORD", "PRIVATE_KEY"]

    assert Settings.read({f"MEDTWIN_{name}": "" for name in names}) == Settings.read({})


def test_read_looks_at_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a mapping it is the process's own."""
    monkeypatch.setenv("MEDTWIN_CHAIN", "http://elsewhere:9")

    assert Settings.read().chain == "http://elsewhere:9"


def test_secrets_do_not_show() -> None:
    """Neither password nor key is in a representation."""
    shown = repr(Settings.read({"MEDTWIN_PASSWORD": "canary-password", "MEDTWIN_PRIVATE_KEY": CANARY}))

    assert "canary" not in shown and CANARY[2:] not in shown


def test_environment_hands_on_the_settings_without_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process started from here reads the same settings."""
    found = Settings.read({"MEDTWIN_HOME": "/there", "MEDTWIN_CUSTODIANS": "http://a:1,http://b:2"})
    monkeypatch.delenv("MEDTWIN_PRIVATE_KEY", raising=False)
    handed = found.environment(password="pw")

    assert Settings.read(handed) == Settings.read({
        "MEDTWIN_HOME": "/there", "MEDTWIN_CUSTODIANS": "http://a:1,http://b:2", "MEDTWIN_PASSWORD": "pw",
    })  # fmt: skip
    assert set(os.environ) - {"MEDTWIN_PRIVATE_KEY"} <= set(handed)


def test_open_key_asks_for_what_is_missing() -> None:
    """A key for programs needs no name; a bad one is refused without being repeated; a named one needs its password."""
    signer = new_signer()
    key = Settings.read({"MEDTWIN_PRIVATE_KEY": "0x" + signer._secret_32_bytes.hex()})
    assert open_key(key, "").address == signer.address

    for settings, name in ((Settings.read({}), ""), (Settings.read({}), "somebody")):
        with pytest.raises(InputError):
            open_key(settings, name)
    for bad in ("0x" + "00" * 32, "c5" * 33, "zz", CANARY[:-1]):
        with pytest.raises(InputError) as caught:
            open_key(Settings.read({"MEDTWIN_PRIVATE_KEY": bad}), "")
        assert bad not in caught.value.sentence + caught.value.hint


def test_open_store_by_its_address(tmp_path: Path) -> None:
    """A file is the embedded store, ipfs:// a node's."""
    assert isinstance(open_store(str(tmp_path / "store.sqlite")), EmbeddedStore)
    assert isinstance(open_store("ipfs://127.0.0.1:5001"), IpfsStore)


@pytest.mark.parametrize("where", ["somewhere", "", "ftp://host", "file:///etc/passwd"])
def test_open_chain_of_no_chain_is_refused(where: str) -> None:
    """Only names that are known and http(s) addresses."""
    with pytest.raises(InputError), open_chain(where):
        pass


def test_open_chain_where_nobody_answers_is_a_chain_error() -> None:
    """A closed port on loopback."""
    with pytest.raises(ChainError), open_chain("http://127.0.0.1:9"):
        pass


def test_open_suite_without_a_deployment_says_so(tmp_path: Path) -> None:
    """The file is missing, or is none."""
    path = tmp_path / "deployment.json"
    with pytest.raises(NotFound):
        deploy.load(path)
    for text in ("", "[]", "{}", '{"chain_id": "x"}'):
        path.write_text(text)
        with pytest.raises(InputError):
            deploy.load(path)
    with pytest.raises((ChainError, NotFound, InputError)):
        open_suite(Settings.read({"MEDTWIN_CHAIN": "http://127.0.0.1:9", "MEDTWIN_DEPLOYMENT": str(path)}))


def test_a_deployment_comes_back_from_its_file(tmp_path: Path) -> None:
    """Saved and loaded, nothing is lost."""
    made = Deployment(1337, bytes(range(32)), 5, {"DataAnchor": "0x" + "1" * 40}, ("0x" + "2" * 40,), 0)
    deploy.save(made, tmp_path / "deep" / "d.json")

    assert deploy.load(tmp_path / "deep" / "d.json") == made


def test_a_suite_is_bound_to_its_own_chain_alone() -> None:
    """Another chain id, another genesis and an address without code are each refused by name."""
    with open_chain("embedded") as opened:
        hospital = new_signer()
        opened.fund(hospital.address, 10**18)
        good = opened.deploy(hospital, [new_signer().address], 0).deployment
        for change, kind in (
            ({"chain_id": 1}, "wrong_chain"), ({"genesis": bytes(32)}, "restarted_chain"),
            ({"contracts": {**good.contracts, "DataAnchor": "0x" + "1" * 40}}, "no_code"),
        ):  # fmt: skip
            wrong = Deployment(**{**{name: getattr(good, name) for name in Deployment.__slots__}, **change})
            with pytest.raises(ChainError) as caught:
                Web3Chain.open(opened.web3, wrong)
            assert caught.value.kind == kind
        assert Web3Chain.open(opened.web3, good).deployment == good


@pytest.mark.parametrize(("count", "expected"), [(2, 2), (3, 2), (4, 3), (5, 3), (7, 4)])
def test_threshold_is_a_majority(count: int, expected: int) -> None:
    """Two groups of custodians that both open a batch have one in common."""
    assert threshold_of([None] * count) == expected  # type: ignore[list-item]


def test_custodian_folders_of_two_deployments_differ() -> None:
    """Receipts belong to one chain."""
    settings, contracts = Settings.read({"MEDTWIN_HOME": "/there"}), {"DataAnchor": "0x" + "1" * 40}
    one, two = Deployment(1, bytes(32), 0, contracts), Deployment(1, bytes([1] * 32), 0, contracts)
    other = Deployment(1, bytes(32), 0, {"DataAnchor": "0x" + "2" * 40})

    assert len({custodian_folder(settings, "0xa", each) for each in (one, two, other)}) == 3
