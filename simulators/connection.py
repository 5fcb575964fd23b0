"""A device's connection to the broker: presence and will, and a return by itself whenever it is lost."""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any, Self
from urllib.parse import urlsplit

import aiomqtt
import structlog

from devices.events import StateBody, topic
from simulators.presses import now

log = structlog.get_logger()
BACK_OFF_S = (0.3, 0.6, 1.0, 2.0, 4.0)
SUBSCRIPTION_REFUSED = 0x80
PORTS = {"mqtt": 1883, "mqtts": 8883}
NO_DELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)


@dataclass(frozen=True, slots=True)
class Broker:
    host: str
    port: int
    tls: bool = False

    @classmethod
    def at(cls, url: str) -> Self:
        """The address says no password of its own in an error: whoever reads the log must not learn it."""
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError(f"not an address of the form mqtt://host:port: {parts.scheme}://{parts.hostname}")
        return cls(parts.hostname, parts.port or PORTS[parts.scheme], parts.scheme == "mqtts")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who connects, and what it says of itself when it is online."""

    device: str
    password: str
    model: str
    firmware: str
    caps: tuple[str, ...]


class Connection:
    """`run()` stays connected until cancelled; `count` says how often it has come online."""

    def __init__(self, broker: Broker, identity: Identity, *, dice: Random) -> None:
        self.online = asyncio.Event()
        self.count = 0
        self._broker = broker
        self._identity = identity
        self._dice = dice
        self._sess = 0
        self._client: aiomqtt.Client | None = None

    async def run(self, hear: Callable[[str, Any], None], came_online: Callable[[], None]) -> None:
        """A new client for every attempt, as an old one keeps its queue."""
        failures = 0
        while True:
            before = self.count
            try:
                await self._session(hear, came_online)
            except aiomqtt.MqttError as error:
                failures = 0 if self.count > before else failures + 1
                log.debug("device_offline", device=self._identity.device, reason=str(error), failures=failures)
            wait = BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)]
            await asyncio.sleep(wait * self._dice.uniform(0.7, 1.3))  # a fleet must not return in step

    async def send(self, leaf: str, payload: bytes, *, qos: int) -> bool:
        """Send now; False when there is no connection, or it breaks."""
        client = self._client
        if client is None:
            return False
        try:
            await client.publish(topic(self._identity.device, leaf), payload, qos=qos)
        except aiomqtt.MqttError as error:
            log.debug("publish_failed", device=self._identity.device, leaf=leaf, reason=str(error))
            return False
        return True

    async def _session(self, hear: Callable[[str, Any], None], came_online: Callable[[], None]) -> None:
        self._sess = max(self._sess + 1, int(time.time() * 1000))  # grows over restarts of the simulation too
        prefix = topic(self._identity.device, "")
        async with self._new_client() as client:
            granted = await client.subscribe(f"{prefix}down/#", qos=1)
            if granted[0] == SUBSCRIPTION_REFUSED:
                raise aiomqtt.MqttError("may not hear its own acks")
            await client.publish(f"{prefix}state", self.state(online=True), qos=1, retain=True)
            self._client = client
            self.count += 1
            self.online.set()
            came_online()
            try:
                async for message in client.messages:
                    hear(str(message.topic).removeprefix(prefix), message.payload)
            except asyncio.CancelledError:
                with suppress(aiomqtt.MqttError):  # a clean disconnect sends no will, so say it
                    gone = self.state(online=False)
                    await client.publish(f"{prefix}state", gone, qos=1, retain=True, timeout=0.5)
                raise
            finally:
                self._client = None
                self.online.clear()

    def _new_client(self) -> aiomqtt.Client:
        device = self._identity.device
        return aiomqtt.Client(
            self._broker.host,
            self._broker.port,
            username=device,
            password=self._identity.password,
            identifier=device,
            will=aiomqtt.Will(topic(device, "state"), self.state(online=False), 1, retain=True),
            clean_session=True,
            keepalive=20,
            timeout=5,
            socket_options=NO_DELAY,
            tls_context=ssl.create_default_context() if self._broker.tls else None,
        )

    def state(self, *, online: bool) -> bytes:
        mine = self._identity
        about = {"model": mine.model, "fw": mine.firmware, "caps": list(mine.caps)} if online else {}
        return StateBody.model_validate({"online": online, "sess": self._sess, "at": now(), **about}).encode()
