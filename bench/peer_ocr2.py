"""Chainlink's OCR2 beside our quorum: the same 352 bytes of report under f + 1 signatures, kept as one word and logged."""

from __future__ import annotations

import os
from typing import Any

from coincurve import PrivateKey
from web3 import Web3

from .peer_contracts import Bare, ocr2

ORACLES_OF = {2: 7, 3: 10}
"""How many oracles bear f liars: 3 f + 1."""
REPORT_BYTES = 352
ROUNDS = 3


class Ocr2:
    """One contract for each number of liars."""

    def __init__(self, bare: Bare) -> None:
        self._bare = bare
        self._artifact = ocr2()

    def transmit(self, faulty: int) -> int | None:
        """Gas of a later report of one key, with `faulty` + 1 signatures; None where the package could not be fetched."""
        if self._artifact is None:
            return None
        contract = self._bare.deploy(self._artifact)
        keys = [PrivateKey() for _ in range(ORACLES_OF[faulty])]
        signers = [_address(key) for key in keys]
        others = [_address(PrivateKey()) for _ in keys[1:]]
        self._bare.gas(contract.functions.setConfig(signers, [self._bare.account, *others], faulty, b"", 1, b""))
        config = bytes(contract.functions.latestConfigDetails().call()[2])
        key = os.urandom(32)
        return [self._post(contract, config, key, number, keys[: faulty + 1]) for number in range(1, ROUNDS + 1)][-1]

    def _post(self, contract: Any, config: bytes, key: bytes, number: int, keys: list[PrivateKey]) -> int:
        report = key + number.to_bytes(32, "big") + os.urandom(REPORT_BYTES - 64)
        context = [config, (number << 8).to_bytes(32, "big"), bytes(32)]
        digest = bytes(Web3.keccak(bytes(Web3.keccak(report)) + b"".join(context)))
        signed = [one.sign_recoverable(digest, hasher=None) for one in keys]
        parities = bytes(one[64] for one in signed).ljust(32, b"\0")
        halves = [one[:32] for one in signed], [one[32:64] for one in signed]
        return self._bare.gas(contract.functions.transmit(context, report, *halves, parities))


def _address(key: PrivateKey) -> str:
    return Web3.to_checksum_address(bytes(Web3.keccak(key.public_key.format(compressed=False)[1:]))[12:])
