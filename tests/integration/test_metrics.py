"""/metrics: in good order for Prometheus, and of a size that does not depend on who presses."""

import asyncio
import secrets
import shutil
import subprocess
from urllib.request import urlopen

from callcenter.alerts.alert_rules import ALERT_TABLE
from callcenter.alerts.inputs import TimerKind
from tests.integration.bracelet import LONGEST_S, bracelet, metrics_now
from tests.integration.conftest import Seats
from tests.processes import Service, missing


def text_of(centre: Service) -> str:
    with urlopen(f"{centre.http}/metrics", timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain")
        return answer.read().decode()


async def series(centre: Service) -> set[tuple[str, tuple[str, ...]]]:
    return {key for key in await metrics_now(centre) if key[0].startswith("vnh_")}


async def test_promtool_finds_nothing_wrong(centre: Service) -> None:
    program = shutil.which("promtool")
    if not program:
        missing("prometheus")
    text = await asyncio.to_thread(text_of, centre)
    checked = await asyncio.to_thread(
        subprocess.run, [program, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


async def send_strange_things(centre: Service, mark: str) -> None:
    """Every kind of message, from a device nobody knows."""
    async with bracelet(centre.mqtt_port, f"un-{mark}") as device:
        await device.press(f"p-{mark}", kind=["fall", "sos", "test", mark][len(mark) % 4], src=mark)
        for leaf in ("up/status", "up/loc", "up/vitals", "up/call", "up/result", "state", f"up/{mark}", mark):
            await device.send({"msg": mark, mark: mark, "event": mark, "online": mark, "batt": mark}, leaf=leaf)
        await device.send({"msg": f"k-{mark}", "event": "service_key"}, leaf="up/call")
        await device.send(b"\xff", leaf="up/result")
        assert (await device.answer())["ref"] == f"p-{mark}"
        assert (await device.answer())["ref"] == f"k-{mark}"


async def heard_telemetry(centre: Service) -> bool:
    """The collector tells once a second. Of the strange things, vitals can be read and heartbeats cannot."""
    now = await metrics_now(centre)
    return bool(
        now.of("vnh_mqtt_messages_total", "up/vitals") and now.of("vnh_dead_letters_total", "up/status", "wrong_field")
    )


async def test_labels_do_not_grow_with_devices_topics_people_or_rubbish(centre: Service, seats: Seats) -> None:
    for mark in ("a", "aa", "aaa", "aaaa"):
        await send_strange_things(centre, mark)
    async with asyncio.timeout(LONGEST_S):
        while not await heard_telemetry(centre):
            await send_strange_things(centre, "aaaaa")  # what comes while the collector connects is lost to it
    before = await series(centre)
    counted = await metrics_now(centre)
    for _ in range(10):
        await asyncio.gather(*(send_strange_things(centre, secrets.token_hex(4)) for _ in range(5)))
    for _ in range(5):
        await seats.nobody.get(f"/api/v1/alerts/{secrets.token_hex(8)}")
        await seats.operator.act(secrets.token_hex(8), "claim")
    after = await series(centre)
    # Meanwhile deadlines of other alerts may have fallen due for the first time: words of the machine, no others.
    words = {rule.id for rule in ALERT_TABLE.values()} | set(TimerKind) | {"phone_group", "impossible"}
    assert {value for _name, values in after - before for value in values} <= words
    assert len(after) < 1000
    heard = (await metrics_now(centre)).of("vnh_mqtt_messages_total", "up/sos") - counted.of(
        "vnh_mqtt_messages_total", "up/sos"
    )
    assert heard == 50


async def test_no_name_number_or_id_is_in_it(centre: Service, worn: str) -> None:
    async with bracelet(centre.mqtt_port, worn) as device:
        await device.press("p1")
        alert = (await device.answer())["alert"]
    text = await asyncio.to_thread(text_of, centre)
    for secret in (worn, alert, "测试", "operator1", "+86"):
        assert secret not in text


async def test_open_alerts_and_the_oldest_one_are_told(centre: Service, seats: Seats, worn: str) -> None:
    before = await metrics_now(centre)
    async with bracelet(centre.mqtt_port, worn) as device:
        await device.press("p1", kind="fall")
        alert = (await device.answer())["alert"]
        after = await metrics_now(centre)
        assert after.of("vnh_alerts_open", "waiting") - before.of("vnh_alerts_open", "waiting") == 1
        assert after.of("vnh_oldest_waiting_seconds") > 0
        assert (await seats.operator.act(alert, "claim")).status == 200
    claimed = await metrics_now(centre)
    assert claimed.of("vnh_alerts_open", "claimed") - before.of("vnh_alerts_open", "claimed") == 1
    assert claimed.of("vnh_answer_seconds_count") - before.of("vnh_answer_seconds_count") == 1
    assert claimed.of("vnh_storing") == 1
    assert claimed.of("vnh_mqtt_connected", "alarms") == 1
