"""Who can be telephoned: residents, their contacts, responders and operators, with their numbers."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, case, false, func, insert, literal, or_, select, update

from callcenter.alerts.call_model import Role
from callcenter.alerts.duty import is_on_duty
from callcenter.alerts.ranking import Spot
from callcenter.clock import china
from callcenter.privacy import normalised
from callcenter.storage import network, tables as t


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a telephone. `party` is kind:id; `kind` of a responder is what they are (neighbour, carer ...)."""

    party: str
    name: str
    number: str  # E.164, empty: none known
    role: Role
    kind: str = ""
    keyholder: bool = False
    area: str | None = None
    resident: str | None = None  # whose contact it is, or who it is
    household: str | None = None  # of a resident


def resident(connection: Connection, resident_id: str) -> Person | None:
    query = select(t.residents, t.households.c.area_id).join(t.households).where(t.residents.c.id == resident_id)
    row = connection.execute(query).first()
    if row is None:
        return None
    return Person(
        f"resident:{row.id}",
        row.name,
        normalised(row.phone),
        Role.ELDER,
        row.risk,
        area=row.area_id,
        resident=row.id,
        household=row.household_id,
    )


def residents_of(connection: Connection, household: str) -> list[Person]:
    found = (resident(connection, one) for one in live_at(connection, household))
    return [person for person in found if person]


def live_at(connection: Connection, household: str) -> list[str]:
    """The ids of the residents of a household; who has left it does not live there."""
    r = t.residents.c
    there = (r.household_id == household) & r.left_on.is_(None)
    return list(connection.execute(select(r.id).where(there).order_by(r.id)).scalars())


def contacts(connection: Connection, resident_id: str) -> list[Person]:
    """In the order in which they want to be called."""
    c = t.contacts.c
    query = select(t.contacts).where(c.resident_id == resident_id).order_by(c.position)
    return [_contact(row) for row in connection.execute(query)]


def _contact(row: object) -> Person:
    r: Any = row
    party = f"contact:{r.id}"
    return Person(
        party, r.name, normalised(r.phone), Role.FAMILY, r.relation, keyholder=r.keyholder, resident=r.resident_id
    )


def contact(connection: Connection, contact_id: str) -> Person | None:
    row = connection.execute(select(t.contacts).where(t.contacts.c.id == contact_id)).first()
    return _contact(row) if row else None


def _responder(row: Row[Any]) -> Person:
    return Person(f"responder:{row.id}", row.name, normalised(row.phone), Role.RESPONDER, row.kind, area=row.area_id)


def responders(connection: Connection, area: str | None, kinds: tuple[str, ...], *, now: datetime) -> list[Person]:
    """Who may be asked in the area or above it: in the order of `kinds`, then who is on duty, then the nearest.

    Who is off duty comes last, but comes: nobody may be left without anybody to ask.
    """

    def turn(one: Askable) -> tuple[int, bool, int]:
        return kinds.index(one.kind), not one.on_duty, one.above or 0

    return [one.person for one in sorted(askable(connection, area, kinds, now=now), key=turn)]


def _spot(row: Any) -> Spot | None:  # noqa: ANN401 (a row with a place)
    return Spot(row.lat, row.lon) if row.lat is not None and row.lon is not None else None


@dataclass(frozen=True, slots=True)
class Askable:
    """Somebody who could go, with all that tells whether they should be asked first."""

    person: Person
    kind: str
    home: Spot | None = None
    moves: str = "walk"
    skills: frozenset[str] = frozenset()
    key: bool = False
    above: int | None = None  # how far above the resident's area theirs is
    on_duty: bool = True


def askable(
    connection: Connection, area: str | None, kinds: tuple[str, ...], *, household: str = "", now: datetime
) -> list[Askable]:
    """Responders of these kinds in the area or above it who have not stopped; by id.

    Of whom nobody knows where they are, those who stand above all areas.
    """
    r, zone = t.responders.c, china()
    near = network.around(connection, area) if area else network.tops(connection)
    found = network.roster(connection, r.area_id.in_(near), r.kind.in_(kinds), after=now)
    return [
        askable_row(row, household=household, on_duty=is_on_duty(rota, now, zone), above=near.index(row.area_id))
        for row, rota in found
    ]


def askable_row(row: Row[Any], *, household: str, on_duty: bool, above: int | None = None) -> Askable:
    return Askable(
        _responder(row),
        row.kind,
        home=_spot(row),
        moves=row.moves,
        skills=frozenset(row.skills.split()),
        key=household in row.keys.split(),
        above=above,
        on_duty=on_duty,
    )


@dataclass(frozen=True, slots=True)
class Home:
    """A household and where it is."""

    household: str = ""
    at: Spot | None = None


def home(connection: Connection, resident: str | None, household: str | None) -> Home:
    """Where somebody lives, or the house itself."""
    h, r = t.households.c, t.residents.c
    query = select(h.id, h.lat, h.lon)
    if resident:
        query = query.join(t.residents, r.household_id == h.id).where(r.id == resident)
    else:
        query = query.where(h.id == household)
    row = connection.execute(query).first()
    if row is None:
        return Home()
    return Home(row.id, _spot(row))


