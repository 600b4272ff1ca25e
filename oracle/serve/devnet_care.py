"""The professional side of the development hospital: who may do what, and a device that takes feedback.

The device is a simulator and the proposal an example: no bedside device is connected.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from subprocess import Popen

from ..adapters.chain import Web3Chain
from ..adapters.keys import LocalSigner
from ..adapters.portal_http import RemotePortal
from ..adapters.process import running
from ..records import Category, Purpose, to_e6
from ..reports.command import FIELDS, Code, Command
from ..rights.consent import grant
from ..settings import Settings

PASSWORD = "development"
APPOINTED = (
    ("EmergencyAccess", "CLINICIAN_ROLE", "clinician"), ("EmergencyAccess", "CLINICIAN_ROLE", "clinician-2"),
    ("EmergencyAccess", "REVIEWER_ROLE", "reviewer"), ("CaseToken", "DEPARTMENT_ROLE", "radiology"),
    ("CaseToken", "DEPARTMENT_ROLE", "theatre"), ("DeviceLoop", "SAFETY_ROLE", "hospital"),
)  # fmt: skip
DEVICE = "device-1"
ALARM_LOW, ALARM_HIGH, ALARM_EVERY_S = 90, 140, 5
OWN_LIMIT = f"{Code.HEART_RATE_ALARM_HIGH.name.lower()}=95:130"
"""What the simulated device itself accepts: less than its bounds allow."""
PROPOSED = 120
WAITS_S = 50 * 60
CARE_DAYS = 90


def appoint_all(chain: Web3Chain, keys: Mapping[str, LocalSigner]) -> None:
    """Clinicians, a reviewer, two departments, and the bounds of one command."""
    hospital = keys["hospital"]
    for contract, role, who in APPOINTED:
        chain.write(hospital, contract, "grantRole", chain.read(contract, role), keys[who].address)
    chain.write(
        hospital, "DeviceLoop", "setEnvelope", keys[DEVICE].address, int(Code.HEART_RATE_ALARM_HIGH),
        to_e6(ALARM_LOW), to_e6(ALARM_HIGH), ALARM_EVERY_S,
    )  # fmt: skip


def let_in(chain: Web3Chain, keys: Mapping[str, LocalSigner], twin_id: int, category: Category) -> None:
    """The first patient lets the clinician in, and emergencies and hand-offs beforehand."""
    patient = keys["patient-1"]
    for grantee, categories, purpose in (
        (keys["clinician"].address, category | Category.EQUIPMENT, Purpose.CARE),
        (chain.address("EmergencyAccess"), category, Purpose.EMERGENCY),
        (chain.address("CaseToken"), category, Purpose.CARE),
    ):
        grant(chain, patient, twin_id, grantee, categories=categories, purposes=purpose, days=CARE_DAYS)


def listening_device(settings: Settings) -> AbstractContextManager[Popen[bytes]]:
    """A process that stands for the first device and answers commands."""
    environment = settings.environment(password=settings.password or PASSWORD)
    command = [sys.executable, "-m", "oracle.serve.cli", "device", "listen", DEVICE, "--limit", OWN_LIMIT]
    return running(command, log=settings.home / f"{DEVICE}.log", environment=environment)


def propose_example(chain: Web3Chain, keys: Mapping[str, LocalSigner], portal: str) -> None:
    """A proposal that waits for the clinician: raise an alarm limit."""
    device, clinician = keys[DEVICE].address, keys["clinician"].address
    proposed = Command(
        device, chain.read("DeviceRegistry", "deviceOf", device).twinId, int(Code.HEART_RATE_ALARM_HIGH),
        to_e6(PROPOSED), clinician, int.from_bytes(os.urandom(16), "big"), int(time.time()) + WAITS_S,
    )  # fmt: skip
    message = dict(zip(FIELDS, proposed.fields(), strict=True))
    RemotePortal(portal, keys["hospital"], chain.chain_id).propose("Command", clinician, message)
