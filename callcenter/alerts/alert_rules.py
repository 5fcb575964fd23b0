"""The alert machine's table: device, timer and system inputs. Operators' rules are in operator_rules."""

from dataclasses import replace
from datetime import datetime, timedelta

from callcenter.alerts import search_rules
from callcenter.alerts.effects import Effect, PhoneGroup, PhoneOperator, PhoneResident, TellDevice
from callcenter.alerts.inputs import (
    AlarmRaised,
    CancelPressed,
    EffectFailed,
    OperatorBack,
    OperatorGone,
    OwnerTalks,
    TimerDue,
    TimerKind,
    TroubleEnded,
)
from callcenter.alerts.model import (
    EMERGENCIES,
    OPEN,
    OWNED,
    RANK,
    TECHNICAL,
    UNRESOLVED,
    Alert,
    State,
    queued_again,
    touched,
)
from callcenter.alerts.operator_rules import OPERATOR_TABLE
from callcenter.alerts.plans import joined, missing
from callcenter.alerts.responder_rules import RESPONDER_TABLE
from callcenter.alerts.rules import Change, Decide, Refused, Rule, Table
from callcenter.alerts.telephone_rules import AMBULANCE_PRESSES, TELEPHONE_TABLE, asks
from callcenter.alerts.transfer_rules import TRANSFER_TABLE
from config.policies import AlertPolicy


def _stored(alert_id: str, device: str, ref: str | None, *, told: str = "stored") -> tuple[Effect, ...]:
    """The device's own acknowledgement; what the centre raised by itself has nobody to tell.

    A press on an alert that somebody has already hears that too.
    """
    levels = ("stored",) if told == "stored" else ("stored", told)
    return tuple(TellDevice(device, ref, level, alert_id) for level in levels) if ref else ()


def opens(_alert: Alert | None, alarm: AlarmRaised, now: datetime, policy: AlertPolicy) -> Change:
    pressed = alarm.kind not in TECHNICAL
    alert = Alert(
        id=alarm.alert_id,
        subject=alarm.subject,
        kind=alarm.kind,
        state=State.WAITING,
        opened_at=now,
        last_press_at=now,
        press_count=int(pressed),
        troubles=int(not pressed),
        recent=(now,) if pressed else (),
        waiting_since=now,
        rung_at=now,
        degraded=alarm.degraded,
        late=alarm.late,
        possibly_old=alarm.possibly_old,
        drill=alarm.drill,
        plan=alarm.plan,
    )
    alert = search_rules.astray(alert, alarm.kind, now, policy)
    effects = _stored(alert.id, alarm.subject.device, alarm.ref) + _rings_people(alert, alarm, policy)
    return Change(alert, alarm.details, ring=True, effects=effects)


def _rings_people(alert: Alert, alarm: AlarmRaised, policy: AlertPolicy) -> tuple[Effect, ...]:
    """An emergency from a device rings the resident and an operator into one room. Who rang us is there already."""
    if not policy.rings or alarm.kind not in EMERGENCIES:
        return ()
    operator: tuple[Effect, ...] = (PhoneOperator(alert.id),)
    return operator if alarm.on_the_phone else (PhoneResident(alert.id), *operator)


def _counted(alert: Alert, alarm: AlarmRaised, now: datetime, policy: AlertPolicy) -> Alert:
    """The alert with one more press; enough presses in a short time raise its priority one step."""
    since = now - timedelta(seconds=policy.raise_within_s)
    recent = (*(at for at in alert.recent if at > since), now)
    raised = alert.raised
    if len(recent) >= policy.raise_presses:
        recent, raised = (), raised + 1
    return replace(
        alert,
        kind=min(alert.kind, alarm.kind, key=RANK.__getitem__),
        plan=joined(alert.plan, alarm.plan),
        press_count=alert.press_count + 1,
        last_press_at=now,
        recent=recent,
        raised=raised,
        degraded=alert.degraded or alarm.degraded,
        possibly_old=alert.possibly_old and alarm.possibly_old,
        drill=alert.drill and alarm.drill,
        cancel_pressed=False,  # pressed again after a cancel: the cancel no longer says anything
    )


def _ring_anew(alert: Alert, now: datetime) -> Alert:
    """A technical alert becomes an emergency: nobody has it, the ladder begins now."""
    return replace(queued_again(alert, now), waiting_since=now, rung=0)


