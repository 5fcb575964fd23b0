"""Help on its way, on the console's map and in words: asked, said yes, under way, at the door."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import Desk
from tests.browser.test_the_responders_page import NEIGHBOUR, SMALL, empty_room, ringing
from tests.processes import Service, press
from tests.telephone.page import DOOR

__all__ = ["empty_room", "ringing"]  # fixtures: a centre with one neighbour, whom no telephone reaches

METRES_OF_A_DEGREE = 111_195


@pytest.fixture
def contexts(chromium: Browser) -> Iterator[Callable[..., BrowserContext]]:
    made: list[BrowserContext] = []

    def go(**options: object) -> BrowserContext:
        made.append(chromium.new_context(**({"locale": "en"} | options)))
        return made[-1]

    yield go
    for one in made:
        one.close()


def north(metres: float) -> dict[str, float]:
    """So far from the door."""
    return {"latitude": DOOR[0] + metres / METRES_OF_A_DEGREE, "longitude": DOOR[1], "accuracy": 12}


def console(context: BrowserContext, centre: Service, desk: Desk, errors: list[str]) -> Page:
    context.add_cookies([{"name": "vnh_session", "value": desk.token, "domain": "127.0.0.1", "path": "/"}])
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.goto(centre.http)
    expect(page.locator(".link-live")).to_be_visible()
    return page


def test_help_is_sent_in_two_clicks_and_seen_coming(contexts: Callable[..., BrowserContext], ringing: Service) -> None:
    desk = Desk(ringing.http, "operator1")
    errors: list[str] = []
    page = console(contexts(viewport={"width": 1366, "height": 768}), ringing, desk, errors)
    press(ringing.mqtt_port, "bracelet-1", '{"v": 1, "msg": "m1", "kind": "fall"}')
    page.locator(".row").click()
    page.locator("#action-claim").click()
    page.locator("#action-dispatch").click()
    page.locator(".action-form button[type=submit]").click()

    first_word = """(node) => {
      const word = document.createRange();
      word.setStart(node.firstChild, 0);
      word.setEnd(node.firstChild, node.firstChild.data.indexOf(" "));
      return word.getClientRects().length;
    }"""
    assert page.locator(".rung strong").first.evaluate(first_word) == 1, "no word of a narrow rung is broken"

    way = page.locator(".way", has_text="赵国强")
    expect(way).to_have_attribute("data-state", "asked")
    expect(way).to_contain_text("usual place")
    expect(page.locator(".map-pin.map-home")).to_be_visible()
    expect(page.locator(".map-pin.map-asked")).to_be_visible()

    (alert,) = desk.open_alerts()
    offer = [o for o in desk.ask("GET", f"/alerts/{alert['id']}")["offers"] if o["party"] == NEIGHBOUR][-1]
    phone = contexts(viewport=SMALL, geolocation=north(900), permissions=["geolocation"])
    theirs = phone.new_page()
    theirs.goto(desk.ask("POST", f"/offers/{offer['id']}/link")["url"])
    theirs.locator("button[value=yes]").click()
    expect(way).to_have_attribute("data-state", re.compile("goes|under_way"))
    theirs.locator("button[value=on_my_way]").click()
    expect(way).to_have_attribute("data-state", "under_way")
    expect(way).to_contain_text("900 m from the door")
    before = page.locator(".map-pin.map-under_way").bounding_box()

    phone.set_geolocation(north(400))  # the page tells it by itself, the console hears it by itself
    expect(way).to_contain_text("400 m from the door")
    assert page.locator(".map-pin.map-under_way").bounding_box() != before
    assert violations(page) == []

    phone.set_geolocation(north(20))  # so near proves the arrival, without a press
    expect(way).to_have_attribute("data-state", "there")
    expect(page.locator(".map-pin.map-there")).to_be_visible()
    expect(page.locator(".view-state")).to_contain_text("赵国强")
    assert errors == []
    desk.act(alert["id"], "resolve", outcome="helped_at_home")
    desk.act(alert["id"], "close")


def test_r19_each_level_has_its_time_and_the_next_comes_by_itself_unless_held(
    contexts: Callable[..., BrowserContext], ringing: Service
) -> None:
    doctor = ringing.directory / "doctor.csv"
    doctor.write_text("id,name,kind,phone,area\ndoctor-1,李医生,village_doctor,+861000000778,d1\n", encoding="utf-8")
    ringing.take_in("responders", doctor)
    desk = Desk(ringing.http, "operator1")
    errors: list[str] = []
    page = console(contexts(viewport={"width": 1366, "height": 768}), ringing, desk, errors)
    press(ringing.mqtt_port, "bracelet-2", '{"v": 1, "msg": "m19", "kind": "sos"}')
    page.locator(".row").click()
    desk.act(desk.open_alerts()[0]["id"], "claim")
    desk.act(desk.open_alerts()[0]["id"], "dispatch")
    rungs, says = page.locator(".rung"), page.locator("#asking-heading small")
    expect(says).to_contain_text(re.compile(r"^more people are asked in 0:[0-3]\d"))
    card, panel = page.locator(".view-card").bounding_box(), page.locator("section.asking").bounding_box()
    assert card
    assert panel
    assert panel["y"] - card["y"] < 24, "nothing empty above it: the address is below, and has to be in sight"
    assert card["width"] - panel["width"] < 60, "as wide as the card"
    expect(page.locator("#action-hold")).to_have_attribute("aria-disabled", "false")
    page.locator("#alert-view").focus()
    page.keyboard.press("w")
    expect(page.locator("#field-text")).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".form-trouble")).to_be_visible()  # not without a reason
    page.locator("#field-text").fill("the daughter is on the stairs")
    page.keyboard.press("Control+Enter")
    expect(says).to_contain_text(re.compile(r"^held: more people are asked in [12]:\d\d"))
    expect(page.locator(".timeline")).to_contain_text("the daughter is on the stairs")
    expect(rungs.locator("strong")).to_have_text(
        ["Neighbours and family", "Village doctor and carers", "Town station", "District command", "120"]
    )
    expect(rungs.nth(0)).to_have_attribute("aria-current", "step")
    expect(rungs.nth(0)).to_contain_text(re.compile(r"\d asked.*next level in [01]:\d\d"))
    expect(rungs.nth(1)).to_contain_text("not asked yet")

    page.locator("#alert-view").focus()
    page.keyboard.press("u")
    expect(rungs.nth(1)).to_have_attribute("aria-current", "step")
    expect(rungs.nth(1)).to_contain_text("1 asked")
    expect(says).to_contain_text(re.compile("^more people are asked in"))  # and held no longer
    assert violations(page) == []
    desk.act(desk.open_alerts()[0]["id"], "hand_over", case_number="1")
    expect(rungs.nth(4)).to_contain_text("has it")
    assert errors == []
    desk.act(desk.open_alerts()[0]["id"], "resolve", outcome="taken_to_hospital")
    desk.act(desk.open_alerts()[0]["id"], "close")
