"""Whoever may not do it is refused, and whoever is of another area sees nothing of it: walked over the whole router."""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from sqlalchemy import insert

from callcenter.console.auth import token_hash
from callcenter.storage import sessions, tables as t
from callcenter.storage.engine import connect
from callcenter.storage.scope import EVERYTHING
from tests.conftest import sign_in
from tests.integration.bracelet import bracelet
from tests.integration.contract import DOCUMENT, Client
from tests.processes import Mosquitto, Service, running

pytestmark = pytest.mark.one_database

PEOPLE = {
    "chief": ("supervisor", None),
    "district": ("operator", "d1"),
    "east": ("operator", "d1-east"),
    "west": ("operator", "d1-west"),
    "desk": ("responder_desk", None),
    "auditor": ("auditor", None),
    "probing": ("prober", None),
    "wall": ("wallboard", None),
}
OPERATIONS = [
    (method.upper(), path, operation["operationId"])
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]
ALL = {name for _method, _path, name in OPERATIONS}
OPEN = {"healthz", "readyz", "metrics", "signIn", "oidcSignIn", "oidcReturn"}
OWN = {
    "whoAmI", "signOut", "leave", "unlock", "getSecondFactor", "beginSecondFactor", "confirmSecondFactor",
    "endSecondFactor",
}  # fmt: skip
OF_NETWORK = {"putResponderRecord", "putAreaRecord", "addResponder", "addArea"}
CHANGING = OF_NETWORK | {
    "putResidentRecord", "putDeviceRecord", "addResident", "addDevice", "confirmFacts", "putConsent",
}  # fmt: skip
READING = {name for method, _path, name in OPERATIONS if method == "GET"} - {
    "getOwnPlan",
    "getSeat",
    "getOfferLink",
    "getRoom",
}
# By hand, and not from callcenter/console/roles.py: two who write the same down differently are noticed.
MAY = {
    "chief": ALL,
    "east": ALL - CHANGING - {
        "getOwnPlan", "putOwnPlan", "putPolicy", "listBrokenGlass", "reviewBrokenGlass", "setFlood", "getRoom",
        "beginDrill", "endDrill", "openDrillAlert",
        "resetSecondFactor",
    },
    "auditor": OPEN | OWN | READING | {"reviewBrokenGlass", "checkPolicy"},
    "wall": OPEN | OWN | {"getWall"},
    "probing": OPEN | OWN | {"listAlerts", "getAlert", "getHandover", "actOnAlert", "live"},
    "desk": OPEN | OWN | OF_NETWORK | {
        "getResponderRecord", "getAreaRecord",
        "listAlerts", "getAlert", "getHandover", "live", "listResponders", "listAreas", "listOperators", "getOfferLink",
        "makeOfferLink", "getCoverage", "getWall", "listIncidents", "listGaps", "getIncident", "listMeasures",
        "getStatistic",
    },
}  # fmt: skip
# What `{id}` names, per operation.
NAMED = {
    **dict.fromkeys(("getAlert", "getHandover", "actOnAlert"), "alert"),
    **dict.fromkeys(("getOfferLink", "makeOfferLink"), "offer"),
    **dict.fromkeys(("getResident", "getOwnPlan", "putOwnPlan"), "resident"),
    **dict.fromkeys(("getResidentRecord", "putResidentRecord", "confirmFacts", "putConsent"), "resident"),
    **dict.fromkeys(("getDeviceRecord", "putDeviceRecord"), "device"),
    **dict.fromkeys(("getResponderRecord", "putResponderRecord"), "responder"),
    **dict.fromkeys(("getAreaRecord", "putAreaRecord"), "area"),
    **dict.fromkeys(("getCall", "actOnCall", "dischargeDebt"), "call"),
    **dict.fromkeys(("getIncident", "closeIncident", "settlePerson"), "incident"),
}
# Of the room, not of an area; people are read in scope.
NOBODYS = {"reviewBrokenGlass", "sweepGap", "dismissGap", "resetSecondFactor"}


@dataclass
class Town:
    """The service, who is signed in, and what there is of the east and of the west."""

    service: Service
    tokens: dict[str, str] = field(default_factory=dict)
    east: dict[str, str] = field(default_factory=dict)  # register -> id
    west: dict[str, str] = field(default_factory=dict)

    def client(self, who: str) -> Client:
        return Client(self.service.http, self.tokens[who])

    @property
    def url(self) -> str:
        return self.service.database_url or f"sqlite:///{self.service.directory / 'callcenter.db'}"


