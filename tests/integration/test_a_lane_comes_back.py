"""A lane whose connection breaks at an awkward moment comes back. The broker here is a few bytes of MQTT 3.1.1."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest

from devices.mqtt import Address, Lane

CONNACK = bytes((0x20, 2, 0, 0))
SUBACK = bytes((0x90, 3, 0, 1, 1))
TOPIC = b"vnh/v1/bracelet-1/up/sos"
RESET = struct.pack("ii", 1, 0)  # linger for no time: the close is a reset


def press(mid: int) -> bytes:
    """A PUBLISH with QoS 1."""
    body = len(TOPIC).to_bytes(2, "big") + TOPIC + mid.to_bytes(2, "big") + b"{}"
    return bytes((0x32, len(body))) + body


class RudeBroker:
    """Says so much to a client and hangs up, `rude` times; then it behaves."""

    def __init__(self, rude: int, *says: bytes, reset: bool = False) -> None:
        self.rude, self.says, self.reset = rude, says, reset
        self.stays = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.rude:
            self.rude -= 1
            for words in self.says:
                await reader.read(1000)
                writer.write(words)
            if self.reset:
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        else:
            for words in (CONNACK, SUBACK):
                await reader.read(1000)
                writer.write(words)
                self.stays.set()
            await reader.read(-1)
        writer.close()


@contextlib.asynccontextmanager
async def lane_at(broker: RudeBroker, topics: dict[str, int]) -> AsyncIterator[asyncio.Event]:
    """A lane at that broker; the event tells whether it is connected."""
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    connected = asyncio.Event()
    lane = Lane(
        Address("127.0.0.1", server.sockets[0].getsockname()[1]),
        identifier="lane",
        topics=topics,
        receive=lambda _message: asyncio.sleep(0),  # stored a moment later: the acknowledgement comes when it comes
        clean=True,
        sleep=lambda _seconds: asyncio.sleep(0.01),
        on_change=lambda now: connected.set() if now else connected.clear(),
    )
    running = asyncio.ensure_future(lane.run())
    try:
        yield connected
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        server.close()


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize(
    ("topics", "says"),
    [
        pytest.param({}, [], id="before the welcome"),
        pytest.param({}, [CONNACK], id="with the welcome"),
        pytest.param({"vnh/#": 1}, [CONNACK], id="before the subscription stands"),
        pytest.param({"vnh/#": 1}, [CONNACK, SUBACK], id="after it stands"),
        pytest.param({"vnh/#": 1}, [CONNACK, SUBACK + press(1) + press(2) + press(3)], id="with presses"),
    ],
)
async def test_a_connection_that_breaks_is_made_again(topics: dict[str, int], says: list[bytes], reset: bool) -> None:
    """Each break used to cost 10 to 40 s, or lasted until a restart; three in a row must not take as long as one."""
    broker, complaints = RudeBroker(3, *says, reset=reset), list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    async with lane_at(broker, topics) as connected:
        async with asyncio.timeout(9):
            await broker.stays.wait()
            await connected.wait()
        assert not complaints
