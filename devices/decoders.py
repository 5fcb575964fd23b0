"""Topic -> decoder. Reading an SOS is lenient: whoever it comes from and that it is one is enough."""

import json
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


def _device_id(text: str) -> str:
    """The id as the topic gives it, safe to store; a malformed one still names a sender."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:64] or "unnamed"


def _parse(payload: bytes) -> dict[str, Any] | str:
    """The JSON object in `payload`, or the reason why there is none."""
    if not payload:
        return "empty body"
    try:
        data = json.loads(payload)
    except (ValueError, RecursionError):  # RecursionError: nesting made to break parsers
        return "not JSON"
    return data if isinstance(data, dict) else "not a JSON object"


def _salvage_msg(value: object) -> str | None:
    """A message id outside the contract (a number, too long) still tells repeats apart."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).replace("\0", "").encode("utf-8", "replace").decode()
    return text if 0 < len(text) <= LONGEST_KEPT_MSG else None


def _salvage(data: dict[str, Any]) -> tuple[SosBody, str | None, tuple[str, ...]]:
    """The body without the fields that cannot be read, the message id, and the names of those fields."""
    try:
        body = SosBody.model_validate(data)
        return body, body.msg, ()
    except ValidationError as error:
        bad = tuple(sorted({str(e["loc"][0]) for e in error.errors() if e["loc"]}))
    try:
        body = SosBody.model_validate({k: v for k, v in data.items() if k not in bad})
    except ValidationError:
        body = SosBody()
    return body, body.msg or _salvage_msg(data.get("msg")), tuple(f"field {name}"[:80] for name in bad)


def sos(device: str, payload: bytes, at: datetime, retained: bool) -> DeviceEvent:
    data = _parse(payload)
    if isinstance(data, str):
        return Signal(device, None, SosBody(), payload, at, retained, (data,))
    body, msg, faults = _salvage(data)
    return Signal(device, msg, body, payload, at, retained, faults)


def _strict(
    model: type[Payload], event: Callable[[str, Any, bytes, datetime], DeviceEvent]
) -> Callable[[str, bytes, datetime, bool], DeviceEvent]:
    def decode(device: str, payload: bytes, at: datetime, _retained: bool) -> DeviceEvent:
        data = _parse(payload)
        if isinstance(data, str):
            return Unreadable(device, model.leaf, None, data, payload, at)
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
        return Unreadable(_device_id(device), leaf[:64], None, "unknown topic", payload, received_at)
    event = decoder(_device_id(device), payload, received_at, retained)
    if isinstance(event, Signal) and not DEVICE_ID.fullmatch(device):
        return Signal(event.device, event.msg, event.body, payload, received_at, retained, (*event.faults, "device id"))
    return event


SUBSCRIPTIONS = tuple((f"{ROOT}/+/{leaf}", leaf) for leaf in DECODERS)
