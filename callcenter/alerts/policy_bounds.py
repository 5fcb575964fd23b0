"""How long a policy may leave somebody in an emergency alone: the most that each of its numbers may be, and why. Pure.

Asked when a policy is loaded and when one is written. What only holds for kinds that are no emergencies is free.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from callcenter.alerts.model import EMERGENCIES
from config.policies import AlertPolicy, Fault, Ladder, Level, Override, Place


@dataclass(frozen=True, slots=True)
class Bound:
    """In seconds (`arrive_radius_m`: metres)."""

    most: int
    why: str


# Sources: field.md, 4 (targets) and 5 (what has killed people); telephony.md.
LIMITS: Mapping[str, Bound] = {
    "claim_idle_s": Bound(180, "whoever claimed it may have gone, and until then it rings for nobody else"),
    "owner_gone_s": Bound(60, "its owner's console is gone, and until then it rings for nobody else"),
    "help_check_s": Bound(900, "whether help has come is known to nobody until somebody looks again"),
    "attention_s": Bound(180, "its owner does not answer, and until then it rings for nobody else"),
    "reask_s": Bound(900, "whether the ambulance has come is known to nobody until somebody asks again"),
    "next_wave_s": Bound(120, "nobody has said yes, and until then nobody else is asked"),
    "arrive_s": Bound(2700, "help should be there in 45 minutes at the latest, and until then nobody else is asked"),
    "move_s": Bound(600, "who said yes has not set out, and until then nobody else is asked"),
    "arrive_radius_m": Bound(150, "who is farther away is not at the door, and would count as being there"),
}
CALL_BACK = Bound(120, "nobody spoke, and only after the last call-back is somebody sent")
CALLS: Mapping[str, Bound] = {
    "ring_resident_s": Bound(60, "they do not answer, and until then nobody is sent"),
    "not_after_s": Bound(120, "the call is not made, and until then people do not hear of it"),
    "reconcile_s": Bound(120, "it is not known whether it rings, and until then nobody else may ring"),
    "queue_s": Bound(60, "a caller hears nobody, and until then nobody more is rung"),
    "debt_s": Bound(120, "a caller who gave up is called back only then"),
}
DEADLINE = Bound(600, "nobody of this level says yes, and until then the one above is not asked")
FIRST_RUNG = Bound(60, "it was not heard when it rang at first, and until then it rings for nobody")
NEXT_RUNG = Bound(300, "nobody has claimed it, and between two rungs it rings for nobody")
REPEAT = Bound(300, "nobody has claimed it, and after the last rung it rings for nobody until then")


def _within(name: str, number: int, bound: Bound, place: Place) -> Iterator[Fault]:
    if number > bound.most:
        says = f"{number} is too long, at most {bound.most}: {bound.why}"
        yield Fault(place, says, f"long_{name}", {"at": number, "most": bound.most})


def _ladder(ladder: Ladder, place: Place) -> Iterator[Fault]:
    yield from _within("first_rung", ladder.rungs[0].after_s, FIRST_RUNG, (*place, "rungs", 0))
    for number, (one, following) in enumerate(pairwise(ladder.rungs), start=1):
        yield from _within("next_rung", following.after_s - one.after_s, NEXT_RUNG, (*place, "rungs", number))
    yield from _within("repeat_s", ladder.repeat_s, REPEAT, (*place, "repeat_s"))


def _levels(levels: tuple[Level, ...], place: Place) -> Iterator[Fault]:
    for number, level in enumerate(levels):
        yield from _within("deadline_s", level.deadline_s, DEADLINE, (*place, number, "deadline_s"))


def _override(one: Override, place: Place) -> Iterator[Fault]:
    for name, number in one.limits:
        if bound := LIMITS.get(name):
            yield from _within(name, number, bound, (*place, "limits", name))
    yield from _levels(one.levels, (*place, "level"))
    if one.ladder:
        yield from _ladder(one.ladder, (*place, "ladder"))


def faults(book: AlertPolicy) -> Iterator[Fault]:
    """Every number by which an emergency would be left alone for too long."""
    for name, bound in LIMITS.items():
        yield from _within(name, getattr(book, name), bound, ("limits", name))
    yield from _within("call_backs_s", book.call_backs_s[-1], CALL_BACK, ("limits", "call_backs_s"))
    for name, bound in CALLS.items():
        yield from _within(name, getattr(book.calls, name), bound, ("calls", name))
    yield from _levels(book.levels, ("level",))
    urgent = {id(ladder): ladder for kind, ladder in book.ladders.items() if kind in EMERGENCIES}
    for number, ladder in enumerate({id(one): one for one in book.ladders.values()}.values()):
        if id(ladder) in urgent:
            yield from _ladder(ladder, ("ladder", number))
    for number, one in enumerate(book.overrides):
        if not one.kinds or one.kinds & EMERGENCIES:
            yield from _override(one, ("override", number))
