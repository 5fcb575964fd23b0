"""A device as the broker sees it: it sends what a test says and hears what the centre answers."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.request import urlopen

import aiomqtt
from prometheus_client.parser import text_string_to_metric_families

from tests.processes import Service

LONGEST_S = 15.0  # for an answer that comes in milliseconds unless something is wrong


class Bracelet:
    """One MQTT connection, listening to `down/ack` of one device, or of all with "+"."""

    def __init__(self, client: aiomqtt.Client, device: str) -> None:
        self._client, self.device = client, device

    async def send(
        self,
        body: bytes | dict[str, object],
        *,
        leaf: str = "up/sos",
        device: str = "",
        retain: bool = False,
        qos: int = 1,
    ) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        await self._client.publish(f"vnh/v1/{device or self.device}/{leaf}", data, qos=qos, retain=retain)

    async def press(self, msg: str, **more: object) -> None:
        await self.send({"v": 1, "msg": msg, "kind": "sos"} | more)

    async def answer(self) -> dict:
        """The next acknowledgement."""
        async with asyncio.timeout(LONGEST_S):
            message = await anext(aiter(self._client.messages))
        return json.loads(message.payload) | {"topic": str(message.topic)}

    async def answers(self, count: int) -> list[dict]:
        return [await self.answer() for _ in range(count)]

    async def silence(self, seconds: float) -> None:
        """No acknowledgement comes. Use only after something else has shown that the message was taken."""
        try:
            async with asyncio.timeout(seconds):
                message = await anext(aiter(self._client.messages))
        except TimeoutError:
            return
        raise AssertionError(f"heard {message.payload!r} on {message.topic}")


@asynccontextmanager
async def bracelet(port: int, device: str, *, leaf: str = "down/ack") -> AsyncIterator[Bracelet]:
    async with aiomqtt.Client("127.0.0.1", port, identifier=f"test-{secrets.token_hex(6)}") as client:
        await client.subscribe(f"vnh/v1/{device}/{leaf}", qos=1)
        yield Bracelet(client, device)


class Metrics(dict[tuple[str, tuple[str, ...]], float]):
    """(sample name, label values) -> value; 0 for what has not been counted yet."""

    def __missing__(self, _key: tuple[str, tuple[str, ...]]) -> float:
        return 0.0

    def of(self, name: str, *labels: str) -> float:
        return self[name, labels]


def metrics(centre: Service) -> Metrics:
    with urlopen(f"{centre.http}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return Metrics(
        ((sample.name, tuple(sample.labels.values())), sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    )


async def metrics_now(centre: Service) -> Metrics:
    return await asyncio.to_thread(metrics, centre)
