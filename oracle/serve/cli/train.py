"""``medtwin train`` and ``medtwin evaluate``: make a kind's models, and judge them on any records of the same layout."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress, TaskID

from ...errors import InputError
from ...settings import Settings
from .console import ERRORS, listing, tell, wants_json

DataFolder = Annotated[
    Path | None, typer.Option("--data", help="Folder of data sets, one folder a kind. Default: MEDTWIN_DATA.")
]
Kind = Annotated[str, typer.Argument(help="For example icu2012 or readmission_diabetes130.")]


def register(app: typer.Typer) -> None:
    """Add the two commands to the root."""
    app.command()(train)
    app.command()(evaluate)


def train(
    kind: Kind,
    out: Annotated[Path, typer.Option(help="Where the ONNX graph and the card go.")],
    data: DataFolder = None,
) -> None:
    """Train a kind's models, the same bytes each time, and write each with its card. Needs medtwin\\[train]."""
    from ...training import learners  # here, because training loads scikit-learn and onnx

    try:
        from ...training.artefact import write
    except ModuleNotFoundError as error:
        raise InputError(
            f"training needs {error.name}, which is not installed",
            hint="pip install 'medtwin[train]'",
            kind="missing_extra",
        ) from error
    with _progress(f"training {kind}"):
        cards = learners.train(kind, data or Settings.read().data)
    for name, card in cards.items():
        graph, stated = write(out, name, card)
        head = card["headline"]
        tell(
            f"{name}: {head['metric']} {head['value']} ({head['low']} to {head['high']}), "
            f"{head['baseline_name']} {head['baseline_value']}; {head['how']}",
            {"model": name, "digest": hashlib.sha256(graph.read_bytes()).digest(), "graph": graph, "card": stated}
            | {"headline": head},
            next_step=f"medtwin evaluate {kind} --data FOLDER --models {out}",
        )


def evaluate(
    kind: Kind,
    data: DataFolder = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures there, as JSON.")] = None,
    since: Annotated[
        str, typer.Option("--from", help="Score only from this month on (YYYY-MM), where time counts.")
    ] = "",
    models: Annotated[Path | None, typer.Option(help="Folder of trained cards. Default: the shipped ones.")] = None,
) -> None:
    """Judge the trained model on every record of a folder, with 95 % bootstrap intervals. Nothing is fitted."""
    from ...training import learners

    folder = data or Settings.read().data
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}", hint="name one with --data, or set MEDTWIN_DATA")
    with ERRORS.status(f"judging {kind}"):
        figures = learners.evaluate(kind, folder, since=since, models=models)
    documents = {name: figure.document() for name, figure in figures.items()}
    if json_file is not None:
        json_file.write_text(json.dumps(documents, indent=1) + "\n", "utf-8")
    if wants_json():
        tell("", documents)
        return
    rows = [
        (name, _shown(one["value"]), _shown(one["low"]), _shown(one["high"]), one["n"])
        for name, one in documents.items()
    ]
    listing(("figure", "value", "low", "high", "n"), rows, empty="")
    ERRORS.print("95 % intervals, by bootstrap over records. Not a medical device.", highlight=False)


@contextmanager
def _progress(what: str) -> Iterator[None]:
    """A bar on stderr for each part of the work that says its steps; none where nobody watches."""
    from ...training.progress import watched

    with Progress(console=ERRORS, transient=True, disable=not ERRORS.is_terminal) as bars:
        whole = bars.add_task(f"{what}; this can take minutes", total=None)
        parts: dict[str, TaskID] = {}

        def step(part: str, done: int, of: int) -> None:
            if part not in parts:
                parts[part] = bars.add_task(part, total=of)
            bars.update(parts[part], completed=done, total=of)

        with watched(step):
            yield
        bars.remove_task(whole)


def _shown(value: Any) -> str:
    return "" if value is None else f"{value:.4g}"
