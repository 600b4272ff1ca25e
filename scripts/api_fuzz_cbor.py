"""For schemathesis, in its own environment: bodies of CBOR are bytes, sent as they are."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.serializer("application/cbor")
def as_it_is(_: Any, value: Any) -> bytes:
    """The body."""
    return value if isinstance(value, bytes) else str(value).encode()
