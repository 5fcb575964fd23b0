"""Nothing is open by accident: no session, no answer; and no other site may act for a signed-in operator."""

import re

import aiohttp
import pytest

from tests.integration.bracelet import bracelet
from tests.integration.conftest import Seats
from tests.integration.contract import DOCUMENT, assert_headers, assert_is
from tests.processes import PASSWORD, Service

pytestmark = pytest.mark.one_database

OPEN = {"healthz", "readyz", "metrics", "signIn", "oidcSignIn", "oidcReturn"}
OPERATIONS = [
    (method.upper(), re.sub(r"\{\w+\}", "some-id", path), operation["operationId"])
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]
CLOSED = [(method, path) for method, path, name in OPERATIONS if name not in OPEN]
FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1"},
]


def test_the_document_says_the_same() -> None:
    assert {name for _, path, name in OPERATIONS if DOCUMENT["paths"].get(path, {})} >= OPEN
    without = {
        operation["operationId"]
        for operations in DOCUMENT["paths"].values()
        for operation in operations.values()
        if operation.get("security") == []
    }
    assert without == OPEN


@pytest.mark.parametrize(("method", "path"), CLOSED)
async def test_without_a_session(seats: Seats, method: str, path: str) -> None:
    answer = await seats.nobody.ask(method, path)
    assert (answer.status, answer.code) == (401, "signed_out")
    assert answer.headers["Content-Type"].startswith("application/problem+json")


async def test_without_a_session_not_even_the_live_feed(centre: Service) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"{centre.http}/api/v1/live")
    assert refused.value.status == 401


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_another_site_may_not_act(centre: Service, seats: Seats, worn: str, headers: dict[str, str]) -> None:
    async with bracelet(centre.mqtt_port, worn) as device:
        await device.press("p1")
        alert = (await device.answer())["alert"]
    for method, path, body in (
        ("POST", f"/api/v1/alerts/{alert}/actions", {"action": "claim"}),
        ("POST", "/api/v1/session", {"username": "operator1", "password": PASSWORD}),
        ("DELETE", "/api/v1/session", None),
        ("PUT", "/api/v1/seat", {"state": "away", "phone": ""}),
        ("PUT", "/api/v1/residents/r-1/plan", {"steps": []}),
        ("POST", "/api/v1/calls/some-id/actions", {"action": "hang_up"}),
        ("POST", "/api/v1/debts/some-id/discharge", {"how": "visited", "note": "x"}),
    ):
        answer = await seats.operator.ask(method, path, headers=headers, json=body)
        assert (answer.status, answer.code) == (403, "foreign_origin"), path
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await seats.seat.session.ws_connect(f"{centre.http}/api/v1/live", headers=headers)
    assert refused.value.status == 403
    found = await seats.operator.get(f"/api/v1/alerts/{alert}")
    assert found.body["alert"]["state"] == "waiting"


async def test_our_own_page_may(centre: Service, seats: Seats, worn: str) -> None:
    host = centre.http.removeprefix("http://")
    async with bracelet(centre.mqtt_port, worn) as device:
        await device.press("p1")
        alert = (await device.answer())["alert"]
    for headers in (
        {"Origin": centre.http, "Sec-Fetch-Site": "same-origin"},
        {"Origin": f"http://{host}"},
        {"Sec-Fetch-Site": "none"},
        {},
    ):
        answer = await seats.operator.ask(
            "POST", f"/api/v1/alerts/{alert}/actions", headers=headers, json={"action": "note", "text": "mine"}
        )
        assert answer.status == 200, headers
    async with seats.seat.session.ws_connect(f"{centre.http}/api/v1/live", headers={"Origin": centre.http}) as live:
        assert (await live.receive_json(timeout=10))["type"] == "snapshot"


async def test_pages_and_files_carry_the_same_protection(centre: Service, seats: Seats) -> None:
    for path in ("/", "/static/app.js"):
        async with seats.seat.session.get(centre.http + path) as answer:
            assert answer.status == 200, path
            assert_headers(answer.headers)
    async with seats.seat.session.get(f"{centre.http}/nothing") as answer:
        assert_headers(answer.headers)
        assert_is(await answer.json(content_type=None), "Problem")