def attaches(alert: Alert, alarm: AlarmRaised, now: datetime, policy: AlertPolicy) -> Change:
    effects = _stored(alert.id, alarm.subject.device, alarm.ref, told=alert.told)
    if alarm.kind in TECHNICAL:  # worth knowing, but nobody pressed
        kind = min(alert.kind, alarm.kind, key=RANK.__getitem__)
        after = replace(alert, kind=kind, plan=joined(alert.plan, alarm.plan), troubles=alert.troubles + 1)
        return Change(after, alarm.details, effects=effects)
    after = search_rules.astray(_counted(alert, alarm, now, policy), alarm.kind, now, policy)
    upgraded = alarm.kind in EMERGENCIES and alert.kind not in EMERGENCIES
    if upgraded:
        after = _ring_anew(after, now)
        effects += _rings_people(alert, alarm, policy)
    elif alert.owner:
        after = replace(after, attention_at=alert.attention_at or now)
    if after.silent_at and after.press_count == AMBULANCE_PRESSES:  # nobody speaks, and they press again and again
        effects += (PhoneGroup(alert.id, "ambulance"),)
    data = alarm.details | {"press_count": after.press_count, "priority": after.priority}
    return Change(after, data, ring=True, effects=effects)


def cancel_is_marked(alert: Alert, cancel: CancelPressed, now: datetime, policy: AlertPolicy) -> Change:
    in_time = now - alert.last_press_at <= timedelta(seconds=policy.cancel_within_s)
    after = replace(alert, cancel_pressed=alert.cancel_pressed or in_time)
    data = {"device": cancel.device, "in_time": in_time}
    return Change(after, data, effects=_stored(alert.id, cancel.device, cancel.ref))


def trouble_ends(alert: Alert, ended: TroubleEnded, now: datetime, _policy: AlertPolicy) -> Change | Refused:
    if alert.kind is not ended.kind or alert.kind not in TECHNICAL or alert.subject.device != ended.device:
        return Refused("not_allowed", "the alert is about something else", alert.owner)
    if alert.press_count or alert.silent or alert.troubles > 1 or missing(alert):
        return Refused("not_allowed", "there is more to it than this trouble: a person closes it", alert.owner)
    after = replace(alert, state=State.CLOSED, resolved_at=now, rung_at=now)
    return Change(after, {"device": ended.device})


def climbs(alert: Alert, _due: TimerDue, now: datetime, policy: AlertPolicy) -> Change:
    """The next rung. After the last: ring again, and ask whoever can still be asked; if nobody can, it is told."""
    rungs = policy.ladder(alert.kind).rungs
    effects: tuple[Effect, ...] = ()
    if alert.rung >= len(rungs):
        after = replace(alert, rung_at=now)
        if policy.rings and alert.kind in EMERGENCIES and not alert.asked_at:
            after, effects = asks(after, now)
        return Change(after, {"rung": "ring_again"}, ring=True, effects=effects)
    rung = rungs[alert.rung]
    effects = (PhoneGroup(alert.id, rung.phone),) if rung.phone else ()
    after = replace(alert, rung=alert.rung + 1, rung_at=now)
    return Change(after, {"rung": rung.id, "number": after.rung}, ring=True, effects=effects)


def returns(alert: Alert, due: TimerDue, now: datetime, _policy: AlertPolicy) -> Change:
    owner = alert.owner.id if alert.owner else None
    return Change(queued_again(alert, now), {"why": str(due.timer), "from": owner}, ring=True)


def talks(alert: Alert, _talks: OwnerTalks, now: datetime, _policy: AlertPolicy) -> Change:
    return Change(touched(alert, now))


def asks_owner(alert: Alert, due: TimerDue, now: datetime, _policy: AlertPolicy) -> Change:
    return Change(replace(alert, attention_at=now), {"why": str(due.timer)}, ring=True)


def loses_owner(alert: Alert, due: TimerDue, now: datetime, _policy: AlertPolicy) -> Change:
    """120 still has it, so the state stays; but it rings for everybody until somebody takes it."""
    after = replace(alert, owner=None, owner_gone_at=None, attention_at=now)
    return Change(after, {"why": str(due.timer), "from": alert.owner.id if alert.owner else None}, ring=True)


def reminds(alert: Alert, _due: TimerDue, now: datetime, _policy: AlertPolicy) -> Change:
    return Change(replace(alert, rung_at=now))


def owner_goes(alert: Alert, gone: OperatorGone, now: datetime, _policy: AlertPolicy) -> Change | Refused:
    if alert.owner is None or alert.owner.id != gone.operator or alert.owner_gone_at:
        return Refused("not_owner", "somebody else has it", alert.owner)
    return Change(replace(alert, owner_gone_at=now), {"operator": gone.operator})


