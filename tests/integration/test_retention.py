"""What is older than it may be goes, and only that; the timeline, open alerts and what is owed stay."""

import os
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, update

from callcenter.storage import tables as t
from callcenter.storage.retention import CHUNK, Keep, find, take_away
from handlers.retention import Retention, due_rules
from tests.integration.office import Office

pytestmark = pytest.mark.one_database
YEAR = timedelta(days=365)


def keep(where: Path, *, alerts: int = 0, recordings: int = 0) -> Keep:
    return Keep(alerts, recordings, where)


def retention_of(office: Office, chosen: Keep) -> Retention:
    return Retention(office.door, partial(office.reader, find), chosen, office.clock)


async def write(office: Office, table: str, **row: Any) -> None:
    await office.door.later(lambda connection: connection.execute(insert(t.metadata.tables[table]), [row]).rowcount)


async def test_closed_alerts_go_with_what_hangs_on_them_when_that_is_chosen(office: Office, tmp_path: Path) -> None:
    over = (await office.press("bracelet-1", "old")).alert
    await office.finish(over)
    still = (await office.press("bracelet-2", "open")).alert
    await write(office, "debts", call_id="c1", party="", name="", opened_at=office.clock.now(), due=office.clock.now(),
                attempts=0, alert_id=None)  # fmt: skip
    before, entries = set(office.rows("timeline")), len(office.entries())
    office.clock.advance(YEAR.total_seconds())
    await retention_of(office, keep(tmp_path)).take(office.clock.now())
    assert {row.id for row in office.rows("alerts")} == {over, still}, "for ever unless somebody chooses"
    done = await retention_of(office, keep(tmp_path, alerts=180)).take(office.clock.now())
    assert done["alerts"] == 1
    assert {row.id for row in office.rows("alerts")} == {still}
    assert {row.msg for row in office.rows("signals")} == {"open"}
    assert [row.call_id for row in office.rows("debts")] == ["c1"]
    assert before <= set(office.rows("timeline"))
    assert [entry.rule for entry in office.entries()][entries:] == ["centre.retained"] * 2
    office.assert_whole()


async def test_an_alert_that_a_roll_names_or_of_whom_somebody_is_owed_a_call_stays(
    office: Office, tmp_path: Path
) -> None:
    now = office.clock.now()
    alerts = []
    for number in (1, 2, 3):
        alerts.append((await office.press(f"bracelet-{number}", "p")).alert)
        await office.finish(alerts[-1])
    await write(office, "incidents", id="i1", kind="heat", words="", ask="both", raised_at=now, raised_by="",
                raised_by_name="")  # fmt: skip
    await write(office, "roll", incident_id="i1", resident_id="r-1", name="", place="", household_id="", risk="",
                rank=1, standing="needs_help", attempts=0, changed_at=now, alert_id=alerts[0])  # fmt: skip
    await write(
        office, "debts", call_id="c1", party="", name="", opened_at=now, due=now, attempts=0, alert_id=alerts[1]
    )
    office.clock.advance(YEAR.total_seconds())
    await retention_of(office, keep(tmp_path, alerts=180)).take(office.clock.now())
    assert {row.id for row in office.rows("alerts")} == set(alerts[:2])
    assert len(office.rows("roll")) == 1, "the incident is open"


async def test_positions_and_raw_frames_go_and_what_they_belong_to_stays(office: Office, tmp_path: Path) -> None:
    await office.press("bracelet-1", "p")
    now = office.clock.now()

    def seen(connection: Connection) -> None:
        state = t.device_state.c
        connection.execute(update(t.device_state).where(state.device_id == "bracelet-1").values(lat=37.0, loc_at=now))

    await office.door.later(seen)
    for days, raw, lat in ((29, True, 37.0), (2, True, None), (60, False, None)):
        office.clock.advance(days * 86400)
        await retention_of(office, keep(tmp_path)).take(office.clock.now())
        (signal,) = office.rows("signals")
        (state,) = [row for row in office.rows("device_state") if row.device_id == "bracelet-1"]
        assert (bool(signal.raw), state.lat) == (raw, lat)


async def test_sound_goes_with_its_row_and_what_two_share_stays(office: Office, tmp_path: Path) -> None:
    now = office.clock.now()
    for call, name, at in (("a", "1.wav", 0), ("b", "2.wav", 0), ("c", "2.wav", 300)):
        (tmp_path / name).write_bytes(b"sound")
        await write(office, "recordings", call_id=call, ref=call, gateway="g", state="stored", heard_at=now,
                    stored_at=now + timedelta(days=at), file=name)  # fmt: skip
    office.clock.advance(YEAR.total_seconds())
    await retention_of(office, keep(tmp_path, recordings=90)).take(office.clock.now())
    assert [row.call_id for row in office.rows("recordings")] == ["c"]
    assert [name for name in os.listdir(tmp_path) if name.endswith(".wav")] == ["2.wav"]


async def test_it_takes_a_little_at_a_time_and_looks_again_at_each(office: Office, tmp_path: Path) -> None:
    now = office.clock.now()
    old, chosen = now - timedelta(days=100), keep(tmp_path)
    rule, before = next(one for one in due_rules(chosen, now) if one[0].name == "dead_letters")

    def letters(connection: Connection) -> None:
        said = {"received_at": old, "device_id": "", "leaf": "", "reason": "", "raw": b""}
        connection.execute(insert(t.dead_letters), [said | {"id": str(number)} for number in range(CHUNK + 5)])

    await office.door.later(letters)
    found = office.read(find, rule, before)
    assert len(found) == CHUNK
    fresh = t.dead_letters.update().where(t.dead_letters.c.id == found[0]["b_id"]).values(received_at=now)
    await office.door.later(lambda connection: connection.execute(fresh).rowcount)
    assert await office.door.later(lambda c: take_away(c, rule, before, found, chosen)) == CHUNK - 1
    assert len(office.rows("dead_letters")) == 6


def test_every_table_is_in_a_rule_or_kept_on_purpose() -> None:
    """A new table is decided on when it is made."""
    ruled = (
        "device_state signals dead_letters outbox sessions responder_presses backups recordings roll alerts calls "
        "offers responder_links offer_positions callbacks debts timers"
    )
    kept = (
        "timeline timeline_head areas households residents contacts plans learned devices register_changes consents "
        "responders absences holidays operators glass_breaks policies incidents gaps key_safes refused_phones "
        "second_factors recovery_codes"
    )
    now_only = "consoles processes seats off_hook flood_mode drill_mode"  # what is, not what was
    assert {*ruled.split(), *kept.split(), *now_only.split()} == set(t.metadata.tables)
