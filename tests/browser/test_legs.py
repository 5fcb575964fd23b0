"""The operator sees the telephones of an alert change live, holds and hangs up, and is told whom to dial by hand."""

import json
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from callcenter.console.auth import add_operator
from callcenter.storage.engine import connect
from callcenter.storage.writer import Writer
from config import policies
from tests.browser.conftest import EXPECTED_ON_CONSOLE, Desk
from tests.processes import NOW, PASSWORD, ROOT, Service, answers, free_port, press, running, stop, wait_for
from tests.telephone.exchange import CALLER_ID, CHANCE, NEIGHBOURS, RESIDENT, SID, SOS_NUMBER, TOKEN, fill

pytestmark = pytest.mark.long

PACE = 4  # the carrier's time: four seconds of ringing take one
MY_PHONE = "+861000009001"
# Notes each state that a leg is drawn with, so that nothing depends on looking at the right moment.
RECORDER = """
window.seen = {};
new MutationObserver(() => {
  for (const leg of document.querySelectorAll("[data-call]")) {
    const states = window.seen[leg.querySelector(".leg-who").firstChild.textContent] ??= [];
    if (states.at(-1) !== leg.dataset.state) states.push(leg.dataset.state);
  }
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-state"] });
"""


class Carrier:
    """The simulated carrier as a process; nobody answers unless told to."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, centre: str, log: Path) -> None:
        hooks = f"{centre}/telephony/twilio/v1"
        command = [
            *(sys.executable, "-m", "simulators", "carrier", "--port", str(self.port), "--pace", str(PACE)),
            *("--account", SID, "--token", TOKEN, "--number", CALLER_ID, "--number", SOS_NUMBER),
            *("--voice-url", f"{hooks}/voice", "--status-url", f"{hooks}/status", "--callee", "ignore"),
        ]
        with log.open("ab") as file:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file)
        wait_for(lambda: answers(self.port), what="the carrier")

    def tell(self, what: str, **data: object) -> None:
        body = json.dumps(data).encode()
        request = urllib.request.Request(
            f"{self.url}/sim/{what}", data=body, headers={"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=10).close()

    def stop(self) -> None:
        if self._process:
            stop(self._process)


@pytest.fixture(scope="module")
def carrier() -> Iterator[Carrier]:
    made = Carrier()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def village(carrier: Carrier, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A centre of its own, with a telephone."""
    made = Service(tmp_path_factory.mktemp("village"))
    url = f"sqlite:///{made.directory / 'callcenter.db'}"
    fill(url)
    policy = policies.read()
    assert not isinstance(policy, str)
    writer = Writer(connect(url, writer=True, size=1), node="test", policy=policy)
    with writer.transaction() as connection:
        for name in ("operator1", "operator2"):
            add_operator(connection, name, name=name.title(), role="operator", password=PASSWORD, now=NOW)
    writer.close()
    made.extra = {
        "CALLCENTER_TELEPHONY": "twilio", "CALLCENTER_PUBLIC_URL": made.http, "CALLCENTER_CALLER_ID": CALLER_ID,
        "CALLCENTER_SOS_NUMBER": SOS_NUMBER, "CALLCENTER_TWILIO_ACCOUNT": SID, "CALLCENTER_TWILIO_TOKEN": TOKEN,
        "CALLCENTER_TWILIO_API": carrier.url,
    }  # fmt: skip
    carrier.start(made.http, made.directory / "carrier.log")
    with running(made):
        yield made


@pytest.fixture(autouse=True)
def empty_room() -> None:
    """In place of the other tests' centre, which these do not need."""


@pytest.fixture(scope="module")
def desk(village: Service) -> Desk:
    return Desk(village.http, "operator1")


@contextmanager
def console(chromium: Browser, village: Service, desk: Desk) -> Iterator[Page]:
    """A signed-in console; errors in it fail the test."""
    errors: list[str] = []
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="en")
    context.add_cookies([{"name": "vnh_session", "value": desk.token, "domain": "127.0.0.1", "path": "/"}])
    made = context.new_page()
    made.on("pageerror", lambda error: errors.append(str(error)))
    made.on("console", lambda message: message.type == "error" and errors.append(message.text))
    made.add_init_script(RECORDER)
    made.goto(village.http)
    expect(made.locator(".link-live")).to_be_visible()
    yield made
    context.close()
    assert not [text for text in errors if not any(known in text for known in EXPECTED_ON_CONSOLE)]


