"""The register changed by people: checked like a file, never overwritten unseen, told in its history, and obeyed."""

import asyncio
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from callcenter import audit
from callcenter.alerts.rules import Refused
from callcenter.people import import_file
from callcenter.ports import ConsentSaid, FactsConfirmed, FactsSaid, Faulty, Stale
from callcenter.storage import consents, directory, queries, register_book, roll_book, tables as t
from callcenter.storage.scope import EVERYTHING, Scope
from tests.conftest import ManualClock
from tests.integration.bracelet import bracelet
from tests.integration.conftest import Seats
from tests.integration.office import ANN, CHIEF, Office
from tests.processes import Service

FIRST = ("residents", "r-1")


def facts_of(office: Office, key: tuple[str, str] = FIRST) -> dict[str, Any]:
    return register_book.flat(office.read(register_book.record, *key))


def version_of(office: Office, key: tuple[str, str] = FIRST) -> int:
    return office.read(register_book.version, office.read(register_book.record, *key))


def history_of(office: Office, key: tuple[str, str] = FIRST) -> list[tuple[str, str, Any, Any]]:
    found = office.read(register_book.history, office.read(register_book.record, *key))
    return [(one["how"], one["fact"], one["before"], one["after"]) for one in found]


def said(office: Office, key: tuple[str, str] = FIRST, *, scope: Scope = EVERYTHING, **facts: Any) -> FactsSaid:
    """A change of what is there now, by somebody who has seen it."""
    return FactsSaid(*key, facts_of(office, key) | facts, version_of(office, key), CHIEF, scope)


async def changed(office: Office, key: tuple[str, str] = FIRST, **facts: Any) -> None:
    assert await office.door.submit(said(office, key, **facts)) is None


# -- in the door, on both databases


async def test_of_two_editors_the_second_is_told_what_the_first_has_changed(office: Office) -> None:
    one = said(office, phone="0631 5231234", allergies="青霉素")
    other = said(office, phone="0631 9999999", address="测试村改1号")
    first, second = await asyncio.gather(office.door.submit(one), office.door.submit(other))
    assert first is None
    assert isinstance(second, Stale)
    assert {(c["fact"], c["after"], c["by"]) for c in second.changed} == {
        ("phone", "0631 5231234", "Supervisor1"), ("allergies", "青霉素", "Supervisor1"),
    }  # fmt: skip
    assert (facts_of(office)["phone"], facts_of(office)["address"]) == ("0631 5231234", "测试村1号")
    await changed(office, phone="0631 9999999")
    office.assert_whole()


async def test_of_two_processes_too(postgres_url: str, clock: ManualClock) -> None:
    async with Office(postgres_url, clock, node="a") as a, Office(postgres_url, clock, node="b") as b:
        wanted = [(office, said(a, phone=f"0631 523123{n}")) for n, office in enumerate((a, b) * 4)]
        answers = await asyncio.gather(*(office.door.submit(one) for office, one in wanted))
        assert [answer for answer in answers if answer is None] == [None]
        assert all(isinstance(answer, Stale) for answer in answers if answer is not None)
        assert len(history_of(a)) == 1
        a.assert_whole()


async def test_a_file_that_was_read_meanwhile_is_somebody_else_too(office: Office, tmp_path: Path) -> None:
    mine = said(office, phone="0631 9999999")
    file = tmp_path / "residents.csv"
    file.write_text("id,name,household_id,address,area,phone\nr-1,测试居民1,h-1,测试村1号,d1,0631 5231234\n", "utf-8")
    assert import_file(office.writer, "residents", file, clock=office.clock).wrong == []
    answer = await office.door.submit(mine)
    assert isinstance(answer, Stale)
    assert [(c["by"], c["fact"], c["before"], c["after"]) for c in answer.changed] == [
        ("import", "phone", "", "0631 5231234")
    ]
    import_file(office.writer, "residents", file, clock=office.clock)
    assert len(history_of(office)) == 1, "read again, it changes nothing and tells nothing"


