"""Whatever is wrong with a telephone list or a plan fails alone; that the database is gone is none of its faults."""

from functools import partial

import psycopg
import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from callcenter.storage import tables as t
from callcenter.storage.unit import Unit
from callcenter.storage.writer import Unavailable
from handlers import drill_telephone
from handlers.alone import alone
from tests.conftest import ManualClock
from tests.integration.office import Office


@pytest.mark.parametrize("prepared", [True, False])
async def test_a_lost_database_is_no_fault_of_what_may_fail_alone(
    prepared: bool, postgres_url: str, clock: ManualClock
) -> None:
    """It was logged as a fault of each telephone list, and the group went on."""

    def cut(unit: Unit) -> None:
        mine = unit.connection.connection.dbapi_connection
        assert mine
        with psycopg.connect(postgres_url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (mine.info.backend_pid,))
        if prepared:
            unit.alert("unknown")
        else:
            unit.connection.execute(text("SELECT 1"))

    def fails(unit: Unit) -> None:
        with pytest.raises((DBAPIError, psycopg.Error)):
            alone(unit, partial(cut, unit), otherwise=None, failed="nobody.hears_this")

    async with Office(postgres_url, clock) as office:
        with pytest.raises(Unavailable), office.writer.unit(clock.now()) as unit:
            fails(unit)
        await office.press()


async def test_what_may_fail_alone_takes_its_rows_back_and_nothing_else(office: Office) -> None:
    def fails(unit: Unit) -> str:
        unit.connection.execute(update(t.residents).values(name="nobody"))
        raise ValueError("a fault of ours")

    before = {row.id: row.name for row in office.rows("residents")}
    assert before
    with office.writer.unit(office.clock.now()) as unit:
        unit.connection.execute(update(t.households).values(entry_notes="new"))
        assert alone(unit, partial(fails, unit), otherwise="no", failed="test.failed", reason="ours") == "no"
    assert {row.id: row.name for row in office.rows("residents")} == before
    assert {row.entry_notes for row in office.rows("households")} == {"new"}


async def test_a_drill_that_cannot_be_read_keeps_nobody_from_being_rung(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(_connection: object) -> None:
        raise ValueError("no time")

    monkeypatch.setattr(drill_telephone.drill_book, "running", unreadable)
    with office.writer.unit(office.clock.now()) as unit:
        drill_telephone.give_way(unit)
