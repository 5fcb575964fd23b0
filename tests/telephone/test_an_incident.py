"""A flood in a village: everybody is asked how they are; who needs help or is not reached is an alert of their own."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, update

from callcenter.alerts import roll as roll_rules
from callcenter.alerts.call_inputs import CallResult, Heard, News
from callcenter.alerts.call_model import CallOutcome
from callcenter.alerts.model import Kind, Operator
from callcenter.alerts.ranking import Spot
from callcenter.alerts.roll import FAILURES, Ask, IncidentKind, Standing
from callcenter.alerts.rules import Refused
from callcenter.ports.room import IncidentClosed, IncidentRaised, PersonSettled
from callcenter.reactions import due
from callcenter.storage import queries, roll_book, roll_queries, tables as t
from handlers import incidents
from handlers.incidents import IncidentDue
from handlers.timers import TimerWorker
from handlers.troubles import TroubleOver, TroubleSeen
from simulators.carrier.account import Network
from simulators.carrier.callees import Callee
from simulators.carrier.faults import Faults
from tests.conftest import ManualClock
from tests.integration.office import ANN, Office
from tests.telephone.exchange import RESIDENT, Exchange, fill
from tests.telephone.village import GOES, RINGS_LONG, attended, change

pytestmark = pytest.mark.one_database

CHIEF = Operator("chief", "Chief", supervisor=True)
HELPLESS, AWAY, SILENT, FAR = "+861000000502", "+861000000503", "+861000000504", "+861000000505"
WELL = Callee("press", digits=("1",), rings_s=1, early=True)
VOICELESS = Callee("silent", rings_s=1)


def people(connection: Connection) -> None:
    """Four households in the village, and one in the next town of the district."""
    connection.execute(t.areas.insert(), {"id": "d1-t2", "name": "d1-t2", "parent_id": "d1"})
    connection.execute(update(t.households).values(lat=37.5, lon=122.1))
    for number, (phone, area, risk) in enumerate(
        ((HELPLESS, "d1-t1-v1", "high"), (AWAY, "d1-t1-v1", "normal"), (FAR, "d1-t2", "normal")), start=2
    ):
        home = {"id": f"h-{number}", "address": f"石岛村{number}号", "area_id": area, "lat": 37.5, "lon": 122.1}
        connection.execute(t.households.insert(), home | ({"lat": 37.9} if area == "d1-t2" else {}))
        one = {"id": f"r-{number}", "household_id": f"h-{number}", "name": f"r-{number}", "phone": phone, "risk": risk}
        connection.execute(t.residents.insert(), one)


@pytest.fixture
async def both(phones_url: str, tmp_path: Path) -> AsyncIterator[Exchange]:
    change(phones_url, people)
    async with attended(phones_url, tmp_path) as made:
        made.callees(WELL, RESIDENT)
        yield made


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    fill(url)
    change(url, people)
    async with attended(url, tmp_path) as made:
        made.callees(WELL, RESIDENT)
        yield made


async def flood(exchange: Exchange, area: str = "d1-t1", ask: Ask = Ask.RESIDENTS, **more: Any) -> str:
    raised = IncidentRaised(IncidentKind.FLOOD, "石岛河涨水。", area, ask, CHIEF, **more)
    incident = await exchange.door.submit(raised)
    assert isinstance(incident, str), incident
    return incident


def seen(exchange: Exchange, incident: str) -> dict[str, Any]:
    found: dict[str, Any] = exchange.read(roll_queries.incident, incident)
    return found


def roll(exchange: Exchange, incident: str) -> dict[str, dict[str, Any]]:
    return {one["resident_id"]: one for one in seen(exchange, incident)["people"]}


async def stands(exchange: Exchange, incident: str, resident: str, *standing: str) -> dict[str, Any]:
    await exchange.until(
        lambda: roll(exchange, incident)[resident]["standing"] in standing, what=f"{resident} {standing}"
    )
    return roll(exchange, incident)[resident]


async def close(exchange: Exchange, incident: str, reason: str = "") -> Any:
    return await exchange.door.submit(IncidentClosed(incident, "水退了", reason, CHIEF))


async def test_everybody_is_asked_and_whoever_stays_on_the_line_is_somebodys(both: Exchange) -> None:
    both.callees(VOICELESS, HELPLESS)
    both.callees(WELL, AWAY)
    incident = await flood(both)
    assert list(roll(both, incident)) == ["r-2", "r-1", "r-3"], "the endangered first, and nobody of another town"
    helpless = await stands(both, incident, "r-2", "needs_help")
    await stands(both, incident, "r-1", "well")
    await stands(both, incident, "r-3", "well")
    assert any("石岛河涨水" in said for said in both.heard(RESIDENT))
    alert = both.alert(helpless["alert_id"])
    assert (alert.kind, alert.silent, alert.subject.resident) == (Kind.HELP, True, "r-2")
    (call,) = [call for call in both.calls(alert.id) if call.dialogue == "roll_call"]
    assert not call.hang_up_at, "they stay on the line"
    await both.until(lambda: {c.role.value for c in both.calls(alert.id) if c.joined_at} >= {"elder"}, what="a person")
    assert {"total": 3, "accounted": 2, "well": 2, "needs_help": 1}.items() <= seen(both, incident)["progress"].items()
    assert sum(call.dialogue == "roll_call" for call in both.calls()) == 3, "nobody is asked twice"

    refused = await close(both, incident)
    assert isinstance(refused, Refused)
    assert refused.code == "not_accounted"
    await both.act(alert.id, "claim")
    assert (await both.act(alert.id, "resolve", outcome="helped_at_home")).alert.outcome
    assert seen(both, incident)["progress"]["accounted"] == 3
    assert await close(both, incident) is True
    assert seen(both, incident)["closed_by"] == "chief"


async def test_who_is_not_reached_twice_is_an_alert_and_neighbours_are_asked(exchange: Exchange) -> None:
    exchange.callees(RINGS_LONG, HELPLESS)
    exchange.callees(Callee("voicemail", rings_s=1), AWAY)
    incident = await flood(exchange, ask=Ask.BOTH)
    await stands(exchange, incident, "r-2", "not_reached")
    first = roll(exchange, incident)["r-2"]
    assert (first["attempts"], first["alert_id"]) == (1, None)
    await exchange.until(lambda: roll(exchange, incident)["r-2"]["alert_id"], what="an alert")
    assert roll(exchange, incident)["r-2"]["attempts"] == 2
    alert = exchange.alert(roll(exchange, incident)["r-2"]["alert_id"])
    assert alert.asked_at, "somebody is sent at once"
    assert next(e for e in exchange.entries() if e.alert_id == alert.id).data.count(incident) == 1, "it says why"
    await exchange.until(lambda: roll(exchange, incident)["r-3"]["alert_id"], what="a machine reaches nobody")
    assert await close(exchange, incident, reason="转交消防") is True
    assert exchange.alert(alert.id).state.value != "closed", "the alert goes on"


async def test_where_somebody_is_sent_to_every_door_nobody_is_called(exchange: Exchange) -> None:
    exchange.callees(GOES, "+861000000521")
    incident = await flood(exchange, ask=Ask.RESPONDERS, at=Spot(37.5, 122.1), radius_m=500)
    await exchange.until(
        lambda: all(one["alert_id"] for one in roll(exchange, incident).values()), what="an alert each"
    )
    assert set(roll(exchange, incident)) == {"r-1", "r-2", "r-3"}
    assert not [call for call in exchange.calls() if call.dialogue == "roll_call"]
    assert [call for call in exchange.calls() if call.dialogue == "offer"]


async def test_whoever_is_an_alert_already_is_not_called_beside_it(exchange: Exchange) -> None:
    exchange.callees(Callee("speaks", says=("喂",), rings_s=2), RESIDENT)
    alert = await exchange.press()
    exchange.callees(WELL, HELPLESS, AWAY)
    incident = await flood(exchange)
    mine = await stands(exchange, incident, "r-1", "needs_help")
    assert mine["alert_id"] == alert


@pytest.mark.long
@pytest.mark.parametrize("kind", [Kind.OFFLINE, Kind.BATTERY])
async def test_whose_device_is_in_trouble_is_asked_like_everybody(kind: Kind, exchange: Exchange) -> None:
    """In an outage many devices are silent: that says nothing of how their people are."""
    alert = (await exchange.door.submit(TroubleSeen("bracelet-1", kind, "seen", {}))).alert
    exchange.callees(VOICELESS, RESIDENT)
    exchange.callees(WELL, HELPLESS, AWAY)
    incident = await flood(exchange)
    mine = await stands(exchange, incident, "r-1", "needs_help")
    assert mine["alert_id"] == alert, "one person has one alert"
    after = exchange.alert(alert)
    assert (after.kind, after.silent, after.state.value) == (Kind.HELP, True, "waiting"), "it rings as an emergency now"
    assert [call.dialogue for call in exchange.calls(alert) if call.role.value == "elder"] == ["roll_call"]


async def test_an_alert_that_no_named_human_ended_accounts_for_nobody(exchange: Exchange) -> None:
    """The current is back and the device is heard again: nobody has seen its wearer."""
    alert = (await exchange.door.submit(TroubleSeen("bracelet-1", Kind.OFFLINE, "seen", {}))).alert
    exchange.callees(RINGS_LONG, RESIDENT, HELPLESS, AWAY)
    incident = await flood(exchange)
    on_roll = update(t.roll).where(t.roll.c.resident_id == "r-1")
    change(exchange.url, lambda connection: connection.execute(on_roll.values(standing="needs_help", alert_id=alert)))
    await exchange.door.submit(TroubleOver("bracelet-1", Kind.OFFLINE))
    assert exchange.alert(alert).state.value == "closed"
    assert not roll(exchange, incident)["r-1"]["accounted"]


async def test_whoever_answers_a_call_that_was_given_up_is_somebodys(tmp_path: Path) -> None:
    """The carrier rings them and says nothing of it: given up after nine seconds, answered after sixteen."""
    url = f"sqlite:///{tmp_path / 'test.db'}"
    fill(url)
    async with attended(url, tmp_path) as exchange:
        exchange.callees(Callee("silent", rings_s=16), RESIDENT)
        exchange.carrier.set_faults(
            Faults(answer_plan=("error_after",), answers={"error": 1.0}, callbacks={"lose": 1.0})
        )
        incident = await flood(exchange)
        await exchange.until(lambda: [c.over for c in exchange.calls()] == [True], what="it is given up")
        exchange.carrier.set_faults(Faults())
        mine = await stands(exchange, incident, "r-1", "needs_help")
        alert = mine["alert_id"]
        assert "call.caller_waits" in exchange.rules(alert)
        await exchange.until(
            lambda: [c for c in exchange.calls(alert) if c.role.value == "operator"], what="an operator is rung"
        )
        (call,) = [call for call in exchange.calls() if call.dialogue == "roll_call"]
        assert call.room == alert, "not in a room of their own"
        assert [leg["ended_at"] for leg in exchange.carrier.ledger() if leg["to"] == RESIDENT] == [None]


async def test_a_dead_carrier_makes_no_alerts_and_everybody_is_asked_once_it_works(exchange: Exchange) -> None:
    exchange.callees(WELL, HELPLESS, AWAY)
    await exchange.carrier.die("refuses")
    incident = await flood(exchange, ask=Ask.BOTH)
    await exchange.until(lambda: not exchange.telephone.calling, what="the carrier is left out")
    await exchange.until(lambda: seen(exchange, incident)["progress"]["not_asked"] == 3, what="nobody counts as asked")
    calls = len(exchange.calls())
    await exchange.clock.sleep(300)
    assert len(exchange.calls()) == calls, "nobody is called while nobody can be"
    assert exchange.read(queries.alerts, state="all") == []
    assert {one["attempts"] for one in roll(exchange, incident).values()} == {0}
    await exchange.carrier.revive()
    await exchange.until(lambda: seen(exchange, incident)["progress"]["well"] == 3, what="all of them")


async def test_whose_number_is_refused_is_an_alert_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    fill(url)
    async with Exchange(url, tmp_path, default=RINGS_LONG, network=Network(forbidden=(RESIDENT,))) as exchange:
        incident = await flood(exchange)
        mine = await stands(exchange, incident, "r-1", "not_reached")
        assert exchange.alert(mine["alert_id"]).subject.resident == "r-1"
        assert len(exchange.calls()) == 1


async def test_whose_calls_always_fail_is_an_alert_in_the_end(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The carrier works, and theirs are lost each time: somebody has to go."""
    monkeypatch.setattr(roll_rules, "AGAIN", timedelta(seconds=1))
    exchange.callees(RINGS_LONG, HELPLESS, AWAY, RESIDENT)
    incident = await flood(exchange)
    for fails in range(1, FAILURES + 1):
        await stands(exchange, incident, "r-2", "asking")
        call = next(c for c in reversed(exchange.calls()) if c.party == "resident:r-2")
        await exchange.door.submit(
            CallResult(call.id, Heard(News.ENDED, exchange.clock.now(), outcome=CallOutcome.FAILED))
        )
        assert len([call for call in exchange.calls() if call.party == "resident:r-2"]) == fails
    mine = await stands(exchange, incident, "r-2", "not_reached")
    assert exchange.alert(mine["alert_id"]).subject.resident == "r-2"


