"""A carrier that cannot say whether it rings: the call is given up in time, nobody rings beside it, and what lives
after all is ended, unless somebody in need has answered it (docs/adr/0014)."""

from datetime import timedelta

import pytest
from hypothesis import given, settings, strategies as st

from callcenter.alerts.alert_rules import ALERT_TABLE
from callcenter.alerts.call_ends import NO_NEWS, may_ring
from callcenter.alerts.call_inputs import (
    CallDue,
    CallInput,
    Dialling,
    HangUpWanted,
    Heard,
    News,
    NotFound,
    Placed,
    PlacingUnknown,
)
from callcenter.alerts.call_model import Call, CallOutcome, CallState, Role
from callcenter.alerts.call_rules import DIAL_S, CallDecided, decide_call
from callcenter.alerts.effects import AskResponders, EndCall, FindCall, PhoneOperator, PlaceCall
from callcenter.alerts.inputs import CallReport
from callcenter.alerts.model import Alert, Kind, State, Subject
from callcenter.alerts.rules import Decided, Refused, decide
from config import policies
from tests.unit.test_call_machine import POLICY, T0, call, lived, s

WITHIN_S = 10.0  # telephony.md: the next gateway within 10 s
SWEEP_S = 1.0  # a deadline is seen so much later at most (handlers/timers.py)


def given_up(dialogue: str = "resident") -> Call:
    """Asked at 0, hung for 4 s, looked for in vain."""
    asked = lived(call(dialogue), (0, Dialling("one")), (4, PlacingUnknown("one", "OutcomeUnknown")))
    return lived(asked, (6, CallDue(T0)), (9, CallDue(T0)))


# -- one life of such a call, with all that may happen in between


class Life:
    """Deadlines fire when they are due, late by up to a sweep; whatever else happens is drawn."""

    def __init__(self, dialogue: str, data: st.DataObject) -> None:
        self.call, self.data, self.now = call(dialogue), data, T0
        self.ended, self.rung_again, self.looked, self.told = 0, 0, 0, list[str]()

    def take(self, happened: CallInput) -> bool:
        decided = decide_call(self.call, happened, now=self.now, policy=POLICY)
        if not isinstance(decided, CallDecided):
            return False
        effects = decided.change.effects
        self.call = decided.change.call
        self.ended += sum(isinstance(one, EndCall) for one in effects)
        self.looked += sum(isinstance(one, FindCall) for one in effects)
        self.rung_again += sum(isinstance(one, PlaceCall) for one in effects)
        self.told += [decided.change.report.what] if decided.change.report else []
        return True

    def sweep(self) -> None:
        """Until nothing is due any more, or the carrier has said something."""
        while self.call.state is CallState.UNKNOWN:
            assert self.call.due is not None
            late = self.data.draw(st.sampled_from((0.0, 0.4, SWEEP_S)), label="swept late")
            self.now = max(self.now, self.call.due) + s(late)
            assert self.take(CallDue(self.call.due))


