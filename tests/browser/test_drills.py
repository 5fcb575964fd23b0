"""A drill on the real console: everybody sees that it runs, what is practised and what is real."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import Desk
from tests.browser.test_layout import faults
from tests.browser.test_live_list import names, row_of


@pytest.fixture
def room(sign_in: Callable[..., Page]) -> Iterator[Page]:
    page = sign_in("supervisor1", locale="en")
    page.goto("/".join(page.url.split("/", 3)[:3]) + "/room")
    expect(page.locator("#drill-desk")).to_be_visible()
    yield page
    if page.locator("#drill-end").count():
        page.locator("#drill-end").click()
        expect(page.locator("#drill-begin")).to_be_visible()


def test_everybody_sees_that_a_drill_runs_and_nobody_mistakes_a_press_for_it(
    room: Page, sign_in: Callable[..., Page], presses: Callable[..., None], supervisor: Desk
) -> None:
    console = sign_in(locale="en")
    console.locator("#arm-sound").click()
    expect(console.locator(".banner-drill")).to_have_count(0)

    room.locator("#drill-begin").click()
    for page in (room, console):
        expect(page.locator("#drill-strip")).to_contain_text(
            re.compile("DRILL.*Supervisor1 began it at .*No telephone")
        )
    room.locator("#drill-desk [name=kind]").select_option("fall")
    room.locator("#drill-desk [name=resident_id]").fill("r-1")
    room.locator("#drill-desk [name=words]").fill("She has fallen in the yard.")
    room.locator("#drill-open").click()
    assert not violations(room)

    drilled = console.locator(".row-drill")
    expect(drilled).to_contain_text("测试居民1")
    expect(drilled.locator(".mark-drill")).to_have_text("DRILL")
    expect(console.locator("#announcer")).to_have_text(re.compile("^Drill. Fall: 测试居民1"))
    expect(console).to_have_title("(drill: 1) · Alerts")
    expect(console.locator(".sound")).to_have_attribute("data-sound", "ringing")

    presses(1)  # the same person, in earnest
    expect(console.locator(".row")).to_have_count(2)
    expect(console.locator("#announcer")).to_have_text(re.compile("^REAL ALARM. SOS: 测试居民1"))
    expect(console).to_have_title("(1) waiting · Alerts")
    real = console.locator(".row:not(.row-drill)")
    expect(real.locator(".mark-real")).to_have_text("REAL")
    top = [row.bounding_box()["y"] for row in (real, drilled)]
    assert top[0] < top[1], "what is real stands above whatever is practised"
    assert not violations(console)

    drilled.click()
    expect(console.locator(".drill-line")).to_contain_text("Nobody is in danger")
    expect(console.locator(".timeline")).to_contain_text("DRILL: Supervisor1 opened this alert to practise")
    expect(console.locator(".timeline")).to_contain_text("She has fallen in the yard.")
    assert not violations(console)
    assert faults(console) == []

    room.locator("#drill-end").click()
    expect(console.locator(".banner-drill").filter(has_text="began it")).to_have_count(0)
    expect(console.locator(".mark-real")).to_have_count(0)
    expect(row_of(console, "测试居民1").first).to_contain_text("SOS")
    assert "测试居民1" in names(console)
    assert len(supervisor.open_alerts()) == 1
