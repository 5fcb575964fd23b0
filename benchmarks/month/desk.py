"""The people of the centre: operators with shifts, busy hours and lapses, and the duty person of the night."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.month.cases import Case, Cases, says_120
from benchmarks.month.clockwork import Clockwork
from benchmarks.month.habits import Townsfolk
from benchmarks.month.network import Leg
from benchmarks.month.plan import Plan
from benchmarks.month.town import DUTY, OPERATORS, SEATS, at_hour
from callcenter.alerts.inputs import Action, OperatorActed
from callcenter.alerts.model import Operator
from callcenter.ports import Acted, ActionWanted, ConsolesChanged, DebtDischarged, SeatTaken
from callcenter.storage.records import Entry

Settle = Callable[[Any], Any]
SHIFT = (8.0, 20.0)
AWAY = ((12.0, 12.6), (16.8, 18.0))  # lunch, and the hour in which all seats are busy with services
PATIENCE = 40  # steps of one case at most
LOOKS_IN_S = (900.0, 2400.0)  # by night the duty person looks after what still waits


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who acts under their own name."""

    who: Operator
    may_lapse: bool


class Desk:
    """They see what consoles show, and act through the door."""

    def __init__(self, settle: Settle, clock: Clockwork, folk: Townsfolk, cases: Cases, plan: Plan) -> None:
        self._settle, self._clock, self._folk, self._cases, self._plan = settle, clock, folk, cases, plan
        self._dice = plan.dice("desk")
        self._operators = {name: Person(Operator(name, name.title()), True) for name in OPERATORS}
        self._duty = Person(Operator(DUTY, DUTY.title(), supervisor=True), False)
        self._present: set[str] = set()
        self._busy: Counter[str] = Counter()  # cases of an operator
        self.counts: Counter[str] = Counter()
        cases.hear.append(self._hears)
        for day in range(plan.days + 1):
            self._plan_day(day)

    # -- shifts

    def _plan_day(self, day: int) -> None:
        weekend = day % 7 in (1, 2)  # the month begins on a Thursday
        for number, name in enumerate(OPERATORS):
            if weekend and number >= 2:
                continue
            late = self._dice.uniform(-0.2, 0.2)
            turns = [SHIFT[0] + late, *(hour for span in AWAY for hour in span), SHIFT[1] + late]
            for comes, hour in enumerate(turns):
                self._clock.at(at_hour(day, hour), self._turn, name, comes % 2 == 0)

    def _turn(self, name: str, comes: bool) -> None:
        if comes:
            self._present.add(name)
            self._settle(ConsolesChanged(name, present=True))
            self._settle(SeatTaken(name, "ready", SEATS[name]))
            for case in [case for case in self._cases.all.values() if case.is_free]:
                self._intend(case, "claim", self._dice.uniform(5, 40), self._claims)
        else:
            self._present.discard(name)
            self._settle(SeatTaken(name, "away", SEATS[name]))
            self._settle(ConsolesChanged(name, present=False))
        self._at_the_phone()

    def _at_the_phone(self) -> None:
        self._folk.operators_there = {name for name in self._present if not self._busy[name]}

    def leg_enters(self, leg: Leg) -> None:
        """Whoever picked up talks, and works the alert they talk about."""
        name = next((name for name, phone in SEATS.items() if phone == leg.number), "")
        case = self._cases.all.get(leg.room)
        if leg.role == "operator" and case and case.is_free:
            self._clock.after(self._dice.uniform(1, 5), self._takes, case, self._operators[name])

    # -- what they hear

    def _hears(self, case: Case, entry: Entry, data: dict[str, Any]) -> None:
        if entry.rule == "debt.opened":
            case.debts.append(str(data["call"]["id"]))
        if case.is_free and entry.ring:
            self._intend(case, "claim", self._dice.uniform(6, 25), self._claims)
            self._intend(case, "look in", self._dice.uniform(*LOOKS_IN_S), self._looks_in)
        if says_120(entry, data) and case.is_open:
            self._intend(case, "120", self._dice.uniform(*self._plan.duty_reacts_s), self._calls_120)
        if entry.rule == "operator.resolves":
            self._clock.after(self._dice.uniform(3600, 72_000), self._closes, case)

    def _intend(self, case: Case, what: str, seconds: float, do: Callable[[Case], None]) -> None:
        if what not in case.plans:
            case.plans.add(what)
            self._clock.after(seconds, self._carry_out, case, what, do)

    def _carry_out(self, case: Case, what: str, do: Callable[[Case], None]) -> None:
        case.plans.discard(what)
        do(case)

    def _claims(self, case: Case) -> None:
        free = sorted(name for name in self._present if self._busy[name] < 2)
        if case.is_free and free:
            self._takes(case, self._operators[self._dice.choice(free)])

    def _takes(self, case: Case, person: Person) -> bool:
        if not case.is_free or not self._act(case, person, Action.CLAIM):
            return False
        self._clock.spawn(self._work(case, person))
        return True

    # -- what they do

    def _act(self, case: Case, by: Person, action: Action, **more: Any) -> bool:
        done = isinstance(self._settle(ActionWanted(case.id, OperatorActed(action, by.who, **more))), Acted)
        self.counts[f"{action.value}" if done else f"{action.value} refused"] += 1
        return done

    async def _work(self, case: Case, person: Person) -> None:
        name, dice = person.who.id, self._dice
        self._busy[name] += 1
        self._at_the_phone()
        try:
            if person.may_lapse and dice.random() < self._plan.lapses:
                self.counts["claimed and forgotten"] += 1
                await self._clock.sleep(dice.uniform(60, 600))
                return
            await self._clock.sleep(dice.uniform(5, 45))
            if case.state == "handed_over":
                await self._asks_120(case, person)
            elif case.responder or case.there_at:
                await self._sees_to_it(case, person)
            elif self._folk.is_at_ease(case.resident):
                await self._hears_they_are_well(case, person)
            elif "120" in case.plans or dice.random() < 0.06:
                await self._hands_over(case, person)
            elif case.silent or dice.random() < 0.45:
                if self._act(case, person, Action.DISPATCH):
                    await self._sees_to_it(case, person)
            else:
                await self._advises(case, person)
        finally:
            self._busy[name] -= 1
            self._at_the_phone()

    async def _hears_they_are_well(self, case: Case, person: Person) -> None:
        if self._act(case, person, Action.STEP, text="asks"):
            await self._clock.sleep(self._dice.uniform(10, 40))
            await self._resolves(case, person, "false_alarm")

    async def _advises(self, case: Case, person: Person) -> None:
        for _ in range(self._dice.randint(1, 5)):
            if not self._act(case, person, Action.STEP, text="talks"):
                return
            await self._clock.sleep(self._dice.uniform(15, 50))
        await self._resolves(case, person, "advice_by_phone")

    async def _sees_to_it(self, case: Case, person: Person) -> None:
        """Help is on its way: looked after until somebody is there, or 120 has it. Some forget it."""
        for _ in range(PATIENCE):
            if not case.is_open or case.owner != person.who.id:
                return
            if person.may_lapse and self._dice.random() < self._plan.lapses / 4:
                self.counts["help forgotten"] += 1
                return
            if case.there_at:
                await self._stays_until_done(case, person)
                return
            if "120" in case.plans and not case.responder:
                await self._hands_over(case, person)
                return
            self._act(case, person, Action.STEP, text="looks after it")
            # Claimed is untouched for a minute at most, help for five.
            await self._clock.sleep(
                self._dice.uniform(20, 50) if case.state == "claimed" else self._dice.uniform(60, 240)
            )

    async def _stays_until_done(self, case: Case, person: Person) -> None:
        await self._clock.sleep(self._dice.uniform(5, 40))
        if not self._act(case, person, Action.ARRIVED, party=case.there, person="who came"):
            return
        for _ in range(self._dice.randint(2, 8)):
            await self._clock.sleep(
                self._dice.uniform(20, 50) if case.state == "claimed" else self._dice.uniform(60, 240)
            )
            if not self._act(case, person, Action.STEP, text="hears how it goes"):
                return
        await self._resolves(case, person, "helped_at_home" if self._dice.random() < 0.8 else "taken_to_hospital")

    async def _hands_over(self, case: Case, person: Person) -> None:
        if self._act(case, person, Action.HAND_OVER, case_number=f"120-{case.id[-6:]}", person="120"):
            await self._asks_120(case, person)

    async def _asks_120(self, case: Case, person: Person) -> None:
        for _ in range(self._dice.randint(2, 6)):
            await self._clock.sleep(self._dice.uniform(200, 560))
            if not self._act(case, person, Action.STEP, text="asked 120"):
                return
        await self._resolves(case, person, "taken_to_hospital")

    async def _resolves(self, case: Case, person: Person, outcome: str) -> None:
        """Not while somebody waits on the line whom nobody has heard: then again in a moment."""
        for _ in range(PATIENCE):
            for owed in case.debts:
                self._settle(DebtDischarged(owed, "visited", "seen to", person.who))
            if self._act(case, person, Action.RESOLVE, outcome=outcome) or case.owner != person.who.id:
                return
            await self._clock.sleep(self._dice.uniform(15, 40))
            self._act(case, person, Action.STEP, text="somebody waits")

    def _closes(self, case: Case) -> None:
        if case.state == "resolved":
            self._act(case, self._duty, Action.CLOSE)

    # -- the duty person, who is told even when nobody is at the desk

    def _calls_120(self, case: Case) -> None:
        """Whoever has it does so themselves; of an alert that nobody has, the duty person."""
        if not case.is_open or case.responder or case.state == "handed_over":
            return
        if not case.owner and self._act(case, self._duty, Action.CLAIM):
            self._clock.spawn(self._hands_over(case, self._duty))
        else:
            self._intend(case, "120", 30, self._calls_120)

    def _looks_in(self, case: Case) -> None:
        if case.is_free and self._dice.random() < 0.8:
            self._takes(case, self._duty)

    def hears_of_arrival(self, case: Case) -> None:
        """Whoever came tells the duty person, who says so and sees to the rest (nobody is at the desk)."""
        if case.is_free and self._act(case, self._duty, Action.CLAIM):
            self._clock.spawn(self._stays_until_done(case, self._duty))
