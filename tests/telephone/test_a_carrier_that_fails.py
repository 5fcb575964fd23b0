"""Every row of the retry table (telephony.md 6) with the carrier's own faults: never two calls where one was asked,
and the alert moves on. Seconds are the story's, between entries of the timeline."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from callcenter import metrics
from callcenter.alerts.call_inputs import CallResult, HangUpWanted, Heard, HoldWanted, News
from callcenter.alerts.call_model import Call, CallOutcome, CallState, Role
from callcenter.alerts.effects import PlaceCall
from callcenter.storage import work
from callcenter.telephony import twilio_gateway, webhooks
from callcenter.telephony.circuit import FAILURES, Circuit
from callcenter.telephony.manual import ManualGateway
from callcenter.telephony.port import CarrierUnreachable, DialReceipt, LegHint, LegSnapshot, LegSpec, TelephonyError
from handlers.outbox import Outbox
from simulators.carrier.account import Network
from simulators.carrier.callees import Callee
from simulators.carrier.faults import Faults
from tests.telephone.exchange import NEIGHBOURS, RESIDENT, Exchange, fill
from tests.telephone.steady import ticking

pytestmark = pytest.mark.long

PACE = 10.0
IS_WELL = Callee("press", digits=("1",), rings_s=2)


@pytest.fixture(autouse=True)
def _seconds_of_the_story(monkeypatch: pytest.MonkeyPatch) -> None:
    """The HTTP client counts the wall's seconds: four of the story are fewer of those."""
    monkeypatch.setattr(twilio_gateway, "LONGEST_S", 4.0 / PACE)
    monkeypatch.setattr(webhooks, "DOCUMENT_S", 100.0)


@pytest.fixture
def village_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    fill(url)
    return url


@dataclass
class Spare(ManualGateway):
    """A second gateway that takes every call and keeps what it was asked."""

    name: str = "spare"
    rings: bool = True
    fails: type[TelephonyError] | None = None
    dialled: list[LegSpec] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    async def dial(self, leg: LegSpec) -> DialReceipt:
        self.dialled.append(leg)
        if self.fails:
            raise self.fails("no")
        return DialReceipt(f"spare-{len(self.dialled)}")

    async def hang_up(self, call_id: str, ref: str) -> None:
        self.ended.append(ref)

    async def find_leg(self, call_id: str, hint: LegHint) -> LegSnapshot | None:
        return LegSnapshot(call_id, hint.ref, Heard(News.RINGING, hint.since, hint.ref)) if hint.ref else None


def resident_calls(exchange: Exchange, alert: str) -> list[Call]:
    return [call for call in exchange.calls(alert) if call.role is Role.ELDER]


def faults(*plan: str, **more: object) -> Faults:
    return Faults(answer_plan=plan, operations=("CreateCall",), **more)  # type: ignore[arg-type]


@asynccontextmanager
async def exchange_at(
    url: str, directory: Path, *behind: Spare, plan: Sequence[str] = (), **more: object
) -> AsyncIterator[Exchange]:
    faulty = faults(*plan, **more)
    async with (
        ticking(PACE) as clock,
        Exchange(url, directory, pace=PACE, clock=clock, default=IS_WELL, behind=behind, faults=faulty) as made,
    ):
        yield made


# what the carrier does to the one request -> (calls it places, what becomes of the call, the alert's next news)
ROWS: dict[str, tuple[tuple[str, ...], int, CallOutcome | None, str]] = {
    "429 once": (("throttled",), 1, None, "call.well"),
    "429 twice": (("throttled", "throttled"), 1, None, "call.well"),
    "429 three times": (("throttled",) * 3, 0, CallOutcome.BY_HAND, "call.by_hand"),
    "500": (("error",), 0, CallOutcome.BY_HAND, "call.by_hand"),
    "hang": (("hang",), 0, CallOutcome.BY_HAND, "call.by_hand"),
    "reset": (("reset",), 0, CallOutcome.BY_HAND, "call.by_hand"),
    "html": (("html",), 0, CallOutcome.BY_HAND, "call.by_hand"),
    "placed, then 500": (("error_after",), 1, None, "call.well"),
    "placed, then silence": (("hang_after",), 1, None, "call.well"),
    "placed, then reset": (("reset_after",), 1, None, "call.well"),
    "callbacks before the answer": (("early",), 1, None, "call.well"),
}


