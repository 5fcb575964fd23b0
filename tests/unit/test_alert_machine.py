"""The alert machine: every pair of its table, every reachable record, and what must hold for lives."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError, dataclass, fields, replace as by_the_book
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from callcenter.alerts.alert_rules import ALERT_TABLE
from callcenter.alerts.changing import replace
from callcenter.alerts.effects import (
    AskResponders,
    EndSearch,
    HangUpColleague,
    HangUpOthers,
    LeaveRoom,
    PhoneContact,
    PhoneGroup,
    PhoneOperator,
    PhoneParty,
    PhoneResident,
    TellDevice,
    TellDevices,
    from_row,
    to_row,
)
from callcenter.alerts.escalation import deadlines
from callcenter.alerts.inputs import (
    KEYS,
    REPORTS,
    Action,
    AlarmRaised,
    AlertInput,
    CallReport,
    CancelPressed,
    ColleagueGone,
    Deed,
    DrillEnded,
    EffectFailed,
    OperatorActed,
    OperatorBack,
    OperatorGone,
    OperatorLeft,
    OwnerTalks,
    ResponderActed,
    TimerDue,
    TimerKind,
    TroubleEnded,
)
from callcenter.alerts.model import (
    DRILL_KEY,
    EMERGENCIES,
    OPEN,
    RANK,
    TECHNICAL,
    UNRESOLVED,
    Alert,
    Kind,
    Operator,
    Outcome,
    State,
    Subject,
    wants_somebody,
)
from callcenter.alerts.operator_rules import possible_actions
from callcenter.alerts.rules import Change, Decided, Refused, decide
from config import policies

T0 = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
_read = policies.read(kinds=frozenset(Kind))
assert not isinstance(_read, str)
POLICY = _read
RINGING = replace(POLICY, rings=True, most_waves=2)  # with a carrier; fewer waves make the walk short
SEARCHING = replace(RINGING, searchers=2)

ANNA, BERT, CHIEF = Operator("anna", "Anna"), Operator("bert", "Bert"), Operator("chief", "Chief", supervisor=True)
SUBJECT = Subject("resident:r-1", "bracelet-1", "r-1", "h-1", "Li", "Village 1")
PRACTISED = replace(SUBJECT, key=f"{DRILL_KEY}A1", device="")
OWNED = (State.CLAIMED, State.HELPING, State.HANDED_OVER)
SENT_BY_PEOPLE = [kind for kind in Kind if kind not in TECHNICAL]


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def alarm(kind: Kind = Kind.SOS, **more: object) -> AlarmRaised:
    given: dict = {"ref": None if kind in TECHNICAL else "m-1", "details": {"kind": kind.value}}
    return AlarmRaised("A1", SUBJECT, kind, **given | more)


def acted(action: Action, by: Operator = ANNA, **more: object) -> OperatorActed:
    """An action with everything that it could need."""
    given: dict = {
        "text": "t", "outcome": Outcome.FALSE_ALARM.value, "to": BERT, "contact": "c-1", "case_number": "1",
        "party": "contact:c-1",
    }  # fmt: skip
    return OperatorActed(action, by, **given | more)


OF_TRANSFER = ("picked_up", "took_over", "not_taken_over")


def report(what: str, role: str = "responder") -> CallReport:
    party = f"operator:{BERT.id}" if what in OF_TRANSFER else "responder:x"
    return CallReport(what, "C1", party, "Chen", "busy", role=role)


def deed(deed: Deed, party: str = "responder:x", *, proof: str = "") -> ResponderActed:
    return ResponderActed(deed, party, "Chen", proof or ("position" if deed is Deed.ARRIVES else ""))


def ask(alert: Alert | None, happened: AlertInput, at: datetime) -> Change | Refused:
    outcome = decide(ALERT_TABLE, alert, happened, now=at, policy=POLICY)
    return outcome.change if isinstance(outcome, Decided) else outcome


def after(alert: Alert | None, happened: AlertInput, at: datetime) -> Alert:
    outcome = ask(alert, happened, at)
    assert isinstance(outcome, Change), outcome
    return outcome.alert


def opened(kind: Kind = Kind.SOS, at: datetime = T0, **more: object) -> Alert:
    return after(None, alarm(kind, **more), at)


def in_state(state: State, kind: Kind = Kind.SOS, at: datetime = T0, owner: Operator = ANNA) -> Alert:
    """An alert brought to `state` one second after it was opened, by the actions an operator would take."""
    way = {
        State.WAITING: (),
        State.CLAIMED: (Action.CLAIM,),
        State.HELPING: (Action.CLAIM, Action.DISPATCH),
        State.HANDED_OVER: (Action.CLAIM, Action.HAND_OVER),
        State.RESOLVED: (Action.CLAIM, Action.RESOLVE),
        State.CLOSED: (Action.CLAIM, Action.RESOLVE, Action.CLOSE),
    }
    alert = opened(kind, at)
    for action in way[state]:
        alert = after(alert, acted(action, owner), at + s(1))
    assert alert.state is state
    return alert


def due(alert: Alert) -> dict[TimerKind, float]:
    """Pending deadlines in seconds after T0."""
    return {kind: (at - T0).total_seconds() for kind, at in deadlines(alert, POLICY).items()}


def fire(alert: Alert, *, until: datetime) -> tuple[Alert, list[tuple[float, str, Change]]]:
    """Let time pass with nobody there: every deadline fires when it is due, earliest first."""
    fired: list[tuple[float, str, Change]] = []
    while pending := deadlines(alert, POLICY):
        kind, at = min(pending.items(), key=lambda item: item[1])
        if at > until:
            break
        outcome = decide(ALERT_TABLE, alert, TimerDue(kind, at), now=at, policy=POLICY)
        assert isinstance(outcome, Decided), outcome
        alert = outcome.change.alert
        fired.append(((at - T0).total_seconds(), outcome.rule, outcome.change))
        assert len(fired) < 1000, "deadlines that never move"
    return alert, fired


def rungs(fired: list[tuple[float, str, Change]]) -> list[tuple[float, str]]:
    return [(at, change.data["rung"]) for at, identifier, change in fired if identifier == "ladder.climbs"]


def test_a_changed_alert_is_the_one_the_standard_library_makes() -> None:
    plain, whole = (next(one for one in records(State.CLAIMED) if one and one.silent is flag) for flag in (False, True))
    for name in (field.name for field in fields(Alert)):
        value = getattr(whole, name)
        assert replace(plain, **{name: value}) == by_the_book(plain, **{name: value})
    assert replace(plain) == plain
    assert plain != whole, "and neither was changed"
    for wrong in ({"stat": State.CLOSED}, {"priority": 1}):
        with pytest.raises(TypeError, match="no field"):
            replace(plain, **wrong)
    with pytest.raises(FrozenInstanceError):
        replace(plain, rung=1).rung = 2  # type: ignore[misc]
    assert replace(SUBJECT, key="k") == by_the_book(SUBJECT, key="k"), "also what has slots"


# -- the full product: every state, none included, with every input


def records(state: State | None) -> Iterator[Alert | None]:
    """Every kind, with and without an owner, plain and with all flags; also ones no path leads to."""
    if state is None:
        yield None
        return
    for kind, owner, (flags, subject) in product(
        Kind, (None, ANNA), ((False, SUBJECT), (True, SUBJECT), (True, PRACTISED))
    ):
        at = T0 if flags else None
        yield Alert(
            id="A1",
            subject=subject,
            kind=kind,
            state=state,
            opened_at=T0,
            last_press_at=T0,
            press_count=3 if flags else int(kind not in TECHNICAL),
            troubles=2 if flags else int(kind in TECHNICAL),
            recent=(T0, T0 + s(5)) if flags else (),
            raised=9 if flags else 0,
            silent=flags,
            degraded=flags,
            late=flags,
            drill=flags,
            possibly_old=flags,
            cancel_pressed=flags,
            waiting_since=T0,
            rung=99 if flags else 0,
            rung_at=T0,
            owner=owner,
            transfer_to=BERT if flags else None,
            transfer_at=at,
            touched_at=at,
            owner_gone_at=at,
            attention_at=at,
            resolved_at=at,
            outcome=Outcome.OTHER if flags else None,
            reached_at=at,
            silent_at=at,
            asked_at=at,
            call_backs=2 if flags else 0,
            waves=2 if flags else 0,
            responder="responder:y" if flags else "",
            accepted_at=at,
            arrived_at=at,
            astray_at=at,
            searchers=("responder:y",) if flags else (),
            searchers_wanted=2 if flags else 0,
            moves_by=at,
            more_at=at,
            more_by=at,
            version=7,
        )


def _inputs(key: str) -> Iterator[AlertInput]:
    """What an input of this key can look like: complete, bare, by the owner and by others, of every kind."""
    if key == "alarm":
        for kind, flags in product(Kind, (False, True)):
            yield alarm(kind, degraded=flags, late=flags, possibly_old=flags, drill=flags)
        yield alarm(Kind.SOS, ref=None)
    elif key == "cancel":
        yield CancelPressed("bracelet-1", "m-2")
    elif key == "trouble_ended":
        yield from (TroubleEnded(device, kind) for device in ("bracelet-1", "phone-1") for kind in Kind)
    elif key.startswith("timer."):
        yield TimerDue(TimerKind(key.removeprefix("timer.")), T0 + s(10))
    elif key == "drill_ended":
        yield DrillEnded()
    elif key == "owner_talks":
        yield OwnerTalks()
    elif key == "operator_gone":
        yield from (OperatorGone(ANNA.id), OperatorGone(BERT.id))
    elif key == "operator_left":
        yield from (OperatorLeft(ANNA.id), OperatorLeft(ANNA.id, "the bus goes"), OperatorLeft(BERT.id))
    elif key == "operator_back":
        yield from (OperatorBack(ANNA.id), OperatorBack(BERT.id))
    elif key == "colleague_gone":
        yield from (ColleagueGone(ANNA.id), ColleagueGone(BERT.id))
    elif key == "effect_failed":
        yield EffectFailed("phone_group", "no_phone", {"group": "duty_manager"})
    elif key.startswith("call."):
        yield from (report(key.removeprefix("call."), role=role) for role in ("elder", "responder", "duty"))
    elif key.startswith("responder."):
        kind = Deed(key.removeprefix("responder."))
        yield from (deed(kind, party) for party in ("responder:x", "responder:y"))
        yield ResponderActed(kind, "responder:y", "Chen")
    else:
        action = Action(key.removeprefix("action."))
        yield from (acted(action, by, version=7) for by in (ANNA, BERT, CHIEF))
        yield acted(action, ANNA, version=6)
        yield OperatorActed(action, ANNA, outcome="no such outcome", other_open="A0")


inputs = cache(lambda key: tuple(_inputs(key)))
PRODUCT = list(product((None, *State), KEYS))


def test_the_keys_are_those_of_the_inputs_and_the_table_has_no_other() -> None:
    assert all(one.key == key for key in KEYS for one in inputs(key))
    assert {key for _state, key in ALERT_TABLE} <= set(KEYS)
    assert len(set(KEYS)) == len(KEYS) == 24 + len(Action) + len(REPORTS) + len(Deed)


def test_a_pair_that_is_not_in_the_table_is_refused() -> None:
    absent = [(state, key) for state, key in PRODUCT if (state, key) not in ALERT_TABLE]
    assert len(absent) > 50
    for state, key in absent:
        for alert, happened in product(records(state), inputs(key)):
            outcome = ask(alert, happened, T0 + s(10))
            assert isinstance(outcome, Refused), (state, key)
            assert outcome.code == "not_allowed"
            assert outcome.owner == (alert.owner if alert else None)


def test_a_pair_in_the_table_never_raises_and_leads_where_its_rule_says() -> None:
    for (state, key), one in ALERT_TABLE.items():
        for alert, happened in product(records(state), inputs(key)):
            outcome = decide(ALERT_TABLE, alert, happened, now=T0 + s(10), policy=POLICY)
            if isinstance(outcome, Refused):
                assert outcome.detail
                continue
            assert outcome.rule == one.id
            assert outcome.change.alert.state in one.leads_to, (state, key)
            assert outcome.change.alert.version == counted(alert, outcome.change.alert)


def test_every_pair_in_the_table_can_be_decided() -> None:
    """A rule that always refuses would be a promise nobody keeps."""
    for state, key in ALERT_TABLE:
        outcomes = (ask(alert, happened, T0 + s(10)) for alert, happened in product(records(state), inputs(key)))
        assert any(isinstance(outcome, Change) for outcome in outcomes), (state, key)


def test_every_rule_has_an_identifier_and_a_sentence() -> None:
    for one in ALERT_TABLE.values():
        assert one.id.count(".") == 1
        assert one.says[0].isupper() or one.says[0].isdigit()
        assert one.says.endswith(".")
        assert one.leads_to
    by_id: dict[str, set[str]] = {}
    for one in ALERT_TABLE.values():
        by_id.setdefault(one.id, set()).add(one.says)
    assert all(len(says) == 1 for says in by_id.values())


@pytest.mark.parametrize("state", [None, *sorted(UNRESOLVED)])
def test_an_alarm_is_taken_in_every_unresolved_state(state: State | None) -> None:
    for alert, happened in product(records(state), inputs("alarm")):
        outcome = ask(alert, happened, T0 + s(10))
        assert isinstance(outcome, Change)
        assert outcome.alert.state in UNRESOLVED
        if isinstance(happened, AlarmRaised) and happened.ref:
            assert TellDevice(happened.subject.device, happened.ref, "stored", outcome.alert.id) in outcome.effects


@pytest.mark.parametrize("state", [None, *sorted(UNRESOLVED)])
def test_whatever_a_person_sends_rings(state: State | None) -> None:
    for alert, kind in product(records(state), SENT_BY_PEOPLE):
        outcome = ask(alert, alarm(kind), T0 + s(10))
        assert isinstance(outcome, Change)
        assert outcome.ring


# -- every reachable record

# Those that must never end by themselves, and each that is no emergency. The others are told apart by rank only.
WALKED = (Kind.SOS, Kind.FALL, Kind.FIRE, Kind.GAS, Kind.OFFLINE, Kind.SERVICE, Kind.BATTERY)


@dataclass(frozen=True, slots=True)
class Step:
    before: Alert | None
    happened: AlertInput
    at: datetime
    decided: Decided

    @property
    def after(self) -> Alert:
        return self.decided.change.alert


def _abstract(alert: Alert) -> tuple[object, ...]:
    """What the rules look at, without the times: two alerts alike in this have the same future."""
    return (
        alert.state,
        alert.kind,
        alert.owner and alert.owner.id,
        alert.silent,
        min(alert.press_count, 2),
        min(alert.troubles, 2) if alert.kind in TECHNICAL else None,
        alert.rung if alert.state is State.WAITING else None,
        alert.owner_gone_at is not None,
        alert.attention_at is not None,
        alert.outcome,
        (
            bool(alert.responder),
            alert.arrived_at is not None,
            alert.asked_at is not None,
            min(alert.waves, 3),
            alert.silent_at is not None,
            alert.call_backs,
            alert.moves_by is not None,
            alert.more_at is not None,
            alert.more_by is not None,
        ),
        (alert.searching, len(alert.searchers), wants_somebody(alert), alert.found_at is not None),
        alert.transfer_to is not None,
        alert.exercise,
    )


def _latest(alert: Alert) -> datetime:
    times = (alert.last_press_at, alert.rung_at, alert.touched_at, alert.owner_gone_at, alert.attention_at,
             alert.transfer_at)  # fmt: skip
    return max(at for at in times if at)


def _happenings(alert: Alert) -> Iterator[tuple[AlertInput, datetime]]:
    now = _latest(alert) + s(1)
    for kind, at in deadlines(alert, POLICY).items():
        yield TimerDue(kind, at), max(at, now)
    others: list[AlertInput] = [
        *(alarm(kind) for kind in WALKED),
        CancelPressed("bracelet-1", "m-2"),
        *(TroubleEnded("bracelet-1", kind) for kind in TECHNICAL),
        OperatorGone(alert.owner.id if alert.owner else ANNA.id),
        OperatorLeft(alert.owner.id if alert.owner else ANNA.id),
        OperatorBack(alert.owner.id if alert.owner else ANNA.id),
        EffectFailed("phone_group", "no_phone"),
        *(acted(action) for action in Action),
        *(acted(action, CHIEF) for action in (Action.RELEASE, Action.TRANSFER)),
        *(acted(action, BERT) for action in (Action.TAKE_OVER, Action.DECLINE)),
        ColleagueGone(BERT.id),
    ]
    yield from ((one, now) for one in others if (alert.state, one.key) in ALERT_TABLE)


def _calls(alert: Alert) -> Iterator[tuple[AlertInput, datetime]]:
    now = _latest(alert) + s(1)
    for kind, at in deadlines(alert, POLICY).items():
        yield TimerDue(kind, at), max(at, now)
    actions = (Action.CLAIM, Action.NO_VOICE, Action.DISPATCH, Action.HAND_OVER, Action.RESOLVE, Action.TRANSFER)
    others: list[AlertInput] = [
        *(report(what) for what in REPORTS),
        *(acted(action) for action in actions),
        OwnerTalks(),
    ]
    yield from ((one, now) for one in others if (alert.state, one.key) in ALERT_TABLE)


def _deeds(alert: Alert) -> Iterator[tuple[AlertInput, datetime]]:
    """What the people do who were asked to go, one who goes and another one."""
    now = _latest(alert) + s(1)
    for kind, at in deadlines(alert, POLICY).items():
        yield TimerDue(kind, at), max(at, now)
    actions = (Action.CLAIM, Action.HAND_OVER, Action.OFFER_NEXT, Action.ASK_ABOVE, Action.HOLD)
    others: list[AlertInput] = [deed(one) for one in Deed]
    others += [deed(one, "responder:y") for one in (Deed.ACCEPTS, Deed.ARRIVES, Deed.CANNOT)]
    others += [acted(action) for action in actions]
    yield from ((one, now) for one in others if (alert.state, one.key) in ALERT_TABLE)


@cache
def steps() -> list[Step]:
    """Breadth first from no alert at all, through everything that can happen."""
    found: list[Step] = []
    seen: set[tuple[object, ...]] = set()
    queue: deque[Alert] = deque()

    def take(before: Alert | None, happened: AlertInput, at: datetime, policy: policies.AlertPolicy = POLICY) -> None:
        outcome = decide(ALERT_TABLE, before, happened, now=at, policy=policy)
        if isinstance(outcome, Refused):
            return
        found.append(Step(before, happened, at, outcome))
        key = _abstract(outcome.change.alert)
        if key not in seen:
            seen.add(key)
            queue.append(outcome.change.alert)

    for kind in WALKED:
        take(None, alarm(kind), T0)
    while queue:
        alert = queue.popleft()
        for happened, at in _happenings(alert):
            take(alert, happened, at)
    # The same with a telephone, for one kind: what calls bring, in every order.
    take(None, alarm(Kind.SOS), T0 + s(1), RINGING)
    queue.append(found[-1].after)
    while queue:
        alert = queue.popleft()
        for happened, at in _calls(alert):
            take(alert, happened, at, RINGING)
    # And somebody who has left their zone, for whom several look at once.
    take(None, alarm(Kind.WANDER), T0 + s(2), SEARCHING)
    queue.append(found[-1].after)
    while queue:
        alert = queue.popleft()
        for happened, at in _search(alert):
            take(alert, happened, at, SEARCHING)
    take(None, alarm(Kind.FALL), T0 + s(1), RINGING)
    take(found[-1].after, acted(Action.CLAIM), T0 + s(2), RINGING)
    queue.append(found[-1].after)
    while queue:
        alert = queue.popleft()
        for happened, at in _deeds(alert):
            take(alert, happened, at, RINGING)
    take(None, practice(), T0 + s(3))
    queue.append(found[-1].after)
    while queue:
        alert = queue.popleft()
        for happened, at in _drilled(alert):
            take(alert, happened, at)
    return found


def practice(**more: object) -> AlarmRaised:
    """A supervisor opens an alert to practise with."""
    return AlarmRaised("A1", PRACTISED, Kind.SOS, drill=True, **more)


def _drilled(alert: Alert) -> Iterator[tuple[AlertInput, datetime]]:
    """A drill, and what comes of it should anything real ever be taken for part of it."""
    now = _latest(alert) + s(1)
    for kind, at in deadlines(alert, POLICY).items():
        yield TimerDue(kind, at), max(at, now)
    others: list[AlertInput] = [
        *(acted(action) for action in Action),
        DrillEnded(),
        practice(),
        alarm(),
        alarm(Kind.FALL),
    ]
    yield from ((one, now) for one in others if (alert.state, one.key) in ALERT_TABLE)


def _search(alert: Alert) -> Iterator[tuple[AlertInput, datetime]]:
    now = _latest(alert) + s(1)
    for kind in (TimerKind.NEXT_WAVE, TimerKind.ARRIVAL):
        if at := deadlines(alert, RINGING).get(kind):
            yield TimerDue(kind, at), max(at, now)
    calls = (replace(report(what), party=party) for what in ("accepted", "found") for party in ("p:1", "p:2"))
    actions = (Action.CLAIM, Action.DISPATCH, Action.OFFER_NEXT, Action.HAND_OVER, Action.FOUND, Action.RESOLVE)
    others: list[AlertInput] = [*calls, *(acted(action) for action in (*actions, Action.REOPEN)), alarm(Kind.WANDER)]
    yield from ((one, now) for one in others if (alert.state, one.key) in ALERT_TABLE)


def reachable() -> Iterator[Alert]:
    """One alert of each sort that the walk came to."""
    yield from {_abstract(step.after): step.after for step in steps()}.values()


def broken(holds: Callable[[Step], bool]) -> list[str]:
    """Steps of which something does not hold, the first few, readable."""
    wrong = [step for step in steps() if not holds(step)]
    return [f"{step.decided.rule}: {step.happened} made {step.before} into {step.after}" for step in wrong[:3]]


def test_the_walk_reaches_every_state_and_every_rule() -> None:
    assert {step.after.state for step in steps()} == set(State)
    assert {step.decided.rule for step in steps()} == {one.id for one in ALERT_TABLE.values()}
    assert {step.after.kind for step in steps()} == {*WALKED, Kind.WANDER}


def test_a_rule_names_no_state_to_which_it_never_leads() -> None:
    reached: dict[tuple[State | None, str], set[State]] = {}
    for step in steps():
        key = (step.before.state if step.before else None, step.happened.key)
        reached.setdefault(key, set()).add(step.after.state)
    idle = {
        (str(state), key): sorted(never)
        for (state, key), one in ALERT_TABLE.items()
        if (never := one.leads_to - reached.get((state, key), {state}))
    }
    assert idle == {}


def test_every_open_alert_has_a_deadline_and_a_closed_one_none() -> None:
    assert broken(lambda step: bool(deadlines(step.after, POLICY)) == (step.after.state in OPEN)) == []


def test_every_deadline_is_a_rule_of_its_state() -> None:
    def known(step: Step) -> bool:
        return all((step.after.state, f"timer.{kind}") in ALERT_TABLE for kind in deadlines(step.after, POLICY))

    assert broken(known) == []


def test_a_deadline_that_fires_is_decided_and_moves() -> None:
    """A refused one, or one that stays due, would fire again for ever."""
    for alert in reachable():
        for kind, at in deadlines(alert, POLICY).items():
            outcome = ask(alert, TimerDue(kind, at), at)
            assert isinstance(outcome, Change), (alert, kind)
            then = deadlines(outcome.alert, POLICY).get(kind)
            assert then is None or then > at or outcome.alert.rung > alert.rung, (alert, kind)


def test_an_unresolved_alert_is_never_left_alone_longer_than_its_policy_says() -> None:
    longest = {
        State.CLAIMED: POLICY.claim_idle_s,
        State.HELPING: POLICY.help_check_s,
        State.HANDED_OVER: POLICY.reask_s,
    }

    def soon(step: Step) -> bool:
        if step.after.state not in UNRESOLVED:
            return True
        ladder = POLICY.ladder(step.after.kind)
        waits = max(ladder.repeat_s, *(rung.after_s for rung in ladder.rungs))
        limit = s(longest.get(step.after.state, waits))
        return min(deadlines(step.after, POLICY).values()) <= step.at + limit

    assert broken(soon) == []


def counted(before: Alert | None, after: Alert) -> int:
    """The version counts the changes of the record: what changes nothing of it makes nobody's view stale."""
    if before is None:
        return 1
    return before.version + (replace(after, version=before.version) != before)


