"""What a researcher does with the portal: finds, buys one twin or many, opens, and is refused once the patient stops."""

from __future__ import annotations

import hashlib
from pathlib import Path

import httpx
from playwright.sync_api import Browser

from ..browsing import Visit, visiting
from ..clinic import Cli
from ..hospital import Dev
from .scene import accounts, flow, url_of


def test_researcher_buys_opens_and_is_refused_once_stopped(
    visit: Visit, opened: Browser, dev: Dev, cli: Cli, twin: str
) -> None:
    visit.open("/research")
    visit.be("researcher")
    visit.clicks = 0
    visit.click("[data-do=buy]")
    assert "7 days left" in visit.see("[data-bought=active]")
    assert "Not opened yet" in visit.see("[data-steps]")
    flow("buy", visit.clicks, 2)  # a demonstration account: the allowance and the purchase
    visit.click("[data-do=fetch]")
    assert "opened and verified" in visit.see("[data-said=good]:has-text('opened')")
    with visit.page.expect_download() as got:
        visit.page.click("a[download]")
    assert "Opened once, never refused" in visit.see("[data-steps]:has-text('Opened once')")
    rows = len(Path(got.value.path()).read_text("utf-8").splitlines()) - 1
    assert rows > 1_000 and f"{rows:,}" in visit.see("a[download]")

    with visiting(opened, url_of(dev)) as patient:
        patient.open(f"/patient/{twin}")
        patient.be("patient-1")
        patient.click("[data-do=collect]")
        assert "in your account" in patient.see("[data-said=good]")
        patient.click(f"[data-reader='{accounts(dev)['researcher']}'] [data-do=stop]")
        patient.see("[data-closing]")

    visit.click("[data-do=fetch]")  # the page still shows it as running; the custodians know better
    assert "consent was stopped" in visit.see("[data-said=bad]")
    visit.open("/research")
    assert "ended" in visit.see("[data-bought=ended]")
    visit.click("[data-do=settle]")
    assert "came back to you" in visit.see("[data-said=good]")


def test_patient_offers_and_a_researcher_buys_two_at_once(
    visit: Visit, opened: Browser, dev: Dev, cli: Cli, twin: str
) -> None:
    """The second patient offers by the page; both twins are bought in one purchase, under the terms that were shown."""
    with visiting(opened, url_of(dev)) as patient:
        patient.open("/patient")
        patient.be("patient-2")
        patient.click("main a.card")
        patient.click("a[href$='/offer']")
        patient.click("input[name=data][value='2']")
        patient.click("input[name=purpose][value='16']")
        patient.click("input[name=days][value='30']")
        patient.page.fill("input[name=price]", "2.5")
        assert "health research, for at most 30 days, at 2.5 per day" in patient.see("[data-sentence]")
        patient.click("[data-do=yes]")
        assert "on offer" in patient.see("[data-said=good]")
        other = patient.page.url.rpartition("/")[2]
    terms = httpx.get(url_of(dev) + "/research-1.txt").content
    listed = {one["twin"]: one for one in cli.facts("market", "list")}
    assert listed[other]["terms"].removeprefix("0x") == hashlib.sha256(terms).hexdigest()

    visit.open("/research")
    visit.be("researcher")
    visit.see("[data-offers='2']")
    visit.page.select_option("select[name=purpose]", "1")  # for care: nobody offers that
    visit.see("[data-offers='0']")
    visit.page.select_option("select[name=purpose]", "0")
    visit.see("[data-offers='2']")
    for box in visit.page.query_selector_all("[data-cohort]"):
        box.click()
    assert "7.5 per day for all" in visit.see("[data-together]")
    visit.click("[data-do=buy-all]")
    visit.see("[data-bought=active] >> nth=1")
    researcher = accounts(dev)["researcher"]
    for one in (twin, other):
        assert [row["active"] for row in cli.facts("consent", "list", one) if row["grantee"] == researcher] == [True]

    visit.page.click("[data-offer]:has-text('2.5') summary")
    assert "pulse/1" in visit.see("[data-offer]:has-text('2.5') details:has-text('Channels: ppg')")
    with visiting(opened, url_of(dev)) as patient:
        patient.open(f"/patient/{other}/offer")
        patient.be("patient-2")
        patient.click("[data-do=delist]")
        assert "has ended" in patient.see("[data-said=good]")
    assert other not in {one["twin"] for one in cli.facts("market", "list")}
