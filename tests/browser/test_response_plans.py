"""The steps of a response plan: the next one in sight, ticked by key or button, and in the way of the end."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import WCAG, violations
from tests.browser.conftest import Desk
from tests.browser.test_handling import settled

pytestmark = pytest.mark.long

STEPS = [
    {"kind": "all", "id": "oxygen", "zh": "关闭制氧机", "en": "Turn the oxygen off", "required": True},
    {"kind": "all", "id": "knock", "zh": "耳聋：用力敲门", "en": "Deaf: knock hard", "required": True},
]


@pytest.fixture
def planned(supervisor: Desk) -> Iterator[None]:
    """Bracelet 1's resident has a plan of their own."""
    supervisor.ask("PUT", "/residents/r-1/plan", {"steps": STEPS})
    yield
    supervisor.ask("PUT", "/residents/r-1/plan", {"steps": []})


def open_mine(page: Page) -> None:
    page.locator("#arm-sound").click()
    expect(page.locator("#alert-list")).to_be_focused()
    expect(page.locator(".row")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#alert-view")).to_be_focused()
    page.keyboard.press("c")
    expect(page.locator("#action-call_resident")).to_be_focused()
    settled(page)


@pytest.mark.usefixtures("planned")
def test_r20_the_steps_are_done_by_keyboard_and_then_the_alert_ends(
    sign_in: Callable[..., Page], presses: Callable[..., None]
) -> None:
    page = sign_in()
    presses(1)
    open_mine(page)
    steps = page.locator(".plan li")
    expect(steps.nth(0)).to_contain_text("Turn the oxygen off")
    expect(steps.nth(0)).to_have_attribute("aria-current", "step")
    expect(page.locator(".plan .step-required")).to_have_text(["required", "required"])
    expect(page.locator("#why-resolve")).to_have_text("2 required steps are not done.")
    assert violations(page, WCAG) == []
    page.keyboard.press("r")
    expect(page.locator("#field-outcome")).to_be_focused()
    expect(page.locator("#missing-steps li")).to_have_text(["Turn the oxygen off", "Deaf: knock hard"])
    expect(page.locator("#field-override")).to_have_count(0)
    page.locator("#field-outcome").select_option("helped_at_home")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#notice")).to_contain_text("required steps of the plan are not done")
    page.locator(".language select").select_option("zh-CN")
    expect(page.locator("#missing-steps li")).to_have_text(["关闭制氧机", "耳聋：用力敲门"])
    assert violations(page, WCAG) == []
    page.locator(".language select").select_option("en")
    page.keyboard.press("Escape")
    expect(page.locator("#action-resolve")).to_be_focused()
    page.keyboard.press("s")
    expect(steps.nth(0)).to_contain_text("Operator1")
    settled(page)
    expect(page.locator("#why-resolve")).to_have_text("1 required step is not done.")
    expect(page.locator(".timeline")).to_contain_text("Operator1, step done: Turn the oxygen off")
    expect(steps.nth(1)).to_have_attribute("aria-current", "step")
    page.locator("#step-knock").focus()
    page.keyboard.press("Enter")
    expect(steps.nth(1)).to_contain_text("✓")
    expect(page.locator("#step-seen")).to_be_focused()
    settled(page)
    page.keyboard.press("r")
    expect(page.locator("#field-outcome")).to_be_focused()
    expect(page.locator("#missing-steps")).to_have_count(0)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#action-close")).to_be_focused()


@pytest.mark.usefixtures("planned")
def test_a_supervisor_ends_it_with_a_reason(sign_in: Callable[..., Page], presses: Callable[..., None]) -> None:
    page = sign_in("supervisor1")
    presses(1)
    open_mine(page)
    page.keyboard.press("r")
    expect(page.locator("#field-outcome")).to_be_focused()
    page.locator("#field-outcome").select_option("other")
    page.locator("#field-override").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#field-text")).to_be_focused()
    assert violations(page, WCAG) == []
    page.keyboard.type("in hospital since yesterday")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#action-close")).to_be_focused()
    expect(page.locator(".timeline")).to_contain_text(
        "resolved it WITHOUT required steps (Turn the oxygen off; Deaf: knock hard)"
    )
