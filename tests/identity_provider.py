"""An identity provider for tests: a real server that gives codes, checks PKCE and signs. It stands at the edge of our
world, so it may be made up; what it does follows OpenID Connect Core 1.0.
"""

import asyncio
import base64
import contextlib
import hashlib
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, Key, RSAKey

from tests.processes import free_port

CLIENT, SECRET = "the-centre", "a client's secret: %&+"
PERSON = {"sub": "u-1", "name": "Li Na", "roles": ["desk"]}  # who sits before it


@dataclass
class Consent:
    """What a code stands for."""

    query: dict[str, str]
    claims: dict[str, Any]


def rsa(kid: str) -> Key:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})


def elliptic(kid: str) -> Key:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"})


@dataclass
class IdentityProvider:
    """`host` localhost: for a browser that is another site than 127.0.0.1."""

    now: Callable[[], float] = time.time
    host: str = "localhost"
    port: int = field(default_factory=free_port)
    keys: list[Key] = field(default_factory=lambda: [elliptic("k1")])  # the last one signs
    # Claims -> the token; what a test wants to be wrong is put here.
    sign: Callable[[dict[str, Any]], str] | None = None
    alter: dict[str, Any] = field(default_factory=dict)  # claims of the next tokens; None takes one out
    trouble: str = ""  # hang, 500
    person: dict[str, Any] = field(default_factory=lambda: dict(PERSON))
    asked: Counter[str] = field(default_factory=Counter)
    codes: dict[str, Consent] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"http://{self.host}:{self.port}"

    # -- what a person does there

    def consent(self, address: str, **claims: Any) -> str:
        """They have shown who they are. The address to which the browser is sent back."""
        query = dict(parse_qsl(urlsplit(address).query))
        assert (query["response_type"], query["client_id"], query["code_challenge_method"]) == ("code", CLIENT, "S256")
        code = secrets.token_urlsafe(16)
        self.codes[code] = Consent(query, self.person | claims)
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    # -- what is asked of it

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._in_trouble])
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/keys", self._keys)
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/token", self._token)
        return app

    @web.middleware
    async def _in_trouble(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked[request.path] += 1
        if self.trouble == "hang":
            await asyncio.sleep(30)
        return web.Response(status=500) if self.trouble else await handler(request)

    async def _discovery(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            }
        )

    async def _keys(self, _request: web.Request) -> web.Response:
        return web.json_response({"keys": [key.as_dict(private=False) for key in self.keys]})

    async def _authorize(self, request: web.Request) -> web.Response:
        """The page on which somebody shows who they are."""
        back = self.consent(str(request.url)).replace("&", "&amp;")
        text = f'<!doctype html><html lang="en"><title>Provider</title><a id="go" href="{back}">It is me</a></html>'
        return web.Response(text=text, content_type="text/html")

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        pair = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        if pair != f"{CLIENT}:a+client%27s+secret%3A+%25%26%2B":
            return web.json_response({"error": "invalid_client"}, status=401)
        consent = self.codes.pop(str(form["code"]), None)  # once
        if consent is None or not self._proves(consent.query, str(form["code_verifier"])):
            return web.json_response({"error": "invalid_grant"}, status=400)
        if form["redirect_uri"] != consent.query["redirect_uri"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        return web.json_response({"token_type": "Bearer", "id_token": self._id_token(consent)})

    @staticmethod
    def _proves(query: dict[str, str], verifier: str) -> bool:
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        return len(verifier) >= 43 and query["code_challenge"] == digest

    def _id_token(self, consent: Consent) -> str:
        now = int(self.now())
        claims = {"iss": self.issuer, "aud": CLIENT, "exp": now + 300, "iat": now, "auth_time": now}
        claims |= {"nonce": consent.query["nonce"]} | consent.claims | self.alter
        claims = {name: value for name, value in claims.items() if value is not None}
        return (self.sign or self.signed)(claims)

    def signed(self, claims: dict[str, Any]) -> str:
        key = self.keys[-1]
        return jwt.encode({"alg": key.alg, "kid": key.kid}, claims, key, algorithms=["RS256", "ES256"])


@contextlib.contextmanager
def in_a_thread(provider: IdentityProvider) -> Iterator[IdentityProvider]:
    """For tests that have no event loop of their own."""
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(provider.app())

    async def start() -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", provider.port).start()

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(start(), loop).result(20)
    yield provider
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(20)
    loop.close()
