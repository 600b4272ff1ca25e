"""A card as a page: what it is for, how good it is, for whom, why, and its limits; one file, nothing fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; color: #0b0c0c; background: #fff }
h1 { line-height: 1.2 } h2 { margin-top: 2.5rem; border-bottom: 1px solid #b1b4b6 }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto } caption { text-align: left; font-weight: 600 }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #d8dadb } td + td { overflow-wrap: anywhere; min-width: 3rem }
.number { text-align: right; font-variant-numeric: tabular-nums }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: 1.5rem; align-items: end }
figure { margin: 0 } figure:last-child { grid-column: 1 / -1 } figure svg { max-width: 100%; height: auto }
.warning { border-left: .4rem solid #b10e1e; padding: .5rem 1rem; font-weight: 600 }
"""
SECTIONS = (
    ("model_details", "Model details"), ("intended_use", "Intended use"), ("factors", "Factors"), ("metrics", "Metrics"),
    ("evaluation_data", "Evaluation data"), ("training_data", "Training data"), ("ethical_considerations", "Ethical considerations"),
)  # fmt: skip
NUMBER = ' class="number"'
ABOUT = ("subgroup", "person", "at", "threshold", "said", "seen", "value", "low", "high", "n", "events")
FIGURES = ("figures", "all_held_out", "answered_only", "coverage")

Card = Mapping[str, Any]


def page(card: Card, model_digest: str, card_digest: str) -> str:
    """The whole page; digests in hex, as the chain has them.

    Pictures need matplotlib; the same numbers are in tables beside them.
    """
    from .pictures import pictures  # here, because matplotlib takes a second to load

    head = card["headline"]
    parts = [
        f"<h1>{escape(card['title'])}</h1>",
        f'<p class="warning">{escape(card["intended_use"])}</p>',
        f"<p><strong>{escape(head['metric'])} {head['value']}</strong> (95 % interval {head['low']} to {head['high']}); "
        f"{escape(head['baseline_name'])}: {head['baseline_value']}. Measured on {escape(head['how'])}.</p>",
        *(_section(title, card.get("model_card", {}).get(name)) for name, title in SECTIONS),
        "<h2>Quantitative analyses</h2>",
        f'<div class="pictures">{"".join(_picture(*one) for one in pictures(card))}</div>',
        *(_figures(name, card[name]) for name in FIGURES if isinstance(card.get(name), Mapping)),
        *_tables(card),
        "<h2>Limits</h2>",
        _list(card["limits"]),
        _section("Data sheet", card.get("data_sheet")),
        _section("TRIPOD+AI", card.get("tripod_ai")),
        "<h2>Digests</h2>",
        _table("", ("of", "SHA-256"), [("the model", model_digest), ("this card", card_digest)]),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(card['name'])}: model card</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + "\n</body></html>\n"
    )


def _picture(title: str, words: str, svg: str) -> str:
    drawn = svg.replace("<svg", f'<svg role="img" aria-label="{escape(title)}: {escape(words)}"', 1)
    return f"<figure>{drawn}<figcaption><strong>{escape(title)}.</strong> {escape(words)}</figcaption></figure>"


def _figures(name: str, figures: Mapping[str, Any]) -> str:
    rows = [
        (key, *(_shown(one.get(part)) for part in ("value", "low", "high", "n"))) if isinstance(one, Mapping) and "n" in one
        else (key, _shown(one), "", "", "")
        for key, one in figures.items()
    ]  # fmt: skip
    return _table(name.replace("_", " "), ("figure", "value", "low", "high", "n"), rows)


def _tables(card: Card) -> list[str]:
    told = []
    if card.get("subgroups"):
        told.append(_table("Subgroups", *_flat(card["subgroups"])))
    for name in ("people", "failures"):
        if card.get(name):
            told.append(_table(name.capitalize(), *_flat(card[name])))
    for name, rows in card.get("curves", {}).items():
        if isinstance(rows[0], Mapping):
            told.append(_table(f"{name.capitalize()}, as drawn", *_flat(rows)))
    for name, title in (("nested", "Nested cross-validation"), ("explanation", "Explanations: faithful and steady"), ("intervals", "Intervals"),
                        ("sets", "Conformal sets"), ("record", "A person's own record"), ("development", "Development"), ("evaluations", "Evaluations"),
                        ("answered", "Answered"), ("shipped", "The shipped model")):  # fmt: skip
        told.append(_section(title, card.get(name)))
    return told


def _flat(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[tuple[str, ...]]]:
    """Columns and rows; what a row is about stands first, then the rest as it comes."""
    told = dict.fromkeys(key for row in rows for key in row)
    columns = [*(key for key in ABOUT if key in told), *(key for key in told if key not in ABOUT)]
    return columns, [tuple(_shown(row.get(key)) for key in columns) for row in rows]


def _section(title: str, told: Any) -> str:
    if not told:
        return ""
    body = _table("", ("", ""), [(key.replace("_", " "), _shown(value)) for key, value in told.items()]) if isinstance(told, Mapping) else _list(told)  # fmt: skip
    return f"<h2>{escape(title)}</h2>\n{body}"


def _list(items: Sequence[Any]) -> str:
    return "<ul>" + "".join(f"<li>{escape(_shown(item))}</li>" for item in items) + "</ul>"


def _table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    named = f"<caption>{escape(caption)}</caption>" if caption else ""
    heads = (
        f'<th scope="col"{NUMBER if rows and all(_is_number(row[k]) for row in rows) else ""}>{escape(name.replace("_", " "))}</th>'
        for k, name in enumerate(columns)
    )
    head = "".join(heads) if any(columns) else ""
    body = "".join("<tr>" + "".join(_cell(value, plain=not any(columns)) for value in row) + "</tr>" for row in rows)
    return f"<table>{named}{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"


def _cell(value: Any, *, plain: bool) -> str:
    return f"<td{NUMBER if not plain and _is_number(value) else ''}>{escape(str(value))}</td>"


def _is_number(value: Any) -> bool:
    """Whether a cell is a number, or empty."""
    return str(value).replace(".", "", 1).replace("-", "", 1).replace(",", "").isdigit() or value == ""


def _shown(value: Any) -> str:
    """A value as people read it; an interval in brackets."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        if {"value", "low", "high"} <= set(value):
            return f"{_shown(value['value'])} [{_shown(value['low'])}, {_shown(value['high'])}]"
        return "; ".join(f"{str(key).replace('_', ' ')}: {_shown(one)}" for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(_shown(one) for one in value)
    return str(value)
