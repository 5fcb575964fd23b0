"""What follows when somebody comes into an alert's room, leaves it, or was the last of it (telephony.md, 5)."""

from functools import partial

from callcenter.alerts.call_inputs import HangUpWanted, LeftAlone, Met
from callcenter.alerts.call_model import Call, Role
from callcenter.alerts.call_rooms import has_company, is_alone, needs_somebody, starts_the_room, waits
from callcenter.alerts.dialogues import NEEDING
from callcenter.alerts.effects import LeaveRoom
from callcenter.alerts.inputs import CallReport
from callcenter.alerts.model import UNRESOLVED, Alert
from callcenter.storage.unit import Unit
from handlers import callbacks, debts
from handlers.alone import alone
from handlers.ending import end_room
from handlers.legs import change
from handlers.next_call import ring_operator
from handlers.reaction import wish


def _alert(unit: Unit, call: Call) -> Alert | None:
    return unit.alert(call.alert_id) if call.alert_id else None


def _there(unit: Unit, alert: Alert) -> list[Call]:
    return [call for call in unit.calls.living(alert.id) if call.in_room]


def _known(unit: Unit, alert: Alert) -> list[Call]:
    """Its calls, as far as they can be read: a fault in them hides no deadline, and holds up no operator."""
    if not unit.rings:
        return []
    return alone(unit, partial(unit.calls.of_alert, alert.id), otherwise=[], failed="rooms.unknown", alert=alert.id)


def owner_talks(unit: Unit, alert: Alert) -> bool:
    """Whether the alert's owner is in its room with somebody else."""
    there = [call for call in _known(unit, alert) if call.in_room and call.joined_at and not call.machine]
    mine = [c for c in there if c.role is Role.OPERATOR and alert.owner and c.party == f"operator:{alert.owner.id}"]
    return bool(mine) and len(there) > len(mine)


def who_waits(unit: Unit, alert: Alert) -> str | None:
    """The name of whoever is on the line for it and has met nobody; empty: an unknown caller."""
    calls = _known(unit, alert)
    return next((call.name for call in calls if waits(call, calls) and not call.joined_at), None)


def entered(unit: Unit, joined: Call) -> None:
    """Who is in the room with somebody of ours can talk; for who waits there alone an operator is rung."""
    alert = _alert(unit, joined)
    if alert is None:
        return
    there = _there(unit, alert)
    if len(there) > 1 and has_company(there):
        for call in there:
            change(unit, call, Met())
        debts.settle(unit, there)
    else:
        ring_operator(unit, alert)


def left(unit: Unit, gone: Call) -> None:
    """Nobody is left alone in silence, whatever became of the line of who was there for them; unless it is over."""
    alert = _alert(unit, gone)
    if alert is None or not starts_the_room(gone):
        return
    there = _there(unit, alert)
    if has_company(there):
        return
    if alert.state not in UNRESOLVED:
        wish(unit, alert, LeaveRoom(alert.id))
        return
    for call in there:
        if needs_somebody(call):
            change(unit, call, LeftAlone(len(there) == 1, callbacks.may_record(unit, call, alert)))


def emptied(unit: Unit, last: Call) -> None:
    """The last call of its alert is over, and none is on the way: the room ends, to be opened anew for the next.

    An operator who was rung again for them, and finds nobody any more, need not come.
    """
    if last.alert_id is None:
        return
    if last.dialogue in NEEDING and _was_heard(unit, last.alert_id):
        for call in unit.calls.living(last.alert_id):
            if call.dialogue == "operator" and not call.answered_at:
                change(unit, call, HangUpWanted("caller_gone"))
    if last.answered_at and not unit.calls.living(last.alert_id):
        end_room(unit, last.alert_id)


def _was_heard(unit: Unit, alert: str) -> bool:
    """Somebody of ours has talked to them, and by now nobody but operators is on the telephone, or is rung."""
    calls = unit.calls.of_alert(alert)
    operators = [call for call in calls if call.role is Role.OPERATOR]
    return any(call.joined_at for call in operators) and all(call.over or call in operators for call in calls)


def is_moot(unit: Unit, call: Call, report: CallReport) -> bool:
    """An operator picked up and found nobody left on the line: no other one is rung for that."""
    picked_up = report.what == "operator_missed" and call.answered_at is not None
    return picked_up and call.alert_id is not None and _was_heard(unit, call.alert_id)


def nobody_there(unit: Unit, call: Call) -> bool:
    """Whether it is on the line with nobody to talk to."""
    return bool(call.alert_id) and is_alone(call, unit.calls.living(call.alert_id or ""))