def test_the_version_counts_the_changes() -> None:
    assert broken(lambda x: x.after.version == counted(x.before, x.after)) == []


def test_what_happened_once_stays_so() -> None:
    def kept(step: Step) -> bool:
        before, now = step.before, step.after
        return before is None or (
            (before.id, before.subject, before.opened_at) == (now.id, now.subject, now.opened_at)
            and now.press_count >= before.press_count
            and now.raised >= before.raised
            and RANK[now.kind] <= RANK[before.kind]
            and now.silent >= before.silent
            and now.last_press_at >= before.last_press_at
        )

    assert broken(kept) == []


def test_a_waiting_alert_has_no_owner_and_a_claimed_or_helped_one_has() -> None:
    needs = {State.WAITING: False, State.CLAIMED: True, State.HELPING: True}
    assert broken(lambda step: needs.get(step.after.state, bool(step.after.owner)) == bool(step.after.owner)) == []


def test_nothing_resolves_without_a_named_operator_and_an_outcome() -> None:
    def by_somebody(step: Step) -> bool:
        named = isinstance(step.happened, OperatorActed) and bool(step.happened.by.id) and bool(step.happened.by.name)
        came = (
            step.after.state is State.RESOLVED and step.before is not None and step.before.state is not State.RESOLVED
        )
        return not came or (named and step.after.outcome is not None)

    assert broken(by_somebody) == []


