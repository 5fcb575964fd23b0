"""Who is asked first."""

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from callcenter.alerts.ranking import (
    BUSY_S,
    NO_KEY_S,
    STALE_S,
    UNKNOWN_WAY_S,
    Candidate,
    Need,
    Spot,
    metres,
    rank,
    way_s,
)

DOOR = Spot(37.50, 122.10)
NEED = Need(DOOR)


def north(distance_m: float) -> Spot:
    return Spot(DOOR.lat + distance_m / 111_195, DOOR.lon)


def first(*candidates: Candidate, need: Need = NEED) -> str:
    return rank(candidates, need)[0].candidate.party


def test_distances_are_those_of_the_earth():
    assert metres(Spot(0, 0), Spot(0, 1)) == pytest.approx(111_195, rel=1e-3)
    assert metres(Spot(37.5, 122.1), Spot(36.39, 119.77)) == pytest.approx(241_000, rel=0.01)
    assert metres(DOOR, DOOR) == 0


def test_a_neighbour_with_the_key_is_before_a_nearer_one_without():
    assert first(Candidate("near", "neighbour", north(50)), Candidate("key", "family", north(200), key=True)) == "key"


def test_a_car_from_far_is_after_a_walk_from_near_and_before_a_long_walk():
    car = Candidate("car", "town_station", north(4000), moves="car")
    assert first(car, Candidate("walker", "neighbour", north(300))) == "walker"
    assert first(car, Candidate("walker", "neighbour", north(2000))) == "car"


def test_who_is_under_way_to_somebody_else_comes_later():
    near = Candidate("near", "carer", north(100), load=1)
    assert first(near, Candidate("other", "carer", north(500))) == "other"
    assert rank([near], NEED)[0].parts["load"] == BUSY_S


def test_a_skill_that_is_wanted_counts():
    need = Need(DOOR, frozenset({"first_aid"}))
    able = Candidate("able", "carer", north(150), skills=frozenset({"first_aid", "lifting"}))
    assert first(Candidate("near", "carer", north(100)), able, need=need) == "able"
    assert first(Candidate("near", "carer", north(100)), able) == "near"


def test_where_a_phone_was_just_now_counts_more_than_home_and_an_old_place_does_not():
    away = Candidate("p", "carer", north(100), seen=north(5000), seen_s=STALE_S, moves="bike")
    assert way_s(away, DOOR) > 1000
    assert way_s(replace(away, seen_s=STALE_S + 1), DOOR) < 200


def test_nobody_is_left_out_because_nobody_knows_where_they_are():
    ranked = rank([Candidate("lost", "carer"), Candidate("near", "carer", north(100))], NEED)
    assert [one.candidate.party for one in ranked] == ["near", "lost"]
    assert ranked[1].parts == {"way": UNKNOWN_WAY_S, "key": NO_KEY_S, "skills": 0, "load": 0, "phone": 0, "duty": 0,
                               "refused": 0}  # fmt: skip
    assert rank([Candidate("somebody", "carer", north(1))], Need(None))[0].parts["way"] == UNKNOWN_WAY_S


places = st.builds(Spot, st.floats(-89, 89), st.floats(-179, 179))
somebody = st.builds(
    Candidate,
    st.integers(0, 10**6).map(str),
    st.just("neighbour"),
    st.none() | places,
    st.none() | places,
    st.floats(0, 2000),
    st.sampled_from(["walk", "bike", "car"]),
    st.sets(st.sampled_from(["first_aid", "lifting"])).map(frozenset),
    st.booleans(),
    st.integers(0, 3),
)


@given(st.lists(somebody, max_size=20), st.none() | places, st.randoms(use_true_random=False))
def test_everybody_is_ranked_once_by_a_score_that_is_the_sum_of_its_reasons(people, at, dice):
    need = Need(at, frozenset({"first_aid"}))
    ranked = rank(people, need)
    assert sorted(one.candidate.party for one in ranked) == sorted(one.party for one in people)
    assert [one.score for one in ranked] == sorted(sum(one.parts.values()) for one in ranked)
    shuffled = list(people)
    dice.shuffle(shuffled)
    assert [one.score for one in rank(shuffled, need)] == [one.score for one in ranked]
