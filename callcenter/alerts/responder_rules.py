"""The part of the alert machine's table that people move who were asked to go, on their page (docs/adr/0016).

Nothing here ends an alert: whoever was there says that they are done, and the alert stays with its human.
"""

from datetime import datetime, timedelta

from callcenter.alerts import search_rules
from callcenter.alerts.changing import replace
from callcenter.alerts.effects import Effect, HangUpOthers
from callcenter.alerts.inputs import CallYes, Deed, ResponderActed, TimerDue, TimerKind
from callcenter.alerts.model import UNRESOLVED, Alert, State, calls_attention, forgets, wants_somebody
from callcenter.alerts.rules import Change, Refused, Row, table
from callcenter.alerts.telephone_rules import asks, asks_one_more, goes, nobody_has_come
from config.policies import AlertPolicy


def accepts(alert: Alert, acted: ResponderActed, now: datetime, policy: AlertPolicy) -> Change | Refused:
    """The same claim as key 1. Of a telephone with a page it is seen whether it moves, so it has to.

    Where somebody looks for whoever is lost nobody sees: then there is no door to come nearer to.
    """
    went = goes(alert, CallYes(acted.party, acted.name, "", acted.details()), now, policy)
    if isinstance(went, Refused) or went.alert.responder != acted.party or alert.searching:
        return went
    moves_by = now + timedelta(seconds=min(policy.move_s, policy.arrive_s))
    return replace(went, alert=replace(went.alert, moves_by=moves_by))


def declines(alert: Alert, acted: ResponderActed, _now: datetime, _policy: AlertPolicy) -> Change:
    return Change(alert, acted.details(), effects=asks_one_more(alert))


def moves(alert: Alert, acted: ResponderActed, _now: datetime, _policy: AlertPolicy) -> Change:
    after = replace(alert, moves_by=None) if alert.responder == acted.party else alert
    return Change(after, acted.details())


def is_there(alert: Alert, party: str, name: str, now: datetime) -> tuple[Alert, tuple[Effect, ...]]:
    """Seen at the door. Also of somebody who is late, or whom nobody asked; a second one does not replace the first.

    Whoever else comes is the help that was awaited. While they are lost nobody is behind that door: those who look for
    them look on.
    """
    if alert.searching:
        return alert, ()
    if alert.responder != party:
        alert = replace(alert, more_by=None)
        if alert.responder and alert.arrived_at:
            return alert, ()
    after = replace(alert, responder=party, responder_name=name, arrived_at=now, moves_by=None)
    after = after if alert.more_at else replace(after, asked_at=None)
    effects: tuple[Effect, ...] = (HangUpOthers(alert.id, but=""),) if not alert.responder else ()
    return after, effects


def arrives(alert: Alert, acted: ResponderActed, now: datetime, _policy: AlertPolicy) -> Change | Refused:
    if not acted.proof:
        return Refused("no_proof", "an arrival needs a proof: position, device or voice", alert.owner)
    if alert.searching:  # somebody stands at an empty house: a person tells them where to look
        return Change(calls_attention(alert, now), acted.details(), ring=True)
    after, effects = is_there(alert, acted.party, acted.name, now)
    return Change(after, acted.details(), effects=effects)


def says_there(alert: Alert, acted: ResponderActed, now: datetime, _policy: AlertPolicy) -> Change:
    """Only a word: it changes no deadline (docs/adr/0017), and a person is asked to hear it on the telephone."""
    return Change(calls_attention(alert, now), acted.details(), ring=True)


def needs_more(alert: Alert, acted: ResponderActed, now: datetime, _policy: AlertPolicy) -> Change:
    """Whoever is there cannot do it alone: the next ones are asked, unless they are already, and its owner is rung."""
    after = calls_attention(alert, now)
    after = search_rules.one_more(after) if alert.searching else replace(after, more_at=alert.more_at or now)
    asked = alert.asked_at is not None and wants_somebody(alert)  # the next wave comes by itself
    after, effects = (after, ()) if asked else asks(after, now)
    return Change(after, acted.details() | {"wave": after.waves}, ring=True, effects=effects)


