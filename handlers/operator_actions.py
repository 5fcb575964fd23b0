"""What operators do and whether their consoles are there, mapped to the alert machine."""

from dataclasses import dataclass, replace

from callcenter import metrics
from callcenter.alerts.inputs import Action, OperatorBack, OperatorGone
from callcenter.alerts.rules import Refused
from callcenter.ports import Acted, ActionWanted, ConsolesChanged, Declined
from callcenter.storage.unit import Needs, Unit
from callcenter.storage.work import alerts_owned_by, owners_of_open_alerts
from handlers.intake import Handler
from handlers.reaction import react


@dataclass(frozen=True, slots=True)
class ServiceStarted:
    """No console can be connected yet: every owner counts as gone until theirs is back."""

    operators_present: frozenset[str] = frozenset()


def act(unit: Unit, wanted: ActionWanted) -> Acted | Declined:
    alert = unit.alert(wanted.alert_id)
    if alert is None:
        return Declined(Refused("not_found", "there is no such alert"), None)
    acted = wanted.acted
    if acted.action is Action.REOPEN:
        other = unit.open_alert(alert.subject.key)
        acted = replace(acted, other_open=other.id if other else None)
    entry = react(unit, alert, acted, actor=f"operator:{acted.by.id}")
    if isinstance(entry, Refused):
        if acted.action is Action.CLAIM:
            unit.count(metrics.claim_conflicts.inc)
        return Declined(entry, alert)
    if acted.action is Action.CLAIM:
        waited = (unit.now - alert.waiting_since).total_seconds()
        unit.count(lambda: metrics.answer.observe(waited))
    after = unit.alert(alert.id)
    assert after is not None
    return Acted(after, entry.n)


def consoles_changed(unit: Unit, changed: ConsolesChanged) -> None:
    happened = OperatorBack(changed.operator) if changed.present else OperatorGone(changed.operator)
    for alert_id in alerts_owned_by(unit.connection, changed.operator):
        alert = unit.alert(alert_id)
        # Only what changes something is put to the machine: a console coming is not an event of every alert.
        if alert and (alert.owner_gone_at is not None) == changed.present:
            react(unit, alert, happened, actor="system")


def service_started(unit: Unit, started: ServiceStarted) -> None:
    for owner in owners_of_open_alerts(unit.connection):
        if owner not in started.operators_present:
            consoles_changed(unit, ConsolesChanged(owner, present=False))


HANDLERS: dict[type, Handler] = {
    ActionWanted: Handler(act, lambda wanted: Needs(alerts=(wanted.alert_id,))),
    ConsolesChanged: Handler(consoles_changed),
    ServiceStarted: Handler(service_started),
}
