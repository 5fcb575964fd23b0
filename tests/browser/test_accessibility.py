"""axe finds nothing on any screen, in both languages and both themes, and what it cannot judge was looked at."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.screens import every_screen

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
# What axe calls incomplete, and why it is no fault. A new one fails the test until somebody has looked at it.
REVIEWED = tomllib.loads((Path(__file__).parent / "axe_reviewed.toml").read_text(encoding="utf-8"))["reviewed"]
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def _reviewed(rule: str, node: dict[str, Any]) -> bool:
    """By what axe says of it (`says`: its message key), or by what it is (`html`)."""
    said = {str((check["data"] or {}).get("messageKey")) for check in node["any"]}
    return any(
        one["rule"] == rule and (one["says"] in said if "says" in one else one["html"] in node["html"])
        for one in REVIEWED
    )


def judged(page: Page) -> tuple[list[str], list[str]]:
    """What is against WCAG 2.2 A or AA, and what nobody has looked at yet."""
    found: dict[str, Any] = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}}).response
    wrong = [f"{one['id']}: {node['html']}" for one in found["violations"] for node in one["nodes"]]
    doubtful = [(one["id"], node) for one in found["incomplete"] for node in one["nodes"]]
    return wrong, [f"{rule}: {node['any']} {node['html']}" for rule, node in doubtful if not _reviewed(rule, node)]


@pytest.mark.long
@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_r25_axe_finds_nothing_on_any_screen(
    sign_in: Callable[..., Page], presses: Callable[..., None], locale: str
) -> None:
    for bracelet in range(1, 4):
        presses(bracelet, "fall" if bracelet % 2 else "sos")
    page = sign_in("supervisor1", locale=locale)
    page.locator("#arm-sound").click()
    expect(page.locator(".row")).to_have_count(3)
    faults: dict[str, tuple[list[str], list[str]]] = {}
    for screen in every_screen(page):
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            wrong, doubtful = judged(page)
            if wrong or doubtful:
                faults[f"{screen}, {scheme}"] = wrong, doubtful
    assert faults == {}


@pytest.mark.long
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_r25_axe_finds_nothing_on_the_way_in(open_page: Callable[..., Page], locale: str, scheme: str) -> None:
    page = open_page(locale=locale, color_scheme=scheme)
    expect(page.locator("#username")).to_be_visible()
    assert judged(page) == ([], [])
    page.locator("#username").fill("operator1")
    page.locator("#password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.locator("form [role=alert]")).not_to_be_empty()
    assert judged(page) == ([], [])
