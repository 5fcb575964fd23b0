"""Whoever an operator leaves on the line, by whatever accident, hears so and is joined by a person again."""

from pathlib import Path

import pytest

from callcenter.alerts.call_model import Answer, Call, CallState, Role
from callcenter.alerts.model import State
from callcenter.telephony.twilio_gateway import TwilioGateway
from handlers.dialling import MISSED_FOR
from simulators.carrier.callees import Callee
from simulators.carrier.legs import HangUp
from tests.integration.office import ANN, BEN
from tests.telephone.exchange import ANN_PHONE, BEN_PHONE, DAUGHTER, NEIGHBOURS, RESIDENT, STATION, Exchange
from tests.telephone.village import call_of, data_of, operators_legs, rings, village

pytestmark = pytest.mark.long

PICKS_UP = Callee("answer", rings_s=1)
IGNORES = Callee("ignore")
SPEAKS = Callee("speaks", says=("喂",), rings_s=1)
STAY = "请不要挂断，我们马上再为您接通"


def drops(exchange: Exchange, call: Call) -> None:
    """The line of that telephone is cut."""
    exchange.carrier.board.order(exchange.carrier.leg(call.provider_ref), HangUp())


async def talk(exchange: Exchange) -> tuple[str, Call]:
    """A press, and the resident and Ann in one room; Ann has claimed it. The alert, and Ann's leg."""
    exchange.callees(SPEAKS, RESIDENT)
    exchange.callees(PICKS_UP, ANN_PHONE)
    await exchange.seat()
    alert = await exchange.press()
    await exchange.act(alert, "claim")
    await exchange.until(
        lambda: {c.role for c in exchange.calls(alert) if c.joined_at} == {Role.ELDER, Role.OPERATOR}, what="a talk"
    )
    return alert, operators_legs(exchange, alert)[0]


def resident(exchange: Exchange, alert: str) -> Call:
    return next(call for call in exchange.calls(alert) if call.role is Role.ELDER)


async def test_a_claim_whose_owner_is_on_the_telephone_is_not_left_alone_until_they_hang_up(tmp_path: Path) -> None:
    async with village(tmp_path, default=IGNORES) as exchange:
        alert, ann = await talk(exchange)
        await exchange.until(lambda: "claim.goes_on" in exchange.rules(alert), what="a minute's talk")
        assert "claim.expires" not in exchange.rules(alert)
        assert exchange.alert(alert).owner == ANN
        drops(exchange, resident(exchange, alert))
        drops(exchange, ann)
        await exchange.until(lambda: "claim.expires" in exchange.rules(alert), what="a minute of nothing")


async def test_the_operators_line_drops_and_the_operator_is_rung_again(tmp_path: Path) -> None:
    async with village(tmp_path, default=IGNORES) as exchange:
        alert, ann = await talk(exchange)
        drops(exchange, ann)
        await exchange.until(lambda: STAY in "".join(exchange.heard(RESIDENT)), what="words for the resident")
        again = await exchange.until(
            lambda: [c for c in operators_legs(exchange, alert) if c.joined_at and not c.over], what="a second talk"
        )
        assert [call.number for call in again] == [ANN_PHONE]
        assert resident(exchange, alert).state is CallState.TALKING
        rules = exchange.rules(alert)
        assert rules.index("call.company_left") < rules.index("call.left_alone")
        assert not exchange.dialled(STATION), "nobody further: the owner came"
        assert exchange.alert(alert).owner, "and still has it"


async def test_who_does_not_come_back_is_followed_by_the_next_operator(tmp_path: Path) -> None:
    async with village(tmp_path, default=IGNORES) as exchange:
        alert, ann = await talk(exchange)
        exchange.callees(PICKS_UP, BEN_PHONE)
        await exchange.seat(BEN, BEN_PHONE)
        exchange.callees(IGNORES, ANN_PHONE)
        drops(exchange, ann)
        await exchange.until(
            lambda: any(c.number == BEN_PHONE and c.joined_at for c in exchange.calls(alert)), what="the colleague"
        )
        assert exchange.dialled(ANN_PHONE) == [ANN_PHONE] * 2, "the owner first"


async def test_when_nobody_comes_everybody_is_rung_and_the_queue_rings(tmp_path: Path) -> None:
    async with village(tmp_path, default=IGNORES) as exchange:
        alert, ann = await talk(exchange)
        exchange.callees(Callee("busy"), ANN_PHONE)
        drops(exchange, ann)
        await exchange.until(lambda: exchange.dialled(STATION), what="the overflow group")
        assert len(data_of(exchange, "call.left_alone")) == 2
        assert all(e.ring for e in exchange.entries() if e.rule in ("call.left_alone", "call.operator_missed"))
        await exchange.until(lambda: exchange.alert(alert).state is State.WAITING, what="the queue")
        assert not resident(exchange, alert).over
        rung = len(exchange.dialled(STATION))
        await exchange.until(lambda: len(exchange.dialled(STATION)) > rung, what="again and again")


async def test_two_who_hang_up_one_after_the_other_ring_nobody(tmp_path: Path) -> None:
    async with village(tmp_path, default=IGNORES) as exchange:
        alert, ann = await talk(exchange)
        drops(exchange, ann)
        await exchange.until(lambda: operators_legs(exchange, alert)[0].over, what="the operator gone")
        drops(exchange, resident(exchange, alert))
        await exchange.all_over(alert)
        until = exchange.clock.monotonic() + 20
        await exchange.until(lambda: exchange.clock.monotonic() > until, what="time")
        assert exchange.dialled(ANN_PHONE) == [ANN_PHONE]
        assert "call.alone" not in exchange.rules(alert)


