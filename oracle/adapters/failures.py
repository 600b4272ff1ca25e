"""What went wrong on a chain, in Medtwin's errors: reverts with their names and facts, silence, refusals, nonsense."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from json import JSONDecodeError
from typing import Any, TypeVar, cast

import httpx
from eth_abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils import function_signature_to_4byte_selector
from eth_utils.abi import collapse_if_tuple
from web3.exceptions import (
    BadFunctionCallOutput,
    ContractLogicError,
    MethodUnavailable,
    TimeExhausted,
    Web3Exception,
    Web3RPCError,
)

from ..errors import ChainError, RevertedError
from .abi import SUITE, artifact, plain
from .sending import MINED_WITHIN_S

PANICS = {0x11: "overflow", 0x12: "division by zero", 0x21: "invalid enum", 0x32: "index out of range"}

T = TypeVar("T")


def guarded(action: Callable[[], T], contract: str = "", function: str = "") -> T:
    """Run one action on a chain; say in Medtwin's errors what went wrong."""
    try:
        return action()
    except ContractLogicError as error:
        name, facts = decode_revert(data_in(error.data), str(error))
        raise RevertedError(contract, function, name, facts) from error
    except tester_failures() as error:
        name, facts = decode_revert(tester_revert_data(error), str(error))
        raise RevertedError(contract, function, name, facts) from error
    except TimeExhausted as error:
        raise ChainError(
            f"the chain did not mine within {MINED_WITHIN_S:.0f} s",
            hint="see whether it makes blocks, then run the same command again: nothing is posted twice",
        ) from error
    except httpx.HTTPError as error:
        raise ChainError(
            f"the chain stopped answering ({type(error).__name__})",
            hint="start it again, then run the same command",
        ) from error
    except (Web3RPCError, MethodUnavailable) as error:
        data = revert_data(error)
        if data is not None or "revert" in str(error):
            name, facts = decode_revert(data, str(error))
            raise RevertedError(contract, function, name, facts) from error
        raise ChainError(f"the chain refused: {str(error)[:200]}", hint="medtwin doctor looks at the chain") from error
    except (BadFunctionCallOutput, DecodingError, JSONDecodeError, Web3Exception) as error:
        raise nonsense(error) from error


def refused_or(action: Callable[[], T], contract: str, function: str) -> T | RevertedError:
    """The same; where the contract says no, its error is what comes back."""
    try:
        return guarded(action, contract, function)
    except RevertedError as error:
        return error


def done(outcome: T | RevertedError) -> T:
    """Of a transaction, unless the contract refused it."""
    if isinstance(outcome, RevertedError):
        raise outcome
    return outcome


def nonsense(error: Exception) -> ChainError:
    """What came back is no answer to what was asked."""
    return ChainError(f"the chain answered nonsense: {str(error)[:200]}", hint="medtwin doctor looks at the chain")


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
    """Name and facts of a revert from its return data, which a stranger's contract may have made up."""
    try:
        raw = bytes.fromhex(data[2:]) if data and data.startswith("0x") else b""
        if raw[:4] == bytes.fromhex("08c379a0"):
            return "Error", {"message": decode(["string"], raw[4:])[0]}
        if raw[:4] == bytes.fromhex("4e487b71"):
            return "Panic", {"code": PANICS.get(decode(["uint256"], raw[4:])[0], "unknown")}
        if raw[:4] in errors_by_selector():
            name, inputs = errors_by_selector()[raw[:4]]
            values = decode([kind for _, kind in inputs], raw[4:])
            return name, {key: plain(value) for (key, _), value in zip(inputs, values, strict=True)}
    except (DecodingError, ValueError):  # neither an error of the suite nor one of Solidity's
        pass
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
