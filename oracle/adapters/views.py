"""Calls and logs as bytes and back, by the ABIs that are shipped: what web3 does, without its work for every call anew."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_abi import decode, encode
from eth_abi.exceptions import EncodingError
from eth_utils import function_signature_to_4byte_selector, keccak, to_checksum_address
from eth_utils.abi import collapse_if_tuple

from ..errors import InputError
from .abi import artifact

Components = tuple[Mapping[str, Any], ...]
WORD = 32


@dataclass(frozen=True, slots=True)
class View:
    """One function of a contract."""

    contract: str
    name: str
    selector: bytes
    inputs: tuple[str, ...]
    outputs: Components

    def call(self, args: Sequence[Any]) -> bytes:
        """What is sent; InputError for arguments that do not fit."""
        try:
            return self.selector + encode(self.inputs, args)
        except (EncodingError, TypeError, ValueError) as error:
            raise InputError(f"{self.contract}.{self.name} takes other arguments: {error}") from error

    def answer(self, told: bytes) -> Any:
        """What came back: the value, or of several a tuple with their names.

        Raises
        ------
        DecodingError
            It is something else, or nothing: there is no such contract.
        """
        values = _decoded(self.outputs, told)
        return values[0] if len(values) == 1 else _named(self.outputs, values)


@dataclass(frozen=True, slots=True)
class Logged:
    """One event of a contract."""

    name: str
    topic: bytes
    indexed: Components
    data: Components

    def topics(self, match: Mapping[str, Any]) -> list[str | None]:
        """What a log must have to be asked for, as far as indexed arguments say."""
        wanted: list[str | None] = ["0x" + self.topic.hex()]
        for one in self.indexed:
            value = match.get(one["name"])
            wanted.append(None if value is None else "0x" + encode([one["type"]], [value]).hex())
        while wanted[-1] is None:
            wanted.pop()
        return wanted

    def arguments(self, topics: Sequence[bytes], data: bytes) -> dict[str, Any]:
        """By name; structs are dictionaries."""
        found = {
            one["name"]: _plain(one, _of_topic(one, topic)) for one, topic in zip(self.indexed, topics[1:], strict=True)
        }
        values = decode([collapse_if_tuple(dict(one)) for one in self.data], data)
        return found | {one["name"]: _plain(one, value) for one, value in zip(self.data, values, strict=True)}


@cache
def view(contract: str, name: str, count: int) -> View:
    """The function of that name with so many arguments.

    Raises
    ------
    InputError
        There is none.
    """
    for item in artifact(contract)["abi"]:
        if item["type"] == "function" and item["name"] == name and len(item["inputs"]) == count:
            inputs = tuple(collapse_if_tuple(one) for one in item["inputs"])
            selector = function_signature_to_4byte_selector(f"{name}({','.join(inputs)})")
            return View(contract, name, selector, inputs, tuple(item["outputs"]))
    raise InputError(f"{contract}.{name} takes other arguments: there is none that takes {count}")


@cache
def logged(contract: str, topic: bytes) -> Logged | None:
    """The event with that first topic."""
    return next((one for one in _events(contract) if one.topic == topic), None)


@cache
def event(contract: str, name: str) -> Logged:
    """The event of that name."""
    return next(one for one in _events(contract) if one.name == name)


def _events(contract: str) -> list[Logged]:
    found = []
    for item in artifact(contract)["abi"]:
        if item["type"] == "event":
            topic = keccak(text=f"{item['name']}({','.join(collapse_if_tuple(one) for one in item['inputs'])})")
            sides = [tuple(one for one in item["inputs"] if one["indexed"] is indexed) for indexed in (True, False)]
            found.append(Logged(item["name"], topic, *sides))
    return found


def _decoded(components: Components, told: bytes) -> list[Any]:
    values = decode([collapse_if_tuple(dict(one)) for one in components], told)
    return [_shaped(one, value) for one, value in zip(components, values, strict=True)]


def _shaped(component: Mapping[str, Any], value: Any) -> Any:
    """A struct as a tuple with names, a list as a list, an address with its checksum."""
    kind: str = component["type"]
    if kind.endswith("]"):
        inner = {**component, "type": kind[: kind.rindex("[")]}
        return [_shaped(inner, one) for one in value]
    if kind == "tuple":
        parts = tuple(component["components"])
        return _named(parts, [_shaped(one, part) for one, part in zip(parts, value, strict=True)])
    return to_checksum_address(value) if kind == "address" else value


def _named(components: Components, values: Sequence[Any]) -> tuple[Any, ...]:
    named: tuple[Any, ...] = _tuple_of(tuple(one["name"] for one in components))(*values)
    return named


@cache
def _tuple_of(names: tuple[str, ...]) -> Any:
    return namedtuple("Answer", names, rename=True)


def _plain(component: Mapping[str, Any], value: Any) -> Any:
    kind: str = component["type"]
    if kind.endswith("]"):
        inner = {**component, "type": kind[: kind.rindex("[")]}
        return [_plain(inner, one) for one in value]
    if kind == "tuple":
        parts = component["components"]
        return {one["name"]: _plain(one, part) for one, part in zip(parts, value, strict=True)}
    return to_checksum_address(value) if kind == "address" else value


def _of_topic(component: Mapping[str, Any], topic: bytes) -> Any:
    """Its value; of what does not fit into a word, the hash that stands for it."""
    kind = component["type"]
    return topic if kind in ("string", "bytes") or kind[-1] == "]" or kind == "tuple" else decode([kind], topic)[0]
