"""A drill goes the way of every alert, and takes nothing real with it: no press, no place in the list, no figure."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from callcenter.alerts.model import Alert, Kind, Operator, State
from callcenter.alerts.rules import Refused
from callcenter.ports.room import DrillAlertWanted, DrillBegun, DrillStopped
from callcenter.storage import (
    consents,
    drill_book,
    flood_book,
    policy_past,
    queries,
    room_queries,
    statistic_queries,
)
from callcenter.storage.scope import EVERYTHING, Scope
from handlers.drills import DrillWatch
from tests.conftest import ManualClock
from tests.integration.conftest import Seats
from tests.integration.contract import assert_is
from tests.integration.office import ANN, BEN, CHIEF, Office, payload

WORDS = "Practise: she does not answer."
NUMBERS = count()  # of presses: each is another one, in every example


async def begin(office: Office, *, rings: bool = False) -> None:
    done = await office.door.submit(DrillBegun(CHIEF, rings=rings))
    assert not isinstance(done, Refused), done


async def practise(office: Office, kind: Kind = Kind.SOS, resident: str | None = "r-1", **more: str) -> Alert:
    made_up = {} if resident else {"name": "Nobody", "place": "Nowhere 1"}
    wanted = DrillAlertWanted(CHIEF, EVERYTHING, kind, WORDS, resident, **made_up | more)
    alert = await office.door.submit(wanted)
    assert isinstance(alert, Alert), alert
    return alert


def watch(office: Office) -> DrillWatch:
    async def look():
        return office.read(drill_book.seen)

    return DrillWatch(look, office.door.submit, office.clock)


def logged(office: Office) -> list[tuple[str, str, dict]]:
    return [(e.rule, e.actor, json.loads(e.data)) for e in office.entries() if e.rule.startswith("drill.")]


# -- nothing real ever becomes part of it


@dataclass
class Room:
    """What has happened to r-1 so far: which alert is the real one that is open, and the drills."""

    office: Office
    real: str | None = None
    drills: list[Alert] = field(default_factory=list)

    async def press(self, device: str, kind: str = "sos") -> None:
        taken = await self.office.press(device, msg=f"m{next(NUMBERS)}", kind=kind)
        assert taken.alert
        alert = self.office.alert(taken.alert)
        assert not alert.drill
        assert not alert.subject.practised
        assert alert.id not in {one.id for one in self.drills}
        assert taken.alert == (self.real or taken.alert), "it joins the real one, and opens one where there is none"
        assert self.real is not None or alert.press_count == 1
        self.real = taken.alert

    async def drill(self, kind: Kind) -> None:
        if len([one for one in self.drills if self.office.alert(one.id).state is not State.CLOSED]) < 6:
            self.drills.append(await practise(self.office, kind))

    async def work(self, action: str) -> None:
        """On the newest drill: whatever the machine makes of it."""
        if self.drills:
            await self.office.act(self.drills[-1].id, action, outcome="false_alarm", text="t")

    async def finish(self) -> None:
        if self.real:
            await self.office.acts(self.real, "claim")
            await self.office.acts(self.real, "resolve", outcome="helped_at_home")
            self.real = None

    async def end(self) -> None:
        await self.office.door.submit(DrillStopped(CHIEF))
        await begin(self.office)

    async def at_once(self, device: str) -> None:
        """In one commit: the press first, the drill first, and the drill's end between two presses."""
        wanted = DrillAlertWanted(CHIEF, EVERYTHING, Kind.FALL, WORDS, "r-1")
        body = payload(f"m{next(NUMBERS)}")
        done = await asyncio.gather(
            self.office.door.submit(wanted), self.office.sos(device, body), self.office.door.submit(DrillStopped(CHIEF))
        )
        assert self.office.alert(done[0].id).state is State.CLOSED
        assert self.real in (None, done[1].alert)
        self.real = done[1].alert
        assert not self.office.alert(done[1].alert).drill
        await begin(self.office)


