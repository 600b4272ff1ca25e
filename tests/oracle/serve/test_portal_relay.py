"""The relay pays for what the right people signed, here and now, once, and for nothing else.

given a hand-off or a command that is signed as the contract wants it
  it is sent, once, however often and by whomever it is handed in
given no session, another chain's or contract's signature, another signer's, a time that is over, or fields that were changed
  it is refused, and nothing is sent
given what is no hand-off or command at all, or too large
  it is refused before the chain is asked
given an account that is no passkey account of this deployment
  nothing that its code might do is paid for
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient

from oracle.adapters.keys import LocalSigner
from oracle.adapters.portal_http import RemotePortal
from oracle.formats.typed_data import Domain, digest
from oracle.formats.wire import MAX_REQUEST_BYTES
from oracle.records import Category, Purpose
from oracle.reports.command import FIELDS, Code, Command
from oracle.rights.handoff import Handoff
from oracle.serve.portal.app import service
from oracle.serve.portal.portal import Portal
from oracle.serve.portal.relay import Relay
from oracle.serve.portal.sessions import Sessions

if TYPE_CHECKING:
    from ..conftest import Stage, Twin

HOUR_S = 3_600
SITE = "localhost"
Body = dict[str, Any]


@dataclass
class Ward:
    """A portal over the embedded chain, two departments, a clinician, and a device with bounds for one setting."""

    stage: Stage
    twin: Twin
    portal: Portal
    origin: LocalSigner
    receiver: LocalSigner
    clinician: LocalSigner
    stack: ExitStack

    def client(self, who: LocalSigner | None = None) -> TestClient:
        """A browser, signed in if somebody is named."""
        client = self.stack.enter_context(TestClient(service(self.portal), f"http://{SITE}"))
        if who is not None:
            program = RemotePortal(f"http://{SITE}", who, self.stage.chain.chain_id)
            program._client.close()
            program._client = client
            program._sign_in()
        return client

    def case(self, domain: Domain | None = None, by: LocalSigner | None = None, **change: Any) -> Body:
        """A hand-off as both departments signed it, `change` before they did."""
        case = Handoff(
            self.twin.twin_id, self.origin.address, self.receiver.address, Category.VITALS, self.stage.now_s() + HOUR_S
        )
        nonce, deadline = next(self.stage.nonces), change.pop("deadline", self.stage.now_s() + 300)
        case = replace(case, **change)
        names = ("twinId", "from", "to", "categories", "expiry")
        facts = dict(zip(names, case.fields(), strict=True)) | {"nonce": nonce, "deadline": deadline}
        signed = digest(domain or self.domain("CaseToken"), "Case", facts)
        return {
            "twin": str(case.twin_id), "origin": case.origin, "receiver": case.receiver,
            "categories": int(case.categories), "expiry": case.expiry_s, "nonce": str(nonce), "deadline": deadline,
            "origin_signature": "0x" + (by or self.origin).sign_digest(signed).hex(),
            "receiver_signature": "0x" + self.receiver.sign_digest(signed).hex(),
        }  # fmt: skip

    def command(self, domain: Domain | None = None, by: LocalSigner | None = None, **change: Any) -> Body:
        """A command as its clinician signed it, `change` before."""
        command = Command(
            self.twin.device.address, self.twin.twin_id, int(Code.HEART_RATE_ALARM_HIGH), 120 * 10**6,
            self.clinician.address, next(self.stage.nonces), self.stage.now_s() + 300,
        )  # fmt: skip
        command = replace(command, **change)
        facts = dict(zip(FIELDS, command.fields(), strict=True))
        signature = (by or self.clinician).sign_digest(digest(domain or self.domain("DeviceLoop"), "Command", facts))
        return {
            "device": command.device, "twin": str(command.twin_id), "code": command.code, "value": command.value_e6,
            "clinician": command.clinician, "nonce": str(command.nonce), "deadline": command.deadline_s,
            "signature": "0x" + signature.hex(),
        }  # fmt: skip

    def domain(self, contract: str, chain_id: int | None = None) -> Domain:
        """What is signed for a contract."""
        return Domain(chain_id or self.stage.chain.chain_id, self.stage.chain.address(contract))

    def sent(self) -> int:
        """Transactions of the payer so far."""
        return int(self.stage.opened.web3.eth.get_transaction_count(self.stage.hospital.address))  # type: ignore[arg-type]


@pytest.fixture
def ward(stage: Stage, twin: Twin, store: Any, custodians: list[Any]) -> Iterator[Ward]:
    """Everybody has the role that the contracts want of them."""
    chain, (origin, receiver, clinician) = stage.chain, (stage.person() for _ in range(3))
    role = chain.read("CaseToken", "DEPARTMENT_ROLE")
    for who in (origin, receiver):
        chain.write(stage.hospital, "CaseToken", "grantRole", role, who.address)
    safety = chain.read("DeviceLoop", "SAFETY_ROLE")
    chain.write(stage.hospital, "DeviceLoop", "grantRole", safety, stage.hospital.address)
    chain.write(
        stage.hospital, "DeviceLoop", "setEnvelope", twin.device.address, int(Code.HEART_RATE_ALARM_HIGH),
        90 * 10**6, 150 * 10**6, 0,
    )  # fmt: skip
    twin.allow(clinician.address, int(Category.EQUIPMENT), int(Purpose.CARE))
    portal = Portal(
        chain=chain, chain_url="", witnesses=(), custodians=custodians, custodian_urls=(), store=store, site=SITE,
        kinds={}, sessions=Sessions(chain, time.monotonic), relay=Relay(chain, stage.hospital),
    )  # fmt: skip
    with ExitStack() as stack:
        yield Ward(stage, twin, portal, origin, receiver, clinician, stack)


PATHS = {"case": "/api/relay/case", "command": "/api/relay/command"}
CONTRACTS = {"case": "CaseToken", "command": "DeviceLoop"}


def made(ward: Ward, what: str, **change: Any) -> Body:
    """A hand-off or a command."""
    body: Body = {"case": ward.case, "command": ward.command}[what](**change)
    return body


@pytest.mark.parametrize("what", PATHS)
def test_signed_is_sent_once_by_whomever_it_is_brought(ward: Ward, what: str, stranger: LocalSigner) -> None:
    """Without a session not at all; then by anybody who is signed in, as the signatures count; handed in again: refused."""
    body, before = made(ward, what), ward.sent()
    assert ward.client().post(PATHS[what], json=body).status_code == 401
    assert ward.sent() == before

    client = ward.client(stranger)
    first, again = (client.post(PATHS[what], json=body) for _ in range(2))

    assert (first.status_code, again.status_code) == (200, 403)
    assert again.json()["kind"] in ("CaseExists", "CommandExists", "TooSoon")
    assert ward.sent() == before + 1


@pytest.mark.parametrize("what", PATHS)
def test_signed_by_others_elsewhere_or_too_late_is_not_sent(ward: Ward, what: str, stranger: LocalSigner) -> None:
    """Another chain, another contract, another signer, a deadline that is over or too far, fields changed on the way."""
    client, before, contract = ward.client(ward.origin), ward.sent(), CONTRACTS[what]
    late = {"deadline": 1} if what == "case" else {"deadline_s": 1}
    far = {"deadline": 2**40 - 1} if what == "case" else {"deadline_s": 2**40 - 1}
    bodies = [
        made(ward, what, domain=ward.domain(contract, 1)), made(ward, what, domain=ward.domain("ConsentRegistry")),
        made(ward, what, by=stranger), made(ward, what, **late), made(ward, what) | {"nonce": "77"},
        made(ward, what) | {"twin": str(ward.twin.twin_id ^ 256)}, made(ward, what, twin_id=ward.twin.twin_id ^ 256),
        *([made(ward, what, **far)] if what == "command" else []),
    ]  # fmt: skip
    for number, body in enumerate(bodies):
        told = client.post(PATHS[what], json=body)
        assert told.status_code == 403, (number, told.text)
    assert ward.sent() == before


@pytest.mark.parametrize("what", PATHS)
def test_what_does_not_read_is_refused_before_the_chain_is_asked(
    ward: Ward, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Missing, negative, too large or misspelt fields, rubbish, and bodies beyond a mebibyte."""
    client, good = ward.client(ward.origin), made(ward, what)
    monkeypatch.setattr(ward.portal.relay, "chain", None)
    number = "expiry" if what == "case" else "value"
    signature = "origin_signature" if what == "case" else "signature"
    spoilt: list[Body] = [
        {name: value for name, value in good.items() if name != left_out} for left_out in good
    ]  # fmt: skip
    spoilt += [
        good | change for change in (
            {number: 2**64}, {number: -(2**63) - 1}, {number: "x"}, {number: 1.5}, {"deadline": 2**40}, {"deadline": -1},
            {"twin": "me"}, {"twin": str(2**256)}, {"twin": "0x" + "f" * 65}, {"nonce": "-1"}, {"nonce": "9" * 78},
            {signature: "0x1"}, {signature: "0x" + "00" * 10_001}, {signature: "zz"}, {"twin": None}, {"twin": []},
        )
    ]  # fmt: skip
    for body in spoilt:
        assert client.post(PATHS[what], json=body).status_code == 400, body
    for content in (b"", b"[]", b"null", b"{" * 10_000, b"\xff", bytes(MAX_REQUEST_BYTES + 1)):
        assert client.post(PATHS[what], content=content).status_code == 400


