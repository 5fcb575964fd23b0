"""Searches (who is astray, who looks, when they were found); incidents of an area and the rolls of their people"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("astray_at", moment, nullable=True))
        batch_op.add_column(sa.Column("searchers", sa.Text(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("searchers_wanted", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("found_at", moment, nullable=True))
    _rolls(moment)


def _rolls(moment: sa.DateTime) -> None:
    """Incidents of an area, and everybody who must be accounted for because of them."""
    op.create_table(
        "incidents",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("area_id", sa.Text(), nullable=True),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("radius_m", sa.Integer(), nullable=True),
        sa.Column("ask", sa.Text(), nullable=False),
        sa.Column("raised_at", moment, nullable=False),
        sa.Column("raised_by", sa.Text(), nullable=False),
        sa.Column("raised_by_name", sa.Text(), nullable=False),
        sa.Column("due", moment, nullable=True),
        sa.Column("closed_at", moment, nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closed_by_name", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False, server_default=""),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id"),
    )
    names = ("incident_id", "resident_id", "name", "place", "household_id", "risk")
    op.create_table(
        "roll",
        *(sa.Column(name, sa.Text(), nullable=False) for name in names),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("asked_at", moment, nullable=True),
        sa.Column("changed_at", moment, nullable=False),
        sa.Column("call_id", sa.Text(), nullable=True),
        sa.Column("alert_id", sa.Text(), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=False, server_default=""),
        sa.Column("note", sa.Text(), nullable=False, server_default=""),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"]),
        sa.PrimaryKeyConstraint("incident_id", "resident_id"),
    )
    op.create_index("ix_incidents_due", "incidents", ["due"])
    op.create_index("ix_roll_call_id", "roll", ["call_id"])
    op.create_index("ix_roll_alert_id", "roll", ["alert_id"])
    op.create_index("roll_by_resident", "roll", ["resident_id"])
