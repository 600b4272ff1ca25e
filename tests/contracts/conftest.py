"""Roles and things of the contract tests; the suite is deployed once a module, and every test starts from there."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import brownie
import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from scripts.deploy import deploy_suite
from tests.contracts.cases import Handoff
from tests.contracts.clock import DAY_S, now_s
from tests.contracts.commands import CODE, EQUIPMENT_DATA, HIGH, INTERVAL_S, LOW, Loop
from tests.contracts.consents import ALL_BITS, CARE, Scope
from tests.contracts.devices import Recorder, pairing
from tests.contracts.epochs import Gateway
from tests.contracts.reports import CARD, MODEL, Quorum
from tests.contracts.signing import key_of

TWIN = 0xA11CE << 8 | 1
WALLET_TWIN = 0x3A11E7 << 8 | 1
EQUIPMENT = 0xE0 << 8 | 2


@dataclass(frozen=True, slots=True)
class Suite:
    """The contracts, wired to each other as deployed."""

    twins: Any
    models: Any
    devices: Any
    consents: Any
    anchor: Any
    token: Any
    market: Any
    trail: Any
    oracle: Any
    by_name: dict[str, Any]


@pytest.fixture(scope="session", autouse=True)
def frozen_garbage() -> None:
    """brownie collects garbage at every revert; without the compiled project's objects it is ten times as quick."""
    gc.collect()
    gc.freeze()


# -- roles: 0 deploys and approves, 1 to 4 are oracle nodes ------------------------------


@pytest.fixture(scope="session")
def approver(accounts: Any) -> Any:
    """Deployed the suite; approves and withdraws models."""
    return accounts[0]


@pytest.fixture(scope="session")
def nodes() -> list[LocalAccount]:
    """The oracle nodes' keys by ascending address."""
    return sorted((key_of(index) for index in range(1, 5)), key=lambda key: int(key.address, 16))


@pytest.fixture(scope="session")
def patient(accounts: Any) -> Any:
    """Owns a patient twin."""
    return accounts[5]


@pytest.fixture(scope="session")
def patient_key() -> LocalAccount:
    """Signs for the patient."""
    return key_of(5)


@pytest.fixture(scope="session")
def researcher(accounts: Any) -> Any:
    """Asks for and buys access."""
    return accounts[6]


@pytest.fixture(scope="session")
def hospital(accounts: Any) -> Any:
    """Owns equipment and operates for patients."""
    return accounts[7]


@pytest.fixture(scope="session")
def stranger(accounts: Any) -> Any:
    """Nobody gave this account anything."""
    return accounts[8]


@pytest.fixture(scope="session")
def wallet_owner(accounts: Any) -> Any:
    """Holds the key of a wallet that is a contract."""
    return accounts[9]


@pytest.fixture(scope="session")
def wallet_key() -> LocalAccount:
    """Signs for the wallet that is a contract."""
    return key_of(9)


@pytest.fixture(scope="session")
def device_key() -> LocalAccount:
    """A sensor's key."""
    return Account.from_key(b"\xd1" * 32)


@pytest.fixture(scope="session")
def other_device_key() -> LocalAccount:
    """Another sensor's key."""
    return Account.from_key(b"\xd2" * 32)


# -- the suite ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def suite(module_isolation: None, approver: Any, nodes: list[LocalAccount]) -> Suite:
    """Everything, deployed as ``scripts/deploy.py`` does."""
    made = deploy_suite(approver, [node.address for node in nodes], 1)
    compiled = brownie.project.get_loaded_projects()[0]
    at = {name: compiled[name].at(address) for name, address in made.items()}
    return Suite(
        at["TwinToken"], at["ModelRegistry"], at["DeviceRegistry"], at["ConsentRegistry"], at["DataAnchor"],
        at["TestToken"], at["AccessMarket"], at["AuditTrail"], at["PredictionOracle"], at,
    )  # fmt: skip


@pytest.fixture(scope="module")
def twins(suite: Suite) -> Any:
    """TwinToken."""
    return suite.twins


@pytest.fixture(scope="module")
def models(suite: Suite) -> Any:
    """ModelRegistry."""
    return suite.models


@pytest.fixture(scope="module")
def devices(suite: Suite) -> Any:
    """DeviceRegistry."""
    return suite.devices


@pytest.fixture(scope="module")
def consents(suite: Suite) -> Any:
    """ConsentRegistry."""
    return suite.consents


@pytest.fixture(scope="module")
def anchor(suite: Suite) -> Any:
    """DataAnchor."""
    return suite.anchor


@pytest.fixture(scope="module")
def token(suite: Suite) -> Any:
    """The ERC-20 that is paid in."""
    return suite.token


