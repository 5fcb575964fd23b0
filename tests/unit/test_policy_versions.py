"""Versions of the policy: one that is stored holds for alerts that open from then on, and disturbs none under way."""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count, repeat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from sqlalchemy import update

from callcenter import ids, metrics
from callcenter.alerts.rules import Refused
from callcenter.storage import policy_queries, queries, tables as t, work
from callcenter.storage.engine import connect
from callcenter.storage.policy_shelf import sha256
from callcenter.storage.reading import Reader
from handlers.policies import PolicyWatch
from tests.conftest import ManualClock
from tests.unit.policy_world import NIGHTS, OTHER, SHIPPED, VERSIONS, World, fill


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("versions") / "town.db"
    engine = connect(f"sqlite:///{path}", writer=True, size=1)
    with engine.begin() as connection:
        t.metadata.create_all(connection)
        fill(connection)
    engine.dispose()
    return path


@pytest.fixture
def world(template: Path, tmp_path: Path) -> Iterator[World]:
    shutil.copy(template, tmp_path / "town.db")
    made = World(tmp_path / "town.db")
    yield made
    made.close()


DEVICES = [f"bracelet-{n}" for n in range(4)]
STEPS = st.one_of(
    st.tuples(st.just("press"), st.sampled_from(DEVICES), st.sampled_from(["sos", "fall", "fire"])),
    st.tuples(st.just("act"), st.sampled_from(DEVICES), st.sampled_from(["claim", "dispatch", "release"])),
    st.tuples(st.just("wait"), st.sampled_from([1, 9, 31, 70])),
)
TOUCHING = st.one_of(
    st.tuples(st.just("press"), st.sampled_from(DEVICES[:2]), st.just("sos")),
    st.tuples(st.just("act"), st.sampled_from(DEVICES[:2]), st.sampled_from(["claim", "dispatch", "release"])),
    st.tuples(st.just("wait"), st.sampled_from([1, 9, 31, 70])),
    st.tuples(st.just("put"), st.sampled_from(VERSIONS)),
)


@settings(
    max_examples=5,
    deadline=None,
    report_multiple_bugs=False,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(STEPS, min_size=1, max_size=4), st.lists(TOUCHING, min_size=3, max_size=6), st.sampled_from(VERSIONS))
def test_a_change_of_policy_does_not_disturb_alerts_under_way(
    template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    before: list[Any],
    after: list[Any],
    first: str,
) -> None:
    """The same story twice, once with changes of the policy in it: what was open tells exactly the same."""
    place, stories = tmp_path_factory.mktemp("twins"), []
    for changes in (True, False):
        # What is chosen among equals hangs on ids: they count.
        numbers = map(int.to_bytes, count(), repeat(10))
        monkeypatch.setattr(ids, "os", SimpleNamespace(urandom=lambda _size, numbers=numbers: next(numbers)))
        shutil.copy(template, place / f"{changes}.db")
        made = World(place / f"{changes}.db")
        try:
            made.put(first)
            for device in DEVICES[:2]:
                made.press(device)
            for name, *arguments in before:
                getattr(made, name)(*arguments)
            open_now = {alert.subject.key: alert.id for alert in made.alerts()}
            for name, *arguments in after:
                if name != "put" or changes:
                    getattr(made, name)(*arguments)
            made.wait(90)
            assert any(story[2] for story in (made.story(one) for one in open_now.values())), "somebody is asked"
            stories.append({key: made.story(alert) for key, alert in open_now.items()})
        finally:
            made.close()
    with_changes, without = stories
    assert with_changes == without


def test_the_next_alert_opens_under_the_new_version_and_the_old_one_keeps_its_own(world: World) -> None:
    old = world.press("bracelet-0")
    assert world.put(OTHER) == 1
    new = world.press("bracelet-1")
    assert {alert.id: alert.policy_version for alert in world.alerts()} == {old: 0, new: 1}
    rows = world.read(work.due_timers, world.now + timedelta(hours=1))
    due = {(alert, kind): (at - world.now).total_seconds() for alert, kind, at in rows}
    assert due == {(old, "rung"): 15, (new, "rung"): 7, (old, "next_wave"): 30, (new, "next_wave"): 20}


