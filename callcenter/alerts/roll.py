"""A roll: people who must all be accounted for, why, and how far that has got. Pure.

An incident of an area (fire, flood, outage ...) calls one; any other list of people with a reason can be worked the
same way, such as who may have pressed while the centre was away (field.md 5.3). No clock ends one.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from callcenter.alerts.model import Kind
from callcenter.alerts.rules import Refused

ATTEMPTS = 2  # calls, before somebody who does not answer becomes an alert of their own
AGAIN = timedelta(seconds=120)
FAILURES = 5  # calls that a carrier failed, before it is their telephone and somebody has to go
PER_SEAT = 3  # calls at once for each free seat: most people are well and need nobody


class IncidentKind(StrEnum):
    FIRE = "fire"
    FLOOD = "flood"
    OUTAGE = "outage"
    HEAT = "heat"
    GAS = "gas"


class Ask(StrEnum):
    """Who is asked: everybody who lives there by telephone, somebody who goes to each door, or first one, then both."""

    RESIDENTS = "residents"
    RESPONDERS = "responders"
    BOTH = "both"


class Standing(StrEnum):
    NOT_ASKED = "not_asked"
    ASKING = "asking"
    WELL = "well"
    NEEDS_HELP = "needs_help"
    NOT_REACHED = "not_reached"
    ACCOUNTED = "accounted"  # by a named human, with a note: taken in elsewhere, away, in hospital


# What an alert that comes of it is. Where nothing burns it is somebody who needs help.
ALERT_KINDS = {IncidentKind.FIRE: Kind.FIRE, IncidentKind.GAS: Kind.GAS}
# Of several incidents these come first, in this order.
URGENT = (IncidentKind.FIRE, IncidentKind.GAS)


@dataclass(frozen=True, slots=True)
class Listed:
    """Somebody who is to be put on a roll, with what tells how urgent they are."""

    resident: str
    name: str
    household: str
    place: str = ""
    risk: str = "normal"
    alone: bool = False
    born: str = ""
    turn: int = 0  # after everybody of a lower one, whatever the risk


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One person on a roll. `over`: the alert that came of it is resolved by a named human."""

    resident: str
    name: str
    household: str
    rank: int
    standing: Standing = Standing.NOT_ASKED
    attempts: int = 0
    asked_at: datetime | None = None
    call: str | None = None  # the last one that asked them
    alert: str | None = None
    over: bool = False

    @property
    def accounted(self) -> bool:
        return self.standing in (Standing.WELL, Standing.ACCOUNTED) or (self.alert is not None and self.over)

    @property
    def open(self) -> bool:
        """The centre itself still has something to do for it."""
        return self.standing in (Standing.NOT_ASKED, Standing.ASKING) or self.again

    @property
    def again(self) -> bool:
        return self.standing is Standing.NOT_REACHED and self.alert is None and self.attempts < ATTEMPTS


def by_risk(people: Iterable[Listed]) -> list[Listed]:
    """High risk first, then who lives alone, then the eldest; of whom no date of birth is known comes before who is."""
    return sorted(people, key=lambda one: (one.turn, one.risk != "high", not one.alone, one.born, one.resident))


def progress(entries: Iterable[Entry]) -> dict[str, int]:
    """How many stand how; `total`, and how many are accounted for."""
    entries = list(entries)
    counted = Counter(entry.standing for entry in entries)
    there = {standing.value: counted[standing] for standing in Standing if standing is not Standing.ACCOUNTED}
    return there | {"total": len(entries), "accounted": sum(entry.accounted for entry in entries)}


def turns(*, own: int, others: Sequence[int], lines: int, free_seats: int) -> int:
    """How many more of an incident may be called now: what the free seats can take, never more than the lines.

    `own` are under way, and so many of each other incident. Of each at least one is, so that none waits for another.
    """
    taken = own + sum(max(1, one) for one in others)
    return max(0 if own else 1, min(lines, 1 + PER_SEAT * free_seats) - taken)


def next_asked(entries: Sequence[Entry], now: datetime, most: int) -> list[Entry]:
    """Whose turn it is: by risk, everybody once before anybody twice, and one at a time of those who share a home."""
    busy = {entry.household for entry in entries if entry.standing is Standing.ASKING}
    ready = [e for e in entries if e.asked_at is None or e.asked_at + AGAIN <= now]
    waiting = [e for e in ready if e.standing is Standing.NOT_ASKED]  # with a time: a carrier failed to ring them
    found: list[Entry] = []
    for entry in (*sorted(waiting, key=_turn), *sorted((e for e in ready if e.again), key=_turn)):
        if len(found) >= most:
            break
        if entry.household not in busy:
            busy.add(entry.household)
            found.append(entry)
    return found


def _turn(entry: Entry) -> tuple[bool, int]:
    return entry.asked_at is not None, entry.rank


def may_close(entries: Iterable[Entry], *, note: str, reason: str) -> Refused | None:
    """By a named human with a note; while somebody is not accounted for, with a reason for them too."""
    if not note.strip():
        return Refused("missing", "say how it ended")
    rest = sum(not entry.accounted for entry in entries)
    if rest and not reason.strip():
        return Refused("not_accounted", f"{rest} people are not accounted for: say why it is closed all the same")
    return None
