"""What the scripted operator does with an alert: for every kind one or more plans, each a list of steps."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    action: str
    fields: Mapping[str, str] = field(default_factory=dict)


def _note(text: str) -> Step:
    return Step("note", {"text": text})


def _resolve(outcome: str, text: str) -> Step:
    return Step("resolve", {"outcome": outcome, "text": text})


RING = Step("call_resident")
RING_KEYHOLDER = Step("call_contact")  # the contact is looked up on the resident's card
NO_VOICE = Step("no_voice", {"text": "无人应答 · nobody speaks"})
SEND = Step("dispatch", {"text": "请最近的人上门 · nearest responder to the door"})
AMBULANCE = Step("hand_over", {"case_number": "120-sim", "person": "120 调度 · dispatcher"})
CLOSE = Step("close", {"text": "回访完成 · follow-up done"})

PRESSED_BY_MISTAKE = (
    RING,
    _note("已通话，误按 · spoke, pressed by mistake"),
    _resolve("false_alarm", "误报 · false alarm"),
    CLOSE,
)
HELPED = (
    RING,
    _note("已通话，头晕，意识清楚 · spoke, dizzy, conscious"),
    SEND,
    _note("邻居已到，扶起坐下 · neighbour is there, sitting up"),
    _resolve("helped_at_home", "已协助 · helped at home"),
    CLOSE,
)
SILENT = (
    RING,
    NO_VOICE,
    SEND,
    AMBULANCE,
    _note("救护车已到 · ambulance on scene"),
    _resolve("taken_to_hospital", "送医 · taken to hospital"),
    CLOSE,
)
FOUND = (
    RING,
    RING_KEYHOLDER,
    SEND,
    _note("在村口找到，陪同回家 · found, walked home"),
    _resolve("family_informed", "已回家，家属知情 · home, family told"),
    CLOSE,
)
SERVICE = (
    RING,
    _note("需要送餐 · wants a meal"),
    _resolve("service_arranged", "已安排 · arranged"),
    CLOSE,
)
DEVICE = (
    RING,
    _note("已提醒充电 · asked to charge it"),
    _resolve("device_fault", "设备问题 · device"),
    CLOSE,
)

PLANS: dict[str, tuple[tuple[Step, ...], ...]] = {
    "sos": (HELPED, PRESSED_BY_MISTAKE, PRESSED_BY_MISTAKE, SILENT),
    "fall": (HELPED, SILENT),
    "fire": (SILENT,),
    "gas": (SILENT,),
    "ambulance": (SILENT,),
    "help": (HELPED,),
    "wander": (FOUND,),
    "offline": (DEVICE,),
    "battery": (DEVICE,),
    "service": (SERVICE,),
}

# Where to go on with an alert that was already under way when the operator (re)connected.
DONE_BY: dict[str, frozenset[str]] = {
    "claimed": frozenset(),
    "helping": frozenset({"call_resident", "call_contact", "no_voice", "dispatch"}),
    "handed_over": frozenset({"call_resident", "call_contact", "no_voice", "dispatch", "hand_over"}),
    "resolved": frozenset({"call_resident", "call_contact", "no_voice", "dispatch", "hand_over", "note", "resolve"}),
}


def steps_to_do(plan: Iterable[Mapping[str, Any]]) -> tuple[Step, ...]:
    """The required steps of a response plan that are not done yet, as actions."""
    return tuple(
        Step("step", {"step": step["id"], "text": "已照办 · done"})
        for step in plan
        if step["required"] and not step["done"]
    )


def plan_for(alert: Mapping[str, Any], dice: Random) -> tuple[Step, ...]:
    """The steps still to be done, given how far the alert has got."""
    plan = dice.choice(PLANS.get(alert["kind"], (HELPED,)))
    done = DONE_BY.get(alert["state"], frozenset())
    return tuple(step for step in plan if step.action not in done)
