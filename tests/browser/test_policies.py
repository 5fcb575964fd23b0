"""The page of the policies: read as a ladder, checked line by line, put into force by a supervisor, by keyboard too."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, delete

from callcenter.storage import tables as t
from callcenter.storage.engine import connect
from tests.browser.axe import WCAG, violations
from tests.browser.conftest import Desk
from tests.browser.test_coverage import there
from tests.browser.test_reports import go
from tests.processes import Service

pytestmark = pytest.mark.long

SHIPPED = Path("config/escalation.toml").read_text("utf-8")
FAULTY = SHIPPED.replace("wave_size = 2", "wave_size = 0").replace("most_waves = 16", "most_waves = 99")
ALONE = SHIPPED + '\n[[override]]\nid = "x"\n[[override.level]]\nid = "village"\nkinds = ["village_doctor"]\n' \
    "wave_size = 1\ndeadline_s = 60\n"  # fmt: skip


@pytest.fixture(scope="module")
def engine(centre: Service) -> Iterator[Engine]:
    made = connect(f"sqlite:///{centre.directory / 'callcenter.db'}", writer=True, size=1)
    yield made
    with made.begin() as connection:
        connection.execute(delete(t.policies))
    made.dispose()


@pytest.fixture
def people(engine: Engine) -> Iterator[None]:
    """One of each level, and a neighbour beside the family: keyholders and neighbours are a group of the ladder."""
    row = {"id": "helper-n", "name": "x", "kind": "neighbour", "phone": "13900000009", "area_id": "d1"}
    with engine.begin() as connection:
        connection.execute(t.responders.insert(), row)
    with there(engine, "", "", "", ""):
        yield


def test_an_operator_reads_it_as_a_ladder_and_changes_nothing(sign_in: Callable[..., Page]) -> None:
    page = go(sign_in(), "/policies")
    expect(page.get_by_role("heading", name="The file (version 0) · in force")).to_be_visible()
    levels = page.locator("section", has=page.get_by_role("heading", name="Who is asked to go")).last
    expect(levels.get_by_role("listitem").first).to_contain_text("Neighbours and family")
    expect(levels.get_by_role("listitem").first).to_contain_text("3 asked at once; after 90 s the next level")
    expect(page.get_by_text("by telephone: the duty manager")).to_be_visible()
    expect(page.get_by_role("button", name="Make a new policy")).to_have_count(0)
    expect(page.get_by_role("table", name="All versions").locator("tbody tr")).to_have_count(1)


@pytest.mark.usefixtures("people")
def test_faults_are_shown_at_their_line_and_such_a_policy_cannot_be_put(sign_in: Callable[..., Page]) -> None:
    page = go(sign_in("supervisor1"), "/policies")
    page.get_by_role("button", name="Make a new policy from this one").click()
    text = page.get_by_label("Text of the policy (TOML)")
    expect(text).to_have_value(SHIPPED)
    text.fill(FAULTY)
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text("2 faults: this policy is refused.")).to_be_visible()
    line = next(n for n, one in enumerate(FAULTY.splitlines(), start=1) if one == "wave_size = 0")
    expect(page.get_by_role("listitem").filter(has_text="at least 1")).to_contain_text(f"Line {line}")
    page.get_by_role("button", name=f"Line {line}", exact=True).click()
    chosen = "(area) => area.value.slice(area.selectionStart, area.selectionEnd)"
    assert text.evaluate(chosen) == "wave_size = 0"
    assert page.evaluate("document.activeElement.id") == "policy-text"
    expect(page.get_by_role("button", name="Put into force")).to_have_count(0)
    text.fill(ALONE)
    expect(page.get_by_text("2 faults")).to_have_count(0)  # what was checked is another text
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text("Somebody would be left alone")).to_be_visible()


@pytest.mark.usefixtures("people")
def test_a_supervisor_puts_one_into_force_by_keyboard_and_goes_back(
    sign_in: Callable[..., Page], supervisor: Desk
) -> None:
    page = go(sign_in("supervisor1"), "/policies")
    page.get_by_role("button", name="Make a new policy from this one").focus()
    page.keyboard.press("Enter")
    text = page.get_by_label("Text of the policy (TOML)")
    text.fill(SHIPPED.replace("arrive_s = 1800", "arrive_s = 2700"))
    text.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This policy can be put into force.")).to_be_visible()
    expect(page.get_by_role("heading", name="Forecast over past alerts")).to_be_visible()
    page.get_by_label("Why").focus()
    page.keyboard.type("The bridge is closed")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Version 1 is in force.")).to_be_visible()
    expect(page.get_by_role("heading", name="Version 1 · in force")).to_be_visible()
    expect(page.get_by_role("definition").filter(has_text="45 min")).to_be_visible()
    row = page.get_by_role("table", name="All versions").locator("tbody tr").first
    expect(row).to_contain_text("supervisor1")
    expect(row).to_contain_text("The bridge is closed")
    assert supervisor.ask("GET", "/policies")["in_force"] == 1

    page.get_by_role("button", name="Show The file (version 0)").click()
    page.get_by_role("button", name="Go back to this one").click()
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_label("Why").fill("open again")
    page.get_by_role("button", name="Put into force").click()
    expect(page.get_by_text("Version 2 is in force.")).to_be_visible()
    expect(page.get_by_role("definition").filter(has_text="30 min")).to_be_visible()


@pytest.mark.parametrize("tongue", ["en", "zh-CN"])
def test_axe_finds_nothing_against_wcag_2_2_aa(
    sign_in: Callable[..., Page], tongue: str, people: None, presses: Callable[..., None]
) -> None:
    page = go(sign_in("supervisor1", color_scheme="dark" if tongue == "en" else "light"), "/policies")
    page.get_by_label("Language").or_(page.get_by_label("语言")).select_option(tongue)
    edit, check = {"en": ("Make a new policy", "Check"), "zh-CN": ("以此为基础新建预案", "检查")}[tongue]
    expect(page).to_have_title({"en": "Escalation policies", "zh-CN": "升级预案"}[tongue])
    page.get_by_role("button", name=edit).click()
    text = page.locator("#policy-text")
    text.fill(FAULTY)
    page.get_by_role("button", name=check, exact=True).click()
    expect(page.locator(".policy-faults li")).to_have_count(2)
    assert violations(page, WCAG) == []
    text.fill(SHIPPED.replace('kinds = ["neighbour", "family"]', 'kinds = ["neighbour"]'))
    page.get_by_role("button", name=check, exact=True).click()
    expect(page.locator("#policy-note")).to_be_visible()
    page.locator("summary").click()
    assert violations(page, WCAG) == []
