"""PredictionOracle: other nodes take over.

rotate
  given a quorum of the present nodes signed
    it puts the next config in place, whoever sends it
    it keeps what was posted, for consumers too, with the number of its config
    it takes reports of the new nodes only, and vouches for their keys only
  given too few, unordered or unknown signers
    it refuses
  when a signed field or the domain differs
    it refuses each
  at the deadline
    it accepts a second before, refuses at it and after it
  given the new nodes are the old ones
    it counts a config all the same, and refuses it when it is sent again
  when the new config is impossible
    it refuses
  given a suspended node among the new ones
    it refuses
proveEquivocation
  given a node of an earlier config
    it suspends it, and it never comes back
"""

from __future__ import annotations

from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from tests.contracts.clock import next_at, now_s
from tests.contracts.events import expected, logged
from tests.contracts.reports import Quorum
from tests.contracts.reverts import reverts_with
from tests.contracts.signing import OTHER_DOMAINS, key_of, recovered, signed

HOUR_S, LONG_S, WIDE = 3_600, 30 * 86_400, 10**6


@pytest.fixture(scope="module")
def successors() -> list[LocalAccount]:
    """Two of the present nodes and two new ones, ascending."""
    return sorted((key_of(index) for index in (1, 2, 8, 9)), key=lambda key: int(key.address, 16))


def agreed(quorum: Quorum, nodes: list[LocalAccount], end: int) -> dict[str, Any]:
    """What the contract thinks is signed."""
    oracle = quorum.oracle
    return {
        "config": bytes(oracle.configDigest()), "signers": [node.address for node in nodes], "faulty": 1,
        "number": oracle.configNumber() + 1, "deadline": end,
    }  # fmt: skip


def rotation(
    quorum: Quorum, nodes: list[LocalAccount], by: tuple[int, ...] = (0, 1, 2), **changes: Any
) -> tuple[Any, ...]:
    """Arguments of `rotate`; `changes` are of what is signed, not of what is sent."""
    end, domain = now_s() + HOUR_S, changes.pop("domain", {})
    message = {**agreed(quorum, nodes, end), **changes}
    signatures = b"".join(signed(quorum.nodes[node], quorum.oracle, "Rotation", message, **domain) for node in by)
    return [node.address for node in nodes], 1, end, signatures


def test_rotate_by_quorum_puts_the_next_config_in_place(
    oracle: Any, quorum: Quorum, successors: list[LocalAccount], stranger: Any
) -> None:
    """The nodes, their number and the config's digest change; the event says to what."""
    before, addresses = bytes(oracle.configDigest()), [node.address for node in successors]

    tx = oracle.rotate(*rotation(quorum, successors), {"from": stranger})

    after = bytes(oracle.configDigest())
    assert logged(tx) == [expected("ConfigSet", number=2, config=after, signers=addresses, faulty=1)]
    assert after != before
    assert (oracle.signers(), oracle.quorum(), oracle.configNumber()) == (tuple(addresses), 3, 2)


def test_rotate_keeps_what_was_posted(
    oracle: Any, quorum: Quorum, successors: list[LocalAccount], twin: int, model: bytes, stranger: Any
) -> None:
    """A report stays what it was, and may be used; the next one carries the next number."""
    quorum.post(quorum.report(1), stranger)
    kept = oracle.latest(twin, model)
    oracle.rotate(*rotation(quorum, successors), {"from": stranger})

    assert oracle.latest(twin, model) == kept
    assert oracle.consume(twin, model, LONG_S, WIDE) == kept
    assert kept[-1] == 1
    later = Quorum(oracle, successors, twin, model)
    later.post(later.report(2), stranger)
    assert oracle.latest(twin, model)[-1] == 2


def test_rotate_ends_the_old_nodes_say(
    oracle: Any, quorum: Quorum, successors: list[LocalAccount], twin: int, model: bytes, stranger: Any
) -> None:
    """What they signed before and did not post is void; those who left sign nothing and open nothing."""
    waiting = quorum.report(1)
    votes = quorum.signatures(waiting)
    oracle.rotate(*rotation(quorum, successors), {"from": stranger})
    left = next(node for node in quorum.nodes if node not in successors)

    with reverts_with("WrongConfig", waiting.config, bytes(oracle.configDigest())):
        oracle.post(waiting, votes, {"from": stranger})
    stayed = [node for node in successors if node in quorum.nodes]
    mixed = sorted((left, *stayed), key=lambda key: int(key.address, 16))
    with reverts_with("UnknownSigner", left.address):
        Quorum(oracle, mixed, twin, model).post(quorum.report(1), stranger)
    assert [oracle.isSigner(node.address) for node in (left, *successors)] == [False, True, True, True, True]


