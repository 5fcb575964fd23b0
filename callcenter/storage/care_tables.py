"""Tables of the centre's own care: backups that were made, and gaps after which people have to be checked."""

from sqlalchemy import BigInteger, Column, Table, Text

from callcenter.storage.columns import Utc, metadata

backups = Table(
    "backups",
    metadata,
    Column("id", Text, primary_key=True),  # the file's name; where it lies is nobody's business here
    Column("at", Utc, nullable=False),  # the moment it is of, not when it was finished
    Column("head_n", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
)
# A time in which presses may not have come in, or calls not have gone out (alerts/gaps.py). Never deleted.
gaps = Table(
    "gaps",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("began_at", Utc, nullable=False),
    Column("ended_at", Utc),  # None: it goes on
    Column("detected_at", Utc, nullable=False),
    Column("detected_by", Text, nullable=False),  # the node
    Column("settled_at", Utc, index=True),  # nobody is left to be put on a roll, or a named human has said why not
    Column("settled_by", Text, nullable=False, server_default=""),
    Column("settled_how", Text, nullable=False, server_default=""),  # swept, heard_again, dismissed
    Column("reason", Text, nullable=False, server_default=""),
)
