"""Every table. Portable between SQLite and PostgreSQL; changed only together with a migration."""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.types import TypeDecorator

UNRESOLVED_SQL = text("state IN ('waiting', 'claimed', 'helping', 'handed_over')")


class Utc(TypeDecorator[datetime]):
    """Aware UTC in Python on both databases; SQLite has no time zones of its own."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData()

areas = Table(
    "areas",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
)
households = Table(
    "households",
    metadata,
    Column("id", Text, primary_key=True),
    Column("address", Text, nullable=False),
    Column("area_id", Text, ForeignKey("areas.id"), nullable=False),
    Column("lat", Float),
    Column("lon", Float),
    Column("entry_notes", Text, nullable=False, server_default=""),
)
residents = Table(
    "residents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("household_id", Text, ForeignKey("households.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("sex", Text, nullable=False, server_default=""),
    Column("born", Text),
    Column("phone", Text, nullable=False, server_default=""),
    Column("risk", Text, nullable=False, server_default="normal"),
    Column("conditions", Text, nullable=False, server_default=""),
    Column("medicines", Text, nullable=False, server_default=""),
    Column("allergies", Text, nullable=False, server_default=""),
)
contacts = Table(
    "contacts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("resident_id", Text, ForeignKey("residents.id"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("relation", Text, nullable=False, server_default=""),
    Column("phone", Text, nullable=False, server_default=""),
    Column("keyholder", Boolean, nullable=False),
)
devices = Table(
    "devices",
    metadata,
    Column("id", Text, primary_key=True),
    Column("family", Text, nullable=False),
    Column("model", Text, nullable=False, server_default=""),
    Column("resident_id", Text, ForeignKey("residents.id"), index=True),
    Column("household_id", Text, ForeignKey("households.id"), index=True),
    Column("secret_hash", Text, nullable=False, server_default=""),
)
# What was last heard of a device. Its own table: rewritten all the time, while `devices` hardly ever changes.
device_state = Table(
    "device_state",
    metadata,
    Column("device_id", Text, ForeignKey("devices.id"), primary_key=True),
    Column("online", Boolean),
    Column("sess", BigInteger),
    Column("battery", Integer),
    Column("seen_at", Utc),
    Column("next_s", Integer),
    Column("lat", Float),
    Column("lon", Float),
    Column("acc", Float),
    Column("fix", Text),
    Column("datum", Text),
    Column("loc_at", Utc),
)
responders = Table(
    "responders",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("area_id", Text, ForeignKey("areas.id"), nullable=False),
)
operators = Table(
    "operators",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("created_at", Utc, nullable=False),
)
sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("operator_id", Text, ForeignKey("operators.id"), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False),
    Column("revoked_at", Utc),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("device_id", Text, nullable=False),
    Column("resident_id", Text, index=True),
    Column("household_id", Text),
    Column("name", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("opened_at", Utc, nullable=False),
    Column("last_press_at", Utc, nullable=False),
    Column("press_count", Integer, nullable=False),
    Column("troubles", Integer, nullable=False),
    Column("recent", Text, nullable=False),
    Column("raised", Integer, nullable=False),
    Column("silent", Boolean, nullable=False),
    Column("degraded", Boolean, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("drill", Boolean, nullable=False),
    Column("possibly_old", Boolean, nullable=False),
    Column("cancel_pressed", Boolean, nullable=False),
    Column("waiting_since", Utc, nullable=False),
    Column("rung", Integer, nullable=False),
    Column("rung_at", Utc, nullable=False),
    Column("owner_id", Text),
    Column("owner_name", Text),
    Column("touched_at", Utc),
    Column("owner_gone_at", Utc),
    Column("attention_at", Utc),
    Column("resolved_at", Utc),
    Column("outcome", Text),
    Column("told", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("reached_at", Utc),
    Column("silent_at", Utc),
    Column("call_backs", Integer, nullable=False, server_default="0"),
    Column("asked_at", Utc),
    Column("waves", Integer, nullable=False, server_default="0"),
    Column("responder", Text, nullable=False, server_default=""),
    Column("responder_name", Text, nullable=False, server_default=""),
    Column("transfer_to_id", Text),
    Column("transfer_to_name", Text),
    Column("transfer_at", Utc),
    # One unresolved alert per subject, also when two processes open one at the same time.
    Index("one_open_alert", "subject", unique=True, sqlite_where=UNRESOLVED_SQL, postgresql_where=UNRESOLVED_SQL),
    Index("alerts_by_state", "state", "opened_at"),
    Index("alerts_by_owner", "owner_id"),
    Index("alerts_by_transfer", "transfer_to_id"),
)
signals = Table(
    "signals",
    metadata,
    Column("device_id", Text, primary_key=True),
    Column("msg", Text, primary_key=True),
    Column("ref", Text, nullable=False),  # what acknowledgements name; empty: nobody waits for one
    Column("alert_id", Text, index=True),
    Column("kind", Text, nullable=False),
    Column("received_at", Utc, nullable=False),
    Column("device_at", Utc),
    Column("retained", Boolean, nullable=False),
    Column("faults", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
)
timeline_head = Table(
    "timeline_head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("n", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
)
timeline = Table(
    "timeline",
    metadata,
    Column("n", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("at", Utc, nullable=False),
    Column("alert_id", Text, index=True),
    Column("rule", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("ring", Boolean, nullable=False),
    Column("data", Text, nullable=False),
    Column("after", Text),
    Column("hash", Text, nullable=False),
)
timers = Table(
    "timers",
    metadata,
    Column("alert_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("due", Utc, nullable=False, index=True),
)
outbox = Table(
    "outbox",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("args", Text, nullable=False),
    Column("alert_id", Text),
    Column("state", Text, nullable=False),  # pending, done, failed
    Column("created_at", Utc, nullable=False),
    Column("free_at", Utc, nullable=False),  # until then the process that wrote or took it works on it
    Column("attempts", Integer, nullable=False),
    Column("error", Text),
    Index(
        "outbox_pending",
        "free_at",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
)
dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", Text, primary_key=True),
    Column("received_at", Utc, nullable=False),
    Column("device_id", Text, nullable=False),
    Column("leaf", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
)
# Which operators have a live console at which process; a process that died leaves its rows behind.
consoles = Table(
    "consoles",
    metadata,
    Column("operator_id", Text, primary_key=True),
    Column("node", Text, primary_key=True),
)
processes = Table(
    "processes",
    metadata,
    Column("node", Text, primary_key=True),
    Column("seen_at", Utc, nullable=False),
)

# The call log: one row per call. A fact is written once, when it happens; nothing in it is ever edited away.
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
