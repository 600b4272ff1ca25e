"""What is signed: the domains contracts name (ERC-5267), what every typed struct holds, and who checks signatures.

eip712Domain
  given any contract that takes signatures
    it names the product, the version, the chain and itself, and no more; an account that is a clone names the clone
typed structs
  given any that a contract takes
    it holds a nonce and a deadline, or stands here with what bounds it instead
contracts
  given one that recovers a signer itself
    it stands here with the reason
"""

from __future__ import annotations

import re
from typing import Any

import brownie
from brownie import web3

from tests.contracts.passkeys import RP_ID_HASH, Passkey
from tests.contracts.signing import CONTRACTS, documented_types

NAMED = {
    "CaseToken", "ConsentRegistry", "DataAnchor", "DeviceLoop", "DeviceRegistry", "EmergencyAccess",
    "GuardianRegistry", "PredictionOracle", "StudyRegistry",
}  # fmt: skip
NAME_VERSION_CHAIN_CONTRACT = "0x0f"  # ERC-5267: which fields the domain has

BOUNDED_OTHERWISE = {
    "Batch": "the next sequence and the digest before it; a device may have been out of reach for days",
    "Report": "a round that only grows and the config in force; asOf is its age, and consumers bound it",
    "Bundle": "a root and the config in force, posted once; each report in it is bounded as above",
    "Rotation": "a deadline; the config it follows and its number are a nonce",
    "Answer": "the id of one command, which holds chain, contract, nonce and deadline, and is answered once",
}
RECOVERS = {
    "libraries/Signed.sol": "the one place for people and for devices that agree to something",
    "libraries/Recover.sol": "it reads a signature in the calldata, for the two that name it below",
    "libraries/RequestVoucher.sol": "it vouches for a key request in a view; custodians count its nonce",
    "DataAnchor.sol": "the signer is not known beforehand: it is whoever the signature recovers to",
    "EpochAnchor.sol": "the same, of a batch that is evidence",
    "libraries/Nodes.sol": "the same, of reports; nodes are counted in ascending order",
}


def domain(address: str, chain_id: int) -> tuple[Any, ...]:
    """What ERC-5267 lets a contract of this suite say."""
    return NAME_VERSION_CHAIN_CONTRACT, "Medtwin", "1", chain_id, address, "0x" + "00" * 32, ()


def test_domain_is_what_is_signed(suite: Any, patient: Any) -> None:
    """A wallet that asks the contract signs for that contract on that chain, and for none without a domain."""
    with_domain = {name: at for name, at in suite.by_name.items() if hasattr(at, "eip712Domain")}
    made = suite.by_name["PasskeyFactory"].create(*Passkey.of(0xFACE).point, RP_ID_HASH, {"from": patient})
    clone = brownie.project.get_loaded_projects()[0]["PasskeyAccount"].at(made.return_value)

    assert set(with_domain) == NAMED
    for contract in (*with_domain.values(), clone):
        assert contract.eip712Domain() == domain(contract.address, web3.eth.chain_id)


def test_every_struct_counts_once_and_ends() -> None:
    """A nonce and a deadline, unless something else makes it single and bounds its age."""
    lacking = {
        name
        for name, fields in documented_types().items()
        if not {"nonce", "deadline"} <= {field["name"] for field in fields}
    }

    assert lacking == BOUNDED_OTHERWISE.keys()


def test_signatures_are_checked_in_one_place() -> None:
    """Who else names ECDSA, SignatureChecker or Recover was reviewed."""
    found = {
        path.relative_to(CONTRACTS).as_posix()
        for path in CONTRACTS.rglob("*.sol")
        if "mocks" not in path.parts
        and re.search(r"import \{(ECDSA|SignatureChecker|Recover)\}", path.read_text("utf-8"))
    }

    assert found == RECOVERS.keys()
