"""The part of the alert machine's table that telephone calls move: reached, silent, accepted, nobody there."""

from datetime import datetime, timedelta

from callcenter.alerts import search_rules
from callcenter.alerts.call_ends import NO_NEWS
from callcenter.alerts.call_model import Role
from callcenter.alerts.changing import replace
from callcenter.alerts.dialogues import OFFERED
from callcenter.alerts.effects import (
    AskResponders,
    Effect,
    HangUpOthers,
    PhoneGroup,
    PhoneOperator,
    PhoneResident,
    TellDevices,
)
from callcenter.alerts.inputs import CallReport, CallYes, TimerDue, TimerKind
from callcenter.alerts.model import UNRESOLVED, Alert, State, asked, calls_attention, forgets, wants_somebody
from callcenter.alerts.rules import Change, Refused, Row, table
from config.policies import AlertPolicy

AMBULANCE_PRESSES = 3  # a silent alert pressed so often: 120 at once (telephony.md; issue list)


def asks(alert: Alert, now: datetime, *, again: bool = True, up: bool = False) -> tuple[Alert, tuple[Effect, ...]]:
    """Ask (more) people to go, unless enough go already and need nobody else.

    Once everybody has been asked as often as planned, `again` asks them once more (docs/adr/0021). `up`: of the next
    level, whatever time the present one has.
    """
    if not wants_somebody(alert):
        return alert, ()
    return asked(alert, now), (AskResponders(alert.id, again=again, up=up),)


def falls_silent(alert: Alert, now: datetime, policy: AlertPolicy) -> tuple[Alert, tuple[Effect, ...]]:
    """The highest class. The protocol begins, anew if they spoke meanwhile; with a risk or after three presses 120 is
    asked at once."""
    if not policy.rings or (alert.silent_at and not alert.spoke_since):
        return replace(alert, silent=True), ()
    after = replace(alert, silent=True, silent_at=now, call_backs=0)
    group = "ambulance" if alert.press_count >= AMBULANCE_PRESSES else "ambulance_if_at_risk"
    return after, (PhoneGroup(alert.id, group),)


def is_reached(alert: Alert, report: CallReport, now: datetime, _policy: AlertPolicy) -> Change:
    return Change(replace(alert, reached_at=now), report.details())


def says_well(alert: Alert, report: CallReport, now: datetime, _policy: AlertPolicy) -> Change:
    """A mark. A person still speaks to the resident and closes the alert."""
    return Change(replace(alert, reached_at=now), report.details())


def is_silent(alert: Alert, report: CallReport, now: datetime, policy: AlertPolicy) -> Change:
    after, effects = falls_silent(alert, now, policy)
    return Change(after, report.details() | {"priority": after.priority}, ring=True, effects=effects)


def is_not_reached(alert: Alert, report: CallReport, now: datetime, _policy: AlertPolicy) -> Change:
    """Do not wait for that voice: responders are asked at once, if nobody has been asked yet."""
    after, effects = (alert, ()) if alert.waves else asks(alert, now)
    return Change(after, report.details(), ring=True, effects=effects)


def is_accepted(alert: Alert, report: CallReport, now: datetime, policy: AlertPolicy) -> Change | Refused:
    """Key 1 of a telephone. The page's yes is the same claim (responder_rules.py)."""
    return goes(alert, CallYes(report.party, report.name, report.call, report.details()), now, policy)


def goes(alert: Alert, yes: CallYes, now: datetime, policy: AlertPolicy) -> Change | Refused:
    """Somebody goes: everybody else stops ringing in the same transaction. One wins, unless more are wanted."""
    if alert.searching:
        return search_rules.looks(alert, yes, now)
    if not wants_somebody(alert):
        return Refused("lost_race", f"{alert.responder_name or 'somebody'} is going", alert.owner)
    if alert.responder == yes.party:
        return Refused("not_allowed", "they go already", alert.owner)
    told = "responder" if alert.told in ("stored", "operator") else alert.told
    state = State.HELPING if alert.state is State.CLAIMED else alert.state
    after = replace(alert, state=state, asked_at=None, told=told, more_at=None)
    if alert.responder:  # to help who is there: that one stays the one who is
        after = replace(after, more_by=now + timedelta(seconds=policy.arrive_s))
    else:
        after = replace(after, responder=yes.party, responder_name=yes.name, accepted_at=now, arrived_at=None)
    if alert.state is State.CLAIMED:
        after = replace(after, touched_at=now, attention_at=None)
    effects: tuple[Effect, ...] = (HangUpOthers(alert.id, yes.call, yes.party), TellDevices(alert.id, "responder"))
    return Change(after, yes.data, effects=effects)


def is_declined(alert: Alert, report: CallReport, now: datetime, _policy: AlertPolicy) -> Change:
    """The next candidate at once. A duty phone that says no has no next one: it rings for everybody here."""
    if report.role == "duty":
        return Change(alert, report.details(), ring=True)
    return Change(alert, report.details(), effects=asks_one_more(alert))


def asks_one_more(alert: Alert) -> tuple[Effect, ...]:
    return (AskResponders(alert.id, 1),) if wants_somebody(alert) else ()


def operator_is_missed(alert: Alert, report: CallReport, _now: datetime, _policy: AlertPolicy) -> Change:
    """The console still rings; another seat's phone is rung."""
    return Change(alert, report.details(), ring=True, effects=(PhoneOperator(alert.id),))


