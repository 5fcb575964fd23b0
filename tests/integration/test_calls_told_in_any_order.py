"""Calls in, hand-overs and guests through the real handlers on a real store: what is told comes late, twice, in any
order or never, and what the handbook promises holds after each step.
"""

import itertools
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from callcenter import ids
from callcenter.alerts.call_inputs import CallResult, Dialling, Heard, News, NotFound, Placed, PlacingUnknown
from callcenter.alerts.call_model import Answer, Call, CallOutcome, CallState, Direction, Role
from callcenter.alerts.dialogues import ASKING, NEEDING
from callcenter.alerts.effects import EndStray
from callcenter.alerts.escalation import deadlines
from callcenter.alerts.inputs import Action
from callcenter.alerts.model import EMERGENCIES, OPEN, UNRESOLVED, Alert, Outcome
from callcenter.alerts.offer_model import ASKED, OfferState
from callcenter.ports import CallWanted
from callcenter.storage.prepared import Prepared
from tests.integration.office import ANN, BEN
from tests.integration.switchboard import POLICY, YES, Leg, Rows, Switchboard
from tests.telephone.exchange import CHANCE, DAUGHTER, HOTLINE, NEIGHBOURS, RESIDENT, SOS_NUMBER, fill

CALLERS = (RESIDENT, DAUGHTER, NEIGHBOURS[0], CHANCE, "")
ACTIONS = (Action.DISPATCH, Action.DISPATCH, Action.OFFER_NEXT, Action.CALL_CONTACT, Action.RELEASE, Action.RESOLVE)
LIFE = (News.QUEUED, News.RINGING, News.ANSWERED, News.ENDED)
OUTCOMES = (CallOutcome.ANSWERED, CallOutcome.BUSY, CallOutcome.NO_ANSWER, CallOutcome.REJECTED)
GUESTS = ({"number": CHANCE, "person": "guest"}, {"party": "contact:c-2"}, {"party": f"operator:{BEN.id}"})
SHARED = Path("/dev/shm")