async def test_a_fire_is_nobodys_turn_to_wait_for(exchange: Exchange) -> None:
    """Somebody is sent to every door at once, whoever is called for another incident and however few are at a desk."""
    await exchange.seat(state="away")
    exchange.callees(RINGS_LONG, RESIDENT, HELPLESS, AWAY, FAR)
    other = await flood(exchange, area="d1")
    await exchange.until(lambda: seen(exchange, other)["progress"]["asking"] == 1, what="one is called")
    fire = IncidentRaised(IncidentKind.FIRE, "石岛村起火。", "d1-t1", Ask.RESPONDERS, CHIEF)
    incident = await exchange.door.submit(fire)
    await exchange.until(
        lambda: all(one["alert_id"] for one in roll(exchange, incident).values()), what="an alert each"
    )
    opened = {exchange.alert(one["alert_id"]).opened_at for one in roll(exchange, incident).values()}
    assert len(opened) == 1, "all in one go"


async def test_what_nobody_could_call_for_is_taken_up_when_there_is_a_carrier(tmp_path: Path) -> None:
    """Raised by a centre without gateways, whose sweep has nothing to do for it, and does not spin."""
    url = f"sqlite:///{tmp_path / 'test.db'}"
    fill(url)
    async with Office(url, clock := ManualClock(datetime.now(UTC))) as office:
        incident = await office.door.submit(IncidentRaised(IncidentKind.FLOOD, "涨水。", "d1", Ask.BOTH, CHIEF))
        waits = IncidentDue(incident, clock.now())
        worker = TimerWorker(office.door, lambda now: office.reader(due, now, calling=True, rings=True), clock)
        assert await office.door.submit(waits) is False
        assert await worker.sweep() is False, "nothing moved: it waits for the next second"
        assert office.read(due, clock.now(), calling=True, rings=False) == [], "and is not even asked"
    async with attended(url, tmp_path) as exchange:
        exchange.callees(WELL, RESIDENT)
        await stands(exchange, incident, "r-1", "well")


