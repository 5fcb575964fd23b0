"""A full disk stores nothing, says so and goes on by itself; a damaged file is never started on."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, event
from structlog.testing import capture_logs

from callcenter.ports import NotStored
from callcenter.storage.copies import damage
from callcenter.storage.writer import Unavailable
from tests.conftest import ManualClock
from tests.integration.office import Office
from tests.integration.test_the_command_line import Deployment, assert_one_clear_line, empty, filled

__all__ = ["empty", "filled"]  # fixtures


LONG = "x" * 2000
PAGE = 4096  # bytes


class Quota:
    """The database may not grow while it is on: SQLite says what it says on a full disk."""

    def __init__(self, engine: Engine) -> None:
        self.on = False
        event.listen(engine, "begin", self._begin)

    def _begin(self, connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar() if self.on else 1 << 30
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")


def overwrite(path: Path, begin: int, size: int) -> None:
    content = bytearray(path.read_bytes())
    content[begin : begin + size] = b"\xff" * size
    path.write_bytes(content)


async def test_a_full_disk_stores_nothing_and_says_what_to_do(sqlite_url: str, clock: ManualClock) -> None:
    async with Office(sqlite_url, clock) as office:
        quota = Quota(office.writer._engine)
        quota.on = True
        acknowledged, lost = set(), ""
        with capture_logs() as logs:
            for number in range(200):  # until the last page is full
                try:
                    await office.press(msg=f"p{number}", note=LONG)
                except NotStored:
                    lost = f"p{number}"
                    break
                acknowledged.add(f"p{number}")
        assert lost, "the quota was reached"
        assert not office.door.storing
        (said,) = [one for one in logs if one["event"] == "door.not_storing"]
        assert "full" in said["error"]
        assert "make room" in said["do"]
        with pytest.raises(NotStored):
            await office.press(msg=lost, note=LONG)
        quota.on = False
        await office.press(msg=lost, note=LONG)  # the device repeats it
        assert office.door.storing
        assert {row.msg for row in office.rows("signals")} >= acknowledged | {lost}
        office.assert_whole()


async def test_a_database_damaged_under_us_is_not_taken_for_a_bad_press(sqlite_url: str, clock: ManualClock) -> None:
    """Else it would be tried in a smaller form, one by one, and readiness would stay green."""
    async with Office(sqlite_url, clock) as office:
        await office.press(msg="before")
        with office.reader._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            page = connection.exec_driver_sql("SELECT rootpage FROM sqlite_master WHERE name = 'signals'").scalar()
        overwrite(Path(sqlite_url.removeprefix("sqlite:///")), (page - 1) * PAGE, PAGE)
        office.writer.close()  # what it has in memory is still good
        with capture_logs() as logs, pytest.raises(NotStored):
            await office.press(msg="after")
        assert not office.door.storing
        (said,) = [one for one in logs if one["event"] == "door.not_storing"]
        assert "restore" in said["do"]


@pytest.mark.parametrize("broken", ["header", "page"])
def test_the_service_does_not_start_on_a_damaged_file(filled: Deployment, broken: str) -> None:
    path = filled.service.directory / "callcenter.db"
    overwrite(path, 0 if broken == "header" else 5 * PAGE, 64)
    content = path.read_bytes()
    assert damage(filled.url)
    for command in (("serve",), ("migrate",)):
        assert_one_clear_line(filled.run(*command), "damaged", "restore", str(path))
    examined = filled.run("doctor")
    assert examined.returncode == 1
    assert "restore" in examined.stdout
    assert path.read_bytes() == content, "nothing touches it"


def test_what_is_whole_or_not_there_yet_is_not_damaged(filled: Deployment, tmp_path: Path) -> None:
    assert damage(filled.url) == ""
    assert damage(f"sqlite:///{tmp_path / 'none.db'}") == ""
    assert damage("postgresql+psycopg://x@127.0.0.1:1/x") == ""
    examined = filled.run("doctor").stdout
    assert "every page of the database is whole" in examined
    assert "MiB free" in examined
    assert "no backup was ever made" in examined


@pytest.mark.parametrize(
    ("said", "do"),
    [
        ("database or disk is full", "make room"),
        ('could not extend file "base/1": No space left on device', "make room"),
        ("database disk image is malformed", "restore"),
        ("file is not a database", "restore"),
        ("database is locked", "another program"),
        ("connection refused", ""),
    ],
)
def test_what_helps_is_said(said: str, do: str) -> None:
    advice = Unavailable(said).advice
    assert do in advice
    assert bool(advice) == bool(do)
