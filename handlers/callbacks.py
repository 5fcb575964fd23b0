"""A carrier's callback: kept as it came before it is answered, and answered with what is said next on its leg."""

import json
from dataclasses import replace

from callcenter import metrics
from callcenter.alerts import dialogues
from callcenter.alerts.call_inputs import CallNews, InboundCall
from callcenter.alerts.call_model import Call
from callcenter.alerts.model import Alert
from callcenter.alerts.naming import surname
from callcenter.alerts.script import Said
from callcenter.storage import consents, roll_book
from callcenter.storage.unit import Unit
from config.prompts import Prompts
from handlers import searching


def keep(unit: Unit, heard: CallNews | InboundCall, *, call_id: str, what: str, known: bool) -> None:
    """Raw and sealed, under the key that tells its repeats; one that names no call of ours is kept and counted."""
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


def said(unit: Unit, call_id: str, prompts: Prompts) -> Said | None:
    """The script of the leg as its record stands; the same for a repeat."""
    call = unit.calls.get(call_id)
    if call is None:
        return None
    alert = unit.alert(call.alert_id) if call.alert_id else None
    drill, recorded = alert is not None and alert.drill, may_record(unit, call, alert)
    facts = replace(_facts(unit, call, alert, prompts), drill=drill, recorded=recorded)
    return Said(call.id, dialogues.script(call, facts, prompts))


def may_record(unit: Unit, call: Call, alert: Alert | None) -> bool:
    """Whether whoever the call is about has not refused that it is recorded."""
    if alert:
        subject = alert.subject
        return consents.may_record(unit.connection, resident=subject.resident, household=subject.household)
    kind, _, party = call.party.partition(":")
    return consents.may_record(unit.connection, resident=party if kind == "resident" else None)


def _facts(unit: Unit, call: Call, alert: Alert | None, prompts: Prompts) -> dialogues.Facts:
    if call.dialogue == "roll_call" and (found := roll_book.of_call(unit.connection, call.id, call.party)):
        why = prompts.text(f"incident_{found[0].kind.value}", call.language)
        return dialogues.Facts(kind=why, place=found[0].words)
    if alert is None:
        return dialogues.Facts(name=call.name)
    if call.dialogue in ("search", "search_report"):
        return searching.facts(unit, alert, call, prompts)
    kind = prompts.text(f"kind_{alert.kind.value}", call.language)
    goes = prompts.text("somebody", call.language)
    if alert.responder_name:
        goes = prompts.text("polite_", call.language, name=surname(alert.responder_name))
    return dialogues.Facts(
        name=alert.subject.name,
        place=alert.subject.place,
        kind=kind,
        goes=goes,
        they_go=alert.responder == call.party,
    )
