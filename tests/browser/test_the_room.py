"""The wallboard and the supervisor's room: live, honest about their age, and readable by whoever has to read them."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import Desk
from tests.browser.test_layout import faults
from tests.browser.wire import Wire
from tests.processes import Service, wait_for

BOTH = [("light", "zh-CN"), pytest.param("dark", "en", marks=pytest.mark.long)]


def beside(page: Page, path: str) -> None:
    page.goto("/".join(page.url.split("/", 3)[:3]) + path)


def waiting(page: Page, of: str = "emergency") -> str:
    return page.locator(f'.wall-figure[data-class="{of}"] strong').inner_text()


@pytest.fixture
def wall(sign_in: Callable[..., Page]) -> Callable[..., Page]:
    def go(**options: object) -> Page:
        page = sign_in("supervisor1", **options)
        beside(page, "/wall")
        expect(page.locator(".wall-figure")).to_have_count(4)
        return page

    return go


@pytest.mark.parametrize(("theme", "locale"), BOTH)
def test_a_press_is_on_the_wall_and_no_name_is(
    wall: Callable[..., Page], presses: Callable[..., None], supervisor: Desk, theme: str, locale: str
) -> None:
    page = wall(color_scheme=theme, locale=locale)
    assert waiting(page) == "0"
    presses(1, "fall")
    presses(2)
    expect(page.locator(".wall-queue li")).to_have_count(2)
    assert waiting(page) == "2"
    assert "测试" not in page.locator(".wall-queue").inner_text()
    size = page.locator(".wall-figure strong").first.evaluate("one => parseFloat(getComputedStyle(one).fontSize)")
    assert size / page.viewport_size["height"] > 0.07, "on a screen of 60 cm these are more than 4 cm high"
    assert faults(page) == []
    alert = supervisor.open_alerts()[0]["id"]
    supervisor.act(alert, "claim")
    expect(page.locator(".wall-queue li")).to_have_count(1)


def test_the_wall_says_when_it_is_old_and_that_no_console_may_sound(wall: Callable[..., Page], wire: Wire) -> None:
    page = wall()
    expect(page.locator('[data-trouble="wall.nobody_armed"]')).to_be_visible()
    old = page.locator('[data-trouble="old"]')
    expect(old).to_have_count(0)
    wire.cut()
    expect(old).to_be_visible()
    assert violations(page) == []
    wire.mend()
    expect(old).to_have_count(0)


def test_a_screen_of_its_own_account_sees_the_wall_and_nothing_else(
    centre: Service, open_page: Callable[..., Page], tokens: Callable[[str], str]
) -> None:
    centre.hire("screen1", "wallboard")
    cookie = {"name": "vnh_session", "value": tokens("screen1"), "domain": "127.0.0.1", "path": "/"}
    page = open_page()
    expect(page.locator("#username")).to_be_visible()
    page.context.add_cookies([cookie])  # now: the console, which opened first, is not for it
    beside(page, "/wall")
    expect(page.locator(".wall-figure")).to_have_count(4)
    assert page.request.get(page.url.replace("/wall", "/api/v1/alerts")).status == 403


@pytest.mark.parametrize(("theme", "locale"), BOTH)
def test_a_supervisor_sees_the_room(
    sign_in: Callable[..., Page], presses: Callable[..., None], supervisor: Desk, theme: str, locale: str
) -> None:
    desk = sign_in("operator1")
    desk.locator("#arm-sound").click()
    presses(3)
    page = sign_in("supervisor1", color_scheme=theme, locale=locale)
    beside(page, "/room")
    queue = page.get_by_role("region").filter(has=page.locator("tbody tr")).nth(1)
    expect(queue.locator("tbody tr")).to_have_count(1)
    row = page.locator("tr", has_text="Operator1").first
    expect(row).to_contain_text("声音已开" if locale == "zh-CN" else "sound on")
    assert faults(page) == []
    page.locator("#flood-mode").select_option("on")
    expect(page.locator('[data-trouble="wall.flood"]')).to_be_visible()
    page.locator("#flood-mode").select_option("automatic")
    # The presses of other tests may have begun it too: then it goes on, because of the load.
    wait_for(lambda: supervisor.ask("GET", "/room").get("flood_by") != "supervisor", what="automatic again")


def test_an_operator_is_told_that_the_room_is_not_theirs(sign_in: Callable[..., Page]) -> None:
    page = sign_in("operator2")
    beside(page, "/room")
    expect(page.locator(".report-body")).to_contain_text("Only a supervisor")
