"""Searching past alerts: by everything that is asked for, newest first, page by page, and only what the scope shows."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy import Connection, insert, text

from callcenter.alerts.model import Alert, Kind, Operator, Outcome, State, Subject
from callcenter.console.api import Api
from callcenter.console.app import build
from callcenter.console.auth import Doorkeeper, token_hash
from callcenter.console.call_api import CallApi
from callcenter.console.pages import Pages
from callcenter.storage import alert_search, tables as t
from callcenter.storage.alert_search import AlertFilter, search
from callcenter.storage.engine import connect
from callcenter.storage.reading import Reader
from callcenter.storage.records import alert_row
from callcenter.storage.scope import TEST_AREA
from config import policies
from tests.conftest import ManualClock
from tests.integration.contract import Client
from tests.processes import lay_out

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
AREAS = {"d1": None, "d1-east": "d1", "d1-west": "d1", "d2": None}
PEOPLE = {"chief": ("supervisor", None), "east": ("operator", "d1-east"), "desk": ("responder_desk", None)}


def alert(one: str, day: int, resident: str | None, area: str | None, **more: Any) -> dict[str, Any]:
    """Opened so many days ago; closed, false alarm, had by Ann, unless something else is said."""
    at = NOW - timedelta(days=day)
    device = more.pop("device", f"bracelet-{resident}")
    subject = Subject(f"resident:{one}", device, resident, name=f"Name {resident}", place=f"House {resident}")
    usual = {"kind": Kind.SOS, "state": State.CLOSED, "outcome": Outcome.FALSE_ALARM, "owner": Operator("ann", "Ann")}
    times = dict.fromkeys(("opened_at", "last_press_at", "waiting_since", "rung_at"), at)
    return alert_row(Alert(id=one, subject=subject, area_id=area, **times, **(usual | more)))


ALERTS = [
    alert("a9", 0, "r1", "d1-east", state=State.CLAIMED, outcome=None),
    alert("a8", 1, "r2", "d1-west", kind=Kind.FALL, outcome=Outcome.TAKEN_TO_HOSPITAL),
    alert("a7", 2, "r1", "d1-east", owner=Operator("ben", "Ben")),
    # Three at one moment, in the order of their ids.
    alert("a6", 3, "r3", "d2"),
    alert("a5", 3, "r1", "d1-west"),  # where they lived then
    alert("a4", 3, "r2", "d1-west", device="phone-2"),
    alert("a3", 400, None, None, device="stray-1"),
    alert("a2", 500, "r3", "d2", drill=True),
    alert("a1", 600, None, TEST_AREA, drill=True, device="synthetic-1"),
]


def fill(connection: Connection) -> None:
    def put(table: Any, rows: list[dict[str, Any]]) -> None:
        connection.execute(insert(table), rows)

    put(t.areas, [{"id": one, "name": one, "parent_id": above} for one, above in AREAS.items()])
    homes = {"r1": "d1-east", "r2": "d1-west", "r3": "d2"}
    put(t.households, [{"id": f"h-{r}", "address": f"House {r}", "area_id": area} for r, area in homes.items()])
    put(t.residents, [{"id": r, "household_id": f"h-{r}", "name": f"Name {r}", "phone": ""} for r in homes])
    put(t.devices, [{"id": "bracelet-r3", "family": "bracelet", "resident_id": "r3"}])
    people = [
        {"id": name, "name": name, "role": role, "password_hash": "", "created_at": NOW, "area_id": area}
        for name, (role, area) in PEOPLE.items()
    ]
    put(t.operators, people)
    sessions = [{"token_hash": token_hash(n), "operator_id": n, "created_at": NOW, "seen_at": NOW} for n in PEOPLE]
    put(t.sessions, sessions)
    put(t.alerts, ALERTS)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    on_disk = f"sqlite:///{tmp_path_factory.mktemp('past') / 'test.db'}"
    made = on_disk if request.param == "sqlite" else request.getfixturevalue("postgres").create()
    lay_out(made)
    engine = connect(made, writer=True, size=1)
    with engine.begin() as connection:
        fill(connection)
    engine.dispose()
    return made


@pytest.fixture
async def desk(url: str) -> AsyncIterator[dict[str, Client]]:
    """The console's own application on that database; a token is its operator's name."""
    clock = ManualClock(NOW)
    read = Reader(connect(url, writer=False), threads=2)
    keeper = Doorkeeper(read, clock, public="http://127.0.0.1:8080")
    unused: Any = None
    api = Api(read, unused, unused, keeper, unused, unused, clock, lambda *_of: policies.read(), unused)
    server = TestServer(build(api, keeper, Pages(unused, read, clock), CallApi(read, unused, clock)))
    await server.start_server()
    clients = {name: Client(str(server.make_url("")).rstrip("/"), name) for name in PEOPLE}
    yield clients
    for client in clients.values():
        await client.__aexit__()
    await server.close()
    read.close()


async def found(client: Client, query: str = "") -> list[str]:
    answer = await client.get(f"/api/v1/past-alerts?{query}")
    assert answer.status == 200, answer.body
    assert answer.body["count"] == len(answer.body["alerts"])
    return [one["id"] for one in answer.body["alerts"]]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", "a9 a8 a7 a6 a5 a4 a3"),  # the newest first; no drill, and never a test alarm
        ("drills=only", "a2"),
        ("resident=r1", "a9 a7 a5"),
        ("q=Name%20r2", "a8 a4"),
        ("q=r1", "a9 a7 a5"),
        ("q=bracelet-r3", "a6"),
        ("q=House%20r&resident=r2", "a8 a4"),
        ("q=nobody", ""),
        ("q=r1&resident=r2", ""),
        ("device=stray-1", "a3"),
        ("device=phone-2", "a4"),
        ("kind=fall", "a8"),
        ("outcome=taken_to_hospital", "a8"),
        ("state=claimed", "a9"),
        ("operator=ben", "a7"),
        ("area=d1", "a9 a8 a7 a5 a4"),
        ("area=d1-east", "a9 a7"),
        ("area=nowhere", ""),
        ("since=2026-11-18T08:00:00Z&until=2026-11-20T08:00:00Z", "a7 a6 a5 a4"),
        ("until=2025-12-31T00:00:00%2B08:00", "a3"),
        ("kind=sos&outcome=false_alarm&operator=ann&area=d1-west&resident=r2", "a4"),
    ],
)
async def test_everything_can_be_asked_for(desk: dict[str, Client], query: str, ids: str) -> None:
    assert await found(desk["chief"], query) == ids.split()


async def test_an_operator_of_an_area_finds_what_opened_there_and_what_is_nobodys(desk: dict[str, Client]) -> None:
    east = desk["east"]
    assert await found(east) == ["a9", "a7", "a3"]
    assert await found(east, "area=d1") == ["a9", "a7"]
    assert await found(east, "resident=r1") == ["a9", "a7"]  # not where they lived before
    assert await found(east, "resident=r2") == await found(east, "q=r2") == []
    assert await found(east, "drills=only") == []
    assert [(await east.get(f"/api/v1/alerts/{one}")).status for one in ("a7", "a8", "a1")] == [200, 404, 404]


async def test_who_does_not_see_the_register_finds_nothing(desk: dict[str, Client]) -> None:
    answer = await desk["desk"].get("/api/v1/past-alerts?resident=r1")
    assert (answer.status, answer.code) == (403, "forbidden")


@pytest.mark.parametrize("query", ["kind=x", "drills=yes", "limit=201", "since=2026-11-21", "offset=3"])
async def test_what_cannot_be_understood_is_said(desk: dict[str, Client], query: str) -> None:
    assert (await desk["chief"].get(f"/api/v1/past-alerts?{query}")).code == "bad_field"


async def test_a_text_that_fits_everybody_names_nobody(
    desk: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_search, "MOST_PEOPLE", 2)
    answer = await desk["chief"].get("/api/v1/past-alerts?q=Name")
    assert (answer.status, answer.code) == (400, "too_many")
    assert (await desk["chief"].get("/api/v1/past-alerts?q=r3")).body["count"] == 1


async def test_pages_follow_each_other_also_where_many_opened_at_one_moment(desk: dict[str, Client]) -> None:
    ids, before, counts = [], "", []
    while before is not None:
        answer = await desk["chief"].get(f"/api/v1/past-alerts?limit=2&before={before}")
        ids += [one["id"] for one in answer.body["alerts"]]
        counts.append(answer.body["count"])
        before = answer.body["before"]
    assert ids == ["a9", "a8", "a7", "a6", "a5", "a4", "a3"]
    assert counts == [7, None, None, None]
    assert await found_after(desk, "no-such-alert") == []


async def found_after(desk: dict[str, Client], before: str) -> list[str]:
    body = (await desk["chief"].get(f"/api/v1/past-alerts?before={before}")).body
    return [one["id"] for one in body["alerts"]]


def test_counting_ends_where_nobody_reads_on(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_search, "COUNTED", 3)
    engine = connect(url, writer=False)
    with engine.connect() as connection:
        assert search(connection, AlertFilter(limit=2)).count == 3
    engine.dispose()


def test_the_newest_are_read_from_an_index_and_not_sorted(url: str) -> None:
    """A million rows sorted for a page of fifty would take the threads that read alarms."""
    engine = connect(url, writer=False)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            asked = "EXPLAIN QUERY PLAN SELECT * FROM alerts WHERE {} ORDER BY opened_at DESC, id DESC LIMIT 50"
        else:
            for way in ("seqscan", "bitmapscan", "sort"):  # for nine rows it would take them all and sort
                connection.execute(text(f"SET enable_{way} = off"))
            asked = "EXPLAIN SELECT * FROM alerts WHERE {} ORDER BY opened_at DESC, id DESC LIMIT 50"
        plans = {
            where: "\n".join(str(row[-1]) for row in connection.execute(text(asked.format(where))))
            for where in ("opened_at <= '2026-01-01 00:00:00'", "opened_at > '2026-01-01 00:00:00'")
        }
    engine.dispose()
    for plan in plans.values():
        assert "alerts_by_opening" in plan
        assert "TEMP B-TREE" not in plan
        assert "Sort" not in plan
