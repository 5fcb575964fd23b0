"""The drill that runs: who has started it, since when, and whether it rings people's telephones"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "drill_mode",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rings", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
