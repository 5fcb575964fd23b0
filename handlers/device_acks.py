"""Effects on devices: how far their message has got, and taking a retained alarm off the broker."""

from collections.abc import Awaitable, Callable

from callcenter.alerts.effects import ClearRetained, RefuseMessage, TellDevice, TellDevices
from callcenter.clock import Clock
from callcenter.ports import Publish
from devices.events import Ack, AckLevel, Nack, topic
from handlers.outbox import Impossible

MessagesOf = Callable[[str], Awaitable[list[tuple[str, str]]]]  # alert -> (device, ref) of its messages


class DeviceAcks:
    """Performs effects by MQTT. Every one may be repeated without harm."""

    def __init__(self, publish: Publish, messages_of: MessagesOf, clock: Clock) -> None:
        self._publish = publish
        self._messages_of = messages_of
        self._clock = clock

    async def tell_device(self, effect: TellDevice) -> Impossible | None:
        await self._ack(effect.device, effect.ref, effect.level, effect.alert)
        return None

    async def tell_devices(self, effect: TellDevices) -> Impossible | None:
        for device, ref in await self._messages_of(effect.alert):
            await self._ack(device, ref, effect.level, effect.alert)
        return None

    async def refuse_message(self, effect: RefuseMessage) -> Impossible | None:
        nack = Nack(ref=effect.ref, code="unreadable", at=self._clock.now())
        await self._publish(topic(effect.device, Nack.leaf), nack.encode(), qos=1)
        return None

    async def clear_retained(self, effect: ClearRetained) -> Impossible | None:
        await self._publish(topic(effect.device, "up/sos"), b"", qos=1, retain=True)
        return None

    async def _ack(self, device: str, ref: str, level: str, alert: str | None) -> None:
        ack = Ack(ref=ref, level=AckLevel(level), alert=alert, at=self._clock.now())
        try:
            await self._publish(topic(device, Ack.leaf), ack.encode(), qos=1)
        except ValueError:
            return  # a device id that no topic can name: nobody could hear us there
