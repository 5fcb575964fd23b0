"""What people say about a record on the console: the rows of the files with the same checks, and no field in passing.

A file names an area or a household and makes it where there is none; on the console that would be a slip of the pen.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar

from pydantic import ValidationError
from sqlalchemy import Connection

from callcenter.people.rows import (
    DOOR,
    TYPED,
    AreaRow,
    DeviceRow,
    Fault,
    ResidentRow,
    ResponderRow,
    Row,
    faults_of,
)
from callcenter.people.storing import is_there, wrong_beside
from callcenter.storage import register_book, tables as t
from callcenter.storage.scope import EVERYTHING, Scope, area_of


class ResidentFacts(ResidentRow):
    def door(self) -> dict[str, Any]:
        """What is empty here has been emptied."""
        return {name: getattr(self, name) for name in DOOR if name in self.model_fields_set}


class DeviceFacts(DeviceRow):
    may_be_nobodys: ClassVar[bool] = True  # taken back; its SOS is heard all the same


FORMS: Mapping[str, type[ResidentFacts | DeviceFacts | ResponderRow | AreaRow]] = {
    "residents": ResidentFacts,
    "devices": DeviceFacts,
    "responders": ResponderRow,
    "areas": AreaRow,
}


def read_facts(register: str, one: str, given: Mapping[str, Any]) -> Row | list[Fault]:
    """The row that the facts mean, or all that is wrong with them by themselves."""
    form = FORMS[register]
    try:
        return form.model_validate({**given, "id": one}, strict=True, context=TYPED)
    except ValidationError as error:
        return faults_of(error)


def wrong_here(connection: Connection, row: Row, at: datetime, scope: Scope) -> list[Fault]:
    """What is wrong beside what is registered, and what lies where whoever says it does not look."""
    found = list(wrong_beside(connection, row, at))
    return found or [*_not_made_in_passing(connection, row), *_outside(connection, row, scope)]


def _not_made_in_passing(connection: Connection, row: Row) -> Iterator[Fault]:
    if isinstance(row, ResidentRow | ResponderRow) and not is_there(connection, t.areas, row.area):
        yield Fault("area", "not_registered", f"area {row.area} is not registered")
    if isinstance(row, ResidentRow):
        yield from _another_door(connection, row)


def _another_door(connection: Connection, row: ResidentRow) -> Iterator[Fault]:
    """Who moves to people who are registered lives where they live; their house does not move along."""
    home = register_book.row_facts(connection, ("households", row.household_id))
    before = register_book.row_facts(connection, ("residents", row.id))
    if home is None or (before and before["household_id"] == row.household_id):
        return
    for name in ("address", "area", *DOOR):
        if name in row.model_fields_set and home[name] != getattr(row, name):
            yield Fault(name, "another_home", f"{name}: household {row.household_id} has another one")


def _outside(connection: Connection, row: Row, scope: Scope) -> Iterator[Fault]:
    for field, area in _lies_in(connection, row):
        if not scope.sees(area) or (area is None and field == "parent" and scope != EVERYTHING):
            yield Fault(field, "outside_area", f"{field}: that is not in your area")


def _lies_in(connection: Connection, row: Row) -> Iterator[tuple[str, str | None]]:
    """(field, area) of what is said; a field that stays as it was is not said."""
    match row:
        case ResidentRow():
            yield "area", row.area
        case ResponderRow():
            yield "area", row.area
        case DeviceRow():
            yield "resident_id", area_of(connection, "resident", row.resident_id)
            home = register_book.row_facts(connection, ("households", row.household_id))
            yield "household_id", home["area"] if home else None
        case AreaRow():
            before = register_book.row_facts(connection, ("areas", row.id))
            if before is None or before["parent"] != row.parent:
                yield "parent", row.parent or None
