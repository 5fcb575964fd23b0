"""Pure parts of the responder's page: what a position says, names, which buttons there are, and its words."""

import re
import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

from callcenter.alerts.approach import FRESH_S, NEARER_M, Fix, is_near, seen
from callcenter.alerts.inputs import Deed, ResponderActed
from callcenter.alerts.model import UNRESOLVED, Alert, Kind, State, Subject
from callcenter.alerts.naming import surname
from callcenter.alerts.offer_model import GOING, Offer, OfferState
from callcenter.alerts.page_rules import Button, PageState, buttons, page_state, shares_position
from callcenter.alerts.ranking import Spot
from config.prompts import LANGUAGES
from config.responder import SHARED, words
from handlers.responder_actions import _PRESSED

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
DOOR = Spot(37.16, 122.44)
RADIUS = 80
ROOT = Path(__file__).resolve().parents[2]


def fix(north_m: float, acc: float = 10, age: float = 0) -> Fix:
    return Fix(Spot(DOOR.lat + north_m / 111_195, DOOR.lon), acc, NOW - timedelta(seconds=age))


@pytest.mark.parametrize(
    ("north", "acc", "age", "near"),
    [
        (0, 10, 0, True),
        (RADIUS - 1, RADIUS, FRESH_S, True),
        (RADIUS + 1, 10, 0, False),
        (0, RADIUS + 1, 0, False),
        (0, 10, FRESH_S + 1, False),
    ],
)
def test_near_is_near_enough_exact_enough_and_fresh(north: float, acc: float, age: float, near: bool) -> None:
    assert is_near(fix(north, acc, age), DOOR, RADIUS, NOW) is near
    assert not is_near(fix(north, acc, age), None, RADIUS, NOW)


def test_who_came_from_away_is_there_and_who_was_near_all_the_time_is_not() -> None:
    for began, away in product((0, 50, RADIUS, RADIUS + 1, 500, 5000), (0, 40, RADIUS, RADIUS + 5, 400)):
        found = seen(fix(away), DOOR, began, RADIUS, NOW)
        assert found.nearer == (began - found.away_m >= NEARER_M)
        assert found.there == (found.nearer and began > RADIUS and found.away_m <= RADIUS)
    assert not seen(fix(400, acc=200), DOOR, 500, RADIUS, NOW).nearer, "less than it is known exactly"


@pytest.mark.parametrize(
    ("name", "last"),
    [("王秀英", "王"), ("欧阳娜", "欧阳"), ("Mary Ann Lee", "Lee"), ("n1", "n1"), ("", ""), (" 李 ", "李")],
)
def test_a_surname(name: str, last: str) -> None:
    assert surname(name) == last


def offer(state: OfferState) -> Offer:
    return Offer(
        id="o", alert_id="a", party="p", name="P", kind="neighbour", level="", wave=1, asked_at=NOW, state=state
    )


def alert(state: State, responder: str = "", more_at: datetime | None = None) -> Alert:
    subject = Subject("resident:r", "b", "r")
    times = {"opened_at": NOW, "last_press_at": NOW, "waiting_since": NOW, "rung_at": NOW}
    return Alert(id="a", subject=subject, kind=Kind.SOS, state=state, responder=responder, more_at=more_at, **times)


CASES = [
    (alert(state, responder, more), offer(one))
    for state, responder, more, one in product(State, ("", "p", "q"), (None, NOW), OfferState)
]


SEARCHES = [
    (replace(a, astray_at=NOW, searchers=who, searchers_wanted=2), o)
    for (a, o), who in product(CASES, ((), ("p",), ("q",), ("q", "r")))
]


def test_in_a_search_nobody_is_shown_the_way_to_a_house() -> None:
    for a, o in SEARCHES:
        looks = o.party in a.searchers
        assert page_state(a, o) is not PageState.GOING
        assert (page_state(a, o) is PageState.SEARCHING) == (looks and a.state in UNRESOLVED)
        assert not set(buttons(a, o)) & {Button.AT_DOOR, Button.ON_MY_WAY, Button.KEY}
        if Button.YES in buttons(a, o):
            assert not looks
            assert len(a.searchers) < a.searchers_wanted
        assert not shares_position(a, o) or looks


def test_of_an_alert_that_is_over_nothing_is_shown() -> None:
    assert {page_state(a, o) for a, o in CASES if a.state not in UNRESOLVED} == {PageState.THANKS}


def test_a_position_is_shared_only_between_a_yes_and_the_door() -> None:
    shared = {(a.state in UNRESOLVED, o.state) for a, o in CASES if shares_position(a, o)}
    assert shared == {(True, OfferState.ACCEPTED), (True, OfferState.EN_ROUTE)}


def test_who_can_say_yes_is_whom_the_machine_would_take() -> None:
    for a, o in CASES:
        if Button.YES in buttons(a, o):
            assert (not a.responder) or a.more_at
            assert o.state not in GOING
        assert bool(buttons(a, o)) == (page_state(a, o) is not PageState.THANKS)


def test_every_button_does_something() -> None:
    assert {one for a, o in CASES for one in buttons(a, o)} == set(_PRESSED) == set(Button) - {Button.KEY}
    assert all(ResponderActed(deed, "p", "P").key == f"responder.{deed}" for deed in Deed)


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_the_words_are_the_same_in_both_languages_and_all_are_used() -> None:
    for key, texts in words().texts.items():
        assert set(texts) == set(LANGUAGES), key
        assert len({frozenset(_fields(text)) for text in texts.values()}) == 1, key
    sources = [*(ROOT / "callcenter/responder").rglob("*.py"), *(ROOT / "callcenter/responder").rglob("*.j2")]
    said = set(re.findall(r'"([a-z_]+)"', "\n".join(path.read_text("utf-8") for path in sources))) | set(Button)
    known = {key for key in words().texts if not key.startswith(SHARED)}
    assert known - said == set()
