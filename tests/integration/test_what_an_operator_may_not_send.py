"""Requests that cannot be understood are answered with a problem document and change nothing."""

import asyncio
import json

import pytest

from tests.integration.bracelet import bracelet
from tests.integration.conftest import Seats
from tests.processes import Service

pytestmark = pytest.mark.one_database

SESSION = "/api/v1/session"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def alert(centre: Service, worn: str) -> str:
    async with bracelet(centre.mqtt_port, worn) as device:
        await device.press("p1")
        return (await device.answer())["alert"]


BAD_BODIES: dict[str, tuple[bytes, int, str]] = {
    "empty": (b"", 400, "not_json"),
    "not JSON": (b"{", 400, "not_json"),
    "no object": (b"[1]", 400, "bad_field"),
    "null": (b"null", 400, "bad_field"),
    "not UTF-8": (b'{"action":"note","text":"\xff"}', 400, "not_json"),
    "nesting made to break parsers": (b'{"action":' + b"[" * 60_000, 400, "not_json"),
    "no action": (b"{}", 400, "bad_field"),
    "an unknown action": (b'{"action":"shout"}', 400, "bad_field"),
    "an action of a wrong type": (b'{"action":["claim"]}', 400, "bad_field"),
    "an unknown field": (b'{"action":"claim","force":true}', 400, "bad_field"),
    "a field nobody can name": (b'{"action":"claim","\\ud800":1}', 400, "bad_field"),
    "a version that is text": (b'{"action":"claim","version":"1"}', 400, "bad_field"),
    "a version that is a fraction": (b'{"action":"claim","version":1.5}', 400, "bad_field"),
    "a version below zero": (b'{"action":"claim","version":-1}', 400, "bad_field"),
    "a version beyond all": (b'{"action":"claim","version":99999999999999999999}', 400, "bad_field"),
    "a number that is none": (b'{"action":"claim","version":NaN}', 400, "bad_field"),
    "an unknown outcome": (b'{"action":"resolve","outcome":"fine"}', 400, "bad_field"),
    "NUL in text": (b'{"action":"note","text":"a\\u0000b"}', 400, "bad_field"),
    "a lone surrogate in text": (b'{"action":"note","text":"\\ud800"}', 400, "bad_field"),
    "NUL in a name": (b'{"action":"transfer","to":"\\u0000"}', 400, "bad_field"),
    "a text that is too long": (json.dumps({"action": "note", "text": "x" * 2001}).encode(), 400, "bad_field"),
    "to nobody": (b'{"action":"transfer","to":"nobody-here"}', 400, "bad_field"),
    "a body that is too large": (b'{"action":"note","text":"' + b"x" * 70_000 + b'"}', 413, "too_large"),
}


@pytest.mark.parametrize("name", BAD_BODIES)
async def test_an_action_that_cannot_be_understood(seats: Seats, alert: str, name: str) -> None:
    body, status, code = BAD_BODIES[name]
    before = (await seats.operator.get(f"/api/v1/alerts/{alert}")).body["timeline"]
    answer = await seats.operator.ask("POST", f"/api/v1/alerts/{alert}/actions", data=body, headers=JSON)
    assert (answer.status, answer.code) == (status, code)
    assert (await seats.operator.get(f"/api/v1/alerts/{alert}")).body["timeline"] == before


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_a_body_that_does_not_say_that_it_is_json(seats: Seats, alert: str, kind: str) -> None:
    """What a form of another site can send without asking never is."""
    answer = await seats.operator.ask(
        "POST", f"/api/v1/alerts/{alert}/actions", data=b'{"action":"claim"}', headers={"Content-Type": kind}
    )
    assert (answer.status, answer.code) == (415, "not_json")


async def test_a_charset_nobody_knows(seats: Seats, alert: str) -> None:
    answer = await seats.operator.ask(
        "POST", f"/api/v1/alerts/{alert}/actions", data=b"{}", headers={"Content-Type": "application/json;charset=x"}
    )
    assert (answer.status, answer.code) == (400, "not_json")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"username": "operator1"}, 400),
        ({"username": "operator1", "password": ""}, 400),
        ({"username": 1, "password": "x"}, 400),
        ({"username": "operator1", "password": "x", "admin": True}, 400),
        ({"username": "x" * 65, "password": "x"}, 400),
        ({"username": "a\0b", "password": "x"}, 400),
        ({"username": "a", "password": "x" * 257}, 400),
        ({"username": "a", "password": "x" * 70_000}, 413),
        (["operator1", "x"], 400),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_a_sign_in_that_cannot_be_understood(seats: Seats, body: object, status: int) -> None:
    assert (await seats.nobody.post(SESSION, body)).status == status


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/alerts?state=loud",
        "/api/v1/alerts?limit=0",
        "/api/v1/alerts?limit=2001",
        "/api/v1/alerts?limit=ten",
        "/api/v1/alerts?limit=%D9%A1",
        "/api/v1/alerts?device=%00",
        "/api/v1/alerts?resident=" + "x" * 65,
        "/api/v1/residents?q=%00",
        "/api/v1/residents?limit=-1",
        "/api/v1/devices?limit=1e3",
        "/api/v1/devices?q=" + "x" * 65,
        "/api/v1/live",
        "/api/v1/live?since=-1",
        "/api/v1/live?since=now",
        "/api/v1/live?since=" + "9" * 30,
    ],
)
async def test_a_question_that_cannot_be_understood(seats: Seats, path: str) -> None:
    assert (await seats.operator.get(path)).status == 400


@pytest.mark.parametrize("strange", ["nothing", "x" * 64, "x" * 2000, "%00", "a%00b", "%ED%A0%80", "%F0%9F%91%B5", "'"])
async def test_an_id_nobody_has(seats: Seats, strange: str) -> None:
    for path in (f"/api/v1/alerts/{strange}", f"/api/v1/residents/{strange}"):
        assert (await seats.operator.get(path)).status == 404, path
    assert (await seats.operator.act(strange, "claim")).status == 404


async def test_a_strange_id_harms_nobody_who_acts_at_the_same_time(seats: Seats, alert: str) -> None:
    answers = await asyncio.gather(
        *(seats.operator.act("a%00b", "claim") for _ in range(5)),
        seats.operator.act(alert, "claim"),
        *(seats.operator.act("a%00b", "claim") for _ in range(5)),
    )
    assert answers[5].status == 200
    assert (await seats.operator.get("/readyz")).status == 200
