"""Two real gateways, one behind the other, each at a carrier of its own: whatever the first does to a request, never
two telephones ring where one was asked, over both, and the alert moves on. Seconds are the story's."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from callcenter import telephone
from callcenter.alerts.call_model import Call, Role
from callcenter.telephony import twilio_gateway, webhooks
from callcenter.telephony.ari_client import AriSettings
from simulators.carrier.callees import Callee
from simulators.carrier.faults import Faults
from simulators.carrier.pace import Pace
from simulators.pbx.callees import Callee as Extension, Press, presses
from simulators.pbx.server import Fault, Pbx
from tests.telephone.exchange import RESIDENT, Exchange, fill
from tests.telephone.steady import ticking

pytestmark = pytest.mark.long

PACE = 10.0
WITHIN_S = 10.0
IS_WELL = Callee("press", digits=("1",), rings_s=2)
SAYS_SO_TOO = presses(Press("1", after_s=2))


@pytest.fixture(autouse=True)
def _seconds_of_the_story(monkeypatch: pytest.MonkeyPatch) -> None:
    """The HTTP clients count the wall's seconds: four of the story are fewer of those."""
    monkeypatch.setattr(twilio_gateway, "LONGEST_S", 4.0 / PACE)
    monkeypatch.setattr(telephone, "AriSettings", partial(AriSettings, timeout_s=4.0 / PACE))
    monkeypatch.setattr(webhooks, "DOCUMENT_S", 100.0)


class Both:
    """A centre with `order` of gateways, the simulated Twilio and the stand-in of an Asterisk."""

    def __init__(self, exchange: Exchange, pbx: Pbx) -> None:
        self.exchange, self.pbx = exchange, pbx

    def rung(self, *numbers: str) -> Counter[str]:
        """How often each number was rung, by whichever carrier."""
        by_pbx = [one.endpoint.removeprefix("PJSIP/").partition("@")[0] for one in self.pbx.exchange.originates]
        rung = Counter(self.exchange.dialled()) + Counter(by_pbx)
        return Counter({number: times for number, times in rung.items() if number in numbers or not numbers})

    def elders(self, alert: str) -> list[Call]:
        return [call for call in self.exchange.calls(alert) if call.role is Role.ELDER]

    def answers(self, number: str, here: Callee, there: Extension) -> None:
        self.exchange.callees(here, number)
        self.pbx.exchange.callees[f"PJSIP/{number}@trunk"] = there

    def nobody_was_rung_twice_for_one_call(self) -> None:
        wanted = Counter(call.number for call in self.exchange.calls())
        assert not self.rung() - wanted, "more telephones rang than calls were wanted"


@asynccontextmanager
async def both(directory: Path, order: str, **carrier: Any) -> AsyncIterator[Both]:
    url = f"sqlite:///{directory / 'test.db'}"
    fill(url)
    async with ticking(PACE) as clock, Pbx(Pace(clock), username="centre", password="secret") as pbx:
        ari = {
            "ari_url": pbx.url,
            "ari_user": "centre",
            "ari_password": telephone.Settings(ari_password="secret").ari_password,
        }
        settings = {"telephony": order, **ari}
        more: dict[str, Any] = {"clock": clock} | carrier
        async with Exchange(url, directory, pace=PACE, default=IS_WELL, settings=settings, **more) as exchange:
            made = Both(exchange, pbx)
            made.answers(RESIDENT, IS_WELL, SAYS_SO_TOO)
            await exchange.until(lambda: pbx.exchange.active, what="the PBX's events")
            yield made
            made.nobody_was_rung_twice_for_one_call()


def _plan(*answers: str) -> Faults:
    return Faults(answer_plan=answers, operations=("CreateCall",))


NEVER = {
    "429": ("throttled",) * 3,
    "500": ("error",),
    "hang": ("hang",),
    "reset": ("reset",),
    "html": ("html",),
}
PLACED = {"500": ("error_after",), "silence": ("hang_after",), "reset": ("reset_after",)}


