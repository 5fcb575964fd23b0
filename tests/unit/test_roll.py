"""A roll of people: who is asked first, how many at once, how far it has got, and when it may be closed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from callcenter.alerts.roll import (
    AGAIN,
    ATTEMPTS,
    Entry,
    Listed,
    Standing,
    by_risk,
    may_close,
    next_asked,
    progress,
    turns,
)
from callcenter.alerts.rules import Refused

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
HOUSES = ("h1", "h2", "h3")


def entry(rank: int, standing: Standing = Standing.NOT_ASKED, **more: object) -> Entry:
    given: dict = {"resident": f"r{rank}", "name": f"r{rank}", "household": f"h{rank}"}
    return Entry(rank=rank, standing=standing, **given | more)


def rolls() -> st.SearchStrategy[list[Entry]]:
    one = st.builds(
        entry,
        st.integers(1, 99),
        st.sampled_from(Standing),
        household=st.sampled_from(HOUSES),
        attempts=st.integers(0, 3),
        asked_at=st.sampled_from([None, NOW, NOW - AGAIN]),
        alert=st.sampled_from([None, "A1"]),
        over=st.booleans(),
    )
    return st.lists(one, max_size=12, unique_by=lambda e: e.rank)


def test_the_most_endangered_are_asked_first() -> None:
    people = [
        Listed("e", "e", "h1", born="1950-01-01"),
        Listed("d", "d", "h2", born="1940-01-01"),
        Listed("c", "c", "h3"),
        Listed("b", "b", "h4", alone=True, born="1960-01-01"),
        Listed("a", "a", "h5", risk="high", born="1960-01-01"),
    ]
    assert [one.resident for one in by_risk(people)] == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("own", "lines", "free_seats", "more"),
    [(0, 10, 0, 1), (1, 10, 0, 0), (0, 10, 2, 7), (5, 10, 2, 2), (0, 4, 20, 4), (9, 4, 0, 0)],
)
def test_no_more_are_called_than_seats_and_lines_take(own: int, lines: int, free_seats: int, more: int) -> None:
    assert turns(own=own, others=(), lines=lines, free_seats=free_seats) == more


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.integers(1, 12), st.integers(0, 5))
def test_incidents_share_the_lines_and_none_starves(under_way: list[int], lines: int, free_seats: int) -> None:
    limit, was = min(lines, 1 + 3 * free_seats), list(under_way)
    for place in range(len(under_way)):  # in the order of the sweep, each as many as it may
        others = under_way[:place] + under_way[place + 1 :]
        under_way[place] += turns(own=under_way[place], others=others, lines=lines, free_seats=free_seats)
    assert all(under_way), "each asks somebody"
    added = sum(under_way) - sum(was)
    assert not added or sum(under_way) <= max(limit, len(was) + sum(max(0, one - 1) for one in was))


def test_whom_a_carrier_failed_to_ring_is_asked_again_and_after_everybody_else() -> None:
    failed = entry(1, asked_at=NOW - AGAIN)
    assert next_asked([failed, entry(2)], NOW, 2) == [entry(2), failed]
    late = replace(failed, asked_at=NOW - AGAIN + timedelta(seconds=1))
    assert next_asked([late], NOW, 2) == [], "their telephone may be ringing"
    assert late.open


@given(rolls(), st.integers(0, 8))
def test_whose_turn_it_is(roll: list[Entry], most: int) -> None:
    found = next_asked(roll, NOW, most)
    assert len(found) <= most
    houses = [one.household for one in found]
    assert len(set(houses)) == len(houses), "who shares a telephone is asked one after the other"
    assert not set(houses) & {one.household for one in roll if one.standing is Standing.ASKING}
    for one in found:
        assert one.standing is Standing.NOT_ASKED or (
            one.standing is Standing.NOT_REACHED and one.alert is None and one.attempts < ATTEMPTS
        )
    first = [(one.asked_at is not None, one.rank) for one in found if one.standing is Standing.NOT_ASKED]
    assert first == sorted(first)
    assert [one.standing for one in found] == sorted((one.standing for one in found), key=list(Standing).index)


@given(rolls())
def test_everybody_is_counted_once_and_who_is_accounted_for_stays_so(roll: list[Entry]) -> None:
    counted = progress(roll)
    by_hand = sum(one.standing is Standing.ACCOUNTED for one in roll)
    assert sum(counted[one.value] for one in Standing if one is not Standing.ACCOUNTED) + by_hand == len(roll)
    assert 0 <= counted["accounted"] <= counted["total"] == len(roll)
    for one in roll:
        if one.accounted:
            assert replace(one, attempts=one.attempts + 1).accounted


@given(rolls(), st.sampled_from(["", "  ", "done"]), st.sampled_from(["", "  ", "they moved"]))
def test_it_is_closed_by_a_note_and_a_reason_for_the_rest(roll: list[Entry], note: str, reason: str) -> None:
    refused = may_close(roll, note=note, reason=reason)
    rest = [one for one in roll if not one.accounted]
    assert (refused is None) == bool(note.strip() and (not rest or reason.strip()))
    if isinstance(refused, Refused) and note.strip():
        assert str(len(rest)) in refused.detail


def test_who_is_not_reached_is_asked_again_after_everybody_else() -> None:
    early = NOW - AGAIN + timedelta(seconds=1)
    missed = entry(1, Standing.NOT_REACHED, attempts=1, asked_at=NOW - AGAIN)
    assert next_asked([missed, entry(2)], NOW, 2) == [entry(2), missed]
    assert next_asked([replace(missed, asked_at=early)], NOW, 2) == []
    assert not replace(missed, attempts=ATTEMPTS).open
    assert not replace(missed, alert="A1").open, "it is an alert of its own now"
