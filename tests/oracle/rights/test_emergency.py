"""Breaking the glass, from the opening to the audit: who may look while it is open, and that nobody else may."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from eth_abi import decode as abi_decode
from eth_abi import encode as abi_encode

from oracle.adapters.keys import LocalSigner
from oracle.adapters.memory import new_signer
from oracle.batches.fetch import OpenedBatch, fetch
from oracle.custody.audit import Verified, entries_of, verify_receipts
from oracle.custody.release import LocalCustodian
from oracle.errors import CustodyDenied, NotFound, Refused, RevertedError
from oracle.formats import hpke
from oracle.formats.envelope import parse_header
from oracle.formats.receipts import request_digest
from oracle.formats.vouch import REQUEST
from oracle.records import AnchoredBatch, Category, KeyRequest, Purpose, TwinClass
from oracle.rights.consent import revoke
from oracle.rights.emergency import Opened, Reason, close, open_emergency, review, voucher
from oracle.rights.mint import mint, new_twin_id

if TYPE_CHECKING:
    from ..conftest import Stage, Twin

HOUR_S = 3600


@dataclass
class Ward:
    """A hospital's clinicians and reviewer, and a patient's twin with one batch of vitals."""

    stage: Stage
    twin: Twin
    custodians: Sequence[LocalCustodian]
    batch: AnchoredBatch
    first: LocalSigner
    second: LocalSigner
    reviewer: LocalSigner

    def let_in(self, categories: int = 1, purposes: int = int(Purpose.EMERGENCY), days: float = 1) -> None:
        """The patient's consent to emergencies as such."""
        self.twin.allow(voucher(self.stage.chain).address, categories, purposes, days)

    def open(self, categories: Category = Category.VITALS, twin_id: int | None = None) -> Opened:
        """Both clinicians break the glass."""
        return open_emergency(
            self.stage.chain, self.first, self.second, self.twin.twin_id if twin_id is None else twin_id,
            categories=categories, reason=Reason.SEPSIS,
        )  # fmt: skip

    def look(self, who: LocalSigner, purpose: int = int(Purpose.EMERGENCY), category: int = 1) -> list[OpenedBatch]:
        """Fetch through the contract."""
        return fetch(
            self.stage.chain, self.twin.edge.store, self.custodians, who, twin_id=self.twin.twin_id, purpose=purpose,
            category=category, random_bytes=os.urandom, voucher=voucher(self.stage.chain),
        )  # fmt: skip

    def refused(self, who: LocalSigner, purpose: int = int(Purpose.EMERGENCY)) -> str:
        """Why all custodians say no; they must agree."""
        with pytest.raises(CustodyDenied) as caught:
            self.look(who, purpose)
        assert set(caught.value.refusals) == {one.address for one in self.custodians}
        (reason,) = set(caught.value.refusals.values())
        return reason

    def asked(self, who: LocalSigner, **change: Any) -> KeyRequest:
        """A request through the contract, signed and wrapped, for one custodian."""
        request = KeyRequest(
            self.twin.twin_id, voucher(self.stage.chain).address, hpke.public_key(hpke.new_key(os.urandom)),
            (self.batch.batch.digest,), 1, int(Purpose.EMERGENCY), next(self.stage.nonces), self.stage.now_s() + 300,
        )  # fmt: skip
        request = replace(request, **change)
        signature = who.sign_digest(request_digest(self.stage.consent_domain(), request))
        return replace(request, signature=voucher(self.stage.chain).wrap(request, who.address, signature))

    def answer(self, request: KeyRequest, **change: Any) -> str:
        """Reason of the first custodian; empty for a yes."""
        header = parse_header(self.twin.edge.store.get(self.batch.batch.digest))
        own = next(one for one in header.shares if one.custodian == self.custodians[0].address)
        try:
            receipt = self.custodians[0].release(request, [(replace(header.context, **change), own)]).receipt
        except Refused as error:
            receipt = error.receipt
        return receipt.reason


def log_of(custodian: LocalCustodian) -> dict[str, list[tuple[bytes, bytes]]]:
    """What an auditor is shown."""
    return {custodian.address: entries_of(custodian)}