TYPED_BETWEEN = (" ", "-", "(", ")")
LEAST_DIGITS = 4  # fewer are part of too many numbers


def _spellings(number: str) -> list[str]:
    """How a number may stand in a list that people typed, without what they put between the digits."""
    bare = number.removeprefix("+")
    national = number.removeprefix("+86")
    return sorted({number, bare, f"00{bare}", national, f"0{national}"})


def _bare(phone: Column[str]) -> ColumnElement[str]:
    typed: ColumnElement[str] = phone
    for between in TYPED_BETWEEN:
        typed = func.replace(typed, between, "")
    return typed


def _is(phone: Column[str], number: str) -> ColumnElement[bool]:
    return _bare(phone).in_(_spellings(number))


def rings(phone: Column[str], typed: str) -> ColumnElement[bool]:
    """Whether what somebody typed into a search is part of that number, whatever stands between the digits."""
    digits = "".join(char for char in typed if char not in TYPED_BETWEEN).removeprefix("+86")
    if len(digits) < LEAST_DIGITS or not (digits.isascii() and digits.isdigit()):
        return false()
    return _bare(phone).contains(digits)


def by_number(connection: Connection, number: str) -> list[Person]:
    """Everybody who may be behind a caller's number: residents first, then family, then responders."""
    if not number:
        return []
    home = select(t.residents.c.id).where(_is(t.residents.c.phone, number)).order_by(t.residents.c.id)
    found = [person for one in connection.execute(home).scalars() if (person := resident(connection, one))]
    family = select(t.contacts).where(_is(t.contacts.c.phone, number)).order_by(t.contacts.c.id)
    found += [_contact(row) for row in connection.execute(family)]
    r = t.responders.c
    rows = connection.execute(select(t.responders).where(_is(r.phone, number)).order_by(r.id))
    return found + [replace(_responder(row), number=number) for row in rows]


def ready_operators(connection: Connection, area: str | None = None) -> list[Person]:
    """Seats that take calls, the one longest without a call first. Some may be on one (`CallBook.engaged`).

    Who does not see the area comes last: better somebody who has to break the glass than nobody.
    """
    s, of = t.seats.c, t.operators.c.area_id
    near = network.around(connection, area) if area else []
    elsewhere = case((or_(of.is_(None), of.in_(near)), 0), else_=1) if near else literal(0)
    query = (
        select(s.operator_id, s.phone, t.operators.c.name)
        .join(t.operators, t.operators.c.id == s.operator_id)
        .where(s.state == "ready", s.phone != "")
        .order_by(elsewhere, s.last_call_at.is_not(None), s.last_call_at, s.operator_id)
    )
    rows = connection.execute(query)
    return [Person(f"operator:{row.operator_id}", row.name, row.phone, Role.OPERATOR) for row in rows]


def responder(connection: Connection, responder_id: str) -> Person | None:
    """Any entry of the list, also those who are never asked by themselves (a hospital)."""
    row = connection.execute(select(t.responders).where(t.responders.c.id == responder_id)).first()
    return _responder(row) if row else None


def operator(connection: Connection, operator_id: str) -> Person | None:
    """An operator with the telephone of their seat; without one when they are away. `kind` is the seat's state."""
    s = t.seats.c
    query = select(t.operators.c.name, s.state, s.phone).select_from(t.operators).outerjoin(t.seats)
    row = connection.execute(query.where(t.operators.c.id == operator_id)).first()
    if row is None:
        return None
    there = row.state in ("ready", "busy")
    return Person(f"operator:{operator_id}", row.name, row.phone if there else "", Role.OPERATOR, row.state or "")


def seat(connection: Connection, operator: str) -> tuple[str, str] | None:
    """(state, phone) of an operator's seat."""
    row = connection.execute(select(t.seats.c.state, t.seats.c.phone).where(t.seats.c.operator_id == operator)).first()
    return (row.state, row.phone) if row else None


def set_seat(connection: Connection, operator: str, *, state: str, phone: str, now: datetime) -> None:
    values = {"state": state, "phone": phone, "since": now}
    changed = connection.execute(update(t.seats).where(t.seats.c.operator_id == operator).values(values))
    if changed.rowcount == 0:
        connection.execute(insert(t.seats).values(operator_id=operator, last_call_at=None, **values))


def gave_call(connection: Connection, operator: str, now: datetime) -> None:
    """The next call goes to somebody else."""
    connection.execute(update(t.seats).where(t.seats.c.operator_id == operator).values(last_call_at=now))


def place_of(connection: Connection, resident_id: str) -> str:
    """The address of a resident; empty: unknown."""
    home = select(t.households.c.address).join(t.residents, t.residents.c.household_id == t.households.c.id)
    return str(connection.execute(home.where(t.residents.c.id == resident_id)).scalar() or "")
