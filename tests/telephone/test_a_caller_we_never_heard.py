"""Somebody rang, and all that reached us is that their call is over: they gave up, and are called back."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from callcenter import metrics
from callcenter.alerts.call_model import Call, CallOutcome, Direction, Role
from callcenter.alerts.model import Kind, State
from callcenter.storage import tables as t
from callcenter.telephony.webhooks import Webhooks
from simulators.carrier.callees import Callee
from tests.telephone.exchange import CHANCE, HOTLINE, NEIGHBOURS, RESIDENT, SOS_NUMBER, Exchange
from tests.telephone.test_forged_callbacks import Forger
from tests.telephone.village import call_of, rings, rows, village

pytestmark = pytest.mark.long

IGNORES = Callee("ignore")
SID = "CA" + "7" * 32
ENDS = ("completed", "busy", "no-answer", "failed", "canceled")


def status(
    caller: str, dialled: str, how: str = "no-answer", *, sid: str = SID, way: str = "inbound"
) -> dict[str, Any]:
    form = {"CallSid": sid, "CallStatus": how, "Direction": way, "From": caller, "To": dialled}
    return form | {"SequenceNumber": "0"}


@pytest.fixture
async def forger(tmp_path: Path) -> AsyncIterator[Forger]:
    async with village(tmp_path, default=IGNORES) as exchange, aiohttp.ClientSession() as session:
        yield Forger(exchange, session)


def inbound(exchange: Exchange) -> list[Call]:
    return [call for call in exchange.calls() if call.direction is Direction.INBOUND]


def debts(exchange: Exchange) -> list[str]:
    return [row["call_id"] for row in rows(exchange, t.debts)]


async def test_whose_first_webhook_failed_is_in_the_log_has_an_alert_and_is_called_back(
    phones_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> web.Response:
        return web.Response(status=503)

    async with Exchange(phones_url, tmp_path, default=IGNORES) as exchange:
        monkeypatch.setattr(Webhooks, "_document", fails)
        leg = rings(exchange, RESIDENT, SOS_NUMBER)
        call = await call_of(exchange, leg)
        await exchange.until(lambda: debts(exchange) == [call.id], what="the debt")
        [call] = inbound(exchange)
        assert (call.outcome, call.role, call.party) == (CallOutcome.ABANDONED, Role.ELDER, "resident:r-1")
        alert = exchange.alert(call.alert_id or "")
        assert (alert.kind, alert.state, alert.subject.resident) == (Kind.SOS, State.WAITING, "r-1")
        await exchange.until(lambda: exchange.dialled(RESIDENT), what="the resident rung back")


@pytest.mark.parametrize("how", ENDS)
async def test_however_it_ended_a_caller_of_the_sos_number_is_an_alert_and_is_owed_a_call(
    forger: Forger, how: str
) -> None:
    exchange = forger.exchange
    assert await forger.send("status", status(CHANCE, SOS_NUMBER, how)) == 204
    [call] = inbound(exchange)
    assert (call.outcome, call.number, call.provider_ref) == (CallOutcome.ABANDONED, CHANCE, SID)
    assert (exchange.alert(call.alert_id or "").kind, debts(exchange)) == (Kind.SOS, [call.id])
    [row] = [row for row in rows(exchange, t.calls) if row["id"] == call.id]
    assert CHANCE.encode() not in bytes(row["number_sealed"])
    kept = {row["event_id"]: (row["call_id"], row["known"]) for row in rows(exchange, t.callbacks)}
    assert kept[f"status:{SID}:{how}:0"] == (call.id, True)


async def test_a_caller_of_the_hotline_joins_what_is_open_and_is_owed_a_call(forger: Forger) -> None:
    exchange = forger.exchange
    pressed = await exchange.press()
    assert await forger.send("status", status(RESIDENT, HOTLINE)) == 204
    [call] = inbound(exchange)
    assert (call.alert_id, call.outcome, debts(exchange)) == (pressed, CallOutcome.ABANDONED, [call.id])


async def test_a_neighbour_who_rang_back_was_asked_nothing_and_is_owed_a_call(forger: Forger) -> None:
    """Nobody heard them, so they have not kept silent on a question."""
    exchange = forger.exchange
    exchange.callees(Callee("busy"), RESIDENT)
    exchange.callees(Callee("reject", rings_s=2), *NEIGHBOURS)
    alert = await exchange.press()
    await exchange.until(
        lambda: any(c.number == NEIGHBOURS[0] and c.over for c in exchange.calls(alert)), what="a neighbour not there"
    )
    assert await forger.send("status", status(NEIGHBOURS[0], HOTLINE)) == 204
    [call] = inbound(exchange)
    assert (call.alert_id, call.party, call.outcome) == (alert, "responder:n1", CallOutcome.ABANDONED)
    assert (call.answer, call.answered_at, debts(exchange)) == (None, None, [call.id])


async def test_told_again_and_in_other_words_it_is_one_call_one_alert_one_debt(forger: Forger) -> None:
    exchange = forger.exchange
    repeated = metrics.callbacks_repeated.labels("twilio")._value.get
    form = status(CHANCE, SOS_NUMBER)
    assert await forger.send("status", form) == 204
    [call], kept, before = inbound(exchange), rows(exchange, t.callbacks), repeated()
    assert await forger.send("status", form) == 204
    assert (rows(exchange, t.callbacks), repeated()) == (kept, before + 1)
    assert await forger.send("status", form | {"CallStatus": "completed", "SequenceNumber": "1"}) == 204
    assert await forger.send("voice", form | {"CallStatus": "ringing"}) == 200, "its first webhook, late"
    assert [(one.id, one.outcome) for one in inbound(exchange)] == [(call.id, CallOutcome.ABANDONED)]
    assert debts(exchange) == [call.id]
    assert len([entry for entry in exchange.entries() if entry.rule == "call.inbound"]) == 1


async def test_what_cannot_be_stored_wholly_is_not_stored_and_a_repeat_does_it(
    forger: Forger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their call, their alert, the end and the debt are one thing."""

    def breaks(*_: object) -> None:
        raise LookupError("a fault of ours")

    exchange = forger.exchange
    with monkeypatch.context() as patched:
        patched.setattr("handlers.call_updates.debts.owe", breaks)
        assert await forger.send("status", status(CHANCE, SOS_NUMBER)) == 503
    assert (inbound(exchange), rows(exchange, t.callbacks), rows(exchange, t.alerts)) == ([], [], [])
    assert await forger.send("status", status(CHANCE, SOS_NUMBER)) == 204
    assert debts(exchange) == [call.id for call in inbound(exchange)] != []


