"""The call log through the API: search, pages, who sees which number, CSV, and the statistics over it.

The small day worked out by hand (tests/small_day.py) is written into both databases as rows.
"""

import csv
import io
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp.test_utils import TestServer
from cryptography.fernet import Fernet
from sqlalchemy import Connection, insert

from callcenter.alerts.call_model import CallOutcome, CallState, Direction, Role
from callcenter.console.api import Api
from callcenter.console.app import build
from callcenter.console.auth import Doorkeeper, token_hash
from callcenter.console.call_api import CALL_COLUMNS, CallApi
from callcenter.console.pages import Pages
from callcenter.privacy import Seal
from callcenter.statistics.measures import MEASURES
from callcenter.storage import call_queries, tables as t
from callcenter.storage.engine import connect
from callcenter.storage.facts import CHANNELS
from callcenter.storage.reading import Reader
from tests.conftest import ManualClock
from tests.integration.contract import DOCUMENT, Client
from tests.processes import lay_out
from tests.small_day import ALERTS, CALLS, DAY, GROUPED, TOTALS, Rung, alert_row, call_row, local, number

SEAL = Seal(Fernet.generate_key())
NOW = datetime(2026, 11, 21, 15, 59, 59, tzinfo=UTC)  # one second to midnight in China
ROLES = ("operator", "supervisor", "admin")
FORMULAS = {"h01": "=1+1", "h02": "@cmd", "h03": "-3", "h04": '"王", 老\n太', "h05": "+86"}


def claims() -> Iterator[dict[str, Any]]:
    """Claimed, given back and claimed again: only the first one is when a person was there."""
    taken = [(alert, extra) for alert in ALERTS if alert.claimed is not None for extra in (400, 0)]
    for n, (alert, extra) in enumerate(taken):
        at = local(alert.at) + timedelta(seconds=(alert.claimed or 0) + extra)
        yield {"n": n + 1, "at": at, "alert_id": alert.id, "rule": "operator.claims", "actor": "operator:x",
               "ring": False, "data": "{}", "hash": ""}  # fmt: skip


def fill(connection: Connection) -> None:
    def put(table: Any, rows: list[dict[str, Any]]) -> None:
        connection.execute(insert(table), rows)

    put(t.areas, [{"id": "d1", "name": "=一区"}, {"id": "d2", "name": "二区"}])
    put(t.households, [{"id": f"h-{a}", "address": "", "area_id": a} for a in ("d1", "d2")])
    put(t.residents, [{"id": f"r-{a}", "household_id": f"h-{a}", "name": "x"} for a in ("d1", "d2")])
    people = [{"id": role, "name": role, "role": role, "password_hash": "", "created_at": NOW} for role in ROLES]
    put(t.operators, people)
    sessions = [{"token_hash": token_hash(r), "operator_id": r, "created_at": NOW, "seen_at": NOW} for r in ROLES]
    put(t.sessions, sessions)
    put(t.seats, [{"operator_id": "operator", "state": "ready", "phone": "sip:8001@pbx", "since": NOW}])
    put(t.alerts, [alert_row(alert) for alert in ALERTS])
    put(t.timeline, list(claims()))
    put(t.calls, [call_row(rung, SEAL, name=FORMULAS.get(rung.id, "")) for rung in CALLS])
    owed = {"party": "", "name": "-王", "opened_at": NOW, "attempts": 0}
    put(t.debts, [owed | {"call_id": "h09", "due": NOW + timedelta(seconds=30)}])
    reached = {"discharged_at": NOW, "how": "reached", "by": "o05", "note": ""}
    put(t.debts, [owed | reached | {"call_id": "h08", "due": NOW}])
    put(t.recordings, [{"call_id": "h02", "ref": "RE1", "gateway": "simulated", "state": "stored", "heard_at": NOW,
                        "stored_at": NOW, "sha256": "00", "bytes": 7, "file": "secret/place.wav"}])  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def filled_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """One database for all tests of this module: they only read."""
    directory: Path = tmp_path_factory.mktemp("log")
    on_disk = f"sqlite:///{directory / 'test.db'}"
    url = on_disk if request.param == "sqlite" else request.getfixturevalue("postgres").create()
    lay_out(url)
    engine = connect(url, writer=True, size=1)
    with engine.begin() as connection:
        fill(connection)
    engine.dispose()
    return url


@dataclass
class Desk:
    """The console's own application on that database, and a client for each role, held against the contract."""

    clients: dict[str, Client]

    def __getitem__(self, role: str) -> Client:
        return self.clients[role]


