"""What a transaction logged, as plain values."""

from __future__ import annotations

from typing import Any


def plain(value: Any) -> Any:
    """Addresses and byte strings as text, structs and arrays as tuples."""
    if isinstance(value, (tuple, list)):
        return tuple(plain(part) for part in value)
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return value if isinstance(value, (bool, int)) else str(value)


def logged(tx: Any) -> list[tuple[str, dict[str, Any]]]:
    """Every event in order: its name and facts; compare with the whole list, so that none goes unnoticed."""
    return [(event.name, {name: plain(fact) for name, fact in event.items()}) for event in tx.events]


def expected(name: str, **facts: Any) -> tuple[str, dict[str, Any]]:
    """An event to compare with; contracts and accounts may stand for their addresses."""
    return name, {fact: plain(value) for fact, value in facts.items()}