def _fill(service: Service) -> None:
    service.register()
    residents = ["id,name,household_id,address,area,contact1_name,contact1_phone"]
    devices = ["id,family,resident_id,household_id"]
    responders = ["id,name,kind,phone,area"]
    for side in ("east", "west"):
        for n in range(1, 5):
            one = f"{side}-{n}"
            residents.append(f"r-{one},Name-{one},h-{one},House-{one},d1-{side}-v1,Contact-{one},+861390000{n:04}")
            devices.append(f"bracelet-{one},bracelet,r-{one},")
        responders.append(f"{side}-doc,Doctor-{side},village_doctor,+8613800000001,d1-{side}-v1")
    for kind, lines in (("residents", residents), ("devices", devices), ("responders", responders)):
        path = service.directory / f"towns-{kind}.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        service.take_in(kind, path)
    for name, (role, area) in PEOPLE.items():
        service.hire(name, role, area=area)


def _call(one: str, alert: str, at: datetime) -> dict[str, Any]:
    empty = {c.name: "" for c in t.calls.columns if not c.nullable}
    said = {
        "id": one, "direction": "outbound", "role": "elder", "party": "resident:r-east-1", "name": "Name-east-1",
        "alert_id": alert, "number_sealed": b"", "state": "ended", "wanted_at": at, "not_after": at, "ended_at": at,
        "wave": 0, "ring_s": 25, "checks": 0, "tries": 0, "machine": False, "in_room": False, "held": False,
        "version": 1, "outcome": "no_answer",
    }  # fmt: skip
    return empty | said


def _offer(one: str, alert: str, at: datetime) -> dict[str, Any]:
    return {
        "id": one, "alert_id": alert, "party": "responder:east-doc", "name": "Doctor-east", "kind": "village_doctor",
        "level": "", "wave": 1, "state": "offered", "score": 60, "parts": "{}", "asked_at": at, "channel": "",
        "reason": "", "late": False,
    }  # fmt: skip


async def _happen(town: Town) -> None:
    """An alert on either side, and in the east a call, an offer and an incident."""
    for name in PEOPLE:
        seat = await sign_in(town.service.http, name)
        town.tokens[name] = seat.session.headers["Authorization"].removeprefix("Bearer ")
        await seat.session.close()
    for side, known in (("east", town.east), ("west", town.west)):
        async with bracelet(town.service.mqtt_port, f"bracelet-{side}-1") as device:
            await device.press("p1")
            known["alert"] = (await device.answer())["alert"]
        known |= {"resident": f"r-{side}-1", "device": f"bracelet-{side}-1"}
        known |= {"responder": f"{side}-doc", "area": f"d1-{side}"}
    async with town.client("chief") as chief:
        incident = {"kind": "heat", "words": "Heat-east", "area": "d1-east", "ask": "residents"}
        raised = await chief.post("/api/v1/incidents", incident)
        assert raised.status == 201, raised.body
        town.east["incident"] = raised.body["incident"]["id"]
    at = datetime.now(UTC)
    engine = connect(town.url, writer=True, size=1)
    with engine.begin() as connection:
        connection.execute(insert(t.calls).values(_call("call-east", town.east["alert"], at)))
        connection.execute(insert(t.offers).values(_offer("offer-east", town.east["alert"], at)))
        debt = {
            "call_id": "call-east",
            "opened_at": at,
            "due": at,
            "attempts": 0,
            "alert_id": town.east["alert"],
            "name": "Name-east-1",
        }
        empty = {c.name: "" for c in t.debts.columns if not c.nullable}
        connection.execute(insert(t.debts).values(empty | debt))
    engine.dispose()
    town.east |= {"call": "call-east", "offer": "offer-east"}


@pytest.fixture(scope="module", params=["sqlite-nats", "postgres-mosquitto"])
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    service = Service(tmp_path_factory.mktemp("towns"))
    if request.param == "sqlite-nats":
        _fill(service)
        with running(service):
            made = Town(service)
            asyncio.run(_happen(made))
            yield made
        return
    service.database_url = request.getfixturevalue("postgres").create()
    broker = Mosquitto(tmp_path_factory.mktemp("broker"))
    service.mqtt_port, service.mqtt_url = broker.port, f"mqtt://127.0.0.1:{broker.port}"
    _fill(service)
    with running(broker), running(service):
        made = Town(service)
        asyncio.run(_happen(made))
        yield made


def _filled(path: str, one: str) -> str:
    return re.sub(r"\{\w+\}", "some-id", path.replace("{id}", one))


@pytest.mark.parametrize("who", sorted(MAY))
async def test_every_route_refuses_who_may_not_and_only_them(town: Town, who: str) -> None:
    refused = set()
    async with town.client(who) as client:
        for method, path, name in OPERATIONS:
            if name in OPEN | OWN:
                continue
            answer = await client.ask(method, _filled(path, "some-id"))
            assert answer.status != 401, name
            if answer.status == 403:
                assert answer.code == "forbidden", name
                refused.add(name)
    assert refused == ALL - MAY[who]


