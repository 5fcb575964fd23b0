"""The call machine: the full product of its table, and the cases that were wrong once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product

import pytest

from callcenter.alerts.call_inputs import (
    CALL_KEYS,
    Agreed,
    CallDue,
    CallInput,
    CameTooLate,
    Dialling,
    HangUpWanted,
    Heard,
    HoldWanted,
    LeftAlone,
    Met,
    News,
    NotFound,
    NotPlaced,
    NotTaken,
    Placed,
    PlacingUnknown,
)
from callcenter.alerts.call_model import OVER, Answer, Call, CallOutcome, CallState, Direction, Role
from callcenter.alerts.call_rules import ALONE, CALL_TABLE, QUEUE, CallChange, CallDecided, decide_call
from callcenter.alerts.effects import EndCall, FindCall, PlaceCall
from callcenter.alerts.inputs import REPORTS
from callcenter.alerts.model import Kind
from callcenter.alerts.rules import Refused
from config import policies

T0 = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
_read = policies.read(kinds=frozenset(Kind))
assert not isinstance(_read, str)
POLICY = _read.calls

ONCE = ("placed_at", "ringing_at", "answered_at", "joined_at", "ended_at", "hang_up_at")
DIALOGUES = {
    "resident": (Role.ELDER, Direction.OUTBOUND),
    "welfare": (Role.ELDER, Direction.OUTBOUND),
    "offer": (Role.RESPONDER, Direction.OUTBOUND),
    "duty": (Role.DUTY, Direction.OUTBOUND),
    "operator": (Role.OPERATOR, Direction.INTERNAL),
    "transfer": (Role.OPERATOR, Direction.INTERNAL),
    "consult": (Role.GUEST, Direction.OUTBOUND),
    "hotline": (Role.CALLER, Direction.INBOUND),
}


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


NOW = T0 + s(90)
TIMES = (1.0, 30.0, 90.0)


def call(dialogue: str = "offer", **more: object) -> Call:
    role, direction = DIALOGUES[dialogue]
    given: dict = {
        "id": "C1", "direction": direction, "role": role, "dialogue": dialogue, "number": "+8613800000001",
        "party": "p:1", "name": "Chen", "alert_id": "A1", "wanted_at": T0, "not_after": T0 + s(60), "due": T0 + s(60),
    }  # fmt: skip
    return Call(**given | more)


def heard(what: News, **more: object) -> Heard:
    return Heard(what, T0, **{"ref": "CA1"} | more)  # type: ignore[arg-type]


def ended(outcome: CallOutcome | None = CallOutcome.NO_ANSWER, **more: object) -> Heard:
    return heard(News.ENDED, outcome=outcome, **more)


def denied(gateway: str = "one", at: float = 90) -> NotFound:
    """The carrier, asked `at` seconds after the start, knew no such call."""
    return NotFound(gateway, T0 + s(at))


def ask(before: Call, happened: CallInput, at: float = 90) -> CallChange | Refused:
    decided = decide_call(before, happened, now=T0 + s(at), policy=POLICY)
    return decided.change if isinstance(decided, CallDecided) else decided


def change(before: Call, happened: CallInput, at: float = 90) -> CallChange:
    changed = ask(before, happened, at)
    assert isinstance(changed, CallChange), changed
    return changed


def lived(before: Call, *happenings: tuple[float, CallInput]) -> Call:
    for at, happened in happenings:
        before = change(before, happened, at).call
    return before


# -- the full product


def _records(state: CallState) -> Iterator[Call]:
    """Plain, and with everything that a record can hold; also some that no path leads to."""
    over = state in OVER
    for dialogue, full in product(DIALOGUES, (False, True)):
        first = {"offer": "offer", "duty": "offer", "resident": "awake", "welfare": "well",
                 "transfer": "transfer"}.get(dialogue, "")  # fmt: skip
        plain = call(
            dialogue,
            state=state,
            due=None if over else T0 + s(80),
            ended_at=T0 + s(50) if over else None,
            outcome=CallOutcome.LOST if over else None,
            gateway="" if state is CallState.WANTED else "one",
            step="" if over else first,
            version=7,
            placed_at=None if state in (CallState.WANTED, CallState.UNKNOWN, CallState.FAILED) else T0 + s(1),
        )
        yield plain if not full else replace(
            plain, provider_ref="CA0", ringing_at=T0 + s(2), answered_at=T0 + s(3),
            joined_at=T0 + s(4), unknown_at=T0 + s(1), hang_up_at=T0 + s(5), checks=7, tries=1, machine=True,
            in_room=True, held=True, answer=Answer.DECLINED,
            outcome=CallOutcome.ANSWERED if over else None,
        )  # fmt: skip
        if not full:
            yield replace(plain, checks=2, unknown_at=T0, in_room=True)
            yield replace(plain, step="", answer=Answer.ACCEPTED, joined_at=T0 + s(4), in_room=True, held=True)


records = cache(lambda state: tuple(_records(state)))


def _inputs(key: str) -> Iterator[CallInput]:
    if key == "news.input":
        steps = ("offer", "awake", "well", "well_spoken", "transfer", "")
        for step, digits in product(steps, ("1", "2", "3", "9", "", None)):
            yield heard(News.INPUT, step=step, digits=digits)
    elif key == "news.ended":
        yield from (ended(outcome, talk_s=3.0) for outcome in (None, *CallOutcome))
    elif key.startswith("news."):
        yield from (heard(News(key.removeprefix("news."))), Heard(News(key.removeprefix("news.")), T0))
    else:
        bare: dict[str, tuple[CallInput, ...]] = {
            "dialling": (Dialling("one"), Dialling("two")),
            "not_taken": (NotTaken("one", "Throttled"), NotTaken("two", "Throttled")),
            "placed": (Placed("one", "CA1"), Placed("two", "CA2")),
            "not_placed": (NotPlaced("one", "NumberRejected"), NotPlaced("", "no_gateway", by_hand=True)),
            "placing_unknown": (PlacingUnknown("one", "OutcomeUnknown"), PlacingUnknown("two", "OutcomeUnknown")),
            "not_found": tuple(denied(gateway, at) for gateway in ("one", "two") for at in TIMES),
            "met": (Met(),),
            "due": (CallDue(T0 + s(80)), CallDue(T0 + s(80), alone=True)),
            "left_alone": (LeftAlone(silent=True), LeftAlone(silent=False)),
            "too_late": (CameTooLate(),),
            "hang_up": (HangUpWanted("somebody_goes"),),
            "agreed": (Agreed(),),
            "hold": (HoldWanted(True), HoldWanted(False)),
        }
        yield from bare[key]


inputs = cache(lambda key: tuple(_inputs(key)))
PRODUCT = list(product(CallState, CALL_KEYS))
IN_TABLE = set(CALL_TABLE)


def decisions(state: CallState, key: str) -> Iterator[tuple[Call, CallDecided | Refused]]:
    for before, happened, at in product(records(state), inputs(key), TIMES):
        yield before, decide_call(before, happened, now=T0 + s(at), policy=POLICY)


@cache
def decided() -> tuple[tuple[Call, str, CallDecided], ...]:
    every = ((before, key, one) for state, key in PRODUCT for before, one in decisions(state, key))
    return tuple((before, key, one) for before, key, one in every if isinstance(one, CallDecided))


def test_the_keys_are_those_of_the_inputs() -> None:
    assert all(one.key == key for key in CALL_KEYS for one in inputs(key))
    assert {key for _state, key in CALL_TABLE} == set(CALL_KEYS)
    assert len(set(CALL_KEYS)) == len(CALL_KEYS) == len(News) + 13


def test_a_pair_that_is_not_in_the_table_is_refused() -> None:
    absent = [pair for pair in PRODUCT if pair not in IN_TABLE]
    assert len(absent) > 30
    for state, key in absent:
        for _before, outcome in decisions(state, key):
            assert isinstance(outcome, Refused), (state, key)
            assert outcome.code == "not_allowed"


def test_a_pair_in_the_table_is_decided_or_refused_with_a_reason() -> None:
    for state, key in IN_TABLE:
        outcomes = [outcome for _before, outcome in decisions(state, key)]
        refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
        assert all(one.code in ("no_news", "unwanted", "too_late") and one.detail for one in refused), (state, key)
        assert len(refused) < len(outcomes), f"{state} {key}: a rule that always refuses promises nothing"


def test_a_rule_leads_where_it_says_and_nowhere_it_never_does() -> None:
    led: dict[tuple[CallState, str], set[CallState]] = {}
    for before, key, one in decided():
        led.setdefault((before.state, key), set()).add(one.change.call.state)
    assert {pair: targets - {pair[0]} for pair, targets in led.items()} == {
        pair: set(one.leads_to) for pair, one in CALL_TABLE.items()
    }


def test_every_rule_has_an_identifier_and_one_sentence() -> None:
    by_id: dict[str, set[str]] = {}
    for rule in CALL_TABLE.values():
        assert rule.id.startswith("call.")
        assert rule.says[0].isupper()
        assert rule.says.endswith(".")
        by_id.setdefault(rule.id, set()).add(rule.says)
    assert all(len(says) == 1 for says in by_id.values())
    assert {one.rule for _before, _key, one in decided()} == {*by_id, QUEUE.id, ALONE.id}


def test_a_time_is_written_once() -> None:
    for before, key, one in decided():
        for name in ONCE:
            kept = getattr(before, name) in (None, getattr(one.change.call, name))
            assert kept, (before.state, key, name)


def test_what_names_the_call_never_changes() -> None:
    fixed = ("id", "direction", "role", "dialogue", "number", "party", "alert_id", "wanted_at", "not_after", "ring_s")
    for before, key, one in decided():
        assert all(getattr(before, name) == getattr(one.change.call, name) for name in fixed), (before.state, key)
        assert before.provider_ref in ("", one.change.call.provider_ref), (before.state, key)


def test_an_open_call_has_a_due_time_and_one_that_is_over_has_none() -> None:
    for before, key, one in decided():
        assert (one.change.call.due is None) == one.change.call.over, (before.state, key)
        assert (one.change.call.outcome is not None) == one.change.call.over, (before.state, key)


def test_over_is_over() -> None:
    learned = {"provider_ref", "gateway", "version"}
    for before, key, one in decided():
        if before.over:
            same = replace(one.change.call, **{name: getattr(before, name) for name in learned})
            assert same == before, (before.state, key)
            assert not any(isinstance(effect, PlaceCall) for effect in one.change.effects)


def test_the_version_counts_the_changes() -> None:
    for before, key, one in decided():
        moved = replace(one.change.call, version=before.version) != before
        assert one.change.call.version == before.version + moved, (before.state, key)


def test_only_the_key_1_of_an_open_offer_accepts() -> None:
    accepting = [
        (before, key, one)
        for before, key, one in decided()
        if (one.change.call.answer is Answer.ACCEPTED and before.answer is None)
        or (one.change.report and one.change.report.what == "accepted")
    ]
    assert accepting
    by_key = [row for row in accepting if row[1] == "news.input"]
    agreed = [row for row in accepting if row not in by_key]
    assert {(key, before.dialogue) for before, key, _one in agreed} == {("agreed", "transfer")}, "said on the console"
    accepting = by_key
    assert all(one.change.data["digits"] == "1" and not before.hang_up_at for before, _key, one in accepting)


def test_what_an_alert_is_told_it_knows() -> None:
    assert {one.change.report.what for _before, _key, one in decided() if one.change.report} <= set(REPORTS)


def test_nothing_is_dialled_again_unless_no_carrier_has_it() -> None:
    dialled = {key for _before, key, one in decided() for e in one.change.effects if isinstance(e, PlaceCall)}
    assert dialled == {"not_found"}


# -- dialling, and not knowing

UNKNOWN = lived(call(), (0, Dialling("one")), (4, PlacingUnknown("one", "OutcomeUnknown")))


def test_a_lost_answer_is_looked_for_and_only_then_dialled_by_another() -> None:
    assert isinstance(ask(UNKNOWN, Dialling("two"), 5), Refused)
    assert isinstance(ask(UNKNOWN, denied("one", 5), 5), Refused)
    looked = change(UNKNOWN, CallDue(T0 + s(6)), 6)
    assert looked.effects == (FindCall("C1"),)
    gone = change(looked.call, denied("one", 6.2), 6.2)
    assert gone.effects == (PlaceCall("C1", without="one"),)
    assert gone.call.state is CallState.WANTED


def test_an_answer_to_an_older_question_is_no_reason_to_dial_again() -> None:
    """It was: a carrier's slow "unknown to me" about the first gateway made the third dial beside the second."""
    looked = lived(UNKNOWN, (6, CallDue(T0)), (6.2, denied("one", 6.2)), (6.3, Dialling("two")))
    assert isinstance(ask(looked, denied("one", 8.5), 8.5), Refused)
    assert isinstance(ask(looked, denied("two", 8.5), 8.5), Refused), "its request is still under way"
    asked = change(looked, CallDue(T0), 13).call
    assert isinstance(ask(asked, denied("one", 13.2), 13.2), Refused)
    assert isinstance(ask(asked, denied("two", 13.2), 13.2), CallChange)


