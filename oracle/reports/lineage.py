"""Which consents a model was trained under, and what becomes of it when one is revoked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from eth_abi.exceptions import EncodingError

from ..errors import InputError
from ..formats.merkle import consent_leaf, proof, root
from ..ports import Chain, Mined, Signer

NO_LINEAGE = bytes(32)


@dataclass(frozen=True, slots=True)
class ConsentId:
    """Which grant: the twin, who held it, and its number for the two; a leaf of a model's lineage."""

    twin_id: int
    grantee: str
    serial: int

    def leaf(self) -> bytes:
        """As the contract hashes it."""
        return consent_leaf(self.twin_id, self.grantee, self.serial)


def read(text: str) -> list[ConsentId]:
    """Consents from a file: a JSON list of ``{"twin": "0x...", "grantee": "0x...", "serial": 1}``."""
    try:
        rows = json.loads(text)
        found = [ConsentId(int(row["twin"], 16), row["grantee"], int(row["serial"])) for row in rows]
        for one in found:
            one.leaf()
    except (KeyError, TypeError, ValueError, EncodingError) as error:
        raise InputError(
            f"this is no list of consents: {error}",
            hint='a JSON list of {"twin": "0x..", "grantee": "0x..", "serial": 1}',
        ) from error
    if not found or len(set(found)) != len(found):
        raise InputError("a lineage names each consent once, and at least one", hint="remove what is there twice")
    return found


def held(chain: Chain, grantee: str) -> list[ConsentId]:
    """Every consent an account holds now: what it may train under today."""
    twins = {event.args["twinId"] for event in chain.events("ConsentRegistry", "ConsentGranted", grantee=grantee)}
    return [
        ConsentId(twin, grantee, chain.read("ConsentRegistry", "grantOf", twin, grantee).serial)
        for twin in sorted(twins)
        if chain.read("ConsentRegistry", "balanceOf", grantee, twin) == 1
    ]


def write(consents: Sequence[ConsentId]) -> str:
    """The text that :func:`read` reads."""
    rows = [{"twin": hex(one.twin_id), "grantee": one.grantee, "serial": one.serial} for one in consents]
    return json.dumps(rows, indent=2) + "\n"


def root_of(consents: Sequence[ConsentId]) -> bytes:
    """What a model is registered with."""
    return root([one.leaf() for one in consents])


def revoked(chain: Chain, consents: Sequence[ConsentId]) -> list[ConsentId]:
    """Those of them that the chain says were ended before their time."""
    return [
        one for one in consents if chain.read("ConsentRegistry", "wasRevoked", one.twin_id, one.grantee, one.serial)
    ]


def mark(chain: Chain, sender: Signer, model: bytes, consents: Sequence[ConsentId], gone: ConsentId) -> Mined:
    """Show that a consent of the model's lineage was revoked.

    Raises
    ------
    InputError
        The file is not the one the model was registered with.
    RevertedError
        The consent was not revoked, or the model is marked already.
    """
    if chain.read("ModelRegistry", "modelOf", model).lineageRoot != root_of(consents):
        raise InputError(
            "the model was registered with other consents", hint="use the file given to: medtwin model register"
        )
    path = proof([one.leaf() for one in consents], gone.leaf())
    return chain.write(sender, "ModelRegistry", "mark", model, gone.twin_id, gone.grantee, gone.serial, path)
