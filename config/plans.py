"""Response plans as data: the steps an alert of each kind begins with, read from plans.toml."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

DEFAULT_FILE = Path(__file__).with_name("plans.toml")
# What the centre knows by itself, and a step may be done by (alerts/plans.py says when each of them holds).
FACTS = frozenset({"reached", "sent", "accepted", "arrived", "handed_over"})
MOST_STEPS = 40

StepId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
StepWords = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One step. It is done when somebody says so, or one of the facts `done_by` holds.

    `required`: the alert cannot end before it is done. `only_silent`: it counts only while nobody speaks.
    """

    id: str
    zh: str
    en: str
    required: bool = False
    done_by: tuple[str, ...] = ()
    only_silent: bool = False


Plan = tuple[PlanStep, ...]
Plans = Mapping[str, Plan]  # by kind of alert


def known_facts(facts: tuple[str, ...]) -> tuple[str, ...]:
    """The same; ValueError names what the centre does not know by itself."""
    if unknown := sorted(set(facts) - FACTS):
        raise ValueError(f"{', '.join(unknown)}: the centre knows only {', '.join(sorted(FACTS))} by itself")
    return facts


class _StepData(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: StepId
    zh: Annotated[StepWords, Field(min_length=1)]
    en: Annotated[StepWords, Field(min_length=1)]
    required: bool = False
    done_by: tuple[str, ...] = ()
    only_silent: bool = False

    @model_validator(mode="after")
    def _facts(self) -> "_StepData":
        known_facts(self.done_by)
        return self


class _PlanData(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kinds: Annotated[list[str], Field(min_length=1)]
    step: Annotated[list[_StepData], Field(min_length=1, max_length=MOST_STEPS)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    plan: list[_PlanData] = []


_HEADS = {"[[plan]]": "plan", "[[plan.step]]": "step"}


def _line(text: str, where: tuple[int | str, ...]) -> int:
    """The line of what pydantic calls ("plan", 1, "step", 2, "en"): the field, else the head of its table."""
    wanted = [part for part in where if isinstance(part, int)][:2]
    fields = [part for part in where if isinstance(part, str) and part not in _HEADS.values()]
    plan = step = -1
    found = 1
    for number, line in enumerate(text.splitlines(), start=1):
        head = _HEADS.get(line.split("#")[0].strip())
        plan, step = plan + (head == "plan"), -1 if head == "plan" else step + (head == "step")
        here = wanted == [plan, step][: len(wanted)]
        if here and head and (head == "step") == (len(wanted) > 1):
            found = number
        elif here and fields and re.match(rf"\s*{re.escape(fields[0])}\s*=", line):
            return number
    return found


def _wrong(text: str, kinds: frozenset[str], plans: list[_PlanData]) -> str | None:
    """Why plans that are well formed cannot be used: line and reason."""
    seen: set[str] = set()
    for number, plan in enumerate(plans):
        line = _line(text, ("plan", number, "kinds"))
        for kind in plan.kinds:
            if kinds and kind not in kinds:
                return f"{line}: there is no kind {kind}"
            if kind in seen:
                return f"{line}: kind {kind} has two plans"
            seen.add(kind)
        ids = [step.id for step in plan.step]
        for at, one in enumerate(ids):
            if one in ids[:at]:
                return f"{_line(text, ('plan', number, 'step', at, 'id'))}: step {one} stands in the plan before"
    return None


def read(path: Path | None = None, *, kinds: frozenset[str] = frozenset()) -> Plans | str:
    """The plans in `path`, or one line why they cannot be used: file, line and reason. A kind may have no plan."""
    path = path or DEFAULT_FILE
    try:
        text = path.read_text(encoding="utf-8")
        data = _File.model_validate(tomllib.loads(text))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return f"{path}: {error}"
    except ValidationError as error:
        first = error.errors()[0]
        what = ".".join(map(str, first["loc"]))
        return f"{path}:{_line(text, first['loc'])}: {what}: {first['msg'].removeprefix('Value error, ')}"
    if wrong := _wrong(text, kinds, data.plan):
        return f"{path}:{wrong}"
    return {
        kind: tuple(PlanStep(**step.model_dump()) for step in plan.step) for plan in data.plan for kind in plan.kinds
    }
