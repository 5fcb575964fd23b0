"""Which fields a request may have and which attributes a verb, read from fields.json and verbs.json."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

Kind: TypeAlias = "str | list[str] | dict[str, Any]"

_HERE = Path(__file__).parent
OPERATIONS: dict[str, dict[str, Kind]] = json.loads((_HERE / "fields.json").read_text("utf-8"))["operations"]
VERBS: dict[str, dict[str, Any]] = json.loads((_HERE / "verbs.json").read_text("utf-8"))["verbs"]

PATTERNS = {
    "string": re.compile(r".*", re.DOTALL),
    "uri": re.compile(r"\S*"),
    "integer": re.compile(r"-?\d+"),
    "number": re.compile(r"-?\d+(\.\d+)?"),
    "boolean": re.compile(r"true|false"),
    "datetime": re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d:\d\d(\.\d+)?Z?)?"),
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
}


def is_of(kind: Kind, value: str) -> bool:
    """Whether one value is of a kind. `spaced` values stand in one text; `repeated` ones come here one by one."""
    if isinstance(kind, list):
        return value in kind
    if isinstance(kind, dict):
        if "spaced" in kind:
            return all(is_of(kind["spaced"], word) for word in value.split(" "))
        return is_of(kind["repeated"], value)
    return PATTERNS[kind].fullmatch(value) is not None


def wrong_fields(operation: str, given: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """Field, value and reason of everything in a request that Twilio's description does not know."""
    known = OPERATIONS.get(operation, {})
    seen: set[str] = set()
    for name, value in given:
        kind = known.get(name)
        if kind is None:
            yield name, value, "unknown field"
        elif not is_of(kind, value):
            yield name, value, f"not of {kind}"
        elif name in seen and not (isinstance(kind, dict) and "repeated" in kind):
            yield name, value, "given twice"
        seen.add(name)


def wrong_attributes(verb: str, attributes: Mapping[str, str]) -> Iterator[str]:
    known: dict[str, Kind] = VERBS[verb]["attributes"]
    for name, value in attributes.items():
        if name not in known:
            yield f"{verb} has no attribute {name}"
        elif not is_of(known[name], value):
            yield f"{verb} {name}={value!r} is not of {known[name]}"
