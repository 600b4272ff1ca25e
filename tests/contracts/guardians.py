"""What a guardian signs."""

from __future__ import annotations

from typing import Any

from eth_account.signers.local import LocalAccount

from tests.contracts.signing import signed


def accepted(
    key: LocalAccount, guardians: Any, twin: int, by: Any, until: int, nonce: int, deadline: int, **domain: Any
) -> bytes:
    """A guardian's consent to be one."""
    message = {
        "twinId": twin, "guardian": key.address, "by": str(by), "until": until, "nonce": nonce, "deadline": deadline,
    }  # fmt: skip
    return signed(key, guardians, "Guardianship", message, **domain)