class Village:
    """A registry that is copied for each life, and ids that are the same each time."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.template, self.lives = directory / "village.db", itertools.count(1)
        fill(f"sqlite:///{self.template}")

    def switchboard(self) -> Switchboard:
        return Switchboard(self.template, self.directory / f"{next(self.lives)}.db")


VILLAGE: list[Village] = []


@pytest.fixture(scope="module", autouse=True)
def village() -> Iterator[None]:
    place = str(SHARED) if SHARED.is_dir() and os.access(SHARED, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as directory, pytest.MonkeyPatch.context() as patched:
        counted = itertools.count(1)
        patched.setattr(ids, "os", SimpleNamespace(urandom=lambda n: next(counted).to_bytes(n)))
        VILLAGE.append(Village(Path(directory)))
        yield
        VILLAGE.clear()


class Calls(RuleBasedStateMachine):
    """One village, two operators, two carriers."""

    def __init__(self) -> None:
        super().__init__()
        self.board = VILLAGE[0].switchboard()
        self.before: dict[str, Call] = {}
        self.agreed: set[str] = set()  # alerts whose hand-over was said yes to on a console

    @initialize(caller=st.sampled_from(CALLERS), dialled=st.sampled_from((HOTLINE, SOS_NUMBER)))
    def begins(self, caller: str, dialled: str) -> None:
        """Somebody rings us; the other classes begin in the middle, or few lives would come there."""
        self.somebody_rings_us(caller, dialled, "comes")

    # -- people

    @rule(
        caller=st.sampled_from(CALLERS),
        dialled=st.sampled_from((HOTLINE, SOS_NUMBER)),
        first=st.sampled_from(("comes", "comes twice", "is late", "is lost")),
    )
    def somebody_rings_us(self, caller: str, dialled: str, first: str) -> None:
        leg = self.board.rings(caller, dialled)
        if first != "is late":
            one = self.board.post.pop()
            for _ in range({"comes": 1, "comes twice": 2}.get(first, 0)):
                self.board.deliver(*one)
                self.an_open_alert_has(leg)

    def an_open_alert_has(self, leg: Leg) -> None:
        rows = self.board.rows()
        [call] = [one for one in rows.calls.values() if one.provider_ref == leg.ref]
        alert = rows.alerts[call.alert_id or ""]
        assert alert.state in UNRESOLVED
        assert alert.kind in EMERGENCIES or leg.dialled != SOS_NUMBER

    @rule(msg=st.sampled_from(("first", "second", "third")))
    def sos_is_pressed(self, msg: str) -> None:
        self.board.press(msg)

    def an_alert(self, data: st.DataObject) -> Alert | None:
        """One that somebody has: most of what people do is done by its owner."""
        found = [one for one in self.board.rows().alerts.values() if one.state in UNRESOLVED]
        if not found:
            return None
        alert = data.draw(st.sampled_from(sorted(found, key=lambda one: one.id)))
        if alert.owner is None:
            self.board.act(alert.id, Action.CLAIM, ANN)
        return self.board.rows().alerts[alert.id]

    @rule(data=st.data(), action=st.sampled_from(ACTIONS))
    def its_owner_acts(self, data: st.DataObject, action: Action) -> None:
        if alert := self.an_alert(data):
            more = {"outcome": Outcome.FALSE_ALARM.value, "contact": "c-1"}
            self.board.act(alert.id, action, alert.owner or ANN, **more)

    @rule(data=st.data(), then=st.sampled_from(("rings", "picks up", "is late")))
    def a_colleague_is_asked(self, data: st.DataObject, then: str) -> None:
        alert = self.an_alert(data)
        if alert and alert.owner:
            self.board.consoles_are_there()
            self.board.act(alert.id, Action.TRANSFER, alert.owner, to=BEN if alert.owner.id == ANN.id else ANN)
            if then != "is late":
                self.board.settle(rounds=1 if then == "rings" else 2)

    @rule(data=st.data(), action=st.sampled_from((Action.TAKE_OVER, Action.DECLINE)))
    def the_colleague_answers_on_the_console(self, data: st.DataObject, action: Action) -> None:
        alert = self.an_alert(data)
        if alert and alert.transfer_to:
            self.board.act(alert.id, action, alert.transfer_to)
            if action is Action.TAKE_OVER:
                self.agreed.add(alert.id)

    @rule(data=st.data(), who=st.sampled_from(GUESTS), settles=st.booleans())
    def somebody_is_brought_in(self, data: st.DataObject, who: dict[str, str], settles: bool) -> None:
        if alert := self.an_alert(data):
            self.board.act(alert.id, Action.BRING_IN, alert.owner or ANN, **who)
            if settles:
                self.board.settle(rounds=3)

    @rule(data=st.data(), action=st.sampled_from(("hang_up", "hang_up", "hold", "unhold")))
    def an_operator_changes_a_leg(self, data: st.DataObject, action: str) -> None:
        living = sorted(one.id for one in self.board.rows().calls.values() if not one.over)
        if living:
            self.board.submit(CallWanted(data.draw(st.sampled_from(living)), action, ANN))

    # -- telephones

    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def a_leg_goes_on(self, data: st.DataObject, outcome: CallOutcome) -> None:
        alive = [leg for leg in self.board.legs if leg.alive]
        if not alive:
            return
        leg = data.draw(st.sampled_from(alive))
        phase = data.draw(st.sampled_from(LIFE[LIFE.index(leg.phase) + 1 :]))
        if phase is News.ENDED:
            self.board.ends(leg, CallOutcome.ANSWERED if leg.phase is News.ANSWERED else outcome)
        else:
            leg.phase = phase
            self.board.tell(leg, phase)

    @rule(data=st.data(), key=st.sampled_from(("1", "1", "2", "3", None)), times=st.integers(0, 2))
    def a_key_is_pressed(self, data: st.DataObject, key: str | None, times: int) -> None:
        """And is told at once so often, or only later."""
        asked = [leg for leg in self.board.legs if leg.alive and leg.step]
        if not asked:
            return
        leg = data.draw(st.sampled_from(asked))
        self.board.presses_key(leg, key)
        if times:
            one = self.board.post.pop()
            for _ in range(times):
                self.board.deliver(*one)

    @rule(keys=st.lists(st.sampled_from(("1", "1", "2")), min_size=1, max_size=3), comes=st.booleans())
    def who_is_asked_for_something_answers(self, keys: list[str], comes: bool) -> None:
        """Several at once, the last one told first; or they are told later."""
        asked = [leg for leg in self.board.legs if leg.alive and leg.step in ("offer", "transfer")]
        before = len(self.board.post)
        for leg, key in zip(asked, keys, strict=False):
            self.board.presses_key(leg, key)
        if comes:
            pressed, self.board.post[before:] = self.board.post[before:], []
            for one in reversed(pressed):
                self.board.deliver(*one)

    @rule(who=st.lists(st.sampled_from(NEIGHBOURS[:2]), min_size=1, max_size=2), key=st.sampled_from(("1", "1", "2")))
    def neighbours_ring_back(self, who: list[str], key: str) -> None:
        """And hear the same offer, if they were asked; somebody may be going by now."""
        for number in who:
            leg = self.board.rings(number, HOTLINE)
            self.board.deliver(*self.board.post.pop())
            if leg.step:
                self.board.presses_key(leg, key)
                self.board.deliver(*self.board.post.pop())

    # -- what is told of them

    @rule(data=st.data(), again=st.booleans())
    def news_comes(self, data: st.DataObject, again: bool) -> None:
        if self.board.post:
            leg, news = one = data.draw(st.sampled_from(self.board.post))
            self.board.deliver(leg, news)
            if not again:
                self.board.post.remove(one)

    @rule()
    def all_news_comes(self) -> None:
        post, self.board.post = self.board.post, []
        for leg, news in post:
            self.board.deliver(leg, news)

    @rule(data=st.data())
    def news_is_lost(self, data: st.DataObject) -> None:
        if self.board.post:
            self.board.post.remove(data.draw(st.sampled_from(self.board.post)))

    @rule(data=st.data(), how=st.sampled_from(("taken", "taken", "taken, answer lost", "lost", "refused")))
    def an_effect_is_performed(self, data: st.DataObject, how: str) -> None:
        if self.board.effects:
            effect = data.draw(st.sampled_from(self.board.effects))
            self.board.effects.remove(effect)
            self.board.perform(effect, how)

    @rule()
    def all_effects_are_performed(self) -> None:
        effects, self.board.effects = self.board.effects, []
        for effect in effects:
            self.board.perform(effect, "taken")

    @rule(data=st.data(), again=st.booleans())
    def a_carrier_answers(self, data: st.DataObject, again: bool) -> None:
        if self.board.results:
            result = data.draw(st.sampled_from(self.board.results))
            self.board.submit(result)
            if not again:
                self.board.results.remove(result)

    @rule()
    def a_while_without_troubles(self) -> None:
        self.board.settle(rounds=3)

    @rule(seconds=st.sampled_from((1, 5, 25, 70)))
    def time_passes(self, seconds: float) -> None:
        self.board.wait(seconds)

    # -- what holds after each step

    @invariant()
    def the_handbooks_promises_hold(self) -> None:
        rows = self.board.rows()
        self.one_row_for_each_call(rows)
        self.over_is_over(rows)
        self.only_a_key_makes_a_responder(rows)
        self.whoever_was_not_answered_is_in_the_ledger_once(rows)
        self.the_sos_number_has_an_alert(rows)
        self.what_is_open_has_its_deadlines(rows)
        self.nobody_in_need_is_hung_up_on(rows)
        self.no_answer_of_who_was_asked_is_lost(rows)
        self.who_is_asked_is_rung(rows)

    def one_row_for_each_call(self, rows: Rows) -> None:
        named = Counter((one.gateway, one.provider_ref) for one in rows.calls.values() if one.provider_ref)
        assert not [name for name, rows_of_it in named.items() if rows_of_it > 1], "two rows for one call"
        for leg in self._rang_us():
            assert (leg.gateway, leg.ref) in named, "a caller without a row"

    def _rang_us(self) -> list[Leg]:
        """Of whom we heard at all."""
        return [
            leg for leg in self.board.legs if leg.dialled and (leg.gateway, f"inbound:{leg.ref}") in self.board.heard
        ]

    def over_is_over(self, rows: Rows) -> None:
        assert self.before.keys() <= rows.calls.keys()
        for one in rows.calls.values():
            assert (one.due is None) == one.over
            then = self.before.get(one.id)
            if then and then.over:
                kept = ("state", "outcome", "ended_at", "answer", "in_room", "due")
                assert all(getattr(one, name) == getattr(then, name) for name in kept), "an ended leg revived"
        self.before = rows.calls

    def only_a_key_makes_a_responder(self, rows: Rows) -> None:
        for one in rows.calls.values():
            if one.answer is Answer.ACCEPTED:
                by_console = one.dialogue == "transfer" and one.alert_id in self.agreed
                assert by_console or one.id in self.board.yes
        for alert in rows.alerts.values():
            said_yes = {one.party for one in rows.calls.values() if one.alert_id == alert.id and _accepted(one)}
            assert alert.responder == "" or alert.responder in said_yes

    def whoever_was_not_answered_is_in_the_ledger_once(self, rows: Rows) -> None:
        told = self.board.said_of("debt.opened")
        assert set(told) == set(rows.debts)
        assert set(told.values()) <= {1}
        rang = [one for one in rows.calls.values() if one.direction is Direction.INBOUND and one.over]
        for one in rang:
            if one.dialogue != "offer" and one.joined_at is None:
                assert one.id in told, "nobody calls them back"
            elif one.dialogue == "offer" or one.outcome is CallOutcome.ANSWERED:
                assert one.id not in told
        assert set(told) <= {one.id for one in rang}

    def the_sos_number_has_an_alert(self, rows: Rows) -> None:
        by_ref = {one.provider_ref: one for one in rows.calls.values() if one.direction is Direction.INBOUND}
        for leg in self._rang_us():
            alert = rows.alerts[by_ref[leg.ref].alert_id or ""]
            assert leg.dialled != SOS_NUMBER or alert.kind in EMERGENCIES
            by_operator = alert.outcome is not None
            assert alert.state in UNRESOLVED or by_operator

    def what_is_open_has_its_deadlines(self, rows: Rows) -> None:
        for alert in rows.alerts.values():
            pending = rows.timers.get(alert.id, {})
            assert bool(pending) == (alert.state in OPEN)
            assert pending == deadlines(alert, POLICY)

    def nobody_in_need_is_hung_up_on(self, rows: Rows) -> None:
        for one in rows.calls.values():
            alert = rows.alerts.get(one.alert_id or "")
            if (
                one.dialogue in NEEDING
                and one.role in (Role.ELDER, Role.CALLER)
                and alert
                and alert.state in UNRESOLVED
            ):
                assert one.hang_up_at is None

    def no_answer_of_who_was_asked_is_lost(self, rows: Rows) -> None:
        """The alert was told once what came of it: a yes at once, the rest by the end of the call at the latest."""
        yes, no = self.board.said_of(*YES), self.board.said_of("call.declined", "call.no_answer")
        assert set((yes + no).values()) <= {1}
        assert {one.id for one in rows.calls.values() if _accepted(one)} == set(yes)
        for one in rows.calls.values():
            withdrawn = one.hang_up_at is not None or one.answer is Answer.TOO_LATE
            told_by_hand = one.outcome is CallOutcome.BY_HAND
            if one.dialogue in ASKING and one.over and not (withdrawn or told_by_hand):
                assert one.id in yes + no or rows.alerts[one.alert_id or ""].state not in UNRESOLVED

    def who_is_asked_is_rung(self, rows: Rows) -> None:
        """By a carrier or by hand. Else nobody rings them, and they would never be asked again."""
        by_hand = CallOutcome.BY_HAND
        asks = [one for one in rows.calls.values() if one.outcome is by_hand or not (one.over or one.hang_up_at)]
        rung = {(one.alert_id, one.party) for one in asks}
        for offer in rows.offers:
            assert offer.state not in ASKED or (offer.alert_id, offer.party) in rung, offer

    def teardown(self) -> None:
        try:
            for leg in self.board.legs:
                self.board.ends(leg, CallOutcome.ANSWERED)
            self.all_news_comes()
            self.the_handbooks_promises_hold()
            callbacks, presses = self.board.stored()
            assert callbacks == self.board.heard, "stored is what was answered"
            assert presses == self.board.pressed
            self.a_caller_is_logged_once()
        finally:
            self.board.close()

    def a_caller_is_logged_once(self) -> None:
        rang = {one.id for one in self.board.rows().calls.values() if one.direction is Direction.INBOUND}
        assert self.board.said_of("call.inbound", "call.rang_back") == Counter(rang)


def _accepted(call: Call) -> bool:
    return call.answer is Answer.ACCEPTED and call.dialogue in ASKING


class Talks(Calls):
    """The resident and the alert's owner talk: what comes of a hand-over, and of guests."""

    @initialize()
    def begins(self) -> None:
        self.board.press("first")
        [alert] = self.board.rows().alerts
        self.board.act(alert, Action.CLAIM, ANN)
        self.board.settle()
        assert {one.role for one in self.board.rows().calls.values() if one.joined_at} == {Role.ELDER, Role.OPERATOR}

    @rule(data=st.data(), rings=st.booleans())
    def a_colleague_says_yes_at_once(self, data: st.DataObject, rings: bool) -> None:
        self.a_colleague_is_asked(data, "rings" if rings else "is late")
        self.the_colleague_answers_on_the_console(data, Action.TAKE_OVER)