def test_a_denial_from_before_its_carrier_was_asked_again_is_no_reason_to_dial_again() -> None:
    """It was: only its age was looked at, and the first carrier may be asked once more after the second."""
    again = lived(UNKNOWN, (6, CallDue(T0)), (6.2, denied("one", 6.1)), (6.3, Dialling("two")), (13, CallDue(T0)),
                  (13.2, denied("two", 13.1)), (13.3, Dialling("one")), (20, CallDue(T0)))  # fmt: skip
    assert isinstance(ask(again, denied("one", 6.1), 20.1), Refused)
    assert isinstance(ask(again, denied("one", 20.1), 20.2), CallChange)


def test_a_denial_from_before_it_was_placed_says_nothing() -> None:
    """It was lost: the answer to a question from before came when two others were on their way."""
    rings = lived(UNKNOWN, (6, CallDue(T0)), (6.2, Placed("one", "CA1")), (42, CallDue(T0)), (52, CallDue(T0)))
    assert isinstance(ask(rings, denied("one", 6.1), 53), Refused)
    assert isinstance(ask(rings, denied("one", 52.1), 53), CallChange)


@pytest.mark.parametrize(
    "late",
    [NotTaken("one", "Throttled"), PlacingUnknown("one", "OutcomeUnknown"), NotPlaced("", "no_gateway", by_hand=True)],
)
def test_what_another_gateway_says_late_does_not_free_a_call_that_may_ring(late: CallInput) -> None:
    """It did: the call was dialled again, or by hand, while the second gateway's request was under way."""
    before = lived(UNKNOWN, (6, CallDue(T0)), (6.2, denied("one", 6.2)), (6.3, Dialling("two")))
    assert isinstance(ask(before, late, 7), Refused)


