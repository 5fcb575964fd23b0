"""Which telephones a drill may ring, and that it lets go of all of them as soon as anybody is rung in earnest."""

from functools import partial

import structlog

from callcenter.alerts.call_inputs import HangUpWanted
from callcenter.alerts.call_model import Role
from callcenter.alerts.drill_rules import is_emergency
from callcenter.alerts.effects import (
    AskResponders,
    Effect,
    EndSearch,
    HangUpColleague,
    HangUpOthers,
    LeaveRoom,
    PhoneContact,
    PhoneGroup,
    PhoneParty,
)
from callcenter.alerts.model import Alert
from callcenter.storage import directory, drill_book
from callcenter.storage.directory import Person
from callcenter.storage.unit import Unit
from handlers.alone import alone
from handlers.legs import change

log = structlog.get_logger()

# These end what rings. Everything else that is wished of a telephone makes one ring.
ENDING = (EndSearch, HangUpColleague, HangUpOthers, LeaveRoom)
# Never the resident, who might need us while we practise; nor operators, whose telephones are for those who do.
RUNG = (AskResponders, PhoneContact, PhoneGroup, PhoneParty)


def takes_part(unit: Unit, alert: Alert, effect: Effect) -> bool:
    """Whether this wish of an alert to practise with is carried out; what would have rung is written down."""
    if isinstance(effect, ENDING):
        return unit.rings
    ambulance = isinstance(effect, PhoneGroup) and effect.group.startswith("ambulance")
    drill = drill_book.running(unit.connection)
    if unit.rings and drill and drill.rings and isinstance(effect, RUNG) and not ambulance:
        return True
    whom = {name: getattr(effect, name) for name in ("group", "contact", "name") if getattr(effect, name, "")}
    unit.log(alert, rule="drill.not_rung", actor="system", data={"effect": effect.kind} | whom)
    return False


def is_spared(unit: Unit, alert: Alert, person: Person) -> bool:
    """A telephone that no drill rings: of an emergency service, or one by which a resident calls for help."""
    if alert.drill and is_emergency(person.number):
        return True
    if not alert.exercise:
        return False
    return any(one.role is Role.ELDER for one in directory.by_number(unit.connection, person.number))


def give_way(unit: Unit) -> None:
    """Somebody is about to be rung in earnest: every call of the drill ends, and it makes no more.

    Whatever is wrong with the drill, whom the press rings is rung.
    """
    try:
        drill = drill_book.running(unit.connection)
    except (TypeError, ValueError):  # of what stands there; that the database is gone is no fault of a drill
        log.exception("drill.unreadable")
        return
    if drill and drill.rings:
        alone(unit, partial(_give_way, unit), otherwise=None, failed="drill.gave_no_way")


def _give_way(unit: Unit) -> None:
    drill_book.fall_silent(unit.connection)
    calls = [call for alert in unit.exercises() for call in unit.calls.living(alert.id)]
    for call in calls:
        change(unit, call, HangUpWanted("drill_gives_way"))
    unit.log(None, rule="drill.gave_way", actor="system", data={"calls": len(calls)})
