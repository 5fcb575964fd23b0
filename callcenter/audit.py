"""The auditor's check: the timeline's numbers have no gap, every hash follows from the one before, and the register's
history says what the timeline has proved.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, inspect, select

from callcenter.storage import queries, register_book, tables as t
from callcenter.storage.records import GENESIS, chained

AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Verdict:
    whole: bool
    says: str


def exists(connection: Connection) -> bool:
    """Whether there is a timeline at all."""
    return inspect(connection).has_table(t.timeline.name)


def verify(connection: Connection) -> Verdict:
    """Read the whole timeline."""
    n, previous, erased = 0, GENESIS, 0
    while entries := queries.entries_after(connection, n, limit=AT_ONCE):
        for entry in entries:
            if entry.n != n + 1:
                return Verdict(False, f"Entry {n + 1} is missing: the next one is {entry.n}.")
            fields = {name: getattr(entry, name) for name in type(entry).__slots__}
            if chained(previous, fields) != entry.hash:
                return Verdict(False, f"Entry {entry.n} has been altered, or the one before it.")
            n, previous = entry.n, entry.hash
            if entry.rule.startswith("register."):
                proved = register_book.is_proved(connection, entry.n, entry.data)
                if proved is False:
                    return Verdict(False, f"What entry {n} says of the register has been altered in its history.")
                erased += proved is None
    head = connection.execute(select(t.timeline_head.c.n, t.timeline_head.c.hash)).first()
    if head is None:
        return Verdict(False, "The log has lost its head: nobody can tell where it ended.")
    if (head.n, head.hash) != (n, previous):
        return Verdict(False, f"The log ends at entry {n}, but entry {head.n} was the last one written.")
    gone = f" Of {erased} changes of the register the history has been erased." if erased else ""
    return Verdict(True, f"The timeline is whole: {n} entries, last hash {previous[:16]}.{gone}")