@pytest.fixture
def ward(stage: Stage, twin: Twin, anchored: AnchoredBatch, custodians: list[LocalCustodian]) -> Ward:
    """Two clinicians and a reviewer with their roles; nothing is open, and the patient let nobody in."""
    first, second, reviewer = (stage.person() for _ in range(3))
    roles = {name: stage.chain.read("EmergencyAccess", name) for name in ("CLINICIAN_ROLE", "REVIEWER_ROLE")}
    for name, who in (("CLINICIAN_ROLE", first), ("CLINICIAN_ROLE", second), ("REVIEWER_ROLE", reviewer)):
        stage.chain.write(stage.hospital, "EmergencyAccess", "grantRole", roles[name], who.address)
    return Ward(stage, twin, custodians, anchored, first, second, reviewer)


def test_an_open_emergency_lets_its_clinician_in_and_nobody_else(ward: Ward, stranger: LocalSigner) -> None:
    """The clinician who opened it reads; the second signer, the reviewer, a stranger and the patient do not."""
    ward.let_in()
    opened = ward.open()

    assert len(ward.look(ward.first)[0].readings) == 8
    for other in (ward.second, ward.reviewer, stranger, ward.twin.patient, ward.stage.hospital):
        assert ward.refused(other) == "bad_signature"
    assert opened.expiry_s == opened.mined.time_s + 4 * HOUR_S
    assert opened.review_by_s == opened.mined.time_s + 72 * HOUR_S


def test_an_emergency_before_the_patient_let_it_in_is_refused(ward: Ward) -> None:
    """Without the patient's consent to emergencies an opening opens nothing; later consent does."""
    ward.open()

    assert ward.refused(ward.first) == "no_consent"
    ward.let_in()
    assert ward.look(ward.first)


def test_consent_to_emergencies_without_an_open_one_is_refused(ward: Ward) -> None:
    """The patient's consent names a rule, not people: until somebody is accountable nobody reads."""
    ward.let_in()

    for who in (ward.first, ward.second, ward.reviewer):
        assert ward.refused(who) == "bad_signature"


def test_an_emergency_serves_no_other_purpose(ward: Ward) -> None:
    """The contract vouches for emergencies alone, even if the patient consented to more."""
    ward.let_in(purposes=int(Purpose.EMERGENCY | Purpose.CARE | Purpose.RESEARCH_HEALTH))
    ward.open()

    for purpose in (Purpose.CARE, Purpose.CARE | Purpose.EMERGENCY, Purpose.RESEARCH_HEALTH, 0):
        assert ward.answer(ward.asked(ward.first, purpose=int(purpose))) == "bad_signature"
    assert ward.refused(ward.first, int(Purpose.CARE)) == "bad_signature"


def test_an_emergency_for_another_category_or_twin_opens_nothing(ward: Ward) -> None:
    """What is open is one twin's data of the categories both clinicians signed for."""
    ward.let_in(categories=3)
    other = new_twin_id(TwinClass.PATIENT, os.urandom)
    mint(ward.stage.chain, ward.twin.patient, other)
    ward.open(twin_id=other)
    assert ward.refused(ward.first) == "bad_signature"
    ward.open(Category.WAVEFORM)
    assert ward.refused(ward.first) == "bad_signature"
    with pytest.raises(NotFound):
        ward.look(ward.first, category=int(Category.WAVEFORM))

    ward.open(Category.VITALS)
    for change in ({"category": 2}, {"category": 3}, {"category": 0}, {"twin_id": other}):
        assert ward.answer(ward.asked(ward.first, **change), **change) != ""
    assert ward.answer(ward.asked(ward.first)) == ""


def test_an_emergency_beyond_what_the_patient_let_in_is_refused(ward: Ward) -> None:
    """Both must cover it: what the clinicians opened and what the patient consented to."""
    ward.let_in(categories=int(Category.LABORATORY))
    ward.open(Category.VITALS | Category.LABORATORY)

    assert ward.refused(ward.first) == "category_not_covered"


def test_a_closed_emergency_is_refused(ward: Ward) -> None:
    """Either clinician or the patient ends it, at once; nobody else does."""
    ward.let_in()
    for party in (ward.twin.patient, ward.first, ward.second):
        opened = ward.open()
        with pytest.raises(RevertedError) as caught:
            close(ward.stage.chain, ward.reviewer, opened.use_id)
        assert caught.value.error == "NotUseParty"
        assert ward.answer(ward.asked(ward.first)) == ""

        close(ward.stage.chain, party, opened.use_id)

        assert ward.answer(ward.asked(ward.first)) == "bad_signature"
    assert ward.refused(ward.first) == "bad_signature"