def test_only_a_technical_alert_nobody_pressed_on_closes_without_an_outcome() -> None:
    """SOS, fall, fire, gas and whatever is silent or was pressed need a named human."""

    def allowed(step: Step) -> bool:
        if step.after.state is not State.CLOSED or step.before is None or step.before.state is State.CLOSED:
            return True
        if isinstance(step.happened, OperatorActed):
            return step.after.outcome is not None and step.before.state is State.RESOLVED
        if step.before.exercise:
            return step.happened.key in ("drill_ended", "timer.drill") and step.after.outcome is not None
        only_this = not step.before.silent and step.before.press_count == 0 and step.before.troubles == 1
        return isinstance(step.happened, TroubleEnded) and step.before.kind in TECHNICAL and only_this

    assert broken(allowed) == []


def test_no_timer_and_no_device_ends_an_alert_of_a_person() -> None:
    ends = {State.RESOLVED, State.CLOSED}

    def by_people(step: Step) -> bool:
        ended = step.before is not None and step.before.state is not step.after.state and step.after.state in ends
        of_person = step.after.kind not in TECHNICAL or step.after.silent
        drill = step.before is not None and step.before.drill and step.before.subject.practised
        return not (ended and of_person) or isinstance(step.happened, OperatorActed) or drill

    assert broken(by_people) == []