@pytest.mark.parametrize("row", ROWS)
async def test_a_fault_of_the_carrier_never_places_two_calls_and_the_alert_moves_on(
    row: str, village_url: str, tmp_path: Path
) -> None:
    plan, placed, outcome, news = ROWS[row]
    async with exchange_at(village_url, tmp_path, plan=plan) as exchange:
        alert = await exchange.press()
        await exchange.until(lambda: news in exchange.rules(alert), what=news)
        (call,) = resident_calls(exchange, alert)
        assert (len(exchange.dialled(RESIDENT)), call.outcome) == (placed, outcome)
        assert exchange.seconds(alert, news) < 30


@pytest.mark.parametrize("row", ["429 three times", "500", "hang", "reset", "html"])
async def test_what_was_never_placed_is_dialled_by_the_other_gateway_within_10_s(
    row: str, village_url: str, tmp_path: Path
) -> None:
    spare = Spare()
    async with exchange_at(village_url, tmp_path, spare, plan=ROWS[row][0]) as exchange:
        alert = await exchange.press()
        await exchange.until(lambda: [c for c in resident_calls(exchange, alert) if c.gateway == "spare"], what="it")
        await exchange.until(lambda: "call.placed" in exchange.rules(alert), what="the second gateway's answer")
        assert [leg.to for leg in spare.dialled] == [RESIDENT]
        assert exchange.dialled(RESIDENT) == []
        assert exchange.seconds(alert, "call.dialling", gateway="spare") < 10


@pytest.mark.parametrize("row", ["placed, then 500", "placed, then silence", "placed, then reset"])
async def test_what_was_placed_though_the_answer_was_lost_is_not_dialled_by_the_other(
    row: str, village_url: str, tmp_path: Path
) -> None:
    """Not even when no callback names the call: it is found by its number."""
    spare = Spare()
    async with exchange_at(village_url, tmp_path, spare, plan=ROWS[row][0], callbacks={"lose": 1.0}) as exchange:
        exchange.callees(Callee("ignore"), RESIDENT)
        alert = await exchange.press()
        await exchange.until(lambda: all(c.provider_ref for c in resident_calls(exchange, alert)), what="its name")
        assert exchange.dialled(RESIDENT) == [RESIDENT]
        assert RESIDENT not in [leg.to for leg in spare.dialled]
        await exchange.until(lambda: "call.not_reached" in exchange.rules(alert), what="the next step")
        assert exchange.dialled(RESIDENT) == [RESIDENT]


async def test_retry_after_is_honoured(village_url: str, tmp_path: Path) -> None:
    async with exchange_at(village_url, tmp_path, plan=("throttled",), retry_after_s=3) as exchange:
        alert = await exchange.press()
        await exchange.until(lambda: exchange.dialled(RESIDENT), what="a call")
        tries = [e.at for e in exchange.entries() if e.alert_id == alert and e.rule == "call.dialling"]
        assert len(tries) == 2
        assert (tries[1] - tries[0]).total_seconds() >= 3


async def test_a_retry_after_that_is_too_long_goes_to_the_next_gateway_at_once(
    village_url: str, tmp_path: Path
) -> None:
    spare = Spare()
    async with exchange_at(village_url, tmp_path, spare, plan=("throttled",), retry_after_s=30) as exchange:
        alert = await exchange.press()
        await exchange.until(lambda: spare.dialled, what="the other gateway")
        assert exchange.rules(alert).count("call.not_taken") == 1


