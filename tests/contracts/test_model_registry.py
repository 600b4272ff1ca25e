"""ModelRegistry.

constructor
  given no approver
    it refuses
register
  given an unknown digest
    it records who registered what
  given a known digest
    it refuses, withdrawn ones too
  when a digest is zero
    it refuses
registerTerms
  when who registered the model calls
    it keeps root and link, once
  when anybody else calls
    it refuses, the approver too
  given the model is unknown, approved or withdrawn
    it refuses
  when root or link is empty
    it refuses
approve
  when the approver calls
    it makes a registered model usable
  when a stranger calls
    it refuses
  given the model is unknown, approved or withdrawn
    it refuses
withdraw
  given an approved model
    it ends its use
  given a registered model
    it withdraws it before it was ever used
  when a stranger calls
    it refuses
  given the model is unknown or withdrawn
    it refuses
"""

from __future__ import annotations

from typing import Any

import brownie

from tests.contracts.events import expected, logged
from tests.contracts.reports import CARD, MODEL
from tests.contracts.reverts import reverts_with

UNKNOWN, REGISTERED, APPROVED, WITHDRAWN = range(4)
LINEAGE = b"\x77" * 32
REASON = b"\x88" * 32
ZERO = "0x" + "0" * 40
IDENTITY, LOGISTIC = 1, 2


def test_deploy_without_approver_is_refused(consents: Any, approver: Any) -> None:
    """A registry nobody could approve in is not deployed."""
    registry = brownie.project.get_loaded_projects()[0]["ModelRegistry"]

    with reverts_with("ZeroApprover"):
        registry.deploy(consents, ZERO, {"from": approver})


def test_register_of_unknown_digest_records_it(models: Any, stranger: Any) -> None:
    """Anyone may register; registered is not approved."""
    tx = models.register(MODEL, CARD, LINEAGE, True, {"from": stranger})

    assert logged(tx) == [
        expected(
            "ModelRegistered",
            model=MODEL,
            registrar=stranger,
            cardDigest=CARD,
            lineageRoot=LINEAGE,
            stopsWhenMarked=True,
        )
    ]
    told = (
        REGISTERED,
        stranger,
        tx.timestamp,
        True,
        False,
        0,
        "0x" + CARD.hex(),
        "0x" + LINEAGE.hex(),
        "0x" + "00" * 32,
    )
    assert models.modelOf(MODEL) == told
    assert not models.isApproved(MODEL)


def test_register_of_known_digest_is_refused(models: Any, approver: Any, stranger: Any) -> None:
    """A digest is registered once for all time, withdrawn or not."""
    models.register(MODEL, CARD, LINEAGE, True, {"from": approver})

    with reverts_with("ModelExists", MODEL):
        models.register(MODEL, CARD, LINEAGE, True, {"from": stranger})
    models.withdraw(MODEL, REASON, {"from": approver})
    with reverts_with("ModelExists", MODEL):
        models.register(MODEL, CARD, LINEAGE, True, {"from": stranger})


def test_register_of_zero_digest_is_refused(models: Any, approver: Any) -> None:
    """Neither the model nor its card may be missing; a lineage may."""
    for model, card in ((bytes(32), CARD), (MODEL, bytes(32))):
        with reverts_with("EmptyDigest"):
            models.register(model, card, LINEAGE, True, {"from": approver})


def test_register_terms_by_registrar_keeps_them(models: Any, stranger: Any) -> None:
    """For good: what reports are computed again with does not change under them."""
    models.register(MODEL, CARD, LINEAGE, True, {"from": stranger})

    tx = models.registerTerms(MODEL, REASON, LOGISTIC, {"from": stranger})

    assert logged(tx) == [expected("ModelTermsRegistered", model=MODEL, termsRoot=REASON, link=LOGISTIC)]
    assert models.termsOf(MODEL) == ("0x" + REASON.hex(), LOGISTIC)
    assert models.modelOf(MODEL)[6:8] == ("0x" + CARD.hex(), "0x" + LINEAGE.hex())
    with reverts_with("ModelTermsExist", MODEL):
        models.registerTerms(MODEL, LINEAGE, IDENTITY, {"from": stranger})


def test_register_terms_by_another_is_refused(models: Any, approver: Any, stranger: Any) -> None:
    """They are the registrar's to name."""
    models.register(MODEL, CARD, LINEAGE, True, {"from": stranger})

    with reverts_with("NotRegistrar", MODEL, approver):
        models.registerTerms(MODEL, REASON, LOGISTIC, {"from": approver})
    assert models.termsOf(MODEL) == ("0x" + "00" * 32, 0)


