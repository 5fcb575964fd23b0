"""The roster of residents at risk, for a sheet of paper: where they live, who has a key, and what helpers must know.

Codes of key-safes are not in it: paper is lost.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from callcenter.alerts.roll import Listed, by_risk
from callcenter.storage import roll_book, tables as t
from callcenter.storage.scope import Scope

MOST = 1500  # people on one print: more are no list that anybody works through

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OnRoster:
    """One person. `keys`: responders who have a key of the house."""

    resident: Row
    household: Row
    alone: bool
    contacts: Sequence[Row] = ()
    keys: Sequence[Row] = ()


@dataclass(slots=True)
class Village:
    """The people of one area, the most urgent first."""

    id: str
    name: str
    people: list[OnRoster] = field(default_factory=list)


def areas(connection: Connection, scope: Scope) -> list[Row]:
    a = t.areas.c
    query = select(a.id, a.name, a.kind).where(scope.where(a.id)).order_by(a.id)
    return [dict(row) for row in connection.execute(query).mappings()]


def _by(rows: Iterable[Row], key: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return found


def _rows(connection: Connection, query: Any) -> list[Row]:  # noqa: ANN401
    return [dict(row) for row in connection.execute(query).mappings()]


def _keys(connection: Connection, households: set[str]) -> dict[str, list[Row]]:
    r = t.responders.c
    holders = _rows(connection, select(r.name, r.kind, r.phone, r["keys"]).where(r["keys"] != "").order_by(r.id))
    pairs = ((home, holder) for holder in holders for home in holder["keys"].split() if home in households)
    return _by(({**holder, "home": home} for home, holder in pairs), "home")


def roster(connection: Connection, area: str, *, everybody: bool) -> tuple[list[Village], int]:
    """The area with all below it, village by village; and how many more there are than fit (`MOST`).

    Without `everybody` those at high risk. The order is that in which an incident calls people (alerts/roll.py).
    """
    chosen = by_risk(one for one in roll_book.living_in(connection, area) if everybody or one.risk == "high")
    listed, more = chosen[:MOST], max(0, len(chosen) - MOST)
    return _villages(connection, listed), more


def _villages(connection: Connection, listed: Sequence[Listed]) -> list[Village]:
    ids, homes = [one.resident for one in listed], {one.household for one in listed}
    r, h, c, a = t.residents.c, t.households.c, t.contacts.c, t.areas.c
    houses = select(t.households, a.name.label("area_name")).join(t.areas, a.id == h.area_id).where(h.id.in_(homes))
    residents = _by(_rows(connection, select(t.residents).where(r.id.in_(ids))), "id")
    households = _by(_rows(connection, houses), "id")
    family = _rows(connection, select(t.contacts).where(c.resident_id.in_(ids)).order_by(c.position))
    contacts, keys = _by(family, "resident_id"), _keys(connection, homes)
    villages: dict[str, Village] = {}
    for one in listed:
        (home,), (resident,) = households[one.household], residents[one.resident]
        village = villages.setdefault(home["area_id"], Village(home["area_id"], home["area_name"]))
        known = (contacts.get(one.resident, ()), keys.get(one.household, ()))
        village.people.append(OnRoster(resident, home, one.alone, *known))
    return sorted(villages.values(), key=lambda village: village.id)
