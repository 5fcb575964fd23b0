"""Every process hears every alarm; the database decides who opens the alert, once (PostgreSQL)."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from callcenter.ports import Acted, Declined
from callcenter.storage import work
from handlers.operator_actions import ServiceStarted
from handlers.outbox import Outbox
from handlers.timers import TimerFired, TimerWorker
from tests.conftest import ManualClock, Seat, sign_in
from tests.integration.bracelet import bracelet
from tests.integration.office import ANN, BEN, Office, payload
from tests.processes import Mosquitto, Service, running

KINDS = ["tell_device", "tell_devices"]
DEVICES = [f"bracelet-{n}" for n in range(1, 10)] + ["stranger-1", "stranger-2"]


@pytest.fixture
async def offices(postgres_url: str, clock: ManualClock) -> AsyncIterator[list[Office]]:
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Office(postgres_url, clock, node=f"n{number}")) for number in range(3)]


async def test_the_same_presses_heard_by_all_are_one_alert_and_one_signal_each(offices: list[Office]) -> None:
    presses = [(device, payload(f"m{n}")) for device in DEVICES for n in range(8)]

    async def hear(office: Office, seed: int) -> dict[tuple[str, bytes], str | None]:
        mine = presses * 2  # brokers deliver twice
        random.Random(seed).shuffle(mine)
        heard = {}
        for start in range(0, len(mine), 7):
            part = mine[start : start + 7]
            taken = await asyncio.gather(*(office.sos(*press) for press in part))
            heard |= {press: one.alert for press, one in zip(part, taken, strict=True)}
        return heard

    answers = await asyncio.gather(*(hear(office, seed) for seed, office in enumerate(offices)))

    assert answers[0] == answers[1] == answers[2]
    office = offices[0]
    alerts = office.alerts()
    assert len(alerts) == len(DEVICES)
    assert {alert.press_count for alert in alerts} == {8}
    signals = Counter((row.device_id, row.msg) for row in office.rows("signals"))
    assert len(signals) == len(presses)
    assert set(signals.values()) == {1}
    rules = Counter(entry.rule for entry in office.entries())
    assert rules == {"alarm.opens": len(DEVICES), "alarm.attaches": len(presses) - len(DEVICES)}
    office.assert_whole()


async def test_two_presses_of_one_person_in_two_processes_open_one_alert(offices: list[Office]) -> None:
    """Whoever loses the race joins."""
    one, two, _ = offices
    for round_ in range(15):
        first, second = await asyncio.gather(
            one.press("bracelet-1", f"a{round_}"), two.press("bracelet-1", f"b{round_}")
        )
        assert first.alert == second.alert
        assert one.alert(first.alert).press_count == 2
        await one.finish(first.alert)
    one.assert_whole()


async def test_claims_in_two_processes_have_one_winner(offices: list[Office]) -> None:
    one, two, _ = offices
    wins: Counter[str] = Counter()
    for round_ in range(25):
        alert = (await one.press("bracelet-1", f"p{round_}")).alert
        pair = [(one, ANN), (two, BEN)]
        random.Random(round_).shuffle(pair)
        answers = await asyncio.gather(*(office.act(alert, "claim", who) for office, who in pair))
        (won,) = [answer for answer in answers if isinstance(answer, Acted)]
        (lost,) = [answer for answer in answers if isinstance(answer, Declined)]
        assert lost.refused.code == "lost_race"
        assert lost.refused.owner == one.alert(alert).owner == won.alert.owner
        winner = ANN if won.alert.owner.id == ANN.id else BEN
        wins[winner.id] += 1
        await one.acts(alert, "resolve", winner, outcome="false_alarm")
        await one.acts(alert, "close", winner)
    assert sum(wins.values()) == 25
    one.assert_whole()


async def test_a_deadline_seen_by_all_fires_once(offices: list[Office], clock: ManualClock) -> None:
    for device in DEVICES:
        await offices[0].press(device)
    for seconds in (15, 15, 30, 30, 30, 60):
        clock.advance(seconds)
        await asyncio.gather(*(office.timers.sweep() for office in offices))
    fired = Counter((entry.alert_id, entry.data) for entry in offices[0].entries() if entry.rule == "ladder.climbs")
    assert set(fired.values()) == {1}
    assert len(fired) == len(DEVICES) * 6
    effects = Counter(row.args for row in offices[0].rows("outbox") if row.kind == "phone_group")
    assert set(effects.values()) == {1}
    assert len(effects) == len(DEVICES) * 3  # overflow group, duty manager, keyholders
    offices[0].assert_whole()


async def test_a_deadline_found_before_somebody_moved_it_does_nothing(
    offices: list[Office], clock: ManualClock
) -> None:
    """One process finds the claim expired; the owner acts through the other one first."""
    one, two, _ = offices
    alert = (await one.press()).alert
    await one.acts(alert, "claim")
    clock.advance(60)
    found: list[TimerFired] = await one._due(clock.now())
    await two.acts(alert, "step", text="at it")

    async def known(_now: datetime) -> list[TimerFired]:
        return found

    worker = TimerWorker(one.door, known, clock)
    await worker.sweep()
    assert one.alert(alert).state == "claimed"
    assert "claim.expires" not in one.rules(alert)


async def test_an_effect_is_taken_by_one_of_them(offices: list[Office], clock: ManualClock) -> None:
    for n in range(30):
        await offices[0].press(DEVICES[n % 9], f"m{n}")
    written = {row.id for row in offices[0].rows("outbox")}
    assert len(written) == 30
    clock.advance(60)  # their writer has died: the leases are over
    now = clock.now()
    taken = await asyncio.gather(
        *(office.door.later(lambda connection: work.take_effects(connection, now, KINDS)) for office in offices * 3)
    )
    ids = [effect.id for part in taken for effect in part]
    assert sorted(ids) == sorted(written)


async def test_what_another_process_performs_is_free_at_once(offices: list[Office], clock: ManualClock) -> None:
    """A process that only hears alarms leaves telephoning to others; nobody waits for a lease of ten seconds."""
    one, two, _ = offices
    one.writer.performs = lambda kind: kind != "tell_device"
    await one.press()
    now = clock.now()
    unknown = await two.door.later(lambda connection: work.take_effects(connection, now, ["of another release"]))
    taken = await two.door.later(lambda connection: work.take_effects(connection, now, KINDS))
    assert (unknown, [one.effect.kind for one in taken]) == ([], ["tell_device"])


async def test_a_process_that_stops_gives_back_what_it_was_at(offices: list[Office], clock: ManualClock) -> None:
    one, two, _ = offices
    begun = asyncio.Event()

    async def hangs(_effect: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    outbox = Outbox(one.door, {"tell_device": hangs}, clock)
    await one.press()
    await begun.wait()
    assert not await two.door.later(lambda connection: work.take_effects(connection, clock.now(), KINDS))
    await outbox.stop()
    taken = await two.door.later(lambda connection: work.take_effects(connection, clock.now(), KINDS))
    assert [one.effect.kind for one in taken] == ["tell_device"]


async def test_a_process_that_starts_does_not_send_away_operators_of_the_others(offices: list[Office]) -> None:
    """Ann's console is connected to the first process when the second one starts."""
    one, two, _ = offices
    alert = (await one.press()).alert
    await one.console(ANN, present=True)
    await one.acts(alert, "claim")
    await two.door.submit(ServiceStarted())
    assert one.alert(alert).owner_gone_at is None


