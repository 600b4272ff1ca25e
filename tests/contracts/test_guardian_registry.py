"""GuardianRegistry, and what a guardian may do in ConsentRegistry.

appoint
  given the guardian agreed
    it makes it guardian until the end
    it accepts a guardian that is a wallet
  given there is a guardian
    it replaces it
  when a signed fact differs
    it refuses each
  when it is for another chain, contract or version
    it refuses
  when the acceptance is brought twice
    it refuses
  at the acceptance's deadline
    it accepts a second before, refuses at it and after it
  when a stranger or the guardian appoints
    it refuses
  given the owner itself
    it refuses
  given an end that is past or too far
    it refuses
handOver
  given the next one agreed
    it passes the same guardianship on
  when others hand over
    it refuses
  given the acceptance was for the owner's appointment
    it refuses
  given the owner itself
    it refuses
dismiss
  when the owner or the guardian dismisses
    it ends it
  when others dismiss, or there is nobody to dismiss
    it refuses
guardianOf
  at the end
    it names the guardian a second before, and nobody from it on
  given the twin's epoch ended or the twin retired
    it names nobody
a guardian
  when it grants
    it opens a grant that ends with the guardianship at the latest
  when it revokes or denies
    it ends what the owner gave
  when it does anything else of an owner's
    it is a stranger
  when its time is over
    it is a stranger
  given a grant it gave
    it stays until it is revoked
"""

from __future__ import annotations

from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from tests.contracts.clock import DAY_S, next_at, now_s, view_at
from tests.contracts.consents import ALL_BITS, CARE, RESEARCH, VITALS, Grant, Scope, grant_of
from tests.contracts.events import expected, logged
from tests.contracts.guardians import accepted
from tests.contracts.offers import Offer
from tests.contracts.reverts import reverts_with
from tests.contracts.signing import OTHER_DOMAINS, key_of, signed

GUARDIAN, NEXT = key_of(3), key_of(4)
LONGEST = 21 * 366 * DAY_S
ZERO = "0x" + "0" * 40


@pytest.fixture
def guardians(suite: Any) -> Any:
    """GuardianRegistry."""
    return suite.by_name["GuardianRegistry"]


@pytest.fixture
def parent(accounts: Any) -> Any:
    """Becomes guardian."""
    return accounts.at(GUARDIAN.address)


@pytest.fixture
def until(guardians: Any, twin: int, patient: Any) -> int:
    """The end (s) of a guardianship that began."""
    end = now_s() + 30 * DAY_S
    appoint(guardians, twin, patient, end)
    return end


def appoint(guardians: Any, twin: int, owner: Any, end: int, key: LocalAccount = GUARDIAN, nonce: int = 0) -> Any:
    """By the owner, with the guardian's acceptance."""
    deadline = now_s() + 600
    signature = accepted(key, guardians, twin, owner, end, nonce, deadline)
    return guardians.appoint(twin, key.address, end, nonce, deadline, signature, {"from": owner})


def hand_over(guardians: Any, twin: int, sender: Any, end: int) -> Any:
    """To the next one, with its acceptance."""
    deadline = now_s() + 600
    signature = accepted(NEXT, guardians, twin, sender, end, 0, deadline)
    return guardians.handOver(twin, NEXT.address, 0, deadline, signature, {"from": sender})


def test_appoint_makes_a_guardian(guardians: Any, twin: int, patient: Any) -> None:
    """Both sides said so."""
    end = now_s() + LONGEST
    tx = appoint(guardians, twin, patient, end)

    facts = {"twinId": twin, "guardian": GUARDIAN.address, "until": end, "by": patient}
    assert logged(tx) == [expected("GuardianAppointed", **facts)]
    assert guardians.guardianOf(twin) == (GUARDIAN.address, end)


