"""Expect a revert by its error's name and its facts, as the ABI types them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import brownie
import pytest
from brownie.convert import to_address
from brownie.exceptions import VirtualMachineError, decode_typed_error
from eth_abi import encode
from eth_utils import keccak


def error_types(name: str) -> list[str]:
    """Types of an error's facts; an error that no contract declares fails here."""
    found = {
        tuple(fact["type"] for fact in entry["inputs"])
        for _, build in brownie.project.get_loaded_projects()[0]._build.items()
        for entry in build["abi"]
        if entry["type"] == "error" and entry["name"] == name
    }
    assert len(found) == 1, f"{name} is declared with {len(found)} different lists of facts"
    return list(found.pop())


def encoded_error(name: str, facts: tuple[Any, ...]) -> bytes:
    """The bytes a contract reverts with."""
    types = error_types(name)
    plain = [to_address(str(fact)) if kind == "address" else fact for kind, fact in zip(types, facts, strict=True)]
    return keccak(text=f"{name}({','.join(types)})")[:4] + encode(types, plain)


@contextmanager
def reverts_with(name: str, *facts: Any) -> Iterator[None]:
    """The block's transaction or call reverts with exactly this error and these facts."""
    expected = decode_typed_error("0x" + encoded_error(name, facts).hex())
    with pytest.raises(VirtualMachineError) as caught:
        yield

    assert caught.value.revert_msg == expected, f"reverted with {caught.value.revert_msg!r}, not {expected!r}"
