"""A measure by hour, day, month, area, channel, outcome or kind: facts go into groups, each group gives figures."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from callcenter.statistics.measures import Figures, Measure
from callcenter.statistics.periods import Period, day_of, hour_of, month_of
from callcenter.storage.facts import CHANNELS, AlertFact, CallFact

Fact = CallFact | AlertFact


@dataclass(frozen=True, slots=True)
class Grouping:
    """`key` of a fact; `keys` that are shown even where nothing happened; the longest period it is offered for."""

    key: Callable[[Any, tzinfo], str]
    keys: Callable[[Period], Iterable[str]]
    longest_days: int = 92  # a quarter: more is read from rollups, which the catalogue of measures brings


def _none(_period: Period) -> Iterable[str]:
    return ()


# An empty key: not known (area), or not over yet (outcome).
GROUPINGS: dict[str, Grouping] = {
    "hour": Grouping(lambda fact, zone: hour_of(fact.at, zone), Period.each_hour, longest_days=7),
    "day": Grouping(lambda fact, zone: day_of(fact.at, zone), Period.each_day),
    "month": Grouping(lambda fact, zone: month_of(fact.at, zone), Period.each_month),
    "area": Grouping(lambda fact, _zone: str(fact.area), _none),
    "channel": Grouping(lambda fact, _zone: str(fact.channel), lambda _period: CHANNELS),
    "outcome": Grouping(lambda fact, _zone: str(fact.outcome), _none),
    "kind": Grouping(lambda fact, _zone: str(fact.kind), _none),
}
OF_CALLS = ("hour", "day", "month", "area", "channel", "outcome")
OFFERED: dict[str, tuple[str, ...]] = {"calls": OF_CALLS, "alerts": (*OF_CALLS, "kind")}


@dataclass(frozen=True, slots=True)
class Only:
    """Facts with these words count; None: any."""

    area: str | None = None
    channel: str | None = None
    outcome: str | None = None

    def admits(self, fact: Fact) -> bool:
        wanted = ((self.area, fact.area), (self.channel, fact.channel), (self.outcome, fact.outcome))
        return not fact.drill and all(word is None or word == own for word, own in wanted)


@dataclass(frozen=True, slots=True)
class Measured:
    """(key, figures) in order, and the figures of everything together (not their sum: a median has none)."""

    rows: list[tuple[str, Figures]]
    total: Figures


def measured(measure: Measure, facts: Sequence[Fact], period: Period, *, by: str, only: Only | None = None) -> Measured:
    """`by` is one of OFFERED[measure.of]."""
    only, grouping = only or Only(), GROUPINGS[by]
    counting = [fact for fact in facts if only.admits(fact)]
    groups: defaultdict[str, list[Fact]] = defaultdict(list)
    for fact in counting:
        groups[grouping.key(fact, period.zone)].append(fact)
    keys = dict.fromkeys([*grouping.keys(period), *sorted(groups)])
    return Measured([(key, measure.figures(groups[key])) for key in keys], measure.figures(counting))
