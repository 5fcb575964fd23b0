"""Topic -> decoder. Reading an SOS is lenient: whoever it comes from and that it is one is enough."""

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from devices.events import (
    DEVICE_ID,
    ROOT,
    CallBody,
    CommandResult,
    DeviceEvent,
    LocBody,
    Payload,
    PhoneSignal,
    Presence,
    ResultBody,
    Signal,
    SosBody,
    StateBody,
    StatusBody,
    Telemetry,
    Unreadable,
    VitalsBody,
)

LONGEST_KEPT_MSG = 200  # longer ones cannot be a message id; 36 is the contract


# NUL as JSON writes it; a backslash before it may be half of an escaped backslash.
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def _clean(text: str) -> str:
    """Text a database can hold: PostgreSQL refuses NUL, UTF-8 refuses lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _cleaned(data: Any) -> Any:  # noqa: ANN401
    """The same value with every text in it, also the names of fields, made storable."""
    text = _NUL.sub(r"\1", json.dumps(data, ensure_ascii=False))
    return json.loads(text.encode("utf-8", "replace"))


def _loaded(payload: bytes) -> tuple[Any, bool]:
    """The JSON value, and whether texts in it had to be mended. Raises ValueError or RecursionError."""
    text = payload.decode(json.detect_encoding(payload), "surrogatepass")
    data = json.loads(text)
    if text.isascii() and "\\u" not in text:
        return data, False  # nearly always
    cleaned = _cleaned(data)
    return cleaned, cleaned != data


def _device_id(text: str) -> str:
    """The id as the topic gives it, safe to store; a malformed one still names a sender."""
    return _clean(text)[:64] or "unnamed"


def _parse(payload: bytes) -> tuple[dict[str, Any], bool] | str:
    """The JSON object in `payload` and whether it had to be mended, or the reason why there is none."""
    if not payload:
        return "empty body"
    try:
        data, mended = _loaded(payload)
    except (ValueError, RecursionError):  # RecursionError: nesting made to break parsers
        return "not JSON"
    return (data, mended) if isinstance(data, dict) else "not a JSON object"


def _salvage_msg(value: object) -> str | None:
    """A message id outside the contract (a number, too long) still tells repeats apart."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = _clean(str(value))
    return text if 0 < len(text) <= LONGEST_KEPT_MSG else None


def _unreadable_paths(error: ValidationError) -> set[tuple[str, ...]]:
    """Where the body breaks the contract. Of a position only its coordinates are indispensable."""
    paths = {tuple(map(str, e["loc"][:2])) for e in error.errors() if e["loc"]}
    return {path if path[0] == "loc" and path[1:] not in ((), ("lat",), ("lon",)) else path[:1] for path in paths}


def _without(data: dict[str, Any], paths: set[tuple[str, ...]]) -> dict[str, Any]:
    kept = {name: value for name, value in data.items() if (name,) not in paths}
    inner = {path[1] for path in paths if len(path) > 1}
    if inner and isinstance(kept.get("loc"), dict):
        kept["loc"] = {name: value for name, value in kept["loc"].items() if name not in inner}
    return kept


def _salvage(data: dict[str, Any]) -> tuple[SosBody, str | None, tuple[str, ...]]:
    """The body without the fields that cannot be read, the message id, and the names of those fields."""
    try:
        body = SosBody.model_validate(data)
        return body, body.msg, ()
    except ValidationError as error:
        bad = _unreadable_paths(error)
    try:
        body = SosBody.model_validate(_without(data, bad))
    except ValidationError:
        body = SosBody()
    faults = tuple(f"field {'.'.join(path)}"[:80] for path in sorted(bad))
    return body, body.msg or _salvage_msg(data.get("msg")), faults


def sos(device: str, payload: bytes, at: datetime, retained: bool) -> DeviceEvent:
    parsed = _parse(payload)
    if isinstance(parsed, str):
        return Signal(device, None, SosBody(), payload, at, retained, (parsed,))
    data, mended = parsed
    body, msg, faults = _salvage(data)
    return Signal(device, msg, body, payload, at, retained, faults or (("characters",) if mended else ()))


def _strict(
    model: type[Payload], event: Callable[[str, Any, bytes, datetime], DeviceEvent]
) -> Callable[[str, bytes, datetime, bool], DeviceEvent]:
    def decode(device: str, payload: bytes, at: datetime, _retained: bool) -> DeviceEvent:
        parsed = _parse(payload)
        if isinstance(parsed, str):
            return Unreadable(device, model.leaf, None, parsed, payload, at)
        data, _mended = parsed
        try:
            return event(device, model.model_validate(data), payload, at)
        except ValidationError as error:
            where = ", ".join(sorted({".".join(map(str, e["loc"])) or "body" for e in error.errors()}))
            return Unreadable(device, model.leaf, _salvage_msg(data.get("msg")), where[:200], payload, at)

    return decode


def _telemetry(device: str, body: Any, _raw: bytes, at: datetime) -> DeviceEvent:  # noqa: ANN401
    return Telemetry(device, body, at)


DECODERS: dict[str, Callable[[str, bytes, datetime, bool], DeviceEvent]] = {
    "up/sos": sos,
    "up/status": _strict(StatusBody, _telemetry),
    "up/loc": _strict(LocBody, _telemetry),
    "up/vitals": _strict(VitalsBody, _telemetry),
    "up/call": _strict(CallBody, lambda d, b, raw, at: PhoneSignal(d, b.msg, b, raw, at)),
    "up/result": _strict(ResultBody, lambda d, b, _raw, at: CommandResult(d, b, at)),
    "state": _strict(StateBody, lambda d, b, _raw, at: Presence(d, b, at)),
}


def decode(topic: str, payload: bytes, received_at: datetime, *, retained: bool = False) -> DeviceEvent:
    """What a message means. Never raises: an SOS always becomes a Signal, anything else may be Unreadable."""
    _root, _version, device, leaf = [*topic.split("/", 3), "", "", ""][:4]
    decoder = DECODERS.get(leaf)
    if decoder is None:
        return Unreadable(_device_id(device), _clean(leaf)[:64], None, "unknown topic", payload, received_at)
    event = decoder(_device_id(device), payload, received_at, retained)
    if isinstance(event, Signal) and not DEVICE_ID.fullmatch(device):
        return Signal(event.device, event.msg, event.body, payload, received_at, retained, (*event.faults, "device id"))
    return event


SUBSCRIPTIONS = tuple((f"{ROOT}/+/{leaf}", leaf) for leaf in DECODERS)
