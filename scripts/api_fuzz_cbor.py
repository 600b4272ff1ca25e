"""For schemathesis, in its own environment: bodies of CBOR are bytes, sent as they are; most are sound ones with some bytes changed."""

from __future__ import annotations

import json
import os
from typing import Any

import schemathesis
from hypothesis import strategies as st

SOUND = [bytes.fromhex(body) for body in json.loads(os.environ["MEDTWIN_FUZZ_BODIES"])]


def damaged(body: bytes, changes: list[tuple[int, bytes]]) -> bytes:
    """With other bytes in some places, none, one or more for one."""
    for place, other in changes:
        at = place % len(body)
        body = body[:at] + other + body[at + 1 :]
    return body


CHANGES = st.lists(st.tuples(st.integers(0, 2**20), st.binary(max_size=9)), max_size=3)
schemathesis.openapi.media_type("application/cbor", st.builds(damaged, st.sampled_from(SOUND), CHANGES) | st.binary())


@schemathesis.serializer("application/cbor")
def as_it_is(_: Any, value: Any) -> bytes:
    """The body."""
    return value if isinstance(value, bytes) else str(value).encode()
