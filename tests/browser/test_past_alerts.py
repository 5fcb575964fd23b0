"""The page of past alerts: found and opened by keyboard, read and not worked on, by who sees the register."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk
from tests.browser.test_accessibility import judged
from tests.browser.test_reports import go

pytestmark = pytest.mark.long


def _end(desk: Desk) -> None:
    for alert in desk.open_alerts():
        desk.act(alert["id"], "claim")
        desk.act(alert["id"], "note", text="her neighbour has the key")
        desk.act(alert["id"], "resolve", outcome="helped_at_home", override=True, text="all is well")
        desk.act(alert["id"], "close")


def test_it_is_found_by_keyboard_and_only_read(
    sign_in: Callable[..., Page], presses: Callable[..., None], supervisor: Desk
) -> None:
    page = sign_in()
    presses(3, "fall")
    expect(page.locator(".row")).to_have_count(1)
    _end(supervisor)
    presses("nobody-knows-me")
    expect(page.locator(".row:not(.row-over)")).to_have_count(1)
    go(page, "/alerts")
    rows = page.locator(".record-list button")
    expect(rows.first).to_contain_text("Unidentified")
    page.get_by_label("Resident: name, telephone").focus()
    page.keyboard.type("r-3")
    page.keyboard.press("Enter")
    expect(rows.first).to_contain_text("测试居民3")
    expect(rows.first).to_contain_text("Helped at home · Supervisor1")
    expect(rows.filter(has_text="Unidentified")).to_have_count(0)
    page.get_by_label("Kind").select_option("gas")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("status").first).to_have_text("No alert fits.")
    page.get_by_label("Kind").select_option("fall")
    page.get_by_role("button", name="Search").click()
    rows.first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#past-heading")).to_be_focused()
    past = page.locator(".past")
    expect(past.locator(".timeline")).to_contain_text("her neighbour has the key")
    expect(past.locator(".card")).to_contain_text("测试村")
    # Nothing acts: of all buttons there is only the one that shows the steps of the calls, where there are any.
    expect(past.locator("button:not([aria-pressed])")).to_have_count(0)
    assert judged(page) == ([], [])
    page.get_by_label("Language").select_option("zh-CN")
    expect(past).to_contain_text("居民卡为今日资料")
    page.go_back()
    expect(past).to_contain_text("请在左侧选择一条警情")


def test_what_is_open_says_so_and_pages_follow(sign_in: Callable[..., Page], presses: Callable[..., None]) -> None:
    page = sign_in("supervisor1")
    for bracelet in (4, 5, 6):
        presses(bracelet)
    expect(page.locator(".row")).to_have_count(3)
    page.route("**/api/v1/past-alerts?*", lambda route: route.continue_(url=f"{route.request.url}&limit=2"))
    go(page, "/alerts")
    rows = page.locator(".record-list button")
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="Older alerts").click()
    expect(rows.nth(2)).to_be_visible()
    ids = rows.evaluate_all("(all) => all.map((one) => one.dataset.id)")
    assert len(set(ids)) == len(ids)
    assert sorted(ids, reverse=True) == ids
    rows.first.click()
    expect(page.locator(".past-open")).to_have_text(
        "This alert is still open. It is worked on in the list of alerts, not here."
    )


def test_a_responder_desk_finds_nobody(sign_in: Callable[..., Page]) -> None:
    page = go(sign_in("desk1"), "/alerts")
    expect(page.get_by_text("Your role does not see the people of the register")).to_be_visible()
    expect(page.get_by_role("search")).to_have_count(0)
