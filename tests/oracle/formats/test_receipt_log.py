"""The Merkle log against RFC 6962's known answers, a naive second implementation, and every single lie."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest

from oracle.formats.receipt_log import (  # fmt: skip
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root,
    verify_consistency,
    verify_inclusion,
)

# The classic test inputs and roots of Certificate Transparency (certificate-transparency, transparency-dev/merkle).
INPUTS = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = [bytes.fromhex(text) for text in (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)]  # fmt: skip
MOST = 64
HASHES = [leaf_hash(f"receipt {number}".encode()) for number in range(MOST)]


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def naive_root(hashes: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if not hashes:
        return hashlib.sha256().digest()
    if len(hashes) == 1:
        return hashes[0]
    cut = max(2**power for power in range(10) if 2**power < len(hashes))
    return node(naive_root(hashes[:cut]), naive_root(hashes[cut:]))


def flipped(text: bytes) -> list[bytes]:
    """The bytes with each single bit turned over."""
    return [text[:at] + bytes([text[at] ^ 1 << bit]) + text[at + 1 :] for at in range(len(text)) for bit in range(8)]


def test_roots_equal_the_published_ones() -> None:
    """Sizes 0 to 8 of the classic inputs."""
    hashes = [leaf_hash(entry) for entry in INPUTS]

    assert [root(hashes[:size]) for size in range(9)] == ROOTS
    assert ROOTS[0] == EMPTY_ROOT


def test_roots_equal_the_naive_ones() -> None:
    """A direct reading of the RFC gives the same roots for all sizes."""
    for size in range(MOST + 1):
        assert root(HASHES[:size]) == naive_root(HASHES[:size])


def test_every_leaf_of_every_size_is_proved() -> None:
    """Inclusion holds for all sizes up to 64, and for no other leaf, index or size."""
    for size in range(1, MOST + 1):
        told = naive_root(HASHES[:size])
        for index in range(size):
            path = inclusion_proof(HASHES[:size], index)
            assert verify_inclusion(HASHES[index], index, size, path, told)
            assert not verify_inclusion(HASHES[index - 1] if size > 1 else bytes(32), index, size, path, told)
            wrong = [other for other in range(-1, size + 2) if other != index]
            assert not any(verify_inclusion(HASHES[index], other, size, path, told) for other in wrong)


def test_a_wrong_size_changes_the_verdict_only_where_the_path_is_the_same() -> None:
    """The size is not bound by RFC 6962's root, but a proof with one step more or fewer never fits."""
    for size in (1, 2, 3, 5, 8, 13, 33, 64):
        told = root(HASHES[:size])
        for index in range(size):
            path = inclusion_proof(HASHES[:size], index)
            assert not verify_inclusion(HASHES[index], index, index, path, told)
            assert not verify_inclusion(HASHES[index], index, 4 * size + 1, path, told)
            assert not verify_inclusion(HASHES[index], index, size, [*path, bytes(32)], told)
            if path:
                assert not verify_inclusion(HASHES[index], index, size, path[:-1], told)


def test_every_pair_of_sizes_is_consistent() -> None:
    """Each tree begins with each earlier one, for all sizes up to 64."""
    roots = [naive_root(HASHES[:size]) for size in range(MOST + 1)]
    for size in range(1, MOST + 1):
        for old in range(1, size + 1):
            path = consistency_proof(HASHES[:size], old)
            assert verify_consistency(old, size, roots[old], roots[size], path)
            if old < size:
                assert not verify_consistency(old, size, roots[old - 1], roots[size], path)
                assert not verify_consistency(old, size, roots[old], roots[size - 1], path)
                assert not verify_consistency(old, size, roots[old], roots[size], [*path, bytes(32)])
                assert not verify_consistency(old, size, roots[old], roots[size], path[:-1])
                assert not verify_consistency(size, old, roots[size], roots[old], path)


