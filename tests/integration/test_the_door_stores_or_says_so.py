"""The door: a bad input harms only itself, and what cannot be stored is not answered, and not lost."""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, event, text

from callcenter import metrics
from callcenter.alerts.model import Outcome
from callcenter.ports import Acted, MaybeStored, NotStored
from callcenter.storage import tables as t, work
from callcenter.storage.engine import connect
from devices.decoders import decode
from devices.events import Presence, Signal, StateBody
from handlers.device_signals import Taken
from handlers.intake import LARGEST_GROUP
from handlers.timers import TimerFired
from tests.conftest import ManualClock
from tests.integration.office import ANN, Office, payload
from tests.processes import wait_for

POISON = "poison"


def refuse(office: Office, condition: str) -> None:
    """Have the database itself refuse rows of `signals`, as a full disk or a broken constraint would."""
    engine = connect(office.url, writer=True, size=1)
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(
                text(
                    f"CREATE TRIGGER refuse BEFORE INSERT ON signals WHEN {condition.replace('row.', 'NEW.')} "
                    "BEGIN SELECT RAISE(ABORT, 'refused'); END"
                )
            )
        else:
            connection.execute(
                text(f"ALTER TABLE signals ADD CONSTRAINT refuse CHECK (NOT ({condition.replace('row.', '')}))")
            )
    engine.dispose()


async def test_what_arrives_together_is_stored_together_in_order(
    office: Office, stop_the_writer: threading.Event
) -> None:
    groups: list[int] = []
    office.door.listen(lambda committed: groups.append(len(committed.entries)))
    first = office.sos("bracelet-1", payload("p0"))
    rest = [office.sos(f"bracelet-{1 + n % 9}", payload(f"p{n}")) for n in range(1, 200)]
    stop_the_writer.set()
    await asyncio.gather(first, *rest)
    assert len(groups) <= 2  # what came while the writer was held is one commit
    told = [entry.data for entry in office.entries()]
    assert [f'"msg":"p{n}"' in told[n] for n in range(200)] == [True] * 200
    office.assert_whole()


async def test_a_claim_waits_for_no_storm(office: Office, stop_the_writer: threading.Event) -> None:
    stop_the_writer.set()
    alert = (await office.press("bracelet-1", "p0")).alert
    stop_the_writer.clear()
    groups: list[bool] = []
    office.door.listen(lambda one: groups.append(any(entry.actor == f"operator:{ANN.id}" for entry in one.entries)))
    storm = [office.sos(f"bracelet-{1 + n % 9}", payload(f"p{n}")) for n in range(5 * LARGEST_GROUP)]
    claimed = office.act(alert, "claim")
    stop_the_writer.set()
    assert isinstance(await claimed, Acted)
    await asyncio.gather(*storm)
    assert groups.index(True) <= 1, "the first group was taken before the claim came"
    assert len(groups) >= 5
    office.assert_whole()


async def test_a_press_that_waits_while_its_alert_is_ended_opens_another(
    office: Office, stop_the_writer: threading.Event
) -> None:
    """In the order in which they came it would have been ended with the alert, unseen."""
    stop_the_writer.set()
    alert = (await office.press("bracelet-1", "p0")).alert
    await office.acts(alert, "claim")
    stop_the_writer.clear()
    other = office.sos("bracelet-2", payload("p0"))
    await asyncio.to_thread(wait_for, lambda: not office.door._queues, what="the writer has taken it, and is held")
    press, ended = office.sos("bracelet-1", payload("p1")), office.act(alert, "resolve", outcome=Outcome.FALSE_ALARM)
    stop_the_writer.set()
    assert isinstance(await ended, Acted)
    await other
    opened = (await press).alert
    assert opened != alert
    assert office.alert(opened).state == "waiting"
    office.assert_whole()


