"""Response plans over HTTP and in the door: what a resident needs is done before the alert ends, or a reason given."""

import json
from typing import Any

import pytest

from callcenter.ports import PlanChanged
from callcenter.storage.plan_book import PlanBook
from config.plans import PlanStep
from tests.integration.bracelet import bracelet
from tests.integration.conftest import Seats
from tests.integration.office import ANN, CHIEF, Office
from tests.processes import Service

pytestmark = pytest.mark.one_database

OXYGEN = {"kind": "all", "id": "oxygen", "zh": "关闭制氧机", "en": "Turn the oxygen off", "required": True}
KNOCK = {"kind": "sos", "id": "knock", "zh": "耳聋：用力敲门", "en": "Deaf: knock hard", "done_by": ["arrived"]}
CHARGER = {"kind": "battery", "id": "charger", "zh": "充电器在厨房"}


def resident_of(worn: str) -> str:
    return worn.replace("bracelet", "r")


async def pressed(centre: Service, device: str, msg: str = "p1") -> str:
    async with bracelet(centre.mqtt_port, device) as one:
        await one.press(msg)
        return (await one.answer())["alert"]


async def given(seats: Seats, resident: str, *steps: dict) -> dict:
    answer = await seats.chief.ask("PUT", f"/api/v1/residents/{resident}/plan", json={"steps": list(steps)})
    assert answer.status == 200, answer.body
    return answer.body


async def plan_of(seats: Seats, alert: str) -> list[dict[str, Any]]:
    return (await seats.operator.get(f"/api/v1/alerts/{alert}")).body["plan"]


async def test_from_a_residents_plan_to_the_end_of_the_alert(centre: Service, seats: Seats, worn: str) -> None:
    await given(seats, resident_of(worn), OXYGEN, KNOCK, CHARGER)
    alert = await pressed(centre, worn)
    await given(seats, resident_of(worn))  # changed meanwhile: the alert keeps the steps it opened with
    plan = await plan_of(seats, alert)
    assert [step["id"] for step in plan][:2] == ["oxygen", "knock"]
    assert {"seen", "family"} <= {step["id"] for step in plan}, "the steps of the kind come behind"
    assert "charger" not in {step["id"] for step in plan}
    assert plan[0] == {
        "id": "oxygen", "words": {"zh-CN": "关闭制氧机", "en": "Turn the oxygen off"}, "required": True, "done_by": [],
        "done": False, "at": None, "by": None, "text": "",
    }  # fmt: skip
    await seats.operator.act(alert, "claim")
    refused = await seats.operator.act(alert, "resolve", outcome="false_alarm")
    assert (refused.status, refused.code) == (409, "steps_missing")
    assert refused.body["steps"] == [{"id": "oxygen", "words": plan[0]["words"]}]
    assert refused.body["alert"]["state"] == "claimed"
    done = await seats.operator.act(alert, "step", step="oxygen", text="the son did", version=1)
    assert done.status == 200, "a step is never stale"
    twice = await seats.operator.act(alert, "step", step="oxygen")
    assert (twice.status, twice.code) == (409, "step_done")
    unknown = await seats.operator.act(alert, "step", step="insulin")
    assert (unknown.status, unknown.code) == (409, "unknown_step")
    await seats.operator.act(alert, "arrived", party="contact:r-1-1")
    oxygen, knock, *_ = await plan_of(seats, alert)
    assert (oxygen["done"], oxygen["by"], oxygen["text"]) == (
        True, {"id": "operator1", "name": "Operator1"}, "the son did",
    )  # fmt: skip
    assert (knock["done"], knock["by"]) == (True, None), "the centre knows it by itself"
    assert (await seats.operator.act(alert, "resolve", outcome="helped_at_home")).status == 200
    assert (await plan_of(seats, alert))[0]["at"] == oxygen["at"]


async def test_an_alert_without_a_required_step_ends_at_once(centre: Service, seats: Seats, worn: str) -> None:
    alert = await pressed(centre, worn)
    assert [step["required"] for step in await plan_of(seats, alert)].count(True) == 0
    await seats.operator.act(alert, "claim")
    assert (await seats.operator.act(alert, "resolve", outcome="false_alarm")).status == 200


async def test_a_supervisors_reason_is_written_down(centre: Service, seats: Seats, worn: str) -> None:
    await given(seats, resident_of(worn), OXYGEN)
    alert = await pressed(centre, worn)
    await seats.operator.act(alert, "claim")
    more = {"outcome": "other", "override": True, "text": "in hospital since yesterday"}
    assert (await seats.operator.act(alert, "resolve", **more)).code == "steps_missing"
    await seats.operator.act(alert, "release")
    await seats.chief.act(alert, "claim")
    assert (await seats.chief.act(alert, "resolve", **more | {"text": ""})).code == "missing"
    ended = await seats.chief.act(alert, "resolve", **more)
    assert ended.body["alert"]["state"] == "resolved"
    (entry,) = [one for one in (await seats.chief.get(f"/api/v1/alerts/{alert}")).body["timeline"]
                if one["n"] == ended.body["n"]]  # fmt: skip
    assert (entry["actor"], entry["data"]["text"]) == ("operator:supervisor1", "in hospital since yesterday")
    assert [step["id"] for step in entry["data"]["undone"]] == ["oxygen"]


