"""What carriers tell and what operators do on the phone, mapped to the call machine and on to the alert."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from callcenter import metrics
from callcenter.alerts import dialogues
from callcenter.alerts.call_inputs import (
    CallDue,
    CallInput,
    CallNews,
    CallResult,
    HangUpWanted,
    Heard,
    HoldWanted,
    InboundCall,
    Met,
    News,
)
from callcenter.alerts.call_model import Answer, Call, CallOutcome, CallState, Direction, Role
from callcenter.alerts.effects import FetchRecording, SendText
from callcenter.alerts.inputs import AlarmRaised, CallReport
from callcenter.alerts.model import UNRESOLVED, Alert, Kind, Subject
from callcenter.alerts.rules import Refused
from callcenter.alerts.script import Said
from callcenter.ids import new_id
from callcenter.ports import CallActed, CallWanted, DebtDischarged, SeatTaken
from callcenter.privacy import normalised
from callcenter.storage import call_book, directory
from callcenter.storage.call_records import call_view
from callcenter.storage.directory import Person
from callcenter.storage.unit import Unit
from config.prompts import Prompts
from handlers import dialling
from handlers.intake import Handler
from handlers.reaction import react


@dataclass(frozen=True, slots=True)
class CallTimerFired:
    """The time at which the centre looks at a call by itself has come."""

    call_id: str
    due: datetime


@dataclass(frozen=True, slots=True)
class DebtDue:
    """Somebody who gave up is to be called back."""

    call_id: str
    due: datetime


@dataclass(frozen=True, slots=True)
class Lines:
    """What the handlers must know of this deployment's telephone."""

    prompts: Prompts
    sos_number: str = ""  # normalised; calls to it are an SOS, without a menu


