"""Policies through the API: everybody reads, faults have a line and a reason, supervisors put one into force."""

import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy import Connection, insert

from callcenter.console import policy_api
from callcenter.console.api import Api
from callcenter.console.app import build
from callcenter.console.auth import Doorkeeper, token_hash
from callcenter.console.call_api import CallApi
from callcenter.console.pages import Pages
from callcenter.console.policy_api import PolicyDesk
from callcenter.reactions import HANDLERS
from callcenter.storage import policy_queries, queries, tables as t
from callcenter.storage.engine import connect
from callcenter.storage.policy_shelf import Shelf
from callcenter.storage.reading import Reader
from callcenter.storage.writer import Unavailable, Writer
from devices.decoders import decode
from handlers.intake import Door
from handlers.policies import PolicyWatch
from tests.conftest import ManualClock
from tests.integration.contract import Client
from tests.integration.office import payload
from tests.processes import NOW, lay_out
from tests.unit.policy_world import NIGHTS, OTHER, SEAL, SHIPPED, file_policy, fill

pytestmark = pytest.mark.one_database

NOBODY = f"""{SHIPPED}
[[override]]
id = "brook"
area = "brook"
[[override.level]]
id = "family"
kinds = ["family"]
wave_size = 3
deadline_s = 90
"""


def people(connection: Connection) -> None:
    connection.execute(t.timeline_head.delete())
    fill(connection)
    for name, role in (("ann", "operator"), ("chief", "supervisor")):
        row = {"id": name, "name": name.title(), "role": role, "password_hash": "", "created_at": NOW}
        connection.execute(insert(t.operators).values(row))
        session = {"token_hash": token_hash(name), "operator_id": name, "created_at": NOW, "seen_at": NOW}
        connection.execute(insert(t.sessions).values(session))


@dataclass
class Desk:
    operator: Client
    chief: Client
    door: Door
    read: Reader
    clock: ManualClock
    shelf: Shelf

    async def check(self, text: str) -> dict[str, Any]:
        answer = await self.operator.post("/api/v1/policies/check", {"text": text})
        assert answer.status == 200, answer.body
        body: dict[str, Any] = answer.body
        return body

    async def store(self, text: str, **more: Any) -> Any:
        checked = await self.check(text)
        body = {"text": text, "sha256": checked["sha256"], "base": checked["base"], "note": "夜里两村合并"}
        return await self.chief.post("/api/v1/policies", body | more)

    async def press(self, device: str, msg: str = "p1") -> str:
        taken = await self.door.submit(decode(f"vnh/v1/{device}/up/sos", payload(msg), self.clock.now()))
        alert: str = taken.alert
        return alert


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    lay_out(database_url)
    engine = connect(database_url, writer=True, size=1)
    with engine.begin() as connection:
        people(connection)
    engine.dispose()
    clock, shelf, unused = ManualClock(NOW), Shelf(file_policy(), rings=True), None
    writer = Writer(connect(database_url, writer=True, size=1), node="test", policy=shelf, seal=SEAL)
    read = Reader(connect(database_url, writer=False), threads=2)
    door = Door(writer, HANDLERS, clock)
    door.start()

    async def look(now: datetime) -> None:
        await read(policy_queries.look, shelf, now)

    watch = PolicyWatch(look, shelf, clock)
    keeper = Doorkeeper(read, clock, public="http://127.0.0.1:8080")
    api: Any = Api(read, door.submit, unused, keeper, unused, unused, clock, unused, unused)  # type: ignore[arg-type]
    pages, calls = Pages(unused, read, clock), CallApi(read, unused, clock)  # type: ignore[arg-type]
    at = PolicyDesk(SHIPPED, lambda: (shelf.in_force.version, shelf.in_force.book), watch.look)
    server = TestServer(build(api, keeper, pages, calls, policy_desk=at))
    await server.start_server()
    base = str(server.make_url("")).rstrip("/")
    async with Client(base, "ann") as ann, Client(base, "chief") as chief:
        yield Desk(ann, chief, door, read, clock, shelf)
    await server.close()
    await door.stop()
    read.close()


