"""Tables of the responders' page: links to it, presses on it, where a telephone is now, and codes of key-safes."""

from sqlalchemy import Column, Float, ForeignKey, LargeBinary, Table, Text

from callcenter.storage.columns import Utc, metadata

# A link is a signature over its id (docs/adr/0016): nothing here opens a page.
responder_links = Table(
    "responder_links",
    metadata,
    Column("id", Text, primary_key=True),
    Column("alert_id", Text, nullable=False),
    Column("offer_id", Text, nullable=False, index=True),
    Column("party", Text, nullable=False),
    Column("made_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("revoked_at", Utc),  # an operator made a newer one for the same person
    Column("opened_at", Utc),
    Column("browser", Text, nullable=False),  # hash of the cookie of whoever opened it first; empty: nobody has
    Column("key_shown_at", Utc),  # the code of the key-safe is shown once
    Column("key_press", Text, nullable=False),  # and again only to the repeat of that press
    Column("made_by", Text, nullable=False, server_default=""),  # the operator; empty: it went by text message
)
# A press counts once, however often a bad network makes a telephone send it.
responder_presses = Table(
    "responder_presses",
    metadata,
    Column("link_id", Text, primary_key=True),
    Column("press", Text, primary_key=True),
    Column("at", Utc, nullable=False),
)
# The newest only, while somebody is under way; gone when they are there, do not come, or the alert is over.
offer_positions = Table(
    "offer_positions",
    metadata,
    Column("offer_id", Text, primary_key=True),
    Column("at", Utc, nullable=False),
    Column("lat", Float, nullable=False),
    Column("lon", Float, nullable=False),
    Column("acc_m", Float, nullable=False),
    Column("began_m", Float),  # how far from the door they were when they began to share it
)
# Sealed like telephone numbers. Its own table, so that no list of households ever shows it.
key_safes = Table(
    "key_safes",
    metadata,
    Column("household_id", Text, ForeignKey("households.id"), primary_key=True),
    Column("code", LargeBinary, nullable=False),
    Column("set_at", Utc, nullable=False),
)
