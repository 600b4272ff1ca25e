"""What a custodian checks before it keeps a table of shares that an owner dealt anew."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import Denied
from ..formats import share_table
from ..formats.share_table import ShareTable, table_digest
from ..formats.typed_data import Domain
from ..ports import Chain

MOST_TABLES = 64  # of a twin, so that no owner fills a custodian's disk: 4,096 batches


def check_dealer(chain: Chain, table: ShareTable) -> None:
    """The twin's owner of now signed the table; else Denied."""
    if chain.read("TwinToken", "isRetired", table.twin_id):
        raise Denied("the twin is retired", hint="its keys are destroyed, not dealt", kind="erased")
    owner = chain.read("TwinToken", "ownerOf", table.twin_id)
    digest = table_digest(Domain(chain.chain_id, chain.address("ConsentRegistry")), table)
    minted = chain.events("TwinToken", "Transfer", tokenId=table.twin_id)[0].block
    known = minted <= table.block <= chain.head().number  # a node answers nonsense of a time before its contracts
    if not known or chain.read("TwinToken", "ownerOf", table.twin_id, block=table.block) != owner:
        raise Denied("the twin was not its owner's then", hint="sign the table again", kind="not_owner")
    if not chain.is_signed_by(owner, digest, table.signature):
        raise Denied("only the twin's owner deals its keys anew", hint="sign with the owner's key", kind="not_owner")


def replaced_by(table: ShareTable, kept: Sequence[bytes]) -> list[bytes]:
    """The tables of a twin that need not be kept beside this one: later deals have all their blocks.

    Raises
    ------
    Denied
        ``older_table``: for one of its blocks a later deal is kept. ``too_many_tables``.
    """
    read = {body: share_table.unpack(body) for body in kept}
    if any(one.generation > table.generation and one.rows.keys() & table.rows.keys() for one in read.values()):
        raise Denied("a newer table is kept", hint="deal from the newest one", kind="older_table")
    every = [*read.values(), table]

    def is_covered(old: ShareTable) -> bool:
        later = (one.rows.keys() for one in every if one.generation > old.generation)
        return old.rows.keys() <= set().union(*later)

    covered = [body for body, old in read.items() if is_covered(old)]
    if len(read) - len(covered) >= MOST_TABLES:
        raise Denied(
            "so many tables of one twin are not kept", hint="deal more blocks in a table", kind="too_many_tables"
        )
    return covered
