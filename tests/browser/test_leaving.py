"""Requirement 22: each alert of who leaves is taken over by a colleague by name; what is not rings the supervisor."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import Desk, fill_in
from tests.processes import PASSWORD, Service


@pytest.fixture
def leaver(open_page: Callable[..., Page], presses: Callable[..., None], centre: Service) -> Page:
    """Operator1 with a session of this test only, at work on two alerts."""
    page = open_page()
    fill_in(page)
    desk = Desk(centre.http, "operator1")
    for bracelet, kind in ((1, "fall"), (2, "sos")):
        presses(bracelet, kind=kind)
        row = page.locator(".row", has_text=f"测试居民{bracelet}")
        alert = row.get_attribute("data-id") or ""
        desk.act(alert, "claim")
        desk.act(alert, "dispatch")
        expect(row).to_contain_text("you")
    return page


def test_r22_each_alert_is_taken_over_by_name_before_the_operator_leaves(
    leaver: Page, sign_in: Callable[..., Page], supervisor: Desk
) -> None:
    colleague = sign_in("operator2")
    leaver.locator("#sign-out").focus()
    leaver.keyboard.press("Enter")
    expect(leaver.locator("#leaving-heading")).to_be_focused()
    expect(leaver.locator(".leaving-line")).to_have_count(2)
    first = leaver.locator(".leaving-line").first
    expect(first).to_contain_text("Fall测试居民1")
    expect(first.locator("option")).to_have_text(["Choose a colleague …", "Operator2 (signed in)"])
    assert violations(leaver) == []

    leaver.keyboard.press("Tab")
    leaver.keyboard.press("ArrowDown")
    leaver.keyboard.press("Tab")
    leaver.keyboard.press("Enter")
    expect(first).to_contain_text("Operator2 is asked to take over. Until then you have it.")
    expect(colleague.locator("#requests")).to_contain_text("Operator1 asks you to take over: Fall")
    colleague.keyboard.press("k")
    expect(first).to_contain_text("Operator2 cannot take over. It stays with its owner.")
    leaver.keyboard.press("Enter")  # the focus has stayed on the button
    expect(colleague.locator("#requests [data-request]")).to_have_count(1)
    colleague.keyboard.press("y")
    expect(leaver.locator(".leaving-line")).to_have_count(1)
    expect(leaver.locator("#leaving-taken")).to_contain_text("测试居民1: Operator2 has taken over from Operator1.")
    expect(leaver.locator("#leaving-heading")).to_be_focused()

    leaver.keyboard.press("Tab")
    leaver.keyboard.press("Tab")  # whom the first one went to is chosen already
    leaver.keyboard.press("Enter")
    expect(colleague.locator("#requests [data-request]")).to_have_count(1)
    colleague.keyboard.press("y")
    expect(leaver.locator("#leaving")).to_contain_text("Nothing is left to hand over. You can sign out.")
    leaver.locator("#leave-now").press("Enter")
    expect(leaver.locator("#username")).to_be_visible()
    assert {one["owner"]["id"] for one in supervisor.open_alerts()} == {"operator2"}


def test_r22_what_nobody_takes_over_rings_the_supervisor_with_name_and_reason(
    leaver: Page, sign_in: Callable[..., Page], supervisor: Desk
) -> None:
    chief = sign_in("supervisor1")
    chief.locator("#arm-sound").click()
    expect(chief.locator(".sound")).to_have_attribute("data-sound", "on")
    leaver.locator("#sign-out").click()
    leaver.keyboard.press("Escape")
    expect(leaver.locator("#leaving")).to_have_count(0)
    leaver.locator("#sign-out").click()
    leaver.locator(".language select").select_option("zh-CN")
    expect(leaver.locator("#leaving-heading")).to_have_text("退出前请交接")
    leaver.get_by_role("button", name="仍然离开").click()
    expect(leaver.locator("#leaving-reason")).to_be_focused()
    expect(leaver.locator(".leaving-form [role=alert]")).to_have_text("请填写此项。")
    assert violations(leaver) == []
    leaver.keyboard.type("the bus goes")
    leaver.keyboard.press("Tab")
    leaver.keyboard.press("Enter")
    expect(leaver.locator("#username")).to_be_visible()

    expect(chief.locator("#notice")).to_contain_text(
        "Operator1 signed out without handing it over: back in the queue at once, at its old age. the bus goes"
    )
    expect(chief.locator(".sound")).to_have_attribute("data-sound", "ringing")
    assert [one["state"] for one in supervisor.open_alerts()] == ["waiting", "waiting"]
    chief.locator(".row").first.click()
    expect(chief.locator(".timeline .entry blockquote").first).to_have_text("the bus goes")


def test_a_locked_console_signs_out_and_what_is_left_rings_at_once(
    leaver: Page, sign_in: Callable[..., Page], supervisor: Desk
) -> None:
    leaver.locator("#sign-out").click()
    expect(leaver.locator(".leaving-line")).to_have_count(2)
    leaver.locator("#lock").click()
    expect(leaver.locator("#unlock-password")).to_be_focused()
    expect(leaver.locator("#leaving")).to_have_count(0)
    assert "测试居民" not in leaver.content()
    leaver.locator("#unlock-password").fill(PASSWORD)
    leaver.keyboard.press("Enter")
    expect(leaver.locator(".leaving-line")).to_have_count(2)
    leaver.locator("#lock").click()
    leaver.locator("#lock-panel").get_by_role("button", name="Sign out").click()
    expect(leaver.locator("#username")).to_be_visible()
    assert [one["state"] for one in supervisor.open_alerts()] == ["waiting", "waiting"]
