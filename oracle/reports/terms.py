"""A model's terms as the contracts read them, so that anybody can show a report that does not follow from them."""

from __future__ import annotations

from eth_abi import encode

from ..errors import VerificationError
from ..formats.merkle import leaf, root
from ..ports import Chain, Mined, Signer
from ..twins.additive import Additive

TERM_TYPES = ("uint16", "string", "bool", *["int64"] * 5)
LEAST, BEYOND = -(2**63), 2**63 - 1
NO_TERMS = bytes(32)
REGISTERED = 1  # ModelRegistry's state before approval
LINKS = {"identity": 1, "logistic": 2}
"""As in ModelRegistry."""

Row = tuple[int, str, bool, int, int, int, int, int]
"""Index, name, known, from, below, step, slope, centre."""


def rows(model: Additive) -> list[Row]:
    """What each feature adds, range by range; index 0 is the base. The least step is no answer."""
    found: list[Row] = [(0, "base", True, LEAST, BEYOND, model.base_e6, 0, 0)]
    for index, term in enumerate(model.terms, 1):
        bounds = (LEAST, *term.edges_e6, BEYOND)
        for low, below, step in zip(bounds, bounds[1:], term.steps_e6, strict=False):
            found.append((index, term.feature, True, low, below, step, term.slope_e6, term.centre_e6))
        missing = LEAST if term.missing_e6 is None else term.missing_e6
        found.append((index, term.feature, False, 0, 1, missing, 0, 0))
    return found


def terms_root(model: Additive) -> bytes:
    """Root over all rows."""
    return root([term_leaf(row) for row in rows(model)])


def term_leaf(row: Row) -> bytes:
    """Leaf of one."""
    return leaf(encode(TERM_TYPES, row))


def register(chain: Chain, registrar: Signer, digest: bytes, model: Additive) -> Mined:
    """Name the terms of a model that `registrar` registered; once, before it is approved."""
    return chain.write(registrar, "ModelRegistry", "registerTerms", digest, terms_root(model), LINKS[model.link])


def awaited(chain: Chain, registrar: str, digest: bytes, card: bytes, lineage: bytes, stops: bool) -> bool:
    """Whether exactly this was registered by this account, not approved yet, and its terms are still to be named."""
    entry = chain.read("ModelRegistry", "modelOf", digest)
    told = (entry.state, entry.registrar, bytes(entry.cardDigest), bytes(entry.lineageRoot), entry.stopsWhenMarked)
    return told == (REGISTERED, registrar, card, lineage, stops) and bytes(entry.termsRoot) == NO_TERMS


def check(chain: Chain, digest: bytes, model: Additive) -> None:
    """The registry has no terms of this model, or exactly these.

    Raises
    ------
    VerificationError
        ``foreign_terms``: with them true reports could be refuted.
    """
    told, link = chain.read("ModelRegistry", "termsOf", digest)
    if bytes(told) != NO_TERMS and (bytes(told), link) != (terms_root(model), LINKS[model.link]):
        raise VerificationError(
            f"the terms registered for the model 0x{digest.hex()} are not those of its card",
            hint="do not approve or run it: with false terms true reports are refuted; train and register it anew",
            kind="foreign_terms",
        )
