"""Who may see what, by area: an operator of a town sees the town and all below it, one without an area everything.

What has no area is everybody's: an alarm of a bracelet that nobody has registered must not be invisible to all.
Test alarms have an area of their own, which is no place: nobody sees it but the prober, and it nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from callcenter.alerts.model import SYNTHETIC
from callcenter.storage import network, tables as t

TEST_AREA = f"~{SYNTHETIC}"  # no id of an area begins like this


@dataclass(frozen=True, slots=True)
class Scope:
    """`areas`: None is everything. `tests`: test alarms, and nothing of any person."""

    areas: frozenset[str] | None = None
    tests: bool = False

    def sees(self, area: str | None) -> bool:
        if self.tests or area == TEST_AREA:
            return self.tests and area == TEST_AREA
        return self.areas is None or not area or area in self.areas

    def where(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """The rows whose column names an area that is seen, or none."""
        if self.tests:
            return column == TEST_AREA
        if self.areas is None:
            return or_(column.is_(None), column != TEST_AREA)
        return or_(column.is_(None), column == "", column.in_(sorted(self.areas)))


EVERYTHING = Scope()
ONLY_TESTS = Scope(tests=True)


def scope_of(connection: Connection, area: str | None) -> Scope:
    """An area that is not in the tree any more is still that one, and nothing below it."""
    return Scope(frozenset({area, *network.subtree(connection, area)})) if area else EVERYTHING


# Of calls joined with their alert: an alert's own area before that of whoever was rung for it.
AREA_OF_CALL = func.coalesce(t.alerts.c.area_id, t.calls.c.area_id)
_HANDS = (t.alerts.c.owner_id, t.alerts.c.transfer_to_id)
_HOME = select(t.households.c.area_id).join(t.residents, t.residents.c.household_id == t.households.c.id)
# What an id in an address may name -> its area, and who has it in hand and sees it wherever it is.
_PLACED: Mapping[str, tuple[Select[Any], ColumnElement[Any]]] = {
    "alert": (select(t.alerts.c.area_id, *_HANDS), t.alerts.c.id),
    "call": (
        select(AREA_OF_CALL, *_HANDS).select_from(t.calls).outerjoin(t.alerts, t.alerts.c.id == t.calls.c.alert_id),
        t.calls.c.id,
    ),
    "offer": (
        select(t.alerts.c.area_id, *_HANDS).join(t.offers, t.offers.c.alert_id == t.alerts.c.id),
        t.offers.c.id,
    ),
    "resident": (_HOME, t.residents.c.id),
    # What is nobody's is everybody's.
    "device": (
        select(t.households.c.area_id)
        .select_from(t.devices)
        .outerjoin(t.residents, t.residents.c.id == t.devices.c.resident_id)
        .outerjoin(
            t.households, t.households.c.id == func.coalesce(t.residents.c.household_id, t.devices.c.household_id)
        ),
        t.devices.c.id,
    ),
    "responder": (select(t.responders.c.area_id), t.responders.c.id),
    "area": (select(t.areas.c.id), t.areas.c.id),
    "incident": (select(t.incidents.c.area_id), t.incidents.c.id),
}
REGISTERS = frozenset(_PLACED)


def area_of(connection: Connection, register: str, one: str) -> str | None:
    query, column = _PLACED[register]
    return connection.execute(query.where(column == one)).scalar()


def hides(connection: Connection, scope: Scope, operator: str, register: str, one: str) -> bool:
    """Whether this one exists and lies where the operator does not see."""
    query, column = _PLACED[register]
    row = connection.execute(query.where(column == one)).first()
    return row is not None and operator not in row[1:] and not scope.sees(row[0])
