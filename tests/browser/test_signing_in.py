"""Signing in and out, and the language."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import fill_in
from tests.browser.wire import Wire
from tests.processes import PASSWORD, Service


def test_a_wrong_password_is_said_and_the_right_one_opens_the_room(open_page: Callable[..., Page]) -> None:
    page = open_page()
    expect(page.locator("#username")).to_have_attribute("autocomplete", "username")
    expect(page.locator("#password")).to_have_attribute("autocomplete", "current-password")
    page.locator("#username").fill("operator1")
    page.locator("#password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Name or password is wrong.")).to_be_visible()
    expect(page.locator("#password")).to_be_focused()
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#alert-list")).to_be_visible()
    expect(page.locator("#arm-sound")).to_be_focused()


def test_the_password_can_be_pasted(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.locator("#username").fill(PASSWORD)
    page.locator("#username").press("Control+a")
    page.locator("#username").press("Control+c")
    page.locator("#password").press("Control+v")
    expect(page.locator("#password")).to_have_value(PASSWORD)


def test_after_signing_out_a_reload_asks_again(open_page: Callable[..., Page]) -> None:
    page = open_page()
    fill_in(page)
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#username")).to_be_visible()
    page.reload()
    expect(page.locator("#username")).to_be_visible()


def test_a_session_that_ended_elsewhere_is_said_loudly(
    open_page: Callable[..., Page], centre: Service, wire: Wire
) -> None:
    page = open_page()
    fill_in(page)
    ended = page.request.delete(f"{centre.http}/api/v1/session", headers={"Origin": page.url.rstrip("/")})
    assert ended.status == 204
    wire.cut()
    wire.mend()
    expect(page.get_by_role("alert").filter(has_text="Your sign-in has ended.")).to_be_visible()
    expect(page.locator("#username")).to_be_visible()


def test_r25_switching_the_language_loses_no_draft(sign_in: Callable[..., Page], presses: Callable[..., None]) -> None:
    page = sign_in()
    presses(1)
    page.locator(".row").first.click()
    expect(page.locator("#action-note")).to_be_enabled()
    page.keyboard.press("n")
    page.locator("#field-text").fill("half a sentence")
    page.locator(".language select").select_option("zh-CN")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("#action-claim")).to_contain_text("受理")
    expect(page.locator("#field-text")).to_have_value("half a sentence")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
