"""The measures: each is one row of a table, with a pure function over calls or alerts.

Every call and every alert that came counts, also one that still waits: it is not answered yet. A drill never counts.
Calls are told apart by direction; one that its caller gave up is `abandoned` and not `inbound`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from callcenter.alerts.call_model import CallOutcome, Direction
from callcenter.alerts.model import EMERGENCIES, Outcome
from callcenter.storage.facts import AlertFact, CallFact

Figures = dict[str, float | int | None]
SOON_S = 5.0  # who gives up within it has hardly waited; counted apart (issue 3)
RESCUED = (Outcome.TAKEN_TO_HOSPITAL.value, Outcome.HELPED_AT_HOME.value)


def percentile(values: Sequence[float], share: int) -> float | None:
    """Nearest rank: the smallest value that at least `share` per cent of all do not exceed. A value that occurred."""
    ordered = sorted(values)
    return round(ordered[ceil(share * len(ordered) / 100) - 1], 1) if ordered else None


def _ratio(part: int, whole: int) -> float | None:
    """From 0 to 1; None where there was nothing."""
    return round(part / whole, 4) if whole else None


def _spread(waits: Sequence[float]) -> Figures:
    """Seconds."""
    longest = round(max(waits), 1) if waits else None
    return {f"p{share}": percentile(waits, share) for share in (50, 90, 95)} | {"longest": longest}


def _within(waits: Sequence[float], seconds: int, all_that_came: int) -> float | None:
    return _ratio(sum(wait <= seconds for wait in waits), all_that_came)


def _inbound(calls: Sequence[CallFact]) -> list[CallFact]:
    return [call for call in calls if call.direction == Direction.INBOUND]


def _given_up(call: CallFact) -> bool:
    return call.outcome == CallOutcome.ABANDONED


def _calls(calls: Sequence[CallFact]) -> Figures:
    abandoned = sum(map(_given_up, calls))
    inbound, outbound, internal = (sum(call.direction == way for call in calls) for way in Direction)
    apart: Figures = {"inbound": inbound - abandoned, "outbound": outbound, "internal": internal}
    counts: Figures = {"total": len(calls), "abandoned": abandoned}
    return counts | apart


def _answered(calls: Sequence[CallFact]) -> Figures:
    """Inbound: a person joined. Outbound: it was picked up, by whomever or whatever."""
    inbound = _inbound(calls)
    answered = sum(call.joined_s is not None for call in inbound)
    outbound = [call for call in calls if call.direction == Direction.OUTBOUND]
    picked_up = sum(call.picked_up for call in outbound)
    return {
        "offered": len(inbound),
        "answered": answered,
        "connection_rate": _ratio(answered, len(inbound)),
        "dialled": len(outbound),
        "picked_up": picked_up,
        "pick_up_rate": _ratio(picked_up, len(outbound)),
    }


def _abandoned(calls: Sequence[CallFact]) -> Figures:
    inbound = _inbound(calls)
    given_up = [call for call in inbound if _given_up(call)]
    return {
        "offered": len(inbound),
        "abandoned": len(given_up),
        "abandoned_soon": sum(call.ended_s is not None and call.ended_s <= SOON_S for call in given_up),
        "abandoned_rate": _ratio(len(given_up), len(inbound)),
    }


def _answer_times(calls: Sequence[CallFact]) -> Figures:
    """The hotline only. Percentiles are of the answered; the shares are of all that rang."""
    rang = [call for call in _inbound(calls) if call.channel == "hotline"]
    waits = [call.joined_s for call in rang if call.joined_s is not None]
    shares = {f"within_{limit}_s": _within(waits, limit, len(rang)) for limit in (15, 20)}
    counts: Figures = {"offered": len(rang), "answered": len(waits)}
    return counts | _spread(waits) | shares | {"connection_rate": _ratio(len(waits), len(rang))}


def _sos_answer_times(alerts: Sequence[AlertFact]) -> Figures:
    """Emergencies, from the opening until a person first claimed it. The shares are of all that were opened."""
    opened = [alert for alert in alerts if alert.kind in EMERGENCIES]
    waits = [alert.claimed_s for alert in opened if alert.claimed_s is not None]
    shares = {f"within_{limit}_s": _within(waits, limit, len(opened)) for limit in (15, 60, 180)}
    return {"opened": len(opened), "claimed": len(waits)} | _spread(waits) | shares


def _alerts(alerts: Sequence[AlertFact]) -> Figures:
    return {
        "opened": len(alerts),
        "emergencies": sum(alert.kind in EMERGENCIES for alert in alerts),
        "closed": sum(alert.closed for alert in alerts),
    }


def _rescues(alerts: Sequence[AlertFact]) -> Figures:
    """Closed alerts after which somebody was taken to hospital or helped at home."""
    ended = [alert.outcome for alert in alerts if alert.closed and alert.outcome in RESCUED]
    rescues: Figures = {"rescues": len(ended)}
    return rescues | {outcome: ended.count(outcome) for outcome in RESCUED}


def _talked(call: CallFact) -> float | None:
    """Seconds two people were together, from joining to the end; None where they never met or still talk."""
    if call.joined_s is None or call.ended_s is None:
        return None
    return call.ended_s - call.joined_s


def _talk_time(calls: Sequence[CallFact]) -> Figures:
    """It counts in the hour in which the call began, however long it lasted."""
    talks = [talked for call in calls if (talked := _talked(call)) is not None]
    total = round(sum(talks))
    return {
        "talks": len(talks),
        "talk_total": total,
        "talk_mean": round(sum(talks) / len(talks), 1) if talks else None,
        "talk_longest": round(max(talks), 1) if talks else None,
    }


@dataclass(frozen=True, slots=True)
class Measure:
    """`of` says what it is reckoned from; `drawn` is the figure a chart shows; `targets` the least a share must be."""

    id: str
    zh: str
    en: str
    unit: str
    of: str  # calls, alerts
    drawn: str
    figures: Callable[[Sequence[Any]], Figures]
    targets: dict[str, float] = field(default_factory=dict)


# Targets: field.md section 4. NENA and GB/T 33358 for the hotline, GB/T 33358 and the UK telecare code for SOS.
HOTLINE_TARGETS = {"within_15_s": 0.9, "within_20_s": 0.95, "connection_rate": 0.95}
SOS_TARGETS = {"within_15_s": 0.95, "within_60_s": 0.975, "within_180_s": 0.99}

MEASURES: dict[str, Measure] = {
    measure.id: measure
    for measure in (
        Measure("calls", "通话量", "Calls", "count", "calls", "total", _calls),
        Measure("answered", "接通情况", "Calls answered", "count", "calls", "connection_rate", _answered,
                {"connection_rate": 0.95}),
        Measure("abandoned", "放弃来电", "Calls abandoned", "count", "calls", "abandoned_rate", _abandoned),
        Measure("answer_times", "热线应答时间", "Answer times of the hotline", "seconds", "calls", "within_15_s",
                _answer_times, HOTLINE_TARGETS),
        Measure("sos_answer_times", "紧急警情受理时间", "Answer times of emergencies", "seconds", "alerts",
                "within_15_s", _sos_answer_times, SOS_TARGETS),
        Measure("alerts", "警情", "Alerts", "count", "alerts", "opened", _alerts),
        Measure("rescues", "救助", "Rescues", "count", "alerts", "rescues", _rescues),
        Measure("talk_time", "通话时长", "Talk time", "seconds", "calls", "talk_total", _talk_time),
    )
}  # fmt: skip

# Figure -> its title in Chinese and English, and its unit: count, share (0 to 1) or seconds.
FIGURES: dict[str, tuple[str, str, str]] = {
    "total": ("总计", "Total", "count"),
    "inbound": ("呼入", "Inbound", "count"),
    "outbound": ("呼出", "Outbound", "count"),
    "internal": ("内部", "Internal", "count"),
    "abandoned": ("放弃", "Abandoned", "count"),
    "offered": ("来电", "Rang in", "count"),
    "answered": ("人工接听", "Answered by a person", "count"),
    "connection_rate": ("接通率", "Connection rate", "share"),
    "dialled": ("拨出", "Dialled", "count"),
    "picked_up": ("对方接听", "Picked up", "count"),
    "pick_up_rate": ("拨通率", "Share picked up", "share"),
    "abandoned_soon": ("5 秒内放弃", "Abandoned within 5 s", "count"),
    "abandoned_rate": ("放弃率", "Share abandoned", "share"),
    "p50": ("中位数", "Median", "seconds"),
    "p90": ("第 90 百分位", "90th percentile", "seconds"),
    "p95": ("第 95 百分位", "95th percentile", "seconds"),
    "longest": ("最长", "Longest", "seconds"),
    "within_15_s": ("15 秒内", "Within 15 s", "share"),
    "within_20_s": ("20 秒内", "Within 20 s", "share"),
    "within_60_s": ("60 秒内", "Within 60 s", "share"),
    "within_180_s": ("180 秒内", "Within 180 s", "share"),
    "opened": ("发生", "Opened", "count"),
    "claimed": ("已受理", "Claimed by a person", "count"),
    "emergencies": ("其中紧急", "Of these, emergencies", "count"),
    "closed": ("已结案", "Closed", "count"),
    "rescues": ("救助", "Rescues", "count"),
    "taken_to_hospital": ("送医", "Taken to hospital", "count"),
    "helped_at_home": ("上门救助", "Helped at home", "count"),
    "talks": ("双方通话", "Calls with talk", "count"),
    "talk_total": ("总时长", "Talked in all", "seconds"),
    "talk_mean": ("平均时长", "Mean", "seconds"),
    "talk_longest": ("最长通话", "Longest talk", "seconds"),
}