class Offers(Calls):
    """Neighbours are asked to go, some of them hear the question already: they answer, ring back, are let go."""

    @initialize(hear=st.booleans())
    def begins(self, hear: bool) -> None:
        asked(self.board)
        self.board.settle(rounds=2 if hear else 1)

    @rule(data=st.data())
    def an_operator_takes_a_call_back(self, data: st.DataObject) -> None:
        calls = self.board.rows().calls.values()
        rung = sorted(one.id for one in calls if one.dialogue == "offer" and not (one.over or one.answer))
        if rung:
            self.board.submit(CallWanted(data.draw(st.sampled_from(rung)), "hang_up", ANN))


for machine in (Calls, Talks, Offers):
    machine.TestCase.settings = settings(
        max_examples=7,
        stateful_step_count=25,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
TestCalls, TestTalks, TestOffers = Calls.TestCase, Talks.TestCase, Offers.TestCase


# -- what the lives above found, one by one


@pytest.fixture
def board() -> Iterator[Switchboard]:
    made = VILLAGE[0].switchboard()
    yield made
    made.close()


def asked(board: Switchboard) -> list[Call]:
    """Who is asked to go to an alert of Ann's; everybody rings and nobody has answered."""
    board.press("first")
    [alert] = board.rows().alerts
    board.act(alert, Action.CLAIM, ANN)
    board.act(alert, Action.DISPATCH, ANN)
    return sorted((one for one in board.rows().calls.values() if one.dialogue == "offer"), key=lambda one: one.id)


def offers(board: Switchboard) -> dict[str, tuple[OfferState, str]]:
    return {one.party: (one.state, one.reason) for one in board.rows().offers}


def test_whose_call_an_operator_takes_back_is_asked_no_longer(board: Switchboard) -> None:
    """They counted as asked until the end of the alert: nobody rang them, and they were never asked again."""
    first, *others = asked(board)
    board.submit(CallWanted(first.id, "hang_up", ANN))
    assert offers(board)[first.party] == (OfferState.WITHDRAWN, f"operator:{ANN.id}")
    assert {offers(board)[one.party][0] for one in others} == {OfferState.QUEUED}


def test_when_somebody_goes_whose_offer_was_over_nobody_else_counts_as_asked(board: Switchboard) -> None:
    """Their telephones fell silent, and should the one who goes be late, none of them was asked again."""
    first, *others = asked(board)
    board.settle(rounds=1)
    leg = next(leg for leg in board.legs if leg.call == first.id)
    board.ends(leg, CallOutcome.NO_ANSWER)
    board.deliver(*board.post[-1])
    assert offers(board)[first.party][0] is OfferState.MISSED
    again = board.rings(first.number, HOTLINE)
    board.deliver(*board.post[-1])
    board.presses_key(again, "1")
    board.deliver(*board.post[-1])
    assert {one.responder for one in board.rows().alerts.values()} == {first.party}
    assert {offers(board)[one.party] for one in others} == {(OfferState.WITHDRAWN, "somebody_goes")}


def test_what_is_found_where_the_call_is_not_any_more_is_not_news_of_it(board: Switchboard) -> None:
    """A slow look-up at the first carrier ended, in our books, the call that the second one was ringing."""
    one = asked(board)[0].id
    for happened in (Dialling("one"), PlacingUnknown("one", "OutcomeUnknown")):
        board.submit(CallResult(one, happened))
    board.wait(3)
    for happened in (NotFound("one", board.now), Dialling("two"), Placed("two", "CB1")):
        board.submit(CallResult(one, happened))
    busy = Heard(News.ENDED, board.now, "CA1", outcome=CallOutcome.BUSY)
    assert not board.submit(CallResult(one, busy, "one"))
    call = board.rows().calls[one]
    assert (call.state, call.gateway, call.provider_ref) == (CallState.PLACED, "two", "CB1")
    board.submit(CallResult(one, Placed("one", "CA1"), "one"))
    assert EndStray(one, "one", "CA1") not in board.effects, "found by its number it may be another one's"
    board.submit(CallResult(one, Placed("one", "CA1")))
    assert EndStray(one, "one", "CA1") in board.effects, "its own request says so: it must not go on ringing"


def test_a_group_reads_its_calls_in_one_go(board: Switchboard, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a group is decided, every process waits for it."""
    calls = asked(board)
    assert len(calls) > 2
    results = [CallResult(one.id, PlacingUnknown("main", "lost")) for one in calls]
    questions: list[object] = []
    rows = Prepared.rows
    monkeypatch.setattr(Prepared, "rows", lambda self, *given: questions.append(self) or rows(self, *given))
    with board.writer.unit(board.now) as unit:
        unit.prefetch(board.handlers[CallResult].needs(one) for one in results)
        questions.clear()
        for one in results:
            call = unit.calls.get(one.call_id)
            assert call
            assert unit.alert(call.alert_id or "")
        assert not questions
