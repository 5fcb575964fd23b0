"""The same message is the same press, however often it is sent; another message is another press."""

import asyncio
import random
import threading

import pytest

from callcenter import metrics
from callcenter.ports import Committed
from callcenter.storage.prepared import Prepared
from handlers.intake import LARGEST_GROUP
from tests.conftest import Seat
from tests.integration.bracelet import bracelet, metrics_now
from tests.integration.office import Office, payload
from tests.processes import Service


async def alerts_of(ann: Seat, device: str) -> list[dict]:
    return (await ann.get(f"/api/v1/alerts?device={device}"))["alerts"]


async def listening(live) -> None:
    """Until the feed stands: what happens before is in its snapshot and comes as no entry."""
    async with asyncio.timeout(15):
        while (await live.receive_json())["type"] != "snapshot":
            pass


async def ring_of(live, alert: str) -> dict:
    """The next entry about the alert that the live feed brings."""
    async with asyncio.timeout(15):
        while True:
            frame = await live.receive_json()
            if frame["type"] == "entry" and frame["alert_id"] == alert:
                return frame


async def test_five_sendings_of_one_message_are_one_press(centre: Service, ann: Seat, worn: str) -> None:
    before = await metrics_now(centre)
    async with bracelet(centre.mqtt_port, worn) as device:
        for repeat in range(5):
            await device.press("same", rep=repeat)
        ack = await device.answer()  # those that wait together have one answer
        (alert,) = await alerts_of(ann, worn)
        assert (ack["ref"], ack["level"], ack["alert"]) == ("same", "stored", alert["id"])
        await device.press("same", rep=5)
        later = await device.answers(1)
        assert {(one["ref"], one["level"], one["alert"]) for one in later} == {("same", "stored", alert["id"])}
        (alert,) = await alerts_of(ann, worn)
        assert alert["press_count"] == 1
    after = await metrics_now(centre)
    again = after.of("vnh_signals_repeated_total") - before.of("vnh_signals_repeated_total")
    assert again >= 1  # some of the others may still be on their way
    assert after.of("vnh_alarms_received_total", "sos") - before.of("vnh_alarms_received_total", "sos") == 1


async def test_five_sendings_at_once_over_five_connections_are_one_press(centre: Service, ann: Seat, worn: str) -> None:
    """As when the broker, the device and a gateway all repeat it within one commit."""

    async def send(number: int) -> None:
        async with bracelet(centre.mqtt_port, f"carrier-{number}") as carrier:
            await carrier.send({"msg": "burst", "kind": "fall"}, device=worn)

    async with bracelet(centre.mqtt_port, worn) as device:
        await asyncio.gather(*(send(number) for number in range(5)))
        acks = await device.answers(5)
    (alert,) = await alerts_of(ann, worn)
    assert (alert["press_count"], alert["kind"]) == (1, "fall")
    assert {ack["alert"] for ack in acks} == {alert["id"]}


async def test_another_message_counts_and_rings_again(centre: Service, ann: Seat, worn: str) -> None:
    async with ann.live() as live, bracelet(centre.mqtt_port, worn) as device:
        await listening(live)
        await device.press("first")
        alert = (await device.answer())["alert"]
        opened = await ring_of(live, alert)
        assert (opened["rule"], opened["ring"]) == ("alarm.opens", True)

        await device.press("second")
        ack = await device.answer()
        assert (ack["ref"], ack["level"], ack["alert"]) == ("second", "stored", alert)
        again = await ring_of(live, alert)
        assert (again["rule"], again["ring"]) == ("alarm.attaches", True)
        assert again["alert"]["press_count"] == 2
        assert again["alert"]["priority"] == opened["alert"]["priority"]


async def test_a_repeat_neither_counts_nor_rings(centre: Service, ann: Seat, worn: str) -> None:
    async with ann.live() as live, bracelet(centre.mqtt_port, worn) as device:
        await listening(live)
        await device.press("first")
        alert = (await device.answer())["alert"]
        await ring_of(live, alert)
        await device.press("first", rep=1)
        await device.answer()
        await device.press("second")
        await device.answer()
        assert (await ring_of(live, alert))["alert"]["press_count"] == 2  # nothing came in between


async def test_the_third_press_within_a_minute_raises_the_priority(centre: Service, ann: Seat, worn: str) -> None:
    async with bracelet(centre.mqtt_port, worn) as device:
        priorities = []
        for msg in ("one", "two", "three", "four"):
            await device.press(msg)
            await device.answer()
            (alert,) = await alerts_of(ann, worn)
            priorities.append(alert["priority"])
    assert priorities == [5, 5, 4, 4]


async def test_bracelet_and_home_phone_of_one_person_are_one_alert_each_with_its_answer(
    centre: Service, ann: Seat, worn: str
) -> None:
    """The phone is the household's, the bracelet its only resident's: the second press counts."""
    number = worn.removeprefix("bracelet-")
    phone = f"phone-{number}"
    async with bracelet(centre.mqtt_port, "+") as both:
        await both.send({"msg": "b", "kind": "sos"}, device=worn)
        await both.send({"msg": "t", "kind": "sos", "src": "phone_key"}, device=phone)
        acks = await both.answers(2)
    (alert,) = (await ann.get(f"/api/v1/alerts/{acks[0]['alert']}"),)
    assert {ack["alert"] for ack in acks} == {alert["alert"]["id"]}
    assert (alert["alert"]["subject"], alert["alert"]["press_count"]) == (f"resident:r-{number}", 2)
    assert {(ack["topic"], ack["ref"]) for ack in acks} == {
        (f"vnh/v1/{worn}/down/ack", "b"),
        (f"vnh/v1/{phone}/down/ack", "t"),
    }


