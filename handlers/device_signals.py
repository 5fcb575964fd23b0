"""What devices say, mapped to the alert machine: alarms, cancels, tests, phone keys, presence."""

import json
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from callcenter import metrics
from callcenter.alerts.effects import ClearRetained, RefuseMessage, TellDevice
from callcenter.alerts.inputs import AlarmRaised, CancelPressed
from callcenter.alerts.model import UNRESOLVED, Kind
from callcenter.alerts.rules import Refused
from callcenter.ids import new_id
from callcenter.storage import call_book, work
from callcenter.storage.unit import Unit
from callcenter.storage.unit_values import Heard, Known, Needs, subject_key
from devices.events import CommandResult, PhoneSignal, Presence, Signal, SignalKind, SosBody, Unreadable
from devices.telemetry import position
from handlers import arrivals, whose
from handlers.intake import Handler
from handlers.reaction import react

CLOCK_IS_WRONG = timedelta(days=7)  # a device clock further off than this says nothing about lateness
OFF_HOOK = timedelta(seconds=8)
ECHO_WITHIN = timedelta(seconds=15)
ANY_MESSAGE = "*"  # the ack's ref for a message whose id could not be read (design.md 3)

_KINDS: dict[SignalKind, Kind] = {
    SignalKind.SOS: Kind.SOS,
    SignalKind.FALL: Kind.FALL,
    SignalKind.WANDER: Kind.WANDER,
    SignalKind.FIRE: Kind.FIRE,
    SignalKind.GAS: Kind.GAS,
    SignalKind.HELP: Kind.HELP,
}


@dataclass(frozen=True, slots=True)
class ReceiverForgotten:
    """A home phone has been off the hook for 8 s and has dialled nothing. Lifted again since, it has a later due."""

    device: str
    due: datetime


@dataclass(frozen=True, slots=True)
class Taken:
    """An alarm is stored. `alert` is None when it opens none (a test, a cancel of nothing)."""

    alert: str | None
    new: bool


def _late(unit: Unit, signal: Signal) -> tuple[bool, bool]:
    """(late, device clock cannot be right)"""
    at = signal.body.at
    if at is None or signal.body.clock == "unset":
        return False, False
    ago = signal.received_at - at
    if abs(ago) > CLOCK_IS_WRONG:
        return False, True
    return ago > timedelta(seconds=unit.in_force.late_after_s), False


def _details(signal: Signal, msg: str, *, clock_wrong: bool) -> dict[str, Any]:
    """What the timeline keeps of a press; the rest stays in `signals.raw`."""
    body = signal.body
    optional = {
        "src": body.src,
        "batt": body.batt,
        "device_at": body.at.isoformat() if body.at else None,
        "faults": list(signal.faults),
        "retained": signal.retained,
        "clock_wrong": clock_wrong,
    }
    kept = {name: value for name, value in optional.items() if value not in (None, [], False)}
    return {"device": signal.device, "msg": msg, "kind": body.kind.value} | kept


def _store(unit: Unit, heard: Signal | PhoneSignal, msg: str, *, kind: str, alert_id: str | None) -> None:
    """Keep an alarm as it was heard, under the key that tells its repeats."""
    faults = heard.faults if isinstance(heard, Signal) else ()
    unit.add_signal(
        {
            "device_id": heard.device,
            "msg": msg,
            "ref": heard.msg or ANY_MESSAGE,
            "alert_id": alert_id,
            "kind": kind,
            "received_at": heard.received_at,
            "device_at": heard.body.at,
            "retained": isinstance(heard, Signal) and heard.retained,
            "faults": json.dumps(faults),
            "raw": heard.raw,
        }
    )


def _store_sign_of_life(unit: Unit, signal: Signal) -> None:
    """Any message tells that the device lives; a position and a battery are taken where they come."""
    row: dict[str, Any] = {
        "b_device": signal.device,
        "seen_at": signal.received_at,
        "battery": signal.body.batt,
        "next_s": None,
    }
    if loc := signal.body.loc:
        row["position"] = position(loc, signal.received_at)
    unit.saw(row)


