"""The only file that knows the MQTT library: two lanes in, one way out, and acknowledgement after the commit.

aiomqtt acknowledges on arrival. Here a subclass tells paho, before it connects, that we acknowledge, takes messages
straight from its callback (docs/adr/0004), and watches its socket itself (docs/adr/0012). A lane that could not store
what it heard leaves the broker unacknowledged and comes back: unacknowledged messages return on the next connection.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt
import paho.mqtt.client as paho

logger = logging.getLogger("mqtt")
_Socket = Any  # a plain one or one of TLS

BACKOFF_S = (0.2, 0.5, 1.0, 2.0)  # a broker that is back is found within two seconds
PUBLISH_TIMEOUT_S = 5.0
KEEPALIVE_S = 15
REFUSED = 0x80  # and above: the codes of a SUBACK that grants nothing
CHECK_S = 0.5  # how often a lane asks whether it may stay
MOST_IN_FLIGHT = 200  # answers on their way to the broker at once; paho's 20 would make a storm wait


@dataclass(frozen=True, slots=True)
class Address:
    """Where the broker is and who we are there."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: bool = False

    @classmethod
    def parse(cls, url: str) -> "Address":
        """`mqtt://[user:password@]host[:port]`, `mqtts://` for TLS."""
        parts = urlsplit(url)
        tls = parts.scheme == "mqtts"
        return cls(
            parts.hostname or "127.0.0.1",
            parts.port or (8883 if tls else 1883),
            unquote(parts.username) if parts.username else None,
            unquote(parts.password) if parts.password else None,
            tls,
        )


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it came. `acknowledge` is for QoS 1 and does nothing once its connection is gone."""

    topic: str
    payload: bytes
    retained: bool
    acknowledge: Callable[[], None]


# Called for each message, in order. It may return something to wait for: the message is acknowledged when that
# is done, and the lane reconnects when that fails.
Receive = Callable[[Message], Awaitable[Any] | None]


class _Client(aiomqtt.Client):
    """Manual acknowledgement from the first packet on, and no queue between the socket and us."""

    def __init__(
        self, address: Address, *, identifier: str, clean: bool, take: Callable[[paho.MQTTMessage], None]
    ) -> None:
        self._take = take
        self._thread = threading.get_ident()  # the event loop's; paho connects in another one
        self.storing: set[int] = set()  # packet ids of what was heard and is not yet stored
        self.open = True  # until its connection is over; an acknowledgement must never reach another one
        super().__init__(
            address.host,
            address.port,
            identifier=identifier,
            username=address.username,
            password=address.password,
            tls_context=ssl.create_default_context() if address.tls else None,
            clean_session=clean,
            keepalive=KEEPALIVE_S,
            protocol=aiomqtt.ProtocolVersion.V311,
            # Without it an acknowledgement of ours waits 40 ms for company (measured, models.md 6).
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
            logger=logger,
        )
        self._client.manual_ack_set(True)
        self._client.max_inflight_messages_set(MOST_IN_FLIGHT)
        self._sent: dict[int, asyncio.Future[None]] = {}

    def _on_message(self, client: paho.Client, userdata: Any, message: paho.MQTTMessage) -> None:  # noqa: ANN401
        self._take(message)

    # -- the socket. aiomqtt watches and unwatches it a turn of the loop later, when it may be closed and its number
    # belong to another connection, which then hears nothing any more (docs/adr/0012).

    def _in_loop(self, watch: Callable[[_Socket], None], sock: _Socket) -> None:
        if threading.get_ident() == self._thread:
            watch(sock)
        else:
            self._loop.call_soon_threadsafe(watch, sock)

    def _still(self, sock: _Socket) -> bool:
        return self._client.socket() is sock

    def _watch(self, sock: _Socket) -> None:
        if self._still(sock):
            self._loop.add_reader(sock.fileno(), self._read)
            self._misc_task = self._loop.create_task(self._misc_loop())

    def _watch_write(self, sock: _Socket) -> None:
        if self._still(sock):
            self._loop.add_writer(sock.fileno(), self._write)

    def _on_socket_open(self, client: paho.Client, userdata: Any, sock: _Socket) -> None:  # noqa: ANN401
        self._in_loop(self._watch, sock)

    def _on_socket_register_write(self, client: paho.Client, userdata: Any, sock: _Socket) -> None:  # noqa: ANN401
        self._in_loop(self._watch_write, sock)

    def _read(self) -> None:
        try:
            self._client.loop_read()
            while (sock := self._client.socket()) and hasattr(sock, "pending") and sock.pending():
                self._client.loop_read()  # what TLS has decoded already wakes nobody
        except Exception as error:
            self._broke(error)

    def _write(self) -> None:
        try:
            self._client.loop_write()
        except Exception as error:
            self._broke(error)

    def _broke(self, error: Exception) -> None:
        """Nobody waits any longer for what this connection will not bring; aiomqtt would for 10 s."""
        waiting: tuple[asyncio.Future[Any], ...] = (
            self._connected,
            self._disconnected,
            *self._pending_subscribes.values(),
        )
        for future in waiting:
            if not future.done():
                future.set_exception(error)
                future.exception()  # it need not be asked for
        self.hang_up()  # so that `gone` knows it too

    def _on_disconnect(
        self,
        client: paho.Client,
        userdata: Any,  # noqa: ANN401
        flags: Any,  # noqa: ANN401
        reason: Any,  # noqa: ANN401
        properties: Any = None,  # noqa: ANN401
    ) -> None:
        if reason != paho.MQTT_ERR_SUCCESS:
            self._broke(aiomqtt.MqttCodeError(reason, "the connection broke"))
        super()._on_disconnect(client, userdata, flags, reason, properties)

    def hang_up(self) -> None:
        """Whatever has become of it: no connection of ours stays behind."""
        self._client.disconnect()

    def send(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> asyncio.Future[None]:
        """Publish; the future is done when the broker has it. aiomqtt's own way costs three times as much."""
        future: asyncio.Future[None] = self._loop.create_future()
        info = self._client.publish(topic, payload, qos, retain)
        if info.rc != paho.MQTT_ERR_SUCCESS:
            raise ConnectionError(paho.error_string(info.rc))
        if qos == 0:
            future.set_result(None)
        else:
            self._sent[info.mid] = future
        return future

    def _on_publish(self, client: paho.Client, userdata: Any, mid: int, reason: Any, properties: Any) -> None:  # noqa: ANN401
        future = self._sent.pop(mid, None)
        if future and not future.done():
            future.set_result(None)

    def fail_sent(self) -> None:
        """The connection is over: nobody will confirm what is on its way."""
        for future in self._sent.values():
            if not future.done():
                future.set_exception(ConnectionError("the connection broke"))
        self._sent.clear()

    def acknowledge(self, mid: int, qos: int) -> None:
        self._client.ack(mid, qos)

    @property
    def gone(self) -> bool:
        """No socket any more. aiomqtt forgets a break that comes between the broker's welcome and its own return."""
        return self._client.socket() is None

    async def until_disconnected(self) -> None:
        """Raises aiomqtt.MqttError when the connection breaks."""
        await asyncio.shield(self._disconnected)


