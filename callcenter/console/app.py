"""The web application: routes, who may use them, and what every answer carries."""

from collections.abc import Awaitable, Callable, Sequence

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from callcenter.console import static_files
from callcenter.console.alert_search_api import AlertSearchApi
from callcenter.console.api import Api
from callcenter.console.auth import SIGNED_IN, Doorkeeper
from callcenter.console.call_api import CallApi
from callcenter.console.call_desk import CallDesk
from callcenter.console.coverage_api import CheckCoverage, CoverageApi, unchecked
from callcenter.console.drill_api import DrillApi
from callcenter.console.flood_api import FloodApi
from callcenter.console.gap_api import GapApi
from callcenter.console.glass_api import GlassApi
from callcenter.console.handover_api import Handovers, page as handover_page
from callcenter.console.import_map import csp
from callcenter.console.incident_api import IncidentApi
from callcenter.console.offer_api import OfferApi
from callcenter.console.oidc_api import OidcApi, OidcDesk
from callcenter.console.pages import Pages
from callcenter.console.plan_api import PlanApi
from callcenter.console.policy_api import PolicyApi, PolicyDesk
from callcenter.console.problems import LARGEST_BODY, TITLES, problem
from callcenter.console.register_api import RegisterApi
from callcenter.console.roles import May
from callcenter.console.room_api import RoomApi
from callcenter.console.roster_api import RosterApi
from callcenter.console.routes import LINKED, PUBLIC, Handle, Route
from callcenter.console.second_factor_api import SecondFactorApi
from callcenter.ports import MaybeStored, NotStored
from callcenter.storage.reading import Reader
from callcenter.storage.scope import EVERYTHING, hides
from callcenter.storage.writer import Unavailable

log = structlog.get_logger()

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def _guard(keeper: Doorkeeper, read: Reader, rules: dict[str, tuple[str, str]]) -> Middleware:
    """Every route has a permission, and says what its id names; one without is refused."""

    @web.middleware
    async def guard(request: web.Request, handler: Handle) -> web.StreamResponse:
        if request.match_info.http_exception is not None:
            return await handler(request)
        if any("\0" in part or not part.isprintable() for part in request.match_info.values()):
            return problem(404, "not_found", "no id looks like that")
        needed, about = rules.get(request.match_info.route.name or "", ("", ""))
        if not needed:
            return problem(403, "forbidden", "nobody may do this")
        unsafe = request.method in UNSAFE or "Upgrade" in request.headers
        if unsafe and needed != LINKED and keeper.is_foreign(request):
            return problem(403, "foreign_origin", "this came from another site")
        if needed in (PUBLIC, LINKED):
            return await handler(request)
        who = await keeper.who(request)
        if who is None:
            return problem(401, "signed_out", "sign in first")
        if not who.may(May(needed)):
            return problem(403, "forbidden", f"the role {who.role} may not do this ({needed})")
        if about and who.scope != EVERYTHING and await read(hides, who.scope, who.id, about, request.match_info["id"]):
            return problem(404, "not_found", f"there is no such {about} in your area")
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
    except MaybeStored:
        return problem(503, "not_answered", "the database was lost just then; look before trying again")
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

    async def add(_request: web.Request, response: web.StreamResponse) -> None:
        for name, value in fixed.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")

    return add


def _policy_routes(api: Api, desk: PolicyDesk) -> tuple[Route, ...]:
    policies = PolicyApi(api.read, api.submit, api.clock, desk)
    return (
        Route("GET", "/api/v1/policies", May.SEE_POLICIES, "listPolicies", policies.versions),
        Route("POST", "/api/v1/policies", May.CHANGE_POLICIES, "putPolicy", policies.store),
        Route("POST", "/api/v1/policies/check", May.SEE_POLICIES, "checkPolicy", policies.check),
        Route("GET", "/api/v1/policies/{version}", May.SEE_POLICIES, "getPolicy", policies.version),
    )


def _resident_routes(api: Api) -> tuple[Route, ...]:
    plans = PlanApi(api.read, api.submit)
    return (
        Route("GET", "/api/v1/residents", May.SEE_PEOPLE, "listResidents", api.residents),
        Route("GET", "/api/v1/residents/{id}", May.SEE_PEOPLE, "getResident", api.resident, "resident"),
        Route("GET", "/api/v1/residents/{id}/plan", May.CHANGE_PEOPLE, "getOwnPlan", plans.plan, "resident"),
        Route("PUT", "/api/v1/residents/{id}/plan", May.CHANGE_PEOPLE, "putOwnPlan", plans.put, "resident"),
    )


