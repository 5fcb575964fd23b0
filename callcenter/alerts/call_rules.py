"""The call machine: a pure table from (state, input) to what a call becomes and what follows.

News may come late, twice, out of order or never: a rule raises the state or does nothing, over is over, and
while it is unknown whether a call was placed nothing is dialled again (docs/adr/0009).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from callcenter.alerts import call_ends, call_rooms, dialogues
from callcenter.alerts.call_ends import CallChange, nothing, said
from callcenter.alerts.call_inputs import (
    CALL_KEYS,
    Agreed,
    CallDue,
    CallInput,
    CameTooLate,
    Dialling,
    HangUpWanted,
    Heard,
    HoldWanted,
    Met,
    News,
    NotPlaced,
    NotTaken,
    Placed,
    PlacingUnknown,
)
from callcenter.alerts.call_model import OVER, STATE_RANK, Answer, Call, CallState, Direction, Role
from callcenter.alerts.effects import Effect, EndCall, FindCall, HoldCall
from callcenter.alerts.rules import Refused
from config.policies import CallPolicy

__all__ = ["ALONE", "CALL_TABLE", "QUEUE", "CallChange", "CallDecided", "CallRule", "decide_call"]


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
    leads_to: frozenset[CallState]  # besides staying
    decide: Decide


def _later(now: datetime, seconds: float) -> datetime:
    return now + timedelta(seconds=seconds)


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


def _if_unwanted(call: Call) -> tuple[Effect, ...]:
    """Nobody needs it any more: it must not go on."""
    return (EndCall(call.id),) if call.hang_up_at else ()


def is_placed(call: Call, placed: Placed, now: datetime, policy: CallPolicy) -> CallChange | Refused:
    """News may have overtaken the answer: then only the carrier's name for the call is learned."""
    if STATE_RANK[call.state] > STATE_RANK[CallState.UNKNOWN]:
        if call.provider_ref:
            return nothing("known already")
        after = replace(call, gateway=placed.gateway, provider_ref=placed.ref)
        return CallChange(after, effects=_if_unwanted(call))
    learned = {"provider_ref": call.provider_ref or placed.ref, "placed_at": call.placed_at or now}
    after = _moved(call, CallState.PLACED, now, policy, gateway=placed.gateway, **learned)
    return CallChange(after, {"gateway": placed.gateway}, _if_unwanted(call))


def is_being_dialled(call: Call, dialling: Dialling, now: datetime, policy: CallPolicy) -> CallChange | Refused:
    """From here on it may ring: whatever happens to this process, nobody dials it again before it was looked for."""
    if call.hang_up_at:
        return Refused("unwanted", "nobody needs it any more")
    if now >= call.not_after:
        return Refused("too_late", "it was wanted too long ago")
    due = _later(now, DIAL_S + policy.unknown_first_s)
    after = replace(call, state=CallState.UNKNOWN, gateway=dialling.gateway, unknown_at=now, checks=0, due=due)
    return CallChange(after, {"gateway": dialling.gateway})


def is_not_taken(call: Call, refused: NotTaken, _now: datetime, _policy: CallPolicy) -> CallChange | Refused:
    if refused.gateway != call.gateway:
        return nothing("another gateway is being asked by now")
    after = replace(call, state=CallState.WANTED, gateway="", unknown_at=None, checks=0, due=call.not_after)
    return CallChange(after, {"gateway": refused.gateway, "reason": refused.reason})


def may_be_placed(call: Call, unknown: PlacingUnknown, now: datetime, policy: CallPolicy) -> CallChange | Refused:
    if unknown.gateway != call.gateway:
        return nothing("another gateway is being asked by now")
    after = replace(call, checks=0, due=_later(now, policy.unknown_first_s))
    return CallChange(after, {"gateway": unknown.gateway, "reason": unknown.reason})


def is_looked_for(call: Call, _due: CallDue, now: datetime, policy: CallPolicy) -> CallChange | Refused:
    """Nothing was heard: the carrier is asked; if that stays in vain for a minute, the call counts as lost."""
    if call.state is CallState.UNKNOWN:
        return _is_unsure(call, now, policy)
    if call.checks * policy.look_every_s >= policy.reconcile_s:
        return call_ends.is_lost(call, now, "no news and no answer to questions")
    after = replace(call, checks=call.checks + 1, due=_later(now, policy.look_every_s))
    return CallChange(after, {"check": after.checks}, (FindCall(call.id),))


