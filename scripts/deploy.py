"""Deploy the suite with brownie and write ``deployments/<network>.json``.

``brownie run scripts/deploy.py --network ganache`` follows the plan that
``medtwin deploy`` follows, in the same order, so from the same account and
nonce it gives the same addresses.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from brownie import accounts, network, project, web3

from oracle import deploy
from oracle.records import Deployment

ROOT = Path(__file__).resolve().parent.parent
NODES = slice(1, 5)


def chosen_signers() -> list[str]:
    """Oracle nodes' addresses: ``MEDTWIN_SIGNERS``, comma-separated, or the chain's accounts 1 to 4."""
    named = [part.strip() for part in os.environ.get("MEDTWIN_SIGNERS", "").split(",") if part.strip()]
    if named:
        return named
    own = [account.address for account in accounts[NODES]]
    if len(own) < 4:
        raise SystemExit("this network has no accounts for oracle nodes; set MEDTWIN_SIGNERS to their addresses")
    return own


def chosen_deployer() -> Any:
    """The chain's first account, or brownie's account named by ``MEDTWIN_DEPLOYER``."""
    named = os.environ.get("MEDTWIN_DEPLOYER")
    return accounts.load(named) if named else accounts[0]


def deploy_suite(deployer: Any, signers: list[str], f: int, token: str | None = None) -> dict[str, str]:
    """Create the contracts in the plan's order; addresses by name."""
    compiled = project.get_loaded_projects()[0]

    def create(name: str, arguments: tuple[Any, ...]) -> str:
        return str(compiled[name].deploy(*arguments, {"from": deployer}).address)

    return deploy.deploy(create, deploy.plan(deployer.address, signers, f, token=token))


def forget_brownies_records() -> None:
    """Leave one record of a deployment: ours.

    brownie keeps its own by chain id and refuses to connect once a restarted Ganache has no such contracts any more.
    """
    shutil.rmtree(ROOT / "build" / "deployments", ignore_errors=True)
    (ROOT / "build" / "deployments").mkdir(parents=True)


def main() -> None:
    """Deploy and write the deployment file."""
    signers, f = chosen_signers(), int(os.environ.get("MEDTWIN_FAULTY", "1"))
    token = os.environ.get("MEDTWIN_TOKEN") or None
    block = int(web3.eth.block_number)
    contracts = deploy_suite(chosen_deployer(), signers, f, token)
    deployment = Deployment(
        chain_id=int(web3.eth.chain_id),
        genesis=bytes(web3.eth.get_block(0)["hash"]),
        block=block,
        contracts={**contracts, **({"TestToken": token} if token else {})},
        signers=tuple(sorted(signers, key=lambda address: int(address, 16))),
        f=f,
    )
    path = ROOT / "deployments" / f"{network.show_active()}.json"
    deploy.save(deployment, path)
    forget_brownies_records()
    print(f"wrote {path.relative_to(ROOT)}")
