"""Calls that nobody needs any more, and rooms that nobody is left in. Who waits for a person is never let go."""

from datetime import timedelta

from callcenter.alerts.call_inputs import HangUpWanted
from callcenter.alerts.call_model import Answer, Call, Direction, Role
from callcenter.alerts.call_rooms import has_company
from callcenter.alerts.dialogues import ASKING, NEEDING
from callcenter.alerts.effects import EndRoom, HangUpColleague, HangUpOthers, LeaveRoom
from callcenter.alerts.model import Alert
from callcenter.storage.unit import Unit
from handlers import offers
from handlers.legs import change

EMPTY_FOR = timedelta(seconds=3)  # nobody who is rung now, or rings, is in the room sooner


def hang_up_others(unit: Unit, alert: Alert, wish: HangUpOthers) -> tuple[()]:
    for call in unit.calls.living(alert.id):
        if call.dialogue in ASKING and call.id != wish.but and call.answer is not Answer.ACCEPTED:
            change(unit, call, HangUpWanted(offers.SAID_ON_PAGE if call.party == wish.party else "somebody_goes"))
    return ()


def hang_up_colleague(unit: Unit, alert: Alert, _wish: HangUpColleague) -> tuple[()]:
    for call in unit.calls.living(alert.id):
        if call.dialogue == "transfer" and call.answer is not Answer.ACCEPTED:
            change(unit, call, HangUpWanted("stays"))
    return ()


def leave_room(unit: Unit, alert: Alert, wish: LeaveRoom) -> tuple[()]:
    offers.end(unit, alert)
    living = unit.calls.living(alert.id)
    talk = not wish.at_once and has_company(living)
    staying = {call.id for call in living if _waits(call) or (talk and call.in_room)}
    for call in living:
        comes = bool(staying) and call.role is Role.OPERATOR  # to them
        if call.id not in staying and not comes and call.dialogue != "search_over":
            change(unit, call, HangUpWanted("alert_over"))
    if all(call.hang_up_at for call in unit.calls.living(alert.id)):
        end_room(unit, alert.id)
    return ()


def _waits(call: Call) -> bool:
    """On the line, or owed a call, and has talked to nobody yet: that the alert is over is not their end."""
    there = call.answered_at or call.direction is Direction.INBOUND or call.dialogue == "callback"
    return bool(there) and call.dialogue in NEEDING and not call.joined_at


def end_room(unit: Unit, alert: str) -> None:
    """At every carrier that had somebody in it."""
    spoke = {call.gateway for call in unit.calls.of_alert(alert) if call.answered_at or call.joined_at}
    if gateways := tuple(sorted(spoke - {""})):
        unit.wish(EndRoom(alert, gateways, until=(unit.now + EMPTY_FOR).isoformat()))
