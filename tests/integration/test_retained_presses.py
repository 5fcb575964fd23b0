"""A press retained by mistake comes again at every connection: it rings once, is marked, and taken off the broker."""

import asyncio
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt
import pytest

from devices.broker import configuration, executable
from devices.decoders import decode
from tests.conftest import sign_in
from tests.integration.bracelet import bracelet, metrics_now
from tests.integration.office import Office, payload
from tests.processes import Mosquitto, Service, answers, free_port, running, stop, wait_for


@dataclass
class Nats:
    """The broker the centre embeds, here on its own, so that it can hold something before the centre comes."""

    directory: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen | None = None

    def start(self) -> None:
        config = self.directory / "nats.conf"
        config.write_text(configuration(host="127.0.0.1", port=self.port, store=self.directory / "js", name="test"))
        with (self.directory / "nats.log").open("ab") as log:
            self.process = subprocess.Popen([executable(), "-c", str(config)], stdout=log, stderr=log)
        wait_for(lambda: answers(self.port), what="NATS")

    def stop(self) -> None:
        if self.process:
            stop(self.process)


@pytest.fixture(params=["nats", "mosquitto"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Nats | Mosquitto]:
    directory = tmp_path / "broker"
    directory.mkdir()
    with running(Nats(directory) if request.param == "nats" else Mosquitto(directory)) as started:
        yield started


async def retained(port: int, device: str) -> bytes | None:
    """What the broker keeps on the topic of the device's alarms."""
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe([(f"vnh/v1/{device}/up/sos", 1), ("vnh/v1/mark-1/state", 1)])
        async for message in client.messages:
            if message.topic.value == "vnh/v1/mark-1/state":  # retained by the test; everything else came before
                return None
            if message.retain:
                return bytes(message.payload)
    raise AssertionError("the connection ended")


async def until_cleared(port: int, device: str) -> None:
    async with asyncio.timeout(20):
        while await retained(port, device) is not None:  # a new connection each time
            pass


async def test_new_ones_ring_as_possibly_old_and_known_ones_do_not(
    broker: Nats | Mosquitto, sqlite_url: str, tmp_path: Path
) -> None:
    url = f"mqtt://127.0.0.1:{broker.port}"
    centre = Service(tmp_path / "service", database_url=sqlite_url, mqtt_url=url, mqtt_port=broker.port)
    async with bracelet(broker.port, "bracelet-1") as device, bracelet(broker.port, "bracelet-2") as other:
        await device.send(b"", device="mark-1", leaf="state")
        await device.send(b'{"online":true,"sess":1}', device="mark-1", leaf="state", retain=True)
        await device.send(payload("before"), retain=True)
        with running(centre):
            ack = await device.answer()
            assert (ack["ref"], ack["level"]) == ("before", "stored")
            await until_cleared(broker.port, "bracelet-1")

            await other.send(payload("live"), retain=True)
            await other.answer()
            ann = await sign_in(centre.http, "operator1")
            (old, live) = sorted((await ann.get("/api/v1/alerts"))["alerts"], key=lambda alert: alert["device_id"])
            assert (old["id"], old["possibly_old"], old["press_count"]) == (ack["alert"], True, 1)
            assert (live["possibly_old"], live["press_count"]) == (False, 1)
            counted = await metrics_now(centre)
            assert counted.of("vnh_alarms_degraded_total", "retained") == 1
            await ann.session.close()
            centre.stop()
        assert await retained(broker.port, "bracelet-2") == payload("live")

        with running(centre):  # the one heard live comes again, retained
            ack = await other.answer()
            assert (ack["ref"], ack["alert"]) == ("live", live["id"])
            await until_cleared(broker.port, "bracelet-2")
            # Our own clearing came back to us as an empty message; a press behind it shows that it was taken.
            await other.send(payload("after"))
            assert (await other.answer())["ref"] == "after"
            ann = await sign_in(centre.http, "operator1")
            found = (await ann.get("/api/v1/alerts"))["alerts"]
            assert {alert["id"]: alert["press_count"] for alert in found} == {old["id"]: 1, live["id"]: 2}
            counted = await metrics_now(centre)
            assert counted.of("vnh_alarms_received_total", "sos") == 1
            assert counted.of("vnh_alarms_degraded_total", "body") == 0
            await ann.session.close()


async def test_a_new_one_opens_an_alert_marked_possibly_old(office: Office) -> None:
    taken = await office.sos("bracelet-1", payload("r1"), retained=True)
    assert office.alert(taken.alert).possibly_old
    assert office.entries()[-1].ring
    assert office.cleared() == ["bracelet-1"]
    assert office.acks() == [("bracelet-1", "r1", "stored", taken.alert)]

    await office.press(msg="fresh")
    alert = office.alert(taken.alert)
    assert (alert.press_count, alert.possibly_old) == (2, False)  # somebody is pressing now


async def test_a_known_one_changes_nothing_and_is_cleared(office: Office) -> None:
    first = await office.press(msg="r1")
    await office.finish(first.alert)
    before = office.entries()

    taken = await office.sos("bracelet-1", payload("r1", rep=0, batt=3), retained=True)
    assert not taken.new
    assert office.entries() == before
    assert office.cleared() == ["bracelet-1"]


async def test_our_own_clearing_opens_nothing_and_is_not_answered(office: Office) -> None:
    await office.sos("bracelet-1", payload("r1"), retained=True)
    answered = office.acks()
    office.clock.advance(3)
    assert (await office.sos("bracelet-1", b"")).alert is None
    assert [alert.press_count for alert in office.alerts()] == [1]
    assert office.acks() == answered


async def test_the_echo_of_another_process_opens_nothing_either(office: Office) -> None:
    await office.sos("bracelet-1", payload("r1"), retained=True)
    office.clock.advance(1)
    for _ in range(2):
        assert (await office.sos("bracelet-1", b"")).alert is None


async def test_an_echo_that_waits_in_a_storm_is_still_one(office: Office) -> None:
    await office.press("bracelet-1", "p1")
    await office.sos("bracelet-1", payload("p1"), retained=True)
    heard = decode("vnh/v1/bracelet-1/up/sos", b"", office.clock.now())
    office.clock.advance(60)
    assert (await office.door.submit(heard)).alert is None
    assert len(office.alerts()) == 1


async def test_an_empty_press_of_another_device_is_a_press(office: Office) -> None:
    await office.sos("bracelet-1", payload("r1"), retained=True)
    taken = await office.sos("bracelet-2", b"")
    assert office.alert(taken.alert).state == "waiting"


async def test_an_empty_press_counts_again_when_the_echo_is_over(office: Office) -> None:
    """A device that knows only the empty press repeats it after 5, 5, 10 s: heard at the latest then."""
    opened = await office.sos("bracelet-1", payload("r1"), retained=True)
    heard = []
    for pause in (5, 5, 10):
        office.clock.advance(pause)
        heard.append((await office.sos("bracelet-1", b"")).alert)
    assert heard[-1] == opened.alert
    assert office.alert(opened.alert).press_count == 2


async def test_a_retained_empty_message_is_a_press(office: Office) -> None:
    """Brokers keep no empty message; but if one says so, it rings."""
    taken = await office.sos("bracelet-1", b"", retained=True)
    assert office.alert(taken.alert).possibly_old
