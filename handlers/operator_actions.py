"""What operators do and whether their consoles are there, mapped to the alert machine."""

from dataclasses import dataclass, replace

from callcenter import metrics
from callcenter.alerts.inputs import Action, ColleagueGone, OperatorBack, OperatorGone, OperatorLeft
from callcenter.alerts.model import State
from callcenter.alerts.offer_model import Proof
from callcenter.alerts.offer_rules import Said
from callcenter.alerts.rules import Refused
from callcenter.ports import Acted, ActionWanted, ConsolesChanged, Declined
from callcenter.ports.signing_in import SignedOut
from callcenter.storage import directory, synthetic, work
from callcenter.storage.unit import Unit
from callcenter.storage.unit_values import Needs
from handlers import gaps, offers, rooms
from handlers.intake import Handler
from handlers.reaction import react


@dataclass(frozen=True, slots=True)
class ServiceStarted:
    """This process has no console yet: whoever had one here counts as gone until theirs is back."""


@dataclass(frozen=True, slots=True)
class ConsolesReviewed:
    """Look for consoles of processes that have died without a word."""


def act(unit: Unit, wanted: ActionWanted) -> Acted | Declined:
    alert = unit.alert(wanted.alert_id)
    if alert is None:
        return Declined(Refused("not_found", "there is no such alert"), None)
    acted = wanted.acted
    if acted.action is Action.REOPEN:
        other = unit.open_alert(alert.subject.key)
        acted = replace(acted, other_open=other.id if other else None)
    if acted.action in (Action.RESOLVE, Action.CLOSE):
        acted = replace(acted, waits=rooms.who_waits(unit, alert))
    if acted.action is Action.TRANSFER and acted.to:
        acted = replace(acted, reachable=_can_be_asked(unit, acted.to.id))
    entry = react(unit, alert, acted, actor=f"operator:{acted.by.id}")
    if isinstance(entry, Refused):
        if acted.action is Action.CLAIM:
            unit.count(metrics.claim_conflicts.inc)
        return Declined(entry, alert)
    if acted.action is Action.CLAIM and not alert.drill:
        waited = (unit.now - alert.waiting_since).total_seconds()
        unit.count(lambda: metrics.answer.observe(waited))
    if acted.action is Action.TRANSFER and acted.to:  # to somebody who is not there: the time to come begins
        _tell_presence(unit, acted.to.id)
    after = unit.alert(alert.id)
    assert after is not None
    if acted.action is Action.ARRIVED:
        offers.take(unit, after.id, acted.party or after.responder, Said.THERE, proof=Proof.VOICE)
    if after.subject.synthetic and after.state is State.CLOSED:
        synthetic.tidy(unit.connection, after.subject.device, unit.now)
    return Acted(after, entry.n)


def consoles_changed(unit: Unit, changed: ConsolesChanged) -> None:
    """Gone is who has no live console at any process."""
    work.beat(unit.connection, unit.node, unit.now)
    work.store_console(unit.connection, changed.operator, unit.node, present=changed.present, armed=changed.armed)
    _tell_presence(unit, changed.operator)


def _can_be_asked(unit: Unit, operator: str) -> bool:
    """Signed in, and not on a seat that takes no calls."""
    person = directory.operator(unit.connection, operator)
    ready = person is not None and person.kind in ("", "ready")
    return ready and work.has_console(unit.connection, operator, unit.now)


def _tell_presence(unit: Unit, operator: str) -> None:
    """Tell the alerts they have, or are asked to take over, whether they are there."""
    present = work.has_console(unit.connection, operator, unit.now)
    happened = OperatorBack(operator) if present else OperatorGone(operator)
    for alert in unit.alerts_of(operator):
        own = alert.owner is not None and alert.owner.id == operator
        # Only what changes something is put to the machine: a console coming is not an event of every alert.
        if own and (alert.owner_gone_at is not None) == present:
            react(unit, alert, happened, actor="system")
    if not present:
        colleague_leaves(unit, operator)


def colleague_leaves(unit: Unit, operator: str) -> None:
    """What they are asked to take over stays where it is."""
    for alert in unit.alerts_of(operator):
        if alert.transfer_to and alert.transfer_to.id == operator:
            react(unit, alert, ColleagueGone(operator), actor="system")


def signed_out(unit: Unit, out: SignedOut) -> None:
    """Who goes without another console has left what they have: it rings at once, not only when they are missed."""
    if out.here or work.has_console(unit.connection, out.operator, unit.now, but=unit.node):
        return
    for alert in unit.alerts_of(out.operator):
        if alert.owner and alert.owner.id == out.operator:
            react(unit, alert, OperatorLeft(out.operator, out.reason), actor=f"operator:{out.operator}")
    colleague_leaves(unit, out.operator)


def service_started(unit: Unit, _started: ServiceStarted) -> None:
    gaps.at_start(unit)
    for operator in work.forget_consoles(unit.connection, unit.node):
        consoles_changed(unit, ConsolesChanged(operator, present=False))


def consoles_reviewed(unit: Unit, _reviewed: ConsolesReviewed) -> None:
    for operator in work.forget_dead_consoles(unit.connection, unit.now):
        _tell_presence(unit, operator)


HANDLERS: dict[type, Handler] = {
    ActionWanted: Handler(act, lambda wanted: Needs(alerts=(wanted.alert_id,)), withdrawable=True),
    ConsolesChanged: Handler(consoles_changed),
    SignedOut: Handler(signed_out),
    ServiceStarted: Handler(service_started),
    ConsolesReviewed: Handler(consoles_reviewed),
}