def is_done(alert: Alert, acted: ResponderActed, now: datetime, _policy: AlertPolicy) -> Change:
    """Who was there goes no more, and may be asked again; that they were there stays written down.

    Who was never proved to be there leaves the deadline behind: nobody takes their word for the resident's.
    """
    after = forgets(alert) if alert.responder == acted.party and alert.arrived_at else alert
    after, effects = search_rules.is_done(after, acted.party, now)
    return Change(calls_attention(after, now), acted.details(), ring=True, effects=effects)


def cannot(alert: Alert, acted: ResponderActed, now: datetime, _policy: AlertPolicy) -> Change:
    """They do not come after all: others are asked at once, and its owner is told. On who is late nobody counts."""
    after = alert
    if alert.searching:
        after = search_rules.stops(alert, acted.party)
    elif alert.responder == acted.party:
        after = forgets(alert)
    elif alert.more_by and not acted.late:
        after = replace(alert, more_by=None, more_at=alert.more_at or now)
    asked, effects = asks(after, now)
    return Change(calls_attention(asked, now), acted.details(), ring=True, effects=effects)


def more_is_late(alert: Alert, _due: TimerDue, now: datetime, _policy: AlertPolicy) -> Change:
    """Who said yes to help them has not come: others are asked."""
    after, effects = asks(replace(alert, more_by=None, more_at=now), now)
    who = {"party": alert.responder, "name": alert.responder_name}
    return Change(calls_attention(after, now), who, ring=True, effects=effects)


_OPEN = tuple(UNRESOLVED)
_NOT_CLAIMED = (State.WAITING, State.HELPING, State.HANDED_OVER)
_ROWS: tuple[Row, ...] = (
    ("responder.accepts_waiting", "Somebody says on their page that they go: everybody else stops ringing; an operator "
     "is still wanted.", _NOT_CLAIMED, f"responder.{Deed.ACCEPTS}", None, accepts),
    ("responder.accepts", "Somebody says on their page that they go: help is on its way, everybody else stops ringing.",
     (State.CLAIMED,), f"responder.{Deed.ACCEPTS}", (State.HELPING,), accepts),
    ("responder.declines", "Somebody says on their page that they cannot go: the next one is asked at once.",
     _OPEN, f"responder.{Deed.DECLINES}", None, declines),
    ("responder.moves", "Whoever goes is on the way: they say so, or their telephone has come nearer.",
     _OPEN, f"responder.{Deed.MOVES}", None, moves),
    ("responder.arrives", "Whoever goes is at the door, with a proof.",
     _OPEN, f"responder.{Deed.ARRIVES}", None, arrives),
    ("responder.says_there", "Whoever goes says that they are at the door, and nothing proves it: a person asks them.",
     _OPEN, f"responder.{Deed.SAYS_THERE}", None, says_there),
    ("responder.needs_more", "Whoever goes needs more help: the next ones are asked, its owner is rung.",
     _OPEN, f"responder.{Deed.NEEDS_MORE}", None, needs_more),
    ("responder.done", "Whoever went says that they are done; the alert stays with its human.",
     _OPEN, f"responder.{Deed.DONE}", None, is_done),
    ("responder.cannot", "Whoever said yes cannot come after all: others are asked at once.",
     _OPEN, f"responder.{Deed.CANNOT}", None, cannot),
    ("help.no_movement", "Who said yes on their page has not moved in time: others are asked, they may still come.",
     _OPEN, f"timer.{TimerKind.MOVEMENT}", None, nobody_has_come),
    ("help.more_late", "Who said yes to more help has not come in time: others are asked.",
     _OPEN, f"timer.{TimerKind.MORE}", None, more_is_late),
)  # fmt: skip

RESPONDER_TABLE = table(_ROWS)
