"""Without a telephone: an alert goes from one console to another, and is never without its owner on the way."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator

import pytest

from callcenter.ports import Acted, Declined
from callcenter.storage import directory
from callcenter.storage.records import Entry
from tests.conftest import Seat
from tests.integration.bracelet import bracelet
from tests.integration.conftest import Seats
from tests.integration.office import ANN, BEN, CHIEF, Office
from tests.processes import Service

pytestmark = pytest.mark.one_database


@pytest.fixture
async def desks(office: Office) -> AsyncIterator[Office]:
    """Ann, Ben and the chief are signed in."""
    for one in (ANN, BEN, CHIEF):
        await office.console(one, present=True)
    yield office
    office.assert_whole()
    assert owners_of(office) <= {ANN.id, BEN.id, CHIEF.id}


def owners_of(office: Office) -> set[str | None]:
    """Who had it after each entry since it was claimed."""
    entries = [entry for entry in office.entries() if entry.after]
    since = next(n for n, entry in enumerate(entries) if entry.rule == "operator.claims")
    return {_owner(entry) for entry in entries[since:]}


def _owner(entry: Entry) -> str | None:
    owner = json.loads(entry.after or "{}")["owner"]
    return owner["id"] if owner else None


async def asked(office: Office) -> str:
    """Ann has asked Ben."""
    alert = (await office.press()).alert
    await office.acts(alert, "claim")
    after = await office.acts(alert, "transfer", to=BEN, text="you know her")
    assert (after.owner.id, after.transfer_to) == (ANN.id, BEN)
    return alert


async def test_the_colleague_takes_it_over(desks: Office) -> None:
    alert = await asked(desks)
    after = await desks.acts(alert, "take_over", BEN)
    assert (after.owner, after.transfer_to) == (BEN, None)
    assert desks.rules(alert)[-2:] == ["operator.transfers", "transfer.taken"]
    assert await desks.declined(alert, "step", ANN, text="x") == "not_owner"
    await desks.acts(alert, "step", BEN, text="x")
    await desks.wait(19)
    assert desks.rules(alert)[-1] == "operator.does_step", "the deadline is gone"


@pytest.mark.parametrize(("by", "kept"), [(BEN, "false"), (ANN, "true")])
async def test_the_colleague_cannot_or_the_owner_keeps_it(desks: Office, by, kept: str) -> None:
    alert = await asked(desks)
    after = await desks.acts(alert, "decline", by)
    assert (after.owner.id, after.transfer_to) == (ANN.id, None)
    assert f'"kept":{kept}' in desks.entries()[-1].data
    assert await desks.declined(alert, "take_over", BEN) == "lost_race"


async def test_without_an_answer_it_stays_after_twenty_seconds(desks: Office) -> None:
    alert = await asked(desks)
    await desks.wait(19)
    assert desks.alert(alert).transfer_to
    await desks.wait(1)
    assert (desks.alert(alert).owner.id, desks.alert(alert).transfer_to) == (ANN.id, None)
    last = desks.entries()[-1]
    assert (last.rule, last.ring) == ("transfer.unanswered", True)
    await desks.acts(alert, "transfer", to=CHIEF)


async def test_a_colleague_who_signs_off_meanwhile_is_not_waited_for(desks: Office) -> None:
    alert = await asked(desks)
    await desks.console(BEN, present=False)
    assert desks.rules(alert)[-1] == "transfer.colleague_gone"
    assert desks.alert(alert).owner.id == ANN.id
    assert await desks.declined(alert, "transfer", to=BEN) == "not_ready"


@pytest.mark.parametrize(("state", "can"), [("ready", True), ("busy", False), ("away", False)])
async def test_only_who_takes_calls_is_asked(desks: Office, state: str, can: bool) -> None:
    alert = (await desks.press()).alert
    await desks.acts(alert, "claim")
    now = desks.clock.now()
    await desks.door.later(lambda c: directory.set_seat(c, BEN.id, state=state, phone="", now=now))
    answer = await desks.act(alert, "transfer", to=BEN)
    assert isinstance(answer, Acted if can else Declined)
    assert desks.alert(alert).owner.id == ANN.id


async def test_the_owner_who_vanishes_meanwhile_is_still_relieved(desks: Office) -> None:
    alert = await asked(desks)
    await desks.console(ANN, present=False)
    await desks.wait(15)
    assert desks.alert(alert).owner.id == ANN.id
    await desks.acts(alert, "take_over", BEN)
    await desks.wait(20)
    assert (desks.alert(alert).state, desks.alert(alert).owner.id) == ("claimed", BEN.id)


async def test_in_one_commit_the_first_answer_counts(desks: Office, stop_the_writer: threading.Event) -> None:
    """A yes, a no, an end and a second request: decided one after the other, whatever comes first."""
    stop_the_writer.set()
    alert = await asked(desks)
    stop_the_writer.clear()
    answers = [
        desks.act(alert, "transfer", to=CHIEF),
        desks.act(alert, "take_over", BEN),
        desks.act(alert, "decline", BEN),
        desks.act(alert, "resolve", ANN, outcome="false_alarm"),
        desks.act(alert, "take_over", BEN),
    ]
    stop_the_writer.set()
    done = await asyncio.gather(*answers)
    codes = [one.refused.code if isinstance(one, Declined) else "done" for one in done]
    assert codes == ["asked_already", "done", "lost_race", "not_owner", "lost_race"]
    assert desks.alert(alert).owner.id == BEN.id


async def test_the_owner_ends_the_alert_meanwhile(desks: Office) -> None:
    alert = await asked(desks)
    await desks.acts(alert, "resolve", ANN, outcome="false_alarm")
    assert desks.alert(alert).transfer_to is None
    assert await desks.declined(alert, "take_over", BEN) == "not_allowed"
    assert not [row for row in desks.rows("timers") if row.kind == "transfer"]


# -- over HTTP


@pytest.fixture
async def alert(centre: Service, worn: str, seats: Seats) -> str:
    """The operator's own."""
    async with bracelet(centre.mqtt_port, worn) as device:
        await device.press("p1")
        found: str = (await device.answer())["alert"]
    assert (await seats.operator.act(found, "claim")).status == 200
    return found