def test_an_empty_log_shows_nothing_of_a_later_one() -> None:
    """A proof from size 0 could stand before any log, so it is none."""
    told = root(HASHES[:5])

    assert not verify_consistency(0, 5, EMPTY_ROOT, told, [])
    assert not verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    assert not verify_consistency(0, 5, bytes(32), told, [])
    assert not verify_consistency(0, 5, EMPTY_ROOT, told, [bytes(32)])
    assert not verify_consistency(0, -5, EMPTY_ROOT, told, [])
    assert not verify_consistency(-1, 5, EMPTY_ROOT, told, [])


@pytest.mark.parametrize(("size", "index"), [(1, 0), (2, 1), (5, 4), (7, 2), (8, 0), (13, 11)])
def test_any_flipped_bit_breaks_inclusion(size: int, index: int) -> None:
    """Root, leaf and every step of the path are bound, to the bit."""
    told, mine = root(HASHES[:size]), HASHES[index]
    path = inclusion_proof(HASHES[:size], index)

    assert not any(verify_inclusion(mine, index, size, path, bad) for bad in flipped(told))
    assert not any(verify_inclusion(bad, index, size, path, told) for bad in flipped(mine))
    for at, step in enumerate(path):
        paths = [[*path[:at], bad, *path[at + 1 :]] for bad in flipped(step)]
        assert not any(verify_inclusion(mine, index, size, bad, told) for bad in paths)


@pytest.mark.parametrize(("old", "size"), [(1, 2), (2, 5), (3, 7), (4, 8), (6, 13), (8, 8)])
def test_any_flipped_bit_breaks_consistency(old: int, size: int) -> None:
    """Both roots and every step of the path are bound, to the bit."""
    before, after = root(HASHES[:old]), root(HASHES[:size])
    path = consistency_proof(HASHES[:size], old)

    assert not any(verify_consistency(old, size, bad, after, path) for bad in flipped(before))
    assert not any(verify_consistency(old, size, before, bad, path) for bad in flipped(after))
    for at, step in enumerate(path):
        paths = [[*path[:at], bad, *path[at + 1 :]] for bad in flipped(step)]
        assert not any(verify_consistency(old, size, before, after, bad) for bad in paths)


def test_a_log_rewritten_before_the_old_size_is_inconsistent() -> None:
    """No proof over a rewritten log connects to the root witnessed before."""
    before, rewritten = root(HASHES[:5]), [bytes(32), *HASHES[1:9]]
    after = root(rewritten)

    assert not verify_consistency(5, 9, before, after, consistency_proof(rewritten, 5))


def test_leaf_and_node_hashes_are_told_apart() -> None:
    """An inner node's content as an entry gives another hash (RFC 6962, 2.1: second preimage)."""
    assert all(leaf_hash(left + right) != node(left, right) for left, right in pairwise(HASHES))


@pytest.mark.parametrize("call", [
    lambda: inclusion_proof(HASHES[:3], 3), lambda: inclusion_proof(HASHES[:3], -1), lambda: inclusion_proof([], 0),
    lambda: consistency_proof(HASHES[:3], 4), lambda: consistency_proof(HASHES[:3], 0),
])  # fmt: skip
def test_proof_of_what_is_not_there_is_refused(call) -> None:  # type: ignore[no-untyped-def]
    """Indices and sizes outside the log raise."""
    with pytest.raises(IndexError):
        call()


def test_a_frontier_grows_as_the_log_and_cannot_be_made_up() -> None:
    """Kept and taken up again at each size it gives the naive root; a number of subtrees that fits no size is refused."""
    frontier = Frontier()
    for size in range(1, 130):
        frontier.add(leaf_hash(str(size).encode()))
        assert frontier.root() == naive_root([leaf_hash(str(at).encode()) for at in range(1, size + 1)])
        frontier = Frontier(frontier.size, frontier.peaks)
        assert len(frontier.peaks) == size.bit_count()
    with pytest.raises(ValueError):
        Frontier(3, [bytes(32)])
