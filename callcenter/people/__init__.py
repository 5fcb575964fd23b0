"""Who lives here and who helps: reading residents, devices, responders and what belongs to them from CSV files.

A wrong row is reported with its line and reason, right rows go in, and running it twice changes nothing.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from callcenter.clock import Clock, SystemClock, pause
from callcenter.people.rows import KINDS, ResidentRow, Row, parse
from callcenter.people.storing import put_and_tell, wrong_beside
from callcenter.storage.unit import Unit
from callcenter.storage.writer import Writer

__all__ = ["KINDS", "Report", "import_file"]

CHUNK = 100  # rows per transaction at most: an alarm never waits for a whole import
LONGEST_S = 0.2  # of a transaction, on a machine that is busy with other things
# Between two transactions. Who waits for SQLite's lock looks every 100 ms, and would never find it free otherwise.
BREATH_S = 0.12
IMPORT = "import"  # who says so


def breathe(_line: int) -> None:
    pause(BREATH_S)


@dataclass(slots=True)
class Report:
    """What an import did. `wrong` has (line of the file, reason)."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    wrong: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Pass:
    """One reading of one file, begun at `at`: what it has said so far."""

    at: datetime
    clock: Clock
    between: Callable[[int], None]
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

    def store(self, unit: Unit, line: int, row: Row) -> None:
        fault = next(wrong_beside(unit.connection, row, self.at), None)
        if wrong := fault.reason if fault else self.contradiction(row):
            self.report.wrong.append((line, wrong))
            return
        try:
            outcome = put_and_tell(unit, row, actor=IMPORT)
        except ValueError as error:
            self.report.wrong.append((line, str(error)))
            return
        setattr(self.report, outcome, getattr(self.report, outcome) + 1)


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
    between: Callable[[int], None] = breathe,
    clock: Clock | None = None,
) -> Report:
    """Read one CSV file (UTF-8, with a header) into the database. Raises OSError when it cannot be read.

    `between` two transactions is told the line that was stored last.
    """
    clock = clock or SystemClock()
    reading = _Pass(clock.now(), clock, between)
    pending: list[tuple[int, Row]] = []
    for line, row in _lines(path, kind):
        if isinstance(row, str):
            reading.report.wrong.append((line, row))
        else:
            pending.append((line, row))
        if len(pending) >= CHUNK:
            _store_chunk(writer, pending, reading)
            between(line)
            pending = []
    _store_chunk(writer, pending, reading)
    reading.report.wrong.sort()
    return reading.report


def _store_chunk(writer: Writer, rows: Sequence[tuple[int, Row]], reading: _Pass) -> None:
    """In one transaction, or in as many as it takes for none to be long."""
    while rows:
        done = _store_some(writer, rows, reading)
        if done < len(rows):
            reading.between(rows[done - 1][0])
        rows = rows[done:]


def _store_some(writer: Writer, rows: Sequence[tuple[int, Row]], reading: _Pass) -> int:
    """How many are stored."""
    began, done = reading.clock.monotonic(), 0
    with writer.unit(reading.at) as unit:
        for done, (line, row) in enumerate(rows, start=1):  # noqa: B007 (how far it came is what is asked)
            reading.store(unit, line, row)
            if reading.clock.monotonic() - began > LONGEST_S:
                break
    return done
