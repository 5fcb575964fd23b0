"""The floor: a process that does only what cannot be avoided, with the same broker and the same load.

Hear a press from the broker, commit one row durably, acknowledge, send one frame over a local WebSocket.
No rules, no people, no timers, no effects. Run as `python -m benchmarks.floor DIRECTORY MQTT_PORT HTTP_PORT`.
"""

import asyncio
import json
import sqlite3
import sys
from pathlib import Path

from aiohttp import web

from devices.broker import EmbeddedBroker
from devices.mqtt import Address, Lane, Message


class Floor:
    def __init__(self, directory: Path, mqtt_port: int) -> None:
        self.broker = EmbeddedBroker(host="127.0.0.1", port=mqtt_port, directory=directory / "broker", name="floor")
        self.database = sqlite3.connect(directory / "floor.db", isolation_level=None)
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.execute("PRAGMA synchronous=FULL")
        self.database.execute("CREATE TABLE presses (msg TEXT PRIMARY KEY, raw BLOB)")
        self.sockets: set[web.WebSocketResponse] = set()
        self.news: asyncio.Queue[str] = asyncio.Queue()
        address = [Address("127.0.0.1", mqtt_port)]
        topics = {"vnh/v1/+/up/sos": 1}
        self.lanes = [
            Lane(address, identifier="floor", topics=topics, receive=self.press, clean=False, sleep=asyncio.sleep),
            Lane(address, identifier="floor-t", topics={"vnh/v1/+/up/status": 0}, receive=lambda _m: None, clean=True,
                 sleep=asyncio.sleep),
        ]  # fmt: skip

    def press(self, message: Message) -> None:
        msg = json.loads(message.payload)["msg"]
        self.database.execute("INSERT OR IGNORE INTO presses VALUES (?, ?)", (msg, message.payload))
        self.news.put_nowait(json.dumps({"type": "entry", "data": {"msg": msg}}))

    async def live(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        self.sockets.add(socket)
        async for _message in socket:
            pass
        self.sockets.discard(socket)
        return socket

    async def ready(self, _request: web.Request) -> web.Response:
        return web.Response(status=200 if all(lane.connected for lane in self.lanes) else 503)

    async def tell(self) -> None:
        while True:
            frame = await self.news.get()
            for socket in tuple(self.sockets):
                await socket.send_str(frame)

    async def run(self, http_port: int) -> None:
        await self.broker.start()
        app = web.Application()
        app.router.add_get("/live", self.live)
        app.router.add_get("/readyz", self.ready)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", http_port).start()
        await asyncio.gather(self.tell(), *(lane.run() for lane in self.lanes))


if __name__ == "__main__":
    with asyncio.Runner() as loop:
        loop.run(Floor(Path(sys.argv[1]), int(sys.argv[2])).run(int(sys.argv[3])))
