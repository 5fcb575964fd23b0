"""One input to one call: the machine decides, and what it decides is stored, logged, wished for and counted."""

from callcenter import metrics
from callcenter.alerts.call_inputs import CallInput, HangUpWanted
from callcenter.alerts.call_model import Call
from callcenter.alerts.call_rules import CallChange, CallDecided, decide_call
from callcenter.alerts.rules import Refused
from callcenter.storage.call_records import call_view
from callcenter.storage.unit import Unit
from handlers import offers


def change(unit: Unit, call: Call, happened: CallInput) -> CallChange | Refused:
    """Put an input to the call machine and take over what it decides; its alert hears nothing yet."""
    decided = decide_call(call, happened, now=unit.now, policy=unit.policy_about(call.alert_id).calls)
    if isinstance(decided, Refused):
        unit.count(metrics.refused.labels(call.state.value, happened.key).inc)
        return decided
    _take_over(unit, decided)
    if isinstance(happened, HangUpWanted):
        offers.is_not_rung(unit, call, happened.reason)
    return decided.change


def _take_over(unit: Unit, decided: CallDecided) -> None:
    after = decided.change.call
    unit.calls.put(after)
    alert = unit.alert(after.alert_id) if after.alert_id else None
    data = {"call": call_view(after)} | decided.change.data
    unit.log(alert, rule=decided.rule, actor="telephone", data=data, area=after.area_id)
    for effect in decided.change.effects:
        unit.wish(effect)
    unit.count(metrics.rules.labels(decided.rule).inc)
    if after.over and after.outcome:
        unit.count(metrics.calls_ended.labels(after.role.value, after.outcome.value).inc)