def test_only_a_drill_ends_with_the_drill_or_by_a_clock() -> None:
    """Neither what is marked as a drill nor the subject of one is enough: in doubt a person ends it."""
    for state, happened in product(OPEN, (DrillEnded(), TimerDue(TimerKind.DRILL, T0))):
        for alert in records(state):
            assert alert is not None
            real = replace(alert, drill=False)
            outcomes = [ask(one, happened, T0 + s(10)) for one in (alert, real)]
            ended = [isinstance(one, Change) and one.alert.state is State.CLOSED for one in outcomes]
            assert ended == [alert.drill and alert.subject == PRACTISED, False], alert


def test_a_real_alarm_that_were_taken_for_part_of_a_drill_makes_it_real_for_good() -> None:
    """No path leads there (tests/integration/test_drills.py); should one ever, nobody is lost."""

    def stays(step: Step) -> bool:
        if step.before is None or not step.before.subject.practised:
            return True
        real = isinstance(step.happened, AlarmRaised) and not step.happened.drill
        return step.after.drill is (step.before.drill and not real)

    assert broken(stays) == []
    assert any(step.before and step.before.exercise and not step.after.drill for step in steps())


def test_a_drill_left_alone_ends_after_half_an_hour_whatever_its_state() -> None:
    any_record = (alert for state in State for alert in records(state) if alert)
    for alert in (*reachable(), *any_record):
        due = deadlines(alert, POLICY)
        if alert.drill and alert.subject.practised and alert.state in OPEN:
            assert due[TimerKind.DRILL] - max(alert.opened_at, alert.touched_at or alert.opened_at) == s(1800)
        else:
            assert TimerKind.DRILL not in due


def test_a_drill_never_rings_an_emergency_number() -> None:
    drill = after(after(None, practice(), T0), acted(Action.CLAIM), T0 + s(1))
    ringing = replace(POLICY, rings=True)
    for number, refused in (("120", True), ("119", True), ("110", True), ("+8613900000001", False)):
        wanted = acted(Action.BRING_IN, party="", number=number)
        outcome = decide(ALERT_TABLE, drill, wanted, now=T0 + s(2), policy=ringing)
        assert isinstance(outcome, Refused) is refused, number


def test_the_ladder_is_climbed_one_rung_at_a_time_or_begun_anew_by_an_emergency() -> None:
    def one_by_one(step: Step) -> bool:
        if step.before is None:
            return step.after.rung == 0
        if step.happened.key == "timer.rung":
            return step.after.rung == min(step.before.rung + 1, len(POLICY.ladder(step.before.kind).rungs))
        anew = step.after.kind in EMERGENCIES and step.before.kind not in EMERGENCIES
        return step.after.rung == (0 if anew else step.before.rung)

    assert broken(one_by_one) == []


def test_the_age_in_the_queue_changes_only_when_an_emergency_joins_what_was_none() -> None:
    def kept(step: Step) -> bool:
        if step.before is None or (step.after.kind in EMERGENCIES and step.before.kind not in EMERGENCIES):
            return step.after.waiting_since == step.at
        return step.after.waiting_since == step.before.waiting_since

    assert broken(kept) == []


def test_what_returns_to_the_queue_rings() -> None:
    def rings(step: Step) -> bool:
        came_back = step.after.state is State.WAITING and (
            step.before is None or step.before.state is not State.WAITING
        )
        return not came_back or step.decided.change.ring

    assert broken(rings) == []


def test_every_effect_survives_being_stored() -> None:
    effects = {effect for step in steps() for effect in step.decided.change.effects}
    kinds = {type(effect) for effect in effects}
    phone = {
        PhoneParty,
        HangUpColleague,
        PhoneGroup,
        PhoneResident,
        PhoneContact,
        PhoneOperator,
        AskResponders,
        HangUpOthers,
        EndSearch,
        LeaveRoom,
    }
    assert kinds == {TellDevice, TellDevices} | phone
    assert all(from_row(*to_row(effect)) == effect for effect in effects)
    for effect in effects:  # a newer release says more of it
        kind, args = to_row(effect)
        assert from_row(kind, args | {"whispers": True}) == effect


# -- priority


def test_priorities_are_in_the_order_of_the_design() -> None:
    order = [{Kind.FALL}, {Kind.FIRE, Kind.GAS}, {Kind.AMBULANCE}, {Kind.SOS, Kind.HELP}, {Kind.WANDER},
             {Kind.OFFLINE}, {Kind.SERVICE}, {Kind.BATTERY}]  # fmt: skip
    assert set().union(*order) == set(Kind)
    numbers = [{opened(kind).priority for kind in kinds} for kinds in order]
    assert all(len(same) == 1 for same in numbers)
    firsts = [min(same) for same in numbers]
    assert firsts == sorted(set(firsts))
    assert firsts[0] == 2
    assert firsts[-1] == 9


@pytest.mark.parametrize("kind", SENT_BY_PEOPLE)
def test_a_silent_alert_that_is_pressed_again_stands_first(kind: Kind) -> None:
    silent = after(in_state(State.CLAIMED, kind), acted(Action.NO_VOICE), T0 + s(2))
    assert silent.priority == opened(kind).priority
    assert after(silent, alarm(kind), T0 + s(3)).priority == 1


@pytest.mark.parametrize(("presses", "steps_up"), [(1, 0), (2, 0), (3, 1), (4, 1), (5, 1), (6, 2), (9, 3)])
def test_three_presses_in_sixty_seconds_raise_one_step(presses: int, steps_up: int) -> None:
    alert = opened(Kind.SOS)
    for number in range(1, presses):
        alert = after(alert, alarm(Kind.SOS), T0 + s(number * 6))
    assert alert.press_count == presses
    assert alert.priority == RANK[Kind.SOS] - steps_up


def test_presses_raise_never_above_one() -> None:
    alert = opened(Kind.FALL)
    for number in range(1, 40):
        alert = after(alert, alarm(Kind.FALL), T0 + s(number))
    assert alert.priority == 1


def test_presses_far_apart_do_not_raise() -> None:
    alert = opened(Kind.SOS)
    for number in range(1, 20):
        alert = after(alert, alarm(Kind.SOS), T0 + s(number * 31))
    assert alert.priority == RANK[Kind.SOS]
    assert after(alert, alarm(Kind.SOS), T0 + s(19 * 31 + 28)).priority == RANK[Kind.SOS] - 1


def test_the_most_pressing_kind_names_the_alert() -> None:
    assert after(opened(Kind.SOS), alarm(Kind.FALL), T0 + s(1)).kind is Kind.FALL
    assert after(opened(Kind.FALL), alarm(Kind.SOS), T0 + s(1)).kind is Kind.FALL