async def test_whoever_is_rung_again_need_not_come_when_the_resident_has_hung_up(tmp_path: Path) -> None:
    """They would find an empty room, and all others after them."""
    async with village(tmp_path, default=IGNORES) as exchange:
        alert, ann = await talk(exchange)
        exchange.callees(Callee("answer", rings_s=12), ANN_PHONE)
        await exchange.seat(BEN, BEN_PHONE)
        drops(exchange, ann)
        await exchange.until(lambda: len(operators_legs(exchange, alert)) == 2, what="Ann rung again")
        drops(exchange, resident(exchange, alert))
        await exchange.all_over(alert)
        assert (exchange.dialled(ANN_PHONE), exchange.dialled(BEN_PHONE)) == ([ANN_PHONE] * 2, [])
        assert operators_legs(exchange, alert)[1].joined_at is None


async def test_whom_no_operator_joins_is_never_left_to_the_music(tmp_path: Path) -> None:
    """The only operator was rung twice in vain; the resident has answered and waits in the room."""
    async with village(tmp_path, default=IGNORES) as exchange:
        exchange.callees(SPEAKS, RESIDENT)
        exchange.callees(Callee("busy"), ANN_PHONE)
        await exchange.seat()
        alert = await exchange.press()
        await exchange.act(alert, "claim")
        await exchange.act(alert, "hand_over")  # no ladder, and no claim that expires: nothing but the line itself
        await exchange.until(lambda: len(data_of(exchange, "call.caller_waits")) > 2, what="loud in the queue")
        assert all(entry.ring for entry in exchange.entries() if entry.rule == "call.caller_waits")
        await exchange.until(lambda: len(exchange.dialled(STATION)) > 1, what="more people, again and again")
        assert resident(exchange, alert).in_room
        exchange.callees(PICKS_UP, ANN_PHONE)
        until = exchange.clock.monotonic() + MISSED_FOR.total_seconds()
        await exchange.until(
            lambda: resident(exchange, alert).joined_at or exchange.clock.monotonic() > until + 60, what="five minutes"
        )
        assert resident(exchange, alert).joined_at, "who was missed is asked again"


async def test_a_caller_who_is_left_is_put_through_to_whoever_is_free_next(tmp_path: Path) -> None:
    async with village(tmp_path, default=IGNORES) as exchange:
        exchange.callees(PICKS_UP, ANN_PHONE)
        await exchange.seat()
        call = await call_of(exchange, rings(exchange, DAUGHTER))
        assert call.alert_id
        await exchange.until(lambda: next(c for c in exchange.calls() if c.id == call.id).joined_at, what="a talk")
        exchange.callees(IGNORES, ANN_PHONE)
        await exchange.seat(ANN, ANN_PHONE, "away")
        drops(exchange, operators_legs(exchange)[0])
        await exchange.until(lambda: data_of(exchange, "call.alone"), what="a first round in vain")
        exchange.callees(PICKS_UP, BEN_PHONE)
        await exchange.seat(BEN, BEN_PHONE)
        await exchange.until(lambda: exchange.dialled(BEN_PHONE), what="who is ready now")


async def test_who_goes_and_is_alone_in_the_room_gets_an_operator(tmp_path: Path) -> None:
    """It was promised: they hear that they are being connected."""
    async with village(tmp_path, default=IGNORES) as exchange:
        exchange.callees(Callee("busy"), RESIDENT, ANN_PHONE)
        exchange.callees(Callee("press", digits=("1",), rings_s=20, early=True), NEIGHBOURS[0])
        exchange.callees(PICKS_UP, BEN_PHONE)
        await exchange.seat()
        alert = await exchange.press()
        await exchange.until(lambda: exchange.rules(alert).count("call.operator_missed") == 2, what="Ann not there")
        await exchange.seat(BEN, BEN_PHONE)
        assert not exchange.dialled(BEN_PHONE), "nobody is on the line yet"
        await exchange.until(
            lambda: any(c.answer is Answer.ACCEPTED and c.in_room for c in exchange.calls(alert)), what="who goes"
        )
        await exchange.until(lambda: [c for c in operators_legs(exchange, alert) if c.joined_at], what="an operator")


async def test_an_operator_whose_alert_is_resolved_leaves_and_the_room_ends(tmp_path: Path) -> None:
    async with village(tmp_path, default=IGNORES) as exchange:
        alert, ann = await talk(exchange)
        await exchange.act(alert, "resolve", outcome="advice_by_phone")
        assert not resident(exchange, alert).over, "they finish their talk"
        drops(exchange, ann)
        await exchange.all_over(alert)
        assert "call.alone" not in exchange.rules(alert)
        assert exchange.dialled(ANN_PHONE) == [ANN_PHONE]


async def test_a_closed_alert_ends_its_room_at_the_carrier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: set[str] = set()
    close_room = TwilioGateway.close_room

    async def close(gateway: TwilioGateway, room: str) -> None:
        await close_room(gateway, room)
        closed.add(room)

    monkeypatch.setattr(TwilioGateway, "close_room", close)
    async with village(tmp_path, default=IGNORES) as exchange:
        alert, _ann = await talk(exchange)
        await exchange.act(alert, "resolve", outcome="advice_by_phone")
        await exchange.act(alert, "close")
        await exchange.all_over(alert)
        await exchange.until(lambda: closed == {alert}, what="the carrier told")
        (room,) = exchange.carrier.board.wires.rooms.all.values()
        assert room.status == "completed"