def _count_faults(unit: Unit, signal: Signal, known: Known | None, *, clock_wrong: bool) -> bool:
    """Count why an alarm is not whole; tells whether it is degraded."""
    reasons = {"body": bool(signal.faults), "device": known is None, "clock": clock_wrong}
    for reason, is_so in (reasons | {"retained": signal.retained}).items():
        if is_so:
            unit.count(metrics.alarms_degraded.labels(reason).inc)
    return reasons["body"] or reasons["device"]


def _is_repeat(unit: Unit, signal: Signal, heard: Heard) -> bool:
    """Whether a message that names a known id is that message again (docs/adr/0005).

    A device whose counter began anew uses known ids for new presses. Where the two cannot be told apart it
    matters only once the old press no longer rings; from then on, in doubt it is a new press.
    """
    if signal.retained or heard.raw == signal.raw:
        return True
    if heard.kind != signal.body.kind.value:
        return False
    alert = unit.alert(heard.alert_id) if heard.alert_id else None
    if alert and alert.state in UNRESOLVED:
        return True
    if heard.device_at is not None and signal.body.at is not None:
        return heard.device_at == signal.body.at
    return bool(signal.body.rep)


def _earlier(unit: Unit, signal: Signal, msg: str | None) -> Iterator[Heard]:
    """Everything stored under this id: the first under the id itself, presses of a restarted counter behind it."""
    number, key = 1, msg
    while key and (heard := unit.heard(signal.device, key)):
        yield heard
        number += 1
        key = f"{msg}~{number}"


def _is_echo(unit: Unit, signal: Signal) -> bool:
    """Clearing a retained alarm is itself an empty message on the device's topic, heard by every process.

    Within seconds of a clearing an empty one is not taken for a press, and not acknowledged to the device
    either: a real one is repeated and counts then (docs/adr/0007). How long it waited to be decided does not matter.
    """
    if signal.raw or signal.retained:
        return False
    return work.cleared_since(unit.connection, signal.device, signal.received_at - ECHO_WITHIN)


def take_signal(unit: Unit, signal: Signal) -> Taken:
    """An `up/sos`. Whatever is in it, it is stored and its device is told so."""
    if _is_echo(unit, signal):
        unit.log(None, rule="signal.echo", actor=f"device:{signal.device}", data={"device": signal.device})
        return Taken(None, new=False)
    if signal.retained:
        unit.wish(ClearRetained(signal.device))
    earlier = 0
    for heard in _earlier(unit, signal, signal.msg):  # a storm of repeats asks for the first only, which is known
        if _is_repeat(unit, signal, heard):
            unit.count(metrics.signals_repeated.inc)
            alert = unit.alert(heard.alert_id) if heard.alert_id else None
            level = alert.told if alert else "stored"  # a repeat never hears less than was said before
            unit.wish(TellDevice(signal.device, heard.ref, level, heard.alert_id), kept=False)  # or it repeats again
            return Taken(heard.alert_id, new=False)
        earlier += 1
    msg = signal.msg or f"{ANY_MESSAGE}{new_id(unit.now)}"
    if earlier:
        msg = f"{msg}~{earlier + 1}"
    if signal.body.kind in _KINDS:
        return _raise_alarm(unit, signal, msg, _KINDS[signal.body.kind])
    return _take_other(unit, signal, msg)


