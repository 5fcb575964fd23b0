"""The response plan of one alert: which steps it begins with, which are done, which are still in the way of its end.

Its plan is fixed when the alert opens and only ever grows, when the alert becomes one of another kind. Pure.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from callcenter.alerts.changing import replace
from callcenter.alerts.model import EMERGENCIES, UNRESOLVED, Alert, Kind, Operator, State, StepDone
from config.plans import Plan, PlanStep

ALL = "all"  # a resident's own step for every kind behind which a person may be in danger


def _help_is_wanted(alert: Alert) -> bool:
    return alert.state is State.HELPING or bool(alert.asked_at or alert.responder or alert.arrived_at)


# Since when the centre knows it by itself; None: it is not so. The names are config.plans.FACTS.
FACTS: Mapping[str, Callable[[Alert, datetime], datetime | None]] = {
    "reached": lambda alert, _now: alert.reached_at,
    "sent": lambda alert, now: (alert.asked_at or now) if _help_is_wanted(alert) else None,
    "accepted": lambda alert, _now: alert.accepted_at or alert.arrived_at,
    "arrived": lambda alert, _now: alert.arrived_at,
    "handed_over": lambda alert, now: now if alert.state is State.HANDED_OVER else None,
}


def applies(kind: str, to: Kind) -> bool:
    """Whether a resident's own step for `kind` is one for an alert of this kind."""
    return kind == to.value or (kind == ALL and to in EMERGENCIES)


def joined(*parts: Iterable[PlanStep]) -> Plan:
    """One plan: each step once, with the words that come first; required as soon as one of the parts requires it."""
    steps: dict[str, PlanStep] = {}
    for step in (one for part in parts for one in part):
        known = steps.setdefault(step.id, step)
        if step.required and not known.required:
            steps[step.id] = replace(known, required=True)
    return tuple(steps.values())


def shown(alert: Alert) -> Plan:
    """The steps that count now."""
    return tuple(step for step in alert.plan if alert.silent or not step.only_silent)


def missing(alert: Alert) -> Plan:
    """The required steps that are not done."""
    done = {one.step for one in alert.steps_done}
    return tuple(step for step in shown(alert) if step.required and step.id not in done)


def step_of(alert: Alert, step_id: str) -> PlanStep | None:
    return next((step for step in shown(alert) if step.id == step_id), None)


def done_of(alert: Alert, step_id: str) -> StepDone | None:
    return next((one for one in alert.steps_done if one.step == step_id), None)


def ticked(alert: Alert, step: PlanStep, by: Operator, *, text: str, now: datetime) -> Alert:
    return replace(alert, steps_done=(*alert.steps_done, StepDone(step.id, now, by.id, by.name, text)))


def _known_since(step: PlanStep, alert: Alert, now: datetime) -> datetime | None:
    known = (FACTS[fact](alert, now) for fact in step.done_by if fact in FACTS)
    return min((at for at in known if at), default=None)


def noted(alert: Alert, now: datetime) -> Alert:
    """With what the centre knows by itself written down; what no longer holds is taken back, what people did stays.

    After the end nothing of it moves: it says how things stood then.
    """
    if alert.state not in UNRESOLVED or not any(step.done_by for step in alert.plan):
        return alert
    before = {one.step: one for one in alert.steps_done}
    after = {step: one for step, one in before.items() if one.by}
    for step in alert.plan:
        if step.done_by and step.id not in after and (at := _known_since(step, alert, now)):
            known = before.get(step.id)
            after[step.id] = known or StepDone(step.id, at)
    if after == before:
        return alert
    return replace(alert, steps_done=tuple(sorted(after.values(), key=lambda one: one.at)))


def words(step: PlanStep) -> dict[str, Any]:
    """A step as the timeline and clients name it."""
    return {"id": step.id, "words": {"zh-CN": step.zh or step.en, "en": step.en or step.zh}}
