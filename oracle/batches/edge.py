"""A gateway near the devices: takes what they signed, keeps it through outages, posts one root for many batches.

What it took is on its disk before it says so. It seals nothing twice, drops nothing it took, and takes nothing more
when its disk is full: then devices, or the broker between, keep theirs. Oldest first everywhere. It can be killed at
any instant: an epoch is written down before it is posted, and what stands on the chain is asked, not remembered.
What stands there and does not count, as its device was cut off or its calibration ended just before, waits again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import Any

from cachetools import LRUCache

from ..errors import ChainError, Denied, InputError, NotFound, StorageError, VerificationError
from ..formats import merkle
from ..formats.envelope import parse_header
from ..formats.epochs import MOST_BATCHES, epoch_leaf, pack_manifest
from ..formats.typed_data import Domain, batch_digest, recover
from ..ports import Box, Chain, Event, OpenEpoch, Signer, Store
from ..records import Batch, Outgoing
from .anchored import anchored_batches, listed_in, unheard

LOOK_BACK = 64
"""Blocks before the one at which an epoch was written down where a reorganised chain may have it."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """What a gateway needs.

    `signer` is itself a paired device and pays; nobody else may send with its key. `most_bytes` is the disk it may
    fill with what is not on the chain yet. Until `depth` blocks stand on an epoch its batches stay in the box.
    """

    chain: Chain
    store: Store
    box: Box
    signer: Signer
    clock_s: Callable[[], int]
    most_bytes: int
    depth: int = 0
    looked: LRUCache[tuple[bytes, int, int], frozenset[str]] = field(
        default_factory=lambda: LRUCache(LOOK_BACK), compare=False, repr=False
    )


# -- in ------------------------------------------------------------------------------------


def take(gateway: Gateway, outgoing: Outgoing) -> str:
    """Keep a device's batch; its device's address. Harmless if it was taken before.

    Raises
    ------
    VerificationError
        ``bad_signature``, ``wrong_block``, or ``device_equivocated``: the device signed another batch of this number.
    InputError
        ``sequence_gap``: an earlier batch of the device is missing; ``in_future``: the device's clock is ahead.
    Denied
        ``not_paired``.
    StorageError
        ``box_full``: send it again later.
    """
    device = _checked(gateway, outgoing)
    batch = outgoing.batch
    last = last_known(gateway, device, batch.twin_id)
    if last is not None and batch.sequence > last.sequence + 1:  # the box may be a restored copy
        last = newest_known(gateway, device, batch.twin_id)
    if last is not None and batch.sequence <= last.sequence:
        known = gateway.box.digest_of(device, batch.sequence) or (
            last.digest if last.sequence == batch.sequence else None
        )
        if known in (None, batch.digest):  # one so old that only the chain still has it was taken long ago
            return device
        raise VerificationError(
            f"device {device} signed another batch {batch.sequence}",
            hint="its key is used twice: cut it off (medtwin device revoke) and pair a new one",
            kind="device_equivocated",
        )
    expected, previous = (last.sequence + 1, last.digest) if last else (1, bytes(32))
    if batch.sequence != expected:
        raise InputError(
            f"batch {batch.sequence} of device {device} came before batch {expected}",
            hint="send them in their order",
            kind="sequence_gap",
        )
    if batch.previous != previous:
        raise VerificationError(f"batch {expected} does not name the one before it", kind="broken_chain")
    _check_pairing(gateway, device, batch)
    check_room(gateway, len(outgoing.block))
    gateway.box.take(device, outgoing, gateway.clock_s())
    return device


def check_room(gateway: Gateway, size: int) -> None:
    """StorageError (``box_full``) if so many bytes more are too many."""
    if gateway.box.held_bytes() + size > gateway.most_bytes:
        raise StorageError(
            f"the gateway holds {gateway.most_bytes:,} bytes that are not on the chain yet and takes no more",
            hint="see whether chain and store answer; keep the batch and send it again",
            kind="box_full",
        )


def _checked(gateway: Gateway, outgoing: Outgoing) -> str:
    chain, batch = gateway.chain, outgoing.batch
    domain = Domain(chain.chain_id, chain.address("DataAnchor"))
    device = recover(batch_digest(domain, batch), outgoing.signature)
    if device is None:
        raise VerificationError("nobody signed this batch", kind="bad_signature")
    if hashlib.sha256(outgoing.block).digest() != batch.digest:
        raise VerificationError("the block is not the one that was signed", kind="wrong_block")
    context = parse_header(outgoing.block).context
    told = (context.chain_id, context.anchor, context.twin_id, context.device, context.sequence)
    if told != (domain.chain_id, domain.contract, batch.twin_id, device, batch.sequence):
        raise VerificationError("the block was sealed for another batch", kind="wrong_block")
    if not batch.readings > 0 or not batch.start_s <= batch.end_s <= gateway.clock_s():
        raise InputError("the batch lies in the future", hint="repair the device's clock", kind="in_future")
    return device


def last_known(gateway: Gateway, device: str, twin_id: int) -> Batch | None:
    """A device's newest batch; one that is new here may have published by itself, or through another gateway."""
    known = gateway.box.last(device)
    if known is not None:
        return known
    return _on_chain(gateway, device, twin_id)


