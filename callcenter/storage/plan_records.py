"""How an alert's plan, and what is done of it, become text in its row and back; and residents' own steps."""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from callcenter.alerts.model import StepDone
from config.plans import Plan, PlanStep

# Every alert of a kind has the same text, unless its resident has steps of their own: it is read once, not a hundred
# times a second.
_REMEMBERED = 1024


@lru_cache(_REMEMBERED)
def plan_text(plan: Plan) -> str:
    """Empty for no plan."""
    steps = [
        [step.id, step.zh, step.en, int(step.required), " ".join(step.done_by), int(step.only_silent)] for step in plan
    ]
    return json.dumps(steps, ensure_ascii=False, separators=(",", ":")) if steps else ""


@lru_cache(_REMEMBERED)
def plan_from_text(text: str) -> Plan:
    return tuple(
        PlanStep(step, zh, en, bool(required), tuple(done_by.split()), bool(only_silent))
        for step, zh, en, required, done_by, only_silent, *_newer in (json.loads(text) if text else ())
    )


def done_text(done: tuple[StepDone, ...]) -> str:
    if not done:
        return ""
    rows = [[one.step, one.at.isoformat(), one.by, one.name, one.text] for one in done]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def done_from_text(text: str) -> tuple[StepDone, ...]:
    if not text:
        return ()
    return tuple(
        StepDone(step, datetime.fromisoformat(at), by, name, said)
        for step, at, by, name, said, *_newer in json.loads(text)
    )


def own_step(row: Mapping[Any, Any]) -> PlanStep:
    """A resident's own step from its row of `plans`."""
    return PlanStep(
        row["step"],
        row["zh"],
        row["en"],
        bool(row["required"]),
        tuple(row["done_by"].split()),
        bool(row["only_silent"]),
    )


def own_step_view(row: Mapping[Any, Any]) -> dict[str, Any]:
    """The same as clients see and send it (openapi.yaml, OwnStep)."""
    step = own_step(row)
    return {
        "kind": row["kind"],
        "id": step.id,
        "zh": step.zh,
        "en": step.en,
        "required": step.required,
        "done_by": list(step.done_by),
        "only_silent": step.only_silent,
    }
