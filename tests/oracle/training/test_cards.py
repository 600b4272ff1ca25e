"""Cards as pages, and the parts of a card that are measured: sets, curves, explanations."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oracle.serve.cards import page
from oracle.serve.cards.pictures import pictures
from oracle.serve.cli import model as command
from oracle.training import account, figures, sets
from oracle.training.gam import BaggedStepModel, StepModel
from oracle.training.nested import nested
from oracle.training.progress import track, watched
from oracle.twins.shipped import Shipped

VOID = {"meta", "path", "use", "rect", "circle", "line", "br"}


class Page(HTMLParser):
    """What a page loads, and whether its elements are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.fetched += [
            str(value)
            for name, value in attrs
            if name in {"src", "href", "xlink:href"} and not str(value).startswith("#")
        ]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def world(n: int = 4_000, seed: int = 1) -> tuple[Any, Any]:
    """Log-odds, and outcomes drawn from them."""
    draw = np.random.default_rng(seed)
    margin = draw.normal(-1.5, 1.3, n)
    return margin, (draw.random(n) < figures.logistic(margin)).astype(float)


@pytest.mark.parametrize("name", ["heart_failure_299", "cgm_t1d_30", "machine_temperature"])
def test_page_is_whole_and_fetches_nothing(name: str) -> None:
    """Twice the same bytes; every element closed; a warning, limits, pictures with words, the digests; no address loaded."""
    shipped = Shipped.named(name)
    made = page(shipped.card, "ab" * 32, "cd" * 32)
    read = Page()
    read.feed(made)

    assert made == page(shipped.card, "ab" * 32, "cd" * 32)
    assert read.open == [] and read.fetched == [] and "script" not in read.seen
    assert read.seen.count("svg") == len(pictures(shipped.card)) >= 1
    assert made.count('role="img" aria-label="') == read.seen.count("svg")
    assert "Not a medical device" in made and "TRIPOD+AI" in made and "ab" * 32 in made
    assert all(limit[:40].replace("'", "&#x27;") in made for limit in shipped.card["limits"])


def test_page_escapes_what_a_card_says() -> None:
    """A hostile card shows its text, and runs nothing."""
    card = json.loads(json.dumps(Shipped.named("heart_failure_299").card))
    evil = "<script>alert(1)</script>"
    card["title"], card["limits"], card["subgroups"][0]["subgroup"] = evil, [evil], evil
    card["model"]["terms"][0]["feature"] = evil
    card["figures"][evil] = {"value": evil, "low": None, "high": None, "n": 1}

    assert "<script" not in page(card, "", "")


def test_show_writes_the_page(tmp_path: Path) -> None:
    """``medtwin model show NAME --html FILE``."""
    command.show("nhs_ae", html=tmp_path / "card.html")

    assert Shipped.named("nhs_ae").model_digest.hex() in (tmp_path / "card.html").read_text("utf-8")


def test_conformal_sets_miss_as_rarely_as_they_say() -> None:
    """On other records of the same world, 90 % of those with the outcome and of those without keep it; also in halves."""
    fit, judge = world(seed=1), world(20_000, seed=2)
    given = sets.bounds(fit[1], fit[0])
    half = np.arange(20_000) % 2 == 0

    found = sets.coverage_figures(judge[1], judge[0], given, {"half": half, "few": np.arange(20_000) < 5})

    for name in ("coverage", "coverage_with_outcome", "coverage_without_outcome", "coverage_half"):
        assert found[name].value == pytest.approx(0.9, abs=0.02), name
    assert found["coverage_nominal"].value == 0.9 and "coverage_few" not in found


def test_conformal_sets_of_a_worthless_score_decide_nothing() -> None:
    """Coverage holds even so, at the price of saying both."""
    draw = np.random.default_rng(4)
    margin, y = draw.normal(size=4_000), (draw.random(4_000) < 0.3).astype(float)

    found = sets.coverage_figures(y, margin, sets.bounds(y, margin), {})

    assert found["coverage"].value == pytest.approx(0.9, abs=0.01) and found["decided"].value < 0.25


