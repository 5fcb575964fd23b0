"""Who may only look, and who is of one area, on the console (console.md 8; docs/adr/0025)."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import WCAG, violations
from tests.browser.conftest import Desk
from tests.processes import Service


@pytest.mark.parametrize(("who", "seats"), [("auditor1", 0), ("desk1", 0), ("operator1", 1)])
def test_a_role_is_shown_what_it_may_do_and_nothing_else(
    sign_in: Callable[..., Page], presses: Callable[..., None], who: str, seats: int
) -> None:
    page = sign_in(who)
    presses(1)
    page.locator(".row").first.click()
    expect(page.locator("#alert-view")).to_contain_text("测试居民1")
    expect(page.locator(".seat")).to_have_count(seats)
    expect(page.locator("#action-claim")).to_have_count(seats)


def test_an_operator_of_an_area_sees_beyond_it_with_a_reason(
    sign_in: Callable[..., Page], presses: Callable[..., None], supervisor: Desk
) -> None:
    page = sign_in("town1")
    presses(2)
    expect(page.locator(".area-of")).to_contain_text("d2")
    expect(page.locator(".row")).to_have_count(0)
    page.locator(".area-of button").click()
    dialog = page.locator("dialog.beyond")
    assert violations(page, WCAG) == []
    dialog.locator("textarea").fill("the daughter has called")
    dialog.locator("button.primary").click()
    expect(page.locator(".beyond-now")).to_be_visible()
    expect(page.locator(".row")).to_contain_text("测试居民2")
    (broken,) = supervisor.ask("GET", "/break-glass")["broken"]
    assert (broken["operator_id"], broken["reason"]) == ("town1", "the daughter has called")

    review = sign_in("auditor1")
    review.goto(review.url + "reviews")
    expect(review.locator("blockquote")).to_have_text("the daughter has called")
    assert violations(review, WCAG) == []
    review.locator("input[name=note]").fill("she had")
    review.keyboard.press("Enter")
    expect(review.locator(".reviews")).to_contain_text("Reviewed by auditor1: she had")
    assert supervisor.ask("GET", "/break-glass")["broken"] == []


def test_the_service_has_them(centre: Service, supervisor: Desk) -> None:
    roles = {one["id"]: one["role"] for one in supervisor.ask("GET", "/operators")["operators"]}
    assert (roles["auditor1"], roles["desk1"]) == ("auditor", "responder_desk")
