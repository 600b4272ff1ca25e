"""Merkle trees against the npm package @openzeppelin/merkle-tree (tests/vectors/merkle.mjs) and the contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from eth_abi import encode
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle.errors import InputError
from oracle.formats.merkle import (  # fmt: skip
    EXPLANATION_TYPES,
    READING_TYPES,
    digest_leaf,
    explanation_leaves,
    leaf,
    proof,
    reading_leaves,
    root,
    tree,
    verify,
)
from oracle.records import Contribution, Prediction, Readings, Status

if TYPE_CHECKING:
    from ..conftest import Stage

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "merkle.json").read_text("utf-8"))
FAMILIES = ("readings", "explanation")


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def readings_of(rows: list[dict[str, str]]) -> tuple[Readings, bytes]:
    """Readings and salts of the vectors' rows."""
    names = tuple(dict.fromkeys(row["channel"] for row in rows))
    readings = Readings(
        "unit/1", names,
        np.array([int(row["time"]) for row in rows], np.int64),
        np.array([names.index(row["channel"]) for row in rows], np.uint8),
        np.array([int(row["value"]) for row in rows], np.int64),
    )  # fmt: skip
    return readings, b"".join(unhex(row["salt"]) for row in rows)


def prediction_of(rows: list[dict[str, Any]]) -> Prediction:
    """A prediction whose explanation has the vectors' rows."""
    base, *parts = rows
    told = tuple(
        Contribution(part["feature"], int(part["value"]) if part["known"] else None, int(part["contribution"]))
        for part in parts
    )
    return Prediction(Status.ANSWER, 0, 0, 0, int(base["contribution"]), int(base["value"]), told, "")


def leaves_of(family: str, count: int) -> list[bytes]:
    """Leaves by the code under test."""
    rows = VECTORS[family]["rows"][:count]
    return reading_leaves(*readings_of(rows)) if family == "readings" else explanation_leaves(prediction_of(rows))


def test_types_are_those_of_the_vectors() -> None:
    """Both sides name the same ABI types."""
    assert VECTORS["readings"]["types"] == list(READING_TYPES)
    assert VECTORS["explanation"]["types"] == list(EXPLANATION_TYPES)


@pytest.mark.parametrize("family", FAMILIES)
def test_leaves_equal_openzeppelins(family: str) -> None:
    """Every leaf, with extreme and negative values, long names and other letters."""
    expected = [unhex(text) for text in VECTORS[family]["leaves"]]

    assert leaves_of(family, len(expected)) == expected


@pytest.mark.parametrize("family", FAMILIES)
def test_roots_equal_openzeppelins(family: str) -> None:
    """Sizes 1 to 33, the powers of two beyond, and odd ones."""
    roots = VECTORS[family]["roots"]

    assert {size: "0x" + root(leaves_of(family, int(size))).hex() for size in roots} == roots
    assert set(map(str, range(1, 34))) < set(roots)


@pytest.mark.parametrize("family", FAMILIES)
def test_proofs_equal_openzeppelins_and_verify(family: str) -> None:
    """First, middle and last leaf of several sizes."""
    for known in VECTORS[family]["proofs"]:
        leaves = leaves_of(family, known["size"])
        path = proof(leaves, leaves[known["index"]])

        assert path == [unhex(text) for text in known["proof"]]
        assert verify(root(leaves), path, leaves[known["index"]])


def test_no_answer_has_one_leaf_named_by_its_reason() -> None:
    """The root of an explanation without an answer is OpenZeppelin's."""
    known = VECTORS["noAnswer"]
    silent = Prediction(Status.NO_ANSWER, 0, 0, 0, 0, 0, (), known["reason"])

    assert root(explanation_leaves(silent)) == unhex(known["root"])


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40), st.data())
@settings(max_examples=80, deadline=None)
def test_root_ignores_order_and_proves_each_leaf(leaves: list[bytes], data: st.DataObject) -> None:
    """Any order gives the same root; every leaf has a proof, duplicates too; nothing else has."""
    shuffled = data.draw(st.permutations(leaves))
    other = data.draw(st.binary(min_size=32, max_size=32).filter(lambda one: one not in leaves))

    assert root(shuffled) == root(leaves)
    assert len(tree(leaves)) == 2 * len(leaves) - 1
    for one in leaves:
        path = proof(leaves, one)
        assert verify(root(leaves), path, one)
        assert not verify(root(leaves), path, other)
    with pytest.raises(InputError, match="not in the tree"):
        proof(leaves, other)


def test_a_changed_reading_is_not_under_the_root() -> None:
    """Time, channel, value and salt are all bound."""
    rows = VECTORS["readings"]["rows"][:9]
    leaves = reading_leaves(*readings_of(rows))
    path = proof(leaves, leaves[4])
    changes = {"time": str(int(rows[4]["time"]) + 1), "channel": "x", "value": "7", "salt": "0x" + "00" * 32}

    for field, value in changes.items():
        changed = [dict(row) for row in rows]
        changed[4][field] = value
        assert not verify(root(leaves), path, reading_leaves(*readings_of(changed))[4])


def test_an_inner_node_does_not_pass_for_a_leaf() -> None:
    """Leaves are hashed twice (second preimage): a node's 64 bytes give another hash than the node's."""
    leaves = [digest_leaf(bytes([n]) * 32) for n in range(4)]
    nodes = tree(leaves)

    assert leaf(nodes[3] + nodes[4]) not in nodes
    assert leaf(encode(["bytes32"], [bytes(32)])) == leaves[0]


def test_tree_of_nothing_is_refused() -> None:
    """There is no root over no leaves."""
    with pytest.raises(InputError) as caught:
        root([])

    assert caught.value.kind == "empty"


@pytest.mark.parametrize("name", ["a" * 33, "herzschläge"])
def test_a_channel_that_is_not_32_ascii_characters_is_refused(name: str) -> None:
    """A name that bytes32 cannot hold is refused in Medtwin's own words."""
    one = Readings("unit/1", (name,), np.zeros(1, np.int64), np.zeros(1, np.uint8), np.zeros(1, np.int64))

    with pytest.raises(InputError) as caught:
        reading_leaves(one, bytes(32))

    assert caught.value.kind == "unknown_channel"


@pytest.mark.parametrize("size", [1, 2, 5, 33])
def test_contract_agrees_on_every_leaf(stage: Stage, size: int) -> None:
    """DataAnchor.isReadingIn accepts each proof and refuses another leaf, root or path."""
    leaves = leaves_of("readings", size)
    told = root(leaves)

    for one in leaves[:: max(1, size // 5)]:
        path = proof(leaves, one)
        assert stage.chain.read("DataAnchor", "isReadingIn", told, path, one)
        assert not stage.chain.read("DataAnchor", "isReadingIn", told, path, digest_leaf(one))
        assert not stage.chain.read("DataAnchor", "isReadingIn", digest_leaf(told), path, one)
        assert not stage.chain.read("DataAnchor", "isReadingIn", told, [*path, one], one)
