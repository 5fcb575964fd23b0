"""The call machine: a pure table from (state, input) to what a call becomes and what follows.

News may come late, twice, out of order or never: a rule raises the state or does nothing, over is over, and
while it is unknown whether a call was placed nothing is dialled again (docs/adr/0009).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from callcenter.alerts import dialogues
from callcenter.alerts.call_inputs import (
    CALL_KEYS,
    CallDue,
    CallInput,
    Dialling,
    HangUpWanted,
    Heard,
    HoldWanted,
    Met,
    News,
    NotFound,
    NotPlaced,
    NotTaken,
    Placed,
    PlacingUnknown,
)
from callcenter.alerts.call_model import OVER, STATE_RANK, Answer, Call, CallOutcome, CallState, Direction, Role
from callcenter.alerts.effects import Effect, EndCall, FindCall, HoldCall, PlaceCall
from callcenter.alerts.inputs import CallReport
from callcenter.alerts.rules import Refused
from config.policies import CallPolicy


@dataclass(frozen=True, slots=True)
class CallChange:
    """The call as it is now, what to log, what to wish for, and what its alert is told."""

    call: Call
    data: dict[str, Any] = field(default_factory=dict)
    effects: tuple[Effect, ...] = ()
    report: CallReport | None = None


@dataclass(frozen=True, slots=True)
class CallDecided:
    rule: str
    change: CallChange


DIAL_S = 4.0  # no gateway's request takes longer (telephony.md, 2)

Decide = Callable[[Call, Any, datetime, CallPolicy], CallChange | Refused]


@dataclass(frozen=True, slots=True)
class CallRule:
    id: str
    says: str
    decide: Decide


def _later(now: datetime, seconds: float) -> datetime:
    return now + timedelta(seconds=seconds)


def _nothing(why: str) -> Refused:
    return Refused("no_news", why)


def _look_again(call: Call, now: datetime, policy: CallPolicy) -> datetime:
    """When the centre asks the carrier by itself if it hears nothing more."""
    if call.direction is Direction.INBOUND and call.state is CallState.RINGING:
        return _later(now, policy.queue_s)
    if call.state is CallState.TALKING:
        return _later(now, policy.poll_s)
    return _later(now, call.ring_s + policy.news_late_s)


def _moved(call: Call, state: CallState, now: datetime, policy: CallPolicy, **changes: Any) -> Call:  # noqa: ANN401
    after = replace(call, state=state, checks=0, **changes)
    return replace(after, due=_look_again(after, now, policy))


def _over(call: Call, outcome: CallOutcome, now: datetime, *, cause: str = "", **changes: Any) -> Call:  # noqa: ANN401
    never = outcome in (CallOutcome.BY_HAND, CallOutcome.FAILED) and call.placed_at is None and not call.answered_at
    state = CallState.FAILED if never else CallState.ENDED
    return replace(
        call, state=state, due=None, ended_at=now, in_room=False, outcome=outcome, cause=cause, step="", **changes
    )


def is_placed(call: Call, placed: Placed, now: datetime, policy: CallPolicy) -> CallChange | Refused:
    """News may have overtaken the answer: then only the carrier's name for the call is learned."""
    if STATE_RANK[call.state] > STATE_RANK[CallState.UNKNOWN]:
        if call.provider_ref:
            return _nothing("known already")
        return CallChange(replace(call, gateway=placed.gateway, provider_ref=placed.ref))
    learned = {"gateway": placed.gateway, "provider_ref": placed.ref, "placed_at": now}
    after = _moved(call, CallState.PLACED, now, policy, **learned)
    effects = (EndCall(call.id),) if call.hang_up_at else ()  # nobody needs it any more: it must not go on ringing
    return CallChange(after, {"gateway": placed.gateway}, effects)


def names_its_carrier(call: Call, placed: Placed, _now: datetime, _policy: CallPolicy) -> CallChange | Refused:
    """We had given it up; if it rings after all, it must stop."""
    if call.provider_ref:
        return _nothing("known already")
    given_up = call.outcome in (CallOutcome.LOST, CallOutcome.FAILED, CallOutcome.BY_HAND)
    after = replace(call, gateway=placed.gateway, provider_ref=placed.ref)
    return CallChange(after, effects=(EndCall(call.id),) if given_up else ())


def is_being_dialled(call: Call, dialling: Dialling, now: datetime, policy: CallPolicy) -> CallChange | Refused:
    """From here on it may ring: whatever happens to this process, nobody dials it again before it was looked for."""
    if call.hang_up_at:
        return Refused("unwanted", "nobody needs it any more")
    if now >= call.not_after:
        return Refused("too_late", "it was wanted too long ago")
    due = _later(now, DIAL_S + policy.unknown_first_s)
    after = replace(call, state=CallState.UNKNOWN, gateway=dialling.gateway, unknown_at=now, checks=0, due=due)
    return CallChange(after, {"gateway": dialling.gateway})


