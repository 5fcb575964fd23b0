"""How a drill ends, and whom it never rings. The only rules by which an alert ends without a named human, so each asks
first whether it is a drill and nothing else (docs/adr/0030).
"""

from dataclasses import replace
from datetime import datetime

from callcenter.alerts.effects import LeaveRoom
from callcenter.alerts.inputs import DrillEnded, TimerDue, TimerKind
from callcenter.alerts.model import OPEN, Alert, Outcome, State
from callcenter.alerts.rules import Change, Refused, Row, table
from config.policies import AlertPolicy

# Police, fire, ambulance and traffic police in China, and what other networks turn into them. No drill rings these.
EMERGENCY_NUMBERS = frozenset({"110", "112", "119", "120", "122", "911", "999"})


def is_emergency(number: str) -> bool:
    """As it was typed, or as a list of contacts is read: 120 and +86120."""
    return number.removeprefix("+86") in EMERGENCY_NUMBERS


def ends(alert: Alert, _ended: DrillEnded | TimerDue, now: datetime, _policy: AlertPolicy) -> Change | Refused:
    if not alert.exercise:
        return Refused("not_allowed", "it is no drill: a person closes it", alert.owner)
    after = replace(
        alert,
        state=State.CLOSED,
        outcome=alert.outcome or Outcome.TEST_OR_DRILL,
        resolved_at=alert.resolved_at or now,
        touched_at=now,
    )
    return Change(after, {"before": alert.state.value}, effects=(LeaveRoom(alert.id, at_once=True),))


_OPEN = tuple(sorted(OPEN))
_ROWS: tuple[Row, ...] = (
    ("drill.ends", "The drill is over: its alerts close. Nothing but a drill ever ends like this.",
     _OPEN, "drill_ended", (State.CLOSED,), ends),
    ("drill.left_alone", "Nobody has touched this drill for half an hour: it closes. Nothing but a drill ever ends "
     "by a clock.",
     _OPEN, f"timer.{TimerKind.DRILL}", (State.CLOSED,), ends),
)  # fmt: skip

DRILL_TABLE = table(_ROWS)
