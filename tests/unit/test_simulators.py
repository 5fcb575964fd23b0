"""What the simulators send keeps the contract; what they remember is right."""

import asyncio
import json
from functools import cache
from pathlib import Path
from random import Random

import jsonschema
import pytest
import yaml

import devices.events
from devices.events import Ack, AckLevel, CallBody, Command, LocBody, SosBody, StateBody, StatusBody
from simulators import load, wire
from simulators.bracelet import Bracelet
from simulators.connection import Broker
from simulators.device import Habits
from simulators.home_phone import HomePhone
from simulators.operator import Feed
from simulators.presses import AckHeard, Press, now, repeat_waits
from simulators.scenarios import SCENARIOS, make_device, play
from simulators.scripts import PLANS, plan_for, steps_to_do

SCHEMAS = Path(devices.events.__file__).with_name("schemas")
OPENAPI = Path(devices.events.__file__).parents[1] / "callcenter" / "console" / "openapi.yaml"
NOWHERE = Broker("localhost", 1)


@cache
def validator(leaf: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{leaf.replace('/', '-')}.json").read_text())
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


def check(leaf: str, payload: bytes) -> dict:
    body = json.loads(payload)
    validator(leaf).validate(body)
    return body


def deaf(device):
    """The device with its mouth tapped and no broker; what it says is in `device.said`."""
    device.said = []

    async def send(leaf, payload, *, qos):
        device.said.append((leaf, payload, qos))
        return True

    device.connection.send = send
    device.online.set()
    return device


@pytest.fixture
def habits():
    return Habits(home=(37.03, 122.08), repeat_after=(0.01, 0.01, 0.02))


@pytest.fixture
def bracelet(habits):
    return deaf(Bracelet(NOWHERE, "b-0001", password="pw", habits=habits))


@pytest.fixture
def phone(habits):
    return deaf(HomePhone(NOWHERE, "p-0001", password="pw", habits=habits))


def ack(press: Press, level: str = "stored") -> dict:
    return json.loads(Ack(ref=press.ref, level=AckLevel(level), alert="a-1", at=now()).encode())


async def let_it_speak() -> None:
    for _ in range(6):
        await asyncio.sleep(0)


def stop(device) -> None:
    for task in device._busy:
        task.cancel()


def test_repeats_come_after_5_5_10_15_30_60_60_seconds():
    waits = repeat_waits()
    assert [next(waits) for _ in range(8)] == [5, 5, 10, 15, 30, 60, 60, 60]


async def test_a_press_is_repeated_with_the_same_msg_until_it_is_stored(bracelet):
    press = bracelet.press()
    for _ in range(1_000):
        await asyncio.sleep(0.01)
        if len(bracelet.said) >= 3:
            break
    bracelet._on_ack(ack(press))
    said = [check("up/sos", payload) for leaf, payload, qos in bracelet.said if (leaf, qos) == ("up/sos", 1)]
    assert len(said) >= 3
    assert {body["msg"] for body in said} == {press.ref}
    assert [body["rep"] for body in said] == list(range(len(said)))
    assert len({body["at"] for body in said}) == 1
    await asyncio.sleep(0.05)
    assert len(bracelet.said) == len(said)
    assert press.stored_after is not None


async def test_a_press_while_offline_goes_out_on_connecting(bracelet):
    bracelet.online.clear()
    press = bracelet.press()
    await asyncio.sleep(0.02)
    assert not bracelet.said
    bracelet.online.set()
    await let_it_speak()
    assert check("up/sos", bracelet.said[0][1])["msg"] == press.ref
    stop(bracelet)


async def test_the_ledger_keeps_every_level_once_and_waits_for_one(bracelet):
    press = bracelet.press()
    asyncio.get_running_loop().call_later(0.01, bracelet._on_ack, ack(press, "operator"))
    bracelet._on_ack(ack(press))
    bracelet._on_ack(ack(press))
    assert await press.reaches(AckLevel.OPERATOR, timeout=1)
    assert not await press.reaches(AckLevel.CLOSED, timeout=0.01)
    assert press.levels == (AckLevel.STORED, AckLevel.OPERATOR)
    assert press.alert == "a-1"


async def test_an_ack_without_an_alert_is_an_ack(bracelet):
    press = bracelet.test()
    bracelet.hear("down/ack", json.dumps({"ref": press.ref, "level": "stored", "at": now().isoformat()}))
    assert press.levels == (AckLevel.STORED,)
    stop(bracelet)


async def test_any_level_proves_that_it_is_stored():
    press = Press("m", "sos")
    press.hear(AckHeard(AckLevel.RESPONDER, None, now(), now()))
    assert await press.reaches_centre(timeout=0.1)


@pytest.mark.parametrize("name", SCENARIOS)
async def test_what_a_scenario_sends_keeps_the_contract(name):
    habits = Habits(home=(37.03, 122.08))
    device = deaf(make_device(SCENARIOS[name].family, NOWHERE, device_id="d-0001", password="pw", habits=habits))
    await play(name, device, pace=10_000)
    await let_it_speak()
    stop(device)
    assert device.said
    for leaf, payload, qos in device.said:
        assert qos == 1
        if name not in {"broken_body", "empty_body"}:
            assert check(leaf, payload)["msg"]


async def test_broken_bodies_are_broken_and_acked_as_a_star(bracelet):
    (press,) = await play("broken_body", bracelet)
    await let_it_speak()
    with pytest.raises(ValueError):
        json.loads(bracelet.said[0][1])
    bracelet._on_ack(ack(press) | {"ref": "*"})
    assert press.stored_at
    stop(bracelet)


async def test_presence_heartbeats_and_calls_keep_the_contract(bracelet, phone):
    for device in (bracelet, phone):
        check(StateBody.leaf, device.connection.state(online=True))
        check(StateBody.leaf, device.connection.state(online=False))
        assert check(StatusBody.leaf, device.status().encode())["next_s"] == 60
    await phone.dialled("+861000000001")
    check(CallBody.leaf, phone.said[-1][1])


async def test_a_wanderer_is_far_from_home_until_somebody_closes(bracelet):
    press = bracelet.wander()
    await let_it_speak()
    where = check(SosBody.leaf, bracelet.said[0][1])["loc"]
    assert abs(where["lat"] - 37.03) + abs(where["lon"] - 122.08) > 0.009
    assert (where["fix"], where["datum"]) == ("gnss", "wgs84")
    bracelet._on_ack(ack(press, "closed"))
    assert bracelet.away is None


async def test_cancel_needs_a_recent_alarm(bracelet):
    with pytest.raises(RuntimeError, match="nothing to cancel"):
        bracelet.cancel()
    bracelet.press()
    assert bracelet.cancel().kind == "cancel"
    stop(bracelet)


async def test_commands_are_answered(bracelet):
    for number, cmd in enumerate(("locate", "reboot")):
        await bracelet._obey(Command(id=f"c-{number}", cmd=cmd, at=now()))
    leaves = [leaf for leaf, _, _ in bracelet.said]
    assert leaves == [LocBody.leaf, "up/result", "up/result"]
    results = [check(leaf, payload) for leaf, payload, _ in bracelet.said]
    assert [results[1]["ok"], results[2]["ok"]] == [True, False]


async def test_nonsense_from_the_centre_does_not_stop_a_device(bracelet):
    for payload in (b"", b"[]", b'{"ref": 1}', b"\xff"):
        bracelet.hear("down/ack", payload)
        bracelet.hear("down/unknown", payload)
    assert bracelet.presses == []


def test_the_loads_hand_made_payloads_keep_the_contract():
    at = now().isoformat(timespec="milliseconds").encode()
    assert check("up/sos", load.PRESS % (b"m-1", at))["msg"] == "m-1"
    assert check("up/status", load.HEARTBEAT % (b"m-2", at))["next_s"] == 300


def test_mqtt_packets_are_as_the_standard_says():
    assert wire.publish("a/b", b"x", packet_id=10) == b"\x32\x08\x00\x03a/b\x00\x0ax"
    assert wire.publish("a/b", b"x") == b"\x30\x06\x00\x03a/bx"
    assert wire.publish("t", b"y" * 200)[:3] == b"\x30\xcb\x01"  # 203 = 1 * 128 + 75
    hello = wire.connect("c", username="u", password="p")
    assert hello == b"\x10\x13\x00\x04MQTT\x04\xc2\x00\x00\x00\x01c\x00\x01u\x00\x01p"


async def test_acknowledgements_may_arrive_in_pieces():
    heard: list[int] = []
    line = wire.Line(heard.append)
    for piece in (b"\x20\x02\x00", b"\x00\x40\x02\x00", b"\x07\x40\x02\x01\x00"):
        line.data_received(piece)
    assert line.accepted.result() == 0
    assert heard == [7, 256]


def entry(n: int, state: str = "waiting", version: int = 1) -> dict:
    alert = {"id": "a-1", "state": state, "version": version, "owner": None, "kind": "sos"}
    return {"type": "entry", "n": n, "alert_id": "a-1", "alert": alert}


def test_the_feed_notices_gaps_and_repeats():
    feed = Feed()
    feed.take({"type": "snapshot", "n": 4, "alerts": []})
    for number in (5, 6, 6, 8):
        feed.take(entry(number, version=number))
    assert (feed.n, feed.entries, feed.gaps, feed.repeated) == (8, 3, [(6, 8)], 1)
    assert feed.alerts["a-1"]["version"] == 8
    feed.take(entry(9, "closed", 9))
    assert feed.alerts == {}


def test_what_is_passed_over_is_no_gap_and_what_was_taken_away_is_forgotten():
    feed = Feed()
    feed.take({"type": "snapshot", "n": 4, "alerts": []})
    feed.take(entry(5))
    feed.take({"type": "passed", "n": 8, "gone": ["a-1", "never-seen"]})
    assert (feed.n, feed.gaps, feed.alerts) == (8, [], {})
    feed.take(entry(9))
    assert feed.gaps == []


def test_every_kind_of_alert_has_a_plan_the_contract_allows():
    schemas = yaml.safe_load(OPENAPI.read_text(encoding="utf-8"))["components"]["schemas"]
    actions = set(schemas["Action"]["properties"]["action"]["enum"])
    assert set(PLANS) == set(schemas["AlertKind"]["enum"])
    for plan in (plan for plans in PLANS.values() for plan in plans):
        assert {step.action for step in plan} <= actions
        assert [step.action for step in plan[-2:]] == ["resolve", "close"]
        assert plan[-2].fields["outcome"] in schemas["OutcomeCode"]["enum"]


def test_an_operator_goes_on_where_an_alert_is():
    steps = plan_for({"kind": "fire", "state": "handed_over"}, Random(1))
    assert [step.action for step in steps] == ["note", "resolve", "close"]
    assert [s.action for s in plan_for({"kind": "sos", "state": "resolved"}, Random(1))] == ["close"]


def test_the_scripted_operator_does_the_required_steps_that_are_left():
    plan = [
        {"id": "oxygen", "required": True, "done": False},
        {"id": "knock", "required": True, "done": True},
        {"id": "family", "required": False, "done": False},
    ]
    assert [(step.action, step.fields["step"]) for step in steps_to_do(plan)] == [("step", "oxygen")]
