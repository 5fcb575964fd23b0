"""The real handlers on a real store in one thread, and telephones of which only a test knows what really happens."""

import itertools
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from callcenter.alerts.call_inputs import (
    CallNews,
    CallResult,
    Dialling,
    Heard,
    InboundCall,
    News,
    NotFound,
    NotPlaced,
    Placed,
    PlacingUnknown,
)
from callcenter.alerts.call_model import Call, CallOutcome
from callcenter.alerts.effects import Effect, EndCall, EndStray, FindCall, PlaceCall
from callcenter.alerts.inputs import Action, OperatorActed, TimerKind
from callcenter.alerts.model import Alert, Operator
from callcenter.alerts.script import Ask, Hangup, Join, Said
from callcenter.ids import new_id
from callcenter.ports import ActionWanted, ConsolesChanged, SeatTaken
from callcenter.reactions import HANDLERS
from callcenter.storage import tables as t
from callcenter.storage.call_records import call_from_row
from callcenter.storage.engine import connect
from callcenter.storage.offer_records import offer_from_row
from callcenter.storage.policy_shelf import Shelf
from callcenter.storage.records import Entry, alert_from_row
from callcenter.storage.writer import Writer
from config import policies, prompts
from devices.decoders import decode
from handlers.call_updates import CallTimerFired, CallUpdates, DebtDue, Lines
from handlers.timers import TimerFired
from tests.integration.office import ANN, BEN, payload
from tests.telephone.exchange import ANN_PHONE, BEN_PHONE, SEAL, SOS_NUMBER

T0 = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
GATEWAYS = ("one", "two")
_policy, _prompts = policies.read(), prompts.read()
assert not isinstance(_policy, str)
assert not isinstance(_prompts, str)
POLICY, PROMPTS = _policy, _prompts
YES = ("call.accepted", "call.accepted_waiting")
NOT_ANY_MORE = ("help.late", "operator.asks_next")
DOCUMENTS = frozenset({News.ANSWERED, News.INPUT})  # whoever is on the line waits for what comes next


@dataclass(eq=False)
class Leg:
    """What really happens on one telephone at one carrier. `call` is ours, empty until the carrier was told it."""

    gateway: str
    ref: str
    call: str
    caller: str = ""
    dialled: str = ""  # of ours; empty: we rang
    phase: News = News.QUEUED
    outcome: CallOutcome = CallOutcome.NO_ANSWER
    step: str = ""  # the question it hears

    @property
    def alive(self) -> bool:
        return self.phase is not News.ENDED


@dataclass
class Rows:
    """What is stored."""

    calls: dict[str, Call]
    alerts: dict[str, Alert]
    timers: dict[str, dict[TimerKind, datetime]]
    debts: list[str]
    offers: list[Any] = field(default_factory=list)


