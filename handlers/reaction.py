"""The one step from an input to what follows: ask the machine, take over its answer, count."""

from callcenter import metrics
from callcenter.alerts.alert_rules import ALERT_TABLE
from callcenter.alerts.inputs import AlertInput
from callcenter.alerts.model import Alert
from callcenter.alerts.rules import Refused, decide
from callcenter.storage.records import Entry
from callcenter.storage.unit import Unit


def react(unit: Unit, before: Alert | None, happened: AlertInput, *, actor: str) -> Entry | Refused:
    """Let the machine decide and take over what follows. A refusal changes nothing and is counted."""
    outcome = decide(ALERT_TABLE, before, happened, now=unit.now, policy=unit.policy)
    if isinstance(outcome, Refused):
        unit.count(metrics.refused.labels(before.state if before else "none", happened.key).inc)
        return outcome
    unit.count(metrics.rules.labels(outcome.rule).inc)
    return unit.record(before, outcome, actor=actor)
