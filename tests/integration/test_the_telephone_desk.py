"""An operator's seat, single legs and callers who are owed a call: what the API takes, refuses and stores."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from callcenter.alerts.call_model import Answer, Call, CallState, Direction, Role
from callcenter.ids import new_id
from callcenter.privacy import Seal, read_key
from callcenter.storage import tables as t
from callcenter.storage.call_records import call_row, call_view
from callcenter.storage.engine import connect
from tests.integration.bracelet import bracelet
from tests.integration.conftest import Seats
from tests.integration.contract import DOCUMENT, assert_is
from tests.processes import Service

pytestmark = pytest.mark.one_database

SEAT = "/api/v1/seat"
Change = Callable[[Connection, Seal], object]


def write(centre: Service, change: Change) -> None:
    """Straight into the database of the running service."""
    seal = read_key(centre.directory)
    assert isinstance(seal, Seal)
    engine = connect(centre.database_url or f"sqlite:///{centre.directory / 'callcenter.db'}", writer=True, size=1)
    with engine.begin() as connection:
        change(connection, seal)
    engine.dispose()


def leg(role: Role, alert: str | None, **more: Any) -> Call:
    now = datetime.now(UTC)
    fields: dict[str, Any] = {
        "direction": Direction.OUTBOUND, "dialogue": "offer", "number": "+861000000990", "party": f"{role}:x",
        "name": "张三", "state": CallState.TALKING, "wanted_at": now, "not_after": now, "placed_at": now,
        "answered_at": now, "due": now + timedelta(days=1), "gateway": "none", "provider_ref": new_id(now),
    }  # fmt: skip
    return Call(id=new_id(now), role=role, alert_id=alert, **(fields | more))


def insert_call(centre: Service, call: Call) -> str:
    write(centre, lambda connection, seal: connection.execute(insert(t.calls), call_row(call, seal)))
    return call.id


@pytest.fixture
async def alert(centre: Service, worn: str, seats: Seats) -> str:
    """The operator's own."""
    async with bracelet(centre.mqtt_port, worn) as device:
        await device.press("p1")
        found: str = (await device.answer())["alert"]
    assert (await seats.operator.act(found, "claim")).status == 200
    return found


def test_the_words_of_a_leg_are_those_of_the_machine() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert set(schemas["Leg"]["properties"]) == set(call_view(leg(Role.ELDER, None)))
    assert set(schemas["CallAnswer"]["enum"]) == {answer.value for answer in Answer}
    assert set(schemas["CallState"]["enum"]) == {state.value for state in CallState}


# -- the seat


async def test_an_operator_takes_a_seat(seats: Seats) -> None:
    for state, phone in (("ready", "+8663112340"), ("busy", "sip:8001@pbx.example:5060"), ("away", "")):
        stored = await seats.operator.ask("PUT", SEAT, json={"state": state, "phone": f" {phone} "})
        assert (stored.status, stored.body) == (200, {"state": state, "phone": phone})
        assert (await seats.operator.get(SEAT)).body == stored.body
        listed = (await seats.other.get("/api/v1/seats")).body["seats"]
        assert [one["state"] for one in listed if one["operator_id"] == "operator1"] == [state]
        assert "phone" not in listed[0]
    assert (await seats.chief.get(SEAT)).body == {"state": "away", "phone": ""}, "nobody else's"


async def test_other_consoles_hear_of_a_seat_and_never_its_telephone(seats: Seats) -> None:
    async with seats.seat.live() as live:
        assert (await live.receive_json(timeout=20))["type"] == "snapshot"
        await seats.operator.ask("PUT", SEAT, json={"state": "busy", "phone": "+8663112340"})
        while (frame := await live.receive_json(timeout=20)).get("rule") != "seat.taken":
            pass
    assert frame["data"] == {"operator": "operator1", "state": "busy"}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"state": "sleepy", "phone": ""}, "state"), ({"state": "ready"}, "phone"), ({"phone": ""}, "state"),
        ({"state": "ready", "phone": "0631 12340"}, "phone"), ({"state": "ready", "phone": "+0123456789"}, "phone"),
        ({"state": "ready", "phone": "+86123456789012345"}, "phone"), ({"state": "ready", "phone": "sip:x"}, "phone"),
        ({"state": "ready", "phone": "sip:1@pbx\r\nx"}, "phone"), ({"state": "ready", "phone": 1}, "phone"),
        ({"state": "ready", "phone": "+" + "1" * 300}, "phone"), ({"state": "ready", "phone": "", "id": "x"}, "id"),
    ],
)  # fmt: skip
async def test_a_seat_that_cannot_be_understood(seats: Seats, body: dict[str, Any], named: str) -> None:
    before = (await seats.operator.get(SEAT)).body
    answer = await seats.operator.ask("PUT", SEAT, json=body)
    assert (answer.status, answer.code) == (400, "bad_field")
    assert answer.body["detail"].startswith(f"{named}: ")
    assert (await seats.operator.get(SEAT)).body == before


# -- one leg


