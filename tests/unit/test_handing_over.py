"""Handing an alert over and bringing somebody in: the rules, and what may happen at the same time."""

from dataclasses import replace
from datetime import datetime
from itertools import product

import pytest

from callcenter.alerts.alert_rules import ALERT_TABLE
from callcenter.alerts.call_inputs import Agreed, HangUpWanted, News, NotPlaced
from callcenter.alerts.call_model import Answer, CallOutcome, CallState, Role
from callcenter.alerts.effects import Effect, HangUpColleague, PhoneParty
from callcenter.alerts.inputs import Action, AlarmRaised, AlertInput, CallReport, ColleagueGone, TimerDue, TimerKind
from callcenter.alerts.model import Alert, Kind, Operator, State
from callcenter.alerts.operator_rules import possible_actions
from callcenter.alerts.rules import Change, Decided, Refused, decide
from callcenter.alerts.transfer_rules import TRANSFER_TABLE
from tests.unit.test_alert_machine import (
    ANNA,
    BERT,
    CHIEF,
    OWNED,
    POLICY,
    RINGING,
    SUBJECT,
    T0,
    acted,
    alarm,
    deadlines,
    in_state,
    s,
    steps,
)
from tests.unit.test_call_machine import ask as ask_call, call, change as call_change, ended, heard

CARL = Operator("carl", "Carl")
RINGS_BERT = PhoneParty("A1", "operator:bert", "transfer", "Bert")


def decided(alert: Alert, happened: AlertInput, at: float, *, rings: bool = True) -> Change | Refused:
    policy = RINGING if rings else POLICY
    outcome = decide(ALERT_TABLE, alert, happened, now=T0 + s(at), policy=policy)
    return outcome.change if isinstance(outcome, Decided) else outcome


def done(alert: Alert, happened: AlertInput, at: float, *, rings: bool = True) -> Change:
    change = decided(alert, happened, at, rings=rings)
    assert isinstance(change, Change), change
    return change


def by_phone(what: str, who: Operator = BERT) -> CallReport:
    return CallReport(what, "C1", f"operator:{who.id}", who.name, role="operator")


def asked(state: State = State.CLAIMED, at: float = 2) -> Alert:
    """Anna has it and asks Bert."""
    return done(in_state(state), acted(Action.TRANSFER), at).alert


def due(alert: Alert) -> datetime | None:
    return deadlines(alert, POLICY).get(TimerKind.TRANSFER)


YES: tuple[AlertInput, ...] = (acted(Action.TAKE_OVER, BERT), by_phone("took_over"))
NO: tuple[AlertInput, ...] = (
    acted(Action.DECLINE, BERT),
    acted(Action.DECLINE, ANNA),
    by_phone("not_taken_over"),
    TimerDue(TimerKind.TRANSFER, T0 + s(22)),
    ColleagueGone(BERT.id),
)


@pytest.mark.parametrize("state", OWNED)
def test_a_colleague_is_asked_and_the_owner_stays_the_owner(state: State) -> None:
    change = done(in_state(state), acted(Action.TRANSFER), 2)
    assert (change.alert.owner, change.alert.state, change.alert.transfer_to) == (ANNA, state, BERT)
    assert change.effects == (RINGS_BERT,)
    assert due(change.alert) == T0 + s(22)
    assert done(in_state(state), acted(Action.TRANSFER), 2, rings=False).effects == (), "on the console alone"


@pytest.mark.parametrize(("state", "yes"), [*product(OWNED, YES)])
def test_whoever_says_yes_has_it_in_that_moment(state: State, yes: AlertInput) -> None:
    change = done(asked(state), yes, 9)
    assert (change.alert.owner, change.alert.state, change.alert.transfer_to) == (BERT, state, None)
    assert change.effects == (PhoneParty("A1", "operator:bert", "operator", "Bert"),), "into the room"
    assert change.data["from"] == "anna"
    assert due(change.alert) is None
    assert done(asked(state), yes, 9, rings=False).effects == ()


@pytest.mark.parametrize(("state", "no"), [*product(OWNED, NO)])
def test_without_a_yes_it_stays_and_everybody_is_told(state: State, no: AlertInput) -> None:
    change = done(asked(state), no, 22)
    assert (change.alert.owner, change.alert.state, change.alert.transfer_to) == (ANNA, state, None)
    assert change.effects == (HangUpColleague("A1"),)
    assert change.ring
    assert change.data["to"] == "bert"
    assert due(change.alert) is None


@pytest.mark.parametrize(("late", "first"), [*product(YES, NO)])
def test_a_yes_that_comes_too_late_gives_nobody_anything(late: AlertInput, first: AlertInput) -> None:
    kept = done(asked(), first, 8).alert
    refused = decided(kept, late, 8.1)
    assert isinstance(refused, Refused)
    assert refused.code == "lost_race"


