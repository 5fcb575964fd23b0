"""Every table. Portable between SQLite and PostgreSQL; changed only together with a migration."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text, false, text, true

from callcenter.alerts.model import DRILL_KEY
from callcenter.storage.call_tables import (
    callbacks as callbacks,
    calls as calls,
    debts as debts,
    off_hook as off_hook,
    recordings as recordings,
    refused_phones as refused_phones,
    seats as seats,
)
from callcenter.storage.care_tables import (
    backups as backups,
    gaps as gaps,
)
from callcenter.storage.columns import (
    Utc as Utc,
    metadata as metadata,
)
from callcenter.storage.drill_tables import drill_mode as drill_mode
from callcenter.storage.factor_tables import (
    recovery_codes as recovery_codes,
    second_factors as second_factors,
)
from callcenter.storage.flood_tables import flood_mode as flood_mode
from callcenter.storage.offer_tables import offers as offers
from callcenter.storage.page_tables import (
    key_safes as key_safes,
    offer_positions as offer_positions,
    responder_links as responder_links,
    responder_presses as responder_presses,
)
from callcenter.storage.policy_tables import policies as policies
from callcenter.storage.registry_tables import (
    absences as absences,
    areas as areas,
    consents as consents,
    contacts as contacts,
    device_state as device_state,
    devices as devices,
    glass_breaks as glass_breaks,
    holidays as holidays,
    households as households,
    learned as learned,
    operators as operators,
    plans as plans,
    register_changes as register_changes,
    residents as residents,
    responders as responders,
    sessions as sessions,
)
from callcenter.storage.roll_tables import (
    incidents as incidents,
    roll as roll,
)

UNRESOLVED_SQL = text("state IN ('waiting', 'claimed', 'helping', 'handed_over')")


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
    Column("accepted_at", Utc),
    Column("arrived_at", Utc),
    Column("reopened_at", Utc),
    Column("moves_by", Utc),
    Column("more_at", Utc),
    Column("more_by", Utc),
    Column("plan", Text, nullable=False, server_default=""),  # plan_records.plan_text
    Column("steps_done", Text, nullable=False, server_default=""),
    Column("policy_version", Integer, nullable=False, server_default="0"),
    Column("policy_area", Text, nullable=False, server_default=""),
    Column("astray_at", Utc),
    Column("searchers", Text, nullable=False, server_default="[]"),  # JSON: kind:id of everybody who looks
    Column("searchers_wanted", Integer, nullable=False, server_default="0"),
    Column("found_at", Utc),
    Column("area_id", Text),  # where it opened; null: not known, and everybody sees it (scope.py)
    Column("held_until", Utc),
    # One unresolved alert per subject, also when two processes open one at the same time.
    Index("one_open_alert", "subject", unique=True, sqlite_where=UNRESOLVED_SQL, postgresql_where=UNRESOLVED_SQL),
    Index("alerts_by_state", "state", "opened_at"),
    Index("alerts_by_opening", "opened_at", "id"),
    Index("alerts_by_device", "device_id"),
    Index("alerts_by_owner", "owner_id", "opened_at"),
    Index("alerts_by_transfer", "transfer_to_id"),
)
PRACTISED = alerts.c.subject.startswith(DRILL_KEY, autoescape=True)  # opened by a supervisor to practise
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
    Column("area_id", Text),  # whose business it is, not part of what the hash proves (scope.py)
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
    Column("armed", Boolean, nullable=False, server_default=false()),  # one of them may sound
)
processes = Table(
    "processes",
    metadata,
    Column("node", Text, primary_key=True),
    Column("seen_at", Utc, nullable=False),
    Column("hearing", Boolean, nullable=False, server_default=true()),  # alarms reach it, and its answers leave
    Column("calling", Boolean, nullable=False, server_default=true()),  # one of its carriers works
)

# The call log: one row per call. A fact is written once, when it happens; nothing in it is ever edited away.
