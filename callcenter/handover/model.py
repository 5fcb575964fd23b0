"""What is handed over to 120: one frozen value in which every fact says since when it is known.

Times are aware UTC. `learned` is when the centre was told so: a fact of the register keeps it from the import that
last changed it, what happened carries its own time. None: nobody wrote down when, which is said and never guessed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

VERSION: Literal["handover.v1"] = "handover.v1"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing known, as it was told. An empty value: the centre knows nothing of it, which is a fact as well."""

    value: str
    learned: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """The resident. `id` is None when only a device pressed and nobody knows who wears it."""

    id: str | None
    name: Fact
    sex: Fact  # f, m or empty
    born: Fact  # a year or a date
    phone: Fact
    risk: Fact  # low, normal, high
    conditions: Fact
    medicines: Fact
    allergies: Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A place in degrees of `datum` (wgs84, gcj02, bd09); `fix` says how it was found, `acc_m` how exact it is."""

    lat: float
    lon: float
    acc_m: float | None
    fix: str
    datum: str
    learned: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where the crew goes, and how it gets in."""

    address: Fact
    entry_notes: Fact
    point: Point | None
    housemates: int  # other enrolled residents at this address


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Somebody to call, in the order in which they want to be called. `learned` is that of the oldest part."""

    name: str
    relation: str
    phone: str
    keyholder: bool
    learned: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """What was pressed or felt, since when, and how often."""

    kind: str
    opened_at: datetime
    last_press_at: datetime
    press_count: int
    device: str
    silent: bool  # the line was open and nobody spoke
    reached_at: datetime | None  # when the resident last spoke or pressed a key
    cancel_pressed: bool
    possibly_old: bool
    drill: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """Who has said that they go to the door; `learned` is when they said so."""

    party: str
    name: str
    phone: str
    learned: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What 120 answered: its case number, who took it, and when each was said."""

    case_number: Fact
    person: Fact
    first_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One line of the timeline that matters to a crew. `what` is the rule's identifier."""

    at: datetime
    what: str
    who: str  # an operator, or whom the entry is about; empty: nobody
    said: str  # what a person wrote


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Who answers when the crew rings back. `number` is empty when this centre has none of its own."""

    operator: str
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """Everything a crew needs of one alert, true at `as_of`."""

    v: Literal["handover.v1"]
    alert: str
    as_of: datetime
    alarm: Alarm
    person: Person
    home: Home
    position: Point | None  # where the device last was
    contacts: tuple[Contact, ...]
    going: Going | None
    taken: Taken | None
    happened: tuple[Happening, ...]  # oldest first
    desk: Desk