def test_picking_up_is_no_yes_but_gives_the_time_to_press() -> None:
    heard_them = done(asked(), by_phone("picked_up"), 20)
    assert heard_them.alert.owner == ANNA
    assert due(heard_them.alert) == T0 + s(40)
    assert isinstance(decided(asked(), by_phone("picked_up", CARL), 20), Refused)


def test_two_hand_overs_at_once() -> None:
    """The second one to be decided hears who is asked already; and only who is asked can answer."""
    refused = decided(asked(), acted(Action.TRANSFER, to=CARL), 2.1)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.owner) == ("asked_already", ANNA)
    for wrong in (acted(Action.TAKE_OVER, CARL), acted(Action.DECLINE, CARL), by_phone("took_over", CARL),
                  by_phone("not_taken_over", CARL), ColleagueGone(CARL.id)):  # fmt: skip
        assert isinstance(decided(asked(), wrong, 3), Refused), wrong


def test_who_is_not_there_is_not_asked() -> None:
    refused = decided(in_state(State.CLAIMED), acted(Action.TRANSFER, reachable=False), 2)
    assert isinstance(refused, Refused)
    assert refused.code == "not_ready"
    oneself = decided(in_state(State.CLAIMED), acted(Action.TRANSFER, to=ANNA), 2)
    assert isinstance(oneself, Refused)
    assert oneself.code == "missing"


ENDS: tuple[tuple[AlertInput, State, Operator | None], ...] = (
    (acted(Action.RESOLVE), State.RESOLVED, ANNA),
    (acted(Action.RELEASE), State.WAITING, None),
    (acted(Action.TRANSFER, CHIEF, to=CARL), State.CLAIMED, CARL),
    (TimerDue(TimerKind.CLAIM_IDLE, T0 + s(5)), State.WAITING, None),
    (TimerDue(TimerKind.OWNER_GONE, T0 + s(5)), State.WAITING, None),
)


@pytest.mark.parametrize(("happened", "state", "owner"), ENDS)
def test_what_takes_it_from_its_owner_ends_the_request(
    happened: AlertInput, state: State, owner: Operator | None
) -> None:
    """No rule says so itself: it holds for rules that do not exist yet."""
    change = done(asked(), happened, 5)
    assert (change.alert.state, change.alert.owner, change.alert.transfer_to) == (state, owner, None)
    assert HangUpColleague("A1") in change.effects
    for yes in YES:
        assert isinstance(decided(change.alert, yes, 5.1), Refused)


def test_a_technical_alert_that_becomes_an_emergency_rings_for_everybody() -> None:
    service = done(in_state(State.CLAIMED, Kind.SERVICE), acted(Action.TRANSFER), 2).alert
    change = done(service, AlarmRaised("A1", SUBJECT, Kind.FALL, ref="m-9"), 3)
    assert (change.alert.state, change.alert.transfer_to) == (State.WAITING, None)
    assert HangUpColleague("A1") in change.effects


def test_a_supervisor_gives_it_to_whoever_is_asked_already() -> None:
    change = done(asked(), acted(Action.TRANSFER, CHIEF, to=BERT), 3)
    assert (change.alert.owner, change.alert.transfer_to) == (BERT, None)
    assert PhoneParty("A1", "operator:bert", "operator", "Bert") in change.effects


def test_help_goes_on_meanwhile() -> None:
    for happened in (alarm(), acted(Action.DISPATCH), acted(Action.HAND_OVER), acted(Action.NOTE)):
        change = done(asked(), happened, 5)
        assert (change.alert.owner, change.alert.transfer_to) == (ANNA, BERT), happened
        assert done(change.alert, YES[1], 6).alert.owner == BERT


def test_an_answer_is_as_right_after_another_press() -> None:
    pressed = done(asked(), alarm(), 5).alert
    for action in (Action.TAKE_OVER, Action.DECLINE):
        assert isinstance(decided(pressed, acted(action, BERT, version=1), 6), Change)


def test_the_console_offers_the_answers_to_whom_they_belong() -> None:
    offered = {who.id: {*possible_actions(asked(), who)} for who in (ANNA, BERT, CARL)}
    answers = {Action.TAKE_OVER, Action.DECLINE}
    assert {who: actions & answers for who, actions in offered.items()} == {
        "anna": {Action.DECLINE}, "bert": answers, "carl": set(),
    }  # fmt: skip


def test_whatever_happens_who_is_asked_is_asked_by_its_owner_and_for_a_time() -> None:
    """Over every alert the walk comes to; and no step of a hand-over leaves anybody's alert to nobody."""
    waiting = [step.after for step in steps() if step.after.transfer_to]
    assert waiting
    for alert in waiting:
        assert alert.owner
        assert alert.state in OWNED
        assert due(alert)
    moved = [step for step in steps() if step.decided.rule.startswith("transfer.")]
    assert {step.decided.rule for step in moved} == {one.id for one in TRANSFER_TABLE.values()}
    assert all(step.before and step.before.owner and step.after.owner for step in moved)


