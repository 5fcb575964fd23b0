"""The second factor in the browser: got by keyboard, asked for when signing in, and taken away by a supervisor."""

from collections.abc import Callable
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import fill_in
from tests.browser.test_accessibility import judged
from tests.browser.test_reports import go
from tests.processes import PASSWORD

pytestmark = pytest.mark.long


def _enrol(page: Page) -> tuple[pyotp.TOTP, list[str]]:
    go(page, "/second-factor")
    page.get_by_label("Your password").focus()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Scan this with the app")).to_be_focused()
    app = pyotp.TOTP(page.locator(".factor-secret").inner_text().replace(" ", ""))
    assert page.get_by_role("link", name="Or open the app").get_attribute("href") == app.provisioning_uri(
        name="factor1", issuer_name="VNH"
    )
    assert judged(page) == ([], [])
    page.get_by_label("Code that the app shows").fill("000000")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This code is not right.")).to_be_visible()
    page.get_by_label("Code that the app shows").fill(app.now())
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_focused()
    assert judged(page) == ([], [])
    recovery = page.locator(".factor-codes code").all_inner_texts()
    page.get_by_role("button", name="I have written them down").click()
    expect(page.get_by_role("status").first).to_contain_text("8 recovery codes are left.")
    return app, recovery


def _sign_in(page: Page, code: str) -> None:
    page.locator("#username").fill("factor1")
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#code")).to_be_focused()
    page.keyboard.type(code)
    page.keyboard.press("Enter")


def test_it_is_got_asked_for_and_taken_away(open_page: Callable[..., Page], sign_in: Callable[..., Page]) -> None:
    page = open_page()
    fill_in(page, "factor1")
    _app, recovery = _enrol(page)
    go(page, "/")
    page.locator("#sign-out").click()
    _sign_in(page, "000000")
    expect(page.get_by_text("This code is not right.")).to_be_visible()
    expect(page.locator("#code")).to_be_focused()
    assert judged(page) == ([], [])
    page.keyboard.type(recovery[0])  # the password is still there
    page.keyboard.press("Enter")
    expect(page.locator(".link-live")).to_be_visible()
    page.locator("#sign-out").click()
    expect(page.locator("#username")).to_be_visible()

    chief = go(sign_in("supervisor1"), "/second-factor")
    chief.get_by_label("Colleague", exact=True).select_option("factor1")
    chief.get_by_label("Why").fill("her telephone is lost")
    chief.get_by_role("button", name="Take it away").click()
    expect(chief.get_by_text("Taken away. They sign in with their password alone.")).to_be_visible()
    fill_in(page, "factor1")


def test_who_owes_one_is_led_to_it_on_every_page(sign_in: Callable[..., Page]) -> None:
    def limited(route: Route) -> None:
        answer = route.fetch()
        body: dict[str, Any] = answer.json() | {"limited": True, "may": ["own_session"]}
        route.fulfill(response=answer, json=body)

    page = sign_in("operator2")
    page.route("**/api/v1/session", limited)
    for path in ("/", "/calls", "/alerts"):
        go(page, path)
        expect(page.get_by_role("alert")).to_contain_text("Your role needs a second factor")
        expect(page.get_by_role("search")).to_have_count(0)
    assert judged(page) == ([], [])
    page.get_by_role("link", name="Set up the second factor").click()
    expect(page.get_by_label("Your password")).to_be_visible()
