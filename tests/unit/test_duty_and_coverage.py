"""Duty hours and holes against a slow reading of them, instant by instant. Holes dug on purpose: test_dug_holes.py."""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from callcenter.alerts.coverage import Coverage, Hole, Post, holes, shut, way_up
from callcenter.alerts.duty import Hours, Override, Rota, is_on_duty, on_duty, read_hours
from config.policies import Level

ZONE = ZoneInfo("Asia/Shanghai")
SUMMER = ZoneInfo("Europe/Berlin")  # clocks change there, on 2026-10-25 back by an hour
START = datetime(2026, 11, 22, 5, 30, tzinfo=UTC)
STEP = timedelta(minutes=15)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("", None),
        ("  ; ", None),
        ("mon 08:00-18:00", (Hours(0, 480, 1080),)),
        ("Fri-Mon 22:00-06:00", tuple(Hours(day, 1320, 1800) for day in (4, 5, 6, 0))),
        ("tue 8:00-12:00, 14:00-24:00", (Hours(1, 480, 720), Hours(1, 840, 1440))),
        ("sun 00:00-24:00; mon 00:00-01:30", (Hours(6, 0, 1440), Hours(0, 0, 90))),
    ],
)
def test_hours_are_read_as_people_write_them(text, hours):
    assert read_hours(text) == hours


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("always", "not like"),
        ("mon", "not like"),
        ("mox 08:00-10:00", "'mox' is no day"),
        ("mon-xyz 08:00-10:00", "'xyz' is no day"),
        ("mon 8-10", "'8-10' is not like"),
        ("mon 08:00-08:00", "empty"),
        ("mon 24:00-08:00", "24:00"),
        ("mon 08:00-24:30", "24:00"),
    ],
)
def test_hours_nobody_can_read_are_told(text, word):
    with pytest.raises(ValueError, match=word):
        read_hours(text)


def test_hours_stay_the_clocks_hours_where_clocks_change():
    (span,) = on_duty(
        Rota((Hours(6, 480, 600),)), datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 10, 26, tzinfo=UTC), SUMMER
    )
    assert [one.astimezone(SUMMER).hour for one in span] == [8, 10]


quarters = st.integers(0, 96).map(lambda n: n * 15)
hours = st.builds(
    lambda day, a, b: Hours(day, a, b + 1440 * (b <= a)),
    st.integers(0, 6),
    st.integers(0, 95).map(lambda n: n * 15),
    quarters,
)
instants = st.integers(-50, 700).map(lambda n: START + n * STEP)
overrides = st.builds(lambda a, b, on: Override(min(a, b), max(a, b), on), instants, instants, st.booleans())
rotas = st.builds(
    Rota,
    st.none() | st.lists(hours, max_size=6).map(tuple),
    st.lists(overrides, max_size=3).map(tuple),
    st.sets(st.integers(-1, 8).map(lambda n: date(2026, 11, 22) + timedelta(days=n)), max_size=3).map(frozenset),
)


def slowly(rota: Rota, at: datetime) -> bool:
    """The rule as a person would apply it to one instant."""
    for one in reversed(rota.overrides):
        if one.starts <= at < one.ends:
            return one.on
    if rota.hours is None:
        return True
    local = at.astimezone(ZONE)
    for back in (0, 1):
        day = local.date() - timedelta(days=back)
        minute = (local - datetime.combine(day, time(), ZONE)).total_seconds() / 60
        if day not in rota.holidays and any(
            one.weekday == day.weekday() and one.starts <= minute < one.ends for one in rota.hours
        ):
            return True
    return False


@given(rotas, st.integers(0, 400))
def test_duty_is_what_a_person_would_say(rota, offset):
    at = START + offset * STEP
    assert is_on_duty(rota, at, ZONE) is slowly(rota, at)
    spans = on_duty(rota, START, START + timedelta(days=2), ZONE)
    assert all(a < b for a, b in spans), "no empty one"
    assert all(one[1] < next_[0] for one, next_ in itertools.pairwise(spans)), "in order and apart"
    if START <= at < START + timedelta(days=2):
        assert any(a <= at < b for a, b in spans) is slowly(rota, at)


def level(id: str, *kinds: str, least: int = 1) -> Level:
    return Level(id, frozenset(kinds), least, wave_size=3, deadline_s=90)


LEVELS = (level("neighbour", "neighbour", "family"), level("town", "town_station", least=2))
TREE = {"d1": None, "d1-t1": "d1", "d1-t1-v1": "d1-t1", "d1-t1-v2": "d1-t1"}
PLACES = ("d1-t1-v1", "d1-t1-v2", "d1-t1")  # nobody lives in the district itself


def test_the_way_up_ends_even_in_a_circle():
    assert way_up("a", {"a": "b", "b": "c", "c": "a"}) == ["a", "b", "c"]
    assert way_up(None, {}) == []


posts = st.builds(
    Post,
    st.sampled_from(["137", "138", "139"]),  # the same telephone may stand in the lists twice
    st.sampled_from(["neighbour", "family", "town_station", "carer"]),
    st.sampled_from(sorted(TREE)),
    rotas,
)


@given(st.lists(posts, max_size=5))
def test_holes_are_where_too_few_are_and_nowhere_else(there):
    ahead = timedelta(days=1)
    found = holes(PLACES, TREE, levels=LEVELS, posts=there, start=START, zone=ZONE, ahead=ahead)
    for place in PLACES:
        near = way_up(place, TREE)
        for step in LEVELS:
            mine = [hole for hole in found if (hole.area, hole.level) == (place, step.id)]
            assert all(one.ends <= next_.starts for one, next_ in itertools.pairwise(mine))
            for quarter in range(96):
                at = START + quarter * STEP
                able = (post for post in there if post.area in near and post.kind in step.kinds)
                count = len({post.line for post in able if slowly(post.rota, at)})
                hole = next((hole for hole in mine if hole.starts <= at < hole.ends), None)
                assert (hole.there if hole else None) == (count if count < step.least else None)


def test_how_long_until_somebody_cannot_be_asked() -> None:
    dug = tuple(Hole("v1", "town", START + a * HOUR, START + b * HOUR, 0, 1) for a, b in ((5, 6), (2, 3)))
    checked = Coverage(START, START + 7 * HOUR, LEVELS, {"v1": "one", "v2": "two"}, {"v1": "t1", "v2": None}, dug)
    left = [checked.until_hole(START + hours * HOUR) / 3600 for hours in (0, 1.5, 2, 2.5, 3, 5.75, 6, 7)]
    assert left == [2, 0.5, 0, 0, 2, 0, float("inf"), float("inf")]
    assert (checked.within("t1"), checked.within("v2")) == ({"v1": "one"}, {"v2": "two"})
    assert shut(dug) == [(START + a * HOUR, START + b * HOUR) for a, b in ((2, 3), (5, 6))]
