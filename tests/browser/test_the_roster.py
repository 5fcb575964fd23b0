"""The roster is printed on A4: each village begins a page, nobody is torn in two, both languages."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import HOSTILE_NAME
from tests.browser.test_handover_card import printed
from tests.browser.test_layout import faults
from tests.browser.test_the_room import beside

WORDS = {"en": "Destroy after", "zh-CN": "销毁期限"}


@pytest.mark.parametrize(("locale", "theme"), [("zh-CN", "dark"), pytest.param("en", "light", marks=pytest.mark.long)])
def test_the_roster_of_an_area_is_chosen_and_printed(sign_in: Callable[..., Page], locale: str, theme: str) -> None:
    page = sign_in("supervisor1", locale=locale, color_scheme=theme)
    page.goto(page.locator('.places a[href="/roster"]').evaluate("one => one.href"))
    expect(page.locator(".person")).to_have_count(0)
    assert violations(page) == []
    page.locator('select[name="area"]').select_option("d1")
    page.locator("form button").click()
    expect(page.locator(".person").first).to_be_visible()
    expect(page.locator("body")).to_contain_text(HOSTILE_NAME)
    expect(page.locator(".sheet-head").first).to_contain_text(WORDS[locale])
    assert violations(page) == []
    assert faults(page) == []
    page.emulate_media(media="print")
    expect(page.locator("form")).to_be_hidden()
    assert printed(page) >= 1


def test_each_village_begins_a_page(sign_in: Callable[..., Page]) -> None:
    page = sign_in("supervisor1")
    beside(page, "/roster?area=d1&who=all&lang=en")
    expect(page.locator("table")).to_have_count(1)
    page.evaluate("""() => {
      const rows = document.querySelector("tbody");
      while (rows.children.length > 3) rows.lastChild.remove();
      document.querySelector("main").append(document.querySelector("table").cloneNode(true));
    }""")
    assert printed(page) == 2


def test_nobody_is_torn_in_two(sign_in: Callable[..., Page]) -> None:
    page = sign_in("supervisor1")
    beside(page, "/roster?area=d1&who=all&lang=en")
    page.evaluate("""() => {
      const rows = document.querySelector("tbody");
      while (rows.children.length > 4) rows.lastChild.remove();
      for (const row of rows.children) row.lastElementChild.innerHTML = "<p>a line</p>".repeat(30);
    }""")
    assert printed(page) == 4, "each of them takes more than half a page"
    page.evaluate("() => document.querySelectorAll('.person').forEach((one) => { one.style.breakInside = 'auto'; })")
    assert printed(page) == 3, "otherwise the next one would begin on the rest of a page"