async def test_whoever_cannot_be_called_because_of_a_fault_of_ours_is_an_alert_in_the_end(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = incidents._call

    def fails(unit: Any, person: Any) -> Any:
        if person.party == "resident:r-2":
            raise RuntimeError("broken")
        return call(unit, person)

    monkeypatch.setattr(incidents, "_call", fails)
    monkeypatch.setattr(roll_rules, "AGAIN", timedelta(seconds=1))
    exchange.callees(WELL, AWAY)
    incident = await flood(exchange)
    await exchange.until(lambda: roll(exchange, incident)["r-2"]["alert_id"], what="an alert")
    assert roll(exchange, incident)["r-2"]["standing"] == "not_reached"
    await exchange.until(lambda: seen(exchange, incident)["progress"]["well"] == 2, what="nobody else is held up")


async def test_nobody_is_forgotten_whose_alert_cannot_be_opened(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_anything: Any, **_more: Any) -> Any:
        raise RuntimeError("broken")

    exchange.callees(WELL, RESIDENT, AWAY)
    monkeypatch.setattr(roll_rules, "AGAIN", timedelta(seconds=1))
    with monkeypatch.context() as broken:
        broken.setattr(incidents, "_call", fails)
        broken.setattr(incidents, "_alert", fails)
        incident = await flood(exchange)
        await exchange.until(lambda: roll(exchange, incident)["r-1"]["attempts"], what="a first try")
        await exchange.clock.sleep(30)
    await stands(exchange, incident, "r-1", "well")


async def test_only_one_is_called_at_a_time_when_nobody_is_at_a_desk(exchange: Exchange) -> None:
    await exchange.seat(state="away")
    exchange.callees(WELL, HELPLESS, AWAY)
    incident = await flood(exchange)
    await exchange.until(lambda: seen(exchange, incident)["progress"]["accounted"] == 3, what="all of them")
    calls = sorted((c for c in exchange.calls() if c.dialogue == "roll_call"), key=lambda call: call.wanted_at)
    for before, after in pairwise(calls):
        said = next(
            e.at
            for e in exchange.entries()
            if e.rule == "incident.stands" and before.party[9:] in e.data and "well" in e.data
        )
        assert said <= after.wanted_at


async def test_a_named_human_may_know_better(exchange: Exchange) -> None:
    exchange.callees(RINGS_LONG, HELPLESS, AWAY)
    incident = await flood(exchange)
    assert await exchange.door.submit(PersonSettled(incident, "r-2", Standing.ACCOUNTED, "在女儿家", ANN)) is True
    assert roll(exchange, incident)["r-2"]["settled_by"] == ANN.id
    assert await exchange.door.submit(PersonSettled(incident, "r-3", Standing.NEEDS_HELP, "要轮椅", ANN)) is True
    assert exchange.alert(roll(exchange, incident)["r-3"]["alert_id"]).subject.resident == "r-3"
    for wrong in (PersonSettled(incident, "r-9", Standing.WELL, "?", ANN), IncidentClosed("nothing", "x", "", CHIEF)):
        assert (await exchange.door.submit(wrong)).code == "not_found"
    nobody = IncidentRaised(IncidentKind.HEAT, "x", "d1", Ask.BOTH, ANN)
    assert (await exchange.door.submit(nobody)).code == "not_supervisor"


@pytest.mark.parametrize("circle", [{}, {"at": Spot(37.5, 122.1), "radius_m": 500}])
async def test_too_many_people_are_counted_and_not_read(
    circle: dict[str, Any], exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No press waits for the reading of a whole city, only to be told that it is too large."""
    monkeypatch.setattr(incidents, "MOST_PEOPLE", 1)
    monkeypatch.delattr(roll_book, "living_in")
    raised = IncidentRaised(IncidentKind.FLOOD, "涨水。", "d1-t1", Ask.BOTH, CHIEF, **circle)
    refused = await exchange.door.submit(raised)
    assert (refused.code, refused.detail.split()[0]) == ("missing", "3")


async def test_whoever_asks_for_help_is_heard_whatever_was_noted_of_them(exchange: Exchange) -> None:
    """An operator writes that they are away, while their telephone is answered."""
    exchange.callees(Callee("silent", rings_s=6), HELPLESS)
    exchange.callees(WELL, AWAY)
    incident = await flood(exchange)
    await stands(exchange, incident, "r-2", "asking")
    await exchange.door.submit(PersonSettled(incident, "r-2", Standing.ACCOUNTED, "在女儿家", ANN))
    await stands(exchange, incident, "r-2", "needs_help")
    assert exchange.alert(roll(exchange, incident)["r-2"]["alert_id"]).silent
