"""What is listed in the manifests of epochs and bundles, and which were read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Beside the events, and gone with them."""
    for table, more in (
        ("list", ()),
        (
            "entry",
            (
                sa.Column("place", sa.BigInteger, primary_key=True, autoincrement=False),
                sa.Column("twin_id", sa.Text, nullable=False),
                sa.Column("args", sa.LargeBinary, nullable=False),
            ),
        ),
    ):
        op.create_table(
            table,
            sa.Column("block", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("log_index", sa.BigInteger, primary_key=True, autoincrement=False),
            *more,
            sa.ForeignKeyConstraint(["block", "log_index"], ["event.block", "event.log_index"], ondelete="CASCADE"),
        )
    op.create_index("entry_twin", "entry", ["twin_id", "block"])


def downgrade() -> None:
    """Events alone."""
    for table in ("entry", "list"):
        op.drop_table(table)
