"""Whom a gap concerns: whose device has not been heard since, whose call failed, and after a restore everybody."""

from datetime import datetime, timedelta

import pytest

from callcenter.alerts.gaps import AT_LEAST, DORMANT, Gap, GapKind, Wearer, counts, turn
from callcenter.alerts.roll import Listed, by_risk
from tests.processes import NOW

BEGAN, ENDED = NOW, NOW + timedelta(minutes=10)
BEFORE, SINCE = NOW - timedelta(minutes=1), ENDED + timedelta(seconds=1)


def gap(kind: GapKind = GapKind.DOWN, ended: datetime | None = ENDED) -> Gap:
    return Gap(id="g", kind=kind, began_at=BEGAN, ended_at=ended)


def worn(own: datetime | None, *, house: datetime | None = None, in_vain: bool = False) -> Wearer:
    return Wearer(own, house, has_own=True, called_in_vain=in_vain)


DEAF = [GapKind.DOWN, GapKind.NOT_STORING, GapKind.NOT_HEARING, GapKind.SILENT_AREA]


@pytest.mark.parametrize("kind", DEAF)
@pytest.mark.parametrize(
    ("wearer", "asked"),
    [
        (worn(BEFORE), 0),
        (worn(BEGAN + timedelta(minutes=5)), 0),  # another process heard it; nobody has since
        (worn(ENDED), 0),
        (worn(SINCE), None),
        (worn(SINCE, in_vain=True), 1),
        (worn(BEFORE, in_vain=True), 0),
        (worn(BEFORE, house=SINCE), 0),  # the telephone in the hall says nothing of the bracelet
        (worn(BEGAN - DORMANT), None),
        (worn(None), None),
        (worn(None, in_vain=True), 1),
        (Wearer(None, BEFORE, has_own=False), 0),
        (Wearer(None, SINCE, has_own=False), None),
    ],
)
def test_who_is_asked(kind: GapKind, wearer: Wearer, asked: int | None) -> None:
    assert turn(gap(kind), wearer) == asked


def test_while_it_goes_on_whoever_was_not_heard_since_it_began_is_asked() -> None:
    going_on = gap(GapKind.NOT_HEARING, ended=None)
    assert turn(going_on, worn(BEFORE)) == turn(going_on, worn(BEGAN)) == 0
    assert turn(going_on, worn(BEGAN + timedelta(seconds=1))) is None


def test_without_a_telephone_line_only_those_whose_calls_failed() -> None:
    silent = gap(GapKind.NOT_CALLING)
    assert [turn(silent, worn(BEFORE, in_vain=vain)) for vain in (False, True)] == [None, 1]


@pytest.mark.parametrize("heard", [None, BEFORE, BEGAN - DORMANT])
def test_after_a_restore_everybody_is_asked_the_silent_first(heard: datetime | None) -> None:
    """What was acknowledged and lost, no device sends again."""
    lost = gap(GapKind.RESTORED)
    assert turn(lost, worn(heard)) == 0
    assert turn(lost, worn(SINCE)) == 1


def test_the_turn_comes_before_the_risk() -> None:
    people = [
        Listed("a", "", "h", risk="normal"),
        Listed("b", "", "h", risk="high", turn=1),
        Listed("c", "", "h", "", "high"),
    ]
    assert [one.resident for one in by_risk(people)] == ["c", "a", "b"]


@pytest.mark.parametrize("kind", GapKind)
def test_what_devices_wait_out_by_themselves_is_no_gap(kind: GapKind) -> None:
    assert not counts(kind, NOW, NOW + AT_LEAST[kind])
    assert counts(kind, NOW, NOW + AT_LEAST[kind] + timedelta(seconds=1))
