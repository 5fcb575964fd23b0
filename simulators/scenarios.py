"""Named things that happen at a device, each a few lines: what tests, the demo and drills are made of."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from simulators.bracelet import Bracelet
from simulators.connection import Broker
from simulators.device import Habits
from simulators.home_phone import HomePhone
from simulators.presses import Press

Presses = tuple[Press, ...]
Wait = Callable[[float], Awaitable[None]]  # seconds of the story, which a test may shorten


async def press(device: Bracelet, _wait: Wait) -> Presses:
    return (device.press(),)


async def double_press(device: Bracelet, wait: Wait) -> Presses:
    first = device.press()
    await wait(2)
    return first, device.press()


async def triple_press(device: Bracelet, wait: Wait) -> Presses:
    earlier = await double_press(device, wait)
    await wait(3)
    return (*earlier, device.press())


async def fall(device: Bracelet, _wait: Wait) -> Presses:
    return (device.fall(),)


async def wander(device: Bracelet, _wait: Wait) -> Presses:
    return (device.wander(),)


async def cancel(device: Bracelet, wait: Wait) -> Presses:
    mistaken = device.press()
    await wait(6)
    return mistaken, device.cancel()


async def monthly_test(device: Bracelet, _wait: Wait) -> Presses:
    return (device.test(),)


async def broken_body(device: Bracelet, _wait: Wait) -> Presses:
    """A frame cut off on its way: no message id can be read, and still it is an SOS."""
    return (device.signal_raw(device.body("sos", src="button").encode()[:37]),)


async def empty_body(device: Bracelet, _wait: Wait) -> Presses:
    return (device.signal_raw(b""),)


async def stuck_button(device: Bracelet, wait: Wait) -> Presses:
    """A button that sticks presses itself, each time a new message."""
    pressed = []
    for _ in range(20):
        pressed.append(device.press())
        await wait(1)
    return tuple(pressed)


async def unset_clock(device: Bracelet, _wait: Wait) -> Presses:
    """After a flat battery the device believes it is 1970."""
    body = device.body("sos", src="button")
    early = body.model_copy(update={"clock": "unset", "at": body.at and body.at.replace(year=1970)})
    return (device.signal(early),)


async def phone_press(phone: HomePhone, _wait: Wait) -> Presses:
    return (phone.press(),)


async def silent_call(phone: HomePhone, wait: Wait) -> Presses:
    """The SOS key, the receiver off the hook, and nobody speaks."""
    pressed = phone.press()
    await wait(3)
    await phone.off_hook()
    return (pressed,)


async def lifted(phone: HomePhone, wait: Wait) -> Presses:
    """The receiver is lifted and nothing dialled for more than 8 s."""
    await phone.off_hook()
    await wait(12)
    await phone.on_hook(after_s=12)
    return ()


async def service_key(phone: HomePhone, _wait: Wait) -> Presses:
    return (phone.service_key(),)


@dataclass(frozen=True, slots=True)
class Scenario:
    """`often` is its weight in the living town; 0 keeps it out."""

    family: str
    often: int
    play: Callable[..., Awaitable[Presses]]


SCENARIOS: dict[str, Scenario] = {
    "press": Scenario("bracelet", 24, press),
    "double_press": Scenario("bracelet", 6, double_press),
    "triple_press": Scenario("bracelet", 4, triple_press),
    "fall": Scenario("bracelet", 14, fall),
    "wander": Scenario("bracelet", 8, wander),
    "cancel": Scenario("bracelet", 10, cancel),
    "test": Scenario("bracelet", 2, monthly_test),
    "broken_body": Scenario("bracelet", 3, broken_body),
    "empty_body": Scenario("bracelet", 0, empty_body),
    "stuck_button": Scenario("bracelet", 0, stuck_button),
    "unset_clock": Scenario("bracelet", 0, unset_clock),
    "phone_press": Scenario("home_phone", 10, phone_press),
    "silent_call": Scenario("home_phone", 6, silent_call),
    "lifted": Scenario("home_phone", 0, lifted),
    "service_key": Scenario("home_phone", 10, service_key),
}
FAMILIES: dict[str, type[Bracelet] | type[HomePhone]] = {"bracelet": Bracelet, "home_phone": HomePhone}


def make_device(
    family: str, broker: Broker, *, device_id: str, password: str, habits: Habits | None = None
) -> Bracelet | HomePhone:
    return FAMILIES[family](broker, device_id, password=password, habits=habits)


async def play(name: str, device: Bracelet | HomePhone, *, pace: float = 1.0) -> Presses:
    """Let it happen; `pace` 10 tells the story ten times as fast."""
    scenario = SCENARIOS[name]
    if not isinstance(device, FAMILIES[scenario.family]):
        raise ValueError(f"{name} happens to a {scenario.family}")
    return await scenario.play(device, lambda seconds: asyncio.sleep(seconds / pace))