def test_news_of_a_call_that_was_not_found_knows_whom_to_ask() -> None:
    """It did not: its gateway was forgotten, so that it could neither be looked up nor ended."""
    before = lived(UNKNOWN, (6, CallDue(T0)), (6.2, denied("one", 6.2)), (6.3, heard(News.RINGING)))
    assert (before.gateway, before.provider_ref) == ("one", "CA1")
    assert isinstance(ask(before, Dialling("two"), 6.4), Refused)


@pytest.mark.parametrize("news", [News.QUEUED, News.RINGING, News.ANSWERED, News.JOINED])
def test_what_nobody_needs_and_rings_after_all_is_ended(news: News) -> None:
    """JOINED did not end it."""
    unwanted = lived(UNKNOWN, (5, HangUpWanted("somebody_goes")))
    assert EndCall("C1") in change(unwanted, heard(news), 6).effects


def test_what_nobody_needs_is_ended_when_it_is_placed_and_never_dialled() -> None:
    wanted = change(call(), HangUpWanted("somebody_goes"), 0).call
    assert isinstance(ask(wanted, Dialling("one"), 1), Refused)
    unwanted = lived(UNKNOWN, (5, HangUpWanted("somebody_goes")), (6, CallDue(T0)))
    assert change(unwanted, Placed("one", "CA1"), 7).effects == (EndCall("C1"),)
    never = change(unwanted, denied("one", 7), 7)
    assert never.call.state is CallState.FAILED
    assert never.effects == ()
    assert never.report is None


