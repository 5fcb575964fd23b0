"""openapi.yaml as a check: what the service answers must be what the contract says it may answer."""

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import aiohttp
import yaml
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.processes import ROOT

FILE = ROOT / "callcenter" / "console" / "openapi.yaml"
DOCUMENT: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
_NAME = "urn:openapi"
_REGISTRY = Registry().with_resource(_NAME, Resource.from_contents(DOCUMENT, default_specification=DRAFT202012))
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self)",
}


@cache
def _validator(pointer: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"{_NAME}#{pointer}"}, registry=_REGISTRY, format_checker=FormatChecker())


def _step(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def assert_valid(value: Any, pointer: str) -> None:
    """`value` is what the schema at this place of the document describes."""
    errors = [f"{'/'.join(map(str, error.path))}: {error.message}" for error in _validator(pointer).iter_errors(value)]
    assert not errors, errors


def assert_is(value: Any, schema: str) -> None:
    assert_valid(value, f"/components/schemas/{schema}")


def operation(method: str, path: str) -> tuple[str, dict[str, Any]]:
    """The path as the document writes it, and the operation. KeyError: the contract does not know it."""
    for template, operations in DOCUMENT["paths"].items():
        pattern = re.sub(r"\{\w+\}", "[^/]+", template)
        if re.fullmatch(pattern, path) and method.lower() in operations:
            return template, operations[method.lower()]
    raise KeyError(f"{method} {path}")


def assert_answer(method: str, path: str, status: int, content_type: str, body: bytes) -> None:
    """Status, content type and body are among those that the contract lists for this operation."""
    template, found = operation(method, path)
    assert str(status) in found["responses"], f"{method} {template} may not answer {status}: {body[:300]!r}"
    pointer = f"/paths/{_step(template)}/{method.lower()}/responses/{status}"
    response = found["responses"][str(status)]
    if "$ref" in response:
        pointer = response["$ref"].removeprefix("#")
        response = DOCUMENT["components"]["responses"][pointer.rsplit("/", 1)[1]]
    if "content" not in response:
        assert not body
        return
    assert content_type in response["content"], f"{method} {template} answers {status} as {content_type}"
    value = json.loads(body) if content_type.endswith("json") else body.decode()
    assert_valid(value, f"{pointer}/content/{_step(content_type)}/schema")


def assert_headers(headers: Any) -> None:
    """What every answer carries."""
    assert {name: headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["Cache-Control"] in ("no-store", "no-cache")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Any
    body: Any
    cookies: Any

    @property
    def code(self) -> str:
        """The stable code of a problem document."""
        return self.body["code"]


class Client:
    """Asks the service, and holds every answer against the contract."""

    def __init__(self, base: str, token: str = "") -> None:
        # No cookie jar: a browser's cookie is a header that a test gives itself.
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        self._base, self._token = base, token

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._session.close()

    async def ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any) -> Answer:
        sent = ({"Authorization": f"Bearer {self._token}"} if self._token else {}) | (headers or {})
        async with self._session.request(method, self._base + path, headers=sent, **more) as answer:
            body = await answer.read()
            assert_headers(answer.headers)
            assert_answer(method, answer.url.raw_path, answer.status, answer.content_type, body)
            parsed = json.loads(body) if answer.content_type.endswith("json") and body else body
            if answer.status >= 400:
                assert parsed["status"] == answer.status
            return Answer(answer.status, answer.headers, parsed, answer.cookies)

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, body: Any, **more: Any) -> Answer:
        return await self.ask("POST", path, json=body, **more)

    async def act(self, alert: str, action: str, **more: Any) -> Answer:
        return await self.post(f"/api/v1/alerts/{alert}/actions", {"action": action} | more)
