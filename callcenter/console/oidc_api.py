"""Signing in by an identity provider: to it, and back with a session of ours. Described by openapi.yaml.

Authorization code with PKCE (RFC 7636); what an attempt needs is kept in a sealed cookie of its own (docs/adr/0028).
"""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta

import structlog
from aiohttp import web

from callcenter import metrics
from callcenter.alerts.rules import Refused
from callcenter.console.api import Api
from callcenter.console.auth import new_session
from callcenter.console.oidc_provider import Attempt, Away, Provider
from callcenter.console.oidc_tokens import Grants, Person, Untrusted, person
from callcenter.console.problems import problem
from callcenter.console.roles import ROLES
from callcenter.console.routes import PUBLIC, Route
from callcenter.console.submitting import submitted
from callcenter.ports import NotStored
from callcenter.ports.signing_in import SignedInElsewhere
from callcenter.privacy import Seal
from callcenter.storage.writer import Unavailable

log = structlog.get_logger()

START, RETURN = "/sign-in/oidc", "/sign-in/oidc/return"
CONSOLE, AGAIN = "/", "/sign-in/again"  # pages where the way ends
ATTEMPT_LASTS = timedelta(minutes=10)  # finding the card and the PIN takes some
LONGEST_CODE = 4096
# What the provider may say instead of a code (RFC 6749, section 4.1.2.1) that is not about the person.
ITS_OWN_FAULT = frozenset({"server_error", "temporarily_unavailable"})
DONE = "done"
# Why nobody is let in, as the page is told; every other reason is `refused`.
SAID = {"no_role": "no_role", "no_area": "no_role"}


@dataclass(frozen=True, slots=True)
class OidcDesk:
    """What a deployment has set up."""

    provider: Provider
    grants: Grants
    seal: Seal


def unknown_roles(grants: Grants) -> str:
    """One line about a role in the table that there is not; empty when all are known."""
    unknown = sorted(set(grants.roles.values()) - set(ROLES))
    return f"CALLCENTER_OIDC_ROLES: there is no role {unknown[0]}" if unknown else ""


