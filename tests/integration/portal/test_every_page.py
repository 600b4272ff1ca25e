"""Every page: nothing serious for axe, nothing sideways at 360 px, in light, dark and right to left; the first load is small."""

from __future__ import annotations

import gzip
import time

import pytest
from playwright.sync_api import Browser

from ..browsing import visiting
from ..hospital import Dev
from .scene import figures, sideways, url_of

FIRST_LOAD_KB = 300


PAGES = {
    "home": ("", "/"), "patient": ("patient-1", "/patient"), "twin": ("patient-1", "/patient/{twin}"),
    "allow": ("patient-1", "/patient/{twin}/allow"), "research": ("researcher", "/research"),
    "ward": ("clinician", "/ward"), "bedside": ("clinician", "/ward/{twin}"), "hospital": ("", "/hospital"),
    "verify": ("", "/verify/{twin}"),
    "guardians": ("patient-1", "/guardians"),
    "erase": ("patient-1", "/patient/{twin}/erase"),
}  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_page_for_everybody(opened: Browser, dev: Dev, twin: str, page: str) -> None:
    """axe finds nothing serious, and nothing runs out of a small screen: light and dark, in both directions."""
    role, path = PAGES[page]
    found: list[str] = []
    for scheme, language in (("light", "en"), ("dark", "ar")):
        options = {"viewport": {"width": 360, "height": 800}, "color_scheme": scheme, "locale": language}
        with visiting(opened, url_of(dev), **options) as visit:
            visit.open(path.format(twin=twin))
            if role:
                visit.be(role)
                visit.page.wait_for_selector("main h1:not(.loading)")
            visit.page.wait_for_load_state("networkidle")
            assert visit.page.get_attribute("html", "dir") == ("rtl" if language == "ar" else "ltr")
            assert sideways(visit) == 0
            found += visit.axe()
            assert visit.troubles == []
    figures["pages"][page] = {"axe_serious": found}
    assert found == []


def test_first_load_is_small_and_from_here_alone(opened: Browser, dev: Dev) -> None:
    with visiting(opened, url_of(dev)) as visit:
        bodies: dict[str, int] = {}
        visit.page.on("response", lambda answer: bodies.update({answer.url: len(gzip.compress(answer.body(), 6))}))
        visit.open("/")
        visit.page.wait_for_load_state("networkidle")
        weight = sum(bodies.values()) / 1024
        figures["first_load_gzip_kb"] = round(weight, 1)
        assert 0 < weight < FIRST_LOAD_KB
        witness = f"http://127.0.0.1:{dev.port}"
        assert all(url.startswith((url_of(dev), witness)) for url in bodies), bodies


def test_slow_phone_is_soon_in_use(opened: Browser, dev: Dev) -> None:
    """Measured, not judged: the profile of a slow phone (a quarter of the speed, 1.6 Mbit/s, 150 ms) to the first button."""
    with visiting(opened, url_of(dev)) as visit:
        session = visit.page.context.new_cdp_session(visit.page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        slow = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 94_000}
        session.send("Network.emulateNetworkConditions", slow)
        begun = time.perf_counter()
        visit.open("/")
        visit.see("[data-do=passkey]")
        figures["interactive_throttled_s"] = round(time.perf_counter() - begun, 2)
