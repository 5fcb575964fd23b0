"""A small day at the centre, written out, with its figures worked out by hand.

The day is 21 November 2026 in China (UTC+8). Both the pure measures and the database are held against it.
"""

from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from callcenter.alerts.call_model import Call, CallOutcome, CallState, Direction, Role
from callcenter.alerts.model import Alert, Kind, Outcome, State, Subject
from callcenter.privacy import Seal
from callcenter.storage import call_records, records

CHINA = timezone(timedelta(hours=8))
DAY = "2026-11-21"


def local(text: str) -> datetime:
    """`20 23:59:50` is that time of the twentieth, in China."""
    day, time = text.split()
    return datetime.fromisoformat(f"2026-11-{day}T{time}+08:00")


class Rung(NamedTuple):
    """A call. Seconds are from the time it was wanted; "(d1)": its area is only known from its alert.

    `talk_s` is what the carrier counts, from its being picked up: prompts, music and the queue are in it.
    """

    id: str
    at: str
    direction: str
    dialogue: str
    area: str
    alert: str
    picked: int | None
    joined: int | None
    ended: int | None
    talk_s: float | None
    outcome: str
    drill: bool = False

    @property
    def channel(self) -> str:
        return self.dialogue if self.direction == "inbound" else self.direction


class Raised(NamedTuple):
    """An alert."""

    id: str
    at: str
    kind: str
    area: str
    channel: str
    state: str
    outcome: str
    claimed: int | None
    drill: bool = False


N = None
CALLS = [
    Rung("h00", "20 23:59:50", "inbound", "hotline", "d1", "", 1, 8, 68, 67, "answered"),  # began the day before
    Rung("h01", "21 00:00:00", "inbound", "hotline", "d1", "", 1, 12, 132, 131, "answered"),  # the day's first moment
    Rung("h02", "21 08:59:55", "inbound", "hotline", "d1", "", 1, 10, 4210, 4209, "answered"),  # until 10:10:05
    Rung("h03", "21 09:05:00", "inbound", "hotline", "d2", "", 1, 15, 105, 104, "answered"),  # in 15 s, just
    Rung("h04", "21 09:10:00", "inbound", "hotline", "d2", "", 1, 16, 76, 75, "answered"),
    Rung("h05", "21 09:15:00", "inbound", "hotline", "d1", "", 1, 20, 50, 49, "answered"),  # in 20 s, just
    Rung("h06", "21 09:20:00", "inbound", "hotline", "d1", "", 1, 45, 345, N, "answered"),  # the carrier named none
    Rung("h07", "21 09:30:00", "inbound", "hotline", "", "", N, N, 4, N, "abandoned"),
    Rung("h08", "21 09:31:00", "inbound", "hotline", "", "", N, N, 5, N, "abandoned"),  # in 5 s, just
    Rung("h09", "21 09:45:00", "inbound", "hotline", "d1", "", 1, N, 70, 69, "abandoned"),  # 69 s of waiting music
    Rung("s01", "21 10:00:00", "inbound", "sos_line", "d1", "a2", 1, 6, 186, 185, "answered"),
    Rung("i02", "21 10:00:01", "internal", "operator", "(d1)", "a2", 3, 5, 186, 183, "answered"),
    Rung("o01", "21 10:00:05", "outbound", "resident", "(d1)", "a1", 9, 11, 131, 122, "answered"),
    Rung("o02", "21 10:00:05", "outbound", "offer", "(d1)", "a1", 14, N, 40, 26, "answered"),  # heard a prompt only
    Rung("o03", "21 10:00:05", "outbound", "offer", "(d1)", "a1", N, N, 25, N, "no_answer"),
    Rung("o04", "21 10:00:05", "outbound", "offer", "(d1)", "a1", N, N, 2, N, "busy"),
    Rung("i01", "21 10:00:06", "internal", "operator", "(d1)", "a1", 3, 4, 130, 127, "answered"),
    Rung("s02", "21 10:30:00", "inbound", "sos_line", "d2", "a4", N, N, 30, N, "abandoned"),
    Rung("o05", "21 11:00:00", "outbound", "callback", "d1", "", 8, 10, 100, 92, "answered"),
    Rung("i03", "21 11:30:00", "internal", "operator", "", "", N, N, 3, N, "rejected"),
    Rung("o06", "21 11:45:00", "outbound", "offer", "(d2)", "a4", N, N, 1, N, "by_hand"),
    Rung("o07", "21 12:00:00", "outbound", "resident", "(d1)", "a5", 5, 6, 66, 61, "answered", True),
    Rung("o08", "21 12:01:00", "outbound", "resident", "(d2)", "a6", N, N, 25, N, "no_answer", True),
    Rung("h10", "21 14:00:00", "inbound", "hotline", "d2", "", 1, 5, 65, 64, "answered"),
    Rung("h12", "21 22:00:00", "inbound", "hotline", "d1", "", N, N, N, N, ""),  # nobody has answered it yet
    Rung("h11", "21 23:59:59", "inbound", "hotline", "d1", "", 1, 3, 603, 602, "answered"),  # until after midnight
    Rung("h13", "22 00:00:00", "inbound", "hotline", "d1", "", 1, 3, 63, 62, "answered"),  # the next day
]
ALERTS = [
    Raised("a9", "20 23:59:59", "sos", "d1", "device_press", "closed", "taken_to_hospital", 3),  # the day before
    Raised("a5", "21 09:00:00", "sos", "d1", "device_press", "closed", "helped_at_home", 5, True),  # a drill
    Raised("a1", "21 10:00:00", "sos", "d1", "device_press", "closed", "taken_to_hospital", 12),
    Raised("a2", "21 10:00:00", "sos", "d1", "sos_line", "closed", "helped_at_home", 6),
    Raised("a4", "21 10:30:00", "sos", "d2", "sos_line", "waiting", "", N),  # nobody has taken it
    Raised("a6", "21 12:00:00", "fall", "d2", "device_press", "closed", "test_or_drill", 200, True),
    Raised("a7", "21 13:00:00", "battery", "d1", "device_press", "closed", "", N),  # over by itself
    Raised("a8", "21 15:00:00", "fire", "d2", "device_press", "closed", "false_alarm", 180),
    Raised("a3", "21 23:59:30", "fall", "d2", "device_press", "resolved", "helped_at_home", 50),  # after midnight
]