async def test_the_history_says_who_which_fact_before_and_after_and_the_log_proves_it(office: Office) -> None:
    await changed(office, conditions="癫痫", contacts=[{"name": "王芳", "relation": "女儿", "keyholder": True}])
    neighbour = {"name": "邻居", "relation": "", "phone": "+861000000001", "keyholder": False}
    daughter = {"name": "王芳", "relation": "女儿", "phone": "", "keyholder": True}
    assert history_of(office) == [
        ("changed", "conditions", "", "癫痫"),
        ("changed", "contacts", [neighbour], [daughter]),
    ]
    (entry,) = office.entries()
    told = json.loads(entry.data)
    assert (entry.rule, entry.actor, entry.area_id) == ("register.changed", "operator:supervisor1", "d1")
    assert (told["id"], told["facts"]) == ("r-1", ["conditions", "contacts"])
    assert "癫痫" not in entry.data, "what is in the log is on every console of the area"
    office.assert_whole()
    first = t.register_changes.c.fact == "conditions"
    alter = update(t.register_changes).where(first).values(after='"哮喘"')
    await office.door.later(lambda connection: connection.execute(alter))
    assert not office.read(audit.verify).whole
    await office.door.later(lambda connection: connection.execute(delete(t.register_changes)))
    verdict = office.read(audit.verify)
    assert verdict.whole, "what is erased breaks no chain"
    assert "1 changes of the register" in verdict.says


async def test_to_confirm_a_fact_makes_it_known_since_now_and_disturbs_nobody(office: Office) -> None:
    since = office.read(register_book.known_since, office.read(register_book.record, *FIRST))
    mine = said(office, phone="0631 5231234")
    office.clock.advance(86_400 * 400)
    confirmed = FactsConfirmed("r-1", ("address", "contacts"), version_of(office), CHIEF)
    assert await office.door.submit(confirmed) is None
    now = office.read(register_book.known_since, office.read(register_book.record, *FIRST))
    assert {name for name in now if now[name] != since[name]} == {"address", "contacts"}
    assert [one[:2] for one in history_of(office)] == [("confirmed", "address"), ("confirmed", "contacts")]
    assert await office.door.submit(mine) is None, "a colleague's open form is as good as before"
    assert isinstance(await office.door.submit(confirmed), Stale), "nobody confirms what they have not seen"
    strange = FactsConfirmed("r-1", ("colour",), version_of(office), CHIEF)
    assert isinstance(await office.door.submit(strange), Refused)


async def test_who_has_left_is_not_asked_after_and_their_device_is_heard(office: Office) -> None:
    await changed(office, left_on="2026-11-20", left_why="died")
    assert office.read(directory.live_at, "h-1") == []
    assert "r-1" not in {one.resident for one in office.read(roll_book.living_in, "d1")}
    alert = office.alert((await office.press("bracelet-1")).alert or "")
    assert (alert.subject.resident, alert.state) == ("r-1", "waiting"), "whoever pressed it, it is heard"
    assert office.read(queries.resident, "r-1")["left_on"] == "2026-11-20"
    await changed(office, left_on="", left_why="")
    assert office.read(directory.live_at, "h-1") == ["r-1"]


async def test_a_device_handed_on_or_taken_back_is_heard_as_whose_it_is(office: Office) -> None:
    device = ("devices", "bracelet-1")
    first = (await office.press("bracelet-1")).alert
    await changed(office, device, resident_id="r-2")
    second = (await office.press("bracelet-1", msg="p2")).alert
    assert first != second
    assert [office.alert(one or "").subject.resident for one in (first, second)] == ["r-1", "r-2"]
    await changed(office, device, resident_id="")
    third = office.alert((await office.press("bracelet-1", msg="p3")).alert or "")
    assert (third.subject.key, third.subject.resident) == ("device:bracelet-1", None)
    assert [one[1:] for one in history_of(office, device)] == [
        ("resident_id", "r-2", ""),
        ("resident_id", "r-1", "r-2"),
    ]