def test_register_terms_of_wrong_state_is_refused(models: Any, approver: Any) -> None:
    """Whoever approves a model knows its terms."""
    with reverts_with("ModelNotInState", MODEL, UNKNOWN, REGISTERED):
        models.registerTerms(MODEL, REASON, LOGISTIC, {"from": approver})
    models.register(MODEL, CARD, LINEAGE, True, {"from": approver})
    models.approve(MODEL, {"from": approver})
    with reverts_with("ModelNotInState", MODEL, APPROVED, REGISTERED):
        models.registerTerms(MODEL, REASON, LOGISTIC, {"from": approver})
    models.withdraw(MODEL, REASON, {"from": approver})
    with reverts_with("ModelNotInState", MODEL, WITHDRAWN, REGISTERED):
        models.registerTerms(MODEL, REASON, LOGISTIC, {"from": approver})


def test_register_empty_terms_is_refused(models: Any, stranger: Any) -> None:
    """Zero stands for no terms."""
    models.register(MODEL, CARD, LINEAGE, True, {"from": stranger})

    for root, link in ((bytes(32), IDENTITY), (REASON, 0)):
        with reverts_with("EmptyDigest"):
            models.registerTerms(MODEL, root, link, {"from": stranger})


def test_approve_by_approver_makes_usable(models: Any, approver: Any, stranger: Any) -> None:
    """Only the state changes."""
    models.register(MODEL, CARD, LINEAGE, True, {"from": stranger})
    before = models.modelOf(MODEL)

    tx = models.approve(MODEL, {"from": approver})

    assert logged(tx) == [expected("ModelApproved", model=MODEL, approver=approver)]
    assert models.isApproved(MODEL)
    assert models.modelOf(MODEL) == (APPROVED, *before[1:])


def test_approve_by_stranger_is_refused(models: Any, stranger: Any) -> None:
    """Whoever registered a model does not approve it."""
    models.register(MODEL, CARD, LINEAGE, True, {"from": stranger})

    with reverts_with("AccessControlUnauthorizedAccount", stranger, bytes(models.APPROVER_ROLE())):
        models.approve(MODEL, {"from": stranger})


def test_approve_of_model_in_other_state_is_refused(models: Any, approver: Any) -> None:
    """Unknown, approved and withdrawn models are not approved."""
    with reverts_with("ModelNotInState", MODEL, UNKNOWN, REGISTERED):
        models.approve(MODEL, {"from": approver})
    models.register(MODEL, CARD, LINEAGE, True, {"from": approver})
    models.approve(MODEL, {"from": approver})
    with reverts_with("ModelNotInState", MODEL, APPROVED, REGISTERED):
        models.approve(MODEL, {"from": approver})
    models.withdraw(MODEL, REASON, {"from": approver})
    with reverts_with("ModelNotInState", MODEL, WITHDRAWN, REGISTERED):
        models.approve(MODEL, {"from": approver})


def test_withdraw_of_approved_model_ends_its_use(models: Any, model: bytes, approver: Any) -> None:
    """The reason is logged, the record stays."""
    before = models.modelOf(model)

    tx = models.withdraw(model, REASON, {"from": approver})

    assert logged(tx) == [expected("ModelWithdrawn", model=model, approver=approver, reason=REASON)]
    assert not models.isApproved(model)
    assert models.modelOf(model) == (WITHDRAWN, *before[1:])


def test_withdraw_of_registered_model_forestalls_approval(models: Any, approver: Any) -> None:
    """A model known to be bad need not be approved first."""
    models.register(MODEL, CARD, LINEAGE, True, {"from": approver})

    models.withdraw(MODEL, REASON, {"from": approver})

    assert models.modelOf(MODEL)[0] == WITHDRAWN


def test_withdraw_by_stranger_is_refused(models: Any, model: bytes, stranger: Any) -> None:
    """Only an approver withdraws."""
    with reverts_with("AccessControlUnauthorizedAccount", stranger, bytes(models.APPROVER_ROLE())):
        models.withdraw(model, REASON, {"from": stranger})


def test_withdraw_of_unknown_or_withdrawn_model_is_refused(models: Any, model: bytes, approver: Any) -> None:
    """Withdrawn is final, and there must be something to withdraw."""
    unknown = b"\x99" * 32

    with reverts_with("ModelNotInState", unknown, UNKNOWN, APPROVED):
        models.withdraw(unknown, REASON, {"from": approver})
    models.withdraw(model, REASON, {"from": approver})
    with reverts_with("ModelNotInState", model, WITHDRAWN, APPROVED):
        models.withdraw(model, REASON, {"from": approver})
