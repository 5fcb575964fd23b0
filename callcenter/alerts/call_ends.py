"""How a call ends: by the carrier's word, by ours, or because nobody says anything any more; and what its alert learns.

Over is over: what is heard afterwards revives nothing. But a call that was given up and lives after all must not ring
on, unless somebody who needs help has answered it.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from callcenter.alerts import dialogues
from callcenter.alerts.call_inputs import CallDue, Heard, News, NotFound, NotPlaced, Placed
from callcenter.alerts.call_model import Answer, Call, CallOutcome, CallState, Direction, Role
from callcenter.alerts.effects import Effect, EndCall, PlaceCall
from callcenter.alerts.inputs import CallReport
from callcenter.alerts.rules import Refused
from config.policies import CallPolicy

NO_NEWS = "no_news"  # why it was given up: its carrier could not say whether it rings
# The carrier will never ring it, and what that is called in lists of people.
WRONG_NUMBER = {"NumberRejected": "number_rejected", "NotPermitted": "not_permitted"}


@dataclass(frozen=True, slots=True)
class CallChange:
    """The call as it is now, what to log, what to wish for, and what its alert is told."""

    call: Call
    data: dict[str, Any] = field(default_factory=dict)
    effects: tuple[Effect, ...] = ()
    report: CallReport | None = None


def nothing(why: str) -> Refused:
    return Refused("no_news", why)


def said(call: Call, what: str) -> CallReport:
    reason = call.outcome.value if call.outcome else ""
    return CallReport(what, call.id, call.party, call.name, reason, role=call.role.value, dialogue=call.dialogue)


def over(call: Call, outcome: CallOutcome, now: datetime, *, cause: str = "", talk_s: float | None = None) -> Call:
    """Ended, or failed where it never became a call."""
    never = outcome in (CallOutcome.BY_HAND, CallOutcome.FAILED) and call.placed_at is None
    state = CallState.FAILED if never else CallState.ENDED
    return replace(
        call, state=state, due=None, ended_at=now, in_room=False, outcome=outcome, cause=cause, step="", talk_s=talk_s
    )


def _closed(
    call: Call, outcome: CallOutcome, now: datetime, cause: str, *effects: Effect, talk_s: float | None = None
) -> CallChange:
    after = over(call, outcome, now, cause=cause, talk_s=talk_s)
    if after.answer is None and call.dialogue in dialogues.DECIDED_BY_KEY and call.answered_at:
        after = replace(after, answer=Answer.NO_RESPONSE)
    data = {"outcome": outcome.value, "cause": cause, "talk_s": talk_s}
    return CallChange(after, data, effects, _end_report(call, after))


def _end_report(before: Call, after: Call) -> CallReport | None:
    """What the alert learns from the end of a call. Somebody who had answered has already been reported."""
    if before.hang_up_at:
        return None  # nobody needed it any more
    if after.outcome is CallOutcome.BY_HAND:
        return replace(said(after, "by_hand"), reason=after.cause)
    if before.answer is not None:
        return None
    if before.role is Role.ELDER and before.direction is Direction.OUTBOUND:
        return None if before.joined_at or before.machine else said(after, "not_reached")
    if before.dialogue in dialogues.BESIDE:
        return None  # who was asked beside stays away: nothing of the alert waited for them
    if before.dialogue in dialogues.ASKING:  # not by role: a neighbour who rings the hotline was not asked to go
        return said(after, "no_answer")
    return said(after, "operator_missed") if before.role is Role.OPERATOR and not before.joined_at else None


# -- by the carrier's word


def ends(call: Call, heard: Heard, now: datetime, _policy: CallPolicy) -> CallChange:
    outcome = heard.outcome or CallOutcome.LOST
    if call.direction is Direction.INBOUND and call.joined_at is None and call.dialogue not in dialogues.ASKING:
        outcome = CallOutcome.ABANDONED
    elif outcome is CallOutcome.ANSWERED and call.answered_at is None:
        # Completed and never answered: the answer's news is lost. Whoever talked, nobody said yes.
        call = replace(call, answered_at=now)
    call = replace(call, placed_at=call.placed_at or now, provider_ref=call.provider_ref or heard.ref)
    return _closed(call, outcome, now, heard.cause, talk_s=heard.talk_s)


def is_not_placed(call: Call, failed: NotPlaced, now: datetime, _policy: CallPolicy) -> CallChange | Refused:
    """While one gateway's answer is awaited, only that gateway can say so: nobody dials by hand what may ring."""
    if call.state is CallState.UNKNOWN and failed.gateway != call.gateway:
        return nothing("it may ring: looked for first")
    # Nobody dials by hand what nobody needs any more; what an operator typed is dialled by hand whatever hindered us.
    by_hand = (failed.by_hand or call.role in (Role.GUEST, Role.AMBULANCE)) and not call.hang_up_at
    return _closed(call, CallOutcome.BY_HAND if by_hand else CallOutcome.FAILED, now, failed.reason)