def newest_known(gateway: Gateway, device: str, twin_id: int) -> Batch | None:
    """The same, whichever knows more, the box or the chain; the box alone while the chain is away."""
    kept = gateway.box.last(device)
    try:
        stood = _on_chain(gateway, device, twin_id)
    except ChainError:
        if kept is None:
            raise
        return kept
    return max((one for one in (kept, stood) if one), key=lambda one: one.sequence, default=None)


def _on_chain(gateway: Gateway, device: str, twin_id: int) -> Batch | None:
    found = anchored_batches(gateway.chain, twin_id, gateway.store)
    return next((one.batch for one in reversed(found) if one.device == device), None)


def _check_pairing(gateway: Gateway, device: str, batch: Batch) -> None:
    """A device that the box knows may go on while the chain is away; it is asked again before its batch is posted."""
    try:
        if not _is_paired(gateway, device, batch.twin_id):
            raise Denied(
                f"device {device} is not paired with this twin, or its calibration ended",
                hint="medtwin device pair; medtwin twin show",
                kind="not_paired",
            )
    except ChainError:
        if gateway.box.last(device) is None:
            raise


def _is_paired(gateway: Gateway, device: str, twin_id: int) -> bool:
    _, calibrated_until, paired = gateway.chain.read("DeviceRegistry", "pairingOf", device, twin_id)
    return bool(paired and gateway.clock_s() < calibrated_until)


# -- out -----------------------------------------------------------------------------------


def turn(gateway: Gateway) -> list[tuple[str, int]]:
    """Post what can be posted; events with a count, for the log.

    Raises
    ------
    ChainError, StorageError
        Chain or store do not answer: everything stays in the box.
    """
    chain, box = gateway.chain, gateway.box
    chain.settle(gateway.signer)  # nothing that an earlier life sent may still be mined after we looked
    happened, held = [], set[str]()
    for epoch in box.epochs():
        event = standing(gateway, epoch)
        if event is None:
            event = _post(gateway, epoch)
            happened.append(("posted", epoch.batches))
        if event.block <= chain.head().number - gateway.depth:
            _finish(gateway, epoch, event)
            happened.append(("finished", epoch.batches))
        else:
            held |= _unheard_devices(gateway, event)
    listed = _ready(gateway, held)
    if listed:
        epoch = _write_down(gateway, listed)
        event = _post(gateway, epoch)
        happened.append(("posted", epoch.batches))
        if not gateway.depth:  # it stands; looking for it later would mean reading all blocks since
            _finish(gateway, epoch, event)
            happened.append(("finished", epoch.batches))
    return happened


def standing(gateway: Gateway, epoch: OpenEpoch) -> Event | None:
    """The event of an epoch that is on the chain."""
    since = max(0, epoch.after - LOOK_BACK)
    for event in gateway.chain.events("EpochAnchor", "EpochAnchored", since=since, gateway=gateway.signer.address):
        if (event.args["epoch"]["root"], event.args["epoch"]["manifest"]) == (epoch.root, epoch.manifest):
            return event
    return None


def _unheard_devices(gateway: Gateway, event: Event) -> frozenset[str]:
    """Whose batches of an epoch do not count where it stands now; their later ones wait, as these come first."""
    place = (event.transaction, event.block, event.time_s)
    if place not in gateway.looked:
        missed = unheard(gateway.chain, event, listed_in(gateway.chain, gateway.store, event))
        gateway.looked[place] = frozenset(one.device for one in missed)
    return gateway.looked[place]


