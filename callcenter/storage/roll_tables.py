"""Tables of rolls: what happened in an area, and everybody who must be accounted for because of it."""

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, Table, Text

from callcenter.storage.columns import Utc, metadata

incidents = Table(
    "incidents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("words", Text, nullable=False),  # said on the telephone
    Column("area_id", Text),  # None: the list came from elsewhere
    Column("lat", Float),
    Column("lon", Float),
    Column("radius_m", Integer),
    Column("ask", Text, nullable=False),
    Column("raised_at", Utc, nullable=False),
    Column("raised_by", Text, nullable=False),
    Column("raised_by_name", Text, nullable=False),
    Column("due", Utc, index=True),  # when the centre goes on asking; None: nobody is left to ask
    Column("closed_at", Utc),
    Column("closed_by", Text),
    Column("closed_by_name", Text),
    Column("note", Text, nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Column("gap_id", Text, index=True),  # the gap after which these people are checked
)
roll = Table(
    "roll",
    metadata,
    Column("incident_id", Text, ForeignKey("incidents.id"), primary_key=True),
    Column("resident_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("household_id", Text, nullable=False),
    Column("risk", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("standing", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("asked_at", Utc),
    Column("changed_at", Utc, nullable=False),
    Column("call_id", Text, index=True),
    Column("alert_id", Text, index=True),
    Column("settled_by", Text, nullable=False, server_default=""),
    Column("note", Text, nullable=False, server_default=""),
)
Index("roll_by_resident", roll.c.resident_id)
