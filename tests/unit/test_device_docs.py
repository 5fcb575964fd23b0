"""docs/device-events.md says what the models say: topics, fields, values, limits, and examples that decode."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from devices.decoders import decode
from devices.events import DOWN, UP, Loc, Payload, Signal, Unreadable, schemas, topic

ROOT = Path(__file__).resolve().parents[2]
DOC = (ROOT / "docs" / "device-events.md").read_text(encoding="utf-8")
NOW = datetime(2026, 3, 1, 4, 5, 7, tzinfo=UTC)
COMMON = frozenset(Payload.model_fields)
TABLES: dict[str, type[BaseModel]] = {
    "Fields of every payload to the centre": Payload,
    "The position object": Loc,
    **{f"`{model.leaf}`": model for model in UP},
    **{f"`{model.leaf}`": model for model in DOWN},  # type: ignore[attr-defined]
}
EXAMPLES = re.findall(r"```json (\S+)\n(.*?)```", DOC, re.DOTALL)
COMMANDS = re.findall(r"-t vnh/v1/(\S+?)/(up/\w+|state) -m '(.*?)'", DOC)


def section(title: str) -> str:
    """The text under one heading."""
    found = re.search(rf"^##+ {re.escape(title)}\n(.*?)(?=^##+ |\Z)", DOC, re.MULTILINE | re.DOTALL)
    assert found, f"no heading: {title}"
    return found[1]


def rows(title: str) -> dict[str, list[str]]:
    """Field -> cells of its row."""
    lines = re.findall(r"^\| `(\w+)` \|(.*)\|$", section(title), re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split("|")] for name, cells in lines}


def documented(model: type[BaseModel]) -> dict[str, Any]:
    """The fields of the model's own table: those of every payload have theirs."""
    properties: dict[str, Any] = model.model_json_schema()["properties"]
    inherited = COMMON if issubclass(model, Payload) and model is not Payload else frozenset()
    return {name: schema for name, schema in properties.items() if name not in inherited}


def variant(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a value that is there: without "or null", references followed."""
    schema = next((one for one in schema.get("anyOf", []) if one.get("type") != "null"), schema)
    reference = schema.get("$ref", "").removeprefix("#/$defs/")
    return definitions[reference] if reference else schema


def limits(schema: dict[str, Any]) -> Iterator[str]:
    """What must be said about the values: each allowed one, the least and the most."""
    if "const" in schema:
        yield str(schema["const"])
    yield from (f"`{value}`" for value in schema.get("enum", []))
    for key in ("minimum", "maximum", "minLength", "maxLength"):
        if key in schema:
            yield str(int(schema[key]))
    if "items" in schema:
        yield from limits(schema["items"])


def test_every_topic_is_in_the_table() -> None:
    told = re.findall(r"^\| `([\w/]+)` \|", section("Topics"), re.MULTILINE)
    assert told == [model.leaf for model in (*UP, *DOWN)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("title", TABLES)
def test_every_field_is_named_and_no_other(title: str) -> None:
    assert rows(title).keys() == documented(TABLES[title]).keys()


@pytest.mark.parametrize("title", TABLES)
def test_type_need_and_values_of_every_field(title: str) -> None:
    whole = TABLES[title].model_json_schema()
    for name, schema in documented(TABLES[title]).items():
        kind, needed, values, meaning = rows(title)[name]
        value = variant(schema, whole.get("$defs", {}))
        assert kind == value["type"], name
        assert needed == ("yes" if name in whole.get("required", []) else "no"), name
        assert meaning, name
        for limit in limits(value):
            assert re.search(rf"(?<![\w-]){re.escape(limit)}(?!\w)", values), f"{name}: {limit} is not in {values}"


def test_every_topic_has_an_example() -> None:
    assert {leaf for leaf, _ in EXAMPLES} == {model.leaf for model in (*UP, *DOWN)}  # type: ignore[attr-defined]


@pytest.mark.parametrize(("leaf", "text"), [one for one in EXAMPLES if not one[0].startswith("down/")])
def test_examples_to_the_centre_decode_without_faults(leaf: str, text: str) -> None:
    decodes(topic("b-0001", leaf), text)


@pytest.mark.parametrize(("leaf", "text"), [one for one in EXAMPLES if one[0].startswith("down/")])
def test_examples_to_the_device_are_of_the_contract(leaf: str, text: str) -> None:
    model = next(model for model in DOWN if model.leaf == leaf)  # type: ignore[attr-defined]
    assert json.loads(text).keys() <= model.model_fields.keys()
    model.model_validate_json(text)


def test_lines_to_paste_decode_without_faults() -> None:
    assert COMMANDS
    for device, leaf, text in COMMANDS:
        decodes(topic(device, leaf), text)


def decodes(where: str, text: str) -> None:
    """Readable, without faults, and without a field that the models do not know."""
    event = decode(where, text.encode(), NOW)
    assert not isinstance(event, Unreadable), event
    assert not event.body.model_extra
    position = getattr(event.body, "loc", None)
    assert position is None or not position.model_extra
    if isinstance(event, Signal):
        assert event.faults == ()
        assert event.msg


def test_the_python_examples_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"^ *```python\n(.*?)```", DOC, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    for block in blocks:
        exec(re.sub(r"^   ", "", block, flags=re.MULTILINE), {})


def test_the_schema_files_are_those_of_the_models() -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "devices" / "schemas").glob("*.json")}
    assert files == schemas(), "run `make schemas`"