def is_by_hand(alert: Alert, report: CallReport, now: datetime, _policy: AlertPolicy) -> Change:
    """Nobody may believe that a call was made which was not. Where it may ring, and no carrier says, others are asked
    meanwhile: nobody waits for that voice, and who was rung is rung by nobody else (docs/adr/0014)."""
    effects: tuple[Effect, ...] = ()
    if report.reason == NO_NEWS and report.role == Role.OPERATOR:
        effects = (PhoneOperator(alert.id),)
    elif report.reason == NO_NEWS and report.role == Role.ELDER and not alert.waves:
        alert, effects = asks(alert, now)
    elif report.reason == NO_NEWS and report.dialogue in OFFERED:  # a guest's or a searcher's silence sends nobody
        effects = asks_one_more(alert)
    return Change(alert, report.details(), ring=True, effects=effects)


def is_left_alone(alert: Alert, report: CallReport, now: datetime, _policy: AlertPolicy) -> Change:
    """Its owner's telephone rings, then other operators'. If that was in vain, everybody's, and its owner is asked."""
    effects: tuple[Effect, ...] = (PhoneOperator(alert.id),)
    if report.reason:
        effects += (PhoneGroup(alert.id, "overflow_group"),)
        alert = calls_attention(alert, now)
    return Change(alert, report.details(), ring=True, effects=effects)


def caller_waits(alert: Alert, report: CallReport, _now: datetime, _policy: AlertPolicy) -> Change:
    effects: tuple[Effect, ...] = (PhoneOperator(alert.id), PhoneGroup(alert.id, "overflow_group"))
    return Change(alert, report.details(), ring=True, effects=effects)


def calls_back(alert: Alert, _due: TimerDue, now: datetime, policy: AlertPolicy) -> Change:
    """Two call-backs, then keyholders and neighbours in parallel. Never a closure."""
    after = replace(alert, call_backs=alert.call_backs + 1)
    data = {"step": after.call_backs}
    if after.call_backs < len(policy.call_backs_s):
        return Change(after, data, effects=(PhoneResident(alert.id),))
    effects: tuple[Effect, ...] = (PhoneGroup(alert.id, "keyholders_and_neighbours"),)
    wanted = wants_somebody(alert)
    return Change(asked(after, now) if wanted else after, data, ring=True, effects=effects if wanted else ())


def asks_next_wave(alert: Alert, _due: TimerDue, now: datetime, policy: AlertPolicy) -> Change:
    if alert.waves >= policy.most_waves:
        data = {"waves": alert.waves, "reason": "nobody_left"}
        return Change(replace(alert, asked_at=None), data, ring=True)
    after, effects = asks(alert, now, again=False)
    return Change(after, {"wave": after.waves}, effects=effects)


def nobody_has_come(alert: Alert, _due: TimerDue, now: datetime, policy: AlertPolicy) -> Change:
    """Others are asked; whoever is late may still come, or find them. Its owner is asked, or everybody."""
    who = {"party": alert.responder, "name": alert.responder_name}
    counted = search_rules.not_counted_on(alert, now, policy) if alert.searching else forgets(alert)
    after, effects = asks(counted, now)
    return Change(calls_attention(after, now), who, ring=True, effects=effects)


_OPEN = tuple(UNRESOLVED)
_ROWS: tuple[Row, ...] = (
    ("call.reached", "The resident speaks, or has pressed a key.", _OPEN, "call.reached", None, is_reached),
    ("call.well", "The resident says that all is well: a mark, a person still closes the alert.",
     _OPEN, "call.well", None, says_well),
    ("call.silent", "The line is open and nobody speaks: the highest class; the protocol of a silent call begins.",
     _OPEN, "call.silent", None, is_silent),
    ("call.not_reached", "The resident cannot be reached by telephone: responders are asked at once.",
     _OPEN, "call.not_reached", None, is_not_reached),
    ("call.accepted_waiting", "A responder pressed 1: everybody else stops ringing; an operator is still wanted.",
     (State.WAITING, State.HELPING, State.HANDED_OVER), "call.accepted", None, is_accepted),
    ("call.accepted", "A responder pressed 1: help is on its way, everybody else stops ringing.",
     (State.CLAIMED,), "call.accepted", (State.HELPING,), is_accepted),
    ("call.declined", "A responder cannot go: the next one is asked at once.",
     _OPEN, "call.declined", None, is_declined),
    ("call.no_answer", "Somebody who was asked does not answer: the next one is asked at once.",
     _OPEN, "call.no_answer", None, is_declined),
    ("call.operator_missed", "An operator's phone was not answered: another one rings.",
     _OPEN, "call.operator_missed", None, operator_is_missed),
    ("call.by_hand", "No carrier can ring: a person has to dial.", _OPEN, "call.by_hand", None, is_by_hand),
    ("call.caller_waits", "Somebody rang us and nobody has joined them: more people are asked.",
     tuple(State), "call.caller_waits", None, caller_waits),
    ("call.left_alone", "Whoever they talked to has gone and they are still on the line: somebody is rung again.",
     _OPEN, "call.left_alone", None, is_left_alone),
    ("silent.calls_back", "Nobody spoke: rung again, and at the end somebody is sent.",
     _OPEN, f"timer.{TimerKind.CALL_BACK}", None, calls_back),
    ("help.late", "Who said yes has not come in time: others are asked, they may still come.",
     _OPEN, f"timer.{TimerKind.ARRIVAL}", None, nobody_has_come),
    ("help.asks_next", "Nobody has said yes: the next wave is asked.",
     _OPEN, f"timer.{TimerKind.NEXT_WAVE}", None, asks_next_wave),
)  # fmt: skip

TELEPHONE_TABLE = table(_ROWS)
