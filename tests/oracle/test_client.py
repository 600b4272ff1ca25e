"""The client for notebooks: tables with fixed column types, and names that are checked before anybody is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from oracle.adapters.keys import LocalSigner
from oracle.client import Client, frame
from oracle.errors import CustodyDenied, InputError, NotFound
from oracle.records import AnchoredBatch, Category, Purpose, Readings

if TYPE_CHECKING:
    from .conftest import Twin


def readings(times: list[int], values: list[int]) -> Readings:
    """Readings of two channels in turn."""
    return Readings(
        "unit/1", ("heart_rate", "temperature"), np.array(times, np.int64),
        np.arange(len(times), dtype=np.uint8) % 2, np.array(values, np.int64),
    )  # fmt: skip


def test_frame_has_times_in_utc_and_values_in_the_channels_unit() -> None:
    """Milliseconds since 1970 become UTC to the millisecond, micro-units become units."""
    table = frame(readings([0, 1, 1_700_000_000_123], [72_500_000, -40_000_000, 1]))

    assert list(table.columns) == ["time", "channel", "value"]
    assert isinstance(table["time"].dtype, pd.DatetimeTZDtype) and str(table["time"].dt.tz) == "UTC"
    assert table["value"].dtype == np.float64
    assert [stamp.isoformat() for stamp in table["time"]] == [
        "1970-01-01T00:00:00+00:00", "1970-01-01T00:00:00.001000+00:00", "2023-11-14T22:13:20.123000+00:00",
    ]  # fmt: skip
    assert list(table["channel"]) == ["heart_rate", "temperature", "heart_rate"]
    assert list(table["value"]) == [72.5, -40.0, 0.000001]
    assert list(table.index) == [0, 1, 2]


def test_frame_of_nothing_keeps_its_column_types() -> None:
    """An empty table can be joined to a full one."""
    empty, full = frame(readings([], [])), frame(readings([5], [1]))

    assert len(empty) == 0
    assert [str(kind) for kind in empty.dtypes] == [str(kind) for kind in full.dtypes]


@pytest.mark.parametrize(("given", "wrong", "known"), [
    ({"purpose": "fun"}, "'fun' is no purpose", Purpose), ({"purpose": ""}, "'' is no purpose", Purpose),
    ({"purpose": "vitals"}, "'vitals' is no purpose", Purpose), ({"purpose": "care|emergency"}, "no purpose", Purpose),
    ({"purpose": "__class__"}, "no purpose", Purpose), ({"purpose": " care"}, "no purpose", Purpose),
    ({"purpose": "care", "category": "care"}, "'care' is no category", Category),
    ({"purpose": "care", "category": "blood"}, "'blood' is no category", Category),
])  # fmt: skip
def test_fetch_with_an_unknown_name_says_which_are_known(given: dict[str, str], wrong: str, known: Any) -> None:
    """Told before chain, store or custodians are touched (there are none here), with every name there is."""
    twin = Client(None, None, (), None).twin(0x1101)  # type: ignore[arg-type]
    for call in (twin.fetch, twin.batches):
        with pytest.raises(InputError, match=wrong.replace("|", r"\|")) as caught:
            call(**given)
        assert all(one.name.lower() in caught.value.hint for one in known)


@pytest.mark.parametrize("text", ["", "0x", "x", "-0x501", "0xff", "0x1" + "0" * 64, "1.5"])
def test_a_twin_id_that_is_none_is_an_input_error(text: str) -> None:
    """Text is checked when the twin is named."""
    with pytest.raises(InputError) as caught:
        Client(None, None, (), None).twin(text)  # type: ignore[arg-type]

    assert caught.value.hint


def test_client_fetches_what_its_key_may_see(
    twin: Twin, anchored: AnchoredBatch, custodians: Any, researcher: LocalSigner, recorded: Callable[..., Readings]
) -> None:
    """Names in any case; two batches in one table, oldest first; nothing for other purposes, categories or keys."""
    client = Client(twin.stage.chain, twin.edge.store, custodians, researcher)
    one = client.twin(hex(twin.twin_id))
    with pytest.raises(CustodyDenied) as caught:
        one.fetch(purpose="care")
    assert set(caught.value.refusals.values()) == {"no_consent"}
    twin.allow(researcher.address)
    twin.stage.travel(60)
    twin.publish(recorded(heart=90))

    table = one.fetch(purpose="Care", category="VITALS")

    assert len(table) == 16 and table["time"].is_monotonic_increasing
    assert table["value"].iloc[0] == pytest.approx(72.5) and table["value"].iloc[8] == pytest.approx(90)
    assert one.state().batches == 2 and [each.grantee for each in one.consents()] == [researcher.address]
    with pytest.raises(CustodyDenied):
        one.fetch(purpose="research_health")
    with pytest.raises(NotFound):
        one.fetch(purpose="care", category="imaging")
    with pytest.raises(NotFound):
        client.twin(0x1101).fetch(purpose="care")
    with pytest.raises(NotFound):
        client.twin(0x1101).state()
    with pytest.raises(NotFound):
        one.report(bytes(32))