async def test_a_row_the_database_refuses_harms_only_itself_and_is_kept_in_its_smallest_form(
    office: Office, stop_the_writer: threading.Event
) -> None:
    refuse(office, f"row.msg = '{POISON}'")
    before = metrics.commit_failures._value.get()
    bodies = [payload("a"), payload(POISON, kind="fall"), payload("b"), payload("c")]
    submitted = [office.sos(f"bracelet-{n}", body) for n, body in enumerate(bodies, start=1)]
    stop_the_writer.set()
    taken = await asyncio.gather(*submitted)

    assert len({one.alert for one in taken}) == 4
    alerts = {alert.subject.device: alert for alert in office.alerts("open")}
    assert {device: (a.kind, a.degraded, a.press_count) for device, a in alerts.items()} == {
        "bracelet-1": ("sos", False, 1),
        "bracelet-2": ("fall", True, 1),
        "bracelet-3": ("sos", False, 1),
        "bracelet-4": ("sos", False, 1),
    }
    (kept,) = [row for row in office.rows("signals") if row.device_id == "bracelet-2"]
    assert (kept.raw, kept.alert_id, "unstorable" in kept.faults) == (bodies[1], taken[1].alert, True)
    assert {(device, level, alert) for device, _ref, level, alert in office.acks()} == {
        (f"bracelet-{n}", "stored", one.alert) for n, one in enumerate(taken, start=1)
    }
    assert metrics.commit_failures._value.get() > before
    assert office.door.storing
    office.assert_whole()


async def test_not_even_the_bytes_can_be_kept_and_it_rings_all_the_same(office: Office) -> None:
    refuse(office, "length(row.raw) > 0")
    taken = await office.press("bracelet-1", "p1", kind="fall")
    alert = office.alert(taken.alert)
    assert (alert.kind, alert.state, alert.degraded) == ("fall", "waiting", True)
    (kept,) = office.rows("signals")
    assert kept.raw == b""
    office.assert_whole()


async def test_what_cannot_be_stored_in_any_form_fails_alone(office: Office, stop_the_writer: threading.Event) -> None:
    """It is not acknowledged, so its device repeats it; the others do not notice."""
    refuse(office, "row.device_id = 'bracelet-2'")
    submitted = [office.sos(f"bracelet-{n}", payload("p")) for n in (1, 2, 3)]
    stop_the_writer.set()
    one, two, three = await asyncio.gather(*submitted, return_exceptions=True)
    assert isinstance(two, Exception)
    assert not isinstance(two, NotStored)  # the database stores; it is this input that is bad
    assert {one.alert, three.alert} == {alert.id for alert in office.alerts()}
    assert {ack[0] for ack in office.acks()} == {"bracelet-1", "bracelet-3"}
    office.assert_whole()


async def test_an_input_our_own_code_cannot_decide_harms_only_itself(
    office: Office, stop_the_writer: threading.Event
) -> None:
    broken = Presence("bracelet-2", StateBody.model_construct(online=object(), sess=1), office.clock.now())
    submitted = [
        office.sos("bracelet-1", payload("p")),
        office.door.submit(broken),
        office.sos("bracelet-3", payload("p")),
    ]
    stop_the_writer.set()
    one, bad, three = await asyncio.gather(*submitted, return_exceptions=True)
    assert isinstance(bad, Exception)
    assert {one.alert, three.alert} == {alert.id for alert in office.alerts()}


async def test_a_broken_job_harms_nobody(office: Office) -> None:
    failing = office.door.later(lambda connection: connection.execute(text("SELECT * FROM nowhere")))
    taken = office.press()
    with pytest.raises(Exception, match="nowhere"):
        await failing
    assert (await taken).new
    assert office.door.storing


async def test_an_unknown_input_is_refused_at_once(office: Office) -> None:
    with pytest.raises(TypeError):
        office.door.submit("something else")