def test_appoint_of_a_wallet(guardians: Any, twin: int, patient: Any, wallet: Any, wallet_key: LocalAccount) -> None:
    """A guardian may hold a passkey account or be an office (ERC-1271)."""
    end, deadline = now_s() + DAY_S, now_s() + 600
    facts = {"twinId": twin, "guardian": wallet.address, "by": str(patient), "until": end}
    signature = signed(wallet_key, guardians, "Guardianship", {**facts, "nonce": 0, "deadline": deadline})

    guardians.appoint(twin, wallet, end, 0, deadline, signature, {"from": patient})

    assert guardians.guardianOf(twin) == (wallet, end)


def test_appoint_again_replaces(guardians: Any, twin: int, patient: Any, until: int) -> None:
    """One guardian a twin."""
    appoint(guardians, twin, patient, until - DAY_S, NEXT)

    assert guardians.guardianOf(twin) == (NEXT.address, until - DAY_S)


def test_appoint_on_changed_facts_is_refused(
    guardians: Any, twins: Any, twin: int, patient: Any, hospital: Any, equipment: int
) -> None:
    """Who agreed to one thing did not agree to another."""
    end, deadline = now_s() + DAY_S, now_s() + 600
    signature = accepted(GUARDIAN, guardians, twin, patient, end, 0, deadline)
    attempts = [
        (twin, GUARDIAN.address, end + 1, 0, deadline, patient), (twin, GUARDIAN.address, end, 1 << 64, deadline, patient),
        (twin, GUARDIAN.address, end, 0, deadline + 1, patient), (twin, NEXT.address, end, 0, deadline, patient),
        (equipment, GUARDIAN.address, end, 0, deadline, hospital),
    ]  # fmt: skip

    for *facts, sender in attempts:
        with reverts_with("InvalidSignature", facts[1]):
            guardians.appoint(*facts, signature, {"from": sender})


@pytest.mark.parametrize("domain", OTHER_DOMAINS)
def test_appoint_in_other_domain_is_refused(guardians: Any, twin: int, patient: Any, domain: dict[str, Any]) -> None:
    """A signature is for this contract on this chain."""
    end, deadline = now_s() + DAY_S, now_s() + 600
    signature = accepted(GUARDIAN, guardians, twin, patient, end, 0, deadline, **domain)

    with reverts_with("InvalidSignature", GUARDIAN.address):
        guardians.appoint(twin, GUARDIAN.address, end, 0, deadline, signature, {"from": patient})


def test_appoint_twice_is_refused(guardians: Any, twin: int, patient: Any) -> None:
    """Who was dismissed is not brought back by an old signature."""
    end, deadline = now_s() + DAY_S, now_s() + 600
    signature = accepted(GUARDIAN, guardians, twin, patient, end, 0, deadline)
    guardians.appoint(twin, GUARDIAN.address, end, 0, deadline, signature, {"from": patient})
    guardians.dismiss(twin, {"from": patient})

    with reverts_with("InvalidAccountNonce", GUARDIAN.address, 1):
        guardians.appoint(twin, GUARDIAN.address, end, 0, deadline, signature, {"from": patient})


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_appoint_around_the_deadline(guardians: Any, twin: int, patient: Any, offset: int) -> None:
    """time < deadline."""
    end, deadline = now_s() + DAY_S, now_s() + 600
    signature = accepted(GUARDIAN, guardians, twin, patient, end, 0, deadline)
    arguments = (twin, GUARDIAN.address, end, 0, deadline, signature, {"from": patient})
    next_at(deadline + offset)

    if offset < 0:
        guardians.appoint(*arguments)
        assert guardians.guardianOf(twin) == (GUARDIAN.address, end)
    else:
        with reverts_with("SignatureExpired", deadline):
            guardians.appoint(*arguments)


def test_appoint_by_others_is_refused(guardians: Any, twin: int, until: int, parent: Any, stranger: Any) -> None:
    """A guardian hands on what it has; it makes nothing longer."""
    for sender in (parent, stranger):
        with reverts_with("NotTwinOwner", twin, sender):
            appoint(guardians, twin, sender, until + DAY_S, NEXT)


