"""The register record by record: what each says, fact by fact, and who has changed or confirmed which of them.

The facts of a save lie in `register_changes`; the timeline has the save's number, its names and a salted hash. So the
log proves a history that only those see who may see people, and that can be erased without breaking the log
(docs/adr/0026).
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, func, insert, or_, select

from callcenter.storage import tables as t
from callcenter.storage.learned import learned
from callcenter.storage.records import canonical, rfc3339
from callcenter.storage.unit import Unit

Key = tuple[str, str]  # table, id
Facts = dict[str, Any]

# What clients and files call a column that points elsewhere.
CALLED = {"area_id": "area", "parent_id": "parent"}
COLUMN = {name: column for column, name in CALLED.items()}
_CONTACT = ("name", "relation", "phone", "keyholder")
_NUMBERS = frozenset({"lat", "lon"})  # may be unknown; of everything else "unknown" is empty text
_KEPT = frozenset({"id", "secret_hash"})  # of no fact, or of nobody's business
REGISTERS = {one.name: one for one in (t.residents, t.households, t.devices, t.responders, t.areas)}


@dataclass(frozen=True, slots=True)
class Change:
    """One fact of one record: as it was and as it is now."""

    register: str
    record: str
    fact: str
    before: Any
    after: Any


def row_facts(connection: Connection, key: Key) -> Facts | None:
    """What one row says, as an import would say it; None: there is no such row."""
    register, record = key
    table = REGISTERS[register]
    row = connection.execute(select(table).where(table.c.id == record)).mappings().first()
    if row is None:
        return None
    facts = {
        CALLED.get(name, name): value if name in _NUMBERS or value is not None else ""
        for name, value in row.items()
        if name not in _KEPT
    }
    return facts | ({"contacts": _contacts(connection, record)} if register == "residents" else {})


def _contacts(connection: Connection, resident: str) -> list[dict[str, Any]]:
    c = t.contacts.c
    rows = connection.execute(
        select(*(c[name] for name in _CONTACT)).where(c.resident_id == resident).order_by(c.position)
    )
    return [dict(row) for row in rows.mappings()]


def rows(connection: Connection, keys: Iterable[Key]) -> dict[Key, Facts]:
    """Those of them that there are."""
    found = ((key, row_facts(connection, key)) for key in keys)
    return {key: facts for key, facts in found if facts is not None}


def record(connection: Connection, register: str, one: str) -> dict[Key, Facts]:
    """The rows of one record: of a resident also the household. Empty: there is no such record."""
    key = (register, one)
    found = rows(connection, [key])
    if key in found and register == "residents":
        found |= rows(connection, [("households", found[key]["household_id"])])
    return found


def housemates(connection: Connection, household: str, resident: str) -> list[dict[str, str]]:
    """Who else lives there now: what is said of the house is said of theirs."""
    r = t.residents.c
    there = (r.household_id == household) & (r.id != resident) & r.left_on.is_(None)
    return [dict(row) for row in connection.execute(select(r.id, r.name).where(there).order_by(r.id)).mappings()]


def flat(rows: Mapping[Key, Facts]) -> Facts:
    return {name: value for facts in rows.values() for name, value in facts.items()}


def differences(before: Mapping[Key, Facts], after: Mapping[Key, Facts]) -> list[Change]:
    """Of rows that were there before: who moves to another household changes neither of the two."""
    return [
        Change(*key, fact, facts.get(fact), value)
        for key, facts in before.items()
        for fact, value in after.get(key, {}).items()
        if facts.get(fact) != value
    ]


def added(key: Key) -> Change:
    return Change(*key, "", None, None)


# -- who said so


def tell(unit: Unit, about: Key, how: str, changes: Sequence[Change], *, actor: str, area: str | None) -> int:
    """Write one save down; gives its number. `how`: added, changed or confirmed."""
    salt = secrets.token_hex(16)
    names = sorted({change.fact for change in changes} - {""})
    data = {"register": about[0], "id": about[1], "facts": names, "proof": proof(salt, changes)}
    entry = unit.log(None, rule=f"register.{how}", actor=actor, data=data, area=area)
    saved = [
        {
            "n": entry.n, "register": change.register, "record": change.record, "fact": change.fact, "at": unit.now,
            "actor": actor, "how": how, "before": canonical(change.before), "after": canonical(change.after),
            "salt": salt,
        }
        for change in changes
    ]  # fmt: skip
    unit.connection.execute(insert(t.register_changes), saved)
    return entry.n


def proof(salt: str, changes: Iterable[Change]) -> str:
    """What the timeline keeps of a save: nobody can guess a fact from it, and nobody can alter one unseen."""
    said = sorted([c.register, c.record, c.fact, canonical(c.before), canonical(c.after)] for c in changes)
    return hashlib.sha256((salt + canonical(said)).encode()).hexdigest()


def is_proved(connection: Connection, n: int, data: str) -> bool | None:
    """Whether the history still says what entry `n` of the timeline, with this data, has proved; None: it is erased."""
    c = t.register_changes.c
    rows = connection.execute(select(t.register_changes).where(c.n == n)).all()
    if not rows:
        return None
    said = [Change(row.register, row.record, row.fact, json.loads(row.before), json.loads(row.after)) for row in rows]
    return bool(proof(rows[0].salt, said) == json.loads(data)["proof"])


def _of(keys: Iterable[Key]) -> Any:  # noqa: ANN401 (a condition)
    c = t.register_changes.c
    return or_(*(and_(c.register == register, c.record == one) for register, one in keys))


def version(connection: Connection, keys: Iterable[Key]) -> int:
    """The number of the newest save that changed any of these rows; 0: none is known. To confirm changes nothing."""
    c = t.register_changes.c
    query = select(func.max(c.n)).where(_of(keys), c.how != "confirmed")
    return connection.execute(query).scalar() or 0


def history(connection: Connection, keys: Iterable[Key], *, after: int = 0, limit: int = 100) -> list[dict[str, Any]]:
    """Who said what, the newest first (openapi.yaml, RegisterChange)."""
    c, o = t.register_changes.c, t.operators.c
    query = select(t.register_changes, o.name).outerjoin(t.operators, c.actor == "operator:" + o.id)
    rows = connection.execute(query.where(_of(keys), c.n > after).order_by(c.n.desc(), c.fact).limit(limit))
    return [
        {
            "n": row["n"], "at": rfc3339(row["at"]), "by": row["name"] or row["actor"], "how": row["how"],
            "fact": row["fact"], "before": json.loads(row["before"]), "after": json.loads(row["after"]),
        }
        for row in rows.mappings()
    ]  # fmt: skip


# -- since when


def columns_of(connection: Connection, rows: Mapping[Key, Facts], fact: str) -> list[tuple[str, str, list[str]]]:
    """(table, id, columns) in which a fact of a resident is dated: of the contacts every one, or that there is none."""
    if fact != "contacts":
        return [(*key, [COLUMN.get(fact, fact)]) for key, facts in rows.items() if fact in facts]
    resident = next(one for register, one in rows if register == "residents")
    ids = connection.execute(select(t.contacts.c.id).where(t.contacts.c.resident_id == resident)).scalars()
    return [("contacts", one, list(_CONTACT)) for one in ids] or [("residents", resident, ["contacts"])]


def known_since(connection: Connection, rows: Mapping[Key, Facts]) -> dict[str, str | None]:
    """Fact -> since when it is known, of several the oldest; None: nobody has written that down."""
    where = {fact: columns_of(connection, rows, fact) for fact in flat(rows)}
    dated = learned(connection, sorted({(table, one) for places in where.values() for table, one, _ in places}))
    since = {
        fact: [dated.get((table, one), {}).get(column) for table, one, columns in places for column in columns]
        for fact, places in where.items()
    }
    told = {fact: [at for at in ats if at] for fact, ats in since.items()}
    return {fact: rfc3339(min(ats)) if ats else None for fact, ats in told.items()}
