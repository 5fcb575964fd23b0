"""Whatever is wrong with telephones, lists and keys: the press is stored, acknowledged, and people are told."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from callcenter.alerts.call_model import Role
from callcenter.privacy import Seal
from callcenter.storage import directory
from handlers import dialling
from tests.telephone.exchange import DAUGHTER, NEIGHBOURS, RESIDENT, SEAL, Exchange


class Broken(Exception):
    pass


def breaks(*_arguments: Any, **_named: Any) -> Any:
    raise Broken


def breaks_in_sql(unit: Any, *_arguments: Any, **_named: Any) -> Any:
    """On PostgreSQL a statement that fails takes its whole transaction with it."""
    unit.connection.exec_driver_sql("SELECT nothing FROM nowhere")


class HalfASeal(Seal):
    """One number cannot be sealed."""

    def close(self, text: str) -> bytes:
        if text in (RESIDENT, DAUGHTER):
            raise Broken
        return SEAL.close(text)


FAULTS: dict[str, Callable[[pytest.MonkeyPatch, Exchange], None]] = {
    "dialling fails": lambda patch, _: patch.setattr(dialling, "place", breaks),
    "its statements fail": lambda patch, _: patch.setattr(dialling, "place", breaks_in_sql),
    "the list of operators cannot be read": lambda patch, _: patch.setattr(directory, "ready_operators", breaks),
    "a number cannot be sealed": lambda patch, exchange: patch.setattr(exchange.writer, "_seal", HalfASeal(SEAL.key)),
    "there is no key": lambda patch, exchange: patch.setattr(exchange.writer, "_seal", None),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_press_is_stored_acknowledged_and_rings_the_console(
    fault: str, phones_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Exchange(phones_url, tmp_path) as exchange:
        await exchange.seat()
        FAULTS[fault](monkeypatch, exchange)
        alert = await exchange.press()
        entries = [e for e in exchange.entries() if e.alert_id == alert]
        assert (entries[0].rule, entries[0].ring) == ("alarm.opens", True)
        told = [json.loads(e.data) for e in entries if e.rule == "effect.failed"]
        assert {one["reason"] for one in told} == {"internal"}, "people are told that nobody was rung"
        await exchange.until(lambda: [level for _ref, level in exchange.told if level == "stored"], what="the ack")
        again = await exchange.press()
        assert (again, exchange.alert(alert).press_count) == (alert, 2)


async def test_what_fails_for_one_person_keeps_no_other_from_being_rung(
    phones_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Exchange(phones_url, tmp_path) as exchange:
        await exchange.seat()
        monkeypatch.setattr(exchange.writer, "_seal", HalfASeal(SEAL.key))
        alert = await exchange.press()
        assert [c.role for c in exchange.calls(alert)] == [Role.OPERATOR]
        await exchange.act(alert, "claim")
        await exchange.act(alert, "dispatch")
        asked = {c.number for c in exchange.calls(alert) if c.role is Role.RESPONDER}
        assert asked == {*NEIGHBOURS[:3]}, "a whole wave, without the daughter"
        told = [json.loads(e.data) for e in exchange.entries() if e.rule == "effect.failed"]
        assert [one.get("party") for one in told] == [None, "contact:c-1"]
