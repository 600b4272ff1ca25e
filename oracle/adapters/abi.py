"""The contracts' ABIs as shipped, and the plain values behind web3's containers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any, cast

from eth_utils import to_checksum_address

SUITE = (
    "TwinToken",
    "ModelRegistry",
    "DeviceRegistry",
    "GuardianRegistry",
    "ConsentRegistry",
    "DataAnchor",
    "TestToken",
    "StudyRegistry",
    "AccessMarket",
    "AuditTrail",
    "PredictionOracle",
    "EmergencyAccess",
    "CaseToken",
    "DeviceLoop",
    "EpochAnchor",
    "PasskeyFactory",
)


@lru_cache
def artifact(name: str) -> dict[str, Any]:
    """ABI and bytecode of a contract, as shipped."""
    text = resources.files("oracle.artifacts.contracts").joinpath(f"{name}.json").read_text("utf-8")
    return cast(dict[str, Any], json.loads(text))


def plain(value: Any) -> Any:
    """web3's containers as plain dicts, lists and bytes."""
    if hasattr(value, "_asdict"):
        return {key: plain(item) for key, item in value._asdict().items()}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, str) and value.startswith("0x") and len(value) == 42:
        return to_checksum_address(value)
    return value
