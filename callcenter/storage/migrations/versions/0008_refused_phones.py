"""Refused phones: whose number a carrier will not ring, since when and why"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "refused_phones",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("party", "gateway", "reason")),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("party"),
    )
