"""Alerts are found by when they opened, by device, and the newest of an operator first"""

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