async def test_a_withheld_number_is_a_row_and_an_alert_of_its_own_and_people_are_told(forger: Forger) -> None:
    """As of every caller with a withheld number who gives up: nobody can ring it, an operator settles it by hand."""
    exchange = forger.exchange
    for n, number in enumerate(("anonymous", "+266696687", "")):
        assert await forger.send("status", status(number, SOS_NUMBER, sid=f"CA{n:032}")) == 204
    calls = inbound(exchange)
    assert [(call.number, call.outcome) for call in calls] == [("", CallOutcome.ABANDONED)] * 3
    assert len({call.alert_id for call in calls}) == 3
    assert all(exchange.alert(call.alert_id or "").kind is Kind.SOS for call in calls)
    await exchange.until(lambda: any(e.rule == "debt.due" and e.ring for e in exchange.entries()), what="people told")
    assert not [call for call in exchange.calls() if call.dialogue == "callback"]


async def test_whom_we_cannot_place_is_an_alert_all_the_same(forger: Forger, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise LookupError("a fault of ours")

    monkeypatch.setattr("handlers.callers.directory.by_number", breaks)
    assert await forger.send("status", status(CHANCE, SOS_NUMBER)) == 204
    [call] = inbound(forger.exchange)
    alert = forger.exchange.alert(call.alert_id or "")
    assert (call.outcome, alert.kind, alert.degraded) == (CallOutcome.ABANDONED, Kind.SOS, True)
    assert debts(forger.exchange) == [call.id]


async def test_what_is_not_over_not_to_us_or_of_no_call_is_kept_and_counted(forger: Forger) -> None:
    exchange = forger.exchange
    before = metrics.callbacks_unknown.labels("twilio")._value.get()
    for form in (
        status(CHANCE, SOS_NUMBER, "ringing"),
        status(CHANCE, SOS_NUMBER, "in-progress"),
        status(CHANCE, SOS_NUMBER, "a word of tomorrow"),
        status(SOS_NUMBER, CHANCE, "completed", way="outbound-api"),
        status(SOS_NUMBER, CHANCE, "failed", way="outbound-dial"),
        status(CHANCE, SOS_NUMBER, "busy", sid=""),
    ):
        assert await forger.send("status", form) == 204
    assert await forger.send("status", status(CHANCE, SOS_NUMBER), token="somebody else's") == 403
    assert metrics.callbacks_unknown.labels("twilio")._value.get() == before + 6
    assert (exchange.calls(), debts(exchange)) == ([], [])


async def test_the_end_of_a_call_we_know_is_news_of_that_call_only(forger: Forger) -> None:
    exchange = forger.exchange
    leg = rings(exchange, CHANCE, SOS_NUMBER, Callee("silent", stays_s=4))
    call = await call_of(exchange, leg)
    unknown = metrics.callbacks_unknown.labels("twilio")._value.get()
    await exchange.until(lambda: debts(exchange), what="the debt")
    assert [one.id for one in inbound(exchange)] == [call.id]
    assert metrics.callbacks_unknown.labels("twilio")._value.get() == unknown
    assert len([entry for entry in exchange.entries() if entry.rule == "call.inbound"]) == 1
