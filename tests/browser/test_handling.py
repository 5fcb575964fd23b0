"""From claim to closure: by keyboard alone, with the card in sight, and reasons for what is not possible."""

import re
from collections.abc import Callable
from datetime import timedelta
from time import monotonic

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import CentreClock, Desk

COUNT_KEYS = """
  window.keys = 0, window.clicks = 0;
  addEventListener("keydown", (event) => { window.keys += !["Control", "Shift"].includes(event.key); }, true);
  addEventListener("pointerdown", () => { window.clicks += 1; }, true);
"""


def settled(page: Page) -> None:
    """The centre has answered: the live feed may have told of it before."""
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    expect(page.locator(".action-form")).to_have_count(0)


def test_r17_from_claim_to_closure_by_keyboard(
    sign_in: Callable[..., Page], presses: Callable[..., None], supervisor: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    page = sign_in(prepare=lambda page: page.add_init_script(COUNT_KEYS))
    expect(page.locator("#arm-sound")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#alert-list")).to_be_focused()
    presses(1)
    expect(page.locator(".row")).to_have_count(1)
    before, began = page.evaluate("keys"), monotonic()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#alert-view")).to_be_focused()
    page.keyboard.press("c")
    expect(page.locator("#action-call_resident")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#notice")).to_contain_text("NOT DONE: calling the resident")
    expect(page.locator("#notice")).to_contain_text("Do it by hand.")
    settled(page)
    page.keyboard.press("v")
    expect(page.locator(".view-state")).to_contain_text("nobody spoke")
    settled(page)
    page.keyboard.press("n")
    expect(page.locator("#field-text")).to_be_focused()
    page.keyboard.type("neighbour has a key <b>")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".timeline blockquote")).to_have_text("neighbour has a key <b>")
    settled(page)
    page.keyboard.press("d")
    expect(page.locator("#field-text")).to_be_focused()
    page.keyboard.type("the neighbour, by telephone")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".view-state")).to_contain_text("help on its way")
    settled(page)
    page.keyboard.press("h")
    expect(page.locator("#field-case_number")).to_be_focused()
    page.keyboard.type("120-77")
    page.keyboard.press("Tab")
    page.keyboard.type("dispatcher 4")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".timeline")).to_contain_text("Case number: 120-77; taken by: dispatcher 4.")
    expect(page.locator("#action-resolve")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#field-outcome")).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".action-form")).to_contain_text("Please fill this in.")
    page.keyboard.type("Taken")
    expect(page.locator("#field-outcome")).to_have_value("taken_to_hospital")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#action-close")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#field-text")).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".view-state")).to_contain_text("closed")
    settled(page)
    page.keyboard.press("Escape")
    expect(page.locator("#alert-list")).to_be_focused()
    assert supervisor.open_alerts() == []
    assert page.evaluate("clicks") == 0
    keys, seconds = page.evaluate("keys") - before, monotonic() - began
    with capsys.disabled():
        print(f"\nFrom ring to close by keyboard alone: {keys} keys, texts included, in {seconds:.1f} s")


def test_r20_what_is_not_possible_is_shown_with_its_reason(
    sign_in: Callable[..., Page], presses: Callable[..., None], supervisor: Desk
) -> None:
    page = sign_in()
    presses(1)
    page.locator(".row").click()
    for action, reason in (("resolve", "Claim it first."), ("close", "Say how it ended first.")):
        button = page.locator(f"#action-{action}")
        expect(button).to_have_attribute("aria-disabled", "true")
        expect(button).to_have_attribute("aria-describedby", f"why-{action}")
        expect(page.locator(f"#why-{action}")).to_have_text(reason)
        expect(page.locator(f"#why-{action}")).to_be_visible()
    supervisor.act(supervisor.open_alerts()[0]["id"], "claim")
    expect(page.locator("#why-resolve")).to_have_text("Supervisor1 has it.")
    page.keyboard.press("r")
    expect(page.locator("#notice")).to_contain_text("Resolve: Supervisor1 has it.")
    expect(page.locator("#action-note")).to_have_attribute("aria-disabled", "false")


def test_r18_the_card_is_in_sight_without_scrolling(sign_in: Callable[..., Page], presses: Callable[..., None]) -> None:
    page = sign_in()
    page.locator("#arm-sound").click()
    presses(1, loc={"lat": 37.5, "lon": 122.1, "acc": 12, "age": 0, "fix": "gnss", "datum": "gcj02"}, batt=55)
    page.locator(".row").click()
    page.keyboard.press("c")
    for words in ("测试村1号", "+861000000001", "GCJ-02", "battery 55 %"):
        expect(page.locator(".card").get_by_text(words).first).to_be_in_viewport(timeout=1_000)
    assert page.evaluate("document.querySelector('.view-card').scrollTop") == 0
    page.get_by_role("button", name="Call 邻居").click()
    expect(page.locator(".timeline")).to_contain_text("Operator1 called 邻居.")


def test_r21_a_position_says_how_it_is_known_and_is_hollow_when_old(
    sign_in: Callable[..., Page], presses: Callable[..., None]
) -> None:
    clock = CentreClock()
    page = sign_in(prepare=clock.prepare)
    where = {"lat": 37.5091, "lon": 122.1164, "acc": 140, "age": 4, "fix": "cell", "datum": "gcj02"}
    presses(6, loc=where)
    page.locator(".row").click()
    position = page.locator(".position")
    for words in ("37.509", "within 140 m", "mobile masts", "GCJ-02", "ago"):
        expect(position).to_contain_text(words)
    pin, circle = page.locator(".map-pin.map-fix"), page.locator("path.map-fix")
    expect(pin).to_be_visible()
    expect(pin).not_to_have_class(re.compile("map-old"))
    assert circle.evaluate("(one) => getComputedStyle(one).fill") != "none"
    clock.ahead = timedelta(minutes=11)
    expect(position).to_contain_text("OLD")
    expect(pin).to_have_class(re.compile("map-old"))
    assert circle.evaluate("(one) => getComputedStyle(one).fill") == "none"


def test_an_alert_is_given_to_a_colleague(sign_in: Callable[..., Page], presses: Callable[..., None]) -> None:
    page, colleague = sign_in("operator1"), sign_in("operator2")
    presses(1)
    page.locator(".row").click()
    page.keyboard.press("c")
    expect(page.locator("#action-call_resident")).to_be_focused()
    page.keyboard.press("t")
    expect(page.locator("#field-to")).to_be_focused()
    page.locator("#field-to").select_option("operator2")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#offered")).to_contain_text("Operator2 is asked to take over. Until then you have it.")
    expect(colleague.locator(".row")).to_contain_text("Operator1")
    colleague.locator(".request").get_by_role("button", name="Take it over").click()
    expect(page.locator(".view-state")).to_contain_text("Operator2")
    expect(colleague.locator(".row")).to_contain_text("yours")
    expect(colleague.locator("#alert-view")).to_contain_text("yours")


def test_r17_keys_are_listed_and_can_be_switched_off(
    sign_in: Callable[..., Page], presses: Callable[..., None]
) -> None:
    page = sign_in()
    presses(1)
    page.locator(".row").click()
    expect(page.locator("#alert-view")).to_be_focused()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Claim")
    dialog.get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("c")
    page.keyboard.press("?")
    page.wait_for_timeout(300)
    expect(dialog).to_be_hidden()
    expect(page.locator(".row")).to_contain_text("waiting")
    expect(page.locator("#action-claim kbd")).to_have_count(0)
