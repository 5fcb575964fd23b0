"""The simulated carrier's callees, faults, signatures, identifiers and time, each by itself."""

import asyncio
from collections import Counter

import pytest
from twilio.request_validator import RequestValidator

from simulators.carrier.account import Sids
from simulators.carrier.callees import NATURES, Callee
from simulators.carrier.dialling import absolute
from simulators.carrier.faults import Fates, Faults
from simulators.carrier.pace import Pace, first_of
from simulators.carrier.webhooks import signature


@pytest.mark.parametrize(
    ("url", "params"),
    [
        ("https://example.org/a", {}),
        ("http://127.0.0.1:8080/a?b=c", {"To": "+86", "Body": "打12349", "Blank": ""}),
        ("https://example.org:443/x", {"Z": "1", "a": "2", "A": "3"}),
    ],
)
def test_signatures_are_twilios(url, params):
    assert RequestValidator("secret").validate(url, params, signature("secret", url, params.items()))
    assert not RequestValidator("other").validate(url, params, signature("secret", url, params.items()))


def test_repeated_keys_count_once_each():
    pairs = [("Event", "b"), ("Event", "a"), ("Event", "a")]
    assert signature("s", "https://x", pairs) == signature("s", "https://x", [("Event", "a"), ("Event", "b")])


def test_identifiers_are_well_formed_and_come_from_the_seed():
    one, same, other = Sids(1), Sids(1), Sids(2)
    made = [one.make("CA"), one.make("CA"), one.make("CF")]
    assert made == [same.make("CA"), same.make("CA"), same.make("CF")]
    assert other.make("CA") not in made
    assert all(len(sid) == 34 and int(sid[2:], 16) for sid in made)


def test_callees_answer_one_gather_after_the_other():
    callee = Callee("press", digits=("3", "", "1"))
    assert [callee.digits_at(gather) for gather in range(4)] == ["3", "", "1", ""]
    assert [Callee("silent", digits=("1",)).digits_at(0), callee.words_at(0)] == ["", ""]


def test_every_behaviour_ends_in_a_state_twilio_knows():
    final = {nature.unanswered for nature in NATURES.values()}
    assert final == {"", "busy", "no-answer", "failed"}


@pytest.mark.parametrize("data", [{"does": "sing"}, {"doe": "press"}])
def test_a_script_with_a_slip_is_refused(data):
    with pytest.raises(ValueError):
        Callee.of(data)


def test_scripts_come_as_json():
    assert Callee.of({"does": "press", "digits": [1, "2"]}) == Callee("press", digits=("1", "2"))


def test_a_plan_is_used_up_and_then_the_odds_count():
    fates = Fates(1, Faults(answer_plan=("hang", ""), answers={"reset": 1.0}))
    assert [fates.of_answer("CreateCall") for _ in range(4)] == ["hang", "", "reset", "reset"]


def test_faults_are_as_frequent_as_told_and_come_from_the_seed():
    faults = Faults(callbacks={"lose": 0.2, "delay": 0.1})
    drawn = [Fates(3, faults).of_callback(f"CA{n}") for n in range(2000)]
    assert drawn == [Fates(3, faults).of_callback(f"CA{n}") for n in range(2000)]
    counts = Counter(drawn)
    assert 340 < counts["lose"] < 460
    assert 140 < counts["delay"] < 260


def test_what_runs_side_by_side_disturbs_no_draw():
    faults = Faults(callbacks={"lose": 0.5})
    apart, mixed = Fates(1, faults), Fates(1, faults)
    alone = [apart.of_callback("a") for _ in range(20)]
    assert [(mixed.of_callback("a"), mixed.of_callback("b"))[0] for _ in range(20)] == alone


def test_faults_can_be_limited_to_operations():
    fates = Fates(1, Faults(answers={"error": 1.0}, operations=("CreateCall",)))
    assert [fates.of_answer("ListCall"), fates.of_answer("CreateCall")] == ["", "error"]


@pytest.mark.parametrize("data", [{"answers": {"flood": 1}}, {"callback_plan": ["hang"]}, {"answer": {}}])
def test_unknown_faults_are_refused(data):
    with pytest.raises(ValueError):
        Faults.of(data)


@pytest.mark.parametrize(
    ("url", "meant"),
    [("/b", "http://h:1/b"), ("b?c=1", "http://h:1/x/b?c=1"), ("https://o/./b", "https://o/./b")],
)
def test_addresses_in_documents(url, meant):
    assert absolute("http://h:1/x/a", url) == meant


async def test_paced_time_is_the_storys(clock):
    pace = Pace(clock, 100)
    began = pace.now()
    ringing = asyncio.create_task(pace.sleep(25))
    await asyncio.sleep(0)
    clock.advance(0.24)
    await asyncio.sleep(0)
    assert not ringing.done()
    clock.advance(0.01)
    await ringing
    assert (pace.now() - began).total_seconds() == 25


async def test_the_first_wins_and_the_others_have_ended():
    ended = []

    async def forever():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async def now():
        return "now"

    assert await first_of(forever(), now()) == (1, "now")
    assert ended == ["cancelled"]
