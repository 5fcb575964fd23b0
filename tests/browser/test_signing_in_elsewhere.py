"""Signing in by an identity provider on another site: the way there and back, and unlocking a console by it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import fill_in
from tests.browser.test_layout import faults
from tests.identity_provider import IdentityProvider

LANGUAGES = {"en": "Sign in with “District sign-in”", "zh-CN": "使用“District sign-in”登录"}


def assert_readable(page: Page, scheme: str) -> None:
    """In both languages nothing is cut off, and axe finds nothing in one."""
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for language in ("zh-CN", "en"):
        page.locator(".language select").select_option(language)
        expect(page.locator("html")).to_have_attribute("lang", language)
        assert faults(page) == [], language
    assert violations(page) == []


def at_the_provider(page: Page, provider: IdentityProvider) -> None:
    page.wait_for_url(f"{provider.issuer}/authorize?**")


def go_there(page: Page, provider: IdentityProvider) -> None:
    page.locator("#sign-in-elsewhere").click()
    at_the_provider(page, provider)


def test_the_way_to_the_provider_and_back(open_page: Callable[..., Page], provider: IdentityProvider) -> None:
    """The session's cookie is Strict, and the browser comes back from another site all the same."""
    page = open_page()
    console = page.url
    go_there(page, provider)
    page.locator("#go").click()
    expect(page.locator(".link-live")).to_be_visible()
    assert page.url == console
    expect(page.locator(".who")).to_contain_text("Li Na")
    cookies = {one["name"]: one for one in page.context.cookies(console)}
    assert set(cookies) == {"vnh_session"}
    assert (cookies["vnh_session"]["sameSite"], cookies["vnh_session"]["httpOnly"]) == ("Strict", True)
    page.reload()
    expect(page.locator(".link-live")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#sign-in-elsewhere")).to_have_text(LANGUAGES["en"])
    page.reload()
    expect(page.locator("#username")).to_be_visible()


def test_a_provider_that_is_away_is_said_and_the_password_still_opens_the_room(
    open_page: Callable[..., Page], provider: IdentityProvider
) -> None:
    page = open_page()
    console = page.url
    go_there(page, provider)
    provider.trouble = "500"
    with page.expect_navigation(url=f"{console}?sign_in=away"):
        page.locator("#go").evaluate("link => link.click()")
    expect(page.get_by_role("alert").filter(has_text="“District sign-in” does not answer.")).to_be_visible()
    assert page.url == console
    assert_readable(page, "light")
    page.reload()
    expect(page.locator("#username")).to_be_visible()
    expect(page.locator("#elsewhere-refusal")).to_have_count(0)
    assert_readable(page, "dark")
    fill_in(page)


@pytest.fixture
def locked_console(
    open_page: Callable[..., Page], presses: Callable[..., None], provider: IdentityProvider
) -> Callable[[], Page]:
    """Li Na has signed in, has half written a note, and the page is locked."""

    def go() -> Page:
        page = open_page()
        go_there(page, provider)
        page.locator("#go").click()
        expect(page.locator(".link-live")).to_be_visible()
        presses(1)
        page.locator(".row").click()
        expect(page.locator("#action-note")).to_be_enabled()
        page.keyboard.press("n")
        page.locator("#field-text").fill("half a sentence")
        page.locator("#lock").click()
        expect(page.locator("#unlock-elsewhere")).to_be_focused()
        expect(page.locator("#unlock-password")).to_have_count(0)
        return page

    return go


def unlocking_tab(page: Page, provider: IdentityProvider) -> Page:
    with page.context.expect_page() as opened:
        page.locator("#unlock-elsewhere").click()
    at_the_provider(opened.value, provider)
    return opened.value


def test_a_locked_console_is_unlocked_from_a_tab_beside_it(
    locked_console: Callable[[], Page], provider: IdentityProvider
) -> None:
    page = locked_console()
    assert_readable(page, "light")
    assert_readable(page, "dark")
    # An address that anybody can type opens nothing.
    beside = page.context.new_page()
    beside.goto(f"{page.url}sign-in/again?sign_in=done")
    expect(beside.locator("a.button")).to_have_text(LANGUAGES["en"])
    expect(beside.locator("#proven")).to_have_count(0)
    expect(page.locator("#lock-panel")).to_be_visible()
    beside.close()

    beside = unlocking_tab(page, provider)
    expect(page.locator("#lock-panel")).to_be_visible()
    beside.locator("#go").click()
    expect(beside.locator("#proven")).to_contain_text("You are signed in again, Li Na.")
    assert_readable(beside, "light")
    assert_readable(beside, "dark")
    beside.close()
    expect(page.locator("#lock-panel")).to_have_count(0)
    expect(page.locator("#field-text")).to_have_value("half a sentence")
    expect(page.locator(".link-live")).to_be_visible()
    page.locator("#lock").click()
    expect(page.locator("#unlock-elsewhere")).to_be_visible()  # and it can be locked anew


def test_somebody_else_who_proves_who_they_are_sees_nothing_of_the_locked_console(
    locked_console: Callable[[], Page], provider: IdentityProvider
) -> None:
    page = locked_console()
    beside = unlocking_tab(page, provider)
    provider.person |= {"sub": "u-2", "name": "Wang Wei"}
    beside.reload()
    beside.locator("#go").click()
    expect(beside.locator(".who")).to_contain_text("Wang Wei")
    expect(beside.locator("#lock-panel")).to_have_count(0)
    expect(page.get_by_role("alert").filter(has_text="Your sign-in has ended.")).to_be_visible()
    expect(page.locator("#field-text, .view, .row")).to_have_count(0)
