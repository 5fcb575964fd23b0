"""The part of the alert machine's table that operators move."""

from datetime import datetime, timedelta

from callcenter.alerts import search_rules
from callcenter.alerts.changing import replace
from callcenter.alerts.drill_rules import is_emergency
from callcenter.alerts.effects import (
    AskResponders,
    Effect,
    LeaveRoom,
    PhoneContact,
    PhoneParty,
    PhoneResident,
    TellDevices,
)
from callcenter.alerts.escalation import next_wave_at
from callcenter.alerts.inputs import Action, OperatorActed
from callcenter.alerts.model import (
    OPEN,
    OWNED,
    Alert,
    Operator,
    Outcome,
    State,
    anew,
    given_to,
    nobody_goes,
    queued_again,
    touched,
    wants_somebody,
)
from callcenter.alerts.plans import done_of, missing, step_of, ticked, words
from callcenter.alerts.responder_rules import is_there
from callcenter.alerts.rules import Change, Decide, Refused, table
from callcenter.alerts.telephone_rules import asks, falls_silent
from callcenter.alerts.transfer_rules import TRANSFER_TABLE, asks_colleague
from config.policies import AlertPolicy

HELD_FOR = timedelta(minutes=2)  # our own rule: what is forgotten may not cost more than a level's time


def _not_theirs(alert: Alert, acted: OperatorActed, *, or_supervisor: bool = False) -> Refused | None:
    """Only the owner may act; where said, a supervisor may too."""
    if alert.owner and alert.owner.id == acted.by.id:
        return None
    if or_supervisor and acted.by.supervisor:
        return None
    who = f"{alert.owner.name} has it" if alert.owner else "nobody has claimed it"
    return Refused("not_owner", who, alert.owner)


def _still_waits(alert: Alert, acted: OperatorActed) -> Refused | None:
    """Nobody may be done with somebody whom nobody has heard yet. Who has gone counts no longer, a minute later."""
    if acted.waits is None:
        return None
    return Refused("on_the_line", f"{acted.waits or 'a caller'} waits on the line and was heard by nobody", alert.owner)


def claims(alert: Alert, acted: OperatorActed, now: datetime, _policy: AlertPolicy) -> Change | Refused:
    if alert.owner:
        return Refused("lost_race", f"{alert.owner.name} has it", alert.owner)
    state = State.CLAIMED if alert.state is State.WAITING else alert.state
    after = replace(given_to(alert, acted.by, now), state=state)
    waited = (now - alert.waiting_since).total_seconds()
    return Change(after, {"waited_s": round(waited, 3)}, effects=(TellDevices(alert.id, "operator"),))


def claim_lost(alert: Alert, acted: OperatorActed, now: datetime, policy: AlertPolicy) -> Change | Refused:
    """Somebody has it, or it is over; claiming what one has already is not an error but changes nothing."""
    if alert.owner is None:
        return claims(alert, acted, now, policy)
    return Refused("lost_race", f"{alert.owner.name} has it", alert.owner)


def releases(alert: Alert, acted: OperatorActed, now: datetime, _policy: AlertPolicy) -> Change | Refused:
    if refused := _not_theirs(alert, acted, or_supervisor=True):
        return refused
    return Change(queued_again(alert, now), {"text": acted.text}, ring=True)


def notes(alert: Alert, acted: OperatorActed, now: datetime, _policy: AlertPolicy) -> Change | Refused:
    """Anybody may add what they know; only the owner's note shows that the owner is at it."""
    if not acted.text.strip():
        return Refused("missing", "a note needs text", alert.owner)
    own = alert.owner is not None and alert.owner.id == acted.by.id
    return Change(touched(alert, now) if own else alert, {"text": acted.text})


def calls_resident(alert: Alert, acted: OperatorActed, now: datetime, _policy: AlertPolicy) -> Change | Refused:
    if refused := _not_theirs(alert, acted):
        return refused
    return Change(touched(alert, now), effects=(PhoneResident(alert.id),))


def calls_contact(alert: Alert, acted: OperatorActed, now: datetime, _policy: AlertPolicy) -> Change | Refused:
    if refused := _not_theirs(alert, acted):
        return refused
    if not acted.contact:
        return Refused("missing", "say which contact is called", alert.owner)
    effects: tuple[Effect, ...] = (PhoneContact(alert.id, acted.contact),)
    return Change(touched(alert, now), {"contact": acted.contact}, effects=effects)


