"""Who is signed in: EIP-4361 messages, single-use nonces, sessions that end when idle."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from cachetools import TTLCache
from eth_account.messages import _hash_eip191_message, encode_defunct
from siwe import SiweMessage

from ...errors import Denied, InputError
from ...ports import Chain

NONCE_LIFE_S = 5 * 60
IDLE_S = 15 * 60
MOST = 10_000  # nonces or sessions at once
LONGEST_MESSAGE = 2_000


@dataclass
class Sessions:
    """In memory alone: a restart signs everybody out, and harms nobody.

    Parameters
    ----------
    chain : Chain
        Says whether a contract account signed (ERC-1271).
    timer : callable
        Seconds that never go back.
    """

    chain: Chain
    timer: Callable[[], float]
    _nonces: TTLCache[str, bool] = field(init=False, repr=False)
    _accounts: TTLCache[str, str] = field(init=False, repr=False)
    _lock: Lock = field(init=False, repr=False, default_factory=Lock)  # the caches are for one thread at a time

    def __post_init__(self) -> None:
        self._nonces = TTLCache(MOST, NONCE_LIFE_S, self.timer)
        self._accounts = TTLCache(MOST, IDLE_S, self.timer)

    def nonce(self) -> str:
        """One to sign in with, once."""
        nonce = secrets.token_hex(16)
        with self._lock:
            self._nonces[nonce] = True
        return nonce

    def open(self, text: str, signature: bytes, domain: str) -> str:
        """The token of a new session.

        Raises
        ------
        InputError
            It is no sign-in message.
        Denied
            For another site, chain or time; replayed; or signed by somebody else.
        """
        try:
            message = SiweMessage.from_message(text[:LONGEST_MESSAGE])
        except ValueError as error:
            raise InputError("this is not a sign-in message", hint="reload the page", kind="bad_sign_in") from error
        with self._lock:
            known = self._nonces.pop(message.nonce, False)
        if not known:
            raise Denied("this sign-in was used before or is too old", hint="sign in again", kind="nonce_spent")
        if message.domain != domain or message.chain_id != self.chain.chain_id:
            raise Denied("this sign-in is for another site or chain", hint="reload the page", kind="wrong_site")
        digest = _hash_eip191_message(encode_defunct(text=text))
        if not self.chain.is_signed_by(str(message.address), digest, signature):
            raise Denied("the sign-in is not signed by that account", hint="sign in again", kind="bad_signature")
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._accounts[token] = str(message.address)
        return token

    def account(self, token: str | None) -> str:
        """Whose session it is, and a new quarter of an hour; Denied without one."""
        with self._lock:
            account = self._accounts.get(token or "")
            if account is not None:
                self._accounts[token or ""] = account
        if account is None:
            raise Denied(
                "you are not signed in", hint="sign in; a session ends after 15 idle minutes", kind="no_session"
            )
        return account

    def close(self, token: str | None) -> None:
        """Sign out."""
        with self._lock:
            self._accounts.pop(token or "", None)
