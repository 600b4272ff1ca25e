"""A gateway of bad faith: it posts again, leaves out, alters, and lists what nobody or a key of its own signed.

It overhears what devices send to the other gateway, and posts that first; or the root of a list that it shows nobody, or
that is another list's.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from oracle.batches.judge import accuse, find_fault
from oracle.errors import MedtwinError
from oracle.formats import merkle
from oracle.formats.epochs import epoch_leaf, pack_manifest, unpack_manifest
from oracle.formats.typed_data import Domain, batch_digest
from oracle.ports import Signer
from oracle.records import Batch

from .endpoint import Endpoint
from .ledger import ADDRESSES, CHAIN_ID, START_S
from .luck import Crash
from .parties import GATEWAY, LONG_S, key

if TYPE_CHECKING:
    from .world import World

ROGUE, FORGER, STRANGER, INSPECTOR = (key(name) for name in ("rogue", "forger", "stranger", "inspector"))
"""The gateway; its two devices: one that was paired for a minute, one that never was; and whoever looks at gateways."""
CALIBRATED_S = 60
DOMAIN = Domain(CHAIN_ID, ADDRESSES["DataAnchor"])
KEPT_BACK = b"kept back"
Signed = tuple[Batch, bytes]


class Rogue:
    """What the gateway does, and what becomes of it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._provable: set[bytes] = set()
        self._hides = world.rng.random() < 0.5  # both would have a device's batches count without one before them
        owner = world.owners[1].address
        world.ledger.submit(owner, "pair", ROGUE.address, 1, START_S + LONG_S)
        world.ledger.submit(owner, "pair", FORGER.address, 1, START_S + CALIBRATED_S)

    def post(self) -> None:
        """An epoch that no gateway of good faith posts."""
        world, rng = self._world, self._world.rng
        blocks = world.ledger.blocks
        if blocks[-1].head.time_s < START_S + CALIBRATED_S or world.weather.calm:
            return
        stood = [
            one
            for block in blocks
            for event in block.events
            if event.name == "EpochAnchored" and event.args["gateway"] == GATEWAY.address
            for one in unpack_manifest(world.store.blocks[event.args["epoch"]["manifest"]])
        ]
        kinds = {"stranger": [self._of(STRANGER)], "twice": [self._of(FORGER), self._of(FORGER)]}
        if stood:
            batch, signature = rng.choice(stood)
            altered = replace(batch, digest=rng.randbytes(32))
            kinds |= {"again": rng.choices(stood, k=2), "gap": [stood[-1]], "altered": [(altered, signature)]}
        if world.hub.overheard:
            newest = world.hub.overheard[-rng.randint(1, 3) :]
            kinds |= {"other root": newest, **({"kept back": newest} if self._hides else {"overheard": newest})}
        kind = rng.choice(list(kinds))
        listed = list(dict.fromkeys(kinds[kind]))
        manifest = pack_manifest(listed)
        digest = hashlib.sha256(manifest).digest()
        if kind == "kept back":
            digest = hashlib.sha256(KEPT_BACK + manifest).digest()  # nobody else has a block of this digest
        else:
            world.store.blocks[digest] = manifest
        if kind in ("stranger", "twice", "altered"):
            self._provable.add(digest)
        world.weather.faults["rogue"] += 1
        root = merkle.root([epoch_leaf(DOMAIN, *one) for one in listed]) if kind != "other root" else rng.randbytes(32)
        world.ledger.submit(ROGUE.address, "admit", ROGUE.address)
        world.ledger.submit(ROGUE.address, "anchorEpoch", (root, len(listed), digest))

    def inspect(self) -> None:
        """Somebody looks at both gateways, and brings what is wrong before the contract."""
        world = self._world
        chain = Endpoint(world.ledger, world.luck("inspector"))
        try:
            if find_fault(chain, world.store, GATEWAY.address):
                world.violation("a gateway of good faith was found at fault")
            fault = find_fault(chain, world.store, ROGUE.address)
            if fault and ROGUE.address not in world.ledger.state.at_fault:
                accuse(chain, INSPECTOR, fault)
        except (Crash, MedtwinError):
            pass

    def unpunished(self) -> bool:
        """Whether what it can be convicted of stands on the chain, and it may go on."""
        state = self._world.ledger.state
        stands = any(manifest in self._provable for _, _, manifest in state.posted.get(ROGUE.address, ()))
        return stands and ROGUE.address not in state.at_fault

    def _of(self, signer: Signer) -> Signed:
        """A first batch in somebody's own hand."""
        rng, end_s = self._world.rng, self._world.ledger.blocks[-1].head.time_s
        batch = Batch(1, 1, bytes(32), rng.randbytes(32), rng.randbytes(32), 3, end_s, end_s)
        return batch, signer.sign_digest(batch_digest(DOMAIN, batch))
