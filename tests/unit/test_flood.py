"""Flood mode begins above 10 alarms per operator in 10 minutes and ends below 5 (console.md requirement 23)."""

import pytest
from hypothesis import given, strategies as st

from callcenter.alerts.flood import BEGINS_ABOVE, ENDS_BELOW, Flood, Load, held, reviewed

LOADS = st.builds(Load, alarms=st.integers(0, 5000), operators=st.integers(0, 40))


@pytest.mark.parametrize(
    ("was", "alarms", "operators", "is_on"),
    [
        (False, 10, 1, False),
        (False, 11, 1, True),
        (False, 11, 0, True),  # nobody is there: as if one were
        (False, 20, 2, False),
        (False, 21, 2, True),
        (True, 10, 1, True),
        (True, 5, 1, True),
        (True, 4, 1, False),
        (True, 9, 2, False),
        (True, 0, 0, False),
    ],
)
def test_the_two_limits(was: bool, alarms: int, operators: int, is_on: bool) -> None:
    assert reviewed(Flood(loaded=was), Load(alarms, operators)).on is is_on


@given(st.booleans(), st.lists(LOADS, max_size=60))
def test_it_changes_only_beyond_a_limit_and_never_wavers(loaded: bool, loads: list[Load]) -> None:
    flood = Flood(loaded=loaded)
    for load in loads:
        after = reviewed(flood, load)
        if after.loaded and not flood.loaded:
            assert load.each > BEGINS_ABOVE
        if flood.loaded and not after.loaded:
            assert load.each < ENDS_BELOW
        assert after.loaded or load.each <= BEGINS_ABOVE
        assert not after.loaded or load.each >= ENDS_BELOW
        assert reviewed(after, load) == after
        flood = after


@given(st.booleans(), LOADS)
def test_what_a_supervisor_wants_is_not_ended_by_quiet(loaded: bool, load: Load) -> None:
    after = reviewed(Flood(loaded=loaded, held_by="chief"), load)
    assert (after.on, after.by, after.held_by) == (True, "supervisor", "chief")
    assert reviewed(Flood(loaded=loaded), load).by in ("", "load")


def test_the_switch_knows_on_and_as_the_load_says_and_nothing_else() -> None:
    wanted = held(Flood(), "chief")
    assert wanted.as_dict() == {"flood": True, "flood_by": "supervisor"}
    assert held(wanted, "other") == wanted
    assert held(wanted, "").as_dict() == {"flood": False}
    assert held(held(Flood(loaded=True), "chief"), "").as_dict() == {"flood": True, "flood_by": "load"}