# -- by ours


def may_ring(call: Call, now: datetime, policy: CallPolicy) -> bool:
    """It was given up and may ring all the same: for so long its telephone is rung by nobody else."""
    unsure = call.unknown_at if call.over and call.cause == NO_NEWS else None
    return unsure is not None and now - unsure < timedelta(seconds=policy.reconcile_s)


def is_lost(call: Call, now: datetime, cause: str) -> CallChange:
    """Nobody says how it stands. Should it still ring, it stops; who may be talking is left alone."""
    may_ring = call.state in (CallState.PLACED, CallState.RINGING) and call.dialogue not in dialogues.NEEDING
    effects = (EndCall(call.id),) if may_ring and call.provider_ref else ()
    return _closed(call, CallOutcome.LOST, now, cause, *effects)


def is_queued_too_long(call: Call, now: datetime) -> CallChange:
    """An old call must never ring: what the carrier still has in its queue is taken back."""
    return _closed(call, CallOutcome.FAILED, now, "queued_too_long", EndCall(call.id))


def is_too_old(call: Call, _due: CallDue, now: datetime, _policy: CallPolicy) -> CallChange:
    return _closed(call, CallOutcome.FAILED, now, "too_late")


def was_never_placed(call: Call, gone: NotFound, now: datetime, policy: CallPolicy) -> CallChange | Refused:
    """The carrier does not know it and no callback named it: only now another gateway may dial.

    Only an answer to a question asked in good time counts: while a request is on its way its carrier truly knows
    nothing of it. An old answer tells of another gateway, or of an earlier request to the same one.
    """
    since = call.unknown_at or now
    too_early = call.checks < 1 or gone.asked_at - since < timedelta(seconds=policy.unknown_first_s)
    if too_early or gone.gateway != call.gateway:
        return nothing("too early to say")
    if call.hang_up_at or now >= call.not_after:
        return _closed(call, CallOutcome.FAILED, now, "never_placed")
    # The gateway stays written down: should news of the call come after all, we know whom to ask to end it.
    after = replace(call, state=CallState.WANTED, unknown_at=None, checks=0, due=call.not_after)
    return CallChange(after, {"gateway": gone.gateway}, (PlaceCall(call.id, without=gone.gateway),))


def has_gone(call: Call, gone: NotFound, now: datetime, _policy: CallPolicy) -> CallChange | Refused:
    if call.checks < 2 or gone.gateway != call.gateway:
        return nothing("asked once more before it counts as gone")
    if call.placed_at is not None and gone.asked_at <= call.placed_at:
        return nothing("asked before the carrier had it")
    return is_lost(call, now, "the carrier knows it no more")


# -- afterwards


def _given_up(call: Call) -> bool:
    """Ended by us without the carrier's word: it may live."""
    return call.state is CallState.FAILED or call.outcome is CallOutcome.LOST


def names_its_carrier(call: Call, placed: Placed, _now: datetime, _policy: CallPolicy) -> CallChange | Refused:
    """We had given it up; if it rings after all, it must stop."""
    if call.provider_ref:
        return nothing("known already")
    after = replace(call, gateway=placed.gateway, provider_ref=placed.ref)
    return CallChange(after, effects=(EndCall(call.id),) if _given_up(call) else ())


def lives_after_all(call: Call, heard: Heard, _now: datetime, _policy: CallPolicy) -> CallChange | Refused:
    """Given up, and now it is heard of. Nobody needs it any more, except who asked for help and is on the line."""
    if not _given_up(call):
        return nothing("it is over")
    after = replace(call, provider_ref=call.provider_ref or heard.ref)
    data = {"what": heard.what.value}
    if call.dialogue in dialogues.NEEDING and not call.hang_up_at and heard.what in (News.ANSWERED, News.JOINED):
        return CallChange(after, data, report=said(after, "caller_waits"))
    return CallChange(after, data, (EndCall(call.id),))
