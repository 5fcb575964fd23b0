"""Offers: who was asked to go, why they before others, and what came of it"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "offers",
        sa.Column("id", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("alert_id", "party", "name", "kind", "level")),
        sa.Column("wave", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("accepted_at", moment, nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("moved_at", moment, nullable=True),
        sa.Column("arrived_at", moment, nullable=True),
        sa.Column("proof", sa.Text(), nullable=True),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("due", moment, nullable=True),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("accepted_at", moment, nullable=True))
        batch_op.add_column(sa.Column("arrived_at", moment, nullable=True))
    with op.batch_alter_table("offers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_offers_alert_id"), ["alert_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_offers_due"), ["due"], unique=False)
        living = sa.text("ended_at IS NULL")
        batch_op.create_index("ix_offers_living", ["party"], sqlite_where=living, postgresql_where=living)
