"""The hand-over to 120: nothing is lost on its way into any form, every fact has its age, the text fits."""

import json
import string
import tomllib
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator, FormatChecker

from callcenter.alerts.model import Alert, Kind, Operator, State, Subject
from callcenter.handover.card import DENSITIES, HAPPENED, SAID, card
from callcenter.handover.document import SCHEMA_FILE, as_json, from_json, schema
from callcenter.handover.fhir import LEARNED, bundle
from callcenter.handover.model import Alarm, Fact, Handover, Happening
from callcenter.handover.records import TOLD, Records, handover
from callcenter.handover.saying import LANGUAGES, Saying, one_line
from callcenter.handover.script import TOPICS, script
from callcenter.handover.text import MOST, texts
from config.handover import FILE, words
from tests.unit.handovers import ADDRESS, NOW, handovers, usual

often = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
VALIDATOR = Draft202012Validator(json.loads(SCHEMA_FILE.read_text("utf-8")), format_checker=FormatChecker())
both = pytest.mark.parametrize("language", LANGUAGES)


def parts(value: Any) -> list[Any]:
    """Every single value in a hand-over."""
    if is_dataclass(value):
        return [part for field in fields(value) for part in parts(getattr(value, field.name))]
    return [part for one in value for part in parts(one)] if isinstance(value, tuple) else [value]


# -- the data


@often
@given(handovers)
def test_nothing_is_lost_between_the_value_and_its_json(given: Handover) -> None:
    document = json.loads(json.dumps(as_json(given)))
    assert from_json(document) == given
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []


def test_the_schema_is_the_generated_one_and_refuses_what_is_not_a_handover() -> None:
    assert SCHEMA_FILE.read_text("utf-8") == schema(), "run make schemas"
    Draft202012Validator.check_schema(json.loads(schema()))
    whole = as_json(usual())
    for name in whole:
        assert not VALIDATOR.is_valid({key: value for key, value in whole.items() if key != name}), name
    assert not VALIDATOR.is_valid(whole | {"v": "handover.v2"})
    assert not VALIDATOR.is_valid(whole | {"as_of": "yesterday"})


# -- FHIR


@often
@given(handovers)
def test_the_bundle_is_fhir_and_refers_only_to_what_is_in_it(given: Handover) -> None:
    made = json.loads(json.dumps(bundle(given, "en")))
    Bundle.model_validate(made)
    addresses = [entry["fullUrl"] for entry in made["entry"]]
    assert len(set(addresses)) == len(addresses)
    assert made["entry"][0]["resource"]["resourceType"] == "Composition"
    assert set(references(made)) <= set(addresses)
    assert set(references(made["entry"][0])) == set(addresses[1:]), "the composition names every resource"


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["reference"]] if "reference" in value else []
        return own + [one for part in value.values() for one in references(part)]
    return [one for part in value for one in references(part)] if isinstance(value, list) else []


@often
@given(handovers)
def test_the_bundle_holds_what_a_crew_needs(given: Handover) -> None:
    made = json.dumps(bundle(given, "zh-CN"), ensure_ascii=False)
    person, home = given.person, given.home
    told = [person.name, person.born, person.conditions, person.medicines, person.allergies, home.address,
            home.entry_notes, *((given.taken.case_number, given.taken.person) if given.taken else ())]  # fmt: skip
    values = [one_line(fact.value) for fact in told] + [one_line(one.name) for one in given.contacts]
    for value in values:
        assert json.dumps(value, ensure_ascii=False)[1:-1] in made


def test_fhir_says_how_old_a_fact_is() -> None:
    resources = {entry["resource"]["resourceType"]: entry["resource"] for entry in bundle(usual(), "en")["entry"]}
    year = (NOW - timedelta(days=400)).isoformat(timespec="seconds")
    assert resources["Patient"]["address"][0]["extension"] == [{"url": LEARNED, "valueDateTime": year}]
    assert resources["Condition"]["recordedDate"] == (NOW - timedelta(days=7)).isoformat(timespec="seconds")
    assert "dateAsserted" not in resources["MedicationStatement"], "nobody wrote down when"
    assert resources["ServiceRequest"]["identifier"][0]["value"] == "120-5"


