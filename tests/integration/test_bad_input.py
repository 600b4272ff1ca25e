"""Bad input, through the command: the documented exit code, one sentence and what to try, and nothing half done."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from oracle import deploy, errors
from oracle.adapters.ganache import ganache
from oracle.adapters.process import free_port
from oracle.batches.fetch import anchored_batches
from oracle.records import Category, Purpose
from oracle.rights.consent import grant

from .clinic import Clinic, Told, now_ms, recorded, table, write_csv

SPARSE_BYTES = 100 * 2**20
SECONDS = 35
NOBODY = "http://127.0.0.1:9"  # the discard port; nobody listens on loopback


@dataclass
class Case:
    """A twin with one published recording, and what a command is given."""

    clinic: Clinic
    twin: int
    folder: Path
    reader: str

    def lines(self) -> list[tuple[str, ...]]:
        """Rows of a good recording, newer than the published one."""
        return table(recorded(SECONDS, end_ms=now_ms()))

    def publish(self, lines: list[tuple[str, ...]] | None = None, **changes: str) -> Told:
        """Publish rows from a file."""
        return self.publish_file(
            write_csv(self.folder / "bad.csv", self.lines() if lines is None else lines), **changes
        )

    def publish_file(self, path: Path, **changes: str) -> Told:
        """Publish a file."""
        return self.clinic.cli("publish", hex(self.twin), str(path), "--device", "bad-device", **changes)

    def fetch(self, **changes: str) -> Told:
        """Fetch as the researcher."""
        out = self.folder / "out.csv"
        told = self.clinic.cli(
            "fetch", hex(self.twin), "--purpose", "research_health", "--as", self.reader, "--out", str(out), **changes
        )
        assert told.code != 0
        assert not list(self.folder.glob("out.csv*"))
        return told

    def state(self) -> dict[str, Any]:
        """Everything a failed command could have left behind."""
        chain, opened = self.clinic.chain, self.clinic.opened
        device = self.clinic.keys["bad-device"].address
        return {
            "nonces": {name: opened.web3.eth.get_transaction_count(key.address) for name, key in self.clinic.keys.items()
                       if not name.startswith("custodian")},
            "head": chain.read("DataAnchor", "headOf", device),
            "twins": len(chain.events("TwinToken", "Transfer")),
            "outbox": rows_of(self.clinic.outbox, "SELECT device, sequence, digest, done FROM outgoing"),
            "store": rows_of(self.clinic.store, "SELECT digest, bytes FROM block"),
            "keys": sorted(path.name for path in (self.clinic.home / "keys").iterdir()),
        }  # fmt: skip


def rows_of(path: Path, query: str) -> list[tuple[Any, ...]]:
    """Rows of a database, sorted."""
    database = sqlite3.connect(path)
    try:
        return sorted(database.execute(query))
    finally:
        database.close()


@pytest.fixture(scope="module")
def published(clinic: Clinic, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """The stage of all cases; they must leave it as it is."""
    twin, owner, device = clinic.twin("bad")
    clinic.keys.update(
        {"bad": owner, "bad-device": device, "reader": clinic.key("reader"), "poor": clinic.key("poor", ether=0)}
    )
    case = Case(clinic, twin, tmp_path_factory.mktemp("bad"), "reader")
    good = write_csv(case.folder / "good.csv", table(recorded(SECONDS, end_ms=now_ms() - 3_600_000)))
    assert case.publish_file(good).code == 0
    grant(
        clinic.chain, owner, twin, clinic.keys["reader"].address,
        categories=Category.WAVEFORM, purposes=Purpose.RESEARCH_HEALTH, days=1,
    )  # fmt: skip
    return case


# -- the cases: each gives a command something bad -------------------------------------------


def truncated(case: Case) -> Told:
    path = write_csv(case.folder / "bad.csv", case.lines())
    path.write_bytes(path.read_bytes()[:-9])
    return case.publish_file(path)


def truncated_in_number(case: Case) -> Told:
    path = write_csv(case.folder / "bad.csv", [(case.lines()[0][0], "ppg", "", "1")])
    return case.publish_file(path)


def not_a_number(case: Case) -> Told:
    lines = case.lines()
    return case.publish([*lines[:-1], (*lines[-1][:2], "nan", "1")])


def infinite(case: Case) -> Told:
    lines = case.lines()
    return case.publish([*lines[:-1], (*lines[-1][:2], "1e400", "1")])


def too_big_for_its_type(case: Case) -> Told:
    lines = case.lines()
    return case.publish([*lines[:-1], (*lines[-1][:2], "1e300", "1")])


def time_too_big(case: Case) -> Told:
    return case.publish([*case.lines(), (str(10**30), "ppg", "1", "1")])


def absurd(case: Case) -> Told:
    lines = case.lines()
    return case.publish([*lines[:-1], (*lines[-1][:2], "5000", "1")])


def wrong_unit(case: Case) -> Told:
    lines = case.lines()
    return case.publish([*lines[:-1], (*lines[-1][:3], "mV")])


def unknown_channel(case: Case) -> Told:
    lines = case.lines()
    return case.publish([*lines[:-1], (lines[-1][0], "[bold]ecg[/bold]", *lines[-1][2:])])


def backwards(case: Case) -> Told:
    lines = case.lines()
    return case.publish([*lines[:-1], (str(int(lines[-1][0]) - 20_000), *lines[-1][1:])])


def before_the_last(case: Case) -> Told:
    return case.publish(table(recorded(SECONDS, end_ms=now_ms() - 7_200_000)))


def future(case: Case) -> Told:
    return case.publish(table(recorded(SECONDS, end_ms=now_ms() + 3_600_000)))


def empty(case: Case) -> Told:
    path = case.folder / "bad.csv"
    path.write_bytes(b"")
    return case.publish_file(path)


def only_a_heading(case: Case) -> Told:
    return case.publish([])


def large(case: Case) -> Told:
    path = case.folder / "large.csv"
    with path.open("wb") as file:
        file.truncate(SPARSE_BYTES)
    return case.publish_file(path)


def not_text(case: Case) -> Told:
    path = case.folder / "bad.csv"
    path.write_bytes(b"time_ms,channel,value,unit\n\xff\xfe\x00")
    return case.publish_file(path)


def missing_file(case: Case) -> Told:
    return case.publish_file(case.folder / "[red]nothing.csv")


def a_folder(case: Case) -> Told:
    return case.publish_file(case.folder)


def with_blocks(case: Case, alter: Callable[[list[tuple[bytes, bytes]]], list[tuple[bytes, bytes]]]) -> Told:
    """Fetch from a store whose blocks were altered behind its back."""
    path = case.folder / "damaged.sqlite"
    source, target = sqlite3.connect(case.clinic.store), sqlite3.connect(path)
    source.backup(target)
    digests = {one.batch.digest for one in anchored_batches(case.clinic.chain, case.twin)}
    own = [row for row in target.execute("SELECT digest, bytes FROM block ORDER BY digest") if row[0] in digests]
    for digest, block in alter(own):
        target.execute("UPDATE block SET bytes = ? WHERE digest = ?", (block, digest))
    target.execute("DELETE FROM block WHERE length(bytes) = 0")
    target.commit()
    source.close()
    target.close()
    return case.fetch(MEDTWIN_STORE=str(path))


def wrong_cid(case: Case) -> Told:
    return with_blocks(case, lambda own: [(own[0][0], own[1][1]), (own[1][0], own[0][1])])


def corrupted_block(case: Case) -> Told:
    return with_blocks(case, lambda own: [(digest, block[:-1] + bytes([block[-1] ^ 1])) for digest, block in own])


def lost_block(case: Case) -> Told:
    return with_blocks(case, lambda own: [(digest, b"") for digest, _ in own])


def damaged_store(case: Case) -> Told:
    path = case.folder / "broken.sqlite"
    path.write_bytes(b"not a database" * 100)
    return case.publish(MEDTWIN_STORE=str(path))


def store_down(case: Case) -> Told:
    return case.publish(MEDTWIN_STORE=f"ipfs://127.0.0.1:{free_port()}")


def store_misspelt(case: Case) -> Told:
    return case.publish(MEDTWIN_STORE="ipfs://nowhere")


def chain_down(case: Case) -> Told:
    return case.publish(MEDTWIN_CHAIN=f"http://127.0.0.1:{free_port()}")


def chain_misspelt(case: Case) -> Told:
    return case.publish(MEDTWIN_CHAIN="localhost:8545")


def not_a_chain(case: Case) -> Told:
    return case.publish(MEDTWIN_CHAIN=case.clinic.custodians[0])


def wrong_chain_id(case: Case) -> Told:
    path = case.folder / "other-id.json"
    deploy.save(replace(case.clinic.chain.deployment, chain_id=1), path)
    return case.publish(MEDTWIN_DEPLOYMENT=str(path))


def restarted_chain(case: Case) -> Told:
    with ganache() as url:
        return case.publish(MEDTWIN_CHAIN=url)


def no_code(case: Case) -> Told:
    path = case.folder / "elsewhere.json"
    known = case.clinic.chain.deployment
    deploy.save(replace(known, contracts={**known.contracts, "DataAnchor": "0x" + "11" * 20}), path)
    return case.publish(MEDTWIN_DEPLOYMENT=str(path))


def no_funds(case: Case) -> Told:
    return case.clinic.cli("twin", "mint", "--as", "poor")


def wrong_password(case: Case) -> Told:
    return case.publish(MEDTWIN_PASSWORD="another")


def no_password(case: Case) -> Told:
    return case.publish(MEDTWIN_PASSWORD="")


def no_such_key(case: Case) -> Told:
    return case.clinic.cli("twin", "mint", "--as", "nobody")


def no_key(case: Case) -> Told:
    return case.clinic.cli("twin", "mint")


def bad_private_key(case: Case) -> Told:
    return case.clinic.cli("twin", "mint", MEDTWIN_PRIVATE_KEY="0x1234")


def taken_key(case: Case) -> Told:
    return case.clinic.cli("keys", "new", "bad")


def unknown_twin(case: Case) -> Told:
    return case.clinic.cli("twin", "show", "0x" + "ab" * 31 + "01")


def malformed_twin(case: Case) -> Told:
    return case.clinic.cli("twin", "show", "[/red] 12 zz")


def negative_twin(case: Case) -> Told:
    return case.clinic.cli("twin", "show", "--", "-255")


def long_twin(case: Case) -> Told:
    return case.clinic.cli("twin", "show", "0x" + "ab" * 32 + "01")


def not_an_owner(case: Case) -> Told:
    return case.clinic.cli(
        "consent", "grant", hex(case.twin), "--to", "oracle", "--purpose", "care", "--category", "vitals", "--days", "1",
        "--as", "reader",
    )  # fmt: skip


def unknown_purpose(case: Case) -> Told:
    return case.clinic.cli(
        "fetch", hex(case.twin), "--purpose", "fun", "--as", "reader", "--out", str(case.folder / "o.csv")
    )


def unknown_kind(case: Case) -> Told:
    return case.clinic.cli("predict", hex(case.twin), "--kind", "horoscope")


def no_report(case: Case) -> Told:
    return case.clinic.cli("predict", hex(case.twin))


def not_on_offer(case: Case) -> Told:
    return case.clinic.cli("market", "buy", hex(case.twin), "--days", "1", "--as", "reader")


def for_ever(case: Case) -> Told:
    return case.clinic.cli(
        "consent", "grant", hex(case.twin), "--to", "oracle", "--purpose", "care", "--category", "vitals",
        "--days", "1e12", "--as", "bad",
    )  # fmt: skip


def no_days(case: Case) -> Told:
    return case.clinic.cli(
        "consent", "grant", hex(case.twin), "--to", "oracle", "--purpose", "care", "--category", "vitals",
        "--days", "nan", "--as", "bad",
    )  # fmt: skip


def no_deployment(case: Case) -> Told:
    return case.publish(MEDTWIN_DEPLOYMENT=str(case.folder / "none.json"))


def damaged_deployment(case: Case) -> Told:
    path = case.folder / "damaged.json"
    path.write_text('{"chain_id": 1337, "genesis"', "utf-8")
    return case.publish(MEDTWIN_DEPLOYMENT=str(path))


def other_json_as_deployment(case: Case) -> Told:
    path = case.folder / "list.json"
    path.write_text("[1, 2]", "utf-8")
    return case.publish(MEDTWIN_DEPLOYMENT=str(path))


def deployment_not_text(case: Case) -> Told:
    path = case.folder / "binary.json"
    path.write_bytes(b"\xff\xfe{}")
    return case.publish(MEDTWIN_DEPLOYMENT=str(path))


def custodian_down_at_publishing(case: Case) -> Told:
    return case.publish(MEDTWIN_CUSTODIANS=",".join([*case.clinic.custodians[:2], NOBODY]))


def custodians_down_at_fetching(case: Case) -> Told:
    return case.fetch(MEDTWIN_CUSTODIANS=",".join([case.clinic.custodians[0], NOBODY, NOBODY]))


def not_a_custodian(case: Case) -> Told:
    return case.publish(MEDTWIN_CUSTODIANS=",".join([*case.clinic.custodians[:2], case.clinic.opened.url or ""]))


def custodian_misspelt(case: Case) -> Told:
    return case.publish(MEDTWIN_CUSTODIANS="nonsense")


def depth_misspelt(case: Case) -> Told:
    return case.publish(MEDTWIN_DEPTH="deep")


def missing_data(case: Case) -> Told:
    return case.clinic.cli("demo", "--source", "icu2012", MEDTWIN_DATA=str(case.folder))


def unknown_dataset(case: Case) -> Told:
    return case.clinic.cli("data", "get", "mimic")


INPUT, DENIED, NOT_FOUND, CHAIN, STORAGE, VERIFICATION = (
    errors.InputError, errors.Denied, errors.NotFound, errors.ChainError, errors.StorageError, errors.VerificationError,
)  # fmt: skip
TABLE: list[tuple[Callable[[Case], Told], type[errors.MedtwinError], str]] = [
    (truncated, INPUT, "of 4 fields"),
    (truncated_in_number, INPUT, "not a time and a number"),
    (not_a_number, INPUT, "is nan, not a number"),
    (infinite, INPUT, "is inf, not a number"),
    (too_big_for_its_type, INPUT, "is 1e+300"),
    (time_too_big, INPUT, "of ppg is 1 at 1000"),
    (absurd, INPUT, "outside 0 to 1023"),
    (wrong_unit, INPUT, "is in 'mV'"),
    (unknown_channel, INPUT, "unknown channel '[bold]ecg[/bold]'"),
    (backwards, INPUT, "clock goes backwards"),
    (before_the_last, INPUT, "before the last one ended"),
    (future, INPUT, "in the future"),
    (empty, INPUT, "is empty"),
    (only_a_heading, INPUT, "there are no readings"),
    (large, INPUT, "has 100 MiB"),
    (not_text, INPUT, "is not text"),
    (missing_file, INPUT, "[red]nothing.csv"),
    (a_folder, INPUT, "cannot be read"),
    (wrong_cid, VERIFICATION, "wrong bytes"),
    (corrupted_block, VERIFICATION, "wrong bytes"),
    (lost_block, STORAGE, "has no block"),
    (damaged_store, STORAGE, ""),
    (store_down, STORAGE, ""),
    (store_misspelt, INPUT, ""),
    (chain_down, CHAIN, "no chain answers"),
    (chain_misspelt, INPUT, "is not a chain"),
    (not_a_chain, CHAIN, "no chain answers"),
    (wrong_chain_id, CHAIN, "the deployment is for 1"),
    (restarted_chain, CHAIN, "the chain was restarted"),
    (no_code, CHAIN, "no code of DataAnchor"),
    (no_funds, CHAIN, "too little ether"),
    (wrong_password, DENIED, "password does not open"),
    (no_password, INPUT, "needs its password"),
    (no_such_key, NOT_FOUND, "no key 'nobody'"),
    (no_key, INPUT, "no key was named"),
    (bad_private_key, INPUT, "not a secp256k1 private key"),
    (taken_key, INPUT, "a key 'bad' already"),
    (unknown_twin, NOT_FOUND, "there is no twin"),
    (malformed_twin, INPUT, "'[/red] 12 zz' is not a twin id"),
    (negative_twin, INPUT, "is not a twin id"),
    (long_twin, INPUT, "more than 256 bits"),
    (not_an_owner, DENIED, "refused: NotTwinOwner"),
    (unknown_purpose, INPUT, "'fun' is not a purpose"),
    (unknown_kind, INPUT, "no kind of twin 'horoscope'"),
    (no_report, NOT_FOUND, "no report"),
    (not_on_offer, NOT_FOUND, "is not on offer"),
    (for_ever, INPUT, "1e+12 days"),
    (no_days, INPUT, "nan days"),
    (no_deployment, NOT_FOUND, "no deployment at"),
    (damaged_deployment, INPUT, "is not a deployment file"),
    (other_json_as_deployment, INPUT, "is not a deployment file"),
    (deployment_not_text, INPUT, "is not a deployment file"),
    (custodian_down_at_publishing, STORAGE, "does not answer"),
    (custodians_down_at_fetching, DENIED, "1 of the 2 key shares needed"),
    (not_a_custodian, VERIFICATION, "is not a custodian"),
    (custodian_misspelt, DENIED, "has no TLS"),
    (depth_misspelt, INPUT, "MEDTWIN_DEPTH"),
    (missing_data, NOT_FOUND, "there is no"),
    (unknown_dataset, NOT_FOUND, "no data set 'mimic'"),
]


@pytest.mark.parametrize(("give", "expected", "words"), TABLE, ids=[row[0].__name__ for row in TABLE])
def test_bad_input_is_explained_and_leaves_nothing(
    published: Case, give: Callable[[Case], Told], expected: type[errors.MedtwinError], words: str
) -> None:
    """The documented exit code, one sentence, one way on; chain, outbox, store and keys as before."""
    before = published.state()

    told = give(published)

    assert "Traceback" not in told.err + told.out, told.err
    assert told.code == expected.exit_code, told.err
    sentence, way_on = told.err.strip().splitlines()
    assert sentence.startswith("✗ ") and words in sentence
    assert way_on.startswith("  try: ") and len(way_on) > len("  try: ")
    assert published.state() == before


def test_good_input_is_accepted_after_all_that(published: Case) -> None:
    """The stage is whole: the same device goes on with its next batch."""
    before = published.state()["head"]

    assert published.publish().code == 0

    assert published.state()["head"][0] > before[0]


def test_one_custodian_down_does_not_stop_a_fetch(published: Case, tmp_path: Path) -> None:
    """Two of three open a batch."""
    told = published.clinic.cli.ok(
        "fetch", hex(published.twin), "--purpose", "research_health", "--as", "reader", "--out", str(tmp_path / "o.csv"),
        MEDTWIN_CUSTODIANS=",".join([NOBODY, *published.clinic.custodians[:2]]),
    )  # fmt: skip

    assert "verified against the chain" in told.out


def test_error_for_programs_is_json(published: Case) -> None:
    """``--json``: the same facts on stdout, nothing on stderr."""
    told = published.clinic.cli("--json", "twin", "show", "nonsense")

    assert told.code == errors.InputError.exit_code
    assert told.err == ""
    assert json.loads(told.out).keys() == {"error", "message", "hint"}
