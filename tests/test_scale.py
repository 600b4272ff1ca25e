"""The page on scale is what its script makes of the measured figures."""

from __future__ import annotations

from bench import scale


def test_the_page_is_fresh() -> None:
    """Run ``python -m bench.scale`` after measuring anew."""
    assert scale.PAGE.read_text("utf-8") == scale.page()


def test_it_follows_from_its_inputs() -> None:
    """Twice the beds are twice the readings and batches; gas of epochs goes with gateways alone."""
    gas = {"anchor_epoch": 40_000, "anchor": 60_000, "post_prediction": 75_000}
    site, double = scale.HOSPITAL, scale.Site("double", 2_000, 8, 5, 300, 24, 4)

    assert scale._readings(double) == 2 * scale._readings(site) == 3_200
    assert scale._bytes(double) == 2 * scale._bytes(site)
    assert scale._epochs_gas(double, gas) == scale._epochs_gas(site, gas) == 4 / 5 * 40_000
    assert scale._reports(site) == 1_000 * 24 / 86_400