def is_not_taken(call: Call, refused: NotTaken, _now: datetime, _policy: CallPolicy) -> CallChange:
    after = replace(call, state=CallState.WANTED, gateway="", unknown_at=None, due=call.not_after)
    return CallChange(after, {"gateway": refused.gateway, "reason": refused.reason})


def is_not_placed(call: Call, failed: NotPlaced, now: datetime, _policy: CallPolicy) -> CallChange:
    outcome = CallOutcome.BY_HAND if failed.by_hand else CallOutcome.FAILED
    after = _over(call, outcome, now, cause=failed.reason)
    return CallChange(after, {"reason": failed.reason, "outcome": outcome.value}, report=_end_report(call, after))


def may_be_placed(call: Call, unknown: PlacingUnknown, now: datetime, policy: CallPolicy) -> CallChange:
    after = replace(call, state=CallState.UNKNOWN, gateway=unknown.gateway, unknown_at=now, checks=0)
    after = replace(after, due=_later(now, policy.unknown_first_s))
    return CallChange(after, {"gateway": unknown.gateway, "reason": unknown.reason})


def is_looked_for(call: Call, _due: CallDue, now: datetime, policy: CallPolicy) -> CallChange:
    """Nothing was heard: the carrier is asked; if that stays in vain for a minute, the call counts as lost."""
    if call.checks * policy.look_every_s >= policy.reconcile_s:
        return _lost(call, now, "no news and no answer to questions")
    after = replace(call, checks=call.checks + 1, due=_later(now, policy.look_every_s))
    return CallChange(after, {"check": after.checks}, (FindCall(call.id),))


def _lost(call: Call, now: datetime, cause: str) -> CallChange:
    after = _over(call, CallOutcome.LOST, now, cause=cause)
    return CallChange(after, {"outcome": CallOutcome.LOST.value, "cause": cause}, report=_end_report(call, after))


def is_too_old(call: Call, _due: CallDue, now: datetime, _policy: CallPolicy) -> CallChange:
    after = _over(call, CallOutcome.FAILED, now, cause="too_late")
    return CallChange(after, {"outcome": "failed", "cause": "too_late"}, report=_end_report(call, after))


def was_never_placed(call: Call, gone: NotFound, now: datetime, policy: CallPolicy) -> CallChange | Refused:
    """The carrier does not know it and no callback named it: only now another gateway may dial."""
    since = call.unknown_at or now
    if now - since < timedelta(seconds=policy.unknown_first_s):
        return _nothing("too early to say")
    if now >= call.not_after or call.hang_up_at:
        return _lost(call, now, "never placed")
    after = replace(call, state=CallState.WANTED, gateway="", unknown_at=None, checks=0, due=call.not_after)
    return CallChange(after, {"gateway": gone.gateway}, (PlaceCall(call.id, without=gone.gateway),))


def has_gone(call: Call, _gone: NotFound, now: datetime, _policy: CallPolicy) -> CallChange | Refused:
    if call.checks < 2:
        return _nothing("asked once more before it counts as gone")
    return _lost(call, now, "the carrier knows it no more")


def rings(call: Call, heard: Heard, now: datetime, policy: CallPolicy) -> CallChange | Refused:
    state = CallState.RINGING if heard.what is News.RINGING else CallState.PLACED
    if STATE_RANK[state] <= STATE_RANK[call.state]:
        return _nothing("older than what is known")
    times = {"placed_at": call.placed_at or now, "provider_ref": call.provider_ref or heard.ref}
    if state is CallState.RINGING:
        times["ringing_at"] = now
    return CallChange(_moved(call, state, now, policy, **times), effects=_if_unwanted(call))


def _if_unwanted(call: Call) -> tuple[Effect, ...]:
    return (EndCall(call.id),) if call.hang_up_at else ()


def is_answered(call: Call, heard: Heard, now: datetime, policy: CallPolicy) -> CallChange | Refused:
    """A person or a machine: that anybody answered accepts nothing."""
    if STATE_RANK[call.state] >= STATE_RANK[CallState.TALKING]:
        return _nothing("known already")
    times = {"placed_at": call.placed_at or now, "ringing_at": call.ringing_at or now, "answered_at": now}
    after = _moved(call, CallState.TALKING, now, policy, provider_ref=call.provider_ref or heard.ref, **times)
    return CallChange(replace(after, step=dialogues.first_step(after)), effects=_if_unwanted(call))


def is_answered_by_a_machine(call: Call, _heard: Heard, _now: datetime, _policy: CallPolicy) -> CallChange | Refused:
    """A hint. For the resident it means: do not wait for that voice, send somebody now."""
    if call.machine:
        return _nothing("known already")
    report = CallReport("not_reached", call.id, call.party, call.name, "machine") if call.role is Role.ELDER else None
    return CallChange(replace(call, machine=True), report=report)


