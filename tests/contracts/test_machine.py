"""ConsentRegistry, AccessMarket and TwinToken together, whatever happens in whatever order.

given a long random walk over everything that parties do
  it agrees with a small model after each step, in every answer, every refusal and to the last unit
"""

from __future__ import annotations

import os
from random import Random
from typing import Any

import brownie
from brownie.exceptions import VirtualMachineError
from eth_abi import decode, encode

from tests.contracts.clock import DAY_S, next_at, now_s, view_at
from tests.contracts.model import Refused
from tests.contracts.offers import PLENTY
from tests.contracts.walk import ACTORS, RULES, Walk

SEED, STEPS, LEAST = int(os.environ.get("MEDTWIN_SEED", "11")), 320, 3
LIVE_TWINS = 3
PATIENT, EQUIPMENT = 1, 2
Call = tuple[Any, list[str], tuple[Any, ...], list[str]]  # method, arguments' types, arguments, answers' types


def next_time(walk: Walk) -> int:
    """When the next step happens (s): soon, or around a second at which something begins or ends."""
    now, model = now_s(), walk.model
    edges = [edge for held in model.held.values() for edge in (held.scope.not_before, held.scope.expiry)]
    edges += [bought.end for bought in model.bought.values()]
    near = [edge + offset for edge in edges for offset in (-1, 0, 1) if now + 2 <= edge + offset < now + 2 * DAY_S]
    return walk.draw.choice(sorted(near)) if near and walk.draw.random() < 0.25 else now + walk.draw.randrange(2, 9_000)


def step(walk: Walk) -> None:
    """One rule; the contracts and the model accept it or refuse it with one word."""
    rule = walk.draw.choices([*RULES], [*RULES.values()])[0]
    act = None if rule == "wait" else getattr(walk, rule)()
    time = next_time(walk)
    if act is None:
        view_at(time)
        walk.done[rule] += rule in ("wait", "sign")
        return
    send, follow = act
    next_at(time)
    expected = answer = ""
    try:
        follow(time)
    except Refused as problem:
        expected = str(problem)
    try:
        assert send().timestamp == time
    except VirtualMachineError as problem:
        answer = str(problem.revert_msg).split(":")[0]
    walk.trace.append(f"{time} {rule}: {answer or 'done'}")
    assert answer == expected, walk.trace[-12:]
    (walk.refused if answer else walk.done)[answer or rule] += 1
    if rule == "retire" and len(walk.live()) < LIVE_TWINS:
        walk.mint(walk.draw.choice((PATIENT, EQUIPMENT)), walk.draw.choice((5, 7)))


def asked(calls: list[Call]) -> list[tuple[Any, ...]]:
    """Answers of many calls at the latest block, in one round trip."""
    requests = [
        ("eth_call", [{"to": method._address, "data": method.signature + encode(types, arguments).hex()}, "latest"])
        for method, types, arguments, _ in calls
    ]
    answers = sorted(brownie.web3.provider.make_batch_request(requests), key=lambda answer: int(answer["id"]))
    pairs = zip(calls, answers, strict=True)
    return [decode(types, bytes.fromhex(answer["result"][2:])) for (*_, types), answer in pairs]


def check(walk: Walk) -> None:
    """Every pair's decision and token, every purchase, every account's tokens, and the escrow."""
    suite, model, now = walk.suite, walk.model, now_s()
    actors = [walk.accounts[index].address for index in ACTORS]
    pairs = [(twin, actor) for twin in model.twins for actor in actors]
    twins, grantees = ([pair[place] for pair in pairs] for place in (0, 1))
    calls: list[Call] = [(suite.consents.balanceOfBatch, ["address[]", "uint256[]"], (grantees, twins), ["uint256[]"])]
    expected: list[tuple[Any, ...]] = [(tuple(int(model.is_active(*pair, now)) for pair in pairs),)]
    for pair in pairs:
        asks = (*pair, walk.draw.randrange(8), walk.draw.randrange(8))
        calls.append((suite.consents.isAllowed, ["uint256", "address", "uint32", "uint32"], asks, ["bool"]))
        expected.append((model.is_allowed(*asks, now),))
    for pair, held in model.held.items():
        serial = walk.draw.randrange(held.serial + 2)
        calls.append((suite.consents.wasRevoked, ["uint256", "address", "uint32"], (*pair, serial), ["bool"]))
        expected.append(((*pair, serial) in model.ended,))
    for pair in [*model.bought, walk.draw.choice(pairs)]:
        calls.append((suite.market.balanceOf, ["uint256", "address"], pair, ["uint96", "uint96"]))
        expected.append(model.balance(*pair, now))
    owned = {suite.market.address: model.escrow()} | {who: PLENTY + model.tokens.get(who, 0) for who in actors}
    for holder, amount in owned.items():
        calls.append((suite.token.balanceOf, ["address"], (holder,), ["uint256"]))
        expected.append((amount,))
    differ = [triple for triple in zip(calls, asked(calls), expected, strict=True) if triple[1] != triple[2]]
    assert not differ, (differ, walk.trace[-12:])


def test_walk_agrees_with_the_model(suite: Any, accounts: Any) -> None:
    """The seed is printed; MEDTWIN_SEED chooses another. A walk in which a rule hardly ever succeeds shows nothing."""
    print(f"seed {SEED}, {STEPS} steps")
    walk = Walk(suite, accounts, Random(SEED))
    for index in ACTORS:
        suite.token.mint(accounts[index], PLENTY, {"from": accounts[index]})
        suite.token.approve(suite.market, PLENTY, {"from": accounts[index]})
    for kind, owner in ((PATIENT, 5), (EQUIPMENT, 7), (EQUIPMENT, 5)):
        walk.mint(kind, owner)

    for _ in range(STEPS):
        step(walk)
        check(walk)

    print(f"done {dict(walk.done)}, refused {dict(walk.refused)}")
    assert {rule for rule in RULES if walk.done[rule] < LEAST} == set()
