"""Backups that were made; gaps in which nobody may have been heard; what each process hears and can call"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "backups",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("head_n", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "gaps",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("began_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("detected_at", moment, nullable=False),
        sa.Column("detected_by", sa.Text(), nullable=False),
        sa.Column("settled_at", moment, nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=False, server_default=""),
        sa.Column("settled_how", sa.Text(), nullable=False, server_default=""),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_gaps_settled_at", "gaps", ["settled_at"])
    with op.batch_alter_table("incidents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("gap_id", sa.Text(), nullable=True))
        batch_op.create_index("ix_incidents_gap_id", ["gap_id"])
    with op.batch_alter_table("processes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("hearing", sa.Boolean(), server_default=sa.true(), nullable=False))
        batch_op.add_column(sa.Column("calling", sa.Boolean(), server_default=sa.true(), nullable=False))
