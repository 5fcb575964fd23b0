"""Who lives here and who helps: reading areas, residents, devices, responders, absences and holidays from CSV files.

A wrong row is reported with its line and reason, right rows go in, and running it twice changes nothing.
"""

import csv
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from sqlalchemy import Connection, Table, bindparam, delete, insert, select, update

from callcenter.alerts.coverage import way_up
from callcenter.alerts.duty import read_hours
from callcenter.clock import china
from callcenter.storage import tables as t
from callcenter.storage.writer import Writer

CHUNK = 500  # rows per transaction: an alarm never waits for a whole import

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,36}$")]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Phone = Annotated[str, Field(pattern=r"^(\+?[0-9][0-9 -]{2,24})?$")]
Longer = Annotated[str, Field(max_length=1000)]
Latitude = Annotated[Annotated[float, Field(ge=-90, le=90)] | None, BeforeValidator(lambda text: text or None)]
Longitude = Annotated[Annotated[float, Field(ge=-180, le=180)] | None, BeforeValidator(lambda text: text or None)]
Words = Annotated[str, Field(max_length=500, pattern=r"^[A-Za-z0-9_ -]*$")]
YesNo = Annotated[bool, BeforeValidator(lambda text: {"yes": True, "no": False, "": False}.get(text, text))]


def _readable_hours(text: str) -> str:
    read_hours(text)
    return text


def _with_zone(at: datetime) -> datetime:
    """People write local time."""
    return at if at.tzinfo else at.replace(tzinfo=china())


def _area_and_above(area: str, name: str = "") -> Iterator[tuple[Table, dict[str, Any]]]:
    """An area named in passing. The spelling tells what lies above it: `d1-t2-v3` lies in `d1-t2` in `d1`."""
    parts = area.split("-")
    for length in range(1, len(parts) + 1):
        one, above = "-".join(parts[:length]), "-".join(parts[: length - 1]) or None
        yield t.areas, {"id": one, "name": (name if one == area else "") or one, "parent_id": above}


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
    lat: Latitude = None
    lon: Longitude = None
    entry_notes: Longer = ""
    risk: Literal["low", "normal", "high"] = "normal"
    conditions: Longer = ""
    medicines: Longer = ""
    allergies: Longer = ""
    contacts: list[_Contact] = []

    def rows(self) -> Iterator[tuple[Table, dict[str, Any]]]:
        """What the file says, and no more: a column it does not have stays as it was."""
        yield from _area_and_above(self.area, self.area_name)
        # Who lives with somebody need not repeat where the door is and how to get in.
        door = {
            name: value for name in ("lat", "lon", "entry_notes") if (value := getattr(self, name)) not in (None, "")
        }
        yield t.households, {"id": self.household_id, "address": self.address, "area_id": self.area} | door
        said = self.model_fields_set & {c.name for c in t.residents.columns}
        own = self.model_dump(include=said)
        yield t.residents, own | ({"born": self.born or None} if "born" in said else {})
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
        # A file without passwords leaves the devices theirs.
        secret = {"secret_hash": secret_hash(self.id, self.password)} if self.password else {}
        yield t.devices, own | owner | secret
        yield t.device_state, {"device_id": self.id}


