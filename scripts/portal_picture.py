"""Take the pictures of the portal, from ``make demo-portal`` running beside.

``docs/portal.png`` is the README's; ``docs/pictures/`` has the story, each page wide and light, and narrow and dark.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from scripts.browser import ROOT, browser

URL = "http://localhost:8720"
PICTURES = ROOT / "docs" / "pictures"
SIZE = {"width": 900, "height": 1180}
LOOKS = {
    "wide": {"viewport": {"width": 1100, "height": 900}, "color_scheme": "light"},
    "narrow": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "device_scale_factor": 1},
}
QUALITY = 72
PATIENCE_MS = 60_000


def main() -> None:
    """What a patient sees, and the story through everybody's eyes."""
    path, environment = browser()
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=str(path),
            args=["--headless=shell", "--no-sandbox", "--disable-gpu"],
            env={**os.environ, **environment},
        )

        def shown(role: str, address: str, then: Callable[[Page], object], file: Path, **options: Any) -> None:
            context = opened.new_context(locale="en", **options)
            context.set_default_timeout(PATIENCE_MS)
            page = context.new_page()
            page.goto(URL + address)
            if role:
                page.click(f"[data-demo={role}]")
                page.wait_for_selector("header .mark.warn")
            page.wait_for_selector("main h1:not(.loading)")
            then(page)
            page.wait_for_load_state("networkidle")
            if file.suffix == ".png":
                page.screenshot(path=file)
            else:
                page.screenshot(path=file, type="jpeg", quality=QUALITY, full_page=True)
            context.close()

        shown("patient-1", "/patient", allow_the_clinician, PICTURES / "0.jpg", **LOOKS["wide"])
        (PICTURES / "0.jpg").unlink()
        for name, look in LOOKS.items():
            for scene, (role, address, then) in SCENES.items():
                shown(role, address, then, PICTURES / f"{scene}-{name}.jpg", **look)
        shown("patient-1", "/patient", signals_alone, ROOT / "docs" / "portal.png", viewport=SIZE)
        opened.close()


def own_twin(page: Page) -> None:
    """The first twin, its record checked."""
    page.click("main a.card")
    page.wait_for_selector("[data-verified]")


def own_signals(page: Page) -> None:
    """Why the forecast says so, and the own signals, opened."""
    own_twin(page)
    page.click("[data-do=why]")
    page.wait_for_selector("[data-why] [data-explained]")
    page.click("[data-look=waveform]")
    page.wait_for_selector(".chart canvas")


def signals_alone(page: Page) -> None:
    """The own signals, opened."""
    own_twin(page)
    page.click("[data-look=waveform]")
    page.wait_for_selector(".chart canvas")


def allow_the_clinician(page: Page) -> None:
    """Signals, for care, for a week."""
    own_twin(page)
    page.click("[data-do=allow]")
    page.select_option("select[name=person]", label="clinician-2 (Clinician)")
    for field, value in (("data", "2"), ("purpose", "1"), ("days", "7")):
        page.click(f"input[name={field}][value='{value}']")
    page.screenshot(path=PICTURES / "1-allow-wide.jpg", type="jpeg", quality=QUALITY, full_page=True)
    page.click("[data-do=yes]")
    page.wait_for_selector("[data-said=good]")


def bedside(page: Page) -> None:
    """One twin in depth, its signals opened."""
    page.click("[data-do=reasons]")
    page.wait_for_selector("[data-reasons]")
    page.click("[data-bed] h2 a")
    page.wait_for_selector("[data-look]")
    page.click("[data-look='2']")
    page.wait_for_selector(".chart canvas")


SCENES: dict[str, tuple[str, str, Callable[[Page], object]]] = {
    "2-patient": ("patient-1", "/patient", own_signals),
    "3-research": ("researcher", "/research", lambda page: page.wait_for_selector("[data-offers]")),
    "4-ward": ("clinician", "/ward", lambda page: page.wait_for_selector("[data-bed]")),
    "5-bedside": ("clinician", "/ward", bedside),
    "6-hospital": ("", "/hospital", lambda page: page.wait_for_selector("[data-keyholder]")),
    "7-welcome": ("", "/welcome", lambda page: page.wait_for_selector("[data-do=begin]")),
}


if __name__ == "__main__":
    main()
