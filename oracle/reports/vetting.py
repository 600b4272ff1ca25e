"""Whether a model's files are what the chain's registry says may report; nothing is loaded before that is known."""

from __future__ import annotations

import enum
import hashlib
import json
from dataclasses import dataclass

from ..errors import VerificationError
from ..ports import Chain
from ..twins.additive import Additive
from . import terms

ONNX_START = b"\x08"  # protobuf: field 1 of ModelProto, ir_version
FOREIGN = {  # how files begin that run code when loaded
    b"\x80": "a pickle",
    b"PK\x03\x04": "a zip archive, as joblib, skops and torch write",
    b"\x93NUMPY": "a NumPy file",
}


class State(enum.IntEnum):
    """As in ModelRegistry."""

    UNKNOWN = 0
    REGISTERED = 1
    APPROVED = 2
    WITHDRAWN = 3


@dataclass(frozen=True, slots=True)
class Vetted:
    """An approved model: digests, who registered it, when (s since 1970), root of the consents it was trained under."""

    model: bytes
    card: bytes
    registrar: str
    registered_at: int
    lineage: bytes


def vet(chain: Chain, model_bytes: bytes, card_bytes: bytes) -> Vetted:
    """What the registry says of these bytes.

    Raises
    ------
    VerificationError
        ``foreign_format``, ``model_unregistered``, ``model_withdrawn``, ``model_not_approved``, ``model_stopped``,
        ``wrong_card`` or ``foreign_terms``.
    """
    refuse_foreign(model_bytes)
    digest, card = hashlib.sha256(model_bytes).digest(), hashlib.sha256(card_bytes).digest()
    entry = chain.read("ModelRegistry", "modelOf", digest)
    state = State(entry.state)
    if state is State.UNKNOWN:
        raise VerificationError(
            f"the registry knows no model 0x{digest.hex()}: the file was altered, swapped, or never registered",
            hint="get the artefact again by its CID, or register it: medtwin model register",
            kind="model_unregistered",
        )
    if state is State.WITHDRAWN:
        raise VerificationError(
            f"the model 0x{digest.hex()} is withdrawn, for good",
            hint="use its successor: medtwin model list",
            kind="model_withdrawn",
        )
    if bytes(entry.cardDigest) != card:
        raise VerificationError(
            f"the card's digest is 0x{card.hex()}, the registry has 0x{bytes(entry.cardDigest).hex()}",
            hint="the card was altered, or is another model's; use the one that was registered",
            kind="wrong_card",
        )
    if state is State.REGISTERED:
        raise VerificationError(
            f"the model 0x{digest.hex()} is registered, but nobody has approved it",
            hint="medtwin model approve --as APPROVER",
            kind="model_not_approved",
        )
    if not chain.read("ModelRegistry", "isApproved", digest):
        raise VerificationError(
            f"the model 0x{digest.hex()} is stopped: a consent it was trained under was revoked",
            hint="use its successor: medtwin model list",
            kind="model_stopped",
        )
    stated = json.loads(card_bytes).get("model")
    if stated:
        terms.check(chain, digest, Additive.of(stated))
    return Vetted(digest, card, str(entry.registrar), int(entry.registeredAt), bytes(entry.lineageRoot))


def refuse_foreign(model_bytes: bytes) -> None:
    """Refuse what is no ONNX graph by how it begins, so that nothing that could run code is ever opened."""
    if model_bytes.startswith(ONNX_START):
        return
    what = next((words for start, words in FOREIGN.items() if model_bytes.startswith(start)), "no ONNX graph")
    raise VerificationError(
        f"the model file is {what}", hint="models are ONNX graphs: medtwin train writes them", kind="foreign_format"
    )
