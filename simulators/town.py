"""The records a made-up town consists of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Area:
    """A village; its id spells its town and district: `d1-t2-v3` lies in `d1-t2` in `d1`."""

    id: str
    name: str
    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Contact:
    name: str
    relation: str
    phone: str
    keyholder: bool


@dataclass(frozen=True, slots=True)
class Household:
    id: str
    address: str
    area: Area
    lat: float
    lon: float
    entry_notes: str
    phone: str


@dataclass(frozen=True, slots=True)
class Health:
    risk: str
    conditions: tuple[str, ...]
    medicines: tuple[str, ...]
    allergies: str


@dataclass(frozen=True, slots=True)
class Resident:
    id: str
    name: str
    sex: str
    born: int
    phone: str
    household: Household
    health: Health
    contacts: tuple[Contact, ...]


@dataclass(frozen=True, slots=True)
class InstalledDevice:
    id: str
    family: str
    model: str
    household_id: str
    resident_id: str = ""


@dataclass(frozen=True, slots=True)
class Responder:
    id: str
    name: str
    kind: str
    phone: str
    area: str
    lat: float
    lon: float
    moves: str
    skills: str  # words with spaces between
    keys: str  # ids of households
    hours: str  # empty: day and night


@dataclass(frozen=True, slots=True)
class Town:
    areas: tuple[Area, ...]
    residents: tuple[Resident, ...]
    devices: tuple[InstalledDevice, ...]
    responders: tuple[Responder, ...]
