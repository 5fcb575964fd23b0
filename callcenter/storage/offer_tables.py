"""The table of offers: who was asked to go to an alert, why they before others, and what came of it."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text

from callcenter.storage.columns import Utc, metadata

offers = Table(
    "offers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("alert_id", Text, ForeignKey("alerts.id"), nullable=False, index=True),
    Column("party", Text, nullable=False),  # kind:id
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("level", Text, nullable=False),  # of the escalation policy; empty: chosen by hand or by the ladder
    Column("wave", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("score", Integer, nullable=False),  # seconds (alerts/ranking.py)
    Column("parts", Text, nullable=False),  # JSON: name -> seconds
    Column("asked_at", Utc, nullable=False),
    Column("accepted_at", Utc),
    Column("channel", Text, nullable=False),
    Column("moved_at", Utc),
    Column("arrived_at", Utc),
    Column("proof", Text),
    Column("ended_at", Utc),
    Column("reason", Text, nullable=False),
    Column("due", Utc, index=True),
    Column("late", Boolean, nullable=False),
    Column("says_there_at", Utc),
)
# Whoever is asked or goes somewhere: to know their load. Nearly all offers there ever were have ended.
Index(
    "ix_offers_living",
    offers.c.party,
    sqlite_where=offers.c.ended_at.is_(None),
    postgresql_where=offers.c.ended_at.is_(None),
)