@pytest.fixture
async def desk(filled_url: str) -> AsyncIterator[Desk]:
    clock = ManualClock(NOW)
    read = Reader(connect(filled_url, writer=False), threads=2)
    keeper = Doorkeeper(read, clock, public="http://127.0.0.1:8080")
    unused: Any = None
    api = Api(read, unused, unused, keeper, unused, unused, clock, unused, unused)
    app = build(api, keeper, Pages(unused, read, clock), CallApi(read, SEAL, clock))
    server = TestServer(app)
    await server.start_server()
    base = str(server.make_url("")).rstrip("/")
    clients = {role: Client(base, role) for role in (*ROLES, "")}  # the token is the role's name
    yield Desk(clients)
    for client in clients.values():
        await client.__aexit__()
    await server.close()
    read.close()


async def listed(desk: Desk, query: str = "", role: str = "supervisor") -> list[str]:
    answer = await desk[role].get(f"/api/v1/calls?{query}")
    assert answer.status == 200, answer.body
    return [call["id"] for call in answer.body["calls"]]


def those(fits: Callable[[Rung], bool]) -> set[str]:
    return {rung.id for rung in CALLS if fits(rung)}


# -- search


async def test_calls_are_found_by_what_they_were(desk: Desk) -> None:
    assert set(await listed(desk, "direction=internal")) == {"i01", "i02", "i03"}
    assert set(await listed(desk, "outcome=abandoned")) == {"h07", "h08", "h09", "s02"}
    assert set(await listed(desk, "role=caller")) == those(lambda rung: rung.direction == "inbound")
    assert set(await listed(desk, "state=ringing")) == {"h12"}
    assert set(await listed(desk, "alert=a1")) == {"o01", "o02", "o03", "o04", "i01"}
    assert await listed(desk, "party=resident:h05") == ["h05"]
    assert set(await listed(desk, "alert=a1&outcome=answered&direction=outbound")) == {"o01", "o02"}
    assert await listed(desk, "q=" + quote("居民 s0")) == ["s02", "s01"]
    assert await listed(desk, "q=%25") == []  # a sign that means something in SQL is only a sign
    assert len(await listed(desk, "direction=&q=")) == len(CALLS)  # as an empty form sends it


async def test_calls_are_found_by_when_they_were_wanted(desk: Desk) -> None:
    assert await listed(desk, "since=2026-11-20T16:00:00Z&until=2026-11-20T16:00:01Z") == ["h01"]
    assert await listed(desk, "until=2026-11-21T00:00:00%2B08:00") == ["h00"]
    assert await listed(desk, "since=2026-11-22T00:00:00+08:00") == ["h13"]  # a "+" that became a space


async def test_a_call_is_found_by_its_number_however_it_is_spelt(desk: Desk) -> None:
    for spelt in ("%2B8610000000003", "+8610000000003", "008610000000003", "10000-000003", "86 10000 000003"):
        assert await listed(desk, f"number={spelt}") == ["h03"], spelt
    assert await listed(desk, "number=0003") == [], "a part of a number finds nothing"
    assert set(await listed(desk, "number=sip:8001@pbx")) == {"i01", "i02", "i03"}


async def test_pages_hold_each_call_once_newest_first(desk: Desk) -> None:
    seen: list[str] = []
    before = ""
    while True:
        page = (await desk["operator"].get(f"/api/v1/calls?limit=4&before={before}")).body
        seen += [call["id"] for call in page["calls"]]
        before = page["before"]
        if before is None:
            break
    newest_first = sorted(CALLS, key=lambda rung: (local(rung.at), rung.id), reverse=True)
    assert seen == [rung.id for rung in newest_first]
    assert await listed(desk, "before=unheard-of") == []


@pytest.mark.parametrize(
    ("query", "named"),
    [("direction=sideways", "direction"), ("since=yesterday", "since"), ("since=2026-11-21T08:00:00", "since"),
     ("until=0001-01-01T00:00:00%2B08:00", "until"), ("limit=0", "limit"), ("limit=1001", "limit"),
     ("limit=x", "limit"), ("q=" + "x" * 65, "q"), ("q=%00", "q"), ("nmuber=1", "nmuber"), ("format=xml", "format")],
)  # fmt: skip
@pytest.mark.one_database
async def test_what_cannot_be_understood_is_named(desk: Desk, query: str, named: str) -> None:
    answer = await desk["operator"].get(f"/api/v1/calls?{query}")
    assert (answer.status, answer.code) == (400, "bad_field")
    assert answer.body["detail"].startswith(named)


