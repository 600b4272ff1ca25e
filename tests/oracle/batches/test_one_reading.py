"""One reading shown alone: it proves itself, nothing else can be proved with it, and the others stay hidden."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from oracle.batches.fetch import OpenedBatch, fetch
from oracle.batches.one_reading import Disclosure, disclose, find, from_json, to_json, verify_disclosure
from oracle.errors import NotFound, VerificationError

if TYPE_CHECKING:
    from ..conftest import Twin


@pytest.fixture
def opened(twin: Twin, anchored: Any, custodians: Any) -> OpenedBatch:
    """The owner's own batch of eight readings."""
    (one,) = fetch(
        twin.stage.chain, twin.edge.store, custodians, twin.patient, twin_id=twin.twin_id, purpose=1, category=1,
        random_bytes=lambda count: bytes(range(count)),
    )  # fmt: skip
    return one


def test_each_reading_is_proved_alone(twin: Twin, opened: OpenedBatch) -> None:
    """Written, read again and checked against the chain; the document names no other reading and no other salt."""
    chain = twin.stage.chain
    for index in range(len(opened.readings)):
        text = to_json(disclose(chain.chain_id, opened, index))
        shown = from_json(text)
        assert verify_disclosure(chain, None, shown) == opened.anchored.time_s
        assert (shown.time_ms, shown.value_e6) == (opened.readings.time_ms[index], opened.readings.value_e6[index])
        others = [
            opened.opened.salts[at * 32 : at * 32 + 32].hex() for at in range(len(opened.readings)) if at != index
        ]
        assert not any(salt in text for salt in others)
    one, index = find([opened], "temperature", int(opened.readings.time_ms[-1]))
    assert (one, index) == (opened, len(opened.readings) - 1)
    with pytest.raises(NotFound):
        find([opened], "temperature", 5)


def test_a_changed_reading_does_not_hold(twin: Twin, opened: OpenedBatch) -> None:
    """Every field is under the device's signature, directly or through the root."""
    chain = twin.stage.chain
    true, other = (disclose(chain.chain_id, opened, index) for index in (2, 3))
    bad: list[Disclosure] = [
        replace(true, value_e6=true.value_e6 + 1), replace(true, time_ms=true.time_ms - 1), replace(true, channel="temperature"),
        replace(true, salt=other.salt), replace(true, path=other.path), replace(true, path=true.path[:-1]),
        replace(true, path=()), replace(true, batch=bytes(32)), replace(true, twin_id=true.twin_id ^ 256),
        replace(true, chain_id=1), replace(true, path=(*true.path, bytes(32))),
        *(replace(true, path=(*true.path[:at], bytes(32), *true.path[at + 1 :])) for at in range(len(true.path))),
    ]  # fmt: skip
    assert verify_disclosure(chain, twin.edge.store, true)
    for one in bad:
        with pytest.raises(VerificationError) as caught:
            verify_disclosure(chain, twin.edge.store, one)
        assert caught.value.kind == "bad_disclosure"


def test_a_document_that_is_no_reading_is_refused(twin: Twin, opened: OpenedBatch) -> None:
    """Each field replaced by what it cannot be, and plain nonsense."""
    document = json.loads(to_json(disclose(twin.stage.chain.chain_id, opened, 0)))
    others: tuple[Any, ...] = (None, [], {}, "x", -1, 10**400, True)
    for name in document:
        for other in others:
            with pytest.raises(VerificationError):
                verify_disclosure(twin.stage.chain, None, from_json(json.dumps({**document, name: other})))
    for text in ("", "{}", "[]", "3", "null", "[" * 5000):
        with pytest.raises(VerificationError):
            from_json(text)
