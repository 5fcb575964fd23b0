"""The hand-over to 120 over HTTP, on both databases: complete, with ages, and for nobody who is not signed in."""

import json

import pytest
from fhir.resources.R4B.bundle import Bundle
from jsonschema import Draft202012Validator, FormatChecker

from callcenter.handover.document import SCHEMA_FILE, from_json
from tests.integration.bracelet import bracelet
from tests.integration.conftest import Seats
from tests.processes import Service

pytestmark = pytest.mark.one_database

SCHEMA = Draft202012Validator(json.loads(SCHEMA_FILE.read_text("utf-8")), format_checker=FormatChecker())


@pytest.fixture
async def alert(centre: Service, seats: Seats, worn: str) -> str:
    """Claimed by operator 1; the bracelet has told where it is."""
    async with bracelet(centre.mqtt_port, worn) as device:
        await device.press("p1", kind="fall", loc={"lat": 37.5, "lon": 122.1, "acc": 5, "fix": "gnss"})
        made: str = (await device.answer())["alert"]
    assert (await seats.operator.act(made, "claim")).status == 200
    return made


async def test_the_data_is_whole_and_every_fact_of_the_register_has_its_time(
    seats: Seats, alert: str, worn: str
) -> None:
    await seats.operator.act(alert, "note", text="只听到呼吸声")
    number = worn.removeprefix("bracelet-")
    document = (await seats.operator.get(f"/api/v1/alerts/{alert}/handover")).body
    assert [error.message for error in SCHEMA.iter_errors(document)] == []
    made = from_json(document)
    assert (made.person.name.value, made.home.address.value) == (f"测试居民{number}", f"测试村{number}号")
    for fact in (made.person.name, made.person.risk, made.home.address, made.contacts[0], made.position):
        assert fact is not None
        assert fact.learned is not None
        assert fact.learned <= made.as_of
    assert made.person.conditions.learned is None, "the file said nothing of it"
    assert (made.alarm.kind, made.alarm.press_count, made.desk.operator) == ("fall", 1, "Operator1")
    assert [one.said for one in made.happened] == ["", "只听到呼吸声"]
    assert made.taken is None


async def test_what_120_answered_stands_in_every_form(seats: Seats, alert: str) -> None:
    await seats.operator.act(alert, "hand_over", case_number="120-2026-5")
    await seats.operator.act(alert, "hand_over", person="王医生")
    path = f"/api/v1/alerts/{alert}/handover"
    taken = (await seats.operator.get(path)).body["taken"]
    assert (taken["case_number"]["value"], taken["person"]["value"]) == ("120-2026-5", "王医生")
    assert taken["first_at"] == taken["case_number"]["learned"] <= taken["person"]["learned"]
    fhir = await seats.operator.get(f"{path}?as=fhir&lang=en")
    assert fhir.headers["Content-Type"].startswith("application/fhir+json")
    Bundle.model_validate(fhir.body)
    assert "120-2026-5" in json.dumps(fhir.body)


async def test_the_words_come_in_both_languages(seats: Seats, alert: str) -> None:
    path = f"/api/v1/alerts/{alert}/handover"
    for language, kind in (("zh-CN", "摔倒"), ("en", "a fall")):
        told = (await seats.operator.get(f"{path}?as=text&lang={language}")).body
        assert told["language"] == language
        assert [kind in text and len(text) < 200 for text in told["texts"]] == [True]
        lines = (await seats.operator.get(f"{path}?as=script&lang={language}")).body["lines"]
        assert kind in "".join(line["say"] for line in lines if line["topic"] == "what")
    wished = await seats.operator.get(f"{path}?as=text", headers={"Accept-Language": "en-GB,en"})
    assert wished.body["language"] == "en"


@pytest.mark.parametrize("query", ["as=xml", "lang=fr", "as=text&lang="])
async def test_what_nobody_understands_is_said(seats: Seats, alert: str, query: str) -> None:
    answer = await seats.operator.get(f"/api/v1/alerts/{alert}/handover?{query}")
    assert (answer.status, answer.code) == (400, "bad_field")


async def test_an_alert_that_is_not_there(seats: Seats, centre: Service) -> None:
    assert (await seats.operator.get("/api/v1/alerts/none/handover")).status == 404
    async with seats.seat.session.get(f"{centre.http}/handover/none") as page:
        assert page.status == 404


async def test_the_card_is_for_who_is_signed_in_and_never_in_the_log(
    centre: Service, seats: Seats, alert: str, worn: str
) -> None:
    name = f"测试居民{worn.removeprefix('bracelet-')}"
    async with seats.seat.session.get(f"{centre.http}/handover/{alert}?lang=en") as page:
        text = await page.text()
        assert (page.status, page.headers["Cache-Control"]) == (200, "no-store")
    assert name in text
    assert '<html lang="en">' in text
    assert (await seats.nobody.get(f"/api/v1/alerts/{alert}/handover")).status == 401
    async with seats.seat.session.get(f"{centre.http}/handover/{alert}", headers={"Authorization": "-"}) as page:
        assert page.status == 401
    assert name not in centre.log()
