"""The carrier is dead from the start: the press is heard all the same, people dial, and nothing old rings later.

Seconds are the story's: of the clock that is passed in, which stands still while the machine is busy with others.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from callcenter.alerts.call_model import Call, CallOutcome, Role
from callcenter.alerts.effects import PlaceCall
from callcenter.ports import Committed
from callcenter.storage import call_queries, work
from callcenter.storage.unit_values import WrittenEffect
from callcenter.telephony import twilio_gateway
from config import policies
from handlers.outbox import AT_ONCE
from simulators.carrier.callees import Callee
from simulators.carrier.faults import Faults
from tests.telephone.exchange import RESIDENT, Exchange, fill
from tests.telephone.steady import TICK_S, SteadyClock, ticking

pytestmark = pytest.mark.one_database

WAYS = ("unavailable", "refuses")  # 503 to everything, which may mean anything; no connection at all
PACE = 20.0
SLOW = 10.0
# From the press on, with a carrier that works and with one that is dead. The database's time is the wall's: a tenth of
# a second of it is one of the story.
CONSOLE_S, ACK_S = 3.0, 3.0
DIALLED_S = 11.0  # rung, or on the list of what people dial


@pytest.fixture
def village_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    fill(url)
    return url


@pytest.fixture
async def clock() -> AsyncIterator[SteadyClock]:
    async with ticking(PACE, TICK_S) as made:
        yield made


async def dies(exchange: Exchange, how: str) -> None:
    if how in WAYS:
        await exchange.carrier.die(how)
    elif how == "hangs":
        exchange.carrier.set_faults(Faults(answers={"hang": 1.0}))


@pytest.mark.parametrize("how", ["", *WAYS, "hangs"], ids=["works", *WAYS, "hangs"])
async def test_console_device_and_manual_list_have_it_within_the_same_limits(
    how: str, phones_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twilio_gateway, "LONGEST_S", 4.0 / SLOW)  # the HTTP client counts the wall's seconds
    async with (
        ticking(SLOW, TICK_S) as clock,
        Exchange(phones_url, tmp_path, clock=clock, pace=SLOW, default=Callee("ignore")) as exchange,
    ):
        await dies(exchange, how)
        await exchange.seat()
        shown: list[float] = []  # when the consoles' feed, which listens to the door too, had the first of it

        def feed(committed: Committed) -> None:
            if any(entry.rule == "alarm.opens" for entry in committed.entries):
                shown.append(clock.monotonic())

        exchange.door.listen(feed)
        pressed = clock.monotonic()
        alert = await exchange.press()
        await exchange.until(lambda: exchange.told, what="the device's ack")
        assert exchange.told[0][1] == "stored"
        assert exchange.rules(alert)[0] == "alarm.opens", "the console has it before anything is dialled"
        assert shown[0] - pressed < CONSOLE_S
        assert exchange.told_at[0] - pressed < ACK_S, "no request that hangs is over by then"
        both = {Role.ELDER, Role.OPERATOR}
        calls = await exchange.until(lambda: served(exchange, alert, how), what="resident and operator")
        assert {call.role for call in calls} >= both
        for call in calls:
            assert when(call) - call.wanted_at < timedelta(seconds=DIALLED_S), call.role
        if how:
            listed = {row["id"] for row in exchange.read(call_queries.by_hand)}
            assert listed >= {call.id for call in calls}
            assert exchange.rules(alert).count("call.by_hand") >= 2, "people are told"
            assert exchange.dialled() == []


def served(exchange: Exchange, alert: str, how: str) -> list[Call]:
    """The calls to resident and operator, once each rings or stands on the manual list."""
    first = [call for call in exchange.calls(alert) if call.role in (Role.ELDER, Role.OPERATOR)]
    done = [call for call in first if (call.outcome is CallOutcome.BY_HAND if how else call.placed_at)]
    return done if len(done) == len(first) >= 2 else []


def when(call: Call) -> datetime:
    moment = call.placed_at or call.ended_at
    assert moment
    return moment


@pytest.mark.long
@pytest.mark.parametrize("how", WAYS)
async def test_nothing_old_is_dialled_when_it_comes_back_and_a_new_press_is(
    how: str, village_url: str, clock: SteadyClock, tmp_path: Path
) -> None:
    async with Exchange(village_url, tmp_path, clock=clock, pace=PACE, default=Callee("ignore")) as exchange:
        await exchange.carrier.die(how)
        await exchange.seat(phone="")
        alert = await exchange.press()
        await exchange.act(alert, "claim")
        for n in range(3):  # three failures open the circuit
            await exchange.press(f"unknown-{n}")
            await exchange.act(alert, "dispatch")
        await exchange.until(lambda: exchange.line._circuits["twilio"].open, what="an open circuit")
        await exchange.act(alert, "resolve", outcome="advice_by_phone")
        await exchange.all_over(alert)
        old = {c.id for c in exchange.calls()}
        await exchange.carrier.revive()
        await exchange.until(lambda: not exchange.line._circuits["twilio"].open, what="a closed circuit after a probe")
        assert exchange.dialled() == []
        second = await exchange.press()
        await exchange.until(lambda: exchange.dialled(RESIDENT), what="a new call")
        assert [c.id for c in exchange.calls(second) if c.number == RESIDENT and c.id not in old]
        assert exchange.dialled() == [RESIDENT], "and nothing else"


@pytest.mark.long
@pytest.mark.parametrize("how", WAYS)
async def test_when_it_comes_back_to_an_open_alert_only_what_is_young_enough_is_dialled(
    how: str, village_url: str, clock: SteadyClock, tmp_path: Path
) -> None:
    """Whoever had the orders to dial has died with them: they lie in the outbox and are taken up again after it."""
    limit = timedelta(seconds=policies.read().calls.not_after_s)
    async with Exchange(village_url, tmp_path, clock=clock, pace=PACE, default=Callee("ignore")) as exchange:
        await exchange.carrier.die(how)
        await exchange.seat(phone="")
        dials = exchange.outbox._performers["place_call"]
        exchange.outbox._performers = {**exchange.outbox._performers, "place_call": _is_lost}
        alert = await exchange.press()
        await exchange.until(lambda: calls_older_than(exchange, limit), what="a call that is too old")
        old = {call.id for call in calls_older_than(exchange, limit)}
        assert old <= waiting_to_dial(exchange), "the orders are still there"
        exchange.outbox._performers = {**exchange.outbox._performers, "place_call": dials}
        await exchange.carrier.revive()
        revived = clock.now()
        await exchange.until(lambda: not old & waiting_to_dial(exchange), what="every old order, taken up")
        assert exchange.alert(alert).state == "waiting", "nobody has ended it meanwhile"
        asked = [entry for entry in exchange.entries() if entry.rule == "call.dialling"]
        by_id = {call.id: call for call in exchange.calls()}
        asked_of = [(by_id[json.loads(entry.data)["call"]["id"]], entry.at) for entry in asked]
        assert all(at >= revived and at - call.wanted_at < limit for call, at in asked_of)
        assert not old & {call.id for call, _at in asked_of}
        assert RESIDENT not in exchange.dialled()
        await exchange.act(alert, "claim")
        await exchange.act(alert, "call_resident")
        await exchange.until(lambda: exchange.dialled(RESIDENT), what="what is wanted now")
        assert exchange.dialled(RESIDENT) == [RESIDENT]


async def _is_lost(_effect: object) -> None:
    raise ConnectionError("whoever performs it has died")


def calls_older_than(exchange: Exchange, limit: timedelta) -> list[Call]:
    return [call for call in exchange.calls() if exchange.clock.now() - call.wanted_at > limit]


def waiting_to_dial(exchange: Exchange) -> set[str]:
    rows = exchange.read(lambda c: c.execute(work.t.outbox.select()).all())
    return {json.loads(row.args)["call"] for row in rows if row.kind == "place_call" and row.state == "pending"}


async def test_a_carrier_that_hangs_delays_no_device_ack(village_url: str, clock: SteadyClock, tmp_path: Path) -> None:
    """More requests hang than effects of one kind are performed at once."""
    async with Exchange(village_url, tmp_path, clock=clock, pace=PACE) as exchange:

        async def hangs(_effect: object) -> None:
            await asyncio.Event().wait()

        exchange.outbox._performers = {**exchange.outbox._performers, "place_call": hangs}
        for n in range(AT_ONCE + 6):
            exchange.outbox._start(WrittenEffect(f"effect-{n}", PlaceCall(f"call-{n}")))
        await exchange.press()
        await exchange.until(lambda: [level for _, level in exchange.told] == ["stored"], what="the ack")