def owner_comes_back(alert: Alert, back: OperatorBack, _now: datetime, _policy: AlertPolicy) -> Change | Refused:
    if alert.owner is None or alert.owner.id != back.operator or alert.owner_gone_at is None:
        return Refused("not_owner", "the owner was not gone", alert.owner)
    return Change(replace(alert, owner_gone_at=None), {"operator": back.operator})


def tells_people(alert: Alert, failed: EffectFailed, _now: datetime, _policy: AlertPolicy) -> Change:
    """Nobody may believe that a call was made which was not."""
    ring = alert.state in UNRESOLVED
    return Change(alert, failed.details | {"effect": failed.effect, "reason": failed.reason}, ring=ring)


def _timer(kind: TimerKind) -> str:
    return f"timer.{kind}"


STAYS_OR_WAITS: tuple[State, ...] = ()

# identifier, sentence, states, input, where it may lead (None: stays), function
_ROWS: tuple[tuple[str, str, tuple[State | None, ...], str, tuple[State, ...] | None, Decide], ...] = (
    ("alarm.opens", "An alarm opens an alert and rings everybody.",
     (None,), "alarm", (State.WAITING,), opens),
    ("alarm.attaches", "A further alarm joins the open alert, counts, and rings again; an emergency that joins "
     "a technical alert makes it ring anew.", tuple(UNRESOLVED), "alarm", STAYS_OR_WAITS, attaches),
    ("cancel.marks", "A cancel on the device is a mark; a person still closes the alert.",
     tuple(UNRESOLVED), "cancel", None, cancel_is_marked),
    ("trouble.ends", "A technical alert that nobody has taken closes when its trouble is over.",
     (State.WAITING,), "trouble_ended", (State.CLOSED,), trouble_ends),
    ("ladder.climbs", "Nobody has claimed it: the next rung of the ladder; after the last it rings again, and "
     "whoever can still be asked to go is asked.",
     (State.WAITING,), _timer(TimerKind.RUNG), None, climbs),
    ("claim.expires", "A claim left alone returns to the queue at its old age.",
     (State.CLAIMED,), _timer(TimerKind.CLAIM_IDLE), (State.WAITING,), returns),
    ("claim.goes_on", "Its owner is on the telephone with somebody: that is no claim left alone.",
     (State.CLAIMED,), "owner_talks", None, talks),
    ("help.asks", "Help is on its way and nobody has looked for a while: the owner is rung.",
     (State.HELPING,), _timer(TimerKind.HELP_CHECK), None, asks_owner),
    ("attention.expires", "The owner was rung and did nothing: it returns to the queue at its old age.",
     (State.HELPING,), _timer(TimerKind.ATTENTION), (State.WAITING,), returns),
    ("ambulance.reasks", "120 has it: the owner is asked how it stands.",
     (State.HANDED_OVER,), _timer(TimerKind.REASK), None, asks_owner),
    ("ambulance.rings", "120 has it, and nobody answered for it here: it rings for everybody.",
     (State.HANDED_OVER,), _timer(TimerKind.ATTENTION), None, loses_owner),
    ("owner.lost", "The owner's console stayed away: it returns to the queue at its old age.",
     (State.CLAIMED, State.HELPING), _timer(TimerKind.OWNER_GONE), (State.WAITING,), returns),
    ("ambulance.owner_lost", "120 has it and the owner's console stayed away: it rings for everybody.",
     (State.HANDED_OVER,), _timer(TimerKind.OWNER_GONE), None, loses_owner),
    ("follow_up.reminds", "Resolved but not closed: the follow-up is due.",
     (State.RESOLVED,), _timer(TimerKind.FOLLOW_UP), None, reminds),
    ("owner.goes", "The owner's last console went away; a short time to come back begins.",
     OWNED, "operator_gone", None, owner_goes),
    ("owner.back", "The owner's console is back in time.", OWNED, "operator_back", None, owner_comes_back),
    ("effect.failed", "Something wished for will not happen by itself: people are told to do it.",
     tuple(OPEN), "effect_failed", None, tells_people),
)  # fmt: skip


def _build() -> Table:
    tables = (OPERATOR_TABLE, TELEPHONE_TABLE, TRANSFER_TABLE, RESPONDER_TABLE, search_rules.SEARCH_TABLE)
    table = {pair: rule for one in tables for pair, rule in one.items()}
    for identifier, says, states, key, leads_to, function in _ROWS:
        for state in states:
            if (state, key) in table:
                raise ValueError(f"two rules for {(state, key)}")
            stays = frozenset((state,) if state else ())
            where = stays | {State.WAITING} if leads_to == STAYS_OR_WAITS else frozenset(leads_to or stays)
            table[state, key] = Rule(identifier, says, where, function)
    return table


ALERT_TABLE: Table = _build()
