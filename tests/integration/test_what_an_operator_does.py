"""Actions over HTTP: what each does, when it is refused, and that the refusal says who has the alert."""

import pytest

from tests.integration.bracelet import bracelet
from tests.integration.conftest import Seats
from tests.processes import Service

OWNER = {"id": "operator1", "name": "Operator1"}
OTHER = {"id": "operator2", "name": "Operator2"}


@pytest.fixture
async def alert(centre: Service, worn: str) -> str:
    """Waiting, version 1."""
    async with bracelet(centre.mqtt_port, worn) as device:
        await device.press("p1")
        return (await device.answer())["alert"]


@pytest.fixture
async def claimed(seats: Seats, alert: str) -> str:
    """Operator 1 has it, version 2."""
    assert (await seats.operator.act(alert, "claim", version=1)).status == 200
    return alert


async def test_the_whole_way(seats: Seats, claimed: str) -> None:
    way = (
        ("call_resident", {}, "claimed"),
        ("no_voice", {"text": "only breathing"}, "claimed"),
        ("call_contact", {"contact": "r-1-1"}, "claimed"),
        ("dispatch", {"text": "neighbour goes"}, "helping"),
        ("step", {"text": "door is open"}, "helping"),
        ("offer_next", {}, "helping"),
        ("hand_over", {"case_number": "120-5", "person": "Wang"}, "handed_over"),
        ("note", {"text": "ambulance is there"}, "handed_over"),
        ("resolve", {"outcome": "taken_to_hospital"}, "resolved"),
        ("close", {"text": "called the daughter"}, "closed"),
    )
    version = 2
    for action, more, state in way:
        answer = await seats.operator.act(claimed, action, **more)
        assert answer.status == 200, answer.body
        found = answer.body["alert"]
        assert (found["state"], found["owner"]) == (state, OWNER), action
        assert found["version"] >= version
        version = found["version"]
        timeline = (await seats.operator.get(f"/api/v1/alerts/{claimed}")).body["timeline"]
        (entry,) = [one for one in timeline if one["n"] == answer.body["n"]]
        assert entry["actor"] == "operator:operator1"
    assert (found["silent"], found["outcome"]) == (True, "taken_to_hospital")


async def test_resolving_needs_an_outcome(seats: Seats, claimed: str) -> None:
    answer = await seats.operator.act(claimed, "resolve")
    assert (answer.status, answer.code) == (409, "missing")
    assert answer.body["alert"]["state"] == "claimed"


@pytest.mark.parametrize(
    ("action", "more"), [("note", {"text": "  "}), ("call_contact", {}), ("transfer", {})], ids=lambda v: str(v)
)
async def test_what_else_is_needed(seats: Seats, claimed: str, action: str, more: dict) -> None:
    answer = await seats.operator.act(claimed, action, **more)
    assert (answer.status, answer.code, answer.body["owner"]) == (409, "missing", OWNER)


async def test_closing_comes_after_resolving(seats: Seats, alert: str) -> None:
    for state in ("waiting", "claimed"):
        answer = await seats.operator.act(alert, "close")
        assert (answer.status, answer.code) == (409, "not_allowed"), state
        assert answer.body["alert"]["state"] == state
        await seats.operator.act(alert, "claim")


@pytest.mark.parametrize("action", ["release", "dispatch", "resolve", "step", "hand_over", "transfer"])
async def test_an_unclaimed_alert_belongs_to_nobody(seats: Seats, alert: str, action: str) -> None:
    answer = await seats.operator.act(alert, action, outcome="false_alarm", to="operator2")
    assert answer.status == 409
    assert answer.code in ("not_allowed", "not_owner")
    assert (answer.body["owner"], answer.body["alert"]["state"]) == (None, "waiting")


@pytest.mark.parametrize(
    "action", ["release", "call_resident", "call_contact", "no_voice", "dispatch", "hand_over", "step", "resolve"]
)
async def test_only_the_owner_acts(seats: Seats, claimed: str, action: str) -> None:
    more = {"outcome": "false_alarm", "contact": "r-1-1", "text": "x"}
    answer = await seats.other.act(claimed, action, **more)
    assert (answer.status, answer.code, answer.body["owner"]) == (409, "not_owner", OWNER)
    assert "Operator1" in answer.body["detail"]
    detail = (await seats.other.get(f"/api/v1/alerts/{claimed}")).body
    assert detail["alert"]["version"] == 2
    assert action not in detail["actions"]


