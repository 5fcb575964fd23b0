"""The vocabulary of MQTT contract version 1: topics, payloads, and the events the centre makes of them.

The pydantic models are the one source; `devices/schemas/*.json` is generated from them (`make schemas`)
and a test compares. Units: degrees, metres, seconds, per cent, dBm, beats per minute. Times are UTC.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

ROOT = "vnh/v1"
DEVICE_ID = re.compile(r"[a-z0-9-]{4,36}")
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def topic(device: str, leaf: str) -> str:
    """The topic of one device, e.g. `topic("b-001", "up/sos")`."""
    return f"{ROOT}/{device}/{leaf}"


class SignalKind(StrEnum):
    SOS = "sos"
    FALL = "fall"
    WANDER = "wander"
    FIRE = "fire"
    GAS = "gas"
    HELP = "help"
    CANCEL = "cancel"
    TEST = "test"


class AckLevel(StrEnum):
    """How far a device's message has got; it only grows."""

    STORED = "stored"
    OPERATOR = "operator"
    RESPONDER = "responder"
    ARRIVED = "arrived"
    CLOSED = "closed"


def _in_range(value: datetime) -> datetime:
    """A device clock may say year 1 or 9999; arithmetic on those overflows."""
    if not EARLIEST <= value <= LATEST:
        raise ValueError("time is out of range")
    return value.astimezone(UTC)


Text = Annotated[str, Field(max_length=200)]
Msg = Annotated[str, Field(min_length=1, max_length=36)]
DeviceTime = Annotated[AwareDatetime, AfterValidator(_in_range), Field(description="device time")]
Percent = Annotated[int, Field(ge=0, le=100)]


class Payload(BaseModel):
    """Fields common to every payload a device sends; unknown fields are kept."""

    model_config = ConfigDict(extra="allow", frozen=True)
    leaf: ClassVar[str]

    v: Literal[1] = 1
    msg: Msg | None = Field(None, description="unique per device and the same in every repeat")
    at: DeviceTime | None = None
    clock: Literal["gnss", "net", "unset"] | None = None
    rep: int | None = Field(None, ge=0, le=1_000_000, description="repeat number from 0")

    def encode(self) -> bytes:
        return self.model_dump_json(exclude_none=True).encode()


class Loc(BaseModel):
    """One position as the device gave it; the datum travels with it and is never converted on the way in."""

    model_config = ConfigDict(extra="allow", frozen=True)

    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    acc: float | None = Field(None, ge=0, le=10_000_000, description="metres")
    age: float | None = Field(None, ge=0, le=1e9, description="seconds")
    fix: Literal["gnss", "wifi", "cell", "ble", "none"] | None = None
    datum: Literal["wgs84", "gcj02", "bd09"] | None = None


class SosBody(Payload):
    """`up/sos`: anything that opens or changes an alert."""

    leaf = "up/sos"
    kind: SignalKind = SignalKind.SOS
    src: Literal["button", "auto", "pull_cord", "phone_key", "gateway"] | None = None
    batt: Percent | None = None
    chg: bool | None = None
    rssi: int | None = Field(None, ge=-200, le=100)
    loc: Loc | None = None
    hr: int | None = Field(None, ge=0, le=400)
    spo2: Percent | None = None
    raw: str | None = Field(None, description="base64 of a native frame")


class StatusBody(Payload):
    """`up/status`: heartbeat."""

    leaf = "up/status"
    batt: Percent | None = None
    chg: bool | None = None
    rssi: int | None = Field(None, ge=-200, le=100)
    net: Text | None = None
    worn: bool | None = None
    fw: Text | None = None
    steps: int | None = Field(None, ge=0, le=10_000_000)
    next_s: int | None = Field(None, ge=1, le=604_800, description="the next heartbeat comes within")


class LocBody(Payload):
    """`up/loc`: position."""

    leaf = "up/loc"
    loc: Loc


class VitalsBody(Payload):
    """`up/vitals`: heart rate and the like."""

    leaf = "up/vitals"
    hr: int | None = Field(None, ge=0, le=400)
    spo2: Percent | None = None
    temp: float | None = Field(None, ge=0, le=60, description="degrees Celsius")
    sys: int | None = Field(None, ge=0, le=400, description="mmHg")
    dia: int | None = Field(None, ge=0, le=400, description="mmHg")


