"""Who is rung when help is wanted: the tree of areas says who is near, duty who comes first, and a stop is a stop."""

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from callcenter.privacy import Seal
from callcenter.reactions import HANDLERS
from callcenter.storage import directory, network, tables as t
from callcenter.storage.engine import connect
from callcenter.storage.policy_shelf import Shelf
from callcenter.storage.writer import Writer
from config import policies
from devices.decoders import decode
from tests.integration.office import payload
from tests.processes import lay_out
from tests.unit.registry import Town

pytestmark = pytest.mark.one_database

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)  # a Monday in China
SEAL = Seal(urlsafe_b64encode(b"nothing real is sealed with this"))
UPWARDS = ("neighbour", "village_doctor", "carer", "family", "town_station", "district_command")
PEOPLE = "id,name,kind,phone,area,hours,stopped"


@pytest.fixture
def town(database_url: str, tmp_path: Path):
    """One resident without a telephone, in a village whose id says nothing of the town it lies in."""
    policy = policies.read()
    assert not isinstance(policy, str)
    lay_out(database_url)
    engine = connect(database_url, writer=True, size=1)
    writer = Writer(engine, node="test", policy=Shelf(policy, rings=True), seal=SEAL)
    made = Town(tmp_path, writer)
    areas = ("d1,区,district,", "d1-t1,镇,town,d1", "stone,石桥村,village,d1-t1")
    assert not made.read("areas", "id,name,kind,parent", *areas).wrong
    assert not made.residents("r-1,李秀英,h-1,石桥村1号,stone").wrong
    assert not made.read("devices", "id,family,resident_id", "b-001,bracelet,r-1").wrong
    yield made
    writer.close()
    engine.dispose()


def hire(town: Town, *lines: str) -> None:
    phones = (f"138000000{n:02}" for n in range(99))
    rows = (line.split(",") for line in lines)
    whole = [",".join([id, id, kind, phone, *rest]) for (id, kind, *rest), phone in zip(rows, phones, strict=False)]
    assert not town.read("responders", PEOPLE, *whole).wrong


def asked(town: Town, *kinds: str, now: datetime = NOON) -> list[str]:
    with town.writer.transaction() as connection:
        found = directory.responders(connection, "stone", kinds or UPWARDS, now=now)
    return [person.name for person in found]


def test_who_is_near_is_what_the_parents_say_and_not_the_spelling(town: Town) -> None:
    hire(town, "chief,district_command,d1,,", "station,town_station,d1-t1,,", "n-1,neighbour,stone,,")
    hire(town, "far,town_station,d1-t2,,", "n-2,neighbour,stone-t1,,")
    assert asked(town) == ["n-1", "station", "chief"]


def test_within_a_kind_the_own_area_comes_before_those_above_it(town: Town) -> None:
    hire(town, "a,carer,d1,,", "b,carer,d1-t1,,", "c,carer,stone,,", "d,neighbour,d1,,")
    assert asked(town) == ["d", "c", "b", "a"]


def test_a_circle_of_areas_ends_where_it_closes(town: Town) -> None:
    hire(town, "chief,district_command,d1,,")
    with town.writer.transaction() as connection:
        connection.execute(t.areas.update().where(t.areas.c.id == "d1").values(parent_id="stone"))
        assert network.around(connection, "d1-t1") == ["d1-t1", "d1", "stone"]
        assert network.around(connection, "nowhere") == ["nowhere"]
        assert network.around(connection, None) == []
    assert asked(town) == ["chief"]


def test_who_has_stopped_is_not_asked(town: Town) -> None:
    hire(town, "n-1,neighbour,stone,,yes", "n-2,neighbour,stone,,no")
    assert asked(town) == ["n-2"]


def test_who_is_off_duty_is_asked_after_all_others_of_the_kind_but_is_asked(town: Town) -> None:
    hire(town, "n-1,neighbour,stone,mon 18:00-20:00,", "n-2,neighbour,stone,,", "n-3,neighbour,d1,mon 08:00-18:00,")
    hire(town, "s-1,town_station,d1-t1,sun 00:00-01:00,")
    assert asked(town) == ["n-2", "n-3", "n-1", "s-1"]
    assert asked(town, now=NOON + timedelta(hours=7)) == ["n-1", "n-2", "n-3", "s-1"]
    town.read("absences", "responder,starts,ends", "n-2,2026-11-23T11:00,2026-11-23T13:00")
    assert asked(town) == ["n-3", "n-1", "n-2", "s-1"]


def test_a_press_rings_in_that_order(town: Town) -> None:
    hire(town, "n-1,neighbour,stone,sun 00:00-01:00,", "n-2,neighbour,stone,,yes", "n-3,neighbour,stone,,",
         "s-1,town_station,d1-t1,,")  # fmt: skip
    with town.writer.unit(NOON) as unit:
        heard = decode("vnh/v1/b-001/up/sos", payload("p1"), NOON)
        HANDLERS[type(heard)].apply(unit, heard)
    with town.writer.transaction() as connection:
        wanted = select(t.timeline.c.data).where(t.timeline.c.rule == "call.wanted").order_by(t.timeline.c.n)
        rung = [json.loads(data)["call"]["party"] for data in connection.execute(wanted).scalars()]
    assert rung == ["responder:n-3", "responder:n-1"], "the station has its turn when the neighbours' time is over"
