"""Gaps are noticed by the service itself, name those who must be checked, and end only when all are on a roll."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Connection, insert, update

from callcenter.alerts.gaps import Gap, GapKind
from callcenter.alerts.model import Operator
from callcenter.alerts.roll import Ask
from callcenter.alerts.rules import Refused
from callcenter.ports import NotStored
from callcenter.ports.room import GapDismissed, SweepWanted, Swept
from callcenter.storage import gap_book, roll_book, tables as t, work
from callcenter.storage.gap_book import GapReads
from callcenter.storage.scope import EVERYTHING, Scope
from handlers.gap_watch import GapWatch
from handlers.gaps import GapBegan, GapEnded, GapPassed, GapReviewed
from handlers.operator_actions import ServiceStarted
from tests.conftest import ManualClock
from tests.integration.office import ANN, CHIEF, Office

pytestmark = pytest.mark.one_database


def gaps(office: Office) -> Sequence[Gap]:
    return office.read(gap_book.unsettled)


async def hear(office: Office, *devices: str) -> None:
    def seen(connection: Connection) -> None:
        theirs = t.device_state.c.device_id.in_(devices)
        connection.execute(update(t.device_state).where(theirs).values(seen_at=office.clock.now()))

    await office.door.later(seen)


async def left(office: Office, gap: Gap, scope: Scope = EVERYTHING) -> set[str]:
    found = office.read(gap_book.left, office.read(gap_book.gap, gap.id), scope)
    return {person.resident for _, person in found}


def wanted(gap: Gap, by: Operator = CHIEF, scope: Scope = EVERYTHING, area: str | None = None) -> SweepWanted:
    return SweepWanted(gap.id, "我们想知道您是否平安。", Ask.BOTH, by, scope, area)


async def down(office: Office, seconds: float = 600, devices: Sequence[str] = ("bracelet-1", "bracelet-2")) -> Gap:
    """Two bracelets were heard, then no process lived for a while."""
    await hear(office, *devices)
    await office.beat()
    office.clock.advance(seconds)
    await office.door.submit(ServiceStarted())
    (gap,) = gaps(office)
    return gap


async def test_a_centre_that_was_away_says_from_when_to_when_and_whom_to_ask(office: Office) -> None:
    began = office.clock.now()
    gap = await down(office)
    assert (gap.kind, gap.began_at, gap.ended_at) == (GapKind.DOWN, began, office.clock.now())
    assert await left(office, gap) == {"r-1", "r-2"}
    office.clock.advance(1)
    await hear(office, "bracelet-2")
    assert await left(office, gap) == {"r-1"}, "it repeats what it had to say: that it is heard proves that nothing is"
    await office.door.submit(ServiceStarted())
    (same,) = gaps(office)
    assert same == gap, "the second process to start finds the first one living"
    assert "gap.passed" in [entry.rule for entry in office.entries()]


async def test_a_short_restart_is_none(office: Office) -> None:
    await office.beat()
    office.clock.advance(59)
    await office.door.submit(ServiceStarted())
    assert gaps(office) == []


async def test_a_supervisor_has_them_asked_and_then_it_is_settled(office: Office) -> None:
    gap = await down(office)
    refused = await office.door.submit(wanted(gap, by=ANN))
    assert isinstance(refused, Refused)
    assert refused.code == "not_supervisor"
    done = await office.door.submit(wanted(gap))
    assert isinstance(done, Swept)
    assert done.incident
    assert [entry.resident for entry in office.read(roll_book.entries, done.incident)] == ["r-1", "r-2"]
    assert office.read(roll_book.incident, done.incident).area == "d1", "its area sees it, and nobody else"
    assert gaps(office) == []
    again = await office.door.submit(wanted(gap))
    assert isinstance(again, Refused)
    office.assert_whole()


async def test_devices_heard_again_settle_it_and_one_that_is_not_keeps_it(office: Office) -> None:
    gap = await down(office)
    office.clock.advance(1)
    await hear(office, "bracelet-1")
    assert await office.door.submit(GapReviewed(gap.id)) is False
    await hear(office, "bracelet-2")
    assert await office.door.submit(GapReviewed(gap.id)) is True
    (row,) = office.rows("gaps")
    assert (row.settled_how, row.settled_by) == ("heard_again", "")


async def test_after_a_restore_no_heartbeat_settles_it(office: Office) -> None:
    now = office.clock.now()
    await office.door.later(
        lambda connection: gap_book.add(connection, GapKind.RESTORED, now, None, now=now, by="test").id
    )
    office.clock.advance(3600)
    await office.door.submit(ServiceStarted())
    (gap,) = gaps(office)
    assert gap.ended_at == office.clock.now(), "the start ends it, and is no gap of its own"
    everybody = await left(office, gap)
    office.clock.advance(1)
    await hear(office, *(f"bracelet-{number}" for number in range(1, 221)))
    assert await left(office, gap) == everybody
    assert len(everybody) == 220
    assert await office.door.submit(GapReviewed(gap.id)) is False


async def test_a_supervisor_of_an_area_has_their_own_people_asked_and_dismisses_nothing(office: Office) -> None:
    def elsewhere(connection: Connection) -> None:
        connection.execute(insert(t.areas), {"id": "d2", "name": "East"})
        connection.execute(update(t.households).where(t.households.c.id == "h-2").values(area_id="d2"))

    await office.door.later(elsewhere)
    gap = await down(office)
    east = Scope(frozenset({"d2"}))
    assert await left(office, gap, east) == {"r-2"}
    done = await office.door.submit(wanted(gap, scope=east, area="d2"))
    assert [entry.resident for entry in office.read(roll_book.entries, done.incident)] == ["r-2"]
    assert await left(office, gap) == {"r-1"}
    refused = await office.door.submit(GapDismissed(gap.id, "planned", CHIEF, east))
    assert (refused.code, len(gaps(office))) == ("outside_area", 1)
    assert await office.door.submit(GapDismissed(gap.id, "everybody was told before", CHIEF, EVERYTHING)) is True
    assert gaps(office) == []


async def test_two_trees_of_areas_have_a_roll_each(office: Office) -> None:
    def elsewhere(connection: Connection) -> None:
        connection.execute(insert(t.areas), {"id": "d2", "name": "East"})
        connection.execute(insert(t.areas), {"id": "d2-v", "name": "Village", "parent_id": "d2"})
        connection.execute(update(t.households).where(t.households.c.id == "h-2").values(area_id="d2-v"))

    await office.door.later(elsewhere)
    gap = await down(office)
    one = await office.door.submit(wanted(gap))
    assert one.more
    two = await office.door.submit(wanted(gap))
    assert not two.more
    assert {office.read(roll_book.incident, done.incident).area for done in (one, two)} == {"d1", "d2"}
    assert gaps(office) == []


async def test_what_several_processes_tell_of_one_gap_is_one(office: Office) -> None:
    now = office.clock.now()
    for begins, ends in ((0, 100), (5, 130), (200, 300)):
        told = GapPassed(GapKind.NOT_STORING, now + timedelta(seconds=begins), now + timedelta(seconds=ends))
        await office.door.submit(told)
    one, two = gaps(office)
    assert ((one.ended_at or now) - one.began_at, (two.ended_at or now) - two.began_at) == (
        timedelta(seconds=130),
        timedelta(seconds=100),
    )
    assert await office.door.submit(GapBegan(GapKind.NOT_HEARING, now)) is True
    assert await office.door.submit(GapBegan(GapKind.NOT_HEARING, now)) is False
    assert await office.door.submit(GapEnded(GapKind.NOT_HEARING)) is True
    assert await office.door.submit(GapEnded(GapKind.NOT_HEARING)) is False


# -- the watch


class World:
    """What the watch is told about the processes, and whether anything is stored."""

    def __init__(self, office: Office) -> None:
        self.office, self.storing = office, True
        self.watch = GapWatch(GapReads(office.reader), office.door.submit, office.clock, storing=lambda: self.storing)

    async def beat(self, node: str = "test", *, hearing: bool = True, calling: bool = True) -> None:
        now, works = self.office.clock.now(), {"hearing": hearing, "calling": calling}
        await self.office.door.later(partial(work.beat, node=node, now=now, works=works))

    async def minutes(self, count: int, **works: bool) -> None:
        for _ in range(count * 12):
            await self.beat(**works)
            await self.watch.look()
            self.office.clock.advance(5)


@pytest.mark.parametrize(
    ("works", "kind"), [({"hearing": False}, GapKind.NOT_HEARING), ({"calling": False}, GapKind.NOT_CALLING)]
)
async def test_a_broker_or_carrier_that_is_away_is_a_gap_while_it_lasts(
    office: Office, works: dict[str, bool], kind: GapKind
) -> None:
    world, began = World(office), office.clock.now()
    await world.minutes(1, **works)
    assert gaps(office) == [], "shorter than that every device waits it out"
    await world.minutes(1, **works)
    (gap,) = gaps(office)
    assert (gap.kind, gap.began_at, gap.ended_at) == (kind, began, None)
    await world.minutes(1)
    ((row,), ends) = office.rows("gaps"), began + timedelta(minutes=2)
    assert row.ended_at == ends
    await world.minutes(1)
    assert gaps(office) == [], "it concerned nobody: no device was ever heard"


async def test_one_process_that_hears_is_enough(office: Office) -> None:
    world = World(office)
    for _ in range(40):
        await world.beat(hearing=False)
        await world.beat("other")
        await world.watch.look()
        office.clock.advance(5)
    assert gaps(office) == []


async def test_a_database_that_took_nothing_is_told_of_when_it_does_again(office: Office, clock: ManualClock) -> None:
    world, began = World(office), clock.now()
    world.storing = False
    await world.watch.look()
    clock.advance(200)
    world.storing = True

    async def refuses(_what: object) -> None:
        raise NotStored("not yet")

    submit, world.watch._submit = world.watch._submit, refuses
    with pytest.raises(NotStored):
        await world.watch.look()
    world.watch._submit = submit
    await world.watch.look()
    (row,) = office.rows("gaps")
    assert (row.kind, row.began_at, row.ended_at) == ("not_storing", began, clock.now())
    await world.watch.look()
    assert len(office.rows("gaps")) == 1


async def test_many_silent_devices_are_one_until_they_are_few(office: Office, clock: ManualClock) -> None:
    world, since = World(office), clock.now() - timedelta(minutes=20)
    await hear(office, "bracelet-1")
    await world.minutes(1)
    world.watch.devices_silent(since)
    await world.minutes(1)
    (gap,) = gaps(office)
    assert (gap.kind, gap.began_at, world.watch.unsettled) == (GapKind.SILENT_AREA, since, 1)
    world.watch.devices_silent(None)
    await world.beat()
    await world.watch.look()
    assert office.rows("gaps")[0].ended_at == clock.now()