def test_an_expired_emergency_is_refused(ward: Ward) -> None:
    """It ends by itself after four hours, to the second."""
    ward.let_in()
    opened = ward.open()
    ward.stage.travel(opened.expiry_s - ward.stage.now_s() - 60)
    assert ward.look(ward.first)

    ward.stage.travel(opened.expiry_s - ward.stage.now_s())

    assert ward.stage.now_s() >= opened.expiry_s
    assert ward.refused(ward.first) == "bad_signature"


def test_an_unjustified_emergency_is_refused_and_suspends_both(ward: Ward) -> None:
    """A reviewer's no ends it and bars both clinicians, until the administrator reinstates them."""
    ward.let_in()
    opened = ward.open()
    ward.look(ward.first)

    review(ward.stage.chain, ward.reviewer, opened.use_id, justified=False)

    assert ward.refused(ward.first) == "bad_signature"
    for who in (ward.first, ward.second):
        assert ward.stage.chain.read("EmergencyAccess", "isSuspended", who.address)
        ward.stage.chain.write(ward.stage.hospital, "EmergencyAccess", "reinstate", who.address)
        if who is ward.first:
            with pytest.raises(RevertedError) as caught:
                ward.open()
            assert caught.value.error == "ClinicianIsSuspended"
            assert ward.refused(ward.first) == "bad_signature"  # reinstating does not open the judged one again
    ward.open()
    assert ward.look(ward.first)


def test_a_justified_review_leaves_it_open_until_its_end(ward: Ward) -> None:
    """A yes is no reason to cut off treatment; only those with the role judge, once, and not their own."""
    ward.let_in()
    opened = ward.open()
    for who in (ward.first, ward.twin.patient, ward.stage.hospital):
        with pytest.raises(RevertedError):
            review(ward.stage.chain, who, opened.use_id, justified=True)
    review(ward.stage.chain, ward.reviewer, opened.use_id, justified=True)

    assert ward.look(ward.first)
    with pytest.raises(RevertedError) as caught:
        review(ward.stage.chain, ward.reviewer, opened.use_id, justified=False)
    assert caught.value.error == "UseReviewed"


def test_revoked_consent_is_refused_although_open(ward: Ward) -> None:
    """The patient's later word counts over an open emergency."""
    ward.let_in()
    ward.open()
    ward.look(ward.first)

    revoke(ward.stage.chain, ward.twin.patient, ward.twin.twin_id, voucher(ward.stage.chain).address)

    assert ward.refused(ward.first) == "consent_revoked"


def test_a_clinician_who_lost_the_role_is_refused(ward: Ward) -> None:
    """An opening does not outlive the job."""
    ward.let_in()
    ward.open()
    role = ward.stage.chain.read("EmergencyAccess", "CLINICIAN_ROLE")
    ward.stage.chain.write(ward.stage.hospital, "EmergencyAccess", "revokeRole", role, ward.first.address)

    assert ward.refused(ward.first) == "bad_signature"


def test_an_emergency_needs_two_people_who_agreed_to_this_one(ward: Ward, stranger: LocalSigner) -> None:
    """One person alone, a stranger as second, and a second's signature for another twin are reverts."""
    chain, twin_id = ward.stage.chain, ward.twin.twin_id
    vitals = {"categories": Category.VITALS, "reason": Reason.OTHER_LIFE_THREAT}
    for pair, error in (
        ((ward.first, ward.first), "SecondSignerIsFirst"), ((ward.first, stranger), "NotClinician"),
        ((stranger, ward.first), "NotClinician"),
    ):  # fmt: skip
        with pytest.raises(RevertedError) as caught:
            open_emergency(chain, *pair, twin_id, **vitals)  # type: ignore[arg-type]
        assert caught.value.error == error

    class Forging:
        """Claims the second's address, signs with a key of its own."""

        address = ward.second.address
        sign_digest = staticmethod(new_signer().sign_digest)

    with pytest.raises(RevertedError) as caught:
        open_emergency(chain, ward.first, Forging(), twin_id, **vitals)  # type: ignore[arg-type]
    assert caught.value.error == "InvalidSignature"