async def test_only_where_one_looks(office: Office) -> None:
    west = Scope(frozenset({"west"}))
    answer = await office.door.submit(said(office, scope=west, phone="0631 5231234"))
    assert isinstance(answer, Faulty)
    assert [fault[:2] for fault in answer.faults] == [("area", "outside_area")]
    answer = await office.door.submit(said(office, ("devices", "bracelet-1"), scope=west, resident_id="r-2"))
    assert isinstance(answer, Faulty)
    above = FactsSaid("areas", "new", {"name": "x", "kind": "village"}, None, CHIEF, west)
    answer = await office.door.submit(above)
    assert isinstance(answer, Faulty), "who looks after one area makes none above all"


@pytest.mark.parametrize(
    ("facts", "fault"),
    [
        ({"area": "nowhere"}, ("area", "not_registered")),
        ({"household_id": "h-2"}, ("address", "another_home")),
        ({"left_on": "2026-11-20"}, ("left_why", "together")),
        ({"left_on": "2026-12-20", "left_why": "moved"}, ("left_on", "in_future")),
        ({"contacts": [{"name": "", "phone": "1"}]}, ("contacts.0.name", "string_too_short")),
    ],
)
async def test_what_cannot_be_is_said_at_its_field(
    sqlite_url: str, clock: ManualClock, facts: dict, fault: Any
) -> None:
    async with Office(sqlite_url, clock) as office:
        before = facts_of(office)
        answer = await office.door.submit(said(office, **facts))
        assert isinstance(answer, Faulty)
        assert fault in [one[:2] for one in answer.faults]
        assert (facts_of(office), office.entries()) == (before, [])


async def test_who_moves_to_others_lives_where_they_live(sqlite_url: str, clock: ManualClock) -> None:
    async with Office(sqlite_url, clock) as office:
        await changed(office, household_id="h-2", address="测试村2号")
        assert office.read(directory.live_at, "h-2") == ["r-1", "r-2"]
        await changed(office, household_id="h-new", address="新村1号", entry_notes="后门")
        await changed(office, entry_notes="")
        assert facts_of(office)["entry_notes"] == "", "what is emptied is empty"
        assert facts_of(office, ("residents", "r-2"))["address"] == "测试村2号"


# -- over HTTP

http = pytest.mark.one_database


async def put(seats: Seats, path: str, body: object) -> Any:
    return await seats.chief.ask("PUT", f"/api/v1/{path}", json=body)


async def record(seats: Seats, resident: str) -> dict[str, Any]:
    answer = await seats.chief.get(f"/api/v1/residents/{resident}/record")
    assert answer.status == 200
    return answer.body


@http
async def test_from_a_new_resident_to_their_device_and_back(centre: Service, seats: Seats) -> None:
    facts = {"name": "新居民", "household_id": "h-reg", "address": "新村9号", "area": "d1", "phone": "0631 7654321"}
    wrong = await seats.chief.post("/api/v1/residents", {"facts": facts | {"phone": "none", "name": ""}})
    assert (wrong.status, wrong.code) == (400, "faulty_facts")
    assert {fault["field"] for fault in wrong.body["faults"]} == {"phone", "name"}
    made = await seats.chief.post("/api/v1/residents", {"id": "r-reg", "facts": facts})
    assert (made.status, made.body["facts"]["address"]) == (201, "新村9号")
    assert [(one["how"], one["by"]) for one in made.body["history"]] == [("added", "Supervisor1")]
    assert (await seats.chief.post("/api/v1/residents", {"id": "r-reg", "facts": facts})).status == 409
    alone = {name: value for name, value in facts.items() if name != "household_id"}
    homeless = await seats.chief.post(
        "/api/v1/residents", {"id": "r-alone", "facts": alone | {"address": "新村10号", "phone": ""}}
    )
    assert (homeless.status, homeless.body["facts"]["household_id"]) == (201, "r-alone")
    owner = {"family": "bracelet", "resident_id": "r-reg", "household_id": ""}
    assert (await seats.chief.post("/api/v1/devices", {"id": "reg-1", "facts": owner})).status == 201
    for text in ("76543", "0631-765 4321", "reg-1", "新村9"):
        found = await seats.operator.get("/api/v1/residents", params={"q": text})
        assert [one["id"] for one in found.body["residents"]] == ["r-reg"], text
    shown = await record(seats, "r-reg")
    assert [one["id"] for one in shown["devices"]] == ["reg-1"]
    never_asked = {"entry_notes", "conditions", "medicines", "allergies", "contacts"}
    assert set(shown["due"]) == never_asked
    body = {"version": shown["version"], "facts": ["allergies", "contacts"]}
    asked = await seats.chief.post("/api/v1/residents/r-reg/record/confirm", body)
    assert set(asked.body["due"]) == never_asked - {"allergies", "contacts"}, "that there are none is known now"
    stale = await put(seats, "residents/r-reg/record", {"version": 0, "facts": shown["facts"]})
    assert (stale.status, stale.code) == (409, "stale_version")