async def test_what_is_undone_is_not_counted(office: Office, stop_the_writer: threading.Event) -> None:
    """A group that fails is decided twice; its presses are counted once."""
    counter = metrics.alarms_received.labels("sos")._value
    before = counter.get()
    refuse(office, f"row.msg = '{POISON}'")
    submitted = [office.sos("bracelet-1", payload("a")), office.sos("bracelet-2", payload(POISON))]
    submitted += [office.sos("bracelet-3", payload("b"))]
    stop_the_writer.set()
    await asyncio.gather(*submitted)
    assert counter.get() - before == 3


async def test_after_the_end_nothing_is_taken(populated_url: str, clock: ManualClock) -> None:
    async with Office(populated_url, clock) as office:
        last = office.sos("bracelet-1", payload("p"))
    assert (await last).new  # submitted before the end: stored
    with pytest.raises(NotStored):
        await office.sos("bracelet-1", payload("q"))


# -- the database does not take anything for a while


@contextlib.contextmanager
def locked(office: Office) -> Iterator[None]:
    """Somebody else holds the write lock: of the file on SQLite, of the timeline's head on PostgreSQL."""
    if office.url.startswith("sqlite"):
        other = sqlite3.connect(Path(office.url.removeprefix("sqlite:///")), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
    else:
        other = psycopg.connect(office.url.replace("postgresql+psycopg", "postgresql"))
        other.execute("SELECT * FROM timeline_head FOR UPDATE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits of callcenter/storage/engine.py, shortened so that a test need not wait for them."""
    monkeypatch.setattr("callcenter.storage.engine.BUSY_TIMEOUT_S", 0.3)
    monkeypatch.setattr("callcenter.storage.engine.STATEMENT_TIMEOUT_MS", 300)


async def repeated(office: Office, device: str) -> Taken:
    """As devices do because nobody answers. (An impatient PostgreSQL may have ended the connection meanwhile.)"""
    for rep in range(1, 20):
        with contextlib.suppress(NotStored):
            return await office.sos(device, payload("p", rep=rep))
    raise AssertionError(f"{device} is never answered")


async def test_while_the_database_is_locked_nothing_is_answered_and_afterwards_everything_is_stored(
    impatient: None, populated_url: str, clock: ManualClock
) -> None:
    async with Office(populated_url, clock) as office:
        await office.press("bracelet-1", "before")
        with locked(office):
            failed = await asyncio.gather(
                *(office.sos(f"bracelet-{n}", payload("p")) for n in range(1, 10)), return_exceptions=True
            )
            assert [type(one) for one in failed] == [NotStored] * 9
            assert not office.door.storing
        taken = await asyncio.gather(*(repeated(office, f"bracelet-{n}") for n in range(1, 10)))
        assert office.door.storing
        assert all(one.new for one in taken)
        assert len(office.rows("signals")) == 10
        assert sorted(alert.press_count for alert in office.alerts()) == [1] * 8 + [2]
        office.assert_whole()


async def test_the_heartbeat_of_the_process_does_not_hide_that_alarms_cannot_be_stored(
    impatient: None, populated_url: str, clock: ManualClock
) -> None:
    """The watchdog's probe is what readiness rests on: it must need what an alarm needs (handlers/watchdog.py)."""
    async with Office(populated_url, clock) as office:
        with locked(office):
            with pytest.raises(NotStored):
                await office.press()
            with contextlib.suppress(NotStored):
                await office.door.later(partial(work.beat, node="test", now=clock.now()))
            assert not office.door.storing


async def test_a_process_that_froze_in_a_transaction_does_not_keep_the_others_from_storing(
    postgres_url: str, clock: ManualClock
) -> None:
    """A machine that lost its power says nothing: the server must end its transaction, and so its lock, by itself."""
    async with Office(postgres_url, clock) as office:
        limit = "SELECT setting::int FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'"
        milliseconds = await office.door.later(lambda connection: connection.execute(text(limit)).scalar_one())
    assert 0 < milliseconds <= 30_000


async def test_a_short_lock_is_waited_for(office: Office) -> None:
    with locked(office):
        waiting = office.sos("bracelet-1", payload("p"))
        await asyncio.sleep(0.2)
        assert not waiting.done()
    assert (await waiting).new


async def test_a_commit_that_hangs_shows_as_not_storing(office: Office) -> None:
    """Readiness must not wait for the commit to end before it turns red."""
    with locked(office):
        waiting = office.sos("bracelet-1", payload("p"))
        await asyncio.sleep(0.1)
        office.clock.advance(3)
        assert not office.door.storing
    await waiting
    assert office.door.storing


async def test_postgres_restarted_in_the_middle_of_it(postgres, postgres_url: str, clock: ManualClock) -> None:
    """Connections that were cut are replaced; what was not answered is repeated and stored once."""
    async with Office(postgres_url, clock) as office:
        await office.press("bracelet-1", "p1")
        with psycopg.connect(postgres_url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as other:
            cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            other.execute(f"{cut} AND pid <> pg_backend_pid()")
        with pytest.raises(NotStored):
            await office.sos("bracelet-2", payload("p2"))
        assert not office.door.storing
        assert (await office.sos("bracelet-2", payload("p2", rep=1))).new
        assert office.door.storing
        assert len(office.alerts()) == 2
        office.assert_whole()


async def test_listeners_hear_every_commit_in_order(office: Office) -> None:
    heard: list[int] = []
    office.door.listen(lambda committed: heard.extend(entry.n for entry in committed.entries))
    for burst in range(5):
        await asyncio.gather(*(office.press(f"bracelet-{1 + n % 9}", f"{burst}-{n}") for n in range(40)))
    assert heard == list(range(1, 201))


async def test_a_timer_of_an_alert_that_does_not_exist_is_removed(office: Office) -> None:
    opened = await office.press()
    engine = connect(office.url, writer=True, size=1)
    with engine.begin() as connection:
        due = office.clock.now()
        connection.execute(t.timers.insert().values(alert_id="nobody", kind="rung", due=due))
    engine.dispose()
    await office.door.submit(TimerFired("nobody", "rung", due))
    assert {row.alert_id for row in office.rows("timers")} == {opened.alert}


def test_an_sos_is_always_a_signal() -> None:
    """What the salvage above rests on."""
    now = ManualClock().now()
    assert isinstance(decode("vnh/v1/x/up/sos", b"\x00\xff", now), Signal)


async def test_a_database_that_is_lost_while_it_commits_may_have_stored(office: Office) -> None:
    """Nobody at a desk may be told that nothing has happened; a device repeats, and counts once."""
    engine, driver = office.writer._engine, office.writer._driver

    def lost(_connection: object) -> None:
        raise driver.OperationalError("the connection is gone")

    event.listen(engine, "commit", lost)
    with pytest.raises(MaybeStored):
        await office.sos("bracelet-1", payload("a"))
    event.remove(engine, "commit", lost)
    event.listen(engine, "begin", lost)
    with pytest.raises(NotStored) as caught:
        await office.sos("bracelet-1", payload("a"))
    event.remove(engine, "begin", lost)
    assert not isinstance(caught.value, MaybeStored)
    await office.sos("bracelet-1", payload("a"))
    assert [alert.press_count for alert in office.alerts()] == [1]


async def test_who_goes_on_after_the_connection_is_lost_is_no_bad_input(office: Office) -> None:
    """Something that may fail alone was at it when it was lost: the group was taken for bad, and tried one by one."""

    def goes_on(connection: Connection) -> None:
        connection.invalidate()
        connection.execute(text("SELECT 1"))

    with pytest.raises(NotStored):
        await office.door.later(goes_on)
    assert not office.door.storing
    await office.press()
    assert office.door.storing


async def test_times_follow_the_numbers_also_when_others_write(office: Office, clock: ManualClock) -> None:
    """What waits for the lock is decided when it has it: until then others go on."""
    with locked(office):
        pressed = office.sos("bracelet-1", payload("p"))
        await asyncio.sleep(0.3)  # the writer has begun, and waits
        clock.advance(2)
    await pressed
    assert {entry.at for entry in office.entries()} == {clock.now()}
