"""Sessions of the portal.

given a signed message of this site and chain
  it opens a session, which lasts while it is used and ends after 15 idle minutes
  a nonce counts once, and for 5 minutes
given another site, chain, key, text or no message at all
  it is refused
given a sign-out
  the session is over, others go on
"""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils import keccak

from oracle.adapters.keys import LocalSigner
from oracle.errors import Denied, InputError, MedtwinError
from oracle.formats.typed_data import recovers_to
from oracle.serve.portal.sessions import Sessions

SITE = "portal.hospital.example"
MINUTE_S = 60.0


class OneChain:
    """As far as sessions ask."""

    chain_id = 1337

    def is_signed_by(self, account: str, digest: bytes, signature: bytes, *, block: int | None = None) -> bool:
        return recovers_to(digest, signature, account)


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    return Sessions(OneChain(), clock)  # type: ignore[arg-type]


@pytest.fixture
def patient() -> LocalSigner:
    return LocalSigner((7).to_bytes(32, "big"))


def message(patient: LocalSigner, nonce: str, **changes: Any) -> str:
    said = {"site": SITE, "chain": 1337, "address": patient.address, **changes}
    return (
        f"{said['site']} wants you to sign in with your Ethereum account:\n{said['address']}\n\nSign in.\n\n"
        f"URI: https://{said['site']}\nVersion: 1\nChain ID: {said['chain']}\nNonce: {nonce}\n"
        "Issued At: 2026-01-01T00:00:00Z"
    )


def signed(patient: LocalSigner, text: str) -> bytes:
    return patient.sign_digest(keccak(text=f"\x19Ethereum Signed Message:\n{len(text)}{text}"))


def opened(sessions: Sessions, patient: LocalSigner) -> str:
    text = message(patient, sessions.nonce())
    return sessions.open(text, signed(patient, text), SITE)


def test_session_lasts_while_it_is_used_and_ends_when_idle(
    sessions: Sessions, patient: LocalSigner, clock: Clock
) -> None:
    token = opened(sessions, patient)
    for _ in range(10):
        clock.now_s += 14 * MINUTE_S
        assert sessions.account(token) == patient.address
    clock.now_s += 15 * MINUTE_S
    with pytest.raises(Denied, match="not signed in"):
        sessions.account(token)


@pytest.mark.parametrize("token", [None, "", "guess"])
def test_no_token_is_nobody(sessions: Sessions, token: str | None) -> None:
    with pytest.raises(Denied, match="not signed in"):
        sessions.account(token)


def test_nonce_counts_once(sessions: Sessions, patient: LocalSigner) -> None:
    text = message(patient, sessions.nonce())
    sessions.open(text, signed(patient, text), SITE)
    with pytest.raises(Denied, match="used before"):
        sessions.open(text, signed(patient, text), SITE)


def test_nonce_is_for_five_minutes(sessions: Sessions, patient: LocalSigner, clock: Clock) -> None:
    text = message(patient, sessions.nonce())
    clock.now_s += 5 * MINUTE_S
    with pytest.raises(Denied, match="too old"):
        sessions.open(text, signed(patient, text), SITE)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [({"site": "elsewhere.example"}, "wrong_site"), ({"chain": 1}, "wrong_site"),
     ({"address": LocalSigner((8).to_bytes(32, "big")).address}, "bad_signature")],
)  # fmt: skip
def test_for_another_site_chain_or_key(
    sessions: Sessions, patient: LocalSigner, changes: dict[str, Any], kind: str
) -> None:
    text = message(patient, sessions.nonce(), **changes)
    with pytest.raises(MedtwinError) as caught:
        sessions.open(text, signed(patient, text), SITE)
    assert caught.value.kind == kind


def test_altered_text(sessions: Sessions, patient: LocalSigner) -> None:
    text = message(patient, sessions.nonce())
    with pytest.raises(Denied, match="not signed by that account"):
        sessions.open(text.replace("Sign in.", "Give all."), signed(patient, text), SITE)


@pytest.mark.parametrize("text", ["", "sign in", "\n" * 100, "x" * 100_000])
def test_no_message(sessions: Sessions, text: str) -> None:
    with pytest.raises(InputError, match="not a sign-in message"):
        sessions.open(text, b"", SITE)


def test_sign_out_ends_one_session(sessions: Sessions, patient: LocalSigner) -> None:
    one, other = opened(sessions, patient), opened(sessions, patient)
    sessions.close(one)
    sessions.close(None)
    with pytest.raises(Denied):
        sessions.account(one)
    assert sessions.account(other) == patient.address
