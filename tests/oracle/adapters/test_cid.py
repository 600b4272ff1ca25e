"""CIDs: fixed vectors, an independent computation, and refusals."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.adapters.cid import cid_of, digest_of
from oracle.errors import InputError

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"  # RFC 4648, section 6, lower case

# What `ipfs add --only-hash --cid-version=1 --raw-leaves` of Kubo 0.43.1 prints for these contents.
KNOWN = {
    b"": "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    b"hello world": "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e",
}


def independent_cid(digest: bytes) -> str:
    """CIDv1 by integer arithmetic: version, raw codec, sha2-256, length, digest, five bits at a time."""
    number = int.from_bytes(bytes([1, 0x55, 0x12, 32]) + digest, "big") << 2  # 288 bits, padded to 290 = 58 * 5
    return "b" + "".join(ALPHABET[number >> shift & 31] for shift in range(285, -1, -5))


@pytest.mark.parametrize("block", KNOWN)
def test_cid_of_known_block_is_the_published_one(block: bytes) -> None:
    """The CIDs that IPFS itself gives these blocks."""
    assert cid_of(hashlib.sha256(block).digest()) == KNOWN[block]


@given(st.binary(min_size=32, max_size=32))
def test_cid_agrees_with_independent_computation_and_comes_back(digest: bytes) -> None:
    """Any digest: the same text as the arithmetic gives, and the same digest back."""
    cid = cid_of(digest)

    assert cid == independent_cid(digest)
    assert digest_of(cid) == digest


@pytest.mark.parametrize("size", [0, 20, 31, 33, 64])
def test_cid_of_wrong_length_is_refused(size: int) -> None:
    """Only 32 bytes are a SHA-256 digest."""
    with pytest.raises(InputError) as caught:
        cid_of(bytes(size))

    assert caught.value.kind == "bad_digest"


GOOD = KNOWN[b""]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "b",
        "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH",  # version 0
        GOOD.upper(),
        "z" + GOOD[1:],
        GOOD[:-1],
        GOOD + "a",
        GOOD[:-1] + "=",
        GOOD[:-1] + "v",  # a spare bit set: another text for the same digest
        GOOD[:-1] + "1",  # not in the alphabet
        GOOD[:-1] + "ü",
        " " + GOOD[1:],
        "bafybei" + GOOD[7:],  # dag-pb
    ],
)
def test_digest_of_anything_else_is_refused(text: str) -> None:
    """One text for one digest; everything else is an input error."""
    with pytest.raises(InputError) as caught:
        digest_of(text)

    assert caught.value.kind == "bad_cid"
