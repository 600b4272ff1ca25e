"""RequestVoucher: which requests EmergencyAccess and CaseToken stand by (ERC-1271).

isValidSignature
  given an open use or case
    it says yes to a good request
    it says yes for a person whose account is a wallet
  at the end
    it says yes a second before, no at it and after it
  given it was closed, or its person lost the role
    it says no
  given the use was judged unjustified
    it says no to both, and again yes to neither once reinstated
  given the person is suspended for another use
    it says no
  when the request is for another twin, purpose, grantee or more categories
    it says no, though the person signed just that
  when it is for fewer categories
    it says yes
  when what is asked about is not what is wrapped
    it says no to each field, the list of batches foremost
  when the request was signed for another chain, contract or version
    it says no
  when somebody else signed, or nobody
    it says no
  when the blob is no such thing
    it never says yes, and a caller that checks signatures is told no
  when a bit of a good blob is turned
    it says yes only if it still holds the same request, signer and signature
requestDigest
  given any request
    it is what a wallet signs
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from eth_abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_account.signers.local import LocalAccount

from tests.contracts.cases import Handoff
from tests.contracts.clock import now_s, view_at
from tests.contracts.consents import CARE, LABS, VITALS
from tests.contracts.emergencies import Emergencies, Terms
from tests.contracts.reverts import reverts_with
from tests.contracts.rules import Rule, broken_glass, handed_over
from tests.contracts.signing import OTHER_DOMAINS, key_of
from tests.contracts.vouchers import (
    BATCHES,
    BLOB,
    EMERGENCY,
    YES,
    blob_of,
    request_digest,
    request_signature,
    says_yes,
)  # fmt: skip


@pytest.fixture
def person() -> LocalAccount:
    """The clinician, or the receiving department: the hospital's key."""
    return key_of(7)


@pytest.fixture(params=[broken_glass, handed_over], ids=["emergency", "case"])
def rule(request: Any, suite: Any, twin: int, approver: Any, hospital: Any, researcher: Any) -> Rule:
    """Each of the two contracts, open for the hospital by agreement of the researcher."""
    return request.param(suite, twin, approver, hospital, researcher)  # type: ignore[no-any-return]


@pytest.fixture
def glass(suite: Any, twin: int, approver: Any, hospital: Any, researcher: Any, accounts: Any) -> Rule:
    """The emergency, with a reviewer."""
    made = broken_glass(suite, twin, approver, hospital, researcher)
    made.contract.grantRole(made.contract.REVIEWER_ROLE(), accounts[3], {"from": approver})
    return made


def test_voucher_says_yes_while_open(rule: Rule, person: LocalAccount) -> None:
    """Any recipient, list of batches, nonce and deadline: those are the custodian's to judge."""
    assert rule.vouches(person)
    assert rule.vouches(person, batches=(), recipient=bytes(32), nonce=2**256 - 1, deadline=0)
    assert rule.vouches(person, batches=tuple(bytes([number]) * 32 for number in range(50)))


def test_voucher_says_yes_for_wallet(
    rule: Rule, suite: Any, wallet: Any, wallet_key: LocalAccount, person: LocalAccount, approver: Any, hospital: Any
) -> None:
    """A person's account may be a contract; the wallet's key is not the wallet."""
    rule.contract.grantRole(rule.role, wallet, {"from": approver})
    terms, deadline = (rule.twin, VITALS, 1), now_s() + 600
    if rule.purpose == EMERGENCY:
        act = Emergencies(rule.contract, Terms(*terms), wallet, person)
        agreed = act.agreement(act.terms, person, wallet, deadline, 0)
        opening = rule.contract.open.encode_input(*terms, person.address, deadline, agreed)
        wallet.execute(rule.contract, opening, {"from": wallet.KEY()})
    else:
        hand = Handoff(rule.contract, rule.twin, person, wallet_key)
        case = hand.case(taker=wallet.address)
        rule.contract.open(*hand.arguments(case), {"from": hospital})
    request = rule.request()
    signature = request_signature(wallet_key, rule.consents, request)

    digest = request_digest(rule.consents, request)
    assert says_yes(rule.contract, digest, blob_of(request, wallet, signature))
    assert not says_yes(rule.contract, digest, blob_of(request, wallet_key.address, signature))


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_voucher_at_the_end(rule: Rule, person: LocalAccount, offset: int) -> None:
    """Yes while time < end."""
    view_at(rule.end + offset)

    assert rule.vouches(person) is (offset < 0)