def test_what_was_wanted_too_long_ago_is_not_dialled() -> None:
    """The carrier may have been dead meanwhile: when it comes back, nothing old rings."""
    assert isinstance(ask(call(), Dialling("one"), 59.9), CallChange)
    assert isinstance(ask(call(), Dialling("one"), 60), Refused)
    late = lived(call(), (59, Dialling("one")), (65, CallDue(T0)))
    gone = change(late, denied("one", 66), 66)
    assert gone.call.state is CallState.FAILED
    assert gone.effects == ()


def test_its_name_coming_last_ends_it_too() -> None:
    """The carrier's name is needed to end it; it may come after the first news."""
    unwanted = lived(UNKNOWN, (5, HangUpWanted("somebody_goes")), (6, Heard(News.RINGING, T0)))
    assert change(unwanted, Placed("one", "CA1"), 7).effects == (EndCall("C1"),)


def test_nobody_dials_by_hand_what_nobody_needs() -> None:
    """An alert was told to."""
    unwanted = change(call(), HangUpWanted("somebody_goes"), 1).call
    changed = change(unwanted, NotPlaced("", "no_gateway", by_hand=True), 2)
    assert changed.report is None
    assert changed.call.outcome is CallOutcome.FAILED


def test_an_old_call_stays_no_longer_in_a_carriers_queue() -> None:
    placed = lived(call(), (0, Dialling("one")), (1, Placed("one", "CA1")))
    assert isinstance(ask(placed, heard(News.QUEUED), 59), Refused)
    asked = change(placed, CallDue(T0), 61).call
    taken_back = change(asked, heard(News.QUEUED), 62)
    assert taken_back.call.over
    assert taken_back.effects == (EndCall("C1"),)
    assert taken_back.report is not None


