"""Mint a twin and say what the chain knows of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import InputError, NotFound, RevertedError
from ..ports import Chain, Mined, Signer
from ..records import TwinClass


@dataclass(frozen=True, slots=True)
class TwinState:
    """A twin as the chain tells it."""

    twin_id: int
    twin_class: TwinClass
    owner: str
    epoch: int
    batches: int
    devices: tuple[str, ...]
    retired: bool


def new_twin_id(twin_class: TwinClass, random_bytes: Callable[[int], bytes]) -> int:
    """31 random bytes, then the class: says nothing about whom the twin stands for."""
    return int.from_bytes(random_bytes(31), "big") << 8 | int(twin_class)


def parse_twin_id(text: str) -> int:
    """A twin id from hexadecimal or decimal text."""
    try:
        twin_id = int(text, 0)
        TwinClass(twin_id & 0xFF)
        if twin_id < 0:
            raise ValueError
    except ValueError:
        raise InputError(
            f"{text[:80]!r} is not a twin id",
            hint="it is 0x and up to 64 hexadecimal digits, as printed when the twin was minted",
        ) from None
    if twin_id >= 1 << 256:
        raise InputError("the twin id has more than 256 bits", hint="copy it as it was printed")
    return twin_id


def mint(chain: Chain, owner: Signer, twin_id: int) -> Mined:
    """Mint a twin to `owner`."""
    return chain.write(owner, "TwinToken", "mint", twin_id)


def twin_state(chain: Chain, twin_id: int) -> TwinState:
    """What the chain knows of a twin; NotFound if it was never minted."""
    try:
        owner = chain.read("TwinToken", "ownerOf", twin_id)
    except RevertedError as error:
        raise NotFound(f"there is no twin {twin_id:#x}", hint="mint it: medtwin twin mint") from error
    retired = chain.read("TwinToken", "isRetired", twin_id)
    paired = [event.args["device"] for event in chain.events("DeviceRegistry", "DevicePaired", twinId=twin_id)]
    current = [device for device in dict.fromkeys(paired) if _speaks_for(chain, device, twin_id)]
    return TwinState(
        twin_id=twin_id,
        twin_class=TwinClass(twin_id & 0xFF),
        owner=owner,
        epoch=0 if retired else chain.read("TwinToken", "epochOf", twin_id),
        batches=chain.read("DataAnchor", "batchCount", twin_id),
        devices=tuple(current),
        retired=retired,
    )


def _speaks_for(chain: Chain, device: str, twin_id: int) -> bool:
    found = chain.read("DeviceRegistry", "deviceOf", device)
    return bool(found.paired) and found.twinId == twin_id