@pytest.mark.parametrize("how", NEVER)
async def test_what_twilio_did_not_place_asterisk_rings_within_10_s(how: str, tmp_path: Path) -> None:
    async with both(tmp_path, "twilio,ari", faults=_plan(*NEVER[how])) as two:
        alert = await two.exchange.press()
        await two.exchange.until(lambda: "call.well" in two.exchange.rules(alert), what="the resident")
        assert two.rung(RESIDENT) == {RESIDENT: 1}
        assert [call.gateway for call in two.elders(alert)] == ["ari"]
        assert two.exchange.seconds(alert, "call.dialling", gateway="ari") < WITHIN_S


@pytest.mark.parametrize("how", PLACED)
@pytest.mark.parametrize("lost", [0.0, 1.0], ids=["callbacks come", "no callback comes"])
async def test_what_twilio_placed_asterisk_never_rings(how: str, lost: float, tmp_path: Path) -> None:
    faults = Faults(answer_plan=PLACED[how], operations=("CreateCall",), callbacks={"lose": lost})
    async with both(tmp_path, "twilio,ari", faults=faults) as two:
        two.answers(RESIDENT, Callee("ignore"), SAYS_SO_TOO)
        alert = await two.exchange.press()
        await two.exchange.until(lambda: "call.not_reached" in two.exchange.rules(alert), what="the next step")
        assert two.rung(RESIDENT) == {RESIDENT: 1}
        assert two.exchange.dialled(RESIDENT) == [RESIDENT]


ASTERISK_NEVER = {how: (Fault("originate", how),) for how in ("error", "hang", "reset")}
ASTERISK_PLACED = {how: (Fault("originate", how, done=True),) for how in ("error", "hang", "reset")}


@pytest.mark.parametrize("how", ASTERISK_NEVER)
async def test_what_asterisk_did_not_place_twilio_rings_within_10_s(how: str, tmp_path: Path) -> None:
    async with both(tmp_path, "ari,twilio") as two:
        two.pbx.faults.extend(ASTERISK_NEVER[how])
        alert = await two.exchange.press()
        await two.exchange.until(lambda: "call.well" in two.exchange.rules(alert), what="the resident")
        assert two.rung(RESIDENT) == {RESIDENT: 1}
        assert [call.gateway for call in two.elders(alert)] == ["twilio"]
        assert two.exchange.seconds(alert, "call.dialling", gateway="twilio") < WITHIN_S


async def test_of_an_asterisk_that_is_gone_everybody_is_rung_by_twilio_within_10_s(tmp_path: Path) -> None:
    async with both(tmp_path, "ari,twilio") as two:
        gone = asyncio.create_task(two.pbx.restart(600))
        await two.exchange.clock.sleep(1)
        alert = await two.exchange.press()
        await two.exchange.until(lambda: "call.well" in two.exchange.rules(alert), what="the resident")
        assert two.rung(RESIDENT) == {RESIDENT: 1}
        assert two.exchange.seconds(alert, "call.dialling", gateway="twilio") < WITHIN_S
        gone.cancel()


@pytest.mark.parametrize("how", ASTERISK_PLACED)
async def test_what_asterisk_placed_twilio_never_rings(how: str, tmp_path: Path) -> None:
    async with both(tmp_path, "ari,twilio") as two:
        two.pbx.faults.extend(ASTERISK_PLACED[how])
        alert = await two.exchange.press()
        await two.exchange.until(lambda: "call.well" in two.exchange.rules(alert), what="the resident")
        assert two.rung(RESIDENT) == {RESIDENT: 1}
        assert two.exchange.dialled(RESIDENT) == []


REFUSING = ("throttled", "refuses")  # nothing reaches it, and that is certain
SILENT = ("error", "hang", "reset", "html", "unavailable")  # it may have been placed, and nobody says whether


