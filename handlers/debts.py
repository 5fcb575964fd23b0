"""Callers who gave up or were cut off are owed a call: nobody is forgotten, and no timer forgives it (telephony.md)."""

from datetime import datetime, timedelta

from callcenter import metrics
from callcenter.alerts.call_model import Call, CallOutcome, Direction, Role
from callcenter.alerts.dialogues import OFFERED
from callcenter.alerts.model import EMERGENCIES, Alert
from callcenter.ports import DebtDischarged
from callcenter.storage import call_book
from callcenter.storage.call_records import call_view
from callcenter.storage.directory import Person
from callcenter.storage.unit import Unit
from handlers import dialling
from handlers.next_call import free_seats

OWED = frozenset({CallOutcome.ABANDONED, CallOutcome.LOST, CallOutcome.FAILED})
HOWS = frozenset({"reached", "visited", "escalated"})
LONGEST_WAIT = 16  # times the first: attempts grow apart and never end


def owe(unit: Unit, call: Call) -> None:
    """The call is over: whoever rang and was not heard, or was cut off, is called back within seconds."""
    if call.direction is not Direction.INBOUND or call.dialogue in OFFERED or call.outcome not in OWED:
        return
    due = unit.now + timedelta(seconds=unit.policy_about(call.alert_id).calls.debt_s)
    row = {"call_id": call.id, "party": call.party, "name": call.name, "alert_id": call.alert_id}
    call_book.open_debt(unit.connection, row | {"opened_at": unit.now, "due": due})
    alert = unit.alert(call.alert_id) if call.alert_id else None
    data = {"call": call_view(call)}
    unit.log(alert, rule="debt.opened", actor="telephone", ring=True, data=data, area=call.area_id)
    unit.count(metrics.debts_opened.inc)


def call_back(unit: Unit, call_id: str, due: datetime) -> bool:
    """One attempt; the next is set before it, whatever comes of this one. Without a number a person is told."""
    owed = call_book.debt(unit.connection, call_id)
    call = unit.calls.get(call_id)
    if owed is None or call is None or owed.discharged_at or owed.due != due:
        return False
    alert = unit.alert(call.alert_id) if call.alert_id else None
    first = timedelta(seconds=unit.policy_about(call.alert_id).calls.debt_s)
    if not _has_turn(unit, alert):
        call_book.put_off_debt(unit.connection, call_id, unit.now + first, attempts=0)
        return False
    wait = first * min(2 ** (owed.attempts + 1), LONGEST_WAIT)
    call_book.put_off_debt(unit.connection, call_id, unit.now + wait)
    person = Person(call.party or f"call:{call.id}", call.name, call.number, call.role, area=call.area_id)
    can = bool(unit.rings and call.number and alert)
    if can and alert:
        dialling.want(unit, alert, person, dialogue="callback")
    data = {"call": call_view(call), "attempt": owed.attempts + 1, "by_hand": not can}
    unit.log(alert, rule="debt.due", actor="system", ring=True, data=data, area=call.area_id)
    return True


def _has_turn(unit: Unit, alert: Alert | None) -> bool:
    """An emergency always; else no more are rung than find somebody to talk to, or one when nobody is at a desk.

    Otherwise, after a bad hour, hundreds are rung again and again and hear nobody.
    """
    if alert is None or not unit.rings or alert.kind in EMERGENCIES:
        return True
    return unit.calls.called_back_and_alone(but=alert.id) < max(1, free_seats(unit))


def settle(unit: Unit, there: list[Call]) -> None:
    """Reached means: the person who is owed and an operator are in one room. A machine is nobody."""
    people = [call for call in there if call.role is not Role.OPERATOR and not call.machine]
    if len(there) == len(people) or not any(call.role is Role.OPERATOR for call in there):
        return
    for person in people:
        for debt in call_book.debts_to(unit.connection, party=person.party, digest=_digest(unit, person)):
            by = f"call:{person.id}"
            if debt != person.id and call_book.discharge(
                unit.connection, debt, how="reached", by=by, note="", now=unit.now
            ):
                _log_discharge(unit, debt, "debt.reached", "telephone", {"call": call_view(person)})


def _digest(unit: Unit, call: Call) -> str:
    """Empty for a withheld number: all of those would be one person."""
    return unit.calls.digest(call.number) if call.number else ""


def discharge(unit: Unit, wanted: DebtDischarged) -> bool:
    """A named operator says how it ended; tells whether it was still open."""
    if wanted.how not in HOWS:
        return False
    by = f"operator:{wanted.by.id}"
    done = call_book.discharge(unit.connection, wanted.call_id, how=wanted.how, by=by, note=wanted.note, now=unit.now)
    if done:
        _log_discharge(unit, wanted.call_id, f"debt.{wanted.how}", by, {"how": wanted.how, "note": wanted.note})
    return done


def _log_discharge(unit: Unit, debt: str, rule: str, actor: str, data: dict[str, object]) -> None:
    call = unit.calls.get(debt)
    alert = unit.alert(call.alert_id) if call and call.alert_id else None
    unit.log(alert, rule=rule, actor=actor, data={"debt": debt} | data, area=call.area_id if call else None)
