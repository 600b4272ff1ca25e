"""Rotation: other nodes, or another number of liars, in place of the oracle's present ones, by a quorum of them.

A plan goes from node to node as a file, and each adds its signature. Whoever has enough of them sends it. Cut off
anywhere, the same steps are done again: what the chain has already is not sent twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from eth_abi import encode
from eth_utils import is_address, to_checksum_address

from ..errors import Denied, InputError
from ..formats.keccak import keccak
from ..formats.typed_data import Domain, digest, recovers_to
from ..ports import Chain, Mined, Signer
from ..records import Deployment

FORMAT = "medtwin/rotation/1"


@dataclass(frozen=True, slots=True)
class Plan:
    """Who shall be the oracle's nodes, and who of the present ones agreed.

    `config` is the digest of the configuration that ends, `number` the one of the next; `signers` ascend.
    """

    chain_id: int
    oracle: str
    config: bytes
    signers: tuple[str, ...]
    faulty: int
    number: int
    deadline_s: int
    signatures: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def digest(self) -> bytes:
        """What each node signs."""
        facts = {
            "config": self.config, "signers": self.signers, "faulty": self.faulty, "number": self.number,
            "deadline": self.deadline_s,
        }  # fmt: skip
        return digest(Domain(self.chain_id, self.oracle), "Rotation", facts)


def propose(chain: Chain, signers: Sequence[str], faulty: int, life_s: int) -> Plan:
    """A plan for the chain's next configuration, good for so long.

    Raises
    ------
    InputError
        ``too_few_nodes``: they cannot bear so many liars.
    """
    ascending = tuple(sorted({to_checksum_address(one) for one in signers}, key=lambda one: int(one, 16)))
    if len(ascending) < 3 * faulty + 1:
        raise InputError(
            f"{len(ascending)} oracle nodes cannot tolerate {faulty} liars",
            hint=f"name at least {3 * faulty + 1} different nodes, or lower --faulty",
            kind="too_few_nodes",
        )
    config, number = chain.read_many([("PredictionOracle", "configDigest"), ("PredictionOracle", "configNumber")])
    oracle = chain.address("PredictionOracle")
    return Plan(chain.chain_id, oracle, config, ascending, faulty, number + 1, chain.head().time_s + life_s)


def agree(chain: Chain, plan: Plan, node: Signer) -> Plan:
    """The plan with a node's signature. Denied as of :func:`rotate`, or for who is no node now."""
    _check_current(chain, plan)
    if not chain.read("PredictionOracle", "isSigner", node.address):
        raise Denied(
            f"{node.address} is not one of the oracle's nodes", hint="one of them has to sign", kind="not_a_node"
        )
    return replace(plan, signatures={**plan.signatures, node.address: node.sign_digest(plan.digest)})


def merged(plans: Sequence[Plan]) -> Plan:
    """One plan with the signatures of all; InputError for different ones."""
    first = plans[0]
    if any(one.digest != first.digest for one in plans):
        raise InputError("these are different plans", hint="give files that came from one proposal", kind="other_plan")
    return replace(first, signatures={who: how for one in plans for who, how in one.signatures.items()})


def is_done(chain: Chain, plan: Plan) -> bool:
    """Whether the chain has exactly this configuration."""
    config, number = chain.read_many([("PredictionOracle", "configDigest"), ("PredictionOracle", "configNumber")])
    facts = (plan.chain_id, plan.oracle, plan.signers, plan.faulty)
    next_ = keccak(encode(["uint256", "address", "address[]", "uint256"], facts))
    return (bytes(config), number) == (next_, plan.number)


def rotate(chain: Chain, sender: Signer, plan: Plan) -> Mined | None:
    """Send it, with as many signatures as are needed; None if the chain has it already.

    Raises
    ------
    Denied
        ``old_plan``: the configuration it was to end is over, or its time is; ``no_quorum``: too few nodes agreed.
    """
    chain.settle(sender)  # an earlier run may have sent it and not seen it mined
    if is_done(chain, plan):
        return None
    _check_current(chain, plan)
    names = sorted(plan.signatures, key=lambda one: int(one, 16))
    active = chain.read_many([("PredictionOracle", "isSigner", one) for one in names])
    good = [
        one for one, yes in zip(names, active, strict=True) if yes and recovers_to(plan.digest, plan.signatures[one], one)
    ]  # fmt: skip
    quorum = int(chain.read("PredictionOracle", "quorum"))
    if len(good) < quorum:
        raise Denied(
            f"{len(good)} of the present nodes agreed, {quorum} are needed",
            hint="each of them adds its own: medtwin oracle agree FILE --as NODE",
            kind="no_quorum",
        )
    signatures = b"".join(plan.signatures[one] for one in good[:quorum])
    return chain.write(
        sender, "PredictionOracle", "rotate", list(plan.signers), plan.faulty, plan.deadline_s, signatures
    )


def refuse_old(chain: Chain, deployment: Deployment) -> None:
    """A deployment names the nodes that the chain has; Denied (``other_nodes``) if not.

    Else a node would listen to those that count no more, and be heard by none that do.
    """
    if tuple(chain.read("PredictionOracle", "signers")) != deployment.signers:
        raise Denied(
            "the deployment file names other oracle nodes than the chain has: they were changed",
            hint="take the file that medtwin oracle rotate wrote, and start again",
            kind="other_nodes",
        )


def to_json(plan: Plan) -> str:
    """As a file for people and programs."""
    told = {
        "format": FORMAT, "chain": plan.chain_id, "oracle": plan.oracle, "config": "0x" + plan.config.hex(),
        "signers": list(plan.signers), "faulty": plan.faulty, "number": plan.number, "deadline": plan.deadline_s,
        "signatures": {who: "0x" + how.hex() for who, how in sorted(plan.signatures.items())},
    }  # fmt: skip
    return json.dumps(told, indent=2) + "\n"


def from_json(text: str) -> Plan:
    """Read it; InputError for anything else."""
    try:
        told: dict[str, Any] = json.loads(text)
        if told["format"] != FORMAT or not all(
            map(is_address, [told["oracle"], *told["signers"], *told["signatures"]])
        ):
            raise ValueError(told["format"])
        return Plan(
            int(told["chain"]), to_checksum_address(told["oracle"]), _bytes(told["config"]),
            tuple(map(to_checksum_address, told["signers"])), int(told["faulty"]), int(told["number"]),
            int(told["deadline"]), {to_checksum_address(who): _bytes(how) for who, how in told["signatures"].items()},
        )  # fmt: skip
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError("this is no plan for a rotation", hint="make one: medtwin oracle propose") from error


def _check_current(chain: Chain, plan: Plan) -> None:
    config, number = chain.read_many([("PredictionOracle", "configDigest"), ("PredictionOracle", "configNumber")])
    ours = (plan.chain_id, plan.oracle) == (chain.chain_id, chain.address("PredictionOracle"))
    if not ours or (bytes(config), number + 1) != (plan.config, plan.number) or chain.head().time_s >= plan.deadline_s:
        raise Denied(
            "the plan is for another oracle or an earlier configuration, or its time is over",
            hint="make a new one: medtwin oracle propose",
            kind="old_plan",
        )


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
