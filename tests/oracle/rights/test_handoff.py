"""Handing a case over: the receiving department reads while it is open, and nobody else through it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from eth_abi import decode as abi_decode
from eth_abi import encode as abi_encode

from oracle.adapters.keys import LocalSigner
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
from oracle.rights.emergency import voucher as emergency_voucher
from oracle.rights.handoff import Handoff, agree, close_case, open_case, voucher
from oracle.rights.mint import mint, new_twin_id

if TYPE_CHECKING:
    from ..conftest import Stage, Twin

HOUR_S = 3600


@dataclass
class House:
    """Two departments of a hospital, and a patient's twin with one batch of vitals."""

    stage: Stage
    twin: Twin
    custodians: Sequence[LocalCustodian]
    batch: AnchoredBatch
    origin: LocalSigner
    receiver: LocalSigner

    def let_in(self, categories: int = 1, purposes: int = int(Purpose.CARE)) -> None:
        """The patient's consent to handed-over cases as such."""
        self.twin.allow(voucher(self.stage.chain).address, categories, purposes)

    def case(self, **change: Any) -> Handoff:
        """Terms of a case that lasts two hours."""
        terms = Handoff(
            self.twin.twin_id, self.origin.address, self.receiver.address, Category.VITALS,
            self.stage.now_s() + 2 * HOUR_S,
        )  # fmt: skip
        return replace(terms, **change)

    def open(self, **change: Any) -> bytes:
        """Open it; its id."""
        return open_case(self.stage.chain, self.origin, self.receiver, self.case(**change), next(self.stage.nonces))

    def look(self, who: LocalSigner, purpose: int = int(Purpose.CARE), category: int = 1) -> list[OpenedBatch]:
        """Fetch through the contract."""
        return fetch(
            self.stage.chain, self.twin.edge.store, self.custodians, who, twin_id=self.twin.twin_id, purpose=purpose,
            category=category, random_bytes=os.urandom, voucher=voucher(self.stage.chain),
        )  # fmt: skip

    def refused(self, who: LocalSigner, purpose: int = int(Purpose.CARE)) -> str:
        """Why all custodians say no; they must agree."""
        with pytest.raises(CustodyDenied) as caught:
            self.look(who, purpose)
        assert set(caught.value.refusals) == {one.address for one in self.custodians}
        (reason,) = set(caught.value.refusals.values())
        return reason

    def asked(self, who: LocalSigner, grantee: str) -> KeyRequest:
        """A request for care through a contract, signed and wrapped."""
        request = KeyRequest(
            self.twin.twin_id, grantee, hpke.public_key(hpke.new_key(os.urandom)), (self.batch.batch.digest,),
            1, int(Purpose.CARE), next(self.stage.nonces), self.stage.now_s() + 300,
        )  # fmt: skip
        signature = who.sign_digest(request_digest(self.stage.consent_domain(), request))
        return replace(request, signature=voucher(self.stage.chain).wrap(request, who.address, signature))

    def answer(self, request: KeyRequest) -> str:
        """Reason of the first custodian; empty for a yes."""
        header = parse_header(self.twin.edge.store.get(self.batch.batch.digest))
        own = next(one for one in header.shares if one.custodian == self.custodians[0].address)
        try:
            return self.custodians[0].release(request, [(header.context, own)]).receipt.reason
        except Refused as error:
            return error.receipt.reason


@pytest.fixture
def house(stage: Stage, twin: Twin, anchored: AnchoredBatch, custodians: list[LocalCustodian]) -> House:
    """Two departments with their role; no case, and the patient let nobody in."""
    origin, receiver = stage.person(), stage.person()
    role = stage.chain.read("CaseToken", "DEPARTMENT_ROLE")
    for who in (origin, receiver):
        stage.chain.write(stage.hospital, "CaseToken", "grantRole", role, who.address)
    return House(stage, twin, custodians, anchored, origin, receiver)


def test_an_open_case_lets_the_receiving_department_in_and_nobody_else(house: House, stranger: LocalSigner) -> None:
    """The receiver reads; the origin, a stranger, the patient and the administrator do not, through the contract."""
    house.let_in()
    house.open()

    assert len(house.look(house.receiver)[0].readings) == 8
    for other in (house.origin, stranger, house.twin.patient, house.stage.hospital):
        assert house.refused(other) == "bad_signature"


def test_a_case_before_the_patient_let_it_in_is_refused(house: House) -> None:
    """Departments cannot consent for the patient; later consent counts."""
    house.open()

    assert house.refused(house.receiver) == "no_consent"
    house.let_in()
    assert house.look(house.receiver)


