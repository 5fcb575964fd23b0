"""The few MQTT 3.1.1 packets a load needs, by hand, for load.py only.

A client library would cost more CPU than the centre under test, on the same two cores.
"""

import asyncio
from collections.abc import Callable

CONNACK, PUBACK = 0x20, 0x40
CLEAN_SESSION, WITH_LOGIN = 0x02, 0xC0
MOST_UNSENT_BYTES = 8_000_000  # a broker that reads no more must not eat the machine's memory


def _text(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(2, "big") + data


def _packet(first_byte: int, body: bytes) -> bytes:
    length, size = len(body), b""
    while True:
        length, digit = divmod(length, 128)
        size += bytes([digit | 0x80 if length else digit])
        if not length:
            return bytes([first_byte]) + size + body


def connect(client_id: str, *, username: str, password: str) -> bytes:
    """No keep-alive (0): a load is bounded, and pings would only add noise."""
    flags = CLEAN_SESSION | (WITH_LOGIN if username else 0)
    login = _text(username) + _text(password) if username else b""
    return _packet(0x10, _text("MQTT") + bytes([4, flags, 0, 0]) + _text(client_id) + login)


def publish(topic: str, payload: bytes, *, packet_id: int = 0) -> bytes:
    """QoS 1 when it has a packet id, QoS 0 otherwise."""
    number = packet_id.to_bytes(2, "big") if packet_id else b""
    return _packet(0x32 if packet_id else 0x30, _text(topic) + number + payload)


DISCONNECT = b"\xe0\x00"


class Line(asyncio.Protocol):
    """One connection that only publishes; `acknowledged` is called with the packet id of each PUBACK."""

    def __init__(self, acknowledged: Callable[[int], None]) -> None:
        self.accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.lost = False
        self._acknowledged = acknowledged
        self._unread = b""
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, address: tuple[str, int], hello: bytes, *, acknowledged: Callable[[int], None]) -> "Line":
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(lambda: cls(acknowledged), *address)
        line.write(hello)
        async with asyncio.timeout(10):
            if code := await line.accepted:
                raise ConnectionRefusedError(f"the broker answered {code}")
        return line

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        self.lost = True
        if not self.accepted.done():
            self.accepted.set_exception(ConnectionResetError("closed before it was accepted"))

    def write(self, packet: bytes) -> None:
        transport = self._transport
        if self.lost or transport is None:
            raise ConnectionResetError("the broker is gone")
        if transport.get_write_buffer_size() > MOST_UNSENT_BYTES:
            raise ConnectionResetError("the broker does not read")
        transport.write(packet)

    def close(self) -> None:
        if self._transport and not self.lost:
            self._transport.write(DISCONNECT)
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """CONNACK and PUBACK are four bytes each, and nothing else can come: we subscribe to nothing."""
        self._unread += data
        while len(self._unread) >= 4:
            head, self._unread = self._unread[:4], self._unread[4:]
            if head[0] == CONNACK and not self.accepted.done():
                self.accepted.set_result(head[3])
            elif head[0] == PUBACK:
                self._acknowledged(int.from_bytes(head[2:4], "big"))
