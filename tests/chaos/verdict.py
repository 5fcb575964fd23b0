"""What must hold over all of it, and the figures that say how much was at stake."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from callcenter.storage import tables as t
from tests.chaos.people import Seat, Watcher
from tests.chaos.town import PARTS, Town
from tests.e2e.books import Answers, judge
from tests.e2e.fleet import Fleet

# A deadline is fired so soon while a process that fires deadlines has been able to store all the time. Five seconds are
# the promise on a machine of one's own; here two cores carry fourteen processes.
BOUND_S = 10.0
LOOK_S = 1.0
FIRE_DEADLINES = tuple(name for name, parts in PARTS.items() if not parts or "timers" in parts)


class Deadlines:
    """Looks once a second for deadlines that wait although somebody could fire them."""

    def __init__(self, town: Town) -> None:
        self.wrong: list[str] = []
        self.latest_s = 0.0
        self._town, self._over = town, threading.Event()
        self._thread = threading.Thread(target=self._look_for_ever, name="deadlines", daemon=True)

    def __enter__(self) -> "Deadlines":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(10)

    def _look_for_ever(self) -> None:
        while not self._over.wait(LOOK_S):
            try:
                self._look()
            except DBAPIError:
                continue  # the database is broken just now

    def _look(self) -> None:
        ready_s = self._town.pulse.ready_for(FIRE_DEADLINES)
        for row in self._town.books.overdue(1):
            late_s = (datetime.now(UTC) - row.due).total_seconds()
            could_s = min(late_s, ready_s)
            self.latest_s = max(self.latest_s, could_s)
            if could_s > BOUND_S:
                self.wrong.append(f"LATE: {row.kind} of {row.alert_id}, due {row.due:%H:%M:%S}, waits {late_s:.1f} s, "
                                  f"{ready_s:.1f} s of them with a process that could")  # fmt: skip


def dialled_twice(town: Town) -> Iterator[str]:
    """The carrier's own ledger: each call of ours names itself in the address of its callbacks."""
    legs = Counter(
        PurePosixPath(urlsplit(leg["reports_to"]).path).name
        for leg in town.carrier.read("ledger")["calls"]
        if leg["direction"] == "outbound-api"
    )
    yield from (f"DIALLED TWICE: call {call}, {count} times" for call, count in legs.items() if count > 1)


def all_answers(seats: Sequence[Seat]) -> Answers:
    return Answers([one for seat in seats for one in seat.answers.done],
                   [one for seat in seats for one in seat.answers.open])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figures:
    """What the run was made of."""

    presses: int
    answered: int
    alerts: int
    signals: int
    calls: int
    legs: int
    effects: int
    actions: int
    entries: int
    resumed: int
    latest_s: float
    slowest_s: float  # from a press to its first acknowledgement

    def table(self) -> str:
        return "\n".join(
            f"  {says:<52} {value:>10}" for says, value in (
                ("presses made", self.presses), ("presses acknowledged", self.answered),
                ("signals stored", self.signals), ("alerts", self.alerts),
                ("calls decided on", self.calls), ("calls the carrier was asked for", self.legs),
                ("operators' actions answered", self.actions), ("entries of the timeline", self.entries),
                ("effects", self.effects),
                ("times a console resumed by number", self.resumed),
                ("latest deadline that somebody could have fired, s", f"{self.latest_s:.1f}"),
                ("longest from a press to `stored`, s", f"{self.slowest_s:.1f}"),
            )
        )  # fmt: skip


def figures(town: Town, fleet: Fleet, seats: Sequence[Seat], watchers: Sequence[Watcher], late: Deadlines) -> Figures:
    def count(table) -> int:
        with town.books._engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(table)).scalar_one()

    presses = fleet.presses
    took = [press.acks[0][0] - press.pressed for press in presses if press.acks]
    legs = [leg for leg in town.carrier.read("ledger")["calls"] if leg["direction"] == "outbound-api"]
    return Figures(
        presses=len(presses), answered=len(took), alerts=count(t.alerts), signals=count(t.signals),
        calls=count(t.calls), legs=len(legs), effects=count(t.outbox),
        actions=len(all_answers(seats).done), entries=count(t.timeline),
        resumed=sum(watcher.resumed for watcher in watchers), latest_s=late.latest_s, slowest_s=max(took, default=0.0),
    )  # fmt: skip


CLASSES = {
    "lost": ("LOST", "never answered", "not stored", "is not told", "not on a console", "the feed went"),
    "doubled": ("DIALLED TWICE", "times", "nobody pressed", "actions happened", "open alerts"),
    "late": ("LATE", "overdue", "are due"),
}


def by_class(wrong: Sequence[str]) -> dict[str, int]:
    """How many of them are of which class; the rest is `other`."""
    found = Counter(
        next((name for name, words in CLASSES.items() if any(word in one for word in words)), "other") for one in wrong
    )
    return {name: found[name] for name in (*CLASSES, "other")}


def come_to_rest(town: Town, watchers: Sequence[Watcher], seconds: float) -> list[str]:
    """Until the operators have closed everything, nothing is pending, and the consoles have seen it all."""
    end = time.monotonic() + seconds
    while left := _left(town, watchers):
        if time.monotonic() > end:
            return [f"after {seconds:.0f} s of peace: {one}" for one in left]
        time.sleep(0.3)
    return []


def _left(town: Town, watchers: Sequence[Watcher]) -> list[str]:
    not_closed = len(town.books.rows(t.alerts, t.alerts.c.state != "closed"))
    pending, overdue = len(town.books.pending()), len(town.books.overdue(2))
    head = int(town.books.rows(t.timeline_head)[0].n)
    left = [(not_closed, "alerts are not closed"), (pending, "effects are pending"), (overdue, "deadlines are due")]
    left += [(head - watcher.last, "entries are not on a console") for watcher in watchers]
    return [f"{number} {what}" for number, what in left if number]


def violations(
    town: Town, fleet: Fleet, seats: Sequence[Seat], watchers: Sequence[Watcher], late: Deadlines
) -> list[str]:
    """Empty is good."""
    return [
        *judge(fleet, town.books, all_answers(seats)),
        *late.wrong[:10],
        *dialled_twice(town),
        *(wrong for watcher in watchers for wrong in watcher.wrong),
    ]