def test_every_id_names_something_that_has_an_area() -> None:
    assert {name for _method, path, name in OPERATIONS if "{id}" in path} - NOBODYS == set(NAMED)


@pytest.mark.parametrize(
    ("who", "sees"), [("west", False), ("probing", False), ("east", True), ("district", True), ("chief", True)]
)
async def test_an_id_of_the_east_is_found_only_by_who_sees_the_east(town: Town, who: str, sees: bool) -> None:
    wrong = []
    async with town.client(who) as client:
        for method, path, name in OPERATIONS:
            if name not in NAMED:
                continue
            body = {"json": {}} if method != "GET" else {}
            answer = await client.ask(method, _filled(path, town.east[NAMED[name]]), **body)
            if answer.status == 403 and name not in MAY[who if who in MAY else "east"]:
                continue
            hidden = answer.status == 404 and "in your area" in answer.body["detail"]
            if hidden == sees:
                wrong.append((name, answer.status))
    assert wrong == []


async def test_no_list_says_a_word_of_the_other_side(town: Town) -> None:
    lists = [path for method, path, name in OPERATIONS if method == "GET" and "{" not in path and name not in OPEN]
    told: dict[str, set[str]] = {"east": set(), "west": set()}
    for who, words in told.items():
        async with town.client(who) as client:
            for path in lists:
                answer = await client.get(path)
                if answer.status in (400, 403):  # the live feed is no list; the review is not theirs
                    continue
                found = re.findall(
                    r"(?:Name|House|Contact|Doctor|Heat|bracelet|r|h)-east\S*?(?=\W|$)", str(answer.body)
                )
                words |= {f"{path} {word}" for word in found}
    assert told["west"] == set()
    assert len({word.split()[0] for word in told["east"]}) == 8, told["east"]  # there is something to be seen


async def test_figures_count_the_own_area_only(town: Town) -> None:
    counted = {}
    for who in ("east", "west", "district"):
        async with town.client(who) as client:
            measures = (await client.get("/api/v1/statistics")).body["measures"]
            assert measures
            found = [await client.get(f"/api/v1/statistics/{one['id']}?by=area") for one in measures]
            counted[who] = {row["key"] for one in found if one.status == 200 for row in one.body["rows"]} - {""}
    assert counted == {"east": {"d1-east-v1"}, "west": {"d1-west-v1"}, "district": {"d1-east-v1", "d1-west-v1"}}


async def test_an_incident_is_raised_where_one_sees_the_people(town: Town) -> None:
    async with town.client("west") as west:
        answer = await west.post("/api/v1/incidents", {"kind": "heat", "words": "x", "area": "d1"})
        assert (answer.status, answer.code) == (403, "outside_area")