@given(
    data=st.data(),
    dialogue=st.sampled_from(("resident", "welfare", "offer", "duty", "operator")),
    took_s=st.one_of(st.none(), st.floats(0, DIAL_S)),
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_it_is_given_up_within_10_s_and_the_alert_hears_of_it_once(
    data: st.DataObject, dialogue: str, took_s: float | None
) -> None:
    """`took_s`: until the request's answer was known to be lost; None: whoever sent it has died."""
    life = Life(dialogue, data)
    assert life.take(Dialling("one"))
    if took_s is not None:
        life.now += s(took_s)
        assert life.take(PlacingUnknown("one", "OutcomeUnknown"))
    life.sweep()
    assert (life.call.outcome, life.call.cause, life.told) == (CallOutcome.BY_HAND, NO_NEWS, ["by_hand"])
    assert life.looked == 1, "and each look asks several times (line.LOOK_AGAIN_S)"
    assert life.rung_again == 0
    assert life.now - T0 <= s(WITHIN_S), "also when each deadline is seen late"


@given(
    data=st.data(),
    dialogue=st.sampled_from(("resident", "offer", "operator")),
    what=st.sampled_from((News.QUEUED, News.RINGING, News.ANSWERED, News.JOINED)),
    by=st.sampled_from(("callback", "look")),
    unwanted=st.booleans(),
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_what_lives_after_all_is_ended_and_who_needs_somebody_is_not_cut_off(
    data: st.DataObject, dialogue: str, what: News, by: str, unwanted: bool
) -> None:
    life = Life(dialogue, data)
    life.take(Dialling("one"))
    if unwanted:
        life.take(HangUpWanted("somebody_goes"))
    life.sweep()
    assert life.take(Heard(what, life.now, "CA1"))
    if by == "look":  # which names it too, in whichever order that is told
        life.take(Placed("one", "CA1"))
    kept = dialogue == "resident" and not unwanted and what in (News.ANSWERED, News.JOINED)
    assert life.ended == (0 if kept else 1)
    assert ("caller_waits" in life.told) == kept
    assert life.call.over, "it revives nothing"
    assert life.rung_again == 0


def test_that_the_carrier_knows_nothing_of_it_comes_too_late_for_another_gateway() -> None:
    late = decide_call(given_up(), NotFound("one", T0 + s(9.2)), now=T0 + s(9.5), policy=POLICY)
    assert isinstance(late, Refused), "the alert has gone on; two orders for one telephone would cross"


def test_its_telephone_is_rung_by_nobody_else_for_a_minute() -> None:
    unsure, sure = given_up(), lived(call("resident"), (0, Dialling("one")), (1, Placed("one", "CA1")))
    assert may_ring(unsure, T0 + s(POLICY.reconcile_s - 1), POLICY)
    assert not may_ring(unsure, T0 + s(POLICY.reconcile_s), POLICY)
    assert not may_ring(sure, T0 + s(5), POLICY), "of that one everything is known"


# -- what the alert does

AGES = policies.read()
WAITING = Alert(id="A1", subject=Subject("r:1", "bracelet-1", "r-1", None, "王", "村"), kind=Kind.SOS,
                state=State.WAITING, opened_at=T0, last_press_at=T0, waiting_since=T0, rung_at=T0)  # fmt: skip


def reacts(alert: Alert, role: Role, dialogue: str, reason: str = NO_NEWS) -> Decided:
    report = CallReport("by_hand", "C1", "p:1", "Chen", reason, role=role.value, dialogue=dialogue)
    decided = decide(ALERT_TABLE, alert, report, now=T0 + timedelta(seconds=9), policy=AGES)
    assert isinstance(decided, Decided)
    return decided


@pytest.mark.parametrize(
    ("role", "dialogue", "effects"),
    [
        (Role.ELDER, "resident", (AskResponders("A1", again=True),)),
        (Role.OPERATOR, "operator", (PhoneOperator("A1"),)),
        (Role.RESPONDER, "offer", (AskResponders("A1", 1),)),
        (Role.FAMILY, "search", (AskResponders("A1", 1),)),
        (Role.RESPONDER, "consult", ()),
        (Role.RESPONDER, "search_over", ()),
        (Role.FAMILY, "callback", ()),
        (Role.DUTY, "duty", ()),
        (Role.GUEST, "consult", ()),
    ],
)
def test_the_alert_goes_on_with_somebody_else_and_people_are_told(
    role: Role, dialogue: str, effects: tuple[object, ...]
) -> None:
    """Only whoever was asked to go has somebody else asked in their place, whoever else they are."""
    decided = reacts(WAITING, role, dialogue)
    assert (decided.rule, decided.change.ring, decided.change.effects) == ("call.by_hand", True, effects)
    assert reacts(WAITING, role, dialogue, "no_gateway").change.effects == (), (
        "no carrier at all: there is nobody to ask with"
    )
