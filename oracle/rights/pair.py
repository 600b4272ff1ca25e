"""Pair a device with a twin: device and owner both sign."""

from __future__ import annotations

from ..formats.typed_data import Domain, digest
from ..ports import Chain, Mined, Signer

SIGNATURE_LIFE_S = 15 * 60


def pair(chain: Chain, owner: Signer, device: Signer, twin_id: int, calibrated_until_s: int) -> Mined:
    """Pair; the owner's consent is its transaction, the device's is its signature.

    Parameters
    ----------
    calibrated_until_s : int
        When the calibration ends (s); from then on the device's batches are refused.
    """
    deadline, signature = _device_signature(chain, owner.address, device, twin_id, calibrated_until_s)
    return chain.write(
        owner, "DeviceRegistry", "pair", device.address, twin_id, calibrated_until_s, deadline, signature
    )


def calibrate(chain: Chain, owner: Signer, device: Signer, twin_id: int, calibrated_until_s: int) -> Mined:
    """Set a new end of the calibration of a paired device."""
    deadline, signature = _device_signature(chain, owner.address, device, twin_id, calibrated_until_s)
    return chain.write(owner, "DeviceRegistry", "calibrate", device.address, calibrated_until_s, deadline, signature)


def unpair(chain: Chain, party: Signer, device: str) -> Mined:
    """Cut a device off at once; by the twin's owner or by the device itself.

    Of a gateway the end is told to `EpochAnchor` too, which else finds out within a day. Cut off in between, the same
    call does what is left.
    """
    if chain.read("DeviceRegistry", "deviceOf", device).paired or not _is_admitted(chain, device):
        mined = chain.write(party, "DeviceRegistry", "unpair", device)
        if not _is_admitted(chain, device):
            return mined
    return chain.write(party, "EpochAnchor", "admit", device)


def _is_admitted(chain: Chain, gateway: str) -> bool:
    return bool(chain.read("EpochAnchor", "headOf", gateway).until > chain.head().time_s)


def _device_signature(
    chain: Chain, owner: str, device: Signer, twin_id: int, calibrated_until_s: int
) -> tuple[int, bytes]:
    deadline = chain.head().time_s + SIGNATURE_LIFE_S
    facts = {
        "device": device.address,
        "twinId": twin_id,
        "owner": owner,
        "calibratedUntil": calibrated_until_s,
        "nonce": chain.read("DeviceRegistry", "nonces", device.address),
        "deadline": deadline,
    }
    domain = Domain(chain.chain_id, chain.address("DeviceRegistry"))
    return deadline, device.sign_digest(digest(domain, "Pairing", facts))
