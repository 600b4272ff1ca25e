"""Receipts as FHIR R4B AuditEvents: what a hospital's own audit repository takes in.

``fhir.resources`` checks structure and types. It does not check codes, so those of required bindings are checked here.

References
----------
HL7 FHIR R4B AuditEvent, https://hl7.org/fhir/R4B/auditevent.html; CAIP-10 for accounts of a chain.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from ..errors import InputError
from ..formats import receipt_log
from ..formats.receipts import encode
from ..records import Purpose, Receipt

ACTIONS = frozenset("CRUDE")
OUTCOMES = frozenset(("0", "4", "8", "12"))
"""Required bindings: audit-event-action and audit-event-outcome."""

READ, SUCCESS, MINOR_FAILURE = "R", "0", "4"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
PURPOSE_OF_USE = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
DUO = "http://purl.obolibrary.org/obo/duo.owl"
ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
ENTITY_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
SOURCE_TYPE = "http://terminology.hl7.org/CodeSystem/security-source-type"
QUERY = {"system": DICOM, "code": "110112", "display": "Query"}
PURPOSES = {
    Purpose.CARE: (PURPOSE_OF_USE, "TREAT"),
    Purpose.EMERGENCY: (PURPOSE_OF_USE, "ETREAT"),
    Purpose.OPERATIONS: (PURPOSE_OF_USE, "HOPERAT"),
    Purpose.RESEARCH_GENERAL: (DUO, "DUO:0000042"),
    Purpose.RESEARCH_HEALTH: (DUO, "DUO:0000006"),
    Purpose.RESEARCH_DISEASE: (DUO, "DUO:0000007"),
    Purpose.RESEARCH_NONPROFIT: (DUO, "DUO:0000018"),
    Purpose.METHODS: (PURPOSE_OF_USE, "HRESCH"),
    Purpose.PUBLIC_HEALTH: (PURPOSE_OF_USE, "PUBHLTH"),
    Purpose.PATIENT_REQUEST: (PURPOSE_OF_USE, "PATRQT"),
}


def audit_events(receipts: Iterable[Receipt], chain_id: int) -> Iterator[str]:
    """One AuditEvent as JSON for each receipt, permits and refusals, in their order.

    Raises
    ------
    InputError
        ``not_fhir``: a code that a required binding does not have.
    """
    from fhir.resources.R4B.auditevent import AuditEvent  # half a second, which nobody else should wait for

    for receipt in receipts:
        fields = _fields(receipt, chain_id)
        check_codes(fields)
        yield AuditEvent.model_validate(fields).model_dump_json(exclude_none=True)


def check_codes(fields: dict[str, Any]) -> None:
    """Refuse what the required bindings of AuditEvent do not have."""
    for name, known in (("action", ACTIONS), ("outcome", OUTCOMES)):
        if fields.get(name) not in known:
            raise InputError(
                f"{str(fields.get(name))[:20]!r} is no {name} of an AuditEvent",
                hint=f"one of {', '.join(sorted(known))}",
                kind="not_fhir",
            )


def _fields(receipt: Receipt, chain_id: int) -> dict[str, Any]:
    purposes = [{"coding": [{"system": system, "code": code}]} for system, code in _codes(receipt.purpose)]
    return {
        "resourceType": "AuditEvent",
        "id": f"{receipt.custodian[2:].lower()}-{receipt.number}",
        "type": QUERY,
        "action": READ,
        "recorded": datetime.fromtimestamp(receipt.time_s, UTC).isoformat(),
        "outcome": SUCCESS if receipt.permitted else MINOR_FAILURE,
        **({} if receipt.permitted else {"outcomeDesc": receipt.reason}),
        **({"purposeOfEvent": purposes} if purposes else {}),
        "agent": [{"who": _account(chain_id, receipt.grantee), "requestor": True}],
        "source": {
            "observer": _account(chain_id, receipt.custodian),
            "type": [{"system": SOURCE_TYPE, "code": "4", "display": "Application Server"}],
        },
        "entity": [
            {
                "what": {"identifier": {"system": "urn:medtwin:twin", "value": f"{receipt.twin_id:#x}"}},
                "type": {"system": ENTITY_TYPE, "code": "2", "display": "System Object"},
                "role": {"system": ENTITY_ROLE, "code": "4", "display": "Domain Resource"},
                "detail": _details(receipt),
            }
        ],
    }


def _details(receipt: Receipt) -> list[dict[str, str]]:
    """What leads back to the receipt itself, and to what was asked for."""
    told = {
        "receipt": receipt_log.leaf_hash(encode(receipt)).hex(),
        "number": str(receipt.number),
        "request": receipt.request.hex(),
        "category": str(receipt.category),
        "block": f"{receipt.head_block} {receipt.head_hash.hex()}",
        "batches": json.dumps([one.hex() for one in receipt.batches]),
    }
    return [{"type": name, "valueString": value} for name, value in told.items()]


def _account(chain_id: int, address: str) -> dict[str, Any]:
    return {"identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:caip:10:eip155:{chain_id}:{address}"}}


def _codes(purposes: int) -> list[tuple[str, str]]:
    return [code for flag, code in PURPOSES.items() if purposes & flag]
