"""Recordings come into the data directory under their hash, and go from the carrier only then."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from callcenter import metrics
from callcenter.alerts.call_model import Call
from callcenter.alerts.effects import FetchRecording
from callcenter.storage import consents, tables as t
from simulators.carrier.account import Network
from simulators.carrier.callees import Callee
from tests.telephone.exchange import ANN_PHONE, CHANCE, RESIDENT, Exchange
from tests.telephone.village import call_of, rings, rows, village

pytestmark = pytest.mark.long


async def talk(exchange: Exchange) -> str:
    """A short talk between a caller and an operator; the caller's call."""
    exchange.callees(Callee("answer", rings_s=1, stays_s=20), ANN_PHONE)
    await exchange.seat()
    return (await call_of(exchange, rings(exchange, CHANCE, callee=Callee("silent", stays_s=16)))).id


async def recording(exchange: Exchange, state: str) -> dict[str, Any]:
    return await exchange.until(
        lambda: next((row for row in rows(exchange, t.recordings) if row["state"] == state), None), what=state
    )


def call_now(exchange: Exchange, id: str) -> Call:
    return next(one for one in exchange.calls() if one.id == id)


def kept_by_carrier(exchange: Exchange) -> list[str]:
    return list(exchange.carrier._recordings.kept)


async def test_a_recording_is_fetched_hashed_stored_and_deleted_at_the_carrier(tmp_path: Path) -> None:
    async with village(tmp_path) as exchange:
        call = await talk(exchange)
        row = await recording(exchange, "stored")
        alert = next(one.alert_id for one in exchange.calls() if one.id == call)
        assert row["call_id"] in {one.id for one in exchange.calls(alert)}, "the room tells whoever came first"
        sound = (tmp_path / "recordings" / row["file"]).read_bytes()
        assert sound.startswith(b"RIFF")
        assert (row["sha256"], row["bytes"]) == (hashlib.sha256(sound).hexdigest(), len(sound))
        await exchange.until(lambda: not kept_by_carrier(exchange), what="nothing left at the carrier")


def refuses(connection: Connection) -> None:
    consents.say(connection, "r-1", consents.RECORDING, given=False, on="2026-10-01", by="herself")


async def test_of_whom_has_refused_nothing_is_recorded_also_when_the_operators_line_drops(tmp_path: Path) -> None:
    """The room begins anew with whoever was left alone in it."""
    async with village(tmp_path, more=refuses) as exchange:
        exchange.callees(Callee("answer", rings_s=1, stays_s=12), ANN_PHONE)
        await exchange.seat()
        leg = rings(exchange, RESIDENT, callee=Callee("silent", stays_s=60))
        call = await call_of(exchange, leg)
        await exchange.until(lambda: call_now(exchange, call.id).joined_at, what="a talk")
        await exchange.until(lambda: "我们马上再为您接通" in "".join(leg.heard), what="left alone")
        await exchange.until(lambda: call_now(exchange, call.id).over, what="the end")
        await exchange.until(lambda: all(one.over for one in exchange.calls(call.alert_id)), what="everybody's end")
        assert "录音" not in "".join(leg.heard)
        later = exchange.clock.monotonic() + 20
        await exchange.until(lambda: exchange.clock.monotonic() > later, what="time for a recording to be told of")
        assert not kept_by_carrier(exchange)
        assert rows(exchange, t.recordings) == []


async def test_a_crash_between_fetching_and_deleting_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with village(tmp_path) as exchange:
        gateway = exchange.line._gateways["twilio"]
        deletes: list[str] = []
        delete = gateway.delete_recording

        async def dies_at_first(ref: str) -> None:
            deletes.append(ref)
            if len(deletes) == 1:
                raise RuntimeError("the process dies here")
            await delete(ref)

        monkeypatch.setattr(gateway, "delete_recording", dies_at_first)
        await talk(exchange)
        row = await recording(exchange, "stored")
        assert kept_by_carrier(exchange) == [row["ref"]]
        await exchange.until(lambda: not kept_by_carrier(exchange), what="the second try")
        assert [(one["state"], one["sha256"]) for one in rows(exchange, t.recordings)] == [("stored", row["sha256"])]
        assert [file.name for file in (tmp_path / "recordings").iterdir()] == [row["file"]]


async def test_fetching_again_what_is_here_and_gone_there_comes_to_an_end(tmp_path: Path) -> None:
    """The process died after deleting and before it could note that it had."""
    async with village(tmp_path) as exchange:
        call = await talk(exchange)
        row = await recording(exchange, "stored")
        await exchange.until(lambda: not kept_by_carrier(exchange), what="nothing left at the carrier")
        await exchange.line.fetch_recording(FetchRecording(call, row["ref"]))
        assert rows(exchange, t.recordings) == [row]


async def test_a_recording_the_carrier_does_not_have_is_counted_and_noted(tmp_path: Path) -> None:
    before = metrics.recordings_missing._value.get()
    async with village(tmp_path, network=Network(recordings_absent=True)) as exchange:
        await talk(exchange)
        row = await recording(exchange, "missing")
        assert row["file"] is None
        await exchange.until(lambda: metrics.recordings_missing._value.get() == before + 1, what="the count")
