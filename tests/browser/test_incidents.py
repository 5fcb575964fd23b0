"""The page of incidents: a supervisor raises one, settles somebody on its roll, and closes it with a reason."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import WCAG, violations
from tests.browser.test_reports import go

pytestmark = pytest.mark.long


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_from_raising_to_closing(sign_in: Callable[..., Page], language: str) -> None:
    page = go(sign_in("supervisor1"), "/incidents")
    page.get_by_role("button", name="Raise it and ask everybody").wait_for()
    page.get_by_label("What").select_option("flood")
    page.get_by_label("Said on the telephone").fill("The river rises.")
    page.get_by_role("button", name="Raise it and ask everybody").click()
    status = page.get_by_role("status")
    expect(status).to_contain_text("0 of ")
    expect(page.get_by_role("heading", name="Flood")).to_be_visible()
    row = page.get_by_role("table", name="People, by risk").locator("tbody tr").first
    row.get_by_role("textbox").fill("seen at the school")
    row.get_by_role("button", name="Settle").click()
    expect(status).to_contain_text("1 of ")
    expect(row).to_contain_text("supervisor1 seen at the school")
    page.get_by_label("Language").select_option(language)
    assert violations(page, WCAG) == []
    page.get_by_label("Language" if language == "en" else "语言").select_option("en")
    page.get_by_label("Note", exact=True).fill("it falls again")
    page.get_by_label("Why, although").fill("the village looks after the rest")
    page.get_by_role("button", name="Close the incident").click()
    expect(page.get_by_text("the village looks after the rest")).to_be_visible()


def test_an_operator_sees_it_and_raises_none(sign_in: Callable[..., Page]) -> None:
    page = go(sign_in(), "/incidents")
    expect(page.get_by_role("heading", name="Incidents", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Raise it and ask everybody")).to_have_count(0)