STEPS = st.one_of(
    st.tuples(st.just("press"), st.sampled_from(["bracelet-1", "phone-1"]), st.sampled_from(["sos", "fall", "fire"])),
    st.tuples(st.just("drill"), st.sampled_from([Kind.SOS, Kind.FALL, Kind.FIRE, Kind.WANDER, Kind.SERVICE])),
    st.tuples(st.just("work"), st.sampled_from(["claim", "no_voice", "dispatch", "resolve", "close", "reopen"])),
    st.tuples(st.just("finish")),
    st.tuples(st.just("end")),
    st.tuples(st.just("at_once"), st.just("bracelet-1")),
)


def test_whatever_a_drill_does_a_press_opens_a_real_alert_or_joins_one(populated_url: str) -> None:
    """One house, pressed on while drills of who lives there begin, are worked and end, in any order."""
    with asyncio.Runner() as runner:
        office = Office(populated_url, ManualClock())
        runner.run(office.__aenter__())
        runner.run(begin(office))

        async def live(steps: list[tuple]) -> None:
            room = Room(office)
            for name, *arguments in steps:
                await getattr(room, name)(*arguments)
            office.clock.advance(5)
            await room.press("bracelet-1")
            await room.finish()
            await room.end()
            assert office.read(queries.alerts, state="waiting") == []

        @given(st.lists(STEPS, min_size=1, max_size=7))
        @settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        def holds(steps: list[tuple]) -> None:
            runner.run(live(steps))

        try:
            holds()
            office.assert_whole()
        finally:
            runner.run(office.__aexit__())


async def test_a_press_rings_at_once_although_a_drill_of_the_same_person_is_in_hand(office: Office) -> None:
    await begin(office)
    drill = await practise(office)
    await office.acts(drill.id, "claim")
    pressed = await office.press("bracelet-1")
    real = office.alert(pressed.alert)
    assert (real.state, real.drill, real.subject.key) == (State.WAITING, False, "resident:r-1")
    assert office.alert(drill.id).press_count == 1
    entry = next(entry for entry in office.entries() if entry.alert_id == real.id)
    assert (entry.rule, entry.ring) == ("alarm.opens", True)
    assert [level for _, ref, level, _ in office.acks() if ref == "p1"] == ["stored"]


# -- its place


async def test_it_ranks_below_everything_real_and_rings_consoles(office: Office) -> None:
    await begin(office)
    drill = await practise(office, Kind.FALL)
    service = await office.press("bracelet-2", kind="help")
    taken = await office.press("bracelet-3")
    await office.acts(taken.alert, "claim")
    assert [one.id for one in office.alerts("open")] == [service.alert, taken.alert, drill.id]
    assert [one.id for one in office.read(queries.alerts, limit=2)] == [service.alert, taken.alert]
    opened = next(entry for entry in office.entries() if entry.alert_id == drill.id)
    assert (opened.ring, opened.actor) == (True, f"operator:{CHIEF.id}")
    assert json.loads(opened.data) == {"src": "drill", "text": WORDS}
    assert json.loads(opened.after)["drill"] is True


async def test_it_counts_nowhere_and_rings_nobody(office: Office) -> None:
    since = office.clock.now()
    await begin(office)
    drill = await practise(office)
    await office.wait(400)  # the whole ladder, and it rings again
    assert office.alert(drill.id).state is State.WAITING
    assert {row.kind for row in office.rows("outbox") if row.alert_id == drill.id} == set()
    told = [json.loads(e.data)["effect"] for e in office.entries() if e.rule == "drill.not_rung"]
    assert "phone_group" in told, "what would have rung is written down"
    now = office.clock.now()
    assert office.read(queries.oldest_waiting, ["sos"]) is None
    assert office.read(queries.open_by_state) == {}
    assert office.read(flood_book.load, now).alarms == 0
    assert office.read(room_queries.waiting, EVERYTHING) == {}
    assert office.read(room_queries.answers, since, EVERYTHING) == []
    assert office.read(policy_past.recent, now) == []
    assert [fact.drill for fact in office.read(statistic_queries.alerts, since, now)] == [True]


