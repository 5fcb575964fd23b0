"""Looking for somebody who has left their zone: where, in which datum, who looks, and what they hear."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import cos, radians

import pytest
from hypothesis import given, strategies as st

from callcenter.alerts import datum, search_rules
from callcenter.alerts.alert_rules import ALERT_TABLE
from callcenter.alerts.effects import AskResponders, EndSearch, HangUpOthers
from callcenter.alerts.escalation import deadlines
from callcenter.alerts.inputs import (
    Action,
    AlertInput,
    CallReport,
    Deed,
    OperatorActed,
    ResponderActed,
    TimerDue,
    TimerKind,
)
from callcenter.alerts.last_seen import OLDEST, Fix, Lost, Words, age, rounded, way
from callcenter.alerts.model import OF_THE_HOUSE, Alert, Kind, Operator, State
from callcenter.alerts.ranking import Spot, metres
from callcenter.alerts.rules import Change, Refused, decide
from callcenter.storage.sightings import fix_of, newest
from config import prompts
from tests.unit.test_alert_machine import ANNA, BERT, CHIEF, RINGING, T0, acted, alarm, s

_read = prompts.read()
assert not isinstance(_read, str)
ENGLISH = Words(_read, "en")
HOME = Spot(37.5, 122.1)
places = st.builds(Spot, st.floats(18, 53), st.floats(74, 134))

# -- datums


@pytest.mark.parametrize(
    ("wgs84", "gcj02"),
    [  # published pairs (eviltransform's tests)
        ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),
        ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
        ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),
    ],
)
def test_published_places_are_converted_both_ways(wgs84: tuple[float, float], gcj02: tuple[float, float]) -> None:
    assert metres(datum.to_gcj02(Spot(*wgs84)), Spot(*gcj02)) < 0.01
    assert metres(datum.to_wgs84(Spot(*gcj02), "gcj02"), Spot(*wgs84)) < 0.01


@given(places)
def test_there_and_back_is_where_one_was(spot: Spot) -> None:
    assert metres(datum.from_gcj02(datum.to_gcj02(spot)), spot) < 0.1
    assert metres(datum.to_gcj02(spot), spot) < 1500


def test_baidus_offset_lies_on_top() -> None:
    """The pair that coordtransform publishes."""
    baidu, other = Spot(39.915, 116.404), Spot(39.90865673957631, 116.39762729119315)
    assert metres(datum.from_bd09(baidu), datum.from_gcj02(other)) < 0.1


def test_abroad_and_unsaid_nothing_is_moved() -> None:
    assert datum.to_wgs84(Spot(51.5, -0.1), "gcj02") == Spot(51.5, -0.1)
    assert datum.to_wgs84(HOME, "wgs84") == datum.to_wgs84(HOME, None) == HOME


# -- where they were last seen


def row(**more: object) -> dict[str, object]:
    return {"lat": 37.5, "lon": 122.1, "acc": 12.0, "fix": "gnss", "datum": "wgs84", "loc_at": T0} | more


def test_the_newest_usable_fix_counts_and_an_old_one_is_none() -> None:
    assert fix_of(row(fix="none")) is fix_of(row(lat=0.0, lon=0.0)) is fix_of(row(lat=None)) is None
    moved = fix_of(row(datum="gcj02"))
    assert moved
    assert 300 < metres(moved.at, HOME) < 800
    older, newer = fix_of(row()), fix_of(row(lat=37.6, loc_at=T0 + s(60)))
    assert newest([older, None, newer], T0 + s(90)) == newer
    assert newest([older], T0 + OLDEST + s(1)) is None


@given(places, st.floats(0.01, 0.2), st.integers(0, 7))
def test_the_eight_winds(start: Spot, far: float, number: int) -> None:
    north = (1, 1, 0, -1, -1, -1, 0, 1)[number]
    east = (0, 1, 1, 1, 0, -1, -1, -1)[number]
    shorter = cos(radians(start.lat))  # a degree of longitude than one of latitude
    to = Spot(start.lat + north * far / 10, start.lon + east * far / 10 / shorter)
    assert way(start, to) == ("n", "ne", "e", "se", "s", "sw", "w", "nw")[number]


@pytest.mark.parametrize(
    ("born", "years"),
    [("1942-05-01", 84), ("1942-12-01", 83), ("1942", 84), ("", None), ("unknown", None), ("2999-01-01", None)],
)
def test_an_age_is_known_or_not_said(born: str, years: int | None) -> None:
    assert age(born, T0) == years


def test_metres_as_people_say_them() -> None:
    assert [rounded(one) for one in (1, 74, 76, 980, 1040, 2370)] == [50, 50, 100, 1000, 1000, 2400]


def test_what_a_searcher_hears() -> None:
    fix = Fix(Spot(37.5072, 122.1), T0, 12)
    lost = Lost("Wang Xiuying", "Shidao 1", HOME, "1942-05-01", fix)
    now = T0 + timedelta(minutes=7)
    assert ENGLISH.name(lost, now) == "Wang Xiuying, 84 years old,"
    assert ENGLISH.seen(lost, now) == (
        "Last seen about 800 metres north of Shidao 1. That was 7 minutes ago. It may be 50 metres off."
    )
    assert "37.50720, 122.10000" in ENGLISH.seen(lost, now, written=True)
    assert ENGLISH.seen(replace(lost, fix=Fix(HOME, now)), now) == "Last seen close to Shidao 1. That was just now."
    assert "3 hours" in ENGLISH.seen(lost, T0 + timedelta(hours=3))
    assert "text message" in ENGLISH.seen(replace(lost, home=None), now)


def test_what_nobody_knows_is_not_said() -> None:
    unknown = Lost("Wang Xiuying", "Shidao 1")
    assert ENGLISH.name(unknown, T0) == "Wang Xiuying"
    assert ENGLISH.seen(unknown, T0) == "No position is known. Please begin near their home: Shidao 1."


# -- who looks

POLICY = replace(RINGING, searchers=2)


def after(alert: Alert | None, happened: AlertInput, at: datetime = T0) -> Change:
    decided = decide(ALERT_TABLE, alert, happened, now=at, policy=POLICY)
    assert not isinstance(decided, Refused), decided
    return decided.change


def yes(party: str, what: str = "accepted") -> CallReport:
    return CallReport(what, f"C-{party}", party, party, role="responder")


def searched(*parties: str) -> Alert:
    alert = after(after(None, alarm(Kind.WANDER)).alert, acted(Action.CLAIM)).alert
    alert = after(alert, acted(Action.DISPATCH)).alert
    for party in parties:
        alert = after(alert, yes(party)).alert
    return alert


def test_several_look_and_the_last_one_needed_ends_the_asking() -> None:
    one = after(searched(), yes("r:1"))
    assert one.alert.searchers == ("r:1",)
    assert TimerKind.NEXT_WAVE in deadlines(one.alert, POLICY), "more are asked"
    assert not any(isinstance(effect, HangUpOthers) for effect in one.effects)
    two = after(one.alert, yes("r:2"))
    assert HangUpOthers(two.alert.id, but="C-r:2", party="r:2") in two.effects
    assert TimerKind.NEXT_WAVE not in deadlines(two.alert, POLICY)
    refused = decide(ALERT_TABLE, two.alert, yes("r:3"), now=T0, policy=POLICY)
    assert isinstance(refused, Refused)
    assert refused.code == "lost_race"


def test_a_yes_said_twice_is_one_searcher() -> None:
    assert after(searched("r:1", "r:2"), yes("r:1")).alert.searchers == ("r:1", "r:2")


@pytest.mark.parametrize("by", ["key", "operator"])
def test_one_finder_ends_it_and_a_person_still_closes_the_alert(by: str) -> None:
    alert = searched("r:1", "r:2")
    told = yes("r:2", "found") if by == "key" else acted(Action.FOUND, party="r:2", person="r:2")
    change = after(alert, told, T0 + s(60))
    assert change.alert.state is State.HELPING
    assert (change.alert.searching, change.alert.found_at, change.alert.responder) == (False, T0 + s(60), "r:2")
    assert EndSearch(alert.id, "r:2", "key" if by == "key" else "voice") in change.effects
    assert change.alert.owner == ANNA
    assert deadlines(change.alert, POLICY), "and not forgotten"
    for late in (yes("r:1", "found"), acted(Action.FOUND)):
        assert isinstance(decide(ALERT_TABLE, change.alert, late, now=T0 + s(70), policy=POLICY), Refused)


def test_only_its_owner_or_a_supervisor_ends_a_search() -> None:
    def found(by: Operator) -> object:
        return decide(ALERT_TABLE, searched("r:1"), OperatorActed(Action.FOUND, by), now=T0, policy=POLICY)

    assert isinstance(found(BERT), Refused)
    assert not isinstance(found(CHIEF), Refused)


def test_a_press_of_whom_people_look_for_does_not_send_them_home() -> None:
    alert = after(searched("r:1"), alarm(Kind.SOS, ref="m-9"), T0 + s(30)).alert
    assert alert.kind is Kind.SOS
    assert alert.searching
    assert alert.searchers == ("r:1",)


def test_who_leaves_again_after_they_were_found_is_looked_for_again() -> None:
    found = after(searched("r:1"), yes("r:1", "found")).alert
    assert not after(found, alarm(Kind.SOS, ref="m-8")).alert.searching
    again = after(found, alarm(Kind.WANDER, ref="m-9"), T0 + s(600)).alert
    assert again.searching
    assert again.searchers == ()


def test_more_are_asked_when_it_takes_long_and_nobody_is_sent_home() -> None:
    alert = searched("r:1", "r:2")
    at = deadlines(alert, POLICY)[TimerKind.ARRIVAL]
    late = after(alert, TimerDue(TimerKind.ARRIVAL, at), at)
    assert AskResponders(alert.id, again=True) in late.effects
    assert late.ring
    assert late.alert.searchers == ("r:1", "r:2")
    assert late.alert.searchers_wanted == 4
    more = after(alert, acted(Action.OFFER_NEXT))
    assert AskResponders(alert.id, again=True) in more.effects
    assert more.alert.searchers_wanted == 3


def test_what_is_no_search_is_as_it_was() -> None:
    alert = after(None, alarm(Kind.SOS)).alert
    assert not alert.searching
    assert search_rules.astray(alert, Kind.FALL, T0, POLICY) == alert
    assert datetime(2026, 1, 1, tzinfo=UTC) < T0


def test_a_fire_is_no_search_whoever_flees_it() -> None:
    for kind in OF_THE_HOUSE:
        alert = after(after(None, alarm(kind)).alert, alarm(Kind.WANDER, ref="m-9"), T0 + s(30)).alert
        assert (alert.kind, alert.searching) == (kind, False)


def on_page(deed: Deed, party: str = "r:9") -> ResponderActed:
    return ResponderActed(deed, party, "Chen", "position" if deed is Deed.ARRIVES else "")


def test_a_yes_on_the_page_is_one_who_looks_and_nobody_waits_for_a_way_to_the_door() -> None:
    looks = after(searched(), on_page(Deed.ACCEPTS)).alert
    assert looks.searchers == ("r:9",)
    assert TimerKind.MOVEMENT not in deadlines(looks, POLICY)
    assert TimerKind.NEXT_WAVE in deadlines(looks, POLICY), "more are wanted"


def test_who_stands_at_the_door_of_somebody_who_is_out_ends_no_search() -> None:
    looks = after(searched(), on_page(Deed.ACCEPTS)).alert
    change = after(looks, on_page(Deed.ARRIVES), T0 + s(60))
    there = change.alert
    assert (there.searching, there.arrived_at, there.asked_at) == (True, None, looks.asked_at)
    assert change.ring, "and its owner tells them where to look"
    assert there.attention_at
    assert TimerKind.ATTENTION in deadlines(there, POLICY)


def test_who_cannot_look_any_longer_is_not_counted_and_the_others_are_awaited() -> None:
    two = after(after(searched(), on_page(Deed.ACCEPTS)).alert, yes("r:2")).alert
    left = after(two, on_page(Deed.CANNOT))
    assert left.alert.searchers == ("r:2",)
    assert any(isinstance(effect, AskResponders) for effect in left.effects)
    assert TimerKind.ARRIVAL in deadlines(left.alert, POLICY)


def test_who_is_done_looks_no_longer_and_one_more_is_asked() -> None:
    both = searched("r:1", "r:2")
    done = after(both, on_page(Deed.DONE, "r:2"), T0 + s(60))
    assert (done.alert.searchers, done.alert.searching, done.ring) == (("r:1",), True, True)
    assert AskResponders(both.id) in done.effects
    assert {TimerKind.NEXT_WAVE, TimerKind.ARRIVAL} <= deadlines(done.alert, POLICY).keys()
    found = after(both, yes("r:1", "found")).alert
    assert after(found, on_page(Deed.DONE, "r:2")).effects == ()


def test_one_more_is_never_fewer_than_were_wanted() -> None:
    more = after(searched(), on_page(Deed.NEEDS_MORE)).alert
    assert more.searchers_wanted == POLICY.searchers