async def test_a_refused_connection_is_tried_once_more_and_then_the_next_gateway(
    village_url: str, tmp_path: Path
) -> None:
    spare = Spare()
    async with exchange_at(village_url, tmp_path, spare) as exchange:
        await exchange.carrier.die("refuses")
        alert = await exchange.press()
        await exchange.until(lambda: spare.dialled, what="the other gateway")
        assert exchange.rules(alert).count("call.not_taken") == 2
        assert exchange.seconds(alert, "call.dialling", gateway="spare") < 10


async def test_a_wrong_number_is_no_fault_of_the_carrier_and_the_next_person_is_asked(
    village_url: str, tmp_path: Path
) -> None:
    spare = Spare()
    forbidden = Network(forbidden=(RESIDENT, NEIGHBOURS[0]))
    async with Exchange(
        village_url, tmp_path, pace=PACE, default=Callee("ignore"), behind=[spare], network=forbidden
    ) as exchange:
        alert = await exchange.press()
        await exchange.until(lambda: "call.not_reached" in exchange.rules(alert), what="the next step")
        (call,) = resident_calls(exchange, alert)
        assert (call.state, call.outcome) == (CallState.FAILED, CallOutcome.FAILED)
        await exchange.until(lambda: [c for c in exchange.calls(alert) if c.party == "responder:n3"], what="the next")
        assert spare.dialled == [], "another carrier would say the same"
        assert len([c for c in exchange.calls(alert) if c.number == NEIGHBOURS[0]]) == 1, "and it is not tried again"
        assert not exchange.line._circuits["twilio"].open


async def test_refused_credentials_open_the_circuit_at_once(village_url: str, tmp_path: Path) -> None:
    spare = Spare()
    async with exchange_at(village_url, tmp_path, spare) as exchange:
        exchange.carrier.account = exchange.carrier._rest._account = replace(exchange.carrier.account, token="another")
        alert = await exchange.press()
        await exchange.until(lambda: spare.dialled, what="the other gateway")
        assert exchange.line._circuits["twilio"].open
        assert exchange.rules(alert).count("call.not_taken") == 1, "asked once"


@pytest.mark.parametrize("what", ["hang_up", "hold"])
async def test_what_the_carrier_no_longer_knows_is_done_and_not_tried_again(
    what: str, village_url: str, tmp_path: Path
) -> None:
    """404 on hang-up or update: over."""
    async with exchange_at(village_url, tmp_path) as exchange:
        exchange.callees(Callee("answer"), RESIDENT)
        await exchange.seat()
        alert = await exchange.press()
        await exchange.until(lambda: "call.met" in exchange.rules(alert), what="resident and operator in the room")
        (call,) = resident_calls(exchange, alert)
        exchange.carrier.board.legs.clear()
        for room in exchange.carrier.board.wires.rooms.all.values():
            room.seats.clear()
        asked = metrics.carrier_requests.labels("twilio", what, "LegGone")
        before = asked._value.get()
        wanted = HangUpWanted("test") if what == "hang_up" else HoldWanted(True)
        await exchange.door.submit(CallResult(call.id, wanted))
        effect = "end_call" if what == "hang_up" else "hold_call"
        await exchange.until(lambda: [r for r in _rows(exchange) if (r.kind, r.state) == (effect, "done")], what="it")
        await exchange.clock.sleep(25)
        assert asked._value.get() == before + 1, "asked once, and answered 404"
        assert not exchange.line._circuits["twilio"].open


def test_the_circuit_opens_at_the_third_failure_in_30_s_and_at_one_that_nothing_mends() -> None:
    slow, quick, told = Circuit("a"), Circuit("b"), Circuit("c")
    for n in range(FAILURES + 1):
        slow.failed(n * 16.0)
        quick.failed(n * 1.0)
    told.failed(0.0, at_once=True)
    assert (slow.open, quick.open, told.open) == (False, True, True)
    quick.worked()
    assert not quick.open


