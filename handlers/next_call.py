"""Who is put through to an operator next: the queue is ours, not the carrier's; the most pressing alert first."""

from callcenter.alerts.call_model import Role
from callcenter.alerts.call_rooms import waits
from callcenter.alerts.effects import PhoneOperator
from callcenter.alerts.model import EMERGENCIES, Alert, State
from callcenter.storage import call_book, directory
from callcenter.storage.unit import Unit
from handlers.reaction import wish


def wants_operator(unit: Unit, alert: Alert) -> bool:
    """Somebody of it waits on the line, or it is an emergency that nobody has and no operator was rung for."""
    calls = unit.calls.of_alert(alert.id)
    operators = [call for call in calls if call.role is Role.OPERATOR]
    if not all(call.over for call in operators):
        return False
    unheard = alert.state is State.WAITING and alert.kind in EMERGENCIES and not operators
    return unheard or any(waits(call, calls) for call in calls)


def ring_operator(unit: Unit, alert: Alert) -> None:
    """Unless one is rung, or there, already."""
    if unit.rings:
        wish(unit, alert, PhoneOperator(alert.id))


def give_next(unit: Unit) -> None:
    """An operator is free: the most pressing alert that wants one is put through, then the next, while any is free."""
    if not unit.rings:
        return
    stored = call_book.wanting_operator(unit.connection)
    found = {unit.alert(one) for one in {*stored, *unit.calls.alerts()}}
    waiting = [alert for alert in found if alert and not alert.exercise and wants_operator(unit, alert)]
    for alert in sorted(waiting, key=lambda one: (one.priority, one.opened_at, one.id)):
        if not free_seats(unit):
            return
        ring_operator(unit, alert)


def free_seats(unit: Unit) -> int:
    """Operators who take calls and are on none."""
    engaged = unit.calls.engaged()
    return sum(person.party not in engaged for person in directory.ready_operators(unit.connection))
