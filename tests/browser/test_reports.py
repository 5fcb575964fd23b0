"""The pages of the call log and of the statistics show what the log holds, to who may see it."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import insert

from callcenter.privacy import Seal, read_key
from callcenter.storage import tables as t
from callcenter.storage.engine import connect
from tests.browser.conftest import HOSTILE_NAME, fill_in
from tests.processes import Service
from tests.small_day import CALLS, DAY, call_row, local, number

pytestmark = pytest.mark.long
OPENED = local("21 09:46:10")
DEBT = {"call_id": "h09", "party": "", "name": HOSTILE_NAME, "attempts": 1}


@pytest.fixture(scope="module", autouse=True)
def log(centre: Service) -> None:
    """The small day's calls, without its alerts."""
    seal = read_key(centre.directory)
    assert isinstance(seal, Seal)
    engine = connect(f"sqlite:///{centre.directory / 'callcenter.db'}", writer=True, size=1)
    rows = [call_row(rung, seal, name=HOSTILE_NAME if rung.id == "h09" else "") for rung in CALLS]
    with engine.begin() as connection:
        connection.execute(insert(t.calls), [row | {"alert_id": None} for row in rows])
        # Due in a year, so that the centre does not begin to call back while the page is looked at.
        connection.execute(insert(t.debts), [DEBT | {"opened_at": OPENED, "due": OPENED + timedelta(days=365)}])
    engine.dispose()


def go(page: Page, path: str) -> Page:
    page.goto(re.sub(r"(://[^/]+)/.*", rf"\1{path}", page.url))
    return page


def test_the_log_is_searched_and_numbers_are_masked(sign_in: Callable[..., Page]) -> None:
    page = go(sign_in(), "/calls")
    table = page.get_by_role("table", name="Call log")
    expect(table.locator("tbody tr")).to_have_count(len(CALLS))
    expect(page.get_by_role("heading", name="1 caller is to be called back")).to_be_visible()
    expect(page.get_by_role("table", name="Callers to call back")).to_contain_text(HOSTILE_NAME)
    page.get_by_label("Outcome").select_option("abandoned")
    page.get_by_role("button", name="Search").click()
    expect(table.locator("tbody tr")).to_have_count(4)
    s02, h09, h08, h07 = table.locator("tbody td:nth-child(5)").all_inner_texts()
    full = {rung.id: number(rung) for rung in CALLS}
    assert (s02, h08) == (f"+86****{full['s02'][-4:]}", f"+86****{full['h08'][-4:]}")
    assert (h09, h07) == (full["h09"], "withheld")
    page.get_by_label("Outcome").select_option("lost")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("No call fits.")).to_be_visible()


def test_the_log_is_read_page_by_page(sign_in: Callable[..., Page]) -> None:
    page = sign_in("supervisor1")
    page.route("**/api/v1/calls?*", lambda route: route.continue_(url=f"{route.request.url}&limit=20"))
    go(page, "/calls")
    rows = page.get_by_role("table", name="Call log").locator("tbody tr")
    expect(rows).to_have_count(20)
    page.get_by_role("button", name="Older calls").click()
    expect(rows).to_have_count(len(CALLS))
    expect(page.get_by_role("button", name="Older calls")).to_have_count(0)
    expect(page.get_by_text(number(CALLS[0]))).to_be_visible()


def test_a_measure_is_drawn_and_listed(sign_in: Callable[..., Page]) -> None:
    page = go(sign_in(), "/statistics")
    page.get_by_label("Measure").select_option("talk_time")
    page.get_by_label("From day").fill(DAY)
    page.get_by_label("To day").fill(DAY)
    total = page.get_by_role("row", name=re.compile("^Together"))
    expect(total).to_contain_text("6,217 s")  # 6157 and o07, which is a drill only by its alert
    expect(page.locator("svg[role=img] rect")).to_have_count(24)
    expect(page.get_by_role("img", name=re.compile("Talk time: Talked in all, by Hour"))).to_be_visible()
    page.locator("select[name=by]").select_option("channel")
    expect(page.get_by_role("row", name=re.compile("^Hotline"))).to_contain_text("5,460 s")
    page.get_by_label("Language").select_option("zh-CN")
    expect(page.get_by_role("row", name=re.compile("^热线"))).to_contain_text("5,460 秒")
    with page.expect_download() as download:
        page.get_by_text("导出文件").click()
    assert "hotline,,8,5460" in download.value.path().read_text("utf-8")


def test_a_debt_is_settled_with_words(sign_in: Callable[..., Page]) -> None:
    page = go(sign_in(), "/calls")
    owed = page.get_by_role("table", name="Callers to call back")
    owed.get_by_role("button", name="Settled").click()
    expect(owed.get_by_role("alert")).to_have_text("Say who did what.")
    owed.get_by_label("Helped otherwise").select_option("visited")
    owed.get_by_label("Who, and what was done").fill("the village doctor")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="0 callers are to be called back")).to_be_visible()
    expect(owed).to_have_count(0)


def test_these_pages_are_for_who_is_signed_in(open_page: Callable[..., Page]) -> None:
    page = go(open_page(), "/statistics")
    expect(page.locator("#username")).to_be_visible()
    expect(page.get_by_role("table")).to_have_count(0)
    page.goto(page.url.replace("/statistics", "/"))
    fill_in(page)
    with page.context.expect_page() as beside:
        page.get_by_role("link", name="Statistics").click()
    expect(beside.value.get_by_label("Measure")).to_be_visible()
    expect(page.locator(".link-live")).to_be_visible()  # the alerts stay open
