"""What a custodian keeps: receipts before answers, nonces once, keys that nobody else opens and that can be destroyed."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from oracle.adapters.custody import SqliteCustodianState
from oracle.adapters.keys import LocalSigner
from oracle.adapters.memory import new_signer
from oracle.adapters.wrapping import Wrappings
from oracle.custody.release import LocalCustodian
from oracle.errors import Denied, InputError, MedtwinError, NotFound, Refused, VerificationError
from oracle.formats.envelope import open_share
from oracle.formats.receipts import decode
from oracle.formats.typed_data import dismissal_digest
from oracle.records import ErasureRequest

if TYPE_CHECKING:
    from ..conftest import Case


def test_release_refuses_a_replay_also_after_a_restart(
    case: Case, states: list[Path], custodian_on: Callable[..., LocalCustodian], custodians: list[LocalCustodian]
) -> None:
    """A nonce serves once per custodian, also in another spelling of the address, and numbering goes on."""
    case.custodian.release(case.request, case.items)
    assert case.refused(case.request) == "request_replayed"
    reopened = custodian_on(states[0], case.custodian._signer)

    assert case.refused(case.request, by=reopened) == "request_replayed"
    assert case.refused(case.asked(nonce=case.request.nonce, purpose=2), by=reopened) == "request_replayed"
    with pytest.raises(InputError):  # not an answer that could be audited, so it leaves no receipt either
        reopened.release(replace(case.request, grantee=case.grantee.address.lower()), case.items)
    reopened.release(case.asked(), case.items)
    log = [decode(*entry).reason for entry in reopened.receipts()]
    assert log == ["", "request_replayed", "request_replayed", "request_replayed", ""]


def test_numbers_go_on_after_a_restart(
    case: Case, states: list[Path], custodian_on: Callable[..., LocalCustodian], stranger: LocalSigner
) -> None:
    """Receipts are numbered from 0 without a gap, over every reopening."""
    for _ in range(3):
        custodian = custodian_on(states[0], case.custodian._signer)
        custodian.release(case.asked(), case.items)
        case.refused(case.asked(stranger), by=custodian)

    assert [decode(*entry).number for entry in custodian.receipts()] == list(range(6))
    assert [decode(*entry).number for entry in custodian.receipts(since=4)] == [4, 5]


def test_an_unsigned_request_does_not_burn_a_nonce(case: Case, stranger: LocalSigner) -> None:
    """Nobody can spend somebody else's nonce; the owner of the nonce can."""
    forged = case.asked(stranger, nonce=77)
    assert case.refused(forged) == "bad_signature"
    assert case.custodian.release(case.asked(nonce=77), case.items).receipt.permitted
    assert case.refused(case.asked(nonce=77)) == "request_replayed"


def test_the_same_request_at_once_is_permitted_once(case: Case) -> None:
    """Check and use of a nonce are one step: of two simultaneous requests one is a replay."""
    both = Barrier(2)
    state = case.custodian._state
    asked = state.is_used

    class Meeting:
        """The state, where both requests pass the first look together."""

        def __getattr__(self, name: str) -> Any:
            return getattr(state, name)

        def is_used(self, grantee: str, nonce: int) -> bool:
            """Answer only when the other has asked too."""
            used = asked(grantee, nonce)
            both.wait(10)
            return used

    case.custodian._state = Meeting()  # type: ignore[assignment]

    def ask(_: int) -> str:
        try:
            return case.custodian.release(case.request, case.items).receipt.reason
        except Refused as error:
            return error.receipt.reason

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(ask, range(2)))
    log = [decode(*entry) for entry in state.receipts(0)]
    assert answers == ["", "request_replayed"]
    assert sorted((one.number, one.permitted) for one in log) in ([(0, True), (1, False)], [(0, False), (1, True)])


