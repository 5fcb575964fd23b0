"""Somebody is looked for outside, and the house calls: each has its own alert, and neither swallows the other."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select

from callcenter.alerts.model import Alert, Kind
from callcenter.storage import tables as t
from tests.conftest import ManualClock
from tests.integration.test_a_responders_link import Ringing
from tests.telephone.exchange import fill
from tests.telephone.village import another_resident, change

pytestmark = pytest.mark.one_database
HUSBAND, WIFE, HOUSE = "resident:r-1", "resident:r-2", "household:h-1"


@pytest.fixture
async def alone(database_url: str, clock: ManualClock) -> AsyncIterator[Ringing]:
    fill(database_url)
    change(database_url, _more_devices)
    async with Ringing(database_url, clock) as office:
        yield office


@pytest.fixture
async def couple(alone: Ringing) -> Ringing:
    change(alone.url, lambda connection: another_resident(connection, "+861000000502"))
    return alone


def _more_devices(connection: Any) -> None:
    for row in (
        {"id": "smoke-1", "family": "home_phone", "household_id": "h-1"},
        {"id": "own-phone", "family": "home_phone", "resident_id": "r-1"},  # some lists give it to its only resident
        {"id": "walker-1", "family": "bracelet", "household_id": "h-1"},  # the house's, worn by whoever goes out
    ):
        connection.execute(t.devices.insert(), row)


async def heard(office: Ringing, device: str, kind: str) -> Alert:
    taken = await office.press(device, f"m-{len(office.entries())}", kind=kind)
    assert taken.alert
    return office.alert(taken.alert)


def asked_as(office: Ringing, alert: Alert) -> set[str]:
    c = t.calls.c
    query = select(c.dialogue).where(c.alert_id == alert.id, c.role.in_(("responder", "family")))
    return set(office.read(lambda connection: connection.execute(query).scalars().all()))


@pytest.mark.parametrize(("device", "kind"), [("smoke-1", "fire"), ("smoke-1", "gas"), ("phone-1", "sos")])
async def test_an_alarm_of_the_house_is_no_part_of_the_search_for_who_lives_there(
    couple: Ringing, device: str, kind: str
) -> None:
    lost = await heard(couple, "bracelet-1", "wander")
    at_home = await heard(couple, device, kind)
    assert (at_home.subject.key, at_home.kind, at_home.searching) == (HOUSE, Kind(kind), False)
    await couple.acts(at_home.id, "claim")
    await couple.acts(at_home.id, "dispatch")
    assert asked_as(couple, at_home) == {"offer"}, "to the door"
    still = couple.alert(lost.id)
    assert (still.subject.key, still.kind, still.searching) == (HUSBAND, Kind.WANDER, True)
    assert (await heard(couple, device, kind)).id == at_home.id
    assert (await heard(couple, "bracelet-1", "sos")).id == lost.id, "where he walks"


async def test_also_of_who_lives_alone_and_of_a_telephone_that_is_registered_as_theirs(alone: Ringing) -> None:
    lost = await heard(alone, "bracelet-1", "wander")
    for device, kind in (("own-phone", "sos"), ("phone-1", "help"), ("own-phone", "fire"), ("bracelet-1", "gas")):
        at_home = await heard(alone, device, kind)
        assert (at_home.subject.key, at_home.searching) == (HOUSE, False), (device, kind)
        assert at_home.subject.place == "石岛村1号"
    assert alone.alert(lost.id).kind is Kind.WANDER


async def test_who_flees_a_fire_is_looked_for_and_the_fire_stays_a_fire(alone: Ringing) -> None:
    fire = await heard(alone, "smoke-1", "fire")
    lost = await heard(alone, "bracelet-1", "wander")
    assert (lost.subject.key, lost.searching) == (HUSBAND, True)
    assert (await heard(alone, "smoke-1", "fire")).id == fire.id
    assert not alone.alert(fire.id).searching
    assert alone.alert(lost.id).kind is Kind.WANDER
    assert (await heard(alone, "bracelet-1", "sos")).id == lost.id


async def test_a_fire_in_ones_own_alert_is_no_search_either(alone: Ringing) -> None:
    pressed = await heard(alone, "bracelet-1", "sos")
    assert (await heard(alone, "smoke-1", "fire")).id == pressed.id
    fled = await heard(alone, "bracelet-1", "wander")
    assert (fled.id, fled.kind, fled.searching) == (pressed.id, Kind.FIRE, False)
    assert fled.press_count == 3
    last = [entry for entry in alone.entries() if entry.alert_id == pressed.id][-1]
    assert (last.rule, last.ring) == ("alarm.attaches", True)


async def test_a_search_for_somebody_with_a_bracelet_of_the_house_is_not_the_houses_either(couple: Ringing) -> None:
    lost = await heard(couple, "walker-1", "wander")
    assert lost.searching
    assert (await heard(couple, "walker-1", "sos")).id == lost.id
    fire = await heard(couple, "smoke-1", "fire")
    assert fire.id != lost.id
    assert not fire.searching
    assert fire.subject.household == "h-1"
    assert (await heard(couple, "smoke-1", "fire")).id == fire.id
    help_ = await heard(couple, "phone-1", "sos")
    assert help_.id != lost.id
    assert couple.alert(lost.id).kind is Kind.SOS


async def test_a_second_device_that_says_who_left_is_the_same_search(couple: Ringing) -> None:
    lost = await heard(couple, "bracelet-1", "wander")
    assert (await heard(couple, "phone-1", "wander")).id == lost.id


async def test_what_is_no_search_is_joined_as_before(alone: Ringing) -> None:
    pressed = await heard(alone, "phone-1", "sos")
    assert (await heard(alone, "bracelet-1", "fall")).id == pressed.id
