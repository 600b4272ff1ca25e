"""PredictionOracle: its nodes, their faults, and the keys it vouches for.

constructor
  given 3 f + 1 nodes or more
    it needs floor((n + f) / 2) + 1 of them
  given too few, none or too many nodes
    it refuses
  when addresses are not strictly ascending
    it refuses, zero included
  it binds its config to chain, contract, nodes and f
proveEquivocation
  given two different reports of one round, signed by one node
    it suspends the node, whoever shows it
    it leaves a quorum of the others, who need the suspended one no more
  when the reports are the same, of other rounds, twins or models, or of another config
    it refuses
  when two nodes signed
    it refuses
  when a stranger signed
    it refuses
  given the node is suspended
    it refuses
isValidSignature
  given an active node's key
    it vouches for it
  given any other key, no signature, or a suspended node
    it does not
  given a patient's consent to the oracle
    it is one grantee with many keys
"""

from __future__ import annotations

from typing import Any

import brownie
import pytest
from eth_abi import encode
from eth_account import Account
from eth_utils import keccak

from tests.contracts.consents import CARE, VITALS, Scope
from tests.contracts.devices import Recorder
from tests.contracts.events import expected, logged
from tests.contracts.reports import ALONE, Quorum
from tests.contracts.reverts import reverts_with
from tests.contracts.signing import key_of

MAGIC, REFUSAL = "0x1626ba7e", "0xffffffff"
ZERO = "0x" + "0" * 40


def addresses(count: int) -> list[str]:
    """Ascending addresses."""
    return ["0x" + (number * 2**100).to_bytes(20, "big").hex() for number in range(1, count + 1)]


def deployed(suite: Any, sender: Any, nodes: list[str], faulty: int) -> Any:
    """An oracle with these nodes."""
    oracle = brownie.project.get_loaded_projects()[0]["PredictionOracle"]
    return oracle.deploy(suite.twins, suite.models, suite.by_name["ReportChallenge"], nodes, faulty, {"from": sender})


@pytest.mark.parametrize(("count", "faulty"), [(1, 0), (2, 0), (4, 1), (5, 1), (7, 2), (31, 10)])
def test_deploy_needs_a_quorum_that_cannot_split(suite: Any, approver: Any, count: int, faulty: int) -> None:
    """Two quorums share more than f nodes, and n - f nodes are enough for one."""
    oracle = deployed(suite, approver, addresses(count), faulty)

    quorum = oracle.quorum()
    assert quorum == (count + faulty) // 2 + 1
    assert 2 * quorum - count > faulty
    assert quorum <= count - faulty
    assert [node.lower() for node in oracle.signers()] == addresses(count)


@pytest.mark.parametrize(("count", "faulty"), [(0, 0), (3, 1), (6, 2), (32, 1)])
def test_deploy_with_impossible_config_is_refused(suite: Any, approver: Any, count: int, faulty: int) -> None:
    """At least 3 f + 1 and at most 31."""
    with reverts_with("InvalidConfig", count, faulty):
        deployed(suite, approver, addresses(count), faulty)


def test_deploy_with_unordered_nodes_is_refused(suite: Any, approver: Any) -> None:
    """No node twice, and the zero address is none."""
    one, two, three, four = addresses(4)

    for nodes, previous, signer in (
        ([one, two, two, four], two, two), ([two, one, three, four], two, one), ([ZERO, two, three, four], ZERO, ZERO),
    ):  # fmt: skip
        with reverts_with("SignersNotAscending", previous, signer):
            deployed(suite, approver, nodes, 1)


def test_config_digest_binds_chain_contract_nodes_and_f(suite: Any, oracle: Any, nodes: list[Any], web3: Any) -> None:
    """As documented; nobody signs for a set of nodes it does not mean."""
    values = [web3.eth.chain_id, oracle.address, [node.address for node in nodes], 1]

    assert bytes(oracle.configDigest()) == keccak(encode(["uint256", "address", "address[]", "uint256"], values))


def test_prove_equivocation_suspends(oracle: Any, quorum: Quorum, twin: int, model: bytes, stranger: Any) -> None:
    """One node, one round, two stories; anyone may show it."""
    a, b = quorum.report(1), quorum.report(1, score=200_000)
    liar = quorum.nodes[1].address

    tx = oracle.proveEquivocation(quorum.signed(1, a), quorum.signed(1, b), {"from": stranger})

    assert logged(tx) == [expected("EquivocationProven", signer=liar, twinId=twin, model=model, round=1)]
    assert not oracle.isSigner(liar)
    assert [oracle.isSigner(node.address) for node in quorum.nodes] == [True, False, True, True]
    assert oracle.signers() == tuple(node.address for node in quorum.nodes)


