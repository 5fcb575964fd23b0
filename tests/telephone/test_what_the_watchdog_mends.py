"""A row is lost that would have moved an alert or a call: the watchdog finds it, says so and mends it."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, update

from callcenter import metrics
from callcenter.alerts.inputs import TimerKind
from callcenter.storage import call_book, tables as t, work
from handlers.watchdog import Findings, Watchdog
from tests.telephone.exchange import RESIDENT, Exchange
from tests.telephone.village import RINGS_LONG, attended, change


@pytest.fixture
async def exchange(phones_url: str, tmp_path: Path) -> AsyncIterator[Exchange]:
    async with attended(phones_url, tmp_path) as made:
        yield made


async def looks(exchange: Exchange) -> Findings:
    async def look(_now: datetime) -> Findings:
        return Findings(
            without_deadline=exchange.read(work.alerts_without_deadline, exchange.writer.shelf.of),
            calls_without_due=exchange.read(call_book.calls_without_due),
            overdue_timers=0,
            stuck_effects=0,
            silent=(),
            heard_again=(),
        )

    return await Watchdog(exchange.door, look, exchange.clock, node="test").check()


def timers(exchange: Exchange, alert: str) -> set[TimerKind]:
    return {kind for kind, _due in exchange.read(work.timers_of, alert)}


async def test_a_lost_deadline_is_missed_although_another_is_left(exchange: Exchange) -> None:
    alert = await exchange.press()
    later = exchange.clock.now() + timedelta(days=1)
    await exchange.until(lambda: TimerKind.RUNG in timers(exchange, alert), what="its rung")
    assert list((await looks(exchange)).without_deadline) == []

    def loses(connection) -> None:
        connection.execute(delete(t.timers).where(t.timers.c.alert_id == alert))
        connection.execute(insert(t.timers).values(alert_id=alert, kind=TimerKind.FOLLOW_UP.value, due=later))

    change(exchange.url, loses)
    assert list((await looks(exchange)).without_deadline) == [alert]
    assert TimerKind.RUNG in timers(exchange, alert)
    assert list((await looks(exchange)).without_deadline) == []


async def test_an_alert_of_an_unknown_state_rings_again(exchange: Exchange) -> None:
    alert = await exchange.press()
    change(exchange.url, lambda c: c.execute(delete(t.timers)))
    change(exchange.url, lambda c: c.execute(update(t.alerts).values(state="unheard_of")))
    assert list((await looks(exchange)).without_deadline) == [alert]
    await exchange.until(lambda: "ladder.climbs" in exchange.rules(alert), what="it rings")
    assert exchange.alert(alert).state.value == "waiting"


async def test_a_call_that_nothing_would_move_is_looked_at(exchange: Exchange) -> None:
    exchange.callees(RINGS_LONG, RESIDENT)
    alert = await exchange.press()
    await exchange.until(lambda: [c for c in exchange.calls(alert) if c.ringing_at], what="it rings")
    (call, *_) = [c for c in exchange.calls(alert) if c.ringing_at and not c.over]
    change(exchange.url, lambda c: c.execute(update(t.calls).where(t.calls.c.id == call.id).values(due=None)))
    assert list((await looks(exchange)).calls_without_due) == [call.id]
    assert metrics.watchdog_violations.labels("calls_without_due")._value.get() == 1
    assert exchange.read(call_book.calls_without_due) == []
    await looks(exchange)
    assert metrics.watchdog_violations.labels("calls_without_due")._value.get() == 0
