"""The made-up town: the same every time, whole, and nobody's."""

import csv
import re

import pytest

from callcenter.people.rows import parse
from devices.events import DEVICE_ID
from simulators.residents import REGISTER_YEAR, SPARE_BRACELET, build_town
from simulators.town_files import CONTACTS, RESIDENT_FIELDS, read_fleet, write_town

NOBODYS_PHONE = re.compile(r"\+86100\d{7}")
RESPONDER_KINDS = {"neighbour", "family", "village_doctor", "carer", "town_station", "district_command"}


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    path = tmp_path_factory.mktemp("town")
    write_town(build_town(7, 200), path, password="secret")
    return path


def rows(directory, name):
    with (directory / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_same_seed_and_size_give_the_same_files(directory, tmp_path):
    write_town(build_town(7, 200), tmp_path, password="secret")
    for name in ("residents", "devices", "responders", "plans"):
        assert (tmp_path / f"{name}.csv").read_bytes() == (directory / f"{name}.csv").read_bytes()


def test_another_seed_gives_another_town():
    assert build_town(7, 20).residents != build_town(8, 20).residents


@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_a_town_of_any_size_has_exactly_its_residents_and_one_spare_bracelet(size):
    town = build_town(3, size)
    assert len(town.residents) == size
    spare = [device for device in town.devices if device.id == SPARE_BRACELET]
    assert len(spare) == 1
    assert [d.id for d in town.devices if d.resident_id == spare[0].resident_id] == [SPARE_BRACELET]


def test_an_empty_town_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        build_town(1, 0)


def test_ids_are_valid_and_unique(directory):
    devices = rows(directory, "devices")
    assert all(DEVICE_ID.fullmatch(row["id"]) for row in devices)
    for name in ("residents", "devices", "responders"):
        ids = [row["id"] for row in rows(directory, name)]
        assert len(ids) == len(set(ids))


def test_foreign_keys_are_whole(directory):
    residents, devices = rows(directory, "residents"), rows(directory, "devices")
    people, homes = {row["id"] for row in residents}, {row["household_id"] for row in residents}
    for row in devices:
        if row["family"] == "bracelet":
            assert row["resident_id"] in people
            assert not row["household_id"]
        else:
            assert row["family"] == "home_phone"
            assert row["household_id"] in homes
            assert not row["resident_id"]
        assert row["password"] == "secret"
    phones = [row["household_id"] for row in devices if row["family"] == "home_phone"]
    assert sorted(phones) == sorted(homes)


def test_everybody_of_a_household_lives_at_one_address(directory):
    shared = ("address", "area", "area_name", "lat", "lon", "entry_notes")
    homes: dict[str, tuple[str, ...]] = {}
    people: dict[str, int] = {}
    for row in rows(directory, "residents"):
        place = tuple(row[field] for field in shared)
        assert homes.setdefault(row["household_id"], place) == place
        people[row["household_id"]] = people.get(row["household_id"], 0) + 1
    assert set(people.values()) == {1, 2}


def test_residents_are_plausible(directory):
    for row in rows(directory, "residents"):
        assert list(row) == list(RESIDENT_FIELDS)
        assert 60 <= REGISTER_YEAR - int(row["born"]) <= 100
        assert row["sex"] in {"f", "m"}
        assert row["risk"] in {"low", "normal", "high"}
        assert re.fullmatch(r"d1-t\d-v\d", row["area"])
        assert len(row["area_name"].split()) == 3
        assert -90 < float(row["lat"]) < 90
        contacts = [n for n in range(1, CONTACTS + 1) if row[f"contact{n}_name"]]
        assert contacts == list(range(1, len(contacts) + 1))
        assert "yes" in {row[f"contact{n}_keyholder"] for n in contacts}


def test_no_telephone_number_can_reach_anybody(directory):
    residents, responders = rows(directory, "residents"), rows(directory, "responders")
    numbers = [row[field] for row in residents for field in row if field.endswith("phone") and row[field]]
    assert all(NOBODYS_PHONE.fullmatch(number) for number in [*numbers, *(row["phone"] for row in responders)])


def test_every_village_has_its_four_levels_of_help(directory):
    responders = rows(directory, "responders")
    assert {row["kind"] for row in responders} == RESPONDER_KINDS
    for area in {row["area"] for row in rows(directory, "residents")}:
        near = {row["kind"] for row in responders if row["area"] == area}
        assert near >= {"neighbour", "village_doctor", "carer"}
        town = area.rpartition("-")[0]
        assert [row["kind"] for row in responders if row["area"] == town] == ["town_station"]


def test_the_simulation_leaves_the_spare_bracelet_and_its_home_alone(directory):
    residents = {row["id"]: row for row in rows(directory, "residents")}
    devices = rows(directory, "devices")
    home = next(residents[row["resident_id"]]["household_id"] for row in devices if row["id"] == SPARE_BRACELET)
    fleet = read_fleet(directory)
    assert SPARE_BRACELET not in {device.id for device in fleet}
    assert home not in {device.household_id for device in fleet}
    assert len(fleet) == len(devices) - 2  # the bracelet, and that home's phone
    assert any(device.wanders for device in fleet)


def test_some_residents_have_plans_of_their_own_that_the_centre_can_read(directory):
    plans = rows(directory, "plans")
    residents = {row["id"] for row in rows(directory, "residents")}
    planned = {row["resident"] for row in plans}
    assert planned < residents
    assert 0.1 < len(planned) / len(residents) < 0.6
    assert {row["step"] for row in plans} == {"oxygen", "bottle", "insulin", "knock", "dog"}
    assert [parse("plans", row) for row in plans if isinstance(parse("plans", row), str)] == []
