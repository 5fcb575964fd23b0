"""Who lives here and who helps: reading residents, devices, responders and what belongs to them from CSV files.

A wrong row is reported with its line and reason, right rows go in, and running it twice changes nothing.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, insert, select, update

from callcenter.clock import Clock, SystemClock
from callcenter.people.rows import KINDS, AbsenceRow, AreaRow, DeviceRow, PlanRow, ResidentRow, Row, parse
from callcenter.storage import refused_phones, tables as t
from callcenter.storage.learned import DATED, learn
from callcenter.storage.network import around
from callcenter.storage.writer import Writer

__all__ = ["KINDS", "Report", "import_file"]

CHUNK = 500  # rows per transaction: an alarm never waits for a whole import
_MAIN = {row: kind for kind, row in KINDS.items()}  # the table a row is about
# Rows of these are only made, never changed, by an import that names them in passing.
ONLY_MADE = frozenset({"areas", "device_state"})


@dataclass(slots=True)
class Report:
    """What an import did. `wrong` has (line of the file, reason)."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    wrong: list[tuple[int, str]] = field(default_factory=list)


def _must_be_there(row: Row) -> Iterable[tuple[Table, str]]:
    """What the row names and does not make: the owner of a device, the area above, the responder who is away."""
    match row:
        case DeviceRow():
            return ((t.residents, row.resident_id), (t.households, row.household_id))
        case AreaRow():
            return ((t.areas, row.parent),)
        case AbsenceRow():
            return ((t.responders, row.responder),)
        case PlanRow():
            return ((t.residents, row.resident),)
        case _:
            return ()


def _wrong_beside(connection: Connection, row: Row) -> str | None:
    """Why this row cannot be true beside what is registered."""
    for table, named in _must_be_there(row):
        if named and connection.execute(select(table.c.id).where(table.c.id == named)).first() is None:
            return f"{table.name[:-1]} {named} is not registered"
    if isinstance(row, AreaRow) and row.id in around(connection, row.parent):
        return f"parent: {row.parent} lies in {row.id}"
    return None


def _put(connection: Connection, table: Table, row: dict[str, Any], *, only_made: bool, at: datetime) -> str:
    """Insert or update one row; tells which, or that nothing changed. What is new in it is known since `at`."""
    key = next(iter(table.primary_key.columns))
    existing = (
        connection.execute(select(*(table.c[name] for name in row)).where(key == row[key.name])).mappings().first()
    )
    new = [name for name, value in row.items() if existing is None or existing[name] != value]
    if existing is not None and (only_made or not new):
        return "unchanged"
    if "phone" in new and table.name in refused_phones.OF_TABLE:
        refused_phones.clear(connection, f"{refused_phones.OF_TABLE[table.name]}:{row[key.name]}")
    if table.name in DATED:
        learn(connection, table, row[key.name], new, at)
    if existing is None:
        connection.execute(insert(table), [row])
        return "added"
    changes: dict[str, Any] = {name: bindparam(f"b_{name}") for name in row}
    values = {f"b_{name}": value for name, value in row.items()}
    connection.execute(
        update(table).where(key == bindparam("b_key")).values(changes), [values | {"b_key": row[key.name]}]
    )
    return "changed"


def _forget_contacts(connection: Connection, row: ResidentRow) -> bool:
    """Whoever is no longer in the file no longer has the key. Tells whether there was anybody."""
    if "contacts" not in row.model_fields_set:
        return False
    gone = (t.contacts.c.resident_id == row.id) & (t.contacts.c.position > len(row.contacts))
    return connection.execute(delete(t.contacts).where(gone)).rowcount > 0


@dataclass(slots=True)
class _Pass:
    """One reading of one file, begun at `at`: what it has said so far."""

    at: datetime
    report: Report = field(default_factory=Report)
    ids: set[str] = field(default_factory=set)
    addresses: dict[str, tuple[str, str]] = field(default_factory=dict)  # household -> address, area

    def contradiction(self, row: Row) -> str | None:
        """Why this row cannot be true beside those above it."""
        if row.id in self.ids:
            return f"id {row.id} stands in the file before"
        if isinstance(row, ResidentRow):
            said = self.addresses.setdefault(row.household_id, (row.address, row.area))
            if said != (row.address, row.area):
                return f"household {row.household_id} has another address above: {said[0]}"
        self.ids.add(row.id)
        return None

    def store(self, connection: Connection, line: int, row: Row) -> None:
        try:
            parts = list(row.rows())
        except ValueError as error:
            self.report.wrong.append((line, str(error)))
            return
        if wrong := _wrong_beside(connection, row) or self.contradiction(row):
            self.report.wrong.append((line, wrong))
            return
        main = _MAIN[type(row)]
        done = {
            table.name: _put(
                connection, table, values, only_made=table.name != main and table.name in ONLY_MADE, at=self.at
            )
            for table, values in parts
        }
        outcome = _outcome(main, done)
        if isinstance(row, ResidentRow) and _forget_contacts(connection, row) and outcome == "unchanged":
            outcome = "changed"
        setattr(self.report, outcome, getattr(self.report, outcome) + 1)


def _outcome(main: str, by_table: dict[str, str]) -> str:
    """One word for the whole line: what happened to its main row, else whether anything beside it moved."""
    if by_table[main] == "unchanged" and set(by_table.values()) != {"unchanged"}:
        return "changed"
    return by_table[main]


def _lines(path: Path, kind: str) -> Iterator[tuple[int, Row | str]]:
    """(line, row or reason) of each row of a CSV file with a header."""
    with path.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.DictReader(text)
        while True:
            try:
                raw = next(reader)
            except StopIteration:
                return
            except csv.Error as error:  # a quote that nobody closed swallows lines until it is too much
                yield reader.line_num, str(error)
                continue
            yield reader.line_num, parse(kind, raw)


def import_file(
    writer: Writer,
    kind: str,
    path: Path,
    *,
    progress: Callable[[int], None] = lambda _line: None,
    clock: Clock | None = None,
) -> Report:
    """Read one CSV file (UTF-8, with a header) into the database. Raises OSError when it cannot be read."""
    reading = _Pass((clock or SystemClock()).now())
    pending: list[tuple[int, Row]] = []
    for line, row in _lines(path, kind):
        if isinstance(row, str):
            reading.report.wrong.append((line, row))
        else:
            pending.append((line, row))
        if len(pending) >= CHUNK:
            _store_chunk(writer, pending, reading)
            progress(line)
            pending = []
    _store_chunk(writer, pending, reading)
    reading.report.wrong.sort()
    return reading.report


def _store_chunk(writer: Writer, rows: Sequence[tuple[int, Row]], reading: _Pass) -> None:
    if rows:
        with writer.transaction() as connection:
            for line, row in rows:
                reading.store(connection, line, row)
