"""The table of escalation policies: every text that ever was in force, by number; nothing in it is ever changed."""

from sqlalchemy import Column, Integer, Table, Text

from callcenter.storage.columns import Utc, metadata

policies = Table(
    "policies",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),  # 1, 2, ...; 0 is the file
    Column("text", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("author", Text, nullable=False),  # sign-in name
    Column("note", Text, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("effective_at", Utc, nullable=False),
)
