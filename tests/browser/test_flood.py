"""Flood mode (console.md requirement 23): technical signals are folded by area and type; a person's SOS never is.

A centre marks a device as lost after minutes, so technical alerts are made on the wire: an alert with one press is
shown to the page as an offline device that nobody pressed. Its second press arrives as it is.
"""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import WCAG, violations
from tests.browser.conftest import Desk, altering
from tests.browser.test_live_list import names, row_of


def as_offline(*numbers: int, flood: Callable[[], bool]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    residents = {f"r-{n}" for n in numbers}

    def alert(one: dict[str, Any]) -> dict[str, Any]:
        if one["resident_id"] not in residents or one["press_count"] != 1:
            return one
        return one | {"kind": "offline", "press_count": 0, "priority": 7}

    def change(frame: dict[str, Any]) -> dict[str, Any]:
        if frame["type"] in ("beat", "snapshot"):
            frame = frame | {"flood": flood(), "flood_by": "load"}
        if frame.get("alerts"):
            frame = frame | {"alerts": [alert(one) for one in frame["alerts"]]}
        return frame | ({"alert": alert(frame["alert"])} if frame.get("alert") else {})

    return change


def fold(page: Page) -> Locator:
    return page.locator(".row-fold")


def test_r23_lost_devices_are_folded_and_an_sos_is_not(
    sign_in: Callable[..., Page], presses: Callable[..., None]
) -> None:
    page = sign_in(prepare=altering(as_offline(1, 2, 3, flood=lambda: True)))
    page.locator("#arm-sound").click()
    expect(page.locator("#flood-mark")).to_have_text("Flood mode")
    for bracelet in (1, 2, 3):
        presses(bracelet)
    expect(fold(page)).to_contain_text("3 alerts")
    expect(fold(page)).to_contain_text("Device silent")
    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator("#flood-strip")).to_contain_text("More than 10 alarms per operator in 10 minutes.")
    expect(page.locator("#flood-folded")).to_have_text("3 technical alerts folded at the end of the list.")
    expect(page.locator(".sound")).to_have_attribute("data-sound", "on")
    expect(page.locator("#announcer")).to_have_text("")
    expect(page).to_have_title("Alerts")

    presses(4)
    expect(row_of(page, "测试居民4")).to_contain_text("SOS")
    expect(page.locator(".sound")).to_have_attribute("data-sound", "ringing")
    expect(page.locator("#announcer")).to_have_text("SOS: 测试居民4, 测试村4号")
    expect(page).to_have_title("(1) waiting · Alerts")
    assert names(page) == ["测试居民4", "3 alerts"]

    fold(page).click()
    expect(page.locator(".row-member")).to_have_count(3)
    assert names(page)[:2] == ["测试居民4", "3 alerts"]
    assert violations(page, WCAG) == []
    page.locator("#alert-list").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".row-member")).to_have_count(0)
    assert violations(page, WCAG) == []


def test_r11_a_press_leaves_the_fold_at_once_and_the_end_unfolds_all(
    sign_in: Callable[..., Page], presses: Callable[..., None], supervisor: Desk
) -> None:
    on = True
    page = sign_in(prepare=altering(as_offline(1, 2, 3, flood=lambda: on)))
    page.locator("#arm-sound").click()
    presses(4)
    expect(row_of(page, "测试居民4")).to_be_visible()
    supervisor.act(supervisor.open_alerts()[0]["id"], "claim")
    for count in (1, 2, 3):
        presses(count)
        expect(fold(page)).to_contain_text(f"{count} alert")
    expect(page.locator(".sound")).to_have_attribute("data-sound", "on")

    presses(2)
    expect(row_of(page, "测试居民2")).to_contain_text("SOS")
    expect(page.locator(".sound")).to_have_attribute("data-sound", "ringing")
    expect(page.locator("#announcer")).to_have_text("SOS: 测试居民2, 测试村2号")
    expect(fold(page)).to_contain_text("2 alerts")
    assert names(page) == ["测试居民2", "测试居民4", "2 alerts"]

    on = False
    expect(fold(page)).to_have_count(0)
    expect(page.locator("#flood-mark")).to_have_count(0)
    expect(page.locator("#flood-folded")).to_have_count(0)
    expect(page).to_have_title(re.compile(r"\(3\)"))
    assert names(page) == ["测试居民2", "测试居民1", "测试居民3", "测试居民4"]


def test_a_press_under_the_pointer_takes_its_place_and_stays_on_the_screen(
    sign_in: Callable[..., Page], presses: Callable[..., None]
) -> None:
    page = sign_in(prepare=altering(as_offline(1, 2, flood=lambda: True)))
    for bracelet in (1, 2):
        presses(bracelet)
    presses(3, "help")
    expect(row_of(page, "测试居民3")).to_be_visible()
    fold(page).click()
    held = row_of(page, "测试居民2")
    held.hover()
    before = held.bounding_box()
    presses(2, "fall")
    expect(held).to_contain_text("Fall")
    expect(page.locator(".row-member")).to_have_count(1)
    assert held.bounding_box() == before
    assert names(page) == ["测试居民2", "测试居民3", "1 alert", "测试居民1"]


def test_r23_a_supervisor_switches_it_on_for_the_room(sign_in: Callable[..., Page]) -> None:
    """The test's own presses may have begun it too: then automatic goes on saying so."""
    supervisor, page = sign_in("supervisor1"), sign_in("operator1")
    expect(page.locator("#flood-mode")).to_have_count(0)
    spoken = page.locator("#flood-strip [role=status]")
    supervisor.locator("#flood-mode").select_option("on")
    expect(spoken).to_have_text("Flood mode is on. A supervisor has switched it on.")
    expect(page.locator("#flood-mark")).to_be_visible()
    expect(supervisor.locator("#flood-mode")).to_have_value("on")
    assert violations(supervisor, WCAG) == []
    supervisor.locator("#flood-mode").select_option("automatic")
    expect(spoken).not_to_contain_text("A supervisor")
    expect(supervisor.locator("#flood-mode")).to_have_value("automatic")
