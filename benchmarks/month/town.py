"""The town as it is registered, and as it is: who lives there, who helps and when, and whose number is wrong."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from sqlalchemy import Connection

from benchmarks.month.plan import HOLIDAYS, START, Plan
from callcenter.alerts.duty import Interval, Override, Rota, on_duty, read_hours
from callcenter.clock import china
from callcenter.storage import tables as t
from callcenter.storage.engine import connect
from callcenter.storage.schema import migrate
from simulators.residents import build_town
from simulators.town import Resident, Responder, Town
from simulators.town_files import area_rows

MORE_NEIGHBOURS = (3, 7)  # a village has so many beside the two of the small town
HOURS = {
    "neighbour": ("", "", "mon-sun 06:00-22:00", "mon-fri 17:00-07:00; sat-sun 06:00-22:00", "mon-fri 08:00-18:00"),
    "family": ("", "mon-fri 18:00-08:00; sat-sun 00:00-24:00"),
    "village_doctor": ("mon-sat 07:00-21:00",),
    "carer": ("mon-fri 07:00-19:00; sat 08:00-12:00", "mon-sun 07:00-21:00"),
    "town_station": ("", "mon-sun 07:00-23:00"),
    "district_command": ("",),
}
# What has nobody: levels without a soul, as registered.
EMPTY_VILLAGE_LEVEL, EMPTY_NEIGHBOURS, EMPTY_STATIONS = 2, 1, 1
OPERATORS = ("operator1", "operator2", "operator3", "operator4")
DUTY = "duty1"
WEEK = timedelta(days=7)
SEATS = {name: f"+86100199{number:04d}" for number, name in enumerate(OPERATORS, start=1)}


@dataclass(slots=True)
class Volunteer:
    """A responder as they are."""

    id: str
    kind: str
    area: str
    phone: str
    hours: str
    absences: list[tuple[datetime, datetime]]
    stops_at: datetime | None = None
    back_at: datetime | None = None
    _weeks: dict[int, list[Interval]] = field(default_factory=dict)

    def on_duty(self, now: datetime) -> bool:
        """Worked out a week at a time: it is asked for each time somebody is to be rung."""
        week = (now - START) // WEEK
        if week not in self._weeks:
            overrides = tuple(Override(a, b, False) for a, b in self.absences)
            rota = Rota(read_hours(self.hours), overrides, frozenset(map(date.fromisoformat, HOLIDAYS)))
            self._weeks[week] = on_duty(rota, START + week * WEEK, START + (week + 1) * WEEK, china())
        return any(begins <= now < ends for begins, ends in self._weeks[week])


@dataclass(slots=True)
class Registered:
    """What the rest of the month has to know of the town."""

    town: Town
    volunteers: dict[str, Volunteer]
    bracelets: list[tuple[str, Resident]]
    home_phones: list[str]
    wrong: set[str]  # numbers that no carrier rings
    hired: list[Responder]
    by_phone: dict[str, Volunteer] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)  # responders who have switched themselves off, now
    at_ease: set[str] = field(default_factory=set)  # residents who pressed last by mistake


def _hire(found: Town, plan: Plan, dice: Random) -> list[Responder]:
    """The town's responders and more neighbours; some villages and one town lack a whole level."""
    hired = list(found.responders)
    villages = [area.id for area in found.areas]
    first = hired[0]
    for area in found.areas:
        for number in range(dice.randint(*MORE_NEIGHBOURS)):
            spot = {"lat": area.lat + dice.uniform(-0.004, 0.004), "lon": area.lon + dice.uniform(-0.004, 0.004)}
            id, phone = f"more-{area.id}-{number}", f"+86100188{len(hired):04d}"
            hired.append(
                Responder(id, id, "neighbour", phone, area.id, moves="walk", skills="", keys="", hours="", **spot)
            )
    no_level = set(dice.sample(villages, EMPTY_VILLAGE_LEVEL))
    no_neighbours = set(dice.sample(villages, EMPTY_NEIGHBOURS))
    towns = sorted({village.rpartition("-")[0] for village in villages})
    no_station = set(dice.sample(towns, EMPTY_STATIONS))
    assert first.kind == "neighbour"
    return [
        one
        for one in hired
        if not (one.kind in ("village_doctor", "carer") and one.area in no_level)
        and not (one.kind in ("neighbour", "family") and one.area in no_neighbours)
        and not (one.kind == "town_station" and one.area in no_station)
    ]


def _volunteer(one: Responder, plan: Plan, dice: Random) -> Volunteer:
    """With hours of their own; one in four is away for some days, one in twenty stops, half of those come back."""
    volunteer = Volunteer(one.id, one.kind, one.area, one.phone, dice.choice(HOURS[one.kind]), [])
    if dice.random() < 0.25:
        starts = START + timedelta(days=dice.uniform(0, plan.days))
        volunteer.absences.append((starts, starts + timedelta(days=dice.uniform(0.5, 6))))
    if dice.random() < 0.05 and one.kind != "district_command":
        volunteer.stops_at = START + timedelta(days=dice.uniform(0, plan.days * 0.8))
        if dice.random() < 0.5:
            volunteer.back_at = volunteer.stops_at + timedelta(days=dice.uniform(1, 8))
    return volunteer