def test_area_and_hour_count_as_they_were_when_it_opened(world: World) -> None:
    world.put(NIGHTS)  # 15:00 to 20:00 in China is 07:00 to 12:00 UTC
    opened = {device: world.press(device) for device in ("bracelet-0", "bracelet-1")}
    by_id = {alert.id: alert for alert in world.alerts()}
    assert by_id[opened["bracelet-0"]].policy_area == "brook t1 d1"
    assert by_id[opened["bracelet-1"]].policy_area == "stone t1 d1"

    def waits() -> list[int]:
        with world.writer.unit(world.now) as unit:
            return [unit.policy_of(by_id[opened[device]]).next_wave_s for device in sorted(opened)]

    assert waits() == [30, 60]
    world.now += timedelta(hours=12)
    world.read(lambda to: to.execute(update(t.areas).where(t.areas.c.id == "stone").values(parent_id=None)))
    world.look()
    assert waits() == [30, 60], "the hour and the tree of areas were others then"
    assert world.read(queries.alert, world.press("bracelet-3")).policy_area == "stone"


def test_who_made_a_change_from_an_older_version_is_told(world: World) -> None:
    assert world.put(OTHER, base=0) == 1
    refused = world.put(NIGHTS, base=0)
    assert isinstance(refused, Refused)
    assert refused.code == "stale_version"
    assert world.put(SHIPPED, base=1) == 2, "going back is a new version"
    stored = [e for e in world.read(queries.entries_after, 0, limit=9999) if e.rule == "policy.stored"]
    assert [e.actor for e in stored] == ["operator:chief"] * 2
    assert sha256(OTHER) in stored[0].data


def test_another_process_follows_and_reads_what_it_has_not_looked_for_yet(world: World, tmp_path: Path) -> None:
    other = World(tmp_path / "town.db", now=world.now)
    world.put(OTHER)
    alert = world.press("bracelet-0")
    with other.writer.unit(other.now) as unit:
        found = unit.alert(alert)
        assert found is not None
        assert unit.in_force.claim_idle_s == 60, "it has not looked yet"
        assert unit.policy_of(found).claim_idle_s == 33
    other.look()
    assert other.shelf.in_force.version == 1
    other.close()


def test_a_version_that_cannot_be_read_leaves_the_last_good_one_and_says_so(world: World) -> None:
    world.put(OTHER)
    alert = world.press("bracelet-0")
    world.read(lambda to: to.execute(update(t.policies).values(text="future = 1")))
    fresh = World(Path(world.url.removeprefix("sqlite:///")), now=world.now)
    fresh.look()
    assert fresh.shelf.in_force.version == 0
    assert list(fresh.shelf.unreadable) == [1]
    with fresh.writer.unit(fresh.now) as unit:
        found = unit.alert(alert)
        assert found is not None
        assert unit.policy_of(found).claim_idle_s == 60, "something is done all the same"
    fresh.read(lambda to: to.execute(update(t.policies).values(text=OTHER)))
    fresh.look()
    assert (fresh.shelf.in_force.version, fresh.shelf.unreadable) == (1, {})
    fresh.close()
    world.look()
    assert world.shelf.in_force.version == 1


def test_a_version_holds_from_when_it_is_effective(world: World) -> None:
    world.put(OTHER)
    later = world.now + timedelta(minutes=5)
    world.read(lambda to: to.execute(update(t.policies).values(effective_at=later)))
    fresh = World(Path(world.url.removeprefix("sqlite:///")), now=world.now)
    for minutes, version in ((0, 0), (4, 0), (1, 1)):
        fresh.now += timedelta(minutes=minutes)
        fresh.look()
        assert fresh.shelf.in_force.version == version
    fresh.close()


async def test_a_process_that_looks_tells_its_metrics(world: World) -> None:
    read = Reader(connect(world.url, writer=False))

    async def look(now: datetime) -> None:
        await read(policy_queries.look, world.shelf, now)

    watch = PolicyWatch(look, world.shelf, ManualClock(world.now))
    world.put(OTHER)
    await watch.look()
    assert metrics.policy_version._value.get() == 1
    world.read(lambda to: to.execute(t.policies.insert(), {
        "version": 2, "text": "x", "sha256": "", "author": "", "note": "",
        "created_at": world.now, "effective_at": world.now,
    }))  # fmt: skip
    await watch.look()
    assert (metrics.policy_version._value.get(), metrics.policy_unreadable._value.get()) == (1, 1)
    read.close()
