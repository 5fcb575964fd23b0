"""The town's people as the centre would read them from its database, made once and held in memory."""

from collections import defaultdict
from dataclasses import replace

from benchmarks.month.town import DUTY, OPERATORS, Registered
from callcenter.alerts.call_model import Role
from callcenter.alerts.coverage import way_up
from callcenter.alerts.ranking import Spot
from callcenter.storage.directory import Askable, Home, Person
from callcenter.storage.unit_values import Known
from simulators.town import Responder
from simulators.town_files import area_rows

Helper = tuple[str, frozenset[str], Askable]  # id, houses to which they have the key, who


class Register:
    def __init__(self, town: Registered) -> None:
        self.residents: dict[str, Person] = {}
        self.homes: dict[str, Home] = {}  # of residents
        self.houses: dict[str, Home] = {}
        self.live_at: defaultdict[str, list[str]] = defaultdict(list)
        self.places: dict[str, str] = {}
        self.contacts: defaultdict[str, list[Person]] = defaultdict(list)  # of residents
        self.contact: dict[str, Person] = {}
        self.responder: dict[str, Person] = {}
        self.operators = {name: name.title() for name in (*OPERATORS, DUTY)}
        self.parents = {row["id"]: row["parent"] or None for row in area_rows(town.town.areas)}
        self.tops = sorted(area for area, parent in self.parents.items() if parent is None)
        self.devices: dict[str, Known] = {}
        self.worn: defaultdict[str, list[str]] = defaultdict(list)  # of residents
        self.by_number: defaultdict[str, list[Person]] = defaultdict(list)
        self.volunteers = town.volunteers
        self._askable: dict[str, Askable] = {}
        self.standing: dict[tuple[str, int | None, bool, bool], Askable] = {}  # as they were asked before
        self._around: dict[tuple[str | None, tuple[str, ...]], list[Helper]] = {}
        self._write_people(town)
        self._write_devices(town)
        self._write_responders(town.hired)

    def _write_people(self, town: Registered) -> None:
        for one in town.town.residents:
            house, home = one.household, Home(one.household.id, Spot(one.household.lat, one.household.lon))
            person = Person(
                f"resident:{one.id}", one.name, one.phone, Role.ELDER, one.health.risk,
                area=house.area.id, resident=one.id, household=house.id,
            )  # fmt: skip
            self.residents[one.id], self.places[one.id] = person, house.address
            self.homes[one.id] = self.houses[house.id] = home
            self.live_at[house.id].append(one.id)
            self.by_number[person.number].append(person)
        for one in town.town.residents:
            for number, theirs in enumerate(one.contacts, start=1):
                contact = Person(
                    f"contact:{one.id}-c{number}", theirs.name, theirs.phone, Role.FAMILY, theirs.relation,
                    keyholder=theirs.keyholder, resident=one.id,
                )  # fmt: skip
                self.contact[f"{one.id}-c{number}"] = contact
                self.contacts[one.id].append(contact)
                self.by_number[contact.number].append(contact)

    def _write_devices(self, town: Registered) -> None:
        houses = {one.household.id: one.household for one in town.town.residents}
        for one in town.town.devices:
            resident = self.residents.get(one.resident_id)
            home = resident.household if resident else one.household_id
            house = houses.get(home or "")
            self.devices[one.id] = Known(
                one.id,
                one.family,
                one.resident_id or None,
                None if one.resident_id else one.household_id,
                resident.name if resident else "",
                house.address if house else "",
                home,
                house.area.id if house else None,
                planned=False,
            )
            if resident:
                self.worn[one.resident_id].append(one.id)

    def _write_responders(self, hired: list[Responder]) -> None:
        for one in sorted(hired, key=lambda one: one.id):
            person = Person(f"responder:{one.id}", one.name, one.phone, Role.RESPONDER, one.kind, area=one.area)
            self.responder[one.id] = person
            self.by_number[person.number].append(person)
            self._askable[one.id] = Askable(
                person, one.kind, Spot(one.lat, one.lon), one.moves, frozenset(one.skills.split()),
            )  # fmt: skip
        self._keys = {one.id: frozenset(one.keys.split()) for one in hired}

    def askable(self, area: str | None, kinds: tuple[str, ...]) -> list[Helper]:
        """Everybody of these kinds in the area or above it, by id."""
        key = (area, kinds)
        if key not in self._around:
            near = way_up(area, self.parents) if area else self.tops
            self._around[key] = [
                (id, keys, replace(one, above=near.index(one.person.area)))
                for id, keys, one in self.everybody(kinds)
                if one.person.area in near
            ]
        return self._around[key]

    def everybody(self, kinds: tuple[str, ...]) -> list[Helper]:
        return [(id, self._keys[id], one) for id, one in self._askable.items() if one.kind in kinds]
