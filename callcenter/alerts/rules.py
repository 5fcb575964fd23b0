"""The engine: look the pair (state, input) up, let its rule decide, and say what follows. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from callcenter.alerts.effects import Effect
from callcenter.alerts.inputs import Action, AlertInput, OperatorActed
from callcenter.alerts.model import Alert, Operator, State
from config.policies import AlertPolicy


@dataclass(frozen=True, slots=True)
class Refused:
    """The input changes nothing. `code` is one of the contract's conflict codes."""

    code: str
    detail: str
    owner: Operator | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What a rule decided: the alert as it is now, what to log, whether consoles ring, what to wish for."""

    alert: Alert
    data: dict[str, Any] = field(default_factory=dict)
    ring: bool = False
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class Decided:
    """A change with the rule that made it."""

    rule: str
    change: Change


# (alert, input, now, policy). The table guarantees each rule the types it is written for; the alert is None
# only where no alert exists yet.
Decide = Callable[[Any, Any, datetime, AlertPolicy], Change | Refused]


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of a table: an identifier, a sentence, where it may lead, and the pure function that decides."""

    id: str
    says: str
    leads_to: frozenset[State]
    decide: Decide


Table = Mapping[tuple[State | None, str], Rule]

# Adding to the record is never stale; changing its course is.
NEVER_STALE = frozenset({Action.NOTE, Action.CALL_RESIDENT, Action.CALL_CONTACT})


def _stale(alert: Alert, happened: AlertInput) -> bool:
    return (
        isinstance(happened, OperatorActed)
        and happened.action not in NEVER_STALE
        and not (happened.action is Action.CLAIM and alert.owner)  # a lost race, whatever was seen
        and happened.version is not None
        and happened.version != alert.version
    )


def decide(
    table: Table, alert: Alert | None, happened: AlertInput, *, now: datetime, policy: AlertPolicy
) -> Decided | Refused:
    """What follows from `happened`. A pair that is not in the table is refused."""
    state = alert.state if alert else None
    owner = alert.owner if alert else None
    rule = table.get((state, happened.key))
    if rule is None:
        return Refused("not_allowed", f"{happened.key} is not possible in state {state or 'none'}", owner)
    if alert is not None and _stale(alert, happened):
        detail = f"the alert has changed since (version {alert.version})"
        return Refused("stale_version", detail, owner)
    outcome = rule.decide(alert, happened, now, policy)
    if isinstance(outcome, Refused):
        return outcome
    # What changes nothing of the record (a note, a failed call) makes nobody's view stale.
    version = 1 if alert is None else alert.version + (outcome.alert != alert)
    return Decided(rule.id, replace(outcome, alert=replace(outcome.alert, version=version)))
