"""A made-up town of residents, devices and responders: the same (seed, size) gives the same town."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random

from simulators import census
from simulators.town import Area, Contact, Health, Household, InstalledDevice, Resident, Responder, Town

SPARE_BRACELET = "demo-bracelet"
REGISTER_YEAR = 2026  # ages are counted from here, so a town does not change on New Year's Eve
CENTRE_LAT, CENTRE_LON = 37.03, 122.08  # WGS-84, somewhere on a coast
VILLAGES_A_TOWN = 4


@dataclass(frozen=True, slots=True)
class Registry:
    """What the registrar draws from: dice, and telephone numbers nobody can own.

    Beijing's (10) subscriber numbers never start with 0, so +86 10 0xxx xxxx reaches no one; keep it so.
    """

    dice: Random
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def phone(self) -> str:
        return f"+86100{next(self._numbers):07d}"

    def name(self, sex: str, born: int, *, surname: str = "") -> str:
        generation = "old" if born < census.GENERATION_TURNS else "new"
        first, second = census.GIVEN[sex, generation]
        return (surname or self.dice.choice(census.SURNAMES)) + self.dice.choice(first) + self.dice.choice(second)

    def sex(self) -> str:
        return self.dice.choice("ffffmmm")  # women live longer


def _areas(size: int) -> tuple[Area, ...]:
    towns = min(len(census.TOWNS), 3 + size // 1000)
    return tuple(
        Area(
            id=f"d1-t{t + 1}-v{v + 1}",
            name=f"{census.DISTRICT} {census.TOWNS[t]} {census.VILLAGES[(2 * t + v) % len(census.VILLAGES)]}",
            lat=CENTRE_LAT + 0.035 * (t % 3) + 0.012 * (v // 2),
            lon=CENTRE_LON + 0.05 * (t // 3) + 0.018 * (v % 2) + 0.006 * t,
        )
        for t in range(towns)
        for v in range(VILLAGES_A_TOWN)
    )


def _household(registry: Registry, number: int, *, area: Area) -> Household:
    dice = registry.dice
    gate = f"{area.name.replace(' ', '')}{dice.randint(1, 180)}号（{dice.choice(census.GATES)}）"
    return Household(
        id=f"h-{number:04d}",
        address=gate,
        area=area,
        lat=round(area.lat + dice.uniform(-0.004, 0.004), 6),
        lon=round(area.lon + dice.uniform(-0.005, 0.005), 6),
        entry_notes=dice.choice(census.ENTRY_NOTES),
        phone=registry.phone(),
    )


def _health(dice: Random, born: int) -> Health:
    age = REGISTER_YEAR - born
    most = 1 + (age >= 70) + (age >= 80)
    conditions = tuple(dice.sample(list(census.CONDITIONS), dice.randint(0, most)))
    grave = len(census.GRAVE.intersection(conditions))
    return Health(
        risk="high" if grave >= 2 or age >= 90 or (grave and age >= 80) else "normal" if conditions else "low",
        conditions=conditions,
        medicines=tuple(m for m in map(census.CONDITIONS.__getitem__, conditions) if m),
        allergies=dice.choice(census.ALLERGIES),
    )


def _contacts(registry: Registry, surname: str, *, sex: str, born: int) -> tuple[Contact, ...]:
    dice = registry.dice
    wanted = dice.sample(list(census.RELATIONS), dice.randint(1, 3))
    key_with = dice.randrange(len(wanted))
    contacts = []
    for place, relation in enumerate(wanted):
        contact_sex, inherits = census.RELATIONS[relation]
        name = registry.name(
            contact_sex or registry.sex(),
            min(born + 26, 1990) if relation in census.FAMILY else born,
            surname=surname if inherits and sex == "m" else "",
        )
        contacts.append(Contact(name, relation, registry.phone(), keyholder=place == key_with or dice.random() < 0.2))
    return tuple(contacts)


def _resident(registry: Registry, number: int, *, household: Household, sex: str, near: int = 0) -> Resident:
    """`near` is a spouse's birth year, or 0."""
    dice = registry.dice
    low, high = dice.choices(list(census.AGE_BANDS), weights=list(census.AGE_BANDS.values()))[0]
    drawn = REGISTER_YEAR - dice.randint(low, high)
    born = min(max(near + dice.randint(-4, 4), REGISTER_YEAR - 100), REGISTER_YEAR - 60) if near else drawn
    surname = dice.choice(census.SURNAMES)
    return Resident(
        id=f"r-{number:04d}",
        name=registry.name(sex, born, surname=surname),
        sex=sex,
        born=born,
        phone=registry.phone() if dice.random() < 0.4 else household.phone,
        household=household,
        health=_health(dice, born),
        contacts=_contacts(registry, surname, sex=sex, born=born),
    )