@pytest.mark.parametrize("news", [News.QUEUED, News.RINGING, News.ANSWERED, News.JOINED])
def test_what_was_given_up_and_lives_after_all_is_ended(news: News) -> None:
    lost = replace(call(), state=CallState.ENDED, outcome=CallOutcome.LOST, due=None, ended_at=T0, gateway="one")
    assert change(lost, heard(news)).effects == (EndCall("C1"),)
    assert change(lost, Placed("one", "CA1")).effects == (EndCall("C1"),)
    assert isinstance(ask(replace(lost, outcome=CallOutcome.NO_ANSWER), heard(news)), Refused), "only old news"


def test_a_resident_who_answers_what_was_given_up_is_not_cut_off() -> None:
    lost = call("resident", state=CallState.FAILED, outcome=CallOutcome.BY_HAND, due=None, ended_at=T0)
    changed = change(lost, heard(News.ANSWERED))
    assert changed.effects == ()
    assert changed.report is not None
    assert changed.report.what == "caller_waits"


# -- talking

TALKING = lived(call(), (0, Dialling("one")), (1, Placed("one", "CA1")), (5, heard(News.ANSWERED)))


def test_a_talk_lasts_as_long_as_the_carrier_says_so() -> None:
    """It was lost after two minutes, although the carrier said each time that it went on."""
    talk, at = TALKING, 5.0
    for _ in range(60):
        assert talk.due is not None
        at = (talk.due - T0).total_seconds()
        looked = change(talk, CallDue(talk.due), at)
        assert looked.effects == (FindCall("C1"),)
        talk = change(looked.call, heard(News.ANSWERED), at + 0.2).call
    assert at > 3000
    assert talk.state is CallState.TALKING


def test_the_key_may_overtake_the_news_that_somebody_answered() -> None:
    """It was not counted."""
    ringing = lived(call(), (0, Dialling("one")), (1, heard(News.RINGING)))
    changed = change(ringing, heard(News.INPUT, step="offer", digits="1"), 5)
    assert changed.call.answer is Answer.ACCEPTED
    assert changed.call.state is CallState.TALKING
    assert isinstance(ask(changed.call, heard(News.ANSWERED), 6), Refused)


def test_a_yes_that_crosses_with_the_wish_to_hang_up_binds_nobody() -> None:
    """It was reported as accepted, and they heard that nobody was needed."""
    unwanted = change(TALKING, HangUpWanted("operator:anna"), 6).call
    changed = change(unwanted, heard(News.INPUT, step="offer", digits="1"), 6.5)
    assert changed.call.answer is Answer.TOO_LATE
    assert changed.report is None


