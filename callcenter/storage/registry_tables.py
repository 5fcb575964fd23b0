"""Tables of who lives here, what they wear, who helps and who works here."""

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, Table, Text, false

from callcenter.storage.columns import Utc, metadata

areas = Table(
    "areas",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False, server_default=""),  # district, town, village, neighbourhood
    Column("parent_id", Text, ForeignKey("areas.id", name="areas_parent_id_fkey"), index=True),
    Column("lat", Float),  # its centre, degrees (WGS 84)
    Column("lon", Float),
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
    # Nobody is deleted, and their devices are heard on (docs/adr/0026).
    Column("left_on", Text),
    Column("left_why", Text, nullable=False, server_default=""),  # moved, died, other
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
# What is to be done for a resident beyond the steps of config/plans.toml: a row for each step of their own plan.
plans = Table(
    "plans",
    metadata,
    Column("id", Text, primary_key=True),  # resident/kind/step
    Column("resident_id", Text, ForeignKey("residents.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),  # of alert, or `all`
    Column("position", Integer, nullable=False),
    Column("step", Text, nullable=False),
    Column("zh", Text, nullable=False),
    Column("en", Text, nullable=False),
    Column("required", Boolean, nullable=False),
    Column("done_by", Text, nullable=False),  # facts with spaces between
    Column("only_silent", Boolean, nullable=False),
)
# Since when each fact of a row is known: {field: RFC 3339}. Its own table, so that a list of people stays a list.
learned = Table(
    "learned",
    metadata,
    Column("register", Text, primary_key=True),  # residents, households, contacts
    Column("id", Text, primary_key=True),
    Column("fields", Text, nullable=False),
)
# Who said what of a record and when; one `n` of the timeline is one save. Facts of people: never in a log.
register_changes = Table(
    "register_changes",
    metadata,
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("register", Text, primary_key=True),  # the table: residents, households, devices ...
    Column("record", Text, primary_key=True),
    Column("fact", Text, primary_key=True),  # empty: the record itself was added
    Column("at", Utc, nullable=False),
    Column("actor", Text, nullable=False),
    Column("how", Text, nullable=False),  # added, changed, confirmed
    Column("before", Text, nullable=False),  # JSON
    Column("after", Text, nullable=False),
    Column("salt", Text, nullable=False),  # the timeline keeps a hash of the save with this
    Index("register_changes_of", "register", "record", "n"),
)
# What a resident has agreed to. How it came to be so is in register_changes.
consents = Table(
    "consents",
    metadata,
    Column("resident_id", Text, ForeignKey("residents.id"), primary_key=True),
    Column("purpose", Text, primary_key=True),  # consents.PURPOSES
    Column("given_on", Text),  # null: was asked, and refused
    Column("given_by", Text),  # in words: herself, her guardian
    Column("withdrawn_on", Text),
    Column("withdrawn_by", Text, nullable=False, server_default=""),
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
    Column("lat", Float),  # where they usually are
    Column("lon", Float),
    Column("moves", Text, nullable=False, server_default="walk"),
    Column("skills", Text, nullable=False, server_default=""),  # words with spaces between
    Column("keys", Text, nullable=False, server_default=""),  # ids of the households whose key they have
    Column("hours", Text, nullable=False, server_default=""),  # duty.read_hours; empty: day and night
    Column("agreed_on", Text),  # a volunteer's consent
    Column("stopped", Boolean, nullable=False, server_default=false()),  # their own switch: they are not asked
)
# On or off duty between two instants, whatever the hours say.
absences = Table(
    "absences",
    metadata,
    Column("id", Text, primary_key=True),
    Column("responder_id", Text, ForeignKey("responders.id"), nullable=False, index=True),
    Column("starts", Utc, nullable=False),
    Column("ends", Utc, nullable=False),
    Column("on_duty", Boolean, nullable=False),
    Column("why", Text, nullable=False, server_default=""),
)
holidays = Table(
    "holidays",
    metadata,
    Column("id", Text, primary_key=True),  # the day, 2026-10-01
    Column("name", Text, nullable=False, server_default=""),
)
operators = Table(
    "operators",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("area_id", Text),  # whose residents they see, with all below it; null: everybody (scope.py)
)
# Somebody has looked beyond their area, with a reason; it is reviewed afterwards.
glass_breaks = Table(
    "glass_breaks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("operator_id", Text, nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("broken_at", Utc, nullable=False),
    Column("until", Utc, nullable=False),
    Column("reviewed_at", Utc),
    Column("reviewed_by", Text),
    Column("note", Text, nullable=False, server_default=""),
)
sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("operator_id", Text, ForeignKey("operators.id"), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False),
    Column("revoked_at", Utc),
    Column("limited", Boolean, nullable=False, server_default=false()),  # until its operator has a second factor
)