async def test_a_call_whose_answer_is_lost_is_not_taken_for_an_earlier_one_to_that_number(
    village_url: str, tmp_path: Path
) -> None:
    """The resident's line is busy; rung again within seconds, the answer is lost and no callback comes."""
    async with exchange_at(village_url, tmp_path, plan=("", "error_after")) as exchange:
        exchange.callees(Callee("busy"), RESIDENT)
        await exchange.seat()
        alert = await exchange.press()
        await exchange.act(alert, "claim")
        await exchange.until(lambda: [c for c in resident_calls(exchange, alert) if c.over], what="a busy line")
        exchange.callees(Callee("ignore"), RESIDENT)
        exchange.carrier.set_faults(faults("error_after", callbacks={"lose": 1.0}))
        await exchange.act(alert, "call_resident")
        await exchange.until(lambda: all(c.provider_ref for c in resident_calls(exchange, alert)), what="its name")
        assert len({c.provider_ref for c in resident_calls(exchange, alert)}) == 2


# -- a process that dies, and two that do the same


async def test_who_dies_between_the_request_and_its_answer_leaves_one_call(village_url: str, tmp_path: Path) -> None:
    async with exchange_at(village_url, tmp_path, plan=("hang_after",)) as exchange:
        alert = await exchange.press()
        await exchange.until(lambda: exchange.dialled(RESIDENT), what="a request that has arrived")
        for task in tuple(exchange.outbox._running):
            task.cancel()
        (call,) = resident_calls(exchange, alert)
        assert call.state in (CallState.UNKNOWN, CallState.PLACED, CallState.RINGING)
        await exchange.until(lambda: _attempts(exchange) >= 1, what="the sweep that takes it again")
        await exchange.until(lambda: "call.well" in exchange.rules(alert), what="the resident")
        assert exchange.dialled(RESIDENT) == [RESIDENT]
        await exchange.until(lambda: not _pending(exchange), what="the end of every effect")


def _attempts(exchange: Exchange) -> int:
    return max(row.attempts for row in _rows(exchange) if row.kind == "place_call")


def _pending(exchange: Exchange) -> list[str]:
    return [row.kind for row in _rows(exchange) if row.state == "pending"]


def _rows(exchange: Exchange) -> list[Any]:
    return exchange.read(lambda c: c.execute(work.t.outbox.select()).all())


async def test_two_processes_that_perform_one_effect_at_once_dial_once(village_url: str, tmp_path: Path) -> None:
    async with exchange_at(village_url, tmp_path) as exchange:
        exchange.callees(Callee("ignore"), RESIDENT)
        other = Outbox(exchange.door, exchange.outbox._performers, exchange.clock)  # hears of the same commits
        alert = await exchange.press()
        (call,) = resident_calls(exchange, alert)
        await asyncio.gather(*(exchange.line.place_call(PlaceCall(call.id)) for _ in range(3)))
        await exchange.until(lambda: not other._running and not exchange.outbox._running, what="both done")
        assert exchange.dialled(RESIDENT) == [RESIDENT]
        assert exchange.rules(alert).count("call.dialling") == 1


async def test_a_call_nobody_needs_is_not_put_on_the_manual_list(village_url: str, tmp_path: Path) -> None:
    """Its gateways fail one after the other while an operator gives it up."""
    spare = Spare(fails=CarrierUnreachable)
    async with exchange_at(village_url, tmp_path, spare, plan=("throttled",), retry_after_s=4) as exchange:
        alert = await exchange.press()
        await exchange.until(lambda: "call.not_taken" in exchange.rules(alert), what="a first try")
        await exchange.hang_up(resident_calls(exchange, alert)[0].id)
        (call,) = await exchange.all_over(alert)
        assert (call.outcome, call.cause) == (CallOutcome.FAILED, "unwanted")
        assert exchange.dialled(RESIDENT) == []