def _ready(gateway: Gateway, held: Container[str]) -> list[tuple[str, Outgoing]]:
    """The oldest batches that are in no epoch, each in the store now, but for those of devices that are `held`.

    Those of a device that was cut off, or whose calibration ended, are set aside until it sends again and may.
    """
    ready: list[tuple[str, Outgoing]] = []
    paired: dict[tuple[str, int], bool] = {}
    for device, outgoing in gateway.box.waiting(MOST_BATCHES):
        place = (device, outgoing.batch.twin_id)
        if place not in paired:
            last = gateway.box.last(device)  # before the chain is asked: what comes meanwhile is a reason to ask again
            paired[place] = _is_paired(gateway, *place)
            if last and not paired[place]:
                gateway.box.set_aside(*place, last.sequence)
        if not paired[place] or device in held:
            continue
        gateway.store.put(outgoing.block)
        ready.append((device, outgoing))
    return ready


def _write_down(gateway: Gateway, listed: Sequence[tuple[str, Outgoing]]) -> OpenEpoch:
    """Make the epoch, durably, its manifest in the store: from here on it is this one or none."""
    domain = Domain(gateway.chain.chain_id, gateway.chain.address("DataAnchor"))
    signed = [(outgoing.batch, outgoing.signature) for _, outgoing in listed]
    block = pack_manifest(signed)
    root = merkle.root([epoch_leaf(domain, *one) for one in signed])
    gateway.store.put(block)
    places = [(device, outgoing.batch.sequence) for device, outgoing in listed]
    manifest, after = hashlib.sha256(block).digest(), gateway.chain.head().number
    return OpenEpoch(gateway.box.close(root, manifest, after, places), root, len(listed), manifest, after)


def _finish(gateway: Gateway, epoch: OpenEpoch, event: Event) -> None:
    """Let go of what counts; the rest waits again."""
    missed = unheard(gateway.chain, event, listed_in(gateway.chain, gateway.store, event))
    gateway.box.finish(epoch.id, [(one.device, one.batch.sequence) for one in missed])


def _post(gateway: Gateway, epoch: OpenEpoch) -> Event:
    """After it was admitted: once, and again after each calibration."""
    _, _, until, _ = gateway.chain.read("EpochAnchor", "headOf", gateway.signer.address)
    if until <= gateway.chain.head().time_s:
        gateway.chain.write(gateway.signer, "EpochAnchor", "admit", gateway.signer.address)
    mined = gateway.chain.write(
        gateway.signer, "EpochAnchor", "anchorEpoch", (epoch.root, epoch.batches, epoch.manifest)
    )
    return mined.events[0]


# -- proof ---------------------------------------------------------------------------------


def prove(gateway: Gateway, digest: str) -> dict[str, Any]:
    """How a batch is in an epoch that stands on the chain: what anybody needs to check it with the contract.

    Raises
    ------
    NotFound
        No batch of that digest was taken here, or its epoch is not on the chain yet.
    """
    wanted = _digest(digest)
    epoch = gateway.box.find(wanted)
    event = epoch and standing(gateway, epoch)
    if not event:
        raise NotFound(
            "no epoch on the chain holds this batch", hint="it may be on its way: ask again", kind="no_proof"
        )
    one = next(one for one in listed_in(gateway.chain, gateway.store, event) if one.batch.digest == wanted)
    domain = Domain(gateway.chain.chain_id, gateway.chain.address("DataAnchor"))
    return {
        "gateway": event.args["gateway"], "number": event.args["number"], "transaction": "0x" + event.transaction.hex(),
        "root": "0x" + epoch_root(event).hex(), "device": one.device, "twin": hex(one.batch.twin_id),
        "sequence": one.batch.sequence, "signature": "0x" + one.signature.hex(),
        "leaf": "0x" + epoch_leaf(domain, one.batch, one.signature).hex(),
        "path": ["0x" + step.hex() for step in one.path],
    }  # fmt: skip


def epoch_root(event: Event) -> bytes:
    """Of an EpochAnchored event."""
    return bytes(event.args["epoch"]["root"])


def _digest(text: str) -> bytes:
    try:
        found = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        found = b""
    if len(found) != 32:
        raise InputError("this is not the digest of a batch", hint="it is 0x and 64 hexadecimal digits")
    return found
