"""The part of the alert machine's table that hands an alert over: asked first, and nobody is ever without its owner.

Whoever has it stays its owner, and in the room, until the colleague who was asked says yes, by key 1 or on the console;
in that transaction the colleague becomes its owner. No answer in time, a no, or a colleague who leaves: it stays.
"""

from datetime import datetime

from callcenter.alerts.changing import replace
from callcenter.alerts.effects import Effect, PhoneParty
from callcenter.alerts.inputs import Action, CallReport, ColleagueGone, OperatorActed, TimerDue, TimerKind
from callcenter.alerts.model import OWNED, Alert, Operator, given_to, touched
from callcenter.alerts.rules import Change, Decide, Refused, table
from config.policies import AlertPolicy


def asks_colleague(
    alert: Alert, to: Operator, acted: OperatorActed, now: datetime, policy: AlertPolicy
) -> Change | Refused:
    """The owner's way to give it away: nothing changes hands before the other one says yes."""
    if alert.transfer_to:
        return Refused("asked_already", f"{alert.transfer_to.name} is being asked", alert.owner)
    if not acted.reachable:
        return Refused("not_ready", f"{to.name} is not signed in, or takes no calls", alert.owner)
    after = replace(touched(alert, now), transfer_to=to, transfer_at=now)
    rings: tuple[Effect, ...] = (PhoneParty(alert.id, f"operator:{to.id}", "transfer", to.name),)
    data = {"to": to.id, "text": acted.text, "asked": True}
    return Change(after, data, ring=True, effects=rings if policy.rings else ())


def _stays(alert: Alert) -> Alert:
    return replace(alert, transfer_to=None, transfer_at=None)


def _not_asked(alert: Alert) -> Refused:
    return Refused("lost_race", f"{alert.owner.name} has it" if alert.owner else "nobody has it", alert.owner)


def _moves(alert: Alert, to: Operator) -> dict[str, str | None]:
    return {"from": alert.owner.id if alert.owner else None, "to": to.id}


def takes_over(alert: Alert, acted: OperatorActed, now: datetime, _policy: AlertPolicy) -> Change | Refused:
    if alert.transfer_to is None or alert.transfer_to.id != acted.by.id:
        return _not_asked(alert)
    return Change(given_to(alert, acted.by, now), _moves(alert, acted.by) | {"text": acted.text}, ring=True)


def declines(alert: Alert, acted: OperatorActed, _now: datetime, _policy: AlertPolicy) -> Change | Refused:
    kept = alert.owner is not None and alert.owner.id == acted.by.id
    if alert.transfer_to is None or not (kept or alert.transfer_to.id == acted.by.id):
        return _not_asked(alert)
    return Change(_stays(alert), {"to": alert.transfer_to.id, "text": acted.text, "kept": kept}, ring=True)


def is_unanswered(alert: Alert, _due: TimerDue, _now: datetime, _policy: AlertPolicy) -> Change:
    return Change(_stays(alert), {"to": alert.transfer_to.id if alert.transfer_to else None}, ring=True)


def colleague_goes(alert: Alert, gone: ColleagueGone, _now: datetime, _policy: AlertPolicy) -> Change | Refused:
    if alert.transfer_to is None or alert.transfer_to.id != gone.operator:
        return _not_asked(alert)
    return Change(_stays(alert), {"to": gone.operator}, ring=True)


def _asked_by_phone(alert: Alert, report: CallReport) -> Operator | None:
    asked = alert.transfer_to
    return asked if asked and report.party == f"operator:{asked.id}" else None


def picks_up(alert: Alert, report: CallReport, now: datetime, _policy: AlertPolicy) -> Change | Refused:
    """An answered telephone is no yes, but whoever is listening gets the time to press."""
    asked = _asked_by_phone(alert, report)
    if asked is None:
        return _not_asked(alert)
    return Change(replace(alert, transfer_at=now), report.details() | {"to": asked.id})


def takes_over_by_phone(alert: Alert, report: CallReport, now: datetime, _policy: AlertPolicy) -> Change | Refused:
    asked = _asked_by_phone(alert, report)
    if asked is None:
        return _not_asked(alert)
    return Change(given_to(alert, asked, now), report.details() | _moves(alert, asked), ring=True)


def declines_by_phone(alert: Alert, report: CallReport, _now: datetime, _policy: AlertPolicy) -> Change | Refused:
    asked = _asked_by_phone(alert, report)
    if asked is None:
        return _not_asked(alert)
    return Change(_stays(alert), report.details() | {"to": asked.id}, ring=True)


# identifier, sentence, input, function; in every state in which somebody can have it, and none of them moves it
_ROWS: tuple[tuple[str, str, str, Decide], ...] = (
    ("transfer.taken", "The colleague who was asked takes it over, and is its owner from now on.",
     f"action.{Action.TAKE_OVER}", takes_over),
    ("transfer.declined", "The colleague cannot take it, or its owner keeps it: it stays where it is.",
     f"action.{Action.DECLINE}", declines),
    ("transfer.unanswered", "The colleague did not answer in time: it stays with its owner.",
     f"timer.{TimerKind.TRANSFER}", is_unanswered),
    ("transfer.colleague_gone", "The colleague has left meanwhile: it stays with its owner.",
     "colleague_gone", colleague_goes),
    ("transfer.picked_up", "The colleague's telephone was answered: the time to press 1 begins.",
     "call.picked_up", picks_up),
    ("transfer.taken_by_phone", "The colleague pressed 1, and is its owner from now on.",
     "call.took_over", takes_over_by_phone),
    ("transfer.declined_by_phone", "The colleague pressed no 1: it stays with its owner.",
     "call.not_taken_over", declines_by_phone),
)  # fmt: skip

TRANSFER_TABLE = table((identifier, says, OWNED, key, None, function) for identifier, says, key, function in _ROWS)
