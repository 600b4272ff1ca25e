"""What a stranger can do: the list of functions comes from the ABIs, the answers stand here, reviewed.

given any function that changes state
  when it has no entry here
    it fails until somebody reviewed it
  when a stranger calls it on its own authority
    it reverts with a named error, or stands here with the reason why it need not
  given the twin's epoch ended or the twin is retired
    it opens no door
  when a stranger carries what the right party signed
    it accepts, and stands here with the reason
given any contract
  when ether is sent
    it refuses
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import brownie
import pytest
from brownie.exceptions import VirtualMachineError
from eth_account.signers.local import LocalAccount

from oracle.deploy import plan
from tests.contracts import strangers, strangers_clinical, strangers_passkeys, strangers_reports
from tests.contracts.clock import DAY_S, now_s
from tests.contracts.consents import RESEARCH, VITALS, Scope
from tests.contracts.devices import Recorder, pairing
from tests.contracts.guardians import accepted
from tests.contracts.offers import Offer, Stall
from tests.contracts.passkeys import RP_ID_HASH
from tests.contracts.reports import Quorum
from tests.contracts.signing import key_of
from tests.contracts.strangers import DIGEST, World
from tests.contracts.strangers_clinical import CODE, GATEWAY, HOSPITAL, PATIENT, RESEARCHER

ADDRESS = "0x" + "0" * 40
CONTRACTS = [*(name for name, _ in plan(ADDRESS, [ADDRESS] * 4, 1) if name != "TestToken"), "PasskeyAccount"]
ENTRIES = {**strangers.ENTRIES, **strangers_clinical.ENTRIES, **strangers_passkeys.ENTRIES, **strangers_reports.ENTRIES}


def writers() -> dict[str, str]:
    """Every state-changing function of the suite: "Contract.signature" and its name."""
    compiled = brownie.project.get_loaded_projects()[0]
    return {
        f"{contract}.{entry['name']}({','.join(spelled(field) for field in entry['inputs'])})": entry["name"]
        for contract in CONTRACTS
        for entry in compiled[contract].abi
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    }


def spelled(field: dict[str, Any]) -> str:
    """A type as in a function's signature."""
    if not field["type"].startswith("tuple"):
        return str(field["type"])
    return f"({','.join(spelled(part) for part in field['components'])}){field['type'][5:]}"


@pytest.fixture
def ward(suite: Any, twin: int, approver: Any, researcher: Any, hospital: Any, patient: Any, accounts: Any) -> Any:
    """Clinicians, departments, an envelope and a gateway that lied."""
    by, admin = suite.by_name, {"from": approver}
    for account in (researcher, hospital):
        by["EmergencyAccess"].grantRole(by["EmergencyAccess"].CLINICIAN_ROLE(), account, admin)
        by["CaseToken"].grantRole(by["CaseToken"].DEPARTMENT_ROLE(), account, admin)
    by["DeviceLoop"].grantRole(by["DeviceLoop"].SAFETY_ROLE(), approver, admin)
    by["StudyRegistry"].grantRole(by["StudyRegistry"].BOARD_ROLE(), strangers.BOARD.address, admin)
    suite.devices.pair(*pairing(suite.devices, GATEWAY, twin, patient, now_s() + DAY_S), {"from": patient})
    by["EpochAnchor"].admit(GATEWAY.address, admin)
    by["EpochAnchor"].anchorEpoch(strangers_clinical.false_epoch(suite, twin)[0], {"from": accounts[9]})
    made = by["PasskeyFactory"].create(*strangers_passkeys.PASSKEY.point, RP_ID_HASH, {"from": patient})
    pattern = brownie.project.get_loaded_projects()[0]["PasskeyAccount"]
    by["PasskeyAccount"] = pattern.at(made.return_value)
    return by


