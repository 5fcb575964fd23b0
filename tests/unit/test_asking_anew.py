"""An open alert never stops asking for people: what ends an asking, what begins it anew, and on whom nobody counts."""

from dataclasses import replace
from datetime import datetime

import pytest

from callcenter.alerts.alert_rules import ALERT_TABLE
from callcenter.alerts.effects import AskResponders, Effect, PhoneGroup, PhoneOperator, PhoneResident
from callcenter.alerts.escalation import deadlines
from callcenter.alerts.inputs import Action, AlertInput, CallReport, Deed, ResponderActed, TimerDue, TimerKind
from callcenter.alerts.model import Alert, Kind, State, wants_somebody
from callcenter.alerts.plans import joined, missing
from callcenter.alerts.rules import Change, Refused, decide, table
from config.plans import PlanStep
from tests.unit.test_alert_machine import RINGING, T0, acted, alarm, s

A, B, C = "responder:a", "responder:b", "responder:c"


def after(alert: Alert | None, happened: AlertInput, at: datetime = T0) -> Change:
    decided = decide(ALERT_TABLE, alert, happened, now=at, policy=RINGING)
    assert not isinstance(decided, Refused), decided
    return decided.change


def life(*happened: AlertInput, kind: Kind = Kind.SOS) -> Alert:
    alert = after(None, alarm(kind)).alert
    for number, one in enumerate(happened, start=1):
        alert = after(alert, one, T0 + s(number)).alert
    return alert


def deed(what: Deed, party: str = A, **more: object) -> ResponderActed:
    given: dict = {"proof": "position"} if what is Deed.ARRIVES else {}
    return ResponderActed(what, party, party, **given | more)


def call(what: str, party: str = A) -> CallReport:
    return CallReport(what, f"C-{party}", party, party, role="elder" if what in ("silent", "reached") else "responder")


def due(alert: Alert, kind: TimerKind) -> Change:
    at = deadlines(alert, RINGING)[kind]
    return after(alert, TimerDue(kind, at), at)


def asks(effects: tuple[Effect, ...]) -> bool:
    return any(isinstance(effect, AskResponders) for effect in effects)


CAME = (deed(Deed.ACCEPTS), deed(Deed.ARRIVES), deed(Deed.DONE))
STAYED = CAME[:2]


# -- the ladder


def test_after_its_last_rung_the_ladder_rings_all_its_telephones_in_every_turn() -> None:
    alert = life()
    for _ in RINGING.ladder("sos").rungs:
        alert = due(alert, TimerKind.RUNG).alert
    for _ in range(60):
        again = due(alert, TimerKind.RUNG)
        groups = [effect.group for effect in again.effects if isinstance(effect, PhoneGroup)]
        assert groups == ["overflow_group", "duty_manager", "keyholders_and_neighbours"]
        assert PhoneOperator("A1") in again.effects
        assert AskResponders("A1", again=True) in again.effects
        alert = again.alert


@pytest.mark.parametrize("kind", [Kind.SERVICE, Kind.OFFLINE, Kind.BATTERY])
def test_what_is_no_emergency_rings_consoles_only(kind: Kind) -> None:
    alert = life(kind=kind)
    for _ in range(5):
        again = due(alert, TimerKind.RUNG)
        assert again.effects == ()
        alert = again.alert


# -- who came, and left


@pytest.mark.parametrize("way", [CAME, STAYED])
@pytest.mark.parametrize("before", [Kind.SOS, Kind.SERVICE])
def test_whoever_came_for_one_press_does_not_go_for_the_next(before: Kind, way: tuple[AlertInput, ...]) -> None:
    alert = life(*way, kind=before)
    joins = after(alert, alarm(Kind.FALL), T0 + s(18_000))
    assert {PhoneResident("A1"), PhoneOperator("A1")} <= set(joins.effects)
    new = joins.alert
    assert (new.responder, new.arrived_at, new.waves, new.reopened_at) == ("", None, 0, T0 + s(18_000))
    assert asks(after(new, call("not_reached", "resident:r-1"), T0 + s(18_025)).effects)


@pytest.mark.parametrize("way", [CAME, STAYED])
def test_an_operator_who_sends_somebody_after_one_has_come_has_people_asked(way: tuple[AlertInput, ...]) -> None:
    sends = after(life(*way, acted(Action.CLAIM)), acted(Action.DISPATCH), T0 + s(60))
    assert asks(sends.effects)
    assert wants_somebody(sends.alert)
    assert sends.alert.state is State.HELPING


def test_who_is_on_the_way_is_kept_when_they_press_again() -> None:
    alert = life(deed(Deed.ACCEPTS))
    again = after(alert, alarm(Kind.FALL), T0 + s(60))
    assert again.alert.responder == A
    assert not asks(again.effects)


def test_a_press_after_everybody_was_asked_in_vain_asks_again_once() -> None:
    alert = life(call("not_reached", "resident:r-1"))
    while alert.asked_at:
        alert = due(alert, TimerKind.NEXT_WAVE).alert
    pressed = after(alert, alarm(), T0 + s(900))
    assert AskResponders("A1", again=True) in pressed.effects
    assert not asks(after(pressed.alert, alarm(), T0 + s(901)).effects), "they are being asked"


