"""Gaps, as the door decides them: noticed by the service itself, and worked or dismissed by a supervisor.

Nobody is rung by a gap alone: it proposes a roll, and a named human starts it (docs/adr/0032).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from callcenter.alerts.gaps import Gap, GapKind, Settled, counts, proves
from callcenter.alerts.roll import IncidentKind, Listed, by_risk
from callcenter.alerts.rules import Refused
from callcenter.ports.room import GapDismissed, IncidentRaised, SweepWanted, Swept
from callcenter.storage import gap_book, network, work
from callcenter.storage.records import rfc3339
from callcenter.storage.unit import Unit
from handlers.alone import alone
from handlers.incidents import MOST_PEOPLE, open_roll
from handlers.intake import Handler


@dataclass(frozen=True, slots=True)
class GapBegan:
    """For so long already nothing of this kind has worked anywhere."""

    kind: GapKind
    since: datetime


@dataclass(frozen=True, slots=True)
class GapEnded:
    """It works again."""

    kind: GapKind


@dataclass(frozen=True, slots=True)
class GapPassed:
    """What could not be written down while it lasted."""

    kind: GapKind
    began: datetime
    ended: datetime


@dataclass(frozen=True, slots=True)
class GapReviewed:
    """By what was read, this gap leaves nobody to be asked. It is read again where it is decided."""

    gap_id: str


def _log(unit: Unit, gap: Gap, rule: str, **more: object) -> None:
    ended = {"ended_at": rfc3339(gap.ended_at)} if gap.ended_at else {}
    data = {"gap": gap.id, "kind": gap.kind.value, "began_at": rfc3339(gap.began_at)} | ended | more
    unit.log(None, rule=rule, actor="system", data=data)


def began(unit: Unit, seen: GapBegan) -> bool:
    """Several processes notice the same: the first writes it down."""
    if gap_book.going_on(unit.connection, seen.kind):
        return False
    gap = gap_book.add(unit.connection, seen.kind, seen.since, None, now=unit.now, by=unit.node)
    _log(unit, gap, "gap.began")
    return True


def ended(unit: Unit, seen: GapEnded) -> bool:
    gap = gap_book.going_on(unit.connection, seen.kind)
    if gap is None:
        return False
    _end(unit, gap)
    return True


def _end(unit: Unit, gap: Gap) -> None:
    gap_book.stretch(unit.connection, gap.id, gap.began_at, unit.now)
    _log(unit, replace(gap, ended_at=unit.now), "gap.ended")


def passed(unit: Unit, seen: GapPassed) -> None:
    """Of several processes each tells its part of the same."""
    for known in gap_book.unsettled(unit.connection):
        until = known.ended_at or unit.now
        if known.kind is seen.kind and known.began_at <= seen.ended and seen.began <= until:
            begins, ends = min(known.began_at, seen.began), max(until, seen.ended)
            gap_book.stretch(unit.connection, known.id, begins, ends)
            return
    gap = gap_book.add(unit.connection, seen.kind, seen.began, seen.ended, now=unit.now, by=unit.node)
    _log(unit, gap, "gap.passed")


def at_start(unit: Unit) -> None:
    """This process begins: was there a time in which none lived? Nothing about that keeps a centre from starting."""
    alone(unit, partial(_look_back, unit), otherwise=None, failed="gaps.not_looked_back")


def _look_back(unit: Unit) -> None:
    last = gap_book.last_alive(unit.connection)
    work.beat(unit.connection, unit.node, unit.now)  # the next process to start finds this one
    if restored := gap_book.going_on(unit.connection, GapKind.RESTORED):
        _end(unit, restored)  # it holds the time without a process too
    elif last and counts(GapKind.DOWN, last, unit.now):
        passed(unit, GapPassed(GapKind.DOWN, last, unit.now))


def reviewed(unit: Unit, review: GapReviewed) -> bool:
    """A gap that no longer concerns anybody settles itself; one by which presses were lost never does."""
    gap = gap_book.gap(unit.connection, review.gap_id)
    if gap is None or gap.settled_at or gap.ended_at is None or not proves(gap.kind):
        return False
    if gap_book.left(unit.connection, gap):
        return False
    worked = gap_book.rolls(unit.connection, [gap.id])[gap.id]
    _settle(unit, gap, Settled.SWEPT if worked else Settled.HEARD_AGAIN, by="")
    return True


def _settle(unit: Unit, gap: Gap, how: Settled, *, by: str, reason: str = "") -> None:
    gap_book.settle(unit.connection, gap.id, how, now=unit.now, by=by, reason=reason)
    data = {"gap": gap.id, "kind": gap.kind.value, "how": how.value, "reason": reason}
    unit.log(None, rule="gap.settled", actor=f"operator:{by}" if by else "system", data=data)


def sweep(unit: Unit, wanted: SweepWanted) -> Swept | Refused:
    """Open one roll, of one area that has no other above it, or of the supervisor's own; whoever asks asks again."""
    gap = _open_gap(unit, wanted.gap_id, supervisor=wanted.by.supervisor)
    if isinstance(gap, Refused):
        return gap
    people = gap_book.left(unit.connection, gap, wanted.scope)
    if not people:
        return Swept(None, more=False)
    area, theirs = _one_area(unit, people, wanted.area)
    chosen = by_risk(theirs)[:MOST_PEOPLE]
    raised = IncidentRaised(IncidentKind.OUTAGE, wanted.words, area, wanted.ask, wanted.by)
    incident = open_roll(unit, raised, chosen, gap=gap.id)
    if gap.ended_at and not gap_book.left(unit.connection, gap):
        _settle(unit, gap, Settled.SWEPT, by=wanted.by.id)
    return Swept(incident, more=len(chosen) < len(people))


