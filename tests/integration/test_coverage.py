"""The coverage through the API and in the metrics: what is missing is told, and what is mended is gone."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy import Connection, delete, insert

from callcenter.console.api import Api
from callcenter.console.app import build
from callcenter.console.auth import Doorkeeper, token_hash
from callcenter.console.call_api import CallApi
from callcenter.console.pages import Pages
from callcenter.storage import network, tables as t
from callcenter.storage.engine import connect
from callcenter.storage.reading import Reader
from config import policies
from handlers.coverage import CoverageCheck
from tests.conftest import ManualClock
from tests.integration.bracelet import metrics_now
from tests.integration.conftest import Seats
from tests.integration.contract import Client
from tests.processes import Service, lay_out

pytestmark = pytest.mark.one_database

NOW = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)  # Monday's midnight in China
HOUR = timedelta(hours=1)
WEEK = 7 * 24
TREE = (
    ("d1", "区", None),
    ("d1-t1", "石岛镇", "d1"),
    ("v1", "甲村", "d1-t1"),
    ("v2", "乙村", "d1-t1"),
    ("d2", "别区", None),
)
PEOPLE = (
    ("n1", "neighbour", "v1", "mon-sun 06:00-22:00"),
    ("n2", "neighbour", "v2", ""),
    ("c1", "carer", "d1-t1", ""),
    ("s1", "town_station", "d1-t1", ""),
    ("z1", "district_command", "d1", ""),
)


def fill(connection: Connection) -> None:
    def put(table: Any, *rows: dict[str, Any]) -> None:
        connection.execute(insert(table), list(rows))

    put(t.areas, *({"id": id, "name": name, "parent_id": above} for id, name, above in TREE))
    put(t.households, *({"id": f"h-{area}", "address": "", "area_id": area} for area in ("v1", "v2")))
    put(t.residents, *({"id": f"r-{area}", "household_id": f"h-{area}", "name": "x"} for area in ("v1", "v2")))
    put(
        t.responders,
        *(
            {"id": id, "name": "x", "kind": kind, "phone": f"1390000000{n}", "area_id": area, "hours": hours}
            for n, (id, kind, area, hours) in enumerate(PEOPLE)
        ),
    )
    away = {"id": "a1", "responder_id": "s1", "starts": NOW + 30 * HOUR, "ends": NOW + 32 * HOUR, "on_duty": False}
    put(t.absences, away)
    put(t.operators, {"id": "ann", "name": "Ann", "role": "operator", "password_hash": "", "created_at": NOW})
    put(t.sessions, {"token_hash": token_hash("ann"), "operator_id": "ann", "created_at": NOW, "seen_at": NOW})


@dataclass
class Desk:
    client: Client
    engine: Any

    async def ask(self, query: str = "") -> dict[str, Any]:
        answer = await self.client.get(f"/api/v1/coverage?{query}")
        assert answer.status == 200, answer.body
        body: dict[str, Any] = answer.body
        return body


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    lay_out(database_url)
    engine = connect(database_url, writer=True, size=1)
    with engine.begin() as connection:
        fill(connection)
    clock, policy, unused = ManualClock(NOW), policies.read(), None
    assert not isinstance(policy, str), policy
    read = Reader(connect(database_url, writer=False), threads=2)
    check = CoverageCheck(partial(_look, read, policy.levels), clock)
    keeper = Doorkeeper(read, clock, public="http://127.0.0.1:8080")
    api: Any = Api(read, unused, unused, keeper, unused, unused, clock, unused, unused)  # type: ignore[arg-type]
    pages, calls = Pages(unused, read, clock), CallApi(read, unused, clock)  # type: ignore[arg-type]
    server = TestServer(build(api, keeper, pages, calls, check_coverage=check.check))
    await server.start_server()
    async with Client(str(server.make_url("")).rstrip("/"), "ann") as client:
        yield Desk(client, engine)
    await server.close()
    read.close()
    engine.dispose()


async def _look(read: Reader, levels: Any, now: datetime, ahead: timedelta) -> Any:
    return await read(network.checked, levels, now, ahead)


def hours(instant: str) -> float:
    return (datetime.fromisoformat(instant) - NOW) / HOUR


def listed(body: dict[str, Any]) -> list[tuple[str, str, float, float]]:
    return [(one["area"], one["level"], hours(one["starts"]), hours(one["ends"])) for one in body["holes"]]


async def test_every_hole_is_listed_the_soonest_first(desk: Desk) -> None:
    body = await desk.ask()
    nights = [("v1", "neighbour", max(0, 24 * n - 2), min(WEEK, 24 * n + 6)) for n in range(8)]
    away = [(area, "town", 30.0, 32.0) for area in ("v1", "v2")]
    assert listed(body) == sorted([*nights, *away], key=lambda hole: hole[2])
    assert body["total"] == 10
    assert body["holes"][0] | {"starts": "", "ends": ""} == {
        "area": "v1", "name": "甲村", "level": "neighbour", "starts": "", "ends": "", "there": 0, "wanted": 1,
    }  # fmt: skip
    assert (hours(body["from"]), hours(body["until"]), body["time_zone"]) == (0, WEEK, "Asia/Shanghai")
    assert [one["id"] for one in body["levels"]] == ["neighbour", "village", "town", "district"]


async def test_every_area_has_its_stretches_also_where_the_list_is_cut(desk: Desk) -> None:
    body = await desk.ask("limit=1")
    assert (len(body["holes"]), body["total"]) == (1, 10)
    gaps = {
        one["id"]: {level: [(hours(a), hours(b)) for a, b in spans] for level, spans in one["gaps"].items()}
        for one in body["areas"]
    }
    assert gaps["v2"] == {"town": [(30, 32)]}
    assert gaps["v1"]["neighbour"][:2] == [(0, 6), (22, 30)]
    assert gaps["v1"].keys() == {"neighbour", "town"}


async def test_it_looks_as_far_and_where_it_is_asked_to(desk: Desk) -> None:
    assert listed(await desk.ask("days=1")) == [("v1", "neighbour", 0, 6), ("v1", "neighbour", 22, 24)]
    assert (await desk.ask("days=31"))["total"] == 32 + 2
    assert listed(await desk.ask("area=v2")) == [("v2", "town", 30, 32)]
    assert (await desk.ask("area=d1"))["total"] == 10
    nobody_lives_there = await desk.ask("area=d2")
    assert (nobody_lives_there["areas"], nobody_lives_there["holes"]) == ([], [])


async def test_what_is_mended_is_gone_when_it_is_asked_again(desk: Desk) -> None:
    assert (await desk.ask("area=v2"))["total"] == 1
    with desk.engine.begin() as connection:
        connection.execute(delete(t.absences))
    assert (await desk.ask("area=v2"))["total"] == 0


@pytest.mark.parametrize("query", ["days=0", "days=32", "days=x", "area=v9", "limit=0", "level=town", "area=%00"])
async def test_what_cannot_be_asked_is_refused(desk: Desk, query: str) -> None:
    answer = await desk.client.get(f"/api/v1/coverage?{query}")
    assert (answer.status, answer.code) == (400, "bad_field")


async def test_a_centre_checks_when_it_starts_and_when_it_is_asked(centre: Service, seats: Seats) -> None:
    before = await metrics_now(centre)
    assert before.of("vnh_coverage_last_run_timestamp_seconds") > 0
    body = (await seats.operator.get("/api/v1/coverage")).body
    after = await metrics_now(centre)
    assert after.of("vnh_coverage_last_run_timestamp_seconds") > before.of("vnh_coverage_last_run_timestamp_seconds")
    for level in body["levels"]:
        count = sum(hole["level"] == level["id"] for hole in body["holes"])
        assert after.of("vnh_coverage_holes", level["id"]) == count
    assert after.of("vnh_coverage_next_hole_seconds") == 0  # this town has nobody whom one could ask
