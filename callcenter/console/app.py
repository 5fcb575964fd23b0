"""The web application: routes, who may use them, and what every answer carries."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import prometheus_client
import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware
from jinja2 import Environment, FileSystemLoader, select_autoescape

from callcenter import metrics
from callcenter.alerts.model import EMERGENCIES
from callcenter.clock import Clock
from callcenter.console.api import Api
from callcenter.console.auth import SIGNED_IN, Doorkeeper
from callcenter.console.call_api import CallApi
from callcenter.console.call_desk import CallDesk
from callcenter.console.coverage_api import CheckCoverage, CoverageApi, unchecked
from callcenter.console.handover_api import Handovers, page as handover_page
from callcenter.console.import_map import csp, import_map
from callcenter.console.incident_api import IncidentApi
from callcenter.console.live import Health
from callcenter.console.offer_api import OfferApi
from callcenter.console.plan_api import PlanApi
from callcenter.console.policy_api import PolicyApi, PolicyDesk
from callcenter.console.problems import LARGEST_BODY, TITLES, problem
from callcenter.ports import NotStored
from callcenter.storage import queries
from callcenter.storage.reading import Reader
from callcenter.storage.writer import Unavailable

log = structlog.get_logger()

HERE = Path(__file__).parent
STATIC = HERE / "static"
VENDOR_LOCK = HERE.parent.parent / "vendor.lock.json"
MEASURE_S = 2.0
PUBLIC, SIGNED, SUPERVISOR = "public", "signed_in", "supervisor"
LINKED = "linked"  # a link and its own cookie say who it is, and no other site has that cookie (docs/adr/0016)
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]

prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]


def _guard(keeper: Doorkeeper, permissions: dict[str, str]) -> Middleware:
    """Every route has a permission; one without is refused."""

    @web.middleware
    async def guard(request: web.Request, handler: Handle) -> web.StreamResponse:
        if request.match_info.http_exception is not None:
            return await handler(request)
        if any("\0" in part or not part.isprintable() for part in request.match_info.values()):
            return problem(404, "not_found", "no id looks like that")
        needed = permissions.get(request.match_info.route.name or "")
        if needed is None:
            return problem(403, "forbidden", "nobody may do this")
        unsafe = request.method in UNSAFE or "Upgrade" in request.headers
        if unsafe and needed != LINKED and keeper.is_foreign(request):
            return problem(403, "foreign_origin", "this came from another site")
        if needed in (SIGNED, SUPERVISOR):
            who = await keeper.who(request)
            if who is None:
                return problem(401, "signed_out", "sign in first")
            if needed == SUPERVISOR and not who.operator.supervisor:
                return problem(403, "forbidden", "only a supervisor may do this")
            request[SIGNED_IN] = who
        return await handler(request)

    return guard


@web.middleware
async def _answer_problems(request: web.Request, handler: Handle) -> web.StreamResponse:
    """Whatever goes wrong is answered with a problem document."""
    try:
        return await handler(request)
    except web.HTTPRedirection:
        raise
    except web.HTTPException as error:
        answer = problem(error.status, "http", TITLES.get(error.status, error.reason or ""))
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except (Unavailable, NotStored):
        return problem(503, "not_stored", "nothing can be stored or read now; nothing of this request has happened")
    except (ConnectionError, TimeoutError):
        raise
    except Exception:
        log.exception("console.request_failed", route=request.match_info.route.name)
        return problem(500, "internal", "an error of ours; it is in the log")


def _headers(policy: str, *, secure: bool) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    fixed = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "geolocation=(self)",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    if secure:
        fixed["Strict-Transport-Security"] = "max-age=31536000"

    async def add(request: web.Request, response: web.StreamResponse) -> None:
        for name, value in fixed.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-cache" if request.path.startswith("/static/") else "no-store")

    return add


class Pages:
    """The console's page and the endpoints for machines."""

    def __init__(self, health: Health, read: Reader, clock: Clock) -> None:
        self._health, self._read, self._clock = health, read, clock
        environment = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=select_autoescape(["j2"]))
        self._console = environment.get_template("console.html.j2")
        lock = json.loads(VENDOR_LOCK.read_text(encoding="utf-8"))
        self.import_map = json.dumps(import_map(lock), separators=(",", ":"))
        # The map is large and seldom needed: it is fetched with the first one that is drawn.
        imports = import_map(lock)["imports"]
        self._map_style = imports["leaflet"].rsplit("/", 1)[0] + "/leaflet.css"
        vendored = (url for name, url in imports.items() if name != "leaflet")
        scripts = (path.name for path in sorted(STATIC.glob("*.js")))
        own = (f"/static/{name}" for name in scripts if name != "responder.js")  # a page of its own
        self._preload = [*vendored, *own]

    def calling(self) -> bool:
        return self._health.calling()

    def _page(self, request: web.Request, script: str) -> web.Response:
        wants_english = request.headers.get("Accept-Language", "zh").lower().startswith("en")
        html = self._console.render(
            lang="en" if wants_english else "zh-CN",
            import_map=self.import_map,
            modulepreload=self._preload,
            map_style=self._map_style,
            script=script,
        )
        return web.Response(text=html, content_type="text/html")

    async def console(self, request: web.Request) -> web.Response:
        return self._page(request, "main.js")

    async def calls(self, request: web.Request) -> web.Response:
        return self._page(request, "calls_main.js")

    async def statistics(self, request: web.Request) -> web.Response:
        return self._page(request, "statistics_main.js")

    async def coverage(self, request: web.Request) -> web.Response:
        return self._page(request, "coverage_main.js")

    async def incidents(self, request: web.Request) -> web.Response:
        return self._page(request, "incidents_main.js")

    async def policies(self, request: web.Request) -> web.Response:
        return self._page(request, "policies_main.js")

    async def healthz(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"} | self._health.as_dict())

    async def readyz(self, _request: web.Request) -> web.Response:
        health, ready = self._health.as_dict(), self._health.ready
        return web.json_response({"status": "ok" if ready else "not_ready"} | health, status=200 if ready else 503)

    async def metrics(self, _request: web.Request) -> web.Response:
        metrics.storing.set(self._health.storing())  # also when a commit hangs, which the writer cannot tell
        # The gauges keep their last value while the database does not answer; a scrape must not wait for it.
        with contextlib.suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(MEASURE_S):
                await self._measure()
        text = prometheus_client.generate_latest().decode()
        return web.Response(text=text, content_type="text/plain", charset="utf-8")

    async def _measure(self) -> None:
        by_state = await self._read(queries.open_by_state)
        for state in ("waiting", "claimed", "helping", "handed_over", "resolved"):
            metrics.alerts_open.labels(state).set(by_state.get(state, 0))
        oldest = await self._read(queries.oldest_waiting, sorted(EMERGENCIES))
        metrics.oldest_waiting.set((self._clock.now() - oldest).total_seconds() if oldest else 0)
        metrics.outbox_pending.set(await self._read(queries.outbox_pending))


Route = tuple[str, str, str, str, Handle]  # method, path, who may use it, operation of openapi.yaml, handler


def _shell(pages: Pages) -> tuple[Route, ...]:
    """The pages, which ask for everything they show, and what machines ask."""
    return (
        ("GET", "/", PUBLIC, "console", pages.console),
        ("GET", "/calls", PUBLIC, "callsPage", pages.calls),
        ("GET", "/statistics", PUBLIC, "statisticsPage", pages.statistics),
        ("GET", "/coverage", PUBLIC, "coveragePage", pages.coverage),
        ("GET", "/incidents", PUBLIC, "incidentsPage", pages.incidents),
        ("GET", "/policies", PUBLIC, "policiesPage", pages.policies),
        ("GET", "/healthz", PUBLIC, "healthz", pages.healthz),
        ("GET", "/readyz", PUBLIC, "readyz", pages.readyz),
        ("GET", "/metrics", PUBLIC, "metrics", pages.metrics),
    )


def _policy_routes(api: Api, desk: PolicyDesk) -> tuple[Route, ...]:
    policies = PolicyApi(api.read, api.submit, api.clock, desk)
    return (
        ("GET", "/api/v1/policies", SIGNED, "listPolicies", policies.versions),
        ("POST", "/api/v1/policies", SIGNED, "putPolicy", policies.store),
        ("POST", "/api/v1/policies/check", SIGNED, "checkPolicy", policies.check),
        ("GET", "/api/v1/policies/{version}", SIGNED, "getPolicy", policies.version),
    )


def _resident_routes(api: Api) -> tuple[Route, ...]:
    plans = PlanApi(api.read, api.submit)
    return (
        ("GET", "/api/v1/residents", SIGNED, "listResidents", api.residents),
        ("GET", "/api/v1/residents/{id}", SIGNED, "getResident", api.resident),
        ("GET", "/api/v1/residents/{id}/plan", SUPERVISOR, "getOwnPlan", plans.plan),
        ("PUT", "/api/v1/residents/{id}/plan", SUPERVISOR, "putOwnPlan", plans.put),
    )


def _routes(api: Api, pages: Pages, calls: CallApi, coverage: CoverageApi) -> tuple[Route, ...]:
    """The second word is who may use one; the name is the operation of openapi.yaml."""
    desk = CallDesk(api.read, api.submit)
    offers = OfferApi(api.read, api.submit, api.link_address)
    handovers = Handovers(api.read, api.clock, api.call_back, handover_page())
    return (
        *_shell(pages),
        ("POST", "/api/v1/session", PUBLIC, "signIn", api.sign_in),
        ("GET", "/api/v1/session", SIGNED, "whoAmI", api.who_am_i),
        ("DELETE", "/api/v1/session", SIGNED, "signOut", api.sign_out),
        ("POST", "/api/v1/session/unlock", SIGNED, "unlock", api.unlock),
        ("GET", "/api/v1/alerts", SIGNED, "listAlerts", api.alerts),
        ("GET", "/api/v1/alerts/{id}", SIGNED, "getAlert", api.alert),
        ("GET", "/api/v1/alerts/{id}/handover", SIGNED, "getHandover", handovers.data),
        ("GET", "/handover/{id}", SIGNED, "handoverPage", handovers.card),
        ("POST", "/api/v1/alerts/{id}/actions", SIGNED, "actOnAlert", api.act),
        ("GET", "/api/v1/offers/{id}/link", SIGNED, "getOfferLink", offers.link),
        ("POST", "/api/v1/offers/{id}/link", SIGNED, "makeOfferLink", offers.make_link),
        ("GET", "/api/v1/live", SIGNED, "live", api.live_feed),
        *_resident_routes(api),
        ("GET", "/api/v1/devices", SIGNED, "listDevices", api.devices),
        ("GET", "/api/v1/responders", SIGNED, "listResponders", api.responders),
        ("GET", "/api/v1/areas", SIGNED, "listAreas", api.areas),
        ("GET", "/api/v1/operators", SIGNED, "listOperators", api.operators),
        ("GET", "/api/v1/calls", SIGNED, "listCalls", calls.calls),
        ("GET", "/api/v1/calls/{id}", SIGNED, "getCall", calls.call),
        ("GET", "/api/v1/manual-calls", SIGNED, "listManualCalls", calls.manual),
        ("GET", "/api/v1/debts", SIGNED, "listDebts", calls.debts),
        ("POST", "/api/v1/calls/{id}/actions", SIGNED, "actOnCall", desk.act),
        ("POST", "/api/v1/debts/{id}/discharge", SIGNED, "dischargeDebt", desk.discharge),
        ("GET", "/api/v1/seats", SIGNED, "listSeats", calls.seats),
        ("GET", "/api/v1/seat", SIGNED, "getSeat", desk.seat),
        ("PUT", "/api/v1/seat", SIGNED, "takeSeat", desk.take_seat),
        ("GET", "/api/v1/statistics", SIGNED, "listMeasures", calls.measures),
        ("GET", "/api/v1/statistics/{measure}", SIGNED, "getStatistic", calls.statistic),
        ("GET", "/api/v1/coverage", SIGNED, "getCoverage", coverage.coverage),
    )


def build(
    api: Api,
    keeper: Doorkeeper,
    pages: Pages,
    calls: CallApi,
    callbacks: Sequence[web.RouteDef] = (),
    *,
    linked: Sequence[web.RouteDef] = (),
    check_coverage: CheckCoverage = unchecked,
    policy_desk: PolicyDesk | None = None,
) -> web.Application:
    """All routes.

    `callbacks` are the carriers' own: each is signed, and checked where it is taken. `linked` are opened by a link.
    """
    routes = (
        *_routes(api, pages, calls, CoverageApi(check_coverage)),
        *IncidentApi(api.read, api.submit, pages.calling).routes(SIGNED),
        *_policy_routes(api, policy_desk or PolicyDesk()),
    )
    permissions = {name: needed for _method, _path, needed, name, _handler in routes} | {"static": PUBLIC}
    permissions |= {str(route.kwargs["name"]): PUBLIC for route in callbacks}
    permissions |= {str(route.kwargs["name"]): LINKED for route in linked}
    app = web.Application(middlewares=[_answer_problems, _guard(keeper, permissions)], client_max_size=LARGEST_BODY)
    for method, path, _needed, name, handler in routes:
        app.router.add_route(method, path, handler, name=name)
    app.router.add_routes([*callbacks, *linked])
    app.router.add_static("/static/", STATIC, name="static")
    app.on_response_prepare.append(_headers(csp(pages.import_map), secure=keeper.secure))
    return app