async def test_a_stale_version_changes_nothing_and_says_who_has_it(seats: Seats, claimed: str) -> None:
    for version in (0, 1, 3, 999):
        answer = await seats.operator.act(claimed, "resolve", version=version, outcome="false_alarm")
        assert (answer.status, answer.code, answer.body["owner"]) == (409, "stale_version", OWNER)
        assert (answer.body["alert"]["state"], answer.body["alert"]["version"]) == ("claimed", 2)


async def test_a_press_in_between_makes_a_version_stale(centre: Service, seats: Seats, claimed: str, worn: str) -> None:
    """Who resolves has not seen the second press."""
    async with bracelet(centre.mqtt_port, worn) as device:
        await device.press("p2")
        await device.answer()
    answer = await seats.operator.act(claimed, "resolve", version=2, outcome="false_alarm")
    assert (answer.code, answer.body["alert"]["press_count"]) == ("stale_version", 2)


async def test_adding_to_the_record_is_never_stale(seats: Seats, claimed: str) -> None:
    for action, more in (("note", {"text": "x"}), ("call_resident", {}), ("call_contact", {"contact": "r-1-1"})):
        assert (await seats.operator.act(claimed, action, version=1, **more)).status == 200, action


async def test_anybody_may_add_what_they_know(seats: Seats, claimed: str) -> None:
    answer = await seats.other.act(claimed, "note", text="钥匙在门口的花盆下面")
    assert answer.status == 200
    assert answer.body["alert"]["owner"] == OWNER
    (entry,) = [
        one
        for one in (await seats.operator.get(f"/api/v1/alerts/{claimed}")).body["timeline"]
        if one["n"] == answer.body["n"]
    ]
    assert (entry["actor"], entry["data"]["text"]) == ("operator:operator2", "钥匙在门口的花盆下面")


async def test_giving_it_back_rings_everybody_again(seats: Seats, claimed: str) -> None:
    before = (await seats.operator.get(f"/api/v1/alerts/{claimed}")).body["alert"]
    answer = await seats.operator.act(claimed, "release", text="shift ends")
    assert (answer.body["alert"]["state"], answer.body["alert"]["owner"]) == ("waiting", None)
    assert answer.body["alert"]["opened_at"] == before["opened_at"]
    (entry,) = [
        one
        for one in (await seats.operator.get(f"/api/v1/alerts/{claimed}")).body["timeline"]
        if one["n"] == answer.body["n"]
    ]
    assert entry["ring"]
    assert (await seats.other.act(claimed, "claim")).body["alert"]["owner"] == OTHER


async def test_reopening_gives_it_to_whoever_reopens(seats: Seats, claimed: str) -> None:
    for before in ("resolved", "closed"):
        await seats.operator.act(claimed, "claim")
        await seats.operator.act(claimed, "resolve", outcome="false_alarm")
        if before == "closed":
            await seats.operator.act(claimed, "close")
        answer = await seats.other.act(claimed, "reopen", text="she called again")
        assert answer.status == 200, answer.body
        found = answer.body["alert"]
        assert (found["state"], found["owner"], found["outcome"]) == ("claimed", OTHER, None)
        assert (await seats.other.act(claimed, "release")).status == 200


async def test_a_person_has_one_open_alert_also_when_an_old_one_is_reopened(
    centre: Service, seats: Seats, claimed: str, worn: str
) -> None:
    await seats.operator.act(claimed, "resolve", outcome="false_alarm")
    async with bracelet(centre.mqtt_port, worn) as device:
        await device.press("p2")
        other = (await device.answer())["alert"]
    assert other != claimed
    answer = await seats.operator.act(claimed, "reopen")
    assert (answer.status, answer.code) == (409, "other_open")
    assert other in answer.body["detail"]
    open_now = (await seats.operator.get(f"/api/v1/alerts?state=waiting&device={worn}")).body["alerts"]
    assert [one["id"] for one in open_now] == [other]


