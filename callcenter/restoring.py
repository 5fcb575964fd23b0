"""Restoring a backup into an empty database: checked before, checked after, and the time since given to the sweep."""

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from callcenter import audit
from callcenter.alerts.gaps import GapKind
from callcenter.backups import ENDINGS, Manifest, copied_out, dialect_of, digest, fingerprint, read_manifest
from callcenter.storage import gap_book, schema, tables as t
from callcenter.storage.copies import CopyFailed, check_sqlite, damage, facts, facts_of_file, sqlite_file, sync
from callcenter.storage.dumps import load_postgres
from callcenter.storage.engine import connect
from callcenter.storage.records import rfc3339
from callcenter.storage.work import PROCESS_GONE_S
from callcenter.storage.writer import Writer
from config.policies import AlertPolicy
from config.settings import Settings

# What nobody may lose to a restore: with one row of any of these a database is not empty.
HAPPENED = ("alerts", "signals", "calls")
BESIDE = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Restored:
    """From when on what happened has to be asked for; `same_key`: what is sealed in it can be opened here."""

    manifest: Manifest
    since: datetime
    same_key: bool


def restore(settings: Settings, file: Path, now: datetime, policy: AlertPolicy) -> Restored:
    """Raises CopyFailed; then the database is as empty as before."""
    manifest = read_manifest(file)
    data = file.with_name(manifest.file)
    _check(settings, manifest, data)
    onto = _onto_sqlite if manifest.dialect == "sqlite" else _onto_postgres
    try:
        since = onto(settings, manifest, data, now, policy)
    except SQLAlchemyError as error:
        raise CopyFailed(f"the database does not take it: {error.__cause__ or error}".splitlines()[0]) from error
    except OSError as error:
        raise CopyFailed(str(error)) from error
    return Restored(manifest, since, not manifest.key or fingerprint(settings) == manifest.key)


def _check(settings: Settings, manifest: Manifest, data: Path) -> None:
    """Before anything is touched."""
    if manifest.dialect != dialect_of(settings):
        raise CopyFailed(f"{data} is of {manifest.dialect}, CALLCENTER_DATABASE_URL names {dialect_of(settings)}")
    if not data.exists():
        raise CopyFailed(f"{data} is missing")
    if data.suffix != ENDINGS[manifest.dialect] or digest(data) != manifest.sha256:
        raise CopyFailed(f"{data} is not what was backed up: its sha256 is another one. Take an older backup")
    if not schema.knows(manifest.revision):
        raise CopyFailed(
            f"{data} was made by a newer release ({manifest.release}, schema {manifest.revision}): install that first"
        )


def _why_not(connection: Connection, now: datetime) -> str:
    """Why nothing may be restored here; empty: it may."""
    there = inspect(connection).get_table_names()
    for name in (one for one in HAPPENED if one in there):
        if rows := connection.execute(text(f"SELECT count(*) FROM {name}")).scalar():
            return f"the database is not empty: it holds {rows} {name}. Restore into an empty one"
    alive = gap_book.last_alive(connection) if "processes" in there else None
    if alive and alive > now - timedelta(seconds=PROCESS_GONE_S):
        return "a process of the centre works with this database: stop it first"
    return ""


def _refuse(engine: Engine, now: datetime) -> None:
    with engine.connect() as connection:
        if why := _why_not(connection, now):
            raise CopyFailed(why)


def _onto_sqlite(settings: Settings, manifest: Manifest, data: Path, now: datetime, policy: AlertPolicy) -> datetime:
    """Made whole beside its place, and then moved there in one step."""
    path = sqlite_file(settings.database)
    path.parent.mkdir(parents=True, exist_ok=True)
    if wrong := damage(settings.database):
        raise CopyFailed(
            f"{path} is damaged ({wrong}): move it with its -wal and -shm away and keep them, then restore"
        )
    if path.exists():
        engine = connect(settings.database, writer=False)
        try:
            _refuse(engine, now)
        finally:
            engine.dispose()
    part = path.with_name(f".{path.name}.restoring")
    try:
        _forget(part)
        copied_out(data, part)
        check_sqlite(part)
        if facts_of_file(part).rows != manifest.rows:
            raise CopyFailed(f"{data} does not hold what its manifest says")
        since = _finish(f"sqlite:///{part}", settings, manifest, now, policy)
        if part.with_name(f"{part.name}-wal").exists():
            raise CopyFailed(f"{part} is in use by another program")
        sync(part)
        _put_aside(path, now)
        part.rename(path)
        sync(path)
    finally:
        _forget(part)
    return since


def _forget(path: Path) -> None:
    for ending in ("", *BESIDE):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _put_aside(path: Path, now: datetime) -> None:
    """What was there is kept: it held nobody's alarm, but perhaps somebody's work."""
    for ending in ("", *BESIDE):
        with suppress(FileNotFoundError):
            os.replace(f"{path}{ending}", f"{path}.before-{now:%Y%m%dT%H%M%SZ}{ending}")


def _onto_postgres(settings: Settings, manifest: Manifest, data: Path, now: datetime, policy: AlertPolicy) -> datetime:
    """The program loads all of it or nothing; what then proves wrong is taken out again."""
    engine = connect(settings.database, writer=True, size=1, patience_s=schema.PATIENCE_S)
    try:
        _refuse(engine, now)
        _empty(engine)
        load_postgres(settings.database, data)
        try:
            with engine.connect() as connection:
                if facts(connection).rows != manifest.rows:
                    raise CopyFailed(f"{data} does not hold what its manifest says")
            return _finish(settings.database, settings, manifest, now, policy)
        except Exception:
            _empty(engine)
            raise
    finally:
        engine.dispose()


def _empty(engine: Engine) -> None:
    with engine.begin() as connection:
        t.metadata.drop_all(connection)
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))


def _finish(url: str, settings: Settings, manifest: Manifest, now: datetime, policy: AlertPolicy) -> datetime:
    """Bring it to this release, prove its timeline to the manifest's end, and write down that it is an older copy."""
    try:
        schema.migrate(url)
    except Exception as error:
        raise CopyFailed(f"it cannot be brought to this release: {error.__cause__ or error}".splitlines()[0]) from error
    engine = connect(url, writer=True, size=1, patience_s=schema.PATIENCE_S)
    writer = Writer(engine, node=settings.node, policy=policy)
    try:
        with writer.unit(now) as unit:
            verdict = audit.verify(unit.connection)
            if not verdict.whole:
                raise CopyFailed(verdict.says)
            if facts(unit.connection).head_hash != manifest.head_hash:
                raise CopyFailed("its timeline does not end where its manifest says")
            since = min(manifest.at, manifest.written_at or manifest.at)
            gap = gap_book.add(unit.connection, GapKind.RESTORED, since, None, now=now, by=settings.node)
            data = {"backup": manifest.file, "at": rfc3339(manifest.at), "head": manifest.head_n, "gap": gap.id}
            unit.log(None, rule="centre.restored", actor="command", data=data)
    finally:
        writer.close()
        engine.dispose()
    return since
