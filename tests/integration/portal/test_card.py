"""The card of a model as a page in a real browser: a file that somebody was sent, without a network."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from ..clinic import Cli, clean_environment

WIDTHS = (1200, 390)  # a desk's screen and a phone's


@pytest.mark.parametrize("name", ["icu2012", "cgm_t1d_30"])
def test_card_shows_its_pictures_and_asks_nobody(name: str, opened: Browser, tmp_path: Path) -> None:
    """Every picture is drawn and named; no error, no request but for the file; nothing runs over the side, even on a phone."""
    path = tmp_path / "card.html"
    told = Cli(clean_environment())("model", "show", name, "--html", str(path))
    assert told.code == 0, told.err

    for width in WIDTHS:
        look(opened.new_page(viewport={"width": width, "height": 900}), path.as_uri(), width)


def look(page: Page, address: str, width: int) -> None:
    """Open it and see."""
    troubles: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    pictures = page.locator("figure svg[role=img]").all()

    assert len(pictures) >= 2
    for picture in pictures:
        box = picture.bounding_box()
        assert box is not None and box["width"] > 100 and box["height"] > 100, picture.get_attribute("aria-label")
        assert picture.locator("path").count() > 5 and picture.get_attribute("aria-label")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert troubles == [] and asked == [address]
    page.close()
