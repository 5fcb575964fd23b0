"""A caller who gave up, or was cut off, is owed a call until a person has reached, visited or escalated."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from callcenter.alerts.call_inputs import CallResult, NotFound
from callcenter.alerts.call_model import Call, CallOutcome, Role
from callcenter.alerts.model import State
from callcenter.ports import DebtDischarged
from callcenter.storage import tables as t
from handlers.call_updates import DebtDue
from simulators.carrier.callees import Callee
from tests.integration.office import ANN
from tests.telephone.exchange import ANN_PHONE, CHANCE, RESIDENT, SOS_NUMBER, Exchange
from tests.telephone.village import call_of, data_of, joined, rings, rows, village

pytestmark = pytest.mark.long

GIVES_UP = Callee("silent", stays_s=4)
PICKS_UP = Callee("answer", rings_s=2)


def debt_of(exchange: Exchange, call: Call) -> dict[str, Any] | None:
    return next((debt for debt in rows(exchange, t.debts) if debt["call_id"] == call.id), None)


async def owed(exchange: Exchange, number: str, **where: str) -> tuple[Call, dict[str, Any]]:
    """Somebody rang and gave up: the call and the debt."""
    call = await call_of(exchange, rings(exchange, number, callee=GIVES_UP, **where))
    debt = await exchange.until(lambda: debt_of(exchange, call), what="the debt")
    return next(one for one in exchange.calls() if one.id == call.id), debt


async def test_an_abandoned_call_is_called_back_and_reached_in_one_room_with_an_operator(tmp_path: Path) -> None:
    async with village(tmp_path) as exchange:
        exchange.callees(PICKS_UP, RESIDENT, ANN_PHONE)
        call, debt = await owed(exchange, RESIDENT)
        assert (call.outcome, call.joined_at) == (CallOutcome.ABANDONED, None)
        assert (debt["due"] - debt["opened_at"]).total_seconds() == 30
        kept = next(row for row in rows(exchange, t.callbacks) if row["what"] == "ended")
        assert (kept["call_id"], kept["known"]) == (call.id, True), "it came without our id, under the carrier's"
        await exchange.until(lambda: exchange.dialled(RESIDENT), what="the resident rung back")
        assert data_of(exchange, "debt.due")[0]["attempt"] == 1
        back = next(c for c in exchange.calls(call.alert_id) if c.dialogue == "callback")
        assert (back.wanted_at - debt["due"]).total_seconds() >= 0
        await exchange.until(lambda: exchange.calls(call.alert_id)[1].in_room, what="the resident in the room")
        assert not (debt_of(exchange, call) or {})["discharged_at"], "alone in a room is not reached"
        await exchange.seat()
        await exchange.until(lambda: (debt_of(exchange, call) or {})["discharged_at"], what="reached")
        assert joined(exchange, call.alert_id or "") == {Role.ELDER, Role.OPERATOR}
        debt = debt_of(exchange, call) or {}
        assert (debt["how"], debt["by"]) == ("reached", f"call:{back.id}")


async def test_attempts_go_on_in_growing_intervals_while_the_debt_is_open(tmp_path: Path) -> None:
    async with village(tmp_path) as exchange:
        exchange.callees(Callee("ignore"), CHANCE)
        call, debt = await owed(exchange, CHANCE)
        gaps = []
        for attempt in range(1, 8):  # each as if its time had come
            before = exchange.clock.now()
            assert await exchange.door.submit(DebtDue(call.id, debt["due"]))
            assert not await exchange.door.submit(DebtDue(call.id, debt["due"])), "each time once"
            debt = debt_of(exchange, call) or {}
            assert (debt["attempts"], debt["discharged_at"]) == (attempt, None)
            gaps.append(round((debt["due"] - before).total_seconds() / 30))
        assert gaps == [2, 4, 8, 16, 16, 16, 16]


async def test_who_rings_again_and_is_heard_is_owed_nothing_more(tmp_path: Path) -> None:
    async with village(tmp_path) as exchange:
        exchange.callees(PICKS_UP, ANN_PHONE)
        first, _ = await owed(exchange, CHANCE)
        await exchange.seat()
        rings(exchange, CHANCE)
        await exchange.until(lambda: (debt_of(exchange, first) or {})["how"] == "reached", what="reached")


async def test_a_withheld_number_cannot_be_rung_so_people_are_told_and_no_stranger_settles_it(tmp_path: Path) -> None:
    async with village(tmp_path) as exchange:
        exchange.callees(PICKS_UP, ANN_PHONE)
        first, _ = await owed(exchange, "+266696687")
        await exchange.until(lambda: data_of(exchange, "debt.due"), what="the debt due")
        entry = next(e for e in exchange.entries() if e.rule == "debt.due")
        assert entry.ring
        assert data_of(exchange, "debt.due")[0]["by_hand"]
        await exchange.seat()
        other = await call_of(exchange, rings(exchange, "+266696687"))
        await exchange.until(lambda: joined(exchange, other.alert_id or ""), what="another caller heard")
        assert not (debt_of(exchange, first) or {})["discharged_at"]


async def test_an_abandoned_sos_stays_open_and_only_a_person_says_otherwise(tmp_path: Path) -> None:
    async with village(tmp_path, default=Callee("ignore")) as exchange:
        call, _ = await owed(exchange, RESIDENT, to=SOS_NUMBER)
        assert call.alert_id
        assert exchange.alert(call.alert_id).state is State.WAITING
        assert not await exchange.door.submit(DebtDischarged(call.id, "forgotten", "", ANN))
        assert await exchange.door.submit(DebtDischarged(call.id, "visited", "neighbour looked in", ANN))
        assert not await exchange.door.submit(DebtDischarged(call.id, "escalated", "", ANN)), "once only"
        debt = debt_of(exchange, call) or {}
        assert (debt["how"], debt["by"], debt["note"]) == ("visited", "operator:operator1", "neighbour looked in")
        assert exchange.alert(call.alert_id).state is State.WAITING, "the alert is another matter"


async def test_a_voicemail_in_the_room_with_an_operator_is_not_reached(tmp_path: Path) -> None:
    async with village(tmp_path) as exchange:
        exchange.callees(Callee("voicemail", rings_s=1, stays_s=40), RESIDENT)
        exchange.callees(Callee("answer", rings_s=8), ANN_PHONE)
        call, _ = await owed(exchange, RESIDENT)
        await exchange.seat()
        await exchange.until(
            lambda: any(c.machine and c.joined_at for c in exchange.calls(call.alert_id)), what="a machine in the room"
        )
        assert not (debt_of(exchange, call) or {})["discharged_at"]


async def test_a_call_the_carrier_has_forgotten_was_cut_off_and_is_owed(tmp_path: Path) -> None:
    """Nothing tells how it ended: whoever rang may still need us."""
    async with village(tmp_path) as exchange:
        call = await call_of(exchange, rings(exchange, RESIDENT))

        def long_silence(connection: Connection) -> None:
            connection.execute(t.calls.update().where(t.calls.c.id == call.id).values(checks=5))

        await exchange.door.later(long_silence)
        for _ in range(2):
            await exchange.door.submit(CallResult(call.id, NotFound("twilio", exchange.clock.now())))
        assert exchange.calls()[0].outcome is CallOutcome.LOST
        assert debt_of(exchange, call)


async def test_no_more_are_rung_back_at_once_than_find_somebody_to_talk_to_and_all_are_reached(tmp_path: Path) -> None:
    """After a bad hour one operator must not be the reason that everybody is rung and hears nobody."""
    callers = [f"+8610002{number:05}" for number in range(6)]
    async with village(tmp_path, default=Callee("answer", rings_s=2, stays_s=25)) as exchange:
        debts = [await owed(exchange, number) for number in callers]
        exchange.callees(Callee("answer", rings_s=2, stays_s=8), ANN_PHONE)
        await exchange.seat()
        at_once = 0

        def all_reached() -> bool:
            nonlocal at_once
            alone = [c for c in exchange.calls() if c.dialogue == "callback" and not c.over and not c.joined_at]
            at_once = max(at_once, len(alone))
            return all(debt["discharged_at"] for debt in rows(exchange, t.debts))

        await exchange.until(all_reached, what="everybody reached", seconds=60)
        assert len(debts) == len(callers)
        assert at_once == 1


async def test_who_pressed_or_rang_the_sos_number_never_waits_for_a_turn(tmp_path: Path) -> None:
    callers = [f"+8610002{number:05}" for number in range(3)]
    async with village(tmp_path, default=Callee("ignore")) as exchange:
        for number in callers:
            await owed(exchange, number, to=SOS_NUMBER)
        await exchange.until(lambda: set(exchange.dialled(*callers)) == set(callers), what="all rung back", seconds=20)