def test_receipts_of_an_emergency_verify_after_it_ended(ward: Ward) -> None:
    """A look that was rightful stays provable, however it ended: the contract is asked as it stood at the look."""
    chain = ward.stage.chain
    role = chain.read("EmergencyAccess", "CLINICIAN_ROLE")
    ends: list[Callable[[int], Any]] = [
        lambda use: close(chain, ward.twin.patient, use),
        lambda _: ward.stage.travel(5 * HOUR_S),
        lambda _: revoke(chain, ward.twin.patient, ward.twin.twin_id, voucher(chain).address),
        lambda _: chain.write(ward.stage.hospital, "EmergencyAccess", "revokeRole", role, ward.first.address),
        lambda use: review(chain, ward.reviewer, use, justified=False),
    ]
    for number, end in enumerate(ends, 1):
        ward.let_in()
        chain.write(ward.stage.hospital, "EmergencyAccess", "grantRole", role, ward.first.address)
        use_id = ward.open().use_id
        assert ward.answer(ward.asked(ward.first)) == ""
        assert ward.answer(ward.asked(ward.second)) == "bad_signature"
        end(use_id)
        assert ward.answer(ward.asked(ward.first)) != ""
        ward.custodians[0].post_root(chain)
        assert verify_receipts(chain, log_of(ward.custodians[0])) == Verified(3 * number, 0)


def test_a_request_altered_in_the_blob_is_refused(ward: Ward) -> None:
    """Whatever the blob says is asked must be what was signed and what the custodian was asked."""
    ward.let_in(categories=3)
    ward.open(Category.VITALS | Category.WAVEFORM)
    good = ward.asked(ward.first)
    fields, signer, signature = abi_decode([REQUEST, "address", "bytes"], good.signature)
    others = [fields[0] ^ 256, ward.first.address, bytes(32), [bytes(32)], 2, 1, fields[6] + 1, fields[7] + 1]
    for at, other in enumerate(others):
        altered = [[*fields[:at], other, *fields[at + 1 :]], signer, signature]
        blob = abi_encode([REQUEST, "address", "bytes"], altered)
        assert ward.answer(replace(good, signature=blob)) == "bad_signature"
    assert ward.answer(good) == ""


def test_a_blob_of_another_signer_or_of_rubbish_is_refused(ward: Ward) -> None:
    """Naming the clinician does not help whoever cannot sign as the clinician; nonsense is a no, not a crash."""
    ward.let_in()
    ward.open()
    good = ward.asked(ward.first)
    fields, signer, signature = abi_decode([REQUEST, "address", "bytes"], good.signature)

    def blob(who: str, own: bytes) -> bytes:
        return abi_encode([REQUEST, "address", "bytes"], [fields, who, own])

    digest = request_digest(ward.stage.consent_domain(), good)
    for bad in (
        blob(ward.second.address, signature), blob(signer, ward.second.sign_digest(digest)), blob(signer, b""),
        blob(voucher(ward.stage.chain).address, signature), blob("0x" + "0" * 40, bytes(65)), blob(signer, bytes(65)),
        signature, b"", b"\xff" * 64, b"\xff" * 1024, bytes(4096), good.signature[:-40], good.signature[32:],
    ):  # fmt: skip
        assert ward.answer(replace(good, signature=bad)) == "bad_signature"
    assert ward.answer(good) == ""
    assert ward.answer(good) == "request_replayed"


def test_a_request_signed_for_oneself_does_not_pass_through_the_contract(ward: Ward) -> None:
    """The grantee is under the signature: a request in the clinician's own name is not one of the contract."""
    ward.let_in()
    ward.open()
    own = ward.asked(ward.first, grantee=ward.first.address)

    assert ward.answer(own) == "bad_signature"
    assert ward.answer(replace(own, grantee=voucher(ward.stage.chain).address)) == "bad_signature"


class Mining:
    """An endpoint on which somebody else's transaction is mined right after the newest block was asked for."""

    def __init__(self, chain: Any, then: Callable[[], Any]) -> None:
        self._chain, self._then = chain, [then]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    def head(self, number: int | None = None) -> Any:
        """The head, out of date once it is returned."""
        told = self._chain.head(number)
        if number is None and self._then:
            self._then.pop()()
        return told


def test_a_receipt_verifies_also_if_the_emergency_opened_or_ended_in_that_very_block(ward: Ward) -> None:
    """A custodian decides by the block that its receipt names, so an honest one is never found to have lied."""
    ward.let_in()
    use_ids: list[int] = []
    request = ward.asked(ward.first)
    for then in (
        lambda: use_ids.append(ward.open().use_id), lambda: close(ward.stage.chain, ward.twin.patient, use_ids[-1])
    ):  # fmt: skip
        ward.custodians[0]._endpoints.chains = [Mining(ward.stage.chain, then)]  # type: ignore[list-item]
        ward.answer(request)
        ward.answer(request := ward.asked(ward.first))

    assert verify_receipts(ward.stage.chain, log_of(ward.custodians[0])) == Verified(4, 4)
    assert ward.answer(ward.asked(ward.first)) == "bad_signature"