async def test_a_supervisor_gives_it_to_somebody_else(seats: Seats, claimed: str) -> None:
    refused = await seats.other.act(claimed, "transfer", to="operator2")
    assert (refused.status, refused.code) == (409, "not_owner")
    answer = await seats.chief.act(claimed, "transfer", to="operator2", text="you know her")
    assert (answer.status, answer.body["alert"]["owner"]) == (200, OTHER)
    (entry,) = [
        one
        for one in (await seats.chief.get(f"/api/v1/alerts/{claimed}")).body["timeline"]
        if one["n"] == answer.body["n"]
    ]
    assert (entry["ring"], entry["data"]["to"]) == (True, "operator2")
    assert (await seats.operator.act(claimed, "step", text="x")).code == "not_owner"
    assert (await seats.other.act(claimed, "step", text="x")).status == 200


async def test_a_supervisor_assigns_a_waiting_one_and_releases_that_of_others(seats: Seats, alert: str) -> None:
    answer = await seats.chief.act(alert, "transfer", to="operator1")
    assert (answer.body["alert"]["state"], answer.body["alert"]["owner"]) == ("claimed", OWNER)
    answer = await seats.chief.act(alert, "release")
    assert (answer.body["alert"]["state"], answer.body["alert"]["owner"]) == ("waiting", None)


async def test_what_is_offered_can_be_done_and_nothing_else(seats: Seats, claimed: str) -> None:
    """`actions` of the detail is what the console shows as buttons."""
    for client in (seats.operator, seats.other, seats.chief):
        offered = (await client.get(f"/api/v1/alerts/{claimed}")).body["actions"]
        for action in ("claim", "hand_over", "close", "reopen", "resolve", "release", "transfer"):
            # An impossible version shows the machine's first answer without moving anything.
            answer = await client.act(claimed, action, version=999, outcome="false_alarm", to="operator2")
            if action in offered:
                assert answer.code == "stale_version", action
        assert "close" not in offered
        assert "reopen" not in offered
        assert "note" in offered
    assert "release" in (await seats.chief.get(f"/api/v1/alerts/{claimed}")).body["actions"]
    assert "release" not in (await seats.other.get(f"/api/v1/alerts/{claimed}")).body["actions"]


async def test_r10_a_closed_alert_only_takes_notes_and_reopening(seats: Seats, claimed: str) -> None:
    await seats.operator.act(claimed, "resolve", outcome="false_alarm")
    await seats.operator.act(claimed, "close")
    detail = (await seats.operator.get(f"/api/v1/alerts/{claimed}")).body
    assert set(detail["actions"]) == {"note", "reopen"}
    for action in ("claim", "resolve", "close", "dispatch", "transfer", "release"):
        answer = await seats.operator.act(claimed, action, outcome="false_alarm", to="operator2")
        assert (answer.status, answer.code) == (409, "not_allowed"), action


async def test_the_device_hears_how_far_it_has_got(centre: Service, seats: Seats, worn: str) -> None:
    async with bracelet(centre.mqtt_port, worn) as device:
        await device.press("p1")
        alert = (await device.answer())["alert"]
        await device.press("p2")
        await device.answer()
        await seats.operator.act(alert, "claim")
        assert {(ack["ref"], ack["level"]) for ack in await device.answers(2)} == {
            ("p1", "operator"), ("p2", "operator"),
        }  # fmt: skip
        await seats.operator.act(alert, "resolve", outcome="false_alarm")
        await seats.operator.act(alert, "close")
        assert {(ack["ref"], ack["level"]) for ack in await device.answers(2)} == {("p1", "closed"), ("p2", "closed")}


async def test_a_press_on_a_claimed_alert_hears_that_somebody_has_it(centre: Service, seats: Seats, worn: str) -> None:
    async with bracelet(centre.mqtt_port, worn) as device:
        await device.press("p1")
        alert = (await device.answer())["alert"]
        await seats.operator.act(alert, "claim")
        assert (await device.answer())["level"] == "operator"
        await device.press("p2")
        levels = [(await device.answer())["level"]]
        if levels == ["stored"]:  # both in one, or one after the other
            levels.append((await device.answer())["level"])
        assert levels[-1] == "operator"


async def test_a_repeat_never_hears_less_than_before(centre: Service, seats: Seats, worn: str) -> None:
    """`level` only grows (design.md 3): the repeat was on its way while the operator claimed."""
    async with bracelet(centre.mqtt_port, worn) as device:
        await device.press("p1")
        alert = (await device.answer())["alert"]
        await seats.operator.act(alert, "claim")
        assert (await device.answer())["level"] == "operator"
        await device.press("p1", rep=1)
        assert (await device.answer())["level"] == "operator"
