"""Offers of one alert, decided together: one goes (or as many as are needed), everybody else is let go. Pure.

A decision over all offers at once, because accepting one withdraws the others in the same transaction (field.md 5.5).
What is not possible is refused, and a terminal state sticks.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from callcenter.alerts.offer_model import ASKED, ENDED, GOING, Offer, OfferState, Proof
from callcenter.alerts.ranking import Ranked
from callcenter.alerts.rules import Refused
from config.policies import Level

PAGE = "page"  # the channel that shares a position
MOST = 1_000_000  # however often
UNREACHABLE = "unreachable"  # why an offer was missed: this telephone can never be rung


@dataclass(frozen=True, slots=True)
class Plan:
    """The way up: levels in order. `needs` people go; each has to move and to arrive in time (seconds).

    `everybody`: whoever has not been asked is, although the time of their level is over.
    """

    levels: tuple[Level, ...]
    everybody: bool = False
    needs: int = 1
    rounds: int = 2  # lists are gone through twice, then up (field.md 5.4)
    move_s: int = 300
    arrive_s: int = 1800  # 30 minutes in town (field.md 4); 45 in the country


class Said(StrEnum):
    """What is heard of an offer."""

    REACHED = "reached"  # it rings there
    YES = "yes"
    NO = "no"
    NOTHING = "nothing"  # missed
    MOVES = "moves"
    THERE = "there"
    FINISHED = "finished"
    LATE = "late"  # the deadline to move or to arrive has passed
    CANNOT = "cannot"  # said yes, and cannot come after all


@dataclass(frozen=True, slots=True)
class News:
    """Something heard of one offer."""

    offer: str
    said: Said
    channel: str = ""
    proof: Proof | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Moved:
    """The offers that changed, and whether more people have to be asked now."""

    offers: tuple[Offer, ...]
    ask_more: bool = False


def _end(offer: Offer, state: OfferState, now: datetime, reason: str = "") -> Offer:
    return replace(offer, state=state, ended_at=now, due=None, reason=reason or offer.reason)


def going(offers: Iterable[Offer]) -> list[Offer]:
    """Who is on the way or there, in time."""
    return [offer for offer in offers if offer.going]


@dataclass(frozen=True, slots=True)
class _Case:
    """All that a rule looks at."""

    offers: Sequence[Offer]
    offer: Offer
    news: News
    now: datetime
    plan: Plan


def _reached(case: _Case) -> Moved:
    return Moved((replace(case.offer, state=OfferState.OFFERED),))


def _let_go(case: _Case, goes: Offer) -> Iterable[Offer]:
    """Everybody still asked, once enough people go (or have come later than they said)."""
    enough = len({one.id for one in going(case.offers)} | {goes.id}) >= case.plan.needs
    others = (one for one in case.offers if one.state in ASKED and one.id != goes.id)
    return [_end(one, OfferState.WITHDRAWN, case.now, "somebody_goes") for one in others] if enough else []


def _yes(case: _Case) -> Moved | Refused:
    there = going(case.offers)
    if len(there) >= case.plan.needs:
        return Refused("lost_race", f"{', '.join(one.name for one in there)} is going")
    # Of a telephone nobody sees whether it moves.
    seconds = min(case.plan.move_s, case.plan.arrive_s) if case.news.channel == PAGE else case.plan.arrive_s
    due = case.now + timedelta(seconds=seconds)
    accepted = replace(case.offer, state=OfferState.ACCEPTED, accepted_at=case.now, channel=case.news.channel, due=due)
    return Moved((accepted, *_let_go(case, accepted)))


def _no(case: _Case) -> Moved:
    return Moved((_end(case.offer, OfferState.DECLINED, case.now, case.news.reason),), ask_more=True)


def _nothing(case: _Case) -> Moved:
    return Moved((_end(case.offer, OfferState.MISSED, case.now, case.news.reason),), ask_more=True)


def _moves(case: _Case) -> Moved:
    """The deadline to move becomes the one to arrive; who was late for the first stays late until they are there."""
    started = case.offer.accepted_at or case.now
    due = None if case.offer.late else started + timedelta(seconds=case.plan.arrive_s)
    return Moved((replace(case.offer, state=OfferState.EN_ROUTE, moved_at=case.now, due=due),))


def _there(case: _Case) -> Moved | Refused:
    if case.news.proof is None:
        return Refused("no_proof", "an arrival needs a proof: position, device or voice")
    there = replace(case.offer, state=OfferState.ON_SCENE, arrived_at=case.now, proof=case.news.proof)
    there = replace(there, due=None, late=False)
    return Moved((there, *_let_go(case, there)))


def _finished(case: _Case) -> Moved:
    return Moved((_end(case.offer, OfferState.DONE, case.now, case.news.reason),))


def _late(case: _Case) -> Moved | Refused:
    if case.offer.due is None or case.offer.due > case.now:
        return Refused("not_due", "the deadline has moved")
    reason = "no_movement" if case.offer.state is OfferState.ACCEPTED else "no_arrival"
    return Moved((replace(case.offer, late=True, due=None, reason=reason),), ask_more=True)


_UNDER_WAY = frozenset({OfferState.ACCEPTED, OfferState.EN_ROUTE})
# What is heard -> in which states it can be true, and what follows.
_RULES: Mapping[Said, tuple[frozenset[OfferState], Callable[[_Case], Moved | Refused]]] = {
    Said.REACHED: (frozenset({OfferState.QUEUED}), _reached),
    Said.YES: (ASKED, _yes),
    Said.NO: (ASKED, _no),
    Said.NOTHING: (ASKED, _nothing),
    Said.MOVES: (frozenset({OfferState.ACCEPTED}), _moves),
    Said.THERE: (_UNDER_WAY, _there),
    Said.FINISHED: (GOING, _finished),
    Said.LATE: (_UNDER_WAY, _late),
    Said.CANNOT: (_UNDER_WAY, _no),
}


def hear(offers: Sequence[Offer], news: News, *, now: datetime, plan: Plan) -> Moved | Refused:
    """What follows for all offers of the alert. Refused: nothing changes, and whoever spoke is told why."""
    offer = next((one for one in offers if one.id == news.offer), None)
    if offer is None:
        return Refused("unknown", "there is no such offer")
    states, rule = _RULES[news.said]
    if offer.state not in states:
        return Refused("not_allowed", f"{news.said} is not possible for an offer that is {offer.state}")
    return rule(_Case(offers, offer, news, now, plan))


def end_all(offers: Iterable[Offer], now: datetime, reason: str) -> Moved:
    """The alert is over: who was asked is let go, who went is done."""
    return Moved(
        tuple(
            _end(one, OfferState.WITHDRAWN if one.state in ASKED else OfferState.DONE, now, reason)
            for one in offers
            if one.state not in ENDED
        )
    )


@dataclass(frozen=True, slots=True)
class Wave:
    """Who is asked now, and of which level; `gaps` are levels skipped because nobody belongs to them.

    `used_up`: everybody has been asked as often as the plan says. That is told to people and 120 is next; whoever is
    asked now all the same has been asked before. `level` None: nobody can be.
    """

    level: str | None
    people: tuple[Ranked, ...] = ()
    gaps: tuple[str, ...] = ()
    used_up: bool = False


def _asked_of(offers: Iterable[Offer], level: Level) -> list[Offer]:
    return [offer for offer in offers if offer.level == level.id]


def _deadline(offers: Sequence[Offer], level: Level) -> datetime:
    return min(offer.asked_at for offer in offers) + timedelta(seconds=level.deadline_s)


def _current(plan: Plan, offers: Sequence[Offer], now: datetime) -> int:
    """The level that is asked now: the highest one asked so far, or the next when its time is over."""
    for number in range(len(plan.levels) - 1, -1, -1):
        if asked := _asked_of(offers, plan.levels[number]):
            return number + (now >= _deadline(asked, plan.levels[number]))
    return 0


def _askings(offers: Iterable[Offer]) -> Mapping[str, int | None]:
    """How often each was asked; None: they are asked or going, said no, were there, or can never be rung.

    Whom others let go because they were quicker has not been asked in vain.
    """
    times: dict[str, int | None] = {}
    for offer in offers:
        never = offer.state in (OfferState.DECLINED, OfferState.DONE) or offer.state not in ENDED
        before = times.get(offer.party, 0)
        if never or offer.reason == UNREACHABLE or before is None:
            times[offer.party] = None
        else:
            times[offer.party] = before + (offer.state is not OfferState.WITHDRAWN)
    return times


def _able(level: Level, free: Iterable[Ranked], times: Mapping[str, int | None], most: int) -> list[Ranked]:
    """Of a level, asked at most so often until now; whoever was asked less comes first, the ranking among equals."""
    here = (one for one in free if one.candidate.kind in level.kinds)
    asked = [(count, one) for one in here if (count := times.get(one.candidate.party, 0)) is not None]
    return [one for count, one in sorted(asked, key=lambda pair: pair[0]) if count <= most]


def next_wave(
    plan: Plan,
    offers: Sequence[Offer],
    people: Sequence[Ranked],
    now: datetime,
    *,
    on_the_line: Collection[str] = (),
    again: bool = False,
    up: bool = False,
) -> Wave:
    """Who is asked next; nobody while all of a level are being asked and its time is not over.

    `people` is everybody near enough, ranked; an earlier level stays asked meanwhile. Of those `on_the_line` nobody can
    be rung. `again`: when the plan is used up, whoever was asked the least is asked once more. `up`: of the level
    above the one that is being asked.
    """
    gaps: list[str] = []
    first = _current(plan, offers, now)
    if up and first < len(plan.levels) and _asked_of(offers, plan.levels[first]):
        first += 1
    times = _askings(offers)
    free = [one for one in people if one.candidate.party not in on_the_line]
    for number, level in enumerate(plan.levels):
        passed = number < first
        if passed and not plan.everybody:
            continue
        if able := _able(level, free, times, 0 if passed else plan.rounds - 1):
            return Wave(level.id, tuple(able[: level.wave_size]), tuple(gaps))
        if passed:
            continue
        if any(one.state in ASKED for one in _asked_of(offers, level)):
            return Wave(level.id, (), tuple(gaps))  # they may still say yes; the level above has its time
        if not any(one.candidate.kind in level.kinds for one in people):
            gaps.append(level.id)
    return _once_more(plan, free if again else (), times, tuple(gaps))


def _once_more(plan: Plan, free: Iterable[Ranked], times: Mapping[str, int | None], gaps: tuple[str, ...]) -> Wave:
    """The plan is used up: another round, of the level that has somebody who was asked the least."""
    found = [(level, able) for level in plan.levels if (able := _able(level, free, times, MOST))]
    if not found:
        return Wave(None, (), gaps, used_up=True)
    level, able = min(found, key=lambda one: times.get(one[1][0].candidate.party) or 0)
    return Wave(level.id, tuple(able[: level.wave_size]), gaps, used_up=True)