@pytest.fixture(scope="module")
def market(suite: Suite) -> Any:
    """AccessMarket."""
    return suite.market


@pytest.fixture(scope="module")
def trail(suite: Suite) -> Any:
    """AuditTrail."""
    return suite.trail


@pytest.fixture(scope="module")
def oracle(suite: Suite) -> Any:
    """PredictionOracle."""
    return suite.oracle


# -- things: those that tests may find in their way are made anew for each --------------------


@pytest.fixture(scope="module")
def twin(twins: Any, patient: Any) -> int:
    """A patient's twin."""
    twins.mint(TWIN, {"from": patient})
    return TWIN


@pytest.fixture(scope="module")
def equipment(twins: Any, hospital: Any) -> int:
    """A twin that may change hands."""
    twins.mint(EQUIPMENT, {"from": hospital})
    return EQUIPMENT


@pytest.fixture(scope="module")
def wallet(suite: Suite, wallet_owner: Any) -> Any:
    """An account that is a contract (ERC-1271)."""
    return brownie.project.get_loaded_projects()[0]["TestWallet"].deploy(wallet_owner, {"from": wallet_owner})


@pytest.fixture(scope="module")
def wallet_twin(twins: Any, wallet: Any, wallet_owner: Any) -> int:
    """A patient twin owned by a contract."""
    wallet.execute(twins, twins.mint.encode_input(WALLET_TWIN), {"from": wallet_owner})
    return WALLET_TWIN


@pytest.fixture(scope="module")
def year(suite: Suite) -> Scope:
    """Everything, for a year from now."""
    return Scope(ALL_BITS, ALL_BITS, now_s(), now_s() + 365 * DAY_S)


@pytest.fixture
def paired(devices: Any, twin: int, patient: Any, device_key: LocalAccount) -> LocalAccount:
    """A device that speaks for the patient's twin for 30 days."""
    devices.pair(*pairing(devices, device_key, twin, patient, now_s() + 30 * DAY_S), {"from": patient})
    return device_key


@pytest.fixture
def recorder(anchor: Any, twin: int, paired: LocalAccount) -> Recorder:
    """The paired device, recording."""
    return Recorder(anchor, twin, paired)


@pytest.fixture
def model(models: Any, approver: Any) -> bytes:
    """An approved model."""
    models.register(MODEL, CARD, bytes(32), False, {"from": approver})
    models.approve(MODEL, {"from": approver})
    return MODEL


@pytest.fixture
def quorum(oracle: Any, nodes: list[LocalAccount], twin: int, model: bytes) -> Quorum:
    """The nodes, reporting on the patient's twin."""
    return Quorum(oracle, nodes, twin, model)


@pytest.fixture
def officer(suite: Any, approver: Any, accounts: Any) -> Any:
    """Registers bounds."""
    contract = suite.by_name["DeviceLoop"]
    contract.grantRole(contract.SAFETY_ROLE(), accounts[3], {"from": approver})
    return accounts[3]


@pytest.fixture
def loop(
    suite: Any, officer: Any, consents: Any, twin: int, patient: Any, hospital: Any, paired: LocalAccount, year: Scope
) -> Loop:
    """The patient lets the hospital use equipment for care; the device takes one command."""
    contract = suite.by_name["DeviceLoop"]
    contract.setEnvelope(paired.address, CODE, LOW, HIGH, INTERVAL_S, {"from": officer})
    consents.grant(twin, hospital, year._replace(categories=EQUIPMENT_DATA, purposes=CARE), {"from": patient})
    return Loop(contract, twin, key_of(7), paired)


@pytest.fixture
def handoff(suite: Any, twin: int, approver: Any, researcher: Any, hospital: Any) -> Handoff:
    """The researcher's department hands cases to the hospital's."""
    contract = suite.by_name["CaseToken"]
    for account in (researcher, hospital):
        contract.grantRole(contract.DEPARTMENT_ROLE(), account, {"from": approver})
    return Handoff(contract, twin, key_of(6), key_of(7))


@pytest.fixture
def gateway(suite: Suite, devices: Any, twin: int, patient: Any, wallet_owner: Any) -> Gateway:
    """A device of the patient's twin that posts epochs, for 30 days."""
    devices.pair(*pairing(devices, key_of(9), twin, patient, now_s() + 30 * DAY_S), {"from": patient})
    suite.by_name["EpochAnchor"].admit(wallet_owner, {"from": wallet_owner})
    return Gateway(suite.by_name["EpochAnchor"], suite.anchor, wallet_owner)


@pytest.fixture(autouse=True)
def isolation(suite: Suite, fn_isolation: None) -> Iterator[None]:
    """Undo what a test did."""
    yield
