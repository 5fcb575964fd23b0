"""Handing an alert over to a colleague, who is asked first"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:

    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("transfer_to_id", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("transfer_to_name", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("transfer_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index("alerts_by_transfer", ["transfer_to_id"], unique=False)
