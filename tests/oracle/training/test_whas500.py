"""Survival after a heart attack: an optional extra, said so where it is not installed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from oracle.errors import InputError
from oracle.training import artefact, learners, whas500
from oracle.training import judged as training_judged


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, the extra, and its licence."""
    for name in ("sksurv", "sksurv.datasets"):
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(InputError, match="needs scikit-survival") as caught:
        learners.train("whas500", Path("not needed"))
    assert caught.value.kind == "missing_extra" and "GPL-3.0" in caught.value.hint


@pytest.mark.parametrize("name", whas500.AFTERWARDS)
def test_what_is_known_only_afterwards_is_refused(name: str) -> None:
    """The length of the stay foretells death well, and is not known at admission."""
    with pytest.raises(InputError, match="cannot be a feature") as caught:
        whas500.read((*whas500.WORDS, name))
    assert caught.value.kind == "leakage"


def test_card_reaches_the_published_order_and_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A C-index of 0.74 at least, above age alone, the same bytes twice; shuffled deaths give chance."""
    first, second = (learners.train("whas500", tmp_path)["whas500"] for _ in range(2))
    files = [artefact.write(tmp_path / str(k), "whas500", one) for k, one in enumerate((first, second))]

    assert first["headline"]["value"] >= 0.74 > first["headline"]["baseline_value"]
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]
    monkeypatch.setattr(training_judged, "RESAMPLES", 20)
    judged = learners.evaluate("whas500", tmp_path, models=tmp_path / "0")
    assert judged["c_index"].value >= 0.74 and judged["answered"].value > 0.9  # on its own patients
    x, died, days = whas500.read()
    written = ",".join([*reversed(whas500.WORDS), "id", *whas500.OUTCOME])
    rows = [",".join(map(str, (*x[k, ::-1], k, int(died[k]), days[k]))) for k in np.argsort(days)]
    (tmp_path / "whas500").mkdir()
    (tmp_path / "whas500" / "others.csv").write_text("\n".join([written, *rows]), "utf-8")
    again = learners.evaluate("whas500", tmp_path, models=tmp_path / "0")
    assert {name: (one.value, one.n) for name, one in again.items()} == {
        name: (pytest.approx(one.value), one.n) for name, one in judged.items()
    }
    order = np.random.default_rng(3).permutation(len(died))
    learn, test = np.arange(len(died)) % 2 == 0, np.arange(len(died)) % 2 == 1
    weights = whas500.fit(x[learn], died[order][learn], days[order][learn])
    assert abs(whas500.concordance(died[order][test], days[order][test], x[test] @ weights) - 0.5) < 0.1
