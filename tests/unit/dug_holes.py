"""A generator of towns with holes in their network, each dug on purpose, so that it is known without reckoning.

People stand in crews. A crew is on duty together, so where it is away the hole is written down as it is dug; decoys
look like a hole, or like help, and are neither. Times are to the minute; the check itself begins at any second.
"""

import itertools
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from callcenter.alerts.coverage import AHEAD, Gap, Hole
from callcenter.alerts.duty import Interval
from callcenter.clock import china
from config.policies import Level

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ZONE = china()
KINDS = {
    "neighbour": ("neighbour", "family"),
    "village": ("village_doctor", "carer"),
    "town": ("town_station",),
    "district": ("district_command",),
}


class Away(NamedTuple):
    """A row of the absences: off duty, or there after all."""

    starts: datetime
    ends: datetime
    there: bool = False


class Person(NamedTuple):
    id: str
    kind: str
    phone: str
    area: str
    hours: str
    stopped: bool


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@dataclass
class Town:
    """The files of a town, and the holes that were dug in it."""

    seed: int
    areas: dict[str, str | None] = field(default_factory=dict)  # id -> the one above
    inhabited: list[str] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    absences: list[tuple[str, Away]] = field(default_factory=list)
    numberless: dict[str, str] = field(default_factory=dict)  # who -> what stands in the field all the same
    dug: list[Hole] = field(default_factory=list)
    used: set[str] = field(default_factory=set)  # names of the ways of digging

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.dice.randrange(365 * 86_400))
        self.end = self.start + AHEAD
        first = self.start.astimezone(ZONE).date() - DAY
        self.days = [first + n * DAY for n in range(AHEAD.days + 3)]
        self.holidays = set(self.dice.sample(self.days, self.dice.randrange(4)))
        self.levels = tuple(
            Level(id, frozenset(kinds), self.dice.choice((1, 1, 2)), wave_size=3, deadline_s=90)
            for id, kinds in KINDS.items()
        )
        for _ in range(2):
            self._settle(None, depth=0)
        for root in [id for id, above in self.areas.items() if above is None]:
            for level in self.levels:
                self._dig(root, level)

    def _settle(self, above: str | None, *, depth: int) -> None:
        """District, town, village, neighbourhood; the ids do not tell which lies in which."""
        area = f"x{self.dice.randrange(10**9)}"
        self.areas[area] = above
        if self.dice.random() < (0.3, 0.5, 0.9, 0.9)[depth]:
            self.inhabited.append(area)
        for _ in range((2, self.dice.randrange(1, 4), self.dice.randrange(3), 0)[depth]):
            self._settle(area, depth=depth + 1)

    def _below(self, area: str) -> list[str]:
        return [id for id, above in self.areas.items() if above == area]

    def _within(self, area: str) -> list[str]:
        return [area, *(one for below in self._below(area) for one in self._within(below))]

    def _dig(self, area: str, level: Level) -> None:
        """The level's people stand in this area, or in each of those below; then there are none for the area itself."""
        Decoys(self, area, level).add()
        below = self._below(area)
        if below and self.dice.random() < 0.6:
            self._record([area], level, [(self.start, self.end, 0)])
            for one in below:
                self._dig(one, level)
            return
        way = self.dice.choice(WAYS)
        self.used.add(way.__name__)
        self._record(self._within(area), level, way(Crew(self, area, level)))
        for one in self._within(area):
            Decoys(self, one, level).add()

    def _record(self, areas: Iterable[str], level: Level, gaps: Iterable[Gap]) -> None:
        for starts, ends, there in gaps:
            a, b = max(starts, self.start), min(ends, self.end)
            if a < b:
                self.dug += [Hole(area, level.id, a, b, there, level.least) for area in areas if area in self.inhabited]


@dataclass
class Place:
    """One area and level of a town, in which people are put."""

    town: Town
    area: str
    level: Level

    def person(
        self,
        hours: str = "",
        away: Iterable[Away] = (),
        *,
        phone: str = "",
        kind: str = "",
        area: str = "",
        stopped: bool = False,
    ) -> str:
        id = f"p{len(self.town.people)}"
        kind = kind or self.town.dice.choice(KINDS[self.level.id])
        phone = phone or f"139{len(self.town.people):08}"
        self.town.people.append(Person(id, kind, phone, area or self.area, hours, stopped))
        self.town.absences += [(id, one) for one in away]
        return id


