"""Keccak-256 as Ethereum uses it, compiled and called directly: a Merkle tree is little else."""

from __future__ import annotations

from collections.abc import Callable

from tiny_keccak import keccak256

keccak: Callable[[bytes], bytes] = keccak256
"""The 32-byte hash of some bytes."""
