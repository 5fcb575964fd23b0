"""Who lives here: reading residents, devices and responders from CSV files.

A wrong row is reported with its line and reason, right rows go in, and running it twice changes nothing.
"""

import csv
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from sqlalchemy import Connection, Table, bindparam, insert, select, update

from callcenter.storage import tables as t
from callcenter.storage.writer import Writer

CHUNK = 500  # rows per transaction: an alarm never waits for a whole import

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,36}$")]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Phone = Annotated[str, Field(pattern=r"^(\+?[0-9][0-9 -]{2,24})?$")]
Longer = Annotated[str, Field(max_length=1000)]
Degrees = Annotated[float | None, BeforeValidator(lambda text: None if text == "" else text)]
YesNo = Annotated[bool, BeforeValidator(lambda text: {"yes": True, "no": False, "": False}.get(text, text))]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class _Contact(BaseModel):
    name: Name
    relation: Annotated[str, Field(max_length=50)] = ""
    phone: Phone = ""
    keyholder: YesNo = False


class ResidentRow(_Row):
    id: Id
    name: Name
    sex: Literal["f", "m", ""] = ""
    born: Annotated[str, Field(pattern=r"^([0-9]{4}(-[0-9]{2}-[0-9]{2})?)?$")] = ""
    phone: Phone = ""
    household_id: Id
    address: Annotated[str, Field(min_length=1, max_length=300)]
    area: Id
    area_name: Annotated[str, Field(max_length=100)] = ""
    lat: Annotated[Degrees, Field(ge=-90, le=90)] = None
    lon: Annotated[Degrees, Field(ge=-180, le=180)] = None
    entry_notes: Longer = ""
    risk: Literal["low", "normal", "high"] = "normal"
    conditions: Longer = ""
    medicines: Longer = ""
    allergies: Longer = ""
    contacts: list[_Contact] = []

    def rows(self) -> Iterator[tuple[Table, dict[str, Any]]]:
        yield t.areas, {"id": self.area, "name": self.area_name or self.area}
        yield (
            t.households,
            {
                "id": self.household_id,
                "address": self.address,
                "area_id": self.area,
                "lat": self.lat,
                "lon": self.lon,
                "entry_notes": self.entry_notes,
            },
        )
        own = self.model_dump(include={"id", "name", "sex", "phone", "household_id", "risk"})
        yield (
            t.residents,
            own | self.model_dump(include={"conditions", "medicines", "allergies"}) | {"born": self.born or None},
        )
        for position, contact in enumerate(self.contacts, start=1):
            key = {"id": f"{self.id}-{position}", "resident_id": self.id, "position": position}
            yield t.contacts, key | contact.model_dump()


class DeviceRow(_Row):
    id: Annotated[str, Field(pattern=r"^[a-z0-9-]{4,36}$")]
    family: Literal["bracelet", "home_phone"]
    model: Annotated[str, Field(max_length=50)] = ""
    resident_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,36}$")] = ""
    household_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,36}$")] = ""
    password: Annotated[str, Field(max_length=200)] = ""

    def rows(self) -> Iterator[tuple[Table, dict[str, Any]]]:
        if not (self.resident_id or self.household_id):
            raise ValueError("a device needs a resident_id or a household_id")
        own = self.model_dump(include={"id", "family", "model"})
        owner = {"resident_id": self.resident_id or None, "household_id": self.household_id or None}
        yield t.devices, own | owner | {"secret_hash": secret_hash(self.id, self.password) if self.password else ""}
        yield t.device_state, {"device_id": self.id}


class ResponderRow(_Row):
    id: Id
    name: Name
    kind: Literal["neighbour", "family", "village_doctor", "carer", "town_station", "district_command"]
    phone: Annotated[Phone, Field(min_length=3)]
    area: Id

    def rows(self) -> Iterator[tuple[Table, dict[str, Any]]]:
        yield t.areas, {"id": self.area, "name": self.area}
        yield t.responders, self.model_dump(exclude={"area"}) | {"area_id": self.area}


Row = ResidentRow | DeviceRow | ResponderRow
KINDS: dict[str, type[Row]] = {"residents": ResidentRow, "devices": DeviceRow, "responders": ResponderRow}
# Rows of these are only made, never changed, by an import that names them in passing.
ONLY_MADE = frozenset({"areas", "device_state"})