class Decoys(Place):
    """People who change nothing, whatever the crew does."""

    def add(self) -> None:
        dice, town = self.town.dice, self.town
        for kind in dice.sample(range(5), dice.randrange(3)):
            if kind == 0:
                self.person(stopped=True)
            elif kind == 1:
                town.numberless[self.person()] = dice.choice(["", "-", "000", "0-0-0"])
            elif kind == 2:
                self.person(kind="hospital")
            elif kind == 3:
                self.person(away=[Away(town.start - 40 * DAY, town.end + 40 * DAY)])
            else:  # there for a while before the check, and again after it
                long_ago, late = town.start - 9 * DAY, town.end + 9 * DAY
                self.person(
                    "mon-sun 00:00-24:00", [Away(long_ago, late), Away(long_ago + DAY, long_ago + 2 * DAY, True)]
                )


@dataclass
class Crew(Place):
    """Some who are always there, too few by themselves, and as many as it takes, who share their hours."""

    spare: int = field(init=False)

    def __post_init__(self) -> None:
        self.spare = self.town.dice.randrange(self.level.least)

    def spares(self) -> None:
        for _ in range(self.spare):
            self.person()

    def work(self, hours: str = "", away: Iterable[Away] = ()) -> None:
        away = tuple(away)
        for _ in range(self.level.least):
            self.person(hours, away)

    def whole_week(self, there: int) -> list[Gap]:
        return [(self.town.start, self.town.end, there)]

    def between(self, duty: Iterable[Interval]) -> list[Gap]:
        """Where the crew is not, given its duty in order and apart."""
        gaps: list[Gap] = []
        at = self.town.start
        for starts, ends in duty:
            if at < starts:
                gaps.append((at, starts, self.spare))
            at = max(at, ends)
        return [*gaps, (at, self.town.end, self.spare)]

    def daily(self, starts: int, ends: int) -> list[Interval]:
        """Those minutes of each day that is no holiday; a night that begins before one goes on into it."""
        return [(self.at(day, starts), self.at(day, ends)) for day in self.workdays()]

    def workdays(self) -> list[date]:
        return [day for day in self.town.days if day not in self.town.holidays]

    def at(self, day: date, minutes: int) -> datetime:
        return datetime.combine(day, time(), ZONE) + minutes * MINUTE

    def stretches(self) -> list[Interval]:
        """Some stretches of whole minutes, apart by a minute at least; the first and last may reach out of the week."""
        dice = self.town.dice
        at = (self.town.start - DAY).replace(second=0)
        found = []
        while at < self.town.end and len(found) < 6:
            starts = at + dice.choice((1, dice.randrange(1, 60), dice.randrange(1, 3000))) * MINUTE
            at = starts + dice.choice((1, dice.randrange(1, 60), dice.randrange(1, 2500))) * MINUTE
            found.append((starts, at))
        return found


# -- the ways of digging; each answers with its holes


def everybody_is_there(crew: Crew) -> list[Gap]:
    crew.work()
    return []


def nobody_of_that_kind(crew: Crew) -> list[Gap]:
    return crew.whole_week(0)


def too_few(crew: Crew) -> list[Gap]:
    crew.spares()
    return crew.whole_week(crew.spare)


def all_have_stopped(crew: Crew) -> list[Gap]:
    crew.spares()
    for _ in range(crew.level.least):
        crew.person(stopped=True)
    return crew.whole_week(crew.spare)


def no_numbers(crew: Crew) -> list[Gap]:
    crew.spares()
    for _ in range(crew.level.least):
        crew.town.numberless[crew.person()] = crew.town.dice.choice(["", "none", "0000000"])
    return crew.whole_week(crew.spare)


def one_telephone_for_all(crew: Crew) -> list[Gap]:
    """The same number, written in several ways."""
    number = f"137{len(crew.town.people):08}"
    for written in (number, f"+86 {number}", f"0086{number[:3]}-{number[3:]}"):
        crew.person(phone=written)
    return [] if crew.level.least == 1 else crew.whole_week(1)


def away_together(crew: Crew) -> list[Gap]:
    away = crew.stretches()
    crew.spares()
    crew.work(away=[Away(*one) for one in away])
    return [(*one, crew.spare) for one in away]


def away_in_part(crew: Crew) -> list[Gap]:
    """One more than it takes: one away is none too few, two are."""
    dice, least = crew.town.dice, crew.level.least
    away = {one: dice.randrange(1, least + 2) for one in crew.stretches()}
    for n in range(least + 1):
        crew.person(away=[Away(*one) for one, many in away.items() if n < many])
    return [(*one, least + 1 - many) for one, many in away.items() if many > 1]


