"""A lost connection is said, and nothing is lost or doubled by it."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import altering
from tests.browser.wire import Wire


@pytest.mark.parametrize("how", ["cut", "freeze"])
def test_r04_r05_three_alerts_during_a_break_appear_exactly_once(
    how: str, sign_in: Callable[..., Page], presses: Callable[..., None], wire: Wire
) -> None:
    page = sign_in()
    presses(1)
    expect(page.locator(".row")).to_have_count(1)
    banner = page.locator("#link-banner")
    expect(banner).to_be_empty()
    getattr(wire, how)()
    for bracelet in (2, 3, 4):
        presses(bracelet)
    expect(banner).to_contain_text("the list may be old", timeout=12_000)
    expect(banner).to_contain_text("Use the telephone")
    expect(banner).to_have_attribute("role", "alert")
    expect(page.locator(".row")).to_have_count(1)
    wire.mend()
    expect(banner).to_be_empty(timeout=15_000)
    expect(page.locator(".row")).to_have_count(4)
    assert sorted(page.locator(".row-name").all_inner_texts()) == [f"测试居民{n}" for n in (1, 2, 3, 4)]


def test_a_short_break_needs_no_banner(sign_in: Callable[..., Page], presses: Callable[..., None], wire: Wire) -> None:
    page = sign_in()
    wire.cut()
    presses(1)
    expect(page.locator(".link-reconnecting")).to_be_visible()
    wire.mend()
    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator(".link-live")).to_be_visible()
    expect(page.locator("#link-banner")).to_be_empty()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"storing": False}, "ALARMS ARE NOT BEING STORED."),
        ({"hearing": False}, "The device network is not connected"),
        ({"calling": False}, "No telephone line works"),
    ],
)
def test_what_the_centre_says_of_itself_is_said_loudly(
    said: dict[str, bool], words: str, sign_in: Callable[..., Page]
) -> None:
    trouble = {"on": True}

    def change(frame: dict[str, Any]) -> dict[str, Any]:
        return frame | said if frame["type"] == "beat" and trouble["on"] else frame

    page = sign_in(prepare=altering(change))
    banner = page.locator("#health-banner")
    expect(banner).to_contain_text(words)
    expect(banner).to_have_attribute("role", "alert")
    trouble["on"] = False
    expect(banner).to_be_empty()
