"""Signing in: argon2 passwords, our own session table, and which route needs what. Default: refused."""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from aiohttp import web
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection

from callcenter.alerts.model import Operator
from callcenter.clock import Clock
from callcenter.console.roles import ONLY_OWN, SUPERVISORS, May, may
from callcenter.storage import sessions
from callcenter.storage.reading import Reader
from callcenter.storage.scope import EVERYTHING, Scope
from callcenter.storage.writer import Unavailable

SESSION_LASTS = timedelta(hours=16)  # longer than any shift: nobody is signed out in the middle of one
COOKIE_SECONDS = int(SESSION_LASTS / timedelta(seconds=1))
TRUSTED_S = 3600.0  # while the database does not answer, whoever was known so long ago is still let in
REMEMBERED_S = 5.0  # a revoked session may be honoured this long by another process
LONGEST_DELAY_S = 5.0
FAILURES_REMEMBERED = 10_000

hasher = PasswordHasher()
# The hash of a password nobody has, so that an unknown name takes as long as a known one.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$KRleC3CXuw3GdHZXcHQO9g$plfv4fMiLIxdtyr95uVM4hLP+e7KBY7VLr7FzBZe30g"
_hashing = asyncio.Semaphore(4)  # 64 MiB each


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who sent a request."""

    id: str
    name: str
    role: str
    token_hash: str
    area: str | None = None
    scope: Scope = EVERYTHING
    beyond_until: datetime | None = None  # they look beyond their area for so long, with a reason
    since: datetime | None = None  # when they signed in
    local: bool = True  # with a password of ours
    limited: bool = False  # to getting the second factor that their role demands

    @property
    def permissions(self) -> frozenset[May]:
        return ONLY_OWN if self.limited else may(self.role)

    def may(self, what: May) -> bool:
        return what in self.permissions

    @property
    def works(self) -> bool:
        """Whether their console is one at which somebody takes alarms."""
        return self.may(May.WORK_ALERTS) and not self.scope.tests

    @property
    def operator(self) -> Operator:
        return Operator(self.id, self.name, supervisor=self.role in SUPERVISORS)


SIGNED_IN = web.RequestKey("signed_in", SignedIn)


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _verify(stored: str, password: str) -> bool:
    try:
        return hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


class Delays:
    """A failure costs a growing delay, never a lock-out: locking an emergency desk out is an attack of its own."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: dict[str, int] = {}

    async def wait(self, *keys: str) -> None:
        failures = max(self._failures.get(key, 0) for key in keys)
        if failures > 2:
            await self._clock.sleep(min(LONGEST_DELAY_S, 0.1 * 2 ** (failures - 2)))

    def failed(self, *keys: str) -> None:
        if len(self._failures) > FAILURES_REMEMBERED:
            self._failures.clear()
        for key in keys:
            self._failures[key] = self._failures.get(key, 0) + 1

    def forget(self, *keys: str) -> None:
        for key in keys:
            self._failures.pop(key, None)


class Doorkeeper:
    """Checks passwords and sessions, and knows what the cookie of a session looks like."""

    def __init__(self, read: Reader, clock: Clock, *, public: str) -> None:
        self._read = read
        self._clock = clock
        self._public = urlsplit(public)
        self._known: dict[str, tuple[SignedIn, float]] = {}
        self.delays = Delays(clock)

    @property
    def secure(self) -> bool:
        return self._public.scheme == "https"

    @property
    def cookie(self) -> str:
        return "__Host-vnh_session" if self.secure else "vnh_session"

    async def check_password(self, username: str, password: str, address: str) -> str | None:
        """The operator's id when name and password fit."""
        keys = (f"name {username}", f"address {address}")
        await self.delays.wait(*keys)
        found = await self._read(sessions.operator, username)
        async with _hashing:
            # Whom an identity provider signs in has no password, and takes as long as everybody else.
            stored = (found and found.password_hash) or _NOBODY
            fits = await asyncio.to_thread(_verify, stored, password)
        if found and found.password_hash and fits:
            self.delays.forget(*keys)
            return str(found.id)
        self.delays.failed(*keys)
        return None

    def give_cookie(self, answer: web.StreamResponse, token: str) -> None:
        answer.set_cookie(
            self.cookie, token, max_age=COOKIE_SECONDS, httponly=True, samesite="Strict", secure=self.secure
        )

    def take_cookie(self, answer: web.StreamResponse) -> None:
        answer.del_cookie(self.cookie, secure=self.secure, samesite="Strict")

    async def who(self, request: web.Request) -> SignedIn | None:
        """Whose request this is: by bearer token or by cookie."""
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        token = bearer.strip() if scheme.lower() == "bearer" else request.cookies.get(self.cookie, "")
        if not token:
            return None
        return await self.session(token_hash(token))

    async def session(self, hashed: str) -> SignedIn | None:
        """Whom it belongs to and what they may, as of some seconds ago at most; None: it is over."""
        remembered = self._known.get(hashed)
        if remembered and self._clock.monotonic() - remembered[1] < REMEMBERED_S:
            return remembered[0]
        now = self._clock.now()
        try:
            found = await self._read(sessions.session, hashed, now - SESSION_LASTS, now)
        except Unavailable:
            # A console whose line breaks now must be able to come back and hear that nothing is being stored. Nobody's
            # session can be ended meanwhile: that would have to be stored too.
            if remembered and self._clock.monotonic() - remembered[1] < TRUSTED_S:
                return remembered[0]
            raise
        if found is None:
            self._known.pop(hashed, None)
            return None
        if len(self._known) > FAILURES_REMEMBERED:
            self._known.clear()
        who = SignedIn(found.id, found.name, found.role, hashed, found.area, found.scope, found.beyond_until,
                       found.since, found.local, found.limited)  # fmt: skip
        self._known[hashed] = (who, self._clock.monotonic())
        return who

    def forget(self, hashed: str) -> None:
        self._known.pop(hashed, None)

    def is_foreign(self, request: web.Request) -> bool:
        """Whether a browser sent this from another site (docs/adr/0006)."""
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site not in ("same-origin", "none")
        origin = request.headers.get("Origin")
        if origin is None:
            return False  # not a browser: a browser names the origin of every unsafe request and handshake
        return urlsplit(origin).netloc not in (request.host, self._public.netloc)


def new_session(operator: str, now: datetime) -> tuple[str, sessions.NewSession]:
    """A token and the row that knows only its hash."""
    token = secrets.token_urlsafe(32)
    return token, sessions.NewSession(token_hash(token), operator, now)


def add_operator(
    connection: Connection,
    operator: str,
    *,
    name: str,
    role: str,
    password: str,
    now: datetime,
    area: str | None = None,
) -> None:
    """Create an operator or change name, role, area and password of one. Waits 140 ms for the hash."""
    sessions.put_operator(connection, sessions.NewOperator(operator, name, role, hasher.hash(password), now, area))