@http
async def test_a_responder_and_an_area_are_changed_with_the_checks_of_the_files(seats: Seats) -> None:
    areas = {"name": "东村", "kind": "village", "parent": "d1"}
    assert (await seats.chief.post("/api/v1/areas", {"id": "d1-reg", "facts": areas})).status == 201
    above = (await seats.chief.get("/api/v1/areas/d1/record")).body
    ring = above["facts"] | {"kind": "town", "parent": "d1-reg"}
    answer = await put(seats, "areas/d1/record", {"version": above["version"], "facts": ring})
    assert [fault["code"] for fault in answer.body["faults"]] == ["lies_within"]
    facts = {"name": "村医", "kind": "village_doctor", "phone": "13900000000", "area": "d1-reg"}
    made = await seats.chief.post("/api/v1/responders", {"id": "g-reg", "facts": facts})
    assert made.status == 201
    found = await seats.operator.get("/api/v1/responders", params={"q": "139-0000 0000"})
    assert "g-reg" in {one["id"] for one in found.body["responders"]}
    wrong = {"version": made.body["version"], "facts": facts | {"hours": "sometimes"}}
    answer = await put(seats, "responders/g-reg/record", wrong)
    assert [fault["field"] for fault in answer.body["faults"]] == ["hours"]
    stops = {"version": made.body["version"], "facts": facts | {"stopped": True}}
    answer = await put(seats, "responders/g-reg/record", stops)
    assert (answer.status, answer.body["history"][0]["after"]) == (200, True)


async def positions(seats: Seats, alert: str) -> tuple[bool, bool, bool]:
    """Whether the alert, the data of its hand-over and the printed card say where the device was."""
    detail = (await seats.operator.get(f"/api/v1/alerts/{alert}")).body
    assert detail["position_withheld"] == (detail["position"] is None)
    handover = str((await seats.operator.get(f"/api/v1/alerts/{alert}/handover")).body)
    async with seats.seat.session.get(f"{seats.seat.base}/handover/{alert}") as answer:
        card = await answer.text()
    return detail["position"] is not None, "37.51234" in handover, "37.51234" in card


