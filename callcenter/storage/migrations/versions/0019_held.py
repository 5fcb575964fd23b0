"""Until when nobody more is asked to go, because the owner has said why"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alerts", sa.Column("held_until", sa.DateTime(timezone=True)))
