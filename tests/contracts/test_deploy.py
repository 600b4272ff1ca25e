"""Deploying: the networks brownie needs, and one order of contracts for every way to deploy.

deploy_suite
  given an account and its nonce
    it gives the addresses that follow from the plan's order
networks
  given an empty home
    it writes both networks beside brownie's own
  given a home with networks
    it replaces ours and keeps the others
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rlp
import yaml
from eth_utils import keccak, to_checksum_address

from oracle.deploy import plan
from scripts.brownie_networks import write
from scripts.deploy import deploy_suite


def test_deploy_suite_follows_the_plan(accounts: Any, web3: Any) -> None:
    """An address is the hash of sender and nonce; so the n-th contract of the plan has the n-th address."""
    deployer = accounts[8]
    signers = [account.address for account in accounts[1:5]]
    nonce = web3.eth.get_transaction_count(deployer.address)

    made = deploy_suite(deployer, signers, 1)

    names = [name for name, _ in plan(deployer.address, signers, 1)]
    sender = bytes.fromhex(deployer.address[2:])
    assert made == {
        name: to_checksum_address(keccak(rlp.encode([sender, nonce + place]))[12:]) for place, name in enumerate(names)
    }


def test_networks_in_empty_home_are_written(tmp_path: Path) -> None:
    """What brownie ships with stays usable."""
    networks = yaml.safe_load(write(tmp_path, port=9_999).read_text("utf-8"))

    development = {network["id"]: network for network in networks["development"]}
    live = {network["id"]: network for group in networks["live"] for network in group["networks"]}
    assert development["medtwin-test"]["cmd_settings"]["port"] == 9_999
    assert development["medtwin-test"]["cmd_settings"]["evm_version"] == "shanghai"
    assert live["ganache"]["host"] == "http://127.0.0.1:8545"
    assert {"development", "mainnet"} <= development.keys() | live.keys()


def test_networks_in_used_home_are_replaced(tmp_path: Path) -> None:
    """Written twice, ours stand once, with the later settings; everything else is as it was."""
    first = yaml.safe_load(write(tmp_path, port=9_998).read_text("utf-8"))
    second = yaml.safe_load(write(tmp_path, port=9_999, url="http://127.0.0.1:7777").read_text("utf-8"))

    ids = [network["id"] for network in second["development"]]
    assert sorted(ids) == sorted(set(ids)) == sorted(network["id"] for network in first["development"])
    assert second["development"][-1]["cmd_settings"]["port"] == 9_999
    assert second["live"][-1]["networks"][0]["host"] == "http://127.0.0.1:7777"
    assert len(second["live"]) == len(first["live"])
