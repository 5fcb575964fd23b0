"""No text is cut off or covered: 1366x768 and 1920x1080, both languages (console.md 2, 18 and 25)."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

SIZES = {"1366": {"width": 1366, "height": 768}, "1920": {"width": 1920, "height": 1080}}
# Each piece of text that can be seen: is a part of it beyond the page or a box that cuts it off, or is something over
# it? What is shortened on purpose (an ellipsis) must say the whole in a title.
FAULTS = """() => {
  const said = (node) => node.textContent.trim().slice(0, 40);
  const faults = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const modal = document.querySelector("dialog:modal");
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const own = node.parentElement;
    if (!said(node) || !own.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (own.closest(".visually-hidden, option, script, style, [inert], .leaflet-container, textarea")) continue;
    if (modal && !modal.contains(own)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      if (box.width < 1 || box.height < 1) continue;
      if (box.right > innerWidth + 1 || box.left < -1) faults.push(`beyond the page: ${said(node)}`);
      let right = box.right;
      let seen = box.top >= 0 && box.bottom <= innerHeight;
      for (let up = own; up && up !== document.body; up = up.parentElement) {
        const style = getComputedStyle(up), edge = up.getBoundingClientRect();
        const scrolls = /auto|scroll/;
        if (scrolls.test(style.overflowY) && (box.bottom > edge.bottom + 1 || box.top < edge.top - 1)) seen = false;
        if (/hidden|clip/.test(style.overflowX) && !scrolls.test(style.overflowY)) {
          const cut = right > edge.right + 1 || box.bottom > edge.bottom + 2 || box.top < edge.top - 2;
          if (cut && !(style.textOverflow === "ellipsis" && up.title)) faults.push(`cut off: ${said(node)}`);
          right = Math.min(right, edge.right);
        }
      }
      if (!seen) continue;
      const over = document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
      if (over && over !== own && !own.contains(over) && !over.contains(own)) {
        faults.push(`covered: ${said(node)} by ${over.tagName}.${over.className} ${said(over)}`);
      }
    }
  }
  return [...new Set(faults)];
}"""


def faults(page: Page) -> list[str]:
    found: list[str] = page.evaluate(FAULTS)
    return found


def walk(page: Page) -> dict[str, list[str]]:
    """Screen -> what is wrong with it."""
    seen: dict[str, Any] = {"list": faults(page)}
    page.locator(".row").first.click()
    expect(page.locator("#alert-view .timeline")).to_be_visible()
    seen["alert"] = faults(page)
    page.keyboard.press("c")
    expect(page.locator("#action-resolve")).not_to_have_attribute("aria-disabled", "true")
    seen["claimed"] = faults(page)
    page.locator("#action-resolve").click()
    expect(page.locator(".action-form")).to_be_visible()
    seen["form"] = faults(page)
    page.keyboard.press("Escape")
    for path in ("/calls", "/statistics", "/coverage", "/incidents", "/policies", "/register", "/reviews"):
        page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/", 3)[2] + path)
        expect(page.locator("h1, h2").first).to_be_visible()
        page.wait_for_load_state("networkidle")
        seen[path] = faults(page)
    return {screen: wrong for screen, wrong in seen.items() if wrong}


@pytest.mark.parametrize("size", [pytest.param("1920", marks=pytest.mark.long), "1366"])
@pytest.mark.parametrize("locale", ["zh-CN", pytest.param("en", marks=pytest.mark.long)])
def test_no_text_is_cut_off_or_covered(
    sign_in: Callable[..., Page], presses: Callable[..., None], size: str, locale: str
) -> None:
    for bracelet in range(1, 7):
        presses(bracelet, "fall" if bracelet % 2 else "sos")
    presses("nobody-knows-this-bracelet-with-a-long-name")
    page = sign_in("supervisor1", viewport=SIZES[size], locale=locale)
    page.locator("#arm-sound").click()
    expect(page.locator(".row")).to_have_count(7)
    assert walk(page) == {}


@pytest.mark.long
@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_the_bar_of_an_operator_of_an_area_fits_too(sign_in: Callable[..., Page], locale: str) -> None:
    page = sign_in("town1", viewport=SIZES["1366"], locale=locale)
    expect(page.locator(".area-of")).to_be_visible()
    assert faults(page) == []
    page.locator(".area-of button").click()
    expect(page.locator("dialog.beyond")).to_be_visible()
    assert faults(page) == []


def test_the_check_finds_what_is_cut_off_and_covered(sign_in: Callable[..., Page]) -> None:
    page = sign_in()
    assert faults(page) == []
    page.evaluate("""() => {
      const cut = document.createElement("div");
      cut.style.cssText = "position:fixed;top:200px;left:10px;width:30px;overflow:hidden;white-space:nowrap;z-index:9";
      cut.textContent = "this is cut off";
      const below = document.createElement("div");
      below.style.cssText = "position:fixed;top:300px;left:10px;z-index:9";
      below.textContent = "this is covered";
      const over = document.createElement("div");
      over.style.cssText = "position:fixed;top:290px;left:0;width:300px;height:50px;z-index:10";
      document.body.append(cut, below, over);
    }""")
    said = " ".join(faults(page))
    assert "cut off: this is cut off" in said
    assert "covered: this is covered" in said