@pytest.fixture
def page(chromium: Browser, village: Service, desk: Desk) -> Iterator[Page]:
    with console(chromium, village, desk) as made:
        yield made


@pytest.fixture
def colleague(chromium: Browser, village: Service) -> Iterator[Page]:
    """The console of somebody else."""
    with console(chromium, village, Desk(village.http, "operator2")) as made:
        yield made


def nothing_open(desk: Desk) -> None:
    for alert in desk.open_alerts():
        desk.act(alert["id"], "resolve", outcome="test_or_drill")
        desk.act(alert["id"], "close")


def sos(village: Service) -> None:
    press(village.mqtt_port, "bracelet-1", json.dumps({"v": 1, "msg": uuid.uuid4().hex[:32], "kind": "sos"}))


def leg(page: Page, name: str) -> Locator:
    return page.locator(".leg", has_text=name).last


def in_order(seen: list[str], *wanted: str) -> bool:
    rest = iter(seen)
    return all(state in rest for state in wanted)


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def take_seat(page: Page) -> None:
    page.locator("#seat-phone").click()
    page.get_by_label("Your telephone").last.fill(MY_PHONE)
    page.keyboard.press("Enter")
    expect(page.locator("#seat-phone")).to_contain_text(MY_PHONE)
    page.locator("#seat-state").select_option("ready")
    expect(page.locator(".seat")).to_have_attribute("data-seat", "ready")


def test_legs_change_live_and_a_neighbour_goes(page: Page, village: Service, carrier: Carrier, desk: Desk) -> None:
    goes: dict[str, Any] = {"does": "press", "digits": ["1"], "rings_s": 4}
    speaks = {"does": "speaks", "says": ["喂"], "rings_s": 8}
    carrier.tell("callees", **{RESIDENT: speaks, NEIGHBOURS[0]: goes, MY_PHONE: {"does": "answer", "rings_s": 4}})
    take_seat(page)
    assert desk.ask("GET", "/seat") == {"state": "ready", "phone": MY_PHONE}

    sos(village)
    page.locator(".row").click()
    expect(leg(page, "Operator1")).to_have_attribute("data-state", "in_room")
    resident = leg(page, "王秀英")
    expect(resident).to_have_attribute("data-state", "in_room")
    expect(resident).to_contain_text("resident")
    expect(page.locator(".view-state")).to_contain_text("resident on the telephone")
    expect(button(page, "Hang up 王秀英")).to_have_count(0)
    page.locator("#alert-view").focus()
    page.keyboard.press("c")
    expect(page.locator(".view-state")).to_contain_text("yours")

    button(page, "Put 王秀英 on hold").press("Enter")
    expect(resident).to_have_attribute("data-state", "held")
    possible(button(page, "Take 王秀英 back from hold")).press("Enter")
    expect(resident).to_have_attribute("data-state", "in_room")

    page.keyboard.press("d")
    page.locator("#field-text").fill("the neighbours")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".going")).to_have_text("n1 is going")
    expect(leg(page, "n1")).to_contain_text("goes")
    expect(page.locator(".timeline")).to_contain_text("n1 pressed 1 and IS GOING.")
    expect(page.locator(".leg", has_text="女儿").last).to_have_attribute("data-state", "ended")
    assert in_order(page.evaluate("window.seen['n1']"), "ringing", "talking")

    button(page, "Hang up n1").press("Enter")
    expect(leg(page, "n1")).to_have_attribute("data-state", "ended")
    expect(page.locator("#legs")).to_be_focused()


def possible(button: Locator) -> Locator:
    """The live feed tells of a command before its own answer has come; until then no other one is sent."""
    expect(button).to_have_attribute("aria-disabled", "false")
    return button