def is_told_something(call: Call, heard: Heard, now: datetime, policy: CallPolicy) -> CallChange | Refused:
    if call.answer is not None or heard.step != call.step or not call.step:
        return _nothing("that question is not open")
    after, report = dialogues.on_input(call, heard.digits)
    after = replace(after, checks=0, due=_look_again(after, now, policy))
    data = {"step": heard.step, "digits": heard.digits, "answer": after.answer.value if after.answer else None}
    return CallChange(after, data, report=report)


def joins(call: Call, _heard: Heard, now: datetime, policy: CallPolicy) -> CallChange | Refused:
    """In the room, perhaps alone: a caller who hears music still waits (the queue is ours)."""
    if call.in_room:
        return _nothing("known already")
    if call.direction is Direction.INBOUND:
        return CallChange(replace(call, in_room=True))
    times = {"placed_at": call.placed_at or now, "answered_at": call.answered_at or now, "in_room": True}
    return CallChange(_moved(call, CallState.TALKING, now, policy, **times))


def leaves(call: Call, heard: Heard, _now: datetime, _policy: CallPolicy) -> CallChange | Refused:
    if not call.in_room:
        return _nothing("it was not there")
    return CallChange(replace(call, in_room=False), {"cause": heard.cause})


def meets(call: Call, _met: Met, now: datetime, policy: CallPolicy) -> CallChange | Refused:
    if call.joined_at:
        return _nothing("known already")
    return CallChange(_moved(call, CallState.TALKING, now, policy, joined_at=now, answered_at=call.answered_at or now))


def ends(call: Call, heard: Heard, now: datetime, _policy: CallPolicy) -> CallChange:
    outcome = heard.outcome or CallOutcome.LOST
    if call.direction is Direction.INBOUND and call.joined_at is None:
        outcome = CallOutcome.ABANDONED
    elif outcome is CallOutcome.ANSWERED and call.answered_at is None:
        # Completed and never answered: the answer's news is lost. Whoever talked, nobody said yes.
        call = replace(call, answered_at=now)
    placed = call.placed_at or now
    call = replace(call, placed_at=placed, provider_ref=call.provider_ref or heard.ref)
    after = _over(call, outcome, now, cause=heard.cause, talk_s=heard.talk_s)
    if after.answer is None and call.dialogue in dialogues.ASKING:
        after = replace(after, answer=Answer.NO_RESPONSE)
    data = {"outcome": outcome.value, "cause": heard.cause, "talk_s": heard.talk_s}
    return CallChange(after, data, report=_end_report(call, after))


def _end_report(before: Call, after: Call) -> CallReport | None:
    """What the alert learns from the end of a call. Somebody who had answered has already been reported."""

    def said(what: str) -> CallReport:
        reason = after.outcome.value if after.outcome else ""
        return CallReport(what, after.id, after.party, after.name, reason, role=after.role.value)

    if before.hang_up_at and after.outcome is not CallOutcome.BY_HAND:
        return None  # we ended it ourselves
    if after.outcome is CallOutcome.BY_HAND:
        return said("by_hand")
    if before.answer in (Answer.DECLINED, Answer.TOO_LATE, Answer.NO_RESPONSE, Answer.ACCEPTED, Answer.WELL):
        return None
    if before.role is Role.ELDER and before.direction is Direction.OUTBOUND:
        return None if before.joined_at or before.machine else said("not_reached")
    if before.role in dialogues.ASKED_ROLES:
        return said("no_answer")
    return said("operator_missed") if before.role is Role.OPERATOR and not before.joined_at else None


def is_hung_up(call: Call, wanted: HangUpWanted, now: datetime, _policy: CallPolicy) -> CallChange | Refused:
    if call.hang_up_at:
        return _nothing("asked for already")
    return CallChange(replace(call, hang_up_at=now), {"reason": wanted.reason}, (EndCall(call.id),))


def is_not_dialled(call: Call, wanted: HangUpWanted, now: datetime, _policy: CallPolicy) -> CallChange:
    """Its request may be on the way: whoever sends it learns that nobody needs it, and ends it."""
    return CallChange(replace(call, hang_up_at=now), {"reason": wanted.reason})


def is_held(call: Call, wanted: HoldWanted, _now: datetime, _policy: CallPolicy) -> CallChange | Refused:
    if call.held == wanted.held:
        return _nothing("it is so already")
    return CallChange(replace(call, held=wanted.held), {"held": wanted.held}, (HoldCall(call.id, wanted.held),))


