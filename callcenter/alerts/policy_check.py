"""Whether a policy could leave somebody alone, checked against the people who are registered. Pure.

Refused is what another text would mend: nobody asked although somebody could be, a telephone group without a number, a
level that is never reached, a ladder that rings no telephone. What only another person could mend is a warning.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from callcenter.alerts import policy_book
from callcenter.alerts.coverage import Post, way_up
from callcenter.alerts.model import EMERGENCIES, Kind
from callcenter.alerts.policy_book import WHOLE_WEEK, applied, specificity, week
from config.policies import AlertPolicy, Fault, Ladder, Override, Place

# Whom a rung of the ladder rings, by their kinds.
GROUPS: dict[str, tuple[str, ...]] = {
    "overflow_group": ("town_station",),
    "duty_manager": ("district_command",),
    "keyholders_and_neighbours": ("neighbour",),
}
KEYHOLDERS = "keyholders_and_neighbours"
PHONED_BY_S = 180  # an emergency nobody claims has rung a telephone by then: 99% are heard in that time (field.md 4)
HIGHEST_BY_S = 900  # and the highest level has been asked by then: half of the time in which help should be there
ASKED_FOR_S = 120  # in which somebody says yes (field.md 4): so long more are asked, whoever is there
NAMED = 3  # areas that a sentence names


@dataclass(frozen=True, slots=True)
class Network:
    """Who is registered, and where people live who may press."""

    parents: Mapping[str, str | None]
    names: Mapping[str, str]
    inhabited: frozenset[str]
    posts: tuple[Post, ...]  # everybody with a number who has not stopped
    keyholders: bool = False  # some resident has a contact with a key and a number


@dataclass(frozen=True, slots=True)
class Verdict:
    """With a fault the policy is refused."""

    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...] = ()


@dataclass(slots=True)
class _Findings:
    """Said once for each place in the file and reason, with the areas it is true of."""

    areas: dict[tuple[Place, str, str], set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, place: Place, code: str, name: str, areas: Iterable[str]) -> None:
        self.areas[place, code, name].update(areas)

    def faults(self, names: Mapping[str, str], says: Mapping[str, str]) -> Iterator[Fault]:
        for (place, code, name), areas in self.areas.items():
            if code in says:
                shown = ", ".join(f"{names.get(area, area)} ({area})" for area in sorted(areas)[:NAMED])
                values = {"name": name, "count": len(areas), "areas": shown}
                yield Fault(place, says[code].format(**values), code, values)


_REFUSED = {
    "alone": "nobody who could be asked there belongs to any of these levels, in {count} areas: {areas}",
}
_WARNED = {
    "nobody": "nobody with a telephone number is registered for {count} areas, whatever the policy: {areas}",
    "empty_level": "level {name} has nobody with a telephone number in {count} areas: {areas}",
    "empty_group": "{name} has nobody with a telephone number in {count} areas: {areas}",
}


@dataclass(frozen=True, slots=True)
class Case:
    """What holds for a kind under one combination of overrides."""

    kind: Kind
    overrides: tuple[Override, ...]
    policy: AlertPolicy

    @property
    def ladder(self) -> Ladder:
        return self.policy.ladder(self.kind)


class _Places:
    """Where in the file stands what holds in a case."""

    def __init__(self, book: AlertPolicy) -> None:
        self._numbers = {id(one): number for number, one in enumerate(book.overrides)}
        self._last_level = len(book.levels) - 1
        self._ladders: dict[int, Place] = {}
        for ladder in book.ladders.values():  # the same one may serve many kinds
            self._ladders.setdefault(id(ladder), ("ladder", len(self._ladders)))
        for number, one in enumerate(book.overrides):
            if one.ladder:
                self._ladders[id(one.ladder)] = ("override", number, "ladder")

    def ladder(self, case: Case) -> Place:
        return self._ladders[id(case.ladder)]

    def levels(self, case: Case) -> Place:
        giving = [self._numbers[id(one)] for one in case.overrides if one.levels]
        return ("override", giving[-1], "level", 0) if giving else ("level", 0)

    def pace(self, case: Case) -> Place:
        """Of the last word on how fast levels follow each other."""
        giving = [self._numbers[id(one)] for one in case.overrides if one.levels or one.limits]
        return ("override", giving[-1]) if giving else ("level", self._last_level)


def cases(book: AlertPolicy, area_path: Sequence[str]) -> list[Case]:
    """Every combination of overrides that can hold there, for each kind, over a whole week."""
    here = [one for one in book.overrides if one.area is None or one.area in area_path]
    here.sort(key=lambda one: specificity(one, area_path))
    found: dict[tuple[Override, ...], list[tuple[Override, ...]]] = {}  # kinds of which the same holds are alike
    made: list[Case] = []
    for kind in Kind:
        those = tuple(one for one in here if not one.kinds or kind in one.kinds)
        if those not in found:
            found[those] = _combinations(those)
        made += [Case(kind, one, applied(book, one, kind)) for one in found[those]]
    return made


def _combinations(those: Sequence[Override]) -> list[tuple[Override, ...]]:
    """Which of them hold together at some minute: each divides the week into when it holds and when it does not."""
    parts: list[tuple[int, tuple[Override, ...]]] = [(WHOLE_WEEK, ())]
    for one in those:
        its, before, parts = week(one.hours), parts, []
        for minutes, holding in before:
            if minutes & its:
                parts.append((minutes & its, (*holding, one)))
            if minutes & ~its:
                parts.append((minutes & ~its, holding))
    return [holding for _, holding in parts]


def _unlike(found: Sequence[Case]) -> list[Case]:
    """One for all kinds that have the same levels and the same ladder."""
    return list({(one.overrides, id(one.ladder)): one for one in found}.values())


def highest_after_s(policy: AlertPolicy) -> int:
    """When the highest level is asked if nobody answers: levels change with a wave."""
    at = 0
    for level in policy.levels[:-1]:
        at = ceil((at + level.deadline_s) / policy.next_wave_s) * policy.next_wave_s
    return at


def _pace(case: Case, place: Place) -> Iterator[Fault]:
    """The way up ends at the highest level, and in time; and asking does not end before somebody can have said yes."""
    policy, at = case.policy, highest_after_s(case.policy)
    name, last = policy.levels[-1].id, (policy.most_waves - 1) * policy.next_wave_s
    if at > last:
        says = f"level {name} would be asked after {at} s, but asking ends with wave {policy.most_waves} after {last} s"
        yield Fault(place, says, "never_reached", {"name": name, "at": at, "last": last})
    elif at > HIGHEST_BY_S:
        says = f"level {name} would be asked only after {at} s; at most {HIGHEST_BY_S}"
        yield Fault(place, says, "reached_late", {"name": name, "at": at, "most": HIGHEST_BY_S})
    elif last < ASKED_FOR_S and case.kind in EMERGENCIES:
        says = f"asking ends with wave {policy.most_waves} after {last} s; at least {ASKED_FOR_S} for an emergency"
        yield Fault(place, says, "asks_short", {"at": last, "least": ASKED_FOR_S})


def _phones(ladder: Ladder, kind: Kind, place: Place) -> Iterator[Fault]:
    """An emergency that nobody claims rings a telephone, and soon."""
    if kind not in EMERGENCIES:
        return
    first = next((rung for rung in ladder.rungs if rung.phone), None)
    if first is None:
        says = f"no rung of this ladder rings a telephone: {kind} that nobody claims would ring in the console only"
        yield Fault(place, says, "no_phone", {"name": kind.value})
    elif first.after_s > PHONED_BY_S:
        says = f"the first telephone rings after {first.after_s} s; at most {PHONED_BY_S} for an emergency"
        where = (*place, "rungs", ladder.rungs.index(first))
        yield Fault(where, says, "phones_late", {"at": first.after_s, "most": PHONED_BY_S})


class _Town:
    """Of whom the network has somebody with a number, by area."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._there: dict[str, set[str]] = defaultdict(set)
        for post in network.posts:
            self._there[post.area].add(post.kind)
        self.everywhere = {post.kind for post in network.posts}

    def path(self, area: str) -> list[str]:
        return way_up(area, self._network.parents)

    def kinds(self, path: Iterable[str]) -> frozenset[str]:
        return frozenset(kind for area in path for kind in self._there.get(area, ()))


