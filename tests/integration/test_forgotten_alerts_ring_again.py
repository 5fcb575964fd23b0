"""Acknowledged is not forgotten: a claim left alone, or whose operator has vanished, rings again at its old age."""

import asyncio
import threading

import pytest

from callcenter.ports import ConsolesChanged
from tests.conftest import Seat
from tests.integration.bracelet import bracelet
from tests.integration.conftest import take_seat
from tests.integration.office import ANN, BEN, CHIEF, Office
from tests.processes import Service


async def claimed(office: Office, *, after: float = 7) -> str:
    opened = await office.press()
    await office.wait(after)
    await office.acts(opened.alert, "claim")
    return opened.alert


async def test_r09_a_claim_left_alone_for_a_minute_rings_again(office: Office) -> None:
    alert = await claimed(office)
    before = office.alert(alert)
    await office.wait(59)
    assert office.alert(alert).state == "claimed"
    await office.wait(1)

    after = office.alert(alert)
    assert (after.state, after.owner) == ("waiting", None)
    assert (after.opened_at, after.waiting_since) == (before.opened_at, before.waiting_since)
    last = [entry for entry in office.entries() if entry.rule == "claim.expires"]
    assert [(entry.ring, entry.alert_id) for entry in last] == [(True, alert)]
    office.assert_whole()


@pytest.mark.one_database
async def test_it_goes_on_climbing_where_its_age_says(office: Office) -> None:
    """67 s old: the rungs of 15, 30 and 60 s are due at once, that of 90 s is not."""
    alert = await claimed(office)
    await office.wait(62)
    climbed = [entry for entry in office.entries() if entry.rule == "ladder.climbs"]
    assert [entry.alert_id for entry in climbed] == [alert] * 3
    await office.wait(21)
    assert office.rules(alert).count("ladder.climbs") == 4


@pytest.mark.one_database
@pytest.mark.parametrize("action", ["note", "call_resident", "step", "no_voice"])
async def test_an_owner_who_does_something_keeps_it(office: Office, action: str) -> None:
    alert = await claimed(office)
    await office.wait(50)
    await office.acts(alert, action, text="asked whether the door is open")
    await office.wait(50)
    assert office.alert(alert).state == "claimed"
    await office.wait(10)
    assert office.alert(alert).state == "waiting"


@pytest.mark.one_database
async def test_what_others_do_keeps_nothing(office: Office) -> None:
    alert = await claimed(office)
    await office.wait(50)
    await office.acts(alert, "note", BEN, text="I know the family")
    await office.declined(alert, "step", BEN)
    await office.wait(10)
    assert office.alert(alert).state == "waiting"


async def test_r09_the_operator_vanishes_for_20_seconds(office: Office) -> None:
    alert = await claimed(office)
    opened_at = office.alert(alert).opened_at
    await office.console(ANN, present=False)
    await office.wait(19)
    assert office.alert(alert).state == "claimed"
    await office.wait(1)
    after = office.alert(alert)
    assert (after.state, after.owner, after.opened_at) == ("waiting", None, opened_at)
    assert "owner.lost" in office.rules(alert)
    assert office.entries()[-1].ring


@pytest.mark.one_database
async def test_the_operator_is_back_in_time(office: Office) -> None:
    alert = await claimed(office)
    await office.console(ANN, present=False)
    await office.wait(15)
    await office.console(ANN, present=True)
    await office.wait(40)
    assert office.alert(alert).owner.id == ANN.id
    assert office.rules(alert)[-2:] == ["owner.goes", "owner.back"]


@pytest.mark.one_database
async def test_another_operator_vanishing_means_nothing(office: Office) -> None:
    alert = await claimed(office)
    before = office.entries()
    await office.console(BEN, present=False)
    await office.wait(30)
    assert office.entries() == before
    assert office.alert(alert).owner.id == ANN.id


@pytest.mark.one_database
async def test_a_new_press_on_a_claimed_alert_does_not_move_the_deadline(office: Office) -> None:
    alert = await claimed(office)
    await office.wait(40)
    await office.press(msg="p2")
    await office.wait(20)
    assert office.alert(alert).state == "waiting"


@pytest.mark.one_database
async def test_help_on_its_way_and_nobody_looks(office: Office) -> None:
    """The owner is rung after five minutes, everybody a minute later."""
    alert = await claimed(office)
    await office.acts(alert, "dispatch")
    await office.wait(300)
    assert office.rules(alert)[-1] == "help.asks"
    assert office.entries()[-1].ring
    assert office.alert(alert).state == "helping"
    await office.wait(60)
    assert office.alert(alert).state == "waiting"
    assert "attention.expires" in office.rules(alert)


