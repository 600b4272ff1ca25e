"""AuditTrail.

post
  given no head
    it takes the first
  given a head
    it takes a larger one that names it
  when it names another head
    it refuses: stale, made up, or somebody else's
  when the log does not grow
    it refuses the same size and a smaller one
  given two custodians
    it keeps them apart
isHead
  given no head
    it knows the empty log only
"""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi import encode
from eth_utils import keccak

from tests.contracts.events import expected, logged
from tests.contracts.reverts import reverts_with

EMPTY = bytes(32)
ROOTS = [bytes([number]) * 32 for number in range(10)]
NONE = "0x" + "0" * 64


def commitment(size: int, root: bytes) -> str:
    """What the chain keeps, as documented."""
    return "0x" + keccak(encode(["uint64", "bytes32"], [size, root])).hex()


def test_post_of_first_head_is_kept(trail: Any, hospital: Any) -> None:
    """The empty log is size 0, root 0."""
    tx = trail.post(0, EMPTY, 5, ROOTS[1], {"from": hospital})

    assert logged(tx) == [expected("ReceiptsRooted", custodian=hospital, size=5, root=ROOTS[1])]
    assert trail.headOf(hospital) == commitment(5, ROOTS[1])
    assert trail.isHead(hospital, 5, ROOTS[1])
    assert not trail.isHead(hospital, 0, EMPTY)


def test_post_of_larger_head_is_kept(trail: Any, hospital: Any) -> None:
    """One by one or many at once."""
    trail.post(0, EMPTY, 1, ROOTS[1], {"from": hospital})
    trail.post(1, ROOTS[1], 2, ROOTS[2], {"from": hospital})

    trail.post(2, ROOTS[2], 2**64 - 1, ROOTS[3], {"from": hospital})

    assert trail.isHead(hospital, 2**64 - 1, ROOTS[3])


def test_post_on_another_head_is_refused(trail: Any, hospital: Any, stranger: Any) -> None:
    """Two histories cannot both be continued."""
    trail.post(0, EMPTY, 1, ROOTS[1], {"from": hospital})
    trail.post(1, ROOTS[1], 2, ROOTS[2], {"from": hospital})

    for account, size, root in (
        (hospital, 0, EMPTY), (hospital, 1, ROOTS[1]), (hospital, 2, ROOTS[3]), (hospital, 3, ROOTS[2]),
        (stranger, 2, ROOTS[2]), (stranger, 0, ROOTS[1]),
    ):  # fmt: skip
        with reverts_with("StaleHead", account, size, root):
            trail.post(size, root, 9, ROOTS[9], {"from": account})

    assert trail.isHead(hospital, 2, ROOTS[2])


@pytest.mark.parametrize("size", [0, 4, 5])
def test_post_of_log_that_does_not_grow_is_refused(trail: Any, hospital: Any, size: int) -> None:
    """Append-only: not even another root of the same size."""
    trail.post(0, EMPTY, 5, ROOTS[1], {"from": hospital})

    with reverts_with("LogNotGrowing", hospital, 5, size):
        trail.post(5, ROOTS[1], size, ROOTS[2], {"from": hospital})


def test_post_by_two_custodians_stays_apart(trail: Any, hospital: Any, stranger: Any) -> None:
    """Nobody writes another's log."""
    trail.post(0, EMPTY, 5, ROOTS[1], {"from": hospital})
    trail.post(0, EMPTY, 7, ROOTS[2], {"from": stranger})

    assert trail.isHead(hospital, 5, ROOTS[1])
    assert trail.isHead(stranger, 7, ROOTS[2])


def test_is_head_before_the_first_knows_the_empty_log(trail: Any, hospital: Any) -> None:
    """A size without a root, or a root without a size, is no head."""
    assert trail.headOf(hospital) == NONE
    assert trail.isHead(hospital, 0, EMPTY)
    assert not trail.isHead(hospital, 0, ROOTS[1])
    assert not trail.isHead(hospital, 1, EMPTY)