def _groups(ladder: Ladder, place: Place, network: Network, town: _Town) -> Iterator[Fault]:
    """A group that nobody anywhere belongs to would ring nobody."""
    for number, rung in enumerate(ladder.rungs):
        if rung.phone is None or town.everywhere & set(GROUPS[rung.phone]):
            continue
        if rung.phone != KEYHOLDERS or not network.keyholders:
            says = f"nobody with a telephone number belongs to {rung.phone} ({', '.join(GROUPS[rung.phone])})"
            yield Fault((*place, "rungs", number), says, "group_of_nobody", {"name": rung.phone})


@dataclass(frozen=True, slots=True)
class _Alike:
    """Areas where the same overrides may hold and people of the same kinds are."""

    path: tuple[str, ...]  # the areas above and with them that an override names
    there: frozenset[str]
    areas: Sequence[str]


def _people(case: Case, alike: _Alike, places: _Places, into: _Findings) -> None:
    """Whether somebody of the levels and groups could be telephoned for a press there."""
    place, there = places.levels(case), alike.there
    if not any(there & level.kinds for level in case.policy.levels):
        into.add(place, "alone", "", alike.areas)
    for number, level in enumerate(case.policy.levels):
        if not there & level.kinds:
            into.add((*place[:-1], number), "empty_level", level.id, alike.areas)
    for number, rung in enumerate(case.ladder.rungs):
        if rung.phone and rung.phone != KEYHOLDERS and not there & set(GROUPS[rung.phone]):
            into.add((*places.ladder(case), "rungs", number), "empty_group", rung.phone, alike.areas)