def _is_unsure(call: Call, now: datetime, policy: CallPolicy) -> CallChange | Refused:
    """Looked for once, with several questions; then the alert goes on and a person dials (docs/adr/0014)."""
    if call.checks:
        return call_ends.is_not_placed(call, NotPlaced(call.gateway, call_ends.NO_NEWS, by_hand=True), now, policy)
    given_up = _later(call.unknown_at or now, policy.unsure_s)
    after = replace(call, checks=1, due=max(given_up, _later(now, policy.unknown_first_s)))
    return CallChange(after, {"check": after.checks}, (FindCall(call.id),))


def _heard_of(call: Call, heard: Heard, now: datetime) -> dict[str, Any]:
    """Any news proves that a carrier has it, and may be the first to tell the carrier's name for it."""
    return {"placed_at": call.placed_at or now, "provider_ref": call.provider_ref or heard.ref}


def rings(call: Call, heard: Heard, now: datetime, policy: CallPolicy) -> CallChange | Refused:
    state = CallState.RINGING if heard.what is News.RINGING else CallState.PLACED
    if STATE_RANK[state] > STATE_RANK[call.state]:
        known = _heard_of(call, heard, now) | (
            {"ringing_at": call.ringing_at or now} if state is CallState.RINGING else {}
        )
        return CallChange(_moved(call, state, now, policy, **known), effects=_if_unwanted(call))
    if call.direction is Direction.INBOUND and call.state is CallState.RINGING:
        return _is_still_there(call, now, policy)
    if state is call.state is CallState.PLACED and call.checks and now >= call.not_after:
        return call_ends.is_queued_too_long(call, now)
    return nothing("older than what is known")


def _is_still_there(call: Call, now: datetime, policy: CallPolicy) -> CallChange | Refused:
    """The carrier was asked and says that it goes on: it is not lost, however long it lasts."""
    if not call.checks:
        return nothing("known already")
    waits = call.state is CallState.RINGING or (call.due and call.due > _later(now, policy.look_every_s))
    due = call.due if waits else _look_again(call, now, policy)  # who waits for a person is looked after by its own due
    return CallChange(replace(call, checks=0, due=due), effects=_if_unwanted(call))


def is_answered(call: Call, heard: Heard, now: datetime, policy: CallPolicy) -> CallChange | Refused:
    """A person or a machine: that anybody answered accepts nothing.

    Who rang us was "answered" by our greeting, so says the carrier; they wait until a person joins them.
    """
    if call.state is CallState.TALKING or call.direction is Direction.INBOUND:
        return _is_still_there(call, now, policy)
    after = _answered(call, heard, now, policy)
    report = said(call, "picked_up") if after.step == "transfer" and not call.hang_up_at else None
    return CallChange(after, effects=_if_unwanted(call), report=report)


def _answered(call: Call, heard: Heard, now: datetime, policy: CallPolicy) -> Call:
    known = _heard_of(call, heard, now) | {"ringing_at": call.ringing_at or now, "answered_at": call.answered_at or now}
    after = _moved(call, CallState.TALKING, now, policy, **known)
    return replace(after, step=dialogues.first_step(after))


def is_answered_by_a_machine(call: Call, _heard: Heard, _now: datetime, _policy: CallPolicy) -> CallChange | Refused:
    """A hint. For the resident it means: do not wait for that voice, send somebody now."""
    if call.machine or call.joined_at:
        return nothing("known already, or somebody of ours knows better")
    waits = call.role is Role.ELDER and not call.hang_up_at and call.answer is None
    report = replace(said(call, "not_reached"), reason="machine") if waits else None
    return CallChange(replace(call, machine=True), report=report)


def is_told_something(call: Call, heard: Heard, now: datetime, policy: CallPolicy) -> CallChange | Refused:
    """A key proves that the call was answered, even where that news is late."""
    before = call
    if STATE_RANK[call.state] < STATE_RANK[CallState.TALKING] and call.direction is not Direction.INBOUND:
        call = _answered(call, heard, now, policy)
    if call.answer is not None or heard.step != call.step or not call.step:
        return nothing("that question is not open")
    if call.hang_up_at:
        after, report = _says_too_late(call, heard), None
    else:
        after, report = dialogues.on_input(call, heard.digits)
    after = replace(after, checks=0, due=_look_again(after, now, policy))
    data = {"step": heard.step, "digits": heard.digits, "answer": after.answer.value if after.answer else None}
    return CallChange(after, data, _if_unwanted(call) if before.state is not call.state else (), report)


def _says_too_late(call: Call, heard: Heard) -> Call:
    """What they hear is that nobody needs them any more: a yes that crosses with it binds nobody."""
    late = (
        call.dialogue in dialogues.DECIDED_BY_KEY and dialogues.KEYS_OF_OFFER.get(heard.digits or "") is Answer.ACCEPTED
    )
    return replace(call, step="", answer=Answer.TOO_LATE) if late else call


