"""Days of the year in virtual time (benchmarks/year), and rules that are broken on purpose: each is seen.

A whole year of 2,000 residents is `make year`. What the year's store answers is held against SQLite in
tests/integration/test_memory_tells_what_a_database_tells.py.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from unittest.mock import patch

import pytest

from benchmarks.year import swift
from benchmarks.year.faults import YearPlan
from benchmarks.year.year import year
from callcenter.alerts import escalation, offer_rules
from callcenter.alerts.alert_rules import ALERT_TABLE
from callcenter.alerts.call_ends import CallChange
from callcenter.alerts.call_model import Call, CallState, Direction, Role
from callcenter.alerts.call_rules import CALL_TABLE
from callcenter.alerts.effects import HangUpOthers
from callcenter.alerts.model import UNRESOLVED, Alert, Kind, State, Subject
from callcenter.alerts.rules import Change
from handlers import device_signals, dialling, offers, whose

# Five days of a hamlet that presses ten times as often as others, and everything that can go wrong does, often.
BUSY = YearPlan(
    days=5, residents=30, presses_a_day=0.14, callers_a_day=0.03, storm_presses=4, storm_day=1, meddles_a_day=20,
    news_lost=0.02, news_twice=0.1, answers_lost=0.05, hang_ups_fail=0.05, lapses=0.15, wrong_numbers=0.06,
    dies_at_commit=0.01, done_and_forgotten=0.02, timer_late=0.05, timer_raced=0.05,
    ack_lost=0.1, clock_off=0.2, rubbish=0.05, retained=0.03, stranger=0.03, counter_restarts=0.3,
    stale_click=0.05, double_click=0.05, vanishes=0.05,
)  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_promise_holds_at_every_step(seed: int) -> None:
    found = year(dataclasses.replace(BUSY, seed=seed))
    assert found.breach is None, f"seed {seed}, step {found.steps}: {found.breach} ({found.breach.alert})"
    assert len(found.store.alerts) > 15
    assert found.watch.checks > 10 * found.centre.commits / 2
    wanted = {"dies at commit", "effect taken again", "deadline swept twice", "ack lost", "stale click", "vanishes"}
    assert found.faults.counts.keys() >= wanted


def test_the_same_seed_tells_the_same_story() -> None:
    plan = dataclasses.replace(BUSY, days=1, seed=7)
    one, same, other = year(plan), year(plan), year(dataclasses.replace(plan, seed=8))
    assert (one.hash, one.steps, one.faults.counts) == (same.hash, same.steps, same.faults.counts)
    assert one.hash != other.hash


# -- broken rules


def _rule(table: dict, states: Iterable[object], key: str, decide: Callable[..., object]) -> AbstractContextManager:
    """The table with another function for these pairs."""
    return patch.dict(table, {(one, key): dataclasses.replace(table[one, key], decide=decide) for one in states})


def _press_is_swallowed(alert: Alert, _alarm: object, _now: datetime, _policy: object) -> Change:
    return Change(alert, ring=True)


def _timer_closes(alert: Alert, _due: object, now: datetime, _policy: object) -> Change:
    return Change(dataclasses.replace(alert, state=State.RESOLVED, resolved_at=now, rung_at=now))


def _rings_nobody(alert: Alert, _due: object, now: datetime, _policy: object) -> Change:
    return Change(dataclasses.replace(alert, rung_at=now), {"rung": "ring_again"}, ring=True)


def _dialled_again() -> AbstractContextManager:
    """Whoever asks may dial, whatever became of the call: an effect that is performed twice rings twice."""
    may = dataclasses.replace(CALL_TABLE["wanted", "dialling"], decide=lambda call, *_: CallChange(call))
    return patch.dict(CALL_TABLE, {(state, "dialling"): may for state in CallState})


@contextmanager
def _offers_stay() -> Iterator[None]:
    """Neither the yes nor the end of their call ends what others were asked."""
    with patch.multiple(offer_rules, _let_go=lambda *_: []), patch.multiple(offers, is_not_rung=lambda *_: None):
        yield


def _closes_by_the_wrong_door(alert: Alert, _acted: object, now: datetime, _policy: object) -> Change:
    return Change(dataclasses.replace(alert, state=State.WAITING, rung_at=now, owner=None))


def _joins_nothing(_unit: object, known: object, device: str, _kind: object = None) -> tuple[Subject, None]:
    return whose.subject_of(known, device), None


BROKEN: dict[str, tuple[Callable[[], AbstractContextManager], str]] = {
    "accepting hangs nobody up": (
        lambda: patch.dict(dialling._PLACE, {HangUpOthers: lambda *_: ()}),
        "nobody is rung after a yes",
    ),
    "accepting withdraws no offer": (_offers_stay, "a yes withdraws all other offers"),
    "a claim has no deadline": (
        lambda: patch.dict(escalation._BY_STATE, {State.CLAIMED: lambda *_: {}}),
        "every open alert has a deadline | no alert rests",  # it may have another deadline, of somebody who goes
    ),
    "a press is swallowed": (
        lambda: _rule(ALERT_TABLE, UNRESOLVED, "alarm", _press_is_swallowed),
        "every press counts",
    ),
    "a repeat counts again": (
        lambda: patch.multiple(device_signals, _is_repeat=lambda *_: False),
        "a message counts once",
    ),
    "whatever names a known id is a repeat": (
        lambda: patch.multiple(device_signals, _is_repeat=lambda *_: True),
        "a new press is no repeat",
    ),
    "a timer ends an alert": (
        lambda: _rule(ALERT_TABLE, [State.CLAIMED], "timer.claim_idle", _timer_closes),
        "a named human ends it",
    ),
    "after the last rung nobody is rung": (
        lambda: _rule(ALERT_TABLE, [State.WAITING], "timer.rung", _rings_nobody),
        "no turn of the ladder is without a telephone",
    ),
    "what rings is dialled again": (_dialled_again, "a call is dialled once"),
    "closing opens it again": (
        lambda: _rule(ALERT_TABLE, [State.RESOLVED], "action.close", _closes_by_the_wrong_door),
        "what is over stays over",
    ),
    "a press joins no open alert": (
        lambda: patch.multiple(whose, alarm_of=_joins_nothing),
        "one open alert for each person",
    ),
    "who was asked stays asked when it is over": (
        lambda: patch.multiple(offers, end=lambda *_: None),
        "over for everybody who was asked",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_rule_is_seen(what: str) -> None:
    broken, promise = BROKEN[what]
    with broken():
        found = year(BUSY)
    assert found.breach is not None, what
    assert found.breach.promise in promise.split(" | "), found.breach


def test_a_breach_is_found_again_at_its_step() -> None:
    broken, _ = BROKEN["a claim has no deadline"]
    with broken():
        first = year(BUSY)
        before, again = year(BUSY, until=first.steps - 1), year(BUSY, until=first.steps)
    assert first.breach
    assert before.breach is None
    assert (str(again.breach), again.steps, again.hash) == (str(first.breach), first.steps, first.hash)
    assert first.lines_of(first.breach.alert), "its history is there to be read"


# -- the shortcut


def test_records_are_replaced_as_dataclasses_does_it() -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    alert = Alert(
        id="a", subject=Subject("k", "d"), kind=Kind.FALL, state=State.WAITING, opened_at=now, last_press_at=now,
        waiting_since=now, rung_at=now, searchers=("x",),
    )  # fmt: skip
    call = Call(
        id="c", direction=Direction.OUTBOUND, role=Role.ELDER, dialogue="resident", number="+861", party="p",
        wanted_at=now, not_after=now, alert_id="a",
    )  # fmt: skip
    for record, changes in ((alert, {"rung": 3, "asked_at": now}), (call, {"due": None, "tries": 2}), (call, {})):
        assert swift.replace(record, **changes) == dataclasses.replace(record, **changes)
    with pytest.raises(KeyError):
        swift.replace(call, no_such_field=1)