async def test_it_opens_nobodys_whereabouts(office: Office) -> None:
    await begin(office)
    await practise(office, Kind.WANDER)
    assert office.read(consents.shows_position, "bracelet-1") is False
    await office.press("bracelet-1")
    assert office.read(consents.shows_position, "bracelet-1") is True


async def test_a_made_up_person_is_in_the_area_of_who_made_them_up(office: Office) -> None:
    await begin(office)
    alert = await practise(office, resident=None, area="d1")
    assert (alert.subject.resident, alert.subject.name, alert.area_id) == (None, "Nobody", "d1")
    assert (await practise(office)).area_id == "d1", "where the resident lives"


async def test_a_supervisor_practises_with_no_resident_beyond_their_area(office: Office) -> None:
    await begin(office)
    elsewhere = Scope(frozenset({"d9"}))
    refused = await office.door.submit(DrillAlertWanted(CHIEF, elsewhere, Kind.SOS, WORDS, "r-1"))
    assert isinstance(refused, Refused)
    assert refused.code == "not_found"


# -- its life


async def test_operators_work_it_to_the_end_like_any_alert(office: Office) -> None:
    await begin(office)
    drill = await practise(office)
    await office.acts(drill.id, "claim")
    await office.acts(drill.id, "note", text="calm")
    await office.acts(drill.id, "resolve", outcome="advice_by_phone", override=True)
    await office.acts(drill.id, "close", BEN)
    assert office.alert(drill.id).state is State.CLOSED


async def test_its_end_ends_every_alert_of_it_and_nothing_else(office: Office) -> None:
    await begin(office)
    drills = [await practise(office), await practise(office, Kind.FIRE), await practise(office, resident=None)]
    await office.acts(drills[1].id, "claim")
    pressed = await office.press("bracelet-1")
    assert await office.door.submit(DrillStopped(CHIEF)) is True
    assert [office.alert(one.id).state for one in drills] == [State.CLOSED] * 3
    assert office.alert(pressed.alert).state is State.WAITING
    assert {row.alert_id for row in office.rows("timers")} == {pressed.alert}
    assert [(rule, actor) for rule, actor, _ in logged(office)][-1] == ("drill.ended", f"operator:{CHIEF.id}")
    refused = await office.door.submit(DrillStopped(CHIEF))
    assert isinstance(refused, Refused)
    office.assert_whole()


async def test_left_alone_its_alerts_end_and_then_the_drill_and_no_real_one_does(office: Office) -> None:
    await begin(office)
    left, worked = await practise(office), await practise(office, resident=None)
    pressed = await office.press("bracelet-1")
    await office.wait(1790)
    await office.acts(worked.id, "claim")
    await office.wait(20)
    assert [office.alert(one).state for one in (left.id, worked.id)] == [State.CLOSED, State.CLAIMED]
    await watch(office).look()
    assert office.read(drill_book.running) is not None, "one is open still"
    await office.wait(60)
    assert office.alert(worked.id).state is State.CLOSED, "nobody has it in hand any more"
    each = watch(office)
    await each.look()
    assert each.as_dict() == {"drill": None}
    assert logged(office)[-1] == ("drill.ended", "system", {"alerts": 0, "why": "left_alone"})
    assert office.alert(pressed.alert).state is State.WAITING
    await office.wait(600)
    assert office.alert(pressed.alert).state is State.WAITING


