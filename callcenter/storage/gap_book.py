"""Writing and reading gaps: when nobody may have been heard, and who is still to be put on a roll because of it."""

from collections.abc import Awaitable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, or_, select, update

from callcenter.alerts.call_model import CallOutcome
from callcenter.alerts.gaps import Gap, GapKind, Settled, Wearer, turn
from callcenter.alerts.model import SYNTHETIC
from callcenter.alerts.roll import Listed
from callcenter.ids import new_id
from callcenter.storage import tables as t
from callcenter.storage.reading import Reader
from callcenter.storage.scope import EVERYTHING, Scope
from callcenter.storage.work import PROCESS_GONE_S

IN_VAIN = frozenset({CallOutcome.FAILED, CallOutcome.LOST, CallOutcome.BY_HAND, CallOutcome.ABANDONED})


@dataclass(frozen=True, slots=True)
class Standing:
    """What the living processes say together: whether any of them hears and can call; the gaps that go on."""

    hearing: bool
    calling: bool
    going_on: frozenset[GapKind]


def _gap(row: Row[Any]) -> Gap:
    return Gap(
        id=row.id,
        kind=GapKind(row.kind),
        began_at=row.began_at,
        ended_at=row.ended_at,
        settled_at=row.settled_at,
    )


def gap(connection: Connection, gap_id: str) -> Gap | None:
    row = connection.execute(select(t.gaps).where(t.gaps.c.id == gap_id)).first()
    return _gap(row) if row else None


def unsettled(connection: Connection) -> list[Gap]:
    """The oldest first."""
    query = select(t.gaps).where(t.gaps.c.settled_at.is_(None)).order_by(t.gaps.c.began_at, t.gaps.c.id)
    return [_gap(row) for row in connection.execute(query)]


def going_on(connection: Connection, kind: GapKind) -> Gap | None:
    g = t.gaps.c
    row = connection.execute(select(t.gaps).where(g.kind == kind.value, g.ended_at.is_(None)).order_by(g.id)).first()
    return _gap(row) if row else None


def add(
    connection: Connection, kind: GapKind, began: datetime, ended: datetime | None, *, now: datetime, by: str
) -> Gap:
    """`by`: the node that noticed."""
    made = Gap(id=new_id(now), kind=kind, began_at=began, ended_at=ended)
    row = {"id": made.id, "kind": kind.value, "began_at": began, "ended_at": ended}
    connection.execute(insert(t.gaps), [row | {"detected_at": now, "detected_by": by}])
    return made


def stretch(connection: Connection, gap_id: str, began: datetime, ended: datetime | None) -> None:
    """It was longer than was known."""
    connection.execute(update(t.gaps).where(t.gaps.c.id == gap_id).values(began_at=began, ended_at=ended))


def settle(connection: Connection, gap_id: str, how: Settled, *, now: datetime, by: str, reason: str = "") -> None:
    values = {"settled_at": now, "settled_by": by, "settled_how": how.value, "reason": reason}
    connection.execute(update(t.gaps).where(t.gaps.c.id == gap_id).values(**values))


def last_alive(connection: Connection) -> datetime | None:
    """When any process last proved that it could store."""
    at: datetime | None = connection.execute(select(func.max(t.processes.c.seen_at))).scalar()
    return at


def look(connection: Connection, now: datetime) -> Standing:
    """Of no living process nothing bad is said: that is another gap."""
    p = t.processes.c
    living = connection.execute(
        select(p.hearing, p.calling).where(p.seen_at > now - timedelta(seconds=PROCESS_GONE_S))
    ).all()
    kinds = connection.execute(select(t.gaps.c.kind).where(t.gaps.c.ended_at.is_(None))).scalars()
    return Standing(
        not living or any(one.hearing for one in living),
        not living or any(one.calling for one in living),
        frozenset(map(GapKind, kinds)),
    )


def _last_heard(column: Any, *fits: Any) -> Any:  # noqa: ANN401
    """Of each resident, or each house: how many devices, and when one of them was last heard."""
    d, s = t.devices.c, t.device_state.c
    query = select(column.label("whose"), func.max(s.seen_at).label("seen_at"))
    query = query.outerjoin_from(t.devices, t.device_state, s.device_id == d.id)
    return query.where(column.is_not(None), d.family != SYNTHETIC, *fits).group_by(column).subquery()