def joins(call: Call, heard: Heard, now: datetime, policy: CallPolicy) -> CallChange | Refused:
    """In the room, perhaps alone: a caller who hears music still waits (the queue is ours)."""
    if call.in_room:
        return nothing("known already")
    if call.direction is Direction.INBOUND:
        return CallChange(replace(call, in_room=True))
    known = _heard_of(call, heard, now) | {"answered_at": call.answered_at or now, "in_room": True}
    if call.state is CallState.TALKING:  # its due stays: it may be who was left alone, and is looked after
        return CallChange(replace(call, **known))
    return CallChange(_moved(call, CallState.TALKING, now, policy, **known), effects=_if_unwanted(call))


def leaves(call: Call, heard: Heard, _now: datetime, _policy: CallPolicy) -> CallChange | Refused:
    if not call.in_room:
        return nothing("it was not there")
    return CallChange(replace(call, in_room=False), {"cause": heard.cause})


def meets(call: Call, _met: Met, now: datetime, policy: CallPolicy) -> CallChange | Refused:
    if call.joined_at:
        return nothing("known already")
    return CallChange(_moved(call, CallState.TALKING, now, policy, joined_at=now, answered_at=call.answered_at or now))


def is_hung_up(call: Call, wanted: HangUpWanted, now: datetime, _policy: CallPolicy) -> CallChange | Refused:
    if call.hang_up_at:
        return nothing("asked for already")
    return CallChange(replace(call, hang_up_at=now), {"reason": wanted.reason}, (EndCall(call.id),))


def is_not_dialled(call: Call, wanted: HangUpWanted, now: datetime, _policy: CallPolicy) -> CallChange | Refused:
    """Its request may be on the way: whoever sends it learns that nobody needs it, and ends it."""
    if call.hang_up_at:
        return nothing("asked for already")
    return CallChange(replace(call, hang_up_at=now), {"reason": wanted.reason})


def is_agreed(call: Call, _agreed: Agreed, _now: datetime, _policy: CallPolicy) -> CallChange | Refused:
    if call.dialogue != "transfer" or call.answer is not None or call.hang_up_at:
        return nothing("it is not asked, or answered already")
    return CallChange(replace(call, answer=Answer.ACCEPTED, step=""), {"answer": Answer.ACCEPTED.value})


def comes_too_late(call: Call, _late: CameTooLate, _now: datetime, _policy: CallPolicy) -> CallChange | Refused:
    if call.answer is not Answer.ACCEPTED:
        return nothing("they have not said yes")
    return CallChange(replace(call, answer=Answer.TOO_LATE), {"answer": Answer.TOO_LATE.value})


def is_held(call: Call, wanted: HoldWanted, _now: datetime, _policy: CallPolicy) -> CallChange | Refused:
    if call.held == wanted.held:
        return nothing("it is so already")
    return CallChange(replace(call, held=wanted.held), {"held": wanted.held}, (HoldCall(call.id, wanted.held),))


def is_noted(call: Call, heard: Heard, _now: datetime, _policy: CallPolicy) -> CallChange:
    return CallChange(call, {"ref": heard.ref, "what": heard.what.value})


W, U, P, R, T = CallState.WANTED, CallState.UNKNOWN, CallState.PLACED, CallState.RINGING, CallState.TALKING
E, F = CallState.ENDED, CallState.FAILED
LIVING = (W, U, P, R, T)
EVER = tuple(CallState)