def away_one_after_the_other(crew: Crew) -> list[Gap]:
    """The hand-over is to the minute, so there is no hole where the absences touch."""
    first, *others = crew.stretches()
    until = min([first[1] + 90 * MINUTE, *(starts for starts, _ in others)])
    turns = [first, (first[1], until), *others]
    for n in range(crew.level.least + 1):
        crew.person(away=[Away(*one) for number, one in enumerate(turns) if number % (crew.level.least + 1) == n])
    return []


def a_stand_in_who_leaves_early(crew: Crew) -> list[Gap]:
    """The later absence counts: the stand-in is off for months, and there after all while the others are away."""
    dice, away = crew.town.dice, crew.stretches()
    early = {one: dice.randrange((one[1] - one[0]) // MINUTE + 1) * MINUTE * dice.randrange(2) for one in away}
    crew.spares()
    crew.work(away=[Away(*one) for one in away])
    off = Away(crew.town.start - 60 * DAY, crew.town.end + 60 * DAY)
    there = [Away(a, b - early[a, b], True) for a, b in away if early[a, b] < b - a]
    for _ in range(crew.level.least):
        crew.person(away=[off, *there])
    return [(b - left, b, crew.spare) for (a, b), left in early.items() if left]


def the_nights_are_open(crew: Crew) -> list[Gap]:
    a, b = sorted(crew.town.dice.sample(range(1, 1440), 2))
    crew.spares()
    crew.work(f"mon-sun {clock(a)}-{clock(b)}")
    return crew.between(crew.daily(a, b))


def the_days_are_open(crew: Crew) -> list[Gap]:
    """Hours over midnight."""
    a, b = sorted(crew.town.dice.sample(range(1, 1440), 2))
    crew.spares()
    crew.work(f"mon-sun {clock(b)}-{clock(a)}")
    return crew.between(crew.daily(b, a + 1440))


def a_minute_between_two_shifts(crew: Crew) -> list[Gap]:
    a, b = sorted(crew.town.dice.sample(range(2, 1438), 2))
    crew.spares()
    crew.work(f"mon-sun {clock(a)}-{clock(b)}")
    crew.work(f"mon-sun {clock(b + 1)}-{clock(a)}")
    return crew.between(sorted([*crew.daily(a, b), *crew.daily(b + 1, a + 1440)]))


def shifts_that_touch(crew: Crew) -> list[Gap]:
    """Two shifts make the whole day; only on holidays nobody is there."""
    middle = crew.town.dice.randrange(1, 1440)
    crew.spares()
    crew.work(f"mon-sun 00:00-{clock(middle)}")
    crew.work(f"mon-sun {clock(middle)}-24:00")
    return crew.between(crew.daily(0, 1440))


def one_relieves_the_other(crew: Crew) -> list[Gap]:
    """One at a time: where two are wanted, one long hole and not one per shift; on holidays another, of both."""
    middle = crew.town.dice.randrange(1, 1440)
    for shift in (f"mon-sun 00:00-{clock(middle)}", f"mon-sun {clock(middle)}-24:00"):
        crew.person(shift)
    gaps = []
    for free, days in itertools.groupby(crew.town.days, key=crew.town.holidays.__contains__):
        first, *others = days
        gaps.append((crew.at(first, 0), crew.at([first, *others][-1], 1440), 0 if free else 1))
    return [gap for gap in gaps if gap[2] < crew.level.least]


def the_weekend_is_open(crew: Crew) -> list[Gap]:
    crew.spares()
    crew.work("mon-fri 00:00-24:00")
    return crew.between([(crew.at(day, 0), crew.at(day, 1440)) for day in crew.workdays() if day.weekday() < 5])


def somebody_stands_in_on_holidays(crew: Crew) -> list[Gap]:
    crew.work("mon-sun 00:00-24:00", [Away(crew.at(day, 0), crew.at(day, 1440), True) for day in crew.town.holidays])
    return []


def who_is_there_day_and_night_works_on_holidays(crew: Crew) -> list[Gap]:
    crew.work("mon-sun 08:00-18:00")
    crew.work()
    return []


WAYS: tuple[Callable[[Crew], list[Gap]], ...] = (
    everybody_is_there,
    nobody_of_that_kind,
    too_few,
    all_have_stopped,
    no_numbers,
    one_telephone_for_all,
    away_together,
    away_in_part,
    away_one_after_the_other,
    a_stand_in_who_leaves_early,
    the_nights_are_open,
    the_days_are_open,
    a_minute_between_two_shifts,
    shifts_that_touch,
    one_relieves_the_other,
    the_weekend_is_open,
    somebody_stands_in_on_holidays,
    who_is_there_day_and_night_works_on_holidays,
)