def _raise_alarm(unit: Unit, signal: Signal, msg: str, kind: Kind) -> Taken:
    known = unit.device(signal.device)
    if "unstorable" in signal.faults:  # second try: what telephone calls need may be what could not be stored
        unit.rings = False
    late, clock_wrong = _late(unit, signal)
    if ALONE in signal.faults:  # beside whatever alert its person has, which may be what cannot be read
        subject = replace(whose.subject_of(known, signal.device), key=subject_key(None, signal.device))
        before = unit.open_alert(subject.key)
    else:
        subject, before = whose.alarm_of(unit, known, signal.device, kind)
    alarm = AlarmRaised(
        alert_id=new_id(unit.now),
        subject=subject,
        kind=kind,
        ref=signal.msg or ANY_MESSAGE,
        degraded=_count_faults(unit, signal, known, clock_wrong=clock_wrong),
        late=late,
        possibly_old=signal.retained,
        drill=subject.synthetic,
        details=_details(signal, msg, clock_wrong=clock_wrong),
    )
    _store_sign_of_life(unit, signal)  # first: where they are tells who is asked to look for them
    entry = react(unit, before, alarm, actor=f"device:{signal.device}")
    if isinstance(entry, Refused):  # the table has a rule for an alarm in every unresolved state; a test walks it
        raise RuntimeError(f"an alarm was refused: {entry}")
    _store(unit, signal, msg, kind=signal.body.kind.value, alert_id=entry.alert_id)
    if not subject.synthetic:
        unit.count(metrics.alarms_received.labels(signal.body.kind.value).inc)
    return Taken(entry.alert_id, new=True)


def _take_other(unit: Unit, signal: Signal, msg: str) -> Taken:
    """A cancel or a test: a mark on the open alert, or a line in the log."""
    known = unit.device(signal.device)
    ref = signal.msg or ANY_MESSAGE
    _, alert = whose.alarm_of(unit, known, signal.device)
    actor = f"device:{signal.device}"
    if alert and signal.body.kind is SignalKind.CANCEL:
        react(unit, alert, CancelPressed(signal.device, ref), actor=actor)
    elif alert and arrivals.prove(unit, alert, signal):
        unit.wish(TellDevice(signal.device, ref, "stored", alert.id))
    else:
        rule = "signal.cancel" if signal.body.kind is SignalKind.CANCEL else "signal.test"
        unit.log(alert, rule=rule, actor=actor, data=_details(signal, msg, clock_wrong=False))
        unit.wish(TellDevice(signal.device, ref, "stored", alert.id if alert else None))
    _store(unit, signal, msg, kind=signal.body.kind.value, alert_id=alert.id if alert else None)
    return Taken(alert.id if alert else None, new=True)


# How a press is stored that could not be stored as it came: less of it each time (see `smallest`).
ALONE = "alone"
LESS = (("unstorable",), ("unstorable", "raw"), ("unstorable", "raw", ALONE))


def smallest(signal: Signal) -> Signal | None:
    """Identity and "this is an SOS"; then without its bytes; at last without a look at the alert it would join."""
    step = LESS.index(signal.faults) + 1 if signal.faults in LESS else 0
    if step == len(LESS):
        return None
    body, raw = SosBody(kind=signal.body.kind), b"" if step else signal.raw
    return Signal(signal.device, None, body, raw, signal.received_at, faults=LESS[step])


def take_phone(unit: Unit, phone: PhoneSignal) -> Taken:
    """An `up/call`: the service key opens a service call; everything is stored. Telephony takes it from there."""
    msg = phone.msg or f"{ANY_MESSAGE}{new_id(unit.now)}"
    if phone.msg and (heard := unit.heard(phone.device, phone.msg)):
        unit.wish(TellDevice(phone.device, heard.ref, "stored", heard.alert_id), kept=False)
        return Taken(heard.alert_id, new=False)
    actor = f"device:{phone.device}"
    details = {"device": phone.device, "msg": msg, "event": phone.body.event}
    alert_id = None
    if phone.body.event == "service_key":
        known = unit.device(phone.device)
        ref = phone.msg or ANY_MESSAGE
        subject, before = whose.alarm_of(unit, known, phone.device, Kind.SERVICE)
        alarm = AlarmRaised(new_id(unit.now), subject, Kind.SERVICE, ref, details=details)
        entry = react(unit, before, alarm, actor=actor)
        alert_id = None if isinstance(entry, Refused) else entry.alert_id
    else:
        unit.log(None, rule="phone.heard", actor=actor, data=details)
        _watch_receiver(unit, phone)
        if phone.msg:
            unit.wish(TellDevice(phone.device, phone.msg, "stored", None))
    _store(unit, phone, msg, kind=phone.body.event, alert_id=alert_id)
    return Taken(alert_id, new=True)


