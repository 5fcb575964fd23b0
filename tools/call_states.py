"""Writes docs/call-states.md from the call machine's table. Part of tools/generate.py."""

from collections.abc import Iterator

from callcenter.alerts.call_inputs import CALL_KEYS
from callcenter.alerts.call_model import OVER, CallState
from callcenter.alerts.call_rooms import ALONE_S, CALLER_LOST_S
from callcenter.alerts.call_rules import ALONE, CALL_TABLE, DIAL_S, QUEUE
from callcenter.alerts.dialogues import PRESS_S, SPEAK_S, TRIES
from config.policies import CallPolicy

MEANINGS = {
    CallState.WANTED: "Decided and stored; nothing was sent yet, or whoever was asked certainly did not take it.",
    CallState.PLACED: "A carrier has it.",
    CallState.RINGING: "It rings. One from outside rings until a person of ours joins it.",
    CallState.TALKING: "Somebody or something has answered, or a person of ours is there.",
    CallState.UNKNOWN: "A request is on its way or its answer was lost: it may ring. Looked up before it is dialled.",
    CallState.ENDED: "Over.",
    CallState.FAILED: "It never became a call.",
}
TEMPLATE = """# What a call goes through

Generated from `callcenter/alerts/call_rules.py` and `config/escalation.toml` by `make schemas`. Do not edit.

A call is one leg between the centre and one telephone. Its news may come late, twice, out of order or never: a rule
raises the state or does nothing, and over is over.

## States

{states}

## Moves

{diagram}

{allowed} of the {pairs} pairs of state and input have a rule. The other {refused} are refused and counted: they change
nothing. A rule refuses what is old, known, or not about the gateway that is being asked.

## Deadlines

Each open call has one: when the centre looks by itself. A later one replaces it.

{deadlines}

## When a request goes wrong

{retries}

## Questions

{questions}

## Rules

{rules}
"""


def _states() -> Iterator[str]:
    yield "| State | Meaning | Over |"
    yield "|---|---|---|"
    for state in CallState:
        yield f"| `{state}` | {MEANINGS[state]} | {'yes' if state in OVER else 'no'} |"


def _diagram() -> Iterator[str]:
    edges: dict[tuple[CallState, CallState], list[str]] = {}
    for (state, key), rule in sorted(CALL_TABLE.items(), key=lambda item: CALL_KEYS.index(item[0][1])):
        for target in rule.leads_to:
            edges.setdefault((state, target), []).append(key)
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {CallState.WANTED}: we ring"
    yield f"    [*] --> {CallState.RINGING}: somebody rings us"
    for state in CallState:
        for target in CallState:
            if keys := edges.get((state, target)):
                yield f"    {state} --> {target}: {', '.join(keys)}"
    for state in CallState:
        if state in OVER:
            yield f"    {state} --> [*]"
    yield "```"


def _deadlines(policy: CallPolicy) -> Iterator[str]:
    late, look = policy.news_late_s, policy.look_every_s
    lost = f"asked every {look} s for {policy.reconcile_s} s, then"
    rows = (
        ("wanted", f"{policy.not_after_s} s after it was wanted", "not dialled any more"),
        ("unknown, its request on the way", f"{DIAL_S + policy.unknown_first_s:g} s", f"{lost} a person dials"),
        ("unknown, the answer lost", f"{policy.unknown_first_s} s", f"{lost} a person dials"),
        ("placed, ringing", f"its ringing time and {late} s", f"{lost} lost, and ended should it still ring"),
        ("ringing in", f"{policy.queue_s} s", f"more people are asked each time; lost when nothing is heard of the "
         f"line for {CALLER_LOST_S} s"),
        ("left alone in the room", f"{ALONE_S} s, then every {policy.queue_s} s", "whoever has the alert is rung, then "
         f"other operators, then more people; lost when nothing is heard of the line for {CALLER_LOST_S} s"),
        ("talking", f"{policy.poll_s} s", f"{lost} lost; as often as the carrier says that it goes on, it does"),
    )  # fmt: skip
    yield "| State | After | What happens |"
    yield "|---|---|---|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""
    yield (
        f"Ringing times: a resident {policy.ring_resident_s} s, an operator {policy.ring_operator_s} s, who is asked "
        f"to go {policy.ring_responder_s} s. A caller who gave up is called back within {policy.debt_s} s."
    )


def _retries(policy: CallPolicy) -> Iterator[str]:
    rows = (
        ("Carrier not reached", "`not_taken`", "once more after 0.3 s, then the next gateway"),
        ("429", "`not_taken`", "as the carrier says, at most 3 tries in 5 s, then the next gateway"),
        ("Timeout after sending, reset, 5xx, no JSON", "`placing_unknown`",
         f"{policy.unknown_first_s} s for a callback, then it is looked for; another gateway dials only when the "
         "carrier asked last knows nothing of it (`not_found`)"),
        ("Number or caller refused for good", "`not_placed`", "failed; the alert asks the next person"),
        ("Credentials refused", "`not_taken`", "the gateway is left out, the next one is asked"),
        ("No gateway left", "`not_placed`", "a person dials by hand"),
        ("This process dies", "none", f"looked for after {DIAL_S + policy.unknown_first_s:g} s"),
    )  # fmt: skip
    yield "| What happened | Input | What follows |"
    yield "|---|---|---|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _questions() -> Iterator[str]:
    yield (
        f"{PRESS_S} s to press a key, {SPEAK_S} s to speak, {TRIES} rounds. Only the key 1 says yes. Who needs help is "
        "put into the room whatever they press; nobody but a person ends their call."
    )


def _rules() -> Iterator[str]:
    for state in CallState:
        yield from (f"### {state}", "", "| Input | Rule | What it says | Leads to |", "|---|---|---|---|")
        for key in CALL_KEYS:
            rules = [CALL_TABLE[state, key]] if (state, key) in CALL_TABLE else []
            if state is CallState.RINGING and key == "due":
                rules.append(QUEUE)
            if state is CallState.TALKING and key == "due":
                rules.append(ALONE)
            for rule in rules:
                leads = ", ".join(f"`{target}`" for target in CallState if target in rule.leads_to)
                yield f"| `{key}` | `{rule.id}` | {rule.says} | {leads or 'stays'} |"
        refused = ", ".join(f"`{key}`" for key in CALL_KEYS if (state, key) not in CALL_TABLE)
        yield from ("", f"Refused here: {refused}." if refused else "Nothing is refused here.", "")


def call_states(policy: CallPolicy) -> str:
    """The text of docs/call-states.md."""
    pairs = len(CallState) * len(CALL_KEYS)
    said = TEMPLATE.format(
        states="\n".join(_states()),
        diagram="\n".join(_diagram()),
        pairs=pairs,
        allowed=len(CALL_TABLE),
        refused=pairs - len(CALL_TABLE),
        deadlines="\n".join(_deadlines(policy)),
        retries="\n".join(_retries(policy)),
        questions="\n".join(_questions()),
        rules="\n".join(_rules()),
    )
    return said.rstrip() + "\n"
