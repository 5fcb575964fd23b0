"""What one part may ask of another without importing it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from callcenter.alerts.approach import Fix
from callcenter.alerts.inputs import OperatorActed
from callcenter.alerts.model import Alert, Operator
from callcenter.alerts.rules import Refused
from callcenter.storage.records import Entry
from callcenter.storage.scope import Scope
from callcenter.storage.unit_values import WrittenEffect
from config.plans import PlanStep

# The door, as console and webhooks see it: an input goes in, its result comes out once it is stored.
Submit = Callable[[Any], Awaitable[Any]]


class NotStored(Exception):
    """The input is not stored and nothing of it has happened. Whoever sent it must try again."""


class MaybeStored(NotStored):
    """The database was lost while it committed: a person looks before trying again, a machine just tries again."""


@dataclass(frozen=True, slots=True)
class ActionWanted:
    """An operator's action on one alert."""

    alert_id: str
    acted: OperatorActed


@dataclass(frozen=True, slots=True)
class Acted:
    """The action is stored: the alert as it is now, and the number of its entry."""

    alert: Alert
    n: int


@dataclass(frozen=True, slots=True)
class Declined:
    """The action changed nothing; the alert as it is, None when there is no such alert."""

    refused: Refused
    alert: Alert | None


@dataclass(frozen=True, slots=True)
class ConsolesChanged:
    """An operator's first live console came (`present`) or the last one went, or may sound now (`armed`) or not."""

    operator: str
    present: bool
    armed: bool = False


@dataclass(frozen=True, slots=True)
class CallWanted:
    """An operator's action on one leg: hang_up, hold or unhold. Answered with `CallActed` or `Refused`."""

    call_id: str
    action: str
    by: Operator


@dataclass(frozen=True, slots=True)
class CallActed:
    """The leg as it is now (openapi.yaml, Leg)."""

    call: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DebtDischarged:
    """A caller who was owed a call has been reached, visited or escalated, says a named operator."""

    call_id: str
    how: str
    note: str
    by: Operator


@dataclass(frozen=True, slots=True)
class SeatTaken:
    """An operator's shift state: ready, busy or away, and the telephone to put calls through to."""

    operator: str
    state: str
    phone: str


@dataclass(frozen=True, slots=True)
class PlanChanged:
    """A supervisor puts a plan, (kind, step) in order, in place of a resident's own. False: there is no such one."""

    resident: str
    steps: tuple[tuple[str, PlanStep], ...]
    by: Operator


@dataclass(frozen=True, slots=True)
class FactsSaid:
    """Somebody says how a record of the register is, fact by fact. Answered with `None`, or why not.

    `version`: the newest number of its history that they have seen; None: it is new.
    """

    register: str
    id: str
    facts: dict[str, Any]
    version: int | None
    by: Operator
    scope: Scope


@dataclass(frozen=True, slots=True)
class FactsConfirmed:
    """Somebody has asked, and these facts of a resident are still true. Answered with `None`, or why not."""

    resident: str
    facts: tuple[str, ...]
    version: int
    by: Operator


@dataclass(frozen=True, slots=True)
class Stale:
    """Somebody else has changed it since `version`: those changes (openapi.yaml, RegisterChange)."""

    changed: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Faulty:
    """(field, code, reason) of all that is wrong with what was said."""

    faults: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class ConsentSaid:
    """A resident has agreed to a purpose, or no longer does, says `who` in words. Answered with `None`, or why not."""

    resident: str
    purpose: str
    given: bool
    on: date
    who: str
    by: Operator


@dataclass(frozen=True, slots=True)
class LinkWanted:
    """An operator wants a link to the page of somebody who was asked. Answered with `LinkMade` or `Refused`.

    With a `reason` also while they are going: the page in their hand ends with that.
    """

    offer_id: str
    by: Operator
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LinkMade:
    link_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class LinkOpened:
    """Somebody opens a link for the first time. `browser`: the hash of the cookie they get. None or `Refused`."""

    link_id: str
    browser: str


@dataclass(frozen=True, slots=True)
class PagePressed:
    """A button of the page. `press` is the same in every repeat; `fix`: where the telephone was, if it tells.

    Answered with `KeySafe` when it shows the code of a key-safe, else None; or `Refused`.
    """

    link_id: str
    browser: str
    press: str
    button: str
    fix: Fix | None = None


@dataclass(frozen=True, slots=True)
class KeySafe:
    """The sealed code, for this answer only."""

    sealed: bytes


@dataclass(frozen=True, slots=True)
class PositionShared:
    """Where the telephone of somebody under way is. None, or `Refused`: it is no longer wanted."""

    link_id: str
    browser: str
    fix: Fix


@dataclass(frozen=True, slots=True)
class PolicyWanted:
    """A checked policy is to be in force. `base` is the newest version that its author knew.

    Answered with the number it got, or `Refused` when there is a newer one than that.
    """

    text: str
    sha256: str
    note: str
    base: int
    by: Operator


@dataclass(frozen=True, slots=True)
class Committed:
    """What one commit brought; told to listeners on the event loop, in commit order."""

    entries: Sequence[Entry]
    effects: Sequence[WrittenEffect]
    earliest_timer: datetime | None  # of the deadlines that were set


class Publish(Protocol):
    """Send one message to a device. Raises ConnectionError while the broker is away."""

    def __call__(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> Awaitable[None]: ...