def test_a_point_of_another_datum_is_never_given_as_wgs84() -> None:
    given = usual()
    assert given.position is not None
    moved = replace(given, position=replace(given.position, datum="gcj02"))
    places = [entry["resource"] for entry in bundle(moved, "en")["entry"]]
    assert not any("position" in place for place in places if place["resourceType"] == "Location")
    assert "GCJ02" in json.dumps(places)


# -- the text


@often
@given(handovers)
@both
def test_a_text_is_short_and_its_address_and_number_whole(language: str, given: Handover) -> None:
    made = texts(given, language)
    assert all(len(text) < 200 for text in made), [len(text) for text in made]
    address = one_line(given.home.address.value)
    if len(made) == 1:
        assert address in made[0]
    else:
        mark = Saying(language, NOW).say("text_address", n="#", of=len(made) - 1, part="")
        marks = [mark.replace("#", str(n)) for n in range(1, len(made))]
        assert "".join(text.removeprefix(mark) for text, mark in zip(made[1:], marks, strict=True)) == address
    assert made[0].endswith(given.desk.number or Saying(language, NOW).say("unknown"))
    assert Saying(language, NOW).kind(given.alarm) in made[0]


@pytest.mark.parametrize(("length", "count"), [(1, 1), (120, 1), (ADDRESS, 3)])
@both
def test_only_an_address_that_would_fill_a_text_makes_more_of_them(language: str, length: int, count: int) -> None:
    given = usual()
    long = replace(given.person, **dict.fromkeys(("name", "conditions", "allergies"), Fact("鬱" * 100, NOW)))
    made = texts(replace(given, person=long, home=replace(given.home, address=Fact("街" * length, NOW))), language)
    assert len(made) == count


def test_the_risk_is_cut_before_the_name() -> None:
    given = usual()
    risky = replace(given.person, conditions=Fact("鬱" * 300, NOW), allergies=Fact("", NOW))
    (made,) = texts(replace(given, person=risky), "zh-CN")
    assert len(made) == MOST
    assert "李秀英，女，85岁，高风险" in made
    assert "鬱…" in made


def test_an_ordinary_text_reads_well() -> None:
    assert texts(usual(), "zh-CN") == (
        "120：李秀英，女，85岁，高风险，摔倒、无应答，15:56起。地址：张村镇长江街12号3单元502。癫痫，过敏：青霉素。回拨+8663112340",
    )
    assert texts(usual(), "en") == (
        "120: 李秀英, woman, aged 85, high risk, a fall, no voice since 15:56. At: 张村镇长江街12号3单元502. "
        "癫痫, allergy: 青霉素. Call +8663112340",
    )


@both
def test_a_drill_sends_nobody(language: str) -> None:
    drill = replace(usual(), alarm=replace(usual().alarm, drill=True))
    (told,) = texts(drill, language)
    assert Saying(language, NOW).say("text_drill", what="") in told


# -- the script and the card


@often
@given(handovers)
@both
def test_the_script_keeps_the_order_in_which_120_asks(language: str, given: Handover) -> None:
    topics = [line.topic for line in script(given, language)]
    assert list(dict.fromkeys(topics)) == list(TOPICS)
    assert all(line.say for line in script(given, language))


@both
def test_the_script_says_what_120_asks(language: str) -> None:
    said = "\n".join(line.say for line in script(usual(), language))
    for wanted in ("张村镇长江街12号3单元502", "+8663112340", "癫痫", "青霉素", "钥匙在3单元501", "听到呻吟声", "85"):
        assert wanted in said
    drill = replace(usual(), alarm=replace(usual().alarm, drill=True))
    assert Saying(language, NOW).say("say_drill") in [line.say for line in script(drill, language)]


@often
@given(handovers)
@both
def test_the_card_is_complete_and_says_how_old_each_fact_is(language: str, given: Handover) -> None:
    drawn = card(given, language)
    rows = [row for group in drawn.groups for row in group.rows]
    shown = "\n".join(row.value for row in rows)
    for fact in (part for part in facts_of(given) if part.value and len(part.value) > 10):
        assert one_line(fact.value) in shown
    say = Saying(language, NOW)
    # What tells of now, or of what this centre is, has no age.
    ageless = {say.say(f"row_{name}") for name in ("housemates", "call_back", "voice", "marks")} | {""}
    assert [row for row in rows if not row.age and row.label not in ageless] == []