def _called_in_vain(connection: Connection, gap: Gap) -> set[str]:
    """Residents whose last call since it began, begun before it ended, came to nothing; and who gave up waiting."""
    c, b = t.calls.c, t.debts.c
    theirs = (c.party.like("resident:%"), c.wanted_at >= gap.began_at)
    before_end = () if gap.ended_at is None else (c.wanted_at <= gap.ended_at,)
    in_gap = select(c.party).where(*theirs, *before_end)
    query = select(c.party, c.outcome).where(*theirs, c.party.in_(in_gap)).order_by(c.wanted_at)
    last = {row.party: row.outcome for row in connection.execute(query)}
    owed = select(b.party).where(b.discharged_at.is_(None), b.opened_at >= gap.began_at, b.party.like("resident:%"))
    if gap.ended_at is not None:
        owed = owed.where(b.opened_at <= gap.ended_at)
    failed = {party for party, outcome in last.items() if outcome in IN_VAIN}
    return {party.removeprefix("resident:") for party in {*failed, *connection.execute(owed).scalars()}}


def _residents(gap: Gap, scope: Scope) -> Select[Any]:
    """Who lives here, is seen in that scope, and is on no roll of this gap yet."""
    p, h, d = t.residents.c, t.households.c, t.devices.c
    own, house = _last_heard(d.resident_id), _last_heard(d.household_id, d.resident_id.is_(None))
    listed = select(t.roll.c.resident_id).join(t.incidents, t.incidents.c.id == t.roll.c.incident_id)
    listed = listed.where(t.incidents.c.gap_id == gap.id, t.roll.c.resident_id == p.id)
    columns = (p.id, p.name, p.risk, p.born, p.household_id, h.address, h.area_id)
    query = select(
        *columns, own.c.whose.label("own"), own.c.seen_at.label("own_at"),
        house.c.whose.label("house"), house.c.seen_at.label("house_at"),
    )  # fmt: skip
    query = query.join(t.households, h.id == p.household_id)
    query = query.outerjoin(own, own.c.whose == p.id).outerjoin(house, house.c.whose == p.household_id)
    return query.where(p.left_on.is_(None), scope.where(h.area_id), ~listed.exists())


def left(connection: Connection, gap: Gap, scope: Scope = EVERYTHING) -> list[tuple[str, Listed]]:
    """(area, person) of everybody whom the gap concerns and who is on no roll for it."""
    in_vain = _called_in_vain(connection, gap)
    query = _residents(gap, scope)
    house = or_(query.selected_columns.own.is_not(None), query.selected_columns.house.is_not(None))
    rows = connection.execute(query.where(or_(house, t.residents.c.id.in_(sorted(in_vain))))).all()
    at_home = _people_of(connection, {row.household_id for row in rows})
    found = []
    for row in rows:
        wearer = Wearer(row.own_at, row.house_at, row.own is not None, row.id in in_vain)
        if (when := turn(gap, wearer)) is not None:
            alone = at_home.get(row.household_id) == 1
            person = Listed(row.id, row.name, row.household_id, row.address, row.risk, alone, row.born or "", when)
            found.append((row.area_id, person))
    return found


def _people_of(connection: Connection, households: Collection[str]) -> dict[str, int]:
    p = t.residents.c
    query = select(p.household_id, func.count()).where(p.left_on.is_(None)).group_by(p.household_id)
    return {house: people for house, people in connection.execute(query) if house in households}


def rolls(connection: Connection, gaps: Sequence[str]) -> dict[str, list[str]]:
    """The incidents by which each gap is worked, in the order in which they were raised."""
    i = t.incidents.c
    found: dict[str, list[str]] = {one: [] for one in gaps}
    for row in connection.execute(select(i.gap_id, i.id).where(i.gap_id.in_(gaps)).order_by(i.raised_at, i.id)):
        found[row.gap_id].append(row.id)
    return found


def people_left(connection: Connection, gap: Gap) -> int:
    return len(left(connection, gap))


@dataclass(frozen=True, slots=True)
class GapReads:
    """What is read to notice gaps, in threads of their own. Raise Unavailable."""

    read: Reader

    def standing(self, now: datetime) -> Awaitable[Standing]:
        return self.read(look, now)

    def unsettled(self) -> Awaitable[list[Gap]]:
        return self.read(unsettled)

    def people_left(self, gap: Gap) -> Awaitable[int]:
        return self.read(people_left, gap)
