"""Requirement 22, the centre's part: who signs out has handed over by name, or what they have rings at once."""

import json
from collections.abc import AsyncIterator

import pytest

from callcenter.alerts.model import Operator
from callcenter.ports.signing_in import SignedOut
from tests.conftest import ManualClock, Seat, sign_in
from tests.integration.bracelet import bracelet
from tests.integration.conftest import Seats
from tests.integration.office import ANN, BEN, CHIEF, Office
from tests.processes import Service

pytestmark = pytest.mark.one_database
WHY = "the bus goes"


@pytest.fixture
async def desks(office: Office) -> AsyncIterator[Office]:
    """Ann, Ben and the chief are signed in."""
    for one in (ANN, BEN, CHIEF):
        await office.console(one, present=True)
    yield office
    office.assert_whole()


async def claimed(office: Office, device: str = "bracelet-1", by: Operator = ANN) -> str:
    alert = (await office.press(device)).alert
    await office.acts(alert, "claim", by)
    return alert


async def signs_out(office: Office, who: Operator = ANN, *, here: bool = False, reason: str = "") -> None:
    """As the console does it: the door hears of it before the last console is missed."""
    await office.door.submit(SignedOut(who.id, here, reason))
    if not here:
        await office.console(who, present=False)


@pytest.mark.parametrize("reason", ["", WHY])
async def test_what_nobody_took_over_rings_at_once_and_says_so(desks: Office, reason: str) -> None:
    alert = await claimed(desks)
    helped, at_120, bens = await claimed(desks, "bracelet-2"), await claimed(desks, "bracelet-3"), ""
    bens = await claimed(desks, "bracelet-4", BEN)
    await desks.acts(helped, "dispatch")
    await desks.acts(at_120, "hand_over", case_number="1")
    since = desks.alert(alert).waiting_since
    await signs_out(desks, reason=reason)
    for one, state in ((alert, "waiting"), (helped, "waiting"), (at_120, "handed_over")):
        after = desks.alert(one)
        assert (after.state, after.owner) == (state, None)
    assert desks.alert(alert).waiting_since == since
    last = [entry for entry in desks.entries() if entry.rule in ("owner.leaves", "ambulance.owner_leaves")]
    assert [(e.alert_id, e.actor, e.ring) for e in last] == [(a, "operator:operator1", True)
                                                            for a in sorted((alert, helped, at_120))]  # fmt: skip
    assert {json.loads(entry.data)["text"] for entry in last} == {reason}
    assert "owner.goes" not in desks.rules(alert)
    assert desks.alert(bens).owner == BEN
    await desks.acts(alert, "claim", BEN)


async def test_what_a_colleague_took_over_stays_with_them(desks: Office) -> None:
    alert = await claimed(desks)
    await desks.acts(alert, "transfer", to=BEN)
    await desks.acts(alert, "take_over", BEN)
    await signs_out(desks)
    assert desks.rules(alert)[-2:] == ["operator.transfers", "transfer.taken"]
    assert desks.alert(alert).owner == BEN


async def test_whoever_is_asked_and_leaves_is_not_waited_for(desks: Office) -> None:
    alert = await claimed(desks)
    await desks.acts(alert, "transfer", to=BEN)
    await desks.door.submit(SignedOut(BEN.id, here=False))
    assert desks.rules(alert)[-1] == "transfer.colleague_gone"
    assert desks.alert(alert).owner.id == ANN.id


async def test_with_another_console_nothing_is_left(desks: Office, clock: ManualClock) -> None:
    """At this process, or at another one that lives; one whose process has died counts for nothing."""
    alert = await claimed(desks)
    await signs_out(desks, here=True)
    async with Office(desks.url, clock, node="other") as other:
        await other.console(ANN, present=True)
        await desks.door.submit(SignedOut(ANN.id, here=False))
        assert desks.alert(alert).owner.id == ANN.id
        clock.advance(16)  # the other one beats no more
        await desks.beat()
        await desks.door.submit(SignedOut(ANN.id, here=False))
    assert desks.rules(alert)[-1] == "owner.leaves"


# -- over HTTP


async def pressed(centre: Service, device: str) -> str:
    async with bracelet(centre.mqtt_port, device) as worn:
        await worn.press("p1")
        return str((await worn.answer())["alert"])


@pytest.fixture
async def second(centre: Service) -> AsyncIterator[Seat]:
    """Ben, with a session of this test only: it ends here."""
    made = await sign_in(centre.http, "operator2")
    yield made
    await made.session.close()


async def rules_of(seats: Seats, alert: str) -> list[str]:
    return [one["rule"] for one in (await seats.chief.get(f"/api/v1/alerts/{alert}")).body["timeline"]]


@pytest.mark.parametrize("reason", ["", WHY])
async def test_signing_out_is_never_refused_and_tells_everybody(
    centre: Service, seats: Seats, chief: Seat, second: Seat, worn: str, reason: str
) -> None:
    alert = await pressed(centre, worn)
    async with chief.live() as told, second.live():
        assert (await second.act(alert, "claim"))[0] == 200
        way = ("POST", "/leave", {"json": {"reason": reason}}) if reason else ("DELETE", "", {})
        async with second.session.request(way[0], f"{centre.http}/api/v1/session{way[1]}", **way[2]) as answer:
            assert answer.status == 204
        # What operator2 still has of other tests is left too.
        frame: dict = {}
        while (frame.get("alert_id"), frame.get("rule")) != (alert, "owner.leaves"):
            frame = await told.receive_json(timeout=20)
            assert (frame.get("alert_id"), frame.get("rule")) not in ((alert, "owner.goes"), (alert, "owner.lost"))
    assert (frame["ring"], frame["data"]["text"]) == (True, reason)
    assert (frame["actor"], frame["alert"]["state"]) == ("operator:operator2", "waiting")
    async with second.session.get(f"{centre.http}/api/v1/session") as answer:
        assert answer.status == 401


async def test_another_session_with_a_console_keeps_what_it_has(
    centre: Service, seats: Seats, ben: Seat, second: Seat, worn: str
) -> None:
    alert = await pressed(centre, worn)
    async with ben.live() as kept, second.live() as ended:
        for console in (kept, ended):
            assert (await console.receive_json(timeout=20))["type"]
        assert (await second.act(alert, "claim"))[0] == 200
        async with second.session.delete(f"{centre.http}/api/v1/session") as answer:
            assert answer.status == 204
        assert "owner.leaves" not in await rules_of(seats, alert)
        assert (await seats.other.act(alert, "resolve", outcome="false_alarm")).status == 200


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "  "}, {"reason": "x" * 2001}, {"reason": 1}])
async def test_a_reason_says_something(seats: Seats, body: dict[str, object]) -> None:
    answer = await seats.operator.post("/api/v1/session/leave", body)
    assert (answer.status, answer.code) == (400, "bad_field")
    assert (await seats.operator.get("/api/v1/session")).status == 200
