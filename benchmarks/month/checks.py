"""What must hold at every step of the month, and what is kept of each alert to judge it at the end."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, or_, select

from benchmarks.month.bounds import HANGS_UP_S, help_within_s
from benchmarks.month.cases import Case
from benchmarks.month.centre import VirtualCentre
from benchmarks.month.network import Leg, PhoneNetwork
from benchmarks.month.plan import Plan
from benchmarks.month.town import Registered
from callcenter.alerts.model import EMERGENCIES, OPEN, Kind
from callcenter.ports import Committed
from callcenter.storage import tables as t
from callcenter.storage.prepared import Prepared
from callcenter.storage.records import Entry

_TIMERS = Prepared(select(func.count().label("n")).where(t.timers.c.alert_id == bindparam("b_alert")))
_ASKED = Prepared(
    select(t.calls.c.id, t.calls.c.answer, t.calls.c.hang_up_at).where(
        t.calls.c.alert_id == bindparam("b_alert"),
        t.calls.c.due.is_not(None),
        or_(t.calls.c.dialogue == "offer", t.calls.c.dialogue == "duty"),
    )
)
ASKED_ROLES = frozenset({"responder", "family", "duty"})
LATE_S = 2.0  # a sweep comes every second
STILL_OPEN = frozenset(state.value for state in OPEN)


@dataclass(frozen=True, slots=True)
class Violation:
    check: str
    alert: str
    says: str


@dataclass(slots=True)
class Need:
    """From an alarm, or from when help has not come, until somebody goes, 120 has it or a named human ended it."""

    alert: str
    kind: Kind
    since: datetime
    late: bool = False
    held_s: float = 0.0  # a named operator had it
    held_since: datetime | None = None
    until: datetime | None = None
    how: str = ""  # accepted, 120, resolved
    state: str = ""
    touched: datetime | None = None  # when whoever has it last did something

    def seconds(self, now: datetime) -> float:
        """Without the time in which somebody had it."""
        end = self.until or now
        held = (end - self.held_since).total_seconds() if self.held_since else 0.0
        return (end - self.since).total_seconds() - self.held_s - held


class Checks:
    def __init__(self, centre: VirtualCentre, network: PhoneNetwork, town: Registered, plan: Plan) -> None:
        self._centre, self._network, self._town, self._plan = centre, network, town, plan
        self.violations: list[Violation] = []
        self.needs: list[Need] = []
        self._need: dict[str, Need] = {}
        self._alert_of: dict[str, str] = {}  # call -> alert
        self._numbers: dict[str, str] = {}  # call -> number
        self._said_no: set[tuple[str, str]] = set()  # (alert, number)
        self._level_began: dict[tuple[str, str], datetime] = {}
        self._to_end: dict[str, datetime] = {}  # calls that nobody needs any more
        self.hung_up_s: list[float] = []
        self.counts: Counter[str] = Counter()
        self._deadlines = {level.id: level.deadline_s for level in centre.policy.levels}
        network.begins, network.ends = self._begins, self._ends

    def _wrong(self, check: str, alert: str, says: str) -> None:
        self.violations.append(Violation(check, alert, says))

    # -- after every commit

    def committed(self, committed: Committed) -> None:
        alerts = {entry.alert_id for entry in committed.entries if entry.alert_id}
        for alert in sorted(alerts):
            self._has_deadline(alert)

    def _has_deadline(self, alert: str) -> None:
        case = self._cases[alert]
        if case.state in STILL_OPEN and not self._rows(_TIMERS, alert)[0][0]:
            self._wrong("no alert without a due timer", alert, f"{case.state}, and nothing would ever move it")

    def _rows(self, query: Prepared, alert: str) -> list[tuple[Any, ...]]:
        return self._centre.rows(query, b_alert=alert)

    def hears(self, case: Case, entry: Entry, data: dict[str, Any]) -> None:
        if entry.rule == "call.wanted":
            self._wanted(case, entry, data)
        elif entry.rule == "call.declined":
            self._said_no.add((case.id, self._numbers.get(str(data["call"]), "")))
        elif entry.rule.startswith("call.accepted"):
            self._accepted(case, entry, str(data["call"]))
            said = dict(case.view["responder"])
            self._centre.clock.after(self._centre.policy.arrive_s + LATE_S, self._has_come, case, said)
        elif entry.rule == "ladder.climbs" and "number" in data:
            self._climbs(case, entry, int(data["number"]))
        self._follow(case, entry)

    # -- who is asked

    def _wanted(self, case: Case, entry: Entry, data: dict[str, Any]) -> None:
        call = data["call"]
        self._alert_of[call["id"]] = case.id
        if call["role"] not in ASKED_ROLES:
            return
        kind, _, one = str(call["party"]).partition(":")
        if kind == "responder" and one in self._town.stopped:
            self._wrong("who has stopped is not rung", case.id, f"{one} has stopped and is asked")
        if "offer" not in data:
            return
        if case.responder and case.is_open and not case.view["search"]:
            self._wrong("nobody is asked while somebody goes", case.id, f"{call['party']} is asked")
        if level := data["offer"]["level"]:
            self._in_its_time(case, entry, level)

    def _in_its_time(self, case: Case, entry: Entry, level: str) -> None:
        """After a level's time nobody more of it is asked: the next one is.

        Not so in a search, nor when the time of all of them is over and people are asked once more (docs/adr/0021).
        """
        began = self._level_began.setdefault((case.id, level), entry.at)
        spent = (entry.at - began).total_seconds()
        over = self._deadlines[level] <= spent < sum(self._deadlines.values())
        if over and not case.view["search"]:
            self._wrong("a level has its time and no more", case.id, f"{level} is asked {spent:.0f} s after its first")

    # -- telephones

    def _begins(self, leg: Leg, others: Sequence[Leg]) -> None:
        alert = self._alert_of.get(leg.call_id, "")
        self._numbers[leg.call_id] = leg.number
        for other in others:
            if self._alert_of.get(other.call_id) == alert:
                self._wrong("nobody is called twice at a time", alert, f"{leg.role} again while {other.state}")
            else:
                self.counts["rung while on another call"] += 1
        if leg.role in ASKED_ROLES and (alert, leg.number) in self._said_no:
            self._wrong("who said no is not asked again", alert, f"{leg.role} was asked again")

    def _accepted(self, case: Case, entry: Entry, call: str) -> None:
        for other, answer, hang_up_at in self._rows(_ASKED, case.id) if not case.view["search"] else ():
            if other == call or answer == "accepted":
                continue
            if hang_up_at is None:
                self._wrong("nobody is left ringing", case.id, "a call goes on asking after somebody said yes")
            self._to_end.setdefault(other, entry.at)
            self._centre.clock.after(HANGS_UP_S, self._has_ended, case.id, other)

    def _has_ended(self, alert: str, call: str) -> None:
        leg = self._network.legs.get(call)
        if leg is not None and not leg.over:
            self._wrong("nobody is left ringing", alert, f"a telephone is {leg.state} {HANGS_UP_S:.0f} s after a yes")

    def _has_come(self, case: Case, said: dict[str, Any]) -> None:
        if case.is_open and case.view["responder"] == said and not said["arrived_at"]:
            self._wrong("who has not come in time is not counted on", case.id, f"{said['party']} has not come")

    def _ends(self, leg: Leg) -> None:
        if unneeded := self._to_end.pop(leg.call_id, None):
            self.hung_up_s.append((self._centre.clock.now() - unneeded).total_seconds())

    # -- help within its time

    def _climbs(self, case: Case, entry: Entry, number: int) -> None:
        """Of an alert that nobody had before, each rung has its second."""
        need = self._need.get(case.id)
        if need is None or need.late or need.held_s or need.held_since:
            return
        after_s = self._centre.policy.ladder(need.kind.value).rungs[number - 1].after_s
        spent = (entry.at - need.since).total_seconds()
        if spent > after_s + LATE_S:
            self._wrong("the ladder climbs in time", case.id, f"rung {number} after {spent:.0f} s instead of {after_s}")

    def _is_looked_after(self, need: Need, now: datetime) -> None:
        """Whoever has it acts, or it is taken from them: claimed is never a resting state."""
        policy = self._centre.policy
        limit = {"claimed": policy.claim_idle_s}.get(need.state, policy.help_check_s + policy.attention_s)
        idle = (now - need.touched).total_seconds() if need.held_since and need.touched else 0.0
        if idle > limit + LATE_S:
            self._wrong("who has it and forgets it loses it", need.alert, f"{need.state}, untouched for {idle:.0f} s")

    def _follow(self, case: Case, entry: Entry) -> None:
        need, kind = self._need.get(case.id), Kind(case.view["kind"])
        if need is None and kind in EMERGENCIES and case.is_open and not _how_it_ended(case):
            need = self._need[case.id] = Need(case.id, kind, entry.at, late=entry.rule == "help.late")
            self.needs.append(need)
        if need is None:
            return
        self._is_looked_after(need, entry.at)
        need.state = case.state
        if entry.actor == f"operator:{case.owner}" or entry.rule in ("call.accepted", "claim.goes_on"):
            need.touched = entry.at
        if case.owner and not need.held_since:
            need.held_since = entry.at
        elif need.held_since and not case.owner:
            need.held_s += (entry.at - need.held_since).total_seconds()
            need.held_since = None
        if how := _how_it_ended(case):
            need.until, need.how = entry.at, how
            del self._need[case.id]
            self._in_time(need)

    def limit_s(self, need: Need) -> float:
        duty = self._plan.duty_reacts_s[1]
        return help_within_s(self._centre.policy, need.kind, duty_s=duty, late=need.late)

    def _in_time(self, need: Need) -> None:
        spent, limit = need.seconds(self._centre.clock.now()), self.limit_s(need)
        if spent > limit:
            ended = need.how or "nobody yet"
            self._wrong("help within the policy's time", need.alert, f"{spent:.0f} s of {limit:.0f} s: {ended}")

    def end(self) -> None:
        for need in self._need.values():
            self._in_time(need)
            self._is_looked_after(need, self._centre.clock.now())

    # set by whoever wires the month
    _cases: dict[str, Case]

    def watch(self, cases: dict[str, Case]) -> None:
        self._cases = cases


def _how_it_ended(case: Case) -> str:
    if case.responder:
        return "accepted"
    return {"handed_over": "120", "resolved": "resolved", "closed": "resolved"}.get(case.state, "")