def ask_colleague(page: Page) -> None:
    possible(page.locator("#action-transfer"))
    page.locator("#alert-view").focus()
    page.keyboard.press("t")
    page.locator("#field-to").select_option("operator2")
    page.locator("#field-to").press("Control+Enter")
    expect(page.locator("#offered")).to_contain_text("Operator2 is asked to take over. Until then you have it.")
    expect(page.locator(".view-state")).to_contain_text("yours")


def test_a_guest_comes_and_goes_and_a_colleague_takes_it_over(
    page: Page, colleague: Page, village: Service, carrier: Carrier, desk: Desk
) -> None:
    nothing_open(desk)
    answers = {"does": "answer", "rings_s": 2}
    carrier.tell(
        "callees", **{RESIDENT: answers | {"does": "speaks", "says": ["喂"]}, MY_PHONE: answers, CHANCE: answers}
    )
    take_seat(page)
    sos(village)
    page.locator(".row").click()
    expect(leg(page, "Operator1")).to_have_attribute("data-state", "in_room")
    page.locator("#alert-view").focus()
    page.keyboard.press("c")
    expect(page.locator(".view-state")).to_contain_text("yours")

    # Requirement 24: whoever is on the telephone touches nothing, and must not lose the card from sight.
    page.evaluate("localStorage.setItem('console.used_at', String(Date.now() - 280_000))")
    wait_for(lambda: page.evaluate("Date.now() - localStorage['console.used_at']") < 60_000, what="a sign of life")

    possible(page.locator("#action-bring_in"))
    page.locator("#alert-view").focus()
    page.keyboard.press("g")
    page.locator("#field-party").press("Control+Enter")
    expect(page.locator(".action-form")).to_contain_text("Choose a person or type a number")
    page.locator("#field-number").fill(CHANCE)
    page.locator("#field-person").fill("the hospital")
    page.locator("#field-person").press("Control+Enter")
    guest = leg(page, "the hospital")
    expect(guest).to_have_attribute("data-state", "in_room")
    expect(guest).to_contain_text("brought in")
    button(page, "Put the hospital on hold").press("Enter")
    expect(guest).to_have_attribute("data-state", "held")
    possible(button(page, "Hang up the hospital")).press("Enter")
    expect(guest).to_have_attribute("data-state", "ended")

    ask_colleague(page)
    request = colleague.locator(".request")
    expect(request).to_contain_text("Operator1 asks you to take over")
    expect(request).to_contain_text("王秀英")
    colleague.keyboard.press("k")
    expect(request).to_have_count(0)
    expect(page.locator("#notice")).to_contain_text("Operator2 cannot take over. It stays with its owner.")
    expect(page.locator("#offered")).to_have_count(0)

    ask_colleague(page)
    colleague.get_by_label("Language").select_option("zh-CN")
    expect(request).to_contain_text("Operator1请您接手")
    colleague.locator("body").click()
    colleague.keyboard.press("y")
    expect(colleague.locator(".view-state")).to_contain_text("我")
    expect(page.locator(".view-state")).to_contain_text("Operator2")
    expect(page.locator(".timeline")).to_contain_text("Operator2 has taken over from Operator1.")
    expect(leg(page, "王秀英")).to_have_attribute("data-state", "in_room")
    button(page, "Hang up Operator1").press("Enter")
    expect(leg(page, "Operator1")).to_have_attribute("data-state", "ended")
    nothing_open(Desk(village.http, "operator2"))


def test_what_no_line_takes_is_to_be_dialled_by_hand(
    page: Page, village: Service, carrier: Carrier, desk: Desk
) -> None:
    nothing_open(desk)
    carrier.stop()
    sos(village)
    page.locator(".row").click()
    loud = page.locator(".leg-loud", has_text="王秀英")
    expect(loud).to_contain_text("NOT DIALLED")
    expect(loud).to_contain_text("Please dial 王秀英 yourself, now:")
    expect(loud.get_by_role("link", name=RESIDENT)).to_be_visible()
    expect(page.locator(".work-waiting")).to_contain_text("to dial")
    page.get_by_label("Language").select_option("zh-CN")
    expect(loud).to_contain_text("请立即人工拨打王秀英：")
