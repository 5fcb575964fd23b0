"""Checks a deployment and says what to do. Changes nothing."""

import math
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Table, func, select
from sqlalchemy.exc import SQLAlchemyError

from callcenter import audit
from callcenter.alerts.model import SYNTHETIC
from callcenter.alerts.policy_check import judge
from callcenter.storage import policy_queries, queries, tables as t, work
from callcenter.storage.copies import CopyFailed, check_sqlite, sqlite_file
from callcenter.storage.engine import connect
from callcenter.storage.policy_shelf import Shelf
from callcenter.storage.schema import differences, is_newer, lacks
from callcenter.storage.sessions import PROBER
from config import policies
from config.settings import Settings
from devices.mqtt import Address

LEAST_FREE = 1 << 30  # bytes: days of a small centre, and room for the copy of its database
BACKUP_AGE = timedelta(hours=26)  # one a night, and two hours for it


@dataclass(frozen=True, slots=True)
class Finding:
    good: bool
    says: str


def examine(settings: Settings, overdue_before: datetime) -> list[Finding]:
    """`overdue_before`: a deadline older than this means that no process works deadlines off."""
    brokers = (_broker(settings, Address.parse(url)) for url in settings.brokers)
    return [*_database(settings, overdue_before), _disk(settings), *brokers]


def free_bytes(settings: Settings) -> float:
    """On the disk of the data directory; NaN: nobody can tell. Of PostgreSQL's disk its own machine knows."""
    try:
        return shutil.disk_usage(settings.data_dir).free
    except OSError:
        return math.nan


def _disk(settings: Settings) -> Finding:
    free = free_bytes(settings)
    says = f"{free / (1 << 20):.0f} MiB free on the disk of {settings.data_dir}"
    good = free >= LEAST_FREE
    return Finding(
        good, says if good else f"{says}: make room, first among logs and old backups; full, nothing is stored"
    )


def _whole(settings: Settings) -> Iterator[Finding]:
    """SQLite's own check of every page; it takes a second for each gigabyte or so."""
    file = sqlite_file(settings.database)
    if settings.database.startswith("sqlite") and file.exists():
        try:
            check_sqlite(file)
        except CopyFailed as error:
            yield Finding(False, f"{error}. Stop the centre, keep the files, restore the last backup")
        else:
            yield Finding(True, "every page of the database is whole")


def _database(settings: Settings, overdue_before: datetime) -> Iterator[Finding]:
    yield from _whole(settings)
    engine = connect(settings.database, writer=False)
    try:
        with engine.connect() as connection:
            yield Finding(True, f"the database answers ({connection.dialect.name})")
            if is_newer(connection) and not lacks(connection):
                yield Finding(True, "the schema is of a newer release; this one can work with it meanwhile")
            elif differences(connection):
                yield Finding(False, "the schema is not the newest: run `python -m callcenter migrate`")
                return
            yield from (check(connection) for check in _CHECKS)
            yield _policy(connection, settings, overdue_before)
            yield _backup(connection, overdue_before)
            overdue = work.overdue_timers(connection, overdue_before)
            yield Finding(
                overdue == 0, f"{overdue} deadlines overdue" + (": is the service running?" if overdue else "")
            )
    except SQLAlchemyError as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        yield Finding(False, f"the database does not answer: {reason}. Check CALLCENTER_DATABASE_URL")
    finally:
        engine.dispose()


def _count(connection: Connection, table: Table, *where: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one()


def _operators(connection: Connection) -> Finding:
    """Those with a password: an identity provider that is away must not leave the desks empty."""
    o = t.operators.c
    found = _count(connection, t.operators, o.password_hash != "", o.role != PROBER)
    hint = "" if found else ": run `python -m callcenter user add ID --name NAME --role supervisor`"
    return Finding(found > 0, f"{found} operators may sign in with a password{hint}")


def _people(connection: Connection) -> Finding:
    residents = _count(connection, t.residents)
    devices = _count(connection, t.devices, t.devices.c.family != SYNTHETIC)
    says = f"{residents} residents, {devices} devices registered"
    hint = ": run `python -m callcenter import`; until then every alarm is unidentified"
    enough = residents > 0 and devices > 0
    return Finding(enough, says if enough else says + hint)


def _deadlines(connection: Connection) -> Finding:
    lost = len(work.alerts_without_deadline(connection))
    says = f"{lost} open alerts have no deadline: start the service, its watchdog mends this within a minute"
    return Finding(lost == 0, says if lost else "every open alert has a deadline")


def _log(connection: Connection) -> Finding:
    verdict = audit.verify(connection)
    return Finding(verdict.whole, verdict.says)


def _policy(connection: Connection, settings: Settings, now: datetime) -> Finding:
    file = policies.read(settings.policy_file)
    if isinstance(file, str):
        return Finding(False, file)
    shelf = Shelf(file)
    policy_queries.look(connection, shelf, now)
    version = shelf.in_force.version
    for number, reason in shelf.unreadable.items():
        return Finding(False, f"policy version {number} cannot be read ({reason}); version {version} is in force")
    faults = judge(shelf.in_force.book, policy_queries.registered(connection, now)).faults
    if faults:
        hint = "Register people, or change the policy on the page /policies"
        return Finding(False, f"policy version {version}: {faults[0].said} ({len(faults)} such). {hint}")
    return Finding(True, f"policy version {version} is in force and leaves nobody alone")


def _backup(connection: Connection, now: datetime) -> Finding:
    at = queries.last_backup(connection)
    if at is None:
        return Finding(False, "no backup was ever made: run `python -m callcenter backup DIR` every night")
    says = f"the newest backup is of {at:%Y-%m-%d %H:%M} UTC"
    good = now - at < BACKUP_AGE
    return Finding(good, says if good else f"{says}: find out why `python -m callcenter backup` does not run")


_CHECKS: tuple[Callable[[Connection], Finding], ...] = (_operators, _people, _deadlines, _log)


def _broker(settings: Settings, address: Address) -> Finding:
    try:
        with socket.create_connection((address.host, address.port), timeout=3):
            return Finding(True, f"the broker answers on {address.host}:{address.port}")
    except OSError as error:
        hint = "it runs only while the service does" if settings.embedded_broker else "check CALLCENTER_MQTT_URL"
        return Finding(False, f"the broker does not answer on {address.host}:{address.port} ({error}); {hint}")
