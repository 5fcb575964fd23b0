"""A home phone: a red SOS key, a green service key, and a receiver that is lifted and put down."""

from devices.events import CallBody, SosBody
from simulators.device import Device
from simulators.presses import Press


class HomePhone(Device):
    caps = ("sos", "call", "beep")

    def press(self) -> Press:
        """The SOS key."""
        return self.signal(self.compose(SosBody, kind="sos", src="phone_key"))

    def service_key(self) -> Press:
        """The green key; repeated like an SOS, as the centre acknowledges it like one."""
        body = self.compose(CallBody, event="service_key")
        return self.repeat(Press(str(body.msg), "service_key"), body)

    async def off_hook(self) -> bool:
        return await self._call("off_hook")

    async def on_hook(self, *, after_s: float = 0.0) -> bool:
        return await self._call("on_hook", seconds=after_s)

    async def dialled(self, number: str) -> bool:
        return await self._call("dialled", number=number)

    async def _call(self, event: str, *, number: str | None = None, seconds: float | None = None) -> bool:
        return await self.publish(self.compose(CallBody, event=event, number=number, s=seconds), qos=1)
