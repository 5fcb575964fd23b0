"""What carriers tell and what operators do on the phone, mapped to the call machine and on to the alert."""

from dataclasses import dataclass
from datetime import datetime

from callcenter import metrics
from callcenter.alerts.call_ends import WRONG_NUMBER
from callcenter.alerts.call_inputs import (
    CallDue,
    CallInput,
    CallNews,
    CallResult,
    CameTooLate,
    HangUpWanted,
    Heard,
    HoldWanted,
    InboundCall,
    News,
    Placed,
)
from callcenter.alerts.call_model import Call, Role
from callcenter.alerts.effects import EndStray, FetchRecording, SendText
from callcenter.alerts.inputs import CallReport
from callcenter.alerts.model import UNRESOLVED
from callcenter.alerts.offer_rules import UNREACHABLE, Said as OfferSaid
from callcenter.alerts.rules import Refused
from callcenter.alerts.script import Hangup, Said
from callcenter.ports import CallActed, CallWanted, DebtDischarged, SeatTaken
from callcenter.storage import call_book, directory, refused_phones
from callcenter.storage.call_records import call_view
from callcenter.storage.unit import Unit
from callcenter.storage.unit_values import Needs
from config.prompts import Prompts
from handlers import callers, debts, incidents, links, offers, rooms
from handlers.callbacks import keep, said
from handlers.intake import Handler
from handlers.legs import change
from handlers.next_call import give_next
from handlers.operator_actions import colleague_leaves
from handlers.reaction import react

ALIVE = frozenset({News.QUEUED, News.RINGING, News.ANSWERED, News.JOINED})


def _why(call: Call) -> str:
    return UNREACHABLE if call.cause in WRONG_NUMBER else call.outcome.value if call.outcome else ""


def _is_stray(call: Call, provider: str) -> bool:
    """The carrier knew of no such call, so another one was asked: two telephones ring for one call."""
    return call.gateway not in ("", provider)


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


