"""Who lives here and who helps: reading residents, devices, responders and what belongs to them from CSV files.

A wrong row is reported with its line and reason, right rows go in, and running it twice changes nothing.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from callcenter.clock import Clock, SystemClock
from callcenter.people.rows import KINDS, ResidentRow, Row, parse
from callcenter.people.storing import put_and_tell, wrong_beside
from callcenter.storage.unit import Unit
from callcenter.storage.writer import Writer

__all__ = ["KINDS", "Report", "import_file"]

CHUNK = 100  # rows per transaction: an alarm never waits for a whole import
IMPORT = "import"  # who says so


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
        with writer.unit(reading.at) as unit:
            for line, row in rows:
                reading.store(unit, line, row)
