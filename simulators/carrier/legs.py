"""One leg: a phone call with what was agreed for it, how far it got, and what was said and pressed."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from simulators.carrier.account import API
from simulators.carrier.callees import Callee
from simulators.carrier.webhooks import Hook

Direction = Literal["inbound", "outbound-api", "outbound-dial"]
OVER = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})


@dataclass(frozen=True, slots=True)
class Script:
    """Where a document comes from: an address that is asked, or the text itself."""

    url: str = ""
    method: str = "POST"
    text: str = ""
    params: Mapping[str, str] = field(default_factory=dict)  # beside those every request has


@dataclass(frozen=True, slots=True)
class Reports:
    """Where, and about which events, somebody wants to be told."""

    hook: Hook | None = None
    events: frozenset[str] = frozenset({"completed"})


@dataclass(frozen=True, slots=True)
class Detection:
    """Machine detection: with a hook it runs beside the call; without one the document waits for it."""

    hook: Hook | None = None


@dataclass(frozen=True, slots=True)
class Tape:
    """A recording that is wanted, and who is told of it."""

    source: str
    reports: Reports = Reports()
    channels: int = 1


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed when the leg was placed."""

    script: Script | None = None  # None: it is only connected to something
    fallback: Script | None = None
    reports: Reports = Reports()
    ring_s: float = 60.0
    limit_s: float = 14400.0
    detection: Detection | None = None
    tape: Tape | None = None
    parent_sid: str = ""


@dataclass(frozen=True, slots=True)
class HangUp:
    """An order from outside. Canceling touches nobody who talks already."""

    status: Literal["completed", "canceled"] = "completed"
    reason: str = "participant_hung_up"


@dataclass(frozen=True, slots=True)
class Follow:
    """An order from outside: drop everything and play this."""

    script: Script


Order = HangUp | Follow


@dataclass(eq=False, slots=True)
class Leg:
    sid: str
    to: str
    from_: str
    direction: Direction
    callee: Callee
    terms: Terms
    placed_at: datetime
    status: str = "queued"
    answered_by: str = ""
    started_at: datetime | None = None  # it left the queue
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    sip: int = 0
    heard: list[str] = field(default_factory=list)
    digits: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    rooms: list[str] = field(default_factory=list)
    gathers: int = 0
    leaving: str = "participant_hung_up"  # the reason a room gives when the leg is torn out of it
    sequence: int = 0
    told: int = 0
    orders: asyncio.Queue[Order] = field(default_factory=asyncio.Queue)
    settled: asyncio.Event = field(default_factory=asyncio.Event)  # answered or over
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)  # the request that placed it has its answer

    @property
    def over(self) -> bool:
        return self.status in OVER

    @property
    def talk_s(self) -> int:
        if self.answered_at is None or self.ended_at is None:
            return 0
        return round((self.ended_at - self.answered_at).total_seconds())

    def params(self, account_sid: str) -> dict[str, str]:
        """What every request about the leg carries."""
        shown = {
            "CallSid": self.sid,
            "AccountSid": account_sid,
            "From": self.from_,
            "To": self.to,
            "Caller": self.from_,
            "Called": self.to,
            "CallStatus": self.status,
            "Direction": self.direction,
            "ApiVersion": API,
        }
        return shown | ({"ParentCallSid": self.terms.parent_sid} if self.terms.parent_sid else {})

    def entry(self) -> dict[str, Any]:
        """Its line in the ledger."""
        moments = {"placed_at": self.placed_at, "answered_at": self.answered_at, "ended_at": self.ended_at}
        return {
            "sid": self.sid,
            "to": self.to,
            "from": self.from_,
            "direction": self.direction,
            "status": self.status,
            "duration_s": self.talk_s,
            "digits": list(self.digits),
            "heard": list(self.heard),
            "said": list(self.said),
            "rooms": list(self.rooms),
            "answered_by": self.answered_by,
            "reports_to": self.terms.reports.hook.url if self.terms.reports.hook else "",
        } | {name: moment.isoformat() if moment else None for name, moment in moments.items()}