# -- alarms that join


@pytest.mark.parametrize("kind", sorted(TECHNICAL))
@pytest.mark.parametrize("state", sorted(UNRESOLVED))
def test_a_technical_alarm_that_joins_is_neither_a_press_nor_rings(state: State, kind: Kind) -> None:
    before = in_state(state)
    outcome = ask(before, alarm(kind), T0 + s(5))
    assert isinstance(outcome, Change)
    assert not outcome.ring
    assert outcome.alert.troubles == 1
    assert replace(outcome.alert, version=before.version, troubles=0) == before
    assert outcome.data == {"kind": kind.value}


@pytest.mark.parametrize("kind", sorted(TECHNICAL))
def test_what_opens_a_technical_alert_is_no_press_of_the_person_who_presses_then(kind: Kind) -> None:
    alert = opened(kind)
    for number in (1, 2):
        alert = after(alert, alarm(Kind.SOS), T0 + s(number * 5))
    assert alert.priority == RANK[Kind.SOS], "two presses are not three"


@pytest.mark.parametrize("emergency", sorted(EMERGENCIES))
@pytest.mark.parametrize("kind", sorted(set(Kind) - EMERGENCIES))
@pytest.mark.parametrize("state", sorted(UNRESOLVED))
def test_an_emergency_that_joins_what_is_none_rings_anew(state: State, kind: Kind, emergency: Kind) -> None:
    alert, _ = (
        fire(in_state(state, kind), until=T0 + s(20_000)) if state is State.WAITING else (in_state(state, kind), 0)
    )
    now = T0 + s(20_001)
    outcome = ask(alert, alarm(emergency), now)
    assert isinstance(outcome, Change)
    assert outcome.ring
    assert outcome.alert.kind is emergency
    assert outcome.alert.state is State.WAITING
    assert outcome.alert.owner is None
    assert outcome.alert.waiting_since == now
    _, fired = fire(outcome.alert, until=now + s(120))
    assert [at - 20_001 for at, _ in rungs(fired)] == [15, 30, 60, 90, 120]


@pytest.mark.parametrize("state", OWNED)
def test_a_press_on_an_owned_emergency_stays_with_its_owner_who_must_react(state: State) -> None:
    outcome = ask(in_state(state), alarm(), T0 + s(5))
    assert isinstance(outcome, Change)
    assert outcome.ring
    assert outcome.alert.state is state
    assert outcome.alert.owner == ANNA
    assert outcome.alert.attention_at == T0 + s(5)
    again = after(outcome.alert, alarm(), T0 + s(9))
    assert again.attention_at == T0 + s(5), "pressing on must not give the owner more time"


def test_marks_of_the_presses_add_up() -> None:
    alert = opened(degraded=False, possibly_old=True)
    alert = after(alert, alarm(degraded=True, possibly_old=True), T0 + s(1))
    assert alert.degraded
    assert alert.possibly_old
    alert = after(alert, alarm(), T0 + s(2))
    assert alert.degraded, "that one press was unreadable stays true"
    assert not alert.possibly_old, "somebody pressed just now"


def test_a_real_press_makes_a_drill_real() -> None:
    drill = opened(drill=True)
    assert after(drill, alarm(drill=True), T0 + s(1)).drill
    assert not after(drill, alarm(), T0 + s(1)).drill


# -- a device's cancel, and the end of trouble


@pytest.mark.parametrize("state", sorted(UNRESOLVED))
def test_a_cancel_only_marks(state: State) -> None:
    before = in_state(state)
    outcome = ask(before, CancelPressed("bracelet-1", "m-2"), T0 + s(15))
    assert isinstance(outcome, Change)
    assert replace(outcome.alert, version=before.version, cancel_pressed=False) == before
    assert outcome.alert.cancel_pressed
    assert outcome.effects == (TellDevice("bracelet-1", "m-2", "stored", "A1"),)
    assert deadlines(outcome.alert, POLICY) == deadlines(before, POLICY)


def test_a_late_cancel_is_acknowledged_but_no_mark() -> None:
    outcome = ask(opened(), CancelPressed("bracelet-1", "m-2"), T0 + s(15.001))
    assert isinstance(outcome, Change)
    assert not outcome.alert.cancel_pressed
    assert outcome.data["in_time"] is False
    assert outcome.effects


def test_a_press_after_a_cancel_takes_the_mark_away() -> None:
    cancelled = after(opened(), CancelPressed("bracelet-1", "m-2"), T0 + s(5))
    assert not after(cancelled, alarm(), T0 + s(6)).cancel_pressed


def test_a_technical_alert_closes_when_its_trouble_is_over() -> None:
    assert after(opened(Kind.OFFLINE), TroubleEnded("bracelet-1", Kind.OFFLINE), T0 + s(9)).state is State.CLOSED


@pytest.mark.parametrize("state", OWNED)
def test_the_end_of_trouble_does_not_close_what_somebody_is_working_on(state: State) -> None:
    assert isinstance(ask(in_state(state, Kind.OFFLINE), TroubleEnded("bracelet-1", Kind.OFFLINE), T0 + s(9)), Refused)


@pytest.mark.parametrize(
    "ended",
    [
        TroubleEnded("phone-1", Kind.OFFLINE),
        TroubleEnded("bracelet-1", Kind.BATTERY),
    ],
)
def test_the_end_of_another_trouble_closes_nothing(ended: TroubleEnded) -> None:
    assert isinstance(ask(opened(Kind.OFFLINE), ended, T0 + s(9)), Refused)


def test_the_end_of_trouble_does_not_close_an_alert_in_which_nobody_spoke() -> None:
    alert = after(in_state(State.CLAIMED, Kind.OFFLINE), acted(Action.NO_VOICE), T0 + s(2))
    alert = after(alert, acted(Action.RELEASE), T0 + s(3))
    outcome = ask(alert, TroubleEnded("bracelet-1", Kind.OFFLINE), T0 + s(9))
    assert isinstance(outcome, Refused), "silent is the highest class: a person closes it (field.md 5.1)"


def test_the_end_of_trouble_does_not_close_a_service_call_that_joined() -> None:
    alert = after(opened(Kind.OFFLINE), alarm(Kind.SERVICE), T0 + s(5))
    outcome = ask(alert, TroubleEnded("bracelet-1", Kind.OFFLINE), T0 + s(9))
    assert isinstance(outcome, Refused), "somebody asked for something"


@pytest.mark.parametrize(
    "joined",
    [
        alarm(Kind.OFFLINE),
        AlarmRaised("A2", replace(SUBJECT, device="phone-1"), Kind.BATTERY),
    ],
)
def test_the_end_of_one_trouble_does_not_close_an_alert_that_another_trouble_joined(joined: AlarmRaised) -> None:
    alert = after(opened(Kind.BATTERY), joined, T0 + s(5))
    outcome = ask(alert, TroubleEnded("bracelet-1", Kind.BATTERY), T0 + s(9))
    assert isinstance(outcome, Refused) or outcome.alert.state is not State.CLOSED


def test_a_silent_device_that_joins_a_low_battery_is_not_left_on_the_slow_ladder() -> None:
    alert = after(opened(Kind.BATTERY), alarm(Kind.OFFLINE), T0 + s(5))
    assert alert.kind is Kind.OFFLINE


# -- the ladder


def test_the_rungs_of_an_unclaimed_sos_come_at_their_second() -> None:
    _, fired = fire(opened(), until=T0 + s(300))
    assert rungs(fired) == [
        (15, "all_seats"), (30, "supervisor"), (60, "overflow_group"), (90, "duty_manager"), (120, "keyholders"),
        (180, "ring_again"), (240, "ring_again"), (300, "ring_again"),
    ]  # fmt: skip
    assert all(change.ring for _at, _rule, change in fired)


def test_each_rung_phones_its_group_once() -> None:
    _, fired = fire(opened(), until=T0 + s(600))
    effects = [(change.data["rung"], change.effects) for _at, _rule, change in fired]
    assert effects[:5] == [
        ("all_seats", ()),
        ("supervisor", ()),
        ("overflow_group", (PhoneGroup("A1", "overflow_group"),)),
        ("duty_manager", (PhoneGroup("A1", "duty_manager"),)),
        ("keyholders", (PhoneGroup("A1", "keyholders_and_neighbours"),)),
    ]
    assert {(rung, phoned) for rung, phoned in effects[5:]} == {("ring_again", ())}


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_climbs_its_own_ladder(kind: Kind) -> None:
    ladder = POLICY.ladder(kind)
    last = ladder.rungs[-1].after_s
    _, fired = fire(opened(kind), until=T0 + s(last + 2 * ladder.repeat_s))
    again = [(last + ladder.repeat_s, "ring_again"), (last + 2 * ladder.repeat_s, "ring_again")]
    assert rungs(fired) == [(rung.after_s, rung.id) for rung in ladder.rungs] + again