async def test_the_telephone_of_the_house_brings_the_steps_of_who_lives_there(
    centre: Service, seats: Seats, worn: str
) -> None:
    resident = resident_of(worn)
    await given(seats, resident, OXYGEN)
    alert = await pressed(centre, worn.replace("bracelet", "phone"))
    (own,) = [step for step in await plan_of(seats, alert) if step["required"]]
    assert own["id"] == f"oxygen@{resident}"
    assert own["words"]["en"].endswith(": Turn the oxygen off")
    await seats.operator.act(alert, "claim")
    assert (await seats.operator.act(alert, "step", step=own["id"])).status == 200


async def test_a_plan_is_stored_as_it_was_sent_and_only_by_supervisors(
    centre: Service, seats: Seats, worn: str
) -> None:
    path = f"/api/v1/residents/{resident_of(worn)}/plan"
    for client, status in ((seats.operator, 403), (seats.nobody, 401)):
        assert (await client.get(path)).status == status
        assert (await client.ask("PUT", path, json={"steps": []})).status == status
    stored = await given(seats, resident_of(worn), KNOCK, OXYGEN)
    assert [step["id"] for step in stored["steps"]] == ["knock", "oxygen"]
    assert stored["steps"][0] == KNOCK | {"required": False, "only_silent": False}
    assert (await seats.chief.get(path)).body == stored
    for unknown in (
        await seats.chief.get("/api/v1/residents/nobody/plan"),
        await seats.chief.ask("PUT", "/api/v1/residents/nobody/plan", json={"steps": [OXYGEN]}),
    ):
        assert (unknown.status, unknown.code) == (404, "not_found")
    assert (await seats.chief.get(path)).body == stored


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"kind": "earthquake"}, "steps.0.kind"),
        ({"id": "Turn off"}, "steps.0.id"),
        ({"zh": "", "en": " "}, "a step needs words"),
        ({"en": "x" * 201}, "steps.0.en"),
        ({"en": "a\0b"}, "cannot be stored"),
        ({"en": "\ud800"}, "steps.0.en"),
        ({"done_by": ["flown"]}, "flown: the centre knows only"),
        ({"required": "yes"}, "steps.0.required"),
        ({"colour": "red"}, "steps.0.colour"),
    ],
)
async def test_a_wrong_plan_is_refused(seats: Seats, wrong: dict, says: str) -> None:
    answer = await seats.chief.ask("PUT", "/api/v1/residents/r-1/plan", json={"steps": [OXYGEN | wrong]})
    assert (answer.status, answer.code) == (400, "bad_field")
    assert says in answer.body["detail"]


async def test_a_step_that_stands_twice_is_refused(seats: Seats) -> None:
    answer = await seats.chief.ask("PUT", "/api/v1/residents/r-1/plan", json={"steps": [OXYGEN, OXYGEN]})
    assert "stands in the plan twice" in answer.body["detail"]


# -- in the door, on both databases

STEP = PlanStep("oxygen", "关闭制氧机", "Turn the oxygen off", required=True)


async def test_a_changed_plan_is_in_the_log_and_the_log_stays_whole(office: Office) -> None:
    assert await office.door.submit(PlanChanged("r-1", (("all", STEP),), CHIEF)) is True
    assert await office.door.submit(PlanChanged("r-1", (), CHIEF)) is True
    assert await office.door.submit(PlanChanged("nobody", (), CHIEF)) is False
    put, taken = office.entries()
    assert (put.rule, put.actor, put.alert_id) == ("plan.changed", "operator:supervisor1", None)
    assert [step["step"] for step in json.loads(put.data)["after"]] == ["oxygen"]
    assert json.loads(taken.data)["before"] == json.loads(put.data)["after"]
    alert = (await office.press()).alert
    assert alert
    await office.acts(alert, "claim", ANN)
    await office.acts(alert, "step", ANN, text="at it")
    office.assert_whole()


async def test_only_where_somebody_has_a_plan_is_one_looked_for(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A press costs no further question to the database, unless there is something to find."""
    asked: list[str] = []
    read = PlanBook.of_resident

    def of_resident(book: PlanBook, resident: str) -> Any:
        asked.append(resident)
        return read(book, resident)

    monkeypatch.setattr(PlanBook, "of_resident", of_resident)
    await office.press("bracelet-1")
    assert asked == []
    await office.door.submit(PlanChanged("r-2", (("sos", STEP),), CHIEF))
    asked.clear()
    alert = (await office.press("bracelet-2")).alert
    assert alert
    assert asked == ["r-2"]
    assert office.alert(alert).plan == (STEP,)
    await office.press("bracelet-2", msg="p2")
    assert asked == ["r-2"], "a further press changes nothing of the plan"


async def test_a_press_is_stored_whatever_is_wrong_with_a_plan(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    await office.door.submit(PlanChanged("r-1", (("all", STEP),), CHIEF))

    def broken(_book: PlanBook, _resident: str) -> Any:
        raise ValueError("unreadable")

    monkeypatch.setattr(PlanBook, "of_resident", broken)
    alert = (await office.press()).alert
    assert alert
    assert (office.alert(alert).state, office.alert(alert).plan) == ("waiting", ())
    office.assert_whole()