class Switchboard:
    def __init__(self, template: Path, path: Path) -> None:
        shutil.copy(template, path)
        self._engine = connect(f"sqlite:///{path}", writer=True, size=1)
        self.writer = Writer(self._engine, node="test", policy=Shelf(POLICY, rings=True), seal=SEAL)
        self.handlers = HANDLERS | CallUpdates(Lines(PROMPTS, SOS_NUMBER)).handlers()
        self.now = T0
        self.numbers = itertools.count(1)
        self.effects: list[Effect] = []
        self._said: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.goes: set[str | None] = set()  # alerts to which somebody goes
        self.legs: list[Leg] = []
        self.post: list[tuple[Leg, CallNews | InboundCall]] = []  # callbacks on the way
        self.results: list[CallResult] = []  # answers of carriers on the way
        self.heard: set[tuple[str, str]] = set()  # every callback that was answered
        self.yes: set[str] = set()  # calls on which key 1 was heard
        self.pressed: set[str] = set()
        for operator, phone in ((ANN, ANN_PHONE), (BEN, BEN_PHONE)):
            self.submit(SeatTaken(operator.id, "ready", phone))
        self.consoles_are_there()

    def close(self) -> None:
        self.writer.close()
        self._engine.dispose()

    def submit(self, what: Any) -> Any:
        """As the door does it: one commit, and only then what follows."""
        handler = self.handlers[type(what)]
        with self.writer.unit(self.now) as unit:
            unit.prefetch([handler.needs(what)])
            result = handler.apply(unit, what)
        self.effects += [written.effect for written in unit.effects]
        for entry in unit.entries:
            self._note(entry)
        return result

    # -- what comes in

    def consoles_are_there(self) -> None:
        for operator in (ANN, BEN):
            self.submit(ConsolesChanged(operator.id, True))

    def press(self, msg: str) -> None:
        self.submit(decode("vnh/v1/bracelet-1/up/sos", payload(msg), self.now))
        self.pressed.add(msg)

    def act(self, alert: str, action: Action, by: Operator, **more: Any) -> Any:
        return self.submit(ActionWanted(alert, OperatorActed(action, by, **more)))

    def rings(self, caller: str, dialled: str) -> Leg:
        """Somebody rings one of our numbers."""
        leg = Leg("one", f"CA{next(self.numbers)}", "", caller, dialled, phase=News.ANSWERED)
        self.legs.append(leg)
        self.post.append((leg, self._inbound(leg, "voice")))
        return leg

    def _inbound(self, leg: Leg, kind: str) -> InboundCall:
        raw = {"kind": kind}
        return InboundCall(
            leg.gateway, f"inbound:{leg.ref}", new_id(self.now), leg.ref, leg.caller, leg.dialled, raw, self.now
        )

    def tell(self, leg: Leg, what: News, **more: Any) -> None:
        """A callback leaves the carrier; of an inbound leg the status address names no call of ours."""
        heard = Heard(what, self.now, leg.ref, **more)
        event = f"{what}:{leg.ref}:{next(self.numbers)}"
        named = "" if leg.dialled and what is News.ENDED else leg.call
        self.post.append((leg, CallNews(leg.gateway, event, named, heard, {}, self.now)))

    def deliver(self, leg: Leg, news: CallNews | InboundCall) -> None:
        """It reaches us, and is answered."""
        said = self.submit(news)
        self.heard.add((news.provider, news.event_id))
        if isinstance(news, CallNews) and news.heard:
            if news.heard.digits == "1":
                self.yes.add(leg.call)
            if said is None and leg.dialled and news.heard.what is News.ENDED:
                self._unheard(leg, news)
        if said is not None and leg.alive and (isinstance(news, InboundCall) or _of(news) in DOCUMENTS):
            self._follow(leg, said)

    def _unheard(self, leg: Leg, news: CallNews) -> None:
        """As telephony/webhooks.py does it: who rang while we could not hear it is a caller who gave up."""
        gone = replace(news, event_id=f"gone:{leg.ref}")
        for one in (self._inbound(leg, "status"), gone):
            self.submit(one)
            self.heard.add((one.provider, one.event_id))

    def _follow(self, leg: Leg, said: Said) -> None:
        leg.call = said.call_id
        last = said.script[-1]
        leg.step = last.step if isinstance(last, Ask) else ""
        if isinstance(last, Join):
            self.tell(leg, News.JOINED)
        elif isinstance(last, Hangup):
            self.ends(leg, CallOutcome.ANSWERED)

    def ends(self, leg: Leg, outcome: CallOutcome) -> None:
        if leg.alive:
            leg.phase, leg.outcome, leg.step = News.ENDED, outcome, ""
            self.tell(leg, News.LEFT)
            self.tell(leg, News.ENDED, outcome=outcome)

    def presses_key(self, leg: Leg, key: str | None) -> None:
        self.tell(leg, News.INPUT, step=leg.step, digits=key)

    # -- effects

    def perform(self, effect: Effect, how: str) -> None:
        if isinstance(effect, PlaceCall):
            self._place(effect, how)
        elif isinstance(effect, EndCall):
            call = self.rows().calls[effect.call]
            for leg in self.legs:
                if leg.ref == call.provider_ref and leg.gateway == call.gateway:
                    self.ends(leg, CallOutcome.ANSWERED if leg.phase is News.ANSWERED else CallOutcome.CANCELED)
        elif isinstance(effect, EndStray):
            for leg in self.legs:
                if (leg.gateway, leg.ref) == (effect.gateway, effect.ref):
                    self.ends(leg, CallOutcome.CANCELED)
        elif isinstance(effect, FindCall):
            self._find(effect.call)

    def _place(self, effect: PlaceCall, how: str) -> None:
        gateway = next(name for name in GATEWAYS if name != effect.without)
        if not self.submit(CallResult(effect.call, Dialling(gateway))):
            return
        if how == "refused":
            self.results.append(CallResult(effect.call, NotPlaced(gateway, "NumberRejected")))
            return
        if how.startswith("taken"):
            leg = Leg(gateway, f"CA{next(self.numbers)}", effect.call)
            self.legs.append(leg)
            self.tell(leg, News.QUEUED)
        happened = Placed(gateway, leg.ref) if how == "taken" else PlacingUnknown(gateway, "OutcomeUnknown")
        self.results.append(CallResult(effect.call, happened))

    def _find(self, one: str) -> None:
        call = self.rows().calls[one]
        at = call.gateway
        leg = next((leg for leg in self.legs if leg.gateway == at and _is(leg, call)), None)
        if leg is None:
            self.results.append(CallResult(one, NotFound(at, self.now)))
            return
        if not call.provider_ref:
            self.results.append(CallResult(one, Placed(at, leg.ref), at))
        outcome = None if leg.alive else leg.outcome
        self.results.append(CallResult(one, Heard(leg.phase, self.now, leg.ref, outcome=outcome), at))

    def settle(self, rounds: int = 6) -> None:
        """For a while nothing is lost or late, and everybody who is rung answers."""
        for _ in range(rounds):
            effects, self.effects = self.effects, []
            for effect in effects:
                self.perform(effect, "taken")
            for leg in self.legs:
                if leg.phase is News.QUEUED:
                    leg.phase = News.ANSWERED
                    self.tell(leg, News.ANSWERED)
                elif leg.alive and leg.step == "awake":
                    self.presses_key(leg, "5")
            results, self.results = self.results, []
            for result in results:
                self.submit(result)
            post, self.post = self.post, []
            for leg, news in post:
                self.deliver(leg, news)

    # -- time

    def wait(self, seconds: float) -> None:
        until = self.now + timedelta(seconds=seconds)
        for _ in range(60):
            if not (found := self._due()) or found[0] > until:
                break
            self.now = max(self.now, found[0])
            self.submit(found[1]())
        self.now = until

    def _due(self) -> tuple[datetime, Callable[[], Any]] | None:
        c, d, m = t.calls.c, t.debts.c, t.timers.c
        with self.writer.transaction() as connection:
            call = connection.execute(select(c.id, c.due).where(c.due.is_not(None)).order_by(c.due)).first()
            owed = select(d.call_id, d.due).where(d.discharged_at.is_(None)).order_by(d.due)
            debt = connection.execute(owed).first()
            timer = connection.execute(select(m.alert_id, m.kind, m.due).order_by(m.due)).first()
        found: list[tuple[datetime, Callable[[], Any]]] = []
        if call:
            found.append((call.due, lambda: CallTimerFired(call.id, call.due)))
        if debt:
            found.append((debt.due, lambda: DebtDue(debt.call_id, debt.due)))
        if timer:
            found.append((timer.due, lambda: TimerFired(timer.alert_id, TimerKind(timer.kind), timer.due)))
        return min(found, key=lambda one: one[0], default=None)

    # -- what is there

    def rows(self) -> Rows:
        with self.writer.transaction() as connection:
            calls = [call_from_row(row, SEAL) for row in connection.execute(select(t.calls)).mappings()]
            alerts = [alert_from_row(row) for row in connection.execute(select(t.alerts)).mappings()]
            timers: dict[str, dict[TimerKind, datetime]] = {}
            for row in connection.execute(select(t.timers)):
                timers.setdefault(row.alert_id, {})[TimerKind(row.kind)] = row.due
            debts = list(connection.execute(select(t.debts.c.call_id)).scalars())
            offers = [offer_from_row(row) for row in connection.execute(select(t.offers)).mappings()]
        return Rows({one.id: one for one in calls}, {one.id: one for one in alerts}, timers, debts, offers)

    def stored(self) -> tuple[set[tuple[str, str]], set[str]]:
        """The callbacks and the presses that are in the store."""
        with self.writer.transaction() as connection:
            callbacks = connection.execute(select(t.callbacks.c.provider, t.callbacks.c.event_id)).all()
            presses = connection.execute(select(t.signals.c.msg)).scalars().all()
        return {(row.provider, row.event_id) for row in callbacks}, set(presses)

    def said_of(self, *rules: str) -> Counter[str]:
        """How often entries of these rules tell of each call."""
        return sum((self._said[rule] for rule in rules), Counter[str]())

    def _note(self, entry: Entry) -> None:
        call = json.loads(entry.data).get("call", "")
        self._said[entry.rule][call["id"] if isinstance(call, dict) else call] += 1
        if entry.rule in YES:
            assert entry.alert_id not in self.goes, "two claims of one alert"
            self.goes.add(entry.alert_id)
        elif entry.rule in NOT_ANY_MORE:
            self.goes.discard(entry.alert_id)


def _of(news: CallNews) -> News | None:
    return news.heard.what if news.heard else None


def _is(leg: Leg, call: Call) -> bool:
    return leg.ref == call.provider_ref if call.provider_ref else leg.call == call.id
