"""What is said on each kind of call and what a key means. Pure: the script follows from the call's record,
so a callback that comes twice is answered the same both times. The words are data (config/prompts.toml).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from callcenter.alerts.call_model import Answer, Call, Direction, Role
from callcenter.alerts.inputs import CallReport
from callcenter.alerts.script import Ask, Hangup, Join, Pause, Say, Script
from config.prompts import Prompts

PRESS_S = 10  # the time to press a key: slow hands (telephony.md, flows)
SPEAK_S = 5  # the time to say something, while an operator may already wait in the room
TRIES = 2  # rounds of a question before it counts as unanswered

# Roles that are asked for help: only a key says yes.
ASKED_ROLES = frozenset({Role.RESPONDER, Role.FAMILY, Role.DUTY})


@dataclass(frozen=True, slots=True)
class Facts:
    """What a prompt may name. Never more than the person at the phone needs at that moment."""

    name: str = ""
    place: str = ""
    kind: str = ""
    goes: str = ""  # who goes already, by surname
    they_go: bool = False  # whoever is at the phone has said so on their page
    seen: str = ""  # of whom is looked for: where, how long ago and how exactly (last_seen)
    drill: bool = False  # that is said before anything else
    recorded: bool = True  # whoever it is about has not refused


TOLD = ("name", "place", "kind", "goes", "seen")
SPEAKS_OF_RECORDING = frozenset({"hotline_joins", "consult_joins"})  # the same words without it: NAME_unrecorded

# dialogue -> the question that opens it; a dialogue that is missing here asks nothing
_FIRST_STEP: Mapping[str, str] = {
    "resident": "awake",
    "welfare": "well",
    "roll_call": "well",
    "offer": "offer",
    "duty": "offer",
    "search": "offer",
    "search_report": "found",
    "transfer": "transfer",
}
OFFERED = frozenset({"offer", "search"})  # asked to go somewhere: each has an offer beside the call
ASKING = OFFERED | {"duty"}  # dialogues that end in an answer, if only in "no response"
DECIDED_BY_KEY = ASKING | {"transfer"}
# Between operators and their guests, or only to tell something: whatever comes of it, help goes on.
BESIDE = frozenset({"transfer", "consult", "search_over"})

# Dialogues with people who ask for help: nothing but a wish to hang up ends them, no slip and no guess of ours.
NEEDING = frozenset({"resident", "welfare", "hotline", "sos_line", "callback", "search_report", "roll_call"})

KEYS_OF_OFFER: Mapping[str, Answer | None] = {"1": Answer.ACCEPTED, "2": Answer.DECLINED, "3": None}


def first_step(call: Call) -> str:
    return "" if call.answer else _FIRST_STEP.get(call.dialogue, "")


def _report(call: Call, what: str, reason: str = "") -> CallReport:
    return CallReport(what, call.id, call.party, call.name, reason, role=call.role.value, dialogue=call.dialogue)


def _awake(call: Call, digits: str | None) -> tuple[Call, CallReport | None]:
    """Any key or word will do, but not a machine's words. Silence is the highest class; the line stays open."""
    if digits or (digits == "" and not call.machine):
        return replace(call, step=""), _report(call, "reached", "spoke" if digits == "" else "key")
    if call.tries + 1 < TRIES:
        return replace(call, tries=call.tries + 1), None
    return replace(call, step="", tries=call.tries + 1), _report(call, "silent")


def _well(call: Call, digits: str | None) -> tuple[Call, CallReport | None]:
    """1 is a mark, never a closure. Everything else, silence too, keeps the line open for help."""
    if digits in ("1", "3"):
        return _well_spoken(call, digits)
    if digits == "" and not call.machine:  # they are there; perhaps it was only a hello, so they are asked once more
        return replace(call, step="well_spoken"), _report(call, "reached", "spoke")
    if call.tries + 1 < TRIES:
        return replace(call, tries=call.tries + 1), None
    return replace(call, step="", tries=call.tries + 1), _report(call, "reached" if digits else "silent")


def _well_spoken(call: Call, digits: str | None) -> tuple[Call, CallReport | None]:
    """Of whom we know that they are there: without a 1 they wait for help, as they were told to."""
    if digits == "1":
        return replace(call, step="", answer=Answer.WELL), _report(call, "well")
    return (call if digits == "3" else replace(call, step="")), None


def _offer(call: Call, digits: str | None) -> tuple[Call, CallReport | None]:
    """1 goes, 2 cannot, 3 repeats. Nothing else accepts: not an answer, not another key, not a voice."""
    answer = KEYS_OF_OFFER.get(digits or "")
    if answer is not None:
        return replace(call, step="", answer=answer), _report(call, answer.value)
    if digits == "3":
        return call, None
    if call.tries + 1 < TRIES:
        return replace(call, tries=call.tries + 1), None
    return replace(call, step="", tries=call.tries + 1, answer=Answer.NO_RESPONSE), _report(call, "no_answer")