class Lane:
    """One connection with its subscriptions, kept up for ever, to one server of the cluster after another.

    `clean` False keeps a session at the broker, so that what arrives while we are away waits for us.
    """

    def __init__(
        self,
        addresses: Sequence[Address],
        *,
        identifier: str,
        topics: dict[str, int],
        receive: Receive,
        clean: bool,
        may_connect: Callable[[], bool] = lambda: True,
        sleep: Callable[[float], Awaitable[None]],
        on_change: Callable[[bool], None] = lambda _connected: None,
    ) -> None:
        self._addresses = addresses
        self._at = 0  # the one of `addresses` whose turn it is
        self._identifier = identifier
        self._topics = topics
        self._receive = receive
        self._clean = clean
        self._may_connect = may_connect
        self._sleep = sleep
        self._on_change = on_change
        self._client: _Client | None = None

    @property
    def connected(self) -> bool:
        return self._client is not None

    async def run(self) -> None:
        """Connect, listen, and when the connection breaks come back with a new client."""
        failures = 0
        while True:
            while not self._may_connect():  # what we hear now could not be stored: it waits at the broker
                await self._sleep(0.5)
            try:
                await self._connection()
                failures = 0
            except Exception as error:  # whatever a broker says, and paho makes of it: a lane does not end
                usual = isinstance(error, aiomqtt.MqttError | OSError)
                logger.warning("%s: %s: %s", self._identifier, type(error).__name__, error, exc_info=not usual)
                failures += 1
                self._at = (self._at + 1) % len(self._addresses)
            await self._sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])

    async def _connection(self) -> None:
        """One connection, from connect to the end. Every acknowledgement belongs to exactly this one."""
        leave: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        client = _Client(
            self._addresses[self._at],
            identifier=self._identifier,
            clean=self._clean,
            take=lambda message: self._take(client, leave, message),
        )
        try:
            async with client:
                if self._topics:
                    await self._subscribe(client)
                await self._stand(client, leave)
        finally:
            client.open = False
            client.hang_up()

    async def _subscribe(self, client: _Client) -> None:
        """Raises ConnectionError when the broker refuses a topic: connected and deaf, nobody would be heard."""
        codes: Iterable[Any] = await client.subscribe(list(self._topics.items()))
        for (topic, wanted), code in zip(self._topics.items(), codes, strict=False):
            got = code.value
            if got >= REFUSED:
                raise ConnectionError(f"the broker refuses the subscription to {topic} (code {got})")
            if got < wanted:
                logger.error("%s: the broker gives %s only QoS %d: presses can be lost", self._identifier, topic, got)

    async def _stand(self, client: _Client, leave: asyncio.Future[None]) -> None:
        """What we say goes over this connection now."""
        self._client = client
        self._on_change(True)
        try:
            await self._until_over(client, leave)
        finally:
            client.open = False
            client.fail_sent()
            self._client = None
            self._on_change(False)

    async def _until_over(self, client: _Client, leave: asyncio.Future[None]) -> None:
        """Until it breaks, something could not be stored, or nothing can be stored any more."""
        broken = asyncio.ensure_future(client.until_disconnected())
        try:
            while self._may_connect():
                if client.gone:
                    raise ConnectionError("the connection broke while it was made")
                done, _ = await asyncio.wait((broken, leave), timeout=CHECK_S, return_when=asyncio.FIRST_COMPLETED)
                if done:
                    done.pop().result()
                    return
        finally:
            broken.cancel()

    def _take(self, client: _Client, leave: asyncio.Future[None], message: paho.MQTTMessage) -> None:
        def acknowledge() -> None:
            if client.open and message.qos:
                client.acknowledge(message.mid, message.qos)

        topic = message._topic.decode(errors="replace")  # paho's own `topic` raises when it is not UTF-8
        heard = Message(topic, bytes(message.payload), bool(message.retain), acknowledge)
        if message.dup and message.mid in client.storing:
            # A broker gives again what we are slow to store; taken each time, it would make us slower and slower. Known
            # by its packet id alone: two presses may look alike. The first one's end acknowledges it, once.
            return
        try:
            stored = self._receive(heard)
        except Exception:  # a fault of ours: the message stays unacknowledged and comes back
            logger.exception("%s: could not take a message", self._identifier)
            if not leave.done():
                leave.set_result(None)
            return
        if stored is None:
            acknowledge()
            return
        client.storing.add(message.mid)
        storing = asyncio.ensure_future(stored)
        storing.add_done_callback(lambda _future: client.storing.discard(message.mid))
        storing.add_done_callback(lambda future: _settle(future, acknowledge, leave))

    async def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Send one message; with QoS 1 wait until the broker has it. Raises ConnectionError or TimeoutError.

        ValueError: no broker would take this topic.
        """
        client = self._client
        if client is None:
            raise ConnectionError("the broker is not connected")
        async with asyncio.timeout(PUBLISH_TIMEOUT_S):  # wait_for of Python 3.11 may swallow a cancellation
            await client.send(topic, payload, qos=qos, retain=retain)


def _settle(stored: asyncio.Future[Any], acknowledge: Callable[[], None], leave: asyncio.Future[None]) -> None:
    """Stored: acknowledge. Not stored: do not, and leave, so that the broker gives it again."""
    if not stored.cancelled() and stored.exception() is None:
        acknowledge()
    elif not leave.done():
        with contextlib.suppress(asyncio.InvalidStateError):
            leave.set_result(None)
