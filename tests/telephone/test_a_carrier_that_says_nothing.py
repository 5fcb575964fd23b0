"""The first of two carriers answers nothing, not even whether it rings: help goes on with the second within 10 s, and
no telephone is rung by both (docs/adr/0014). Seconds are the story's, between entries of the timeline."""

from dataclasses import replace
from pathlib import Path

import pytest

from callcenter.alerts.call_model import CallOutcome, Role
from callcenter.telephony import twilio_gateway, webhooks
from config import policies
from simulators.carrier.callees import Callee
from simulators.carrier.faults import Faults
from tests.telephone.exchange import RESIDENT
from tests.telephone.test_two_carriers import PACE, SILENT, Both, both, by, dies

pytestmark = pytest.mark.long

WITHIN_S = 10.0
COMMITS_S = 1.5  # disk and processor are the wall's: 20 ms of them are a fifth of a second of the story


@pytest.fixture(autouse=True)
def _seconds_of_the_story(monkeypatch: pytest.MonkeyPatch) -> None:
    """The HTTP client counts the wall's seconds: four of the story are fewer of those."""
    monkeypatch.setattr(twilio_gateway, "LONGEST_S", 4.0 / PACE)
    monkeypatch.setattr(webhooks, "DOCUMENT_S", 100.0)


async def is_given_up(two: Both, alert: str) -> None:
    await two.exchange.until(lambda: by_hand(two, alert), what="the resident on the manual list")


def rules(two: Both, alert: str, rule: str) -> int:
    return two.exchange.rules(alert).count(rule)


def by_hand(two: Both, alert: str) -> bool:
    return [call.outcome for call in two.elders(alert)] == [CallOutcome.BY_HAND]


@pytest.mark.parametrize("how", SILENT)
async def test_others_are_asked_by_the_second_within_10_s_and_nobody_is_rung_by_both(how: str, tmp_path: Path) -> None:
    async with both(tmp_path, "twilio,ari") as two:
        await dies(two, how)
        await two.exchange.seat()
        alert = await two.exchange.press()
        await two.exchange.until(lambda: by(two, alert, "ari"), what="a neighbour, by the other")
        await two.exchange.until(lambda: rules(two, alert, "call.by_hand") > 1, what="the operator on the list too")
        await two.exchange.clock.sleep(3)
        assert two.exchange.seconds(alert, "call.by_hand", reason="no_news") < WITHIN_S + COMMITS_S
        asked = two.exchange.seconds(alert, "call.dialling", gateway="ari")
        assert asked < WITHIN_S + COMMITS_S
        assert {call.role for call in by(two, alert, "ari")} <= {Role.RESPONDER, Role.FAMILY}, "nobody beside twilio"
        assert by_hand(two, alert), "a person is told to dial"
        assert two.rung(RESIDENT) == {}
        assert two.exchange.dialled() == []


async def test_who_may_be_rung_is_not_rung_beside_it_until_its_time_is_over(tmp_path: Path) -> None:
    calls = replace(policies.read().calls, reconcile_s=20)
    async with both(tmp_path, "twilio,ari", limits={"calls": calls}) as two:
        await dies(two, "unavailable")
        alert = await two.exchange.press()
        await is_given_up(two, alert)
        await two.exchange.act(alert, "claim")
        await two.exchange.act(alert, "call_resident")
        assert "effect.failed" in two.exchange.rules(alert), "the operator is told at once"
        assert two.rung(RESIDENT) == {}
        (unsure,) = two.elders(alert)
        assert unsure.unknown_at
        left = calls.reconcile_s + 1 - (two.exchange.clock.now() - unsure.unknown_at).total_seconds()
        await two.exchange.clock.sleep(left)
        await two.exchange.act(alert, "call_resident")
        await two.exchange.until(lambda: two.rung(RESIDENT), what="the resident, by the other")
        assert two.rung(RESIDENT) == {RESIDENT: 1}
        assert two.exchange.dialled(RESIDENT) == []


LATE = Faults(answer_plan=("error_after",), answers={"error": 1.0}, callbacks={"delay": 1.0}, delay_s=12)


async def test_what_it_has_placed_after_all_is_ended_when_it_is_heard_of(tmp_path: Path) -> None:
    async with both(tmp_path, "twilio,ari", faults=LATE) as two:
        two.exchange.callees(Callee("ignore"), RESIDENT)
        alert = await two.exchange.press()
        await is_given_up(two, alert)
        two.exchange.carrier.set_faults(Faults())
        await two.exchange.until(lambda: all(leg["ended_at"] for leg in two.exchange.carrier.ledger()), what="its end")
        assert [leg["status"] for leg in two.exchange.carrier.ledger()] == ["canceled"], "by us; it did not ring out"
        assert two.rung(RESIDENT) == {RESIDENT: 1}


async def test_a_resident_who_answers_what_was_given_up_is_not_cut_off(tmp_path: Path) -> None:
    dying = Faults(answer_plan=("error_after",), answers={"error": 1.0}, callbacks={"lose": 1.0})
    async with both(tmp_path, "twilio,ari", faults=dying) as two:
        two.exchange.callees(Callee("answer", rings_s=16), RESIDENT)
        alert = await two.exchange.press()
        await is_given_up(two, alert)
        two.exchange.carrier.set_faults(Faults())
        await two.exchange.until(lambda: "call.caller_waits" in two.exchange.rules(alert), what="somebody is wanted")
        await two.exchange.clock.sleep(5)
        theirs = [leg for leg in two.exchange.carrier.ledger() if leg["to"] == RESIDENT]
        assert [leg["ended_at"] for leg in theirs] == [None]
        assert two.rung(RESIDENT) == {RESIDENT: 1}
