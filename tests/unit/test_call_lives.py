"""Lives of a call between the centre, several carriers and what gets lost between them.

The truth (which legs exist and what happens on them) is kept apart from what the machine hears: news is shuffled,
repeated and lost, results of requests come late or never, effects are performed late, twice or in part.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count

from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from callcenter.alerts.call_inputs import (
    CallDue,
    CallInput,
    Dialling,
    HangUpWanted,
    Heard,
    Met,
    News,
    NotFound,
    NotPlaced,
    NotTaken,
    Placed,
    PlacingUnknown,
)
from callcenter.alerts.call_model import Answer, Call, CallOutcome, CallState, Direction, Role
from callcenter.alerts.call_rules import DIAL_S, CallChange, CallDecided, decide_call
from callcenter.alerts.effects import EndCall, FindCall, PlaceCall
from tests.unit.test_call_machine import ONCE, POLICY, T0, call, s

DIALOGUES = st.sampled_from(("resident", "welfare", "offer", "duty", "operator"))
GATEWAYS = ("one", "two", "three")
STEPS = {"resident": "awake", "welfare": "well", "offer": "offer", "duty": "offer"}
LIFE = (News.QUEUED, News.RINGING, News.ANSWERED, News.ENDED)
A_LITTLE_S = 2 * POLICY.look_every_s


@dataclass
class Leg:
    """What really rings at a carrier."""

    gateway: str
    ref: str
    phase: News = News.QUEUED
    outcome: CallOutcome = CallOutcome.NO_ANSWER
    pressed: list[str] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        return self.phase is not News.ENDED

    def seen(self, at: datetime) -> Heard:
        return Heard(self.phase, at, self.ref, outcome=None if self.alive else self.outcome)


@dataclass
class Request:
    """Whoever performs a PlaceCall: gateway after gateway, as telephony/line.py does."""

    left: list[str]
    asked: str = ""
    answer: CallInput | None = None
    answers_until: datetime = T0


class CallLives(RuleBasedStateMachine):
    """One call, its truth, and what is on the way between them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = T0
        self.refs = count(1)
        self.legs: list[Leg] = []
        self.news: list[Heard] = []  # on the way; any of it may come next, twice, or never
        self.requests: list[Request] = []
        self.effects: list[FindCall | EndCall | PlaceCall] = []
        self.done: list[PlaceCall] = []  # may be performed again after a crash
        self.told: list[str] = []
        self.ones: list[str] = []  # keys that were heard

    @initialize(dialogue=DIALOGUES)
    def is_wanted(self, dialogue: str) -> None:
        self.call: Call = call(dialogue)
        self.effects.append(PlaceCall("C1"))

    def take(self, happened: CallInput) -> bool:
        before, decided = self.call, decide_call(self.call, happened, now=self.now, policy=POLICY)
        if not isinstance(decided, CallDecided):
            return False
        after = decided.change.call
        assert not (before.over and not after.over), "an ended leg revived"
        assert not before.over or (before.outcome, before.ended_at, before.answer) == (
            after.outcome, after.ended_at, after.answer,
        )  # fmt: skip
        for name in ONCE:
            assert getattr(before, name) in (None, getattr(after, name)), name
        if after.answer is Answer.ACCEPTED is not before.answer:
            assert isinstance(happened, Heard)
            assert (happened.what, happened.digits) == (News.INPUT, "1")
        if any(isinstance(effect, PlaceCall) for effect in decided.change.effects):
            assert isinstance(happened, NotFound), "dialled again without having looked"
            assert before.unknown_at is not None
            assert self.now - before.unknown_at >= s(POLICY.unknown_first_s)
        self.call = after
        self.effects += [e for e in decided.change.effects if isinstance(e, FindCall | EndCall | PlaceCall)]
        if decided.change.report:
            self.told.append(decided.change.report.what)
        return True

    # -- requests

    @rule(data=st.data())
    def an_effect_is_performed(self, data: st.DataObject) -> None:
        if self.effects:
            effect = data.draw(st.sampled_from(self.effects))
            self.effects.remove(effect)
            self.perform(effect, carrier_answers=data.draw(st.booleans()))

    def perform(self, effect: FindCall | EndCall | PlaceCall, *, carrier_answers: bool) -> None:
        if isinstance(effect, PlaceCall):
            self.done.append(effect)
            self.requests.append(Request([name for name in GATEWAYS if name != effect.without]))
        elif not carrier_answers:
            if isinstance(effect, EndCall):
                self.effects.append(effect)  # the outbox tries again
        elif isinstance(effect, FindCall):
            self.find()
        else:
            self.end()

    @rule()
    def a_process_died_and_another_dials(self) -> None:
        if self.done:
            self.requests.append(Request([n for n in GATEWAYS if n != self.done[-1].without]))

    def find(self) -> None:
        if not self.call.gateway:
            return
        ref, at = self.call.provider_ref, self.call.gateway
        leg = next((leg for leg in self.legs if leg.gateway == at and ref in ("", leg.ref)), None)
        if leg is None:
            self.take(NotFound(at))
            return
        if not ref:
            self.take(Placed(at, leg.ref))
        self.take(leg.seen(self.now))

    def end(self) -> None:
        for leg in self.legs:
            if leg.alive and leg.ref == self.call.provider_ref and leg.gateway == self.call.gateway:
                leg.phase, leg.outcome = News.ENDED, CallOutcome.CANCELED
                self.news.append(leg.seen(self.now))

    @rule(
        data=st.data(),
        how=st.sampled_from(("taken", "taken", "taken, answer lost", "lost", "refused", "wrong number", "dies")),
        late=st.booleans(),
    )
    def a_request_goes_on(self, data: st.DataObject, how: str, late: bool) -> None:
        if not self.requests:
            return
        request = data.draw(st.sampled_from(self.requests))
        if request.answer is not None:
            self.answered(request)
        elif not request.left or not self.take(Dialling(request.left[0])):
            self.requests.remove(request)
            if self.call.state is CallState.WANTED and (self.call.hang_up_at or self.now < self.call.not_after):
                by_hand = not self.call.hang_up_at
                self.take(NotPlaced("", "no_gateway" if by_hand else "unwanted", by_hand=by_hand))
        else:
            self.asks(request, how)
            if not late and request in self.requests:
                self.answered(request)

    def asks(self, request: Request, how: str) -> None:
        name = request.asked = request.left.pop(0)
        if how.startswith("taken"):
            assert not any(leg.alive for leg in self.legs), "two calls that both ring"
            leg = Leg(name, f"CA{next(self.refs)}")
            self.legs.append(leg)
            self.news.append(leg.seen(self.now))
        answers: dict[str, CallInput] = {
            "refused": NotTaken(name, "Throttled"),
            "wrong number": NotPlaced(name, "NumberRejected"),
            "lost": PlacingUnknown(name, "OutcomeUnknown"),
            "taken, answer lost": PlacingUnknown(name, "OutcomeUnknown"),
        }
        request.answer = Placed(name, self.legs[-1].ref) if how == "taken" else answers.get(how)
        request.answers_until = self.now + s(DIAL_S)
        if how == "dies":
            self.requests.remove(request)

    def answered(self, request: Request) -> None:
        answer, request.answer = request.answer, None
        assert answer is not None
        self.take(answer)
        if not isinstance(answer, NotTaken):
            self.requests.remove(request)

    # -- what really happens

    @rule(data=st.data())
    def a_leg_lives_on(self, data: st.DataObject) -> None:
        alive = [leg for leg in self.legs if leg.alive]
        if not alive:
            return
        leg = alive[0]
        leg.phase = data.draw(st.sampled_from(LIFE[LIFE.index(leg.phase) + 1 :]))
        if not leg.alive:
            leg.outcome = data.draw(st.sampled_from((CallOutcome.ANSWERED, CallOutcome.BUSY, CallOutcome.NO_ANSWER)))
        self.news.append(leg.seen(self.now))

    @rule(key=st.sampled_from(("1", "2", "3", "9", "", None)))
    def a_key_is_pressed(self, key: str | None) -> None:
        for leg in self.legs:
            if leg.phase is News.ANSWERED:
                step = STEPS.get(self.call.dialogue, "")
                self.news.append(Heard(News.INPUT, self.now, leg.ref, step=step, digits=key))

    @rule(what=st.sampled_from((News.JOINED, News.LEFT, News.MACHINE)))
    def the_room(self, what: News) -> None:
        self.news += [Heard(what, self.now, leg.ref) for leg in self.legs if leg.phase is News.ANSWERED]

    # -- what is heard of it

    @rule(data=st.data(), again=st.booleans())
    def news_comes(self, data: st.DataObject, again: bool) -> None:
        if self.news:
            heard = data.draw(st.sampled_from(self.news))
            self.take(heard)
            if not again:
                self.news.remove(heard)

    @rule(data=st.data())
    def news_is_lost(self, data: st.DataObject) -> None:
        if self.news:
            self.news.remove(data.draw(st.sampled_from(self.news)))

    @rule()
    def somebody_of_ours_is_there(self) -> None:
        if self.call.in_room:
            self.take(Met())

    @rule()
    def nobody_needs_it(self) -> None:
        self.take(HangUpWanted("somebody_goes"))

    @rule(seconds=st.sampled_from((0.3, 1, 3, 10, 40, 70)))
    def time_passes(self, seconds: float) -> None:
        """A request's answer comes within its time; deadlines fire when they are due."""
        until = self.now + s(seconds)
        while True:
            waiting = [(r.answers_until, r) for r in self.requests if r.answer is not None]
            first = min(waiting, key=lambda one: one[0], default=None)
            due = self.call.due
            if first and first[0] <= min(until, due or until):
                self.now = max(self.now, first[0])
                self.answered(first[1])
            elif due and due <= until:
                self.now = max(self.now, due)
                assert self.take(CallDue(due)), "a deadline that is refused fires for ever"
            else:
                break
        self.now = until

    # -- what holds at every moment

    @invariant()
    def an_open_call_has_a_due_time(self) -> None:
        if hasattr(self, "call"):
            assert (self.call.due is None) == self.call.over

    @invariant()
    def never_two_calls_where_one_was_asked(self) -> None:
        assert sum(leg.alive for leg in self.legs) <= 1

    @invariant()
    def what_is_told_of_a_resident_is_told_once(self) -> None:
        assert self.told.count("not_reached") <= 1
        assert self.told.count("accepted") <= 1
        assert sum(self.told.count(one) for one in ("accepted", "declined", "no_answer")) <= 1

    def teardown(self) -> None:
        if not hasattr(self, "call"):
            return
        self.ends_by_itself()
        self.ends_what_still_rings()
        self.tells_its_end()

    def ends_by_itself(self) -> None:
        """Nothing is heard any more: only deadlines fire, and it ends in time."""
        self.requests.clear()
        began, was = self.now, self.call.state
        silent = {CallState.WANTED: (self.call.not_after - self.now).total_seconds(), CallState.TALKING: POLICY.poll_s}
        first = max(silent.get(was, self.call.ring_s + POLICY.news_late_s), 0)
        for _ in range(20):
            if self.call.due is None:
                break
            self.now = max(self.now, self.call.due)
            assert self.take(CallDue(self.call.due))
        assert self.call.over, "it waits for ever"
        assert self.now - began <= s(first + POLICY.reconcile_s + A_LITTLE_S)

    def ends_what_still_rings(self) -> None:
        """A leg that was given up and is heard of is ended, unless a resident has answered it."""
        for leg in (leg for leg in self.legs if leg.alive):
            self.call = replace(self.call, gateway=leg.gateway)
            self.take(Placed(leg.gateway, leg.ref))
            self.take(leg.seen(self.now))
            if self.call.provider_ref == leg.ref and any(isinstance(effect, EndCall) for effect in self.effects):
                self.end()
            kept = leg.phase is News.ANSWERED and self.call.role is Role.ELDER and not self.call.hang_up_at
            assert not leg.alive or kept or self.ended_by_the_carrier(), (leg, self.call)

    def ended_by_the_carrier(self) -> bool:
        return self.call.state is CallState.ENDED and self.call.outcome is not CallOutcome.LOST

    def tells_its_end(self) -> None:
        one = self.call
        if one.role is Role.ELDER and not one.hang_up_at and one.answer is None:
            not_reached = not one.joined_at and one.outcome is not CallOutcome.BY_HAND
            assert self.told.count("not_reached") == 1 if not_reached else self.told.count("not_reached") <= 1
            assert self.told.count("by_hand") == (one.outcome is CallOutcome.BY_HAND)
        if one.dialogue in ("offer", "duty") and not one.hang_up_at and one.outcome is not CallOutcome.BY_HAND:
            assert sum(self.told.count(what) for what in ("accepted", "declined", "no_answer")) == 1


