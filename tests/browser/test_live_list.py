"""The list: what is drawn, in which order, and that the row in hand stays where it is."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import HOSTILE_NAME, CentreClock, Desk


def upper_edge(row: Locator) -> float:
    box = row.bounding_box()
    assert box
    return box["y"]


def row_of(page: Page, name: str) -> Locator:
    return page.locator(".row").filter(has_text=name)


def names(page: Page) -> list[str]:
    rows = page.locator(".row").all()
    return [row.locator(".row-name").inner_text() for row in sorted(rows, key=upper_edge)]


def test_r01_a_press_is_shown_announced_and_counted(sign_in: Callable[..., Page], presses: Callable[..., None]) -> None:
    page = sign_in()
    expect(page).to_have_title("Alerts")
    presses(1)
    row = row_of(page, "测试居民1")
    expect(row).to_contain_text("SOS", timeout=3_000)
    expect(row).to_contain_text("测试村1号")
    expect(row).to_contain_text("waiting")
    expect(row).to_contain_text("in time")
    expect(page).to_have_title("(1) waiting · Alerts")
    expect(page.locator("#announcer")).to_have_text("SOS: 测试居民1, 测试村1号")
    presses(1)
    expect(row).to_contain_text("pressed 2 times")


def test_r03_lateness_changes_shape_and_word(sign_in: Callable[..., Page], presses: Callable[..., None]) -> None:
    clock = CentreClock()
    page = sign_in(prepare=clock.prepare)
    presses(1)
    age = row_of(page, "测试居民1").locator(".age")
    shapes = set()
    for seconds, name, words in ((0, "ok", "in time"), (20, "warn", "over 15 s"), (70, "breach", "over 60 s")):
        clock.ahead = timedelta(seconds=seconds)
        expect(age).to_have_class(f"age age-{name}")
        expect(age).to_contain_text(words)
        shapes.add(age.locator("path").get_attribute("d"))
    assert len(shapes) == 3


def test_r02_unclaimed_first_then_priority_then_oldest(
    sign_in: Callable[..., Page], presses: Callable[..., None], supervisor: Desk
) -> None:
    page = sign_in()
    for bracelet, kind in ((1, "fall"), (2, "sos"), (3, "sos"), (4, "fire")):
        presses(bracelet, kind)
    expect(page.locator(".row")).to_have_count(4)
    supervisor.act(next(a["id"] for a in supervisor.open_alerts() if a["kind"] == "fall"), "claim")
    expect(row_of(page, "测试居民1")).to_contain_text("Supervisor1")
    assert names(page) == ["测试居民4", "测试居民2", "测试居民3", "测试居民1"]


@pytest.mark.parametrize("by", ["pointer", "focus"])
def test_r02_the_row_in_hand_does_not_move(by: str, sign_in: Callable[..., Page], presses: Callable[..., None]) -> None:
    page = sign_in()
    page.locator("#arm-sound").click()
    for bracelet in (1, 2, 3):
        presses(bracelet)
        expect(page.locator(".row")).to_have_count(bracelet)
    held = row_of(page, "测试居民2")
    if by == "pointer":
        held.hover()
    else:
        page.locator("#alert-list").focus()
        page.keyboard.press("Home")
        page.keyboard.press("ArrowDown")
    before = upper_edge(held)
    for bracelet in (4, 5):
        presses(bracelet, "fall")  # more pressing: they belong above
    expect(page.locator("#list-heading")).to_have_text("5 open alerts")
    expect(page.locator("#new-above")).to_have_text("2 new above")
    assert upper_edge(held) == before
    page.mouse.move(900, 400)
    if by == "focus":
        page.locator("#new-above").click()
    expect(page.locator("#new-above")).to_have_count(0)
    assert names(page)[:2] == ["测试居民4", "测试居民5"]


def test_r02_a_row_claimed_by_somebody_else_stays_under_the_pointer(
    sign_in: Callable[..., Page], presses: Callable[..., None], supervisor: Desk
) -> None:
    page = sign_in()
    for bracelet in (1, 2, 3):
        presses(bracelet)  # one after the other: what one commit stores is equally old and may stand in any order
        expect(page.locator(".row")).to_have_count(bracelet)
    held = row_of(page, "测试居民1")
    held.hover()
    before = upper_edge(held)
    alert = next(a for a in supervisor.open_alerts() if a["resident_name"] == "测试居民1")
    supervisor.act(alert["id"], "claim")
    expect(held).to_contain_text("Supervisor1")
    assert upper_edge(held) == before
    assert names(page) == ["测试居民1", "测试居民2", "测试居民3"]
    page.mouse.move(900, 400)
    expect(page.locator(".row").last).to_be_visible()
    assert names(page) == ["测试居民2", "测试居民3", "测试居民1"]


def test_names_are_text(sign_in: Callable[..., Page], presses: Callable[..., None]) -> None:
    page = sign_in()
    presses("hostile")
    row = page.locator(".row")
    expect(row.locator(".row-name")).to_have_text(HOSTILE_NAME)
    row.click()
    expect(page.locator(".card")).to_contain_text("<b>x</b>")
    expect(page).to_have_title("(1) waiting · Alerts")
    assert page.locator("#app img").count() == 0


def test_an_unknown_device_is_shown_as_unidentified(sign_in: Callable[..., Page], presses: Callable[..., None]) -> None:
    page = sign_in()
    presses("nobody-knows")
    expect(page.locator(".row")).to_contain_text("Unidentified")
    expect(page.locator(".row")).to_contain_text("unreadable in part")
    page.locator(".row").click()
    expect(page.locator(".unidentified")).to_contain_text("bracelet-nobody-knows")


def test_r16_a_flood_is_counted_not_read_out_and_drawn_in_a_window(
    sign_in: Callable[..., Page], flood: Callable[[int], None]
) -> None:
    page = sign_in()
    flood(300)
    expect(page.locator("#waiting-count")).to_have_text("300 waiting", timeout=20_000)
    expect(page.locator("#announcer")).to_contain_text("new alerts within 10 seconds")
    expect(page.locator("#announcer")).to_contain_text("300 waiting")  # what was held back is told in the end
    expect(page).to_have_title("(300) waiting · Alerts")
    assert page.locator(".row").count() < 30
    page.locator("#alert-list").focus()
    page.keyboard.press("End")
    expect(page.locator(".row-active")).to_have_attribute("aria-posinset", "300")
    expect(page.locator(".row-active")).to_be_in_viewport()