@dataclass(frozen=True, slots=True)
class OidcApi:
    """The request handlers and what they work with. `desk` None: there is no identity provider."""

    api: Api
    desk: OidcDesk | None = None

    def routes(self) -> tuple[Route, ...]:
        return (
            Route("GET", START, PUBLIC, "oidcSignIn", self.start),
            Route("GET", RETURN, PUBLIC, "oidcReturn", self.back),
        )

    @property
    def _cookie(self) -> str:
        return "__Host-vnh_oidc" if self.api.keeper.secure else "vnh_oidc"

    async def start(self, request: web.Request) -> web.Response:
        if self.desk is None:
            return problem(404, "not_found", "no identity provider is set up")
        left = await self._signed_in_before(request)
        verifier = secrets.token_urlsafe(48)
        asked = int(self.api.clock.now().timestamp())
        attempt = Attempt(
            secrets.token_urlsafe(24), secrets.token_urlsafe(24), verifier, asked, left, "again" in request.query
        )
        way = await self.desk.provider.way(attempt, _challenge(verifier))
        if isinstance(way, Away):
            return self._on(way, _page(attempt))
        answer = _to(way)
        # Lax: the provider's page sends the browser back to us, and a Strict cookie would stay behind.
        answer.set_cookie(
            self._cookie,
            self.desk.seal.close(json.dumps(asdict(attempt))).decode(),
            max_age=int(ATTEMPT_LASTS.total_seconds()),
            httponly=True,
            samesite="Lax",
            secure=self.api.keeper.secure,
        )
        return answer

    async def back(self, request: web.Request) -> web.Response:
        if self.desk is None:
            return problem(404, "not_found", "no identity provider is set up")
        attempt = self._attempt(request, self.desk)
        if attempt is None:  # counted and not logged: anybody can ask for that as often as they like
            return self._end("expired", CONSOLE)
        key = f"oidc {request.remote or ''}"
        await self.api.keeper.delays.wait(key)
        who = await self._who(request, self.desk, attempt)
        if isinstance(who, Person):
            self.api.keeper.delays.forget(key)
            return await self._let_in(who, attempt)
        if isinstance(who, Untrusted):
            self.api.keeper.delays.failed(key)
        return self._on(who, _page(attempt))

    # -- one attempt

    async def _signed_in_before(self, request: web.Request) -> str:
        """The session of this browser, which comes along from our own page only; empty: none."""
        try:
            who = await self.api.keeper.who(request)
        except Unavailable:
            return ""
        return who.token_hash if who else ""

    def _attempt(self, request: web.Request, desk: OidcDesk) -> Attempt | None:
        """The one that this browser began, if it comes back with its state and in time."""
        sealed = request.cookies.get(self._cookie, "")
        try:
            attempt = Attempt(**json.loads(desk.seal.open(sealed.encode(errors="replace"))))
        except (ValueError, TypeError):  # none, of another key, or of another version of this program
            return None
        age = self.api.clock.now().timestamp() - attempt.asked
        given = request.query.get("state", "").encode(errors="replace")
        if age > ATTEMPT_LASTS.total_seconds() or not hmac.compare_digest(given, attempt.state.encode()):
            return None
        return attempt

    async def _who(self, request: web.Request, desk: OidcDesk, attempt: Attempt) -> Person | Untrusted | Away:
        issuer = desk.provider.client.issuer
        if request.query.get("iss", issuer) != issuer:  # RFC 9207: another provider's answer
            return Untrusted("iss")
        if error := request.query.get("error"):
            return Away("its_own") if error in ITS_OWN_FAULT else Untrusted("declined")
        code = request.query.get("code", "")
        if not 0 < len(code) <= LONGEST_CODE:
            return Untrusted("code")
        claims = await desk.provider.claims(code, attempt)
        return claims if isinstance(claims, Untrusted | Away) else person(claims, issuer, desk.grants)

    async def _let_in(self, who: Person, attempt: Attempt) -> web.Response:
        token, row = new_session(who.id, self.api.clock.now())
        wanted = SignedInElsewhere(who.id, who.name, who.role, who.area, row.token_hash)
        try:
            stored = await submitted(self.api.submit, wanted)
        except NotStored:
            stored = None
        if isinstance(stored, Refused):
            return self._on(Untrusted(stored.code), _page(attempt))
        if stored is not True:
            return self._end("unavailable", _page(attempt))
        unlocks = await self._follow(who, attempt)
        answer = self._end(DONE, AGAIN if unlocks and attempt.again else CONSOLE)
        self.api.keeper.give_cookie(answer, token)
        return answer

    async def _follow(self, who: Person, attempt: Attempt) -> bool:
        """End the session that this browser had before. True: it was theirs too, and their console goes on."""
        try:
            before = await self.api.keeper.session(attempt.left) if attempt.left else None
            if before is None:
                return False
            await (self.api.renewed(before) if before.id == who.id else self.api.end(before))
            return before.id == who.id
        except (Unavailable, NotStored):  # their console will be missed
            log.warning("oidc.leaving_not_stored")
            return False

    # -- what the browser is told

    def _on(self, why: Untrusted | Away, page: str) -> web.Response:
        away = isinstance(why, Away)
        log.warning("oidc.away" if away else "oidc.refused", reason=why.reason)
        return self._end("away" if away else SAID.get(why.reason, "refused"), page)

    def _end(self, outcome: str, page: str) -> web.Response:
        metrics.oidc_sign_ins.labels(outcome).inc()
        answer = _to(f"{page}?sign_in={outcome}")
        answer.del_cookie(self._cookie, secure=self.api.keeper.secure, samesite="Lax")
        return answer


def _page(attempt: Attempt) -> str:
    return AGAIN if attempt.again else CONSOLE


def _challenge(verifier: str) -> str:
    """S256 of RFC 7636."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _to(address: str) -> web.Response:
    return web.Response(status=303, headers={"Location": address})
