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
from callcenter.alerts.policy_book import applied, fits, spans, specificity
from config.policies import AlertPolicy, Fault, Ladder, Override, Place

# Whom a rung of the ladder rings, by their kinds.
GROUPS: dict[str, tuple[str, ...]] = {
    "overflow_group": ("town_station",),
    "duty_manager": ("district_command",),
    "keyholders_and_neighbours": ("neighbour",),
}
KEYHOLDERS = "keyholders_and_neighbours"
PHONED_BY_S = 600  # an emergency nobody claims has rung a telephone by then, whatever the file says
HIGHEST_BY_S = 1800  # and the highest level has been asked by then: the time in which help should be there (field.md 4)
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

    areas: dict[tuple[Place, str, str], list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, place: Place, code: str, name: str, area: str) -> None:
        areas = self.areas[place, code, name]
        if area not in areas:
            areas.append(area)

    def faults(self, names: Mapping[str, str], says: Mapping[str, str]) -> Iterator[Fault]:
        for (place, code, name), areas in self.areas.items():
            if code in says:
                shown = ", ".join(f"{names.get(area, area)} ({area})" for area in areas[:NAMED])
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


def _ladder_places(book: AlertPolicy) -> dict[int, Place]:
    """Which ladder stands where in the file; the same one may serve many kinds."""
    places: dict[int, Place] = {}
    for ladder in book.ladders.values():
        places.setdefault(id(ladder), ("ladder", len(places)))
    own = (("override", number, "ladder") for number in range(len(book.overrides)))
    return places | {id(one.ladder): place for one, place in zip(book.overrides, own, strict=True) if one.ladder}


def _levels_place(book: AlertPolicy, overrides: Sequence[Override]) -> Place:
    """Where the levels that hold with these overrides stand."""
    giving = [book.overrides.index(one) for one in overrides if one.levels]
    return ("override", giving[-1], "level", 0) if giving else ("level", 0)


def _slowest_place(book: AlertPolicy, overrides: Sequence[Override]) -> Place:
    """Where the last word on how fast levels follow each other stands."""
    giving = [book.overrides.index(one) for one in overrides if one.levels or one.limits]
    return ("override", giving[-1]) if giving else ("level", len(book.levels) - 1)


@dataclass(frozen=True, slots=True)
class Case:
    """What holds for a kind under one combination of overrides."""

    kind: Kind
    overrides: tuple[Override, ...]
    policy: AlertPolicy

    @property
    def ladder(self) -> Ladder:
        return self.policy.ladder(self.kind)


def cases(book: AlertPolicy, area_path: Sequence[str]) -> list[Case]:
    """Every combination of overrides that can hold there, for each kind, over a whole week."""
    minutes = sorted({0, *(edge for one in book.overrides for span in spans(one.hours) for edge in span)})
    found: dict[tuple[Kind, tuple[Override, ...]], None] = {}
    for kind in Kind:
        for minute in minutes:
            those = (one for one in book.overrides if fits(one, area_path, kind, minute))
            found[kind, tuple(sorted(those, key=lambda one: specificity(one, area_path)))] = None
    return [Case(kind, those, applied(book, those, kind)) for kind, those in found]


def _unlike(found: Sequence[Case]) -> list[Case]:
    """One for all kinds that have the same levels and the same ladder."""
    return list({(one.overrides, id(one.ladder)): one for one in found}.values())


def highest_after_s(policy: AlertPolicy) -> int:
    """When the highest level is asked if nobody answers: levels change with a wave."""
    at = 0
    for level in policy.levels[:-1]:
        at = ceil((at + level.deadline_s) / policy.next_wave_s) * policy.next_wave_s
    return at


def _pace(book: AlertPolicy, case: Case) -> Iterator[Fault]:
    """The way up ends at the highest level, and in time."""
    policy = case.policy
    at, place = highest_after_s(policy), _slowest_place(book, case.overrides)
    name, last = policy.levels[-1].id, (policy.most_waves - 1) * policy.next_wave_s
    if at > last:
        says = f"level {name} would be asked after {at} s, but asking ends with wave {policy.most_waves} after {last} s"
        yield Fault(place, says, "never_reached", {"name": name, "at": at, "last": last})
    elif at > HIGHEST_BY_S:
        says = f"level {name} would be asked only after {at} s; at most {HIGHEST_BY_S}"
        yield Fault(place, says, "reached_late", {"name": name, "at": at, "most": HIGHEST_BY_S})


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
    """Of whom the network has somebody with a number, by area; asked for the same areas again and again."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._there: dict[str, set[str]] = defaultdict(set)
        for post in network.posts:
            self._there[post.area].add(post.kind)
        self.everywhere = {post.kind for post in network.posts}

    def path(self, area: str) -> list[str]:
        return way_up(area, self._network.parents)

    def kinds(self, path: Iterable[str]) -> set[str]:
        return {kind for area in path for kind in self._there.get(area, ())}


def _groups(ladder: Ladder, place: Place, network: Network, town: _Town) -> Iterator[Fault]:
    """A group that nobody anywhere belongs to would ring nobody."""
    for number, rung in enumerate(ladder.rungs):
        if rung.phone is None or town.everywhere & set(GROUPS[rung.phone]):
            continue
        if rung.phone != KEYHOLDERS or not network.keyholders:
            says = f"nobody with a telephone number belongs to {rung.phone} ({', '.join(GROUPS[rung.phone])})"
            yield Fault((*place, "rungs", number), says, "group_of_nobody", {"name": rung.phone})


def _people(book: AlertPolicy, area: str, case: Case, town: _Town, into: _Findings) -> None:
    """Whether somebody of the levels and groups could be telephoned for a press in the area."""
    there = town.kinds(town.path(area))
    place = _levels_place(book, case.overrides)
    if not there:
        into.add((), "nobody", "", area)
        return
    if not there & {kind for level in case.policy.levels for kind in level.kinds}:
        into.add(place, "alone", "", area)
    for number, level in enumerate(case.policy.levels):
        if not there & level.kinds:
            into.add((*place[:-1], number), "empty_level", level.id, area)
    for number, rung in enumerate(case.ladder.rungs):
        if rung.phone and rung.phone != KEYHOLDERS and not there & set(GROUPS[rung.phone]):
            into.add((*_ladder_places(book)[id(case.ladder)], "rungs", number), "empty_group", rung.phone, area)


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


def judge(book: AlertPolicy, network: Network) -> Verdict:
    """Everything against the policy. What parses may still leave somebody alone."""
    if wrong := _each_once((*policy_book.faults(book), *_areas(book, network))):
        return Verdict(wrong)
    town, places, into = _Town(network), _ladder_places(book), _Findings()
    named = {one.area for one in book.overrides if one.area}
    by_path: dict[tuple[str, ...], list[Case]] = {(): cases(book, ())}
    for area in sorted(network.inhabited | named):
        path = tuple(one for one in town.path(area) if one in named)
        if path not in by_path:
            by_path[path] = cases(book, path)
        for case in _unlike(by_path[path]) if area in network.inhabited else ():
            _people(book, area, case, town, into)
    found: list[Fault] = []
    for case in (case for those in by_path.values() for case in those):
        place = places[id(case.ladder)]
        found += [*_pace(book, case), *_phones(case.ladder, case.kind, place)]
        found += _groups(case.ladder, place, network, town)
    faults = _each_once((*found, *into.faults(network.names, _REFUSED)))
    return Verdict(faults, tuple(into.faults(network.names, _WARNED)))