class CallBody(Payload):
    """`up/call`: what happens at a home phone."""

    leaf = "up/call"
    event: Literal["off_hook", "on_hook", "dialled", "answered", "service_key"]
    number: Text | None = None
    s: float | None = Field(None, ge=0, le=1e6, description="seconds")


class ResultBody(Payload):
    """`up/result`: outcome of a command."""

    leaf = "up/result"
    ref: Text
    ok: bool
    detail: Text | None = None


class StateBody(Payload):
    """`state` (retained, also the will): presence. An offline with an older `sess` is ignored."""

    leaf = "state"
    online: bool
    sess: int = Field(ge=0, le=2**53)
    model: Text | None = None
    fw: Text | None = None
    caps: list[Text] | None = None


class Ack(BaseModel):
    """`down/ack`: how far the message `ref` has got."""

    leaf: ClassVar[str] = "down/ack"
    v: Literal[1] = 1
    ref: str = Field(description='the msg; "*" when the device sent none that could be read')
    level: AckLevel
    alert: str | None = Field(None, description="absent when no alert was opened (a test)")
    at: AwareDatetime
    eta_s: int | None = None
    say: str | None = None

    def encode(self) -> bytes:
        return self.model_dump_json(exclude_none=True).encode()


class Nack(BaseModel):
    """`down/nack`: refusal with a code; never for an SOS."""

    leaf: ClassVar[str] = "down/nack"
    v: Literal[1] = 1
    ref: str
    code: Literal["unreadable"]
    at: AwareDatetime

    def encode(self) -> bytes:
        return self.model_dump_json(exclude_none=True).encode()


class Command(BaseModel):
    """`down/cmd`: something the device shall do."""

    leaf: ClassVar[str] = "down/cmd"
    v: Literal[1] = 1
    id: str
    cmd: Literal["locate", "beep", "vibrate", "call", "reboot"]
    at: AwareDatetime
    number: str | None = None


class Config(BaseModel):
    """`down/config` (retained): desired configuration with a version."""

    leaf: ClassVar[str] = "down/config"
    v: Literal[1] = 1
    version: int
    at: AwareDatetime
    settings: dict[str, Any] = {}


UP: tuple[type[Payload], ...] = (SosBody, StatusBody, LocBody, VitalsBody, CallBody, ResultBody, StateBody)
DOWN: tuple[type[BaseModel], ...] = (Ack, Nack, Command, Config)


@dataclass(frozen=True, slots=True)
class Signal:
    """An `up/sos` as heard. `msg` is None when the device sent none that can be read."""

    device: str
    msg: str | None
    body: SosBody
    raw: bytes
    received_at: datetime
    retained: bool = False
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PhoneSignal:
    """An `up/call` as heard."""

    device: str
    msg: str | None
    body: CallBody
    raw: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Telemetry:
    """A heartbeat, a position or vitals: newer wins, so they may be merged."""

    device: str
    body: StatusBody | LocBody | VitalsBody
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Presence:
    """A `state` message."""

    device: str
    body: StateBody
    received_at: datetime


@dataclass(frozen=True, slots=True)
class CommandResult:
    """An `up/result`."""

    device: str
    body: ResultBody
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A payload that cannot be read, on any topic but `up/sos` (an SOS is never unreadable)."""

    device: str
    leaf: str
    msg: str | None
    reason: str
    raw: bytes
    received_at: datetime


DeviceEvent = Signal | PhoneSignal | Telemetry | Presence | CommandResult | Unreadable


def schemas() -> dict[str, str]:
    """File name -> JSON Schema text of every payload, both directions."""
    return {
        f"{model.leaf.replace('/', '-')}.json": json.dumps(  # type: ignore[attr-defined]
            {"$schema": "https://json-schema.org/draft/2020-12/schema"} | model.model_json_schema(),
            indent=2,
            sort_keys=True,
        )
        + "\n"
        for model in (*UP, *DOWN)
    }
