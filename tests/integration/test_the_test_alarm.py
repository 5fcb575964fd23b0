"""The centre's own test alarm goes the whole way and is seen by nobody; it counts nowhere and rings nobody."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import insert

from callcenter.alerts.model import SYNTHETIC, Operator, State
from callcenter.console.roles import ROLES
from callcenter.storage import factor_book, flood_book, queries, sessions, statistic_queries, synthetic, tables as t
from callcenter.storage.scope import ONLY_TESTS
from simulators.bracelet import Bracelet
from simulators.centre_api import CentreApi
from simulators.connection import Broker
from simulators.prober import Plan, Prober
from tests.conftest import Seat
from tests.integration.bracelet import bracelet, metrics_now
from tests.integration.conftest import Seats
from tests.integration.office import Office
from tests.processes import PASSWORD, Service

PROBER = Operator(synthetic.ACCOUNT, "Test alarm")
RINGING = {"phone_group", "phone_resident", "phone_operator", "ask_responders"}


@contextlib.asynccontextmanager
async def prober(centre: Service, *, username: str = synthetic.ACCOUNT) -> AsyncIterator[tuple[Prober, Bracelet]]:
    broker = Broker("127.0.0.1", centre.mqtt_port)
    plan = Plan(broker, centre.http, synthetic.DEVICE, username, PASSWORD, "", 0.1)
    worn = Bracelet(broker, plan.device, password=PASSWORD)
    async with CentreApi(plan.http, username, password=PASSWORD) as api:
        made = Prober(plan, api, worn)
        tasks = [asyncio.create_task(worn.run()), asyncio.create_task(made.watch())]
        try:
            yield made, worn
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.one_database
async def test_it_goes_the_whole_way_and_nobody_sees_it(centre: Service, seats: Seats, worn: str) -> None:
    before = await metrics_now(centre)
    heard = []
    async with seats.seat.live() as live, prober(centre) as (probing, device):
        assert (await live.receive_json(timeout=5))["type"] == "snapshot"
        assert await probing.round() == ""
        assert device.presses == []
        async with bracelet(centre.mqtt_port, worn) as real:  # after it, so that all of the test alarm has passed
            await real.press("p1")
            alert = (await real.answer())["alert"]
        while not any(frame.get("alert_id") == alert for frame in heard):
            heard.append(await live.receive_json(timeout=10))
        for _ in range(100):  # those of tests before this one may be closing still
            if (consoles := (await metrics_now(centre)).of("vnh_consoles_connected")) == 1:
                break
            await asyncio.sleep(0.05)
        assert consoles == 1, "the prober's feed is no console"
    told = [frame["alert"] for frame in heard if frame["type"] == "entry" and frame["alert"]]
    assert alert in {one["id"] for one in told}
    assert not any(one["drill"] or SYNTHETIC in str(one) for one in told)
    assert any(frame["type"] == "passed" for frame in heard)

    after = await metrics_now(centre)
    for name in ("vnh_alarms_received_total", "vnh_answer_seconds_count"):
        grown = sum(after[key] - before[key] for key in after if key[0] == name)
        assert grown == (1 if name == "vnh_alarms_received_total" else 0), name
    lists = ("alerts?state=all&limit=2000", "devices?limit=1000", "operators", "residents?limit=1000")
    assert [SYNTHETIC in str((await seats.chief.get(f"/api/v1/{path}")).body) for path in lists] == [False] * 4


@pytest.mark.one_database
async def test_consoles_and_prometheus_are_told_when_it_last_came_through(centre: Service, ann: Seat) -> None:
    async with prober(centre) as (probing, _), ann.live() as live:
        said = (await live.receive_json(timeout=5))["test_alarm_at"]
        assert said is not None
        assert await probing.round() == ""
        async with asyncio.timeout(20):
            while (frame := await live.receive_json()).get("test_alarm_at", said) == said:
                pass
    assert frame["type"] == "beat"
    seen = (await metrics_now(centre)).of("vnh_synthetic_last_success_timestamp_seconds")
    assert seen > 0


@pytest.mark.one_database
async def test_it_presses_only_as_the_prober_and_sees_nothing_else(centre: Service, seats: Seats, worn: str) -> None:
    async with prober(centre, username="operator1") as (probing, device):
        assert "not the prober" in await probing.round()
        assert device.presses == [], "pressed as anybody else's it would have rung people"
    async with bracelet(centre.mqtt_port, worn) as real:
        await real.press("p1")
        alert = (await real.answer())["alert"]
    async with CentreApi(centre.http, synthetic.ACCOUNT, password=PASSWORD) as api:
        await api.sign_in()
        listed = (await api.get("alerts?state=all"))["alerts"]
        assert {one["device_id"] for one in listed} <= {synthetic.DEVICE}
        assert (await api.get(f"alerts/{alert}")).status == 404
        assert (await api.act(alert, "claim")).status == 404
        assert (await api.get("residents")).status == 403


@pytest.fixture
async def proved(office: Office) -> Office:
    """An office with a test alarm."""
    account = sessions.NewOperator(PROBER.id, PROBER.name, "prober", "x", office.clock.now())
    await office.door.later(partial(sessions.put_operator, new=account))
    await office.door.later(synthetic.register)
    return office


def wished(office: Office, alert: str) -> set[str]:
    return {row.kind for row in office.rows("outbox") if row.alert_id == alert}


@pytest.mark.one_database
async def test_left_alone_it_rings_nobody_counts_nowhere_and_no_timer_closes_it(proved: Office) -> None:
    since = proved.clock.now()
    test = await proved.press(synthetic.DEVICE)
    assert proved.read(queries.alerts) == []
    assert proved.read(queries.oldest_waiting, ["sos"]) is None
    assert proved.read(queries.open_by_state) == {}
    assert proved.read(flood_book.load, proved.clock.now()).alarms == 0
    real = await proved.press("bracelet-1")
    assert real.alert != test.alert
    await proved.wait(400)  # the whole ladder, and it rings again
    assert wished(proved, real.alert) & RINGING
    assert not wished(proved, test.alert) & RINGING
    assert proved.alert(test.alert).state is State.WAITING
    facts = proved.read(statistic_queries.alerts, since, proved.clock.now())
    assert sorted(fact.drill for fact in facts) == [False, True]
    (seen,) = proved.read(queries.alerts, scope=ONLY_TESTS)
    assert (seen.id, seen.drill, seen.area_id) == (test.alert, True, "~synthetic")


async def test_a_named_operator_closes_it_and_old_ones_are_forgotten(proved: Office) -> None:
    set_up = proved.clock.now()
    assert proved.read(synthetic.last_success) == set_up
    closed = []
    for minute in range(3):
        test = await proved.press(synthetic.DEVICE, msg=f"m{minute}")
        assert proved.read(synthetic.last_success) == (proved.alert(closed[-1]).resolved_at if closed else set_up)
        await proved.finish(test.alert, PROBER)
        closed.append(test.alert)
        proved.clock.advance(2400)
    assert [one in {row.id for row in proved.rows("alerts")} for one in closed] == [False, True, True]
    actors = [entry.actor for entry in proved.entries() if entry.alert_id == closed[0]]
    assert actors == [f"device:{synthetic.DEVICE}", *[f"operator:{PROBER.id}"] * 3]
    assert proved.clock.now() - proved.read(synthetic.last_success) == timedelta(seconds=2400)
    await proved.door.later(lambda connection: factor_book.begin(connection, synthetic.ACCOUNT, b"x"))
    await proved.door.later(synthetic.take_away)
    assert proved.read(synthetic.last_success) is None
    proved.assert_whole()


async def test_a_bracelet_of_somebody_is_never_a_test_whatever_its_family(proved: Office) -> None:
    row = {"id": "odd-1", "family": SYNTHETIC, "resident_id": "r-1"}
    await proved.door.later(lambda connection: connection.execute(insert(t.devices).values(**row)))
    pressed = await proved.press("odd-1")
    assert [alert.id for alert in proved.read(queries.alerts)] == [pressed.alert]
    assert not proved.alert(pressed.alert).drill


def test_the_prober_may_nothing_but_work_alerts() -> None:
    assert set(ROLES["prober"]) == {"own_session", "see_alerts", "work_alerts"}
