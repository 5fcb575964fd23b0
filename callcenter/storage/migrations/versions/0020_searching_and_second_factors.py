"""Alerts are found by when they opened, by device, and the newest of an operator first; second factors"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("alerts_by_opening", "alerts", ["opened_at", "id"])
    op.create_index("alerts_by_device", "alerts", ["device_id"])
    op.drop_index("alerts_by_owner", "alerts")
    op.create_index("alerts_by_owner", "alerts", ["owner_id", "opened_at"])
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "second_factors",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("confirmed_at", moment, nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("excused_until", moment, nullable=True),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"]),
        sa.PrimaryKeyConstraint("operator_id"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("used_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"]),
        sa.PrimaryKeyConstraint("operator_id", "code_hash"),
    )
    op.add_column("sessions", sa.Column("limited", sa.Boolean(), server_default=sa.false(), nullable=False))
