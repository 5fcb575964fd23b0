"""What holds for one alert: of the overrides that fit, the most specific has the word, setting by setting."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings, strategies as st

from callcenter.alerts.coverage import way_up
from callcenter.alerts.duty import DAYS
from callcenter.alerts.model import Kind
from callcenter.alerts.policy_book import faults, policy_for
from callcenter.clock import china
from config import policies
from config.policies import AlertPolicy, Ladder, Level, Override, Rung

SHIPPED = policies.read()
PARENTS = {"d1": None, "d1-t1": "d1", "d1-t2": "d1", "d1-t1-v1": "d1-t1", "d1-t1-v2": "d1-t1"}
MONDAY = datetime(2026, 11, 23, tzinfo=china())
NIGHT = "mon-sun 22:00-06:00"
FIELDS = ("next_wave_s", "most_waves", "arrive_s")


def override(id: str, area: str | None = None, kinds: str = "", hours: str = "", **more: object) -> Override:
    made = Override(id, area, frozenset(kinds.split()), hours, (), (), None)
    return replace(made, **{"limits": (("arrive_s", 2700),)} | more)  # type: ignore[arg-type]


def book(*overrides: Override) -> AlertPolicy:
    assert isinstance(SHIPPED, AlertPolicy)
    return replace(SHIPPED, overrides=overrides)


def at(book: AlertPolicy, area: str = "", kind: Kind = Kind.SOS, day: str = "mon", hour: float = 12) -> AlertPolicy:
    local = MONDAY + timedelta(days=DAYS.index(day), hours=hour)
    return policy_for(book, way_up(area, PARENTS), kind, local)


def test_without_overrides_it_is_the_file() -> None:
    assert at(book(), "d1-t1-v1") == SHIPPED


def test_an_override_holds_in_its_area_and_those_in_it_and_nowhere_else() -> None:
    made = book(override("t1", "d1-t1"))
    assert [at(made, area).arrive_s for area in ("d1", "d1-t1", "d1-t1-v2", "d1-t2", "", "elsewhere")] == [
        1800, 2700, 2700, 1800, 1800, 1800,
    ]  # fmt: skip


def test_an_override_holds_for_its_kinds() -> None:
    made = book(override("falls", kinds="fall fire"))
    assert {kind for kind in Kind if at(made, kind=kind).arrive_s == 2700} == {Kind.FALL, Kind.FIRE}


@pytest.mark.parametrize(
    ("day", "hour", "holds"),
    [
        ("fri", 21.99, False),
        ("fri", 22, True),
        ("sat", 5.99, True),
        ("sat", 6, False),
        ("sat", 23, False),
        ("mon", 1, True),
        ("sun", 23, True),
        ("tue", 1, False),
    ],
)
def test_a_night_goes_on_past_midnight_and_past_sunday(day: str, hour: float, holds: bool) -> None:
    made = book(override("nights", hours="fri 22:00-06:00; sun 22:00-06:00"))
    assert (at(made, day=day, hour=hour).arrive_s == 2700) == holds


def test_the_nearest_area_counts_most_then_kinds_then_hours() -> None:
    rules = (
        override("everywhere", kinds="sos", hours=NIGHT, limits=(("arrive_s", 1),)),
        override("district", "d1", limits=(("arrive_s", 2),)),
        override("district-nights", "d1", hours=NIGHT, limits=(("arrive_s", 3),)),
        override("district-sos", "d1", kinds="sos", limits=(("arrive_s", 4),)),
        override("village", "d1-t1-v1", limits=(("arrive_s", 5),)),
    )
    for order in (rules, rules[::-1]):
        made = book(*order)
        assert not list(faults(made))
        assert at(made, "elsewhere", hour=23).arrive_s == 1
        assert at(made, "d1-t2", Kind.FALL).arrive_s == 2
        assert at(made, "d1-t2", Kind.FALL, hour=23).arrive_s == 3
        assert at(made, "d1-t2", hour=23).arrive_s == 4
        assert at(made, "d1-t1-v1", hour=23).arrive_s == 5


def test_what_the_more_specific_one_does_not_say_the_other_does() -> None:
    levels = (Level("town", frozenset({"town_station"}), 1, 2, 60),)
    ladder = Ladder((Rung("duty_manager", 30, "duty_manager"),), 60)
    made = book(override("town", "d1-t1", levels=levels), override("sos", "d1-t1", "sos", limits=(), ladder=ladder))
    found = at(made, "d1-t1-v1")
    assert (found.levels, found.arrive_s, found.ladder("sos")) == (levels, 2700, ladder)
    assert found.ladder("fall") == made.ladder("fall"), "a ladder of an override is for its kinds"
    assert found.overrides == ()


def test_two_that_are_equally_specific_and_meet_are_refused() -> None:
    first = override("first", "d1", "sos fall", "mon-fri 20:00-06:00")
    for other, meets in (
        (override("x", "d1", "fall", "sat 05:00-07:00"), True),
        (override("x", "d1", "fall", "sat 06:00-07:00"), False),
        (override("x", "d1", "gas", "mon 21:00-22:00"), False),
        (override("x", "d1-t1", "fall", "mon 21:00-22:00"), False),
        (override("x", None, "fall", "mon 21:00-22:00"), False),
        (override("x", "d1", "fall"), False),
        (override("x", "d1", hours="mon 21:00-22:00"), False),
    ):
        found = list(faults(book(first, other)))
        assert [one.place for one in found] == ([("override", 1)] if meets else []), other


def test_hours_that_cannot_be_read_are_refused_with_a_sentence() -> None:
    (found,) = faults(book(override("x", hours="weekdays 8-18")))
    assert found.place == ("override", 0, "hours")
    assert "weekdays" in found.reason


# -- the same, read naively: minute by minute, setting by setting

AREAS = [None, *PARENTS]
WINDOWS = ["", NIGHT, "sat-sun 00:00-24:00", "mon-fri 08:00-18:00", "sun 23:00-01:00"]


@st.composite
def books(draw: st.DrawFn) -> AlertPolicy:
    made: list[Override] = []
    for number in range(draw(st.integers(0, 7))):
        limits = tuple((name, 100 * number + n) for n, name in enumerate(FIELDS) if draw(st.booleans()))
        one = override(
            f"o{number}",
            draw(st.sampled_from(AREAS)),
            draw(st.sampled_from(["", "sos", "fall sos", "fire"])),
            draw(st.sampled_from(WINDOWS)),
            limits=limits,
        )
        if not list(faults(book(*made, one))):
            made.append(one)
    return book(*made)


def naive_window(hours: str, local: datetime) -> bool:
    """Written anew: is there a day whose window, begun on that day, reaches this minute?"""
    for back in (0, 1):
        began = (local - timedelta(days=back)).replace(hour=0, minute=0)
        for part in hours.split("; "):
            days, _, clock = part.partition(" ")
            first, _, last = days.partition("-")
            names = DAYS[DAYS.index(first) : DAYS.index(last or first) + 1]
            start, end = (int(one[:2]) * 60 + int(one[3:]) for one in clock.split("-"))
            length = end - start if end > start else end - start + 24 * 60
            opens = began + timedelta(minutes=start)
            if DAYS[began.weekday()] in names and opens <= local < opens + timedelta(minutes=length):
                return True
    return False


def naive(made: AlertPolicy, area: str, kind: Kind, local: datetime, name: str) -> int:
    """The word of whoever is most specific, by asking from the most specific to the least."""
    path = [*way_up(area, PARENTS), None]
    for where in path:
        for with_kinds in (True, False):
            for with_hours in (True, False):
                for one in made.overrides:
                    alike = (one.area, bool(one.kinds), bool(one.hours)) == (where, with_kinds, with_hours)
                    if not alike or name not in dict(one.limits):
                        continue
                    if (not one.kinds or kind in one.kinds) and (not one.hours or naive_window(one.hours, local)):
                        return dict(one.limits)[name]
    value: int = getattr(SHIPPED, name)
    return value


@settings(max_examples=150, deadline=None)
@given(
    books(), st.sampled_from([*PARENTS, ""]), st.sampled_from([Kind.SOS, Kind.FALL, Kind.GAS]), st.integers(0, 10_079)
)
def test_it_is_what_a_naive_reading_says(made: AlertPolicy, area: str, kind: Kind, minute: int) -> None:
    local = MONDAY + timedelta(minutes=minute)
    found = policy_for(made, way_up(area, PARENTS), kind, local)
    assert {name: getattr(found, name) for name in FIELDS} == {
        name: naive(made, area, kind, local, name) for name in FIELDS
    }