class CallUpdates:
    """The handlers of telephone inputs."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def handlers(self) -> dict[type, Handler]:
        return {
            CallNews: Handler(self.take_news),
            InboundCall: Handler(self.take_inbound),
            CallResult: Handler(self.take_result),
            CallTimerFired: Handler(self.fire),
            DebtDue: Handler(self.call_back),
            CallWanted: Handler(self.act, withdrawable=True),
            DebtDischarged: Handler(self.discharge, withdrawable=True),
            SeatTaken: Handler(self.take_seat, withdrawable=True),
        }

    # -- what a carrier tells

    def take_news(self, unit: Unit, news: CallNews) -> Said | None:
        """Store the callback as it came, apply it once, and answer with what is said next on this leg."""
        call = unit.calls.get(news.call_id)
        if call is None and news.heard and news.heard.ref:  # of an inbound call the carrier knows only its own name
            call = unit.calls.by_ref(news.provider, news.heard.ref)
        if unit.calls.heard(news.provider, news.event_id) is not None:
            unit.count(metrics.callbacks_repeated.labels(news.provider).inc)
        else:
            what = news.heard.what.value if news.heard else "other"
            self._keep(unit, news, call_id=call.id if call else news.call_id, what=what, known=call is not None)
            if call and news.heard:
                self.apply(unit, call, news.heard)
        return self.said(unit, call.id) if call else None

    def _keep(self, unit: Unit, heard: CallNews | InboundCall, *, call_id: str, what: str, known: bool) -> None:
        row = {
            "provider": heard.provider,
            "event_id": heard.event_id,
            "call_id": call_id,
            "what": what,
            "received_at": heard.received_at,
            "known": known,
        }
        unit.calls.keep_callback(row, json.dumps(heard.raw, ensure_ascii=False))
        if not known:
            unit.count(metrics.callbacks_unknown.labels(heard.provider).inc)

    def said(self, unit: Unit, call_id: str) -> Said | None:
        call = unit.calls.get(call_id)
        if call is None:
            return None
        alert = unit.alert(call.alert_id) if call.alert_id else None
        return Said(call.id, dialogues.script(call, self._facts(call, alert), self._lines.prompts))

    def _facts(self, call: Call, alert: Alert | None) -> dialogues.Facts:
        if alert is None:
            return dialogues.Facts(name=call.name)
        kind = self._lines.prompts.text(f"kind_{alert.kind.value}", call.language)
        return dialogues.Facts(name=alert.subject.name, place=alert.subject.place, kind=kind)

    def apply(self, unit: Unit, call: Call, happened: CallInput) -> bool:
        """Put it to the call machine, and what comes of it to the alert; tells whether anything changed."""
        changed = dialling.change(unit, call, happened)
        if isinstance(changed, Refused):
            return False
        after = changed.call
        if isinstance(happened, Heard):
            self._follow_up(unit, after, happened)
        if changed.report:
            self._report(unit, after, changed.report)
        return True

    def _report(self, unit: Unit, call: Call, report: CallReport) -> None:
        alert = unit.alert(call.alert_id) if call.alert_id else None
        if alert is None:
            return
        entry = react(unit, alert, report, actor=f"call:{call.id}")
        if report.what != Answer.ACCEPTED.value:
            return
        if isinstance(entry, Refused):  # somebody was quicker, or it is over: they hear so
            unit.calls.put(replace(call, answer=Answer.TOO_LATE, version=call.version + 1))
        else:
            unit.wish(SendText(call.id, "sms_address"))

    def _follow_up(self, unit: Unit, call: Call, heard: Heard) -> None:
        if heard.what is News.ENDED and call.outcome in (CallOutcome.ABANDONED, CallOutcome.LOST):
            self._owe(unit, call)
        if heard.what is News.JOINED:
            self._introduce(unit, call)
        if heard.what in (News.RECORDED, News.NOT_RECORDED):
            state = "at_carrier" if heard.what is News.RECORDED else "missing"
            if call_book.keep_recording(
                unit.connection, call.id, heard.ref, gateway=call.gateway, state=state, now=unit.now
            ):
                if state == "at_carrier":
                    unit.wish(FetchRecording(call.id, heard.ref))
                else:
                    unit.count(metrics.recordings_missing.inc)

    def _introduce(self, unit: Unit, joined: Call) -> None:
        """Who is in the room with somebody of ours can talk; who waits there alone still waits."""
        living = unit.calls.living(joined.alert_id) if joined.alert_id else []
        there = [call for call in living if call.in_room]
        if len(there) < 2 or all(call.role in (Role.ELDER, Role.CALLER) for call in there):
            return
        for call in there:
            dialling.change(unit, call, Met())
        self._settle_debts(unit, joined)

    def take_result(self, unit: Unit, result: CallResult) -> bool:
        call = unit.calls.get(result.call_id)
        return call is not None and self.apply(unit, call, result.happened)

    def fire(self, unit: Unit, fired: CallTimerFired) -> bool:
        call = unit.calls.get(fired.call_id)
        if call is None or call.due != fired.due:
            return False
        return self.apply(unit, call, CallDue(fired.due))

    # -- calls from outside

    def take_inbound(self, unit: Unit, inbound: InboundCall) -> Said | None:
        """Find who it is, open or join their alert, and put them into its room."""
        stored = unit.calls.heard(inbound.provider, inbound.event_id)
        if stored is not None:
            unit.count(metrics.callbacks_repeated.labels(inbound.provider).inc)
            return self.said(unit, stored)
        self._keep(unit, inbound, call_id=inbound.call_id, what="inbound", known=True)
        number = normalised(inbound.caller)
        people = directory.by_number(unit.connection, number)
        if said := self._offered_again(unit, inbound, number):
            return said
        sos = bool(self._lines.sos_number) and normalised(inbound.dialled) == self._lines.sos_number
        alert = self._open(unit, people, number, sos=sos)
        person = people[0] if people else Person("", "", number, Role.CALLER)
        call = self._inbound(unit, inbound, person, alert, dialogue="sos_line" if sos else "hotline")
        others = [p.name for p in people[1:]]  # a shared telephone: the console offers the choice
        unit.log(alert, rule="call.inbound", actor="telephone", data={"call": call_view(call), "or": others})
        return self.said(unit, call.id)

    def _inbound(self, unit: Unit, inbound: InboundCall, person: Person, alert: Alert | None, *, dialogue: str) -> Call:
        call = Call(
            id=inbound.call_id,
            direction=Direction.INBOUND,
            role=person.role,
            dialogue=dialogue,
            number=normalised(inbound.caller),
            party=person.party,
            name=person.name,
            alert_id=alert.id if alert else None,
            area_id=person.area,
            state=CallState.RINGING,
            wanted_at=unit.now,
            not_after=unit.now,
            due=unit.now + timedelta(seconds=unit.policy.calls.queue_s),
            gateway=inbound.provider,
            provider_ref=inbound.ref,
            placed_at=unit.now,
            ringing_at=unit.now,
        )
        unit.calls.put(call, new=True)
        return call

    def _offered_again(self, unit: Unit, inbound: InboundCall, number: str) -> Said | None:
        """Somebody who was asked for help rings back within 15 minutes: the same offer again (telephony.md, 6)."""
        since = unit.now - timedelta(minutes=15)
        asked = (
            (c for c in unit.calls.by_number(number, since=since) if c.role in dialogues.ASKED_ROLES) if number else ()
        )
        for earlier in asked:
            alert = unit.alert(earlier.alert_id) if earlier.alert_id else None
            if alert and alert.state in UNRESOLVED and earlier.over and earlier.answer is not Answer.ACCEPTED:
                person = Person(earlier.party, earlier.name, number, earlier.role, area=earlier.area_id)
                call = self._inbound(unit, inbound, person, alert, dialogue="offer")
                asking = replace(call, state=CallState.TALKING, answered_at=unit.now, step="offer")
                unit.calls.put(asking)
                unit.log(alert, rule="call.rang_back", actor="telephone", data={"call": call_view(asking)})
                return self.said(unit, call.id)
        return None

    def _open(self, unit: Unit, people: list[Person], number: str, *, sos: bool) -> Alert | None:
        """The alert of the caller: a call and a press of one person are one alert (design.md 3)."""
        home = next((p for p in people if p.resident), None)
        resident = directory.resident(unit.connection, home.resident) if home and home.resident else None
        key = f"resident:{resident.resident}" if resident else f"number:{unit.calls.digest(number)[:16]}"
        subject = Subject(
            key,
            device="",
            resident=resident.resident if resident else None,
            name=resident.name if resident else (people[0].name if people else ""),
            place=directory.place_of(unit.connection, resident.resident) if resident and resident.resident else "",
        )
        kind = Kind.SOS if sos else Kind.SERVICE
        alarm = AlarmRaised(new_id(unit.now), subject, kind, on_the_phone=True, details={"src": "telephone"})
        entry = react(unit, unit.open_alert(key), alarm, actor="telephone")
        if isinstance(entry, Refused):
            raise RuntimeError(f"a caller was refused: {entry}")
        return unit.alert(entry.alert_id) if entry.alert_id else None

    # -- call-back debts

    def _owe(self, unit: Unit, call: Call) -> None:
        """A caller gave up or was cut off: they are called back within seconds, and owed until reached."""
        if call.direction is not Direction.INBOUND or call.dialogue == "offer":
            return
        due = unit.now + timedelta(seconds=unit.policy.calls.debt_s)
        row = {"call_id": call.id, "party": call.party, "name": call.name, "alert_id": call.alert_id}
        call_book.open_debt(unit.connection, row | {"opened_at": unit.now, "due": due})
        alert = unit.alert(call.alert_id) if call.alert_id else None
        unit.log(alert, rule="debt.opened", actor="telephone", ring=True, data={"call": call_view(call)})
        unit.count(metrics.debts_opened.inc)

    def call_back(self, unit: Unit, due: DebtDue) -> bool:
        owed = call_book.debt(unit.connection, due.call_id)
        call = unit.calls.get(due.call_id)
        if owed is None or call is None or owed.discharged_at or owed.due != due.due:
            return False
        wait = unit.policy.calls.debt_s * min(2 ** (owed.attempts + 1), 16)
        call_book.put_off_debt(unit.connection, due.call_id, unit.now + timedelta(seconds=wait))
        alert = unit.alert(call.alert_id) if call.alert_id else None
        person = Person(call.party or f"call:{call.id}", call.name, call.number, call.role, area=call.area_id)
        can = bool(unit.policy.rings and call.number and alert)
        if can and alert:
            dialling.want(unit, alert, person, dialogue="callback")
        data = {"call": call_view(call), "attempt": owed.attempts + 1, "by_hand": not can}
        unit.log(alert, rule="debt.due", actor="system", ring=True, data=data)
        return True

    def _settle_debts(self, unit: Unit, joined: Call) -> None:
        """Reached means: the person who is owed and an operator are in the room together."""
        if not joined.alert_id:
            return
        there = [c for c in unit.calls.living(joined.alert_id) if c.in_room]
        if not any(c.role is Role.OPERATOR for c in there):
            return
        for debt in call_book.debts_of(unit.connection, joined.alert_id):
            owed = unit.calls.get(debt)
            back = next((c for c in there if owed and c.number == owed.number and c.id != owed.id), None)
            if back and call_book.discharge(
                unit.connection, debt, how="reached", by=f"call:{back.id}", note="", now=unit.now
            ):
                alert = unit.alert(joined.alert_id)
                unit.log(alert, rule="debt.reached", actor="telephone", data={"call": call_view(back)})

    def discharge(self, unit: Unit, wanted: DebtDischarged) -> bool:
        done = call_book.discharge(
            unit.connection,
            wanted.call_id,
            how=wanted.how,
            by=f"operator:{wanted.by.id}",
            note=wanted.note,
            now=unit.now,
        )
        if done:
            call = unit.calls.get(wanted.call_id)
            alert = unit.alert(call.alert_id) if call and call.alert_id else None
            data = {"debt": wanted.call_id, "how": wanted.how, "note": wanted.note}
            unit.log(alert, rule=f"debt.{wanted.how}", actor=f"operator:{wanted.by.id}", data=data)
        return done

    # -- operators

    def act(self, unit: Unit, wanted: CallWanted) -> CallActed | Refused:
        """Hang up, hold or take back one leg."""
        call = unit.calls.get(wanted.call_id)
        if call is None:
            return Refused("not_found", "there is no such call")
        alert = unit.alert(call.alert_id) if call.alert_id else None
        never = wanted.action == "hang_up" and call.role in (Role.ELDER, Role.CALLER)
        if never and alert and alert.state in UNRESOLVED:
            return Refused("resident_stays", "a resident is never cut off while the alert is open", alert.owner)
        happened: dict[str, CallInput] = {
            "hang_up": HangUpWanted(f"operator:{wanted.by.id}"),
            "hold": HoldWanted(True),
            "unhold": HoldWanted(False),
        }
        changed = dialling.change(unit, call, happened[wanted.action])
        return changed if isinstance(changed, Refused) else CallActed(call_view(changed.call))

    def take_seat(self, unit: Unit, seat: SeatTaken) -> None:
        directory.set_seat(unit.connection, seat.operator, state=seat.state, phone=seat.phone, now=unit.now)
        data = {"operator": seat.operator, "state": seat.state}
        unit.log(None, rule="seat.taken", actor=f"operator:{seat.operator}", data=data)