async def test_the_file_is_version_nought_and_is_shown_readable(desk: Desk) -> None:
    body = (await desk.operator.get("/api/v1/policies")).body
    assert (body["in_force"], body["may_change"]) == (0, False)
    assert [one["version"] for one in body["versions"]] == [0]
    shown = (await desk.operator.get("/api/v1/policies/0")).body
    assert shown["text"] == SHIPPED
    assert [one["id"] for one in shown["policy"]["levels"]] == ["neighbour", "village", "town", "district"]
    assert shown["policy"]["ladders"][0]["rungs"][3] == {"id": "duty_manager", "after_s": 90, "phone": "duty_manager"}
    assert (await desk.operator.get("/api/v1/policies/7")).status == 404
    assert (await desk.operator.get("/api/v1/policies/x")).status == 404


async def test_faults_have_their_line_and_reason_and_such_a_text_is_refused(desk: Desk) -> None:
    found = await desk.check(NOBODY)
    lines = NOBODY.splitlines()
    assert (found["ok"], found["forecast"]) == (False, None)
    assert [(lines[one["line"] - 1], one["code"]) for one in found["faults"]] == [("[[override.level]]", "alone")]
    assert "brook" in found["faults"][0]["reason"]
    answer = await desk.store(NOBODY)
    assert (answer.status, answer.code) == (400, "faulty_policy")
    assert [one["line"] for one in answer.body["faults"]] == [found["faults"][0]["line"]]
    syntax = await desk.check("[limits\n")
    assert [one["line"] for one in syntax["faults"]] == [1]
    assert (await desk.operator.get("/api/v1/policies")).body["versions"][0]["version"] == 0


