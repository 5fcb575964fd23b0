"""The responders' page: links, presses, positions under way, key-safes, and the deadlines that come with it"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        for name in ("moves_by", "more_at", "more_by"):
            batch_op.add_column(sa.Column(name, moment, nullable=True))
    with op.batch_alter_table("offers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("says_there_at", moment, nullable=True))
    op.create_table(
        "responder_links",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("id", "alert_id", "offer_id", "party")),
        sa.Column("made_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("revoked_at", moment, nullable=True),
        sa.Column("opened_at", moment, nullable=True),
        sa.Column("browser", sa.Text(), nullable=False),
        sa.Column("key_shown_at", moment, nullable=True),
        sa.Column("key_press", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("responder_links", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_responder_links_offer_id"), ["offer_id"], unique=False)
    op.create_table(
        "responder_presses",
        sa.Column("link_id", sa.Text(), nullable=False),
        sa.Column("press", sa.Text(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.PrimaryKeyConstraint("link_id", "press"),
    )
    op.create_table(
        "offer_positions",
        sa.Column("offer_id", sa.Text(), nullable=False),
        sa.Column("at", moment, nullable=False),
        *(sa.Column(name, sa.Float(), nullable=False) for name in ("lat", "lon", "acc_m")),
        sa.Column("began_m", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("offer_id"),
    )
    op.create_table(
        "key_safes",
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("code", sa.LargeBinary(), nullable=False),
        sa.Column("set_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"]),
        sa.PrimaryKeyConstraint("household_id"),
    )