async def test_r11_a_press_on_a_claimed_alert_rings_its_owner(centre: Service, ann: Seat, worn: str) -> None:
    async with ann.live() as live, bracelet(centre.mqtt_port, worn) as device:
        await listening(live)
        await device.press("first")
        alert = (await device.answer())["alert"]
        assert (await ann.act(alert, "claim"))[0] == 200
        assert (await device.answer())["level"] == "operator"
        await device.press("second")
        assert (await device.answer())["ref"] == "second"
        frames = [await ring_of(live, alert) for _ in range(3)]
    assert [(frame["rule"], frame["ring"]) for frame in frames] == [
        ("alarm.opens", True),
        ("operator.claims", False),
        ("alarm.attaches", True),
    ]
    assert frames[-1]["alert"]["owner"]["id"] == "operator1"
    assert frames[-1]["alert"]["state"] == "claimed"


async def test_a_repeat_costs_no_row(office: Office) -> None:
    """It is answered, and if the answer is lost it comes again; in a bad hour nothing else comes as often."""
    told: list[tuple[str, bool]] = []
    office.door.listen(lambda committed: told.extend((one.effect.kind, one.kept) for one in committed.effects))
    for repeat in range(4):
        await office.press("bracelet-1", "p1", rep=repeat)
    assert told == [("tell_device", True), *[("tell_device", False)] * 3]
    assert [row.kind for row in office.rows("outbox")] == ["tell_device"]


async def test_a_storm_of_repeats_asks_the_database_as_much_as_one(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a group is decided, every process waits for it; so after an outage deadlines would wait for all repeats."""
    devices = [f"bracelet-{n}" for n in range(1, 10)]
    for n, device in enumerate(devices):
        alert = (await office.press(device, msg="p1")).alert
        if n % 2:
            await office.finish(alert)  # also of those that were helped meanwhile
    asked: list[object] = []
    rows = Prepared.rows
    monkeypatch.setattr(Prepared, "rows", lambda self, *given: asked.append(self) or rows(self, *given))

    async def repeated(devices: list[str], times: int) -> tuple[int, int]:
        """How often the database was asked, and in how many groups they were decided."""
        groups: list[Committed] = []
        office.door.listen(groups.append)
        asked.clear()
        sent = (office.sos(device, payload("p1", rep=n)) for device in devices for n in range(1, times + 1))
        assert not any(taken.new for taken in await asyncio.gather(*sent))
        return len(asked), len(groups)

    one, _ = await repeated(devices[:1], 1)
    many, groups = await repeated(devices, 20)
    assert groups < 20, "a storm is decided in groups"
    assert many <= one * groups


async def test_a_thousand_repeats_keep_nobody_elses_press_waiting(
    office: Office, stop_the_writer: threading.Event
) -> None:
    decided: list[int] = []
    office.door.listen(lambda committed: decided.append(len(committed.effects)))
    before = metrics.signals_repeated._value.get()
    repeats = [
        office.sos(f"bracelet-{n}", payload("p1", rep=rep))
        for rep in range(4 * LARGEST_GROUP // 8)
        for n in range(1, 9)
    ]
    other = office.sos("bracelet-9", payload("p1"))
    stop_the_writer.set()
    taken = await asyncio.gather(other, *repeats)
    assert len({one.alert for one in taken}) == 9
    assert len(decided) <= 2
    assert len(office.rows("signals")) == 9
    assert metrics.signals_repeated._value.get() - before >= 4 * LARGEST_GROUP - 16
    assert {ack[0] for ack in office.acks()} == {f"bracelet-{n}" for n in range(1, 10)}, "each is told"
    office.assert_whole()


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.one_database
async def test_what_waits_together_is_decided_as_if_it_had_come_alone(
    seed: int, office: Office, stop_the_writer: threading.Event
) -> None:
    """Whatever two devices say: one is heard message by message, the other while the writer is held."""
    dice = random.Random(seed)
    said = [
        {"kind": dice.choice(["sos", "sos", "fall", "cancel"]), "rep": dice.choice([0, 0, 1, 2])}
        | dice.choice([{}, {}, {"at": dice.choice(["2026-11-21T12:00:00Z", "2026-11-21T12:00:05Z"])}])
        for _ in range(12)
    ]
    bodies = [payload(dice.choice("ab"), **one) for one in said]
    stop_the_writer.set()
    alone = [(await office.sos("bracelet-1", body)).alert for body in bodies]
    stop_the_writer.clear()
    waiting = [office.sos("bracelet-2", body) for body in bodies]
    stop_the_writer.set()
    together = [one.alert for one in await asyncio.gather(*waiting)]

    def shape(alerts: list[str | None]) -> list[tuple[int | None, int]]:
        """Which of the answers are the same alert, and how often that was pressed."""
        order = list(dict.fromkeys(alerts))
        return [(order.index(one), office.alert(one).press_count if one else 0) for one in alerts]

    assert shape(together) == shape(alone)

    def stored(device: str) -> list[tuple[str, str]]:
        return sorted((row.msg, row.kind) for row in office.rows("signals") if row.device_id == device)

    assert stored("bracelet-2") == stored("bracelet-1")
