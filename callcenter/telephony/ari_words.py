"""Asterisk's words in ours, as tables and pure functions: how calls end, channel states, times, ids, endpoints,
and which sound file speaks a text.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath

from callcenter.alerts.call_inputs import News
from callcenter.alerts.call_model import CallOutcome
from callcenter.alerts.script import Pause, Play, Say
from callcenter.telephony.ari_client import AriSettings, Json
from callcenter.telephony.port import NumberRejected

Media = Callable[[Say | Play], list[str]]  # the media URIs that speak one piece of a script

# Q.850 causes of a call that nobody answered.
CAUSES: Mapping[int, CallOutcome] = {
    1: CallOutcome.FAILED,  # unallocated number
    3: CallOutcome.FAILED,  # no route
    16: CallOutcome.CANCELED,  # normal: we ended it, or the caller did
    17: CallOutcome.BUSY,
    18: CallOutcome.NO_ANSWER,  # nobody responds
    19: CallOutcome.NO_ANSWER,  # it rang
    20: CallOutcome.NO_ANSWER,  # a mobile that is switched off
    21: CallOutcome.REJECTED,
    22: CallOutcome.FAILED,  # number changed
    26: CallOutcome.CANCELED,  # answered elsewhere
    27: CallOutcome.FAILED,  # out of order
    28: CallOutcome.FAILED,  # invalid number
    34: CallOutcome.FAILED,  # no circuit
    38: CallOutcome.FAILED,  # network out of order
}
# Causes with which Asterisk also ends what rang in vain: there the last Dial event knows better.
VAGUE_CAUSES = frozenset({0, 16, 127})
DIAL_STATUS: Mapping[str, CallOutcome] = {
    "BUSY": CallOutcome.BUSY,
    "NOANSWER": CallOutcome.NO_ANSWER,
    "CANCEL": CallOutcome.CANCELED,
    "CONGESTION": CallOutcome.FAILED,
    "CHANUNAVAIL": CallOutcome.FAILED,
}
# What the state of a live channel says of its call.
STATE_NEWS: Mapping[str, News] = {"Ring": News.RINGING, "Ringing": News.RINGING, "Up": News.ANSWERED}

LONGEST_SILENCE_S = 10  # silence/1 to silence/10 come with Asterisk's core sounds
_OUR_ID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
_NUMBER = re.compile(r"\+?[0-9*#]{2,20}")
_DESK = re.compile(r"sips?:(?P<user>[A-Za-z0-9._+-]{1,64})(@.*)?")
_DETAILS = ("digit", "dialstatus", "cause")  # what tells two events of one channel, type and millisecond apart


def outcome_of(cause: int, *, answered: bool, dial_status: str = "") -> CallOutcome:
    """How a call ended. Whoever answered was answered, however the line broke later: the cause tells that."""
    if answered:
        return CallOutcome.ANSWERED
    if cause in VAGUE_CAUSES and dial_status in DIAL_STATUS:
        return DIAL_STATUS[dial_status]
    return CAUSES.get(cause, CallOutcome.FAILED)


def is_ours(channel: str) -> bool:
    """The ids we choose are ULIDs; Asterisk's own are seconds and a number."""
    return _OUR_ID.fullmatch(channel) is not None


def at_of(event: Json, now: datetime) -> datetime:
    """When it happened. Asterisk writes +0000 without a colon; without any zone it counts as UTC."""
    try:
        at = datetime.fromisoformat(str(event.get("timestamp", "")))
    except ValueError:
        return now
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def event_id(event: Json, about: str) -> str:
    """The same for the same event. `about` is the channel or recording it tells of."""
    details = [str(event[name]) for name in _DETAILS if event.get(name)]
    state = event.get("channel", {}).get("state", "") if event.get("type") == "ChannelStateChange" else ""
    return "/".join(filter(None, (about, str(event.get("type")), str(event.get("timestamp")), state, *details)))


def endpoint_of(to: str, settings: AriSettings) -> str:
    """What is rung for a number or a desk's SIP address. Nothing else may get into a dial string."""
    if _NUMBER.fullmatch(to):
        return settings.trunk.format(number=to)
    if desk := _DESK.fullmatch(to):
        return settings.desk.format(user=desk["user"])
    raise NumberRejected("neither a telephone number nor a SIP address")


# A recording's name carries the call it is told of, so that nothing has to be remembered.
def recording_name(room: str, call_id: str, now: datetime) -> str:
    return f"{room}.{now:%Y%m%d%H%M%S%f}.{call_id}"


def call_of_recording(name: str) -> str:
    """Empty for a recording that is not ours."""
    parts = name.split(".")
    return parts[2] if len(parts) == 3 else ""


# --- sounds


def sound_name(text: str, lang: str) -> str:
    """The name, without directory and ending, of the sound file that speaks this text."""
    return hashlib.sha256(f"{lang}\n{text}".encode()).hexdigest()[:16]


def sound_files(prefix: str) -> Media:
    """Prompts are files below `prefix` in Asterisk's sounds directory: LANG/HASH for a text, else its own path."""

    def media(step: Say | Play) -> list[str]:
        if isinstance(step, Say):
            return [f"sound:{prefix}/{step.lang}/{sound_name(step.text, step.lang)}"]
        return [f"sound:{prefix}/{PurePosixPath(step.file.lstrip('/')).with_suffix('')}"]

    return media


def silence(seconds: int) -> list[str]:
    whole, rest = divmod(max(0, seconds), LONGEST_SILENCE_S)
    return [f"sound:silence/{LONGEST_SILENCE_S}"] * whole + ([f"sound:silence/{rest}"] if rest else [])


def media_uris(prompts: Iterable[Say | Play | Pause], media: Media) -> list[str]:
    return [uri for step in prompts for uri in (silence(step.seconds) if isinstance(step, Pause) else media(step))]