def _residents(registry: Registry, size: int, *, areas: tuple[Area, ...]) -> tuple[Resident, ...]:
    people: list[Resident] = []
    for house in count(1):
        if len(people) >= size:
            break
        household = _household(registry, house, area=registry.dice.choice(areas))
        first = _resident(registry, len(people) + 1, household=household, sex=registry.sex())
        people.append(first)
        if len(people) < size and registry.dice.random() < 0.45:
            other = "m" if first.sex == "f" else "f"
            people.append(_resident(registry, len(people) + 1, household=household, sex=other, near=first.born))
    return tuple(people)


def _spare_wearer(people: tuple[Resident, ...]) -> Resident:
    """Somebody at risk who lives alone: the person a visitor presses for."""
    homes = Counter(person.household.id for person in people)
    alone = [person for person in people if homes[person.household.id] == 1]
    return next((p for p in alone if p.health.risk == "high"), (alone or list(people))[0])


def _devices(registry: Registry, people: tuple[Resident, ...]) -> tuple[InstalledDevice, ...]:
    dice = registry.dice
    spare = _spare_wearer(people)
    devices = [InstalledDevice(SPARE_BRACELET, "bracelet", "VB-3 GNSS", spare.household.id, spare.id)]
    for number, person in enumerate(people, start=1):
        wears = person.health.risk == "high" or dice.random() < 0.6
        if wears and person is not spare:
            model = dice.choice(census.BRACELET_MODELS)
            devices.append(InstalledDevice(f"b-{number:04d}", "bracelet", model, person.household.id, person.id))
    for home in dict.fromkeys(person.household.id for person in people):
        model = dice.choice(census.HOME_PHONE_MODELS)
        devices.append(InstalledDevice(f"p-{home[2:]}", "home_phone", model, home))
    return tuple(devices)


# kind -> how they move, what they can, when they are there
TRADES = {
    "neighbour": ("walk", "", ""),
    "family": ("bike", "", ""),
    "village_doctor": ("bike", "first_aid medical", "mon-sat 07:00-21:00"),
    "carer": ("bike", "first_aid lifting", ""),
    "town_station": ("car", "first_aid lifting", ""),
    "district_command": ("car", "", ""),
}


def _responders(registry: Registry, areas: tuple[Area, ...], *, people: tuple[Resident, ...]) -> tuple[Responder, ...]:
    """Two neighbours, a doctor and a carer a village, one of its families, a station a town, one command."""
    hired: list[Responder] = []

    def hire(kind: str, area: str, near: Area, *, name: str = "", phone: str = "", keys: str = "") -> None:
        moves, skills, hours = TRADES[kind]
        lat, lon = near.lat + 0.0008 * (len(hired) % 7 - 3), near.lon + 0.0011 * (len(hired) % 5 - 2)
        hired.append(
            Responder(
                id=f"resp-{len(hired) + 1:03d}",
                name=name or registry.name(registry.sex(), 1965),
                kind=kind,
                phone=phone or registry.phone(),
                area=area,
                lat=round(lat, 6),
                lon=round(lon, 6),
                moves=moves,
                skills=skills,
                keys=keys,
                hours=hours,
            )
        )

    for area in areas:
        for kind in ("neighbour", "neighbour", "village_doctor", "carer"):
            hire(kind, area.id, area)
        kin = ((p, c) for p in people if p.household.area == area for c in p.contacts if c.relation in census.FAMILY)
        for person, relative in kin:
            if relative.keyholder:
                hire("family", area.id, area, name=relative.name, phone=relative.phone, keys=person.household.id)
                break
    for town, first in {area.id.rpartition("-")[0]: area for area in reversed(areas)}.items():
        hire("town_station", town, first)
    hire("district_command", "d1", areas[0])
    return tuple(hired)


def build_town(seed: int, size: int) -> Town:
    if size < 1:
        raise ValueError("a town needs at least one resident")
    registry = Registry(Random(f"{seed}/{size}"))
    areas = _areas(size)
    people = _residents(registry, size, areas=areas)
    return Town(areas, people, _devices(registry, people), _responders(registry, areas, people=people))
