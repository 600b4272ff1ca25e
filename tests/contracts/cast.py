"""Everybody of the suite, each with an account of its own, in a suite in use; the states a twin's world can be in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import brownie
from brownie import web3
from eth_abi import encode
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils import keccak

from tests.contracts.cases import Handoff
from tests.contracts.clock import DAY_S, now_s, view_at
from tests.contracts.commands import Loop
from tests.contracts.consents import ALL_BITS, RESEARCH, VITALS, Scope
from tests.contracts.devices import Recorder, pairing
from tests.contracts.emergencies import Emergencies, Terms
from tests.contracts.epochs import Gateway
from tests.contracts.explanations import IDENTITY, TERMS_ROOT, Bundle
from tests.contracts.guardians import accepted
from tests.contracts.offers import Offer, Stall
from tests.contracts.passkeys import RP_ID_HASH, Passkey, call
from tests.contracts.reports import CARD, Quorum
from tests.contracts.signing import key_of
from tests.contracts.studies import STUDY, Study

DIGEST = b"\x71" * 32
CODE = 7
TWIN, OTHER_TWIN, SOLD_TWIN = (kind << 8 | 2 for kind in (0x71, 0x72, 0x73))
APPROVED, FRESH, MARKABLE = (bytes([byte]) * 32 for byte in (0x11, 0x12, 0x13))
PASSKEY = Passkey.of(0xFACE)
ROLES = (
    "governor", "owner", "neighbour", "former owner", "mover", "guardian", "former guardian", "operator",
    "former operator", "grantee", "former grantee", "buyer", "customer", "custodian", "device", "removed device",
    "gateway", "node", "suspended node", "registrar", "board", "former board", "clinician", "second", "former clinician",
    "reviewer", "officer", "sender", "receiver", "helper", "account", "market", "stranger",
)  # fmt: skip
"""Of one twin. `former`: it was, and is no more. A mover may move the owner's twins; an officer sets bounds of devices;
sender and receiver are departments; helper and account are a passkey account's guardian and itself."""
CHAIN_ACCOUNTS = {"governor": 0, "node": 1, "owner": 5, "neighbour": 7, "stranger": 8}


def key(role: str) -> LocalAccount:
    """A role's key: of the test chain, or its own."""
    if role in CHAIN_ACCOUNTS:
        return key_of(CHAIN_ACCOUNTS[role])
    return Account.from_key(keccak(text=role))


@dataclass(slots=True)
class World:
    """A suite in use: one of everything."""

    suite: Any
    quorum: Quorum
    year: Scope
    at: dict[str, str]
    """Addresses by role."""

    twin: int = TWIN
    case_id: bytes = b""
    command_id: bytes = b""
    posted: Bundle | None = None

    def __getitem__(self, contract: str) -> Any:
        return self.suite.by_name[contract]

    @property
    def offer(self) -> Offer:
        """What the owner offers."""
        return Offer(self.twin, 10**6, VITALS, RESEARCH, 30, DIGEST)

    @property
    def days(self) -> Scope:
        """What everybody who may grant may grant: two days of vitals for research, from now."""
        return Scope(VITALS, RESEARCH, now_s(), now_s() + 2 * DAY_S)

    @property
    def recorder(self) -> Recorder:
        """The paired device."""
        return Recorder(self.suite.anchor, self.twin, key("device"))

    @property
    def gateway(self) -> Gateway:
        """The paired and admitted gateway."""
        return Gateway(self["EpochAnchor"], self.suite.anchor, self.at["gateway"])

    @property
    def stall(self) -> Stall:
        """The owner's."""
        return Stall(self.suite.market, self.suite.consents, self.suite.token, self.offer, self.at["owner"])

    @property
    def loop(self) -> Loop:
        """The owner commands the own device."""
        return Loop(self["DeviceLoop"], self.twin, key("owner"), key("device"))

    @property
    def handoff(self) -> Handoff:
        """Between the two departments."""
        return Handoff(self["CaseToken"], self.twin, key("sender"), key("receiver"))

    @property
    def emergencies(self) -> Emergencies:
        """Of the two clinicians."""
        return Emergencies(self["EmergencyAccess"], Terms(self.twin), self.at["clinician"], key("second"))


def pair(w: World, role: str, owner: str = "owner", nonce: int = 0) -> None:
    """Let a device speak for the twin for 30 days."""
    arguments = pairing(w.suite.devices, key(role), w.twin, w.at[owner], now_s() + 30 * DAY_S, nonce)
    w.suite.devices.pair(*arguments, {"from": w.at[owner]})


def appoint(w: World, role: str) -> None:
    """Make somebody guardian for 400 days."""
    guardians, until, end = w["GuardianRegistry"], now_s() + 400 * DAY_S, now_s() + DAY_S
    signature = accepted(key(role), guardians, w.twin, w.at["owner"], until, 0, end)
    guardians.appoint(w.twin, w.at[role], until, 0, end, signature, {"from": w.at["owner"]})