def populate(plan: Plan) -> Registered:
    """Build the town; it is written down nowhere yet."""
    dice = plan.dice("town")
    found = build_town(plan.seed, plan.residents)
    hired = _hire(found, plan, dice)
    volunteers = {one.id: _volunteer(one, plan, dice) for one in hired}
    people = {person.id: person for person in found.residents}
    return Registered(
        found,
        volunteers,
        [(one.id, people[one.resident_id]) for one in found.devices if one.resident_id],
        [one.id for one in found.devices if not one.resident_id],
        _wrong_numbers(found, volunteers, plan, dice),
        hired,
        {volunteer.phone: volunteer for volunteer in volunteers.values()},
    )


def register(url: str, plan: Plan) -> Registered:
    """Build the town and write it into a new database."""
    town = populate(plan)
    migrate(url)
    engine = connect(url, writer=True, size=1)
    with engine.begin() as connection:
        _write_people(connection, town.town)
        _write_volunteers(connection, town.hired, town.volunteers)
        _write_staff(connection)
    engine.dispose()
    return town


def _wrong_numbers(found: Town, volunteers: dict[str, Volunteer], plan: Plan, dice: Random) -> set[str]:
    phones = [volunteer.phone for volunteer in volunteers.values() if volunteer.kind != "district_command"]
    phones += [contact.phone for person in found.residents for contact in person.contacts]
    phones += [person.phone for person in found.residents]
    return {phone for phone in dict.fromkeys(phones) if dice.random() < plan.wrong_numbers}


def _write_people(connection: Connection, found: Town) -> None:
    for area in area_rows(found.areas):
        connection.execute(t.areas.insert(), area | {"parent_id": area["parent"] or None, "parent": None})
    homes = {person.household.id: person.household for person in found.residents}
    connection.execute(
        t.households.insert(),
        [
            {"id": h.id, "address": h.address, "area_id": h.area.id, "lat": h.lat, "lon": h.lon, "entry_notes": ""}
            for h in homes.values()
        ],
    )
    connection.execute(
        t.residents.insert(),
        [
            {"id": p.id, "household_id": p.household.id, "name": p.name, "phone": p.phone, "risk": p.health.risk}
            for p in found.residents
        ],
    )
    contacts: list[dict[str, Any]] = [
        {"id": f"{p.id}-c{n}", "resident_id": p.id, "position": n, "name": c.name, "relation": c.relation}
        | {"phone": c.phone, "keyholder": c.keyholder}
        for p in found.residents
        for n, c in enumerate(p.contacts, start=1)
    ]
    connection.execute(t.contacts.insert(), contacts)
    connection.execute(
        t.devices.insert(),
        [
            {"id": d.id, "family": d.family, "resident_id": d.resident_id or None}
            | {"household_id": None if d.resident_id else d.household_id}
            for d in found.devices
        ],
    )


def _write_volunteers(connection: Connection, hired: list[Responder], volunteers: dict[str, Volunteer]) -> None:
    rows = [
        {"id": r.id, "name": r.name, "kind": r.kind, "phone": r.phone, "area_id": r.area, "lat": r.lat, "lon": r.lon}
        | {"moves": r.moves, "skills": r.skills, "keys": r.keys, "hours": volunteers[r.id].hours}
        for r in hired
    ]
    connection.execute(t.responders.insert(), rows)
    absences = [
        {
            "id": f"{volunteer.id}-{n}",
            "responder_id": volunteer.id,
            "starts": a,
            "ends": b,
            "on_duty": False,
            "why": "away",
        }
        for volunteer in volunteers.values()
        for n, (a, b) in enumerate(volunteer.absences)
    ]
    if absences:
        connection.execute(t.absences.insert(), absences)
    connection.execute(t.holidays.insert(), [{"id": day, "name": "holiday"} for day in HOLIDAYS])


def _write_staff(connection: Connection) -> None:
    rows = [
        {"id": name, "name": name.title(), "role": "operator", "password_hash": "", "created_at": START}
        for name in (*OPERATORS, DUTY)
    ]
    connection.execute(t.operators.insert(), rows)


def local_hour(now: datetime) -> float:
    local = now.astimezone(china())
    return local.hour + local.minute / 60


def at_hour(day: int, hour: float) -> datetime:
    """`hour` (0 to 24) of a day of the month, in the town."""
    midnight = datetime.combine(START.astimezone(china()).date() + timedelta(days=day), time(), china())
    return (midnight + timedelta(hours=hour)).astimezone(UTC)
