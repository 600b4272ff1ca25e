"""Each page's main job without a mouse: what is reached with Tab is done with Enter, the space bar and the arrow keys."""

from __future__ import annotations

from ..browsing import Visit
from ..clinic import Cli
from ..hospital import Dev
from .scene import accounts


def test_patient_allows_and_stops(visit: Visit, dev: Dev, cli: Cli, twin: str) -> None:
    somebody = accounts(dev)["reviewer"]
    visit.open(f"/patient/{twin}")
    visit.press("[data-demo=patient-1]")
    visit.see("[data-verified]")
    visit.press("[data-do=allow]")
    visit.see("select[name=person]")
    visit.reach("select[name=person]")
    visit.page.keyboard.type("reviewer")
    visit.press("input[name=data][value='1']", "Space")
    visit.press("input[name=purpose][value='1']", "Space")
    visit.press("input[name=days]", "Space")
    visit.press("[data-do=yes]")
    visit.see(f"[data-reader='{somebody}']")
    assert somebody in [row["grantee"] for row in cli.facts("consent", "list", twin) if row["active"]]

    visit.press(f"[data-reader='{somebody}'] [data-do=stop]")
    visit.see("[data-closing]")
    assert somebody not in [row["grantee"] for row in cli.facts("consent", "list", twin) if row["active"]]


def test_anybody_checks_a_twin(visit: Visit, twin: str) -> None:
    visit.open("/verify")
    visit.reach("main input")
    visit.page.keyboard.type(twin)
    visit.page.keyboard.press("Enter")
    visit.see("[data-verdict=whole]")


def test_what_has_the_focus_is_seen(visit: Visit) -> None:
    """The first stop skips the menu; every stop on the way is drawn with an outline."""
    visit.open("/")
    visit.reach("a.skip")
    visit.page.keyboard.press("Enter")
    visit.reach("[data-do=passkey]")
    for _ in range(8):
        width, style = visit.page.evaluate(
            "(({ outlineWidth, outlineStyle }) => [parseFloat(outlineWidth), outlineStyle])"
            "(getComputedStyle(document.activeElement))"
        )
        assert width >= 2 and style == "solid", visit.page.evaluate("document.activeElement.outerHTML")
        visit.page.keyboard.press("Tab")
