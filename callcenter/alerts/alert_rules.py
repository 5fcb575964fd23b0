"""The alert machine's table: device, timer and system inputs. Operators' rules are in operator_rules."""

from datetime import datetime, timedelta

from callcenter.alerts import drill_rules, search_rules
from callcenter.alerts.changing import replace
from callcenter.alerts.effects import Effect, PhoneGroup, PhoneOperator, PhoneResident, TellDevice
from callcenter.alerts.inputs import (
    AlarmRaised,
    CancelPressed,
    EffectFailed,
    OperatorBack,
    OperatorGone,
    OperatorLeft,
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
    anew,
    calls_attention,
    queued_again,
    touched,
    wants_somebody,
)
from callcenter.alerts.operator_rules import OPERATOR_TABLE
from callcenter.alerts.plans import joined, missing
from callcenter.alerts.responder_rules import RESPONDER_TABLE
from callcenter.alerts.rules import Change, Refused, Row, table
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
        area_id=alarm.area,
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
    """What was no emergency becomes one: nobody has it, the ladder begins now."""
    return replace(queued_again(anew(alert, now), now), waiting_since=now, rung=0)


def _need(alert: Alert, alarm: AlarmRaised, now: datetime, policy: AlertPolicy) -> tuple[Alert, tuple[Effect, ...]]:
    """An emergency joins: `alert` with one more press, and who is rung for it.

    Whoever came, came for what was then; whom nobody looked for is looked for now; if people were asked in vain, they
    are asked again. While somebody is on the way, or people are being asked, a press asks nobody else.
    """
    upgraded = alert.kind not in EMERGENCIES
    came = alert.arrived_at is not None and not (alert.more_at or alert.more_by)
    in_vain = alert.waves > 0 and not alert.asked_at and wants_somebody(alert)
    after = _counted(alert, alarm, now, policy)
    if upgraded:
        after = _ring_anew(after, now)
    elif came:
        after = anew(after, now)
    after = search_rules.astray(after, alarm.kind, now, policy)
    astray = after.searching and not alert.searching
    effects = _rings_people(after, alarm, policy) if upgraded or came or in_vain or astray else ()
    if policy.rings and not upgraded and (in_vain or astray):
        after, asked = asks(after, now)
        effects += asked
    return after, effects


def attaches(alert: Alert, alarm: AlarmRaised, now: datetime, policy: AlertPolicy) -> Change:
    effects = _stored(alert.id, alarm.subject.device, alarm.ref, told=alert.told)
    if alarm.kind in TECHNICAL:  # worth knowing, but nobody pressed
        kind = min(alert.kind, alarm.kind, key=RANK.__getitem__)
        after = replace(alert, kind=kind, plan=joined(alert.plan, alarm.plan), troubles=alert.troubles + 1)
        return Change(after, alarm.details, effects=effects)
    if alarm.kind in EMERGENCIES:
        after, rung = _need(alert, alarm, now, policy)
        effects += rung
    else:
        after = _counted(alert, alarm, now, policy)
    after = calls_attention(after, now)  # if somebody has it still
    if alert.silent_at and after.press_count == AMBULANCE_PRESSES:  # nobody speaks, and they press again and again
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
    """The next rung. After the last all of them again, each time, until somebody has it (docs/adr/0021)."""
    rungs = policy.ladder(alert.kind).rungs
    if alert.rung >= len(rungs):
        return _rings_again(replace(alert, rung_at=now), now, policy)
    rung = rungs[alert.rung]
    effects: tuple[Effect, ...] = (PhoneGroup(alert.id, rung.phone),) if rung.phone else ()
    after = replace(alert, rung=alert.rung + 1, rung_at=now)
    return Change(after, {"rung": rung.id, "number": after.rung}, ring=True, effects=effects)


def _rings_again(alert: Alert, now: datetime, policy: AlertPolicy) -> Change:
    data = {"rung": "ring_again"}
    if not (policy.rings and alert.pressing):
        return Change(alert, data, ring=True)
    groups = dict.fromkeys(rung.phone for rung in policy.ladder(alert.kind).rungs if rung.phone)
    after, asked = asks(alert, now)
    effects = (PhoneOperator(alert.id), *(PhoneGroup(alert.id, group) for group in groups), *asked)
    return Change(after, data, ring=True, effects=effects)


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


def owner_leaves(alert: Alert, left: OperatorLeft, now: datetime, _policy: AlertPolicy) -> Change | Refused:
    """Nobody has to wait for somebody who has said that they go. What 120 has stays with it, and rings here."""
    if alert.owner is None or alert.owner.id != left.operator:
        return Refused("not_owner", "somebody else has it", alert.owner)
    if alert.state is State.HANDED_OVER:
        after = replace(alert, owner=None, owner_gone_at=None, attention_at=now)
    else:
        after = queued_again(alert, now)
    return Change(after, {"from": left.operator, "text": left.reason}, ring=True)


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


_ROWS: tuple[Row, ...] = (
    ("alarm.opens", "An alarm opens an alert and rings everybody.",
     (None,), "alarm", (State.WAITING,), opens),
    *(("alarm.attaches", "A further alarm joins the open alert, counts, and rings again; an emergency that joins "
       "what was none makes it ring anew, and whoever came before came for what was then.",
       (state,), "alarm", (state, State.WAITING), attaches) for state in UNRESOLVED),
    ("cancel.marks", "A cancel on the device is a mark; a person still closes the alert.",
     tuple(UNRESOLVED), "cancel", None, cancel_is_marked),
    ("trouble.ends", "A technical alert that nobody has taken closes when its trouble is over.",
     (State.WAITING,), "trouble_ended", (State.CLOSED,), trouble_ends),
    ("ladder.climbs", "Nobody has claimed it: the next rung of the ladder; after the last an emergency rings all of "
     "its telephones again, each time, and people are asked to go once more.",
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
    ("owner.leaves", "The owner signed out without handing it over: it returns to the queue at once, at its old age.",
     (State.CLAIMED, State.HELPING), "operator_left", (State.WAITING,), owner_leaves),
    ("ambulance.owner_leaves", "120 has it and the owner signed out without handing it over: it rings for everybody.",
     (State.HANDED_OVER,), "operator_left", None, owner_leaves),
    ("owner.back", "The owner's console is back in time.", OWNED, "operator_back", None, owner_comes_back),
    ("effect.failed", "Something wished for will not happen by itself: people are told to do it.",
     tuple(OPEN), "effect_failed", None, tells_people),
)  # fmt: skip


ALERT_TABLE = table(
    _ROWS,
    OPERATOR_TABLE,
    TELEPHONE_TABLE,
    TRANSFER_TABLE,
    RESPONDER_TABLE,
    search_rules.SEARCH_TABLE,
    drill_rules.DRILL_TABLE,
)
