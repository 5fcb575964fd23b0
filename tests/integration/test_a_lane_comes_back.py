"""A lane whose connection breaks at an awkward moment comes back. The broker here is a few bytes of MQTT 3.1.1."""

import asyncio
import contextlib

import pytest

from devices.mqtt import Address, Lane

CONNACK = bytes((0x20, 2, 0, 0))


class RudeBroker:
    """Accepts, and then hangs up on the first `rude` clients in the same breath."""

    def __init__(self, rude: int) -> None:
        self.rude = rude
        self.stays = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(CONNACK)
        if self.rude:
            self.rude -= 1
        else:
            self.stays.set()
            await reader.read(-1)
        writer.close()


@pytest.mark.parametrize("rude", [1, 3])
async def test_a_connection_that_breaks_with_its_welcome_is_made_again(rude: int) -> None:
    """aiomqtt forgets a break between the CONNACK and its own return; devices would never hear us again."""
    broker = RudeBroker(rude)
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connected = asyncio.Event()
    lane = Lane(
        Address("127.0.0.1", port),
        identifier="answers",
        topics={},
        receive=lambda _message: None,
        clean=True,
        sleep=lambda _seconds: asyncio.sleep(0.01),
        on_change=lambda now: connected.set() if now else connected.clear(),
    )
    running = asyncio.ensure_future(lane.run())
    try:
        async with asyncio.timeout(10):
            await broker.stays.wait()
            await connected.wait()
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        server.close()
