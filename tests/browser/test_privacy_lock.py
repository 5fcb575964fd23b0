"""Requirement 24: an idle console hides what is about people and rings on; the password brings everything back."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.processes import PASSWORD

OF_PEOPLE = ("测试居民", "测试村", "half a sentence", "bracelet-")


def not_used_for(page: Page, seconds: int) -> None:
    page.evaluate("ms => localStorage.setItem('console.used_at', String(Date.now() - ms))", seconds * 1000)


def unlock(page: Page, password: str = PASSWORD) -> None:
    page.locator("#unlock-password").fill(password)
    page.keyboard.press("Enter")


def test_r24_an_idle_console_hides_people_and_rings_on(
    sign_in: Callable[..., Page], presses: Callable[..., None]
) -> None:
    page = sign_in()
    page.locator("#arm-sound").click()
    presses(1)
    page.locator(".row").click()
    page.keyboard.press("n")
    page.locator("#field-text").fill("half a sentence")
    not_used_for(page, 280)
    expect(page.locator("#notice")).to_contain_text("within 30 seconds")
    page.keyboard.press("Shift")
    expect(page.locator("#notice")).not_to_contain_text("within 30 seconds")

    not_used_for(page, 301)
    expect(page.locator("#unlock-password")).to_be_focused()
    expect(page.locator("#announcer")).to_have_text("Locked for privacy. Alarms go on ringing.")
    expect(page.locator("#field-text, .card, .timeline, .view, #seat-phone")).to_have_count(0)
    presses(2, kind="fall")
    expect(page.locator(".row")).to_have_count(2)
    expect(page.locator(".row").first).to_contain_text("Fall")
    expect(page.locator(".row").first).to_contain_text("waiting")
    expect(page.locator(".row").first.locator(".age-figure")).to_have_text(re.compile(r"\d:\d\d"))
    expect(page.locator("#announcer")).to_have_text("Fall. The console is locked.")
    expect(page).to_have_title(re.compile(r"\(2\)"))
    expect(page.locator(".sound")).to_have_attribute("data-sound", "ringing")
    page.locator(".row").first.click()  # opens nothing
    page.keyboard.press("c")
    shown = page.content()
    assert [words for words in OF_PEOPLE if words in shown] == []
    page.locator(".language select").select_option("zh-CN")
    expect(page.locator("#lock-panel h2")).to_have_text("隐私锁定")
    assert violations(page) == []

    unlock(page, "wrong")
    expect(page.locator("#lock-panel [role=alert]")).to_have_text("密码不正确。")
    expect(page.locator("#unlock-password")).to_have_value("")
    expect(page.locator(".view")).to_have_count(0)
    unlock(page)
    expect(page.locator("#field-text")).to_be_focused()
    expect(page.locator("#field-text")).to_have_value("half a sentence")
    expect(page.locator(".view h2")).to_have_text("测试居民1")
    expect(page.locator(".row").first).to_contain_text("测试居民2")
    expect(page.locator(".row").first).to_contain_text("待受理")


def test_the_lock_is_of_all_pages_of_the_browser_and_outlasts_a_reload(
    sign_in: Callable[..., Page], presses: Callable[..., None]
) -> None:
    page = sign_in()
    calls = page.context.new_page()
    calls.goto(f"{page.url}calls")
    calls.get_by_label("Outcome").select_option("abandoned")
    page.locator("#alert-list").focus()
    page.keyboard.press("z")
    expect(page.locator("#lock-panel")).to_be_visible()
    expect(calls.locator("#lock-panel")).to_be_visible()
    expect(calls.get_by_label("Outcome")).to_have_count(0)
    presses(1)
    page.reload()
    expect(page.locator("#lock-panel")).to_be_visible()
    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator(".row")).not_to_contain_text("测试居民1")
    page.locator("#arm-sound").click()
    expect(page.locator(".sound")).to_have_attribute("data-sound", "ringing")
    unlock(page)
    expect(page.locator(".row")).to_contain_text("测试居民1")
    expect(calls.get_by_label("Outcome")).to_have_value("abandoned")  # what was chosen there is still chosen
    expect(calls.locator("#lock-panel")).to_have_count(0)
