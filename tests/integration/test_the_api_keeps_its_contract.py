"""openapi.yaml is valid, and says neither more nor less than the service does."""

from aiohttp import web
from openapi_spec_validator import validate

from callcenter.alerts.inputs import Action
from callcenter.alerts.model import Kind, Outcome, State
from callcenter.console.api import Api
from callcenter.console.app import build
from callcenter.console.auth import Doorkeeper
from callcenter.console.call_api import CallApi
from callcenter.console.pages import Pages
from callcenter.statistics.measures import MEASURES
from tests.integration.bracelet import bracelet
from tests.integration.conftest import Seats, unused
from tests.integration.contract import DOCUMENT, assert_is
from tests.processes import Service

NOT_IN_THE_CONTRACT = {
    "console",
    "pastAlertsPage",
    "callsPage",
    "statisticsPage",
    "handoverPage",
    "coveragePage",
    "incidentsPage",
    "policiesPage",
    "registerPage",
    "reviewsPage",
    "secondFactorPage",
    "signedInAgainPage",
    "wallPage",
    "roomPage",
    "rosterPage",
    "static",
}  # the pages themselves and their files


def routes() -> dict[str, tuple[str, str]]:
    """Operation -> (method, path) of the router."""
    keeper = Doorkeeper(None, None, public="http://127.0.0.1:8080")
    calls = CallApi(None, None, None)
    app = build(Api(None, None, None, keeper, None, None, None, None, None), keeper, Pages(None, None, None), calls)
    return {
        route.name: (route.method, route.resource.canonical)
        for route in app.router.routes()
        if isinstance(route, web.AbstractRoute) and route.method != "HEAD"
    }


def test_the_document_is_valid() -> None:
    validate(DOCUMENT)


def test_every_route_is_in_the_document_and_every_operation_has_a_route() -> None:
    served = {name: where for name, where in routes().items() if name not in NOT_IN_THE_CONTRACT}
    described = {
        operation["operationId"]: (method.upper(), path)
        for path, operations in DOCUMENT["paths"].items()
        for method, operation in operations.items()
    }
    assert served == described


def test_words_of_the_document_are_the_words_of_the_machine() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["Action"]["properties"]["action"]["enum"] == [action.value for action in Action]
    assert set(schemas["AlertState"]["enum"]) == {state.value for state in State}
    assert set(schemas["AlertKind"]["enum"]) == {kind.value for kind in Kind}
    assert set(schemas["OutcomeCode"]["enum"]) == {outcome.value for outcome in Outcome}
    measure = DOCUMENT["paths"]["/api/v1/statistics/{measure}"]["get"]["parameters"][0]
    assert measure["schema"]["enum"] == list(MEASURES)


def test_every_operation_that_reads_or_writes_the_database_may_say_that_it_cannot() -> None:
    without = [
        f"{method} {path}"
        for path, operations in DOCUMENT["paths"].items()
        for method, operation in operations.items()
        if path.startswith("/api/") and "503" not in operation["responses"]
    ]
    assert without == []


def test_every_operation_that_is_sent_something_may_say_that_it_will_not_take_it() -> None:
    """A body that is too long, no JSON or wrong; and what a browser sends from another site."""
    without = {
        operation["operationId"]: missing
        for path, operations in DOCUMENT["paths"].items()
        for method, operation in operations.items()
        if path.startswith("/api/") and method != "get"
        if (
            missing := {"403", *(("400", "413", "415") if "requestBody" in operation else ())}
            - {*operation["responses"]}
        )
    }
    assert without == {}


