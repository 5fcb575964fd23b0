"""Offers of one alert: the rules one by one, and their invariants over lives made up by hypothesis."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from callcenter.alerts.offer_model import ASKED, ENDED, GOING, Offer, OfferState, Proof
from callcenter.alerts.offer_rules import (
    Moved,
    News,
    Plan,
    Said,
    end_all,
    going,
    hear,
    next_wave,
)
from callcenter.alerts.ranking import Candidate, Need, Spot, rank
from callcenter.alerts.rules import Refused
from callcenter.storage.offer_records import offer_from_row, offer_row
from config.policies import Level

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
DOOR = Spot(37.5, 122.1)
PLAN = Plan(
    (
        Level("neighbour", frozenset({"neighbour", "family"}), 1, 3, 120),
        Level("village", frozenset({"village_doctor", "carer"}), 1, 2, 120),
        Level("town", frozenset({"town_station"}), 1, 1, 180),
        Level("district", frozenset({"district_command"}), 1, 1, 180),
    )
)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def offer(party: str = "a", state: OfferState = OfferState.OFFERED, **more) -> Offer:
    return Offer(
        **(
            {"id": f"o-{party}", "alert_id": "x", "party": party, "name": party.upper(), "kind": "neighbour"}
            | {"level": "neighbour", "wave": 1, "asked_at": NOW, "state": state}
            | more
        )
    )


def told(offers: list[Offer], party: str, said: Said, *, now: datetime = NOW, plan: Plan = PLAN, **more) -> Moved:
    answer = hear(offers, News(f"o-{party}", said, **more), now=now, plan=plan)
    assert isinstance(answer, Moved), answer
    return answer


def people(*named: tuple[str, str, int]):
    """(party, kind, metres from the door)."""
    far = [Candidate(party, kind, Spot(DOOR.lat + m / 111_195, DOOR.lon), key=True) for party, kind, m in named]
    return rank(far, Need(DOOR))


def parties(wave) -> list[str]:
    return [one.candidate.party for one in wave.people]


class TestOne:
    def test_a_yes_lets_everybody_else_go_at_once(self):
        there = [offer("a"), offer("b", OfferState.QUEUED), offer("c"), offer("d", OfferState.DECLINED)]
        moved = told(there, "c", Said.YES, channel="page")
        assert {one.party: one.state for one in moved.offers} == {
            "c": OfferState.ACCEPTED,
            "a": OfferState.WITHDRAWN,
            "b": OfferState.WITHDRAWN,
        }
        accepted = moved.offers[0]
        assert (accepted.channel, accepted.accepted_at, accepted.due) == ("page", NOW, later(PLAN.move_s))

    def test_the_second_yes_hears_who_goes(self):
        there = [offer("a", OfferState.ACCEPTED), offer("b")]
        assert hear(there, News("o-b", Said.YES), now=NOW, plan=PLAN) == Refused("lost_race", "A is going")

    def test_where_two_are_needed_the_first_yes_lets_nobody_go(self):
        two = replace(PLAN, needs=2)
        there = [offer("a"), offer("b"), offer("c")]
        moved = told(there, "a", Said.YES, plan=two)
        assert [one.party for one in moved.offers] == ["a"]
        there = [moved.offers[0], *there[1:]]
        assert {one.party: one.state.value for one in told(there, "b", Said.YES, plan=two).offers} == {
            "b": "accepted",
            "c": "withdrawn",
        }

    def test_who_does_not_move_is_late_and_others_are_asked_while_they_may_still_come(self):
        (accepted,) = told([offer("a")], "a", Said.YES, channel="page").offers
        assert isinstance(hear([accepted], News("o-a", Said.LATE), now=later(299), plan=PLAN), Refused)
        moved = told([accepted], "a", Said.LATE, now=later(300))
        assert moved.ask_more
        assert (moved.offers[0].late, moved.offers[0].reason) == (True, "no_movement")
        assert not going(moved.offers)
        other = told([moved.offers[0], offer("b")], "b", Said.YES, now=later(310)).offers[0]
        assert other.state is OfferState.ACCEPTED
        came = told([moved.offers[0], other], "a", Said.THERE, proof=Proof.DEVICE, now=later(400)).offers[0]
        assert (came.state, came.late) == (OfferState.ON_SCENE, False)

    def test_who_moves_has_until_the_arrival_deadline_from_the_yes(self):
        (accepted,) = told([offer("a")], "a", Said.YES).offers
        (moving,) = told([accepted], "a", Said.MOVES, now=later(100)).offers
        assert (moving.state, moving.due) == (OfferState.EN_ROUTE, later(PLAN.arrive_s))
        assert told([moving], "a", Said.LATE, now=later(PLAN.arrive_s)).offers[0].reason == "no_arrival"

    def test_nobody_has_arrived_without_a_proof(self):
        answer = hear([offer("a", OfferState.EN_ROUTE)], News("o-a", Said.THERE), now=NOW, plan=PLAN)
        assert isinstance(answer, Refused)
        assert answer.code == "no_proof"

    @pytest.mark.parametrize("said", [Said.NO, Said.NOTHING])
    def test_who_does_not_go_makes_room_for_the_next(self, said):
        assert told([offer("a")], "a", said, reason="voicemail").ask_more

    def test_who_cannot_come_after_all_makes_room_too(self):
        moved = told([offer("a", OfferState.EN_ROUTE)], "a", Said.CANNOT)
        assert moved.ask_more
        assert moved.offers[0].state is OfferState.DECLINED

    @pytest.mark.parametrize(("state", "said"), list(product(ENDED, Said)))
    def test_the_end_of_an_offer_sticks(self, state, said):
        answer = hear([offer("a", state)], News("o-a", said, proof=Proof.VOICE), now=NOW, plan=PLAN)
        assert isinstance(answer, Refused)

    def test_an_alert_that_is_over_leaves_nobody_asked_or_going(self):
        there = [offer(str(n), state) for n, state in enumerate(OfferState)]
        after = {one.id: one for one in there} | {one.id: one for one in end_all(there, NOW, "closed").offers}
        assert {one.state for one in after.values()} <= ENDED
        assert all(one.due is None for one in after.values())

    def test_news_of_nobody_is_refused(self):
        assert isinstance(hear([], News("o-a", Said.YES), now=NOW, plan=PLAN), Refused)


class TestWaves:
    NEAR = people(*((f"n{n}", "neighbour", 100 * n) for n in range(1, 6)), ("doc", "village_doctor", 900))

    def ask(self, offers: list[Offer], wave, *, now: datetime = NOW, state=OfferState.OFFERED) -> list[Offer]:
        return [
            *offers,
            *(
                offer(f"{one.candidate.party}", state, level=wave.level, asked_at=now, id=f"{len(offers)}-{n}")
                for n, one in enumerate(wave.people)
            ),
        ]

    def test_the_nearest_first_three_at_once(self):
        wave = next_wave(PLAN, [], self.NEAR, NOW)
        assert (wave.level, parties(wave)) == ("neighbour", ["n1", "n2", "n3"])

    def test_the_next_wave_asks_others_while_the_first_still_ring(self):
        offers = self.ask([], next_wave(PLAN, [], self.NEAR, NOW))
        assert parties(next_wave(PLAN, offers, self.NEAR, later(30))) == ["n4", "n5"]

    def test_after_the_deadline_the_next_level_is_asked_and_the_earlier_stays(self):
        offers = self.ask([], next_wave(PLAN, [], self.NEAR, NOW))
        wave = next_wave(PLAN, offers, self.NEAR, later(120))
        assert (wave.level, parties(wave)) == ("village", ["doc"])

    def test_who_is_asked_to_go_up_does_not_wait_for_the_deadline(self):
        offers = self.ask([], next_wave(PLAN, [], self.NEAR, NOW))
        wave = next_wave(PLAN, offers, self.NEAR, later(1), up=True)
        assert wave.level == "village"
        offers = self.ask(offers, wave)
        assert next_wave(PLAN, offers, self.NEAR, later(2)).level == "village"  # and it does not come down again
        assert next_wave(PLAN, [], self.NEAR, NOW, up=True).level == "neighbour"  # nobody was asked: nobody is skipped

    def test_a_level_without_people_is_skipped_at_once_and_told(self):
        only = people(("station", "town_station", 5000))
        wave = next_wave(PLAN, [], only, NOW)
        assert (wave.level, wave.gaps) == ("town", ("neighbour", "village"))

    def test_nobody_at_all_is_told_with_every_gap(self):
        assert next_wave(PLAN, [], [], NOW).level is None
        assert next_wave(PLAN, [], [], NOW).gaps == ("neighbour", "village", "town", "district")

    def test_who_missed_is_asked_twice_and_who_said_no_once(self):
        two = people(("n1", "neighbour", 100), ("n2", "neighbour", 200))
        offers = [offer("n1", OfferState.MISSED), offer("n2", OfferState.DECLINED)]
        assert parties(next_wave(PLAN, offers, two, later(30))) == ["n1"]
        offers.append(offer("n1", OfferState.MISSED, id="again"))
        wave = next_wave(PLAN, offers, two, later(60))
        assert (wave.level, wave.gaps) == (None, ("village", "town", "district"))

    def test_whoever_has_not_been_asked_comes_before_whoever_missed(self):
        offers = [offer("n1", OfferState.MISSED)]
        assert parties(next_wave(PLAN, offers, self.NEAR, later(10)))[:3] == ["n2", "n3", "n4"]

    def test_who_was_let_go_was_not_asked_in_vain(self):
        two = people(("n1", "neighbour", 100), ("n2", "neighbour", 200))
        quicker = [offer("n1", OfferState.WITHDRAWN, id=f"o{n}") for n in range(5)]
        missed = offer("n2", OfferState.MISSED)
        assert parties(next_wave(PLAN, [*quicker, missed], two, later(30))) == ["n1", "n2"]

    def test_who_is_on_the_line_is_passed_over_and_leaves_no_gap(self):
        two = people(("n1", "neighbour", 100), ("doc", "village_doctor", 900))
        wave = next_wave(PLAN, [], two, NOW, on_the_line={"n1"})
        assert (wave.level, parties(wave), wave.gaps) == ("village", ["doc"], ())

    def test_another_round_asks_whoever_was_asked_the_least_and_no_no(self):
        missed = [offer(f"n{n}", OfferState.MISSED, id=f"o{n}{turn}") for n in (1, 2, 3) for turn in (1, 2)]
        said_no = offer("n4", OfferState.DECLINED)
        late = later(500)  # everybody's time is over
        up = [offer("doc", OfferState.MISSED, level="village", id="d"), offer("x", OfferState.MISSED, level="district")]
        offers = [*missed, said_no, *up]
        assert next_wave(PLAN, offers, self.NEAR, late).level is None
        wave = next_wave(PLAN, offers, self.NEAR, late, again=True)
        assert (wave.level, parties(wave), wave.used_up) == ("neighbour", ["n5", "n1", "n2"], True)
        for level, turn in (("neighbour", ["n5", "n3", "n1"]), ("village", ["doc"])):
            offers = self.ask(offers, wave, now=late, state=OfferState.MISSED)
            wave = next_wave(PLAN, offers, self.NEAR, late, again=True)
            assert (wave.level, parties(wave)) == (level, turn)

    def test_in_a_search_nobody_is_passed_over_because_their_levels_time_is_over(self):
        offers = [offer("x", OfferState.MISSED, level="district"), offer("n1", OfferState.MISSED)]
        assert next_wave(PLAN, offers, self.NEAR, later(900)).level is None
        wave = next_wave(replace(PLAN, everybody=True), offers, self.NEAR, later(900))
        assert (wave.level, parties(wave)) == ("neighbour", ["n2", "n3", "n4"])


class Lives(RuleBasedStateMachine):
    """A dispatcher that does what it is told, people who answer as they like, and time that goes on."""

    @initialize(
        needs=st.integers(1, 2),
        kinds=st.lists(st.sampled_from(["neighbour", "carer", "town_station", "district_command"]), max_size=8),
    )
    def begin(self, needs, kinds):
        self.plan = replace(PLAN, needs=needs)
        self.people = people(*((f"p{n}", kind, 100 * n) for n, kind in enumerate(kinds, start=1)))
        self.now, self.offers, self.wants_more = NOW, {}, True

    def offers_now(self) -> list[Offer]:
        return list(self.offers.values())

    @rule(again=st.booleans())
    def ask(self, again):
        if len(going(self.offers_now())) >= self.plan.needs:
            return
        wave = next_wave(self.plan, self.offers_now(), self.people, self.now, again=again)
        if again and not wave.people and wave.used_up:
            assert not [one for one in self.people if self.could_be_asked(one.candidate.party)], "nobody is used up"
        living = {one.party for one in self.offers_now() if one.state not in ENDED}
        for one in wave.people:
            assert one.candidate.party not in living, "nobody is asked while they are asked or going"
            made = offer(
                one.candidate.party, OfferState.QUEUED, id=f"o{len(self.offers)}", level=wave.level, asked_at=self.now
            )
            self.offers[made.id] = made
        if wave.level is None and not again:
            for person in self.people:
                mine = [one for one in self.offers_now() if one.party == person.candidate.party]
                refused = any(one.state in (OfferState.DECLINED, OfferState.DONE) for one in mine)
                skipped = self._passed(person.candidate.kind)
                asked = [one for one in mine if one.state is not OfferState.WITHDRAWN]
                living = any(one.state not in ENDED for one in mine)
                assert refused or skipped or len(asked) >= self.plan.rounds or living

    def could_be_asked(self, party: str) -> bool:
        """Their telephone is free, and they have neither gone nor said no."""
        mine = [one.state for one in self.offers_now() if one.party == party]
        return all(state in (OfferState.MISSED, OfferState.WITHDRAWN) for state in mine)

    def _passed(self, kind: str) -> bool:
        """Their level's time was over before they could be asked as often as planned; the way leads up, not round."""
        number = next(n for n, step in enumerate(self.plan.levels) if kind in step.kinds)
        levels = {one.level for one in self.offers_now()}
        step = self.plan.levels[number]
        mine = [one.asked_at for one in self.offers_now() if one.level == step.id]
        over = bool(mine) and self.now >= min(mine) + timedelta(seconds=step.deadline_s)
        return over or any(later.id in levels for later in self.plan.levels[number + 1 :])

    @rule(data=st.data(), said=st.sampled_from(list(Said)), proof=st.none() | st.sampled_from(list(Proof)))
    def hears(self, data, said, proof):
        if not self.offers:
            return
        which = data.draw(st.sampled_from(sorted(self.offers)))
        before = self.offers_now()
        answer = hear(before, News(which, said, channel="page", proof=proof), now=self.now, plan=self.plan)
        if isinstance(answer, Refused):
            return
        for one in answer.offers:
            assert self.offers[one.id].state not in ENDED, "the end sticks"
            self.offers[one.id] = one

    @rule(seconds=st.integers(1, 400))
    def time_goes_on(self, seconds):
        self.now += timedelta(seconds=seconds)

    @invariant()
    def nobody_is_asked_while_enough_go(self):
        if getattr(self, "offers", None) and len(going(self.offers_now())) >= self.plan.needs:
            assert not [one for one in self.offers_now() if one.state in ASKED]

    @invariant()
    def whoever_is_under_way_has_a_deadline_or_is_late(self):
        for one in getattr(self, "offers", {}).values():
            assert (one.due is not None) == (
                one.state in GOING and one.state is not OfferState.ON_SCENE and not one.late
            )


TestLives = Lives.TestCase


@pytest.mark.parametrize(
    ("column", "value"), [("state", "unheard_of"), ("proof", "unheard_of"), ("parts", "no json")], ids=str
)
def test_an_offer_of_another_release_stays_on_the_card(column: str, value: str) -> None:
    row = offer_row(offer("responder:x")) | {column: value}
    read = offer_from_row(row)
    assert (read.party, read.state) == ("responder:x", OfferState.OFFERED)