def test_consent_to_cases_without_an_open_one_is_refused(house: House) -> None:
    """Being a department is no reason to read."""
    house.let_in()

    assert house.refused(house.receiver) == "bad_signature"
    assert house.refused(house.origin) == "bad_signature"


def test_a_case_serves_no_other_purpose(house: House) -> None:
    """The contract vouches for care alone, even if the patient consented to more."""
    house.let_in(purposes=7)
    house.open()

    for purpose in (Purpose.EMERGENCY, Purpose.CARE | Purpose.EMERGENCY, Purpose.OPERATIONS):
        assert house.refused(house.receiver, purpose) == "bad_signature"


def test_a_case_for_another_category_or_twin_opens_nothing(house: House) -> None:
    """What is handed over is one twin's data of the categories both signed for; the newest case counts."""
    house.let_in(categories=3)
    other = new_twin_id(TwinClass.PATIENT, os.urandom)
    mint(house.stage.chain, house.twin.patient, other)
    house.open(twin_id=other)
    assert house.refused(house.receiver) == "bad_signature"
    house.open(categories=Category.WAVEFORM)
    assert house.refused(house.receiver) == "bad_signature"
    with pytest.raises(NotFound):
        house.look(house.receiver, category=int(Category.WAVEFORM))
    house.open()
    assert house.look(house.receiver)


def test_a_case_beyond_what_the_patient_let_in_is_refused(house: House) -> None:
    """Both must cover it: what was handed over and what the patient consented to."""
    house.let_in(categories=int(Category.LABORATORY))
    house.open(categories=Category.VITALS | Category.LABORATORY)

    assert house.refused(house.receiver) == "category_not_covered"


def test_a_closed_case_is_refused(house: House, stranger: LocalSigner) -> None:
    """Either department or the patient ends it, at once; nobody else does, and only once."""
    chain = house.stage.chain
    house.let_in()
    for party in (house.twin.patient, house.origin, house.receiver):
        case_id = house.open()
        with pytest.raises(RevertedError) as caught:
            close_case(chain, stranger, case_id, procedure_ended=True)
        assert caught.value.error == "NotCaseParty"
        assert house.answer(house.asked(house.receiver, voucher(chain).address)) == ""

        close_case(chain, party, case_id, procedure_ended=party is house.receiver)

        assert house.answer(house.asked(house.receiver, voucher(chain).address)) == "bad_signature"
        with pytest.raises(RevertedError) as caught:
            close_case(chain, party, case_id, procedure_ended=True)
        assert caught.value.error == "CaseNotOpen"


def test_an_expired_case_is_refused(house: House) -> None:
    """It closes itself, to the second."""
    house.let_in()
    terms = house.case()
    open_case(house.stage.chain, house.origin, house.receiver, terms, 1)
    house.stage.travel(terms.expiry_s - house.stage.now_s() - 60)
    assert house.look(house.receiver)

    house.stage.travel(terms.expiry_s - house.stage.now_s())

    assert house.refused(house.receiver) == "bad_signature"


def test_revoked_consent_is_refused_although_the_case_is_open(house: House) -> None:
    """The patient's later word counts over an open case."""
    house.let_in()
    house.open()
    house.look(house.receiver)
    revoke(house.stage.chain, house.twin.patient, house.twin.twin_id, voucher(house.stage.chain).address)

    assert house.refused(house.receiver) == "consent_revoked"


def test_a_department_that_lost_its_role_ends_the_case(house: House) -> None:
    """The case stands on both; neither may be dissolved meanwhile."""
    chain = house.stage.chain
    house.let_in()
    house.open()
    role = chain.read("CaseToken", "DEPARTMENT_ROLE")
    for loser in (house.origin, house.receiver):
        chain.write(house.stage.hospital, "CaseToken", "revokeRole", role, loser.address)
        assert house.answer(house.asked(house.receiver, voucher(chain).address)) == "bad_signature"
        chain.write(house.stage.hospital, "CaseToken", "grantRole", role, loser.address)
        assert house.answer(house.asked(house.receiver, voucher(chain).address)) == ""