def _routes(api: Api, pages: Pages, calls: CallApi, coverage: CoverageApi) -> tuple[Route, ...]:
    """Everything that is asked of the centre but incidents and policies."""
    desk = CallDesk(api.read, api.submit)
    offers = OfferApi(api.read, api.submit, api.link_address)
    handovers = Handovers(api.read, api.clock, api.call_back, handover_page())
    return (
        *pages.routes(),
        Route("POST", "/api/v1/session", PUBLIC, "signIn", api.sign_in),
        Route("GET", "/api/v1/session", May.OWN_SESSION, "whoAmI", api.who_am_i),
        Route("DELETE", "/api/v1/session", May.OWN_SESSION, "signOut", api.sign_out),
        Route("POST", "/api/v1/session/leave", May.OWN_SESSION, "leave", api.leave),
        Route("POST", "/api/v1/session/unlock", May.OWN_SESSION, "unlock", api.unlock),
        Route("GET", "/api/v1/alerts", May.SEE_ALERTS, "listAlerts", api.alerts),
        Route("GET", "/api/v1/alerts/{id}", May.SEE_ALERTS, "getAlert", api.alert, "alert"),
        Route("GET", "/api/v1/alerts/{id}/handover", May.SEE_ALERTS, "getHandover", handovers.data, "alert"),
        Route("GET", "/handover/{id}", May.SEE_ALERTS, "handoverPage", handovers.card, "alert"),
        Route("POST", "/api/v1/alerts/{id}/actions", May.WORK_ALERTS, "actOnAlert", api.act, "alert"),
        Route("GET", "/api/v1/offers/{id}/link", May.SEND_LINKS, "getOfferLink", offers.link, "offer"),
        Route("POST", "/api/v1/offers/{id}/link", May.SEND_LINKS, "makeOfferLink", offers.make_link, "offer"),
        Route("GET", "/api/v1/live", May.SEE_ALERTS, "live", api.live_feed),
        *_resident_routes(api),
        Route("GET", "/api/v1/devices", May.SEE_PEOPLE, "listDevices", api.devices),
        Route("GET", "/api/v1/responders", May.SEE_NETWORK, "listResponders", api.responders),
        Route("GET", "/api/v1/areas", May.SEE_NETWORK, "listAreas", api.areas),
        Route("GET", "/api/v1/operators", May.SEE_NETWORK, "listOperators", api.operators),
        Route("GET", "/api/v1/calls", May.SEE_CALLS, "listCalls", calls.calls),
        Route("GET", "/api/v1/calls/{id}", May.SEE_CALLS, "getCall", calls.call, "call"),
        Route("GET", "/api/v1/manual-calls", May.SEE_CALLS, "listManualCalls", calls.manual),
        Route("GET", "/api/v1/debts", May.SEE_CALLS, "listDebts", calls.debts),
        Route("POST", "/api/v1/calls/{id}/actions", May.WORK_CALLS, "actOnCall", desk.act, "call"),
        Route("POST", "/api/v1/debts/{id}/discharge", May.WORK_CALLS, "dischargeDebt", desk.discharge, "call"),
        Route("GET", "/api/v1/seats", May.SEE_CALLS, "listSeats", calls.seats),
        Route("GET", "/api/v1/seat", May.WORK_CALLS, "getSeat", desk.seat),
        Route("PUT", "/api/v1/seat", May.WORK_CALLS, "takeSeat", desk.take_seat),
        Route("GET", "/api/v1/statistics", May.SEE_FIGURES, "listMeasures", calls.measures),
        Route("GET", "/api/v1/statistics/{measure}", May.SEE_FIGURES, "getStatistic", calls.statistic),
        Route("GET", "/api/v1/coverage", May.SEE_NETWORK, "getCoverage", coverage.coverage),
    )


def machines(pages: Pages) -> web.Application:
    """What a process without consoles answers: how it is."""
    app = web.Application(middlewares=[_answer_problems])
    for route in pages.machine_routes():
        app.router.add_route(route.method, route.path, route.handler, name=route.name)
    return app


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
    oidc: OidcDesk | None = None,
) -> web.Application:
    """All routes.

    `callbacks` are the carriers' own: each is signed, and checked where it is taken. `linked` are opened by a link.
    """
    routes = (
        *_routes(api, pages, calls, CoverageApi(check_coverage)),
        *AlertSearchApi(api.read).routes(),
        *IncidentApi(api.read, api.submit, pages.calling).routes(),
        *RegisterApi(api.read, api.submit, api.clock).routes(),
        *FloodApi(api.submit).routes(),
        *DrillApi(api.submit).routes(),
        *GapApi(api.read, api.submit).routes(),
        *SecondFactorApi(api.read, api.submit, keeper, api.checks).routes(),
        *RosterApi.made(api.read, api.submit, api.clock).routes(),
        *RoomApi(api.read, api.clock, lambda: pages.health() | api.live.room()).routes(),
        *GlassApi(api.read, api.submit, keeper).routes(),
        *_policy_routes(api, policy_desk or PolicyDesk()),
        *OidcApi(api, oidc).routes(),
    )
    rules = {route.name: (str(route.needs), route.about) for route in routes} | {"static": (PUBLIC, "")}
    rules |= {str(route.kwargs["name"]): (PUBLIC, "") for route in callbacks}
    rules |= {str(route.kwargs["name"]): (LINKED, "") for route in linked}
    app = web.Application(middlewares=[_answer_problems, _guard(keeper, api.read, rules)], client_max_size=LARGEST_BODY)
    for route in routes:
        app.router.add_route(route.method, route.path, route.handler, name=route.name)
    app.router.add_routes([*callbacks, *linked])
    app.router.add_get("/static/{path:.+}", static_files.serving(pages.files), name="static")
    app.on_response_prepare.append(_headers(csp(pages.import_map, pages.pictures), secure=keeper.secure))
    return app