def brings_in(alert: Alert, acted: OperatorActed, now: datetime, policy: AlertPolicy) -> Change | Refused:
    """Somebody more into the room: they are heard and asked, and nothing they say or press is taken for a yes."""
    if refused := _not_theirs(alert, acted):
        return refused
    if bool(acted.party) == bool(acted.number):
        return Refused("missing", "say who: one person, or one number", alert.owner)
    if alert.drill and is_emergency(acted.number):
        return Refused("not_allowed", f"a drill never rings {acted.number}", alert.owner)
    # Without a carrier the wish is stored as it is: no number may stand in it. Who typed it has it.
    number = acted.number if policy.rings else ""
    effects: tuple[Effect, ...] = (PhoneParty(alert.id, acted.party, "consult", acted.person, number),)
    return Change(touched(alert, now), {"party": acted.party, "person": acted.person}, effects=effects)


def hears_nothing(alert: Alert, acted: OperatorActed, now: datetime, policy: AlertPolicy) -> Change | Refused:
    if refused := _not_theirs(alert, acted):
        return refused
    after, effects = falls_silent(touched(alert, now), now, policy)
    return Change(after, {"text": acted.text, "priority": after.priority}, effects=effects)


def sends_help(alert: Alert, acted: OperatorActed, now: datetime, policy: AlertPolicy) -> Change | Refused:
    if refused := _not_theirs(alert, acted):
        return refused
    state = State.HANDED_OVER if alert.state is State.HANDED_OVER else State.HELPING
    after = replace(touched(alert, now), state=state)
    if acted.action is Action.OFFER_NEXT and alert.searching:  # those who look are too few to find them
        after = search_rules.one_more(after)
    elif acted.action is Action.OFFER_NEXT:  # whoever said yes does not come after all
        after = nobody_goes(after)
    elif alert.responder and alert.arrived_at and not alert.more_by:  # whoever came is not enough
        after = replace(after, more_at=alert.more_at or now)
    if not policy.rings:  # people are told to call
        return Change(after, {"text": acted.text}, effects=(AskResponders(alert.id, again=True),))
    after, effects = asks(after, now)
    return Change(after, {"text": acted.text}, effects=effects)


def asks_above(alert: Alert, acted: OperatorActed, now: datetime, policy: AlertPolicy) -> Change | Refused:
    """The next level, whatever time the present one has; who was asked may still say yes."""
    if refused := _not_theirs(alert, acted):
        return refused
    if alert.searching or not wants_somebody(alert):
        return Refused("not_allowed", "nobody of another level is wanted", alert.owner)
    if not policy.rings:  # people are told to call
        return Change(touched(alert, now), effects=(AskResponders(alert.id, again=True, up=True),))
    after, effects = asks(touched(alert, now), now, up=True)
    return Change(after, {"wave": after.waves}, effects=effects)


def holds(alert: Alert, acted: OperatorActed, now: datetime, policy: AlertPolicy) -> Change | Refused:
    """Nobody more is asked for a while, for a reason. Whoever says no is still replaced, and it ends by itself."""
    if refused := _not_theirs(alert, acted):
        return refused
    if next_wave_at(alert, policy) is None:
        return Refused("not_allowed", "nobody more would be asked by itself", alert.owner)
    if not acted.text.strip():
        return Refused("missing", "say why nobody more is asked for now", alert.owner)
    return Change(replace(touched(alert, now), held_until=now + HELD_FOR), {"text": acted.text})


def sees_arrival(alert: Alert, acted: OperatorActed, now: datetime, _policy: AlertPolicy) -> Change | Refused:
    """Heard on the telephone: a proof by voice. Also of somebody who is late, or whom nobody asked."""
    if refused := _not_theirs(alert, acted):
        return refused
    party = acted.party or alert.responder
    if not party:
        return Refused("missing", "say who is at the door", alert.owner)
    name = alert.responder_name if party == alert.responder else acted.person
    after, effects = is_there(touched(alert, now), party, name, now)
    return Change(after, {"party": party, "name": name, "proof": "voice"}, effects=effects)


def hands_over(alert: Alert, acted: OperatorActed, now: datetime, _policy: AlertPolicy) -> Change | Refused:
    if refused := _not_theirs(alert, acted):
        return refused
    after = replace(touched(alert, now), state=State.HANDED_OVER)
    return Change(after, {"case_number": acted.case_number, "person": acted.person, "text": acted.text})


