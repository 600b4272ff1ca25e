"""The portal as a program uses it: sign in with a key, lay a proposal before somebody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
from eth_account.messages import _hash_eip191_message, encode_defunct

from ..errors import Denied, StorageError
from ..ports import Signer

TIMEOUT_S = 15.0


class RemotePortal:
    """One session of one key.

    Parameters
    ----------
    url : str
        As people's browsers have it; the portal answers to no other name.
    signer : Signer
    chain_id : int
    """

    def __init__(self, url: str, signer: Signer, chain_id: int) -> None:
        self._client = httpx.Client(base_url=url.rstrip("/"), timeout=TIMEOUT_S, follow_redirects=False)
        self._signer, self._chain_id = signer, chain_id

    def propose(self, kind: str, to: str, message: Mapping[str, Any]) -> str:
        """Lay a proposal before `to`, who may sign it; its number.

        Raises
        ------
        Denied
            The portal does not take it; says why.
        StorageError
            It does not answer.
        """
        self._sign_in()
        texts = {name: str(value) for name, value in message.items()}
        return str(self._post("/api/proposals", {"kind": kind, "to": to, "message": texts, "signature": "0x"})["id"])

    def _sign_in(self) -> None:
        from siwe import SiweMessage  # its grammars take a second to read, and few commands sign in

        url = self._client.base_url
        message = SiweMessage(
            domain=url.netloc.decode(), address=self._signer.address, statement="Sign in to Medtwin.", uri=str(url),
            version="1", chain_id=self._chain_id, nonce=self._post("/api/session/nonce", {})["nonce"],
            issued_at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        )  # fmt: skip
        text = message.prepare_message()
        signature = self._signer.sign_digest(_hash_eip191_message(encode_defunct(text=text)))
        self._post("/api/session", {"message": text, "signature": "0x" + signature.hex()})

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        try:
            answer = self._client.post(path, json=dict(body))
            told = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise StorageError(
                f"the portal at {self._client.base_url} does not answer ({type(error).__name__})",
                hint="start it: medtwin portal serve, or name another with --portal",
                kind="portal_unreachable",
            ) from error
        if not answer.is_success:
            raise Denied(str(told.get("detail", answer.status_code))[:200], hint=str(told.get("hint", "")))
        return told
