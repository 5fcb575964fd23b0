"""Which deadlines an alert has: a pure function of its record, so no rule can forget a timer (docs/adr/0002)."""

from datetime import datetime, timedelta

from callcenter.alerts.inputs import TimerKind
from callcenter.alerts.model import OPEN, OWNED, UNRESOLVED, Alert, State, is_held, wants_somebody
from config.policies import AlertPolicy

Deadlines = dict[TimerKind, datetime]
DRILL_ALONE = timedelta(minutes=30)  # our own rule: a drill that nobody has touched for so long ends by itself


def _after(start: datetime | None, seconds: int, *, default: datetime) -> datetime:
    return (start or default) + timedelta(seconds=seconds)


def next_rung(alert: Alert, policy: AlertPolicy) -> datetime:
    """When the next rung is climbed. An alert that came back continues at its old age, but not in the past."""
    ladder = policy.ladder(alert.kind)
    if alert.rung >= len(ladder.rungs):
        return alert.rung_at + timedelta(seconds=ladder.repeat_s)
    return max(alert.rung_at, alert.waiting_since + timedelta(seconds=ladder.rungs[alert.rung].after_s))


def _waiting(alert: Alert, policy: AlertPolicy) -> Deadlines:
    return {TimerKind.RUNG: next_rung(alert, policy)}


def _claimed(alert: Alert, policy: AlertPolicy) -> Deadlines:
    return {TimerKind.CLAIM_IDLE: _after(alert.touched_at, policy.claim_idle_s, default=alert.opened_at)}


def _helping(alert: Alert, policy: AlertPolicy) -> Deadlines:
    if alert.attention_at:
        return {TimerKind.ATTENTION: _after(alert.attention_at, policy.attention_s, default=alert.opened_at)}
    return {TimerKind.HELP_CHECK: _after(alert.touched_at, policy.help_check_s, default=alert.opened_at)}


def _handed_over(alert: Alert, policy: AlertPolicy) -> Deadlines:
    if alert.attention_at:
        return {TimerKind.ATTENTION: _after(alert.attention_at, policy.attention_s, default=alert.opened_at)}
    return {TimerKind.REASK: _after(alert.touched_at, policy.reask_s, default=alert.opened_at)}


def _closed(_alert: Alert, _policy: AlertPolicy) -> Deadlines:
    return {}


def _resolved(alert: Alert, policy: AlertPolicy) -> Deadlines:
    return {TimerKind.FOLLOW_UP: _after(alert.rung_at, policy.follow_up_s, default=alert.opened_at)}


def next_wave_at(alert: Alert, policy: AlertPolicy) -> datetime | None:
    """When more people are asked by themselves; None: nobody is."""
    if not alert.asked_at or not wants_somebody(alert):
        return None
    usual = alert.asked_at + timedelta(seconds=policy.next_wave_s)
    return max(usual, alert.held_until) if alert.held_until and is_held(alert) else usual


def _is_awaited(alert: Alert) -> bool:
    """Somebody has said yes and is not at the door, or looks for them and has not found them."""
    return bool(alert.searching and alert.searchers) or bool(alert.responder and not alert.arrived_at)


def _telephone(alert: Alert, policy: AlertPolicy) -> Deadlines:
    due: Deadlines = {}
    if alert.silent_at and not alert.spoke_since and alert.call_backs < len(policy.call_backs_s):
        due[TimerKind.CALL_BACK] = alert.silent_at + timedelta(seconds=policy.call_backs_s[alert.call_backs])
    if alert.accepted_at and _is_awaited(alert):
        due[TimerKind.ARRIVAL] = alert.accepted_at + timedelta(seconds=policy.arrive_s)
    if alert.responder and alert.moves_by and not alert.arrived_at:
        due[TimerKind.MOVEMENT] = alert.moves_by
    if alert.more_by:
        due[TimerKind.MORE] = alert.more_by
    if wave := next_wave_at(alert, policy):
        due[TimerKind.NEXT_WAVE] = wave
    return due


_BY_STATE = {
    State.WAITING: _waiting,
    State.CLAIMED: _claimed,
    State.HELPING: _helping,
    State.HANDED_OVER: _handed_over,
    State.RESOLVED: _resolved,
    State.CLOSED: _closed,
}


def deadlines(alert: Alert | None, policy: AlertPolicy) -> Deadlines:
    """Every deadline of the alert as it stands. Each open state has at least one."""
    if alert is None:
        return {}
    due = dict(_BY_STATE[alert.state](alert, policy))
    if alert.state in UNRESOLVED:
        due |= _telephone(alert, policy)
    if alert.transfer_at and alert.state in OWNED:
        due[TimerKind.TRANSFER] = alert.transfer_at + timedelta(seconds=policy.transfer_s)
    if alert.owner and alert.owner_gone_at and alert.state is not State.RESOLVED and alert.state is not State.CLOSED:
        due[TimerKind.OWNER_GONE] = alert.owner_gone_at + timedelta(seconds=policy.owner_gone_s)
    if alert.exercise and alert.state in OPEN:
        due[TimerKind.DRILL] = max(alert.opened_at, alert.touched_at or alert.opened_at) + DRILL_ALONE
    return due
