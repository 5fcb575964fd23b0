"""Somebody rings us: who it is, which alert is theirs, who is put through to them, and who comes first."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from callcenter.alerts.call_inputs import InboundCall
from callcenter.alerts.call_model import Answer, Call, CallOutcome, CallState, Direction, Role
from callcenter.alerts.model import Kind, State
from callcenter.privacy import Seal
from callcenter.storage import queries, tables as t
from simulators.carrier.callees import Callee
from simulators.carrier.legs import HangUp, Leg
from tests.integration.office import ANN, BEN
from tests.telephone.exchange import (
    ANN_PHONE,
    BEN_PHONE,
    CHANCE,
    DAUGHTER,
    HOTLINE,
    NEIGHBOURS,
    RESIDENT,
    SOS_NUMBER,
    STATION,
    Exchange,
)
from tests.telephone.village import another_resident, call_of, data_of, joined, operators_legs, rings, village

pytestmark = pytest.mark.long

PICKS_UP = Callee("answer", rings_s=2)
IGNORES = Callee("ignore")
BOTH = {Role.ELDER, Role.OPERATOR}


async def told(exchange: Exchange, caller: str, dialled: str = HOTLINE) -> Call:
    """As a gateway tells it: carriers differ in how they write a number."""
    now, one = exchange.clock.now(), f"{len(exchange.calls()):02}"
    said = await exchange.door.submit(
        InboundCall("twilio", f"e{one}", f"01IN{one}", f"CA{one}", caller, dialled, {}, now)
    )
    return next(call for call in exchange.calls() if call.id == said.call_id)


async def test_a_caller_hears_the_notice_waits_in_the_room_and_is_joined_by_an_operator(
    phones_url: str, tmp_path: Path
) -> None:
    async with Exchange(phones_url, tmp_path) as exchange:
        exchange.carrier.set_callee(ANN_PHONE, Callee("answer", rings_s=8))
        await exchange.seat()
        leg = rings(exchange, RESIDENT)
        call = await call_of(exchange, leg)
        assert call.alert_id
        alert = exchange.alert(call.alert_id)
        assert (alert.kind, alert.subject.resident, alert.subject.name) == (Kind.SERVICE, "r-1", "王秀英")
        assert (call.direction, call.role, call.party) == (Direction.INBOUND, Role.ELDER, "resident:r-1")
        await exchange.until(lambda: leg.rooms == [alert.id], what="the caller in the room")
        assert "录音" in "".join(leg.heard)
        assert not joined(exchange, alert.id), "music is nobody"
        await exchange.until(lambda: joined(exchange, alert.id) == BOTH, what="both can talk")
        caller, operator = sorted(exchange.calls(alert.id), key=lambda one: one.role is Role.OPERATOR)
        assert caller.joined_at == operator.joined_at is not None
        assert caller.wait_s == (operator.joined_at - caller.wanted_at).total_seconds() > 5


async def test_a_number_is_one_number_however_it_is_written(tmp_path: Path) -> None:
    kept = {"r-2": "1380 000-0502", "r-3": "0086 13800000503", "r-4": "(0631) 555 0504", "r-5": "+86 138 0000 0505"}

    def move_in(connection: Connection) -> None:
        for resident, phone in kept.items():
            another_resident(connection, phone, id=resident)

    async with village(tmp_path, more=move_in) as exchange:
        shown = {
            "r-2": ("+8613800000502", "008613800000502", "13800000502", "138 0000 0502", "013800000502"),
            "r-3": ("+86 138 0000 0503", "13800000503"),
            "r-4": ("+866315550504", "0631 555 0504", "0631-5550504"),
            "r-5": ("8613800000505", "138-0000-0505"),
        }
        for resident, numbers in shown.items():
            for number in numbers:
                assert (await told(exchange, number)).party == f"resident:{resident}", number


async def test_a_call_joins_the_alert_of_the_press_and_a_press_that_of_the_call(tmp_path: Path) -> None:
    async with village(tmp_path) as exchange:
        pressed = await exchange.press()
        assert (await told(exchange, RESIDENT)).alert_id == pressed
    (other := tmp_path / "other").mkdir()
    async with village(other) as exchange:
        rang = (await told(exchange, RESIDENT)).alert_id
        assert rang
        assert await exchange.press() == rang
        assert exchange.alert(rang).kind is Kind.SOS
        assert exchange.alert(rang).press_count == 2


async def test_a_call_joins_the_alert_of_the_home_phone_it_comes_from(tmp_path: Path) -> None:
    """Its service key tells the centre and dials the hotline: one wish, one alert."""
    async with village(tmp_path) as exchange:
        pressed = await exchange.press("phone-1")
        call = await told(exchange, RESIDENT)
        assert (call.alert_id, call.party) == (pressed, "resident:r-1")


async def test_a_shared_telephone_names_who_else_it_may_be(tmp_path: Path) -> None:
    def share(connection: Connection) -> None:
        another_resident(connection, RESIDENT)
        connection.execute(t.contacts.update().where(t.contacts.c.id == "c-2").values(phone=RESIDENT))

    async with village(tmp_path, more=share) as exchange:
        call = await told(exchange, RESIDENT)
        assert call.party == "resident:r-1"
        others = [{"party": "resident:r-2", "name": "李建国"}, {"party": "contact:c-2", "name": "儿子"}]
        assert data_of(exchange, "call.inbound")[0]["or"] == others


async def test_who_rings_from_a_shared_telephone_is_not_who_is_looked_for_outside(tmp_path: Path) -> None:
    def share(connection: Connection) -> None:
        another_resident(connection, RESIDENT)

    async with village(tmp_path, more=share) as exchange:
        lost = await exchange.press(kind="wander")
        call = await told(exchange, RESIDENT, SOS_NUMBER)
        assert call.alert_id
        assert (call.party, call.alert_id == lost) == ("resident:r-2", False)
        assert (exchange.alert(call.alert_id).kind, exchange.alert(call.alert_id).searching) == (Kind.SOS, False)
        assert (await told(exchange, DAUGHTER)).alert_id == lost, "who belongs to them speaks of them"


async def test_of_two_behind_one_telephone_it_is_who_has_an_alert(tmp_path: Path) -> None:
    def share(connection: Connection) -> None:
        another_resident(connection, RESIDENT)
        connection.execute(t.devices.insert(), {"id": "bracelet-2", "family": "bracelet", "resident_id": "r-2"})

    async with village(tmp_path, more=share) as exchange:
        pressed = await exchange.press("bracelet-2")
        call = await told(exchange, RESIDENT)
        assert (call.alert_id, call.party) == (pressed, "resident:r-2")
        assert [other["party"] for other in data_of(exchange, "call.inbound")[0]["or"]] == ["resident:r-1"]


async def test_a_relative_rings_about_the_resident(tmp_path: Path) -> None:
    async with village(tmp_path) as exchange:
        call = await told(exchange, DAUGHTER)
        assert (call.role, call.party) == (Role.FAMILY, "contact:c-1")
        assert call.alert_id
        assert exchange.alert(call.alert_id).subject.resident == "r-1"


async def test_unknown_and_withheld_numbers_get_alerts_and_strangers_are_not_put_into_one_room(tmp_path: Path) -> None:
    async with village(tmp_path) as exchange:
        legs = [rings(exchange, number) for number in (CHANCE, CHANCE, "+266696687", "+266696687")]
        calls = [await call_of(exchange, leg) for leg in legs]
        first, again, withheld, another = (call.alert_id for call in calls)
        assert all(call.role is Role.CALLER and not call.party for call in calls)
        assert first == again, "one number is one caller"
        assert len({first, withheld, another}) == 3, "nobody knows who they are: not one person"


async def test_the_sos_number_is_an_sos_without_a_menu_whoever_rings(tmp_path: Path) -> None:
    async with village(tmp_path) as exchange:
        known, stranger = rings(exchange, RESIDENT, SOS_NUMBER), rings(exchange, CHANCE, SOS_NUMBER)
        for leg in (known, stranger):
            call = await call_of(exchange, leg)
            assert call.alert_id
            assert exchange.alert(call.alert_id).kind is Kind.SOS
            await exchange.until(lambda leg=leg, call=call: leg.rooms == [call.alert_id], what="the caller in the room")
            assert (leg.gathers, len(leg.heard)) == (0, 1)


async def test_whom_nobody_joins_makes_more_people_ring_again_and_again(tmp_path: Path) -> None:
    async with village(tmp_path) as exchange:
        exchange.carrier.set_callee(ANN_PHONE, IGNORES)
        exchange.carrier.set_callee(STATION, IGNORES)
        await exchange.seat()
        call = await call_of(exchange, rings(exchange, RESIDENT))
        station = await exchange.until(
            lambda: len([c for c in exchange.calls(call.alert_id) if c.number == STATION]) > 1 and exchange.calls(),
            what="the station rung a second time",
        )
        assert next(c for c in station if c.id == call.id).state is CallState.RINGING, "still in the queue"
        assert len(data_of(exchange, "call.caller_waits")) > 1
        assert call.alert_id
        assert not exchange.alert(call.alert_id).responder


async def test_an_alert_is_not_over_while_its_caller_waits_and_was_heard_by_nobody(tmp_path: Path) -> None:
    async with village(tmp_path, default=IGNORES) as exchange:
        leg = rings(exchange, RESIDENT)
        call = await call_of(exchange, leg)
        alert = call.alert_id or ""
        await exchange.act(alert, "claim")
        refused = (await exchange.act(alert, "resolve", outcome="false_alarm")).refused
        assert (refused.code, "王秀英" in refused.detail) == ("on_the_line", True)
        assert exchange.alert(alert).state is State.CLAIMED
        exchange.carrier.board.order(leg, _hang_up())
        await exchange.until(lambda: all(one.over for one in exchange.calls() if one.id == call.id), what="their end")
        assert (await exchange.act(alert, "resolve", outcome="false_alarm")).alert.state is State.RESOLVED


async def test_the_sos_that_came_later_is_put_through_first(tmp_path: Path) -> None:
    async with village(tmp_path) as exchange:
        exchange.carrier.set_callee(ANN_PHONE, PICKS_UP)
        service = await call_of(exchange, rings(exchange, CHANCE))
        sos = await call_of(exchange, rings(exchange, RESIDENT, SOS_NUMBER))
        assert not operators_legs(exchange)
        await exchange.seat()
        await exchange.until(lambda: operators_legs(exchange), what="the operator's phone")
        assert [leg.alert_id for leg in operators_legs(exchange)] == [sos.alert_id]
        await exchange.until(lambda: joined(exchange, sos.alert_id or "") == BOTH, what="the SOS is heard")
        assert [leg.alert_id for leg in operators_legs(exchange)] == [sos.alert_id], "one operator, one call"
        exchange.carrier.board.order(_leg_of(exchange, operators_legs(exchange)[0]), _hang_up())
        await exchange.until(lambda: joined(exchange, service.alert_id or ""), what="the other caller next")


def _leg_of(exchange: Exchange, call: Call) -> Leg:
    return exchange.carrier.leg(call.provider_ref)


def _hang_up() -> HangUp:
    return HangUp()


async def test_an_operator_who_talks_is_not_rung_and_the_next_press_waits_for_the_end(tmp_path: Path) -> None:
    async with village(tmp_path) as exchange:
        exchange.carrier.set_callee(ANN_PHONE, Callee("answer", rings_s=1))
        await exchange.seat()
        first = await call_of(exchange, rings(exchange, CHANCE))
        await exchange.until(lambda: joined(exchange, first.alert_id or ""), what="a talk")
        pressed = await exchange.press()
        resident = next(c for c in exchange.calls(pressed) if c.role is Role.ELDER)
        assert resident.dialogue == "welfare", "no operator is free: the machine asks"
        assert not operators_legs(exchange, pressed)
        exchange.carrier.board.order(_leg_of(exchange, operators_legs(exchange)[0]), _hang_up())
        await exchange.until(lambda: operators_legs(exchange, pressed), what="the press put through")


async def test_two_callers_at_once_get_two_operators(tmp_path: Path) -> None:
    async with village(tmp_path) as exchange:
        exchange.carrier.set_callee(ANN_PHONE, PICKS_UP)
        exchange.carrier.set_callee(BEN_PHONE, PICKS_UP)
        await exchange.seat(ANN, ANN_PHONE)
        await exchange.seat(BEN, BEN_PHONE)
        calls = [await call_of(exchange, leg) for leg in (rings(exchange, CHANCE), rings(exchange, RESIDENT))]
        for call in calls:
            await exchange.until(lambda call=call: joined(exchange, call.alert_id), what="a talk")
        assert {leg.number for leg in operators_legs(exchange)} == {ANN_PHONE, BEN_PHONE}


async def test_a_press_of_the_home_phone_joins_the_call_that_was_dialled_on_it(tmp_path: Path) -> None:
    """It opened a second alert: the phone is the house's, the call its resident's. It counts, and rings again."""
    async with village(tmp_path) as exchange:
        rang = (await told(exchange, RESIDENT, SOS_NUMBER)).alert_id or ""
        assert await exchange.press("phone-1") == rang
        assert exchange.alert(rang).press_count == 2
        assert [e.rule for e in exchange.entries() if e.ring] == ["alarm.opens", "alarm.attaches"]
        assert exchange.alert(rang).subject.resident == "r-1"


async def test_who_lives_alone_has_one_alert_whatever_they_press(tmp_path: Path) -> None:
    async with village(tmp_path) as exchange:
        house = await exchange.press("phone-1")
        assert await exchange.press("bracelet-1") == house
    (other := tmp_path / "other").mkdir()
    async with village(other) as exchange:
        own = await exchange.press("bracelet-1")
        assert await exchange.press("phone-1") == own


async def test_of_two_in_one_house_each_keeps_an_alert_of_their_own(tmp_path: Path) -> None:
    def moves_in(connection: Connection) -> None:
        another_resident(connection, CHANCE)
        connection.execute(t.devices.insert(), {"id": "bracelet-2", "family": "bracelet", "resident_id": "r-2"})

    async with village(tmp_path, more=moves_in) as exchange:
        house = await exchange.press("phone-1")
        first, second = await exchange.press("bracelet-1"), await exchange.press("bracelet-2")
        assert len({house, first, second}) == 3, "nobody knows who pressed the house's"


# -- a fault of ours


@pytest.mark.parametrize("broken", ["directory.by_number", "_rings_back", "call_view"])
async def test_a_caller_whom_we_cannot_place_is_an_alert_and_rings_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """The caller heard an error, and nobody ever learned of the call."""

    def breaks(*_: object, **__: object) -> None:
        raise LookupError("a fault of ours")

    async with village(tmp_path) as exchange:
        exchange.carrier.set_callee(ANN_PHONE, PICKS_UP)
        await exchange.seat()
        monkeypatch.setattr(f"handlers.callers.{broken}", breaks)
        number, kind = (HOTLINE, Kind.SERVICE) if broken == "_rings_back" else (SOS_NUMBER, Kind.SOS)
        leg = rings(exchange, CHANCE, number)
        call = await call_of(exchange, leg)
        alert = exchange.alert(call.alert_id or "")
        assert (alert.kind, alert.state, alert.degraded) == (kind, State.WAITING, True)
        await exchange.until(lambda: leg.rooms == [alert.id], what="the caller in the room")
        await exchange.until(lambda: joined(exchange, alert.id) == {Role.CALLER, Role.OPERATOR}, what="a talk")


async def test_a_caller_whose_number_cannot_be_stored_is_an_alert_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with village(tmp_path) as exchange:
        real = Seal.digest

        def breaks(seal: Seal, text: str) -> str:
            if text == CHANCE:
                raise ValueError("a number that cannot be sealed")
            return real(seal, text)

        monkeypatch.setattr(Seal, "digest", breaks)
        leg = rings(exchange, CHANCE)
        call = await call_of(exchange, leg)
        assert (call.number, call.state) == ("", CallState.RINGING)
        assert exchange.alert(call.alert_id or "").degraded
        await exchange.until(lambda: leg.rooms == [call.alert_id], what="the caller in the room")


# -- who was asked for help rings back


async def _asked(exchange: Exchange) -> str:
    """A press to which nobody answers the telephone; the id of its alert, once the first neighbour was rung."""
    exchange.callees(Callee("busy"), RESIDENT)
    exchange.callees(Callee("reject", rings_s=2), *NEIGHBOURS)
    alert = await exchange.press()
    await exchange.until(
        lambda: any(c.number == NEIGHBOURS[0] and c.over for c in exchange.calls(alert)), what="a neighbour not there"
    )
    return alert


async def test_a_neighbour_who_rings_back_gets_the_same_offer_and_may_accept(tmp_path: Path) -> None:
    async with village(tmp_path, default=IGNORES) as exchange:
        alert = await _asked(exchange)
        leg = rings(exchange, NEIGHBOURS[0], callee=Callee("press", digits=("1",)))
        await exchange.until(lambda: exchange.alert(alert).responder, what="somebody goes")
        call = await call_of(exchange, leg)
        assert (exchange.alert(alert).responder, call.answer, call.alert_id) == ("responder:n1", Answer.ACCEPTED, alert)
        assert any("王秀英" in words for words in leg.heard)
        (*_missed, goes) = [one for one in exchange.read(queries.offers, alert) if one["party"] == "responder:n1"]
        assert (goes["state"], goes["channel"]) == ("accepted", "phone"), "the offer they had missed is not the one"
        await exchange.until(lambda: leg.rooms == [alert], what="the neighbour in the room")
        again = await call_of(exchange, rings(exchange, NEIGHBOURS[0]))
        assert (again.dialogue, again.alert_id) == ("hotline", alert), "who goes is put through, not asked again"


async def test_who_rings_back_when_somebody_goes_already_is_too_late_and_the_timeline_says_so(tmp_path: Path) -> None:
    """The change of the call was stored, and no entry told of it."""
    async with village(tmp_path, default=IGNORES) as exchange:
        alert = await _asked(exchange)
        goes = Callee("press", digits=("1",))
        rings(exchange, NEIGHBOURS[1], callee=goes)
        await exchange.until(lambda: exchange.alert(alert).responder, what="somebody goes")
        late = await call_of(exchange, rings(exchange, NEIGHBOURS[0], callee=goes))
        said = await exchange.until(lambda: data_of(exchange, "call.too_late"), what="the entry")
        assert [(one["call"]["id"], one["call"]["answer"]) for one in said] == [(late.id, Answer.TOO_LATE)]
        assert exchange.alert(alert).responder == "responder:n2"


async def test_who_rings_back_and_cannot_go_was_answered_and_is_owed_nothing(tmp_path: Path) -> None:
    async with village(tmp_path, default=IGNORES) as exchange:
        alert = await _asked(exchange)
        leg = rings(exchange, NEIGHBOURS[0], callee=Callee("press", digits=("2",)))
        await exchange.until(lambda: leg.over, what="the end of the call")
        call = await exchange.until(
            lambda: next((c for c in exchange.calls(alert) if c.provider_ref == leg.sid and c.over), None), what="told"
        )
        assert (call.answer, call.outcome) == (Answer.DECLINED, CallOutcome.ANSWERED)
        assert "debt.opened" not in exchange.rules(alert)
        assert not exchange.alert(alert).responder


async def test_a_quarter_of_an_hour_later_it_is_a_call_like_any_other(tmp_path: Path) -> None:
    async with village(tmp_path, default=IGNORES) as exchange:
        alert = await _asked(exchange)
        past = exchange.clock.now() - timedelta(minutes=16)

        def age(connection: Connection) -> None:
            connection.execute(t.calls.update().where(t.calls.c.number_digest.is_not(None)).values(wanted_at=past))

        await exchange.door.later(age)
        call = await told(exchange, NEIGHBOURS[0])
        assert (call.dialogue, call.party) == ("hotline", "responder:n1")
        assert call.alert_id != alert


async def test_a_resident_whose_telephone_is_also_a_keyholders_is_heard_and_not_asked_for_help(tmp_path: Path) -> None:
    def share(connection: Connection) -> None:
        connection.execute(t.contacts.update().where(t.contacts.c.id == "c-1").values(phone=RESIDENT))

    async with village(tmp_path, more=share, default=IGNORES) as exchange:
        alert = await _asked(exchange)
        call = await told(exchange, RESIDENT)
        assert (call.dialogue, call.alert_id, call.role) == ("hotline", alert, Role.ELDER)


async def test_a_relative_on_the_line_is_neither_asked_nor_cut_off_when_a_neighbour_goes(tmp_path: Path) -> None:
    async with village(tmp_path, default=IGNORES) as exchange:
        exchange.carrier.set_callee(ANN_PHONE, PICKS_UP)
        await exchange.seat()
        exchange.carrier.set_callee(RESIDENT, Callee("busy"))
        exchange.carrier.set_callee(NEIGHBOURS[0], Callee("press", digits=("1",), rings_s=2))
        alert = await exchange.press()
        leg = rings(exchange, DAUGHTER)
        call = await call_of(exchange, leg)
        assert call.alert_id == alert
        await exchange.until(lambda: exchange.alert(alert).responder, what="somebody goes")
        assert not next(c for c in exchange.calls(alert) if c.id == call.id).hang_up_at
        assert not leg.over