class ResponderRow(_Row):
    id: Id
    name: Name
    kind: Literal["neighbour", "family", "village_doctor", "carer", "town_station", "district_command", "hospital"]
    phone: Annotated[Phone, Field(min_length=3)]
    area: Id
    lat: Latitude = None
    lon: Longitude = None
    moves: Literal["walk", "bike", "car"] = "walk"
    skills: Words = ""
    keys: Words = ""
    hours: Annotated[str, AfterValidator(_readable_hours)] = ""
    agreed_on: Annotated[str, Field(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")] = ""
    stopped: YesNo = False

    def rows(self) -> Iterator[tuple[Table, dict[str, Any]]]:
        """What the file says, and no more: a column it does not have stays as it was."""
        yield from _area_and_above(self.area)
        own = self.model_dump(include=self.model_fields_set - {"area"})
        agreed = {"agreed_on": self.agreed_on or None} if "agreed_on" in own else {}
        yield t.responders, own | agreed | {"area_id": self.area}


class AreaRow(_Row):
    id: Id
    name: Name
    kind: Literal["district", "town", "village", "neighbourhood"]
    parent: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,36}$")] = ""
    lat: Latitude = None
    lon: Longitude = None

    def rows(self) -> Iterator[tuple[Table, dict[str, Any]]]:
        yield t.areas, self.model_dump(exclude={"parent"}) | {"parent_id": self.parent or None}


class AbsenceRow(_Row):
    """Away (or, with `on_duty` yes, there) from one local time to another, whatever the weekly hours say."""

    responder: Id
    starts: datetime
    ends: datetime
    on_duty: YesNo = False
    why: Annotated[str, Field(max_length=200)] = ""

    @property
    def id(self) -> str:
        return f"{self.responder}@{self.starts.isoformat()}"

    def rows(self) -> Iterator[tuple[Table, dict[str, Any]]]:
        starts, ends = (_with_zone(at) for at in (self.starts, self.ends))
        if starts >= ends:
            raise ValueError("ends: not after starts")
        own = {"id": f"{self.responder}@{starts.astimezone(UTC).isoformat()}", "responder_id": self.responder}
        yield t.absences, own | {"starts": starts, "ends": ends, "on_duty": self.on_duty, "why": self.why}


class HolidayRow(_Row):
    day: date
    name: Annotated[str, Field(max_length=100)] = ""

    @property
    def id(self) -> str:
        return self.day.isoformat()

    def rows(self) -> Iterator[tuple[Table, dict[str, Any]]]:
        yield t.holidays, {"id": self.id, "name": self.name}


Row = ResidentRow | DeviceRow | ResponderRow | AreaRow | AbsenceRow | HolidayRow
KINDS: dict[str, type[Row]] = {
    "residents": ResidentRow,
    "devices": DeviceRow,
    "responders": ResponderRow,
    "areas": AreaRow,
    "absences": AbsenceRow,
    "holidays": HolidayRow,
}
_MAIN = {row: kind for kind, row in KINDS.items()}  # the table a row is about
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
    """The columns contact1_name, contact1_relation ... as a list, those wholly empty left out."""
    found = []
    for number in range(1, 10):
        names = ("name", "relation", "phone", "keyholder")
        contact = {name: (row.pop(f"contact{number}_{name}", "") or "").strip() for name in names}
        if any(contact.values()):
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
    if kind == "residents" and any(name.startswith("contact") for name in row):
        data["contacts"] = _contacts(data)
    try:
        return KINDS[kind].model_validate(data)
    except ValidationError as error:
        return _reason(error)


def _must_be_there(row: Row) -> Iterable[tuple[Table, str]]:
    """What the row names and does not make: the owner of a device, the area above, the responder who is away."""
    match row:
        case DeviceRow():
            return ((t.residents, row.resident_id), (t.households, row.household_id))
        case AreaRow():
            return ((t.areas, row.parent),)
        case AbsenceRow():
            return ((t.responders, row.responder),)
        case _:
            return ()


def _wrong_beside(connection: Connection, row: Row) -> str | None:
    """Why this row cannot be true beside what is registered."""
    for table, named in _must_be_there(row):
        if named and connection.execute(select(table.c.id).where(table.c.id == named)).first() is None:
            return f"{table.name[:-1]} {named} is not registered"
    if isinstance(row, AreaRow) and row.parent:
        parents = {area.id: area.parent_id for area in connection.execute(select(t.areas.c.id, t.areas.c.parent_id))}
        if row.id in way_up(row.parent, parents):
            return f"parent: {row.parent} lies in {row.id}"
    return None


def _put(connection: Connection, table: Table, row: dict[str, Any], *, only_made: bool) -> str:
    """Insert or update one row; tells which, or that nothing changed."""
    key = next(iter(table.primary_key.columns))
    existing = (
        connection.execute(select(*(table.c[name] for name in row)).where(key == row[key.name])).mappings().first()
    )
    if existing is None:
        connection.execute(insert(table), [row])
        return "added"
    if only_made or dict(existing) == row:
        return "unchanged"
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
    """One reading of one file: what it has said so far."""

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
            table.name: _put(connection, table, values, only_made=table.name != main and table.name in ONLY_MADE)
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
            yield reader.line_num, _parse(kind, raw)


def import_file(
    writer: Writer, kind: str, path: Path, *, progress: Callable[[int], None] = lambda _line: None
) -> Report:
    """Read one CSV file (UTF-8, with a header) into the database. Raises OSError when it cannot be read."""
    reading = _Pass()
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
