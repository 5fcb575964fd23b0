"""Asking an identity provider: where its doors are, which keys it signs with, and for whom a code is.

Everything has a time limit and a size limit, nothing is asked twice at once, and no answer is an exception.
"""

import asyncio
import json
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote_plus, urlencode, urlsplit

import aiohttp
from joserfc.jwk import KeySet

from callcenter.clock import Clock
from callcenter.console.oidc_tokens import Claims, Expected, Untrusted, key_set, read_token

PATIENCE_S = 5.0  # somebody waits before a screen; their other way in is a password
DOORS_S = 60.0  # sign-ins are few, and whoever clicks shall hear whether the provider is there
KEYS_S = 3600.0  # a key that was withdrawn is not taken any longer than this
NEW_KEYS_S = 10.0  # tokens with made-up keys do not make us ask more often than this
LARGEST_ANSWER = 256 * 1024
DISCOVERY = "/.well-known/openid-configuration"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Away:
    """The provider does not answer, or not as the standard says. Nobody's fault who wants to sign in."""

    reason: str


@dataclass(frozen=True, slots=True)
class Client:
    """What the centre is to the provider. `secret` empty: a public client, which PKCE alone protects."""

    issuer: str
    id: str
    secret: str
    scopes: str
    redirect: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to the provider and back; only the browser that began it can end it."""

    state: str
    nonce: str
    verifier: str
    asked: int  # seconds since 1970
    left: str = ""  # hash of the session that this browser had before
    again: bool = False  # it unlocks a console that goes on ringing in another tab


@dataclass(frozen=True, slots=True)
class Doors:
    authorize: str
    token: str
    keys: str
    secret_in_body: bool


def read_doors(document: object, issuer: str) -> Doors | Away:
    """Of its discovery document (OpenID Connect Discovery 1.0, section 4.3)."""
    if not isinstance(document, dict) or document.get("issuer") != issuer:
        return Away("issuer")
    urls = [document.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    scheme = urlsplit(issuer).scheme
    if not all(isinstance(url, str) and url.startswith(f"{scheme}://") for url in urls):
        return Away("endpoints")
    ways = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    in_body = isinstance(ways, list) and "client_secret_basic" not in ways
    return Doors(str(urls[0]), str(urls[1]), str(urls[2]), in_body)


class Provider:
    """One identity provider, and what is remembered of it."""

    def __init__(self, client: Client, clock: Clock, *, patience_s: float = PATIENCE_S) -> None:
        self.client = client
        self._clock = clock
        self._patience_s = patience_s
        self._doors: tuple[float, Doors] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._one_asks = asyncio.Lock()

    async def way(self, attempt: Attempt, challenge: str) -> str | Away:
        """Where to send the browser."""
        doors = await self._in_time(self._look(DOORS_S))
        if isinstance(doors, Away):
            return doors
        query = {
            "response_type": "code",
            "client_id": self.client.id,
            "redirect_uri": self.client.redirect,
            "scope": self.client.scopes,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "prompt": "login",  # desks are shared: whoever sits there now, and not whoever signed in there before
        }
        return f"{doors.authorize}{'&' if urlsplit(doors.authorize).query else '?'}{urlencode(query)}"

    async def claims(self, code: str, attempt: Attempt) -> Claims | Untrusted | Away:
        """What the provider says of whoever brings this code."""
        return await self._in_time(self._claims(code, attempt))

    async def _in_time(self, asking: Awaitable[T]) -> T | Away:
        try:
            async with asyncio.timeout(self._patience_s):
                return await asking
        except TimeoutError:
            return Away("timeout")

    async def _claims(self, code: str, attempt: Attempt) -> Claims | Untrusted | Away:
        doors = await self._look(KEYS_S)
        if isinstance(doors, Away):
            return doors
        token = await self._redeem(doors, code, attempt.verifier)
        if not isinstance(token, str):
            return token
        now = int(self._clock.now().timestamp())
        expected = Expected(self.client.issuer, self.client.id, attempt.nonce, attempt.asked, now)
        keys = await self._key_set(doors, KEYS_S)
        if isinstance(keys, Away):
            return keys
        read = read_token(token, keys, expected)
        if read != Untrusted("invalid_key_id"):
            return read
        keys = await self._key_set(doors, NEW_KEYS_S)  # it may have changed its keys since we looked
        return keys if isinstance(keys, Away) else read_token(token, keys, expected)

    # -- what is asked

    async def _look(self, not_older_s: float) -> Doors | Away:
        async with self._one_asks:
            if self._doors and self._clock.monotonic() - self._doors[0] < not_older_s:
                return self._doors[1]
            document = await self._ask("GET", self.client.issuer.rstrip("/") + DISCOVERY)
            doors = read_doors(document[1], self.client.issuer) if isinstance(document, tuple) else document
            if isinstance(doors, Doors):
                self._doors = (self._clock.monotonic(), doors)
            return doors

    async def _key_set(self, doors: Doors, not_older_s: float) -> KeySet | Away:
        async with self._one_asks:
            if self._keys and self._clock.monotonic() - self._keys[0] < not_older_s:
                return self._keys[1]
            document = await self._ask("GET", doors.keys)
            if isinstance(document, Away):
                return document
            keys = key_set(document[1])
            if keys is None:
                return Away("keys")
            self._keys = (self._clock.monotonic(), keys)
            return keys

    async def _redeem(self, doors: Doors, code: str, verifier: str) -> str | Untrusted | Away:
        """The id token for a code, which the provider gives once."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.client.redirect,
            "code_verifier": verifier,
        }
        headers = {}
        if self.client.secret and not doors.secret_in_body:  # RFC 6749, section 2.3.1
            pair = (quote_plus(self.client.id), quote_plus(self.client.secret))
            headers["Authorization"] = aiohttp.encode_basic_auth(*pair)
        else:
            form |= {"client_id": self.client.id} | (
                {"client_secret": self.client.secret} if self.client.secret else {}
            )
        answer = await self._ask("POST", doors.token, data=form, headers=headers)
        if isinstance(answer, Away):
            return answer
        status, body = answer
        if status >= 400:
            return Untrusted("code") if body.get("error") == "invalid_grant" else Away(f"token_{status}")
        token = body.get("id_token")
        return token if isinstance(token, str) else Away("no_token")

    async def _ask(self, method: str, url: str, **more: Any) -> tuple[int, Mapping[str, Any]] | Away:  # noqa: ANN401
        """Status and JSON object. A redirection is no answer: our secret goes only where the settings lead."""
        try:
            # A session for each: they are few, and nothing has to be closed when the centre stops.
            async with (
                aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
                http.request(method, url, allow_redirects=False, **more) as answer,
            ):
                body = bytearray()
                async for part in answer.content.iter_chunked(64 * 1024):
                    body += part
                    if len(body) > LARGEST_ANSWER:
                        return Away("too_large")
                if answer.status >= 500 or (answer.status != 200 and method == "GET"):
                    return Away(f"status_{answer.status}")
                parsed = json.loads(body)
                return (answer.status, parsed) if isinstance(parsed, dict) else Away("no_json")
        except (aiohttp.ClientError, OSError, ValueError, RecursionError) as error:
            return Away(type(error).__name__)