def _call(one: CallNews | CallResult | CallTimerFired | CallWanted) -> Needs:
    return Needs(calls=(one.call_id,) if one.call_id else ())


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
            CallNews: Handler(self.take_news, _call, salvage=callers.less_of),
            InboundCall: Handler(self.take_inbound, salvage=callers.smaller),
            CallResult: Handler(self.take_result, _call),
            CallTimerFired: Handler(self.fire, _call),
            DebtDue: Handler(lambda unit, one: debts.call_back(unit, one.call_id, one.due)),
            CallWanted: Handler(self.act, _call, withdrawable=True),
            DebtDischarged: Handler(debts.discharge, withdrawable=True),
            SeatTaken: Handler(self.take_seat, withdrawable=True),
        }

    # -- what a carrier tells

    def take_news(self, unit: Unit, news: CallNews) -> Said | None:
        """Store the callback as it came, apply it once, and answer with what is said next on this leg."""
        call = unit.calls.get(news.call_id) if news.call_id else None
        if call is None and news.heard and news.heard.ref:  # of an inbound call the carrier knows only its own name
            call = unit.calls.by_ref(news.provider, news.heard.ref)
        if unit.calls.heard(news.provider, news.event_id) is not None:
            unit.count(metrics.callbacks_repeated.labels(news.provider).inc)
        else:
            call = call or callers.gave_up(unit, news, self._lines.prompts, sos_number=self._lines.sos_number)
            what = news.heard.what.value if news.heard else "other"
            keep(unit, news, call_id=call.id if call else news.call_id, what=what, known=call is not None)
            if call and news.heard:
                self._apply_news(unit, call, news.provider, news.heard)
        if call and _is_stray(call, news.provider):
            return Said(call.id, (Hangup(),))
        return said(unit, call.id, self._lines.prompts) if call else None

    def _apply_news(self, unit: Unit, call: Call, provider: str, heard: Heard) -> None:
        """Of a leg at a carrier that is not the call's nothing is learned, but it must not go on ringing."""
        if not _is_stray(call, provider):
            self.apply(unit, call, heard)
        elif heard.what in ALIVE:
            unit.wish(EndStray(call.id, provider, heard.ref))

    def apply(self, unit: Unit, call: Call, happened: CallInput) -> bool:
        """Put it to the call machine, and what comes of it to the alert; tells whether anything changed."""
        changed = change(unit, call, happened)
        if isinstance(changed, Refused):
            return False
        after = changed.call
        if isinstance(happened, Heard):
            self._follow_up(unit, after, happened)
        if after.dialogue == "roll_call" and after.alert_id is None:
            incidents.follow(unit, after, changed.report)
            after = unit.calls.get(after.id) or after
        elif changed.report and not rooms.is_moot(unit, after, changed.report):
            self._report(unit, after, changed.report)
        if after.placed_at and not call.placed_at:
            refused_phones.clear(unit.connection, after.party)  # it is rung after all
        if call.in_room and not after.in_room:  # however that was learned, and its end may be the first news of it
            rooms.left(unit, after)
        if after.over and not call.over:
            self._is_over(unit, after)
        return True

    def _is_over(self, unit: Unit, call: Call) -> None:
        """However that was learned: from the carrier, or because it has forgotten the call."""
        if call.cause in WRONG_NUMBER:
            self._mark(unit, call)
        debts.owe(unit, call)
        if call.role is Role.OPERATOR:
            give_next(unit)
        rooms.emptied(unit, call)

    def _mark(self, unit: Unit, call: Call) -> None:
        """Told once, so that somebody corrects the list (docs/adr/0015)."""
        reason = WRONG_NUMBER[call.cause]
        if refused_phones.mark(unit.connection, call.party, gateway=call.gateway, reason=reason, at=unit.now):
            data = {"party": call.party, "name": call.name, "gateway": call.gateway, "reason": reason}
            alert = unit.alert(call.alert_id) if call.alert_id else None
            unit.log(alert, rule="phone.refused", actor="system", data=data)

    def _report(self, unit: Unit, call: Call, report: CallReport) -> None:
        alert = unit.alert(call.alert_id) if call.alert_id else None
        if alert is None:
            return
        if report.what in offers.ENDS:  # before others are asked in their place
            offers.end_by_call(unit, alert, call, offers.ENDS[report.what], reason=_why(call))
        entry = react(unit, alert, report, actor=f"call:{call.id}")
        if report.what not in ("accepted", "took_over"):
            return
        if isinstance(entry, Refused):  # somebody was quicker, or it is over: they hear so
            change(unit, call, CameTooLate())
        elif report.what == "accepted":
            offers.answer(unit, alert, call, OfferSaid.YES, channel="phone")
            unit.wish(SendText(call.id, "sms_search" if alert.searching else "sms_address", alert.id, call.name))
            if not alert.searching:  # a page shows the way to a door
                links.text_to_who_goes(unit, alert, call)

    def _follow_up(self, unit: Unit, call: Call, heard: Heard) -> None:
        if heard.what is News.JOINED:
            rooms.entered(unit, call)
        if heard.what in (News.RECORDED, News.NOT_RECORDED):
            self._keep_recording(unit, call, heard)

    def _keep_recording(self, unit: Unit, call: Call, heard: Heard) -> None:
        """Noted before it is fetched: a recording that never arrives here is missed, not forgotten."""
        state = "at_carrier" if heard.what is News.RECORDED else "missing"
        if not call_book.keep_recording(
            unit.connection, call.id, heard.ref, gateway=call.gateway, state=state, now=unit.now
        ):
            return
        if state == "at_carrier":
            unit.wish(FetchRecording(call.id, heard.ref))
        else:
            unit.count(metrics.recordings_missing.inc)

    def take_result(self, unit: Unit, result: CallResult) -> datetime | None:
        """When it was decided; None: it changed nothing."""
        call, happened = unit.calls.get(result.call_id), result.happened
        if call is None or (result.gateway and _is_stray(call, result.gateway) and isinstance(happened, Heard)):
            return None  # found, by its number perhaps, where the call is not any more: as likely another one's leg
        if self.apply(unit, call, happened):
            return unit.now
        if isinstance(happened, Placed) and not result.gateway and _is_stray(call, happened.gateway):
            unit.wish(EndStray(call.id, happened.gateway, happened.ref))  # dialled by another one meanwhile
        return None

    def fire(self, unit: Unit, fired: CallTimerFired) -> bool:
        call = unit.calls.get(fired.call_id)
        if call is None or call.due != fired.due:
            return False
        return self.apply(unit, call, CallDue(fired.due, alone=rooms.nobody_there(unit, call)))

    def take_inbound(self, unit: Unit, inbound: InboundCall) -> Said | None:
        return callers.take_inbound(unit, inbound, self._lines.prompts, sos_number=self._lines.sos_number)

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
        changed = change(unit, call, happened[wanted.action])
        return changed if isinstance(changed, Refused) else CallActed(call_view(changed.call))

    def take_seat(self, unit: Unit, seat: SeatTaken) -> None:
        directory.set_seat(unit.connection, seat.operator, state=seat.state, phone=seat.phone, now=unit.now)
        data = {"operator": seat.operator, "state": seat.state}
        unit.log(None, rule="seat.taken", actor=f"operator:{seat.operator}", data=data)
        if seat.state == "ready":
            give_next(unit)
        else:
            colleague_leaves(unit, seat.operator)
