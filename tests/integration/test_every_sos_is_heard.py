"""Whatever is in an `up/sos`, it is stored with its bytes, rings, and its device is told so."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from callcenter.storage import tables as t
from callcenter.storage.engine import connect
from tests.conftest import Seat
from tests.integration.bracelet import bracelet, metrics_now
from tests.integration.conftest import unused
from tests.processes import Service

BIG = 1024 * 1024


def signals_of(centre: Service, device: str) -> list:
    url = centre.database_url or f"sqlite:///{centre.directory / 'callcenter.db'}"
    engine = connect(url, writer=False, size=1)
    try:
        with engine.connect() as connection:
            return list(connection.execute(select(t.signals).where(t.signals.c.device_id == device)))
    finally:
        engine.dispose()


@dataclass(frozen=True)
class Case:
    """A body, the `ref` its answer has, and what the alert then says of itself."""

    body: bytes
    ref: str = "m"
    kind: str = "sos"
    degraded: bool | None = True  # None: either will do
    counted: str | None = "body"  # the reason under which it is counted as not whole


def said(**fields: object) -> bytes:
    return json.dumps({"msg": "m"} | fields).encode()


CASES = {
    "empty": Case(b"", "*"),
    "broken JSON": Case(b'{"msg":"m","kind":"fall"', "*"),
    "a number": Case(b"12", "*"),
    "a list": Case(b'["sos"]', "*"),
    "a text": Case(b'"sos"', "*"),
    "null": Case(b"null", "*"),
    "bytes that are no UTF-8": Case(b"\xff\xfe\x00\x80sos", "*"),
    "1 MB of rubbish": Case(b"x" * BIG, "*"),
    "1 MB in an unknown field": Case(said(more="y" * BIG), degraded=False, counted=None),
    "every field of a wrong type": Case(
        said(kind="fall", batt="full", chg=7, rssi={}, loc=[1, 2], hr="fast", spo2=-1, at=[], clock=3, rep="x", src=9),
        kind="fall",
    ),
    "an unknown kind": Case(said(kind="earthquake")),
    "a kind of a wrong type": Case(said(kind=["test"])),
    "a message id that is a number": Case(b'{"msg":17}', "17"),
    "a message id that is too long": Case(said(msg="m" * 100), "m" * 100),
    "a message id of no length": Case(said(msg=""), "*"),
    "a message id that is an object": Case(said(msg={"a": 1}), "*"),
    "another version": Case(said(v=2)),
    "numbers that are none": Case(b'{"msg":"m","batt":NaN,"loc":{"lat":NaN,"lon":1e999}}'),
    "NUL in strings": Case(
        b'{"msg":"m\\u0000","src":"but\\u0000ton","raw":"\\u0000","more":"\\u0000"}'
    ),
    "lone surrogates": Case(
        b'{"msg":"m","kind":"fall","raw":"\\ud800","loc":{"lat":1,"lon":2,"fix":"\\ud800"}}', kind="fall"
    ),
    "a lone surrogate as an unknown field": Case(
        b'{"msg":"m","kind":"fall","\\ud800":"\\udfff","batt":40}', kind="fall", degraded=None, counted=None
    ),
    "lone surrogates in the message id": Case(b'{"msg":"\\ud800"}', "?"),
    "nesting made to break parsers": Case(b'{"msg":"m","a":' + b"[" * 200_000, "*"),
    "nesting that is valid": Case(
        b'{"msg":"m","a":' + b"[" * 500 + b"]" * 500 + b"}", degraded=False, counted=None
    ),
    "unknown fields": Case(said(colour="red", steps=[1, {"a": None}]), degraded=False, counted=None),
    "a device clock of 1970": Case(said(at="1970-01-02T00:00:00Z"), degraded=False, counted="clock"),
    "a device clock of 2120": Case(said(at="2120-01-01T00:00:00Z"), degraded=False, counted="clock"),
    "a device clock that is unset": Case(
        said(at="2000-01-01T00:00:00Z", clock="unset"), degraded=False, counted=None
    ),
    "a device time that is none": Case(said(at="yesterday")),
    "a device time before all times": Case(said(at="0001-01-01T00:00:00+14:00")),
    "a device time without a zone": Case(said(at="2026-11-21T08:00:00")),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
async def test_whatever_is_in_it(centre: Service, ann: Seat, worn: str, name: str) -> None:
    case, device = CASES[name], worn
    before = await metrics_now(centre)
    async with bracelet(centre.mqtt_port, device) as sender:
        await sender.send(case.body)
        ack = await sender.answer()
    assert (ack["ref"], ack["level"]) == (case.ref, "stored")

    (alert,) = (await ann.get(f"/api/v1/alerts?device={device}"))["alerts"]
    assert ack["alert"] == alert["id"]
    found = {key: alert[key] for key in ("kind", "state", "press_count", "late", "possibly_old")}
    assert found == {"kind": case.kind, "state": "waiting", "press_count": 1, "late": False, "possibly_old": False}
    if case.degraded is not None:
        assert alert["degraded"] is case.degraded
    assert alert["resident_id"] == worn.replace("bracelet", "r")

    (row,) = signals_of(centre, device)
    assert row.raw == case.body
    assert row.alert_id == alert["id"]
    after = await metrics_now(centre)
    for reason in ("body", "clock", "device", "retained"):
        grown = after.of("vnh_alarms_degraded_total", reason) - before.of("vnh_alarms_degraded_total", reason)
        if case.degraded is not None or reason != "body":
            assert grown == (1 if reason == case.counted else 0), reason
    assert after.of("vnh_alarms_received_total", case.kind) - before.of("vnh_alarms_received_total", case.kind) == 1


async def test_without_a_message_id_every_sending_is_a_press(centre: Service, ann: Seat, worn: str) -> None:
    async with bracelet(centre.mqtt_port, worn) as device:
        await device.send(b"")
        await device.send(b"")
        acks = await device.answers(2)
    (alert,) = (await ann.get(f"/api/v1/alerts?device={worn}"))["alerts"]
    assert alert["press_count"] == 2
    assert {(ack["ref"], ack["alert"]) for ack in acks} == {("*", alert["id"])}
    assert [row.raw for row in signals_of(centre, worn)] == [b"", b""]


@pytest.mark.parametrize(
    "device", ["stranger-1", "NOT-our-Device", "x", "测试手环", "d" * 60, "d" * 300, "a.b", "under_score"]
)
async def test_a_device_nobody_registered(centre: Service, ann: Seat, device: str) -> None:
    before = await metrics_now(centre)
    async with bracelet(centre.mqtt_port, device) as sender:
        await sender.press("u1")
        if len(device) <= 64:
            ack = await sender.answer()
            assert (ack["ref"], ack["level"]) == ("u1", "stored")
    kept = device[:64]
    alert = await eventually_one(ann, kept)
    assert (alert["degraded"], alert["resident_id"], alert["resident_name"]) == (True, None, "")
    assert alert["subject"] == f"device:{kept}"
    if len(device) <= 64:
        assert ack["alert"] == alert["id"]
    after = await metrics_now(centre)
    assert after.of("vnh_alarms_degraded_total", "device") - before.of("vnh_alarms_degraded_total", "device") == 1


async def eventually_one(ann: Seat, device: str) -> dict:
    for _ in range(500):
        found = (await ann.get("/api/v1/alerts?limit=2000"))["alerts"]
        mine = [alert for alert in found if alert["device_id"] == device]
        if mine:
            (alert,) = mine
            return alert
    raise AssertionError(f"no alert of {device!r}")


async def test_heard_late_is_marked_late(centre: Service, ann: Seat) -> None:
    """A clock that is believed: three minutes ago, and one that cannot be: in a minute."""
    now = datetime.now(UTC)
    for at, late in (
        (now - timedelta(seconds=180), True),
        (now - timedelta(seconds=20), False),
        (now + timedelta(seconds=60), False),
    ):
        device = unused(centre)
        async with bracelet(centre.mqtt_port, device) as sender:
            await sender.press("m", at=at.isoformat(), clock="net")
            await sender.answer()
        (alert,) = (await ann.get(f"/api/v1/alerts?device={device}"))["alerts"]
        assert alert["late"] is late, device


async def test_a_test_is_logged_and_answered_and_opens_nothing(centre: Service, ann: Seat, worn: str) -> None:
    async with bracelet(centre.mqtt_port, worn) as device:
        await device.press("t1", kind="test")
        ack = await device.answer()
        assert (ack["ref"], ack["level"], ack.get("alert")) == ("t1", "stored", None)
        assert (await ann.get(f"/api/v1/alerts?state=all&device={worn}"))["alerts"] == []
        (row,) = signals_of(centre, worn)
        assert (row.kind, row.alert_id) == ("test", None)

        await device.press("t1", kind="test", rep=1)
        assert (await device.answer())["ref"] == "t1"
        assert len(signals_of(centre, worn)) == 1


async def test_a_cancel_is_a_mark_and_closes_nothing(centre: Service, ann: Seat, worn: str) -> None:
    async with bracelet(centre.mqtt_port, worn) as device:
        await device.press("p1", kind="fall")
        alert = (await device.answer())["alert"]
        await device.press("c1", kind="cancel")
        ack = await device.answer()
        assert (ack["ref"], ack["level"], ack["alert"]) == ("c1", "stored", alert)
        (found,) = (await ann.get(f"/api/v1/alerts?device={worn}"))["alerts"]
        assert (found["state"], found["cancel_pressed"], found["press_count"]) == ("waiting", True, 1)

        await device.press("p2")
        await device.answer()
        (found,) = (await ann.get(f"/api/v1/alerts?device={worn}"))["alerts"]
        assert (found["cancel_pressed"], found["press_count"]) == (False, 2)


async def test_a_cancel_of_nothing_is_logged_and_answered(centre: Service, ann: Seat, worn: str) -> None:
    async with bracelet(centre.mqtt_port, worn) as device:
        await device.press("c1", kind="cancel")
        ack = await device.answer()
    assert (ack["ref"], ack["level"], ack.get("alert")) == ("c1", "stored", None)
    assert (await ann.get(f"/api/v1/alerts?state=all&device={worn}"))["alerts"] == []