def number(rung: Rung) -> str:
    """Nobody's; another one for each call. h07 withheld it, and an operator's phone is a desk's."""
    if rung.id == "h07":
        return ""
    return "sip:8001@pbx" if rung.direction == "internal" else f"+8610000{CALLS.index(rung):06}"


def call_row(rung: Rung, seal: Seal, *, name: str = "") -> dict[str, Any]:
    """As it stands in the table of calls."""
    at = local(rung.at)

    def later(seconds: int | None) -> datetime | None:
        return at + timedelta(seconds=seconds) if seconds is not None else None

    over = CallState.FAILED if rung.outcome == "by_hand" else CallState.ENDED
    call = Call(
        id=rung.id,
        direction=Direction(rung.direction),
        role=Role({"inbound": "caller", "internal": "operator"}.get(rung.direction, "elder")),
        dialogue=rung.dialogue,
        number=number(rung),
        party=f"resident:{rung.id}",
        name=name or f"居民 {rung.id}",
        alert_id=rung.alert or None,
        area_id=None if "(" in rung.area else rung.area or None,
        state=CallState.RINGING if rung.ended is None else over,
        wanted_at=at,
        not_after=at,
        gateway="simulated",
        provider_ref=f"CA{rung.id}",
        answered_at=later(rung.picked),
        joined_at=later(rung.joined),
        ended_at=later(rung.ended),
        outcome=CallOutcome(rung.outcome) if rung.outcome else None,
        talk_s=rung.talk_s,
    )
    return call_records.call_row(call, seal)


def alert_row(raised: Raised) -> dict[str, Any]:
    """As it stands in the table of alerts; its area is where its resident lives."""
    at = local(raised.at)
    alert = Alert(
        id=raised.id,
        subject=Subject(raised.id, "x", resident=f"r-{raised.area}"),
        kind=Kind(raised.kind),
        state=State(raised.state),
        opened_at=at,
        last_press_at=at,
        waiting_since=at,
        rung_at=at,
        drill=raised.drill and raised.outcome != "test_or_drill",
        outcome=Outcome(raised.outcome) if raised.outcome else None,
    )
    return records.alert_row(alert)