def test_pressing_again_does_not_put_the_ladder_off() -> None:
    alert = opened()
    for second in range(1, 15):
        alert = after(alert, alarm(), T0 + s(second))
    assert due(alert) == {TimerKind.RUNG: 15}


@pytest.mark.parametrize(
    ("claimed", "released", "expected"),
    [
        (5, 10, [15, 30, 60, 90, 120]),
        (14, 20, [20, 30, 60, 90, 120]),
        (20, 40, [15, 40, 60, 90, 120]),
        (20, 100, [15, 100, 100, 100, 120]),
        (20, 500, [15, 500, 500, 500, 500]),
        (130, 200, [15, 30, 60, 90, 120]),
    ],
)
def test_after_a_claim_the_ladder_goes_on_at_the_old_age(claimed: int, released: int, expected: list[int]) -> None:
    alert, before = fire(opened(), until=T0 + s(claimed))
    alert = after(alert, acted(Action.CLAIM), T0 + s(claimed))
    for second in range(claimed, released, 30):
        alert = after(alert, acted(Action.STEP), T0 + s(second))
    alert = after(alert, acted(Action.RELEASE), T0 + s(released))
    assert alert.waiting_since == T0
    _, then = fire(alert, until=T0 + s(released + 130))
    climbed = [(at, rung) for at, rung in rungs(before + then) if rung != "ring_again"]
    assert climbed == list(zip(expected, [rung.id for rung in POLICY.ladder(Kind.SOS).rungs], strict=True))


def test_nobody_who_keeps_claiming_and_forgetting_stops_or_repeats_the_ladder() -> None:
    alert, climbed = opened(), []
    for start in range(0, 600, 70):
        alert, fired = fire(alert, until=T0 + s(start + 5))
        climbed += rungs(fired)
        alert = after(alert, acted(Action.CLAIM), T0 + s(start + 5))
    named = [rung for _at, rung in climbed if rung != "ring_again"]
    assert named == [rung.id for rung in POLICY.ladder(Kind.SOS).rungs]


# -- owners


@pytest.mark.parametrize("state", [State.CLAIMED, State.HELPING])
def test_an_alert_whose_owner_stays_away_returns_after_twenty_seconds(state: State) -> None:
    alert = after(in_state(state), OperatorGone(ANNA.id), T0 + s(3))
    assert due(alert)[TimerKind.OWNER_GONE] == 23
    alert, fired = fire(alert, until=T0 + s(23))
    assert [(at, identifier) for at, identifier, _ in fired if "ladder" not in identifier] == [(23, "owner.lost")]
    assert alert.state is State.WAITING
    assert alert.owner is None
    assert alert.waiting_since == T0


def test_120_keeps_what_was_handed_over_and_it_rings_until_somebody_takes_it() -> None:
    alert = after(in_state(State.HANDED_OVER), OperatorGone(ANNA.id), T0 + s(3))
    alert, fired = fire(alert, until=T0 + s(150))
    assert [(at, identifier) for at, identifier, _ in fired] == [
        (23, "ambulance.owner_lost"), (83, "ambulance.rings"), (143, "ambulance.rings"),
    ]  # fmt: skip
    assert all(change.ring for _at, _identifier, change in fired)
    assert alert.state is State.HANDED_OVER
    taken = after(alert, acted(Action.CLAIM, BERT), T0 + s(160))
    assert taken.state is State.HANDED_OVER
    assert taken.owner == BERT
    assert due(taken) == {TimerKind.REASK: 760}


@pytest.mark.parametrize("state", OWNED)
def test_an_owner_who_is_back_in_time_keeps_it(state: State) -> None:
    before = in_state(state)
    gone = after(before, OperatorGone(ANNA.id), T0 + s(3))
    assert isinstance(ask(gone, OperatorGone(ANNA.id), T0 + s(9)), Refused), "going again must not give more time"
    back = after(gone, OperatorBack(ANNA.id), T0 + s(22))
    assert deadlines(back, POLICY) == deadlines(before, POLICY)


@pytest.mark.parametrize("state", OWNED)
def test_whoever_is_given_an_alert_is_not_gone_because_the_one_before_was(state: State) -> None:
    gone = after(in_state(state), OperatorGone(ANNA.id), T0 + s(3))
    given = after(gone, acted(Action.TRANSFER, CHIEF), T0 + s(9))
    assert given.owner == BERT
    assert TimerKind.OWNER_GONE not in due(given)


@pytest.mark.parametrize("state", OWNED)
def test_consoles_of_others_change_nothing(state: State) -> None:
    alert = in_state(state)
    assert isinstance(ask(alert, OperatorGone(BERT.id), T0 + s(3)), Refused)
    assert isinstance(ask(alert, OperatorBack(BERT.id), T0 + s(3)), Refused)
    assert isinstance(ask(alert, OperatorBack(ANNA.id), T0 + s(3)), Refused), "was not gone"


def test_a_claim_left_alone_returns_after_a_minute() -> None:
    alert, fired = fire(in_state(State.CLAIMED), until=T0 + s(61))
    assert fired[0][:2] == (61, "claim.expires")
    assert alert.state is State.WAITING
    assert alert.waiting_since == T0


@pytest.mark.parametrize(
    "action", [Action.NOTE, Action.CALL_RESIDENT, Action.CALL_CONTACT, Action.NO_VOICE, Action.STEP]
)
def test_whatever_the_owner_does_keeps_the_claim(action: Action) -> None:
    alert = after(in_state(State.CLAIMED), acted(action), T0 + s(50))
    assert due(alert) == {TimerKind.CLAIM_IDLE: 110}


def test_a_note_of_somebody_else_does_not_keep_the_claim() -> None:
    alert = after(in_state(State.CLAIMED), acted(Action.NOTE, BERT), T0 + s(50))
    assert due(alert) == {TimerKind.CLAIM_IDLE: 61}


def test_help_nobody_looks_after_rings_its_owner_and_then_returns() -> None:
    alert, fired = fire(in_state(State.HELPING), until=T0 + s(361))
    assert [(at, identifier) for at, identifier, _ in fired][:2] == [(301, "help.asks"), (361, "attention.expires")]
    assert fired[0][2].ring
    assert alert.state is State.WAITING
    assert alert.waiting_since == T0


def test_a_press_while_help_is_on_its_way_gives_the_owner_a_minute() -> None:
    pressed = after(in_state(State.HELPING), alarm(), T0 + s(100))
    assert due(pressed) == {TimerKind.ATTENTION: 160}
    assert due(after(pressed, acted(Action.NOTE), T0 + s(130))) == {TimerKind.HELP_CHECK: 430}
    assert fire(pressed, until=T0 + s(160))[0].state is State.WAITING


def test_who_handed_over_to_120_is_asked_again_every_ten_minutes() -> None:
    alert, asked = in_state(State.HANDED_OVER), []
    for _ in range(4):
        [(kind, at)] = deadlines(alert, POLICY).items()
        assert kind is TimerKind.REASK
        asked.append((at - T0).total_seconds())
        alert = after(alert, TimerDue(kind, at), at)
        alert = after(alert, acted(Action.NOTE), at)
    assert asked == [601, 1201, 1801, 2401]


def test_a_resolved_alert_reminds_every_day_until_it_is_closed() -> None:
    alert, fired = fire(in_state(State.RESOLVED), until=T0 + s(3 * 86_400))
    assert [(at, identifier) for at, identifier, _ in fired] == [
        (86_401, "follow_up.reminds"), (172_801, "follow_up.reminds"),
    ]  # fmt: skip
    assert deadlines(after(alert, acted(Action.CLOSE, BERT), T0 + s(3 * 86_400)), POLICY) == {}


# -- operators


def test_the_first_claim_wins_and_the_second_hears_who_has_it() -> None:
    alert = after(opened(), acted(Action.CLAIM), T0 + s(4))
    assert alert.owner == ANNA
    assert ask(alert, acted(Action.CLAIM, BERT), T0 + s(4)) == Refused("lost_race", "Anna has it", ANNA)