def test_no_receipt_no_release(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the receipt cannot be kept, no share leaves and the nonce stays unspent; afterwards all is as before."""
    with monkeypatch.context() as broken:
        broken.setattr(SqliteCustodianState, "append", lambda *_: (_ for _ in ()).throw(OSError("no space left")))
        with pytest.raises(OSError, match="no space"):
            case.custodian.release(case.request, case.items)
    assert list(case.custodian.receipts()) == []

    assert case.custodian.release(case.request, case.items).receipt.number == 0


def test_a_failure_while_signing_leaves_no_trace(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receipt and its nonce are stored together or not at all."""
    with monkeypatch.context() as broken:
        broken.setattr(LocalSigner, "sign_digest", lambda *_: (_ for _ in ()).throw(RuntimeError("the key is away")))
        with pytest.raises(RuntimeError):
            case.custodian.release(case.request, case.items)

    assert list(case.custodian.receipts()) == []
    assert case.custodian.release(case.request, case.items).receipt.number == 0


def test_the_receipt_is_durable_before_the_share_is_returned(
    case: Case, states: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When release returns or refuses, another connection to the file already finds the receipt."""

    def kept() -> int:
        with closing(sqlite3.connect(states[0])) as database:
            return int(database.execute("SELECT COUNT(*) FROM receipts").fetchone()[0])

    case.custodian.release(case.asked(), case.items)
    assert kept() == 1
    assert case.refused(case.asked(purpose=2))
    assert kept() == 2


def test_a_key_is_not_made_for_a_twin_that_does_not_exist(case: Case) -> None:
    """Strangers cannot fill a custodian's disk with keys."""
    with pytest.raises(NotFound):
        case.custodian.public_key(0x1101)


def order(case: Case, signer: LocalSigner, owner: str | None = None, life: int = 60) -> ErasureRequest:
    """An order to this custodian, to destroy its key."""
    made = ErasureRequest(case.twin.twin_id, owner or signer.address, case.stage.now_s() + life)
    return replace(
        made, signature=signer.sign_digest(dismissal_digest(case.stage.consent_domain(), made, case.custodian.address))
    )


def test_erase_destroys_the_key_for_good(
    case: Case, states: list[Path], custodian_on: Callable[..., LocalCustodian], stranger: LocalSigner
) -> None:
    """Only the owner can order it, in time; then the key is gone from the file, and stays gone."""
    with closing(sqlite3.connect(states[0])) as database:
        wrapped = bytes(database.execute("SELECT wrapped FROM keys").fetchone()[0])
    refused = [
        order(case, stranger), order(case, stranger, case.twin.patient.address), order(case, case.twin.patient, life=0),
        order(case, case.twin.patient, life=86_400), order(case, case.grantee),
    ]  # fmt: skip
    for bad in refused:
        with pytest.raises(Denied):
            case.custodian.erase(bad)
    assert case.custodian.release(case.asked(), case.items).receipt.permitted

    statement = case.custodian.erase(order(case, case.twin.patient))

    assert case.custodian.erase(order(case, case.twin.patient)) == statement
    assert case.refused(case.asked()) == "no_key_for_twin"
    for custodian in (case.custodian, custodian_on(states[0], case.custodian._signer)):
        with pytest.raises(Denied) as caught:
            custodian.public_key(case.twin.twin_id)
        assert caught.value.kind == "erased"
    assert not any(wrapped in path.read_bytes() for path in states[0].parent.glob(states[0].name + "*"))


def test_a_custodians_file_opens_with_its_own_key_only(
    case: Case, states: list[Path], custodian_on: Callable[..., LocalCustodian]
) -> None:
    """The file alone, or with another signer, gives no key; with the right one the same key as before."""
    before = case.custodian.public_key(case.twin.twin_id)
    with pytest.raises(VerificationError) as caught:
        custodian_on(states[0], new_signer()).public_key(case.twin.twin_id)

    assert caught.value.kind == "wrong_custodian_key"
    assert custodian_on(states[0], case.custodian._signer).public_key(case.twin.twin_id) == before


def test_a_wrapped_key_moved_to_another_twin_does_not_open(case: Case, states: list[Path]) -> None:
    """Who can write the file cannot make one twin's key serve another."""
    with closing(sqlite3.connect(states[0])) as database, database:
        database.execute("UPDATE keys SET twin_id = '0x501'")

    with pytest.raises(VerificationError):
        case.custodian._state.key(0x501, lambda: b"")


def test_no_secret_in_files_representations_or_errors(case: Case, states: list[Path]) -> None:
    """Private keys and shares are nowhere in plain: not on disk, not in repr, not in an error."""
    custodian, context, share = case.custodian, *case.items[0]
    private = custodian._state.key(case.twin.twin_id, lambda: b"")
    assert private is not None
    plain = open_share(private, context, share)
    release = custodian.release(case.request, case.items)
    told = repr([release, case.request, case.items, custodian, custodian._state, custodian._signer])
    for bad in (case.asked(purpose=2), case.asked(recipient_key=b"x"), case.request):
        with pytest.raises(MedtwinError) as caught:
            custodian.release(bad, case.items)
        told += repr(caught.value) + str(vars(caught.value)) + "".join(map(str, caught.value.args))
    disk = b"".join(path.read_bytes() for path in states[0].parent.iterdir() if path.is_file())

    secret = custodian._signer._secret_32_bytes
    for marker in (private, private[:32], private[64:], plain, plain[1:17], plain[17:], secret, case.private[:32]):
        assert marker not in disk
        assert marker.hex() not in told and repr(marker)[2:-1] not in told
    assert (states[0].stat().st_mode & 0o777) == 0o600


def test_a_log_older_than_the_chains_root_is_refused(
    case: Case, states: list[Path], custodian_on: Callable[..., LocalCustodian], tmp_path: Path
) -> None:
    """A restored copy would give the same numbers out twice: it is told before it answers anybody."""
    case.custodian.release(case.asked(), case.items)
    case.custodian.check_log()
    case.custodian.post_root(case.stage.chain)
    old = tmp_path / "old.sqlite"
    with closing(sqlite3.connect(states[0])) as database, closing(sqlite3.connect(old)) as copy:
        database.backup(copy)
    shutil.copy(f"{states[0]}.wrap-1", f"{old}.wrap-1")
    case.refused(case.asked(purpose=2))
    case.custodian.post_root(case.stage.chain)
    case.custodian.check_log()

    restored = custodian_on(old, case.custodian._signer)
    with pytest.raises(VerificationError) as caught:
        restored.check_log()
    assert caught.value.kind == "older_than_chain"
    assert restored.post_root(case.stage.chain) is None
    restored.release(case.asked(), case.items)  # as long a log as the chain's, but another one
    with pytest.raises(VerificationError):
        restored.check_log()


def test_a_state_without_a_frontier_gets_one_from_its_receipts(
    case: Case, states: list[Path], custodian_on: Callable[..., LocalCustodian]
) -> None:
    """A file of an earlier version: keys under the signing key alone, no frontier; both are brought up to date."""
    for _ in range(3):
        case.custodian.release(case.asked(), case.items)
    head, public = case.custodian._state.head(), case.custodian.public_key(case.twin.twin_id)
    private = case.custodian._state.key(case.twin.twin_id, bytes)
    base = Wrappings(":memory:", case.custodian._signer).open(0)
    name = hex(case.twin.twin_id)
    with closing(sqlite3.connect(states[0])) as database, database:
        database.execute("DELETE FROM log")
        database.execute("DELETE FROM wrapping")
        database.execute("UPDATE keys SET wrapped = ?", (base.wrap(name, private or b""),))

    again = custodian_on(states[0], case.custodian._signer)

    assert (again._state.head(), again.public_key(case.twin.twin_id)) == (head, public)
    assert custodian_on(states[0], case.custodian._signer).public_key(case.twin.twin_id) == public