TestCallLives = CallLives.TestCase
TestCallLives.settings = settings(
    max_examples=80, stateful_step_count=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


# -- nothing is lost, but the order is any

TRUTHS: dict[str, tuple[tuple[Heard, ...], CallOutcome]] = {
    "busy": ((Heard(News.QUEUED, T0, "CA1"),), CallOutcome.BUSY),
    "nobody": ((Heard(News.QUEUED, T0, "CA1"), Heard(News.RINGING, T0, "CA1")), CallOutcome.NO_ANSWER),
    "hangs up": ((Heard(News.RINGING, T0, "CA1"), Heard(News.ANSWERED, T0, "CA1")), CallOutcome.ANSWERED),
    "says yes": (
        (
            Heard(News.RINGING, T0, "CA1"),
            Heard(News.ANSWERED, T0, "CA1"),
            Heard(News.INPUT, T0, "CA1", step="offer", digits="1"),
            Heard(News.JOINED, T0, "CA1"),
            Heard(News.LEFT, T0, "CA1"),
        ),
        CallOutcome.ANSWERED,
    ),
}


@given(data=st.data(), truth=st.sampled_from(sorted(TRUTHS)), dialogue=DIALOGUES)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_in_whatever_order_it_is_told_the_call_ends_as_it_did(data: st.DataObject, truth: str, dialogue: str) -> None:
    happened, outcome = TRUTHS[truth]
    end = Heard(News.ENDED, T0, "CA1", outcome=outcome, talk_s=3.0)
    result = data.draw(st.sampled_from((Placed("one", "CA1"), PlacingUnknown("one", "OutcomeUnknown"))))
    every: list[CallInput] = [*happened, end, result]
    told = data.draw(st.permutations(every + data.draw(st.lists(st.sampled_from(every), max_size=4))))
    one, reports, before_end = call(dialogue), [], True
    for number, input_ in enumerate((Dialling("one"), *told)):
        before_end = before_end and input_ is not end
        decided = decide_call(one, input_, now=T0 + s(number * 0.1), policy=POLICY)
        if not isinstance(decided, CallDecided):
            continue
        assert isinstance(decided.change, CallChange)
        one = decided.change.call
        reports += [decided.change.report.what] if decided.change.report else []
    assert (one.state, one.outcome, one.provider_ref) == (CallState.ENDED, outcome, "CA1")
    if outcome is CallOutcome.ANSWERED:
        assert one.answered_at is not None
    first_end = next(i for i, input_ in enumerate(told) if input_ is end)
    yes = [
        i for i, input_ in enumerate(told)
        if isinstance(input_, Heard) and input_.digits == "1" and i < first_end and dialogue in ("offer", "duty")
    ]  # fmt: skip
    joined_first = [i for i, x in enumerate(told) if isinstance(x, Heard) and x.what is News.JOINED and i < first_end]
    if yes and not (joined_first and min(joined_first) < min(yes)):
        assert one.answer is Answer.ACCEPTED
        assert reports == ["accepted"]
    assert (one.answer is Answer.ACCEPTED) <= bool(yes)
    assert one.direction is not Direction.INBOUND
