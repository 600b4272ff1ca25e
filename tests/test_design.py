"""The design document says what the style sheet does, and every pair of colours can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STYLE = (ROOT / "oracle" / "serve" / "portal" / "web" / "style.css").read_text("utf-8")
DESIGN = (ROOT / "docs" / "design.md").read_text("utf-8")
TEXT, NOT_TEXT = 4.5, 3.0  # WCAG 2.2: 1.4.3 and 1.4.11
GROUNDS = ("--ground", "--card")
PAIRS = [
    *((ink, ground, TEXT) for ink in ("--ink", "--ink-soft", "--accent", "--bad") for ground in GROUNDS),
    ("--accent-ink", "--accent", TEXT),
    *(("--ink", f"--p{points}", TEXT) for points in (1, 2, 3)),
    *((f"--{role}", f"--{role}-ground", TEXT) for role in ("good", "warn", "bad")),
    *(("--ink", f"--{role}-ground", TEXT) for role in ("good", "warn", "bad")),
    *(("--focus", ground, NOT_TEXT) for ground in GROUNDS),
]


def tokens(dark: bool) -> dict[str, str]:
    """Custom properties of the style sheet, in light or dark."""
    roots = re.findall(r":root \{(.*?)\n\s*\}", STYLE, re.DOTALL)
    found: dict[str, str] = {}
    for block in roots[: 2 if dark else 1]:
        found |= dict(re.findall(r"(--[\w-]+): ([^;]+);", block))
    return found


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground", "least"), PAIRS, ids=lambda value: str(value).removeprefix("--"))
def test_colours_can_be_told_apart(ink: str, ground: str, least: float, dark: bool) -> None:
    """The contrast of each pair that stands on a page."""
    lighter, darker = sorted((luminance(tokens(dark)[ink]), luminance(tokens(dark)[ground])), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= least


def test_document_names_every_token() -> None:
    """Sizes, spaces and both colours of each role."""
    rows = dict(re.findall(r"^\| `(--[\w-]+)` \| (.+?) \|", DESIGN, re.MULTILINE))
    colours = dict(re.findall(r"^\| `(--[\w-]+)` \| #\w+ \| (#\w+) \|", DESIGN, re.MULTILINE))
    light, dark = tokens(dark=False), tokens(dark=True)
    assert rows == light
    assert colours == {name: dark[name] for name in light if light[name].startswith("#")}


def test_colours_are_used_by_their_roles_only() -> None:
    """No colour is written outside the tokens, but white behind a code that cameras read."""
    rest = re.sub(r":root \{.*?\n\s*\}", "", STYLE, flags=re.DOTALL)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b", rest) == ["#fff"]
