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
from handlers.call_updates import ALIVE
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


@dataclass(eq=False)
class Request:
    """Whoever performs a PlaceCall: gateway after gateway, as telephony/line.py does."""

    left: list[str]
    asked: str = ""
    answer: CallInput | None = None
    answers_until: datetime = T0


@dataclass(frozen=True, eq=False)
class LookUp:
    """A carrier has been asked how a call stands, and has not answered yet: as it was then, not as it is now."""

    gateway: str
    by_name: bool  # of a call whose name is known nothing lags behind
    asked_at: datetime
    found: Heard | None


class CallLives(RuleBasedStateMachine):
    """One call, its truth, and what is on the way between them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = T0
        self.refs = count(1)
        self.legs: list[Leg] = []
        self.news: list[Heard] = []  # on the way; any of it may come next, twice, or never
        self.requests: list[Request] = []
        self.look_ups: list[LookUp] = []  # any of them may be answered next, however late
        self.effects: list[FindCall | EndCall | PlaceCall] = []
        self.done: list[PlaceCall] = []  # may be performed again after a crash
        self.told: list[str] = []
        self.ones: list[str] = []  # keys that were heard

    @initialize(dialogue=DIALOGUES, lags=st.booleans(), denials=st.integers(0, 2))
    def is_wanted(self, dialogue: str, lags: bool, denials: int) -> None:
        """`denials` carriers have lost it and were looked at twice: one of the two answers is still on the way."""
        self.call: Call = call(dialogue)
        self.lags = lags  # the carriers' lists of calls lag behind
        for name in GATEWAYS[:denials]:
            self.take(Dialling(name))
            self.take(PlacingUnknown(name, "OutcomeUnknown"))
            self.the_centre_looks(told="nothing")
            self.find()
            self.told_what_was_found(self.look_ups.pop())
            assert self.call.state is CallState.WANTED
        self.effects.clear()
        if denials == 2:  # of those asked again the first one is the first again, and its answer is lost
            self.take(Dialling(GATEWAYS[0]))
            self.take(PlacingUnknown(GATEWAYS[0], "OutcomeUnknown"))
            self.the_centre_looks(told="nothing")
            return
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
            assert happened.asked_at - before.unknown_at >= s(POLICY.unknown_first_s), "looked for too early to know"
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
            if self.look_ups and data.draw(st.booleans()):
                self.told_what_was_found(self.look_ups.pop())

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
        """The carrier looks now; its answer is on the way."""
        if not self.call.gateway:
            return
        ref, at = self.call.provider_ref, self.call.gateway
        leg = next((leg for leg in self.legs if leg.gateway == at and ref in ("", leg.ref)), None)
        listed = leg is not None and (bool(ref) or not self.lags)
        self.look_ups.append(LookUp(at, bool(ref), self.now, leg.seen(self.now) if leg and listed else None))

    def told_what_was_found(self, look_up: LookUp) -> None:
        """As telephony/line.py tells it."""
        if look_up.found is None:
            self.take(NotFound(look_up.gateway, look_up.asked_at))
            return
        if not look_up.by_name:
            self.take(Placed(look_up.gateway, look_up.found.ref))
        if look_up.gateway == self.call.gateway:  # where it is not any more it may be another one's leg
            self.take(look_up.found)

    @rule(data=st.data(), again=st.booleans())
    def a_look_up_is_answered(self, data: st.DataObject, again: bool) -> None:
        """Late, in any order, or twice: the effect that asked may be performed twice."""
        if self.look_ups:
            look_up = data.draw(st.sampled_from(self.look_ups))
            self.told_what_was_found(look_up)
            if not again:
                self.look_ups.remove(look_up)

    @rule(told=st.sampled_from(("nothing", "oldest", "newest")))
    def the_centre_looks(self, told: str) -> None:
        """It falls due, and its carrier is asked; what is told at once may be what was found long before."""
        if self.call.due:
            self.time_passes((self.call.due - self.now).total_seconds())
        for effect in [one for one in self.effects if isinstance(one, FindCall)]:
            self.effects.remove(effect)
            self.find()
        if self.look_ups and told != "nothing":
            self.told_what_was_found(self.look_ups.pop(0 if told == "oldest" else -1))

    def hear(self, gateway: str, heard: Heard) -> None:
        """As handlers/call_updates.py does it: a leg at another carrier than the call's must not go on ringing."""
        if self.call.gateway in ("", gateway):
            self.take(heard)
        elif heard.what in ALIVE:
            self.end_stray(gateway, heard.ref)

    def is_placed(self, placed: Placed) -> None:
        if not self.take(placed) and self.call.gateway not in ("", placed.gateway):
            self.end_stray(placed.gateway, placed.ref)

    def end_stray(self, gateway: str, ref: str) -> None:
        for leg in self.legs:
            if leg.alive and (leg.gateway, leg.ref) == (gateway, ref):
                leg.phase, leg.outcome = News.ENDED, CallOutcome.CANCELED

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
            assert self.lags or not any(leg.alive for leg in self.legs), "two calls that both ring"
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
        if isinstance(answer, Placed):
            self.is_placed(answer)
        else:
            self.take(answer)
        if not isinstance(answer, NotTaken):
            self.requests.remove(request)

    # -- what really happens

    @rule(data=st.data())
    def a_leg_lives_on(self, data: st.DataObject) -> None:
        alive = [leg for leg in self.legs if leg.alive]
        if not alive:
            return
        leg = data.draw(st.sampled_from(alive))
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
            self.hear(next(leg.gateway for leg in self.legs if leg.ref == heard.ref), heard)
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
        """Unless its carrier denies a call that it has: then never two at one carrier after the other's denial."""
        if hasattr(self, "call"):
            assert self.lags or sum(leg.alive for leg in self.legs) <= 1

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
        self.look_ups.clear()
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
