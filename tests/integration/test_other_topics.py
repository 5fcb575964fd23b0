"""What devices send that is no alarm: the good is taken, the bad is kept and counted, nothing ends in silence."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from callcenter.storage import queries, tables as t
from callcenter.storage.engine import connect
from devices.decoders import decode
from devices.events import Telemetry
from handlers.telemetry import TelemetryBuffer
from tests.conftest import Seat
from tests.integration.bracelet import LONGEST_S, bracelet, metrics_now
from tests.integration.office import ANN, Office
from tests.processes import Service

BAD_BODIES = {
    "empty_body": b"",
    "not_JSON": b'{"msg":"bad"',
    "not_a_JSON_object": b'["bad"]',
    "wrong_field": b'{"msg":"bad","batt":"full","loc":7,"hr":"fast","event":"danced","ref":5,"online":"perhaps"}',
}
LEAVES = ("up/status", "up/loc", "up/vitals", "up/call", "up/result", "state")


def dead_letters(centre: Service, device: str) -> list:
    engine = connect(centre.database_url or f"sqlite:///{centre.directory / 'callcenter.db'}", writer=False, size=1)
    try:
        with engine.connect() as connection:
            return list(connection.execute(select(t.dead_letters).where(t.dead_letters.c.device_id == device)))
    finally:
        engine.dispose()


async def test_what_cannot_be_read_is_kept_and_counted(centre: Service, ann: Seat, worn: str) -> None:
    before = await metrics_now(centre)
    wanted = {(leaf, body) for leaf in LEAVES for body in BAD_BODIES.values()}
    async with bracelet(centre.mqtt_port, worn) as device, bracelet(centre.mqtt_port, worn, leaf="down/nack") as other:
        for leaf, body in sorted(wanted):
            await device.send(body, leaf=leaf)
        refused = [await other.answer() for _ in LEAVES]  # those whose message id could be read
        async with asyncio.timeout(LONGEST_S):
            while len(found := await asyncio.to_thread(dead_letters, centre, worn)) < len(wanted):
                pass
        await device.press("after")
        assert (await device.answer())["ref"] == "after"  # and nothing before it was acknowledged
    assert {(row.leaf, row.raw) for row in found} == wanted
    assert len(found) == len(wanted)
    assert {(one["ref"], one["code"]) for one in refused} == {("bad", "unreadable")}
    after = await metrics_now(centre)
    for leaf in LEAVES:
        for reason in BAD_BODIES:
            name, labels = "vnh_dead_letters_total", (leaf, reason)
            # Not "== 1": what an earlier test sent is told by the collector up to a second later.
            assert after.of(name, *labels) - before.of(name, *labels) >= 1, labels
    (alert,) = (await ann.get(f"/api/v1/alerts?state=all&device={worn}"))["alerts"]
    assert alert["press_count"] == 1


async def test_one_megabyte_of_rubbish_is_kept_too(centre: Service, worn: str) -> None:
    rubbish = b"\xff" * (1024 * 1024)
    async with bracelet(centre.mqtt_port, worn) as device:
        await device.send(rubbish, leaf="up/result")
        await device.press("after")
        await device.answer()
    async with asyncio.timeout(LONGEST_S):
        while not (found := await asyncio.to_thread(dead_letters, centre, worn)):
            pass
    assert [row.raw for row in found] == [rubbish]


async def test_heartbeats_and_positions_reach_the_roster(centre: Service, ann: Seat, worn: str) -> None:
    async with bracelet(centre.mqtt_port, worn) as device:
        await device.send({"online": True, "sess": 5}, leaf="state")
        await device.send({"batt": 61, "net": "lte-m", "next_s": 300}, leaf="up/status", qos=0)
        await device.send({"loc": {"lat": 37.5, "lon": 122.1, "datum": "gcj02"}}, leaf="up/loc")
        async with asyncio.timeout(LONGEST_S):
            while True:
                (found,) = (await ann.get(f"/api/v1/devices?q={worn}&limit=1"))["devices"]
                if found["battery"] == 61 and found["online"] and found["seen_at"]:
                    break


async def test_the_service_key_opens_a_service_alert(centre: Service, ann: Seat, worn: str) -> None:
    phone = worn.replace("bracelet", "phone")
    async with bracelet(centre.mqtt_port, phone) as device:
        for repeat in range(3):
            await device.send({"msg": "k1", "event": "service_key", "rep": repeat}, leaf="up/call")
        acks = await device.answers(3)
        (alert,) = (await ann.get(f"/api/v1/alerts?device={phone}"))["alerts"]
        assert (alert["kind"], alert["state"], alert["press_count"], alert["priority"]) == ("service", "waiting", 1, 8)
        assert alert["subject"] == phone.replace("phone-", "household:h-")
        assert {(ack["ref"], ack["level"], ack["alert"]) for ack in acks} == {("k1", "stored", alert["id"])}

        await device.send({"msg": "h1", "event": "off_hook"}, leaf="up/call")
        ack = await device.answer()
        assert (ack["ref"], ack["level"], ack.get("alert")) == ("h1", "stored", None)
        assert len((await ann.get(f"/api/v1/alerts?device={phone}"))["alerts"]) == 1


# -- the same without a broker


def listened(office: Office, leaf: str, body: bytes, *, device: str = "bracelet-1"):
    return office.hear(f"vnh/v1/{device}/{leaf}", body)


@pytest.mark.parametrize("leaf", ["up/nonsense", "up/sos/more", "down/ack", "", "x" * 500, "up/\ud800"])
async def test_a_topic_nobody_knows(office: Office, leaf: str) -> None:
    await listened(office, leaf, b'{"msg":"m"}')
    (row,) = office.rows("dead_letters")
    assert (row.device_id, row.reason, row.raw) == ("bracelet-1", "unknown topic", b'{"msg":"m"}')
    assert office.alerts() == []


async def test_an_sos_that_joins_a_service_call_makes_it_an_emergency_that_rings_anew(office: Office) -> None:
    called = await listened(office, "up/call", b'{"msg":"k","event":"service_key"}', device="phone-1")
    await office.acts(called.alert, "claim")
    office.clock.advance(400)
    pressed = await office.press("phone-1", "p1")
    alert = office.alert(called.alert)
    assert pressed.alert == called.alert
    assert (alert.kind, alert.state, alert.owner, alert.waiting_since) == ("sos", "waiting", None, office.clock.now())
    assert office.entries()[-1].ring


async def test_the_service_key_on_an_open_emergency_joins_it(office: Office) -> None:
    pressed = await office.press("phone-1", "p1")
    called = await listened(office, "up/call", b'{"msg":"k","event":"service_key"}', device="phone-1")
    alert = office.alert(pressed.alert)
    assert called.alert == pressed.alert
    assert (alert.kind, alert.press_count) == ("sos", 2)


async def test_the_outcome_of_a_command_is_logged(office: Office) -> None:
    await listened(office, "up/result", b'{"msg":"m","ref":"c-1","ok":false,"detail":"no fix"}')
    (entry,) = office.entries()
    assert (entry.rule, entry.alert_id, '"ref":"c-1"' in entry.data) == ("command.result", None, True)


async def test_an_offline_of_an_older_connection_is_ignored(office: Office) -> None:
    def online() -> bool | None:
        (row,) = [one for one in office.read(queries.devices, "bracelet-1", 1)]
        return row["online"]

    for body, expected in (
        (b'{"online":true,"sess":10}', True),
        (b'{"online":false,"sess":9}', True),  # the will of a connection that died late
        (b'{"online":false,"sess":10}', False),
        (b'{"online":true,"sess":11}', True),
        (b'{"online":false,"sess":9007199254740992}', False),
    ):
        await listened(office, "state", body)
        assert online() is expected, body


async def test_telemetry_is_merged_and_the_newest_wins(office: Office) -> None:
    buffer = TelemetryBuffer(office.door, office.clock)

    def add(leaf: str, body: bytes, at: datetime) -> None:
        event = decode(f"vnh/v1/bracelet-1/{leaf}", body, at)
        assert isinstance(event, Telemetry)
        buffer.add(event)

    now = office.clock.now()
    add("up/status", b'{"batt":50,"next_s":60}', now)
    add("up/vitals", b'{"hr":70}', now + timedelta(seconds=1))
    add("up/status", b'{"steps":3}', now + timedelta(seconds=2))
    add("up/loc", b'{"loc":{"lat":1,"lon":2,"datum":"bd09"}}', now + timedelta(seconds=3))
    assert await buffer.flush() == 1
    (row,) = [one for one in office.rows("device_state") if one.device_id == "bracelet-1"]
    assert (row.battery, row.next_s, row.seen_at, row.lat, row.datum) == (50, 60, now + timedelta(seconds=3), 1, "bd09")

    add("up/status", b'{"batt":49}', now + timedelta(seconds=2.5))  # by the collector, told a moment later
    add("up/loc", b'{"loc":{"lat":5,"lon":2,"datum":"bd09"}}', now + timedelta(seconds=2.6))
    await buffer.flush()
    (row,) = [one for one in office.rows("device_state") if one.device_id == "bracelet-1"]
    assert (row.battery, row.seen_at, row.lat) == (49, now + timedelta(seconds=3), 1)


async def test_telemetry_of_nobody_is_not_an_error(office: Office) -> None:
    buffer = TelemetryBuffer(office.door, office.clock)
    buffer.add(decode("vnh/v1/stranger-1/up/status", b'{"batt":5}', office.clock.now()))
    assert await buffer.flush() == 1
    assert Counter(row.device_id for row in office.rows("device_state"))["stranger-1"] == 0


async def test_an_alarm_is_a_sign_of_life_and_tells_where(office: Office) -> None:
    taken = await office.press(loc={"lat": 37.5, "lon": 122.1, "acc": 3, "fix": "gnss"}, batt=7)
    (row,) = [one for one in office.rows("device_state") if one.device_id == "bracelet-1"]
    assert (row.battery, row.seen_at, row.lat) == (7, office.clock.now(), 37.5)
    await office.acts(taken.alert, "claim", ANN)
    office.clock.advance(60)
    await office.press(msg="p2")
    (row,) = [one for one in office.rows("device_state") if one.device_id == "bracelet-1"]
    assert row.seen_at == office.clock.now(), "any message counts as a sign of life (docs/device-events.md)"
    assert row.lat == 37.5