def test_who_is_done_goes_no_more_and_that_they_came_stays_done() -> None:
    steps = tuple(
        PlanStep(fact, fact, fact, required=True, done_by=(fact,)) for fact in ("sent", "accepted", "arrived")
    )
    alert = replace(life(), plan=joined(steps))
    for number, one in enumerate(CAME):
        alert = after(alert, one, T0 + s(number)).alert
    assert (alert.responder, missing(alert)) == ("", ())


# -- a search begins


def test_a_wander_that_joins_asks_for_people_who_look_whoever_was_asked_before() -> None:
    alert = life(call("not_reached", "resident:r-1"), deed(Deed.ACCEPTS, B))
    lost = after(alert, alarm(Kind.WANDER), T0 + s(600))
    assert asks(lost.effects)
    assert (lost.alert.searching, lost.alert.waves, lost.alert.responder) == (True, 1, "")
    assert lost.alert.reopened_at == T0 + s(600)


# -- reopened


def test_a_reopened_alert_knows_nothing_of_what_was_before() -> None:
    silent = (acted(Action.CLAIM), call("silent"), call("reached"), *STAYED)
    alert = replace(life(*silent), astray_at=T0, found_at=T0, call_backs=3)
    alert = after(alert, acted(Action.RESOLVE), T0 + s(60)).alert
    alert = after(alert, acted(Action.REOPEN), T0 + s(172_800)).alert
    assert not alert.searching
    assert (alert.reached_at, alert.silent_at, alert.call_backs) == (None, None, 0)
    assert deadlines(alert, RINGING).keys() == {TimerKind.CLAIM_IDLE}


def test_whoever_was_never_found_is_lost_still_when_it_was_not_over() -> None:
    alert = life(acted(Action.CLAIM), acted(Action.RESOLVE), kind=Kind.WANDER)
    alert = after(alert, acted(Action.REOPEN), T0 + s(600)).alert
    assert alert.searching
    assert wants_somebody(alert)


def test_silence_after_they_were_reached_begins_the_call_backs_anew() -> None:
    alert = life(call("silent"))
    for _ in RINGING.call_backs_s:
        alert = due(alert, TimerKind.CALL_BACK).alert
    assert TimerKind.CALL_BACK not in deadlines(alert, RINGING)
    alert = after(alert, call("reached"), T0 + s(300)).alert
    alert = after(alert, call("silent"), T0 + s(600)).alert
    assert deadlines(alert, RINGING)[TimerKind.CALL_BACK] == T0 + s(600 + RINGING.call_backs_s[0])


# -- more help


def test_saying_again_that_more_help_is_needed_uses_no_wave_up_and_rings() -> None:
    alert = life(*STAYED, deed(Deed.NEEDS_MORE))
    for number in range(16):
        more = after(alert, deed(Deed.NEEDS_MORE), T0 + s(10 + number))
        assert (more.ring, more.alert.waves, asks(more.effects)) == (True, 1, False)
        alert = more.alert
    assert TimerKind.NEXT_WAVE in deadlines(alert, RINGING)
    while alert.asked_at:
        alert = due(alert, TimerKind.NEXT_WAVE).alert
    assert asks(after(alert, deed(Deed.NEEDS_MORE), T0 + s(900)).effects), "whoever says so is heard"


def test_who_comes_to_help_before_the_first_one_is_no_longer_awaited() -> None:
    alert = life(deed(Deed.ACCEPTS), deed(Deed.NEEDS_MORE), deed(Deed.ACCEPTS, C), deed(Deed.ARRIVES, C))
    assert (alert.responder, alert.more_by) == (C, None)
    assert TimerKind.MORE not in deadlines(alert, RINGING)


def test_who_comes_as_expected_leaves_their_help_awaited() -> None:
    alert = life(deed(Deed.ACCEPTS), deed(Deed.NEEDS_MORE), deed(Deed.ACCEPTS, C), deed(Deed.ARRIVES))
    assert alert.responder == A
    assert TimerKind.MORE in deadlines(alert, RINGING)


@pytest.mark.parametrize(("helps", "late", "asked"), [(True, False, True), (True, True, False), (False, False, False)])
def test_only_whoever_is_counted_on_leaves_a_gap_when_they_cannot(helps: bool, late: bool, asked: bool) -> None:
    more = (deed(Deed.NEEDS_MORE), deed(Deed.ACCEPTS, B)) if helps else ()
    gone = after(life(deed(Deed.ACCEPTS), *more), deed(Deed.CANNOT, B, late=late), T0 + s(60))
    assert asks(gone.effects) == asked
    assert bool(gone.alert.more_at) == asked


# -- at the door, by word only


def test_a_word_without_a_proof_changes_no_deadline() -> None:
    alert = life(deed(Deed.ACCEPTS))
    said = after(alert, deed(Deed.SAYS_THERE), T0 + s(60)).alert
    assert deadlines(said, RINGING) == deadlines(alert, RINGING)


# -- the table


def test_two_rules_for_one_pair_are_refused_when_the_table_is_built() -> None:
    row = ("a.b", "Says.", (State.WAITING,), "alarm", None, lambda *_: Refused("", ""))
    for rows, others in (((row, row), ()), ((row,), (table((row,)),)), ((), (table((row,)), table((row,))))):
        with pytest.raises(ValueError, match="two rules"):
            table(rows, *others)
