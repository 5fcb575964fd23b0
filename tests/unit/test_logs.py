"""Logs: structured, on standard error, and nothing in them tells who somebody is."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError

from callcenter.storage import tables as t
from callcenter.storage.engine import connect
from config.logs import PERSONAL, configure


@pytest.fixture(autouse=True)
def put_logging_back() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def logged(capsys: pytest.CaptureFixture[str], *, as_json: bool = True, level: str = "info", **fields: object) -> str:
    configure(level, json=as_json)
    structlog.get_logger().info("something.happened", **fields)
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_a_line_is_one_event_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    line = json.loads(logged(capsys, alert="A1", presses=3))
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "something.happened", "level": "info", "alert": "A1", "presses": 3}


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("field", sorted(PERSONAL))
def test_a_personal_field_is_hidden(capsys: pytest.CaptureFixture[str], field: str, as_json: bool) -> None:
    written = logged(capsys, as_json=as_json, **{field: "Li Xiuying"})
    assert "Li Xiuying" not in written
    assert field in written
    assert "***" in written


@pytest.mark.parametrize("field", ["name", "phone", "number", "address", "place", "password", "token", "text"])
def test_who_somebody_is_counts_as_personal(field: str) -> None:
    assert field in PERSONAL


@pytest.mark.parametrize("field", ["device", "alert", "operator", "resident_id", "rule"])
def test_ids_stay_for_the_auditor(capsys: pytest.CaptureFixture[str], field: str) -> None:
    assert json.loads(logged(capsys, **{field: "r-117"}))[field] == "r-117"


def test_a_personal_field_bound_for_a_while_is_hidden_too(capsys: pytest.CaptureFixture[str]) -> None:
    with structlog.contextvars.bound_contextvars(phone="+8613900000000"):
        assert "+86139" not in logged(capsys)


def test_less_pressing_lines_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert logged(capsys, level="warning", alert="A1") == ""


def test_chinese_stays_readable(capsys: pytest.CaptureFixture[str]) -> None:
    assert "威海" in logged(capsys, area="威海")


def test_a_database_error_names_nobody(tmp_path: Path) -> None:
    """Errors are logged with their text, and the text of a failed statement must not hold its values."""
    engine = connect(f"sqlite:///{tmp_path / 'empty.db'}", writer=True, size=1)
    person = {"id": "r-1", "household_id": "h-1", "name": "Li Xiuying", "phone": "+8613900000000"}
    with engine.connect() as connection:
        for statement, values in (
            (insert(t.residents), person),
            (text("SELECT :phone FROM nowhere"), {"phone": person["phone"]}),
        ):
            with pytest.raises(DBAPIError) as failed:
                connection.execute(statement, values)
            assert "Li Xiuying" not in str(failed.value)
            assert "+86139" not in repr(failed.value) + str(failed.value)
            connection.rollback()
    engine.dispose()
