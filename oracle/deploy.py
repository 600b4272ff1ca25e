"""Deploy the suite: one plan, followed by this package and by ``scripts/deploy.py`` alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .errors import InputError, NotFound
from .records import Deployment

Creator = Callable[[str, tuple[Any, ...]], str]
"""Creates one contract by name with its arguments and returns its address."""


@dataclass(frozen=True, slots=True)
class Ref:
    """The address of a contract created earlier in the plan."""

    contract: str


Step = tuple[str, tuple[Any, ...]]


def plan(
    approver: str, signers: Sequence[str], f: int, *, token: str | None = None, protocol_share: int = 0
) -> list[Step]:
    """The contracts in order of creation, each with its constructor's arguments.

    Parameters
    ----------
    approver : str
        Account that may approve and withdraw models, and registers ethics boards.
    signers : sequence of str
        Oracle nodes' addresses; at least 3 f + 1.
    f : int
        How many of them may lie.
    protocol_share : int
        What the approver is paid of every sale, 10,000 for all of it.
    token : str, optional
        An ERC-20 to be paid in; without one a token for tests is deployed.
    """
    if len(signers) < 3 * f + 1:
        raise InputError(
            f"{len(signers)} oracle nodes cannot tolerate {f} liars",
            hint=f"name at least {3 * f + 1} different nodes, or lower f",
        )
    ascending = sorted(signers, key=lambda address: int(address, 16))
    twins, devices, consents = Ref("TwinToken"), Ref("DeviceRegistry"), Ref("ConsentRegistry")
    models, anchor = Ref("ModelRegistry"), Ref("DataAnchor")
    payment: list[Step] = [] if token else [("TestToken", ())]
    return [
        ("TwinToken", ()),
        ("DeviceRegistry", (twins,)),
        ("GuardianRegistry", (twins,)),
        ("ConsentRegistry", (twins, Ref("GuardianRegistry"))),
        ("ModelRegistry", (consents, approver)),
        ("DataAnchor", (twins, devices)),
        *payment,
        ("StudyRegistry", (approver,)),
        ("AccessMarket", (twins, consents, token or Ref("TestToken"), Ref("StudyRegistry"), approver, protocol_share)),
        ("AuditTrail", ()),
        ("ReportChallenge", (models,)),
        ("PredictionOracle", (twins, models, Ref("ReportChallenge"), ascending, f)),
        ("EmergencyAccess", (twins, consents, approver)),
        ("CaseToken", (twins, consents, approver)),
        ("DeviceLoop", (devices, consents, approver)),
        ("EpochAnchor", (anchor, devices)),
        ("PasskeyFactory", ()),
    ]


def deploy(create: Creator, steps: Sequence[Step]) -> dict[str, str]:
    """Follow a plan; addresses by contract name."""
    made: dict[str, str] = {}
    for name, arguments in steps:
        resolved = tuple(made[a.contract] if isinstance(a, Ref) else a for a in arguments)
        made[name] = create(name, resolved)
    return made


def save(deployment: Deployment, path: Path) -> None:
    """Write ``deployments/<network>.json``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "chain_id": deployment.chain_id,
        "genesis": "0x" + deployment.genesis.hex(),
        "block": deployment.block,
        "contracts": dict(deployment.contracts),
        "signers": list(deployment.signers),
        "f": deployment.f,
        "gateways": dict(deployment.gateways),
    }
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    partial.replace(path)


def load(path: Path) -> Deployment:
    """Read a deployment file; NotFound if there is none, InputError if it is damaged."""
    try:
        document: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        return Deployment(
            chain_id=int(document["chain_id"]),
            genesis=bytes.fromhex(document["genesis"].removeprefix("0x")),
            block=int(document["block"]),
            contracts=dict(document["contracts"]),
            signers=tuple(document["signers"]),
            f=int(document["f"]),
            gateways=tuple((str(name), int(block)) for name, block in document.get("gateways", {}).items()),
        )
    except FileNotFoundError:
        raise NotFound(f"no deployment at {path}", hint="run: medtwin deploy") from None
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is not a deployment file: {error}", hint="run: medtwin deploy") from error


def with_gateway(deployment: Deployment, gateway: str, block: int) -> Deployment:
    """The same deployment, following the epochs of a gateway from a block on; one it follows already stays as it is."""
    followed = {gateway: block, **dict(deployment.gateways)}
    return replace(deployment, gateways=tuple(sorted(followed.items())))


def with_signers(deployment: Deployment, signers: Sequence[str], f: int) -> Deployment:
    """The same deployment with its oracle nodes written in."""
    return replace(deployment, signers=tuple(signers), f=f)
