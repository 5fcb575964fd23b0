"""The table of flood mode: one row for the room, the same for every process."""

from sqlalchemy import Boolean, Column, Integer, Table, Text

from callcenter.storage.columns import Utc, metadata

flood_mode = Table(
    "flood_mode",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("loaded", Boolean, nullable=False),
    Column("held_by", Text, nullable=False),  # sign-in name of the supervisor who wants it on
    Column("changed_at", Utc, nullable=False),
)
