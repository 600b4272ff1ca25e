"""Passkey accounts on Ganache, by assertions that another implementation makes. Every branch is in tests/foundry.

given a passkey's account that owns a twin
  it consents and revokes by the passkey's assertion, whoever sends it
  it takes no assertion over the bare hash, and none of another passkey
  it says by the standard interfaces that it signs and takes tokens
"""

from __future__ import annotations

from typing import Any

import pytest
from brownie import project, web3

from tests.contracts.clock import now_s
from tests.contracts.consents import VITALS, Scope
from tests.contracts.passkeys import RP_ID_HASH, Passkey, asked, call, grant_digest, typed
from tests.contracts.reverts import reverts_with

TWIN = 0x9A55_0000 << 8 | 1
MAGIC = "0x1626ba7e"


@pytest.fixture
def passkey() -> Passkey:
    return Passkey.of(0xFACE)


@pytest.fixture
def account(suite: Any, passkey: Passkey, stranger: Any) -> Any:
    """Made by a stranger, owner of a twin."""
    made = suite.by_name["PasskeyFactory"].create(*passkey.point, RP_ID_HASH, {"from": stranger})
    contract = project.get_loaded_projects()[0]["PasskeyAccount"].at(made.return_value)
    data = suite.twins.mint.encode_input(TWIN)
    contract.execute(
        *call(passkey, contract, web3.eth.chain_id, suite.twins, data, 0, now_s() + 60), {"from": stranger}
    )
    return contract


def test_passkey_consents_and_revokes(
    suite: Any, account: Any, passkey: Passkey, researcher: Any, stranger: Any, year: Scope
) -> None:
    end = now_s() + 3_600
    hash_ = grant_digest(suite.consents, TWIN, researcher, year, 0, end)
    signature = passkey.assertion(typed(account, web3.eth.chain_id, "AccountMessage", {"hash": hash_}))
    assert str(account.isValidSignature(hash_, signature)) == MAGIC

    suite.consents.grantBySignature(TWIN, researcher, year, 0, end, signature, {"from": stranger})
    assert suite.consents.isAllowed(TWIN, researcher, VITALS, 1)
    with reverts_with("InvalidAccountNonce", account, 1):
        suite.consents.grantBySignature(TWIN, researcher, year, 0, end, signature, {"from": stranger})

    stop = {"twinId": TWIN, "grantee": str(researcher), "nonce": 1, "deadline": end}
    hash_ = asked(suite.consents, "ConsentRevocation", stop)
    signature = passkey.assertion(typed(account, web3.eth.chain_id, "AccountMessage", {"hash": hash_}))
    suite.consents.revokeBySignature(TWIN, researcher, 1, end, signature, {"from": stranger})
    assert not suite.consents.isAllowed(TWIN, researcher, VITALS, 1)


def test_assertion_is_for_its_own_account(account: Any, passkey: Passkey) -> None:
    """Over the bare hash, and by another passkey: not valid."""
    hash_ = b"\x42" * 32
    own = typed(account, web3.eth.chain_id, "AccountMessage", {"hash": hash_})
    assert str(account.isValidSignature(hash_, passkey.assertion(own))) == MAGIC
    assert str(account.isValidSignature(hash_, passkey.assertion(hash_))) != MAGIC
    assert str(account.isValidSignature(hash_, Passkey.of(0xBAD).assertion(own))) != MAGIC


def test_standard_interfaces(account: Any) -> None:
    assert account.supportsInterface("0x01ffc9a7") and account.supportsInterface("0x4e2312e0")