@http
async def test_a_position_is_shown_while_an_alert_is_open_or_with_consent(
    centre: Service, seats: Seats, worn: str
) -> None:
    resident = worn.replace("bracelet", "r")
    async with bracelet(centre.mqtt_port, worn) as device:
        await device.press("p1", loc={"lat": 37.51234, "lon": 122.1, "acc": 5, "fix": "gnss", "datum": "wgs84"})
        alert = (await device.answer())["alert"]
    assert await positions(seats, alert) == (True, True, True), "an open alert always shows it"
    await seats.operator.act(alert, "claim")
    await seats.operator.act(alert, "resolve", outcome="helped_at_home")
    assert await positions(seats, alert) == (True, True, True)
    await seats.operator.act(alert, "close")
    assert await positions(seats, alert) == (False, False, False)
    path, agreed = f"residents/{resident}/consents/position", {"given": True, "day": "2026-11-20", "by": "本人"}
    given = await put(seats, path, agreed)
    assert given.body["consents"][0] == {"purpose": "position", "holds": True, "given_on": "2026-11-20",
                                         "given_by": "本人", "withdrawn_on": None, "withdrawn_by": ""}  # fmt: skip
    assert await positions(seats, alert) == (True, True, True)
    assert (await put(seats, path, agreed | {"given": False})).status == 200
    assert await positions(seats, alert) == (False, False, False)
    assert [one["fact"] for one in (await record(seats, resident))["history"]] == ["consent.position"] * 2
    assert (await put(seats, path.replace("position", "advertising"), agreed)).status == 404
    late = agreed | {"day": (date.today() + timedelta(days=2)).isoformat()}  # noqa: DTZ011 (any day to come)
    assert (await put(seats, path, late)).code == "in_future"


@http
async def test_calls_are_recorded_until_somebody_refuses(centre: Service, seats: Seats, worn: str) -> None:
    resident = worn.replace("bracelet", "r")
    async with bracelet(centre.mqtt_port, worn) as device:
        await device.press("p1")
        alert = (await device.answer())["alert"]

    async def recorded() -> tuple[bool, bool]:
        """What the alert's card says, and what the register does."""
        shown = (await seats.operator.get(f"/api/v1/alerts/{alert}")).body["unrecorded"]
        return not shown, (await record(seats, resident))["consents"][1]["holds"]

    assert await recorded() == (True, True)
    path, said = f"residents/{resident}/consents/recording", {"given": False, "day": "2026-11-20", "by": "本人"}
    refused = await put(seats, path, said)
    assert refused.body["consents"][1] == {"purpose": "recording", "holds": False, "given_on": None, "given_by": None,
                                           "withdrawn_on": "2026-11-20", "withdrawn_by": "本人"}  # fmt: skip
    assert await recorded() == (False, False)
    assert (await put(seats, path, said | {"given": True})).status == 200
    assert await recorded() == (True, True)
    assert [one["fact"] for one in (await record(seats, resident))["history"]] == ["consent.recording"] * 2


def test_in_a_house_one_who_refuses_is_enough(office: Office) -> None:
    def may(resident: str | None, household: str | None = None) -> bool:
        return office.read(consents.may_record, resident=resident, household=household)

    house = office.read(
        lambda connection: connection.execute(
            select(t.residents.c.household_id).where(t.residents.c.id == "r-1")
        ).scalar_one()
    )
    assert (may("r-1"), may("r-2"), may(None, house), may(None)) == (True, True, True, True)
    with office.writer.transaction() as connection:
        consents.say(connection, "r-1", consents.RECORDING, given=False, on="2026-11-20", by="herself")
    assert (may("r-1"), may("r-2"), may(None, house), may(None)) == (False, True, False, True)


async def test_a_consent_is_of_who_wears_it_now(office: Office) -> None:
    async def says(resident: str, *, given: bool) -> None:
        word = ConsentSaid(resident, "position", given=given, on=date(2026, 11, 20), who="herself", by=ANN)
        assert await office.door.submit(word) is None

    loc = {"lat": 37.5, "lon": 122.1, "acc": 5, "fix": "gnss", "datum": "wgs84"}
    alert = (await office.press("bracelet-1", loc=loc)).alert or ""
    await says("r-1", given=True)
    await office.finish(alert)
    assert office.read(queries.position, "bracelet-1") is not None
    await changed(office, ("devices", "bracelet-1"), resident_id="r-2")
    assert office.read(queries.position, "bracelet-1") is None, "the next to wear it was never asked"
    await says("r-2", given=False)
    assert [(row.resident_id, row.given_on, row.withdrawn_on) for row in office.rows("consents")] == [
        ("r-1", "2026-11-20", None),
        ("r-2", None, "2026-11-20"),
    ]
