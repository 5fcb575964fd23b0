"""What the REST side says: Twilio's documents, pages and errors, as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from simulators.carrier.account import API
from simulators.carrier.legs import Leg
from simulators.carrier.messages import Message
from simulators.carrier.pace import rfc2822
from simulators.carrier.recordings import Recording
from simulators.carrier.rooms import Room, Seat

Json = dict[str, Any]
ERRORS: Mapping[int, tuple[int, str]] = {
    20001: (400, "Invalid parameter"),
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "Internal Server Error"),
    20503: (503, "Service Unavailable"),
    21201: (400, "No 'To' number is specified"),
    21205: (400, "Url is not a valid URL"),
    21210: (400, "The source phone number provided is not yet verified for your account"),
    21211: (400, "The 'To' number is not a valid phone number"),
    21213: (400, "No 'From' number is specified"),
    21215: (400, "Account not authorized to call this number"),
    21220: (400, "Call is not in-progress. Cannot redirect."),
    21408: (400, "Permission to send an SMS has not been enabled for the region"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The From phone number is not a valid, SMS-capable number of your account"),
    21614: (400, "'To' number is not a valid mobile number"),
}


class Refusal(Exception):
    """Twilio's code of why a request is not done; ERRORS has the rest."""

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(code)
        self.status, text = ERRORS[code]
        self.code = code
        self.text = f"{text}: {detail}" if detail else text

    def document(self) -> Json:
        more = f"https://www.twilio.com/docs/errors/{self.code}"
        return {"code": self.code, "message": self.text, "more_info": more, "status": self.status}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets; `leg` may begin only when the answer is on its way."""

    status: int = 200
    body: Json | bytes | None = None
    leg: Leg | None = None


def _date(moment: datetime | None) -> str | None:
    return rfc2822(moment) if moment else None


def call_document(leg: Leg, root: str) -> Json:
    return {
        "sid": leg.sid,
        "account_sid": root.rpartition("/")[2],
        "api_version": API,
        "to": leg.to,
        "to_formatted": leg.to,
        "from": leg.from_,
        "from_formatted": leg.from_,
        "parent_call_sid": leg.terms.parent_sid or None,
        "phone_number_sid": None,
        "status": leg.status,
        "direction": leg.direction,
        "answered_by": leg.answered_by or None,
        "date_created": _date(leg.placed_at),
        "date_updated": _date(leg.ended_at or leg.answered_at or leg.started_at or leg.placed_at),
        "start_time": _date(leg.started_at),
        "end_time": _date(leg.ended_at),
        "duration": str(leg.talk_s) if leg.ended_at else None,
        "price": None,
        "price_unit": "USD",
        "queue_time": "0",
        "uri": f"{root}/Calls/{leg.sid}.json",
        "subresource_uris": {"recordings": f"{root}/Calls/{leg.sid}/Recordings.json"},
    }


def message_document(message: Message, root: str) -> Json:
    return {
        "sid": message.sid,
        "account_sid": root.rpartition("/")[2],
        "api_version": API,
        "to": message.to,
        "from": message.from_,
        "body": message.body,
        "status": message.status,
        "direction": "outbound-api",
        "num_segments": str(max(1, -(-len(message.body) // 70))),
        "num_media": "0",
        "error_code": message.error,
        "error_message": None,
        "messaging_service_sid": None,
        "price": None,
        "price_unit": "USD",
        "date_created": _date(message.created_at),
        "date_updated": _date(message.sent_at or message.created_at),
        "date_sent": _date(message.sent_at),
        "uri": f"{root}/Messages/{message.sid}.json",
        "subresource_uris": {},
    }


def room_document(room: Room, root: str) -> Json:
    return {
        "sid": room.sid,
        "account_sid": root.rpartition("/")[2],
        "api_version": API,
        "friendly_name": room.name,
        "status": room.status,
        "region": "us1",
        "reason_conference_ended": room.reason or None,
        "call_sid_ending_conference": room.ended_by or None,
        "date_created": _date(room.created_at),
        "date_updated": _date(room.updated_at),
        "uri": f"{root}/Conferences/{room.sid}.json",
        "subresource_uris": {"participants": f"{root}/Conferences/{room.sid}/Participants.json"},
    }


def seat_document(room: Room, seat: Seat, root: str) -> Json:
    return {
        "account_sid": root.rpartition("/")[2],
        "conference_sid": room.sid,
        "call_sid": seat.leg.sid,
        "label": seat.label or None,
        "muted": seat.muted,
        "hold": seat.hold,
        "coaching": seat.coaching,
        "call_sid_to_coach": seat.coached_sid or None,
        "start_conference_on_enter": seat.starts,
        "end_conference_on_exit": seat.ends_room,
        "status": seat.status,
        "queue_time": None,
        "date_created": _date(seat.taken_at or seat.leg.placed_at),
        "date_updated": _date(seat.taken_at or seat.leg.placed_at),
        "uri": f"{root}/Conferences/{room.sid}/Participants/{seat.leg.sid}.json",
    }


def recording_document(made: Recording, root: str, media_url: str) -> Json:
    return {
        "sid": made.sid,
        "account_sid": root.rpartition("/")[2],
        "api_version": API,
        "call_sid": made.call_sid or None,
        "conference_sid": made.conference_sid or None,
        "status": made.status,
        "source": made.tape.source,
        "channels": made.tape.channels,
        "duration": str(made.seconds),
        "start_time": _date(made.started_at),
        "date_created": _date(made.started_at),
        "date_updated": _date(made.started_at),
        "error_code": None,
        "price": None,
        "price_unit": "USD",
        "encryption_details": None,
        "media_url": media_url,
        "uri": f"{root}/Recordings/{made.sid}.json",
        "subresource_uris": {},
    }


def page(key: str, documents: Sequence[Json], path: str, query: Sequence[tuple[str, str]]) -> Json:
    """One page of a list that is newest first. The token names the last one seen, so new ones shift nothing."""
    asked = dict(query)
    size, number = min(1000, int(asked.get("PageSize", "50"))), int(asked.get("Page", "0"))
    names = [document.get("sid") or document.get("call_sid") for document in documents]
    after = asked.get("PageToken", "").removeprefix("PA")
    start = names.index(after) + 1 if after in names else number * size
    shown = list(documents[start : start + size])
    filters = [(name, value) for name, value in query if name not in ("Page", "PageSize", "PageToken")]

    def uri(at: int, token: str = "") -> str:
        pairs = [*filters, ("PageSize", str(size)), ("Page", str(at)), *([("PageToken", token)] if token else [])]
        return f"{path}?{urlencode(pairs)}"

    more = start + size < len(documents)
    return {
        key: shown,
        "page": number,
        "page_size": size,
        "start": start,
        "end": start + max(0, len(shown) - 1),
        "uri": uri(number),
        "first_page_uri": uri(0),
        "previous_page_uri": uri(number - 1) if number else None,
        "next_page_uri": uri(number + 1, f"PA{names[start + size - 1]}") if more else None,
    }
