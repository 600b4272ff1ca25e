"""What a hospital and a country need, from measured unit costs: ``python -m bench.scale`` writes ``docs/scale.md``."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "scale.md"
RESULTS, GAS = ROOT / "bench" / "results.json", ROOT / "tests" / "contracts" / "gas.json"
DAY_S = 86_400
HEAD = """# Scale

What one machine carries was measured; the rest is arithmetic on it. `python -m bench.scale` writes this page from
`bench/results.json` and `tests/contracts/gas.json`, and a test sees that it is fresh. None of these systems was built.
"""


@dataclass(frozen=True, slots=True)
class Site:
    """Who measures what, and how often. `seconds` lie between two readings of one channel."""

    name: str
    beds: int
    channels: int
    seconds: float
    batch_s: int
    reports_a_day: int
    gateways: int


HOSPITAL = Site("a hospital of 1,000 beds", 1_000, 8, 5, 300, 24, 4)
COUNTRY = Site("a national system of 120,000 beds", 120_000, 8, 5, 300, 24, 480)
BLOCK_S = 5
BLOCK_GAS = 30_000_000
BLOCK_BYTES = 4_600
READING_BYTES = 4.0
BUNDLED = 16  # reports in a bundle; `medtwin node run --bundle`
COPIES = 3
NODES = 4
SAFETY = 0.5
SIZES = (3_000, 10_000)
ASSUMED = (
    ("channels of a bed, and seconds between two readings of one", f"{HOSPITAL.channels}, {HOSPITAL.seconds:g}", "monitors on wards; not measured"),
    ("a batch", f"{HOSPITAL.batch_s} s of one bed", "the shipped kinds have 60 to 3,600 s"),
    ("reports a day and twin", f"{HOSPITAL.reports_a_day}", "one an hour, by each of 4 nodes"),
    ("a block of a private QBFT chain", f"every {BLOCK_S} s, {BLOCK_GAS:,} gas", "usual settings; not measured here"),
    ("one epoch a gateway and block", f"{HOSPITAL.gateways} gateways in a hospital", "so that a gateway that is down is a quarter"),
    ("a sealed block", f"{BLOCK_BYTES:,} bytes and {READING_BYTES:g} a reading", "measured: 5,194 bytes at 300 readings, 38,057 at 10,000, two slowly wandering channels, three custodians"),
    ("copies of each block", f"{COPIES}", "one here, one elsewhere, one at the nodes"),
    ("how full a machine may be", f"{SAFETY:.0%}", "the other half is for what was missed"),
)  # fmt: skip


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), "utf-8")


def page() -> str:
    """The page as it should be."""
    results = json.loads(RESULTS.read_text("utf-8"))
    gas = {name: one["gas"] for name, one in json.loads(GAS.read_text("utf-8")).items()}
    seconds = {
        size: size / _found(results, "pipeline on Ganache", f"to the chain, batches of {size:,}") for size in SIZES
    }
    small, large = SIZES
    each = (seconds[large] - seconds[small]) / (large - small)
    cost = (seconds[small] - small * each, each)
    signed = _found(results, "speed", "EIP-712 digest and signature")
    reported = _reported(results)
    units = [
        ("seconds a batch, and a reading in it, checked, sealed, stored and anchored by one process", f"{cost[0]:.3f}, {each:.2g}", f"`bench/results.json`: a line through batches of {small:,} and {large:,}"),
        ("signatures a second", f"{signed:,.0f}", "`bench/results.json`"),
        *([("reports a second, four nodes and three custodians in one process", f"{reported:.1f}", "`bench/results.json`: many twins at once")] if reported else []),
        ("gas of an epoch", f"{gas['anchor_epoch']:,}", "`tests/contracts/gas.json`"),
        ("gas of a batch anchored by itself", f"{gas['anchor']:,}", "`tests/contracts/gas.json`"),
        ("gas of a report", f"{gas['post_prediction']:,}", "`tests/contracts/gas.json`"),
        ("gas of a bundle of reports", f"{gas['post_bundle']:,}", "`tests/contracts/gas.json`"),
    ]  # fmt: skip
    return "\n".join([
        HEAD,
        "## Measured", "", _table(("what", "value", "where from"), units), "",
        "## Assumed", "", _table(("what", "value", "why"), ASSUMED), "",
        "## What follows", "",
        _table(("what", HOSPITAL.name, COUNTRY.name), _rows(cost, signed, gas, reported)), "",
        _words(gas), "",
    ])  # fmt: skip


def _rows(cost: tuple[float, float], signed: float, gas: dict[str, int], reported: float) -> list[tuple[str, str, str]]:
    sites = (HOSPITAL, COUNTRY)
    reports = (
        [
            (
                "machines for each node's reports, at half full",
                lambda site: f"{math.ceil(_reports(site) / reported / SAFETY):,}",
            )
        ]
        if reported
        else []
    )
    return [(name, *(formula(site) for site in sites)) for name, formula in (
        ("readings a second", lambda site: f"{_readings(site):,.0f}"),
        ("batches a second", lambda site: f"{_batches(site):,.1f}"),
        ("machines of two cores that seal and post them, at half full", lambda site: f"{math.ceil(_busy(site, cost) / SAFETY):,}"),
        ("processor for their signatures, cores", lambda site: f"{_batches(site) / signed:.4f}"),
        *reports,
        ("gas a second, epochs", lambda site: f"{_epochs_gas(site, gas):,.0f}"),
        ("gas a second, every batch by itself", lambda site: f"{_batches(site) * gas['anchor']:,.0f}"),
        ("gas a second, reports", lambda site: f"{_reports(site) * gas['post_prediction']:,.0f}"),
        (f"gas a second, reports in bundles of {BUNDLED}", lambda site: f"{_reports(site) / BUNDLED * gas['post_bundle']:,.0f}"),
        ("share of one chain, epochs and reports", lambda site: f"{_share(site, gas):.1%}"),
        ("chains, at half full", lambda site: f"{math.ceil(_share(site, gas) / SAFETY):,}"),
        ("sealed bytes a day", lambda site: _size(_bytes(site))),
        ("storage a year, all copies", lambda site: _size(_bytes(site) * 365 * COPIES)),
    )]  # fmt: skip


def _readings(site: Site) -> float:
    return site.beds * site.channels / site.seconds


def _batches(site: Site) -> float:
    return site.beds / site.batch_s


def _busy(site: Site, cost: tuple[float, float]) -> float:
    """Processes at work; too many, as a gateway does not wait for the chain for each batch."""
    return _batches(site) * cost[0] + _readings(site) * cost[1]


def _reports(site: Site) -> float:
    return site.beds * site.reports_a_day / DAY_S


def _epochs_gas(site: Site, gas: dict[str, int]) -> float:
    return site.gateways / BLOCK_S * gas["anchor_epoch"]


def _share(site: Site, gas: dict[str, int]) -> float:
    used = _epochs_gas(site, gas) + _reports(site) * gas["post_prediction"]
    return used / (BLOCK_GAS / BLOCK_S)


def _bytes(site: Site) -> float:
    return DAY_S * (_batches(site) * BLOCK_BYTES + _readings(site) * READING_BYTES)


def _size(count: float) -> str:
    power = int(math.log10(count) // 3)
    return f"{count / 1_000**power:.3g} {('B', 'kB', 'MB', 'GB', 'TB', 'PB')[power]}"


def _words(gas: dict[str, int]) -> str:
    per_batch = _epochs_gas(HOSPITAL, gas) / _batches(HOSPITAL)
    return (
        f"An epoch costs the same for one batch as for 2,000, so gas goes with gateways and blocks, not with beds: in the\n"
        f"hospital {per_batch:,.0f} gas a batch instead of {gas['anchor']:,}. A country is many hospitals, not one large one: reports are what\n"
        f"fills a chain, so it has several, one a region, with nodes of its own; twins do not move between them. Where nodes\n"
        f"bundle, a region's reports fill bundles of {BUNDLED} within the 10 s that a round waits for company; a hospital's do when\n"
        f"its beds' batches end at the same time, and else go one by one. On a public layer-2 chain the same\n"
        f"gas is paid for at that chain's price of the day, which is not assumed here. Machines are too many rather than\n"
        f"too few: most of a batch's measured time is its own transaction, which a gateway saves.\n"
    )


def _reported(results: dict[str, Any]) -> float:
    """Reports a second; 0 where it was not measured."""
    known = any(one["name"] == "many twins at once" for one in results["sections"])
    return _found(results, "many twins at once", "reports") if known else 0.0


def _found(results: dict[str, Any], section: str, name: str) -> float:
    figures = next(one["figures"] for one in results["sections"] if one["name"] == section)
    return float(next(one["ours"] for one in figures if one["name"] == name))


def _table(columns: tuple[str, ...], rows: Any) -> str:
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    main()
