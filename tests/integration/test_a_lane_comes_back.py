"""A lane comes back from a connection that breaks at an awkward moment, and from whatever a broker says.

The broker here is a few bytes of MQTT 3.1.1.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import paho.mqtt.client as paho
import pytest

from devices.decoders import decode
from devices.events import Signal, Unreadable
from devices.mqtt import Address, Lane, Message, Receive

CONNACK = bytes((0x20, 2, 0, 0))
SUBACK = bytes((0x90, 3, 0, 1, 1))
REFUSES = bytes((0x90, 3, 0, 1, 0x80))
GARBAGE = bytes((0x32, 1, 0))  # a PUBLISH that ends within the length of its topic
RESET = struct.pack("ii", 1, 0)  # linger for no time: the close is a reset


def press(mid: int, topic: bytes = b"vnh/v1/bracelet-1/up/sos", *, again: bool = False) -> bytes:
    """A PUBLISH with QoS 1. `again`: the broker says that it has given it before."""
    body = len(topic).to_bytes(2, "big") + topic + mid.to_bytes(2, "big") + b"{}"
    return bytes((0x3A if again else 0x32, len(body))) + body


def puback(mid: int) -> bytes:
    return bytes((0x40, 2)) + mid.to_bytes(2, "big")


class RudeBroker:
    """Says so much to a client and hangs up, or waits until the client does, `rude` times; then it behaves."""

    def __init__(self, rude: int, *says: bytes, reset: bool = False, waits: bool = False, gives: bytes = b"") -> None:
        self.rude, self.says, self.reset, self.waits, self.gives = rude, says, reset, waits, gives
        self.stays = asyncio.Event()
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()  # since it has given what it gives

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.rude:
            self.rude -= 1
            for words in self.says:
                await reader.read(1000)
                writer.write(words)
            if self.waits:
                await reader.read(-1)
            if self.reset:
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        else:
            for words in (CONNACK, SUBACK):
                await reader.read(1000)
                writer.write(words)
                self.stays.set()
            writer.write(self.gives)
            while words := await reader.read(1000):
                self.heard.put_nowait(words)
        writer.close()


@contextlib.asynccontextmanager
async def lane_at(
    broker: RudeBroker,
    topics: dict[str, int],
    # Stored a moment later: the acknowledgement comes when it comes.
    receive: Receive = lambda _message: asyncio.sleep(0),
    *,
    dead: int = 0,
) -> AsyncIterator[asyncio.Event]:
    """A lane at that broker, the last of a cluster with so many dead ones; the event tells whether it is connected."""
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    connected = asyncio.Event()
    lane = Lane(
        [*(Address("127.0.0.1", 1) for _ in range(dead)), Address("127.0.0.1", server.sockets[0].getsockname()[1])],
        identifier="lane",
        topics=topics,
        receive=receive,
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


@pytest.mark.parametrize("raises", [False, True], ids=["paho sees it", "paho raises"])
@pytest.mark.parametrize(
    ("topics", "says"),
    [
        pytest.param({}, [GARBAGE], id="instead of the welcome"),
        pytest.param({}, [CONNACK + GARBAGE], id="with the welcome"),
        pytest.param({"vnh/#": 1}, [CONNACK, GARBAGE], id="instead of the subscription"),
        pytest.param({"vnh/#": 1}, [CONNACK, SUBACK + GARBAGE], id="after it stands"),
    ],
)
async def test_a_broker_that_talks_garbage_is_left_and_tried_again(
    topics: dict[str, int], says: list[bytes], raises: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """paho 2.2 knows most of it for what it is; 2.1 raised what decoding raised, which ended the whole service."""
    if raises:
        monkeypatch.setattr(paho, "MalformedPacket", ())  # paho catches it no longer
    broker = RudeBroker(3, *says, waits=True)
    async with lane_at(broker, topics) as connected, asyncio.timeout(9):
        await broker.stays.wait()
        await connected.wait()


async def test_of_a_cluster_the_next_server_is_asked_when_one_does_not_answer() -> None:
    broker = RudeBroker(1)  # and after the last one the first again
    async with lane_at(broker, {"vnh/#": 1}, dead=2) as connected, asyncio.timeout(9):
        await broker.stays.wait()
        await connected.wait()


async def test_a_subscription_that_is_refused_is_asked_for_again_on_a_new_connection() -> None:
    """A broker whose rules are just being changed: a lane that stood would be connected, and deaf until a restart."""
    broker = RudeBroker(3, CONNACK, REFUSES, waits=True)
    async with lane_at(broker, {"vnh/#": 1}) as connected, asyncio.timeout(9):
        await broker.stays.wait()
        await connected.wait()
    assert not broker.rude


@pytest.mark.parametrize(
    ("topic", "meaning"),
    [
        pytest.param(b"vnh/v1/bracelet-\xff/up/sos", Signal, id="whose press, in part"),
        pytest.param(b"vnh/v1/bracelet-1/up/\xff", Unreadable, id="from whom, but not what"),
    ],
)
async def test_a_message_whose_topic_is_not_utf_8_is_taken(topic: bytes, meaning: type) -> None:
    """Handed on, and acknowledged when it is stored."""
    taken, stored = asyncio.Queue[Message](), asyncio.get_running_loop().create_future()

    def receive(message: Message) -> asyncio.Future[None]:
        taken.put_nowait(message)
        return stored

    broker = RudeBroker(0, gives=press(7, topic))
    async with lane_at(broker, {"vnh/#": 1}, receive), asyncio.timeout(9):
        message = await taken.get()
        assert isinstance(decode(message.topic, message.payload, datetime.now(UTC)), meaning)
        assert broker.heard.empty()
        stored.set_result(None)
        assert await broker.heard.get() == puback(7)


async def test_what_the_broker_gives_again_while_it_is_being_stored_is_taken_once() -> None:
    """Behind a slow database every alarm came again each five seconds, and made it slower (docs/adr/0034)."""
    taken: list[asyncio.Future[None]] = []

    three = asyncio.Event()

    def receive(_message: Message) -> asyncio.Future[None]:
        taken.append(asyncio.get_running_loop().create_future())
        if len(taken) == 3:
            three.set()
        return taken[-1]

    given = press(7) + press(7, again=True) + press(9) + press(10, again=True) + press(9, again=True)
    broker = RudeBroker(0, gives=given)
    async with lane_at(broker, {"vnh/#": 1}, receive), asyncio.timeout(9):
        await three.wait()
        assert broker.heard.empty()
        for stored in taken:
            stored.set_result(None)
        heard = b""
        while len(heard) < 12:
            heard += await broker.heard.get()
        # Once each: a second one could acknowledge whatever gets the number next.
        assert sorted(heard[n : n + 4] for n in range(0, len(heard), 4)) == [puback(mid) for mid in (7, 9, 10)]
    assert len(taken) == 3  # presses that look alike are several, also one that was given to another connection before