def test_decision_curve_is_vickers_and_elkins() -> None:
    """By hand: 100 records, 20 events; at 0.2, acting on all gives 0.2 - 0.8 / 4 = 0; on 25 of which 15 hit, 0.15 - 0.1 / 4."""
    y = np.r_[np.ones(20), np.zeros(80)]
    risk = np.r_[np.full(15, 0.3), np.full(5, 0.1), np.full(10, 0.3), np.full(70, 0.1)]

    rows = account.risk_curves(y, np.log(risk / (1 - risk)))["decision"]
    at = next(row for row in rows if row["threshold"] == 0.2)

    assert at == {"threshold": 0.2, "model": 0.125, "everybody": 0.0, "nobody": 0.0}


def test_data_sheet_digest_is_sha256sums(tmp_path: Path) -> None:
    """The digest of the lines that sha256sum writes; another byte, another digest."""
    (tmp_path / "b.csv").write_bytes(b"")
    (tmp_path / "a.csv").write_bytes(b"abc")
    sheet = account.data_sheet(tmp_path, ("*.csv",))
    (tmp_path / "b.csv").write_bytes(b"x")

    assert [one["name"] for one in sheet["files"]] == ["a.csv", "b.csv"]
    assert sheet["files"][0]["sha256"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert account.data_sheet(tmp_path, ("*.csv",))["digest"] != sheet["digest"]


@pytest.mark.parametrize("name", ["icu2012", "heart_failure_299", "readmission_diabetes130", "cgm_t1d_60"])
def test_shipped_explanations_are_faithful_and_steady(name: str) -> None:
    """Deleting what is said to matter most moves the score earlier than chance does, and chance earlier than the reverse."""
    told = Shipped.named(name).card["explanation"]

    deletion, stability = told["deletion"], told["stability"]
    assert deletion["by_contribution"] > deletion["random_order"] + 0.1
    assert deletion["random_order"] > deletion["least_first"] + 0.1
    assert stability["top_5_kept"] > 0.8
    assert stability["mean_change_of_margin"] < 0.25 * stability["spread_of_margin"]


def test_nested_estimate_of_noise_is_chance_and_of_signal_is_not() -> None:
    """Choosing and calibrating inside the folds gains nothing where there is nothing; where there is, it is calibrated and covers."""
    draw = np.random.default_rng(6)
    x, groups = draw.normal(size=(400, 6)), np.repeat(np.arange(200), 2)
    settings = [{"stumps_share": 0.0, "penalty": one} for one in (1.0, 0.01)]
    told, noise = (x[:, 0] + draw.normal(size=400) > 0).astype(float), draw.integers(0, 2, 400).astype(float)

    found, chance = nested(x, told, groups, settings), nested(x, noise, groups, settings)

    assert found["auroc"]["value"] > 0.7 and chance["auroc"]["low"] < 0.5 < chance["auroc"]["high"] + 0.05
    assert len(found["chosen"]) == 5 and all(one in settings for one in found["chosen"])
    assert 0.7 < found["slope"]["value"] < 1.3 and chance["slope"]["low"] < 0.5
    assert found["coverage"]["low"] < 0.9 < found["coverage"]["high"]


@pytest.mark.parametrize("make", [StepModel, BaggedStepModel])
def test_trees_of_one_split_add_up(make: type[StepModel]) -> None:
    """What two features add together is what each adds alone: margins have no mixed second difference."""
    draw = np.random.default_rng(7)
    x = draw.normal(size=(300, 3))
    y = (x[:, 0] * x[:, 1] + x[:, 2] > 0).astype(float)
    fitted = make(stumps_share=1.0, rounds=30, rate=0.5, features_share=0.7, least=5, seeds=1).fit(x, y)

    corners = [[a, b, 0.0] for a in (-1.0, 1.0) for b in (-1.0, 1.0)]
    low, mixed, other, high = fitted.margin(np.array(corners))
    assert low + high == pytest.approx(mixed + other, abs=1e-9)


def test_progress_is_told_to_whoever_watches() -> None:
    """Steps done of how many, and nothing when nobody does."""
    seen: list[tuple[str, int, int]] = []
    with watched(lambda *step: seen.append(step)):
        assert list(track("ab", "folds")) == ["a", "b"]
    list(track("c", "unwatched"))

    assert seen == [("folds", 0, 2), ("folds", 1, 2), ("folds", 2, 2)]
