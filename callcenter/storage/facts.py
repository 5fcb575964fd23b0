"""What a statistic needs to know of one call and of one alert, and nothing else. Records only."""

from datetime import datetime
from typing import NamedTuple

# How somebody or something came to the centre, or the centre to them.
CHANNELS = ("hotline", "sos_line", "device_press", "outbound", "internal")


class CallFact(NamedTuple):
    """A call of the log. Seconds are counted from when it was wanted, or rang in."""

    at: datetime  # when it was wanted
    direction: str
    channel: str
    area: str  # empty: not known
    outcome: str  # empty: it is not over
    drill: bool
    picked_up: bool  # somebody or something answered
    joined_s: float | None  # until two people could talk
    ended_s: float | None


class AlertFact(NamedTuple):
    """An alert. Seconds are counted from when it was opened."""

    at: datetime  # when it was opened
    kind: str
    channel: str
    area: str
    outcome: str  # empty: nobody has said how it ended
    drill: bool
    closed: bool
    claimed_s: float | None  # until a person first took it
