"""Events, their arguments to search by, and the blocks up to which they are whole."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """From nothing."""
    op.create_table("deployment", sa.Column("name", sa.Text, primary_key=True))
    op.create_table(
        "checkpoint",
        sa.Column("block", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "event",
        sa.Column("block", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("log_index", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("contract", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("transaction_hash", sa.LargeBinary, nullable=False),
        sa.Column("time_s", sa.BigInteger, nullable=False),
        sa.Column("args", sa.LargeBinary, nullable=False),
    )
    op.create_index("event_kind", "event", ["contract", "name", "block"])
    op.create_table(
        "fact",
        sa.Column("block", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("log_index", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["block", "log_index"], ["event.block", "event.log_index"], ondelete="CASCADE"),
    )
    op.create_index("fact_value", "fact", ["name", "value", "block"])


def downgrade() -> None:
    """To nothing."""
    for table in ("fact", "event", "checkpoint", "deployment"):
        op.drop_table(table)
