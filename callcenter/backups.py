"""Backups: made beside the running centre, each with a manifest of what it holds; old ones are taken away."""

import hashlib
import os
import shutil
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import insert
from sqlalchemy.exc import SQLAlchemyError

from callcenter.privacy import KEY_FILE, read_key
from callcenter.storage import tables as t
from callcenter.storage.copies import CopyFailed, Facts, copy_sqlite, facts_of_file, sqlite_file, sync
from callcenter.storage.dumps import dump_postgres
from callcenter.storage.records import rfc3339
from callcenter.storage.writer import Writer
from config.settings import Settings

FORMAT = 1
ENDINGS = {"sqlite": ".db", "postgresql": ".dump"}
MANIFEST = ".json"
PRIVATE = 0o600  # health data and addresses: nobody else on the machine reads them


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup is. It is written last: data without one is no backup.

    `at`: whatever was acknowledged before is in it. `key`: a fingerprint of the key that opens what is sealed in it.
    """

    format: int
    file: str
    dialect: str
    release: str
    revision: str
    at: datetime
    written_at: datetime | None
    head_n: int
    head_hash: str
    sha256: str
    bytes: int
    rows: Mapping[str, int]
    key: str


_READ = TypeAdapter(Manifest)


def dialect_of(settings: Settings) -> str:
    return "sqlite" if settings.database.startswith("sqlite") else "postgresql"


def make(settings: Settings, directory: Path, now: datetime, *, release: str, with_key: bool) -> Manifest:
    """Make one in `directory`. Raises CopyFailed; then nothing of it is left."""
    if with_key and (settings.secret_key.get_secret_value() or not (settings.data_dir / KEY_FILE).exists()):
        raise CopyFailed("there is no secret.key to copy: the key is in CALLCENTER_SECRET_KEY")
    name = f"vnh-{now:%Y%m%dT%H%M%SZ}"
    data, part = directory / f"{name}{ENDINGS[dialect_of(settings)]}", directory / f".{name}.part"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.touch(PRIVATE, exist_ok=False)  # ours from here on, and nobody else's of the same second
    except OSError as error:
        raise CopyFailed(str(error)) from error
    with ExitStack() as undo:
        undo.callback(part.unlink, missing_ok=True)
        if data.exists():
            raise CopyFailed(f"{data} is there already")
        for path in (data, directory / f"{name}{MANIFEST}", directory / f"{name}.key"):
            undo.callback(path.unlink, missing_ok=True)
        try:
            made = _make(settings, part, data, now, release=release)
            if with_key:
                _write(directory / f"{name}.key", (settings.data_dir / KEY_FILE).read_bytes())
            _write(directory / f"{name}{MANIFEST}", _READ.dump_json(_READ.validate_python(asdict(made)), indent=1))
        except OSError as error:
            raise CopyFailed(str(error)) from error
        except SQLAlchemyError as error:
            raise CopyFailed(f"the database does not answer: {error.__cause__ or error}".splitlines()[0]) from error
        undo.pop_all()
    return made


def _make(settings: Settings, part: Path, data: Path, now: datetime, *, release: str) -> Manifest:
    """The data; its manifest is still to be written."""
    found = _copy(settings, part)
    made = Manifest(
        FORMAT, data.name, dialect_of(settings), release, found.revision, now, found.written_at, found.head_n,
        found.head_hash, digest(part), part.stat().st_size, found.rows, fingerprint(settings),
    )  # fmt: skip
    part.rename(data)
    return made


def _copy(settings: Settings, part: Path) -> Facts:
    if dialect_of(settings) == "postgresql":
        return dump_postgres(settings.database, part)
    copy_sqlite(sqlite_file(settings.database), part)
    return facts_of_file(part)


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE), "wb") as file:
            file.write(content)
        sync(part)
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
    sync(path)


def digest(file: Path) -> str:
    with file.open("rb") as read:
        return hashlib.file_digest(read, "sha256").hexdigest()


def fingerprint(settings: Settings) -> str:
    """Tells keys apart and says nothing of them; empty: there is none yet."""
    given = settings.secret_key.get_secret_value()
    if not given and not (settings.data_dir / KEY_FILE).exists():
        return ""
    seal = read_key(settings.data_dir, given)
    return "" if isinstance(seal, str) else seal.sign("backup", b"").hex()[:16]


def record(writer: Writer, made: Manifest, now: datetime) -> None:
    """Its age is shown from here on. Raises Unavailable."""
    row = {"id": made.file, "at": made.at, "head_n": made.head_n, "bytes": made.bytes, "sha256": made.sha256}
    with writer.unit(now) as unit:
        unit.connection.execute(insert(t.backups), [row])
        data = {"at": rfc3339(made.at), "head": made.head_n, "bytes": made.bytes}
        unit.log(None, rule="centre.backed_up", actor="command", data=data)


def read_manifest(file: Path) -> Manifest:
    """Of a backup that is named by its data or by its manifest. Raises CopyFailed."""
    path = file.with_suffix(MANIFEST)
    try:
        found = _READ.validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise CopyFailed(f"{path} is missing: without it nobody can tell whether the backup is whole") from error
    except (OSError, ValidationError) as error:
        raise CopyFailed(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
    if found.format != FORMAT or Path(found.file).name != found.file:
        raise CopyFailed(f"{path} is of a kind that this release does not know")
    return found


def prune(directory: Path, now: datetime, *, keep: int, days: int) -> list[str]:
    """Take away all but the newest `keep`, and what is older than `days` (0: however old). The newest always stays."""
    found: list[tuple[datetime, Path, Manifest]] = []
    for path in directory.glob(f"vnh-*{MANIFEST}"):
        with suppress(CopyFailed):  # not one of ours, or of a later release: it is left alone
            manifest = read_manifest(path)
            found.append((manifest.at, path, manifest))
    gone = []
    for place, (at, path, manifest) in enumerate(sorted(found, key=lambda one: one[0], reverse=True)):
        if place and (place >= keep or (days and at < now - timedelta(days=days))):
            for one in (path, directory / manifest.file, path.with_suffix(".key")):
                one.unlink(missing_ok=True)
            gone.append(manifest.file)
    return gone


def copied_out(data: Path, part: Path) -> None:
    """For a restore: the data beside its place, on the disk."""
    shutil.copyfile(data, part)
    part.chmod(PRIVATE)
    sync(part)