async def dies(two: Both, how: str) -> None:
    if how in ("refuses", "unavailable"):
        await two.exchange.carrier.die(how)
    else:
        two.exchange.carrier.set_faults(Faults(answers={how: 1.0}))


@pytest.mark.parametrize("how", REFUSING)
async def test_of_a_twilio_that_refuses_everything_everybody_is_rung_by_asterisk_within_10_s(
    how: str, tmp_path: Path
) -> None:
    async with both(tmp_path, "twilio,ari") as two:
        await dies(two, how)
        await two.exchange.seat()
        alert = await two.exchange.press()
        both_roles = {Role.ELDER, Role.OPERATOR}
        await two.exchange.until(lambda: {c.role for c in by(two, alert, "ari")} == both_roles, what="both legs")
        assert two.exchange.seconds(alert, "call.dialling", gateway="ari") < WITHIN_S
        assert two.exchange.dialled() == []


def by(two: Both, alert: str, gateway: str) -> list[Call]:
    return [call for call in two.exchange.calls(alert) if call.gateway == gateway and call.placed_at]


# What becomes of calls at a twilio that answers nothing (SILENT): test_a_carrier_that_says_nothing.py


@pytest.mark.parametrize("how", PLACED)
async def test_what_a_dying_twilio_has_placed_nobody_else_rings(how: str, tmp_path: Path) -> None:
    """Its last deed: it places the call, the answer is lost, no callback comes, and nothing is answered any more."""
    dying = Faults(answer_plan=PLACED[how], answers={"error": 1.0}, callbacks={"lose": 1.0})
    async with both(tmp_path, "twilio,ari", faults=dying) as two:
        two.answers(RESIDENT, Callee("ignore"), SAYS_SO_TOO)
        alert = await two.exchange.press()
        await two.exchange.until(lambda: "call.by_hand" in two.exchange.rules(alert), what="the manual list")
        assert two.rung(RESIDENT) == {RESIDENT: 1}
        assert two.exchange.dialled(RESIDENT) == [RESIDENT]


async def test_a_twilio_that_stumbles_when_it_is_asked_costs_less_than_10_s(tmp_path: Path) -> None:
    """The request is lost, and so are the first two questions whether it rings."""
    async with both(tmp_path, "twilio,ari", faults=Faults(answer_plan=("error",) * 3)) as two:
        alert = await two.exchange.press()
        await two.exchange.until(lambda: "call.well" in two.exchange.rules(alert), what="the resident")
        assert two.exchange.seconds(alert, "call.dialling", gateway="ari") < WITHIN_S
        assert two.rung(RESIDENT) == {RESIDENT: 1}


async def test_what_twilio_tells_of_after_all_is_ended_and_does_not_end_the_call_at_asterisk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It placed the call, lost the answer, its list lags behind, and its callbacks come late: two telephones ring."""
    late = Faults(answer_plan=("error_after",), operations=("CreateCall",), callbacks={"delay": 1.0}, delay_s=7)
    async with both(tmp_path, "twilio,ari", faults=late) as two:

        async def lags(*_: object) -> None:
            return None

        monkeypatch.setattr(two.exchange.line._gateways["twilio"], "find_leg", lags)
        monkeypatch.setattr(two, "nobody_was_rung_twice_for_one_call", lambda: None)
        two.answers(RESIDENT, Callee("ignore"), SAYS_SO_TOO)
        alert = await two.exchange.press()
        await two.exchange.until(lambda: [c for c in two.elders(alert) if c.in_room], what="the resident, by Asterisk")
        await two.exchange.until(lambda: all(leg["ended_at"] for leg in two.exchange.carrier.ledger()), what="its end")
        assert [leg["status"] for leg in two.exchange.carrier.ledger()] == ["canceled"], "by us; it did not ring out"
        await two.exchange.clock.sleep(20)
        (call,) = two.elders(alert)
        assert (call.gateway, call.over, call.in_room) == ("ari", False, True)
