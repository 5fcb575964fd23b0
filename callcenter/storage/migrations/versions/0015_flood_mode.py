"""Flood mode, one row for the room"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "flood_mode",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("loaded", sa.Boolean(), nullable=False),
        sa.Column("held_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
