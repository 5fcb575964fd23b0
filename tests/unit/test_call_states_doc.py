"""docs/call-states.md is what the code generates, and says all of the table."""

import re

from callcenter.alerts.call_inputs import CALL_KEYS
from callcenter.alerts.call_model import CallState
from callcenter.alerts.call_rules import CALL_TABLE, QUEUE
from tools.call_states import call_states
from tools.generate import CALL_DOCUMENT, alert_states, files, shipped

SAID = call_states(shipped().calls)


def test_the_document_is_the_generated_one() -> None:
    assert CALL_DOCUMENT.read_text(encoding="utf-8") == SAID == files()[CALL_DOCUMENT], "run make schemas"


def test_the_document_names_every_rule_and_every_refusal() -> None:
    sections = dict(re.findall(r"^### (\S+)\n(.*?)(?=^### |\Z)", SAID, re.MULTILINE | re.DOTALL))
    for state in CallState:
        for key in CALL_KEYS:
            rule = CALL_TABLE.get((state, key))
            row = f"| `{key}` | `{rule.id}` | {rule.says} |" if rule else f"`{key}`"
            assert row in sections[state]
    assert f"`{QUEUE.id}`" in sections["ringing"]


def test_the_diagram_has_every_move_and_no_other() -> None:
    drawn = set(re.findall(r"^    (\w+) --> (\w+):", SAID, re.MULTILINE))
    assert drawn == {(state, target) for (state, _key), rule in CALL_TABLE.items() for target in rule.leads_to}


def test_the_alerts_document_tells_the_deadlines_of_the_telephone() -> None:
    """They were left out: no example of the generator had them."""
    said = alert_states()
    for seconds in shipped().call_backs_s:
        assert f"| `waiting` | `call_back` | {seconds} |" in said
    assert f"| `claimed` | `next_wave` | {shipped().next_wave_s} |" in said