def test_quorum_after_suspension_is_the_same_number(
    oracle: Any, quorum: Quorum, recorder: Recorder, twin: int, model: bytes, stranger: Any
) -> None:
    """The three others still reach it; with the suspended one it is not reached."""
    recorder.record(1, stranger)
    a, b = quorum.report(1), quorum.report(1, score=200_000)
    oracle.proveEquivocation(quorum.signed(1, a), quorum.signed(1, b), {"from": stranger})

    with reverts_with("UnknownSigner", quorum.nodes[1].address):
        quorum.post(a, stranger, by=(0, 1, 2))
    with reverts_with("UnknownSigner", quorum.nodes[1].address):
        quorum.post(a, stranger, by=(0, 1, 2, 3))
    quorum.post(a, stranger, by=(0, 2, 3))

    assert oracle.latest(twin, model)[0] == 1


@pytest.mark.parametrize("change", [
    {}, {"round": 2}, {"twinId": 513}, {"model": b"\x01" * 32}, {"config": b"\x01" * 32},
])  # fmt: skip
def test_prove_equivocation_of_no_conflict_is_refused(
    oracle: Any, quorum: Quorum, stranger: Any, change: dict[str, Any]
) -> None:
    """Only two different reports of one round conflict, in either order."""
    a = quorum.report(1)
    b = a._replace(**change)

    for first, second in ((a, b), (b, a)):
        with reverts_with("NotEquivocation"):
            oracle.proveEquivocation(quorum.signed(0, first), quorum.signed(0, second), {"from": stranger})

    assert oracle.isSigner(quorum.nodes[0].address)


def test_prove_equivocation_of_two_nodes_is_refused(oracle: Any, quorum: Quorum, stranger: Any) -> None:
    """Nodes that disagree with each other are not liars."""
    a, b = quorum.report(1), quorum.report(1, score=200_000)

    with reverts_with("NotEquivocation"):
        oracle.proveEquivocation(quorum.signed(0, a), quorum.signed(1, b), {"from": stranger})


def test_prove_equivocation_of_stranger_is_refused(oracle: Any, quorum: Quorum, stranger: Any) -> None:
    """Who is no node cannot be suspended; a signature of nobody is the zero address's."""
    a, b = quorum.report(1), quorum.report(1, score=200_000)
    unknown = Account.from_key(b"\x0f" * 32)

    with reverts_with("UnknownSigner", unknown.address):
        oracle.proveEquivocation(quorum.signed(unknown, a), quorum.signed(unknown, b), {"from": stranger})
    with reverts_with("UnknownSigner", ZERO):
        oracle.proveEquivocation((a, ALONE, b""), (b, ALONE, b""), {"from": stranger})


def test_prove_equivocation_twice_is_refused(oracle: Any, quorum: Quorum, stranger: Any) -> None:
    """Suspended is suspended."""
    a, b = quorum.report(1), quorum.report(1, score=200_000)
    evidence = quorum.signed(1, a), quorum.signed(1, b)
    oracle.proveEquivocation(*evidence, {"from": stranger})

    with reverts_with("UnknownSigner", quorum.nodes[1].address):
        oracle.proveEquivocation(*evidence, {"from": stranger})


def test_is_valid_signature_vouches_for_nodes(oracle: Any, quorum: Quorum) -> None:
    """ERC-1271's value from the standard, for every node."""
    digest = keccak(text="a request for key shares")

    for node in quorum.nodes:
        assert oracle.isValidSignature(digest, node.unsafe_sign_hash(digest).signature) == MAGIC


def test_is_valid_signature_vouches_for_nobody_else(oracle: Any, quorum: Quorum, stranger: Any) -> None:
    """Strangers, other digests, broken signatures, and a node that lied."""
    digest, other = keccak(text="a request"), keccak(text="another")
    liar = quorum.nodes[2]
    a, b = quorum.report(1), quorum.report(1, score=200_000)
    oracle.proveEquivocation(quorum.signed(2, a), quorum.signed(2, b), {"from": stranger})

    for signature in (
        key_of(8).unsafe_sign_hash(digest).signature, quorum.nodes[0].unsafe_sign_hash(other).signature, b"", bytes(65),
        liar.unsafe_sign_hash(digest).signature,
    ):  # fmt: skip
        assert oracle.isValidSignature(digest, signature) == REFUSAL


def test_oracle_is_a_grantee_like_any_other(
    oracle: Any, consents: Any, twin: int, patient: Any, quorum: Quorum, year: Scope
) -> None:
    """Without consent it sees nothing; consent is to the oracle, not to a node."""
    assert not consents.isAllowed(twin, oracle, VITALS, CARE)

    consents.grant(twin, oracle, year, {"from": patient})

    assert consents.isAllowed(twin, oracle, VITALS, CARE)
    assert not consents.isAllowed(twin, quorum.nodes[0].address, VITALS, CARE)