def test_numbers_are_read_as_they_are_written(ward: Ward) -> None:
    """A leading nought is no octal number, and no failure either."""
    body = ward.case()

    assert ward.client(ward.origin).post(PATHS["case"], json=body | {"nonce": "00" + body["nonce"]}).status_code == 200


def test_the_same_by_many_at_once_is_paid_for_once(ward: Ward, stranger: LocalSigner) -> None:
    """Four people hand in one case at the same instant, and different ones: one transaction for each case."""
    clients = [ward.client(who) for who in (ward.origin, ward.receiver, ward.clinician, stranger)]
    same, before = ward.case(), ward.sent()
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda client: client.post(PATHS["case"], json=same).status_code, clients))
        assert sorted(told) == [200, 403, 403, 403]
        different = [ward.case(expiry_s=ward.stage.now_s() + HOUR_S + at) for at in range(4)]
        told = list(
            pool.map(
                lambda one: one[0].post(PATHS["case"], json=one[1]).status_code, zip(clients, different, strict=True)
            )
        )
    assert told == [200] * 4
    assert ward.sent() == before + 5


@pytest.mark.parametrize("account", [
    lambda ward: ward.clinician.address, lambda ward: ward.stage.chain.address("TestToken"),
    lambda ward: "0x" + ward.stage.chain.read("PasskeyFactory", "PATTERN").removeprefix("0x"),
], ids=["a key", "another contract", "the pattern itself"])  # fmt: skip
def test_only_passkey_accounts_act_at_the_hospitals_cost(ward: Ward, account: Callable[[Ward], str]) -> None:
    """A key would be paid for doing nothing, a contract of somebody's own for whatever it likes."""
    client, before, where = ward.client(ward.origin), ward.sent(), account(ward)
    call = {
        "account": where, "target": ward.stage.chain.address("ConsentRegistry"), "data": "0x", "nonce": "0",
        "deadline": 2**33, "signature": "0x",
    }  # fmt: skip
    recovery = {"account": where, "x": "0x" + "11" * 32, "y": "0x" + "22" * 32}
    for path, body in (("/api/relay/call", call), ("/api/recover", recovery)):
        told = client.post(path, json=body)
        assert (told.status_code, told.json()["kind"]) == (400, "not_paid")
    assert ward.sent() == before


def test_a_passkey_account_is_known_by_its_code(ward: Ward) -> None:
    """One that the factory made is let act: the account itself then refuses what its passkey did not sign."""
    client = ward.client(ward.origin)
    # The generator of P-256: a point that is on the curve.
    x = "0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    y = "0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    account = client.post("/api/accounts", json={"x": x, "y": y}).json()["account"]
    call = {
        "account": account, "target": ward.stage.chain.address("ConsentRegistry"), "data": "0x", "nonce": "0",
        "deadline": 2**33, "signature": "0x",
    }  # fmt: skip
    told = client.post("/api/relay/call", json=call)

    assert (told.status_code, told.json()["kind"] == "not_paid") == (403, False)