def does_step(alert: Alert, acted: OperatorActed, now: datetime, _policy: AlertPolicy) -> Change | Refused:
    if refused := _not_theirs(alert, acted):
        return refused
    if not acted.step:  # something that no plan names
        return Change(touched(alert, now), {"text": acted.text})
    step = step_of(alert, acted.step)
    if step is None:
        return Refused("unknown_step", f"the plan has no step {acted.step}", alert.owner)
    if done := done_of(alert, step.id):
        who = f"{done.name} did it" if done.by else "the centre knows that it is done"
        return Refused("step_done", f"{step.en or step.zh}: {who}, at {done.at:%H:%M:%S} UTC", alert.owner)
    after = ticked(touched(alert, now), step, acted.by, text=acted.text, now=now)
    return Change(after, {"step": step.id, "words": words(step)["words"], "text": acted.text})


def _not_all_done(alert: Alert, acted: OperatorActed) -> Refused | None:
    """What must be done is done before the end, or a supervisor says why not."""
    steps = missing(alert)
    if not steps:
        return None
    if not acted.override:
        named = "; ".join(f"{step.en or step.zh} ({step.id})" for step in steps)
        return Refused("steps_missing", f"not done yet: {named}", alert.owner, steps)
    if not acted.by.supervisor:
        return Refused("steps_missing", "only a supervisor may end it without its required steps", alert.owner, steps)
    if not acted.text.strip():
        return Refused("missing", "say why it ends without its required steps", alert.owner, steps)
    return None


def resolves(alert: Alert, acted: OperatorActed, now: datetime, _policy: AlertPolicy) -> Change | Refused:
    if refused := _not_theirs(alert, acted):
        return refused
    if acted.outcome is None or acted.outcome not in set(Outcome):
        return Refused("missing", "say how it ended: an outcome code", alert.owner)
    if refused := _still_waits(alert, acted) or _not_all_done(alert, acted):
        return refused
    after = replace(
        touched(alert, now),
        state=State.RESOLVED,
        outcome=Outcome(acted.outcome),
        resolved_at=now,
        rung_at=now,
    )
    effects: tuple[Effect, ...] = (LeaveRoom(alert.id),)  # nobody is asked any more
    undone = [words(step) for step in missing(alert)]  # a supervisor's reason is the text
    data = {"outcome": acted.outcome, "text": acted.text} | ({"undone": undone} if undone else {})
    return Change(after, data, effects=effects)


def closes(alert: Alert, acted: OperatorActed, now: datetime, _policy: AlertPolicy) -> Change | Refused:
    """The follow-up is done; any named operator may say so, the outcome is already there."""
    if refused := _still_waits(alert, acted):
        return refused
    after = replace(alert, state=State.CLOSED, touched_at=now, told="closed")
    effects: tuple[Effect, ...] = (TellDevices(alert.id, "closed"), LeaveRoom(alert.id, at_once=True))
    return Change(after, {"text": acted.text}, effects=effects)


def reopens(alert: Alert, acted: OperatorActed, now: datetime, _policy: AlertPolicy) -> Change | Refused:
    if acted.other_open:
        return Refused("other_open", f"alert {acted.other_open} of the same person is open", alert.owner)
    claimed = replace(given_to(alert, acted.by, now), state=State.CLAIMED, outcome=None, resolved_at=None)
    # Who went then has gone home, and a deadline of then must not ring anybody now: help is sent anew, and what was
    # done then is no proof for now.
    after = replace(anew(claimed, now), steps_done=())
    if alert.searching:  # it ended and they were never found: they still are lost
        after = replace(after, astray_at=alert.astray_at, searchers_wanted=alert.searchers_wanted)
    return Change(after, {"text": acted.text, "outcome_before": alert.outcome})


def transfers(alert: Alert, acted: OperatorActed, now: datetime, policy: AlertPolicy) -> Change | Refused:
    if alert.owner and (refused := _not_theirs(alert, acted, or_supervisor=True)):
        return refused
    if alert.owner is None and not acted.by.supervisor:
        return Refused("not_owner", "nobody has claimed it", None)
    own = alert.state in OWNED and alert.owner is not None and alert.owner.id == acted.by.id
    if acted.to is None or (own and acted.to.id == acted.by.id):
        return Refused("missing", "say to whom", alert.owner)
    if own:
        return asks_colleague(alert, acted.to, acted, now, policy)
    state = State.CLAIMED if alert.state is State.WAITING else alert.state
    after = replace(given_to(alert, acted.to, now), state=state)
    effects: tuple[Effect, ...] = () if alert.owner else (TellDevices(alert.id, "operator"),)
    return Change(after, {"to": acted.to.id, "text": acted.text}, ring=True, effects=effects)


