"""The one step from an input to what follows: ask the machine, take over its answer, count."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import get_args

from callcenter import metrics
from callcenter.alerts.alert_rules import ALERT_TABLE
from callcenter.alerts.effects import Effect, PhoneWish
from callcenter.alerts.inputs import AlarmRaised, AlertInput, EffectFailed
from callcenter.alerts.model import Alert
from callcenter.alerts.rules import Refused, decide
from callcenter.storage.records import Entry
from callcenter.storage.unit import Unit
from handlers import dialling, drill_telephone, plans
from handlers.alone import alone

_NAMES_PEOPLE = get_args(PhoneWish)  # asked of every effect there is


def react(unit: Unit, before: Alert | None, happened: AlertInput, *, actor: str) -> Entry | Refused:
    """Let the machine decide and take over what follows. A refusal changes nothing and is counted."""
    if isinstance(happened, AlarmRaised):
        happened = plans.planned(unit, before, replace(happened, drill=True) if unit.drill else happened)
    outcome = decide(ALERT_TABLE, before, happened, now=unit.now, policy=unit.ruling(before))
    if isinstance(outcome, Refused):
        unit.count(metrics.refused.labels(before.state if before else "none", happened.key).inc)
        return outcome
    if before is None:
        outcome = replace(outcome, change=replace(outcome.change, alert=unit.opened(outcome.change.alert)))
    unit.count(metrics.rules.labels(outcome.rule).inc)
    entry = unit.record(before, outcome, actor=actor)
    for effect in outcome.change.effects:
        wish(unit, outcome.change.alert, effect)
    return entry


def wish(unit: Unit, alert: Alert, effect: Effect) -> None:
    """Who is to be telephoned is decided here and now; everything else, and all of it without a carrier, waits.

    For a test alarm nobody is: whatever rule wishes for it, and however long nobody closes it. For a drill only who may
    be, and only until anybody is rung in earnest.
    """
    rings = isinstance(effect, _NAMES_PEOPLE)
    if rings and alert.subject.synthetic:
        return
    if rings and alert.exercise and not drill_telephone.takes_part(unit, alert, effect):
        return
    if not (unit.rings and rings):
        unit.wish(effect)
        return
    if not alert.exercise and not isinstance(effect, drill_telephone.ENDING):
        drill_telephone.give_way(unit)
    alert = unit.alert(alert.id) or alert  # as it stands: what came of an earlier wish may have changed it
    # Whatever is wrong with a telephone list, the press is stored and people are told.
    fails: Sequence[AlertInput] = [EffectFailed(effect.kind, "internal")]
    place = partial(dialling.place, unit, alert, effect)
    happened = alone(unit, place, otherwise=fails, failed="dialling.failed", effect=effect.kind, alert=alert.id)
    for one in happened:
        react(unit, unit.alert(alert.id), one, actor="system")
