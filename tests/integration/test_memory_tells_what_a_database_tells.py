"""The store of `make year` (benchmarks/year) against SQLite: the same inputs, decided over both, must tell the same.

Whatever the memory answers otherwise than the tables, some entry, call, offer, deadline or effect of the same inputs
would be another one.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, update

from benchmarks.month.centre import SEAL
from benchmarks.month.month import shipped_policy
from benchmarks.month.town import register
from benchmarks.year.centre import HANDLERS, SOS_NUMBER, Outside, Recorded
from benchmarks.year.faults import YearPlan
from benchmarks.year.numbered import numbered
from benchmarks.year.store import Line
from benchmarks.year.year import Year, year
from callcenter.alerts.model import Kind
from callcenter.storage import tables as t, work
from callcenter.storage.call_book import CallBook
from callcenter.storage.engine import connect
from callcenter.storage.offer_book import OfferBook
from callcenter.storage.policy_shelf import Shelf
from callcenter.storage.records import Entry, alert_view, canonical
from callcenter.storage.work import timers_of
from callcenter.storage.writer import Writer
from config import plans as response_plans, prompts
from handlers.call_updates import CallUpdates, Lines
from handlers.intake import Handler

DAY = YearPlan(
    days=1, residents=24, presses_a_day=0.25, callers_a_day=0.08, storm_presses=3, storm_day=0,
    meddles_a_day=40, news_lost=0.02, news_twice=0.1, answers_lost=0.05, wrong_numbers=0.08, lapses=0.15,
    dies_at_commit=0.01, retained=0.05, stranger=0.05, counter_restarts=0.1, rubbish=0.1,
)  # fmt: skip
FOR_EVER = timedelta(days=9_999)


def _handlers() -> dict[type, Handler]:
    words = prompts.read()
    assert not isinstance(words, str)
    return HANDLERS | CallUpdates(Lines(words, SOS_NUMBER)).handlers()


@pytest.fixture(params=[1, pytest.param(5, marks=pytest.mark.long)])
def plan(request: pytest.FixtureRequest) -> YearPlan:
    return replace(DAY, seed=request.param)


@pytest.fixture
def writer(plan: YearPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Writer]:
    monkeypatch.setattr(work, "beat", lambda *_: None)  # who is there stands in what was recorded
    url = f"sqlite:///{tmp_path}/year.db"
    register(url, plan)
    found = Writer(connect(url, writer=True, size=1), node="a", policy=Shelf(shipped_policy(), rings=True), seal=SEAL)
    todo = response_plans.read(kinds=frozenset(Kind))
    assert not isinstance(todo, str)
    found.plans = todo
    yield found
    found.close()


def _beside(connection: Connection, one: Outside, now: datetime) -> None:
    """A process is there or not by its heartbeat; a responder by their stop switch."""
    if one.kind in ("stopped", "back"):
        stopped = update(t.responders).where(t.responders.c.id == one.one)
        connection.execute(stopped.values(stopped=one.kind == "stopped"))
        return
    connection.execute(delete(t.processes).where(t.processes.c.node == one.one))
    if one.kind == "started":
        connection.execute(insert(t.processes).values(node=one.one, seen_at=now + FOR_EVER))


def _told(line: Line | Entry) -> tuple[Any, ...]:
    after = line.after if isinstance(line, Entry) else canonical(alert_view(line.after)) if line.after else None
    if isinstance(line, Line) and after:  # memory keeps the number of whom nobody knows as it is
        after = re.sub(r'"number:(\+\d+)"', lambda found: f'"number:{SEAL.digest(found[1])[:16]}"', after)
    return line.n, line.at, line.alert_id, line.rule, line.actor, line.ring, after


def _decide(writer: Writer, handlers: dict[type, Handler], one: Recorded) -> tuple[list[Entry], list[Any]]:
    writer._node = one.node
    with writer.unit(one.now) as unit:
        handlers[type(one.what)].apply(unit, one.what)
    return unit.entries, list(unit.effects)


def _same_at_the_end(found: Year, connection: Connection) -> None:
    """What was left out of the entries: calls with all their fields, offers, deadlines."""
    for alert in found.store.calls_of:
        calls = {one.id: one for one in CallBook(connection, SEAL).of_alert(alert)}
        assert calls == found.store.calls_of[alert]
        offers = {one.id: one for one in OfferBook(connection).of_alert(alert)}
        assert offers == found.store.offers_of.get(alert, {})
        assert dict(timers_of(connection, alert)) == found.store.timers.get(alert, {})


def test_the_same_inputs_tell_the_same_over_memory_and_over_sqlite(plan: YearPlan, writer: Writer) -> None:
    found = year(plan, record=True)
    assert found.breach is None, found.breach
    recorded = found.centre.record or []
    assert len(recorded) > 1_000
    handlers = _handlers()
    with writer.transaction() as connection:
        for node in ("a", "b"):
            _beside(connection, Outside("started", node), found.clock.start)
    commits = 0
    with numbered() as names:
        for one in recorded:
            if isinstance(one, Outside):
                with writer.transaction() as connection:
                    _beside(connection, one, found.clock.start)
                continue
            commits += 1
            names.begin(commits)
            entries, effects = _decide(writer, handlers, one)
            assert [_told(e) for e in entries] == [_told(e) for e in one.lines], one.what
            assert effects == list(one.effects), one.what
    with writer.transaction() as connection:
        _same_at_the_end(found, connection)
