"""A home phone that is off the hook for 8 s and has dialled nothing may be somebody who cannot."""

import json
from pathlib import Path

import pytest

from callcenter.alerts.model import Kind
from callcenter.storage import tables as t
from devices.decoders import decode
from handlers.device_signals import ReceiverForgotten, Taken
from tests.telephone.exchange import Exchange
from tests.telephone.village import rows, village

pytestmark = pytest.mark.long


async def phone_says(exchange: Exchange, event: str, msg: str) -> Taken:
    body = json.dumps({"v": 1, "msg": msg, "event": event}).encode()
    return await exchange.door.submit(decode("vnh/v1/phone-1/up/call", body, exchange.clock.now()))


async def seconds_pass(exchange: Exchange, seconds: float) -> None:
    until = exchange.clock.monotonic() + seconds
    await exchange.until(lambda: exchange.clock.monotonic() > until, what="time")


async def test_eight_seconds_off_the_hook_are_an_emergency(tmp_path: Path) -> None:
    async with village(tmp_path) as exchange:
        await phone_says(exchange, "off_hook", "m1")
        assert ("m1", "stored") in await exchange.until(lambda: exchange.told, what="the phone told")
        lifted = next(e for e in exchange.entries() if e.rule == "phone.heard")
        opened = await exchange.until(
            lambda: next((e for e in exchange.entries() if e.rule == "alarm.opens"), None), what="the emergency"
        )
        assert (opened.at - lifted.at).total_seconds() >= 8
        alert = exchange.alert(opened.alert_id or "")
        assert (alert.kind, alert.subject.household, alert.subject.device) == (Kind.SOS, "h-1", "phone-1")


async def test_who_dials_or_puts_it_down_in_time_needs_nothing(tmp_path: Path) -> None:
    async with village(tmp_path) as exchange:
        for number, event in enumerate(("dialled", "on_hook")):
            await phone_says(exchange, "off_hook", f"up{number}")
            await phone_says(exchange, event, f"down{number}")
        await seconds_pass(exchange, 15)
        assert "alarm.opens" not in [e.rule for e in exchange.entries()]
        assert rows(exchange, t.off_hook) == []


async def test_a_message_that_comes_again_does_not_lift_the_receiver_again(tmp_path: Path) -> None:
    async with village(tmp_path) as exchange:
        await phone_says(exchange, "off_hook", "m1")
        await phone_says(exchange, "on_hook", "m2")
        assert not (await phone_says(exchange, "off_hook", "m1")).new
        await seconds_pass(exchange, 15)
        assert "alarm.opens" not in [e.rule for e in exchange.entries()]
        assert exchange.told.count(("m1", "stored")) == 2, "but it is told each time"


async def test_a_receiver_that_was_put_back_and_lifted_again_has_its_own_eight_seconds(tmp_path: Path) -> None:
    """The first lifting's time, which a sweep had read just before, fired for the second."""
    async with village(tmp_path) as exchange:
        await phone_says(exchange, "off_hook", "m1")
        (first,) = rows(exchange, t.off_hook)
        await phone_says(exchange, "on_hook", "m2")
        await phone_says(exchange, "off_hook", "m3")
        assert not (await exchange.door.submit(ReceiverForgotten("phone-1", first["due"]))).new
        (second,) = rows(exchange, t.off_hook)
        assert second["due"] > first["due"]
        assert "alarm.opens" not in [e.rule for e in exchange.entries()]
