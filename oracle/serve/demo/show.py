"""How the demo looks in a terminal: headings, tables, one line per event."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from .facts import Facts


class Show:
    """Prints to `console` and times the acts into `facts`."""

    def __init__(self, console: Console, facts: Facts) -> None:
        self._console = console
        self._facts = facts
        self._number = 0

    @contextmanager
    def act(self, key: str, title: str) -> Iterator[None]:
        """A heading, and how long what is inside took."""
        self._number += 1
        self._console.print()
        self._console.rule(f"[bold]{self._number}. {title}", align="left")
        began = time.perf_counter()
        yield
        self._facts.seconds[key] = round(time.perf_counter() - began, 3)

    def say(self, text: str) -> None:
        """A plain line; leading blanks indent all of it."""
        shown = text.lstrip(" ")
        padded = Padding(shown, (0, 0, 0, 2 + len(text) - len(shown)), expand=False)
        self._console.print(padded, highlight=False, soft_wrap=False)  # a padded line is cut off, not wrapped, else

    def done(self, text: str) -> None:
        """Something that worked."""
        self._marked("[green]✓[/]", text)

    def refused(self, what: str, reason: str) -> None:
        """Something that was refused, as it had to be."""
        self._marked("[yellow]✗[/]", f"{what}: [yellow]refused[/]. {reason}")

    def _marked(self, mark: str, text: str) -> None:
        line = Table.grid(padding=(0, 1))
        line.add_row(" ", mark, text)
        self._console.print(line, highlight=False)

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Progress]:
        """A bar that disappears when it is full; call ``advance(task_ids[0])``."""
        columns = (
            SpinnerColumn(),
            TextColumn("  {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self._console, transient=True) as bar:
            bar.add_task(what, total=total)
            yield bar

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> None:
        """Rows under headings; `right` names the columns of figures."""
        shown = Table(box=None, padding=(0, 2, 0, 2), header_style="bold dim")
        for column in columns:
            shown.add_column(column, justify="right" if column in right else "left", overflow="fold")
        for row in rows:
            shown.add_row(*row)
        self._console.print(shown)


def short(value: str | int | bytes) -> str:
    """An address, id or digest as people compare them: both ends."""
    text = "0x" + value.hex() if isinstance(value, bytes) else hex(value) if isinstance(value, int) else value
    return f"{text[:8]}…{text[-4:]}"


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"
