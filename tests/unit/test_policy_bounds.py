"""A number that would leave somebody in an emergency alone for too long is refused, in words, at its line."""

import re

import pytest

from callcenter.alerts.model import Kind
from callcenter.alerts.policy_bounds import CALLS, LIMITS
from callcenter.alerts.policy_check import judge
from callcenter.storage.policy_shelf import read
from config.policies import AlertPolicy, CallPolicy, parse
from tests.unit.test_policy_check import SHIPPED, TOWN, extended, found, line

OWN = '[[override]]\nid = "own"\nkinds = ["{}"]\n'
LADDER = '[override.ladder]\nrepeat_s = {}\nrungs = [\n  {{ id = "all_seats", after_s = {} }},\n' \
         '  {{ id = "boss", after_s = {}, phone = "duty_manager" }},\n]\n'  # fmt: skip


def refused(text: str) -> tuple[list[tuple[int, str]], str]:
    """The faults by line and code, and the line in which a process that loads it says so."""
    said = read(text)
    return found(text)[0], said if isinstance(said, str) else ""


def test_what_is_shipped_may_be_loaded() -> None:
    assert isinstance(read(SHIPPED), AlertPolicy)


@pytest.mark.parametrize("name", [*LIMITS, *CALLS])
def test_every_limit_that_could_leave_somebody_alone_has_an_end(name: str) -> None:
    bound = (LIMITS | CALLS)[name]
    for number, faults in ((bound.most, []), (bound.most + 1, [f"long_{name}"])):
        text = re.sub(rf"^{name} = \d+", f"{name} = {number}", SHIPPED, flags=re.MULTILINE)
        codes, said = refused(text)
        assert codes == [(line(text, f"{name} = "), code) for code in faults]
        assert bound.why in said if faults else not said


def test_the_last_call_back_of_a_silent_call_comes_soon() -> None:
    text = SHIPPED.replace("call_backs_s = [10, 40, 60]", "call_backs_s = [10, 40, 121]")
    assert refused(text)[0] == [(line(text, "call_backs_s"), "long_call_backs_s")]


def test_an_emergency_rings_again_after_minutes_and_not_after_a_day() -> None:
    text = SHIPPED.replace("repeat_s = 60", "repeat_s = 86400")
    codes, said = refused(text)
    assert codes == [(line(text, "repeat_s = 86400"), "long_repeat_s")]
    assert said == ("ladder.0.repeat_s: 86400 is too long, at most 300: "
                    "nobody has claimed it, and after the last rung it rings for nobody until then")  # fmt: skip
    assert refused(SHIPPED.replace("repeat_s = 3600", "repeat_s = 86400")) == ([], ""), "a battery may wait"


@pytest.mark.parametrize(
    ("kind", "ladder", "where", "code"),
    [
        ("sos", (300, 60, 180), None, None),
        ("sos", (301, 15, 60), 4, "long_repeat_s"),
        ("gas", (60, 61, 90), 6, "long_first_rung"),
        ("offline", (86_400, 120, 86_400), None, None),
    ],
)
def test_so_does_an_override_of_emergencies(
    kind: str, ladder: tuple[int, int, int], where: int | None, code: str | None
) -> None:
    text, at = extended(OWN.format(kind) + LADDER.format(*ladder))
    assert refused(text)[0] == ([(at + where, code)] if where is not None else [])


def test_no_five_minutes_pass_between_two_rungs() -> None:
    text = SHIPPED.replace('id = "keyholders", after_s = 120', 'id = "keyholders", after_s = 391')
    assert refused(text)[0] == [(line(text, '"keyholders", after'), "long_next_rung")]


def test_limits_and_levels_of_an_override_have_the_same_ends() -> None:
    for kind, faults in (("fall", ["long_arrive_s"]), ("service", [])):  # a service may take its time
        text, at = extended(OWN.format(kind) + "limits = { arrive_s = 2701 }\n")
        assert refused(text)[0] == [(at + 3, code) for code in faults]
    level = '[[override.level]]\nid = "town"\nkinds = ["town_station"]\nwave_size = 1\ndeadline_s = {}\n'
    text, at = extended(OWN.format("fall") + level.format(601))
    assert refused(text)[0] == [(at + 7, "long_deadline_s")]


def test_people_are_asked_for_two_minutes_at_least() -> None:
    """With one level nothing else says how long. Of each combination that can hold; the file alone is good."""
    level = '[[override.level]]\nid = "town"\nkinds = ["town_station"]\nwave_size = 1\ndeadline_s = 90\n'
    limits = "limits = { most_waves = 4 }\n"
    text, at = extended(OWN.format("fall") + limits + level)
    assert found(text)[0] == [(at, "asks_short")]
    assert found(text.replace("most_waves = 4", "most_waves = 5"))[0] == []


def test_every_number_of_a_policy_is_bounded_or_leaves_nobody_alone() -> None:
    """Who adds one decides which it is."""
    free = {
        *("follow_up_s", "raise_presses", "raise_within_s", "cancel_within_s", "late_after_s", "transfer_s"),
        *("most_waves", "searchers", "incident_lines", "call_backs_s"),  # the first by how long is asked
    }
    of_calls = {
        "ring_operator_s",
        "ring_responder_s",
        "unknown_first_s",
        "unsure_s",
        "look_every_s",
        "news_late_s",
        "poll_s",
    }
    records = {"ladders", "levels", "calls", "overrides", "rings"}
    assert set(AlertPolicy.__dataclass_fields__) == {*LIMITS, *free, *records}
    assert set(CallPolicy.__dataclass_fields__) == {*CALLS, *of_calls}


def test_every_bound_says_why_in_words() -> None:
    book = parse(SHIPPED, kinds=frozenset(Kind))
    assert isinstance(book, AlertPolicy)
    assert judge(book, TOWN).faults == ()
    assert all(len(bound.why.split()) > 5 for bound in (LIMITS | CALLS).values())
