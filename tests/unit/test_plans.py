"""Response plans: what an alert has to have done before it ends, whatever happens in whatever order."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from callcenter.alerts import plans as steps
from callcenter.alerts.alert_rules import ALERT_TABLE
from callcenter.alerts.inputs import (
    Action,
    AlarmRaised,
    AlertInput,
    CallReport,
    OperatorActed,
    TimerDue,
    TimerKind,
    TroubleEnded,
)
from callcenter.alerts.model import EMERGENCIES, UNRESOLVED, Alert, Kind, Operator, State, StepDone, Subject
from callcenter.alerts.rules import Change, Refused, decide
from callcenter.storage.plan_records import done_from_text, done_text, plan_from_text, plan_text
from config import plans, policies
from config.plans import Plan, PlanStep

T0 = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
KINDS = frozenset(Kind)
_read = policies.read(kinds=KINDS)
assert not isinstance(_read, str)
POLICY = _read
ANNA, CHIEF = Operator("anna", "Anna"), Operator("chief", "Chief", supervisor=True)
SUBJECT = Subject("resident:r-1", "bracelet-1", "r-1", "h-1", "Li", "Village 1")
SEEN = PlanStep("seen", "见到", "see them", required=True, done_by=("reached", "arrived"))
OXYGEN = PlanStep("oxygen", "关氧气", "turn the oxygen off", required=True)
TOLD = PlanStep("told", "告知家属", "tell the family")
SILENT = PlanStep("silent", "无人说话", "nobody speaks", required=True, only_silent=True)
PLAN = (OXYGEN, SEEN, TOLD, SILENT)
Do = Callable[..., Alert]


def ask(alert: Alert | None, happened: AlertInput, at: datetime = T0) -> Change | Refused:
    outcome = decide(ALERT_TABLE, alert, happened, now=at, policy=POLICY)
    return outcome if isinstance(outcome, Refused) else outcome.change


def after(alert: Alert | None, *happened: AlertInput) -> Alert:
    for one in happened:
        outcome = ask(alert, one)
        assert isinstance(outcome, Change), outcome
        alert = outcome.alert
    assert alert is not None
    return alert


def acted(action: Action, by: Operator = ANNA, **more: object) -> OperatorActed:
    given: dict = {"outcome": "false_alarm"} if action is Action.RESOLVE else {}
    return OperatorActed(action, by, **given | more)


def did(step: str, **more: object) -> OperatorActed:
    return acted(Action.STEP, step=step, **more)


def opened(plan: Plan = PLAN, kind: Kind = Kind.SOS) -> Alert:
    return after(None, AlarmRaised("A1", SUBJECT, kind, plan=plan))


def claimed(plan: Plan = PLAN, by: Operator = ANNA) -> Alert:
    return after(opened(plan), acted(Action.CLAIM, by))


REACHED = CallReport("reached", "C1", "resident:r-1", "Li")


def test_without_a_required_step_a_false_alarm_ends_as_ever() -> None:
    assert after(claimed((TOLD,)), acted(Action.RESOLVE)).state is State.RESOLVED


def test_resolving_names_the_required_steps_that_are_not_done() -> None:
    refused = ask(claimed(), acted(Action.RESOLVE))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.owner, refused.steps) == ("steps_missing", ANNA, (OXYGEN, SEEN))
    assert "turn the oxygen off (oxygen); see them (seen)" in refused.detail


def test_a_step_is_done_by_somebody_at_a_time_with_their_words() -> None:
    outcome = ask(claimed(), did("oxygen", text="the neighbour did"), T0 + timedelta(seconds=9))
    assert isinstance(outcome, Change)
    assert outcome.alert.steps_done == (
        StepDone("oxygen", T0 + timedelta(seconds=9), "anna", "Anna", "the neighbour did"),
    )
    assert outcome.data == {
        "step": "oxygen", "words": {"zh-CN": "关氧气", "en": "turn the oxygen off"}, "text": "the neighbour did",
    }  # fmt: skip
    assert outcome.alert.touched_at == T0 + timedelta(seconds=9), "whoever does a step is at it"


def test_a_step_done_twice_changes_nothing_and_is_told() -> None:
    refused = ask(after(claimed(), did("oxygen")), did("oxygen"))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.detail) == ("step_done", "turn the oxygen off: Anna did it, at 08:00:00 UTC")


def test_a_step_that_the_plan_does_not_have_is_refused() -> None:
    refused = ask(claimed(), did("insulin"))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.detail) == ("unknown_step", "the plan has no step insulin")


def test_the_order_is_advice_and_everything_done_the_alert_ends() -> None:
    alert = after(claimed(), did("told"), did("seen"), did("oxygen"), acted(Action.RESOLVE))
    assert alert.state is State.RESOLVED


def test_what_no_plan_names_is_still_written_down() -> None:
    assert after(claimed(), acted(Action.STEP, text="door is open")).steps_done == ()


def test_what_the_centre_knows_needs_no_tick_and_is_told_as_such() -> None:
    alert = after(claimed(), REACHED)
    assert alert.steps_done == (StepDone("seen", T0),)
    refused = ask(alert, did("seen"))
    assert isinstance(refused, Refused)
    assert "the centre knows that it is done" in refused.detail
    assert after(alert, did("oxygen"), acted(Action.RESOLVE)).state is State.RESOLVED


def test_help_that_does_not_come_after_all_is_no_arrival() -> None:
    there = after(claimed(), acted(Action.DISPATCH, text="x"), acted(Action.ARRIVED, party="responder:x"))
    assert steps.done_of(there, "seen")
    assert not steps.done_of(after(there, acted(Action.OFFER_NEXT)), "seen")


def test_a_step_for_silence_counts_only_while_nobody_speaks() -> None:
    alert = claimed()
    assert SILENT not in steps.shown(alert)
    assert steps.missing(after(alert, acted(Action.NO_VOICE))) == (OXYGEN, SEEN, SILENT)
    assert isinstance(ask(alert, did("silent")), Refused)


@pytest.mark.parametrize("more", [{}, {"text": "  "}])
def test_a_supervisor_needs_a_reason(more: dict) -> None:
    refused = ask(claimed(by=CHIEF), acted(Action.RESOLVE, CHIEF, override=True, **more))
    assert isinstance(refused, Refused)
    assert refused.code == "missing"


def test_a_supervisors_reason_ends_it_and_stands_in_the_timeline() -> None:
    outcome = ask(claimed(by=CHIEF), acted(Action.RESOLVE, CHIEF, override=True, text="moved to hospital yesterday"))
    assert isinstance(outcome, Change)
    assert outcome.alert.state is State.RESOLVED
    assert [step["id"] for step in outcome.data["undone"]] == ["oxygen", "seen"]
    assert outcome.data["text"] == "moved to hospital yesterday"


def test_an_operator_cannot_override() -> None:
    refused = ask(claimed(), acted(Action.RESOLVE, override=True, text="because"))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.steps) == ("steps_missing", (OXYGEN, SEEN))


def test_how_things_stood_at_the_end_stays_and_reopening_begins_anew() -> None:
    way = (acted(Action.HAND_OVER), did("oxygen"), acted(Action.RESOLVE))
    ambulance = PlanStep("120", "交给120", "hand over", done_by=("handed_over",))
    ended = after(claimed((OXYGEN, ambulance)), *way)
    assert {one.step for one in ended.steps_done} == {"120", "oxygen"}
    again = after(ended, acted(Action.REOPEN))
    assert (again.steps_done, again.plan) == ((), ended.plan)


def test_an_alert_that_becomes_of_another_kind_has_those_steps_too() -> None:
    alert = opened((TOLD, replace(SEEN, required=False)))
    fall = after(alert, AlarmRaised("A2", SUBJECT, Kind.FALL, plan=(SEEN, OXYGEN)))
    assert fall.plan == (TOLD, SEEN, OXYGEN), "each once, required as soon as one of the plans says so"


def test_a_device_that_is_well_again_does_not_end_an_alert_with_a_required_step() -> None:
    ends = TroubleEnded("bracelet-1", Kind.OFFLINE)
    assert after(opened((TOLD,), Kind.OFFLINE), ends).state is State.CLOSED
    assert isinstance(ask(opened((OXYGEN,), Kind.OFFLINE), ends), Refused)


# -- whatever happens

_OUTCOMES = st.sampled_from(["false_alarm", "helped_at_home", "deceased"])
_ACTED = st.builds(
    OperatorActed,
    st.sampled_from(list(Action)),
    st.sampled_from([ANNA, CHIEF]),
    text=st.sampled_from(["", " ", "a reason"]),
    outcome=_OUTCOMES,
    to=st.sampled_from([ANNA, CHIEF]),
    contact=st.just("c-1"),
    party=st.just("contact:c-1"),
    step=st.sampled_from(["", "oxygen", "seen", "told", "silent", "unknown"]),
    override=st.booleans(),
)
_HAPPENED = st.one_of(
    _ACTED,
    st.builds(TimerDue, st.sampled_from(list(TimerKind)), st.just(T0)),
    st.sampled_from([REACHED, replace(REACHED, what="accepted"), replace(REACHED, what="silent")]),
    st.builds(AlarmRaised, st.just("A2"), st.just(SUBJECT), st.sampled_from(list(Kind)), plan=st.just((OXYGEN, TOLD))),
    st.builds(TroubleEnded, st.just("bracelet-1"), st.sampled_from(list(Kind))),
)
_ENDS = acted(Action.RESOLVE)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(list(Kind)), st.lists(st.one_of(_HAPPENED, st.just(_ENDS)), max_size=25))
def test_no_way_leads_past_a_required_step_but_a_supervisors_reason(kind: Kind, way: list[AlertInput]) -> None:
    alert = opened(kind=kind)
    for number, happened in enumerate(way):
        before, outcome = alert, ask(alert, happened, T0 + timedelta(seconds=number))
        if isinstance(outcome, Refused):
            continue
        alert = outcome.alert
        assert not set(before.plan) - set(alert.plan), "a plan only grows"
        if before.state in UNRESOLVED and alert.state not in UNRESOLVED and steps.missing(before):
            assert isinstance(happened, OperatorActed)
            assert happened.override
            assert happened.by == CHIEF
            assert happened.text.strip()
            assert [step["id"] for step in outcome.data["undone"]] == [step.id for step in steps.missing(before)]


@given(st.lists(st.sampled_from(["oxygen", "seen", "told"]), max_size=8))
def test_each_step_is_done_once_in_whatever_order(order: list[str]) -> None:
    alert = claimed()
    for step in order:
        outcome = ask(alert, did(step))
        if isinstance(outcome, Change):
            alert = outcome.alert
    assert [one.step for one in alert.steps_done] == list(dict.fromkeys(order))


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_STEP = st.builds(
    PlanStep,
    _TEXT,
    _TEXT,
    _TEXT,
    st.booleans(),
    st.sampled_from([(), ("reached",), ("sent", "arrived")]),
    st.booleans(),
)
_DONE = st.builds(StepDone, _TEXT, st.datetimes(timezones=st.just(UTC)), _TEXT, _TEXT, _TEXT)


@given(st.lists(_STEP, max_size=4).map(tuple), st.lists(_DONE, max_size=4).map(tuple))
def test_nothing_is_lost_between_the_record_and_its_row(plan: Plan, done: tuple[StepDone, ...]) -> None:
    assert plan_from_text(plan_text(plan)) == plan
    assert done_from_text(done_text(done)) == done


# -- the file


def test_the_shipped_plans_are_whole_and_require_nothing() -> None:
    shipped = plans.read(kinds=KINDS)
    assert not isinstance(shipped, str), shipped
    assert set(shipped) == KINDS
    assert all(any("reached" in step.done_by for step in shipped[kind]) for kind in (Kind.SOS, Kind.FALL, Kind.HELP))
    assert all(shipped[kind] for kind in EMERGENCIES)
    assert [step.id for plan in shipped.values() for step in plan if step.required] == []


def test_the_facts_are_those_that_the_machine_knows() -> None:
    assert set(steps.FACTS) == plans.FACTS


FILE = """[[plan]]
kinds = ["sos"]
[[plan.step]]
id = "seen"
zh = "见到"
en = "see them"

