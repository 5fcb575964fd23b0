"""What one line of each file may say, and the rows of our tables that it means."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo
from sqlalchemy import Table

from callcenter.alerts.duty import read_hours
from callcenter.alerts.model import Kind
from callcenter.clock import china
from callcenter.storage import tables as t
from callcenter.storage.plan_book import step_key
from config.plans import StepId, StepWords, known_facts

TYPED = object()  # the context of what came as JSON: numbers are numbers there, and yes is true


def _written(read: Callable[[Any], Any]) -> BeforeValidator:
    """How something other than text stands in a file."""

    def before(value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401
        return value if info.context is TYPED else read(value)

    return BeforeValidator(before)


Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,36}$")]
Name = Annotated[str, Field(min_length=1, max_length=100)]
MOST_CONTACTS = 9  # as many as a file has columns for
DOOR = ("lat", "lon", "entry_notes")
Phone = Annotated[str, Field(pattern=r"^(\+?[0-9][0-9 -]{2,24})?$")]
Longer = Annotated[str, Field(max_length=1000)]
Latitude = Annotated[Annotated[float, Field(ge=-90, le=90)] | None, _written(lambda text: text or None)]
Longitude = Annotated[Annotated[float, Field(ge=-180, le=180)] | None, _written(lambda text: text or None)]
Words = Annotated[str, Field(max_length=500, pattern=r"^[A-Za-z0-9_ -]*$")]
YesNo = Annotated[bool, _written(lambda text: {"yes": True, "no": False, "": False}.get(text, text))]


def _readable_hours(text: str) -> str:
    read_hours(text)
    return text


def _known_facts(text: str) -> str:
    return " ".join(known_facts(tuple(text.split())))


def _of_our_time(day: date) -> date:
    """A year far away is a slip of the pen, and near the ends of the calendar it has no UTC."""
    if not 2000 <= day.year <= 2100:
        raise ValueError(f"{day.year:04} is not a year between 2000 and 2100")
    return day


def _real_day(text: str) -> str:
    if text:
        _of_our_time(date.fromisoformat(text))
    return text


def _in_utc(at: datetime) -> datetime:
    """People write local time."""
    _of_our_time(at)
    return (at if at.tzinfo else at.replace(tzinfo=china())).astimezone(UTC)


Day = Annotated[str, Field(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$"), AfterValidator(_real_day)]
Instant = Annotated[datetime, AfterValidator(_in_utc)]


def _area_and_above(area: str, name: str = "") -> Iterator[tuple[Table, dict[str, Any]]]:
    """An area named in passing. The spelling tells what lies above it: `d1-t2-v3` lies in `d1-t2` in `d1`."""
    parts = area.split("-")
    for length in range(1, len(parts) + 1):
        one, above = "-".join(parts[:length]), "-".join(parts[: length - 1]) or None
        yield t.areas, {"id": one, "name": (name if one == area else "") or one, "parent_id": above}


def secret_hash(device: str, secret: str) -> str:
    """Device secrets are long and random, so one round is enough; 40,000 bracelets connect in a minute."""
    return hashlib.sha256(f"{device}:{secret}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field. `code` is stable, `reason` says it in English, with the field's name."""

    field: str
    code: str
    reason: str


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Contact(BaseModel):
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
    left_on: Day = ""
    left_why: Literal["moved", "died", "other", ""] = ""
    contacts: Annotated[list[Contact], Field(max_length=MOST_CONTACTS)] = []

    def rows(self) -> Iterator[tuple[Table, dict[str, Any]]]:
        """What the file says, and no more: a column it does not have stays as it was."""
        yield from _area_and_above(self.area, self.area_name)
        yield t.households, {"id": self.household_id, "address": self.address, "area_id": self.area} | self.door()
        own = self.model_dump(include=self.model_fields_set & {c.name for c in t.residents.columns})
        yield t.residents, own | {name: own[name] or None for name in ("born", "left_on") if name in own}
        for position, contact in enumerate(self.contacts, start=1):
            key = {"id": f"{self.id}-{position}", "resident_id": self.id, "position": position}
            yield t.contacts, key | contact.model_dump()

    def door(self) -> dict[str, Any]:
        """Who lives with somebody need not repeat where the door is and how to get in."""
        said = {name: getattr(self, name) for name in DOOR}
        return {name: value for name, value in said.items() if value not in (None, "")}


