"""Every screen of the console, one after another, as a supervisor meets it with alerts open."""

from collections.abc import Iterator

from playwright.sync_api import Page, expect

from tests.processes import PASSWORD

PAGES = (
    "/alerts",
    "/calls",
    "/statistics",
    "/coverage",
    "/incidents",
    "/policies",
    "/reviews",
    "/second-factor",
    "/sign-in/again",
    "/room",
    "/wall",
    "/roster",
)

ASKING = ("/room", "/wall")  # they ask again and again: the network is never idle


def origin(page: Page) -> str:
    return "/".join(page.url.split("/", 3)[:3])


def every_screen(page: Page) -> Iterator[str]:
    """The name of each, while it is shown. Begins in the room, with sound armed and a list."""
    yield "list"
    page.locator(".row").first.click()
    expect(page.locator("#alert-view .timeline")).to_be_visible()
    yield "alert"
    page.keyboard.press("c")
    expect(page.locator("#action-resolve")).not_to_have_attribute("aria-disabled", "true")
    yield "claimed"
    yield from _forms(page)
    yield from _dialogs(page)
    href = page.locator(".handover-card").get_attribute("href")
    for path in (*PAGES, href or ""):
        page.goto(origin(page) + path)
        expect(page.locator("h1, h2").first).to_be_visible()
        if path in ASKING:
            expect(page.locator(".wall-figure")).to_have_count(4)
        else:
            page.wait_for_load_state("networkidle")
        yield path.split("/")[1]
        if path == "/alerts":
            page.locator(".record-list button").first.click()
            expect(page.locator(".past .timeline")).to_be_visible()
            yield "past alert"


def _forms(page: Page) -> Iterator[str]:
    for action in ("resolve", "transfer", "bring_in", "hand_over"):
        page.locator(f"#action-{action}").click()
        expect(page.locator(".action-form")).to_be_visible()
        yield f"form {action}"
        page.keyboard.press("Escape")
        expect(page.locator(".action-form")).to_have_count(0)


def _dialogs(page: Page) -> Iterator[str]:
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_be_visible()
    yield "keys"
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.locator("#seat-phone").click()
    expect(page.locator("dialog[open]")).to_be_visible()  # before that Escape leaves the alert
    yield "telephone"
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.locator("#alert-view").focus()
    page.keyboard.press("z")
    password = page.locator("input[type=password]")
    expect(password).to_be_visible()
    yield "locked"
    password.fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(password).to_have_count(0)
