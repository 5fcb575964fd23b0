"""Looking for somebody who has left their zone: since when, who looks, how many should, and when they were found"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("astray_at", moment, nullable=True))
        batch_op.add_column(sa.Column("searchers", sa.Text(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("searchers_wanted", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("found_at", moment, nullable=True))
