"""Residents' own plans within one writing transaction: read when an alarm begins, replaced by a supervisor."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select

from callcenter.storage import tables as t
from callcenter.storage.plan_records import own_step
from callcenter.storage.prepared import Prepared
from config.plans import Plans, PlanStep

_NAMES = ("resident_id", "kind", "step", "zh", "en", "required", "done_by", "only_silent")
_ORDER = (t.plans.c.resident_id, t.plans.c.position, t.plans.c.id)
_STEPS = select(*(t.plans.c[name] for name in _NAMES), t.residents.c.name).join(
    t.residents, t.residents.c.id == t.plans.c.resident_id
)
_OF_RESIDENT = Prepared(_STEPS.where(t.plans.c.resident_id == bindparam("b_one")).order_by(*_ORDER))
_LIVE_THERE = (t.residents.c.household_id == bindparam("b_one")) & t.residents.c.left_on.is_(None)
_OF_HOUSEHOLD = Prepared(_STEPS.where(_LIVE_THERE).order_by(*_ORDER))


@dataclass(frozen=True, slots=True)
class OwnStep:
    """A resident's own step, for alerts of `kind`."""

    resident: str
    name: str
    kind: str
    step: PlanStep


class PlanBook:
    """Used by one unit. Few alarms come here: whose device it is says whether there is anything to find."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.by_kind: Plans = {}  # what everybody's alert of a kind begins with

    def of_resident(self, resident: str) -> list[OwnStep]:
        return self._read(_OF_RESIDENT, resident)

    def of_household(self, household: str) -> list[OwnStep]:
        """Of everybody who lives there."""
        return self._read(_OF_HOUSEHOLD, household)

    def _read(self, statement: Prepared, one: str) -> list[OwnStep]:
        rows = (
            dict(zip((*_NAMES, "name"), row, strict=True)) for row in statement.rows(self.connection, {"b_one": one})
        )
        return [OwnStep(row["resident_id"], row["name"], row["kind"], own_step(row)) for row in rows]

    def resident_exists(self, resident: str) -> bool:
        return self.connection.execute(select(t.residents.c.id).where(t.residents.c.id == resident)).first() is not None

    def put(self, resident: str, steps: Iterable[tuple[str, PlanStep]]) -> None:
        """`steps`, (kind, step) in their order, take the place of the resident's own plan."""
        rows = _rows(resident, list(steps))
        self.connection.execute(delete(t.plans).where(t.plans.c.resident_id == resident))
        if rows:
            self.connection.execute(insert(t.plans), rows)


def step_key(resident: str, kind: str, step: str) -> str:
    return f"{resident}/{kind}/{step}"


def _rows(resident: str, steps: Sequence[tuple[str, PlanStep]]) -> list[dict[str, Any]]:
    return [
        {
            "id": step_key(resident, kind, step.id),
            "resident_id": resident,
            "kind": kind,
            "position": position,
            "step": step.id,
            "zh": step.zh,
            "en": step.en,
            "required": step.required,
            "done_by": " ".join(step.done_by),
            "only_silent": step.only_silent,
        }
        for position, (kind, step) in enumerate(steps, start=1)
    ]
