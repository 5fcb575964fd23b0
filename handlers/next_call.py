"""Who is put through to an operator next: the queue is ours, not the carrier's; the most pressing alert first."""

from callcenter.alerts.call_model import Answer, Call, Direction, Role
from callcenter.alerts.effects import PhoneOperator
from callcenter.alerts.model import EMERGENCIES, Alert, State
from callcenter.storage import call_book, directory
from callcenter.storage.unit import Unit
from handlers.reaction import wish


def starts_the_room(call: Call) -> bool:
    """Somebody of ours, or who goes to help: whoever is in the room with them can talk. All others wait there."""
    return call.role is Role.OPERATOR or call.answer is Answer.ACCEPTED


def waits(call: Call) -> bool:
    """On the line, and nobody to talk to yet."""
    if call.over or call.joined_at or call.dialogue == "offer" or starts_the_room(call):
        return False
    return call.in_room or call.direction is Direction.INBOUND


def wants_operator(unit: Unit, alert: Alert) -> bool:
    """Somebody of it waits on the line, or it is an emergency that nobody has and no operator was rung for."""
    calls = unit.calls.of_alert(alert.id)
    operators = [call for call in calls if call.role is Role.OPERATOR]
    if not all(call.over for call in operators):
        return False
    unheard = alert.state is State.WAITING and alert.kind in EMERGENCIES and not operators
    return unheard or any(waits(call) for call in calls)


def ring_operator(unit: Unit, alert: Alert) -> None:
    """Unless one is rung, or there, already."""
    if unit.policy.rings:
        wish(unit, alert, PhoneOperator(alert.id))


def give_next(unit: Unit) -> None:
    """An operator is free: the most pressing alert that wants one is put through, then the next, while any is free."""
    if not unit.policy.rings:
        return
    stored = call_book.wanting_operator(unit.connection)
    found = {unit.alert(one) for one in {*stored, *unit.calls.alerts()}}
    waiting = [alert for alert in found if alert and wants_operator(unit, alert)]
    for alert in sorted(waiting, key=lambda one: (one.priority, one.opened_at, one.id)):
        if not _free(unit):
            return
        ring_operator(unit, alert)


def _free(unit: Unit) -> bool:
    engaged = unit.calls.engaged()
    return any(person.party not in engaged for person in directory.ready_operators(unit.connection))