@pytest.mark.parametrize("how", ["closed", "role"])
def test_voucher_of_ended_says_no(rule: Rule, person: LocalAccount, approver: Any, hospital: Any, how: str) -> None:
    """From the next block on."""
    if how == "closed":
        rule.close()
    else:
        rule.contract.revokeRole(rule.role, hospital, {"from": approver})

    assert not rule.vouches(person)


def test_voucher_of_unjustified_use_says_no(
    glass: Rule, person: LocalAccount, accounts: Any, approver: Any, hospital: Any, researcher: Any
) -> None:
    """A lifted suspension lifts no judgement."""
    glass.contract.review(1, False, {"from": accounts[3]})
    assert not glass.vouches(person)
    assert not glass.vouches(key_of(6))

    for account in (hospital, researcher):
        glass.contract.reinstate(account, {"from": approver})

    assert not glass.vouches(person)
    assert not glass.vouches(key_of(6))


def test_voucher_for_suspended_says_no(
    glass: Rule, twins: Any, person: LocalAccount, accounts: Any, patient: Any, hospital: Any
) -> None:
    """Suspended as the second signer of a use of another twin, it loses its own open use."""
    twins.mint(glass.twin + 256, {"from": patient})
    other = Emergencies(glass.contract, Terms(glass.twin + 256), accounts[6], person).open().return_value
    assert glass.vouches(person)

    glass.contract.review(other, False, {"from": accounts[3]})

    assert not glass.vouches(person)


def test_voucher_for_other_request_says_no(rule: Rule, equipment: int, person: LocalAccount, patient: Any) -> None:
    """Signed by the right person and wrapped honestly, but not what is open."""
    everything = 2**32 - 1
    others: list[dict[str, Any]] = [{"twinId": twin} for twin in (equipment, rule.twin + 256, 0)]
    others += [{"purpose": asked} for asked in (0, CARE | EMERGENCY, CARE ^ EMERGENCY ^ rule.purpose, 4, everything)]
    others += [{"grantee": account} for account in (patient.address, person.address, str(rule.consents))]
    others += [{"category": asked} for asked in (0, 4, VITALS | 4, everything)]

    assert [change for change in others if rule.vouches(person, **change)] == []


def test_voucher_for_part_of_the_categories_says_yes(rule: Rule, person: LocalAccount) -> None:
    """Each non-empty part of vitals and labs."""
    assert [rule.vouches(person, category=asked) for asked in (VITALS, LABS, VITALS | LABS)] == [True] * 3


def test_voucher_for_other_digest_says_no(rule: Rule, person: LocalAccount) -> None:
    """The question and the wrapped request must be one; either may have been altered."""
    good = rule.request()
    altered = [good._replace(batches=batches) for batches in ((), BATCHES[:1], BATCHES[::-1], (*BATCHES, BATCHES[0]))]
    altered += [good._replace(recipient=b"\x99" * 32), good._replace(category=LABS), good._replace(nonce=2)]
    altered += [good._replace(deadline=good.deadline + 1), good._replace(twinId=rule.twin + 256)]
    signature = request_signature(person, rule.consents, good)

    for other in altered:
        assert not says_yes(
            rule.contract, request_digest(rule.consents, other), blob_of(good, person.address, signature)
        )
        assert not says_yes(
            rule.contract, request_digest(rule.consents, good), blob_of(other, person.address, signature)
        )
        assert not says_yes(
            rule.contract, request_digest(rule.consents, other), blob_of(other, person.address, signature)
        )
    assert not says_yes(rule.contract, bytes(32), blob_of(good, person.address, signature))


