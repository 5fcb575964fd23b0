"""Debian's mosquitto_pub presses; console and device hear every step."""

import asyncio
import json

import aiomqtt

from tests.conftest import Seat
from tests.processes import Service, press


async def test_from_press_to_closed_alert(service: Service, seat: Seat) -> None:
    async with (
        seat.live() as live,
        aiomqtt.Client("127.0.0.1", service.mqtt_port, identifier="listener-1") as listener,
    ):
        assert (await live.receive_json(timeout=5))["type"] == "snapshot"
        await listener.subscribe("vnh/v1/bracelet-1/down/ack", qos=1)
        heard = listener.messages
        await asyncio.to_thread(press, service.mqtt_port, "bracelet-1", '{"v":1,"msg":"p1","kind":"sos"}')

        frame = await live.receive_json(timeout=5)
        while frame["type"] != "entry":
            frame = await live.receive_json(timeout=5)
        assert frame["rule"] == "alarm.opens"
        assert frame["alert"]["resident_name"] == "测试居民1"
        alert = frame["alert"]["id"]
        assert alert in {one["id"] for one in (await seat.get("/api/v1/alerts"))["alerts"]}

        for action, more in (("claim", {}), ("resolve", {"outcome": "helped_at_home"}), ("close", {})):
            status, body = await seat.act(alert, action, **more)
            assert status == 200, body

        levels = []
        async with asyncio.timeout(10):
            async for message in heard:
                ack = json.loads(message.payload)
                assert ack["ref"] == "p1"
                assert ack["alert"] == alert
                levels.append(ack["level"])
                if ack["level"] == "closed":
                    break
        assert levels == ["stored", "operator", "closed"]
