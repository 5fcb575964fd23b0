"""Who is in a room with whom, and who waits there for a person: told so, and somebody is rung until one comes."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from callcenter.alerts import call_ends
from callcenter.alerts.call_ends import CallChange, nothing, said
from callcenter.alerts.call_inputs import CallDue, LeftAlone
from callcenter.alerts.call_model import Answer, Call, CallState, Direction, Role
from callcenter.alerts.dialogues import NEEDING
from callcenter.alerts.effects import Effect, FindCall, HoldCall, SpeakTo
from callcenter.alerts.rules import Refused
from config.policies import CallPolicy

# Who waits for a person is given up when nothing at all was heard of their line for so long.
CALLER_LOST_S = 3600
ALONE_S = 4  # two who say goodbye do not hang up in the same moment


def starts_the_room(call: Call) -> bool:
    """Somebody of ours, or who goes to help: whoever is in the room with them can talk. All others wait there."""
    return call.role is Role.OPERATOR or call.answer is Answer.ACCEPTED


def has_company(calls: Iterable[Call]) -> bool:
    """Of these calls of one room, somebody is there with whom the others can talk."""
    return any(call.in_room and starts_the_room(call) for call in calls)


def needs_somebody(call: Call) -> bool:
    """Who asked for help, and is on the line with no question open."""
    return not (call.over or call.hang_up_at or call.step) and call.dialogue in NEEDING


def is_alone(call: Call, calls: Iterable[Call]) -> bool:
    """On the line, and nobody to talk to: whoever was there has gone, or nobody has come."""
    return call.state is CallState.TALKING and needs_somebody(call) and not has_company(calls)


def waits(call: Call, calls: Iterable[Call]) -> bool:
    """For an operator: never joined; or left alone, and who was rung again for them did not come."""
    if not needs_somebody(call):
        return False
    if call.joined_at:
        return call.tries > 0 and is_alone(call, calls)
    return call.in_room or call.direction is Direction.INBOUND


def is_left_alone(call: Call, left: LeftAlone, now: datetime, _policy: CallPolicy) -> CallChange | Refused:
    """They hear that they are not forgotten, and unless they hang up too somebody is rung in a moment."""
    if not needs_somebody(call):
        return nothing("it is asked something, or is to end")
    soon = now + timedelta(seconds=ALONE_S)
    effects: tuple[Effect, ...] = (HoldCall(call.id, False),) if call.held else ()
    if left.silent:
        effects = (SpeakTo(call.id, "left_alone", soon.isoformat(), left.recorded),)
    after = replace(call, held=False, checks=0, tries=0, due=soon)
    return CallChange(after, {"silent": left.silent}, effects)


def waits_alone(call: Call, _due: CallDue, now: datetime, policy: CallPolicy) -> CallChange:
    if call.checks * policy.queue_s >= CALLER_LOST_S:
        return call_ends.is_lost(call, now, "no news and no answer to questions")
    report = said(call, "left_alone" if call.joined_at else "caller_waits")
    if call.joined_at and call.tries:
        report = replace(report, reason="nobody_came")
    due = now + timedelta(seconds=policy.queue_s)
    after = replace(call, checks=call.checks + 1, tries=call.tries + 1, due=due)
    return CallChange(after, {"check": after.checks}, (FindCall(call.id),), report)


def waits_in_the_queue(call: Call, _due: CallDue, now: datetime, policy: CallPolicy) -> CallChange:
    """A caller whom nobody has joined: more people are asked, again and again until somebody does."""
    if call.checks * policy.queue_s >= CALLER_LOST_S:
        return call_ends.is_lost(call, now, "no news and no answer to questions")
    after = replace(call, checks=call.checks + 1, due=now + timedelta(seconds=policy.queue_s))
    report = None if call.hang_up_at else said(call, "caller_waits")
    return CallChange(after, {"check": after.checks}, (FindCall(call.id),), report)