# identifier, sentence, states, key, where it may lead (nowhere: it stays), function
_ROWS: tuple[tuple[str, str, tuple[CallState, ...], str, tuple[CallState, ...], Decide], ...] = (
    ("call.dialling", "A gateway is about to be asked.", (W,), "dialling", (U,), is_being_dialled),
    ("call.not_taken", "That gateway did not take it; the next one may be asked.",
     (U,), "not_taken", (W,), is_not_taken),
    ("call.placed", "A carrier has it.", (W, U), "placed", (P,), is_placed),
    ("call.placed", "A carrier has it.", (P, R, T), "placed", (), is_placed),
    ("call.named", "It is over before the carrier's answer came; its name is kept.",
     tuple(OVER), "placed", (), call_ends.names_its_carrier),
    ("call.not_placed", "No gateway takes it: it failed, or a person dials it.",
     (W, U), "not_placed", (F,), call_ends.is_not_placed),
    ("call.unknown", "The request's answer was lost: nothing is dialled again until it is known.",
     (U,), "placing_unknown", (), may_be_placed),
    ("call.too_old", "It was wanted too long ago and is not dialled any more.",
     (W,), "due", (F,), call_ends.is_too_old),
    ("call.looked_for", "No news: the carrier is asked.", (U,), "due", (F,), is_looked_for),
    ("call.looked_for", "No news: the carrier is asked.", (P, R, T), "due", (E,), is_looked_for),
    ("call.never_placed", "The carrier knows nothing of it: another gateway may dial.",
     (U,), "not_found", (W, F), call_ends.was_never_placed),
    ("call.gone", "The carrier knows it no more.", (P, R, T), "not_found", (E,), call_ends.has_gone),
    ("call.queued", "The carrier has it in its queue.", (W, U), "news.queued", (P,), rings),
    ("call.queued", "The carrier has it in its queue.", (P,), "news.queued", (E,), rings),  # an old one is taken back
    ("call.rings", "It rings.", (W, U, P), "news.ringing", (R,), rings),
    ("call.rings", "It rings.", (R,), "news.ringing", (), rings),
    ("call.answered", "Somebody or something answered.", (W, U, P, R), "news.answered", (T,), is_answered),
    ("call.answered", "Somebody or something answered.", (T,), "news.answered", (), is_answered),
    ("call.machine", "Probably a machine.", LIVING, "news.machine", (), is_answered_by_a_machine),
    ("call.input", "A key was pressed, or none.", LIVING, "news.input", (T,), is_told_something),
    ("call.joined", "It is in the room.", LIVING, "news.joined", (T,), joins),
    ("call.left", "It left the room.", LIVING, "news.left", (), leaves),
    ("call.met", "Somebody of ours is in the room with it: they can talk.", (P, R, T), "met", (T,), meets),
    ("call.ended", "It is over.", LIVING, "news.ended", (E,), call_ends.ends),
    *(("call.lives_after_all", "It was given up and is heard of: it must stop, unless somebody in need is on the line.",
       tuple(OVER), f"news.{what}", (), call_ends.lives_after_all)
      for what in (News.QUEUED, News.RINGING, News.ANSWERED, News.JOINED)),
    ("call.recorded", "A recording is ready.", EVER, "news.recorded", (), is_noted),
    ("call.not_recorded", "There is no recording.", EVER, "news.not_recorded", (), is_noted),
    ("call.hung_up", "Nobody needs it any more.", (P, R, T), "hang_up", (), is_hung_up),
    ("call.unwanted", "Nobody needs it any more, and it was not placed yet.", (W, U), "hang_up", (), is_not_dialled),
    ("call.agreed", "Whoever is rung has said yes on the console.", LIVING, "agreed", (), is_agreed),
    ("call.company_left", "Whoever it talked to is out of the room: it is told so, and somebody is rung in a moment.",
     (T,), "left_alone", (), call_rooms.is_left_alone),
    ("call.too_late", "They said yes when somebody was going already, or it was over.",
     (T,), "too_late", (), comes_too_late),
    ("call.held", "An operator holds it, or takes it back.", (T,), "hold", (), is_held),
)  # fmt: skip


def _build() -> Mapping[tuple[CallState, str], CallRule]:
    table: dict[tuple[CallState, str], CallRule] = {}
    for identifier, says, states, key, leads_to, function in _ROWS:
        for state in states:
            if (state, key) in table or key not in CALL_KEYS:
                raise ValueError(f"two rules for {(state, key)}, or no such input")
            table[state, key] = CallRule(identifier, says, frozenset(leads_to) - {state}, function)
    return table


CALL_TABLE = _build()


# Who rings us waits in our queue: nothing is wrong when nothing is heard.
QUEUE = CallRule(
    "call.queue",
    "Nobody has joined the caller yet: more people are asked.",
    frozenset({E}),
    call_rooms.waits_in_the_queue,
)
ALONE = CallRule(
    "call.alone", "On the line with nobody to talk to: more people are asked.", frozenset({E}), call_rooms.waits_alone
)


def _waiting(call: Call, due: CallDue) -> CallRule | None:
    """The rule for who waits for a person; None: nobody does."""
    if call.state is CallState.RINGING and call.direction is Direction.INBOUND:
        return QUEUE
    return ALONE if due.alone and call.state is CallState.TALKING and not call.hang_up_at else None


def decide_call(call: Call, happened: CallInput, *, now: datetime, policy: CallPolicy) -> CallDecided | Refused:
    """What follows from `happened`. A pair that is not in the table is refused and changes nothing."""
    rule = CALL_TABLE.get((call.state, happened.key))
    if isinstance(happened, CallDue):
        rule = _waiting(call, happened) or rule
    if rule is None:
        return Refused("not_allowed", f"{happened.key} is not possible in state {call.state}")
    outcome = rule.decide(call, happened, now, policy)
    if isinstance(outcome, Refused):
        return outcome
    if outcome.call != call:
        outcome = replace(outcome, call=replace(outcome.call, version=call.version + 1))
    return CallDecided(rule.id, outcome)
