"""The town as CSV files: what `python -m callcenter import` reads, and the fleet read back from them."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from simulators import census
from simulators.own_plans import PLAN_FIELDS, plan_rows
from simulators.residents import SPARE_BRACELET
from simulators.town import Area, Contact, InstalledDevice, Resident, Town

CONTACTS = 3
CONTACT_FIELDS = ("name", "relation", "phone", "keyholder")
RESIDENT_FIELDS = (
    *("id", "name", "sex", "born", "phone", "household_id", "address", "area", "area_name", "lat", "lon"),
    *("entry_notes", "risk", "conditions", "medicines", "allergies"),
    *(f"contact{n}_{name}" for n in range(1, CONTACTS + 1) for name in CONTACT_FIELDS),
)
DEVICE_FIELDS = ("id", "family", "model", "resident_id", "household_id", "password")
RESPONDER_FIELDS = ("id", "name", "kind", "phone", "area", "lat", "lon", "moves", "skills", "keys", "hours")
AREA_FIELDS = ("id", "name", "kind", "parent", "lat", "lon")


def _contact_columns(contacts: tuple[Contact, ...]) -> dict[str, str]:
    return {
        f"contact{n}_{name}": value
        for n, contact in enumerate(contacts, start=1)
        for name, value in (asdict(contact) | {"keyholder": "yes" if contact.keyholder else "no"}).items()
    }


def resident_row(person: Resident) -> dict[str, object]:
    home, health = person.household, person.health
    return {
        "id": person.id,
        "name": person.name,
        "sex": person.sex,
        "born": person.born,
        "phone": person.phone,
        "household_id": home.id,
        "address": home.address,
        "area": home.area.id,
        "area_name": home.area.name,
        "lat": home.lat,
        "lon": home.lon,
        "entry_notes": home.entry_notes,
        "risk": health.risk,
        "conditions": "、".join(health.conditions),
        "medicines": "、".join(health.medicines),
        "allergies": health.allergies,
        **_contact_columns(person.contacts),
    }


def device_row(device: InstalledDevice, password: str) -> dict[str, object]:
    """A bracelet belongs to a person and a home phone to a household, so each row fills one of the two."""
    belongs = device.resident_id != ""
    return {
        "id": device.id,
        "family": device.family,
        "model": device.model,
        "resident_id": device.resident_id,
        "household_id": "" if belongs else device.household_id,
        "password": password,
    }


def _write(path: Path, fields: tuple[str, ...], *, rows: Iterable[Mapping[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fields, restval="")
        writer.writeheader()
        writer.writerows(rows)


def area_rows(areas: Iterable[Area]) -> Iterable[dict[str, object]]:
    """District, towns and villages, each after the one it lies in; a town is where its first village is."""
    made: dict[str, dict[str, object]] = {}

    def put(id: str, words: list[str], *, kind: str, area: Area) -> None:
        row = {"id": id, "name": " ".join(words), "kind": kind, "parent": id.rpartition("-")[0]}
        made.setdefault(id, {**row, "lat": area.lat, "lon": area.lon})

    for area in areas:
        district, town, _village = area.id.split("-")
        words = area.name.split(" ")
        put(district, words[:1], kind="district", area=area)
        put(f"{district}-{town}", words[:2], kind="town", area=area)
        put(area.id, words, kind="village", area=area)
    return made.values()


def write_town(town: Town, directory: Path, *, password: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    _write(directory / "areas.csv", AREA_FIELDS, rows=area_rows(town.areas))
    _write(directory / "residents.csv", RESIDENT_FIELDS, rows=map(resident_row, town.residents))
    _write(directory / "devices.csv", DEVICE_FIELDS, rows=(device_row(d, password) for d in town.devices))
    _write(directory / "responders.csv", RESPONDER_FIELDS, rows=map(asdict, town.responders))
    _write(directory / "plans.csv", PLAN_FIELDS, rows=plan_rows(town.residents))


@dataclass(frozen=True, slots=True)
class FleetDevice:
    """A device with what its simulation has to know of its home and wearer."""

    id: str
    family: str
    model: str
    household_id: str
    lat: float
    lon: float
    wanders: bool


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_fleet(directory: Path) -> tuple[FleetDevice, ...]:
    """Every device but the spare bracelet and those in its home: what a visitor presses stays theirs."""
    people = _read(directory / "residents.csv")
    wearers = {row["id"]: row for row in people}
    homes = {row["household_id"]: row for row in people}
    rows = _read(directory / "devices.csv")
    kept_quiet = {wearers[row["resident_id"]]["household_id"] for row in rows if row["id"] == SPARE_BRACELET}
    fleet = []
    for row in rows:
        home = wearers.get(row["resident_id"]) or homes[row["household_id"]]
        if home["household_id"] in kept_quiet:
            continue
        wanders = row["family"] == "bracelet" and census.DEMENTIA in home["conditions"]
        place = float(home["lat"]), float(home["lon"])
        fleet.append(FleetDevice(row["id"], row["family"], row["model"], home["household_id"], *place, wanders))
    return tuple(fleet)
