"""What the formulas of escrow and explanations do, over all integers; run with z3 at hand, see :mod:`scripts.symbolic`.

``earned = paid * elapsed // period``; of it the protocol's part is ``total * p // 10000`` and the custodian's
``(total - protocol) * c // (10000 - p)``; the rest is the payee's. A lemma holds when its contrary has no solution.
"""

from __future__ import annotations

import sys

import z3

MOST_MS = 60_000
WHOLE = 10_000
MILLION = 10**6


def lemmas() -> dict[str, tuple[list[z3.BoolRef], z3.BoolRef]]:
    """Premises and conclusion of each."""
    paid, elapsed, later, period = z3.Ints("paid elapsed later period")
    time = [paid >= 0, elapsed >= 0, later >= elapsed, period > 0, later <= period]
    earned, then = (paid * elapsed) / period, (paid * later) / period
    part, share, whole, more = z3.Ints("part share whole more")
    shares = [part >= 0, more >= 0, whole > 0, share >= 0, share <= whole]
    cut, cut_then = (part * share) / whole, ((part + more) * share) / whole
    exact, whole_, rest = z3.Ints("exact whole_ rest")
    rounded = [  # FixedPoint.product: floor and rest of exact millionths of millionths, then up where more than half is left
        exact == MILLION * whole_ + rest,
        rest >= 0,
        rest < MILLION,
    ]
    up = z3.Or(2 * rest > MILLION, z3.And(2 * rest == MILLION, whole_ % 2 != 0))
    product = z3.If(up, whole_ + 1, whole_)
    off = product * MILLION - exact
    half = z3.And(2 * off <= MILLION, -2 * off <= MILLION)
    tie = z3.Or(2 * off == MILLION, -2 * off == MILLION)
    bits = [paid < 2**96, elapsed < 2**40, paid >= 0, elapsed >= 0]
    return {
        "earned is at most what was paid": (time, earned <= paid),
        "earned is not negative": (time, earned >= 0),
        "earned never goes back": (time, earned <= then),
        "earned and refund are what was paid": (time, earned + (paid - earned) == paid),
        "all is earned at the end": ([*time, later == period], then == paid),
        "no product leaves 256 bits": (bits, paid * elapsed < 2**256),
        "a part is at most the whole": (shares, cut <= part),
        "a part never goes back": (shares, cut <= cut_then),
        "a product is the nearest millionth": (rounded, half),
        "and the even one where two are as near": (rounded, z3.Implies(tie, product % 2 == 0)),
        "the rest never goes back": (shares, part - cut <= part + more - cut_then),
    }


def main() -> int:
    """1 when a lemma does not hold, or is not shown in time."""
    wrong = 0
    for name, (premises, conclusion) in lemmas().items():
        solver = z3.Solver()
        solver.set("timeout", MOST_MS)
        solver.add(*premises, z3.Not(conclusion))
        shown = solver.check() == z3.unsat
        print(f"{'holds' if shown else 'NOT SHOWN'}: {name}")
        wrong += not shown
    solver = z3.Solver()
    solver.add(*lemmas()["earned never goes back"][0][:3], z3.Not(lemmas()["earned never goes back"][1]))
    if solver.check() == z3.unsat:
        print("NOT SHOWN: without its premises a lemma must fail")
        wrong += 1
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