# identifier, sentence, states, action, where it may lead (None: stays), function
_ROWS: tuple[tuple[str, str, tuple[State, ...], Action, tuple[State, ...] | None, Decide], ...] = (
    ("operator.claims", "An operator takes it; the first one wins.",
     (State.WAITING,), Action.CLAIM, (State.CLAIMED,), claims),
    ("operator.claims_late", "Somebody has it already, unless its owner was lost.",
     OWNED, Action.CLAIM, None, claim_lost),
    ("operator.releases", "The owner or a supervisor gives it back to the queue.",
     (State.CLAIMED, State.HELPING), Action.RELEASE, (State.WAITING,), releases),
    ("operator.notes", "Somebody writes down what they know.", tuple(State), Action.NOTE, None, notes),
    ("operator.calls_resident", "The owner calls the resident.", OWNED, Action.CALL_RESIDENT, None, calls_resident),
    ("operator.calls_contact", "The owner calls a contact of the resident.",
     OWNED, Action.CALL_CONTACT, None, calls_contact),
    ("operator.brings_in", "The owner brings somebody more into the room, to be heard and asked.",
     OWNED, Action.BRING_IN, None, brings_in),
    ("operator.hears_nothing", "Nobody speaks: the highest class, never closed by a timer.",
     OWNED, Action.NO_VOICE, None, hears_nothing),
    ("operator.sends_help", "The owner sends somebody to the door.",
     (State.CLAIMED, State.HELPING), Action.DISPATCH, (State.HELPING,), sends_help),
    ("operator.sends_help_too", "120 has it, and somebody is sent to the door as well.",
     (State.HANDED_OVER,), Action.DISPATCH, None, sends_help),
    ("operator.asks_next", "The owner has the next responder asked.",
     (State.HELPING, State.HANDED_OVER), Action.OFFER_NEXT, None, sends_help),
    ("operator.asks_above", "The owner has the next level asked at once.",
     (State.HELPING, State.HANDED_OVER), Action.ASK_ABOVE, None, asks_above),
    ("operator.holds", "The owner says why nobody more is asked for two minutes.",
     OWNED, Action.HOLD, None, holds),
    ("operator.sees_arrival", "The owner has heard that somebody is at the door.",
     OWNED, Action.ARRIVED, None, sees_arrival),
    ("operator.hands_over", "120 takes it: case number and person are written down.",
     OWNED, Action.HAND_OVER, (State.HANDED_OVER,), hands_over),
    ("operator.does_step", "The owner does a step of the plan.", OWNED, Action.STEP, None, does_step),
    ("operator.resolves", "The owner says how it ended.", OWNED, Action.RESOLVE, (State.RESOLVED,), resolves),
    ("operator.closes", "A named operator closes it after the follow-up.",
     (State.RESOLVED,), Action.CLOSE, (State.CLOSED,), closes),
    ("operator.reopens", "It was not over: an operator takes it again.",
     (State.RESOLVED, State.CLOSED), Action.REOPEN, (State.CLAIMED,), reopens),
    ("operator.transfers", "The owner asks another operator to take it over; a supervisor gives it away at once.",
     OWNED, Action.TRANSFER, None, transfers),
    ("supervisor.assigns", "A supervisor gives a waiting alert to an operator.",
     (State.WAITING,), Action.TRANSFER, (State.CLAIMED,), transfers),
)  # fmt: skip

OPERATOR_TABLE = table((one, says, states, f"action.{key}", to, rule) for one, says, states, key, to, rule in _ROWS)


_ACTED = OPERATOR_TABLE.keys() | TRANSFER_TABLE.keys() | search_rules.SEARCH_TABLE.keys()


def possible_actions(alert: Alert, operator: Operator) -> tuple[Action, ...]:
    """What the console may offer this operator; the rule itself still decides."""
    mine = alert.owner is not None and alert.owner.id == operator.id
    free_for_all = {Action.NOTE, Action.CLOSE, Action.REOPEN}
    if alert.owner is None and alert.state in OPEN:
        free_for_all.add(Action.CLAIM)
    if operator.supervisor:
        free_for_all |= {Action.TRANSFER, Action.RELEASE}
    asked = alert.transfer_to
    if asked and operator.id == asked.id:
        free_for_all |= {Action.TAKE_OVER, Action.DECLINE}
    not_by_owner = {Action.CLAIM, Action.TAKE_OVER, Action.TRANSFER if asked else Action.DECLINE}
    not_now = {Action.ARRIVED} if alert.searching else {Action.FOUND}
    if not alert.asked_at or not wants_somebody(alert):
        not_now |= {Action.HOLD}
    if alert.searching or not wants_somebody(alert):
        not_now |= {Action.ASK_ABOVE}
    offered = (set(Action) - not_by_owner if mine else free_for_all) - not_now
    return tuple(action for action in Action if action in offered and (alert.state, f"action.{action}") in _ACTED)
