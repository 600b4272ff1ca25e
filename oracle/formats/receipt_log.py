"""RFC 6962 Merkle log: what makes a deleted, altered or reordered receipt visible.

Imports nothing of Medtwin, so an auditor can read and run it alone.

References
----------
RFC 6962, section 2.1; RFC 9162, section 2.1.3 and 2.1.4 for verification.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Hash of one entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


class Frontier:
    """All that a log needs to grow: its size, and the roots of its complete subtrees from left to right.

    Parameters
    ----------
    size : int
        Leaves so far.
    peaks : sequence of bytes
        One for each bit set in `size`.
    """

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if len(peaks) != size.bit_count():
            raise ValueError(f"{len(peaks)} subtrees do not make a log of {size} leaves")
        self.size = size
        self.peaks = list(peaks)

    def add(self, leaf: bytes) -> None:
        """Take one more leaf hash."""
        full = self.size
        while full & 1:
            leaf, full = _node(self.peaks.pop(), leaf), full >> 1
        self.peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Root of the log as it is."""
        if not self.peaks:
            return EMPTY_ROOT
        node = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            node = _node(peak, node)
        return node


def root(hashes: Sequence[bytes]) -> bytes:
    """Root over leaf hashes in order; the hash of nothing for none."""
    frontier = Frontier()
    for leaf in hashes:
        frontier.add(leaf)
    return frontier.root()


def inclusion_proof(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """Audit path of the leaf at `index`."""
    count = len(hashes)
    if not 0 <= index < count:
        raise IndexError(f"there is no leaf {index} among {count}")
    if count == 1:
        return []
    cut = _split(count)
    if index < cut:
        return [*inclusion_proof(hashes[:cut], index), root(hashes[cut:])]
    return [*inclusion_proof(hashes[cut:], index - cut), root(hashes[:cut])]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> bool:
    """Whether `leaf` stands at `index` in the tree of `size` leaves with root `expected`."""
    if not 0 <= index < size or len(leaf) != HASH_BYTES:
        return False
    first, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if first & 1 or first == last:
            node = _node(sibling, node)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            node = _node(node, sibling)
        first, last = first >> 1, last >> 1
    return last == 0 and node == expected


def consistency_proof(hashes: Sequence[bytes], old_size: int) -> list[bytes]:
    """Proof that the first `old_size` leaves of the tree are what they were."""
    if not 0 < old_size <= len(hashes):
        raise IndexError(f"there is no earlier tree of {old_size} leaves among {len(hashes)}")
    return _subproof(old_size, hashes, True)


def verify_consistency(old_size: int, size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree (size, new_root) begins with the tree (old_size, old_root); an empty tree shows nothing."""
    if not 0 < old_size <= size:
        return False
    if old_size == size:
        return old_root == new_root and not proof
    path = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    if not path:
        return False
    first, last = old_size - 1, size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            old, new = _node(sibling, old), _node(sibling, new)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            new = _node(new, sibling)
        first, last = first >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(count: int) -> int:
    """Largest power of two smaller than `count`."""
    return 1 << (count - 1).bit_length() - 1


def _subproof(old_size: int, hashes: Sequence[bytes], complete: bool) -> list[bytes]:
    count = len(hashes)
    if old_size == count:
        return [] if complete else [root(hashes)]
    cut = _split(count)
    if old_size <= cut:
        return [*_subproof(old_size, hashes[:cut], complete), root(hashes[cut:])]
    return [*_subproof(old_size - cut, hashes[cut:], False), root(hashes[:cut])]