def approve_study(w: World) -> None:
    """The board approves the customer's study for a year."""
    end = now_s() + 365 * DAY_S
    study = Study(STUDY, w.at["customer"], w.at["board"], RESEARCH, end, 0, now_s() + DAY_S)
    w["StudyRegistry"].approve(*study, study.signed(key("board"), w["StudyRegistry"]), {"from": w.at["customer"]})


def consent_leaf(w: World, role: str) -> bytes:
    """A consent in a model's lineage."""
    return keccak(keccak(encode(["uint256", "address", "uint32"], [w.twin, w.at[role], 1])))


def false_epoch(w: World) -> tuple[tuple[bytes, int, bytes], list[tuple[Any, bytes, list[bytes]]]]:
    """An epoch with two batches of one number, signed by a key that was never paired; and both with their proofs."""
    liar, contract = Recorder(w.suite.anchor, w.twin, Account.from_key(b"\xd9" * 32)), w["EpochAnchor"]
    batches = [liar.batch(1, start=1, end=2), liar.batch(1, start=1, end=2, digest=DIGEST)]
    signatures = [liar.sign(batch) for batch in batches]
    leaves = [bytes(contract.leafOf(*pair)) for pair in zip(batches, signatures, strict=True)]
    found = [(batches[place], signatures[place], [leaves[1 - place]]) for place in range(2)]
    return (keccak(b"".join(sorted(leaves))), 2, DIGEST), found


def by_passkey(w: World, passkey: Passkey, call_data: str, nonce: int) -> tuple[Any, ...]:
    """Arguments of the account's `execute`, of a call to itself."""
    account = w["PasskeyAccount"]
    return call(passkey, account, web3.eth.chain_id, account, call_data, nonce, now_s() + 3_600)


def roles_of(w: World) -> list[tuple[Any, str, str]]:
    """Contract, role's name and who holds it."""
    return [
        (w["EmergencyAccess"], "CLINICIAN_ROLE", "clinician"), (w["EmergencyAccess"], "CLINICIAN_ROLE", "second"),
        (w["EmergencyAccess"], "REVIEWER_ROLE", "reviewer"), (w["CaseToken"], "DEPARTMENT_ROLE", "sender"),
        (w["CaseToken"], "DEPARTMENT_ROLE", "receiver"), (w["DeviceLoop"], "SAFETY_ROLE", "officer"),
        (w["StudyRegistry"], "BOARD_ROLE", "board"),
    ]  # fmt: skip


def populate(suite: Any, nodes: list[LocalAccount], accounts: Any) -> World:
    """The cast at work, each role with its own account."""
    at = {role: key(role).address for role in ROLES}
    at["suspended node"] = nodes[3].address
    at["node"] = nodes[0].address
    for role in ROLES:
        if role not in CHAIN_ACCOUNTS and role != "suspended node":
            accounts[0].transfer(accounts.add(key(role).key.hex()), "1 ether")
    quorum = Quorum(suite.oracle, nodes, TWIN, APPROVED)
    w = World(suite, quorum, Scope(ALL_BITS, ALL_BITS, now_s(), now_s() + 365 * DAY_S), at)
    at["market"] = suite.market.address
    for build in (_twins, _consents, _data, _models, _ward, _account):
        build(w)
    return w


def _twins(w: World) -> None:
    for twin, role in ((TWIN, "owner"), (OTHER_TWIN, "neighbour"), (SOLD_TWIN, "former owner")):
        w.suite.twins.mint(twin, {"from": w.at[role]})
    sale = (w.at["former owner"], w.at["neighbour"], SOLD_TWIN)
    w.suite.twins.transferFrom(*sale, {"from": w.at["former owner"]})
    w.suite.twins.setApprovalForAll(w.at["mover"], True, {"from": w.at["owner"]})
    for role in ("former guardian", "guardian"):
        appoint(w, role)


def _consents(w: World) -> None:
    consents, by = w.suite.consents, {"from": w.at["owner"]}
    for role in ("grantee", "former grantee"):
        consents.grant(TWIN, w.at[role], w.year, by)
    consents.revoke(TWIN, w.at["former grantee"], by)
    for role in ("operator", "former operator"):
        consents.setOperator(TWIN, w.at[role], w.year, 30 * DAY_S, by)
    consents.setOperator(TWIN, w.at["former operator"], (0, 0, 0, 0), 0, by)
    w.stall.open()
    for role in ("buyer", "customer"):
        w.stall.fund(w.at[role])
    w.stall.buy(w.at["buyer"], 2)


