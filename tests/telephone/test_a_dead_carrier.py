"""The carrier is dead from the start: the press is heard all the same, people dial, and nothing old rings later."""

import asyncio
from pathlib import Path

import pytest

from callcenter.alerts.call_model import Call, CallOutcome, Role
from callcenter.alerts.effects import PlaceCall
from callcenter.storage import call_queries
from callcenter.storage.unit import WrittenEffect
from handlers.outbox import AT_ONCE
from simulators.carrier.callees import Callee
from tests.telephone.exchange import RESIDENT, Exchange, fill

WAYS = ("unavailable", "refuses")  # 503 to everything, which may mean anything; no connection at all
PACE = 25.0


@pytest.fixture
def village_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    fill(url)
    return url


@pytest.mark.parametrize("how", WAYS)
async def test_a_press_is_heard_and_stands_on_the_manual_list(how: str, phones_url: str, tmp_path: Path) -> None:
    async with Exchange(phones_url, tmp_path, pace=PACE) as exchange:
        await exchange.carrier.die(how)
        await exchange.seat()
        alert = await exchange.press()
        await exchange.until(lambda: exchange.told, what="the device's ack")
        rules = exchange.rules(alert)
        assert rules[0] == "alarm.opens", "the console has it before anything is dialled"
        assert exchange.told[0][1] == "stored"
        assert exchange.entries()[1].ring
        both = {Role.ELDER, Role.OPERATOR}
        await exchange.until(
            lambda: both <= {c.role for c in on_the_list(exchange, alert, 2)}, what="resident and operator by hand"
        )
        by_hand = on_the_list(exchange, alert, 2)
        assert exchange.rules(alert).count("call.by_hand") >= 2, "people are told"
        listed = exchange.read(call_queries.by_hand)
        assert {row["id"] for row in listed} >= {c.id for c in by_hand}
        assert exchange.dialled() == []


def on_the_list(exchange: Exchange, alert: str, least: int) -> list[Call]:
    found = [c for c in exchange.calls(alert) if c.outcome is CallOutcome.BY_HAND]
    return found if len(found) >= least else []


@pytest.mark.parametrize("how", WAYS)
async def test_nothing_old_is_dialled_when_it_comes_back_and_a_new_press_is(
    how: str, village_url: str, tmp_path: Path
) -> None:
    async with Exchange(village_url, tmp_path, pace=PACE, default=Callee("ignore")) as exchange:
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


async def test_a_carrier_that_hangs_delays_no_device_ack(village_url: str, tmp_path: Path) -> None:
    """More requests hang than effects of one kind are performed at once."""
    async with Exchange(village_url, tmp_path, pace=PACE) as exchange:

        async def hangs(_effect: object) -> None:
            await asyncio.Event().wait()

        exchange.outbox._performers = {**exchange.outbox._performers, "place_call": hangs}
        for n in range(AT_ONCE + 6):
            exchange.outbox._start(WrittenEffect(f"effect-{n}", PlaceCall(f"call-{n}")))
        await exchange.press()
        await exchange.until(lambda: [level for _, level in exchange.told] == ["stored"], what="the ack")
