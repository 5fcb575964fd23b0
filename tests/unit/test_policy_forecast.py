"""The forecast: the plan of a policy played through with people who answer as they did then, or not at all."""

from dataclasses import replace
from datetime import UTC, datetime

from callcenter.alerts.model import Kind
from callcenter.alerts.policy_forecast import Answer, Past, compare, course
from callcenter.alerts.ranking import Candidate, Need
from config import policies
from config.policies import AlertPolicy, Level

AT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
POLICY = policies.read()
assert isinstance(POLICY, AlertPolicy)
PEOPLE = tuple(
    Candidate(f"responder:{id}", kind, above=above)
    for id, kind, above in (
        *(("n1", "neighbour", 0), ("n2", "neighbour", 0), ("n3", "neighbour", 0), ("n4", "neighbour", 0)),
        *(("doc", "village_doctor", 0), ("town", "town_station", 1), ("chief", "district_command", 2)),
    )
)


def past(*people: Candidate, **answers: Answer) -> Past:
    said = {f"responder:{id}": answer for id, answer in answers.items()}
    return Past("a", Kind.SOS, "v1", ("v1", "t1"), AT, AT, Need(None), people or PEOPLE, said)


def when(found: Past, policy: AlertPolicy = POLICY) -> dict[str, float]:
    """When each is asked for the first time."""
    times: dict[str, float] = {}
    for at, party, _level in course(found, policy).asked:
        times.setdefault(party.removeprefix("responder:"), at)
    return times


def test_levels_follow_each_other_when_nobody_answers() -> None:
    times = when(past())
    assert [times[one] for one in ("n1", "n2", "n3")] == [0, 0, 0]
    assert times["n4"] == POLICY.calls.ring_responder_s, "in the place of the first who does not answer"
    assert times["n4"] < times["doc"] <= 90
    assert times["doc"] < times["town"] < times["chief"]
    assert course(past(), POLICY).level == "district"


def test_a_yes_ends_it_and_a_no_asks_the_next_at_once() -> None:
    found = course(past(n1=Answer(False, 4), n2=Answer(True, 12)), POLICY)
    assert found.yes_s == 12
    assert [(at, party[10:]) for at, party, _ in found.asked] == [(0, "n1"), (0, "n2"), (0, "n3"), (4, "n4")]


def test_nobody_at_all_is_told() -> None:
    found = course(replace(past(), people=()), POLICY)
    assert (found.asked, found.yes_s) == ((), None)


def test_the_same_policy_is_never_worse() -> None:
    for one in (past(), past(n1=Answer(False, 9)), past(doc=Answer(True, 3)), past(PEOPLE[4])):
        found = compare(one, POLICY, POLICY)
        assert (found.worse, found.changed, found.later_s) == ((), False, 0)


def test_what_gets_worse_is_named() -> None:
    def worse(one: Past, **changes: object) -> set[str]:
        return set(compare(one, POLICY, replace(POLICY, **changes)).worse)  # type: ignore[arg-type]

    district = tuple(level for level in POLICY.levels if level.id == "district")
    slow = (replace(POLICY.levels[0], wave_size=1), *POLICY.levels[1:])
    assert worse(past(*PEOPLE[:4]), levels=district) == {"nobody"}
    assert "later" in worse(past(), levels=slow)
    assert "yes_later" in worse(past(n3=Answer(True, 5)), levels=slow)
    assert worse(past(), levels=district) >= {"fewer"}
    later = (Level("none", frozenset({"carer"}), 1, 1, 90), *POLICY.levels)
    assert worse(past(), levels=later) == set(), "a level that nobody belongs to is skipped at once"


def test_a_policy_that_asks_more_at_once_is_not_worse() -> None:
    more = (replace(POLICY.levels[0], wave_size=4), *POLICY.levels[1:])
    found = compare(past(n4=Answer(True, 3)), POLICY, replace(POLICY, levels=more))
    assert (found.worse, found.changed) == ((), True)
    assert (found.present.yes_s, found.planned.yes_s) == (28, 3)


def test_each_file_is_asked_what_holds_for_the_alert() -> None:
    one_at_a_time = (replace(POLICY.levels[0], wave_size=1), *POLICY.levels[1:])
    own = policies.Override("v1", "v1", frozenset(), "", (), one_at_a_time, None)
    assert compare(past(), POLICY, replace(POLICY, overrides=(own,))).worse
    elsewhere = replace(own, area="v2")
    assert not compare(past(), POLICY, replace(POLICY, overrides=(elsewhere,))).changed
