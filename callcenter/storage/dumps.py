"""PostgreSQL's own programs: a dump of one moment with what it holds, and loading one into an empty database."""

import os
import shutil
import subprocess
from pathlib import Path

from sqlalchemy import URL, make_url, text

from callcenter.storage.copies import CopyFailed, Facts, facts, need_room, sync
from callcenter.storage.engine import connect

PATIENCE_S = 6 * 3600.0  # a dump of a large centre; the snapshot is held meanwhile
LOCK_WAIT = "--lock-wait-timeout=10000"  # ms: somebody migrates; better no dump than a centre that waits for it
_SIZE = text("SELECT pg_database_size(current_database())")


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise CopyFailed(f"{name} is not installed: apt-get install postgresql-client")
    return found


def _environment(url: URL) -> dict[str, str]:
    """Where the database is. The password never stands on a command line, which everybody on the machine can read."""
    said = {
        "PGHOST": url.host,
        "PGPORT": str(url.port) if url.port else None,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
    }
    more = {f"PG{name.upper()}": str(value) for name, value in url.query.items()}
    return os.environ | more | {name: value for name, value in said.items() if value}


def _run(command: list[str], url: URL) -> None:
    done = subprocess.run(command, env=_environment(url), capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise CopyFailed(f"{Path(command[0]).name}: {lines[0]}")


def dump_postgres(url: str, target: Path) -> Facts:
    """Dump the database as it is now into a new file, and read what it holds in the same snapshot.

    Raises CopyFailed, and SQLAlchemyError while the database does not answer.
    """
    program, reads = _program("pg_dump"), _program("pg_restore")
    engine = connect(url, writer=False, size=1, patience_s=PATIENCE_S)
    try:
        with engine.connect() as connection:
            need_room(target.parent, connection.execute(_SIZE).scalar_one() // 2)  # it is compressed
            snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
            found = facts(connection)
            _run(
                [program, "--format=custom", "--no-owner", "--no-privileges", LOCK_WAIT, f"--snapshot={snapshot}",
                 f"--file={target}"],
                make_url(url),
            )  # fmt: skip
    finally:
        engine.dispose()
    _run([reads, "--list", str(target)], make_url(url))  # it can be read to its end of contents
    sync(target)
    return found


def load_postgres(url: str, file: Path) -> None:
    """All of it or nothing. The database has none of its tables. Raises CopyFailed."""
    command = [_program("pg_restore"), "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
    _run([*command, f"--dbname={make_url(url).database}", str(file)], make_url(url))