def _open_gap(unit: Unit, gap_id: str, *, supervisor: bool) -> Gap | Refused:
    if not supervisor:
        return Refused("not_supervisor", "a supervisor decides what comes of a gap")
    gap = gap_book.gap(unit.connection, gap_id)
    if gap is None:
        return Refused("not_found", "there is no such gap")
    return Refused("not_allowed", "it is settled already") if gap.settled_at else gap


def _one_area(unit: Unit, people: Sequence[tuple[str, Listed]], own: str | None) -> tuple[str, list[Listed]]:
    """A roll is seen by whoever sees its area: each tree of areas has one of its own."""
    if own:
        return own, [person for _, person in people]
    tree = network.tree(unit.connection)
    first = _top(tree, people[0][0])
    return first, [person for area, person in people if _top(tree, area) == first]


def _top(tree: dict[str, str | None], area: str) -> str:
    seen = {area}
    while (above := tree.get(area)) and above not in seen:
        area = above
        seen.add(area)
    return area


def dismiss(unit: Unit, wanted: GapDismissed) -> bool | Refused:
    """Nobody need be asked, says a named human who sees everybody, and why."""
    gap = _open_gap(unit, wanted.gap_id, supervisor=wanted.by.supervisor)
    if isinstance(gap, Refused):
        return gap
    if gap.ended_at is None:
        return Refused("not_allowed", "it goes on: nobody knows yet whom it concerns")
    if wanted.scope.areas is not None:
        return Refused("outside_area", "it concerns people of other areas too")
    if not wanted.reason.strip():
        return Refused("missing", "say why nobody need be asked")
    _settle(unit, gap, Settled.DISMISSED, by=wanted.by.id, reason=wanted.reason)
    return True


HANDLERS: dict[type, Handler] = {
    GapBegan: Handler(began),
    GapEnded: Handler(ended),
    GapPassed: Handler(passed),
    GapReviewed: Handler(reviewed, withdrawable=True),
    SweepWanted: Handler(sweep, withdrawable=True),
    GapDismissed: Handler(dismiss, withdrawable=True),
}
