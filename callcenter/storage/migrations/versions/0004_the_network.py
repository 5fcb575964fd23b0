"""The network that helps: areas as a tree, where responders are, what they can and when they are there"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:

    with op.batch_alter_table("areas", schema=None) as batch_op:
        batch_op.add_column(sa.Column("kind", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("parent_id", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("lat", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("lon", sa.Float(), nullable=True))
        batch_op.create_index(batch_op.f("ix_areas_parent_id"), ["parent_id"], unique=False)
        batch_op.create_foreign_key("areas_parent_id_fkey", "areas", ["parent_id"], ["id"])
    _draw_the_tree()

    with op.batch_alter_table("responders", schema=None) as batch_op:
        batch_op.add_column(sa.Column("lat", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("lon", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("moves", sa.Text(), server_default="walk", nullable=False))
        for name in ("skills", "keys", "hours"):
            batch_op.add_column(sa.Column(name, sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("agreed_on", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("stopped", sa.Boolean(), server_default=sa.false(), nullable=False))

    op.create_table(
        "absences",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("responder_id", sa.Text(), nullable=False),
        sa.Column("starts", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends", sa.DateTime(timezone=True), nullable=False),
        sa.Column("on_duty", sa.Boolean(), nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["responder_id"], ["responders.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("absences", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_absences_responder_id"), ["responder_id"], unique=False)
    op.create_table(
        "holidays",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _draw_the_tree() -> None:
    """Until now the spelling was the tree: `d1-t2-v3` lay in `d1-t2` in `d1`, whether those stood there or not."""
    areas = sa.table("areas", sa.column("id", sa.Text), sa.column("name", sa.Text), sa.column("parent_id", sa.Text))
    connection = op.get_bind()
    known = set(connection.execute(sa.select(areas.c.id)).scalars())
    for area in sorted(known):
        parts = area.split("-")
        for length in range(1, len(parts)):
            above = "-".join(parts[:length])
            if above not in known:
                known.add(above)
                connection.execute(areas.insert().values(id=above, name=above))
    for area in known:
        if "-" in area:
            above = area.rpartition("-")[0]
            connection.execute(areas.update().where(areas.c.id == area).values(parent_id=above))
