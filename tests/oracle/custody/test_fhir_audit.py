"""Receipts as FHIR AuditEvents: whole, valid, coded as the standard wants, and leading back to the receipt."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from fhir.resources.R4B.auditevent import AuditEvent

from oracle.adapters.keys import LocalSigner
from oracle.custody.fhir_audit import PURPOSES, audit_events, check_codes
from oracle.errors import InputError, Refused
from oracle.formats.receipt_log import leaf_hash
from oracle.formats.receipts import decode
from oracle.records import Purpose

if TYPE_CHECKING:
    from ..conftest import Case

# HL7 FHIR R4B: audit-event-action, audit-event-outcome (required bindings), and the purposes of use that we name.
ACTIONS, OUTCOMES = {"C", "R", "U", "D", "E"}, {"0", "4", "8", "12"}
PURPOSES_OF_USE = {"TREAT", "ETREAT", "HOPERAT", "HRESCH", "PUBHLTH", "PATRQT"}


def test_each_receipt_is_a_valid_audit_event(case: Case, stranger: LocalSigner) -> None:
    """A permit and two refusals: read by the standard's own model, coded by its value sets, in the receipts' order."""
    case.custodian.release(case.asked(), case.items)
    for bad in (case.asked(purpose=2), case.asked(stranger)):
        with pytest.raises(Refused):
            case.custodian.release(bad, case.items)
    log = list(case.custodian.receipts())
    receipts = [decode(*entry) for entry in log]

    events = [AuditEvent.model_validate_json(line) for line in audit_events(receipts, case.stage.chain.chain_id)]

    assert [one.outcome for one in events] == ["0", "4", "4"]
    assert [one.outcomeDesc for one in events] == [None, "purpose_not_covered", "bad_signature"]
    for event, receipt, (leaf, _) in zip(events, receipts, log, strict=True):
        assert event.action in ACTIONS and event.outcome in OUTCOMES
        assert int(event.recorded.timestamp()) == receipt.time_s and event.recorded.utcoffset().total_seconds() == 0
        assert event.agent[0].requestor is True
        assert event.agent[0].who.identifier.value.endswith(f"eip155:{case.stage.chain.chain_id}:{receipt.grantee}")
        assert event.source.observer.identifier.value.endswith(receipt.custodian)
        details = {one.type: one.valueString for one in event.entity[0].detail}
        assert details["receipt"] == leaf_hash(leaf).hex()
        assert json.loads(details["batches"]) == [one.hex() for one in receipt.batches]
    assert events[0].purposeOfEvent[0].coding[0].code == "TREAT"


def test_every_purpose_has_a_code_of_its_system() -> None:
    """Purpose of use where the value set has the word, the data use ontology where it has not."""
    assert set(PURPOSES) == set(Purpose)
    for system, code in PURPOSES.values():
        assert code in PURPOSES_OF_USE if "v3-ActReason" in system else code.startswith("DUO:")


@pytest.mark.parametrize("change", [{"action": "X"}, {"outcome": "1"}, {"action": None}, {"outcome": 0}])
def test_a_code_outside_a_required_binding_is_refused(change: dict[str, Any]) -> None:
    """The library would let it pass; we do not."""
    with pytest.raises(InputError) as caught:
        check_codes({"action": "R", "outcome": "0", **change})

    assert caught.value.kind == "not_fhir"
