"""docs/alert-states.md and the schemas are what the code generates."""

import re

from callcenter.alerts.alert_rules import ALERT_TABLE
from callcenter.alerts.model import State
from tools.generate import DOCUMENT, SCHEMAS, alert_states, files

MAKE = "run make schemas"


def test_the_document_is_the_generated_one() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == alert_states(), MAKE


def test_the_schemas_are_the_generated_ones() -> None:
    wanted = {path.name: text for path, text in files().items() if path.parent == SCHEMAS}
    there = {path.name: path.read_text(encoding="utf-8") for path in SCHEMAS.glob("*")}
    assert there == wanted, MAKE


def test_the_document_names_every_rule_and_its_sentence_in_every_state() -> None:
    sections = dict(re.findall(r"^### (\S+)\n(.*?)(?=^### |\Z)", alert_states(), re.MULTILINE | re.DOTALL))
    for (state, key), rule in ALERT_TABLE.items():
        assert f"| `{key}` | `{rule.id}` | {rule.says} |" in sections[str(state) if state else "(none)"]


def test_the_diagram_has_every_move_and_no_other() -> None:
    drawn = set(re.findall(r"^    (\S+) --> (\w+):", alert_states(), re.MULTILINE))
    moves = {(str(state or "[*]"), str(to)) for (state, _), rule in ALERT_TABLE.items() for to in rule.leads_to}
    assert drawn == {(state, to) for state, to in moves if state != to}
    assert {to for _state, to in drawn} == set(State)