def facts_of(value: Any) -> list[Fact]:
    if isinstance(value, Fact):
        return [value]
    parts = [getattr(value, field.name) for field in fields(value)] if is_dataclass(value) else []
    return [fact for part in parts for fact in facts_of(part)]


def test_a_long_log_keeps_its_beginning_and_its_end_and_says_what_is_left_out() -> None:
    notes = tuple(Happening(at=NOW, what="operator.notes", who="Ann", said=f"note {n} " + "x" * 500) for n in range(30))
    rows = card(usual(happened=usual().happened[:1] + notes), "en").groups[-1].rows
    assert len(rows) == HAPPENED + 2
    assert rows[0].value == "The alarm came in"
    assert "note 29" in rows[-2].value
    assert len(rows[-2].value) < SAID + 20
    assert rows[-1].value == f"{31 - HAPPENED - 1} more on the console."


def test_more_on_a_card_is_never_set_wider() -> None:
    order = [name for _, name in DENSITIES]
    lengths = [card(replace(usual(), person=longer(n)), "en").density for n in (0, 300, 700, 1000)]
    assert [*lengths] == sorted(lengths, key=lambda name: order.index(name) if name in order else len(order))
    assert len(set(lengths)) > 2


def longer(length: int) -> Any:
    names = ("conditions", "medicines", "allergies")
    return replace(usual().person, **dict.fromkeys(names, Fact("x" * length, NOW)))


# -- ages


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (timedelta(seconds=-5), "just now"), (timedelta(seconds=59), "just now"), (timedelta(minutes=1), "1 min ago"),
        (timedelta(minutes=119), "119 min ago"), (timedelta(hours=2), "2 h ago"), (timedelta(hours=47), "47 h ago"),
        (timedelta(days=2), "2 days ago"), (timedelta(days=60), "60 days ago"), (timedelta(days=61), "2 months ago"),
        (timedelta(days=730), "23 months ago"), (timedelta(days=731), "2 years ago"),
        (timedelta(days=3653), "10 years ago"),
    ],
)  # fmt: skip
def test_how_old_a_fact_is(age: timedelta, said: str) -> None:
    assert Saying("en", NOW).ago(NOW - age) == said


@pytest.mark.parametrize(
    ("born", "said"),
    [("", ""), ("1941", "aged about 85"), ("1941-11-21", "aged 85"), ("1941-11-22", "aged 84")],
)
def test_how_old_a_person_is(born: str, said: str) -> None:
    assert Saying("en", NOW).years(born) == said


def test_what_nobody_wrote_down_is_said() -> None:
    assert Saying("en", NOW).ago(None) == "when is not known"


# -- from records


ALERT = Alert(
    id="a1", subject=Subject("r:r-1", "bracelet-1", "r-1", "h-1", "李秀英", "张村1号"), kind=Kind.FALL,
    state=State.HANDED_OVER, opened_at=NOW, last_press_at=NOW, waiting_since=NOW, rung_at=NOW,
    owner=Operator("operator1", "Ann"), responder="responder:n-1", responder_name="老赵",
)  # fmt: skip
RESIDENT = {"id": "r-1", "household_id": "h-1", "name": "李秀英", "sex": "f", "born": None, "phone": "", "risk": "high",
            "conditions": "癫痫", "medicines": "", "allergies": ""}  # fmt: skip
HOUSEHOLD = {"id": "h-1", "address": "张村1号", "area_id": "d1", "lat": 37.5, "lon": 122.1, "entry_notes": "后门"}
CONTACT = {"id": "r-1-1", "name": "王芳", "relation": "女儿", "phone": "139", "keyholder": True}
LONG_AGO, LATELY = datetime(2024, 1, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)


def entry(rule: str, minute: int, actor: str = "operator:operator1", **data: Any) -> dict[str, Any]:
    return {"n": minute, "at": f"2026-11-21T07:{minute:02}:00.000000Z", "rule": rule, "actor": actor, "data": data}


