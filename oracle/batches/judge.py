"""Judge a gateway: read all its epochs, and bring what it may not do before the contract, which suspends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi import encode

from ..errors import StorageError
from ..formats.keccak import keccak
from ..ports import Chain, Event, Mined, Signer, Store
from .anchored import Listed, listed_in

HEAD_BYTES = 21
Epoch = tuple[bytes, int, bytes]


@dataclass(frozen=True, slots=True)
class Fault:
    """What the contract is shown: the function's name and its arguments; `what` in words."""

    what: str
    function: str
    args: tuple[Any, ...]


def find_fault(chain: Chain, store: Store, gateway: str) -> Fault | None:
    """The first fault in a gateway's epochs; None if there is none that a contract can see.

    An epoch whose manifest does not give its root holds nothing, and so no proof either: whoever follows the
    gateway sees that it counts for nothing.

    Raises
    ------
    StorageError
        Nothing is wrong in what the store has, and a manifest is missing: what it holds cannot be judged.
    """
    events = chain.events("EpochAnchor", "EpochAnchored", gateway=gateway)
    known: dict[tuple[str, int], tuple[int, Listed]] = {}
    unread: StorageError | None = None
    for at, event in enumerate(events):
        try:
            listed = listed_in(chain, store, event)
        except StorageError as error:
            unread = unread or error
            continue
        for one in listed:
            here = (*_place(events, at), _included(one))
            device, number = one.device, one.batch.sequence
            if not chain.read("DeviceRegistry", "pairingOf", one.device or bytes(20), one.batch.twin_id)[0]:
                what = f"epoch {at + 1} holds a batch that no device ever paired with its twin signed"
                return Fault(what, "proveUnknownDevice", (gateway, _tuple(here), here[3]))
            for other_number, wrong in (
                (number, _differs),
                (number - 1, _does_not_follow),
                (number + 1, _is_not_followed),
            ):
                found = known.get((device, other_number))
                if found and wrong(found[1], one):
                    there = (*_place(events, found[0]), _included(found[1]))
                    first, second = (here, there) if other_number > number else (there, here)
                    what = f"batches {other_number} and {number} of device {device} do not belong together"
                    return Fault(
                        what, "proveBrokenSequence",
                        (gateway, _tuple(first), first[3], _tuple(second), second[3]),
                    )  # fmt: skip
            known.setdefault((device, number), (at, one))
    if unread:
        raise unread
    return None


def accuse(chain: Chain, sender: Signer, fault: Fault) -> Mined:
    """Show the fault to the contract; anybody may."""
    return chain.write(sender, "EpochAnchor", fault.function, *fault.args)


def _differs(one: Listed, other: Listed) -> bool:
    return one.batch != other.batch


def _does_not_follow(earlier: Listed, later: Listed) -> bool:
    return later.batch.previous != earlier.batch.digest


def _is_not_followed(later: Listed, earlier: Listed) -> bool:
    return later.batch.previous != earlier.batch.digest


def _epoch(event: Event) -> Epoch:
    epoch = event.args["epoch"]
    return epoch["root"], epoch["batches"], epoch["manifest"]


def _place(events: Sequence[Event], at: int) -> tuple[bytes, Epoch, list[Epoch]]:
    """Where the contract finds an epoch: the running hash before it, itself, those after it."""
    head = bytes(HEAD_BYTES)
    for event in events[:at]:
        head = keccak(encode(["bytes21", "(bytes32,uint32,bytes32)"], [head, _epoch(event)]))[:HEAD_BYTES]
    return head, _epoch(events[at]), [_epoch(event) for event in events[at + 1 :]]


def _tuple(found: tuple[Any, ...]) -> tuple[Any, ...]:
    return found[:3]


def _included(one: Listed) -> tuple[Any, ...]:
    batch = one.batch
    fields = (
        batch.twin_id, batch.sequence, batch.previous, batch.digest, batch.root, batch.readings, batch.start_s, batch.end_s,
    )  # fmt: skip
    return fields, one.signature, list(one.path)
