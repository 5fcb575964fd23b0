"""A consent may be refused that was never given"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("consents", schema=None) as batch_op:
        for column in ("given_on", "given_by"):
            batch_op.alter_column(column, existing_type=sa.Text(), nullable=True)
