"""The two streams of the command, and whether programs are reading."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

OUTPUT = Console(soft_wrap=True)
ERRORS = Console(stderr=True, soft_wrap=True)

_json = False


def wants_json(choice: bool | None = None) -> bool:
    """Whether facts go out as JSON; with an argument, decide it."""
    global _json
    if choice is not None:
        _json = choice
    return _json


def tell(sentence: str, facts: Mapping[str, Any], *, next_step: str = "") -> None:
    """One result: a sentence for people or the facts for programs."""
    if _json:
        OUTPUT.print_json(json.dumps(dict(facts), default=_plain))
        return
    OUTPUT.print(f"[green]✓[/] {escape(sentence)}", highlight=False)
    if next_step and not ERRORS.quiet:
        ERRORS.print(f"  [dim]next:[/] {escape(next_step)}", highlight=False)


def warn(sentences: Iterable[str]) -> None:
    """What went wrong without harm, for people; programs have it in the facts."""
    for sentence in sentences if not _json else ():
        ERRORS.print(f"[yellow]![/] {escape(sentence)}", highlight=False)


def listing(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, empty: str) -> None:
    """Several results: a table for people, a list of objects for programs."""
    if _json:
        OUTPUT.print_json(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], default=_plain))
        return
    if not rows:
        ERRORS.print(empty, highlight=False)
        return
    table = Table(box=None, header_style="bold dim", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(escape(_text(value)) for value in row))
    OUTPUT.print(table)


def _text(value: Any) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


def _plain(value: Any) -> Any:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
