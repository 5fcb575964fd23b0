"""The JSON API: sessions, alerts, actions, people. Described by openapi.yaml."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from aiohttp import web
from sqlalchemy import Connection

from callcenter.alerts.inputs import OperatorActed
from callcenter.alerts.model import Alert, Operator, State
from callcenter.alerts.operator_rules import possible_actions
from callcenter.alerts.plans import words
from callcenter.alerts.rules import Refused
from callcenter.clock import Clock
from callcenter.console.auth import SIGNED_IN, Doorkeeper, SignedIn, new_session
from callcenter.console.factor_checks import NO_PROOF, FactorChecks
from callcenter.console.live import Live, Presence
from callcenter.console.plan_api import plan_view
from callcenter.console.problems import ActionBody, Credentials, Leaving, OwnPassword, problem, read_body
from callcenter.console.roles import May
from callcenter.console.submitting import ACTION_TIMEOUT_S, submitted
from callcenter.ports import ActionWanted, Declined, NotStored, Submit
from callcenter.ports.signing_in import SignedInHere, SignedOut
from callcenter.storage import consents, queries, roll_queries, sessions, tables as t
from callcenter.storage.reading import Reader
from callcenter.storage.records import alert_view, rfc3339
from config.policies import AlertPolicy

log = structlog.get_logger()

PolicyOf = Callable[[Connection, Alert], AlertPolicy]
Later = Callable[[Callable[[Any], Any]], Awaitable[Any]]


def _number(request: web.Request, name: str, default: int | None, most: int) -> int | web.Response | None:
    """A whole number from the query, or the problem to answer with."""
    text = request.query.get(name)
    if text is None:
        return default
    lowest = 0 if name == "since" else 1
    if not (text.isascii() and text.isdigit() and len(text) < 19 and lowest <= int(text) <= most):
        return problem(400, "bad_field", f"{name} must be a whole number from {lowest} to {most}")
    return int(text)


def _text(request: web.Request, name: str) -> str | web.Response:
    text = request.query.get(name, "")
    if len(text) > 64 or "\0" in text or any(0xD800 <= ord(char) <= 0xDFFF for char in text):
        return problem(400, "bad_field", f"{name} must be at most 64 characters of text")
    return text


def _detail(connection: Connection, alert_id: str, who: SignedIn, policy_of: PolicyOf) -> dict[str, Any] | None:
    """Everything the operator needs to see of one alert, from one moment."""
    alert = queries.alert(connection, alert_id)
    if alert is None:
        return None
    subject = alert.subject
    resident = queries.resident(connection, subject.resident) if subject.resident else None
    household_id = resident["household_id"] if resident else subject.household
    return {
        "alert": alert_view(alert),
        "resident": resident,
        "household": queries.household(connection, household_id),
        "contacts": queries.contacts(connection, subject.resident),
        "devices": queries.devices_of(
            connection, resident=subject.resident, household=household_id, device=subject.device
        ),
        "position": queries.position(connection, subject.device),
        "position_withheld": consents.withholds_position(connection, subject.device),
        "unrecorded": not consents.may_record(connection, resident=subject.resident, household=subject.household),
        "plan": plan_view(alert),
        "timeline": queries.entries_of(connection, alert.id),
        "offers": queries.offers(connection, alert.id),
        "asking": queries.asking(connection, alert, policy_of(connection, alert)),
        "incident": roll_queries.of_alert(connection, alert.id),
        "actions": [action.value for action in possible_actions(alert, who.operator)]
        if who.may(May.WORK_ALERTS)
        else [],
        "n": queries.head(connection),
    }


def session_view(who: SignedIn) -> dict[str, Any]:
    """Who is signed in, what they may do and where (openapi.yaml, Session)."""
    return {
        "operator": {"id": who.id, "name": who.name},
        "role": who.role,
        "may": sorted(who.permissions),
        "area_id": who.area,
        "beyond_until": rfc3339(who.beyond_until) if who.beyond_until else None,
        "since": rfc3339(who.since) if who.since else None,
        "local": who.local,
        "limited": who.limited,
    }


def _card(connection: Connection, resident_id: str) -> dict[str, Any] | None:
    resident = queries.resident(connection, resident_id)
    if resident is None:
        return None
    household = resident["household_id"]
    alerts = queries.alerts(connection, state="all", resident=resident_id, limit=10)
    return {
        "resident": resident,
        "household": queries.household(connection, household),
        "contacts": queries.contacts(connection, resident_id),
        "devices": queries.devices_of(connection, resident=resident_id, household=household, device=""),
        "alerts": [alert_view(alert) for alert in alerts],
    }


def _listed(connection: Connection, **wanted: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "alerts": [alert_view(alert) for alert in queries.alerts(connection, **wanted)],
        "n": queries.head(connection),
    }


def _conflict(declined: Declined, alert: Alert) -> web.Response:
    owner = declined.refused.owner
    steps = {"steps": [words(step) for step in declined.refused.steps]} if declined.refused.steps else {}
    return problem(
        409,
        declined.refused.code,
        declined.refused.detail,
        owner={"id": owner.id, "name": owner.name} if owner else None,
        alert=alert_view(alert),
        **steps,
    )


@dataclass(frozen=True, slots=True)
class Api:
    """The request handlers and what they work with."""

    read: Reader
    submit: Submit
    later: Later
    keeper: Doorkeeper
    live: Live
    presence: Presence
    clock: Clock
    policy_of: PolicyOf
    checks: FactorChecks
    call_back: str = ""  # the number under which the ambulance's crew reaches this centre
    link_address: Callable[[str], str] = str  # id of a link to a responder's page -> its address

    # -- session

    async def sign_in(self, request: web.Request) -> web.Response:
        body = await read_body(request, Credentials)
        if isinstance(body, web.Response):
            return body
        operator = await self.keeper.check_password(body.username, body.password, request.remote or "")
        if operator is None:
            return problem(401, "wrong_credentials", "the name or the password is wrong")
        proof = await self.checks.proof(operator, body.code)
        if isinstance(proof, str):
            return problem(NO_PROOF[proof][0], proof, NO_PROOF[proof][1])
        token, row = new_session(operator, self.clock.now())
        wanted = SignedInHere(operator, row.token_hash, proof, self.checks.demands)
        opened = await submitted(self.submit, wanted)
        if isinstance(opened, web.Response):
            return opened
        if isinstance(opened, Refused):
            return problem(401, opened.code, opened.detail)
        self.checks.accepted(operator)
        who = await self.keeper.session(row.token_hash)
        if who is None:  # signed out again in this instant
            return problem(401, "signed_out", "sign in first")
        answer = web.json_response(session_view(who) | {"token": token})
        self.keeper.give_cookie(answer, token)
        return answer

    async def who_am_i(self, request: web.Request) -> web.Response:
        return web.json_response(session_view(request[SIGNED_IN]))

    async def unlock(self, request: web.Request) -> web.Response:
        """Whether it is still the operator of this session who sits there: the privacy lock asks. Nothing changes."""
        body = await read_body(request, OwnPassword)
        if isinstance(body, web.Response):
            return body
        if await self.keeper.check_password(request[SIGNED_IN].id, body.password, request.remote or "") is None:
            return problem(401, "wrong_credentials", "the password is wrong")
        return web.Response(status=204)

    async def sign_out(self, request: web.Request) -> web.Response:
        return await self._left(request[SIGNED_IN])

    async def leave(self, request: web.Request) -> web.Response:
        body = await read_body(request, Leaving)
        return body if isinstance(body, web.Response) else await self._left(request[SIGNED_IN], body.reason)

    async def _left(self, who: SignedIn, reason: str = "") -> web.Response:
        await self.end(who, reason)
        answer = web.Response(status=204)
        self.keeper.take_cookie(answer)
        return answer

    async def end(self, who: SignedIn, reason: str = "") -> None:
        """This session is over, and what its operator has returns to the queue."""
        await self._revoke(who)
        try:
            async with asyncio.timeout(ACTION_TIMEOUT_S):
                await self.submit(SignedOut(who.id, self.live.elsewhere(who), reason))
        except (NotStored, TimeoutError):  # nobody is kept here for that: their console will be missed
            log.warning("console.leaving_not_stored")
        await self.live.sign_out(who.token_hash)

    async def renewed(self, before: SignedIn) -> None:
        """They have signed in once more in the same browser: their consoles there come back by the new session."""
        await self._revoke(before)
        await self.live.sign_out(before.token_hash)

    async def _revoke(self, who: SignedIn) -> None:
        await self.later(partial(sessions.revoke_session, hashed=who.token_hash, now=self.clock.now()))
        self.keeper.forget(who.token_hash)

    # -- alerts

    async def alerts(self, request: web.Request) -> web.Response:
        state = request.query.get("state", "open")
        if state not in ("open", "all") and state not in set(State):
            return problem(400, "bad_field", "state must be open, all or a state of an alert")
        limit = _number(request, "limit", 500, 2000)
        resident, device = _text(request, "resident"), _text(request, "device")
        for wrong in (limit, resident, device):
            if isinstance(wrong, web.Response):
                return wrong
        who = request[SIGNED_IN]
        wanted = {"state": state, "resident": resident, "device": device, "limit": limit}
        return web.json_response(await self.read(_listed, **wanted, scope=who.scope, operator=who.id))

    async def alert(self, request: web.Request) -> web.Response:
        detail = await self.read(_detail, request.match_info["id"], request[SIGNED_IN], self.policy_of)
        return web.json_response(detail) if detail else problem(404, "not_found", "there is no such alert")

    async def act(self, request: web.Request) -> web.Response:
        body = await read_body(request, ActionBody)
        if isinstance(body, web.Response):
            return body
        to = None
        if body.to:
            found = await self.read(sessions.operator, body.to)
            if found is None:
                return problem(400, "bad_field", "to: there is no such operator")
            to = Operator(found.id, found.name)
        who: SignedIn = request[SIGNED_IN]
        acted = OperatorActed(
            body.action,
            who.operator,
            version=body.version,
            text=body.text,
            outcome=body.outcome.value if body.outcome else None,
            to=to,
            contact=body.contact,
            case_number=body.case_number,
            person=body.person,
            party=body.party,
            number=body.number,
            step=body.step,
            override=body.override,
        )
        try:
            wanted = ActionWanted(request.match_info["id"], acted)
            async with asyncio.timeout(ACTION_TIMEOUT_S):
                result = await self.submit(wanted)
        except TimeoutError:
            return problem(503, "not_answered", "the database does not answer; look at the alert before trying again")
        if isinstance(result, Declined):
            if result.alert is None:
                return problem(404, "not_found", "there is no such alert")
            return _conflict(result, result.alert)
        return web.json_response({"alert": alert_view(result.alert), "n": result.n})

    async def live_feed(self, request: web.Request) -> web.StreamResponse:
        since = _number(request, "since", None, 2**53)
        if isinstance(since, web.Response):
            return since
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return problem(400, "not_websocket", "this is a WebSocket")
        return await self.live.serve(request, request[SIGNED_IN], since)

    # -- people

    async def _list(self, request: web.Request, name: str, query: Callable[..., Any]) -> web.Response:
        limit, text = _number(request, "limit", 100, 1000), _text(request, "q")
        for wrong in (limit, text):
            if isinstance(wrong, web.Response):
                return wrong
        return web.json_response({name: await self.read(partial(query, scope=request[SIGNED_IN].scope), text, limit)})

    async def residents(self, request: web.Request) -> web.Response:
        return await self._list(request, "residents", queries.residents)

    async def resident(self, request: web.Request) -> web.Response:
        card = await self.read(_card, request.match_info["id"])
        return web.json_response(card) if card else problem(404, "not_found", "there is no such resident")

    async def devices(self, request: web.Request) -> web.Response:
        return await self._list(request, "devices", queries.devices)

    async def responders(self, request: web.Request) -> web.Response:
        kind = _text(request, "kind")
        if isinstance(kind, web.Response):
            return kind
        return await self._list(request, "responders", partial(queries.responders, kind=kind))

    async def areas(self, _request: web.Request) -> web.Response:
        return web.json_response({"areas": await self.read(queries.listing, t.areas, "", 10_000)})

    async def operators(self, _request: web.Request) -> web.Response:
        found = await self.read(queries.operators)
        return web.json_response({"operators": [row | {"online": self.presence.present(row["id"])} for row in found]})