async def test_nothing_that_grows_with_a_text_is_reckoned_on_the_event_loop(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alarms are heard there, and any operator may have any text checked."""
    seen: list[tuple[str, bool]] = []

    def watch(name: str) -> None:
        real = getattr(policy_api, name)

        def told(*arguments: Any, **named: Any) -> Any:
            seen.append((name, threading.current_thread() is threading.main_thread()))
            return real(*arguments, **named)

        monkeypatch.setattr(policy_api, name, told)

    for name in ("parse", "judge", "located", "forecast"):
        watch(name)
    await desk.press("bracelet-0")
    assert (await desk.store(NIGHTS)).status == 201
    assert (await desk.operator.get("/api/v1/policies/1")).status == 200
    assert {name for name, _ in seen} == {"parse", "judge", "located", "forecast"}
    assert not any(on_loop for _, on_loop in seen)


async def test_a_number_of_five_thousand_digits_is_a_fault_with_its_line(desk: Desk) -> None:
    text = SHIPPED.replace("claim_idle_s = 60", "claim_idle_s = " + "6" * 5000)
    found = await desk.check(text)
    at = next(n for n, one in enumerate(text.splitlines(), start=1) if one.startswith("claim_idle_s"))
    assert [(one["line"], one["code"]) for one in found["faults"]] == [(at, "long_line")]


async def test_of_thousands_of_faults_the_first_hundred_are_told(desk: Desk) -> None:
    found = await desk.check(SHIPPED + "[x]\n" + "".join(f"k{n} = 1\n" for n in range(3000)))
    assert [one["code"] for one in found["faults"]] == ["extra_forbidden"]
    found = await desk.check(SHIPPED.replace("[limits]", "[limits]\n" + "".join(f"k{n} = 1\n" for n in range(3000))))
    assert len(found["faults"]) == 100


async def test_an_emergency_that_would_ring_again_after_a_day_is_refused(desk: Desk) -> None:
    text = SHIPPED.replace("repeat_s = 60", "repeat_s = 86400")
    answer = await desk.store(text)
    assert (answer.status, answer.code) == (400, "faulty_policy")
    (fault,) = answer.body["faults"]
    assert (text.splitlines()[fault["line"] - 1], fault["code"]) == ("repeat_s = 86400", "long_repeat_s")


async def test_a_supervisor_puts_it_into_force_and_the_next_alert_keeps_it(desk: Desk) -> None:
    old = await desk.press("bracelet-0")
    answer = await desk.store(NIGHTS)
    assert (answer.status, answer.body) == (201, {"version": 1})
    new = await desk.press("bracelet-1")
    versions = {one: (await desk.read(queries.alert, one)).policy_version for one in (old, new)}
    assert versions == {old: 0, new: 1}
    body = (await desk.chief.get("/api/v1/policies")).body
    assert (body["in_force"], body["may_change"]) == (1, True)
    assert body["versions"][0] | {"sha256": ""} == {
        "version": 1, "sha256": "", "author": "chief", "note": "夜里两村合并",
        "created_at": "2026-11-21T08:00:00.000000Z", "effective_at": "2026-11-21T08:00:00.000000Z",
    }  # fmt: skip
    shown = (await desk.operator.get("/api/v1/policies/1")).body["policy"]["overrides"]
    assert [(one["id"], one["area_name"], one["hours"]) for one in shown] == [
        ("stone", "stone", ""), ("stone-nights", "stone", "mon-sun 15:00-20:00"),
    ]  # fmt: skip
    entries = await desk.read(queries.entries_after, 0, limit=99)
    (entry,) = [one for one in entries if one.rule == "policy.stored"]
    assert (entry.actor, entry.alert_id) == ("operator:chief", None)


async def test_what_is_stored_is_not_told_as_refused_when_it_cannot_be_looked_at(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "Nothing of this has happened" would make the supervisor store it twice; every process looks again by itself."""

    def away(*_anything: object) -> None:
        raise Unavailable("the database does not answer")

    monkeypatch.setattr(policy_queries, "look", away)
    answer = await desk.store(NIGHTS)
    assert (answer.status, answer.body) == (201, {"version": 1})
    assert [one["version"] for one in (await desk.chief.get("/api/v1/policies")).body["versions"]] == [1, 0]


async def test_going_back_is_storing_the_old_text_again(desk: Desk) -> None:
    await desk.store(OTHER)
    old = (await desk.operator.get("/api/v1/policies/0")).body["text"]
    assert (await desk.store(old)).body == {"version": 2}
    assert desk.shelf.in_force.book.claim_idle_s == 60


async def test_who_may_not_change_and_what_was_not_checked(desk: Desk) -> None:
    checked = await desk.check(OTHER)
    body = {"text": OTHER, "sha256": checked["sha256"], "base": 0, "note": "x"}
    assert (await desk.operator.post("/api/v1/policies", body)).status == 403
    assert (await desk.chief.post("/api/v1/policies", body | {"text": SHIPPED})).code == "not_checked"
    assert (await desk.chief.post("/api/v1/policies", body | {"note": ""})).status == 400
    assert (await desk.chief.post("/api/v1/policies", body)).status == 201
    stale = await desk.chief.post("/api/v1/policies", body)
    assert (stale.status, stale.code) == (409, "stale_version")


async def test_the_forecast_tells_what_gets_worse(desk: Desk) -> None:
    alert = await desk.press("bracelet-1")
    desk.clock.advance(3600)
    same = (await desk.check(SHIPPED))["forecast"]
    assert (same["alerts"], same["changed"], same["worse"], same["listed"]) == (1, 0, 0, [])
    slower = SHIPPED.replace('["village_doctor", "carer"]', '["carer"]').replace(
        "after_s = 60, phone", "after_s = 70, phone"
    )
    (one,) = (await desk.check(slower))["forecast"]["listed"]
    assert (one["alert"], one["area"], one["present"]["people"]) == (alert, "stone", 5)
    assert {"fewer", "phone_later"} <= set(one["worse"])
    assert one["planned"] | {"yes_s": None} == {
        "first_s": 0, "people": 4, "level": "district", "yes_s": None, "phoned_s": 70,
    }  # fmt: skip