[[plan]]
kinds = ["fall", "gas"]
[[plan.step]]
id = "seen"
zh = "见到"
en = "see them"
[[plan.step]]
id = "oxygen"   # at home
required = true
zh = "关氧气"
en = "oxygen off"
done_by = ["arrived"]
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ('kinds = ["sos"]', 'kinds = ["soss"]', 2, "there is no kind soss"),
        ('["fall", "gas"]', '["fall", "sos"]', 9, "kind sos has two plans"),
        ('id = "oxygen"', 'id = "seen"', 15, "step seen stands in the plan before"),
        ('id = "oxygen"', 'id = "Oxygen"', 15, "plan.1.step.1.id: String should match"),
        ("required = true", 'required = "often"', 16, "plan.1.step.1.required: Input should be a valid boolean"),
        ('en = "oxygen off"', 'en = ""', 18, "plan.1.step.1.en: String should have at least 1"),
        ('en = "oxygen off"\n', "", 14, "plan.1.step.1.en: Field required"),
        ('["arrived"]', '["flown"]', 14, "plan.1.step.1: flown: the centre knows only accepted, arrived,"),
        ("required = true", "requird = true", 16, "plan.1.step.1.requird: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_file_is_refused_with_line_and_reason(
    tmp_path: Path, old: str, new: str, line: int, reason: str
) -> None:
    path = tmp_path / "plans.toml"
    path.write_text(FILE, encoding="utf-8")
    assert not isinstance(plans.read(path, kinds=KINDS), str)
    path.write_text(FILE.replace(old, new), encoding="utf-8")
    said = plans.read(path, kinds=KINDS)
    assert isinstance(said, str)
    assert said.startswith(f"{path}:{line}: {reason}"), said


@pytest.mark.parametrize("content", [b"[[plan]", b"\xff", b"[[plan]]\nkinds = []", b"plan = 3"])
def test_what_is_no_file_of_plans_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "plans.toml"
    path.write_bytes(content)
    said = plans.read(path, kinds=KINDS)
    assert isinstance(said, str)
    assert "\n" not in said
