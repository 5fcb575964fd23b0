"""What is said on each kind of call, in both languages, and what a key means."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest

from callcenter.alerts import dialogues
from callcenter.alerts.call_model import Answer, Call, CallOutcome, CallState, Direction
from callcenter.alerts.dialogues import ASKING, KEYS_OF_OFFER, NEEDING, TOLD, TRIES, Facts, first_step, on_input, script
from callcenter.alerts.model import Kind
from callcenter.alerts.script import Ask, Hangup, Join, Pause, Say, Script
from config import prompts
from config.prompts import LANGUAGES
from tests.unit.test_call_machine import DIALOGUES, T0, call

_read = prompts.read()
assert not isinstance(_read, str)
PROMPTS = _read
FACTS = Facts(name="李梅", place="石桥村 12 号", kind="摔倒", seen="在桥边。")
ALL = (
    "search",
    "search_report",
    "search_over",
    "roll_call",
    "resident",
    "welfare",
    "offer",
    "duty",
    "operator",
    "transfer",
    "consult",
    "hotline",
    "sos_line",
    "callback",
)
KEYS = ("1", "2", "3", "9", "*", "", None)


OF_AN_OFFER = (Answer.ACCEPTED, Answer.DECLINED, Answer.TOO_LATE, Answer.NO_RESPONSE)
POSSIBLE = {"offer": (None, *OF_AN_OFFER), "search": (None, *OF_AN_OFFER), "duty": (None, *OF_AN_OFFER),
            "transfer": (None, *OF_AN_OFFER), "welfare": (None, Answer.WELL),
            "roll_call": (None, Answer.WELL)}  # fmt: skip


def talking(dialogue: str, **more: object) -> Call:
    known = dialogue if dialogue in DIALOGUES else "hotline"
    one = replace(call(known, state=CallState.TALKING, answered_at=T0), dialogue=dialogue)
    return replace(one, step=first_step(one), **more)  # type: ignore[arg-type]


def said(one: Call) -> Script:
    return script(one, FACTS, PROMPTS)


def words(steps: Script) -> Iterator[Say]:
    for step in steps:
        if isinstance(step, Say):
            yield step
        elif isinstance(step, Ask):
            yield from (prompt for prompt in step.prompts if isinstance(prompt, Say))


def text(one: Call) -> str:
    return " ".join(say.text for say in words(said(one)))


def pressed(one: Call, *keys: str | None) -> tuple[Call, list[str]]:
    """The call after these keys, and what its alert was told."""
    told: list[str] = []
    for key in keys:
        one, report = on_input(one, key)
        told += [report.what] if report else []
    return one, told


def records() -> Iterator[Call]:
    """Every state of every dialogue, in both languages."""
    for dialogue, language, answer, step in product(ALL, LANGUAGES, (None, *Answer), (True, False)):
        if answer not in POSSIBLE.get(dialogue, (None,)):
            continue
        one = talking(dialogue, language=language, answer=answer)
        one = one if step else replace(one, step="")
        yield one
        yield replace(one, hang_up_at=T0)
        yield replace(one, state=CallState.ENDED, outcome=CallOutcome.LOST, due=None, step="")


EVERY = tuple(records())


def test_every_state_of_every_dialogue_is_spoken_in_its_language() -> None:
    for one in EVERY:
        steps = said(one)
        assert steps
        for say in words(steps):
            assert say.lang == one.language
            assert say.text.strip()
            assert "{" not in say.text, "something is not filled in"


def test_the_script_follows_from_the_record_alone() -> None:
    assert all(said(one) == said(replace(one)) for one in EVERY)


def test_of_whom_has_refused_nothing_is_recorded_and_nobody_is_told_that_it_is() -> None:
    for one in EVERY:
        steps = script(one, replace(FACTS, recorded=False), PROMPTS)
        assert not any(step.record for step in steps if isinstance(step, Join)), one
        assert not any("录音" in say.text or "recorded" in say.text for say in words(steps)), one
        known = script(one, FACTS, PROMPTS)
        assert [type(step) for step in steps] == [type(step) for step in known], "and all else is as it was"
        assert all(step.record for step in known if isinstance(step, Join))


def test_every_prompt_is_used() -> None:
    filled = {"name": "n", "place": "p", "kind": "k", "goes": "g", "who": "w", "area": "a", "link": "l", "number": "1",
              "seen": "s", "way": "v"}  # fmt: skip
    used = {PROMPTS.text(key, "en", **filled) for key in PROMPTS.texts}
    known = {"name": "n", "place": "p", "kind": "k", "goes": "g", "seen": "s"}
    told = (Facts(**known), Facts(**known, they_go=True), Facts(drill=True), Facts(**known, recorded=False))
    english = [one for one in EVERY if one.language == "en"]
    spoken = {say.text for facts in told for one in english for say in words(script(one, facts, PROMPTS))}
    silent = used - spoken
    kinds = {PROMPTS.text(f"kind_{kind}", "en") for kind in Kind}
    apart = ("left_alone", "sms_", "somebody", "polite_", "search_aged", "search_seen", "search_unseen", "search_just",
             "search_minutes", "search_hours", "search_exact", "search_spot", "way_", "incident_")  # fmt: skip
    assert silent == kinds | {PROMPTS.text(key, "en", **filled) for key in PROMPTS.texts if key.startswith(apart)}


def test_whatever_is_said_about_a_drill_begins_with_that_it_is_one() -> None:
    for one in EVERY:
        usual, drill = (list(words(script(one, Facts(drill=so), PROMPTS))) for so in (False, True))
        assert drill == ([Say(PROMPTS.text("drill", one.language), one.language), *usual] if usual else [])


def test_every_script_leads_somewhere() -> None:
    """It ends in a question, in the room, or by hanging up: never in silence."""
    for one in EVERY:
        *before, last = said(one)
        assert isinstance(last, Ask | Join | Hangup)
        assert all(isinstance(step, Say | Pause) for step in before)


def test_every_question_can_be_answered() -> None:
    for one in EVERY:
        asks = [step for step in said(one) if isinstance(step, Ask)]
        for question in asks:
            assert question.step == one.step
            assert question.timeout_s >= (5 if question.speech else 10)
            assert all(isinstance(on_input(one, key)[0], Call) for key in KEYS)


def test_a_question_is_asked_a_bounded_number_of_times() -> None:
    for dialogue in ("resident", "welfare", "offer", "duty", "transfer"):
        one, _told = pressed(talking(dialogue), *[None] * TRIES)
        assert one.step == ""
        assert not any(isinstance(step, Ask) for step in said(one))


# -- people who need help


def test_who_asks_for_help_ends_in_the_room_and_nowhere_else() -> None:
    for one in EVERY:
        well = one.dialogue == "roll_call" and one.answer is Answer.WELL  # asked how they are, and need nobody
        if one.dialogue in NEEDING and not one.hang_up_at and one.answer in (None, Answer.WELL) and not well:
            assert isinstance(said(one)[-1], Ask | Join), one
            assert not any(isinstance(step, Hangup) for step in said(one))


@pytest.mark.parametrize("dialogue", sorted(NEEDING))
@pytest.mark.parametrize("first", KEYS)
@pytest.mark.parametrize("second", KEYS)
def test_whatever_a_resident_presses_they_come_to_the_room(
    dialogue: str, first: str | None, second: str | None
) -> None:
    one = talking(dialogue)
    for key in (first, second, None, None, None):
        if one.step:
            one, _report = on_input(one, key)
    last = said(one)[-1]
    if dialogue == "roll_call" and one.answer is Answer.WELL:
        assert isinstance(last, Hangup)
        return
    assert isinstance(last, Join)
    assert last.room == "A1"
    assert not last.start, "they wait there until a person comes"


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (("5",), ["reached"]),
        (("",), ["reached"]),
        ((None, "5"), ["reached"]),
        ((None, None), ["silent"]),
        ((None,), []),
    ],
)
def test_a_resident_is_reached_by_any_key_or_word_and_silent_after_two_rounds(
    keys: tuple[str | None, ...], told: list[str]
) -> None:
    assert pressed(talking("resident"), *keys)[1] == told


def test_a_machines_words_reach_nobody() -> None:
    assert pressed(talking("resident", machine=True), "", "")[1] == ["silent"]
    assert pressed(talking("resident", machine=True), "5")[1] == ["reached"]


@pytest.mark.parametrize(
    ("keys", "told", "answer"),
    [
        (("1",), ["well"], Answer.WELL),
        (("3", "3", "3", "1"), ["well"], Answer.WELL),
        ((None, "1"), ["well"], Answer.WELL),
        ((None, None), ["silent"], None),
        (("9", "9"), ["reached"], None),
        (("",), ["reached"], None),
        (("", None), ["reached"], None),
        (("", "3", "1"), ["reached", "well"], Answer.WELL),
        ((None, "", "9"), ["reached"], None),
    ],
)
def test_the_welfare_call(keys: tuple[str | None, ...], told: list[str], answer: Answer | None) -> None:
    one, reports = pressed(talking("welfare"), *keys)
    assert (reports, one.answer) == (told, answer)
    assert isinstance(said(one)[-1], Ask if one.step else Join), "well is a mark: the line stays open"


def test_the_welfare_call_listens_and_believes_no_machine() -> None:
    assert [step.speech for step in said(talking("welfare")) if isinstance(step, Ask)] == [True]
    assert pressed(talking("welfare", machine=True), "", "")[1] == ["silent"]


# -- people who are asked to go


@pytest.mark.parametrize("dialogue", sorted(ASKING))
@pytest.mark.parametrize(
    ("keys", "told", "answer"),
    [
        (("1",), ["accepted"], Answer.ACCEPTED),
        (("2",), ["declined"], Answer.DECLINED),
        (("3", "3", "3", "1"), ["accepted"], Answer.ACCEPTED),
        (("9", "1"), ["accepted"], Answer.ACCEPTED),
        ((None, "2"), ["declined"], Answer.DECLINED),
        (("9", "9"), ["no_answer"], Answer.NO_RESPONSE),
        ((None, None), ["no_answer"], Answer.NO_RESPONSE),
        (("", "11"), ["no_answer"], Answer.NO_RESPONSE),
        (("3", None), [], None),
    ],
)
def test_the_keys_of_an_offer(
    dialogue: str, keys: tuple[str | None, ...], told: list[str], answer: Answer | None
) -> None:
    one, reports = pressed(talking(dialogue), *keys)
    assert (reports, one.answer) == (told, answer)


@pytest.mark.parametrize("answer", OF_AN_OFFER)
def test_only_who_says_yes_comes_into_the_room(answer: Answer) -> None:
    one = talking("offer", answer=answer)
    assert isinstance(said(replace(one, step=""))[-1], Join) == (answer is Answer.ACCEPTED)


def test_what_a_key_is_said_to_do_is_what_it_does() -> None:
    for dialogue, language in product(ASKING, LANGUAGES):
        spoken = PROMPTS.text(f"{dialogue}_keys", language)
        assert all(key in spoken for key in KEYS_OF_OFFER)
    assert all(key in PROMPTS.text("welfare_keys", language) for key in ("1", "3") for language in LANGUAGES)


# -- who may hear what


def test_who_is_asked_hears_who_where_and_what() -> None:
    for dialogue in ASKING - {"search"}:
        spoken = text(talking(dialogue))
        assert all(fact in spoken for fact in (FACTS.name, FACTS.place, FACTS.kind))
    for dialogue in ("search", "search_report"):
        assert all(fact in text(talking(dialogue)) for fact in (FACTS.name, FACTS.seen))


def test_nobody_is_told_more_than_they_need() -> None:
    """Name, place and kind are heard by who is asked or works here, never by who answers a resident's telephone."""
    for one in EVERY:
        spoken = text(one)
        heard = [fact for fact in (FACTS.name, FACTS.place, FACTS.kind, FACTS.seen) if fact in spoken]
        asked = one.step in ("offer", "found") and not one.over and not one.hang_up_at
        if one.dialogue == "roll_call":  # what happened, and what the supervisor wrote of it
            assert heard in ([], [FACTS.place, FACTS.kind])
        elif one.dialogue == "search_over":  # who looked knows whom; where they were found is nobody's business
            assert heard in ([], [FACTS.name])
        else:
            assert not heard or asked or one.dialogue in ("operator", "transfer"), one


def test_what_can_be_told_is_name_place_kind_who_goes_and_where_they_were_seen_and_nothing_else() -> None:
    told = {field for field in Facts.__dataclass_fields__} - {"they_go", "drill", "recorded"}
    assert told == set(TOLD) == {"name", "place", "kind", "goes", "seen"}
    assert {"number", "way"} == prompts.FIELDS - told, "parts of `seen`"


def test_an_operator_starts_the_room_and_who_waits_does_not() -> None:
    starts = {one.dialogue: step.start for one in EVERY for step in said(one) if isinstance(step, Join)}
    assert starts["operator"]
    assert not any(starts[dialogue] for dialogue in NEEDING)


def test_an_unknown_language_is_spoken_in_mandarin() -> None:
    assert "求助" in text(talking("resident", language="bo"))


def test_every_role_that_is_asked_has_a_dialogue_that_asks() -> None:
    assert {name for name in ALL if first_step(talking(name)) == "offer"} == dialogues.ASKING
    assert talking("offer").direction is Direction.OUTBOUND