@pytest.fixture
def world(
    suite: Any, twin: int, patient: Any, patient_key: LocalAccount, researcher: Any, stranger: Any, approver: Any,
    model: bytes, year: Scope, recorder: Recorder, quorum: Quorum, ward: Any,
) -> World:  # fmt: skip
    """Everything in use."""
    stall = Stall(suite.market, suite.consents, suite.token, Offer(twin, 10**6, VITALS, RESEARCH, 30, DIGEST), patient)
    stall.open()
    stall.fund(researcher)
    stall.buy(researcher, 2)
    recorder.record(1, patient)
    guardians, key = suite.by_name["GuardianRegistry"], key_of(4)
    end = now_s() + DAY_S
    acceptance = accepted(key, guardians, twin, patient, end, 0, end)
    guardians.appoint(twin, key.address, end, 0, end, acceptance, {"from": patient})
    ward["DeviceLoop"].setEnvelope(recorder.key.address, CODE, 0, 10, 0, {"from": approver})
    before = World(
        suite, twin, patient, patient_key, researcher, stranger, approver, model, year, recorder, quorum, stall.offer,
        b"", b"",
    )  # fmt: skip
    ward["EmergencyAccess"].open(*strangers_clinical.emergency(before, researcher, HOSPITAL, 0), {"from": researcher})
    case = ward["CaseToken"].open(*strangers_clinical.case_by(RESEARCHER, HOSPITAL, 1)(before), {"from": researcher})
    command = ward["DeviceLoop"].send(*strangers_clinical.command_by(PATIENT, 1)(before), {"from": patient})
    return replace(before, case_id=bytes(case.return_value), command_id=bytes(command.return_value))


def attempt(world: World, name: str, arguments: tuple[Any, ...]) -> str:
    """What a stranger's call comes to: an error's name, or nothing when it succeeded."""
    contract, signature = name.split(".", 1)
    method = getattr(world.suite.by_name[contract], signature.split("(")[0])
    try:
        method.call(*arguments, {"from": world.stranger})
    except VirtualMachineError as problem:
        return str(problem.revert_msg).split(":")[0]
    return ""


def test_every_writer_was_reviewed() -> None:
    """A new function needs an entry, a removed one leaves none behind."""
    assert set(writers()) == set(ENTRIES)
    for name, entry in ENTRIES.items():
        assert bool(entry.error) != bool(entry.allowed), name
        assert bool(entry.carries) == bool(entry.carried), name


def test_stranger_on_own_authority_is_refused(world: World) -> None:
    """A named error, the one reviewed, or a reviewed reason."""
    outcomes = {name: attempt(world, name, entry.tries(world)) for name, entry in ENTRIES.items()}

    assert outcomes == {name: entry.error for name, entry in ENTRIES.items()}


@pytest.mark.parametrize("end", ["voidGrants", "retire"])
def test_stranger_is_refused_whatever_became_of_the_twin(world: World, twins: Any, end: str) -> None:
    """The end of an epoch or of the twin opens no door: what was refused is refused, except to settle what ended."""
    getattr(twins, end)(world.twin, {"from": world.patient})

    succeeded = {name for name, entry in ENTRIES.items() if not attempt(world, name, entry.tries(world))}

    allowed = {name for name, entry in ENTRIES.items() if entry.allowed}
    assert succeeded == allowed | {"AccessMarket.settle(uint256,address)"}


def test_stranger_carries_what_was_signed(world: World) -> None:
    """With the right party's signature a stranger is a messenger."""
    carried = {name: entry.carries for name, entry in ENTRIES.items() if entry.carries}

    assert {name: attempt(world, name, arguments(world)) for name, arguments in carried.items()} == dict.fromkeys(
        carried, ""
    )


def test_ether_is_refused(world: World, stranger: Any) -> None:
    """Nothing is payable, so no ether is ever stuck."""
    for contract in CONTRACTS:
        with pytest.raises(VirtualMachineError):
            stranger.transfer(world.suite.by_name[contract], 1)
