"""Writes the generated files: JSON Schemas of the payloads, and from the tables of the machines docs/alert-states.md
and docs/call-states.md.

`python -m tools.generate`. Nothing here decides: what is said is read from the tables, and tests compare.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from callcenter.alerts.alert_rules import ALERT_TABLE
from callcenter.alerts.escalation import deadlines
from callcenter.alerts.inputs import KEYS
from callcenter.alerts.model import OPEN, RANK, SILENT_REPEAT, Alert, Kind, Operator, State, Subject
from callcenter.handover import document as handover_document
from config import policies
from config.policies import AlertPolicy, Ladder
from devices.events import schemas
from tools.call_states import call_states

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "alert-states.md"
CALL_DOCUMENT = ROOT / "docs" / "call-states.md"
SCHEMAS = ROOT / "devices" / "schemas"

MEANINGS = {
    State.WAITING: "It rings and nobody has it.",
    State.CLAIMED: "An operator has it.",
    State.HELPING: "Help is being found or is on its way.",
    State.HANDED_OVER: "120, the ambulance service, has it; its owner here is asked again how it stands.",
    State.RESOLVED: "A named operator has said how it ended, with an outcome code. The follow-up is to be done.",
    State.CLOSED: "The follow-up is done.",
}
TEMPLATE = """# What an alert goes through

Generated from `callcenter/alerts` and `config/escalation.toml` by `make schemas`. Do not edit.

## States

{states}

A resident has at most one alert that is neither resolved nor closed: a later alarm joins it. A resolved or closed alert
takes no alarm: the next one opens a new alert.

## Moves

{diagram}

{allowed} of the {pairs} pairs of state and input have a rule. The other {refused} are refused and counted
(`not_allowed`): they change nothing. A rule may still refuse what is wrong in itself: somebody else's alert, a stale
version, a missing outcome.

## Deadlines

They follow from the alert's record, so every open alert has one. Each fires once, late ones too.

{deadlines}

### Ladders

Counted from when the alert began to wait. One that comes back from a claim goes on at its old age.

{ladders}
## Priorities

{priorities}

## Rules

{rules}
"""
START = datetime(2000, 1, 1, tzinfo=UTC)


def _states() -> Iterator[str]:
    yield "| State | Meaning | Open |"
    yield "|---|---|---|"
    for state in State:
        yield f"| `{state}` | {MEANINGS[state]} | {'yes' if state in OPEN else 'no'} |"


def _edges() -> dict[tuple[State | None, State], list[str]]:
    """From and to -> the rules that may lead there, in the table's order of inputs; staying is no edge."""
    edges: dict[tuple[State | None, State], list[str]] = {}
    for state in (None, *State):
        for key in KEYS:
            if rule := ALERT_TABLE.get((state, key)):
                for target in State:
                    if target in rule.leads_to and target is not state:
                        edges.setdefault((state, target), []).append(rule.id)
    return edges


def _diagram() -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    for (state, target), rules in _edges().items():
        yield f"    {state or '[*]'} --> {target}: {', '.join(dict.fromkeys(rules))}"
    yield f"    {State.CLOSED} --> [*]"
    yield "```"


def _table(state: State | None) -> Iterator[str]:
    yield "| Input | Rule | What it says | Leads to |"
    yield "|---|---|---|---|"
    for key in KEYS:
        if rule := ALERT_TABLE.get((state, key)):
            targets = [target for target in State if target in rule.leads_to]
            leads = ", ".join("stays" if target is state else f"`{target}`" for target in targets)
            yield f"| `{key}` | `{rule.id}` | {rule.says} | {leads} |"
    refused = [f"`{key}`" for key in KEYS if (state, key) not in ALERT_TABLE]
    yield ""
    yield f"Refused here: {', '.join(refused)}." if refused else "Nothing is refused here."


def _example(state: State) -> Alert:
    owner = None if state is State.WAITING else Operator("someone", "Someone")
    return Alert(
        id="-", subject=Subject("-", "-"), kind=Kind.SOS, state=state, opened_at=START, last_press_at=START,
        waiting_since=START, rung_at=START, touched_at=START, owner=owner,
    )  # fmt: skip


