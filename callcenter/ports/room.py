"""What a supervisor asks of the door for the whole room: incidents, gaps, floods, drills, broken glass."""

from dataclasses import dataclass

from callcenter.alerts.model import Kind, Operator
from callcenter.alerts.ranking import Spot
from callcenter.alerts.roll import Ask, IncidentKind, Standing
from callcenter.storage.scope import Scope


@dataclass(frozen=True, slots=True)
class IncidentRaised:
    """Something concerns a whole area. Answered with its id, or `Refused`.

    `words` are said on the telephone; with `at` and `radius_m` it is whoever lives that near.
    """

    kind: IncidentKind
    words: str
    area: str
    ask: Ask
    by: Operator
    at: Spot | None = None
    radius_m: int | None = None


@dataclass(frozen=True, slots=True)
class SweepWanted:
    """A supervisor has those asked whom a gap concerns and they see. Answered with `Swept` or `Refused`.

    `area`: the supervisor's own, to which the roll then belongs; None: each tree of areas has a roll.
    """

    gap_id: str
    words: str
    ask: Ask
    by: Operator
    scope: Scope
    area: str | None = None


@dataclass(frozen=True, slots=True)
class Swept:
    """The roll that was opened, None: nobody is left. `more`: there are people for another one, asked for again."""

    incident: str | None
    more: bool


@dataclass(frozen=True, slots=True)
class GapDismissed:
    """A supervisor says why nobody need be asked because of a gap."""

    gap_id: str
    reason: str
    by: Operator
    scope: Scope


@dataclass(frozen=True, slots=True)
class PersonSettled:
    """A named human says how somebody on a roll is: well, accounted for elsewhere, or needs help."""

    incident_id: str
    resident: str
    standing: Standing
    note: str
    by: Operator


@dataclass(frozen=True, slots=True)
class IncidentClosed:
    """A named human says that it is over; `reason` is for those who are not accounted for."""

    incident_id: str
    note: str
    reason: str
    by: Operator


@dataclass(frozen=True, slots=True)
class FloodWanted:
    """A supervisor wants flood mode on, or (`held` false) as the load says. Answered with the `Flood` it is now."""

    by: Operator
    held: bool


@dataclass(frozen=True, slots=True)
class DrillBegun:
    """A supervisor begins a drill; `rings`: people are telephoned too. Answered with the `Drill`, or `Refused`."""

    by: Operator
    rings: bool


@dataclass(frozen=True, slots=True)
class DrillStopped:
    """A supervisor ends the drill and every alert of it. True, or `Refused`: none runs."""

    by: Operator


@dataclass(frozen=True, slots=True)
class DrillAlertWanted:
    """An alert to practise with, of a resident in `scope` or of somebody made up (`resident` None: `name`, `place`).

    `area`: where the made-up one is; None: everybody sees it. Answered with the `Alert`, or `Refused`.
    """

    by: Operator
    scope: Scope
    kind: Kind
    words: str
    resident: str | None = None
    name: str = ""
    place: str = ""
    area: str | None = None


@dataclass(frozen=True, slots=True)
class GlassBroken:
    """An operator wants to see beyond their area, and says why. Answered with the instant until which they do."""

    reason: str
    by: Operator


@dataclass(frozen=True, slots=True)
class GlassReviewed:
    """Somebody else has looked at that and says what they think of it. True, or `Refused`."""

    id: str
    note: str
    by: Operator


@dataclass(frozen=True, slots=True)
class RosterPrinted:
    """Somebody has a list of so many people of an area before them, to be printed."""

    area: str
    people: int
    everybody: bool
    by: Operator
