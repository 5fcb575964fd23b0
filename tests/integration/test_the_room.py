"""The wallboard and the supervisor's room: what waits, who is there, what was late; a wall names nobody."""

import asyncio
import json
from typing import Any

import pytest

from callcenter.alerts.model import Operator
from callcenter.console import room_api
from callcenter.ports import ConsolesChanged
from callcenter.ports.signing_in import SignedOut
from callcenter.storage import directory, synthetic
from callcenter.storage.scope import EVERYTHING, Scope
from tests.integration.bracelet import bracelet
from tests.integration.conftest import Seats
from tests.integration.office import ANN, BEN, Office
from tests.processes import Service

ELSEWHERE = Scope(frozenset({"d2"}))


def room(office: Office, scope: Scope = EVERYTHING) -> dict[str, Any]:
    return office.read(room_api._room, office.clock.now(), scope)


async def seated(office: Office, who: Operator, state: str, *, armed: bool = False) -> None:
    await office.beat()
    await office.door.submit(ConsolesChanged(who.id, present=True, armed=armed))
    now = office.clock.now()
    await office.door.later(lambda c: directory.set_seat(c, who.id, state=state, phone="", now=now))


async def test_it_says_what_waits_who_is_there_and_what_was_late(office: Office) -> None:
    await office.door.later(synthetic.register)
    await office.press(synthetic.DEVICE)
    late = await office.press("bracelet-1")
    await seated(office, ANN, "ready", armed=True)
    office.clock.advance(90)
    await office.acts(late.alert, "claim")
    fall = await office.press("bracelet-2", kind="fall")
    office.clock.advance(30)
    await office.press("bracelet-3")
    await seated(office, BEN, "ready")
    found = room(office)

    assert [(one["class"], one["count"]) for one in found["waiting"]] == [
        ("emergency", 2), ("technical", 0), ("service", 0),
    ]  # fmt: skip
    assert [one["kind"] for one in found["queue"]] == ["fall", "sos"]
    assert found["queue"][0]["alert_id"] == fall.alert
    assert {one["operator_id"]: (one["state"], one["armed"]) for one in found["desks"]} == {
        ANN.id: ("engaged", True), BEN.id: ("ready", False),
    }  # fmt: skip
    assert found["answers"]["judged"] == 1, "what opened a moment ago is neither in time nor late"
    assert found["answers"]["within_60_s"] == 0
    (breach,) = found["breaches"]
    assert (breach["alert_id"], breach["waited_s"], breach["claimed"]) == (late.alert, 90, True)

    office.clock.advance(40)  # now the fall has been left for more than a minute too
    assert {one["alert_id"]: one["claimed"] for one in room(office)["breaches"]} == {
        late.alert: True, fall.alert: False,
    }  # fmt: skip
    office.clock.advance(3600)
    assert room(office)["breaches"] == []


async def test_it_says_who_has_left_what_and_why(office: Office) -> None:
    pressed = await office.press("bracelet-1")
    await office.acts(pressed.alert, "claim")
    await office.door.submit(SignedOut(ANN.id, here=False, reason="my bus leaves"))
    (left,) = room(office)["left"]
    assert (left["operator"], left["text"], left["alert_id"]) == (ANN.id, "my bus leaves", pressed.alert)
    assert left["rule"] == "owner.leaves"
    await office.acts(pressed.alert, "claim", BEN)
    await office.wait(70)  # and does nothing
    assert [(one["rule"], one["operator"]) for one in room(office)["left"]] == [
        ("claim.expires", BEN.id), ("owner.leaves", ANN.id),
    ]  # fmt: skip


async def test_of_another_area_it_says_nothing(office: Office) -> None:
    pressed = await office.press("bracelet-1")
    office.clock.advance(90)
    await office.acts(pressed.alert, "claim")
    await office.door.submit(SignedOut(ANN.id, here=False, reason="x"))
    assert len(room(office)["queue"]) == len(room(office)["breaches"]) == len(room(office)["left"]) == 1
    found = room(office, ELSEWHERE)
    assert found["queue"] == found["breaches"] == found["left"] == []
    assert [one["count"] for one in found["waiting"]] == [0, 0, 0]


@pytest.mark.one_database
async def test_a_wall_names_no_resident_and_no_alert(centre: Service, seats: Seats, worn: str) -> None:
    async with bracelet(centre.mqtt_port, worn) as real:
        await real.press("p1")
        alert = (await real.answer())["alert"]
    shown = await seats.operator.get("/api/v1/wall")
    said = json.dumps(shown.body, ensure_ascii=False)
    assert shown.body["waiting"][0]["count"] >= 1
    number = worn.removeprefix("bracelet-")
    for word in (alert, worn, f"测试居民{number}", f"测试村{number}号", f"r-{number}"):
        assert word not in said
    assert (await seats.chief.get("/api/v1/room")).status == 200
    assert (await seats.operator.get("/api/v1/room")).status == 403


@pytest.mark.one_database
async def test_the_supervisor_sees_whose_console_may_sound(centre: Service, seats: Seats) -> None:
    async def desk() -> dict[str, Any] | None:
        found = (await seats.chief.get("/api/v1/room")).body["desks"]
        return next((one for one in found if one["operator_id"] == "operator1"), None)

    async def until(armed: bool) -> None:
        for _ in range(400):
            if (one := await desk()) and one["armed"] == armed:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"armed never became {armed}")

    async with seats.seat.live() as live:
        await until(False)
        await live.send_json({"type": "sound", "armed": True})
        await until(True)
        await live.send_json({"type": "sound", "armed": False})
        await until(False)
