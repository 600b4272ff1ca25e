"""What an engineer or auditor does with the portal, without an account.

sees devices with their calibration and gaps, and each model's card
collects the evidence: what the file holds is what the chain and the custodians say, and adds up outside the browser
a log that was shortened is told, in the file too
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser

from oracle.formats import receipt_log

from ..browsing import Visit, visiting
from ..hospital import Dev
from .scene import flow, url_of


def saved(visit: Visit) -> dict[str, Any]:
    with visit.page.expect_download() as got:
        visit.page.click("a[download='evidence.json']")
    found: dict[str, Any] = json.loads(Path(got.value.path()).read_text("utf-8"))
    return found


@pytest.mark.parametrize("keys", [False, True], ids=["click", "keyboard"])
def test_evidence_is_collected_and_adds_up_elsewhere(visit: Visit, dev: Dev, keys: bool) -> None:
    """Every log's root, computed here from the file's receipts, is the one the file's own events have on the chain."""
    visit.open("/hospital")
    assert visit.page.query_selector("[data-gaps='0']") and not visit.page.query_selector("[data-keyholder=silent]")
    visit.keys = keys
    visit.click("[data-do=evidence]")
    assert "Nothing is missing" in visit.see("[data-said=good]")
    flow("collect the evidence", visit.clicks, 0)
    held = saved(visit)

    assert held["whole"] and len(held["custodians"]) == 3
    asked = {
        "address": list(held["chain"]["contracts"].values()), "fromBlock": "0x0", "toBlock": hex(held["chain"]["block"])
    }  # fmt: skip
    there = httpx.post(
        f"http://127.0.0.1:{dev.port}", json={"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": [asked]}
    ).json()["result"]
    assert [(int(one["blockNumber"], 16), one["topics"], one["data"]) for one in there] == [
        (one["block"], one["topics"], one["data"]) for one in held["events"]
    ]
    leaves = {
        one["custodian"]: [bytes.fromhex(receipt["leaf"][2:]) for receipt in one["receipts"]]
        for one in held["custodians"]
    }
    assert held["roots"]
    for root in held["roots"]:
        mine = [receipt_log.leaf_hash(leaf) for leaf in leaves[root["custodian"]][: int(root["size"])]]
        assert "0x" + receipt_log.root(mine).hex() == root["root"]


def test_evidence_names_a_shortened_log(opened: Browser, dev: Dev) -> None:
    with visiting(opened, url_of(dev)) as visit:
        visit.open("/hospital")
        for _ in range(60):
            if visit.page.inner_text("tr[data-keyholder] td:nth-of-type(2)") != "0":
                break
            visit.page.wait_for_timeout(1_000)
            visit.open("/hospital")
        visit.page.route("**/custodians/1/v1/receipts*", lambda route: route.fulfill(body=b"\x80"))
        visit.click("[data-do=evidence]")
        assert "taken lines out of its log" in visit.see("[data-evidence=false]")
        held = saved(visit)
        assert not held["whole"] and [one["problem"] for one in held["custodians"] if one["problem"]] == ["missing"]


def test_models_show_their_cards(visit: Visit) -> None:
    visit.open("/hospital")
    visit.click("[data-card] >> nth=0")
    assert "Not a medical device" in visit.see("dialog[open]")
    assert visit.axe() == []