def _areas(book: AlertPolicy, network: Network) -> Iterator[Fault]:
    for number, one in enumerate(book.overrides):
        if one.area is not None and one.area not in network.parents:
            yield Fault(
                ("override", number, "area"), f"there is no area {one.area}", "unknown_area", {"name": one.area}
            )


def _each_once(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    found: dict[tuple[Place, str], Fault] = {}
    for one in faults:
        found.setdefault((one.place, one.code), one)
    return tuple(found.values())


def _alike(areas: Iterable[str], named: set[str], town: _Town) -> list[_Alike]:
    found: dict[tuple[tuple[str, ...], frozenset[str]], list[str]] = defaultdict(list)
    for area in sorted(areas):
        path = town.path(area)
        found[tuple(one for one in path if one in named), town.kinds(path)].append(area)
    return [_Alike(path, there, those) for (path, there), those in found.items()]


def judge(book: AlertPolicy, network: Network) -> Verdict:
    """Everything against the policy. What parses may still leave somebody alone."""
    if wrong := _each_once((*policy_book.faults(book), *_areas(book, network))):
        return Verdict(wrong)
    town, places, into = _Town(network), _Places(book), _Findings()
    named = {one.area for one in book.overrides if one.area}
    lived_in = _alike(network.inhabited, named, town)
    paths = {(), *(one.path for one in (*lived_in, *_alike(named, named, town)))}
    by_path = {path: cases(book, path) for path in sorted(paths)}
    for alike in lived_in:
        if not alike.there:
            into.add((), "nobody", "", alike.areas)
        for case in _unlike(by_path[alike.path]) if alike.there else ():
            _people(case, alike, places, into)
    found: list[Fault] = []
    every = [case for those in by_path.values() for case in those]
    for case in every:
        found += _pace(case, places.pace(case))
    for case in {(id(one.ladder), one.kind): one for one in every}.values():
        place = places.ladder(case)
        found += [*_phones(case.ladder, case.kind, place), *_groups(case.ladder, place, network, town)]
    faults = _each_once((*found, *into.faults(network.names, _REFUSED)))
    return Verdict(faults, tuple(into.faults(network.names, _WARNED)))
