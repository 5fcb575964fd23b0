"""Every hole that a generator dug is found, to the minute, and none beside it: from the files of a town to the list."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, update

from callcenter.alerts.coverage import Hole
from callcenter.storage import network, tables as t
from tests.unit import dug_holes
from tests.unit.registry import HEAD, Town

SEEDS = range(8)


def written(at: datetime) -> str:
    return at.astimezone(dug_holes.ZONE).isoformat()


def found(town: Town, plan: dug_holes.Town) -> list[Hole]:
    """The town is read as its people write it, and checked."""

    def read(kind: str, head: str, *lines: str) -> None:
        assert lines == () or not town.read(kind, head, *lines).wrong

    read("areas", "id,name,kind,parent", *(f"{id},{id},village,{above or ''}" for id, above in plan.areas.items()))
    read("residents", HEAD, *(f"r-{area},x,h-{area},x,{area}" for area in plan.inhabited))
    read(
        "responders",
        "id,name,kind,phone,area,hours,stopped",
        *(f"{p.id},x,{p.kind},{p.phone},{p.area},{p.hours},{'yes' if p.stopped else ''}" for p in plan.people),
    )
    absences = (f"{id},{written(a.starts)},{written(a.ends)},{'yes' if a.there else ''}" for id, a in plan.absences)
    read("absences", "responder,starts,ends,on_duty", *absences)
    read("holidays", "day,name", *(f"{day},x" for day in sorted(plan.holidays)))
    with town.writer.transaction() as connection:
        for id, phone in plan.numberless.items():  # no file may say so, but older rows and other programs may
            connection.execute(update(t.responders).where(t.responders.c.id == id).values(phone=phone))
    with town.writer.transaction() as connection:
        return network.coverage(connection, plan.levels, plan.start)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_hole_that_was_dug_is_found_and_none_beside_it(town: Town, seed: int) -> None:
    plan = dug_holes.Town(seed)
    seen = Counter(found(town, plan))
    dug = Counter(plan.dug)
    assert dug - seen == Counter(), "dug, not found"
    assert seen - dug == Counter(), "found, not dug"


def test_every_way_of_digging_was_used() -> None:
    """Else the test above would say less than it seems to."""
    plans = [dug_holes.Town(seed) for seed in SEEDS]
    assert set.union(*(plan.used for plan in plans)) == {way.__name__ for way in dug_holes.WAYS}
    assert sum(len(plan.dug) for plan in plans) > 500
    lengths = {(hole.ends - hole.starts) for plan in plans for hole in plan.dug}
    assert timedelta(minutes=1) in lengths
    assert len({hole.there for plan in plans for hole in plan.dug}) > 1
    assert any(hole.starts > plan.start and hole.ends < plan.end for plan in plans for hole in plan.dug)


def test_a_house_with_a_telephone_of_ours_is_looked_after_when_nobody_is_written_down_for_it(town: Town) -> None:
    town.read("areas", "id,name,kind,parent", "v1,甲,village,")
    plan = dug_holes.Town(0)
    with town.writer.transaction() as connection:
        connection.execute(insert(t.households).values(id="h-1", address="x", area_id="v1"))
        assert network.coverage(connection, plan.levels, plan.start) == []
        connection.execute(insert(t.devices).values(id="phone-1", family="home_phone", household_id="h-1"))
        assert {hole.area for hole in network.coverage(connection, plan.levels, plan.start)} == {"v1"}