# Of the 27 calls, h00 and h13 are of other days and o07 and o08 are drills: 23 count.
# Inbound 14: h01 to h12, s01, s02; of these abandoned 4: h07, h08, h09, s02. Outbound 6: o01 to o06. Internal 3.
# A person joined 9 of the 14: h01-h06, h10, h11, s01. 9/14 = 0.642857. Picked up 3 of 6: o01, o02, o05.
# Abandoned within 5 s: h07 (4 s), h08 (5 s). 4/14 = 0.285714.
# Hotline: 12 rang, 8 answered after 12 10 15 16 20 45 5 3 s, in order 3 5 10 12 15 16 20 45.
#   Median: the 4th (50 % of 8). 90 %: 7.2, so the 8th. 95 %: 7.6, so the 8th.
#   Within 15 s: 5/12 = 0.416667; within 20 s: 7/12 = 0.583333; connected: 8/12 = 0.666667.
# Emergencies: a1 a2 a3 a4 a8; claimed after 12 6 50 - 180 s, in order 6 12 50 180.
#   Median: the 2nd. 90 %: 3.6, so the 4th. Within 15 s: 2/5; within 60 s: 3/5; within 180 s: 4/5.
# Alerts: these and a7 (battery); closed: a1 a2 a7 a8. Rescues: a1 (hospital), a2 (home); a3 is not closed.
# Talk, where two met, from joined to ended: h01 132-12 = 120, h02 4210-10 = 4200, h03 105-15 = 90, h04 76-16 = 60,
#   h05 50-20 = 30, h06 345-45 = 300, h10 65-5 = 60, h11 603-3 = 600, s01 186-6 = 180, o01 131-11 = 120,
#   o05 100-10 = 90, i01 130-4 = 126, i02 186-5 = 181: 13 calls, 6157 s; 6157/13 = 473.615.
#   The carrier's durations of these (and 300 for h06) make 6243 s, and 26 s of o02 and 69 s of h09, where nobody met.
TOTALS: dict[str, dict[str, float | int]] = {
    "calls": {"total": 23, "inbound": 10, "outbound": 6, "internal": 3, "abandoned": 4},
    "answered": {"offered": 14, "answered": 9, "connection_rate": 0.6429,
                 "dialled": 6, "picked_up": 3, "pick_up_rate": 0.5},
    "abandoned": {"offered": 14, "abandoned": 4, "abandoned_soon": 2, "abandoned_rate": 0.2857},
    "answer_times": {"offered": 12, "answered": 8, "p50": 12, "p90": 45, "p95": 45, "longest": 45,
                     "within_15_s": 0.4167, "within_20_s": 0.5833, "connection_rate": 0.6667},
    "sos_answer_times": {"opened": 5, "claimed": 4, "p50": 12, "p90": 180, "p95": 180, "longest": 180,
                         "within_15_s": 0.4, "within_60_s": 0.6, "within_180_s": 0.8},
    "alerts": {"opened": 6, "emergencies": 5, "closed": 4},
    "rescues": {"rescues": 2, "taken_to_hospital": 1, "helped_at_home": 1},
    "talk_time": {"talks": 13, "talk_total": 6157, "talk_mean": 473.6, "talk_longest": 4200},
}  # fmt: skip


def hour(number: int) -> str:
    return f"{DAY}T{number:02}:00:00+08:00"


# (measure, grouping, figure) -> what is not nothing, by hand
GROUPED: dict[tuple[str, str, str], dict[str, float | int]] = {
    # 09: h03-h09. 10: s01 s02 o01-o04 i01 i02. 11: o05 o06 i03.
    ("calls", "hour", "total"): {
        hour(0): 1, hour(8): 1, hour(9): 7, hour(10): 8, hour(11): 3, hour(14): 1, hour(22): 1, hour(23): 1},
    ("calls", "hour", "abandoned"): {hour(9): 3, hour(10): 1},
    ("calls", "day", "total"): {DAY: 23},
    ("calls", "month", "total"): {"2026-11": 23},
    ("calls", "channel", "total"): {"hotline": 12, "sos_line": 2, "outbound": 6, "internal": 3},
    # d1: h01 h02 h05 h06 h09 h11 h12 s01 o01-o05 i01 i02. d2: h03 h04 h10 s02 o06. Unknown: h07 h08 i03.
    ("calls", "area", "total"): {"d1": 15, "d2": 5, "": 3},
    ("calls", "outcome", "total"): {
        "answered": 14, "abandoned": 4, "no_answer": 1, "busy": 1, "by_hand": 1, "rejected": 1, "": 1},
    # 09: 90+60+30+300. 10: 180+120+126+181. h02 talks until ten past ten and counts where it began.
    ("talk_time", "hour", "talk_total"): {
        hour(0): 120, hour(8): 4200, hour(9): 480, hour(10): 607, hour(11): 90, hour(14): 60, hour(23): 600},
    ("alerts", "kind", "opened"): {"sos": 3, "fall": 1, "fire": 1, "battery": 1},
    ("alerts", "outcome", "opened"): {"taken_to_hospital": 1, "helped_at_home": 2, "false_alarm": 1, "": 2},
    ("alerts", "channel", "opened"): {"device_press": 4, "sos_line": 2},
    ("alerts", "area", "closed"): {"d1": 3, "d2": 1},
    ("sos_answer_times", "area", "claimed"): {"d1": 2, "d2": 2},
    ("rescues", "hour", "rescues"): {hour(10): 2},
}  # fmt: skip
