"""Tables of what was measured: on the terminal, and in ``docs/figures.md``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from scripts.install_solc import ROOT

from .plot import draw

RESULTS = ROOT / "bench" / "results.json"
DOCS = ROOT / "docs" / "figures.md"
PLOT = ROOT / "docs" / "pictures" / "bench.svg"
COLUMNS = ("figure", "ours", "peer", "peer's", "ratio", "goal", "reached")
HOW = {
    "gas": "From transaction receipts on Ganache, or by `make bench-gas` on anvil (shanghai), the 21,000 of every transaction included, except `is_allowed`,"
    " a view, where only its execution counts. Ours and the peers' contracts stand on the same chain, built by the same"
    " compiler with the same settings, EAS as its authors publish it. Steady state: accounts, counters and balances"
    " were written before; each figure is the median of three. A ratio below 1 is cheaper than the peer."
    " A consent in EAS is an attestation with the twin's id and one packed word of terms.",
    "speed": "One process, one thread; both arms in turn in every round, five rounds or more. By the clock, except where processor time is named. Rates are medians; the ratio is"
    " the median of the rounds' ratios, its range in brackets.",
    "pipeline on Ganache": "A fresh chain; arms in turn in every round. Readings are made up (two channels, 100 a second);"
    " the store and the outbox are SQLite files whose writes are on disk before the next step.",
    "growth and revocation": "On the same chain as the pipeline, after it.",
    "many twins at once": "On anvil, whose own work is small: on Ganache a question to the chain takes 5 to 20 ms of a core, and that"
    " would be measured. Each round publishes a batch of the shipped recordings of each of 24 twins and reports on all of them, 16"
    " under way at the same time, posts waiting together. Four nodes, three custodians and devices are in the one process.",
    "pipeline on the embedded chain": "As on Ganache, on the chain inside the process that the demonstration uses.",
}


def print_section(console: Console, section: Mapping[str, Any]) -> None:
    """One table on the terminal."""
    table = Table(title=section["name"], title_justify="left", box=SIMPLE_HEAD, padding=(0, 1))
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in ("figure", "peer", "reached") else "right", no_wrap=True)
    for figure in section["figures"]:
        cells = _cells(figure)
        table.add_row(*cells, style=None if figure["reached"] is not False else "yellow")
    console.print(table)


def write_docs() -> None:
    """Write ``docs/figures.md`` from ``bench/results.json``."""
    results = json.loads(RESULTS.read_text("utf-8"))
    DOCS.parent.mkdir(exist_ok=True)
    DOCS.write_text("\n".join(_lines(results)) + "\n", "utf-8")
    if "growth" in results:
        draw(results, PLOT)


def _lines(results: Mapping[str, Any]) -> list[str]:
    machine = results["machine"]
    lines = [
        "# Figures",
        "",
        f"Measured on {results['date']} by `make bench` in {results['seconds']} s on {machine['cores']} cores"
        f" ({machine['system']}, load {machine['load_before']} before it began). Generated from `bench/results.json`;"
        " to write it anew: `python -m bench --docs`. Gas does not depend on the machine, rates do, so compare ratios.",
        "",
    ]
    for section in results["sections"]:
        lines += [f"## {section['name'][0].upper()}{section['name'][1:]}", "", HOW[section["name"]], ""]
        if "date" in section:
            lines += [f"Measured by itself on {section['date']}, by `make bench-gas`.", ""]
        lines += ["| " + " | ".join(COLUMNS) + " |", "|---|--:|---|--:|--:|--:|---|"]
        lines += ["| " + " | ".join(_cells(figure)) + " |" for figure in section["figures"]]
        notes = [f"- {figure['name']}: {figure['how']}." for figure in section["figures"] if figure["how"]]
        lines += ["", *notes, *([""] if notes else [])]
    if "growth" in results:
        lines += [
            "## In pictures",
            "",
            "![rates, growth and where the time goes](pictures/bench.svg)",
            "",
            *_steps(results),
            "",
        ]
    figures = [figure for section in results["sections"] for figure in section["figures"]]
    missed = [figure for figure in figures if figure["reached"] is False]
    lines += ["## Goals missed", ""]
    lines += dict.fromkeys(map(_missed, missed)) or ["None."]
    lines += ["", "## What is not compared", "", *_left_out(results), "", "## Versions", ""]
    return [*lines, ", ".join(f"{name} {number}" for name, number in results["versions"].items()) + "."]


def _steps(results: Mapping[str, Any]) -> list[str]:
    """What the picture shows, in numbers."""
    rows = [(f"{one['readings']:,}", _number(one["seconds"]), _number(one["memory_mb"])) for one in results["growth"]]
    shares = [(place, f"{share:.1%}") for place, share in results["shares"].items()]
    return [
        "| readings | s | MB held by the process |", "|--:|--:|--:|", *("| " + " | ".join(row) + " |" for row in rows), "",
        "| many twins at once, share of the clock | |", "|---|--:|", *(f"| {place} | {share} |" for place, share in shares),
    ]  # fmt: skip


def _left_out(results: Mapping[str, Any]) -> list[str]:
    left = [
        "- `regrant`: no peer replaces what it granted.",
        "- Chainlink's OCR2Aggregator, which also pays its transmitters, is in no package; `post_prediction` stands beside its",
        "  OCR2Base, with one word kept and one event. It asks neither for the model nor for the twin.",
    ]
    if "EAS" not in results["versions"]:
        left.append("- EAS: its package could not be fetched in this run, so its columns are empty.")
    return left


def _cells(figure: Mapping[str, Any]) -> tuple[str, ...]:
    ratio = "" if figure["ratio"] is None else _number(figure["ratio"]) + "×"
    if len(figure["spread"]) == 2:
        ratio += " ({}–{})".format(*map(_number, figure["spread"]))
    return (
        figure["name"],
        f"{_number(figure['ours'])} {figure['unit']}",
        figure["peer"],
        "" if figure["theirs"] is None else _number(figure["theirs"]),
        ratio,
        _goal(figure),
        {None: "", True: "yes", False: "no"}[figure["reached"]],
    )


def _goal(figure: Mapping[str, Any]) -> str:
    if figure["goal"] is None:
        return ""
    return f"{'≤' if figure['at_most'] else '≥'} {_number(figure['goal'])}{'×' if figure['of'] == 'ratio' else ''}"


def _missed(figure: Mapping[str, Any]) -> str:
    value = f"{_number(figure['ratio'])}×" if figure["of"] == "ratio" else f"{_number(figure['ours'])} {figure['unit']}"
    return f"- {figure['name']}: {value}, the goal is {_goal(figure)}."


def _number(value: float) -> str:
    if value >= 100 or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:#.4g}"