def test_a_claim_tells_the_devices_that_somebody_is_there() -> None:
    outcome = ask(opened(), acted(Action.CLAIM), T0 + s(4))
    assert isinstance(outcome, Change)
    assert outcome.effects == (TellDevices("A1", "operator"),)
    assert outcome.data == {"waited_s": 4.0}


ANSWERS = (Action.TAKE_OVER, Action.DECLINE)
ADDING = (Action.NOTE, Action.CALL_RESIDENT, Action.CALL_CONTACT, Action.BRING_IN, Action.STEP)


@pytest.mark.parametrize("action", [a for a in Action if a not in (*ADDING, *ANSWERS)])
def test_an_action_on_an_alert_that_has_changed_since_is_refused(action: Action) -> None:
    state = next(state for state in State if (state, f"action.{action}") in ALERT_TABLE)
    alert = in_state(state)
    outcome = ask(alert, acted(action, version=alert.version - 1), T0 + s(9))
    assert isinstance(outcome, Refused)
    assert outcome.code == "stale_version"


@pytest.mark.parametrize("action", ADDING)
def test_adding_to_the_record_is_never_stale(action: Action) -> None:
    assert isinstance(ask(in_state(State.CLAIMED), acted(action, version=1), T0 + s(9)), Change)


@pytest.mark.parametrize("outcome", [None, "", "nothing of the list"])
def test_resolving_needs_an_outcome_of_the_list(outcome: str | None) -> None:
    refused = ask(in_state(State.CLAIMED), acted(Action.RESOLVE, outcome=outcome), T0 + s(9))
    assert isinstance(refused, Refused)
    assert refused.code == "missing"


def test_reopening_while_another_alert_of_the_person_is_open_is_refused() -> None:
    refused = ask(in_state(State.CLOSED), acted(Action.REOPEN, other_open="A9"), T0 + s(9))
    assert isinstance(refused, Refused)
    assert refused.code == "other_open"


@pytest.mark.parametrize("name", ["王秀英", ""])
def test_nobody_is_done_with_somebody_whom_nobody_has_heard(name: str) -> None:
    for state, action in (
        (State.CLAIMED, Action.RESOLVE),
        (State.HELPING, Action.RESOLVE),
        (State.RESOLVED, Action.CLOSE),
    ):
        refused = ask(in_state(state), acted(action, outcome=Outcome.FALSE_ALARM, waits=name), T0 + s(9))
        assert isinstance(refused, Refused)
        assert refused.code == "on_the_line"


@pytest.mark.parametrize("state", [State.RESOLVED, State.CLOSED])
def test_who_reopens_an_alert_has_it_and_its_outcome_is_gone(state: State) -> None:
    alert = after(in_state(state), acted(Action.REOPEN, BERT), T0 + s(9))
    assert (alert.state, alert.owner, alert.outcome, alert.resolved_at) == (State.CLAIMED, BERT, None, None)
    assert due(alert) == {TimerKind.CLAIM_IDLE: 69}


@pytest.mark.parametrize("responder", ["", "responder:x"])
def test_who_reopens_an_alert_sends_anew_and_no_old_deadline_rings_the_neighbours(responder: str) -> None:
    old = replace(in_state(State.CLOSED), responder=responder, accepted_at=T0, asked_at=T0, waves=2)
    alert = after(old, acted(Action.REOPEN, BERT), T0 + s(86_400))
    assert (alert.responder, alert.accepted_at, alert.arrived_at, alert.asked_at) == ("", None, None, None)
    assert (alert.waves, alert.reopened_at) == (0, T0 + s(86_400))
    assert deadlines(alert, RINGING).keys() == {TimerKind.CLAIM_IDLE}


def test_the_console_offers_exactly_what_will_not_be_refused() -> None:
    same_for_all_kinds = [alert for alert in reachable() if alert.kind is Kind.SOS and not alert.silent]
    for alert, operator in product(same_for_all_kinds, (ANNA, BERT, CHIEF)):
        now = _latest(alert) + s(1)
        to = ANNA if operator is BERT else BERT
        allowed = {one for one in Action if isinstance(ask(alert, acted(one, operator, to=to), now), Change)}
        assert set(possible_actions(alert, operator)) == allowed, (alert, operator)


@pytest.mark.parametrize("state", sorted(UNRESOLVED))
def test_an_effect_that_failed_is_told_with_a_ring(state: State) -> None:
    before = in_state(state)
    outcome = ask(before, EffectFailed("phone_group", "no_phone", {"group": "duty_manager"}), T0 + s(9))
    assert isinstance(outcome, Change)
    assert outcome.ring
    assert outcome.data == {"effect": "phone_group", "reason": "no_phone", "group": "duty_manager"}
    assert deadlines(outcome.alert, POLICY) == deadlines(before, POLICY)


# -- random lives


# Who may be at the other end of a call: two who were asked to go, the resident, colleagues, a duty phone.
PARTIES = (*(f"operator:{one.id}" for one in (ANNA, BERT, CHIEF)), "responder:x", "responder:y", "contact:c-1",
           "resident:r-1", "group:overflow")  # fmt: skip
ROLES = ("elder", "operator", "responder", "family", "duty", "caller", "guest")
ENDING = (Action.RESOLVE, Action.CLOSE)