def test_a_case_must_be_signed_by_both_as_it_is(house: House, stranger: LocalSigner) -> None:
    """Other terms, another signer, a second opening, a stranger, one side alone or too long are reverts."""
    chain, terms = house.stage.chain, house.case()
    deadline = house.stage.now_s() + 300
    ours, theirs = (agree(chain, one, terms, 7, deadline) for one in (house.origin, house.receiver))

    def refused(case: Handoff, nonce: int, *signatures: bytes) -> str:
        with pytest.raises(RevertedError) as caught:
            chain.write(house.origin, "CaseToken", "open", case.fields(), nonce, deadline, *signatures)
        return caught.value.error

    broader = replace(terms, categories=Category.VITALS | Category.IMAGING)
    assert refused(broader, 7, ours, theirs) == "InvalidSignature"
    assert refused(broader, 7, agree(chain, house.origin, broader, 7, deadline), theirs) == "InvalidSignature"
    assert refused(terms, 8, ours, theirs) == "InvalidSignature"
    assert refused(terms, 7, theirs, ours) == "InvalidSignature"
    assert refused(terms, 7, ours, agree(chain, stranger, terms, 7, deadline)) == "InvalidSignature"
    assert refused(replace(terms, receiver=stranger.address), 7, ours, theirs) == "NotDepartment"
    assert refused(replace(terms, receiver=house.origin.address), 7, ours, ours) == "SameDepartment"
    assert refused(replace(terms, expiry_s=house.stage.now_s() + 8 * 86_400), 7, ours, theirs) == "InvalidExpiry"
    assert refused(replace(terms, categories=Category(0)), 7, ours, theirs) == "EmptyCategories"
    chain.write(stranger, "CaseToken", "open", terms.fields(), 7, deadline, ours, theirs)  # anybody may carry it
    assert refused(terms, 7, ours, theirs) == "CaseExists"


def test_a_closed_case_cannot_be_opened_again_with_its_signatures(house: House) -> None:
    """The signatures under a case serve once, also after it was closed."""
    chain, terms, deadline = house.stage.chain, house.case(), house.stage.now_s() + 600
    signed = [agree(chain, one, terms, 3, deadline) for one in (house.origin, house.receiver)]
    mined = chain.write(house.origin, "CaseToken", "open", terms.fields(), 3, deadline, *signed)
    case_id = next(event.args["caseId"] for event in mined.events if event.name == "CaseOpened")
    close_case(chain, house.twin.patient, case_id, procedure_ended=False)

    with pytest.raises(RevertedError) as caught:
        chain.write(house.receiver, "CaseToken", "open", terms.fields(), 3, deadline, *signed)
    assert caught.value.error == "CaseExists"


def test_receipts_of_a_case_verify_after_it_ended(house: House) -> None:
    """A look that was rightful stays provable, however it ended: the contract is asked as it stood at the look."""
    chain, custodian, contract = house.stage.chain, house.custodians[0], voucher(house.stage.chain).address
    role = chain.read("CaseToken", "DEPARTMENT_ROLE")
    ends: list[Callable[[bytes], Any]] = [
        lambda case: close_case(chain, house.twin.patient, case, procedure_ended=False),
        lambda _: house.stage.travel(3 * HOUR_S),
        lambda _: revoke(chain, house.twin.patient, house.twin.twin_id, contract),
        lambda _: chain.write(house.stage.hospital, "CaseToken", "revokeRole", role, house.origin.address),
    ]
    for number, end in enumerate(ends, 1):
        house.let_in()
        case_id = house.open()
        assert house.answer(house.asked(house.receiver, contract)) == ""
        assert house.answer(house.asked(house.origin, contract)) == "bad_signature"
        end(case_id)
        assert house.answer(house.asked(house.receiver, contract)) != ""
        custodian.post_root(chain)
        assert verify_receipts(chain, {custodian.address: entries_of(custodian)}) == Verified(3 * number, 0)


def test_a_request_altered_in_the_blob_is_refused(house: House) -> None:
    """Whatever the blob says is asked must be what was signed and what the custodian was asked."""
    house.let_in(categories=3)
    house.open(categories=Category.VITALS | Category.WAVEFORM)
    good = house.asked(house.receiver, voucher(house.stage.chain).address)
    fields, signer, signature = abi_decode([REQUEST, "address", "bytes"], good.signature)
    others = [fields[0] ^ 256, house.receiver.address, bytes(32), [bytes(32)] * 2, 2, 2, fields[6] + 1, fields[7] + 1]
    for at, other in enumerate(others):
        altered = [[*fields[:at], other, *fields[at + 1 :]], signer, signature]
        blob = abi_encode([REQUEST, "address", "bytes"], altered)
        assert house.answer(replace(good, signature=blob)) == "bad_signature"
    assert house.answer(good) == ""


def test_a_case_does_not_vouch_through_the_emergency_contract(house: House) -> None:
    """Each contract vouches for itself: a request of one is none of the other's."""
    house.let_in()
    house.twin.allow(emergency_voucher(house.stage.chain).address, 1, 3)
    house.open()

    through = house.asked(house.receiver, emergency_voucher(house.stage.chain).address)
    assert house.answer(through) == "bad_signature"
    assert house.answer(replace(through, grantee=voucher(house.stage.chain).address)) == "bad_signature"
