"""The roster of residents at risk: who is on it and in which order, who may have it, and that it is written down."""

import asyncio
import re
from typing import Any

import pytest
from sqlalchemy import insert

from callcenter.console.pages import HERE
from callcenter.console.roster_api import age
from callcenter.storage import roster_queries, synthetic, tables as t
from callcenter.storage.roster_queries import Village
from callcenter.storage.scope import Scope
from tests.conftest import Seat
from tests.integration.conftest import take_seat
from tests.integration.office import Office
from tests.processes import NOW, Service

AREAS = [
    {"id": "q", "name": "Quarter", "parent_id": None}, {"id": "q-a", "name": "Alder", "parent_id": "q"},
    {"id": "q-b", "name": "Birch", "parent_id": "q"}, {"id": "z", "name": "Zinc", "parent_id": None},
]  # fmt: skip
# id, area, risk, born: who shares a house has its letter
PEOPLE = [
    ("old", "a", "q-a", "high", "1930-01-01"), ("young", "a", "q-a", "high", "1950-01-01"),
    ("alone", "b", "q-a", "high", "1960-01-01"), ("fit", "c", "q-a", "normal", "1931-01-01"),
    ("birch", "d", "q-b", "high", "1940-01-01"), ("far", "e", "z", "high", "1940-01-01"),
]  # fmt: skip


def _fill(connection: Any) -> None:
    connection.execute(insert(t.areas), AREAS)
    homes = {house: {"id": f"q{house}", "address": f"House {house}", "area_id": area} for _, house, area, *_ in PEOPLE}
    connection.execute(insert(t.households), list(homes.values()))
    connection.execute(
        insert(t.residents),
        [
            {"id": f"q-{one}", "household_id": f"q{house}", "name": one, "risk": risk, "born": born}
            for one, house, _, risk, born in PEOPLE
        ],
    )
    contact = {"id": "q-old-1", "resident_id": "q-old", "position": 1, "name": "Son", "keyholder": True}
    connection.execute(insert(t.contacts), contact)
    helper = {"id": "q-r", "name": "Helper", "kind": "neighbour", "phone": "+8610", "area_id": "q-a", "keys": "x qa"}
    connection.execute(insert(t.responders), helper)


@pytest.fixture
async def quarter(office: Office) -> Office:
    await office.door.later(_fill)
    return office


def names(found: tuple[list[Village], int]) -> dict[str, list[str]]:
    return {village.name: [one.resident["name"] for one in village.people] for village in found[0]}


async def test_village_by_village_the_most_urgent_first(quarter: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    at_risk = quarter.read(roster_queries.roster, "q", everybody=False)
    assert names(at_risk) == {"Alder": ["alone", "old", "young"], "Birch": ["birch"]}
    everybody = quarter.read(roster_queries.roster, "q-a", everybody=True)
    assert names(everybody) == {"Alder": ["alone", "old", "young", "fit"]}
    alone, old, young, _ = everybody[0][0].people
    assert [alone.alone, old.alone] == [True, False]
    assert [one["name"] for one in old.contacts] == ["Son"]
    assert [[one["name"] for one in each.keys] for each in (alone, old, young)] == [[], ["Helper"], ["Helper"]]
    monkeypatch.setattr(roster_queries, "MOST", 3)
    cut, more = quarter.read(roster_queries.roster, "q", everybody=True)
    assert (sum(len(village.people) for village in cut), more) == (3, 2)
    assert quarter.read(roster_queries.areas, Scope(frozenset({"z"})))[0]["name"] == "Zinc"


async def _page(seat: Seat, query: str) -> tuple[int, str]:
    async with seat.session.get(f"{seat.base}/roster{query}") as answer:
        return answer.status, await answer.text()


@pytest.mark.one_database
async def test_who_prints_it_is_written_down_before_it_is_shown(centre: Service, ann: Seat) -> None:
    status, form = await _page(ann, "")
    assert status == 200
    assert "测试居民" not in form
    async with ann.live() as live:
        assert (await live.receive_json(timeout=5))["type"] == "snapshot"
        status, listed = await _page(ann, "?area=d1&lang=en")
        assert (status, "测试居民2<" in listed or "测试居民2\n" in listed) == (200, True)
        async with asyncio.timeout(10):
            while (entry := await live.receive_json()).get("rule") != "roster.printed":
                pass
    count = len(re.findall('class="person"', listed))
    assert count >= centre.households
    assert (entry["actor"], entry["data"]) == (
        "operator:operator1", {"area": "d1", "people": count, "everybody": False},
    )  # fmt: skip
    assert (await _page(ann, "?area=nowhere"))[0] == 404
    assert (await _page(ann, "?who=nobody"))[0] == 400


@pytest.mark.one_database
async def test_only_who_sees_the_people_of_an_area_gets_them(centre: Service) -> None:
    centre.hire("elsewhere1", "operator", area="d2")
    elsewhere, prober = await take_seat(centre, "elsewhere1"), await take_seat(centre, synthetic.ACCOUNT)
    try:
        status, said = await _page(elsewhere, "?area=d1")
        assert (status, "测试居民" in said) == (404, False)
        assert (await _page(prober, "?area=d1"))[0] == 403
    finally:
        await elsewhere.session.close()
        await prober.session.close()


@pytest.mark.parametrize(("born", "years"), [("1941-11-22", 84), ("1941-11-21", 85), (None, None), ("1941", None)])
def test_the_age_is_that_of_the_day(born: str | None, years: int | None) -> None:
    assert age(born, NOW.date()) == years


def test_both_languages_have_all_its_words() -> None:
    texts = {name: (HERE / "templates" / f"words.roster.{name}.j2").read_text("utf-8") for name in ("en", "zh-CN")}
    english, chinese = ({*re.findall(r"set (\w+) =", text)} for text in texts.values())
    used = {*re.findall(r"words\.(\w+)\b(?!\")", (HERE / "templates" / "roster.html.j2").read_text("utf-8"))}
    assert english == chinese == used - {"roster"}
