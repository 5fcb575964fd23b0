"""Looking for somebody who has left their zone: several go at once to where they were last seen, one finder ends it.

Pure. Whoever looks is counted by name, so that a yes that is said twice is one searcher.
"""

from datetime import datetime

from callcenter.alerts.changing import replace
from callcenter.alerts.effects import AskResponders, Effect, EndSearch, HangUpOthers, TellDevices
from callcenter.alerts.inputs import Action, CallReport, CallYes, OperatorActed
from callcenter.alerts.model import (
    OF_THE_HOUSE,
    OWNED,
    UNRESOLVED,
    Alert,
    Kind,
    State,
    anew,
    asked,
    calls_attention,
    forgets,
    touched,
    wants_somebody,
)
from callcenter.alerts.rules import Change, Refused, table
from config.policies import AlertPolicy

NOBODY_LOST = Refused("not_allowed", "nobody is looked for")


def astray(alert: Alert, kind: Kind, now: datetime, policy: AlertPolicy) -> Alert:
    """From the first leave-zone alarm on, whatever else they press; and again when they leave after they were found.

    A house on fire needs people at its door, also when whoever lives there has fled.
    """
    if kind is not Kind.WANDER or alert.searching or alert.kind in OF_THE_HOUSE:
        return alert
    # Whoever goes, goes to a door behind which nobody is; and whoever was asked to was asked for something else.
    return replace(anew(alert, now), astray_at=now, searchers_wanted=policy.searchers)


def looks(alert: Alert, yes: CallYes, now: datetime) -> Change | Refused:
    """One more looks for them. Who is still asked stops ringing once enough do."""
    known = yes.party in alert.searchers
    if not (known or wants_somebody(alert)):
        return Refused("lost_race", f"{len(alert.searchers)} people are looking for them", alert.owner)
    searchers = alert.searchers if known else (*alert.searchers, yes.party)
    told = "responder" if alert.told in ("stored", "operator") else alert.told
    accepted_at = (alert.searchers and alert.accepted_at) or now  # the search's own time, not that of a way to the door
    after = replace(alert, searchers=searchers, told=told, accepted_at=accepted_at)
    if not alert.responder:  # the first one; consoles show one name
        after = replace(after, responder=yes.party, responder_name=yes.name, arrived_at=None)
    if alert.state is State.CLAIMED:
        after = replace(after, state=State.HELPING, touched_at=now, attention_at=None)
    effects: tuple[Effect, ...] = (TellDevices(alert.id, "responder"),)
    if not wants_somebody(after):
        after = replace(after, asked_at=None)
        effects += (HangUpOthers(alert.id, yes.call, yes.party),)
    return Change(after, yes.data | {"searchers": len(searchers)}, effects=effects)


def one_more(alert: Alert) -> Alert:
    """Others are asked although enough look for them; who searches, searches on."""
    return replace(alert, searchers_wanted=max(alert.searchers_wanted, len(alert.searchers) + 1))


def stops(alert: Alert, party: str) -> Alert:
    """One of them cannot look any longer; those who still do are counted on."""
    after = replace(alert, searchers=tuple(one for one in alert.searchers if one != party))
    if alert.responder == party:
        after = replace(forgets(after), accepted_at=alert.accepted_at if after.searchers else None)
    return after


def is_done(alert: Alert, party: str, now: datetime) -> tuple[Alert, tuple[Effect, ...]]:
    """Who looked and is done looks no longer, and somebody is asked in their place. It ends no search."""
    if not alert.searching:
        return alert, ()
    after = stops(alert, party)
    if not wants_somebody(after):
        return after, ()
    return asked(after, now), (AskResponders(alert.id),)


def not_counted_on(alert: Alert, now: datetime, policy: AlertPolicy) -> Alert:
    """Their time is over. Who searches goes on, as many again are asked, and the search has its time anew."""
    return replace(alert, searchers_wanted=len(alert.searchers) + policy.searchers, accepted_at=now)


def _found(alert: Alert, now: datetime, *, finder: str, name: str) -> Alert:
    after = replace(alert, found_at=now, asked_at=None)
    if not finder:  # whoever it was, nobody of those who looked has to arrive any more
        return forgets(after)
    return replace(after, responder=finder, responder_name=name, accepted_at=alert.accepted_at or now, arrived_at=now)


def is_found(alert: Alert, report: CallReport, now: datetime, policy: AlertPolicy) -> Change | Refused:
    """The finder said so on the telephone. The alert stays with its human, who hears it at once."""
    if not alert.searching:
        return NOBODY_LOST
    after = calls_attention(_found(alert, now, finder=report.party, name=report.name), now)
    return Change(after, report.details(), ring=True, effects=_over(alert, report.party, "key", policy))


def operator_knows(alert: Alert, acted: OperatorActed, now: datetime, policy: AlertPolicy) -> Change | Refused:
    """Heard from the finder, the police, the family. Which of those who look it was, if it was one of them."""
    if not (acted.by.supervisor or (alert.owner is not None and alert.owner.id == acted.by.id)):
        who = f"{alert.owner.name} has it" if alert.owner else "nobody has claimed it"
        return Refused("not_owner", who, alert.owner)
    if not alert.searching:
        return NOBODY_LOST
    after = _found(alert, now, finder=acted.party, name=acted.person)
    if alert.owner is not None and alert.owner.id == acted.by.id:
        after = touched(after, now)
    data = {"party": acted.party, "name": acted.person, "text": acted.text}
    return Change(after, data, effects=_over(alert, acted.party, "voice", policy))


def _over(alert: Alert, finder: str, how: str, policy: AlertPolicy) -> tuple[Effect, ...]:
    return (HangUpOthers(alert.id, but=""), EndSearch(alert.id, finder, how)) if policy.rings else ()


SEARCH_TABLE = table(
    (
        ("search.found", "Who looks for them has found them: everybody else is told and let go; a person still closes "
         "the alert.", tuple(UNRESOLVED), "call.found", None, is_found),
        ("operator.knows_found", "The owner or a supervisor knows that they are found: everybody who looks for them is "
         "told and let go.", OWNED, f"action.{Action.FOUND}", None, operator_knows),
    )
)  # fmt: skip
