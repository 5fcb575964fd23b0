"""The hand-over to 120 is one printed page of A4, whatever it has to hold, and is opened from the alert."""

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from callcenter.console.handover_api import page as template
from callcenter.console.pages import STATIC
from callcenter.handover.card import DENSEST, DENSITIES, card
from callcenter.handover.model import Fact, Handover
from callcenter.handover.saying import LANGUAGES
from tests.browser.conftest import HOSTILE_NAME, Desk
from tests.processes import Service
from tests.unit import handovers as limits
from tests.unit.handovers import longest, usual

WIDE = "鬱"


def printed(page: Page) -> int:
    """Pages of the PDF that Chromium makes of it, on the paper that the style sheet names."""
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", page.pdf(prefer_css_page_size=True)))


@pytest.fixture(scope="module")
def sheet(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    yield context.new_page()
    context.close()


def show(page: Page, given: Handover, language: str) -> str:
    """Draw the card as the service does; tells how densely it is set."""
    drawn = card(given, language)
    html = template().render(card=drawn, other="en")
    css = (STATIC / "handover.css").read_text("utf-8")

    def answer(route: Route) -> None:
        if route.request.url.endswith(".css"):
            route.fulfill(body=css, content_type="text/css")
        elif route.request.url.endswith("/card"):
            route.fulfill(body=html, content_type="text/html; charset=utf-8")
        else:
            route.fulfill(status=204)

    page.unroute_all()
    page.route("**/*", answer)
    page.goto("http://127.0.0.1:9/card")
    return drawn.density


def test_pages_are_counted(sheet: Page) -> None:
    show(sheet, usual(), "en")
    sheet.evaluate("document.querySelectorAll('.group').forEach((one) => { one.style.breakBefore = 'page'; })")
    assert printed(sheet) == 6


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sign", [WIDE, "W", "W ", "word "], ids=["wide", "letters", "spaced", "words"])
def test_the_longest_content_is_one_page(sheet: Page, language: str, sign: str) -> None:
    assert show(sheet, filled(sign), language) == DENSEST
    assert printed(sheet) == 1


def filled(sign: str) -> Handover:
    """The longest one, of signs that are not one character long too."""
    whole = longest()
    if len(sign) == 1:
        return longest(sign)

    def text(most: int) -> Fact:
        return Fact((sign * most)[:most].strip(), limits.NOW)

    names = ("conditions", "medicines", "allergies")
    person = replace(whole.person, **{name: text(limits.LONGER) for name in names}, name=text(limits.NAME))
    return replace(
        whole, person=person, home=replace(whole.home, address=text(limits.ADDRESS), entry_notes=text(limits.LONGER))
    )


@pytest.mark.long
@pytest.mark.parametrize("density", [name for _, name in DENSITIES])
def test_each_density_holds_what_it_is_for(sheet: Page, density: str) -> None:
    """Its fullest cards, of few long rows and of many rows: with more on them they would be set closer."""
    counts = ((0, 0), (limits.CONTACTS, 0), (0, 60), (limits.CONTACTS, 60))
    rows = (usual(), *(longest("", contacts=one, happened=other, illness=0) for one, other in counts))
    made = [full for sign in (WIDE, "W") for one in rows if (full := fullest_of(density, one, sign))]
    assert made
    for one in made:
        assert show(sheet, one, "zh-CN") == density
        assert printed(sheet) == 1


def fullest_of(density: str, rows: Handover, sign: str) -> Handover | None:
    """With as much text as this density takes; None when the rows alone are too many for it."""
    cards = (with_illness(rows, sign, length) for length in range(3 * limits.LONGER, -1, -25))
    return next((one for one in cards if card(one, "zh-CN").density == density), None)


def with_illness(given: Handover, sign: str, length: int) -> Handover:
    """So many characters more, over the three long fields."""
    parts = [sign * min(max(length - start, 0), limits.LONGER) for start in (0, limits.LONGER, 2 * limits.LONGER)]
    conditions, medicines, allergies = (Fact(part, limits.NOW) for part in parts)
    person = replace(given.person, conditions=conditions, medicines=medicines, allergies=allergies)
    return replace(given, person=person)


# -- through the whole centre


@pytest.fixture(scope="module")
def longest_resident(centre: Service) -> str:
    """A resident whose every field is as long as the importer allows. Gives the device."""
    name, longer = WIDE * limits.NAME, WIDE * limits.LONGER
    row = {
        "id": "r-longest", "name": name, "sex": "f", "born": "1941-03-08", "phone": limits.PHONE,
        "household_id": "h-longest", "address": WIDE * limits.ADDRESS, "area": "d1", "lat": "37.5", "lon": "122.1",
        "entry_notes": longer, "risk": "high", "conditions": longer, "medicines": longer, "allergies": longer,
    }  # fmt: skip
    contact = {"name": name, "relation": WIDE * limits.RELATION, "phone": limits.PHONE, "keyholder": "yes"}
    for n in range(1, limits.CONTACTS + 1):
        row |= {f"contact{n}_{field}": value for field, value in contact.items()}
    device = {"id": "bracelet-longest", "family": "bracelet", "resident_id": "r-longest", "household_id": ""}
    for kind, one in (("residents", row), ("devices", device)):
        path = centre.directory / f"longest-{kind}.csv"
        with path.open("w", encoding="utf-8", newline="") as text:
            writer = csv.DictWriter(text, one)
            writer.writeheader()
            writer.writerow(one)
        centre.take_in(kind, path)
    return "longest"


def test_an_operator_opens_the_card_of_the_longest_resident_and_prints_one_page(
    presses: Callable[..., None], sign_in: Callable[..., Page], supervisor: Desk, longest_resident: str
) -> None:
    presses(longest_resident, kind="fall", loc={"lat": 37.5, "lon": 122.1, "acc": 5, "fix": "gnss"})
    page = sign_in("supervisor1")
    page.locator("#alert-list .row").first.click()
    expect(page.locator(".handover-card")).to_be_visible()
    (alert,) = supervisor.open_alerts()
    supervisor.act(alert["id"], "claim")
    for _ in range(20):
        supervisor.act(alert["id"], "note", text=WIDE * limits.NOTE)
    supervisor.act(alert["id"], "hand_over", case_number=WIDE * limits.CASE, person=WIDE * limits.PERSON)
    with page.context.expect_page() as opened:
        page.locator(".handover-card").click()
    sheet = opened.value
    expect(sheet.locator("main.sheet.densest")).to_be_visible()
    expect(sheet.locator(".script li.topic-address").first).to_contain_text(WIDE * limits.ADDRESS)
    assert printed(sheet) == 1
    sheet.emulate_media(media="print")
    expect(sheet.locator(".script")).to_be_hidden()
    shown = sheet.locator("main").inner_text()
    assert shown.count(WIDE * limits.LONGER) == 4
    assert WIDE * limits.CASE in shown
    assert sheet.locator("dd small").count() > 20, "each fact says how old it is"


def test_what_a_stranger_wrote_is_only_text(
    presses: Callable[..., None], sign_in: Callable[..., Page], supervisor: Desk
) -> None:
    presses("hostile")
    page = sign_in("supervisor1")
    expect(page.locator("#alert-list .row").first).to_be_visible()
    (alert,) = supervisor.open_alerts()
    page.goto(re.sub(r"(://[^/]+)/.*", rf"\1/handover/{alert['id']}?lang=en", page.url))
    expect(page.locator("main")).to_contain_text(HOSTILE_NAME)
    expect(page).to_have_title("Hand-over to the ambulance (120)")
    assert printed(page) == 1
