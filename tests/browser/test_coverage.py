"""The page of the coverage: the map and the list say where too few people could be asked to go, and follow a change."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import Engine, delete, insert

from callcenter.storage import tables as t
from callcenter.storage.engine import connect
from tests.browser.axe import WCAG, violations
from tests.browser.conftest import HOSTILE_NAME
from tests.browser.test_reports import go
from tests.processes import Service

pytestmark = pytest.mark.long
AREA = "d1"  # where everybody of these tests lives
KINDS = ("family", "carer", "town_station", "district_command")
LEVELS = 4


@pytest.fixture(scope="module")
def engine(centre: Service) -> Iterator[Engine]:
    made = connect(f"sqlite:///{centre.directory / 'callcenter.db'}", writer=True, size=1)
    yield made
    made.dispose()


@contextmanager
def there(engine: Engine, *hours: str) -> Iterator[None]:
    """One of each level, with these weekly hours; gone afterwards."""
    people = [
        {"id": f"helper-{n}", "name": "x", "kind": kind, "phone": f"1390000000{n}", "area_id": AREA, "hours": spans}
        for n, (kind, spans) in enumerate(zip(KINDS, hours, strict=True))
    ]
    with engine.begin() as connection:
        connection.execute(insert(t.responders), people)
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.execute(delete(t.responders).where(t.responders.c.id.like("helper-%")))


def marked(page: Page) -> list[str]:
    """What the marked stretches of the map say to who cannot see them."""
    return page.locator(".heat-map tbody td .visually-hidden").all_inner_texts()


def test_the_map_and_the_list_follow_what_is_mended(sign_in: Callable[..., Page], engine: Engine) -> None:
    page = go(sign_in(), "/coverage")
    status = page.get_by_role("status")
    expect(status).to_contain_text(f"{LEVELS} gaps in the next 7 days. 0 areas have no gap.")
    names = ["Neighbours and family", "Village doctor and carers", "Town station", "District command"]
    listed = page.get_by_role("table", name="All gaps").locator("tbody tr")
    expect(listed).to_have_count(LEVELS)
    assert listed.locator("td:nth-child(2)").all_inner_texts() == names
    expect(listed.first).to_contain_text("0 of 1")
    whole = marked(page)
    assert len(whole) in (7, 8)  # a stretch for each day
    assert all(all(name in said for name in names) for said in whole)
    expect(page.locator(".heat-map tbody td.heat-all")).to_have_count(len(whole))
    with there(engine, "mon-sun 06:00-20:00", "", "mon-sun 08:00-20:00", ""):
        page.get_by_role("button", name="Check now").click()
        expect(status).to_contain_text(re.compile(r"1[4-6] gaps"))
        nights = set(marked(page))
        # Where both are away the town's station is the worse of the two: neighbours are there again at six.
        assert "Neighbours and family and Town station: too few people, 20:00 to 00:00" in nights
        assert "Neighbours and family and Town station: too few people, 00:00 to 06:00" in nights
        assert "Town station: too few people, 06:00 to 08:00" in nights
        signs = page.locator(".heat-map tbody td.heat-c span[aria-hidden]").all_inner_texts()
        assert set(signs) == {"3"}
        assert not any("08:00 to" in said for said in nights)
    with there(engine, "", "", "", ""):
        page.get_by_role("button", name="Check now").click()
        expect(status).to_contain_text("0 gaps in the next 7 days. 1 area has no gap.")
        expect(page.get_by_role("table")).to_have_count(0)


def test_it_speaks_chinese_and_is_reached_from_the_alerts(sign_in: Callable[..., Page]) -> None:
    page = sign_in()
    with page.context.expect_page() as beside:
        page.get_by_role("link", name="Coverage").click()
    page = beside.value
    expect(page.get_by_role("heading", name="Coverage")).to_be_visible()
    page.get_by_label("Language").select_option("zh-CN")
    expect(page.get_by_role("status")).to_contain_text("未来 7 天有 4 处空缺")
    expect(page.get_by_role("table", name="空缺列表")).to_contain_text("邻里亲友")
    expect(page).to_have_title("应援覆盖")


def test_everything_is_reached_by_keyboard(sign_in: Callable[..., Page]) -> None:
    page = go(sign_in(), "/coverage")
    expect(page.get_by_role("region", name="Map of the week")).to_be_visible()
    page.get_by_label("Area").focus()
    seen = []
    for _ in range(3):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.getAttribute('role') ?? document.activeElement.tagName"))
    assert seen == ["BUTTON", "region", "region"]
    page.get_by_role("button", name="Check now").focus()
    with page.expect_response("**/api/v1/coverage?*") as asked:
        page.keyboard.press("Enter")
    assert asked.value.ok


def big_town(count: int) -> Callable[[Route], None]:
    """The same holes, in many areas; one of them tries to be markup."""

    def answer(route: Route) -> None:
        body: dict[str, Any] = route.fetch().json()
        (one,) = body["areas"]
        body["areas"] = [one | {"id": f"a{n}", "name": HOSTILE_NAME if n == 0 else f"Area {n}"} for n in range(count)]
        body["total"] += 100
        route.fulfill(content_type="application/json", body=json.dumps(body))

    return answer


def test_a_big_town_is_shown_part_by_part(sign_in: Callable[..., Page]) -> None:
    page = sign_in()
    page.route("**/api/v1/coverage?*", big_town(120))
    go(page, "/coverage")
    rows = page.locator(".heat-map tbody tr")
    expect(rows).to_have_count(50)
    expect(rows.first).to_contain_text(HOSTILE_NAME)
    page.get_by_role("button", name="Show 70 more areas").click()
    page.get_by_role("button", name="Show 20 more areas").click()
    expect(rows).to_have_count(120)
    expect(page.get_by_text("100 later gaps are not listed.")).to_be_visible()
    with page.expect_response("**/api/v1/coverage?area=d1") as asked:
        page.get_by_label("Area").select_option(AREA)
    assert asked.value.ok
    expect(rows).to_have_count(50)


def test_a_centre_that_does_not_answer_is_told(sign_in: Callable[..., Page]) -> None:
    page = sign_in()
    page.route("**/api/v1/coverage?*", lambda route: route.abort())
    go(page, "/coverage")
    expect(page.get_by_role("alert").filter(has_text="The centre does not answer")).to_be_visible()
    expect(page.get_by_role("table")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_against_wcag_2_2_aa(sign_in: Callable[..., Page], scheme: str, engine: Engine) -> None:
    with there(engine, "mon 08:00-20:00", "tue 08:00-20:00", "wed 08:00-20:00", "thu 08:00-20:00"):
        page = go(sign_in(color_scheme=scheme), "/coverage")
        expect(page.locator(".heat-map td.heat-d").first).to_be_visible()
        assert violations(page, WCAG) == []
