"""Merkle trees as OpenZeppelin's StandardMerkleTree builds them, so that contracts can check a leaf.

A leaf is keccak(keccak(abi.encode(values))); leaves are sorted; a node hashes
its two children in ascending order.

References
----------
https://github.com/OpenZeppelin/merkle-tree
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from eth_abi import encode
from numpy.typing import NDArray

from ..errors import InputError
from ..records import Prediction, Readings, Status
from .keccak import keccak

CONSENT_TYPES = ("uint256", "address", "uint32")
EXPLANATION_TYPES = ("uint16", "string", "bool", "int64", "int64")
READING_TYPES = ("uint64", "bytes32", "int64", "bytes32")
SALT_BYTES = 32
NAME_BYTES = 32


def leaf(encoded: bytes) -> bytes:
    """Leaf of ABI-encoded values; hashed twice so that no inner node can pass for one."""
    return keccak(keccak(encoded))


def tree(leaves: Sequence[bytes]) -> list[bytes]:
    """All 2 n - 1 nodes: the root first, the sorted leaves last, in reverse."""
    if not leaves:
        raise InputError("a Merkle tree needs at least one leaf", kind="empty")
    nodes = sorted(leaves)
    waiting = iter(nodes)  # sees what is appended: two nodes leave the queue, their parent joins it, up to the root
    add, hashed = nodes.append, keccak
    for one, other in zip(waiting, waiting, strict=False):
        add(hashed(one + other if one < other else other + one))
    return nodes[::-1]


def root(leaves: Sequence[bytes]) -> bytes:
    """Root over leaves in any order."""
    return tree(leaves)[0]


def proof(leaves: Sequence[bytes], wanted: bytes) -> list[bytes]:
    """Siblings from a leaf to the root; InputError if it is not among the leaves."""
    nodes = tree(leaves)
    if wanted not in nodes[len(leaves) - 1 :]:
        raise InputError("the leaf is not in the tree", kind="unknown_leaf")
    at = nodes.index(wanted, len(leaves) - 1)
    path = []
    while at > 0:
        path.append(nodes[at + 1 if at % 2 else at - 1])
        at = (at - 1) // 2
    return path


def proofs(leaves: Sequence[bytes]) -> dict[bytes, tuple[bytes, ...]]:
    """By leaf, its siblings up to the root: for many leaves of one tree at once."""
    nodes = tree(leaves)
    paths: list[tuple[bytes, ...]] = [()] * len(nodes)
    for at in range(1, len(nodes)):
        paths[at] = (nodes[at + 1 if at % 2 else at - 1], *paths[(at - 1) // 2])
    return dict(zip(nodes[len(leaves) - 1 :], paths[len(leaves) - 1 :], strict=True))


def verify(root_: bytes, path: Sequence[bytes], wanted: bytes) -> bool:
    """Whether `wanted` is under `root_`, as OpenZeppelin's MerkleProof decides."""
    return hashed_up(path, wanted) == root_


def hashed_up(path: Sequence[bytes], wanted: bytes) -> bytes:
    """The root that siblings lead to from a leaf."""
    at = wanted
    for sibling in path:
        at = keccak(at + sibling if at < sibling else sibling + at)
    return at


def digest_leaf(digest: bytes) -> bytes:
    """Leaf of one bytes32, for a report's inputs root."""
    return leaf(digest)


def consent_leaf(twin_id: int, grantee: str, serial: int) -> bytes:
    """Leaf of one grant, for a model's lineage: (uint256 twinId, address grantee, uint32 serial)."""
    return leaf(encode(CONSENT_TYPES, (twin_id, grantee, serial)))


def reading_leaves(readings: Readings, salts: bytes) -> list[bytes]:
    """One leaf per reading: (uint64 timeMs, bytes32 channel, int64 valueE6, bytes32 salt).

    Parameters
    ----------
    readings : Readings
    salts : bytes
        32 bytes for each reading, so that a root never confirms a guess.
    """
    count = len(readings)
    words = np.zeros((count, 4 * 32), np.uint8)
    words[:, 24:32] = _big_endian(readings.time_ms)
    words[:, 32:64] = _names(readings.channels)[readings.channel]
    words[:, 64:88] = np.where(readings.value_e6 < 0, 0xFF, 0).astype(np.uint8)[:, None]
    words[:, 88:96] = _big_endian(readings.value_e6)
    words[:, 96:128] = np.frombuffer(salts, np.uint8).reshape(count, SALT_BYTES)
    raw = words.tobytes()
    hashed = keccak  # twice each, as in leaf(), without a call more for each of a batch's thousands
    return [hashed(hashed(raw[at : at + 128])) for at in range(0, len(raw), 128)]


def explanation_leaves(prediction: Prediction) -> list[bytes]:
    """Leaves (uint16 index, string name, bool known, int64 value, int64 contribution).

    Index 0 is the base, with the margin as its value; the rest are the
    features in the model's order. Without an answer there is one leaf, named by the reason.
    """
    return [explanation_leaf(row) for row in explanation_rows(prediction)]


def explanation_leaf(row: tuple[int, str, bool, int, int]) -> bytes:
    """Leaf of one row, also of one that somebody else made."""
    return leaf(encode(EXPLANATION_TYPES, row))


def explanation_rows(prediction: Prediction) -> list[tuple[int, str, bool, int, int]]:
    """What the leaves are made of; see :func:`explanation_leaves`."""
    if prediction.status is Status.NO_ANSWER:
        return [(0, prediction.reason, False, 0, 0)]
    rows: list[tuple[int, str, bool, int, int]] = [(0, "base", True, prediction.margin_e6, prediction.base_e6)]
    for index, part in enumerate(prediction.contributions, 1):
        known = part.value_e6 is not None
        rows.append((index, part.feature, known, part.value_e6 or 0, part.contribution_e6))
    return rows


def _big_endian(values: NDArray[np.int64]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(values.astype(">i8")).view(np.uint8).reshape(len(values), 8)


def _names(channels: tuple[str, ...]) -> NDArray[np.uint8]:
    if not all(name.isascii() and len(name) <= NAME_BYTES for name in channels):
        raise InputError("a channel's name is not of at most 32 ASCII characters", kind="unknown_channel")
    encoded = [name.encode("ascii") for name in channels]
    joined = b"".join(name.ljust(NAME_BYTES, b"\0") for name in encoded)
    return np.frombuffer(joined, np.uint8).reshape(len(encoded), NAME_BYTES)
