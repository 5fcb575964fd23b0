"""Incidents through the API: a supervisor raises one, everybody is listed by risk, and a named human closes it.

Without a carrier nobody is called: the list is worked by hand.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from callcenter.console.app import _answer_problems
from callcenter.console.auth import SIGNED_IN, SignedIn
from callcenter.console.incident_api import IncidentApi
from callcenter.storage import roll_queries
from callcenter.storage.writer import Unavailable
from tests.integration.conftest import Seats
from tests.integration.contract import assert_answer
from tests.integration.office import Office

HEAT = {"kind": "heat", "words": "今天很热。", "area": "d1"}


async def raised(seats: Seats, **more: Any) -> dict[str, Any]:
    answer = await seats.chief.post("/api/v1/incidents", HEAT | more)
    assert answer.status == 201, answer.body
    incident: dict[str, Any] = answer.body["incident"]
    return incident


async def test_from_being_raised_to_being_closed(seats: Seats, worn: str) -> None:
    incident = await raised(seats)
    people, progress = incident["people"], incident["progress"]
    assert progress["total"] == progress["not_asked"] == len(people) > 1
    assert [one["rank"] for one in people] == list(range(1, len(people) + 1))
    mine, at = f"r-{worn.removeprefix('bracelet-')}", f"/api/v1/incidents/{incident['id']}"
    needs = await seats.operator.post(f"{at}/people/{mine}", {"standing": "needs_help", "note": "头晕"})
    (one,) = [person for person in needs.body["incident"]["people"] if person["resident_id"] == mine]
    assert (one["standing"], one["settled_by"], one["accounted"]) == ("needs_help", "operator1", False)
    alert = (await seats.operator.get(f"/api/v1/alerts/{one['alert_id']}")).body
    assert (alert["incident"], alert["alert"]["kind"]) == (incident["id"], "help")

    other = next(person["resident_id"] for person in people if person["resident_id"] != mine)
    well = await seats.operator.post(f"{at}/people/{other}", {"standing": "well", "note": "见到了"})
    assert well.body["incident"]["progress"]["accounted"] == 1
    refused = await seats.chief.post(f"{at}/close", {"note": "降温了"})
    assert (refused.status, refused.code) == (409, "not_accounted")
    closed = await seats.chief.post(f"{at}/close", {"note": "降温了", "reason": "其余由社区探访"})
    assert closed.body["incident"]["closed_by"] == incident["raised_by"]
    assert (await seats.operator.get(f"/api/v1/alerts/{one['alert_id']}")).body["alert"]["state"] == "waiting"
    listed = (await seats.operator.get("/api/v1/incidents")).body["incidents"]
    assert incident["id"] not in {one["id"] for one in listed}
    everything = (await seats.operator.get("/api/v1/incidents?state=all")).body["incidents"]
    assert incident["id"] in {one["id"] for one in everything}
    again = await seats.chief.post(f"{at}/close", {"note": "x", "reason": "x"})
    assert (again.status, again.code) == (409, "not_allowed")
    for action, more in (("claim", {}), ("resolve", {"outcome": "test_or_drill"}), ("close", {})):
        assert (await seats.operator.act(one["alert_id"], action, **more)).status == 200


@pytest.mark.parametrize(
    ("more", "detail"),
    [
        ({"area": "nowhere"}, "no such area"),
        ({"kind": "war"}, "kind"),
        ({"words": "  "}, "words"),
        ({"lat": 37.5}, "belong together"),
        ({"lat": 37.5, "lon": 122.1, "radius_m": 5}, "radius_m"),
        ({"ask": "nobody"}, "ask"),
    ],
)
async def test_what_cannot_be_raised(seats: Seats, more: dict[str, Any], detail: str) -> None:
    answer = await seats.chief.post("/api/v1/incidents", HEAT | more)
    assert answer.status == 400
    assert detail in answer.body["detail"]


async def test_only_a_supervisor_raises_one_and_nobody_finds_what_is_not_there(seats: Seats) -> None:
    answer = await seats.operator.post("/api/v1/incidents", HEAT)
    assert (answer.status, answer.code) == (403, "not_supervisor")
    nothing = "/api/v1/incidents/nothing"
    assert (await seats.operator.get(nothing)).status == 404
    assert (await seats.operator.post(f"{nothing}/close", {"note": "x"})).status == 404
    assert (await seats.operator.post(f"{nothing}/people/r-1", {"standing": "well", "note": "x"})).status == 404
    assert (await seats.operator.get("/api/v1/incidents?state=some")).status == 400


async def test_a_circle_without_anybody_in_it_lists_only_those_whose_place_nobody_knows(seats: Seats) -> None:
    incident = await raised(seats, lat=0.0, lon=0.0, radius_m=100, ask="residents")
    whole = await raised(seats)
    assert len(incident["people"]) <= len(whole["people"])
    for one in (incident, whole):
        closed = await seats.chief.post(f"/api/v1/incidents/{one['id']}/close", {"note": "x", "reason": "x"})
        assert closed.status == 200


@asynccontextmanager
async def supervised(api: IncidentApi) -> AsyncIterator[TestClient[Any, Any]]:
    """The pages of incidents alone, for a supervisor."""

    @web.middleware
    async def sign_in(request: web.Request, handler: Any) -> web.StreamResponse:
        request[SIGNED_IN] = SignedIn("supervisor1", "Chief", "supervisor", "")
        return await handler(request)

    app = web.Application(middlewares=[_answer_problems, sign_in])
    for method, path, _needs, name, handle, _about in api.routes():
        app.router.add_route(method, path, handle, name=name)
    async with TestClient(TestServer(app)) as client:
        yield client


async def cannot_read(*_query: Any, **_more: Any) -> Any:
    raise Unavailable("the database does not answer")


async def test_what_is_stored_is_answered_as_stored_even_if_it_cannot_be_read(office: Office) -> None:
    """Who reads that nothing has happened raises it once more, and everybody is called twice."""
    async with supervised(IncidentApi(cannot_read, office.door.submit, lambda: True)) as client:
        at = "/api/v1/incidents"
        raised = await client.post(at, json=HEAT)
        assert_answer("POST", at, raised.status, raised.content_type, await raised.read())
        incident = (await raised.json())["incident"]["id"]
        assert raised.status == 201
        assert [one["id"] for one in office.read(roll_queries.incidents, everything=True, limit=9)] == [incident]
        someone = office.read(roll_queries.incident, incident)["people"][0]["resident_id"]
        for path, body in (
            (f"people/{someone}", {"standing": "well", "note": "x"}),
            ("close", {"note": "x", "reason": "x"}),
        ):
            done = await client.post(f"{at}/{incident}/{path}", json=body)
            assert (done.status, await done.json()) == (200, {"incident": {"id": incident}})
        assert (await client.get(f"{at}/{incident}")).status == 503, "what is only read is not there"


async def test_it_says_whether_anybody_can_be_called(office: Office) -> None:
    calling = [False, True]
    async with supervised(IncidentApi(office.reader, office.door.submit, calling.pop)) as client:
        said = [(await (await client.post("/api/v1/incidents", json=HEAT)).json())["incident"] for _ in range(2)]
        assert [one["calling"] for one in said] == [True, False]
