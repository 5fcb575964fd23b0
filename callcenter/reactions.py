"""What every process reacts to: the inputs of the door with who decides them, and the deadlines that are due."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from callcenter.alerts.inputs import TimerKind
from callcenter.storage import call_book, roll_book, work
from handlers import (
    device_signals,
    drills,
    flood,
    gaps,
    glass,
    incidents,
    operator_actions,
    outbox,
    plans,
    policies,
    register,
    responder_actions,
    retention,
    roster,
    second_factors,
    signing_in,
    timers,
    troubles,
)
from handlers.call_updates import CallTimerFired, DebtDue
from handlers.device_signals import ReceiverForgotten
from handlers.incidents import IncidentDue
from handlers.timers import TimerFired

HANDLERS = (
    device_signals.HANDLERS
    | troubles.HANDLERS
    | operator_actions.HANDLERS
    | responder_actions.HANDLERS
    | timers.HANDLERS
    | outbox.HANDLERS
    | plans.HANDLERS
    | register.HANDLERS
    | policies.HANDLERS
    | incidents.HANDLERS
    | glass.HANDLERS
    | flood.HANDLERS
    | drills.HANDLERS
    | signing_in.HANDLERS
    | second_factors.HANDLERS
    | roster.HANDLERS
    | gaps.HANDLERS
    | retention.HANDLERS
)


def due(connection: Connection, now: datetime, *, calling: bool, rings: bool) -> list[Any]:
    """Without gateways rolls are worked by hand, and stay due for a process that has some."""
    alerts = [TimerFired(alert, TimerKind(kind), due) for alert, kind, due in work.due_timers(connection, now)]
    calls = [CallTimerFired(call, due) for call, due in call_book.due_calls(connection, now)]
    debts = [DebtDue(call, due) for call, due in call_book.due_debts(connection, now)]
    receivers = [ReceiverForgotten(device, due) for device, due in call_book.due_receivers(connection, now)]
    rolls = [IncidentDue(incident, due, calling) for incident, due in (roll_book.due(connection, now) if rings else ())]
    return [*alerts, *receivers, *calls, *debts, *rolls]
