"""What the contracts' ABIs say: their errors, their events, and the plain values behind web3's containers."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any, cast

from eth_abi import decode
from eth_utils import function_signature_to_4byte_selector, to_checksum_address
from eth_utils.abi import collapse_if_tuple
from web3.exceptions import MethodUnavailable, Web3RPCError

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
PANICS = {0x11: "overflow", 0x12: "division by zero", 0x21: "invalid enum", 0x32: "index out of range"}


@lru_cache
def artifact(name: str) -> dict[str, Any]:
    """ABI and bytecode of a contract, as shipped."""
    text = resources.files("oracle.artifacts.contracts").joinpath(f"{name}.json").read_text("utf-8")
    return cast(dict[str, Any], json.loads(text))


@lru_cache
def errors_by_selector() -> dict[bytes, tuple[str, tuple[tuple[str, str], ...]]]:
    """Selector -> (error name, ((argument, type), ...)) over the whole suite."""
    table = {}
    for contract in (*SUITE, "PasskeyAccount"):
        for item in artifact(contract)["abi"]:
            if item["type"] == "error":
                inputs = tuple((i["name"], collapse_if_tuple(i)) for i in item["inputs"])
                signature = f"{item['name']}({','.join(kind for _, kind in inputs)})"
                table[function_signature_to_4byte_selector(signature)] = (item["name"], inputs)
    return table


def decode_revert(data: str | None, fallback: str) -> tuple[str, dict[str, Any]]:
    """Name and facts of a revert from its return data."""
    raw = bytes.fromhex(data[2:]) if data and data.startswith("0x") else b""
    if raw[:4] == bytes.fromhex("08c379a0"):
        return "Error", {"message": decode(["string"], raw[4:])[0]}
    if raw[:4] == bytes.fromhex("4e487b71"):
        return "Panic", {"code": PANICS.get(decode(["uint256"], raw[4:])[0], "unknown")}
    if raw[:4] in errors_by_selector():
        name, inputs = errors_by_selector()[raw[:4]]
        values = decode([kind for _, kind in inputs], raw[4:])
        return name, {key: plain(value) for (key, _), value in zip(inputs, values, strict=True)}
    return "Reverted", {"message": fallback[:120]} if fallback else {}


def revert_data(error: Web3RPCError | MethodUnavailable) -> str | None:
    """The return data that nodes hide in different places of their error object."""
    response = cast(Mapping[str, Any], getattr(error, "rpc_response", None) or {})
    return data_in(response["error"].get("data")) if isinstance(response.get("error"), Mapping) else None


def data_in(detail: Any) -> str | None:
    """Return data in the part of an error that nodes keep it in: the bytes themselves, or Ganache's object around them."""
    if isinstance(detail, Mapping):
        detail = detail.get("result") or detail.get("data")
    return detail if isinstance(detail, str) and detail.startswith("0x") else None


def tester_failures() -> tuple[type[Exception], ...]:
    """How eth-tester says that a transaction failed; nothing where it is not in use, as importing it takes a second."""
    module = sys.modules.get("eth_tester.exceptions")
    return (module.TransactionFailed,) if module else ()


def tester_revert_data(error: BaseException) -> str | None:
    """The return data in eth-tester's exception, which keeps it in the one it was raised from."""
    seen: BaseException | None = error
    while seen is not None:
        first = seen.args[0] if seen.args else None
        if isinstance(first, BaseException):
            first = first.args[0] if first.args else None
        if isinstance(first, bytes):
            return "0x" + first.hex()
        seen = seen.__context__
    return None


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