async def test_an_operator_with_consoles_at_two_processes_is_gone_when_both_are(offices: list[Office]) -> None:
    one, two, _ = offices
    alert = (await one.press()).alert
    await one.console(ANN, present=True)
    await two.console(ANN, present=True)
    await one.acts(alert, "claim")
    await two.console(ANN, present=False)
    assert one.alert(alert).owner_gone_at is None


async def test_two_services_on_one_broker_answer_every_press_and_open_one_alert(postgres_url: str, tmp_path) -> None:
    """As deployed: two processes, PostgreSQL, Mosquitto. A press through the broker reaches both."""
    (tmp_path / "broker").mkdir()
    with running(Mosquitto(tmp_path / "broker")) as broker:
        url = f"mqtt://127.0.0.1:{broker.port}"
        services = [
            Service(tmp_path / node, postgres_url, url, mqtt_port=broker.port, extra={"CALLCENTER_NODE": node})
            for node in ("a", "b")
        ]
        with running(services[0]), running(services[1]):
            seats: list[Seat] = [await sign_in(service.http, "operator1") for service in services]
            async with bracelet(broker.port, "bracelet-1") as device:
                for msg in ("p1", "p2"):
                    await device.press(msg)
                acks = await device.answers(4)  # each process answers what it heard; more often than needed is fine
                views = [await seat.get("/api/v1/alerts") for seat in seats]
            for seat in seats:
                await seat.session.close()
    assert {ack["ref"] for ack in acks} == {"p1", "p2"}
    assert len({ack["alert"] for ack in acks}) == 1
    assert views[0]["alerts"] == views[1]["alerts"]
    assert [alert["press_count"] for alert in views[0]["alerts"]] == [2]
