"""Errors as RFC 9457 problem documents, and the bodies clients send."""

import json
import re
from typing import Annotated, Any, TypeVar

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from callcenter.alerts.inputs import Action
from callcenter.alerts.model import Outcome
from callcenter.privacy import normalised

LARGEST_BODY = 64 * 1024

TITLES = {
    400: "The request cannot be understood",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "The alert has moved on",
    413: "The body is too large",
    415: "Send JSON",
    429: "Too many attempts",
    500: "An error of ours",
    503: "The database does not answer",
}


def problem(status: int, code: str, detail: str, **more: Any) -> web.Response:  # noqa: ANN401
    """A problem document; `code` is stable, `detail` is for people."""
    body = {
        "type": f"/problems/{code.replace('_', '-')}",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "code": code,
        "detail": detail,
    }
    text = json.dumps(body | more, ensure_ascii=False)
    return web.Response(status=status, text=text, content_type="application/problem+json")


class Credentials(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    username: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=256)
    code: str = Field("", max_length=64)


class OwnPassword(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    password: str = Field(min_length=1, max_length=256)


TYPED = re.compile(r"\+?[\d ()-]{3,24}", re.ASCII)
LONGEST_SERVICE = 6  # 120, 119, 12345: such a number stays as it was typed


def said(given: str) -> str:
    """Text in which something stands."""
    if not given.strip():
        raise ValueError("must say something")
    return given.strip()


Said = Annotated[str, Field(max_length=2000), AfterValidator(said)]


class Leaving(BaseModel):
    """`reason`: why alerts are left that no colleague has taken over."""

    model_config = ConfigDict(extra="forbid", strict=True)
    reason: Said


def _dialled(given: str) -> str:
    """A number as somebody types it, as it is dialled."""
    number = given.strip()
    digits = "".join(char for char in number if char.isdigit())
    if number and not (TYPED.fullmatch(number) and 3 <= len(digits) <= 15):
        raise ValueError("must be a telephone number like 120, 0631 5231234 or +8663112340")
    return digits if len(digits) <= LONGEST_SERVICE else normalised(number)


class ActionBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    action: Action
    version: int | None = Field(None, ge=0, le=2**31, strict=True)
    text: str = Field("", max_length=2000)
    outcome: Outcome | None = None
    contact: str | None = Field(None, max_length=64)
    to: str | None = Field(None, max_length=64)
    case_number: str = Field("", max_length=64)
    step: str = Field("", max_length=80)
    override: bool = Field(False, strict=True)
    person: str = Field("", max_length=64)
    party: str = Field("", max_length=64)
    number: Annotated[str, Field(max_length=32), AfterValidator(_dialled)] = ""


B = TypeVar("B", bound=BaseModel)


def _storable(value: object) -> bool:
    """Text that PostgreSQL and UTF-8 can hold."""
    if isinstance(value, str):
        return "\0" not in value and not any(0xD800 <= ord(char) <= 0xDFFF for char in value)
    if isinstance(value, dict):
        return all(_storable(part) for pair in value.items() for part in pair)
    return all(map(_storable, value)) if isinstance(value, (list, tuple)) else True


async def read_body(request: web.Request, model: type[B]) -> B | web.Response:
    """The body as `model`, or the problem to answer with."""
    if request.content_type != "application/json":
        return problem(415, "not_json", "send Content-Type: application/json")
    try:
        data = json.loads(await request.text())
        body = model.model_validate(data)
    except web.HTTPRequestEntityTooLarge:
        return problem(413, "too_large", f"at most {LARGEST_BODY} bytes")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "body"
        return problem(400, "bad_field", f"{where}: {first['msg'].removeprefix('Value error, ')}")
    except (ValueError, RecursionError, LookupError):  # LookupError: an unknown charset
        return problem(400, "not_json", "the body is not JSON")
    if not all(_storable(value) for value in body.model_dump().values()):
        return problem(400, "bad_field", "text holds characters that cannot be stored")
    return body