async def test_the_other_console_shows_the_request_and_answers_it(seats: Seats, ben: Seat, alert: str) -> None:
    nobody = await seats.operator.act(alert, "transfer", to="operator2")
    assert (nobody.status, nobody.code) == (409, "not_ready")
    async with ben.live() as live:
        while (frame := await live.receive_json(timeout=20))["type"] != "snapshot":
            pass
        listed = (await seats.operator.get("/api/v1/operators")).body["operators"]
        assert [(one["online"], one["seat"]) for one in listed if one["id"] == "operator2"] == [(True, None)]
        asked = await seats.operator.act(alert, "transfer", to="operator2", text="you know her")
        assert asked.status == 200
        assert asked.body["alert"]["owner"]["id"] == "operator1"
        while frame.get("rule") != "operator.transfers":
            frame = await live.receive_json(timeout=20)
        assert frame["alert"]["transfer"]["to"] == {"id": "operator2", "name": "Operator2"}
        assert frame["ring"]
        actions = (await seats.other.get(f"/api/v1/alerts/{alert}")).body["actions"]
        assert {"take_over", "decline"} <= set(actions)
        assert (await seats.chief.act(alert, "take_over")).code == "lost_race"
        taken = await seats.other.act(alert, "take_over")
        assert (taken.status, taken.body["alert"]["owner"]["id"]) == (200, "operator2")
        assert taken.body["alert"]["transfer"] is None


async def test_without_a_telephone_bringing_somebody_in_says_so(seats: Seats, alert: str) -> None:
    done = await seats.operator.act(alert, "bring_in", number="120", person="急救")
    assert done.status == 200
    for _ in range(100):
        timeline = (await seats.operator.get(f"/api/v1/alerts/{alert}")).body["timeline"]
        if failed := [entry["data"] for entry in timeline if entry["rule"] == "effect.failed"]:
            break
        await asyncio.sleep(0.05)
    assert [(one["effect"], one["reason"], one["name"]) for one in failed] == [("phone_party", "no_telephone", "急救")]


@pytest.mark.parametrize(
    ("body", "code"),
    [({}, "missing"), ({"party": "contact:r-1-1", "number": "120"}, "missing"), ({"number": "12"}, "bad_field"),
     ({"number": "call me"}, "bad_field"), ({"number": "1" * 40}, "bad_field"), ({"party": "x" * 65}, "bad_field")],
)  # fmt: skip
async def test_whom_nobody_can_bring_in(seats: Seats, alert: str, body: dict[str, str], code: str) -> None:
    answer = await seats.operator.act(alert, "bring_in", **body)
    assert (answer.status, answer.code) == (409 if code == "missing" else 400, code)


async def test_hospitals_are_listed_by_their_kind(seats: Seats) -> None:
    assert (await seats.operator.get("/api/v1/responders?kind=hospital")).body["responders"] == []