# -- one call, what is owed, what has to be dialled


async def test_one_call_with_all_that_belongs_to_it(desk: Desk) -> None:
    client = desk["operator"]
    found = (await client.get("/api/v1/calls/o01")).body
    assert (found["call"]["wait_s"], found["call"]["talk_s"]) == (11, 120), "as the statistics count"
    assert found["call"]["line_s"] == 122, "as the carrier counts"
    assert [leg["id"] for leg in found["legs"]] == ["o02", "o03", "o04", "i01"]
    recorded = (await client.get("/api/v1/calls/h02")).body
    assert [one["ref"] for one in recorded["recordings"]] == ["RE1"]
    assert "secret" not in str(recorded)
    assert recorded["legs"] == []
    assert (await client.get("/api/v1/calls/h08")).body["debt"]["how"] == "reached"
    assert (await client.get("/api/v1/calls/nothing")).status == 404


async def test_open_debts_and_what_has_to_be_dialled_by_hand(desk: Desk) -> None:
    client = desk["operator"]
    (owed,) = (await client.get("/api/v1/debts")).body["debts"]
    assert (owed["call_id"], owed["number"]) == ("h09", "+8610000000009")
    (manual,) = (await client.get("/api/v1/manual-calls")).body["calls"]
    assert (manual["id"], manual["number"]) == ("o06", number(next(rung for rung in CALLS if rung.id == "o06")))
    (seat,) = (await client.get("/api/v1/seats")).body["seats"]
    assert seat["state"] == "ready"
    assert "sip" not in str(seat)


def test_a_call_that_no_gateway_has_taken_yet_may_be_dialled_by_hand_too(filled_url: str) -> None:
    waiting = call_row(CALLS[0], SEAL) | {"id": "w", "state": "wanted", "due": NOW, "outcome": None}
    engine = connect(filled_url, writer=True, size=1)
    with engine.connect() as connection:
        connection.execute(insert(t.calls), [waiting])
        assert [row["id"] for row in call_queries.by_hand(connection)] == ["w", "o06"]
        assert [row["id"] for row in call_queries.by_hand(connection, limit=1)] == ["w"]
        assert not any("number" in name for row in call_queries.by_hand(connection) for name in row)
        connection.rollback()
    engine.dispose()


# -- numbers


async def test_operators_see_a_number_while_its_alert_or_debt_is_open(desk: Desk) -> None:
    shown = {call["id"]: call["number"] for call in (await desk["operator"].get("/api/v1/calls")).body["calls"]}
    clear = {rung.id for rung in CALLS if shown[rung.id] == number(rung)}
    assert clear == {"s02", "o06", "h09", "h07"}  # of alert a4; owed a call; withheld, so there is nothing to hide
    assert shown["h01"] == "+86****0001"
    assert shown["i01"] == "sip****@pbx"


@pytest.mark.parametrize("role", ["supervisor", "admin"])
@pytest.mark.one_database
async def test_supervisors_always_see_it(desk: Desk, role: str) -> None:
    for call in (await desk[role].get("/api/v1/calls")).body["calls"]:
        assert call["number"] == number(next(rung for rung in CALLS if rung.id == call["id"]))


async def test_a_detail_or_a_file_tells_no_more_than_the_list(desk: Desk) -> None:
    hidden = number(next(rung for rung in CALLS if rung.id == "o01"))
    for path in ("/api/v1/calls/o01", "/api/v1/calls/i01", "/api/v1/calls?format=csv"):
        assert hidden not in str((await desk["operator"].get(path)).body), path
        assert SEAL.digest(hidden) not in str((await desk["supervisor"].get(path)).body), path


# -- files


