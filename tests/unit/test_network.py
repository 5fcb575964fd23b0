"""The network that helps, read from files: the tree of areas, duty, keys, absences; and the holes that are left."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from callcenter.storage import network, tables as t
from config import policies
from tests.unit.registry import Town, counts

PEOPLE = "id,name,kind,phone,area"
MONDAY = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)  # midnight in China
WEEK = timedelta(days=7)
ABSENCES = "responder,starts,ends,why"


@pytest.fixture
def levels() -> tuple[policies.Level, ...]:
    policy = policies.read()
    assert not isinstance(policy, str)
    return tuple(level for level in policy.levels if level.id in ("neighbour", "town"))


@pytest.fixture
def village(town: Town) -> Town:
    """One village with somebody living in it, a neighbour and, for the whole town, a station."""
    town.residents("r-1,李秀英,h-1,张村1号,d1-t1-v1")
    town.read("responders", PEOPLE, "n-1,赵,neighbour,13700000001,d1-t1-v1", "s-1,站,town_station,13700000002,d1-t1")
    return town


def holes(town: Town, levels: tuple[policies.Level, ...]) -> list[tuple[str, str, float, float]]:
    """(area, level, from, to), in hours from Monday's midnight."""
    with town.writer.transaction() as connection:
        found = network.coverage(connection, levels, MONDAY)
    hour = timedelta(hours=1)
    return [(one.area, one.level, (one.starts - MONDAY) / hour, (one.ends - MONDAY) / hour) for one in found]


def test_an_area_named_in_passing_brings_what_lies_above_it(village: Town) -> None:
    assert {row["id"]: row["parent_id"] for row in village.rows(t.areas)} == {
        "d1": None,
        "d1-t1": "d1",
        "d1-t1-v1": "d1-t1",
    }


def test_a_file_of_areas_says_what_they_are(village: Town) -> None:
    lines = ("id,name,kind,parent,lat,lon", "d1,望潮区,district,,37.5,122.1", "x9,石桥村,village,d1-t1,,")
    assert counts(village.read("areas", *lines)) == (1, 1, 0)
    assert counts(village.read("areas", *lines)) == (0, 0, 2)
    rows = {row["id"]: row for row in village.rows(t.areas)}
    assert (rows["d1"]["name"], rows["d1"]["kind"], rows["d1"]["lat"]) == ("望潮区", "district", 37.5)
    assert rows["x9"]["parent_id"] == "d1-t1"


def test_a_file_of_areas_that_says_nothing_of_the_tree_leaves_it_as_it_is(village: Town) -> None:
    """Else a list of names would cut a village off from its town's station."""
    village.read("areas", "id,name,kind,parent,lat,lon", "d1-t1,石岛,town,d1,37.5,122.1")
    assert counts(village.read("areas", "id,name,kind", "d1-t1,石岛镇,town")) == (0, 1, 0)
    row = next(row for row in village.rows(t.areas) if row["id"] == "d1-t1")
    assert (row["name"], row["parent_id"], row["lat"], row["lon"]) == ("石岛镇", "d1", 37.5, 122.1)


def test_a_row_reads_no_more_of_the_tree_than_lies_above_it(village: Town) -> None:
    whole: list[str] = []

    def look(_connection, _cursor, statement: str, *_rest) -> None:
        if "FROM areas" in statement and "WHERE" not in statement:
            whole.append(statement)

    event.listen(village.writer._engine, "before_cursor_execute", look)
    village.read("areas", "id,name,kind,parent", "x1,甲,village,d1-t1", "x2,乙,village,d1-t1")
    assert whole == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a1,甲,village,nowhere", "area nowhere is not registered"),
        ("d1,望潮区,district,d1-t1-v1", "parent: d1-t1-v1 lies in d1"),
        ("d1,望潮区,district,d1", "parent: d1 lies in d1"),
        ("a1,甲,planet,", "kind: "),
    ],
)
def test_an_area_that_cannot_lie_there_is_named(village: Town, line: str, reason: str) -> None:
    [(number, said)] = village.read("areas", "id,name,kind,parent", line).wrong
    assert number == 2
    assert reason in said


def test_everybody_always_there_leaves_no_hole(village: Town, levels) -> None:
    assert holes(village, levels) == []


def test_hours_leave_the_nights_open(village: Town, levels) -> None:
    line = "n-1,赵,neighbour,13700000001,d1-t1-v1,mon-fri 08:00-18:00"
    assert counts(village.read("responders", f"{PEOPLE},hours", line)) == (0, 1, 0)
    found = holes(village, levels)
    assert found[:2] == [("d1-t1-v1", "neighbour", 0, 8), ("d1-t1-v1", "neighbour", 18, 32)]
    assert found[-1] == ("d1-t1-v1", "neighbour", 4 * 24 + 18, 7 * 24)


