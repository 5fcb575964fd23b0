"""The telephone network: the only fake. It dials, rings, plays scripts and tells of it, late, twice or never."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from benchmarks.month.clockwork import Clockwork
from benchmarks.month.habits import Habit, Townsfolk, patience
from benchmarks.month.plan import Plan
from callcenter.alerts.call_inputs import CallNews, Heard, InboundCall, News
from callcenter.alerts.call_model import CallOutcome
from callcenter.alerts.script import Ask, Hangup, Join, Pause, Said, Say, Script, Step
from callcenter.ids import new_id
from callcenter.telephony.port import (
    CarrierUnreachable,
    DialReceipt,
    LegGone,
    LegHint,
    LegSnapshot,
    LegSpec,
    NumberRejected,
    OutcomeUnknown,
    SmsSpec,
)

LETTERS_A_SECOND = 5.0
LATE_S = (0.1, 1.2)  # news on its way to us
MACHINE_HEARD = 0.6  # so often the carrier notices that a machine answered
TOGETHER_S = (1.0, 4.0)  # who was talked to hangs up so soon after the other


@dataclass(eq=False, slots=True)
class Leg:
    call_id: str
    ref: str
    number: str
    role: str
    ring_s: float
    habit: Habit
    state: str = "queued"  # queued, ringing, talking, over
    room: str = ""
    starts: bool = False  # whoever is in the room with it can talk
    outcome: CallOutcome | None = None
    talked_at: datetime | None = None
    asked: int = 0  # questions so far
    refused: bool = False  # an order to hang up has failed
    turn: int = 0  # scripts so far: an older one is not played on
    numbers: Any = field(default_factory=count)

    @property
    def over(self) -> bool:
        return self.state == "over"


class PhoneNetwork:
    """A gateway to the line; `begins` and `ends` are told what every telephone truly does."""

    name, rings = "month", True

    def __init__(self, centre: Any, clock: Clockwork, folk: Townsfolk, plan: Plan, wrong: set[str]) -> None:
        self._centre, self._clock, self._folk, self._plan, self._wrong = centre, clock, folk, plan, wrong
        self._dice = plan.dice("network")
        self._refs = count(1)
        self.legs: dict[str, Leg] = {}  # those that are not over, and for a while those that are; by our id
        self.living: dict[str, list[Leg]] = {}  # by number
        self.rooms: dict[str, list[Leg]] = {}
        self.counts: Counter[str] = Counter()
        self.begins: Callable[[Leg, Sequence[Leg]], None] = lambda _leg, _others: None
        self.ends: Callable[[Leg], None] = lambda _leg: None
        self.enters: Callable[[Leg], None] = lambda _leg: None

    # -- the gateway's side

    async def start(self) -> None: ...
    async def stop(self) -> None: ...

    async def dial(self, leg: LegSpec) -> DialReceipt:
        await self._clock.sleep(self._dice.uniform(0.1, 0.5))
        self.counts["dialled"] += 1
        if leg.to in self._wrong:
            self.counts["wrong numbers"] += 1
            raise NumberRejected("there is no such number")
        luck = self._dice.random()
        if luck < self._plan.answers_lost / 2:
            await self._clock.sleep(3)
            raise OutcomeUnknown("no answer in time")  # and it was never placed
        if luck < self._plan.answers_lost * 0.75:
            raise CarrierUnreachable("refused")
        placed = self._place(leg.call_id, leg.to, leg.role, leg.ring_s)
        self._clock.spawn(self._life(placed))
        if luck < self._plan.answers_lost * 1.25:
            await self._clock.sleep(3)
            raise OutcomeUnknown("no answer in time")  # but it rings
        return DialReceipt(placed.ref)

    async def say(self, call_id: str, _ref: str, script: Script) -> None:
        leg = self._known(call_id)
        self._leave(leg)
        leg.turn += 1
        self._clock.spawn(self._play(leg, script, leg.turn))

    async def hold(self, call_id: str, _ref: str, _room: str, *, held: bool) -> None:
        self._known(call_id)

    async def hang_up(self, call_id: str, _ref: str) -> None:
        await self._clock.sleep(self._dice.uniform(0.1, 0.5))
        leg = self._known(call_id)
        if self._dice.random() < self._plan.hang_ups_fail and not leg.refused:  # once; the second order counts
            leg.refused = True
            raise CarrierUnreachable("refused")
        self._end(leg, CallOutcome.ANSWERED if leg.talked_at else CallOutcome.CANCELED)

    async def close_room(self, room: str) -> None:
        for leg in tuple(self.rooms.get(room, ())):
            self._end(leg, CallOutcome.ANSWERED)

    async def send_sms(self, sms: SmsSpec) -> DialReceipt:
        self.counts["texts"] += 1
        return DialReceipt(f"SM{next(self._refs)}")

    async def find_leg(self, call_id: str, _hint: LegHint) -> LegSnapshot | None:
        await self._clock.sleep(self._dice.uniform(0.1, 0.5))
        self.counts["looked for"] += 1
        leg = self.legs.get(call_id)
        if leg is None:
            return None
        talking = News.JOINED if leg.room else News.ANSWERED
        what = {"queued": News.QUEUED, "ringing": News.RINGING, "talking": talking, "over": News.ENDED}[leg.state]
        return LegSnapshot(call_id, leg.ref, self._heard(leg, what))

    async def list_live(self) -> Sequence[LegSnapshot]:
        return ()

    async def fetch_recording(self, _ref: str) -> bytes:
        raise LegGone("nothing is recorded")

    async def delete_recording(self, _ref: str) -> None: ...

    async def is_well(self) -> bool:
        return True

    def _known(self, call_id: str) -> Leg:
        leg = self.legs.get(call_id)
        if leg is None or leg.over:
            raise LegGone("no such leg")
        return leg

    # -- what a telephone does

    def _place(self, call_id: str, number: str, role: str, ring_s: float) -> Leg:
        habit = self._folk.habit(role, number, self._clock.now())
        leg = Leg(call_id, f"CA{next(self._refs):08d}", number, role, ring_s, habit)
        others = self.living.setdefault(number, [])
        self.begins(leg, tuple(others))
        if others and habit.does != "ignores":
            leg.habit = Habit("busy")
        others.append(leg)
        self.legs[call_id] = leg
        return leg

    async def _life(self, leg: Leg) -> None:
        await self._clock.sleep(self._dice.uniform(0.3, 2))
        if leg.over:
            return
        habit, leg.state = leg.habit, "ringing"
        self._tell(leg, News.RINGING)
        short = {"busy": 1.5, "rejects": habit.rings_s}.get(habit.does)
        if short:
            await self._clock.sleep(short)
            self._end(leg, CallOutcome.BUSY if habit.does == "busy" else CallOutcome.REJECTED)
            return
        rings = leg.ring_s if habit.does == "ignores" else habit.rings_s
        await self._clock.sleep(min(rings, leg.ring_s))
        if leg.over:
            return
        if rings >= leg.ring_s:
            self._end(leg, CallOutcome.NO_ANSWER)
            return
        leg.state, leg.talked_at = "talking", self._clock.now()
        if habit.does == "voicemail":
            self._clock.after(habit.stays_s, self._end, leg, CallOutcome.ANSWERED)
            if leg.role == "elder" and self._dice.random() < MACHINE_HEARD:
                self._tell(leg, News.MACHINE)
        await self._request(leg, News.ANSWERED)

    async def _request(self, leg: Leg, what: News, **more: Any) -> None:
        """News that is answered with what is said next. Lost, it is asked once more; lost again, the call drops."""
        event = self._event(leg)
        for _ in range(2):
            await self._clock.sleep(self._dice.uniform(0.05, 0.4))
            if leg.over:
                return
            if self._dice.random() >= self._plan.news_lost:
                said = self._deliver(leg, event, self._heard(leg, what, **more))
                if self._dice.random() < self._plan.news_twice:
                    self._deliver(leg, event, self._heard(leg, what, **more))
                leg.turn += 1
                await self._play(leg, said.script if said else (Hangup(),), leg.turn)
                return
            self.counts["news lost"] += 1
            await self._clock.sleep(2)
        self._end(leg, CallOutcome.ANSWERED)

    async def _play(self, leg: Leg, script: Script, turn: int) -> None:
        for step in script:
            if isinstance(step, Ask):
                await self._ask(leg, step, turn)
                return
            if isinstance(step, Join):
                if not leg.over and leg.turn == turn:
                    self._join(leg, step)
                return
            await self._clock.sleep(_lasts(step))
            if leg.over or leg.turn != turn:
                return
        self._end(leg, CallOutcome.ANSWERED)

    async def _ask(self, leg: Leg, ask: Ask, turn: int) -> None:
        await self._clock.sleep(sum(_lasts(prompt) for prompt in ask.prompts))
        answers, number = leg.habit.digits, leg.asked
        leg.asked += 1
        digits = answers[number] if number < len(answers) and leg.habit.does == "answers" else None
        if digits == "" and not ask.speech:
            digits = None
        await self._clock.sleep(ask.timeout_s if digits is None else min(leg.habit.after_s, ask.timeout_s))
        if not leg.over and leg.turn == turn:
            await self._request(leg, News.INPUT, step=ask.step, digits=digits)

    # -- rooms

    def _join(self, leg: Leg, join: Join) -> None:
        leg.room, leg.starts = join.room, join.start
        self.rooms.setdefault(join.room, []).append(leg)
        self._tell(leg, News.JOINED)
        self.enters(leg)
        self._clock.after(leg.habit.stays_s, self._end, leg, CallOutcome.ANSWERED)

    def _leave(self, leg: Leg) -> None:
        room, leg.room = leg.room, ""
        if not room:
            return
        there = self.rooms[room]
        there.remove(leg)
        self._tell(leg, News.LEFT)
        if not there:
            del self.rooms[room]
        elif leg.starts and not any(other.starts for other in there):
            for other in there:
                if self._dice.random() < 0.9:  # the others hear the goodbye
                    self._clock.after(self._dice.uniform(*TOGETHER_S), self._end, other, CallOutcome.ANSWERED)

    def _end(self, leg: Leg, outcome: CallOutcome) -> None:
        if leg.over:
            return
        self._leave(leg)
        leg.state, leg.outcome = "over", outcome
        self.counts[outcome.value] += 1
        self.living[leg.number].remove(leg)
        self.ends(leg)
        talked = (self._clock.now() - leg.talked_at).total_seconds() if leg.talked_at else None
        self._tell(leg, News.ENDED, outcome=outcome, talk_s=talked)
        self._clock.after(7200, self.legs.pop, leg.call_id, None)

    # -- news

    def _heard(self, leg: Leg, what: News, **more: Any) -> Heard:
        if what is News.ENDED:
            more = {"outcome": leg.outcome} | more
        return Heard(what, self._clock.now(), ref=leg.ref, **more)

    def _event(self, leg: Leg) -> str:
        return f"{leg.ref}-{next(leg.numbers)}"

    def _tell(self, leg: Leg, what: News, **more: Any) -> None:
        """Late by a moment, so out of order; now and then twice, or never."""
        if self._dice.random() < self._plan.news_lost:
            self.counts["news lost"] += 1
            return
        event, heard = self._event(leg), self._heard(leg, what, **more)
        self._clock.after(self._dice.uniform(*LATE_S), self._deliver, leg, event, heard)
        if self._dice.random() < self._plan.news_twice:
            self.counts["news twice"] += 1
            self._clock.after(self._dice.uniform(*LATE_S) * 5, self._deliver, leg, event, heard)

    def _deliver(self, leg: Leg, event: str, heard: Heard) -> Said | None:
        news = CallNews(self.name, event, leg.call_id, heard, {}, self._clock.now())
        said: Said | None = self._centre.settle(news)
        return said

    # -- people who ring us

    def call_in(self, caller: str, dialled: str) -> None:
        now, stays = self._clock.now(), patience(self._dice)
        leg = Leg(new_id(now), f"CA{next(self._refs):08d}", caller, "caller", 0, Habit("answers", stays_s=stays))
        leg.state, leg.talked_at = "talking", now
        self.legs[leg.call_id] = leg
        self.living.setdefault(caller, []).append(leg)
        self.counts["callers"] += 1
        inbound = InboundCall(self.name, self._event(leg), leg.call_id, leg.ref, caller, dialled, {}, now)
        said: Said | None = self._centre.settle(inbound)
        self._clock.after(stays, self._end, leg, CallOutcome.ANSWERED)
        self._clock.spawn(self._play(leg, said.script if said else (Hangup(),), leg.turn))


def _lasts(step: Step) -> float:
    """Seconds that a step takes on the telephone."""
    if isinstance(step, Say):
        return len(step.text) / LETTERS_A_SECOND
    return float(step.seconds) if isinstance(step, Pause) else 0.0