def test_appoint_of_the_owner_is_refused(guardians: Any, twin: int, patient: Any, patient_key: LocalAccount) -> None:
    """Nobody is guardian of what is theirs."""
    with reverts_with("InvalidGuardian", twin, patient):
        appoint(guardians, twin, patient, now_s() + DAY_S, patient_key)


def test_appoint_with_impossible_end_is_refused(guardians: Any, twin: int, patient: Any) -> None:
    """After now, and not for life."""
    for after in (0, LONGEST + 1):
        start = now_s() + 10
        next_at(start)
        with reverts_with("InvalidEnd", start + after, start + LONGEST):
            appoint(guardians, twin, patient, start + after)


def test_hand_over_passes_it_on(guardians: Any, twin: int, until: int, parent: Any) -> None:
    """The end is the owner's word and stays."""
    tx = hand_over(guardians, twin, parent, until)

    facts = {"twinId": twin, "guardian": NEXT.address, "until": until, "by": parent}
    assert logged(tx) == [expected("GuardianAppointed", **facts)]
    assert guardians.guardianOf(twin) == (NEXT.address, until)


def test_hand_over_by_others_is_refused(
    guardians: Any, twin: int, until: int, patient: Any, stranger: Any, parent: Any
) -> None:
    """Also by one whose time is over."""
    for sender in (patient, stranger):
        with reverts_with("NotTwinGuardian", twin, sender):
            hand_over(guardians, twin, sender, until)
    next_at(until)
    with reverts_with("NotTwinGuardian", twin, parent):
        hand_over(guardians, twin, parent, until)


def test_hand_over_on_another_acceptance_is_refused(
    guardians: Any, twin: int, until: int, patient: Any, parent: Any
) -> None:
    """Who agreed to be appointed by the owner did not agree to follow the guardian."""
    deadline = now_s() + 600
    signature = accepted(NEXT, guardians, twin, patient, until, 0, deadline)

    with reverts_with("InvalidSignature", NEXT.address):
        guardians.handOver(twin, NEXT.address, 0, deadline, signature, {"from": parent})


def test_hand_over_to_the_owner_is_refused(
    guardians: Any, twin: int, until: int, patient: Any, patient_key: LocalAccount, parent: Any
) -> None:
    """The way to do so is to resign."""
    deadline = now_s() + 600
    signature = accepted(patient_key, guardians, twin, parent, until, 0, deadline)

    with reverts_with("InvalidGuardian", twin, patient):
        guardians.handOver(twin, patient, 0, deadline, signature, {"from": parent})


@pytest.mark.parametrize("who", ["owner", "guardian"])
def test_dismiss_ends_it(guardians: Any, twin: int, until: int, patient: Any, parent: Any, who: str) -> None:
    """Either side, at once."""
    sender = patient if who == "owner" else parent

    tx = guardians.dismiss(twin, {"from": sender})

    assert logged(tx) == [expected("GuardianDismissed", twinId=twin, guardian=GUARDIAN.address, by=sender)]
    assert guardians.guardianOf(twin) == (ZERO, 0)


def test_dismiss_by_others_or_of_nobody_is_refused(
    guardians: Any, twin: int, until: int, patient: Any, stranger: Any
) -> None:
    """A stranger ends nothing, and nothing ends twice."""
    with reverts_with("NotTwinOwner", twin, stranger):
        guardians.dismiss(twin, {"from": stranger})
    guardians.dismiss(twin, {"from": patient})
    with reverts_with("NotTwinGuardian", twin, ZERO):
        guardians.dismiss(twin, {"from": patient})


def test_guardian_until_the_end(guardians: Any, twin: int, until: int) -> None:
    """time < until."""
    view_at(until - 1)
    assert guardians.guardianOf(twin) == (GUARDIAN.address, until)
    view_at(until)
    assert guardians.guardianOf(twin) == (ZERO, 0)


