"""handover.v1: the hand-over as JSON, and the JSON Schema that other systems may rely on.

Fields may be added, none is ever renamed or given another meaning (CONTRIBUTING.md).
"""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from callcenter.handover.model import VERSION, Handover

SCHEMA_FILE = Path(__file__).with_name("schemas") / f"{VERSION}.json"
_ADAPTER = TypeAdapter(Handover)


def as_json(handover: Handover) -> dict[str, Any]:
    """Ready for `json.dumps`: times are RFC 3339 in UTC."""
    shown: dict[str, Any] = _ADAPTER.dump_python(handover, mode="json")
    return shown


def from_json(document: Any) -> Handover:  # noqa: ANN401
    """The value a document stands for. Raises pydantic's ValidationError."""
    return _ADAPTER.validate_python(document)


def schema() -> str:
    """The text of the schema's file; written by `python -m tools.generate`, compared by a test."""
    made = _ADAPTER.json_schema(mode="serialization")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:vnh:{VERSION}"}
    return json.dumps(head | made | {"title": VERSION}, indent=2, ensure_ascii=False) + "\n"
