"""Whether an operator's console may sound, so that every process can say it"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("consoles", schema=None) as batch_op:
        batch_op.add_column(sa.Column("armed", sa.Boolean(), server_default=sa.false(), nullable=False))