def lines(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


async def test_the_log_as_a_file_holds_no_formulas(desk: Desk) -> None:
    answer = await desk["supervisor"].get("/api/v1/calls?format=csv&until=2026-11-21T01:20:00Z")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert 'filename="calls.csv"' in answer.headers["Content-Disposition"]
    head, *rows = lines(answer.body)
    assert head == list(CALL_COLUMNS)
    names = {row[0]: row[head.index("name")] for row in rows}
    assert names == {
        "h00": "居民 h00", "h01": "'=1+1", "h02": "'@cmd", "h03": "'-3", "h04": '"王", 老\n太', "h05": "'+86",
    }  # fmt: skip
    assert {row[head.index("number")] for row in rows if row[0] == "h01"} == {"'+8610000000001"}
    assert [(row[head.index("talk_s")], row[head.index("line_s")]) for row in rows if row[0] == "h02"] == [
        ("4200.0", "4209.0")
    ]
    assert lines((await desk["operator"].get("/api/v1/debts?format=csv")).body)[1][2] == "'-王"


# -- statistics


@pytest.mark.parametrize("name", MEASURES)
async def test_the_day_as_worked_out_by_hand(desk: Desk, name: str) -> None:
    body = (await desk["operator"].get(f"/api/v1/statistics/{name}?from={DAY}")).body
    assert body["total"] == TOTALS[name]
    assert (body["from"], body["to"], body["by"], body["time_zone"]) == (DAY, DAY, "hour", "Asia/Shanghai")
    assert (await desk["operator"].get(f"/api/v1/statistics/{name}")).body == body  # without days: today
    head, *rows = lines((await desk["operator"].get(f"/api/v1/statistics/{name}?format=csv")).body)
    assert head == ["hour", "name", *body["total"]]
    assert len(rows) == 25
    assert rows[-1][:2] == ["total", ""]
    assert {key: float(cell) for key, cell in zip(head[2:], rows[-1][2:], strict=True)} == TOTALS[name]


@pytest.mark.parametrize(("name", "by", "figure"), GROUPED)
async def test_its_parts_as_worked_out_by_hand(desk: Desk, name: str, by: str, figure: str) -> None:
    body = (await desk["operator"].get(f"/api/v1/statistics/{name}?from={DAY}&to={DAY}&by={by}")).body
    found = {row["key"]: row["figures"][figure] for row in body["rows"] if row["figures"][figure]}
    assert found == GROUPED[name, by, figure]


async def test_one_area_and_one_channel(desk: Desk) -> None:
    body = (await desk["operator"].get("/api/v1/statistics/calls?channel=hotline&area=d2&by=area")).body
    assert [(row["key"], row["name"], row["figures"]["total"]) for row in body["rows"]] == [("d2", "二区", 3)]
    file = (await desk["operator"].get("/api/v1/statistics/calls?area=d1&by=area&format=csv")).body
    assert lines(file)[1][:2] == ["d1", "'=一区"]


async def test_three_days_are_three_rows(desk: Desk) -> None:
    body = (await desk["operator"].get("/api/v1/statistics/calls?from=2026-11-20&to=2026-11-22&by=day")).body
    found = [(row["key"][-2:], row["figures"]["total"]) for row in body["rows"]]
    assert found == [("20", 1), ("21", 23), ("22", 1)]


@pytest.mark.one_database
async def test_the_measures_are_listed_with_their_targets(desk: Desk) -> None:
    measures = {one["id"]: one for one in (await desk["operator"].get("/api/v1/statistics")).body["measures"]}
    assert list(measures) == list(MEASURES)
    targets = {one["id"]: one["target"] for one in measures["sos_answer_times"]["figures"] if one["target"]}
    assert targets == {"within_15_s": 0.95, "within_60_s": 0.975, "within_180_s": 0.99}
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["Grouping"]["enum"] == measures["alerts"]["groupings"]


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [("services", 404, "there is no such measure"), ("calls?by=kind", 400, "by"), ("calls?by=year", 400, "by"),
     ("calls?from=2026-11-22&to=2026-11-21", 400, "to"), ("calls?from=21.11.2026", 400, "from"),
     ("calls?from=2026-11-01&to=2026-11-21", 400, "by hour"), ("calls?from=2026-01-01&to=2026-11-21&by=day", 400, "by"),
     ("calls?from=9999-12-31", 400, "from"), ("calls?channel=telex", 400, "channel")],
)  # fmt: skip
@pytest.mark.one_database
async def test_what_cannot_be_reckoned_says_why(desk: Desk, path: str, status: int, says: str) -> None:
    answer = await desk["operator"].get(f"/api/v1/statistics/{path}")
    assert answer.status == status
    assert answer.body["detail"].startswith(says)


def test_words_of_the_document_are_the_words_of_the_log() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    words = {"CallDirection": Direction, "CallRole": Role, "CallState": CallState, "CallOutcome": CallOutcome}
    for name, enum in words.items():
        assert schemas[name]["enum"] == [word.value for word in enum]
    assert schemas["Channel"]["enum"] == list(CHANNELS)


@pytest.mark.one_database
async def test_nothing_of_it_is_for_strangers(desk: Desk) -> None:
    for path in ("calls", "calls/h01", "manual-calls", "debts", "seats", "statistics", "statistics/calls"):
        assert (await desk[""].get(f"/api/v1/{path}")).status == 401