def records(**other: Any) -> Records:
    parts: dict[str, Any] = {
        "as_of": NOW, "alert": ALERT, "resident": RESIDENT, "household": HOUSEHOLD, "contacts": [CONTACT],
        "position": None, "timeline": [], "learned": {}, "operators": {"operator1": "Ann"}, "housemates": 0,
        "responder_phone": "+86631", "call_back": "+8663112340",
    }  # fmt: skip
    return Records(**parts | other)


def test_every_fact_carries_the_time_of_its_own_row_and_field() -> None:
    learned = {
        ("residents", "r-1"): {"conditions": LATELY, "name": LONG_AGO},
        ("households", "h-1"): {"address": LONG_AGO, "lat": LATELY, "lon": LONG_AGO},
        ("contacts", "r-1-1"): {"name": LONG_AGO, "relation": LATELY, "phone": LATELY, "keyholder": LATELY},
    }
    made = handover(records(learned=learned))
    assert (made.person.conditions, made.person.name) == (Fact("癫痫", LATELY), Fact("李秀英", LONG_AGO))
    assert (made.person.phone, made.person.born) == (Fact("", None), Fact("", None))
    assert made.home.address == Fact("张村1号", LONG_AGO)
    assert made.home.point is not None
    assert made.home.point.learned == LONG_AGO, "as old as its oldest part"
    assert made.contacts[0].learned == LONG_AGO


def test_the_newest_case_number_and_the_newest_name_are_kept() -> None:
    timeline = [
        entry("operator.hands_over", 1, case_number="120-5", person="", text=""),
        entry("operator.hands_over", 9, case_number="", person="王医生", text="车已出发"),
        entry("operator.hands_over", 12, case_number="", person="", text=""),
    ]
    taken = handover(records(timeline=timeline)).taken
    assert taken is not None
    assert (taken.case_number.value, taken.person.value) == ("120-5", "王医生")
    assert [at and at.minute for at in (taken.case_number.learned, taken.person.learned, taken.first_at)] == [1, 9, 1]


def test_the_log_is_told_as_far_as_it_concerns_a_crew() -> None:
    timeline = [
        entry("alarm.opens", 1, "device:bracelet-1", kind="fall"),
        entry("operator.claims", 2, waited_s=3),
        entry("call.accepted", 3, "call:c1", name="老赵", party="responder:n-1"),
        entry("operator.notes", 4, text="呻吟"),
    ]
    made = handover(records(timeline=timeline))
    told = [(one.what, one.who, one.said) for one in made.happened]
    assert told == [("alarm.opens", "", ""), ("call.accepted", "老赵", ""), ("operator.notes", "Ann", "呻吟")]
    assert made.going is not None
    assert (made.going.phone, made.going.learned) == ("+86631", datetime(2026, 11, 21, 7, 3, tzinfo=UTC))


def test_a_device_nobody_is_registered_for_makes_a_card_too() -> None:
    alert = replace(ALERT, subject=Subject("d:x-1", "x-1"), owner=None, responder="", responder_name="")
    made = handover(records(alert=alert, resident=None, household=None, contacts=[]))
    assert (made.person.id, made.going, made.taken) == (None, None, None)
    for language in LANGUAGES:
        assert card(made, language).groups
        assert texts(made, language)[0]
        assert "x-1" in script(made, language)[1].say
    Bundle.model_validate(bundle(made, "en"))


# -- the words


def test_the_words_say_everything_twice_and_name_the_same() -> None:
    for key, said in tomllib.loads(FILE.read_text("utf-8")).items():
        assert set(said) == set(LANGUAGES), key
        used = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in said.values()]
        assert used[0] == used[1], key


def test_every_rule_that_is_told_has_words() -> None:
    known = set(words().texts)
    wanted = {f"did_{rule.replace('.', '_')}" for rule in TOLD}
    assert wanted == {key for key in known if key.startswith("did_")}
    assert {f"kind_{kind}" for kind in Kind} <= known
    assert {f"fix_{fix}" for fix in ("gnss", "wifi", "cell", "ble", "none", "register")} <= known


def test_an_alarm_has_no_field_the_card_does_not_know() -> None:
    """Whoever adds one decides where it is shown."""
    assert [field.name for field in fields(Alarm)] == [
        "kind", "opened_at", "last_press_at", "press_count", "device", "silent", "reached_at", "cancel_pressed",
        "possibly_old", "drill",
    ]  # fmt: skip
