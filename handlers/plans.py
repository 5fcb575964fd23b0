"""Response plans: which steps an alarm brings with it, and a resident's own plan changed by a supervisor."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

from callcenter.alerts.inputs import AlarmRaised
from callcenter.alerts.model import RANK, Alert, Subject
from callcenter.alerts.plans import applies, joined
from callcenter.ports import PlanChanged
from callcenter.storage.plan_book import OwnStep
from callcenter.storage.scope import area_of
from callcenter.storage.unit import Unit
from config.plans import PlanStep
from handlers.alone import alone
from handlers.intake import Handler


def planned(unit: Unit, before: Alert | None, alarm: AlarmRaised) -> AlarmRaised:
    """With the steps of its kind, the resident's own first; an alarm that changes no alert's kind brings none."""
    if alarm.subject.synthetic or (before is not None and RANK[alarm.kind] >= RANK[before.kind]):
        return alarm
    own = (one.step for one in _own(unit, alarm.subject) if applies(one.kind, alarm.kind))
    return replace(alarm, plan=joined(own, unit.plans.by_kind.get(alarm.kind.value, ())))


def _own(unit: Unit, subject: Subject) -> Sequence[OwnStep]:
    """The resident's, or those of everybody in the house whose alarm it is: then each says for whom."""
    known = unit.device(subject.device) if subject.device else None
    if known is not None and not known.planned:  # nearly always: known with the device, without another question
        return ()
    # Whatever is wrong with a plan, the press is stored and people are told.
    return alone(unit, partial(_read, unit, subject), otherwise=(), failed="plan.unreadable", subject=subject.key)


def _read(unit: Unit, subject: Subject) -> Sequence[OwnStep]:
    if subject.resident:
        return unit.plans.of_resident(subject.resident)
    return [_named(one) for one in unit.plans.of_household(subject.household)] if subject.household else ()


def _named(own: OwnStep) -> OwnStep:
    step = own.step
    zh, en = (f"{own.name}: {words}" if words else "" for words in (step.zh, step.en))
    return replace(own, step=replace(step, id=f"{step.id}@{own.resident}", zh=zh, en=en))


def change(unit: Unit, changed: PlanChanged) -> bool:
    """False: there is no such resident. What alerts under way have to do stays as it was."""
    if not unit.plans.resident_exists(changed.resident):
        return False
    before = [(one.kind, one.step) for one in unit.plans.of_resident(changed.resident)]
    unit.plans.put(changed.resident, changed.steps)
    data = {"resident": changed.resident, "before": _told(before), "after": _told(changed.steps)}
    area = area_of(unit.connection, "resident", changed.resident)
    unit.log(None, rule="plan.changed", actor=f"operator:{changed.by.id}", data=data, area=area)
    return True


def _told(steps: Iterable[tuple[str, PlanStep]]) -> list[dict[str, object]]:
    return [
        {"kind": kind, "step": step.id, "zh": step.zh, "en": step.en, "required": step.required} for kind, step in steps
    ]


HANDLERS: dict[type, Handler] = {PlanChanged: Handler(change, withdrawable=True)}