def test_rotate_without_a_quorum_is_refused(
    oracle: Any, quorum: Quorum, successors: list[LocalAccount], stranger: Any
) -> None:
    """The same rule as for reports."""
    first, second = quorum.nodes[0].address, quorum.nodes[1].address

    with reverts_with("QuorumNotMet", 2, 3):
        oracle.rotate(*rotation(quorum, successors, (0, 1)), {"from": stranger})
    with reverts_with("SignersNotAscending", second, first):
        oracle.rotate(*rotation(quorum, successors, (1, 0, 2)), {"from": stranger})
    with reverts_with("SignersNotAscending", first, first):
        oracle.rotate(*rotation(quorum, successors, (0, 0, 1)), {"from": stranger})


@pytest.mark.parametrize(
    "change",
    [{"config": bytes(32)}, {"faulty": 0}, {"number": 3}, {"number": 1}, {"deadline": 2**40 - 1}, {"signers": []},
     *({"domain": domain} for domain in OTHER_DOMAINS)],
)  # fmt: skip
def test_rotate_of_what_was_not_signed_is_refused(
    oracle: Any, quorum: Quorum, successors: list[LocalAccount], stranger: Any, change: dict[str, Any]
) -> None:
    """The signature recovers a key that nobody has."""
    before = bytes(oracle.configDigest())
    arguments = rotation(quorum, successors, **change)
    nobody = recovered(arguments[3][:65], oracle, "Rotation", agreed(quorum, successors, arguments[2]))

    with reverts_with("UnknownSigner", nobody):
        oracle.rotate(*arguments, {"from": stranger})
    assert bytes(oracle.configDigest()) == before


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_rotate_at_its_deadline(
    oracle: Any, quorum: Quorum, successors: list[LocalAccount], stranger: Any, offset: int
) -> None:
    """While time < deadline."""
    arguments = rotation(quorum, successors)
    next_at(arguments[2] + offset)

    if offset < 0:
        oracle.rotate(*arguments, {"from": stranger})
    else:
        with reverts_with("SignatureExpired", arguments[2]):
            oracle.rotate(*arguments, {"from": stranger})


def test_rotate_to_the_same_nodes_counts_and_is_not_replayed(oracle: Any, quorum: Quorum, stranger: Any) -> None:
    """The number makes one rotation differ from the next, though nodes and digest are the same."""
    arguments, digest = rotation(quorum, quorum.nodes), bytes(oracle.configDigest())
    oracle.rotate(*arguments, {"from": stranger})

    assert (oracle.configNumber(), bytes(oracle.configDigest())) == (2, digest)
    nobody = recovered(arguments[3][:65], oracle, "Rotation", agreed(quorum, quorum.nodes, arguments[2]))
    with reverts_with("UnknownSigner", nobody):
        oracle.rotate(*arguments, {"from": stranger})
    quorum.post(quorum.report(1), stranger)


def test_rotate_to_an_impossible_config_is_refused(
    oracle: Any, quorum: Quorum, successors: list[LocalAccount], stranger: Any
) -> None:
    """As at the beginning: 3 f + 1 nodes, ascending."""
    with reverts_with("InvalidConfig", 3, 1):
        oracle.rotate(*rotation(quorum, successors[:3]), {"from": stranger})
    with reverts_with("SignersNotAscending", successors[1].address, successors[0].address):
        oracle.rotate(*rotation(quorum, [successors[1], successors[0], *successors[2:]]), {"from": stranger})


def test_rotate_to_a_suspended_node_is_refused(oracle: Any, quorum: Quorum, stranger: Any) -> None:
    """Whom the others caught they cannot bring back, not even by mistake."""
    a, b = quorum.report(1), quorum.report(1, score=200_000)
    oracle.proveEquivocation(quorum.signed(1, a), quorum.signed(1, b), {"from": stranger})

    with reverts_with("UnknownSigner", quorum.nodes[1].address):
        oracle.rotate(*rotation(quorum, quorum.nodes, (0, 2, 3)), {"from": stranger})


def test_prove_equivocation_of_a_former_node_suspends_it(
    oracle: Any, quorum: Quorum, successors: list[LocalAccount], twin: int, model: bytes, stranger: Any
) -> None:
    """It left, and what it did is found later."""
    left = next(number for number, node in enumerate(quorum.nodes) if node not in successors)
    a, b = quorum.report(1), quorum.report(1, score=200_000)
    evidence = (quorum.signed(left, a), quorum.signed(left, b))
    oracle.rotate(*rotation(quorum, successors), {"from": stranger})

    tx = oracle.proveEquivocation(*evidence, {"from": stranger})

    facts = {"signer": quorum.nodes[left].address, "twinId": twin, "model": model, "round": 1}
    assert logged(tx) == [expected("EquivocationProven", **facts)]
    with reverts_with("UnknownSigner", quorum.nodes[left].address):
        oracle.proveEquivocation(*evidence, {"from": stranger})
    back = Quorum(oracle, successors, twin, model)
    with reverts_with("UnknownSigner", quorum.nodes[left].address):
        oracle.rotate(*rotation(back, quorum.nodes), {"from": stranger})