async def test_one_drill_at_a_time_and_alerts_only_while_it_runs(office: Office) -> None:
    codes = []
    wanted = DrillAlertWanted(CHIEF, EVERYTHING, Kind.SOS, WORDS, "r-1")
    codes.append((await office.door.submit(wanted)).code)
    await begin(office)
    codes.append((await office.door.submit(DrillBegun(Operator("s2", "Other", supervisor=True), rings=True))).code)
    codes.append((await office.door.submit(DrillAlertWanted(CHIEF, EVERYTHING, Kind.BATTERY, WORDS, "r-1"))).code)
    for _ in range(20):
        await practise(office)
    codes.append((await office.door.submit(wanted)).code)
    assert codes == ["no_drill", "drill_runs", "missing", "not_allowed"]


@pytest.fixture
async def offices(populated_url: str, clock: ManualClock) -> AsyncIterator[list[Office]]:
    async with Office(populated_url, clock, node="n0") as one, Office(populated_url, clock, node="n1") as two:
        yield [one, two]


async def test_every_process_says_who_began_it_and_since_when(offices: list[Office]) -> None:
    one, two = offices
    watches = [watch(office) for office in offices]
    await begin(one)
    began = one.clock.now()
    await practise(two)
    await asyncio.gather(*(each.look() for each in watches))
    told = [each.as_dict()["drill"] for each in watches]
    assert told[0] == told[1]
    assert (told[0]["by"], told[0]["rings"], told[0]["open"]) == ({"id": CHIEF.id, "name": CHIEF.name}, False, 1)
    assert told[0]["since"] == began.isoformat(timespec="microseconds").replace("+00:00", "Z")
    await two.door.submit(DrillStopped(ANN))
    one.clock.advance(timedelta(seconds=2).total_seconds())
    await asyncio.gather(*(each.look() for each in watches))
    assert [each.as_dict() for each in watches] == [{"drill": None}] * 2


# -- by its way


@pytest.mark.one_database
async def test_a_supervisor_runs_it_and_nobody_else_and_every_beat_says_so(seats: Seats, worn: str) -> None:
    resident = worn.replace("bracelet", "r")
    wanted = {"kind": "fall", "words": WORDS, "resident_id": resident}
    for who in (seats.operator, seats.nobody):
        refused = 403 if who is seats.operator else 401
        assert (await who.ask("PUT", "/api/v1/drill", json={})).status == refused
        assert (await who.post("/api/v1/drill/alerts", wanted)).status == refused
        assert (await who.ask("DELETE", "/api/v1/drill")).status == refused
    chief = seats.chief
    assert (await chief.post("/api/v1/drill/alerts", wanted)).body["code"] == "no_drill"
    assert (await chief.ask("PUT", "/api/v1/drill", json={"rings": True})).status == 204
    try:
        assert (await chief.ask("PUT", "/api/v1/drill", json={})).body["code"] == "drill_runs"
        for wrong in ({"kind": "sos", "words": WORDS}, wanted | {"name": "x"}, wanted | {"words": " "}):
            assert (await chief.post("/api/v1/drill/alerts", wrong)).status == 400
        assert (await chief.post("/api/v1/drill/alerts", wanted | {"resident_id": "r-none"})).status == 404
        opened = (await chief.post("/api/v1/drill/alerts", wanted)).body["alert"]
        assert (opened["drill"], opened["resident_id"], opened["kind"]) == (True, resident, "fall")
        async with seats.seat.live() as live, asyncio.timeout(20):
            snapshot = await live.receive_json()
            assert_is(snapshot, "LiveSnapshot")
            assert snapshot["alerts"][-1]["id"] == opened["id"], "below everything real"
            while (frame := await live.receive_json())["type"] != "beat" or not (frame["drill"] or {}).get("open"):
                pass
            assert_is(frame, "LiveBeat")
        assert frame["drill"]["by"] == {"id": "supervisor1", "name": "Supervisor1"}
        assert (await chief.get("/api/v1/wall")).body["drill"] == frame["drill"]
    finally:
        assert (await chief.ask("DELETE", "/api/v1/drill")).status == 204
    assert (await chief.get(f"/api/v1/alerts/{opened['id']}")).body["alert"]["state"] == "closed"