def secret_hash(device: str, secret: str) -> str:
    """Device secrets are long and random, so one round is enough; 40,000 bracelets connect in a minute."""
    return hashlib.sha256(f"{device}:{secret}".encode()).hexdigest()


@dataclass(slots=True)
class Report:
    """What an import did. `wrong` has (line of the file, reason)."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    wrong: list[tuple[int, str]] = field(default_factory=list)


def _contacts(row: dict[str, str]) -> list[dict[str, str]]:
    """The columns contact1_name, contact1_relation ... as a list, empty ones left out."""
    found = []
    for number in range(1, 10):
        names = ("name", "relation", "phone", "keyholder")
        contact = {name: (row.pop(f"contact{number}_{name}", "") or "").strip() for name in names}
        if contact["name"]:
            found.append(contact)
    return found


def _reason(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def _parse(kind: str, row: dict[str, Any]) -> Row | str:
    if None in row:
        return "more fields than the header names"
    if None in row.values():
        return "fewer fields than the header names"
    if any("\0" in value for value in row.values()):
        return "holds a NUL character"
    data: dict[str, Any] = dict(row)
    if kind == "residents":
        data["contacts"] = _contacts(data)
    try:
        return KINDS[kind].model_validate(data)
    except ValidationError as error:
        return _reason(error)


def _owner_missing(connection: Connection, row: Row) -> str | None:
    """A device must belong to somebody who is registered."""
    if not isinstance(row, DeviceRow):
        return None
    for table, owner in ((t.residents, row.resident_id), (t.households, row.household_id)):
        if owner and connection.execute(select(table.c.id).where(table.c.id == owner)).first() is None:
            return f"{table.name[:-1]} {owner} is not registered"
    return None


def _put(connection: Connection, table: Table, row: dict[str, Any]) -> str:
    """Insert or update one row; tells which, or that nothing changed."""
    key = next(iter(table.primary_key.columns))
    existing = (
        connection.execute(select(*(table.c[name] for name in row)).where(key == row[key.name])).mappings().first()
    )
    if existing is None:
        connection.execute(insert(table), [row])
        return "added"
    if table.name in ONLY_MADE or dict(existing) == row:
        return "unchanged"
    changes: dict[str, Any] = {name: bindparam(f"b_{name}") for name in row}
    values = {f"b_{name}": value for name, value in row.items()}
    connection.execute(
        update(table).where(key == bindparam("b_key")).values(changes), [values | {"b_key": row[key.name]}]
    )
    return "changed"


def _store(connection: Connection, line: int, row: Row, report: Report) -> None:
    if missing := _owner_missing(connection, row):
        report.wrong.append((line, missing))
        return
    try:
        parts = list(row.rows())
    except ValueError as error:
        report.wrong.append((line, str(error)))
        return
    outcome = _outcome(row, {table.name: _put(connection, table, values) for table, values in parts})
    setattr(report, outcome, getattr(report, outcome) + 1)


def _outcome(row: Row, by_table: dict[str, str]) -> str:
    """One word for the whole line: what happened to its main row, else whether anything beside it moved."""
    main = {ResidentRow: "residents", DeviceRow: "devices", ResponderRow: "responders"}[type(row)]
    if by_table[main] == "unchanged" and set(by_table.values()) != {"unchanged"}:
        return "changed"
    return by_table[main]


def import_file(writer: Writer, kind: str, path: Path, *, progress: Callable[[int], None] = lambda _n: None) -> Report:
    """Read one CSV file (UTF-8, with a header) into the database. Raises OSError when it cannot be read."""
    report = Report()
    pending: list[tuple[int, Row]] = []
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        for raw in reader:
            row = _parse(kind, raw)
            if isinstance(row, str):
                report.wrong.append((reader.line_num, row))
            else:
                pending.append((reader.line_num, row))
            if len(pending) >= CHUNK:
                _store_chunk(writer, pending, report)
                progress(reader.line_num)
                pending = []
    _store_chunk(writer, pending, report)
    report.wrong.sort()
    return report


def _store_chunk(writer: Writer, rows: Sequence[tuple[int, Row]], report: Report) -> None:
    if not rows:
        return
    with writer.transaction() as connection:
        for line, row in rows:
            _store(connection, line, row, report)
