"""Take the picture of the portal in the README, from ``make demo-portal`` running beside: ``docs/portal.png``."""

from __future__ import annotations

import os

from playwright.sync_api import sync_playwright

from scripts.browser import ROOT, browser

URL = "http://localhost:8720"
SIZE = {"width": 900, "height": 1180}


def main() -> None:
    """What a patient sees, with the own signals opened."""
    path, environment = browser()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=str(path),
            args=["--headless=shell", "--no-sandbox", "--disable-gpu"],
            env={**os.environ, **environment},
        )
        page = opened.new_page(viewport=SIZE, locale="en")
        page.goto(f"{URL}/patient")
        page.click("[data-demo=patient-1]")
        page.click("main a.card")
        page.click("[data-look=waveform]")
        page.wait_for_selector(".chart canvas")
        page.wait_for_selector("[data-verified]")
        page.screenshot(path=ROOT / "docs" / "portal.png")
        opened.close()


if __name__ == "__main__":
    main()
