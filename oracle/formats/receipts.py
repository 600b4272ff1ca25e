"""The bytes of a receipt: the leaf of a custodian's log, the same for who writes it and who checks it."""

from __future__ import annotations

import hashlib
import re

import cbor2

from ..errors import VerificationError
from ..records import KeyRequest, Receipt
from . import cbor
from .typed_data import Domain, digest, is_checksummed

FORMAT = "medtwin/receipt/1"
_KINDS = (str, str, int, int, bytes, str, int, int, list, bytes, int, int, bool, str, bytes, bytes, int, bytes)
_REASON = re.compile(r"[a-z_]{0,64}")  # a word: what is shown to people must not carry control characters
_YEAR_10000_S = 253_402_300_800


def encode(receipt: Receipt) -> bytes:
    """Canonical CBOR of everything but the signature, which is over these facts."""
    return cbor2.dumps(
        [
            FORMAT,
            receipt.custodian,
            receipt.number,
            receipt.time_s,
            receipt.twin_id.to_bytes(32, "big"),
            receipt.grantee,
            receipt.purpose,
            receipt.category,
            list(receipt.batches),
            receipt.recipient,
            receipt.nonce,
            receipt.deadline_s,
            receipt.permitted,
            receipt.reason,
            receipt.request,
            receipt.request_signature,
            receipt.head_block,
            receipt.head_hash,
        ],
        canonical=True,
    )


def decode(leaf: bytes, signature: bytes) -> Receipt:
    """The receipt of a leaf; VerificationError if it is not one."""
    try:
        fields = cbor.items(cbor.read(leaf), *_KINDS)
        name, custodian, number, time_s, twin, grantee, purpose, category, batches, *rest = fields
        recipient, nonce, deadline_s, permitted, reason, request, request_signature, head_block, head_hash = rest
        cbor.digests([twin, recipient, request, head_hash, *batches])
        cbor.numbers((number, 63), (purpose, 32), (category, 32), (nonce, 256), (deadline_s, 40), (head_block, 63))
        words = _REASON.fullmatch(reason) and is_checksummed(custodian) and is_checksummed(grantee)
        whole = name == FORMAT and cbor2.dumps(fields, canonical=True) == leaf
        if not (words and whole and 0 <= time_s < _YEAR_10000_S):
            raise ValueError(name)
        twin_id = int.from_bytes(twin, "big")
        return Receipt(
            custodian, number, time_s, twin_id, grantee, purpose, category, tuple(batches), recipient, nonce,
            deadline_s, permitted, reason, request, request_signature, head_block, head_hash, signature,
        )  # fmt: skip
    except ValueError as error:
        raise VerificationError("a receipt is damaged: it does not read", kind="malformed_receipt") from error


def request_digest(domain: Domain, request: KeyRequest) -> bytes:
    """What a grantee signs to ask for key shares; `domain` is ConsentRegistry's."""
    recipient = hashlib.sha256(request.recipient_key).digest()
    return _asked(domain, request, recipient)


def asked_digest(domain: Domain, receipt: Receipt) -> bytes:
    """The same digest from what the receipt says was asked."""
    return _asked(domain, receipt, receipt.recipient)


def _asked(domain: Domain, asked: KeyRequest | Receipt, recipient: bytes) -> bytes:
    values = {
        "twinId": asked.twin_id,
        "grantee": asked.grantee,
        "recipient": recipient,
        "batches": asked.batches,
        "category": asked.category,
        "purpose": asked.purpose,
        "nonce": asked.nonce,
        "deadline": asked.deadline_s,
    }
    return digest(domain, "KeyRequest", values)
