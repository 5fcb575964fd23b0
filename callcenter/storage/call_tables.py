"""Tables of the telephone: calls, what carriers said, recordings, debts, seats."""

from sqlalchemy import Boolean, Column, Float, ForeignKey, Integer, LargeBinary, Table, Text

from callcenter.storage.columns import Utc, metadata

calls = Table(
    "calls",
    metadata,
    Column("id", Text, primary_key=True),
    Column("direction", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("dialogue", Text, nullable=False),
    Column("number_sealed", LargeBinary, nullable=False),  # encrypted (callcenter/privacy.py)
    Column("number_digest", Text, nullable=False, index=True),  # keyed hash, to search by number
    Column("party", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("alert_id", Text, index=True),
    Column("order_id", Text),
    Column("area_id", Text),
    Column("wave", Integer, nullable=False),
    Column("language", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("ring_s", Integer, nullable=False),
    Column("wanted_at", Utc, nullable=False, index=True),
    Column("not_after", Utc, nullable=False),
    Column("due", Utc, index=True),
    Column("gateway", Text, nullable=False),
    Column("provider_ref", Text, nullable=False, index=True),
    Column("placed_at", Utc),
    Column("ringing_at", Utc),
    Column("answered_at", Utc),
    Column("joined_at", Utc),
    Column("unknown_at", Utc),
    Column("ended_at", Utc),
    Column("hang_up_at", Utc),
    Column("checks", Integer, nullable=False),
    Column("step", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("answer", Text),
    Column("machine", Boolean, nullable=False),
    Column("in_room", Boolean, nullable=False),
    Column("held", Boolean, nullable=False),
    Column("outcome", Text),
    Column("cause", Text, nullable=False),
    Column("talk_s", Float),
    Column("version", Integer, nullable=False),
)
# Every callback as it came, sealed, under a key that tells its repeats; stored before it is answered.
callbacks = Table(
    "callbacks",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("call_id", Text, nullable=False, index=True),
    Column("what", Text, nullable=False),
    Column("received_at", Utc, nullable=False),
    Column("known", Boolean, nullable=False),  # whether it names a call of ours
    Column("raw_sealed", LargeBinary, nullable=False),
)
# Whose number a carrier will not ring. No number: that stands in the list of people, and when it changes this goes.
refused_phones = Table(
    "refused_phones",
    metadata,
    Column("party", Text, primary_key=True),  # resident:ID, contact:ID or responder:ID
    Column("gateway", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Utc, nullable=False),
)
recordings = Table(
    "recordings",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("ref", Text, primary_key=True),
    Column("gateway", Text, nullable=False),
    Column("state", Text, nullable=False),  # at_carrier, stored, missing
    Column("heard_at", Utc, nullable=False),
    Column("stored_at", Utc),
    Column("sha256", Text),
    Column("bytes", Integer),
    Column("file", Text),
)
# Callers who gave up or were cut off: each is reached, visited or escalated, never forgotten.
debts = Table(
    "debts",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("party", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("alert_id", Text, index=True),
    Column("opened_at", Utc, nullable=False),
    Column("due", Utc, nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
    Column("discharged_at", Utc),
    Column("how", Text),  # reached, visited, escalated
    Column("by", Text),  # operator:ID, or the call that reached them
    Column("note", Text),
)
# Operators on shift: whether calls may be put through to them, and to which telephone.
seats = Table(
    "seats",
    metadata,
    Column("operator_id", Text, ForeignKey("operators.id"), primary_key=True),
    Column("state", Text, nullable=False),  # ready, busy, away
    Column("phone", Text, nullable=False),
    Column("since", Utc, nullable=False),
    Column("last_call_at", Utc),
)
# Home phones whose receiver is up and that have not dialled yet.
off_hook = Table(
    "off_hook",
    metadata,
    Column("device_id", Text, primary_key=True),
    Column("due", Utc, nullable=False),
)
