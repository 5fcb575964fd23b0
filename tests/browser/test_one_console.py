"""Requirement 12: a second console of an operator is read-only and silent, says so, and offers to take over."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import Desk
from tests.browser.test_sound import watch


@pytest.fixture
def tabs(sign_in: Callable[..., Page]) -> tuple[Page, Page]:
    """The operator's console, its sound armed, and a second tab of the same browser."""
    first = sign_in(prepare=watch)
    first.locator("#arm-sound").click()
    expect(first.locator(".sound")).to_have_attribute("data-sound", "on")
    second = first.context.new_page()
    watch(second)
    second.goto(first.url)
    expect(second.locator("#take-over")).to_be_visible()
    return first, second


def test_r12_a_second_console_only_reads_until_it_takes_over(
    tabs: tuple[Page, Page], presses: Callable[..., None], supervisor: Desk
) -> None:
    first, second = tabs
    presses(1)
    expect(first.locator(".sound")).to_have_attribute("data-sound", "ringing")
    second.locator(".row").click()
    expect(second.locator(".card")).to_be_visible()
    expect(second.locator(".sound")).to_have_attribute("data-sound", "elsewhere")
    expect(second.locator("#sound-strip")).to_have_count(0)
    expect(second.locator("#announcer")).to_be_empty()
    expect(second.locator("#action-claim")).to_have_attribute("aria-disabled", "true")
    expect(second.locator("#why-claim")).to_contain_text("you are active in another one")
    expect(second.get_by_role("button", name="Call 邻居")).to_have_attribute("aria-disabled", "true")
    second.keyboard.press("c")
    expect(second.locator("#notice")).to_contain_text("Claim: This console is read-only")
    assert violations(second) == []
    second.locator(".language select").select_option("zh-CN")
    expect(second.locator("#console-strip")).to_contain_text("本台只读且静音")
    assert violations(second) == []
    assert second.evaluate("starts") == []
    assert supervisor.open_alerts()[0]["state"] == "waiting"

    second.locator("#take-over").click()
    expect(second.locator(".sound")).to_have_attribute("data-sound", "ringing")
    expect(first.locator(".sound")).to_have_attribute("data-sound", "elsewhere")
    expect(first.locator("#take-over")).to_be_visible()
    rung = first.evaluate("starts.length")
    presses(2)
    expect(first.locator(".row")).to_have_count(2)
    assert first.evaluate("starts.length") == rung
    second.keyboard.press("c")
    expect(second.locator(".row[aria-selected=true]")).to_contain_text("已受理 · 我")


def test_a_reload_hands_nothing_over_and_nobody_is_left_with_a_silent_console(
    tabs: tuple[Page, Page], presses: Callable[..., None]
) -> None:
    first, second = tabs
    presses(1)
    first.reload()
    expect(first.locator(".link-live")).to_be_visible()
    first.wait_for_timeout(700)  # the second one has been active meanwhile, and is not any more
    expect(first.locator("#take-over")).to_have_count(0)
    expect(second.locator("#take-over")).to_be_visible()
    second.locator(".row").click()  # here sound may begin by itself now
    first.close()
    expect(second.locator("#take-over")).to_have_count(0)
    expect(second.locator(".sound")).to_have_attribute("data-sound", "ringing")
    expect(second.locator("#action-claim")).to_have_attribute("aria-disabled", "false")
