"""The table of the drill: one row while one runs, the same for every process."""

from sqlalchemy import Boolean, Column, Integer, Table, Text

from callcenter.storage.columns import Utc, metadata

drill_mode = Table(
    "drill_mode",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("by_id", Text, nullable=False),  # sign-in name of who has started it
    Column("by_name", Text, nullable=False),
    Column("began_at", Utc, nullable=False),
    Column("touched_at", Utc, nullable=False),  # when it began, or its newest alert was opened
    Column("rings", Boolean, nullable=False),  # telephones of people too
)