# -- bringing somebody in


def brought(**more: object) -> tuple[Effect, ...]:
    return done(in_state(State.CLAIMED), acted(Action.BRING_IN, **more), 2).effects


def test_one_person_or_one_number_is_brought_in() -> None:
    assert brought(party="contact:c-1") == (PhoneParty("A1", "contact:c-1", "consult"),)
    assert brought(party="", number="120", person="120") == (PhoneParty("A1", "", "consult", "120", "120"),)
    for wrong in ({"party": ""}, {"party": "contact:c-1", "number": "120"}):
        refused = decided(in_state(State.CLAIMED), acted(Action.BRING_IN, **wrong), 2)
        assert isinstance(refused, Refused)
        assert refused.code == "missing"
    assert isinstance(decided(in_state(State.CLAIMED), acted(Action.BRING_IN, BERT), 2), Refused)


def test_a_typed_number_stands_nowhere_in_clear() -> None:
    more = {"party": "", "number": "+8663112345"}
    for rings in (True, False):
        change = done(in_state(State.CLAIMED), acted(Action.BRING_IN, **more), 2, rings=rings)
        assert "+8663112345" not in str(change.data)
    assert "+8663112345" not in str(change.effects), "without a carrier the wish is stored as it is"


# -- the telephones of both


RINGS = call("transfer", state=CallState.RINGING, gateway="one", provider_ref="CA1", placed_at=T0)
PICKED_UP = call_change(RINGS, heard(News.ANSWERED))


def test_an_answered_telephone_tells_that_somebody_listens_and_no_more() -> None:
    assert PICKED_UP.report is not None
    assert (PICKED_UP.report.what, PICKED_UP.call.answer, PICKED_UP.call.step) == ("picked_up", None, "transfer")


@pytest.mark.parametrize(
    ("digits", "what", "answer"),
    [("1", "took_over", Answer.ACCEPTED), ("2", "not_taken_over", Answer.DECLINED), ("3", None, None),
     ("9", None, None), (None, None, None), ("", None, None)],
)  # fmt: skip
def test_only_the_key_1_takes_over(digits: str | None, what: str | None, answer: Answer | None) -> None:
    change = call_change(PICKED_UP.call, heard(News.INPUT, step="transfer", digits=digits))
    assert (change.report and change.report.what, change.call.answer) == (what, answer)


def test_who_has_said_yes_on_the_console_is_asked_nothing() -> None:
    agreed = call_change(RINGS, Agreed()).call
    answered = call_change(agreed, heard(News.ANSWERED))
    assert (answered.call.step, answered.call.answer, answered.report) == ("", Answer.ACCEPTED, None)
    assert not isinstance(ask_call(PICKED_UP.call, Agreed()), Refused), "in the middle of the question too"
    for other in (call(state=CallState.RINGING), replace(RINGS, hang_up_at=T0), replace(RINGS, answer=Answer.DECLINED)):
        assert isinstance(ask_call(other, Agreed()), Refused)


def test_a_yes_that_crosses_with_the_end_of_the_request_hears_so() -> None:
    unwanted = call_change(PICKED_UP.call, HangUpWanted("stays")).call
    late = call_change(unwanted, heard(News.INPUT, step="transfer", digits="1"))
    assert (late.call.answer, late.report) == (Answer.TOO_LATE, None)


@pytest.mark.parametrize("dialogue", ["transfer", "consult"])
@pytest.mark.parametrize("outcome", [CallOutcome.BUSY, CallOutcome.NO_ANSWER, CallOutcome.FAILED, CallOutcome.LOST])
def test_who_was_asked_beside_and_does_not_come_changes_nothing(dialogue: str, outcome: CallOutcome) -> None:
    """No other operator is rung for it, and no next responder."""
    rings = replace(RINGS, dialogue=dialogue, role=Role.OPERATOR)
    assert call_change(rings, ended(outcome)).report is None


def test_what_no_carrier_dials_for_an_operator_a_person_dials() -> None:
    typed = call("consult", state=CallState.UNKNOWN, role=Role.AMBULANCE, gateway="one")
    refused = call_change(typed, NotPlaced("one", "NumberRejected"))
    assert refused.call.outcome is CallOutcome.BY_HAND
    assert refused.report is not None
    assert refused.report.what == "by_hand"


@pytest.mark.parametrize("digits", ["1", "2", None])
def test_a_guest_s_key_is_no_yes(digits: str | None) -> None:
    there = call_change(replace(RINGS, dialogue="consult", role=Role.FAMILY), heard(News.ANSWERED))
    assert (there.call.step, there.report) == ("", None)
    assert isinstance(ask_call(there.call, heard(News.INPUT, step="offer", digits=digits)), Refused)
