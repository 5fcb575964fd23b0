"""The engine: look the pair (state, input) up, let its rule decide, and say what follows. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from callcenter.alerts.changing import replace
from callcenter.alerts.effects import Effect, HangUpColleague, PhoneParty
from callcenter.alerts.inputs import Action, AlertInput, OperatorActed
from callcenter.alerts.model import OWNED, Alert, Operator, State
from callcenter.alerts.plans import noted
from config.plans import Plan
from config.policies import AlertPolicy


@dataclass(frozen=True, slots=True)
class Refused:
    """The input changes nothing. `code` is one of the contract's conflict codes."""

    code: str
    detail: str
    owner: Operator | None = None
    steps: Plan = ()  # steps_missing: the required steps that are not done


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
# identifier, sentence, states, input, where it may lead (None: stays), function
Row = tuple[str, str, Iterable[State | None], str, Iterable[State] | None, Decide]


def table(rows: Iterable[Row], *others: Table) -> Table:
    """The one way to a table. Two rules for one pair, of whatever part of it, are a fault and not a matter of order."""
    parts: list[Table] = list(others)
    for identifier, says, states, key, leads_to, function in rows:
        for state in states:
            where = frozenset(leads_to or ((state,) if state else ()))
            parts.append({(state, key): Rule(identifier, says, where, function)})
    whole: dict[tuple[State | None, str], Rule] = {}
    for part in parts:
        if twice := whole.keys() & part.keys():
            raise ValueError(f"two rules for {sorted(map(str, twice))}")
        whole |= part
    return whole


# Adding to the record is never stale; changing its course is.
# An answer to a colleague is as right as before, as long as they ask.
NEVER_STALE = frozenset(
    {
        Action.NOTE,
        Action.CALL_RESIDENT,
        Action.CALL_CONTACT,
        Action.BRING_IN,
        Action.STEP,
        Action.TAKE_OVER,
        Action.DECLINE,
    }
)


def _stale(alert: Alert, happened: AlertInput) -> bool:
    return (
        isinstance(happened, OperatorActed)
        and happened.action not in NEVER_STALE
        and not (happened.action is Action.CLAIM and alert.owner)  # a lost race, whatever was seen
        and happened.version is not None
        and happened.version != alert.version
    )


def _without_old_request(before: Alert | None, change: Change, policy: AlertPolicy) -> Change:
    """A colleague is asked for as long as the same owner has it: no rule can forget to end that, or to let them in."""
    asked, after = (before.transfer_to if before else None), change.alert
    if before is None or asked is None:
        return change
    same_owner = after.owner is not None and before.owner is not None and after.owner.id == before.owner.id
    if after.transfer_to and same_owner and after.state in OWNED:
        return change
    change = replace(change, alert=replace(after, transfer_to=None, transfer_at=None))
    if not policy.rings:
        return change
    theirs = after.owner is not None and after.owner.id == asked.id
    enters = PhoneParty(after.id, f"operator:{asked.id}", "operator", asked.name)
    effect: Effect = enters if theirs else HangUpColleague(after.id)
    return replace(change, effects=(*change.effects, effect))


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
    outcome = _without_old_request(alert, outcome, policy)
    after = noted(outcome.alert, now)
    # What changes nothing of the record (a note, a failed call) makes nobody's view stale.
    version = 1 if alert is None else alert.version + (after != alert)
    return Decided(rule.id, replace(outcome, alert=replace(after, version=version)))
