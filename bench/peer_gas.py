"""What the peers' operations cost on the same chain."""

from __future__ import annotations

import os
import statistics
from dataclasses import dataclass
from typing import Any

from coincurve import PrivateKey
from eth_abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from web3 import Web3

from oracle.adapters.memory import new_signer
from oracle.records import Category, Purpose, TwinClass
from oracle.rights.consent import DAY_S
from oracle.rights.mint import new_twin_id

from .peer_contracts import Artifact, Bare, compiled, eas
from .peer_ocean import Ocean
from .peer_ocr2 import Ocr2

TIMES = 3
BATCH = 100
SCHEMA = "uint256 twinId,uint256 terms"  # packed, to be as cheap as EAS can be
ATTEST = [
    {"name": name, "type": kind}
    for name, kind in (
        ("attester", "address"), ("schema", "bytes32"), ("recipient", "address"), ("expirationTime", "uint64"),
        ("revocable", "bool"), ("refUID", "bytes32"), ("data", "bytes"), ("value", "uint256"), ("nonce", "uint256"),
        ("deadline", "uint64"),
    )
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attested:
    """Gas of EAS where it does a consent's work; None where EAS could not be fetched."""

    attest: float | None = None
    revoke: float | None = None
    delegated: float | None = None
    check: float | None = None


class Peers:
    """The peers' contracts, deployed once on the chain that is measured."""

    def __init__(self, web3: Web3) -> None:
        self.bare = Bare(web3)
        self._artifacts = compiled()
        self._meter = self.bare.deploy(self._artifacts["Meter"])
        published = eas()
        self._eas: Any = None
        if published is not None:
            self._registry = self.bare.deploy(published["SchemaRegistry"])
            self._eas = self.bare.deploy(published["EAS"], self._registry.address)

    def artifact(self, name: str) -> Artifact:
        """One of ours, compiled."""
        return self._artifacts[name]

    @property
    def has_eas(self) -> bool:
        """Whether EAS is measured in this run."""
        return self._eas is not None

    def mint(self) -> float:
        """OpenZeppelin's ERC721, random ids, not the owner's first."""
        token = self.bare.deploy(self._artifacts["PeerToken"])
        costs = [
            self.bare.gas(token.functions.mint(new_twin_id(TwinClass.PATIENT, os.urandom))) for _ in range(TIMES + 1)
        ]
        return statistics.median(costs[1:])

    def grant_role(self) -> float:
        """OpenZeppelin's AccessControl.grantRole to new accounts."""
        roles = self.bare.deploy(self._artifacts["PeerRoles"])
        role = os.urandom(32)
        return statistics.median(
            self.bare.gas(roles.functions.grantRole(role, new_signer().address)) for _ in range(TIMES)
        )

    def execution(self, target: str, data: str) -> int:
        """Gas a yes-or-no view spends itself; the answer must be yes."""
        return int(self._meter.functions.gasOf(target, data).call())

    def timestamps(self) -> tuple[float | None, float | None]:
        """EAS timestamp of one digest, and one digest's part of a multiTimestamp of 100."""
        if not self.has_eas:
            return None, None
        call = self._eas.functions
        single = statistics.median(self.bare.gas(call.timestamp(os.urandom(32))) for _ in range(TIMES))
        many = self.bare.gas(call.multiTimestamp([os.urandom(32) for _ in range(BATCH)]))
        return single, many / BATCH

    def transmissions(self) -> tuple[int | None, int | None]:
        """Chainlink's OCR2 with three signatures, and what a fourth adds; None where it could not be fetched."""
        oracle = Ocr2(self.bare)
        three, four = oracle.transmit(2), oracle.transmit(3)
        return three, None if three is None or four is None else four - three

    def market(self) -> tuple[float | None, float | None]:
        """Ocean: put a second dataset up for sale, and buy it; None where Ocean could not be fetched."""
        market = Ocean(self.bare)
        if not market.found:
            return None, None
        market.list()
        return market.list(), market.purchase()

    def attestation(self, twin_id: int) -> Attested:
        """Attest, revoke, delegate and check a consent for a twin."""
        if not self.has_eas:
            return Attested()
        registered = self._registry.functions.register(SCHEMA, "0x" + "0" * 40, True)
        schema = bytes(registered.call({"from": self.bare.account}))
        self.bare.gas(registered)
        now_s = int(self.bare.web3.eth.get_block("latest")["timestamp"])
        purposes = int(Purpose.CARE | Purpose.RESEARCH_HEALTH)
        terms = encode(("uint256", "uint256"), (twin_id, now_s << 64 | purposes << 32 | int(Category.VITALS)))
        expiry = now_s + 90 * DAY_S
        attest = [self._attest(schema, terms, expiry, new_signer().address) for _ in range(TIMES)]
        revoke = [self.bare.gas(self._eas.functions.revoke((schema, (uid, 0)))) for uid in self._uids(schema)]
        delegated, check = self._delegated(schema, terms, expiry), self._check(schema, terms, expiry)
        return Attested(statistics.median(attest), statistics.median(revoke), delegated, check)

    def _attest(self, schema: bytes, terms: bytes, expiry: int, recipient: str) -> int:
        request = (schema, (recipient, expiry, True, bytes(32), terms, 0))
        return self.bare.gas(self._eas.functions.attest(request))

    def _uids(self, schema: bytes) -> list[bytes]:
        logs = self._eas.events.Attested().get_logs(from_block=0, argument_filters={"schemaUID": schema})
        return [bytes(log["args"]["uid"]) for log in logs]

    def _delegated(self, schema: bytes, terms: bytes, expiry: int) -> float:
        """attestByDelegation with a nonce that is not the signer's first."""
        key, costs = PrivateKey().secret, []
        attester = Account.from_key(key).address
        domain = {"name": "EAS", "version": "1.4.0", "chainId": int(self.bare.web3.eth.chain_id),
                  "verifyingContract": self._eas.address}  # fmt: skip
        for nonce in range(TIMES + 1):
            data = (new_signer().address, expiry, True, bytes(32), terms, 0)
            message = dict(
                zip((field["name"] for field in ATTEST), (attester, schema, *data, nonce, expiry), strict=True)
            )
            signed = Account.sign_message(encode_typed_data(domain, {"Attest": ATTEST}, message), key)
            signature = (signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big"))
            request = (schema, data, signature, attester, expiry)
            costs.append(self.bare.gas(self._eas.functions.attestByDelegation(request)))
        return statistics.median(costs[1:])

    def _check(self, schema: bytes, terms: bytes, expiry: int) -> int:
        """The decision isAllowed takes, from an attestation: by a gate that reads EAS and the twin's owner."""
        owned = self.bare.deploy(self._artifacts["PeerToken"])
        twin_id = int.from_bytes(terms[:32], "big")
        self.bare.gas(owned.functions.mint(twin_id))
        recipient = new_signer().address
        self._attest(schema, terms, expiry, recipient)
        gate = self.bare.deploy(self._artifacts["EasGate"], self._eas.address, owned.address, schema)
        uid = self._uids(schema)[-1]
        asked = [uid, twin_id, recipient, int(Category.VITALS), int(Purpose.CARE)]
        return self.execution(gate.address, gate.encode_abi("isAllowed", asked))