def test_who_is_away_is_missed_and_who_stands_in_is_not(village: Town, levels) -> None:
    away = "n-1,2026-11-23T10:00,2026-11-23T14:00,看病"
    assert counts(village.read("absences", ABSENCES, away)) == (1, 0, 0)
    assert counts(village.read("absences", ABSENCES, away)) == (0, 0, 1)
    assert holes(village, levels) == [("d1-t1-v1", "neighbour", 10, 14)]
    village.read("responders", f"{PEOPLE},hours", "n-2,钱,neighbour,13700000003,d1-t1-v1,sun 00:00-01:00")
    assert holes(village, levels) == [("d1-t1-v1", "neighbour", 10, 14)]
    village.read("absences", f"{ABSENCES},on_duty", "n-2,2026-11-23T09:00+08:00,2026-11-23T13:00+08:00,,yes")
    assert holes(village, levels) == [("d1-t1-v1", "neighbour", 13, 14)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("n-9,2026-11-23T10:00,2026-11-23T14:00,", "responder n-9 is not registered"),
        ("n-1,2026-11-23T10:00,2026-11-23T10:00,", "ends: not after starts"),
        ("n-1,tomorrow,2026-11-23T10:00,", "starts: "),
        ("n-1,0001-01-01T00:00,2026-11-23T10:00,", "starts: Value error, 0001 is not a year between 2000 and 2100"),
        ("n-1,2026-11-23T10:00,9999-12-31T23:59-05:00,", "ends: Value error, 9999 is not a year between"),
        ("n-1,1999-12-31T10:00,2026-11-23T10:00,", "starts: Value error, 1999"),
        ("n-1,2026-11-23T10:00,2101-01-01T00:00,", "ends: Value error, 2101"),
    ],
)
def test_an_absence_that_cannot_be_is_named(village: Town, line: str, reason: str) -> None:
    [(number, said)] = village.read("absences", ABSENCES, line).wrong
    assert number == 2
    assert reason in said


def test_the_same_instant_written_in_two_ways_is_one_absence(village: Town) -> None:
    """Else the second line would take the place of the first without a word."""
    lines = ("n-1,2026-11-23T10:00,2026-11-23T14:00,看病", "n-1,2026-11-23T02:00Z,2026-11-23T03:00Z,")
    report = village.read("absences", ABSENCES, *lines)
    assert counts(report) == (1, 0, 0)
    assert report.wrong == [(3, "id n-1@2026-11-23T02:00:00+00:00 stands in the file before")]


def test_a_holiday_of_another_century_is_named(village: Town) -> None:
    [(number, said)] = village.read("holidays", "day,name", "0226-10-01,节").wrong
    assert (number, said) == (2, "day: Value error, 0226 is not a year between 2000 and 2100")


def test_on_a_holiday_nobody_has_regular_hours(village: Town, levels) -> None:
    line = "n-1,赵,neighbour,13700000001,d1-t1-v1,mon-sun 00:00-24:00"
    village.read("responders", f"{PEOPLE},hours", line)
    assert holes(village, levels) == []
    village.read("holidays", "day,name", "2026-11-24,节")
    assert holes(village, levels) == [("d1-t1-v1", "neighbour", 24, 48)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("stopped", "yes"),
        ("phone", "not any"),
        ("hours", "sometimes"),
        ("hours", "mon 08:00-09:00;" * 100),
        ("kind", "dog"),
    ],
)
def test_who_stops_is_no_longer_counted_and_nonsense_is_refused(village: Town, levels, column, value) -> None:
    values = {"id": "n-1", "name": "赵", "kind": "neighbour", "phone": "13700000001", "area": "d1-t1-v1", column: value}
    report = village.read("responders", ",".join(values), ",".join(values.values()))
    if column == "stopped":
        assert holes(village, levels) == [("d1-t1-v1", "neighbour", 0, 7 * 24)]
    else:
        assert column in report.wrong[0][1]
        assert holes(village, levels) == []


def test_a_file_without_the_new_columns_leaves_them_as_they_are(village: Town) -> None:
    line = "n-1,赵,neighbour,13700000001,d1-t1-v1,bike,first_aid lifting,h-1,37.5,122.1,2026-01-05"
    village.read("responders", f"{PEOPLE},moves,skills,keys,lat,lon,agreed_on", line)
    village.read("responders", PEOPLE, "n-1,赵六,neighbour,13700000001,d1-t1-v1")
    row = next(row for row in village.rows(t.responders) if row["id"] == "n-1")
    assert (row["name"], row["moves"], row["skills"], row["keys"], row["agreed_on"]) == (
        "赵六",
        "bike",
        "first_aid lifting",
        "h-1",
        "2026-01-05",
    )