async def test_every_list_and_card_answers_as_described(centre: Service, seats: Seats) -> None:
    """`Client` holds each answer against the document."""
    client = seats.operator
    number = unused(centre).removeprefix("bracelet-")
    async with bracelet(centre.mqtt_port, f"bracelet-{number}") as device:
        loc = {"lat": 37.5, "lon": 122.1, "acc": 5, "fix": "gnss", "datum": "gcj02"}
        await device.press("p1", loc=loc, batt=40)
        alert = (await device.answer())["alert"]
    await client.act(alert, "claim")
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await client.get(path)).status == 200
    for name in ("residents", "devices", "responders", "areas", "operators"):
        found = (await client.get(f"/api/v1/{name}")).body[name]
        assert found or name == "responders"
    card = (await client.get(f"/api/v1/residents/r-{number}")).body
    assert [one["id"] for one in card["alerts"]] == [alert]
    assert [one["id"] for one in card["devices"]] == [f"bracelet-{number}", f"phone-{number}"]
    assert [one["phone"] for one in card["contacts"]] == [f"+861000000{int(number):03}"]

    detail = (await client.get(f"/api/v1/alerts/{alert}")).body
    assert detail["resident"]["id"] == f"r-{number}"
    assert (detail["position"]["lat"], detail["position"]["datum"]) == (37.5, "gcj02")
    assert [entry["rule"] for entry in detail["timeline"]] == ["alarm.opens", "operator.claims"]
    assert "resolve" in detail["actions"]
    assert "claim" not in detail["actions"]
    assert detail["n"] >= detail["timeline"][-1]["n"]
    battery = [one["battery"] for one in detail["devices"] if one["id"] == f"bracelet-{number}"]
    assert battery == [40]


async def test_lists_are_searched_and_limited(centre: Service, seats: Seats) -> None:
    client = seats.operator
    assert [one["id"] for one in (await client.get("/api/v1/residents?q=居民77")).body["residents"]] == ["r-77"]
    assert [one["id"] for one in (await client.get("/api/v1/devices?q=phone-77")).body["devices"]] == ["phone-77"]
    assert len((await client.get("/api/v1/devices?limit=3")).body["devices"]) == 3
    for pattern in ("%25", "_", "'", "\\"):  # signs that mean something in SQL are only signs
        assert (await client.get(f"/api/v1/residents?q={pattern}")).body["residents"] == []


async def test_alerts_are_listed_most_pressing_first(centre: Service, seats: Seats) -> None:
    ids = {}
    for kind in ("wander", "sos", "fall"):
        worn = unused(centre)
        async with bracelet(centre.mqtt_port, worn) as device:
            await device.press("p1", kind=kind)
            ids[(await device.answer())["alert"]] = kind
    listed = (await seats.operator.get("/api/v1/alerts?state=waiting&limit=2000")).body["alerts"]
    assert [ids[one["id"]] for one in listed if one["id"] in ids] == ["fall", "sos", "wander"]
    some = (await seats.operator.get("/api/v1/alerts?state=waiting&limit=1")).body["alerts"]
    # By id: meanwhile it may have climbed a rung.
    assert [one["id"] for one in some] == [listed[0]["id"]], "a shortened list must not leave out the most pressing one"


async def test_the_live_feed_speaks_as_described(centre: Service, seats: Seats) -> None:
    worn = unused(centre)
    kinds = {"snapshot": "LiveSnapshot", "resumed": "LiveResumed", "entry": "LiveEntry", "beat": "LiveBeat"}
    kinds["console"] = "LiveConsole"
    seen: dict[str, int] = {}
    async with seats.seat.live() as live, bracelet(centre.mqtt_port, worn) as device:
        await device.press("p1")
        await live.send_json({"type": "page", "page": "p1", "asked": 0})
        while not {"snapshot", "entry", "beat", "console"} <= seen.keys():
            frame = await live.receive_json(timeout=20)
            assert_is(frame, kinds[frame["type"]])
            seen[frame["type"]] = frame.get("n", 0)
    async with seats.seat.live(since=seen["snapshot"]) as live:
        first = await live.receive_json(timeout=20)
        assert_is(first, "LiveResumed")
        assert first["since"] == seen["snapshot"]


async def test_paths_nobody_serves_are_problems_too(seats: Seats, centre: Service) -> None:
    for method, path, status in (
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/nothing", 404),
        ("DELETE", "/api/v1/alerts", 405),
    ):
        async with seats.seat.session.request(method, centre.http + path) as answer:
            assert answer.status == status, path
            assert answer.content_type == "application/problem+json"
            assert_is(await answer.json(content_type=None), "Problem")
