"""Tables of the second factor: one row for each operator who has, or is excused from, one; and recovery codes."""

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Table, Text

from callcenter.storage.columns import Utc, metadata

second_factors = Table(
    "second_factors",
    metadata,
    Column("operator_id", Text, ForeignKey("operators.id"), primary_key=True),
    Column("secret_sealed", LargeBinary, nullable=False),  # empty: they have none
    Column("confirmed_at", Utc),  # null: begun, and asked for by nothing yet
    Column("last_step", BigInteger, nullable=False),  # of the newest code that was taken; none is taken twice
    Column("excused_until", Utc),  # a supervisor has taken it away: so long none is demanded
)
recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("operator_id", Text, ForeignKey("operators.id"), primary_key=True),
    Column("code_hash", Text, primary_key=True),
    Column("used_at", Utc),
)