def _watch_receiver(unit: Unit, phone: PhoneSignal) -> None:
    """A receiver that is lifted and dials nothing may be somebody who cannot (field.md 2)."""
    if phone.body.event == "off_hook":
        call_book.lift(unit.connection, phone.device, unit.now + OFF_HOOK)
    else:
        call_book.put_down(unit.connection, phone.device)


def receiver_forgotten(unit: Unit, forgotten: ReceiverForgotten) -> Taken:
    if not call_book.put_down(unit.connection, forgotten.device, due=forgotten.due):
        return Taken(None, new=False)  # dialled or put down meanwhile, and perhaps lifted again
    known = unit.device(forgotten.device)
    subject, before = whose.alarm_of(unit, known, forgotten.device, Kind.SOS)
    details = {"device": forgotten.device, "src": "off_hook"}
    alarm = AlarmRaised(new_id(unit.now), subject, Kind.SOS, details=details)
    entry = react(unit, before, alarm, actor=f"device:{forgotten.device}")
    return Taken(None if isinstance(entry, Refused) else entry.alert_id, new=True)


def take_presence(unit: Unit, presence: Presence) -> None:
    body = presence.body
    work.store_presence(unit.connection, presence.device, online=body.online, sess=body.sess)


def take_result(unit: Unit, result: CommandResult) -> None:
    data = {"device": result.device, "ref": result.body.ref, "ok": result.body.ok}
    unit.log(None, rule="command.result", actor=f"device:{result.device}", data=data)


def take_unreadable(unit: Unit, bad: Unreadable) -> None:
    if bad.msg:
        unit.wish(RefuseMessage(bad.device, bad.msg, "unreadable"))
    leaf = bad.leaf if bad.leaf in KNOWN_LEAVES else "other"
    unit.count(metrics.dead_letters.labels(leaf, bad_reason(bad.reason)).inc)
    unit.add_dead_letter(
        {
            "received_at": bad.received_at,
            "device_id": bad.device,
            "leaf": bad.leaf,
            "reason": bad.reason,
            "raw": bad.raw,
        }
    )


KNOWN_LEAVES = frozenset({"up/status", "up/loc", "up/vitals", "up/call", "up/result", "state"})
_REASONS = frozenset({"empty body", "not JSON", "not a JSON object", "unknown topic", "unknown device"})


def bad_reason(reason: str) -> str:
    """A label from a small closed set."""
    return reason.replace(" ", "_") if reason in _REASONS else "wrong_field"


def _signal_needs(signal: Signal | PhoneSignal) -> Needs:
    if isinstance(signal, Signal) and ALONE in signal.faults:
        return Needs()
    return Needs(devices=(signal.device,), signals=((signal.device, signal.msg),) if signal.msg else ())


def _press(signal: Signal) -> Hashable | None:
    """What `_is_repeat` compares: of two that wait, both would be of one press."""
    known = signal.msg and not signal.retained
    return (signal.device, signal.msg, signal.body.kind, signal.body.at) if known else None


def _says_again(signal: Signal) -> bool:
    """Another press of a counter that has begun anew may have the same number, but says that it is the first."""
    return bool(signal.body.rep) or signal.body.at is not None


HANDLERS: dict[type, Handler] = {
    Signal: Handler(take_signal, _signal_needs, smallest, in_storms=True, key=_press, repeats=_says_again),
    PhoneSignal: Handler(take_phone, _signal_needs, in_storms=True),
    Presence: Handler(take_presence, in_storms=True),
    CommandResult: Handler(take_result, in_storms=True),
    Unreadable: Handler(take_unreadable, in_storms=True),
    # A deadline: that they have dialled may wait in a storm, and then somebody asks for nothing.
    ReceiverForgotten: Handler(receiver_forgotten, lambda one: Needs(devices=(one.device,))),
}
