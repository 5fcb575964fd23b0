"""Escalation policies as versions, and on each alert which one held when it opened"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "policies",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("text", "sha256", "author", "note")),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("effective_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("policy_version", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("policy_area", sa.Text(), server_default="", nullable=False))