class DeviceRow(_Row):
    may_be_nobodys: ClassVar[bool] = False
    id: Annotated[str, Field(pattern=r"^[a-z0-9-]{4,36}$")]
    family: Literal["bracelet", "home_phone"]
    model: Annotated[str, Field(max_length=50)] = ""
    resident_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,36}$")] = ""
    household_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,36}$")] = ""
    password: Annotated[str, Field(max_length=200)] = ""

    def rows(self) -> Iterator[tuple[Table, dict[str, Any]]]:
        if not (self.resident_id or self.household_id or self.may_be_nobodys):
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
    hours: Annotated[str, Field(max_length=500), AfterValidator(_readable_hours)] = ""
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
        """What the file says, and no more: a column it does not have stays as it was."""
        above = {"parent_id": self.parent or None} if "parent" in self.model_fields_set else {}
        yield t.areas, self.model_dump(include=self.model_fields_set - {"parent"}) | above


class AbsenceRow(_Row):
    """Away (or, with `on_duty` yes, there) from one local time to another, whatever the weekly hours say."""

    responder: Id
    starts: Instant
    ends: Instant
    on_duty: YesNo = False
    why: Annotated[str, Field(max_length=200)] = ""

    @property
    def id(self) -> str:
        return f"{self.responder}@{self.starts.isoformat()}"

    def rows(self) -> Iterator[tuple[Table, dict[str, Any]]]:
        if self.starts >= self.ends:
            raise ValueError("ends: not after starts")
        yield t.absences, self.model_dump(exclude={"responder"}) | {"id": self.id, "responder_id": self.responder}


class HolidayRow(_Row):
    day: Annotated[date, AfterValidator(_of_our_time)]
    name: Annotated[str, Field(max_length=100)] = ""

    @property
    def id(self) -> str:
        return self.day.isoformat()

    def rows(self) -> Iterator[tuple[Table, dict[str, Any]]]:
        yield t.holidays, {"id": self.id, "name": self.name}


class PlanRow(_Row):
    """One step of a resident's own plan, for alerts of one kind or of all behind which they may be in danger."""

    resident: Id
    kind: Kind | Literal["all"]
    position: Annotated[int, Field(ge=1, le=99)]
    step: StepId
    zh: StepWords = ""
    en: StepWords = ""
    required: YesNo = False
    done_by: Annotated[str, AfterValidator(_known_facts)] = ""
    only_silent: YesNo = False

    @property
    def id(self) -> str:
        return step_key(self.resident, self.kind, self.step)

    def rows(self) -> Iterator[tuple[Table, dict[str, Any]]]:
        if not (self.zh or self.en):
            raise ValueError("a step needs words, zh or en")
        own = self.model_dump(exclude={"resident"})
        yield t.plans, own | {"id": self.id, "resident_id": self.resident, "kind": str(self.kind)}


Row = ResidentRow | DeviceRow | ResponderRow | AreaRow | AbsenceRow | HolidayRow | PlanRow
KINDS: dict[str, type[Row]] = {
    "residents": ResidentRow,
    "devices": DeviceRow,
    "responders": ResponderRow,
    "areas": AreaRow,
    "absences": AbsenceRow,
    "holidays": HolidayRow,
    "plans": PlanRow,
}


def _contacts(row: dict[str, str]) -> list[dict[str, str]]:
    """The columns contact1_name, contact1_relation ... as a list, those wholly empty left out."""
    found = []
    for number in range(1, MOST_CONTACTS + 1):
        names = ("name", "relation", "phone", "keyholder")
        contact = {name: (row.pop(f"contact{number}_{name}", "") or "").strip() for name in names}
        if any(contact.values()):
            found.append(contact)
    return found


def faults_of(error: ValidationError) -> list[Fault]:
    found = []
    for one in error.errors():
        field = ".".join(map(str, one["loc"]))
        found.append(Fault(field, one["type"], f"{field}: {one['msg']}"))
    return found


def parse(kind: str, row: dict[str, Any]) -> Row | str:
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
        return faults_of(error)[0].reason
