"""One row put into the register: what it may not contradict there, and what it changes."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, insert, select, update

from callcenter.clock import china
from callcenter.people.rows import KINDS, AbsenceRow, AreaRow, DeviceRow, Fault, PlanRow, ResidentRow, Row
from callcenter.storage import refused_phones, register_book, tables as t
from callcenter.storage.learned import DATED, learn
from callcenter.storage.network import around
from callcenter.storage.register_book import Key
from callcenter.storage.scope import area_of
from callcenter.storage.unit import Unit

# Rows of these are only made, never changed, by a row that names them in passing.
ONLY_MADE = frozenset({"areas", "device_state"})


def main_table(row: Row) -> str:
    """The table a row is about."""
    return next(kind for kind, rows in KINDS.items() if isinstance(row, rows))


def _must_be_there(row: Row) -> tuple[tuple[str, Table, str], ...]:
    """What the row names and does not make: the owner of a device, the area above, the responder who is away."""
    match row:
        case DeviceRow():
            return (("resident_id", t.residents, row.resident_id), ("household_id", t.households, row.household_id))
        case AreaRow():
            return (("parent", t.areas, row.parent),)
        case AbsenceRow():
            return (("responder", t.responders, row.responder),)
        case PlanRow():
            return (("resident", t.residents, row.resident),)
        case _:
            return ()


def is_there(connection: Connection, table: Table, one: str) -> bool:
    return connection.execute(select(table.c.id).where(table.c.id == one)).first() is not None


def wrong_beside(connection: Connection, row: Row, at: datetime) -> Iterator[Fault]:
    """Why this row cannot be true beside what is registered, or `at` that moment."""
    for field, table, named in _must_be_there(row):
        if named and not is_there(connection, table, named):
            yield Fault(field, "not_registered", f"{table.name[:-1]} {named} is not registered")
    if isinstance(row, AreaRow) and row.id in around(connection, row.parent):
        yield Fault("parent", "lies_within", f"parent: {row.parent} lies in {row.id}")
    if isinstance(row, ResidentRow):
        yield from _wrong_leaving(row, at)


def _wrong_leaving(row: ResidentRow, at: datetime) -> Iterator[Fault]:
    if bool(row.left_on) != bool(row.left_why):
        yield Fault("left_why" if row.left_on else "left_on", "together", "left_on and left_why go together")
    if row.left_on > at.astimezone(china()).date().isoformat():
        yield Fault("left_on", "in_future", "left_on: that day is still to come")


def put_and_tell(unit: Unit, row: Row, *, actor: str) -> str:
    """`put`, with what it changes written into the history of the register. To be added is told by who wants that."""
    about = main_table(row), str(row.id)
    if about[0] not in register_book.REGISTERS:
        return put(unit.connection, row, unit.now)
    keys: list[Key] = [about, *([("households", row.household_id)] if isinstance(row, ResidentRow) else [])]
    before = register_book.rows(unit.connection, keys)
    outcome = put(unit.connection, row, unit.now)
    if outcome != "unchanged" and before:
        changes = register_book.differences(before, register_book.rows(unit.connection, keys))
        area = area_of(unit.connection, about[0].removesuffix("s"), about[1])
        if changes:
            register_book.tell(unit, about, "changed", changes, actor=actor, area=area)
    return outcome


def put(connection: Connection, row: Row, at: datetime) -> str:
    """Insert or update all that the row means; one word for what happened. ValueError: it contradicts itself."""
    main = main_table(row)
    done = {
        table.name: _put(connection, table, values, only_made=table.name != main and table.name in ONLY_MADE, at=at)
        for table, values in list(row.rows())
    }
    outcome = _outcome(main, done)
    if isinstance(row, ResidentRow) and _forget_contacts(connection, row) and outcome == "unchanged":
        return "changed"
    return outcome


def _outcome(main: str, by_table: dict[str, str]) -> str:
    """What happened to its main row, else whether anything beside it moved."""
    if by_table[main] == "unchanged" and set(by_table.values()) != {"unchanged"}:
        return "changed"
    return by_table[main]


def _put(connection: Connection, table: Table, row: dict[str, Any], *, only_made: bool, at: datetime) -> str:
    """Insert or update one row; tells which, or that nothing changed. What is new in it is known since `at`."""
    key = next(iter(table.primary_key.columns))
    existing = (
        connection.execute(select(*(table.c[name] for name in row)).where(key == row[key.name])).mappings().first()
    )
    new = [name for name, value in row.items() if existing is None or existing[name] != value]
    if existing is not None and (only_made or not new):
        return "unchanged"
    if "phone" in new and table.name in refused_phones.OF_TABLE:
        refused_phones.clear(connection, f"{refused_phones.OF_TABLE[table.name]}:{row[key.name]}")
    if table.name in DATED:
        learn(connection, table.name, row[key.name], new, at)
    if existing is None:
        connection.execute(insert(table), [row])
        return "added"
    changes: dict[str, Any] = {name: bindparam(f"b_{name}") for name in row}
    values = {f"b_{name}": value for name, value in row.items()}
    connection.execute(
        update(table).where(key == bindparam("b_key")).values(changes), [values | {"b_key": row[key.name]}]
    )
    return "changed"


def _forget_contacts(connection: Connection, row: ResidentRow) -> bool:
    """Whoever is no longer in the list no longer has the key. Tells whether there was anybody."""
    if "contacts" not in row.model_fields_set:
        return False
    gone = (t.contacts.c.resident_id == row.id) & (t.contacts.c.position > len(row.contacts))
    return connection.execute(delete(t.contacts).where(gone)).rowcount > 0
