"""A backup under presses, a machine that burns, a restore into an empty one: nothing acknowledged before the backup
is lost, and the sweep lists who to check because of what came after it.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, Table, func, select, text

from callcenter import backups, restoring
from callcenter.privacy import read_key
from callcenter.storage import tables as t
from callcenter.storage.copies import CopyFailed, copy_sqlite, facts_of_file
from callcenter.storage.engine import connect
from config import policies
from config.settings import Settings
from tests.conftest import sign_in
from tests.integration.bracelet import bracelet
from tests.processes import NOW, Service, lay_out, running, wait_for

PEOPLE = 9


@pytest.fixture(params=["sqlite", "postgres"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Service]:
    """A machine with nothing on it."""

    def made(name: str) -> Service:
        url = "" if request.param == "sqlite" else request.getfixturevalue("postgres").create()
        return Service(tmp_path / name, database_url=url, households=PEOPLE)

    return made


async def presses(port: int, acknowledged: dict[str, datetime], stop: asyncio.Event) -> None:
    """Bracelets press one after the other without end; noted is when each acknowledgement was heard."""
    async with bracelet(port, "+") as device:
        number = 0
        while not stop.is_set():
            number += 1
            one = f"bracelet-{1 + number % PEOPLE}"
            body = {"v": 1, "msg": f"m{number}", "kind": "sos"}
            await device.send(body, device=one)
            while (await device.answer())["ref"] != f"m{number}":
                pass
            acknowledged[f"{one}/m{number}"] = datetime.now(UTC)


@contextlib.asynccontextmanager
async def pressing(port: int):
    acknowledged: dict[str, datetime] = {}
    stop = asyncio.Event()
    task = asyncio.create_task(presses(port, acknowledged, stop))
    try:
        yield acknowledged
    finally:
        stop.set()
        await task


async def until(acknowledged: dict[str, datetime], enough: int) -> None:
    await asyncio.to_thread(wait_for, lambda: len(acknowledged) >= enough, what="acknowledgements")


async def first_life(service: Service, where: Path) -> tuple[dict[str, datetime], datetime, datetime]:
    """What was acknowledged and when; between the two moments the backup was made."""
    async with pressing(service.mqtt_port) as acknowledged:
        await until(acknowledged, 30)
        before = datetime.now(UTC)
        done = await asyncio.to_thread(service.run, "backup", str(where))
        after = datetime.now(UTC)
        assert done.returncode == 0, done.stderr
        assert "secret.key" in done.stdout, "whoever makes one is told that the key is not in it"
        await until(acknowledged, len(acknowledged) + 20)
    return acknowledged, before, after


def heard(service: Service) -> set[str]:
    engine = connect(service._url, writer=False)
    with engine.connect() as connection:
        found = {f"{row.device_id}/{row.msg}" for row in connection.execute(select(t.signals))}
    engine.dispose()
    return found


async def gaps_of(service: Service) -> list[dict[str, Any]]:
    chief = await sign_in(service.http, "supervisor1")
    try:
        return (await chief.get("/api/v1/gaps"))["gaps"]
    finally:
        await chief.session.close()


async def sweep(service: Service, gap: str) -> dict[str, Any]:
    chief = await sign_in(service.http, "supervisor1")
    try:
        body = {"words": "我们想知道您是否平安。", "ask": "residents"}
        async with chief.session.post(f"{service.http}/api/v1/gaps/{gap}/sweep", json=body) as answer:
            assert answer.status == 201, await answer.text()
            (incident,) = (await answer.json())["incidents"]
        return (await chief.get(f"/api/v1/incidents/{incident}"))["incident"]
    finally:
        await chief.session.close()


@pytest.mark.one_database
async def test_nothing_acknowledged_before_it_is_lost_and_everybody_since_is_asked_for(
    machine: Callable[[str], Service], tmp_path: Path
) -> None:
    old, new, where = machine("old"), machine("new"), tmp_path / "backups"
    old.register()
    with running(old):
        acknowledged, before, after = await first_life(old, where)
        old.kill()
    (manifest,) = where.glob("*.json")
    assert {oct(path.stat().st_mode & 0o777) for path in where.iterdir()} == {"0o600"}
    assert not list(where.glob("*.key"))

    done = new.run("restore", str(manifest))
    assert done.returncode == 0, done.stderr
    assert "put its key back" in done.stdout, "this machine has another key"
    stored = heard(new)
    assert {one for one, at in acknowledged.items() if at < before} <= stored
    lost = {one for one in acknowledged if one not in stored}
    assert lost, "the backup was made under presses, and some came after it"

    with running(new):
        (gap,) = await gaps_of(new)
        began, ended = (datetime.fromisoformat(gap[key]) for key in ("began_at", "ended_at"))
        assert gap["kind"] == "restored"
        assert before <= began <= after
        assert all(began <= acknowledged[one] <= ended for one in lost)
        assert (gap["people"], gap["high_risk"]) == (PEOPLE, PEOPLE)
        incident = await sweep(new, gap["id"])
        assert {one["resident_id"] for one in incident["people"]} == {f"r-{n}" for n in range(1, PEOPLE + 1)}
        assert await gaps_of(new) == [], "everybody is on a roll"
    assert "not empty" in restored(settings_of(new.directory, new.database_url), manifest)


# -- in one process: what is refused, and PostgreSQL's programs


def settings_of(directory: Path, url: str = "") -> Settings:
    directory.mkdir(exist_ok=True)
    return Settings(data_dir=directory, database_url=url)


@dataclass
class Kept:
    """A centre with two residents, and a backup of it."""

    settings: Settings
    manifest: Path

    @property
    def engine(self) -> Engine:
        return connect(self.settings.database, writer=True, size=1)


@pytest.fixture
def kept(database_url: str, tmp_path: Path) -> Kept:
    url = "" if database_url.startswith("sqlite") else database_url
    Service(tmp_path / "data", database_url=url, households=2).register(operators=())
    settings = settings_of(tmp_path / "data", url)
    made = backups.make(settings, tmp_path / "backups", NOW, release="0", with_key=False)
    return Kept(settings, (tmp_path / "backups" / made.file).with_suffix(".json"))


def restored(settings: Settings, manifest: Path) -> str:
    """Empty, or why not."""
    policy = policies.read()
    assert not isinstance(policy, str)
    try:
        restoring.restore(settings, manifest, NOW, policy)
    except CopyFailed as error:
        return str(error)
    return ""


def rows(engine: Engine, table: Table) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_a_database_in_use_or_with_alerts_is_left_alone(kept: Kept) -> None:
    engine = kept.engine
    with engine.begin() as connection:
        connection.execute(t.processes.insert(), {"node": "centre", "seen_at": NOW})
    assert "stop it first" in restored(kept.settings, kept.manifest)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM processes"))
        row = {"device_id": "b", "msg": "m", "ref": "", "kind": "sos", "received_at": NOW}
        connection.execute(t.signals.insert(), row | {"retained": False, "faults": "[]", "raw": b""})
    assert "1 signals" in restored(kept.settings, kept.manifest)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM signals"))
        connection.execute(text("DELETE FROM contacts"))
    engine.dispose()
    assert restored(kept.settings, kept.manifest) == ""
    engine = kept.engine
    assert (rows(engine, t.residents), rows(engine, t.contacts), rows(engine, t.gaps)) == (2, 2, 1)
    engine.dispose()
    if engine.dialect.name == "sqlite":
        assert list(kept.settings.data_dir.glob("callcenter.db.before-*")), "what was there is kept"


def altered(manifest: Path, **said: Any) -> None:
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | said))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_not_as_it_was_made_is_refused(kept: Kept, tmp_path: Path) -> None:
    manifest, data = kept.manifest, kept.manifest.with_suffix(".db")
    whole, content = manifest.read_text(), data.read_bytes()
    empty = settings_of(tmp_path / "empty")

    def refused(*words: str) -> None:
        why = restored(empty, manifest)
        assert all(word in why for word in words), why
        assert list(empty.data_dir.iterdir()) == [], "nothing is left of it"
        manifest.write_text(whole)
        data.write_bytes(content)

    data.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    refused("sha256")
    altered(manifest, revision="9999")
    refused("newer release")
    altered(manifest, head_hash="f" * 64)
    refused("timeline")
    altered(manifest, rows=json.loads(whole)["rows"] | {"residents": 3})
    refused("manifest")
    altered(manifest, dialect="postgresql")
    refused("postgresql")
    manifest.unlink()
    refused("missing")


def test_a_copy_is_one_file_and_holds_what_its_manifest_says(kept: Kept) -> None:
    said = json.loads(kept.manifest.read_text())
    assert said["rows"]["residents"] == 2
    assert {path.name for path in kept.manifest.parent.iterdir()} == {said["file"], kept.manifest.name}


def test_a_copy_is_of_one_moment_and_no_press_makes_it_begin_anew(tmp_path: Path) -> None:
    source = tmp_path / "source.db"
    lay_out(f"sqlite:///{source}")
    writer, steps = connect(f"sqlite:///{source}", writer=True, size=1), 0

    def press(content: bytes) -> None:
        row = {"received_at": NOW, "device_id": "", "leaf": "", "reason": "", "raw": content}
        with writer.begin() as connection:
            connection.execute(t.dead_letters.insert(), row | {"id": f"{steps}-{len(content)}"})

    def between(_seconds: float) -> None:
        nonlocal steps
        steps += 1
        assert steps < 20, "it begins anew with every press"
        press(b"pressed while it was copied")

    press(b"x" * 5_000_000)
    copy_sqlite(source, tmp_path / "copy.db", between)
    writer.dispose()
    assert steps > 3, "in steps, between which others go first"
    assert facts_of_file(tmp_path / "copy.db").rows["dead_letters"] == 1


def test_the_key_lies_beside_it_only_when_that_was_said(tmp_path: Path) -> None:
    Service(tmp_path / "data", households=1).register(operators=())
    settings = settings_of(tmp_path / "data")
    with pytest.raises(CopyFailed, match=r"no secret\.key"):
        backups.make(settings, tmp_path / "backups", NOW, release="0", with_key=True)
    read_key(settings.data_dir)
    backups.make(settings, tmp_path / "backups", NOW, release="0", with_key=True)
    (key,) = (tmp_path / "backups").glob("*.key")
    assert key.read_bytes() == (settings.data_dir / "secret.key").read_bytes()
    assert key.stat().st_mode & 0o777 == 0o600


def test_old_ones_go_and_the_newest_always_stays(tmp_path: Path) -> None:
    Service(tmp_path / "data", households=1).register(operators=())
    settings, where = settings_of(tmp_path / "data"), tmp_path / "backups"
    made = [
        backups.make(settings, where, NOW - timedelta(days=age), release="0", with_key=False).file
        for age in (40, 3, 2, 1)
    ]
    (where / "holiday.json").write_text("{}")
    assert backups.prune(where, NOW, keep=30, days=0) == []
    assert backups.prune(where, NOW, keep=30, days=31) == [made[0]]
    assert backups.prune(where, NOW, keep=2, days=0) == [made[1]]
    assert backups.prune(where, NOW + timedelta(days=99), keep=1, days=1) == [made[2]]
    assert {path.name for path in where.iterdir()} == {made[3], made[3].replace(".db", ".json"), "holiday.json"}


def test_without_its_programs_postgresql_is_not_backed_up_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    settings = settings_of(tmp_path / "data", "postgresql+psycopg://x@127.0.0.1:1/x")
    with pytest.raises(CopyFailed, match="postgresql-client"):
        backups.make(settings, tmp_path / "backups", NOW, release="0", with_key=False)
    assert list((tmp_path / "backups").iterdir()) == []


def test_one_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full when the manifest is written: data that no manifest names would stay there for ever."""
    made = Settings(data_dir=tmp_path / "centre")
    made.data_dir.mkdir()
    lay_out(made.database)

    def full(_path: Path) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as broken:
        broken.setattr(backups, "sync", full)
        with pytest.raises(CopyFailed, match="no space"):
            backups.make(made, tmp_path / "kept", NOW, release="1", with_key=False)
    assert list((tmp_path / "kept").iterdir()) == []
    backups.make(made, tmp_path / "kept", NOW, release="1", with_key=False)


def test_a_second_one_of_the_same_second_leaves_the_first_alone(tmp_path: Path) -> None:
    made = Settings(data_dir=tmp_path / "centre")
    made.data_dir.mkdir()
    lay_out(made.database)
    backups.make(made, tmp_path / "kept", NOW, release="1", with_key=False)
    there = sorted((path.name, path.read_bytes()) for path in (tmp_path / "kept").iterdir())
    under_way = tmp_path / "other" / f".vnh-{NOW:%Y%m%dT%H%M%SZ}.part"
    under_way.parent.mkdir()
    under_way.touch()
    for directory in (tmp_path / "kept", under_way.parent):
        with pytest.raises(CopyFailed):
            backups.make(made, directory, NOW, release="2", with_key=False)
    assert sorted((path.name, path.read_bytes()) for path in (tmp_path / "kept").iterdir()) == there
    assert under_way.exists()
