"""Operators may be of an area, and alerts and the timeline know theirs"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    for table in ("operators", "alerts", "timeline"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("area_id", sa.Text(), nullable=True))
    op.create_table(
        "glass_breaks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("broken_at", moment, nullable=False),
        sa.Column("until", moment, nullable=False),
        sa.Column("reviewed_at", moment, nullable=True),
        sa.Column("reviewed_by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("glass_breaks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_glass_breaks_operator_id"), ["operator_id"], unique=False)
    # The timeline stays as it is: what it tells of the past is not sent again to anybody who has an area now.
    op.execute(
        "UPDATE alerts SET area_id = (SELECT area_id FROM households WHERE households.id = COALESCE("
        "(SELECT household_id FROM residents WHERE residents.id = alerts.resident_id), alerts.household_id))"
    )
