"""Links to a responder's page know which operator made them"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("responder_links", schema=None) as batch_op:
        batch_op.add_column(sa.Column("made_by", sa.Text(), nullable=False, server_default=""))