def _data(w: World) -> None:
    for role in ("device", "gateway", "removed device"):
        pair(w, role)
    w.suite.devices.unpair(w.at["removed device"], {"from": w.at["owner"]})
    w.recorder.record(1, w.at["owner"])
    w["EpochAnchor"].admit(w.at["gateway"], {"from": w.at["stranger"]})
    w["EpochAnchor"].anchorEpoch(false_epoch(w)[0], {"from": w.at["gateway"]})
    w.suite.trail.post(0, bytes(32), 1, DIGEST, {"from": w.at["custodian"]})


def _models(w: World) -> None:
    models, by = w.suite.models, {"from": w.at["registrar"]}
    for model, lineage in ((APPROVED, bytes(32)), (FRESH, bytes(32)), (MARKABLE, consent_leaf(w, "former grantee"))):
        models.register(model, CARD, lineage, True, by)
    models.registerTerms(APPROVED, TERMS_ROOT, IDENTITY, by)
    models.approve(APPROVED, {"from": w.at["governor"]})
    w.posted = Bundle(w.quorum, (w.quorum.report(2),))
    w.posted.post(w.at["stranger"])
    lies = [w.quorum.report(1, score=score) for score in (200_000, 200_001)]
    w.suite.oracle.proveEquivocation(*(w.quorum.signed(3, lie) for lie in lies), {"from": w.at["stranger"]})


def _ward(w: World) -> None:
    governor = {"from": w.at["governor"]}
    for contract, role, holder in roles_of(w):
        contract.grantRole(getattr(contract, role)(), w.at[holder], governor)
    for contract, role, holder in (
        (w["EmergencyAccess"], "CLINICIAN_ROLE", "former clinician"), (w["StudyRegistry"], "BOARD_ROLE", "former board"),
    ):  # fmt: skip
        contract.grantRole(getattr(contract, role)(), w.at[holder], governor)
        contract.revokeRole(getattr(contract, role)(), w.at[holder], governor)
    approve_study(w)
    w.emergencies.open()
    w.case_id = bytes(w.handoff.open(w.at["sender"]).return_value)
    w["DeviceLoop"].setEnvelope(w.at["device"], CODE, 0, 10, 0, {"from": w.at["officer"]})
    w.command_id = bytes(w.loop.send(w.at["owner"]).return_value)


def _account(w: World) -> None:
    made = w["PasskeyFactory"].create(*PASSKEY.point, RP_ID_HASH, {"from": w.at["owner"]}).return_value
    w.suite.by_name["PasskeyAccount"] = brownie.project.get_loaded_projects()[0]["PasskeyAccount"].at(made)
    w.at["account"] = made
    helpers = w["PasskeyAccount"].setGuardians.encode_input([w.at["helper"]], 1, DAY_S)
    w["PasskeyAccount"].execute(*by_passkey(w, PASSKEY, helpers, 0), {"from": w.at["owner"]})


# -- what can become of it -------------------------------------------------------------------


def voided(w: World) -> None:
    """The owner ended the twin's epoch."""
    w.suite.twins.voidGrants(w.twin, {"from": w.at["owner"]})


def retired(w: World) -> None:
    """The owner retired the twin."""
    w.suite.twins.retire(w.twin, {"from": w.at["owner"]})


def transferred(w: World) -> None:
    """The twin is the neighbour's."""
    w.suite.twins.transferFrom(w.at["owner"], w.at["neighbour"], w.twin, {"from": w.at["owner"]})


def unpaired(w: World) -> None:
    """Device and gateway were cut off."""
    for role in ("device", "gateway"):
        w.suite.devices.unpair(w.at[role], {"from": w.at["owner"]})
    w["EpochAnchor"].admit(w.at["gateway"], {"from": w.at["stranger"]})


def suspended(w: World) -> None:
    """Clinicians and gateway were found wrong, study and model are withdrawn."""
    w["EmergencyAccess"].review(1, False, {"from": w.at["reviewer"]})
    epoch, (found, _) = false_epoch(w)
    w["EpochAnchor"].proveUnknownDevice(w.at["gateway"], (bytes(21), epoch, []), found, {"from": w.at["stranger"]})
    w["StudyRegistry"].withdraw(STUDY, w.at["customer"], {"from": w.at["board"]})
    w.suite.models.withdraw(APPROVED, DIGEST, {"from": w.at["governor"]})


def deposed(w: World) -> None:
    """The governor took every role back."""
    for contract, role, holder in roles_of(w):
        contract.revokeRole(getattr(contract, role)(), w.at[holder], {"from": w.at["governor"]})


def expired(w: World) -> None:
    """Two years later."""
    view_at(now_s() + 731 * DAY_S)


STATES: dict[str, Callable[[World], None]] = {
    "in use": lambda w: None, **{state.__name__: state for state in (
        voided, retired, transferred, unpaired, suspended, deposed, expired
    )},
}  # fmt: skip
