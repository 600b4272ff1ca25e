"""What everybody sends to passkey accounts, and what comes of it; reviewed."""

from __future__ import annotations

from typing import Any

from tests.contracts.cast import PASSKEY, World, by_passkey
from tests.contracts.passkeys import RP_ID_HASH, Passkey
from tests.contracts.strangers import Entry, Sends

STRANGERS = Passkey.of(0xBAD)
TAKES = "says that the account takes such tokens; changes nothing"
ADDRESS_0 = "0x" + "0" * 40
ACCOUNT = ("account",)


def call_by(passkey: Passkey) -> Sends:
    """Withdraw all guardians, signed with a passkey."""

    def arguments(w: World) -> tuple[Any, ...]:
        return by_passkey(w, passkey, w["PasskeyAccount"].setGuardians.encode_input([], 0, 0), 1)

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
    "PasskeyAccount.addKey(bytes32,bytes32)": Entry(lambda w: STRANGERS.point, "NotAccount", ACCOUNT),
    "PasskeyAccount.removeKey(bytes32)": Entry(
        lambda w: (bytes(32),), "NotAccount", instead={"account": "InvalidKey"}
    ),
    "PasskeyAccount.setGuardians(address[],uint8,uint40)": Entry(
        lambda w: ([w.at["stranger"]], 1, 86_400), "NotAccount", ACCOUNT
    ),
    "PasskeyAccount.supportRecovery(bytes32,bytes32)": Entry(lambda w: STRANGERS.point, "NotGuardian", ("helper",)),
    "PasskeyAccount.cancelRecovery()": Entry(lambda w: (), "NotAccount", ACCOUNT),
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
