"""A day worked out by hand (tests/small_day.py) gives the same figures, to the call and to the second."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest

from callcenter import clock
from callcenter.clock import china
from callcenter.console.call_views import as_csv, masked, number_for
from callcenter.statistics.groupings import OFFERED, Fact, Measured, Only, measured
from callcenter.statistics.measures import FIGURES, MEASURES, percentile
from callcenter.statistics.periods import Period
from callcenter.storage.facts import AlertFact, CallFact
from tests.small_day import ALERTS, CALLS, DAY, GROUPED, TOTALS, Raised, Rung, local

TODAY = Period(date.fromisoformat(DAY), date.fromisoformat(DAY), china())


def call_fact(rung: Rung) -> CallFact:
    return CallFact(
        at=local(rung.at), direction=rung.direction, channel=rung.channel, area=rung.area.strip("()"),
        outcome=rung.outcome, drill=rung.drill, picked_up=rung.picked is not None, joined_s=rung.joined,
        ended_s=rung.ended,
    )  # fmt: skip


def alert_fact(raised: Raised) -> AlertFact:
    return AlertFact(
        at=local(raised.at), kind=raised.kind, channel=raised.channel, area=raised.area, outcome=raised.outcome,
        drill=raised.drill, closed=raised.state == "closed", claimed_s=raised.claimed,
    )  # fmt: skip


def facts(of: str) -> Sequence[Fact]:
    everything: Sequence[Fact] = [call_fact(c) for c in CALLS] if of == "calls" else [alert_fact(a) for a in ALERTS]
    return [fact for fact in everything if TODAY.since <= fact.at < TODAY.until]


def of_today(name: str, by: str = "hour", only: Only | None = None) -> Measured:
    measure = MEASURES[name]
    return measured(measure, facts(measure.of), TODAY, by=by, only=only)


@pytest.mark.parametrize("name", MEASURES)
def test_the_day_as_worked_out_by_hand(name: str) -> None:
    assert of_today(name).total == TOTALS[name]


@pytest.mark.parametrize(("name", "by", "figure"), GROUPED)
def test_its_parts_as_worked_out_by_hand(name: str, by: str, figure: str) -> None:
    found = {key: figures[figure] for key, figures in of_today(name, by).rows if figures[figure]}
    assert found == GROUPED[name, by, figure]


@pytest.mark.parametrize("name", MEASURES)
def test_counts_of_the_parts_add_up(name: str) -> None:
    counted = [figure for figure in TOTALS[name] if FIGURES[figure][2] == "count"] + ["talk_total"]
    for by in OFFERED[MEASURES[name].of]:
        found = of_today(name, by)
        for figure in set(counted) & found.total.keys():
            assert sum(figures[figure] or 0 for _key, figures in found.rows) == found.total[figure], (by, figure)


def test_only_what_was_asked_for() -> None:
    assert of_today("calls", only=Only(channel="hotline", area="d2")).total["total"] == 3  # h03 h04 h10
    assert of_today("answer_times", only=Only(area="d2")).total["p50"] == 15  # 5 15 16: the second
    assert of_today("alerts", only=Only(outcome="helped_at_home")).total["opened"] == 2  # a2 a3, not the drill a5


def test_an_hour_without_calls_is_there_and_says_nothing_of_shares() -> None:
    rows = dict(of_today("answered").rows)
    assert len(rows) == 24
    assert rows[f"{DAY}T03:00:00+08:00"]["offered"] == 0
    assert rows[f"{DAY}T03:00:00+08:00"]["connection_rate"] is None


def test_every_measure_and_figure_has_its_titles() -> None:
    for measure in MEASURES.values():
        figures = measure.figures([])
        assert figures.keys() <= FIGURES.keys()
        assert {measure.drawn, *measure.targets} <= figures.keys()
        assert measure.zh
        assert measure.en


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 50, None), ([7], 50, 7), ([7], 95, 7), ([1, 2], 50, 1), ([3, 1, 2], 50, 2), (list(range(1, 101)), 95, 95),
     (list(range(1, 102)), 95, 96), (list(range(1, 21)), 95, 19)],
)  # fmt: skip
def test_a_percentile_is_a_value_that_occurred(values: list[float], share: int, expected: float | None) -> None:
    assert percentile(values, share) == expected


# -- periods


def test_a_day_is_a_local_day() -> None:
    assert (TODAY.since, TODAY.until) == (
        datetime(2026, 11, 20, 16, tzinfo=UTC),
        datetime(2026, 11, 21, 16, tzinfo=UTC),
    )
    assert list(TODAY.each_hour())[::23] == [f"{DAY}T00:00:00+08:00", f"{DAY}T23:00:00+08:00"]


def test_without_a_table_of_zones_china_is_still_eight_hours_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_zones(name: str) -> ZoneInfo:
        raise ZoneInfoNotFoundError(name)

    monkeypatch.setattr(clock, "ZoneInfo", no_zones)
    assert china().utcoffset(None) == timedelta(hours=8)


def test_where_clocks_are_put_back_a_day_has_25_hours_and_none_is_lost() -> None:
    day = date(2026, 10, 25)
    period = Period(day, day, ZoneInfo("Europe/Berlin"))
    hours = list(period.each_hour())
    assert len(hours) == len(set(hours)) == 25
    assert "2026-10-25T02:00:00+02:00" in hours
    assert "2026-10-25T02:00:00+01:00" in hours


def test_months_that_a_period_touches() -> None:
    assert list(Period(date(2026, 11, 30), date(2027, 1, 1), china()).each_month()) == ["2026-11", "2026-12", "2027-01"]


# -- who sees which number, and what a spreadsheet is given


@pytest.mark.parametrize(
    ("number", "expected"),
    [("+8613812341234", "+86****1234"), ("+8612345678", "+86****5678"), ("+861234567", "+86****67"), ("12349", "****"),
     ("120", "****"), ("", "")],
)  # fmt: skip
def test_a_masked_number_cannot_be_dialled(number: str, expected: str) -> None:
    assert masked(number) == expected


@pytest.mark.parametrize(
    ("role", "case_open", "clear"),
    [("operator", True, True), ("operator", False, False), ("supervisor", True, True), ("supervisor", False, True),
     ("admin", False, True), ("auditor", True, False), ("", True, False)],
)  # fmt: skip
def test_who_sees_a_number(role: str, case_open: bool, clear: bool) -> None:
    shown = number_for(role, "+8613812341234", case_open=case_open)
    assert shown == ("+8613812341234" if clear else "+86****1234")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_becomes_a_formula(text: str) -> None:
    assert as_csv(["a"], [{"a": text}]).splitlines()[1].lstrip('"').startswith("'")


def test_numbers_stay_numbers_and_nothing_is_empty() -> None:
    assert as_csv(["a", "b", "c"], [{"a": -1.5, "b": None, "c": True}]) == "\ufeffa,b,c\r\n-1.5,,1\r\n"
