"""What every command begins with: the settings, the policy, the schema, the writer; or one line why it cannot."""

import sys
from collections.abc import Callable

import structlog

from callcenter.alerts import policy_book
from callcenter.alerts.model import Kind
from callcenter.clock import pause
from callcenter.storage.copies import damage, sqlite_file
from callcenter.storage.engine import connect
from callcenter.storage.schema import migrate
from callcenter.storage.writer import Unavailable, Writer
from config import logs, policies, settings
from config.policies import AlertPolicy
from config.settings import Settings

VERSION = "0.1.0"


AGAIN_S = 2.0  # between two looks whether the database is there

log = structlog.get_logger()


class Refused(Exception):
    """The command cannot be carried out; the text says why in one line."""


def load() -> tuple[Settings, AlertPolicy]:
    chosen = settings.load()
    if isinstance(chosen, str):
        raise Refused(chosen)
    policy = policies.read(chosen.policy_file, kinds=frozenset(Kind))
    if isinstance(policy, str):
        raise Refused(policy)
    for fault in policy_book.faults(policy):
        raise Refused(f"{chosen.policy_file or policies.DEFAULT_FILE}: {fault.said}")
    as_json = chosen.log_format == "json" or (chosen.log_format == "auto" and not sys.stderr.isatty())
    logs.configure(chosen.log_level, json=as_json)
    try:
        chosen.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"CALLCENTER_DATA_DIR: {error}") from error
    return chosen, policy


def bring_up(chosen: Settings) -> None:
    """The newest schema. Raises Refused, and Unavailable of a PostgreSQL that does not answer."""
    if wrong := damage(chosen.database):
        raise Refused(
            f"the database {sqlite_file(chosen.database)} is damaged ({wrong}): move it with its -wal and -shm to "
            "another place, keep them, and run `python -m callcenter restore FILE` with the last backup"
        )
    try:
        migrate(chosen.database)
    except Unavailable:
        raise
    except Exception as error:
        raise Refused(f"the database cannot be prepared: {error.__cause__ or error}".splitlines()[0]) from error


def when_there(chosen: Settings, prepare: Callable[[], None]) -> None:
    """Prepare; a PostgreSQL that does not answer is waited for, however long that takes, and it is said each time.

    What starts a process that ended anew gives up after some tries, and then nobody would hear a press any more.
    """
    while True:
        try:
            prepare()
        except Unavailable as error:
            if chosen.database.startswith("sqlite"):
                raise
            log.error("database.awaited", reason=str(error), again_s=AGAIN_S)
            pause(AGAIN_S)
        else:
            return


def writer_of(chosen: Settings, policy: AlertPolicy) -> Writer:
    return Writer(connect(chosen.database, writer=True, size=1), node=chosen.node, policy=policy)