def test_voucher_for_other_domain_says_no(rule: Rule, person: LocalAccount) -> None:
    """A request holds on one chain, for one registry and version, whichever of the two digests is shown."""
    good = rule.request()
    for domain in [*OTHER_DOMAINS, {"verifyingContract": str(rule.contract)}]:
        blob = blob_of(good, person.address, request_signature(person, rule.consents, good, **domain))
        for digest in (request_digest(rule.consents, good, **domain), request_digest(rule.consents, good)):
            assert not says_yes(rule.contract, digest, blob)


def test_voucher_with_signature_of_others_says_no(rule: Rule, person: LocalAccount) -> None:
    """A stranger in its own name or in the person's, the other party, the voucher itself, nobody."""
    good = rule.request()
    digest, own = request_digest(rule.consents, good), request_signature(person, rule.consents, good)
    foreign = request_signature(key_of(8), rule.consents, good)

    assert not rule.vouches(key_of(8))
    assert not rule.vouches(key_of(6))
    for signer, signature in (
        (person.address, foreign), (person.address, b""), (person.address, bytes(65)), (person.address, own[:64]),
        (key_of(8).address, own), ("0x" + "0" * 40, bytes(65)), ("0x" + "0" * 40, own), (rule.contract, own),
    ):  # fmt: skip
        assert not says_yes(rule.contract, digest, blob_of(good, signer, signature))


def test_voucher_never_says_yes_to_garbage(
    rule: Rule, suite: Any, person: LocalAccount, approver: Any, hospital: Any
) -> None:
    """Nor does a contract that asks it as the second signer of an emergency take garbage for a yes."""
    glass, end = suite.by_name["EmergencyAccess"], now_s() + 600
    for account in (hospital, rule.contract):
        glass.grantRole(glass.CLINICIAN_ROLE(), account, {"from": approver})
    good = rule.request()
    digest, signature = request_digest(rule.consents, good), request_signature(person, rule.consents, good)

    for number, junk in enumerate(garbage(blob_of(good, person.address, signature))):
        assert not says_yes(rule.contract, digest, junk), junk.hex()
        assert not says_yes(rule.contract, bytes(32), junk), junk.hex()
        if number % 4 == 0:
            with reverts_with("InvalidSignature", rule.contract):
                glass.open.call(rule.twin, VITALS, 1, rule.contract, end, junk, {"from": hospital})


def garbage(good: bytes) -> list[bytes]:
    """Nothing, filling, noise of a fixed seed, a bare yes, and every shortening of a good blob that cuts its signature."""
    draw, yes = random.Random(1271), bytes.fromhex(YES[2:])
    filling = [
        b"",
        b"\0",
        bytes(32),
        bytes(640),
        b"\xff" * 640,
        yes,
        yes + bytes(28),
        encode(["uint256"] * 4, [32] * 4),
    ]
    noise = [draw.randbytes(size) for size in (1, 31, 32, 65, 96, 320, 608, 640)]
    return filling + noise + [good[:cut] for cut in range(0, len(good) - 31, 32)]


def test_voucher_with_turned_bits_keeps_its_meaning(rule: Rule, person: LocalAccount) -> None:
    """Padding is not read; everything that is read counts."""
    good = rule.request()
    digest, signature = request_digest(rule.consents, good), request_signature(person, rule.consents, good)
    blob, draw = blob_of(good, person.address, signature), random.Random(712)
    assert says_yes(rule.contract, digest, blob)

    for word in range(len(blob) // 32):
        for _ in range(3):
            bit = 8 * 32 * word + draw.randrange(256)
            turned = bytearray(blob)
            turned[bit // 8] ^= 1 << bit % 8
            if says_yes(rule.contract, digest, bytes(turned)):
                assert meaning(bytes(turned)) == meaning(blob), bit


def meaning(blob: bytes) -> Any:
    """What an independent decoder reads."""
    try:
        return decode(BLOB, blob, strict=False)
    except (DecodingError, OverflowError) as problem:
        return problem


@pytest.mark.parametrize("batches", [(), BATCHES[:1], BATCHES])
def test_request_digest_is_what_wallets_sign(rule: Rule, batches: tuple[bytes, ...]) -> None:
    """By an independent implementation of EIP-712, arrays of any length."""
    request = rule.request(batches=batches)

    assert bytes(rule.contract.requestDigest(request)) == request_digest(rule.consents, request)
