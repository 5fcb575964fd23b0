"""Twilio's callbacks: whether they are genuine, what they say, and how they are answered."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from aiohttp import web
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # noqa: TID251

from callcenter.alerts.call_inputs import CallNews, Heard, InboundCall, News
from callcenter.alerts.script import Said, Say
from callcenter.telephony.twilio_words import heard_of, time_of
from callcenter.telephony.twiml import NOTICES, RETRIED, Leg, Twiml
from callcenter.telephony.webhooks import Callback

SIGNATURE = "X-Twilio-Signature"
PLEASE_WAIT = (Say("请稍等，正在为您接通。", "zh-CN"), Say("Please hold, we are connecting you.", "en"))
# What is carried from one address to the next.
CARRIED = ("role", "room")
# Twilio spells the words for a withheld number on the keypad: anonymous, restricted, blocked, unknown, unavailable.
WITHHELD = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"})
NUMBER = re.compile(r"\+?[0-9]{3,15}")
ROOM_NEWS = {"participant-join": News.JOINED, "participant-leave": News.LEFT}
RECORDING_NEWS = {"completed": News.RECORDED, "absent": News.NOT_RECORDED, "failed": News.NOT_RECORDED}

Read = tuple[str, Heard | None]  # what names the event among its kind, and what was heard


class TwilioCallbacks:
    """The Translator for one account. `tokens`: the current one and, while it is being changed, the other."""

    def __init__(
        self, account_sid: str, tokens: Sequence[str], twiml: Twiml, new_id: Callable[[], str], *, name: str = "twilio"
    ) -> None:
        self._account_sid, self._twiml, self._new_id, self._name = account_sid, twiml, new_id, name
        self._validators = [RequestValidator(token) for token in tokens if token]

    def verify(self, callback: Callback) -> bool:
        """Against the public address, never the inner one, with the account's token: nothing in it picks a key.

        The account's tokens sign with SHA-1; Twilio's newer scheme has keys of its own, and we have none of those.
        """
        signature = callback.headers.get(SIGNATURE)
        if not signature or not self._account_sid or not callback.address.startswith("/"):
            return False
        address = self._twiml.addresses.origin + callback.address
        # Whether the overrides of an address are signed with it is not written anywhere; they are not sent.
        signed = (address, address + RETRIED) if callback.kind in NOTICES else (address,)
        genuine = any(one.validate(url, callback.form, signature) for one in self._validators for url in signed)
        return genuine and callback.form.get("AccountSid") == self._account_sid

    def translate(self, callback: Callback) -> CallNews | InboundCall:
        event_id, heard = _named(callback)
        if _is_inbound(callback):
            return self._inbound(callback, event_id)
        over = heard is not None and heard.what is News.ENDED
        return CallNews(
            provider=self._name,
            event_id=event_id,
            call_id=_call_id(callback),
            heard=heard,
            raw=callback.raw,
            received_at=callback.received_at,
            rang=self._rang(callback) if over else None,
        )

    def _rang(self, callback: Callback) -> InboundCall | None:
        """Under the name of their first request, which so is a repeat should it still arrive."""
        ref = _sid(callback.form)
        if callback.form.get("Direction") != "inbound" or not ref:
            return None
        return replace(self._inbound(callback, f"inbound:{ref}"), gone=True)

    def render(self, said: Said, callback: Callback) -> web.Response:
        carried = {name: callback.query[name] for name in CARRIED if name in callback.query}
        event_id, _heard = _named(callback)
        after = hashlib.sha256(event_id.encode()).hexdigest()[:16]
        return _document(self._twiml.document(said.script, Leg(said.call_id, carried, after)))

    def ask_again(self, callback: Callback, round: int) -> web.Response:
        """A redirect repeats no key that was pressed: it travels in the address, which is signed."""
        query = {**callback.query, "n": str(round)}
        digits = _digits(callback) if callback.kind == "step" else None
        if digits is not None:
            query["digits"] = digits
        address = self._twiml.addresses.at(callback.kind, callback.id, query)
        return _document(self._twiml.wait(PLEASE_WAIT, address))

    def _inbound(self, callback: Callback, event_id: str) -> InboundCall:
        form = callback.form
        return InboundCall(
            provider=self._name,
            event_id=event_id,
            call_id=self._new_id(),
            ref=_sid(form),
            caller=_caller(form.get("From", "")),
            dialled=form.get("To", ""),
            raw=callback.raw,
            received_at=callback.received_at,
        )


def _is_inbound(callback: Callback) -> bool:
    return callback.kind == "voice" and not callback.id


def _named(callback: Callback) -> Read:
    """The event's id and what was heard.

    The id is made of what is signed, and not of I-Twilio-Idempotency-Token, which is not: whoever plays an old
    callback again can change a header. And "please wait" asks the same question under a new token.
    """
    rest, heard = _READERS[callback.kind](callback)
    return (f"inbound:{rest}", None) if _is_inbound(callback) else (f"{callback.kind}:{rest}", heard)


def _document(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/xml")


def _sid(form: Mapping[str, str]) -> str:
    return form.get("CallSid", "")


def _caller(said: str) -> str:
    """The number, also out of a SIP address; empty when withheld."""
    number = said.removeprefix("sip:").split("@")[0]
    return number if NUMBER.fullmatch(number) and number not in WITHHELD else ""


def _call_id(callback: Callback) -> str:
    """A room tells everything at the address of whoever came first; the label says whom it is about."""
    label = callback.form.get("ParticipantLabel", "")
    return label if callback.kind == "room" and label else callback.id


def _at(callback: Callback) -> datetime:
    return time_of(callback.form.get("Timestamp", "")) or callback.received_at


def _sequence(callback: Callback) -> int | None:
    number = callback.form.get("SequenceNumber", "")
    return int(number) if number.isdecimal() else None


def _voice(callback: Callback) -> Read:
    """Our address is asked for what comes next as soon as somebody, or something, answers."""
    ref = _sid(callback.form)
    return ref, Heard(News.ANSWERED, callback.received_at, ref)


def _digits(callback: Callback) -> str | None:
    """Keys; empty when something was said; None when nothing came (then Twilio sends a blank field)."""
    form = callback.form
    if form.get("Digits"):
        return form["Digits"]
    return "" if form.get("SpeechResult") else callback.query.get("digits")


def _step(callback: Callback) -> Read:
    ref, digits = _sid(callback.form), _digits(callback)
    step, after = callback.query.get("step", ""), callback.query.get("after", "")
    heard = Heard(News.INPUT, callback.received_at, ref, step=step, digits=digits)
    return f"{ref}:{step}:{after}:{'nothing' if digits is None else digits}", heard


def _status(callback: Callback) -> Read:
    form, ref, status = callback.form, _sid(callback.form), callback.form.get("CallStatus", "")
    cause = form.get("SipResponseCode") or form.get("ErrorCode") or ""
    seq, duration = _sequence(callback), form.get("CallDuration")
    heard = heard_of(status, at=_at(callback), ref=ref, seq=seq, cause=cause, duration=duration)
    return f"{ref}:{status}:{form.get('SequenceNumber', '')}", heard


def _room(callback: Callback) -> Read:
    """Its numbers count the room's events, not the call's, so they say nothing about the call's order."""
    form, event = callback.form, callback.form.get("StatusCallbackEvent", "")
    rest = f"{form.get('ConferenceSid', '')}:{event}:{_sid(form)}:{form.get('SequenceNumber', '')}"
    what = ROOM_NEWS.get(event)
    if what is None or not form.get("ParticipantLabel"):
        return rest, None
    return rest, Heard(what, _at(callback), _sid(form), cause=form.get("ReasonParticipantLeft", ""))


def _amd(callback: Callback) -> Read:
    """Only "machine" and "fax" are news: a person is believed by a key, never by a guess."""
    ref, by = _sid(callback.form), callback.form.get("AnsweredBy", "")
    machine = by.startswith(("machine", "fax"))
    return f"{ref}:{by}", Heard(News.MACHINE, callback.received_at, ref, cause=by) if machine else None


def _recording(callback: Callback) -> Read:
    form = callback.form
    ref, status = form.get("RecordingSid", ""), form.get("RecordingStatus", "")
    what = RECORDING_NEWS.get(status)
    heard = Heard(what, callback.received_at, ref, cause=form.get("ErrorCode", "")) if what else None
    return f"{ref or _sid(form) or form.get('ConferenceSid', '')}:{status}", heard


def _sms(callback: Callback) -> Read:
    form = callback.form
    return f"{form.get('MessageSid', '')}:{form.get('MessageStatus', '')}", None


_READERS: Mapping[str, Callable[[Callback], Read]] = {
    "voice": _voice,
    "step": _step,
    "status": _status,
    "room": _room,
    "amd": _amd,
    "rec": _recording,
    "sms": _sms,
}
