"""Every single edit of a log of 256 receipts is found; so are a forked log and a root that came late. The auditor stands alone."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import Any

import pytest

from oracle.adapters.keys import LocalSigner
from oracle.adapters.memory import new_signer
from oracle.custody.audit import Verified, verify_receipts
from oracle.errors import VerificationError
from oracle.formats.receipt_log import leaf_hash, root
from oracle.formats.receipts import asked_digest, encode
from oracle.formats.typed_data import Domain, receipt_digest, recovers_to
from oracle.ports import Event, Head
from oracle.records import Receipt
from tests.answering import Answering

CONTRACT = "0x1111111111111111111111111111111111111111"
DOMAIN = Domain(1337, CONTRACT)
COUNT, EVERY = 256, 32
BEGIN_S = 1_800_000_000
Log = list[tuple[bytes, bytes]]


@dataclass
class Witness(Answering):
    """The chain, as much of it as an auditor asks: the roots, and who signed what."""

    roots: list[Event]
    now_s: int
    chain_id: int = 1337

    def address(self, _: str) -> str:
        """One contract for all."""
        return CONTRACT

    def head(self) -> Head:
        """The present."""
        return Head(1, bytes(32), self.now_s)

    def events(self, *_: Any, **__: Any) -> list[Event]:
        """The roots."""
        return self.roots

    def is_signed_by(self, account: str, digest: bytes, signature: bytes, *, block: int | None = None) -> bool:
        """As of a key."""
        return recovers_to(digest, signature, account)


@pytest.fixture(scope="module")
def keeper() -> LocalSigner:
    """The custodian."""
    return new_signer()


@pytest.fixture(scope="module")
def log(keeper: LocalSigner) -> Log:
    """A receipt each second, permits and refusals, each asked for by the same grantee."""
    grantee = new_signer()
    return [written(keeper, grantee, number) for number in range(COUNT)]


def written(keeper: LocalSigner, grantee: LocalSigner, number: int, **change: Any) -> tuple[bytes, bytes]:
    """The receipt of one request, signed by both."""
    asked = Receipt(
        custodian=keeper.address, number=number, time_s=BEGIN_S + number, twin_id=0x1101, grantee=grantee.address, purpose=1,
        category=1, batches=(bytes(32),), recipient=bytes(32), nonce=number, deadline_s=BEGIN_S + number + 60,
        permitted=number % 3 > 0, reason="" if number % 3 else "no_consent", request=b"", request_signature=b"",
        head_block=number, head_hash=bytes(32),
    )  # fmt: skip
    asked = replace(asked, **change)
    digest = asked_digest(DOMAIN, asked)
    receipt = replace(asked, request=digest, request_signature=grantee.sign_digest(digest))
    return encode(receipt), keeper.sign_digest(receipt_digest(DOMAIN, receipt))


def witnessed(keeper: LocalSigner, log: Log, delay_s: int = 0) -> Witness:
    """A root after every 32 receipts."""
    roots = [
        Event("AuditTrail", "ReceiptsRooted",
              {"custodian": keeper.address, "size": size, "root": root([leaf_hash(leaf) for leaf, _ in log[:size]])},
              size, 0, bytes(32), BEGIN_S + size - 1 + delay_s)
        for size in range(EVERY, COUNT + 1, EVERY)
    ]  # fmt: skip
    return Witness(roots, BEGIN_S + COUNT + delay_s)


def kind_of(chain: Witness, keeper: LocalSigner, log: Log, **more: Any) -> str:
    """Why the log is refused; it must be."""
    with pytest.raises(VerificationError) as caught:
        verify_receipts(chain, {keeper.address: log}, **more)  # type: ignore[arg-type]
    return caught.value.kind


def test_every_single_edit_of_256_receipts_is_found(keeper: LocalSigner, log: Log) -> None:
    """Each receipt deleted, doubled, exchanged with the next or a far one, altered in a bit, re-signed or unsigned."""
    chain = witnessed(keeper, log)
    assert verify_receipts(chain, {keeper.address: log}) == Verified(COUNT, 0)  # type: ignore[arg-type]
    stranger, counted = new_signer(), 0
    for at, (leaf, signature) in enumerate(log):
        after, far = (at + 1) % COUNT, (at + 97) % COUNT
        flipped = leaf[:-1] + bytes([leaf[-1] ^ 1 << at % 8])
        edits: list[Log] = [
            log[:at] + log[at + 1 :], [*log[:at], log[at], *log[at:]],
            _swapped(log, at, after), _swapped(log, at, far), [*log[:at], (flipped, signature), *log[at + 1 :]],
            [*log[:at], log[far], *log[at + 1 :]], [*log[:at], written(keeper, stranger, at), *log[at + 1 :]],
        ]  # fmt: skip
        for edit in edits:
            if edit != log:
                assert kind_of(chain, keeper, edit) in {"receipt_altered", "receipt_deleted", "bad_receipt"}
                counted += 1
        if at % 16 == 0:  # these are found by reading on to them, which takes a while
            for forged in (b"", signature[:-1], signature[:40] + bytes([signature[40] ^ 1]) + signature[41:]):
                assert kind_of(chain, keeper, [*log[:at], (leaf, forged), *log[at + 1 :]]) == "bad_receipt"
                counted += 1
    assert counted > 6 * COUNT


def _swapped(log: Log, one: int, two: int) -> Log:
    made = list(log)
    made[one], made[two] = log[two], log[one]
    return made


def test_a_log_that_is_not_what_somebody_saw_before_was_forked(keeper: LocalSigner, log: Log) -> None:
    """Behind the last root only an earlier copy tells: each other receipt there, and each missing one, is found."""
    rooted = witnessed(keeper, log)
    rooted.roots = rooted.roots[:-2]
    other = new_signer()
    for at in range(COUNT - 2 * EVERY, COUNT, 7):
        forked = [*log[:at], written(keeper, other, at), *log[at + 1 :]]
        assert verify_receipts(rooted, {keeper.address: forked}).receipts == COUNT  # type: ignore[arg-type]
        assert kind_of(rooted, keeper, forked, earlier={keeper.address: log}) == "log_forked"
        assert kind_of(rooted, keeper, log[:at], earlier={keeper.address: log}) == "receipt_deleted"
    assert verify_receipts(rooted, {keeper.address: log}, earlier={keeper.address: log[:200]}).unrooted == 2 * EVERY  # type: ignore[arg-type]


def test_a_root_that_came_late_or_not_is_found(keeper: LocalSigner, log: Log) -> None:
    """The delay is bounded by whoever audits: to the second, and for receipts that no root covers as well."""
    chain = witnessed(keeper, log, delay_s=60)
    assert verify_receipts(chain, {keeper.address: log}, within_s=60 + EVERY - 1).receipts == COUNT  # type: ignore[arg-type]
    assert kind_of(chain, keeper, log, within_s=60 + EVERY - 2) == "root_late"
    chain.roots = chain.roots[:-1]
    assert verify_receipts(chain, {keeper.address: log}, within_s=60 + EVERY).receipts == COUNT  # type: ignore[arg-type]
    chain.now_s += 1
    assert kind_of(chain, keeper, log, within_s=60 + EVERY) == "root_late"


def test_the_auditor_imports_nothing_that_serves() -> None:
    """Verifying needs no code of those who are verified: no decision, no custodian's state, no service, no web server."""
    told = subprocess.run(
        [sys.executable, "-c", "import json, sys, oracle.custody.audit; print(json.dumps(sorted(sys.modules)))"],
        capture_output=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    loaded = json.loads(told)

    ours = {name for name in loaded if name.startswith("oracle.")}
    assert "oracle.custody.audit" in ours and "oracle.formats.receipt_log" in ours
    assert not {
        name
        for name in ours
        if name.startswith(("oracle.serve", "oracle.adapters", "oracle.custody.release", "oracle.settings"))
    }
    assert not {"fastapi", "uvicorn", "sqlite3"} & set(loaded)
