"""Every console says how long ago the centre's own test alarm came through, and says so loudly when it does not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import altering

AGO = timedelta(seconds=12)
LATE = timedelta(seconds=200)


def said(at: dict[str, timedelta | None]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Beats and snapshots that name this age; None: no test alarm is set up."""

    def change(frame: dict[str, Any]) -> dict[str, Any]:
        if frame["type"] not in ("beat", "snapshot"):
            return frame
        ago = at["ago"]
        now = datetime.fromisoformat(frame["at"]).astimezone(UTC)
        return frame | {"test_alarm_at": (now - ago).isoformat() if ago else None}

    return change


@pytest.mark.parametrize(("theme", "locale"), [("light", "zh-CN"), pytest.param("dark", "en", marks=pytest.mark.long)])
def test_its_age_stands_on_every_console(sign_in: Callable[..., Page], theme: str, locale: str) -> None:
    at: dict[str, timedelta | None] = {"ago": AGO}
    page = sign_in(prepare=altering(said(at)), color_scheme=theme, locale=locale)
    mark, banner = page.locator(".test-alarm"), page.locator("#test-alarm-banner .banner")
    expect(mark).to_have_attribute("data-state", "well")
    expect(mark).to_contain_text("1")  # 12 s and more
    expect(banner).to_have_count(0)
    at["ago"] = LATE
    expect(mark).to_have_attribute("data-state", "missed")
    expect(banner).to_be_visible()
    assert violations(page) == []
    at["ago"] = None
    expect(mark).to_have_attribute("data-state", "none")
    expect(banner).to_have_count(0)