@pytest.mark.parametrize("end", ["voidGrants", "retire"])
def test_guardian_of_an_ended_epoch(guardians: Any, twins: Any, twin: int, until: int, patient: Any, end: str) -> None:
    """Whoever voids everything voids this too."""
    getattr(twins, end)(twin, {"from": patient})

    assert guardians.guardianOf(twin) == (ZERO, 0)


def test_guardian_grants_within_its_time(
    guardians: Any, consents: Any, twin: int, until: int, parent: Any, hospital: Any
) -> None:
    """To the second; the record names who gave it."""
    scope = Scope(VITALS, CARE, now_s(), until)
    with reverts_with("GuardianshipExceeded", twin, until + 1, until):
        consents.grant(twin, hospital, scope._replace(expiry=until + 1), {"from": parent})

    tx = consents.grant(twin, hospital, scope, {"from": parent})

    assert tx.events["ConsentGranted"]["by"] == parent
    assert grant_of(consents, twin, hospital) == Grant(*scope, epoch=0, serial=1)
    assert consents.isAllowed(twin, hospital, VITALS, CARE)
    assert not consents.isAllowed(twin, parent, VITALS, CARE)


def test_guardian_revokes_and_denies(
    guardians: Any, consents: Any, twin: int, until: int, patient: Any, parent: Any, hospital: Any, year: Scope
) -> None:
    """Ending access never waits for the owner."""
    consents.grant(twin, hospital, year, {"from": patient})
    tx = consents.revoke(twin, hospital, {"from": parent})
    assert tx.events["TransferSingle"]["operator"] == parent
    assert not consents.isAllowed(twin, hospital, VITALS, CARE)

    consents.deny(twin, hospital, {"from": parent})

    assert grant_of(consents, twin, hospital).denied


def test_guardian_is_no_owner(
    suite: Any, guardians: Any, twin: int, until: int, parent: Any, hospital: Any, year: Scope
) -> None:
    """It lets no operator in, sells nothing, retires nothing."""
    offer = Offer(twin, 10**18, VITALS, RESEARCH, 30, bytes(32))
    attempts = [
        lambda: suite.consents.setOperator(twin, hospital, year, DAY_S, {"from": parent}),
        lambda: suite.market.list(offer, {"from": parent}),
        lambda: suite.twins.retire(twin, {"from": parent}),
        lambda: suite.twins.voidGrants(twin, {"from": parent}),
    ]

    for attempt in attempts:
        with reverts_with("NotTwinOwner", twin, parent):
            attempt()
    assert not suite.consents.isAllowed(twin, parent, ALL_BITS, ALL_BITS)


def test_guardian_after_its_time(
    guardians: Any, consents: Any, twin: int, until: int, patient: Any, parent: Any, hospital: Any, year: Scope
) -> None:
    """From the very second of the end."""
    consents.grant(twin, hospital, year, {"from": patient})
    next_at(until)

    for attempt in (
        lambda: consents.grant(twin, parent, year, {"from": parent}),
        lambda: consents.revoke(twin, hospital, {"from": parent}),
        lambda: consents.deny(twin, hospital, {"from": parent}),
    ):
        with reverts_with("NotTwinOwner", twin, parent):
            attempt()


def test_grant_of_a_dismissed_guardian_stays(
    guardians: Any, consents: Any, twin: int, until: int, patient: Any, parent: Any, hospital: Any
) -> None:
    """Care does not stop because a guardian changes; the owner ends it as any other."""
    consents.grant(twin, hospital, Scope(VITALS, CARE, now_s(), until), {"from": parent})
    guardians.dismiss(twin, {"from": parent})
    assert consents.isAllowed(twin, hospital, VITALS, CARE)

    consents.revoke(twin, hospital, {"from": patient})

    assert not consents.isAllowed(twin, hospital, VITALS, CARE)
