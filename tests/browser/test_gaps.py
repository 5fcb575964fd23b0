"""A gap is announced on every console, and a supervisor has everybody asked or says why nobody need be."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from callcenter.alerts.gaps import GapKind
from callcenter.storage import gap_book
from callcenter.storage.engine import connect
from tests.browser.axe import WCAG, violations
from tests.browser.test_reports import go
from tests.processes import Service

pytestmark = pytest.mark.long


@pytest.fixture
def gap(centre: Service) -> str:
    now = datetime.now(UTC)
    engine = connect(centre._url, writer=True, size=1, patience_s=20)
    with engine.begin() as connection:
        began, ended = now - timedelta(hours=1), now - timedelta(minutes=5)
        made = gap_book.add(connection, GapKind.RESTORED, began, ended, now=now, by="test")
    engine.dispose()
    return made.id


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_from_the_banner_to_the_roll(sign_in: Callable[..., Page], gap: str, language: str) -> None:
    page = sign_in("supervisor1")
    banner = page.locator("#gap-banner")
    expect(banner).to_contain_text("is not checked yet", timeout=20_000)
    banner.get_by_role("link").click()
    page.get_by_role("button", name="people now").wait_for()
    page.get_by_label("Language").select_option(language)
    assert not violations(page, WCAG)
    page.get_by_label("Language" if language == "en" else "语言").select_option("en")
    page.get_by_role("button", name="people now").click()
    expect(page.get_by_role("heading", name="Outage")).to_be_visible()
    expect(page.get_by_role("heading", name="Times in which nobody may have been heard")).to_have_count(0)
    page.get_by_label("Note", exact=True).fill("all at home")
    page.get_by_label("Why, although").fill("a test")
    page.get_by_role("button", name="Close the incident").click()
    expect(page.get_by_text("all at home")).to_be_visible()


def test_it_is_dismissed_with_a_reason_and_an_operator_only_sees_it(sign_in: Callable[..., Page], gap: str) -> None:
    looks = go(sign_in(), "/incidents")
    expect(looks.get_by_text("Restored from a backup")).to_be_visible()
    expect(looks.get_by_role("button", name="Nobody need be asked")).to_have_count(0)
    page = go(sign_in("supervisor1"), "/incidents")
    page.get_by_label("Why nobody need be asked").fill("a drill, all were told")
    page.get_by_role("button", name="Nobody need be asked").click()
    expect(page.get_by_text("Restored from a backup")).to_have_count(0)