async def test_a_leg_is_held_taken_back_and_hung_up(centre: Service, seats: Seats, alert: str) -> None:
    call = insert_call(centre, leg(Role.RESPONDER, alert))
    path = f"/api/v1/calls/{call}/actions"
    for action, held in (("hold", True), ("unhold", False)):
        done = await seats.operator.post(path, {"action": action})
        assert (done.status, done.body["call"]["held"]) == (200, held)
        again = await seats.operator.post(path, {"action": action})
        assert (again.status, again.code) == (409, "no_news")
    assert (await seats.other.post(path, {"action": "hang_up"})).status == 200
    timeline = (await seats.operator.get(f"/api/v1/alerts/{alert}")).body["timeline"]
    told = [entry for entry in timeline if entry["rule"] in ("call.held", "call.hung_up")]
    assert [entry["rule"] for entry in told] == ["call.held", "call.held", "call.hung_up"]
    for entry in told:
        assert_is(entry["data"]["call"], "Leg")
    assert told[-1]["data"]["reason"] == "operator:operator2"


@pytest.mark.parametrize("role", [Role.ELDER, Role.CALLER])
async def test_who_asks_for_help_is_never_cut_off(centre: Service, seats: Seats, alert: str, role: Role) -> None:
    path = f"/api/v1/calls/{insert_call(centre, leg(role, alert, dialogue='resident'))}/actions"
    for client in (seats.operator, seats.other, seats.chief):
        refused = await client.post(path, {"action": "hang_up"})
        assert (refused.status, refused.code) == (409, "resident_stays")
    assert (await seats.operator.post(path, {"action": "hold"})).status == 200
    await seats.operator.act(alert, "resolve", outcome="helped_at_home")
    assert (await seats.operator.post(path, {"action": "hang_up"})).status == 200


async def test_a_call_that_is_over_or_unknown(centre: Service, seats: Seats, alert: str) -> None:
    over = insert_call(centre, leg(Role.FAMILY, alert, state=CallState.ENDED, due=None))
    for action in ("hang_up", "hold", "unhold"):
        refused = await seats.operator.post(f"/api/v1/calls/{over}/actions", {"action": action})
        assert (refused.status, refused.code) == (409, "not_allowed")
        unknown = await seats.operator.post("/api/v1/calls/nobody-called/actions", {"action": action})
        assert (unknown.status, unknown.code) == (404, "not_found")


@pytest.mark.parametrize("body", [{}, {"action": "shout"}, {"action": "hold", "held": True}, {"action": None}, []])
async def test_a_leg_s_action_that_cannot_be_understood(seats: Seats, body: Any) -> None:
    answer = await seats.operator.post("/api/v1/calls/x/actions", body)
    assert (answer.status, answer.code) == (400, "bad_field")
    plain = await seats.operator.ask("POST", "/api/v1/calls/x/actions", data=b"hold")
    assert plain.status == 415


# -- who is owed a call


def owe(centre: Service) -> str:
    """A caller of no alert who gave up; due so late that the centre does not begin to call meanwhile."""
    call = leg(Role.CALLER, None, direction=Direction.INBOUND, state=CallState.ENDED, due=None)
    now = datetime.now(UTC)
    debt = {
        "call_id": call.id,
        "party": "",
        "name": "",
        "opened_at": now,
        "due": now + timedelta(days=1),
        "attempts": 0,
    }
    insert_call(centre, call)
    write(centre, lambda connection, _seal: connection.execute(insert(t.debts), debt))
    return call.id


async def test_a_debt_is_settled_once_by_a_named_operator(centre: Service, seats: Seats) -> None:
    call = owe(centre)
    path = f"/api/v1/debts/{call}/discharge"
    done = await seats.operator.post(path, {"how": "visited", "note": " 村医已上门 "})
    assert done.status == 204
    again = await seats.other.post(path, {"how": "escalated", "note": "town"})
    assert (again.status, again.code) == (409, "discharged_already")
    debt = (await seats.operator.get(f"/api/v1/calls/{call}")).body["debt"]
    assert (debt["how"], debt["by"], debt["note"]) == ("visited", "operator:operator1", "村医已上门")
    assert call not in [one["call_id"] for one in (await seats.operator.get("/api/v1/debts")).body["debts"]]
    nobody = await seats.operator.post("/api/v1/debts/nobody/discharge", {"how": "visited", "note": "x"})
    assert (nobody.status, nobody.code) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"how": "reached", "note": "I say so"}, "how"), ({"how": "visited"}, "note"),
        ({"how": "visited", "note": " \n"}, "note"), ({"how": "visited", "note": "x" * 2001}, "note"),
        ({"how": "visited", "note": "x", "by": "operator2"}, "by"), ({"note": "x"}, "how"),
    ],
)  # fmt: skip
async def test_a_debt_is_not_settled_by_words_that_say_nothing(
    centre: Service, seats: Seats, body: dict[str, Any], named: str
) -> None:
    call = owe(centre)
    answer = await seats.operator.post(f"/api/v1/debts/{call}/discharge", body)
    assert (answer.status, answer.code) == (400, "bad_field")
    assert answer.body["detail"].startswith(f"{named}: ")
    assert call in [one["call_id"] for one in (await seats.operator.get("/api/v1/debts")).body["debts"]]
