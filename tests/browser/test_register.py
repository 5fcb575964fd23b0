"""The page of the register: found, changed, confirmed and handed on by keyboard; no word is lost, no colleague
overwritten.
"""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import WCAG, violations
from tests.browser.conftest import HOSTILE_NAME, Desk
from tests.browser.test_layout import faults
from tests.browser.test_reports import go
from tests.processes import PASSWORD, Service

pytestmark = pytest.mark.long


def opened(page: Page, text: str) -> Page:
    """Find one by keyboard and open it."""
    go(page, "/register")
    page.get_by_label("Name, telephone, address or device").focus()
    page.keyboard.type(text)
    page.keyboard.press("Enter")
    expect(page.locator(".record-list button")).to_have_count(1)
    page.locator(".record-list button").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#record-heading")).to_be_focused()
    return page


def typed(page: Page, field: Locator, text: str) -> None:
    field.focus()
    page.keyboard.press("Control+a")
    page.keyboard.type(text)


def changed_by_hand(desk: Desk, resident: str, **facts: Any) -> None:
    now = desk.ask("GET", f"/residents/{resident}/record")
    desk.ask("PUT", f"/residents/{resident}/record", {"version": now["version"], "facts": now["facts"] | facts})


def test_a_record_is_changed_by_keyboard_and_says_who_did(sign_in: Callable[..., Page], supervisor: Desk) -> None:
    page = opened(sign_in("supervisor1"), "bracelet-2")
    expect(page.locator("#record-heading")).to_contain_text("测试居民2")
    typed(page, page.locator("#fact-phone"), "call me")
    typed(page, page.locator("#fact-allergies"), "penicillin")
    page.keyboard.press("Tab")
    save = page.get_by_role("button", name="Save")
    save.focus()
    page.keyboard.press("Enter")
    phone = page.locator("#fact-phone")
    expect(phone).to_be_focused()
    expect(phone).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#fact-phone-fault")).to_have_text("Digits, like 0631 5231234 or +86 138 0000 0000.")
    page.get_by_label("Language").select_option("zh-CN")
    expect(page.locator("#fact-phone-fault")).to_contain_text("数字")
    expect(page.get_by_role("alert").filter(has_text="尚未保存")).to_be_visible()
    expect(page.get_by_role("textbox", name="过敏")).to_have_value("penicillin")  # nothing is lost
    page.get_by_label("语言").select_option("en")
    typed(page, phone, "0631 5231234")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()
    history = page.locator(".record-history").last
    expect(history).to_contain_text("Telephone nothing → 0631 5231234")
    expect(history).to_contain_text("Allergies nothing → penicillin")
    expect(history).to_contain_text("Supervisor1")
    assert supervisor.ask("GET", "/residents/r-2/record")["facts"]["allergies"] == "penicillin"

    expect(page.locator(".fact-due").first).to_have_text("ask again")  # medicines: nobody has ever been asked
    still = page.get_by_role("button", name="Still true: Medicines")
    still.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Noted: still true.")).to_be_visible()
    assert "medicines" not in supervisor.ask("GET", "/residents/r-2/record")["due"]


def test_who_changes_the_same_record_is_told_and_loses_nothing(sign_in: Callable[..., Page], supervisor: Desk) -> None:
    page = opened(sign_in("supervisor1"), "bracelet-3")
    typed(page, page.locator("#fact-conditions"), "asthma")
    changed_by_hand(supervisor, "r-3", address="another house", conditions="diabetes")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").filter(has_text="Somebody else has changed")).to_be_visible()
    told = page.locator(".record-history").first
    expect(told).to_contain_text("Conditions nothing → diabetes")
    expect(page.locator("#fact-address")).to_have_value("another house")  # what was not touched is theirs
    expect(page.locator("#fact-conditions")).to_have_value("asthma")
    assert supervisor.ask("GET", "/residents/r-3/record")["facts"]["conditions"] == "diabetes"
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert supervisor.ask("GET", "/residents/r-3/record")["facts"]["conditions"] == "asthma"