@pytest.mark.one_database
async def test_handed_to_the_ambulance_is_asked_for_every_ten_minutes(office: Office) -> None:
    alert = await claimed(office)
    await office.acts(alert, "hand_over", case_number="120-7", person="Li")
    await office.wait(600)
    assert office.rules(alert)[-1] == "ambulance.reasks"
    await office.wait(60)
    after = office.alert(alert)
    assert (after.state, after.owner) == ("handed_over", None)  # it rings for everybody until somebody takes it
    await office.acts(alert, "claim", BEN)
    assert office.alert(alert).owner.id == BEN.id


async def test_nobody_ever_claims_it(office: Office) -> None:
    """Every rung once at its second, then it rings again every minute."""
    opened = await office.press()
    start = office.clock.now()
    await office.wait(300)
    rungs = [(entry.at - start).total_seconds() for entry in office.entries() if entry.rule == "ladder.climbs"]
    assert rungs == [15, 30, 60, 90, 120, 180, 240, 300]
    assert all(entry.ring for entry in office.entries() if entry.alert_id == opened.alert)


async def test_deadlines_missed_while_the_service_was_down_fire_once_and_late(office: Office) -> None:
    alert = await claimed(office)
    office.clock.advance(3600)  # nobody sweeps
    await office.wait(1)
    assert office.rules(alert).count("claim.expires") == 1
    assert office.alert(alert).state == "waiting"
    assert len([row for row in office.rows("timers") if row.alert_id == alert]) == 1


async def test_resolved_and_not_closed_is_reminded_of_and_never_rings_as_unclaimed(office: Office) -> None:
    alert = await claimed(office)
    await office.acts(alert, "resolve", outcome="false_alarm")
    office.clock.advance(86_400)
    await office.wait(1)
    assert office.rules(alert)[-1] == "follow_up.reminds"
    assert not office.entries()[-1].ring
    assert office.alert(alert).state == "resolved"


@pytest.mark.one_database
async def test_the_one_it_was_given_to_owns_the_deadline(office: Office) -> None:
    alert = await claimed(office)
    await office.console(BEN, present=True)
    await office.wait(30)
    await office.acts(alert, "transfer", CHIEF, to=BEN)
    await office.console(ANN, present=False)
    await office.wait(59)
    assert office.alert(alert).owner.id == BEN.id
    await office.wait(1)
    assert office.alert(alert).state == "waiting"


@pytest.mark.one_database
async def test_it_is_given_to_somebody_who_is_not_there(office: Office) -> None:
    alert = await claimed(office)
    await office.console(ANN, present=True)
    await office.acts(alert, "transfer", CHIEF, to=BEN)
    await office.wait(20)
    assert office.alert(alert).state == "waiting"


async def test_the_console_goes_in_the_very_commit_of_the_claim(
    office: Office, stop_the_writer: threading.Event
) -> None:
    """A click, and the connection breaks: both are decided in one group."""
    opening = office.press()
    stop_the_writer.set()
    alert = (await opening).alert
    stop_the_writer.clear()
    before = office.press("bracelet-2")
    await asyncio.sleep(0.05)  # the writer is held with this one; what comes now is the next group
    claiming = [before, office.act(alert, "claim"), office.door.submit(ConsolesChanged(ANN.id, present=False))]
    stop_the_writer.set()
    await asyncio.gather(*claiming)
    assert office.alert(alert).owner.id == ANN.id
    await office.wait(20)
    assert office.alert(alert).state == "waiting"


@pytest.mark.slow
@pytest.mark.parametrize("centre", ["postgres-mosquitto"], indirect=True)
async def test_the_owners_console_is_closed_and_the_alert_waits_again_at_its_old_age(
    centre: Service, ben: Seat, worn: str
) -> None:
    """Through the real service, in real time: 20 s, so on one pair only. The console that is left hears it ring."""
    owner = await take_seat(centre, "operator1")
    async with bracelet(centre.mqtt_port, worn) as device, ben.live() as left:
        async with owner.live() as live:
            assert (await live.receive_json(timeout=10))["type"] == "snapshot"
            await device.press("p1")
            alert = (await device.answer())["alert"]
            status, body = await owner.act(alert, "claim")
            assert status == 200
        while True:
            frame = await left.receive_json(timeout=60)
            if frame["type"] == "entry" and frame["alert_id"] == alert:
                assert frame["rule"] != "claim.expires", "the minute was over first"
                if frame["rule"] == "owner.lost":
                    break
    await owner.session.close()
    assert (frame["alert_id"], frame["ring"], frame["alert"]["state"]) == (alert, True, "waiting")
    assert frame["alert"]["owner"] is None
    assert frame["alert"]["opened_at"] == body["alert"]["opened_at"]
    found = (await ben.get(f"/api/v1/alerts/{alert}"))["alert"]
    assert (found["state"], found["opened_at"]) == ("waiting", body["alert"]["opened_at"])
