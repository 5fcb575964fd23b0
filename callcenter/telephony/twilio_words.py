"""Twilio's words for the state of a call, in ours, and its way to write a time."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from callcenter.alerts.call_inputs import Heard, News
from callcenter.alerts.call_model import CallOutcome

# Callbacks say "initiated" and, in some, "answered"; the Call resource says "queued" and "in-progress".
STATUSES: dict[str, tuple[News, CallOutcome | None]] = {
    "queued": (News.QUEUED, None),
    "initiated": (News.QUEUED, None),
    "ringing": (News.RINGING, None),
    "in-progress": (News.ANSWERED, None),
    "answered": (News.ANSWERED, None),
    "completed": (News.ENDED, CallOutcome.ANSWERED),
    "busy": (News.ENDED, CallOutcome.BUSY),
    "no-answer": (News.ENDED, CallOutcome.NO_ANSWER),
    "failed": (News.ENDED, CallOutcome.FAILED),
    "canceled": (News.ENDED, CallOutcome.CANCELED),
}
LIVE = ("queued", "ringing", "in-progress")
# "Busy" is also what Twilio says of somebody who pressed the red key: SIP tells them apart.
DECLINED = frozenset({"603", "607", "608"})


def heard_of(
    status: str, *, at: datetime, ref: str, seq: int | None = None, cause: str = "", duration: str | None = None
) -> Heard | None:
    """A call's status as news of it; None for a word that is not known."""
    if status not in STATUSES:
        return None
    what, outcome = STATUSES[status]
    if what is not News.ENDED:
        return Heard(what, at, ref, seq)
    if outcome in (CallOutcome.BUSY, CallOutcome.FAILED) and cause in DECLINED:
        outcome = CallOutcome.REJECTED
    talk_s = float(duration) if duration and duration.isdecimal() and outcome is CallOutcome.ANSWERED else None
    return Heard(what, at, ref, seq, outcome=outcome, cause=cause, talk_s=talk_s)


def time_of(stamp: str) -> datetime | None:
    """An RFC 2822 time, aware; None where there is none to be read."""
    try:
        read = parsedate_to_datetime(stamp)
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
