"""What must hold at every step: looked at after each commit, of what it changed. The first breach ends the year."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from benchmarks.month.network import Leg
from benchmarks.year import watch_calls
from benchmarks.year.breach import Breach
from benchmarks.year.store import Line, Store
from benchmarks.year.unit import MemoryUnit
from callcenter.alerts.asking import of_this_need
from callcenter.alerts.dialogues import ASKING
from callcenter.alerts.escalation import deadlines
from callcenter.alerts.model import LEVELS, OPEN, TECHNICAL, UNRESOLVED, Alert, Kind, State, wants_somebody
from callcenter.alerts.offer_model import ASKED, ENDED
from config.policies import AlertPolicy
from devices.events import Signal, SignalKind
from handlers.device_signals import Taken

SLACK_S = 25.0  # a sweep, one that is late, the two clocks
STUCK_S = 90.0  # an effect that nobody has performed for so long
ALARMS = frozenset(SignalKind) - {SignalKind.CANCEL, SignalKind.TEST}


class Watch:
    """`committed` is called after each commit, `hourly` now and then, `end` once."""

    def __init__(self, store: Store, policy: AlertPolicy) -> None:
        self._store, self._policy = store, policy
        self._open: dict[str, str] = {}  # subject -> alert, as commits told it
        self._presses: Counter[str] = Counter()  # of alerts, as the timeline tells them
        self._legs: set[str] = set()  # calls that truly rang
        self._rests = _longest_rests(policy)
        self._heard: set[tuple[str, str, bytes]] = set()  # messages
        self._n = 0
        self.checks = 0
        self.presses = self.calls = 0
        self.ended: Counter[str] = Counter()

    # -- after each commit

    def committed(self, unit: MemoryUnit, what: Any, result: Any) -> None:
        for line in unit.entries:
            self._line(line)
            if line.rule == "ladder.climbs" and line.data.get("rung") == "ring_again":
                self._keeps_asking(unit, line)
        for id, before in unit.alerts_before.items():
            self._alert(unit, before, self._store.alerts[id])
        for id, was in unit.calls.changed.items():
            self.checks += watch_calls.call(was, self._store.calls[id])
            if was is None:
                self._wanted(unit, id)
        for (alert, id), once in unit.offers.changed.items():
            self.checks += watch_calls.offer(once, self._store.offers_of[alert][id])
        if isinstance(what, Signal):
            self._press(unit, what, result)

    def _line(self, line: Line) -> None:
        self.checks += 1
        if line.n != self._n + 1:
            raise Breach("the timeline has no gap", line.alert_id, f"{line.n} follows {self._n}")
        self._n = line.n
        if line.rule.startswith("alarm."):
            self._presses[line.alert_id or ""] += 1

    def _alert(self, unit: MemoryUnit, before: Alert | None, after: Alert) -> None:
        for check in _OF_ONE:
            check(self, unit.now, before, after)
        if before is not None:
            for change in _OF_A_CHANGE:
                change(self, unit, before, after)
        self.checks += len(_OF_ONE) + (len(_OF_A_CHANGE) if before is not None else 0)

    # -- of an alert as it is

    def _has_deadlines(self, now: datetime, _before: Alert | None, alert: Alert) -> None:
        due = deadlines(alert, self._policy)
        stored = self._store.timers.get(alert.id, {})
        if stored != due:
            raise Breach("its deadlines are stored", alert.id, f"{stored} instead of {due}")
        if alert.state in OPEN and not due:
            raise Breach("every open alert has a deadline", alert.id, f"{alert.state}, and nothing would ever move it")
        longest = self._rests.get((alert.kind, alert.state))
        if longest is not None and min(due.values()) > now + longest:
            raise Breach("no alert rests", alert.id, f"{alert.state} until {min(due.values())}, now {now}")

    def _is_the_only_one(self, _now: datetime, _before: Alert | None, alert: Alert) -> None:
        key, known = alert.subject.key, self._open.get(alert.subject.key)
        if alert.state in UNRESOLVED:
            if known not in (None, alert.id):
                raise Breach("one open alert for each person", alert.id, f"{known} is open too")
            self._open[key] = alert.id
        elif known == alert.id:
            del self._open[key]

    def _counts_presses(self, _now: datetime, _before: Alert | None, alert: Alert) -> None:
        counted = alert.press_count + alert.troubles
        if counted != self._presses[alert.id]:
            raise Breach("every press counts", alert.id, f"{counted}, and {self._presses[alert.id]} were heard")

    def _is_ranked(self, _now: datetime, _before: Alert | None, alert: Alert) -> None:
        if not 1 <= alert.priority <= 9 or (alert.silent and alert.press_count > 1 and alert.priority != 1):
            raise Breach("ranks", alert.id, f"priority {alert.priority}")

    # -- of a change

    def _only_grows(self, _unit: MemoryUnit, before: Alert, after: Alert) -> None:
        was, now = _grows(before), _grows(after)
        for before_it, after_it in zip(was, now, strict=True):
            if after_it < before_it:
                raise Breach("what only grows", after.id, f"{now} after {was}: presses, version, told, silent, urgency")

    def _ends_by_a_human(self, unit: MemoryUnit, before: Alert, after: Alert) -> None:
        if before.state not in UNRESOLVED or after.state in UNRESOLVED:
            return
        self.ended[after.outcome or "by itself"] += 1
        last = next(line for line in unit.entries if line.after and line.after.id == after.id)
        if after.kind in TECHNICAL and not (after.press_count or after.silent):
            return
        named = last.actor.startswith("operator:") and len(last.actor) > len("operator:")
        if not (named and after.outcome and after.resolved_at and after.state is State.RESOLVED):
            raise Breach("a named human ends it", after.id, f"{after.state} by {last.rule} of {last.actor or 'nobody'}")

    def _sticks(self, unit: MemoryUnit, before: Alert, after: Alert) -> None:
        """Once over it is over, until a person opens it again."""
        if before.state in UNRESOLVED or after.state not in UNRESOLVED:
            if before.state is State.CLOSED and after.state is State.RESOLVED:
                raise Breach("closed is closed", after.id, "resolved again")
            return
        if not any(line.rule == "operator.reopens" for line in unit.entries):
            raise Breach("what is over stays over", after.id, f"{before.state} became {after.state}")

    def _claim_rests(self, unit: MemoryUnit, before: Alert, _after: Alert) -> None:
        if before.state is State.CLAIMED and before.touched_at:
            idle = (unit.now - before.touched_at).total_seconds()
            if idle > self._policy.claim_idle_s + SLACK_S:
                raise Breach("a claim never rests", before.id, f"untouched for {idle:.0f} s")

    def _somebody_goes(self, unit: MemoryUnit, before: Alert, after: Alert) -> None:
        """Who goes first ends all other asking in the same commit. (Duty phones may ring later, for an operator.)"""
        yes = after.responder and not before.responder
        if not yes or after.searching or wants_somebody(after) or after.state not in UNRESOLVED:
            return
        for call in self._store.calls_of.get(after.id, {}).values():
            if call.dialogue in ASKING and not call.over and not call.hang_up_at and call.answer is None:
                raise Breach("nobody is rung after a yes", after.id, f"{call.party} is {call.state}")
        for offer in of_this_need(after, self._store.offers_of.get(after.id, {}).values()):
            if offer.state in ASKED:
                raise Breach("a yes withdraws all other offers", after.id, f"{offer.party} is {offer.state}")

    def _asks_nobody_more(self, _unit: MemoryUnit, _before: Alert, after: Alert) -> None:
        if after.state in UNRESOLVED:
            return
        for offer in self._store.offers_of.get(after.id, {}).values():
            if offer.state not in ENDED:
                raise Breach("over for everybody who was asked", after.id, f"{offer.party} is {offer.state}")

    # -- of calls

    def _wanted(self, unit: MemoryUnit, id: str) -> None:
        call = self._store.calls[id]
        self.checks += 1
        self.calls += 1
        alert = self._store.alerts.get(call.alert_id or "")
        if alert is None:
            return
        for other in self._store.calls_of.get(alert.id, {}).values():
            same = other.party == call.party or (other.number == call.number and call.number)
            if same and other.id != id and not other.over and call.direction != "inbound" != other.direction:
                raise Breach("nobody is rung twice", alert.id, f"{call.party}: {other.dialogue}, {call.dialogue}")
        asked = call.dialogue in ("offer", "search") and call.direction != "inbound"
        if asked and not (wants_somebody(alert) or alert.responder == call.party):
            raise Breach("nobody is asked while somebody goes", alert.id, f"{call.party} is asked")

    def rings(self, leg: Leg, others: Sequence[Leg]) -> None:
        """A telephone truly begins to ring."""
        self.checks += 1
        alert = self._alert_of(leg)
        if leg.call_id in self._legs:
            raise Breach("a call is dialled once", alert, f"{leg.role} is rung again")
        self._legs.add(leg.call_id)
        for other in others:
            if other.role != "caller" and self._alert_of(other) == alert:
                raise Breach("nobody is rung twice at a time", alert, f"{leg.role} while {other.state}")

    def _alert_of(self, leg: Leg) -> str | None:
        call = self._store.calls.get(leg.call_id)
        return call.alert_id if call else None

    def _keeps_asking(self, unit: MemoryUnit, turn: Line) -> None:
        """The ladder is at its end, nobody has it or goes: each turn somebody is rung, or people are told why not."""
        alert = turn.after
        if alert is None or not alert.pressing or not wants_somebody(alert):
            return
        told = any(line.rule in ("call.wanted", "effect.failed") for line in unit.entries)
        if not told and not any(not call.over for call in self._store.calls_about(alert.id)):
            raise Breach("no turn of the ladder is without a telephone", alert.id, f"turn at {turn.at}")

    # -- presses

    def _press(self, unit: MemoryUnit, signal: Signal, taken: Taken) -> None:
        self.checks += 1
        if signal.body.kind not in ALARMS or any(line.rule == "signal.echo" for line in unit.entries):
            return
        self.presses += taken.new
        heard_before = self._heard_before(signal)
        alert = self._store.alerts.get(taken.alert or "")
        if alert is None:
            raise Breach("a press has an alert", taken.alert, f"{signal.device} {signal.msg} has none")
        if taken.new and alert.state not in UNRESOLVED:
            raise Breach("a press ends at an open alert", alert.id, f"it is {alert.state}")
        if taken.new and heard_before:
            raise Breach("a message counts once", alert.id, f"{signal.device} {signal.msg} counts again")
        another = not (taken.new or heard_before or signal.retained or signal.body.rep)
        if another and alert.state not in UNRESOLVED:
            raise Breach("a new press is no repeat", alert.id, f"{signal.device} {signal.msg}: it is {alert.state}")

    def _heard_before(self, signal: Signal) -> bool:
        """The same bytes under the same id. (A body without one cannot be told apart from another.)"""
        key = (signal.device, signal.msg or "", signal.raw)
        known = bool(signal.msg) and key in self._heard
        self._heard.add(key)
        return known

    # -- now and then

    def hourly(self, now: datetime) -> None:
        long_ago = now - timedelta(seconds=STUCK_S)
        for id, pending in self._store.outbox.items():
            if pending.free_at < long_ago:
                raise Breach("no effect is forgotten", getattr(pending.effect, "alert", None), f"{id} {pending.effect}")
        for call in self._store.living.values():
            if call.due is None or call.due < long_ago:
                raise Breach("every call is looked after", call.alert_id, f"{call.id} is {call.state}, {call.due}")
        for id in self._store.open.values():
            due = self._store.timers.get(id, {})
            if not due or min(due.values()) < long_ago:
                raise Breach("every deadline is swept", id, f"{due}")
            self.checks += 1

    def end(self) -> None:
        """Nothing new has happened for a day."""
        for id in self._store.open.values():
            alert = self._store.alerts[id]
            if alert.pressing:
                raise Breach("every press comes to its end", id, f"it is {alert.state}, opened {alert.opened_at}")


def _longest_rests(policy: AlertPolicy) -> dict[tuple[Kind, State], timedelta]:
    """(kind, state) -> the time after which something happens by itself at the latest."""
    found = {}
    for kind in Kind:
        ladder = policy.ladder(kind)
        marks = [0, *(rung.after_s for rung in ladder.rungs)]
        most = {
            State.WAITING: max(ladder.repeat_s, *(b - a for a, b in pairwise(marks))),
            State.CLAIMED: policy.claim_idle_s,
            State.HELPING: policy.help_check_s,
            State.HANDED_OVER: policy.reask_s,
        }
        found |= {(kind, state): timedelta(seconds=seconds + 2) for state, seconds in most.items()}
    return found


def _grows(alert: Alert) -> tuple[int, ...]:
    return alert.press_count, alert.version, LEVELS.index(alert.told), alert.silent, -alert.priority


Of = Callable[[Watch, datetime, Alert | None, Alert], None]
OfChange = Callable[[Watch, MemoryUnit, Alert, Alert], None]
_OF_ONE: tuple[Of, ...] = (
    Watch._has_deadlines,
    Watch._is_the_only_one,
    Watch._counts_presses,
    Watch._is_ranked,
)
_OF_A_CHANGE: tuple[OfChange, ...] = (
    Watch._only_grows,
    Watch._ends_by_a_human,
    Watch._sticks,
    Watch._claim_rests,
    Watch._somebody_goes,
    Watch._asks_nobody_more,
)
