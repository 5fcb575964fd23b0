"""Claiming: the first one wins, the loser is told by whom, and nothing is "mine" before the centre says so."""

import re
from collections.abc import Callable
from datetime import timedelta

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import CentreClock, Desk
from tests.browser.test_sound import watch


def start_claim(page: Page) -> None:
    page.locator("#alert-list").focus()
    page.keyboard.press("Home")
    page.keyboard.press("c")


def hold_back(page: Page, meanwhile: Callable[[], None]) -> None:
    """Let something happen between the operator's key and the centre's hearing of it."""

    def handle(route: Route) -> None:
        meanwhile()
        route.continue_()

    page.route("**/actions", handle, times=1)


def test_r07_of_two_consoles_one_wins_and_the_other_is_told_by_whom(
    sign_in: Callable[..., Page], presses: Callable[..., None]
) -> None:
    first, second = sign_in("operator1"), sign_in("operator2")
    presses(1)
    for page in (first, second):
        expect(page.locator(".row")).to_have_count(1)
    hold_back(second, lambda: start_claim(first) or expect(first.locator("#notice")).to_contain_text("Yours"))
    start_claim(second)
    expect(second.locator("#notice")).to_have_text("Operator1 already has it: 测试居民1Dismiss")
    expect(second.locator(".row")).to_contain_text("claimed · Operator1")
    expect(second.locator(".view-empty")).to_be_visible()
    expect(first.locator(".row")).to_contain_text("claimed · yours")
    expect(first.locator("#action-call_resident")).to_be_focused()


def test_r08_a_slow_claim_is_never_shown_as_mine(sign_in: Callable[..., Page], presses: Callable[..., None]) -> None:
    page = sign_in()
    presses(1)
    expect(page.locator(".row")).to_have_count(1)
    held: list[Route] = []
    page.route("**/actions", lambda route: held.append(route), times=1)
    start_claim(page)
    expect(page.locator(".row")).to_contain_text("claiming …")
    expect(page.locator(".row")).not_to_contain_text("yours")
    expect(page.locator("#notice")).to_contain_text("the alert is not yours yet", timeout=4_000)
    held[0].continue_()
    expect(page.locator(".row")).to_contain_text("yours")
    expect(page.locator("#notice")).to_contain_text("Yours: 测试居民1")


def test_r08_a_claim_that_is_never_answered_fails_visibly(
    sign_in: Callable[..., Page], presses: Callable[..., None]
) -> None:
    page = sign_in()
    presses(1)
    expect(page.locator(".row")).to_have_count(1)
    page.route("**/actions", lambda route: route.abort(), times=1)
    start_claim(page)
    expect(page.locator("#notice")).to_contain_text("The centre did not answer.")
    expect(page.locator(".row")).to_contain_text("waiting")


def test_r11_a_press_during_the_claim_does_not_lose_it(
    sign_in: Callable[..., Page], presses: Callable[..., None], supervisor: Desk
) -> None:
    page = sign_in()
    presses(1)
    expect(page.locator(".row")).to_have_count(1)

    def pressed_again() -> None:
        presses(1)
        page.wait_for_timeout(300)

    hold_back(page, pressed_again)
    start_claim(page)
    expect(page.locator(".row")).to_contain_text("yours")
    assert supervisor.open_alerts()[0]["press_count"] == 2


def test_what_changed_meanwhile_stops_a_resolution_and_keeps_the_text(
    sign_in: Callable[..., Page], presses: Callable[..., None]
) -> None:
    page = sign_in()
    presses(1)
    expect(page.locator(".row")).to_have_count(1)
    start_claim(page)
    expect(page.locator("#action-call_resident")).to_be_focused()
    page.keyboard.press("r")
    page.locator("#field-outcome").select_option("helped_at_home")
    page.locator("#field-text").fill("sat her up")
    hold_back(page, lambda: presses(1))
    page.keyboard.press("Control+Enter")
    expect(page.locator("#notice")).to_contain_text("The alert changed while you were at it.")
    expect(page.locator("#field-text")).to_have_value("sat her up")
    page.locator("#field-text").focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".row")).to_contain_text("resolved")


def test_r09_a_claim_on_which_nothing_is_done_warns_its_owner_in_time(
    sign_in: Callable[..., Page], presses: Callable[..., None]
) -> None:
    """That it rings again for everybody then is told in tests/integration/test_forgotten_alerts_ring_again.py."""
    clock = CentreClock()
    page = sign_in(prepare=lambda page: (watch(page), clock.prepare(page)))
    page.locator("#arm-sound").click()
    presses(1)
    page.locator(".row").click()
    page.locator("#action-claim").click()
    expect(page.locator(".view-state")).to_contain_text("yours")
    expect(page.locator(".mark-idle")).to_have_count(0)
    before = len(page.evaluate("starts"))
    clock.ahead = timedelta(seconds=40)
    expect(page.locator(".row .mark-idle")).to_contain_text(re.compile(r"rings for all in 0:[01]\d"))
    expect(page.locator(".view-state .mark-idle")).to_be_visible()
    assert len(page.evaluate("starts")) == before + 1  # and it is heard, once
    page.locator("#action-call_resident").click()  # something is done
    clock.ahead = timedelta()
    expect(page.locator(".mark-idle")).to_have_count(0)