def waits_in_the_queue(call: Call, _due: CallDue, now: datetime, policy: CallPolicy) -> CallChange:
    """A caller whom nobody has joined: more people are asked, again and again until somebody does."""
    after = replace(call, checks=call.checks + 1, due=_later(now, policy.queue_s))
    report = CallReport("caller_waits", call.id, call.party, call.name, role=call.role.value)
    return CallChange(after, {"check": after.checks}, (FindCall(call.id),), report)


def is_noted(call: Call, heard: Heard, _now: datetime, _policy: CallPolicy) -> CallChange:
    return CallChange(call, {"ref": heard.ref, "what": heard.what.value})


W, U, P, R, T = CallState.WANTED, CallState.UNKNOWN, CallState.PLACED, CallState.RINGING, CallState.TALKING
LIVING = (W, U, P, R, T)
EVER = tuple(CallState)

# identifier, sentence, states, key, function
_ROWS: tuple[tuple[str, str, tuple[CallState, ...], str, Decide], ...] = (
    ("call.dialling", "A gateway is about to be asked.", (W,), "dialling", is_being_dialled),
    ("call.not_taken", "That gateway did not take it; the next one may be asked.", (U,), "not_taken", is_not_taken),
    ("call.placed", "A carrier has it.", LIVING, "placed", is_placed),
    ("call.named", "It is over before the carrier's answer came; its name is kept.",
     tuple(OVER), "placed", names_its_carrier),
    ("call.not_placed", "No gateway takes it: it failed, or a person dials it.", (W, U), "not_placed", is_not_placed),
    ("call.unknown", "The request's answer was lost: nothing is dialled again until it is known.",
     (U,), "placing_unknown", may_be_placed),
    ("call.too_old", "It was wanted too long ago and is not dialled any more.", (W,), "due", is_too_old),
    ("call.looked_for", "No news: the carrier is asked.", (U, P, T), "due", is_looked_for),
    ("call.never_placed", "The carrier knows nothing of it: another gateway may dial.",
     (U,), "not_found", was_never_placed),
    ("call.gone", "The carrier knows it no more.", (P, R, T), "not_found", has_gone),
    ("call.queued", "The carrier has it in its queue.", LIVING, "news.queued", rings),
    ("call.rings", "It rings.", LIVING, "news.ringing", rings),
    ("call.answered", "Somebody or something answered.", LIVING, "news.answered", is_answered),
    ("call.machine", "Probably a machine.", LIVING, "news.machine", is_answered_by_a_machine),
    ("call.input", "A key was pressed, or none.", (W, U, P, R, T), "news.input", is_told_something),
    ("call.joined", "It is in the room.", LIVING, "news.joined", joins),
    ("call.left", "It left the room.", LIVING, "news.left", leaves),
    ("call.met", "Somebody of ours is in the room with it: they can talk.", (P, R, T), "met", meets),
    ("call.ended", "It is over.", LIVING, "news.ended", ends),
    ("call.recorded", "A recording is ready.", EVER, "news.recorded", is_noted),
    ("call.not_recorded", "There is no recording.", EVER, "news.not_recorded", is_noted),
    ("call.hung_up", "Nobody needs it any more.", (P, R, T), "hang_up", is_hung_up),
    ("call.unwanted", "Nobody needs it any more, and it was not placed yet.", (W, U), "hang_up", is_not_dialled),
    ("call.held", "An operator holds it, or takes it back.", (T,), "hold", is_held),
)  # fmt: skip


def _build() -> Mapping[tuple[CallState, str], CallRule]:
    table: dict[tuple[CallState, str], CallRule] = {}
    for identifier, says, states, key, function in _ROWS:
        for state in states:
            if (state, key) in table or key not in CALL_KEYS:
                raise ValueError(f"two rules for {(state, key)}, or no such input")
            table[state, key] = CallRule(identifier, says, function)
    return table


CALL_TABLE = _build()


def _ringing_due(call: Call) -> CallRule:
    if call.direction is Direction.INBOUND:
        return CallRule("call.queue", "Nobody has joined the caller yet.", waits_in_the_queue)
    return CallRule("call.looked_for", "No news: the carrier is asked.", is_looked_for)


def decide_call(call: Call, happened: CallInput, *, now: datetime, policy: CallPolicy) -> CallDecided | Refused:
    """What follows from `happened`. A pair that is not in the table is refused and changes nothing."""
    rule = CALL_TABLE.get((call.state, happened.key))
    if call.state is CallState.RINGING and isinstance(happened, CallDue):
        rule = _ringing_due(call)
    if rule is None:
        return Refused("not_allowed", f"{happened.key} is not possible in state {call.state}")
    outcome = rule.decide(call, happened, now, policy)
    if isinstance(outcome, Refused):
        return outcome
    version = call.version + (outcome.call != call)
    return CallDecided(rule.id, replace(outcome, call=replace(outcome.call, version=version)))
