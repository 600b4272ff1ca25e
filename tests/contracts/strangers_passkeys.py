"""What a stranger tries with passkey accounts, and what comes of it; reviewed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from brownie import web3

from tests.contracts.clock import now_s
from tests.contracts.passkeys import RP_ID_HASH, Passkey, call
from tests.contracts.strangers import Entry, World

PASSKEY = Passkey.of(0xFACE)
STRANGERS = Passkey.of(0xBAD)
TAKES = "says that the account takes such tokens; changes nothing"
ADDRESS_0 = "0x" + "0" * 40


def call_by(passkey: Passkey) -> Callable[[World], tuple[Any, ...]]:
    """Withdraw all guardians, signed with a passkey."""

    def arguments(w: World) -> tuple[Any, ...]:
        account = w.suite.by_name["PasskeyAccount"]
        data = account.setGuardians.encode_input([], 0, 0)
        return call(passkey, account, web3.eth.chain_id, account, data, 0, now_s() + 3_600)

    return arguments


ENTRIES = {
    "PasskeyFactory.create(bytes32,bytes32,bytes32)": Entry(
        lambda w: (*STRANGERS.point, RP_ID_HASH), allowed="the account is its key's, whoever pays for making it"
    ),
    "PasskeyAccount.initialize(bytes32,bytes32)": Entry(lambda w: STRANGERS.point, "AlreadyInitialized"),
    "PasskeyAccount.execute(address,bytes,uint256,uint40,bytes)": Entry(
        call_by(STRANGERS), "InvalidSignature",
        carries=call_by(PASSKEY), carried="the passkey's assertion says all that happens",
    ),
    "PasskeyAccount.addKey(bytes32,bytes32)": Entry(lambda w: STRANGERS.point, "NotAccount"),
    "PasskeyAccount.removeKey(bytes32)": Entry(lambda w: (bytes(32),), "NotAccount"),
    "PasskeyAccount.setGuardians(address[],uint8,uint40)": Entry(
        lambda w: ([w.stranger], 1, 86_400), "NotAccount"
    ),
    "PasskeyAccount.supportRecovery(bytes32,bytes32)": Entry(lambda w: STRANGERS.point, "NotGuardian"),
    "PasskeyAccount.cancelRecovery()": Entry(lambda w: (), "NotAccount"),
    "PasskeyAccount.finishRecovery(bytes32,bytes32)": Entry(lambda w: STRANGERS.point, "NoRecovery"),
    "PasskeyAccount.onERC721Received(address,address,uint256,bytes)": Entry(
        lambda w: (ADDRESS_0, ADDRESS_0, 0, b""), allowed=TAKES
    ),
    "PasskeyAccount.onERC1155Received(address,address,uint256,uint256,bytes)": Entry(
        lambda w: (ADDRESS_0, ADDRESS_0, 0, 0, b""), allowed=TAKES
    ),
    "PasskeyAccount.onERC1155BatchReceived(address,address,uint256[],uint256[],bytes)": Entry(
        lambda w: (ADDRESS_0, ADDRESS_0, [], [], b""), allowed=TAKES
    ),
}  # fmt: skip