class Socket:
    """A live feed, read until something."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket, self.newest, self.shown = socket, -1, list[dict[str, Any]]()

    async def until(self, kind: str, *, n: int = 0) -> dict[str, Any]:
        """The next frame of that kind, with a number from `n` on; what came before it is without a gap."""
        async with asyncio.timeout(20):
            while True:
                frame = json.loads((await self.socket.receive()).data)
                self._take(frame)
                if frame["type"] == kind and frame.get("n", n) >= n:
                    return frame

    def _take(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "snapshot":
            self.newest = frame["n"]
        elif frame["type"] == "passed":
            assert frame["n"] > self.newest
            self.newest = frame["n"]
        elif frame["type"] == "entry" and frame["n"] > self.newest:
            assert frame["n"] == self.newest + 1, "a gap"
            self.newest = frame["n"]
            self.shown.append(frame)


async def _press(town: Town, device: str, msg: str) -> str:
    async with bracelet(town.service.mqtt_port, device) as worn:
        await worn.press(msg)
        return (await worn.answer())["alert"]


async def test_the_live_feed_passes_over_what_is_not_theirs_and_misses_nothing(town: Town) -> None:
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {town.tokens['west']}"}) as session:
        async with session.ws_connect(f"{town.service.http}/api/v1/live") as raw:
            live = Socket(raw)
            alerts = (await live.until("snapshot"))["alerts"]
            assert {alert["id"] for alert in alerts} >= {town.west["alert"]}
            assert town.east["alert"] not in {alert["id"] for alert in alerts}
            theirs = await _press(town, "bracelet-east-2", "live-1")
            assert (await live.until("passed"))["n"] > 0
            mine = await _press(town, "bracelet-west-2", "live-1")
            nobodys = await _press(town, "bracelet-nobody-knows", "live-1")
            while not {mine, nobodys} <= {frame["alert_id"] for frame in live.shown}:
                await live.until("entry")
            assert theirs not in {frame["alert_id"] for frame in live.shown}
            since = live.newest
        more = await _press(town, "bracelet-east-2", "live-2")
        last = await _press(town, "bracelet-west-2", "live-2")
        async with session.ws_connect(f"{town.service.http}/api/v1/live?since={since}") as raw:
            again = Socket(raw)
            again.newest = since
            while last not in {frame["alert_id"] for frame in again.shown}:  # without a gap, in one go
                await again.until("entry")
            assert more not in {frame["alert_id"] for frame in again.shown}


async def test_what_was_given_to_them_is_theirs_wherever_it_is(town: Town) -> None:
    alert = await _press(town, "bracelet-east-3", "given-1")
    async with (
        town.client("chief") as chief,
        town.client("west") as west,
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {town.tokens['west']}"}) as session,
        session.ws_connect(f"{town.service.http}/api/v1/live"),
    ):
        assert (await west.get(f"/api/v1/alerts/{alert}")).status == 404
        await chief.act(alert, "claim")
        given = await chief.act(alert, "transfer", to="west")
        assert given.status == 200, given.body
        assert (await west.get(f"/api/v1/alerts/{alert}")).status == 200
        assert alert in {one["id"] for one in (await west.get("/api/v1/alerts")).body["alerts"]}


async def test_what_was_taken_from_them_leaves_their_screen(town: Town) -> None:
    """Their console has it from the day it was theirs: hearing nothing, it would show it for ever."""
    alert = await _press(town, "bracelet-east-3", "taken-1")
    async with (
        town.client("chief") as chief,
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {town.tokens['west']}"}) as session,
    ):
        async with session.ws_connect(f"{town.service.http}/api/v1/live") as raw:
            live = Socket(raw)
            await live.until("snapshot")
            since = live.newest
            await chief.act(alert, "claim")
            assert (await chief.act(alert, "transfer", to="west")).status == 200
            while alert not in {frame["alert_id"] for frame in live.shown}:
                await live.until("entry")
            assert (await chief.act(alert, "decline")).status == 200  # asks west no longer
            assert (await live.until("passed", n=live.newest + 1))["gone"] == [alert]
        async with session.ws_connect(f"{town.service.http}/api/v1/live?since={since}") as raw:  # and who was away
            again = Socket(raw)
            again.newest = since
            while not (passed := await again.until("passed"))["gone"]:
                pass
            assert passed["gone"] == [alert]


async def test_glass_is_broken_at_once_with_a_reason_and_somebody_else_reviews_it(town: Town) -> None:
    async with (
        town.client("west") as west,
        town.client("chief") as chief,
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {town.tokens['west']}"}) as session,
        session.ws_connect(f"{town.service.http}/api/v1/live") as raw,
    ):
        live = Socket(raw)
        await live.until("snapshot")
        assert (await west.post("/api/v1/break-glass", {"reason": " "})).status == 400
        broken = await west.post("/api/v1/break-glass", {"reason": "she called me herself"})
        assert broken.status == 201, broken.body
        assert (await west.get(f"/api/v1/alerts/{town.east['alert']}")).status == 200
        assert (await west.get("/api/v1/session")).body["beyond_until"] == broken.body["until"]
        seen = (await live.until("snapshot"))["alerts"]
        assert town.east["alert"] in {alert["id"] for alert in seen}, "without a new connection"

        (one,) = (await chief.get("/api/v1/break-glass")).body["broken"]
        assert (one["operator_id"], one["area_id"], one["reason"]) == ("west", "d1-west", "she called me herself")
        review = f"/api/v1/break-glass/{one['id']}/review"
        assert (await west.post(review, {"note": "fine"})).status == 403
        assert (await chief.post(review, {"note": "she did"})).status == 204
        again = await chief.post(review, {"note": "twice"})
        assert (again.status, again.code) == (409, "reviewed_already")
        assert (await chief.get("/api/v1/break-glass")).body["broken"] == []
        (kept,) = (await chief.get("/api/v1/break-glass?state=all")).body["broken"]
        assert (kept["reviewed_by"], kept["note"]) == ("chief", "she did")
        assert (await chief.post("/api/v1/break-glass", {"reason": "x"})).code == "sees_everything"

    hashed, now = token_hash(town.tokens["west"]), datetime.now(UTC)
    engine = connect(town.url, writer=False)
    with engine.connect() as connection:
        for minutes, everything in ((0, True), (29, True), (31, False)):
            later = now + timedelta(minutes=minutes)
            found = sessions.session(connection, hashed, now - timedelta(hours=1), later)
            assert found is not None
            assert (found.scope == EVERYTHING) == everything, minutes
    engine.dispose()