def _found(call: Call, digits: str | None) -> tuple[Call, CallReport | None]:
    """Who looks for somebody rings us: 1 says that they are found, whatever else leads to a person."""
    if digits == "1":
        return replace(call, step=""), _report(call, "found")
    if digits == "3":
        return call, None
    return replace(call, step=""), None


_OF_TRANSFER = {Answer.ACCEPTED: "took_over", Answer.DECLINED: "not_taken_over", Answer.NO_RESPONSE: "not_taken_over"}


def _transfer(call: Call, digits: str | None) -> tuple[Call, CallReport | None]:
    """The keys of an offer; what follows is another alert's owner, and nobody who goes."""
    after, report = _offer(call, digits)
    return after, _report(call, _OF_TRANSFER[after.answer]) if report and after.answer else None


_ON_INPUT: Mapping[str, Callable[[Call, str | None], tuple[Call, CallReport | None]]] = {
    "awake": _awake,
    "well": _well,
    "well_spoken": _well_spoken,
    "offer": _offer,
    "transfer": _transfer,
    "found": _found,
}


def on_input(call: Call, digits: str | None) -> tuple[Call, CallReport | None]:
    """The call after a key (None: nothing was pressed, empty: something was said), and what its alert learns."""
    return _ON_INPUT[call.step](call, digits)


def script(call: Call, facts: Facts, prompts: Prompts) -> Script:
    """What happens on this leg now. Of a drill whatever is said begins with that it is one, each time."""
    steps = _script(call, facts, prompts)
    return _of_a_drill(steps, Say(prompts.text("drill", call.language), call.language)) if facts.drill else steps


def _of_a_drill(steps: Script, say: Say) -> Script:
    first, *rest = steps
    if isinstance(first, Ask):
        return (replace(first, prompts=(say, *first.prompts)), *rest)
    return (say, *steps) if isinstance(first, Say) else steps


def _script(call: Call, facts: Facts, prompts: Prompts) -> Script:
    def say(key: str) -> Say:
        known = {name: getattr(facts, name) for name in TOLD}
        return Say(prompts.text(key, call.language, **known), call.language)

    def ask(key: str, seconds: int, *, speech: bool = False) -> Ask:
        return Ask(call.step, (say(key), Pause(1), say(f"{key}_keys")), seconds, speech)

    if call.answer is Answer.TOO_LATE:
        return _after_offer(call, facts, say)
    if call.hang_up_at or (call.over and call.dialogue not in NEEDING):
        over = "offer_accepted_on_page" if facts.they_go else "nobody_needed"
        asked = {"transfer": "transfer_too_late"} | dict.fromkeys(ASKING, over)
        return (say(asked[call.dialogue]), Hangup()) if call.dialogue in asked else (Hangup(),)
    if call.step == "awake":
        return (ask("resident", SPEAK_S, speech=True),)
    if call.step in ("well", "well_spoken"):
        return (ask(call.dialogue, PRESS_S, speech=call.step == "well"),)
    if call.step in ("offer", "transfer", "found"):
        return (ask(call.dialogue, PRESS_S),)
    if call.dialogue in DECIDED_BY_KEY:
        return _after_offer(call, facts, say)
    if call.dialogue == "roll_call" and call.answer is Answer.WELL:
        return (say("roll_call_thanks"), Hangup())
    if call.dialogue == "search_over":
        return (say("search_over"), Hangup())
    if call.dialogue == "welfare" and call.answer is Answer.WELL:
        return (say("welfare_thanks"), Join(call.room, start=False, record=facts.recorded))
    starts = call.direction is not Direction.INBOUND and call.role is Role.OPERATOR
    words = f"{call.dialogue}_joins"
    if words in SPEAKS_OF_RECORDING and not facts.recorded:
        words = f"{words}_unrecorded"
    return (say(words), Join(call.room, start=starts, record=facts.recorded))


def _after_offer(call: Call, facts: Facts, say: Callable[[str], Say]) -> Script:
    asked = "offer" if call.dialogue == "duty" else call.dialogue
    if call.answer is Answer.ACCEPTED and asked == "search":  # nobody searches with a telephone at their ear
        return (say("search_accepted"), Hangup())
    if call.answer is Answer.ACCEPTED:
        return (say(f"{asked}_accepted"), Join(call.room, record=facts.recorded))
    return (say(f"{asked}_{call.answer.value if call.answer else 'no_response'}"), Hangup())