@pytest.mark.parametrize("direction", [Direction.INBOUND, Direction.OUTBOUND])
def test_a_neighbour_who_rang_us_was_not_asked_to_go(direction: Direction) -> None:
    """The end of their call made the alert ask the next responder."""
    dialogue = "hotline" if direction is Direction.INBOUND else "callback"
    talk = replace(TALKING, direction=direction, dialogue=dialogue, step="", joined_at=T0)
    assert change(talk, ended(CallOutcome.ANSWERED)).report is None


# -- residents


def not_reached(*happenings: tuple[float, CallInput], before: Call | None = None) -> list[str]:
    told, one = [], before or call("resident")
    for at, happened in happenings:
        changed = ask(one, happened, at)
        if isinstance(changed, CallChange):
            one = changed.call
            told += [changed.report.what] if changed.report else []
    assert one.over
    return told


ANSWERED: tuple[tuple[float, CallInput], ...] = (
    (0, Dialling("one")), (1, Placed("one", "CA1")), (5, heard(News.ANSWERED)),
)  # fmt: skip
NOTHING = heard(News.INPUT, step="awake", digits=None)
KEY = heard(News.INPUT, step="awake", digits="5")
OFF = ended(CallOutcome.ANSWERED)


@pytest.mark.parametrize(
    ("happenings", "told"),
    [
        (((1, heard(News.RINGING)), (30, ended())), ["not_reached"]),
        (((1, ended(CallOutcome.BUSY)), (30, ended())), ["not_reached"]),
        ((*ANSWERED, (6, heard(News.MACHINE)), (7, heard(News.MACHINE)), (9, OFF)), ["not_reached"]),
        ((*ANSWERED, (9, KEY), (10, heard(News.JOINED)), (12, Met()), (60, OFF)), ["reached"]),
        ((*ANSWERED, (9, KEY), (12, Met()), (13, heard(News.MACHINE)), (60, OFF)), ["reached"]),
        ((*ANSWERED, (9, KEY), (60, OFF)), ["reached", "not_reached"]),
        ((*ANSWERED, (9, NOTHING), (14, NOTHING), (60, OFF)), ["silent", "not_reached"]),
        (((60, CallDue(T0)),), ["not_reached"]),
        (((1, NotPlaced("", "no_gateway", by_hand=True)),), ["by_hand"]),
        (((1, heard(News.RINGING)), (2, HangUpWanted("operator:anna")), (3, ended())), []),
    ],
)
def test_that_a_resident_was_not_reached_is_told_once(
    happenings: tuple[tuple[float, CallInput], ...], told: list[str]
) -> None:
    assert not_reached(*happenings) == told


# -- callers

CALLER = call("hotline", state=CallState.RINGING, gateway="one", provider_ref="CA1", placed_at=T0, due=T0 + s(20))


@pytest.mark.parametrize("news", [News.RINGING, News.ANSWERED])
def test_a_caller_waits_until_a_person_joins_whatever_the_carrier_calls_it(news: News) -> None:
    """Our own greeting is an answer for the carrier: asked once, it ended the queue."""
    one = CALLER
    for at in range(20, 7200, 20):
        looked = change(one, CallDue(T0 + s(at)), at)
        assert looked.report is not None
        assert looked.report.what == "caller_waits"
        one = change(looked.call, heard(news), at + 0.2).call
        assert one.state is CallState.RINGING
    assert lived(one, (7201, Met())).state is CallState.TALKING


def test_a_caller_of_whom_nothing_is_heard_is_given_up_late_but_not_never() -> None:
    one, asked = CALLER, 0
    while not one.over:
        assert one.due is not None
        one, asked = change(one, CallDue(one.due), (one.due - T0).total_seconds()).call, asked + 1
    assert 3600 <= asked * POLICY.queue_s <= 3700
    assert one.outcome is CallOutcome.LOST


def test_a_caller_who_hangs_up_before_anybody_was_there_gave_up() -> None:
    assert change(CALLER, ended(CallOutcome.ANSWERED)).call.outcome is CallOutcome.ABANDONED
    assert change(replace(CALLER, joined_at=T0), ended(CallOutcome.ANSWERED)).call.outcome is CallOutcome.ANSWERED
