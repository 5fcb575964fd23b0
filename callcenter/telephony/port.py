"""What a telephone gateway can do for the centre, and how it says that it could not."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from callcenter.alerts.call_inputs import CallNews, Heard, InboundCall
from callcenter.alerts.script import Script

# The door: an event goes in, what is to be said next (a `Said`, or None) comes out once it is stored.
Tell = Callable[[CallNews | InboundCall], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class LegSpec:
    """One call to place. `call_id` is ours, stored before, and names the leg in everything that follows."""

    call_id: str
    role: str
    to: str
    caller_id: str
    ring_s: int
    room: str
    not_after: datetime
    detect_machine: bool = False


@dataclass(frozen=True, slots=True)
class DialReceipt:
    ref: str  # the carrier's id


@dataclass(frozen=True, slots=True)
class LegHint:
    """By what a leg may be found whose request's answer was lost."""

    to: str
    since: datetime
    ref: str = ""
    not_these: frozenset[str] = frozenset()  # legs to the same number that are known as other calls


@dataclass(frozen=True, slots=True)
class LegSnapshot:
    """A leg as the carrier sees it now, in the words of its news."""

    call_id: str
    ref: str
    heard: Heard


@dataclass(frozen=True, slots=True)
class SmsSpec:
    id: str
    to: str
    text: str


class TelephonyError(Exception):
    """Why something was not done. Policy reads only `outcome`: not_done, unknown or done."""

    outcome = "not_done"
    permanent = False  # the same number will fail again

    def __init__(
        self, detail: str, *, code: str = "", http: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(detail)
        self.detail, self.code, self.http, self.retry_after = detail, code, http, retry_after


class NumberRejected(TelephonyError):
    """The carrier will never ring this number: it is wrong, or cannot take what was sent."""

    permanent = True


class NotPermitted(TelephonyError):
    """Our account may not ring there (geography, caller id)."""

    permanent = True


class AuthFailed(TelephonyError):
    """Our credentials are refused: nothing will work until somebody mends them."""


class Throttled(TelephonyError):
    """Too much at once; `retry_after` seconds where the carrier says so."""


class CarrierUnreachable(TelephonyError):
    """Nothing reached the carrier: name not found, connection refused."""


class OutcomeUnknown(TelephonyError):
    """The request may have been taken: timeout after sending, reset, 5xx, a 2xx that is not what it should be."""

    outcome = "unknown"


class DeadlinePassed(TelephonyError):
    """Too late to be asked now: whoever looks for the call might be quicker than the carrier. Nothing was sent."""


class LegGone(TelephonyError):
    """There is no such leg (any more): what was to end has ended."""

    outcome = "done"


class Unsupported(TelephonyError):
    """This gateway cannot do that."""


class PhoneGateway(Protocol):
    """Every method may raise TelephonyError. None retries by itself; none waits longer than 4 s."""

    name: str
    rings: bool  # False: it only asks a person to dial

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def dial(self, leg: LegSpec) -> DialReceipt: ...
    async def say(self, call_id: str, ref: str, script: Script) -> None:
        """Replace what happens on a live leg."""
        ...

    async def hold(self, call_id: str, ref: str, room: str, *, held: bool) -> None: ...
    async def hang_up(self, call_id: str, ref: str) -> None: ...
    async def close_room(self, room: str) -> None: ...
    async def send_sms(self, sms: SmsSpec) -> DialReceipt: ...
    async def find_leg(self, call_id: str, hint: LegHint) -> LegSnapshot | None:
        """The leg as it stands, None when the carrier knows none."""
        ...

    async def list_live(self) -> Sequence[LegSnapshot]: ...
    async def fetch_recording(self, ref: str) -> bytes: ...
    async def delete_recording(self, ref: str) -> None: ...
    async def is_well(self) -> bool:
        """An idempotent question to the carrier; False or TelephonyError: it does not work."""
        ...
