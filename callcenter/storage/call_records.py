"""How a call becomes a row and back, and how it looks in the timeline (never with its number)."""

from collections.abc import Mapping
from typing import Any

from callcenter.alerts.call_model import Answer, Call, CallOutcome, CallState, Direction, Role
from callcenter.privacy import Seal

_ENUMS: dict[str, type] = {
    "direction": Direction,
    "role": Role,
    "state": CallState,
    "answer": Answer,
    "outcome": CallOutcome,
}
_FIELDS = tuple(name for name in Call.__slots__ if name != "number")


def call_row(call: Call, seal: Seal) -> dict[str, Any]:
    """Column -> value; the number is sealed."""
    row = {name: getattr(call, name) for name in _FIELDS}
    row |= {name: row[name].value if row[name] is not None else None for name in _ENUMS}
    return row | {"number_sealed": seal.close(call.number), "number_digest": seal.digest(call.number)}


def call_from_row(row: Mapping[Any, Any], seal: Seal) -> Call:
    fields = {name: row[name] for name in _FIELDS}
    fields |= {name: kind(fields[name]) for name, kind in _ENUMS.items() if fields[name] is not None}
    return Call(number=seal.open(row["number_sealed"]), **fields)


def call_view(call: Call) -> dict[str, Any]:
    """A leg as consoles see it change."""
    return {
        "id": call.id,
        "direction": call.direction.value,
        "role": call.role.value,
        "dialogue": call.dialogue,
        "party": call.party,
        "name": call.name,
        "state": call.state.value,
        "outcome": call.outcome.value if call.outcome else None,
        "answer": call.answer.value if call.answer else None,
        "machine": call.machine,
        "held": call.held,
        "in_room": call.in_room,
        "version": call.version,
    }
