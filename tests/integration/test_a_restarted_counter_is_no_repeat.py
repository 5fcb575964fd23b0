"""A device restarts and counts its messages from 1 again: the press is new, not a repeat (docs/adr/0005)."""

import pytest

from callcenter.storage import queries
from tests.integration.office import Office, payload

OLD = payload("1", at="2026-11-21T07:59:59Z")
NEW = payload("1", at="2026-11-21T08:30:00Z")


async def test_it_opens_an_alert_once_the_old_one_is_over(office: Office) -> None:
    old = await office.sos("bracelet-1", OLD)
    await office.finish(old.alert)
    office.clock.advance(1800)

    taken = await office.sos("bracelet-1", NEW)

    assert taken.new
    assert taken.alert != old.alert
    assert office.alert(taken.alert).state == "waiting"
    assert office.entries()[-1].ring
    assert office.acks()[-1] == ("bracelet-1", "1", "stored", taken.alert)
    assert {row.raw for row in office.rows("signals")} == {OLD, NEW}


async def test_a_resolved_alert_counts_as_over(office: Office) -> None:
    old = await office.sos("bracelet-1", OLD)
    await office.acts(old.alert, "claim")
    await office.acts(old.alert, "resolve", outcome="false_alarm")

    assert (await office.sos("bracelet-1", NEW)).alert != old.alert


async def test_the_old_press_repeated_stays_a_repeat(office: Office) -> None:
    """The same bytes, or a repeat number: the device has not heard our answer yet."""
    old = await office.sos("bracelet-1", OLD)
    await office.finish(old.alert)

    for again in (OLD, payload("1", at="2026-11-21T07:59:59Z", rep=3)):
        taken = await office.sos("bracelet-1", again)
        assert not taken.new
        assert office.acks()[-1] == ("bracelet-1", "1", "closed", old.alert)
    assert len(office.alerts()) == 1
    assert len(office.rows("signals")) == 1


async def test_while_the_old_alert_is_open_it_is_taken_for_a_repeat(office: Office) -> None:
    """Nothing is lost by that: the alert is in somebody's hands."""
    old = await office.sos("bracelet-1", OLD)

    assert not (await office.sos("bracelet-1", NEW)).new
    assert [alert.press_count for alert in office.alerts("open")] == [1]
    assert office.acks()[-1] == ("bracelet-1", "1", "stored", old.alert)


@pytest.mark.parametrize("kind", ["test", "cancel"])
async def test_a_press_under_the_id_of_a_message_that_opened_nothing_rings(office: Office, kind: str) -> None:
    """The installer presses "test" (message 1); the device restarts; the resident presses SOS (message 1)."""
    assert (await office.press(msg="1", kind=kind)).alert is None
    office.clock.advance(86_400)

    taken = await office.sos("bracelet-1", NEW)

    assert taken.alert is not None, "the press was acknowledged and rings nobody"
    assert office.alert(taken.alert).state == "waiting"


async def test_the_broker_giving_it_twice_counts_once(office: Office) -> None:
    old = await office.sos("bracelet-1", OLD)
    await office.finish(old.alert)

    first = await office.sos("bracelet-1", NEW)
    again = await office.sos("bracelet-1", NEW)

    assert again.alert == first.alert
    assert office.alert(first.alert).press_count == 1
    assert len(office.rows("signals")) == 2


async def test_later_levels_name_the_message_as_the_device_knows_it(office: Office) -> None:
    old = await office.sos("bracelet-1", OLD)
    await office.finish(old.alert)
    new = await office.sos("bracelet-1", NEW)
    await office.acts(new.alert, "claim")

    # What the acknowledgement "operator" is sent for (callcenter/centre.py, DeviceAcks).
    assert office.read(queries.messages_of, new.alert) == [("bracelet-1", "1")]


async def test_a_third_start_is_told_apart_too(office: Office) -> None:
    bodies = [payload("1", at=f"2026-11-21T0{hour}:00:00Z") for hour in (5, 6, 7)]
    alerts = []
    for body in bodies:
        taken = await office.sos("bracelet-1", body)
        assert taken.new
        await office.finish(taken.alert)
        alerts.append(taken.alert)
    assert len(set(alerts)) == 3
    assert {row.raw for row in office.rows("signals")} == set(bodies)
