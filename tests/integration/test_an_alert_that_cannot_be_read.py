"""One value of an open alert cannot be read, as after a rollback: presses are stored and ring all the same."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from callcenter import metrics
from callcenter.console.auth import SignedIn
from callcenter.console.live import _snapshot
from callcenter.reactions import due
from callcenter.storage import queries, tables as t, unit as unit_of, work
from callcenter.storage.engine import connect
from tests.integration.office import Office, payload

NEWER_PLAN = '[["s1","说","say",0,"",0,"what only a newer release knows"]]'
NEWER_STEPS = '[["s1","2026-11-21T08:00:00+00:00","operator1","Ann","x","more"]]'
BROKEN = [
    ("kind", "unheard_of"),
    ("told", "unheard_of"),
    ("outcome", "unheard_of"),
    ("recent", "no json"),
    ("recent", '["no time"]'),
    ("recent", '["2026-11-21T08:00:00"]'),
    ("recent", "5"),
    ("searchers", "no json"),
    ("searchers", "5"),
    ("searchers", "[5]"),
    ("plan", "no json"),
    ("plan", '[["one"]]'),
    ("plan", NEWER_PLAN),
    ("steps_done", "no json"),
    ("steps_done", '[["one"]]'),
    ("steps_done", NEWER_STEPS),
]


def write(office: Office, alert: str, **values: Any) -> None:
    engine = connect(office.url, writer=True, size=1)
    with engine.begin() as connection:
        connection.execute(update(t.alerts).where(t.alerts.c.id == alert).values(values))
    engine.dispose()


def shown(office: Office) -> list[str]:
    return [alert["id"] for alert in office.read(_snapshot, SignedIn("operator1", "Ann", "operator", ""))[1]]


def rings(office: Office, alert: str) -> int:
    return sum(entry.ring for entry in office.entries() if entry.alert_id == alert)


def _cases() -> Iterator[Any]:
    """The first value of each column on both databases."""
    seen: set[str] = set()
    for column, value in BROKEN:
        marks = [pytest.mark.one_database] if column in seen else []
        seen.add(column)
        yield pytest.param(column, value, marks=marks, id=f"{column}:{value[:9]}")


@pytest.mark.parametrize(("column", "value"), [*_cases()])
async def test_a_press_is_stored_and_acknowledged_and_rings(column: str, value: str, office: Office) -> None:
    alert = (await office.press()).alert
    write(office, alert, **{column: value})
    assert (await office.press(msg="p2")).alert == alert
    assert ("bracelet-1", "p2", "stored", alert) in office.acks()
    assert {level for _device, _ref, level, _alert in office.acks()} == {"stored"}
    assert rings(office, alert) == 2

    write(office, alert, **{column: value})
    await office.wait(20)
    assert "ladder.climbs" in office.rules(alert), "its deadlines go on"
    write(office, alert, **{column: value})
    assert shown(office) == [alert]
    await office.finish(alert)
    office.assert_whole()


async def test_an_unknown_state_is_one_that_rings(office: Office) -> None:
    """Which of the two alerts it is matters less than that one rings."""
    alert = (await office.press()).alert
    write(office, alert, state="unheard_of")
    second = (await office.press(msg="p2")).alert
    assert ("bracelet-1", "p2", "stored", second) in office.acks()
    assert rings(office, second) == 1
    assert second in shown(office)
    assert office.alert(alert).state == "waiting"
    write(office, alert, state="unheard_of", outcome="other")
    assert office.alert(alert).state == "resolved", "a named human has said how it ended"


async def test_what_is_newer_is_left_out_and_the_rest_of_a_plan_is_kept(office: Office) -> None:
    alert = (await office.press()).alert
    write(office, alert, plan=NEWER_PLAN, steps_done=NEWER_STEPS)
    found = office.alert(alert)
    assert [(step.id, step.zh, step.required) for step in found.plan] == [("s1", "说", False)]
    assert [(done.step, done.by, done.text) for done in found.steps_done] == [("s1", "operator1", "x")]


async def test_it_is_counted(office: Office) -> None:
    alert = (await office.press()).alert
    write(office, alert, kind="unheard_of")
    before = metrics.values_unreadable.labels("kind")._value.get()
    assert office.alert(alert).kind == "sos"
    assert metrics.values_unreadable.labels("kind")._value.get() == before + 1


async def test_an_alert_that_cannot_be_read_at_all_keeps_no_press_and_no_console_waiting(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = (await office.press()).alert
    other = (await office.press("bracelet-2")).alert
    read = unit_of.alert_from_row

    def fails(row: Any) -> Any:
        if row["id"] == bad:
            raise ValueError("a fault of ours")
        return read(row)

    monkeypatch.setattr(unit_of, "alert_from_row", fails)
    monkeypatch.setattr(queries, "alert_from_row", fails)
    taken = (await office.press(msg="p2")).alert
    assert taken not in (None, bad)
    found = office.alert(taken)
    assert (found.subject.key, found.subject.resident, found.kind) == ("device:bracelet-1", "r-1", "sos")
    assert rings(office, taken) == 1
    assert "bracelet-1" in {device for device, _ref, _level, alert in office.acks() if alert == taken}
    assert (await office.press(msg="p3")).alert == taken, "later presses join that one"
    assert sorted(shown(office)) == sorted([other, taken]), "the console has everybody else"
    office.assert_whole()


@pytest.mark.parametrize("args", ["no json", "5", "{}", '{"device": 5, "whispers": true}'])
async def test_an_effect_that_cannot_be_read_keeps_no_other_waiting(args: str, office: Office) -> None:
    office.writer.performs = lambda kind: False  # some other process's: this one only writes them
    await office.press(msg="p1")
    await office.press("bracelet-2", msg="p2")
    bad, good = sorted(row.id for row in office.rows("outbox"))
    engine = connect(office.url, writer=True, size=1)
    with engine.begin() as connection:
        connection.execute(update(t.outbox).where(t.outbox.c.id == bad).values(args=args))
    engine.dispose()
    before = metrics.values_unreadable.labels("args")._value.get()
    now = office.clock.now()
    taken = await office.door.later(lambda connection: work.take_effects(connection, now, ["tell_device"]))
    assert [one.id for one in taken] == [good]
    assert metrics.values_unreadable.labels("args")._value.get() == before + 1
    later = now + timedelta(seconds=1)
    assert office.read(work.stuck_effects, later) == 2, "it stays, and the watchdog counts it"


@pytest.mark.parametrize("args", ["no json", "{}"])
async def test_a_wish_that_cannot_be_read_keeps_no_empty_press_waiting(args: str, office: Office) -> None:
    await office.sos("bracelet-1", payload("p1"), retained=True)
    engine = connect(office.url, writer=True, size=1)
    with engine.begin() as connection:
        connection.execute(update(t.outbox).where(t.outbox.c.kind == "clear_retained").values(args=args))
    engine.dispose()
    assert (await office.sos("bracelet-1", b"")).alert, "in doubt it is a press and no echo"


async def test_a_deadline_of_an_unknown_kind_keeps_no_other_from_firing(office: Office) -> None:
    alert = (await office.press()).alert
    engine = connect(office.url, writer=True, size=1)
    with engine.begin() as connection:
        row = {"alert_id": alert, "kind": "unheard_of", "due": office.clock.now() + timedelta(seconds=1)}
        connection.execute(t.timers.insert(), row)
    engine.dispose()
    await office.wait(20)
    assert "ladder.climbs" in office.rules(alert)
    assert office.read(due, office.clock.now(), calling=True, rings=True) == []
    late = office.clock.now() + timedelta(seconds=10)
    assert office.read(work.overdue_timers, late) >= 1, "the watchdog counts it, and pages"
