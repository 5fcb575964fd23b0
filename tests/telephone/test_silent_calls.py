"""Nobody speaks: the highest class. Rung back twice, then people are sent; no timer ever closes it."""

import json
from pathlib import Path

import pytest

from callcenter.alerts.call_model import Role
from callcenter.alerts.model import State
from simulators.carrier.callees import Callee
from tests.telephone.exchange import DAUGHTER, NEIGHBOURS, RESIDENT, Exchange
from tests.telephone.village import village

pytestmark = pytest.mark.long

SAYS_NOTHING = Callee("silent", rings_s=1, stays_s=44)  # two rounds of the question, and then the line is dead
NOT_THERE = Callee("ignore")


def resident_rung(exchange: Exchange, alert: str) -> list[float]:
    """Story seconds from the silence at which the resident's telephone was rung again."""
    silent_at = exchange.alert(alert).silent_at
    assert silent_at
    wanted = [call.wanted_at for call in exchange.calls(alert) if call.role is Role.ELDER]
    return [(at - silent_at).total_seconds() for at in wanted[1:]]


async def falls_silent(exchange: Exchange) -> str:
    exchange.callees(SAYS_NOTHING, RESIDENT)
    await exchange.seat()
    alert = await exchange.press()
    await exchange.until(lambda: exchange.alert(alert).silent, what="silence")
    return alert


def told_to_call_120(exchange: Exchange, alert: str) -> bool:
    failed = [json.loads(e.data) for e in exchange.entries() if e.alert_id == alert and e.rule == "effect.failed"]
    return any(data["reason"] == "call_120_now" for data in failed)


async def test_a_silent_line_is_rung_back_twice_and_then_people_are_sent(tmp_path: Path) -> None:
    async with village(tmp_path, default=NOT_THERE) as exchange:
        alert = await falls_silent(exchange)
        assert exchange.alert(alert).priority <= 5
        exchange.callees(Callee("busy"), RESIDENT)  # so that every call-back is over before the next
        keyholder_and_neighbours = {DAUGHTER, *NEIGHBOURS[:3]}
        await exchange.until(
            lambda: any(e.alert_id == alert and e.rule == "silent.calls_back" and json.loads(e.data)["step"] == 3
                        for e in exchange.entries()), what="the last step")  # fmt: skip
        first, second = resident_rung(exchange, alert)[:2]
        assert 10 <= first < 15
        assert 40 <= second < 45
        assert keyholder_and_neighbours <= {call.number for call in exchange.calls(alert)}
        assert not told_to_call_120(exchange, alert), "no risk is known and it was pressed once"
        await exchange.until(lambda: exchange.alert(alert).waves > 2, what="more people asked")
        assert exchange.alert(alert).state is State.WAITING


async def test_while_the_silent_line_is_open_it_is_not_rung_but_people_are_sent(tmp_path: Path) -> None:
    """A second call would only be busy; the open line waits in the room for an operator."""
    async with village(tmp_path, default=NOT_THERE) as exchange:
        await exchange.seat()
        exchange.callees(Callee("silent", rings_s=1), RESIDENT)
        alert = await exchange.press()
        await exchange.until(lambda: exchange.alert(alert).waves, what="people sent")
        assert exchange.dialled(RESIDENT) == [RESIDENT]
        resident = next(call for call in exchange.calls(alert) if call.role is Role.ELDER)
        assert resident.in_room
        assert DAUGHTER in {call.number for call in exchange.calls(alert)}


async def test_it_stops_as_soon_as_the_resident_is_reached(tmp_path: Path) -> None:
    async with village(tmp_path, default=NOT_THERE) as exchange:
        alert = await falls_silent(exchange)
        exchange.callees(Callee("press", digits=("1",), rings_s=1), RESIDENT)
        await exchange.until(lambda: exchange.alert(alert).reached_at, what="the resident presses a key at a call-back")
        until = exchange.clock.monotonic() + 40
        await exchange.until(lambda: exchange.clock.monotonic() > until, what="the time of the next call-back")
        assert len(resident_rung(exchange, alert)) <= 2
        assert exchange.rules(alert).count("silent.calls_back") <= 2
        assert exchange.alert(alert).state is State.WAITING, "a person closes it"


async def test_120_is_said_at_once_for_somebody_at_high_risk(tmp_path: Path) -> None:
    async with village(tmp_path, risk="high", default=NOT_THERE) as exchange:
        alert = await falls_silent(exchange)
        assert told_to_call_120(exchange, alert)


async def test_120_is_said_at_once_after_three_presses(tmp_path: Path) -> None:
    async with village(tmp_path, default=NOT_THERE) as exchange:
        exchange.callees(SAYS_NOTHING, RESIDENT)
        await exchange.seat()
        for _ in range(3):
            alert = await exchange.press()
        await exchange.until(lambda: exchange.alert(alert).silent, what="silence")
        assert told_to_call_120(exchange, alert)


async def test_the_third_press_after_the_silence_says_120_too(tmp_path: Path) -> None:
    async with village(tmp_path, default=NOT_THERE) as exchange:
        alert = await falls_silent(exchange)
        await exchange.press()
        assert not told_to_call_120(exchange, alert)
        await exchange.press()
        assert told_to_call_120(exchange, alert)