def _deadline_rows(policy: AlertPolicy) -> Iterator[tuple[State, str, int]]:
    """State, timer and seconds, as `deadlines` gives them for an alert that is plain, needs its owner, has lost it,
    in which nobody spoke, for which people are asked to go, and which a colleague is asked to take over.
    """
    for state in State:
        plain = _example(state)
        told: set[tuple[str, int]] = set()
        silent = (replace(plain, silent_at=START, call_backs=done) for done in range(len(policy.call_backs_s)))
        needed, left, asked, given = (
            replace(plain, attention_at=START),
            replace(plain, owner_gone_at=START),
            replace(plain, asked_at=START),
            replace(plain, transfer_to=Operator("other", "Other"), transfer_at=START),
        )
        for alert in (plain, needed, left, asked, given, *silent):
            for timer, at in deadlines(alert, policy).items():
                seconds = round((at - START).total_seconds())
                if (timer, seconds) not in told:
                    told.add((timer, seconds))
                    yield state, timer, seconds


SINCE = {
    "rung": "it began to wait, see the ladders below",
    "claim_idle": "the owner's last action",
    "owner_gone": "the owner's last console went away",
    "help_check": "the owner's last action",
    "attention": "it was rung about and its owner has not reacted; meanwhile it is not asked again",
    "reask": "the owner's last action",
    "follow_up": "it was resolved, or the last reminder",
    "call_back": "nobody spoke on the open line; until somebody is heard",
    "next_wave": "people were asked to go; until somebody says yes",
    "transfer": "a colleague was asked to take it over, or picked up the telephone",
}


def _deadlines(policy: AlertPolicy) -> Iterator[str]:
    yield "| State | Timer | Seconds | After | Rule |"
    yield "|---|---|---|---|---|"
    for state, timer, seconds in _deadline_rows(policy):
        rule = ALERT_TABLE[state, f"timer.{timer}"]
        yield f"| `{state}` | `{timer}` | {seconds} | {SINCE[timer]} | `{rule.id}` |"


def _ladders(policy: AlertPolicy) -> Iterator[str]:
    by_ladder: dict[Ladder, list[Kind]] = {}
    for kind in Kind:
        by_ladder.setdefault(policy.ladder(kind), []).append(kind)
    for ladder, kinds in by_ladder.items():
        yield f"{', '.join(f'`{kind}`' for kind in kinds)}:"
        yield ""
        yield "| Seconds waiting | Rung | Phoned |"
        yield "|---|---|---|"
        for rung in ladder.rungs:
            yield f"| {rung.after_s} | `{rung.id}` | {f'`{rung.phone}`' if rung.phone else '-'} |"
        yield f"| then every {ladder.repeat_s} | `ring_again` | - |"
        yield ""


def _priorities(policy: AlertPolicy) -> Iterator[str]:
    by_rank: dict[int, list[str]] = {SILENT_REPEAT: ["a silent alert that is pressed again"]}
    for kind, rank in sorted(RANK.items(), key=lambda item: item[1]):
        by_rank.setdefault(rank, []).append(f"`{kind}`")
    yield "| Priority | Alerts |"
    yield "|---|---|"
    for rank, kinds in by_rank.items():
        yield f"| {rank} | {', '.join(kinds)} |"
    yield ""
    yield (
        f"{policy.raise_presses} presses within {policy.raise_within_s} seconds raise an alert one step, "
        f"as often as it happens, never above {SILENT_REPEAT}."
    )


def _rules() -> Iterator[str]:
    for state in (None, *State):
        yield from (f"### {state or '(none)'}", "", *_table(state), "")


def shipped() -> AlertPolicy:
    policy = policies.read(kinds=frozenset(Kind))
    if isinstance(policy, str):
        raise ValueError(policy)
    return policy


def alert_states() -> str:
    """The text of docs/alert-states.md."""
    policy = shipped()
    pairs, allowed = (len(State) + 1) * len(KEYS), len(ALERT_TABLE)
    said = TEMPLATE.format(
        states="\n".join(_states()),
        diagram="\n".join(_diagram()),
        pairs=pairs,
        allowed=allowed,
        refused=pairs - allowed,
        deadlines="\n".join(_deadlines(policy)),
        ladders="\n".join(_ladders(policy)),
        priorities="\n".join(_priorities(policy)),
        rules="\n".join(_rules()),
    )
    return said.rstrip() + "\n"


def files() -> dict[Path, str]:
    """Every generated file and what belongs in it."""
    documents = {DOCUMENT: alert_states(), CALL_DOCUMENT: call_states(shipped().calls)}
    documents[handover_document.SCHEMA_FILE] = handover_document.schema()
    return documents | {SCHEMAS / name: text for name, text in schemas().items()}


def main() -> None:
    wanted = files()
    SCHEMAS.mkdir(exist_ok=True)
    for stale in set(SCHEMAS.glob("*.json")) - wanted.keys():
        stale.unlink()
        print(f"removed {stale.relative_to(ROOT)}")
    for path, text in wanted.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
