"""The peers' contracts: small ones compiled here with our compiler and settings, EAS as its package ships it."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import solcx
from web3 import Web3

from scripts.build_artifacts import SETTINGS
from scripts.install_solc import FOLDER, ROOT, VERSION

EAS = "@ethereum-attestation-service/eas-contracts@1.9.0"
EAS_SHA512 = "L60y1fgKlY3a45xxnPlgRbiGQY8RF/lF+AzF1iVoR7/aEzitS0Nuyyjq8+IXs1sSSU0dl2+yGSmELxVeB6FelA=="
EAS_CONTRACTS = ("EAS", "SchemaRegistry")
OCEAN = "@oceanprotocol/contracts@2.6.0"
OCEAN_SHA512 = "4K3TTM0q4VlBs7GLXzQkGMae576iAGHMARqMFcKXUUtfGyiT8KP4sP9IBsq8UUhu11R4JU2KTqXenHS8EWxrbA=="
OCEAN_CONTRACTS = {
    "ERC721Factory": "ERC721Factory.sol/ERC721Factory", "ERC721Template": "templates/ERC721Template.sol/ERC721Template",
    "Datatoken": "templates/ERC20TemplateEnterprise.sol/ERC20TemplateEnterprise",
    "FactoryRouter": "pools/FactoryRouter.sol/FactoryRouter", "MockERC20": "utils/mock/MockERC20.sol/MockERC20",
    "FixedRateExchange": "pools/fixedRate/FixedRateExchange.sol/FixedRateExchange",
}  # fmt: skip
OCR2 = "@chainlink/contracts@1.5.0"
OCR2_SHA512 = "1fGJwjvivqAxvVOTqZUEXGR54CATtg0vjcXgSIk4Cfoad2nUhSG/qaWHXjLg1CkNTeOoteoxGQcpP/HiA5HsUA=="
OCR2_ROOT = "package/src/v0.8/"
OCR2_SOURCES = tuple(
    f"{OCR2_ROOT}shared/{name}.sol"
    for name in (
        "ocr2/OCR2Base", "ocr2/OCR2Abstract", "access/OwnerIsCreator", "access/ConfirmedOwner",
        "access/ConfirmedOwnerWithProposal", "interfaces/IOwnable", "interfaces/ITypeAndVersion",
    )
)  # fmt: skip
GAS_PRICE_WEI = 2_000_000_000
GAS_LIMIT = 8_000_000

Artifact = Mapping[str, Any]


def compiled() -> dict[str, Artifact]:
    """ABI and bytecode of everything in ``bench/peers``, by name."""
    solcx.set_solc_version(VERSION)
    sources = {
        path.relative_to(ROOT).as_posix(): {"content": path.read_text("utf-8")}
        for path in sorted((ROOT / "bench" / "peers").glob("*.sol"))
    }
    output = solcx.compile_standard(
        {"language": "Solidity", "sources": sources, "settings": SETTINGS},
        base_path=str(ROOT),
        allow_paths=[str(ROOT)],
    )
    return {
        name: {"abi": unit["abi"], "bytecode": unit["evm"]["bytecode"]["object"]}
        for units in output["contracts"].values()
        for name, unit in units.items()
    }


def eas() -> dict[str, Artifact] | None:
    """EAS as published, without the packages it depends on (a whole Hardhat); None where npm cannot bring it."""
    return _published(EAS, EAS_SHA512, {name: f"{name}.sol/{name}" for name in EAS_CONTRACTS})


def ocean() -> dict[str, Artifact] | None:
    """Ocean's data market as published; None where npm cannot bring it."""
    return _published(OCEAN, OCEAN_SHA512, OCEAN_CONTRACTS)


def ocr2() -> Artifact | None:
    """Chainlink's OCR2Base with what keeps a report, compiled here from its package's sources; None without them."""
    packed = _fetched(OCR2, OCR2_SHA512)
    if packed is None:
        return None
    own = ROOT / "bench" / "peers" / "ocr2" / "PeerOcr2.sol"
    sources = {"PeerOcr2.sol": {"content": own.read_text("utf-8")}}
    with tarfile.open(packed) as archive:
        for member in archive.getmembers():
            if member.name.startswith(OCR2_SOURCES) and (text := archive.extractfile(member)) is not None:
                name = f"@chainlink/{member.name.removeprefix(OCR2_ROOT)}"
                sources[name] = {"content": text.read().decode()}
    settings = {**SETTINGS, "remappings": []}
    settings["outputSelection"] = {"PeerOcr2.sol": {"PeerOcr2": ["abi", "evm.bytecode.object"]}}
    solcx.set_solc_version(VERSION)
    output = solcx.compile_standard({"language": "Solidity", "sources": sources, "settings": settings})
    unit = output["contracts"]["PeerOcr2.sol"]["PeerOcr2"]
    return {"abi": unit["abi"], "bytecode": unit["evm"]["bytecode"]["object"]}


def _published(package: str, sha512: str, members: Mapping[str, str]) -> dict[str, Artifact] | None:
    packed = _fetched(package, sha512)
    if packed is None:
        return None
    found = {}
    with tarfile.open(packed) as archive:
        for name, path in members.items():
            member = archive.extractfile(f"package/artifacts/contracts/{path}.json")
            assert member is not None
            found[name] = json.load(member)
    return found


def _fetched(package: str, sha512: str) -> Path | None:
    folder = FOLDER.parent / "peers"
    packed = folder / f"{package.replace('/', '-').replace('@', '')}.tgz"
    if not packed.exists() and not _packed(package, folder, packed):
        return None
    if base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode() != sha512:
        packed.unlink()
        raise SystemExit(f"{packed.name} is not the {package} that was measured before; it was removed, run this again")
    return packed


def _packed(package: str, folder: Path, target: Path) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), package]
    try:
        name = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return False
    (folder / name).rename(target)
    return True


@dataclass(frozen=True, slots=True)
class Bare:
    """Contracts without our package around them, on a chain with unlocked accounts."""

    web3: Web3

    def deploy(self, artifact: Artifact, *args: Any) -> Any:
        """The contract, deployed by the chain's second account."""
        factory = self.web3.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
        receipt = self._mined(factory.constructor(*args))
        return self.web3.eth.contract(address=receipt["contractAddress"], abi=artifact["abi"])

    def gas(self, call: Any) -> int:
        """Gas of a transaction that must succeed, as its receipt tells."""
        return int(self._mined(call)["gasUsed"])

    @property
    def account(self) -> str:
        """Who sends these transactions."""
        accounts: Sequence[str] = self.web3.eth.accounts
        return accounts[1]

    def _mined(self, call: Any) -> Any:
        sent = call.transact({"from": self.account, "gas": GAS_LIMIT, "gasPrice": GAS_PRICE_WEI})
        receipt = self.web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.02)
        assert receipt["status"] == 1, call
        return receipt
