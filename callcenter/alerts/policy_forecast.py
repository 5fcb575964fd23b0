"""What a policy would have done with alerts of the past: whom it would have asked, when, and up to which level. Pure.

It is a forecast. Who was asked then is taken to answer as they did, after the same time; everybody else is taken not to
answer. What operators did, and what people at home would have said, is left out.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from callcenter.alerts import policy_book
from callcenter.alerts.model import Kind
from callcenter.alerts.offer_model import Offer, OfferState
from callcenter.alerts.offer_rules import Plan, next_wave
from callcenter.alerts.ranking import Candidate, Need, rank
from config.policies import AlertPolicy

MOST_STEPS = 500  # of one alert: nothing asks that often


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody said who was asked then, and how long after."""

    yes: bool
    after_s: float


@dataclass(frozen=True, slots=True)
class Past:
    """An alert of the past with all that decides whom a policy asks. `began` is when people were first asked."""

    id: str
    kind: Kind
    area: str
    area_path: tuple[str, ...]
    opened_local: datetime
    began: datetime
    need: Need
    people: tuple[Candidate, ...]
    answers: Mapping[str, Answer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Course:
    """How asking goes under one policy. Times are seconds after it began."""

    asked: tuple[tuple[float, str, str], ...] = ()  # when, whom, of which level; in order
    yes_s: float | None = None
    nobody_left_s: float | None = None  # people are told that there is nobody more to ask
    phoned_s: int | None = None  # nobody claims it: the ladder's first telephone

    @property
    def firsts(self) -> list[float]:
        """When each person is asked for the first time, in order: people may be asked twice."""
        times: dict[str, float] = {}
        for at, party, _ in self.asked:
            times.setdefault(party, at)
        return list(times.values())

    @property
    def level(self) -> str:
        """The highest that was asked."""
        return self.asked[-1][2] if self.asked else ""


class _Asking:
    """The plan of one policy, played through; a wave each `next_wave_s`, the next one at once after a no."""

    def __init__(self, past: Past, policy: AlertPolicy) -> None:
        self.past, self.policy = past, policy
        self.plan = Plan(policy.levels, arrive_s=policy.arrive_s)
        self.ranked = rank(past.people, past.need)
        self.offers: dict[str, Offer] = {}
        self.asked: list[tuple[float, str, str]] = []
        self.events: list[tuple[float, int, str]] = []  # (when, order, whose answer; empty: the next wave)
        self.order, self.waves = count(), 0

    def _at(self, seconds: float) -> datetime:
        return self.past.began + timedelta(seconds=seconds)

    def _later(self, seconds: float, what: str) -> None:
        heapq.heappush(self.events, (seconds, next(self.order), what))

    def ask(self, now: float, most: int | None = None) -> bool:
        """The next people; tells whether anybody is, or was already, being asked."""
        wave = next_wave(self.plan, list(self.offers.values()), self.ranked, self._at(now))
        for one in wave.people[:most]:
            party, kind = one.candidate.party, one.candidate.kind
            id = f"{len(self.offers):04}"
            self.offers[id] = Offer(
                id=id, alert_id="", party=party, name="", kind=kind, level=wave.level or "", wave=self.waves,
                asked_at=self._at(now),
            )  # fmt: skip
            self.asked.append((now, party, wave.level or ""))
            said = self.past.answers.get(party)
            self._later(now + (said.after_s if said else self.policy.calls.ring_responder_s), id)
        return any(one.ended_at is None for one in self.offers.values())

    def play(self) -> tuple[float | None, float | None]:
        """(when somebody says yes, when people are told that nobody is left)."""
        told: float | None = None
        self._wave(0.0)
        for _ in range(MOST_STEPS):
            if not self.events:
                break
            now, _, what = heapq.heappop(self.events)
            if not what:
                self._wave(now)
                continue
            offer = self.offers[what]
            said = self.past.answers.get(offer.party)
            if said and said.yes:
                return now, told
            state = OfferState.DECLINED if said else OfferState.MISSED
            self.offers[what] = replace(offer, state=state, ended_at=self._at(now))
            if not self.ask(now, 1) and told is None:
                told = now
        return None, told

    def _wave(self, now: float) -> None:
        if self.waves >= self.policy.most_waves:
            return
        self.waves += 1
        self.ask(now)
        self._later(now + self.policy.next_wave_s, "")


def course(past: Past, policy: AlertPolicy) -> Course:
    asking = _Asking(past, policy)
    yes, told = asking.play()
    phoned = next((rung.after_s for rung in policy.ladder(past.kind).rungs if rung.phone), None)
    return Course(tuple(asking.asked), yes, told, phoned)


@dataclass(frozen=True, slots=True)
class Compared:
    """One alert under both policies; `worse` says in what, empty: in nothing."""

    past: Past
    present: Course
    planned: Course
    worse: tuple[str, ...]

    @property
    def later_s(self) -> float:
        """By how much the n-th person is asked later, at most."""
        pairs = zip(self.present.firsts, self.planned.firsts, strict=False)
        return max((new - old for old, new in pairs), default=0.0)

    @property
    def changed(self) -> bool:
        return self.present != self.planned


_NEVER = float("inf")


def _worse(present: Course, planned: Course) -> tuple[str, ...]:
    def slower(name: str) -> bool:
        old, new = getattr(present, name), getattr(planned, name)
        return (_NEVER if new is None else new) > (_NEVER if old is None else old)

    pairs = list(zip(present.firsts, planned.firsts, strict=False))
    found = {
        "nobody": bool(present.asked) and not planned.asked,
        "first_later": bool(pairs) and pairs[0][1] > pairs[0][0],
        "later": any(new > old for old, new in pairs),
        # With a yes asking ends: who is not asked after that is no loss.
        "fewer": planned.yes_s is None and 0 < len(planned.firsts) < len(present.firsts),
        "yes_later": slower("yes_s"),
        "phone_later": slower("phoned_s"),
    }
    return tuple(name for name, true in found.items() if true)


def compare(past: Past, present: AlertPolicy, planned: AlertPolicy) -> Compared:
    """Both as files: what holds for the alert is looked up in each."""
    old, new = (
        course(past, policy_book.policy_for(book, past.area_path, past.kind, past.opened_local))
        for book in (present, planned)
    )
    return Compared(past, old, new, _worse(old, new))


def forecast(pasts: Sequence[Past], present: AlertPolicy, planned: AlertPolicy) -> list[Compared]:
    return [compare(past, present, planned) for past in pasts]