class Lives(RuleBasedStateMachine):
    """One alert, anything in any order, time moved by any amount: a deadline is always there and is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.now = T0
        self.policy = POLICY
        self.alert = opened()
        self.ended_by: AlertInput | None = None

    def ask(self, happened: AlertInput) -> Change | Refused:
        outcome = decide(ALERT_TABLE, self.alert, happened, now=self.now, policy=self.policy)
        return outcome.change if isinstance(outcome, Decided) else outcome

    def take(self, happened: AlertInput) -> Change | Refused:
        change = self.ask(happened)
        if isinstance(change, Refused):
            return change
        before, now = self.alert, change.alert
        assert now.version == counted(before, now)
        if now.state not in UNRESOLVED and before.state in UNRESOLVED:
            self.ended_by = happened
        self.only_a_yes_makes_a_responder(before, happened, now)
        self.only_a_yes_hands_over(before, happened, now)
        self.no_turn_of_the_ladder_is_without_a_telephone(before, happened, change)
        self.a_new_need_finds_nobody_who_goes(before, happened, now)
        self.alert = now
        return change

    def no_turn_of_the_ladder_is_without_a_telephone(self, before: Alert, happened: AlertInput, change: Change) -> None:
        """An emergency that nobody takes, its ladder climbed: operators, groups, and people if nobody goes."""
        used_up = before.rung >= len(self.policy.ladder(before.kind).rungs)
        if happened.key != "timer.rung" or not (self.policy.rings and before.pressing and used_up):
            return
        assert PhoneOperator("A1") in change.effects
        groups = {rung.phone for rung in self.policy.ladder(before.kind).rungs if rung.phone}
        assert {effect.group for effect in change.effects if isinstance(effect, PhoneGroup)} == groups
        assert (AskResponders("A1", again=True) in change.effects) == wants_somebody(before)

    def a_new_need_finds_nobody_who_goes(self, before: Alert, happened: AlertInput, now: Alert) -> None:
        """Whoever came for an earlier press goes no more; whoever is on the way still does."""
        if not isinstance(happened, AlarmRaised) or happened.kind not in EMERGENCIES or before.state not in UNRESOLVED:
            return
        if before.arrived_at and not (before.more_at or before.more_by):
            assert wants_somebody(now)
        elif before.kind in EMERGENCIES and happened.kind is not Kind.WANDER:
            assert now.responder == before.responder

    def only_a_yes_makes_a_responder(self, before: Alert, happened: AlertInput, now: Alert) -> None:
        """One at a time: whoever goes is counted off before somebody else is counted on, unless seen at the door."""
        if now.responder in ("", before.responder):
            return
        if before.searching and now.found_at:  # who has found them is with them, whoever looked first
            assert happened.key in ("call.found", f"action.{Action.FOUND}")
            return
        if isinstance(happened, CallReport):
            assert happened.what == "accepted"
            assert not before.responder, "two claims of one alert"
            assert now.responder == happened.party
        elif isinstance(happened, ResponderActed):
            assert happened.deed is Deed.ARRIVES or (happened.deed is Deed.ACCEPTS and not before.responder)
            assert now.responder == happened.party
        else:
            assert isinstance(happened, OperatorActed)
            assert happened.action is Action.ARRIVED

    def only_a_yes_hands_over(self, before: Alert, happened: AlertInput, now: Alert) -> None:
        if not isinstance(happened, CallReport) or now.owner == before.owner:
            return
        assert happened.what == "took_over"
        assert before.owner
        assert now.owner == before.transfer_to
        assert now.owner
        assert happened.party == f"operator:{now.owner.id}"

    @initialize(
        kind=st.sampled_from(Kind),
        state=st.sampled_from(sorted(UNRESOLVED)),
        policy=st.sampled_from([POLICY, RINGING]),
        asked=st.booleans(),
    )
    def opens(self, kind: Kind, state: State, policy: policies.AlertPolicy, asked: bool) -> None:
        """Anywhere on the way, or few lives would come to where calls matter."""
        self.policy = policy
        self.alert = in_state(state, kind)
        self.now = T0 + s(2)
        if asked:
            self.take(acted(Action.TRANSFER))

    @rule(kind=st.sampled_from(Kind))
    def alarm(self, kind: Kind) -> None:
        if self.alert.state in UNRESOLVED:
            assert isinstance(self.ask(alarm(kind)), Change)
        self.take(alarm(kind))

    @rule(
        action=st.sampled_from(Action),
        by=st.sampled_from([ANNA, BERT, CHIEF]),
        to=st.sampled_from([ANNA, BERT]),
        party=st.sampled_from(["contact:c-1", "responder:x", ""]),
    )
    def acts(self, action: Action, by: Operator, to: Operator, party: str) -> None:
        self.take(acted(action, by, to=to, party=party))

    @rule(action=st.sampled_from([one for one in Action if one not in ENDING]), seconds=st.floats(0.001, 5))
    def its_owner_acts(self, action: Action, seconds: float) -> None:
        """Few actions of anybody are the owner's; without them hardly any alert gets far."""
        self.time_passes(seconds)
        who = self.alert.owner or ANNA
        self.take(acted(action, who, to=BERT if who == ANNA else ANNA))

    @rule(
        what=st.sampled_from(REPORTS),
        party=st.sampled_from(PARTIES),
        role=st.sampled_from(ROLES),
        reason=st.sampled_from(["", "busy", "nobody_came"]),
        again=st.booleans(),
    )
    def a_call_reports(self, what: str, party: str, role: str, reason: str, again: bool) -> None:
        """Any report of any call, and the same a second time: the call machine is not trusted here."""
        for _ in range(1 + again):
            before = self.alert
            change = self.take(CallReport(what, "C1", party, "Chen", reason, role=role))
            assert self.alert.state in OPEN or before.state not in OPEN, "a call ended an alert"
            if before.state not in UNRESOLVED:
                assert (self.alert, what) == (before, what), "a call moved what is over"
            if what == "accepted" and before.state in UNRESOLVED:
                self.the_first_yes_goes(before, party, change)

    @rule(what=st.sampled_from(OF_TRANSFER), theirs=st.booleans())
    def a_colleagues_call_reports(self, what: str, theirs: bool) -> None:
        """The telephone of whoever is asked to take it over, or of somebody who is not."""
        self.take(acted(Action.CLAIM))
        owner = self.alert.owner or ANNA
        self.take(acted(Action.TRANSFER, owner, to=BERT if owner == ANNA else ANNA))
        asked = self.alert.transfer_to
        who = asked if asked and theirs else CHIEF
        self.take(CallReport(what, "C1", f"operator:{who.id}", who.name, role="operator"))

    @rule(what=st.sampled_from(Deed), party=st.sampled_from(["responder:x", "responder:y"]), late=st.booleans())
    def somebody_on_their_page(self, what: Deed, party: str, late: bool) -> None:
        self.take(replace(deed(what, party), late=late))

    def the_first_yes_goes(self, before: Alert, party: str, change: Change | Refused) -> None:
        """The first one goes and everybody else stops ringing at once; a second one hears that somebody goes."""
        if before.searching:
            self.enough_look(before, party, change)
            return
        assert isinstance(change, Refused) == bool(before.responder)
        if isinstance(change, Refused):
            assert (change.code, self.alert) == ("lost_race", before)
            return
        assert self.alert.responder == party
        assert any(isinstance(e, HangUpOthers) and (e.alert, e.but) == ("A1", "C1") for e in change.effects)
        assert not any(isinstance(effect, AskResponders) for effect in change.effects)

    @rule(seconds=st.floats(0.001, 900))
    def time_passes(self, seconds: float) -> None:
        until = self.now + s(seconds)
        self.fire_all(until)
        self.now = until

    @rule(seconds=st.floats(1, 5_000))
    def the_centre_was_down(self, seconds: float) -> None:
        """Nothing fires meanwhile; afterwards everything late fires at once."""
        self.now += s(seconds)
        self.fire_all(self.now, late=True)

    def fire_all(self, until: datetime, *, late: bool = False) -> None:
        for _ in range(200):
            pending = deadlines(self.alert, self.policy)
            if not pending or min(pending.values()) > until:
                return
            kind, at = min(pending.items(), key=lambda item: item[1])
            self.now = max(self.now, at)
            assert isinstance(self.take(TimerDue(kind, at)), Change)
        assert late, "deadlines that never move"

    @rule(operator=st.sampled_from([ANNA, BERT, CHIEF]), back=st.booleans())
    def consoles(self, operator: Operator, back: bool) -> None:
        self.take(OperatorBack(operator.id) if back else OperatorGone(operator.id))

    @rule(operator=st.sampled_from([ANNA, BERT, CHIEF]))
    def leaves(self, operator: Operator) -> None:
        before = self.alert
        change = self.take(OperatorLeft(operator.id, "the bus goes"))
        if isinstance(change, Change):
            assert change.ring
            assert (self.alert.owner, self.alert.waiting_since) == (None, before.waiting_since)

    @rule()
    def cancels(self) -> None:
        before = self.alert.state
        self.take(CancelPressed("bracelet-1", "m-2"))
        assert self.alert.state is before

    @rule(kind=st.sampled_from(sorted(TECHNICAL)))
    def trouble_ends(self, kind: Kind) -> None:
        self.take(TroubleEnded("bracelet-1", kind))

    @invariant()
    def has_a_deadline_while_it_is_open(self) -> None:
        pending = deadlines(self.alert, self.policy)
        assert bool(pending) == (self.alert.state in OPEN)
        assert all((self.alert.state, f"timer.{kind}") in ALERT_TABLE for kind in pending)

    @invariant()
    def who_goes_or_is_asked_is_waited_for_no_longer_than_the_policy_says(self) -> None:
        """Somebody is on the way and not seen at the door, or people were asked and none has said yes."""
        alert, pending = self.alert, deadlines(self.alert, self.policy)
        if alert.state not in UNRESOLVED:
            return
        assert (alert.responder == "") <= (alert.accepted_at is None)
        if alert.responder and alert.accepted_at and not alert.arrived_at:
            assert pending[TimerKind.ARRIVAL] == alert.accepted_at + s(self.policy.arrive_s)
        assert (TimerKind.NEXT_WAVE in pending) == (alert.asked_at is not None and wants_somebody(alert))
        assert (TimerKind.TRANSFER in pending) == (alert.transfer_to is not None)

    def enough_look(self, before: Alert, party: str, change: Change | Refused) -> None:
        """As many as are wanted, each counted once; nobody else stops ringing before."""
        known, enough = party in before.searchers, not wants_somebody(before)
        assert isinstance(change, Refused) == (enough and not known)
        if isinstance(change, Refused):
            assert (change.code, self.alert) == ("lost_race", before)
            return
        assert set(self.alert.searchers) == {*before.searchers, party}
        assert len(self.alert.searchers) == len(set(self.alert.searchers))
        stops = any(isinstance(e, HangUpOthers) and (e.alert, e.but) == ("A1", "C1") for e in change.effects)
        assert stops == (not wants_somebody(self.alert))

    @invariant()
    def a_colleague_is_asked_only_by_whoever_has_it(self) -> None:
        if self.alert.transfer_to:
            assert self.alert.owner
            assert self.alert.state in OWNED

    @invariant()
    def nobody_waits_while_somebody_has_it(self) -> None:
        if self.alert.state is State.WAITING:
            assert self.alert.owner is None
        if self.alert.state in (State.CLAIMED, State.HELPING):
            assert self.alert.owner is not None

    @invariant()
    def an_emergency_ends_only_by_a_human_with_an_outcome(self) -> None:
        if self.alert.state in UNRESOLVED or not (self.alert.kind in EMERGENCIES or self.alert.silent):
            return
        assert isinstance(self.ended_by, OperatorActed)
        assert self.alert.outcome is not None

    @invariant()
    def priority_is_a_place_in_the_list(self) -> None:
        assert 1 <= self.alert.priority <= 9


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=80, stateful_step_count=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