def test_contacts_a_device_consent_and_leaving(sign_in: Callable[..., Page], supervisor: Desk) -> None:
    page = opened(sign_in("supervisor1"), "bracelet-4")
    page.get_by_role("button", name="Add a contact").click()
    second = page.get_by_role("group", name="Contact 2")
    typed(page, second.get_by_label("Name"), "Wang Fang")
    second.get_by_label("Has a key").check()
    page.get_by_role("button", name="Call earlier: Wang Fang").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    kept = supervisor.ask("GET", "/residents/r-4/record")["facts"]["contacts"]
    assert [(one["name"], one["keyholder"]) for one in kept] == [("Wang Fang", True), ("邻居", False)]

    page.get_by_role("button", name="Take back bracelet-4").click()
    expect(page.get_by_role("button", name="Take back bracelet-4")).to_have_count(0)
    page.get_by_label("Number of the device").fill("bracelet-4")
    page.get_by_role("button", name="Hand out").click()
    expect(page.get_by_role("button", name="Take back bracelet-4")).to_be_visible()

    consent = page.locator("[data-purpose=position]")
    expect(consent).to_contain_text("Nobody has been asked yet.")
    consent.get_by_label("Said by").fill("herself")
    consent.get_by_role("button", name="Agreed").click()
    expect(consent).to_contain_text("said by herself")
    consent.get_by_label("Said by").fill("her son")
    consent.get_by_role("button", name="Withdrawn").click()
    expect(consent).to_contain_text("Withdrawn on")
    recording = page.locator("[data-purpose=recording]")
    recording.get_by_label("Said by").fill("herself")
    recording.get_by_role("button", name="Refused").click()
    expect(recording).to_contain_text("Refused on")
    expect(recording.get_by_role("button")).to_have_text("Agreed")

    page.locator("#fact-left_on").fill("2026-01-02")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#fact-left_why-fault")).to_have_text("A day needs a reason, and a reason a day.")
    page.locator("#fact-left_why").select_option("moved")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".record-left")).to_have_text("Left on 2026-01-02: moved away")


def test_a_press_of_who_has_left_is_an_alert_that_says_so(
    sign_in: Callable[..., Page], supervisor: Desk, presses: Callable[..., None]
) -> None:
    changed_by_hand(supervisor, "r-6", left_on="2026-01-02", left_why="died")
    presses(6)
    page = sign_in()
    page.locator(".row").first.click()
    expect(page.locator(".card")).to_contain_text("Registered as having left on 2026-01-02 (died)")
    changed_by_hand(supervisor, "r-6", left_on="", left_why="")


def test_a_new_resident_and_an_area(sign_in: Callable[..., Page]) -> None:
    page = go(sign_in("supervisor1"), "/register")
    page.get_by_role("button", name="New resident").click()
    page.locator("#fact-name").fill("New One")
    page.locator("#fact-address").fill("New street 1")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#fact-area-fault")).to_be_visible()
    page.locator("#fact-area").select_option("d1")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.locator("#record-heading")).to_contain_text("New One")
    page.get_by_label("What").select_option("areas")
    page.get_by_role("button", name="New area").click()
    page.get_by_label("Number", exact=True).fill("d1-new")
    page.locator("#fact-name").fill("New village")
    page.locator("#fact-parent").select_option("d1")
    page.locator("#fact-kind").select_option("village")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#record-heading")).to_have_text("New village d1-new")


def test_an_operator_reads_and_a_responder_desk_sees_no_people(sign_in: Callable[..., Page]) -> None:
    page = opened(sign_in(), "bracelet-hostile")
    expect(page.locator("#record-heading")).to_contain_text(HOSTILE_NAME)
    expect(page.get_by_text("You may read this record, not change it.")).to_be_visible()
    expect(page.locator(".record input, .record textarea, .record select, .record button")).to_have_count(0)
    page = go(sign_in("desk1"), "/register")
    expect(page.get_by_label("What").locator("option")).to_have_text(["People who help", "Areas"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("tongue", ["en", "zh-CN"])
def test_axe_finds_nothing_against_wcag_2_2_aa_and_nothing_is_cut_off(
    centre: Service, sign_in: Callable[..., Page], tongue: str, scheme: str
) -> None:
    page = opened(sign_in("supervisor1", color_scheme=scheme), "bracelet-5")
    typed(page, page.locator("#fact-phone"), "x")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#fact-phone-fault")).to_be_visible()
    page.get_by_label("Language").select_option(tongue)
    assert violations(page, WCAG) == []
    assert faults(page) == []


def test_who_signs_in_after_somebody_else_finds_nothing_of_theirs(sign_in: Callable[..., Page]) -> None:
    page = opened(sign_in("supervisor1"), "bracelet-7")
    typed(page, page.locator("#fact-allergies"), "of another's resident")
    page.context.clear_cookies()  # the session has ended
    page.get_by_role("button", name="Search").click()
    page.locator("#username").fill("town1")
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Choose a record on the left.")).to_be_visible()
    expect(page.locator(".record-list")).to_contain_text("测试居民d2")
    expect(page.locator(".record-list")).not_to_contain_text("测试居民7")
