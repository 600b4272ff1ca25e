"""Mutants that live because they change nothing anybody could notice: (file, line, changed line) -> why."""

from __future__ import annotations

ARGUED: dict[tuple[str, str, str], str] = {
    ("AccessMarket.sol", "if (revokedAt != 0 && revokedAt < stop) stop = revokedAt;",
     "if (revokedAt != 0 && revokedAt <= stop) stop = revokedAt;"):
        "where both are equal, stop becomes what it is",
    ("libraries/Purchases.sol", "uint256 until = stop < block.timestamp ? stop : block.timestamp;",
     "uint256 until = stop <= block.timestamp ? stop : block.timestamp;"):
        "where both are equal, either is taken",
}  # fmt: skip
