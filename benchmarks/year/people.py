"""What people see of alerts, and how what they do reaches the centre: twice, late, of something long past, or lost."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from benchmarks.month.desk import Desk
from benchmarks.month.plan import START
from benchmarks.month.town import DUTY, OPERATORS
from benchmarks.year.centre import YearCentre
from benchmarks.year.faults import Faults
from benchmarks.year.store import Line
from callcenter.alerts.inputs import Action, OperatorActed
from callcenter.alerts.model import UNRESOLVED, Alert, Operator, State
from callcenter.ports import ActionWanted, ConsolesChanged
from callcenter.ports.signing_in import SignedOut

Hears = Callable[["Case", Line, dict[str, Any]], None]
FORGOTTEN_S = 36 * 3600.0  # so long after its end a closed alert is dropped
OPERATIONS = tuple(Operator(name, name.title()) for name in OPERATORS)
SUPERVISOR = Operator(DUTY, DUTY.title(), supervisor=True)


@dataclass(slots=True)
class Case:
    """As `month.cases.Case`, with the record itself instead of its text."""

    id: str
    alert: Alert
    there_at: datetime | None = None
    there: str = ""
    plans: set[str] = field(default_factory=set)
    debts: list[str] = field(default_factory=list)

    @property
    def state(self) -> str:
        return self.alert.state

    @property
    def owner(self) -> str:
        return self.alert.owner.id if self.alert.owner else ""

    @property
    def responder(self) -> str:
        return self.alert.responder

    @property
    def resident(self) -> str:
        return self.alert.subject.resident or ""

    @property
    def silent(self) -> bool:
        return self.alert.silent

    @property
    def is_free(self) -> bool:
        state = self.alert.state
        return state is State.WAITING or (state is State.HANDED_OVER and not self.alert.owner)

    @property
    def is_open(self) -> bool:
        return self.alert.state in UNRESOLVED


class Cases:
    """Told of every line of the timeline; tells everybody else, in order."""

    def __init__(self, centre: YearCentre) -> None:
        self._centre = centre
        self.all: dict[str, Case] = {}
        self.hear: list[Hears] = []

    def noted(self, line: Line) -> None:
        if line.after is None:
            return
        case = self.all.get(line.after.id)
        if case is None:
            case = self.all[line.after.id] = Case(line.after.id, line.after)
        case.alert = line.after
        for hears in self.hear:
            hears(case, line, line.data)
        if line.rule == "operator.closes":
            self._centre.clock.after(FORGOTTEN_S, self._forget, case)

    def _forget(self, case: Case) -> None:
        if case.alert.state is State.CLOSED and case.id in self.all:
            del self.all[case.id]
            self._centre.store.forget(case.id)


class Consoles:
    """Between operators and the centre: `settle` is what the desk has for a door."""

    def __init__(self, centre: YearCentre, faults: Faults) -> None:
        self._centre, self._faults = centre, faults
        self.desk: Desk
        self._versions: dict[str, int] = {}  # of alerts, as somebody saw them a while ago
        centre.returned = self._look_for_another

    def settle(self, what: Any) -> Any:
        if isinstance(what, ActionWanted):
            return self._click(what)
        if isinstance(what, ConsolesChanged) and not what.present:
            return self._gone(what.operator)
        return self._centre.settle(what)

    def _click(self, wanted: ActionWanted) -> Any:
        faults, alert = self._faults, self._centre.store.alerts[wanted.alert_id]
        if faults.strike("stale_click"):
            old = OperatorActed(**_fields(wanted.acted) | {"version": max(1, alert.version - 1)})
            self._centre.settle(ActionWanted(wanted.alert_id, old))
        result = self._centre.settle(wanted)
        if faults.strike("double_click"):
            self._centre.settle(wanted)
        if wanted.acted.by.id in self.desk._present and faults.strike("vanishes"):
            self._gone(wanted.acted.by.id)
            self._comes_back(wanted.acted.by.id, 2, 120)
        return result

    def _gone(self, operator: str) -> None:
        for process in self._centre.processes:
            if process.alive and process.name in self._centre.store.consoles.get(operator, ()):
                self._centre._settle(process, ConsolesChanged(operator, present=False))

    def _comes_back(self, operator: str, soon: float, late: float) -> None:
        self._centre.clock.after(self._faults.seconds(soon, late), self._is_back, operator)

    def _is_back(self, operator: str) -> None:
        if operator in self.desk._present:
            self._centre.settle(ConsolesChanged(operator, present=True))

    def _look_for_another(self, node: str) -> None:
        for operator, nodes in self._centre.store.consoles.items():
            if node in nodes:
                self._comes_back(operator, 2, 25)


def _fields(acted: OperatorActed) -> dict[str, Any]:
    return {name: getattr(acted, name) for name in OperatorActed.__slots__}


class Meddlers:
    """Somebody does something with some alert that is open, or was: possible or not, theirs or not."""

    def __init__(self, centre: YearCentre, cases: Cases, consoles: Consoles, faults: Faults) -> None:
        self._centre, self._cases, self._consoles, self._faults = centre, cases, consoles, faults
        self._until = START + timedelta(days=faults.plan.days)
        self._next()

    def _next(self) -> None:
        mean = 86_400 / self._faults.plan.meddles_a_day
        if self._centre.clock.time > self._until:  # what is open comes to its end
            return
        self._centre.clock.after(self._faults.dice.expovariate(1 / mean), self._meddle)

    def _meddle(self) -> None:
        self._next()
        dice = self._faults.dice
        known = [case for case in self._cases.all.values() if case.is_open]
        if dice.random() < 0.1 or not known:  # of what is over, too
            known = list(self._cases.all.values())
        if not known:
            return
        case, action = dice.choice(known), dice.choice(list(Action))
        by = dice.choice((*OPERATIONS, SUPERVISOR))
        if case.alert.owner and dice.random() < 0.6:
            by = case.alert.owner
        self._faults.count("meddling")
        if dice.random() < 0.03:
            self._centre.settle(SignedOut(by.id, here=False, reason="goes home"))
            return
        self._consoles.settle(ActionWanted(case.id, self._acts(case, action, by)))
        if action is Action.TRANSFER and (asked := case.alert.transfer_to) and dice.random() < 0.7:
            answer = Action.TAKE_OVER if dice.random() < 0.6 else Action.DECLINE
            later = ActionWanted(case.id, OperatorActed(answer, asked))
            self._centre.clock.after(dice.uniform(1, 30), self._consoles.settle, later)

    def _acts(self, case: Case, action: Action, by: Operator) -> OperatorActed:
        dice, contacts = self._faults.dice, self._centre.store.register.contacts
        theirs = contacts.get(case.alert.subject.resident or "", [])
        return OperatorActed(
            action,
            by,
            version=case.alert.version if dice.random() < 0.5 else None,
            text="meddles",
            outcome="other" if action is Action.RESOLVE else None,
            to=dice.choice(OPERATIONS),
            contact=dice.choice(theirs).party.partition(":")[2] if theirs else "nobody",
            person="somebody",
            party=dice.choice((case.alert.responder, f"operator:{dice.choice(OPERATORS)}")),
        )
