"""The responder's page on a small telephone: both languages, axe finds nothing, a press waits for the network."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from callcenter import people
from callcenter.people.key_safes import import_key_safes
from callcenter.privacy import read_key
from callcenter.storage.engine import connect
from callcenter.storage.writer import Writer
from config import policies
from tests.browser.axe import violations
from tests.browser.conftest import Desk
from tests.browser.wire import Wire
from tests.processes import NOW, Service, press, running, wait_for
from tests.telephone.page import DOOR

SMALL = {"width": 360, "height": 740}
NEIGHBOUR = "responder:neighbour-1"


@pytest.fixture(scope="module")
def ringing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A centre with a telephone line that nobody answers: people are asked all the same."""
    made = Service(tmp_path_factory.mktemp("ringing"), households=3)
    made.register()
    head = "id,name,household_id,address,area,sex,lat,lon,entry_notes"
    lines = [
        f"r-{n},测试居民{n},h-{n},测试村{n}号,d1,f,{DOOR[0]},{DOOR[1]},Key at the neighbour's on the left"
        for n in range(1, 4)
    ]
    responders = ["id,name,kind,phone,area,lat,lon", f"neighbour-1,赵国强,neighbour,+861000000777,d1,{DOOR[0]},122.445"]
    seal, policy = read_key(made.directory), policies.read()
    assert not isinstance(seal, str)
    assert not isinstance(policy, str)
    url = f"sqlite:///{made.directory / 'callcenter.db'}"
    writer = Writer(connect(url, writer=True, size=1), node="test", policy=policy)
    for kind, rows in (("residents", [head, *lines]), ("responders", responders)):
        path = made.directory / f"page-{kind}.csv"
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        assert not people.import_file(writer, kind, path).wrong
    codes = made.directory / "key_safes.csv"
    codes.write_text("household_id,code\nh-1,4711\n", encoding="utf-8")
    assert import_key_safes(writer, seal, codes, NOW).added == 1
    writer.close()
    with Wire(made.http_port) as relay:
        made.wire = relay  # type: ignore[attr-defined]
        made.extra |= {
            "CALLCENTER_PUBLIC_URL": f"http://127.0.0.1:{relay.port}",
            "CALLCENTER_TELEPHONY": "twilio",
            "CALLCENTER_CALLER_ID": "+8663112349",
            "CALLCENTER_TWILIO_ACCOUNT": "AC" + "0" * 32,
            "CALLCENTER_TWILIO_TOKEN": "not-a-real-token",
            "CALLCENTER_TWILIO_API": "http://127.0.0.1:9",
        }
        with running(made):
            yield made


@pytest.fixture
def empty_room() -> None:
    """This module has a centre of its own."""


@pytest.fixture
def link(ringing: Service) -> Iterator[Callable[[int], str]]:
    """A press of this household's bracelet, its neighbour asked, and the address of their page."""
    desk = Desk(ringing.http, "operator1")
    made: list[str] = []

    def go(household: int) -> str:
        body = {"v": 1, "msg": uuid.uuid4().hex[:32], "kind": "fall"}
        press(ringing.mqtt_port, f"bracelet-{household}", json.dumps(body))
        (alert,) = wait_for(lambda: [a for a in desk.open_alerts() if a["resident_id"] == f"r-{household}"])
        desk.act(alert["id"], "claim")
        desk.act(alert["id"], "dispatch")
        offers: list[dict[str, Any]] = desk.ask("GET", f"/alerts/{alert['id']}")["offers"]
        mine = next(one for one in offers if one["party"] == NEIGHBOUR)
        made.append(alert["id"])
        return str(desk.ask("POST", f"/offers/{mine['id']}/link")["url"])

    yield go
    for alert in made:
        desk.act(alert, "resolve", outcome="test_or_drill")
        desk.act(alert, "close")


@pytest.fixture
def telephone(chromium: Browser) -> Iterator[Callable[..., Page]]:
    contexts: list[BrowserContext] = []

    def go(**options: Any) -> Page:
        context = chromium.new_context(**({"viewport": SMALL, "locale": "en"} | options))
        contexts.append(context)
        return context.new_page()

    yield go
    for context in contexts:
        context.close()


def looks_well(page: Page) -> None:
    """Nothing is cut off, every target is large enough for a thumb, and axe finds nothing."""
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["width"]
    low = "[...document.querySelectorAll('button, a')].map((one) => one.getBoundingClientRect().height)"
    assert min(page.evaluate(low)) >= 48
    assert violations(page) == []


@pytest.mark.parametrize(
    ("language", "scheme"), [("zh-CN", "light"), pytest.param("en", "dark", marks=pytest.mark.long)]
)
def test_it_fits_a_small_telephone_in_both_languages(
    link: Callable[[int], str], telephone: Callable[..., Page], language: str, scheme: str
) -> None:
    page = telephone(locale=language, color_scheme=scheme)
    answer = page.goto(link(1))
    assert answer
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    expect(page.locator("main")).to_have_attribute("data-state", "asked")
    expect(page.locator("html")).to_have_attribute("lang", language)
    looks_well(page)
    page.locator("button[value=yes]").click()
    expect(page.locator("main")).to_have_attribute("data-phase", "accepted")
    expect(page.locator("dl")).to_contain_text("测试村1号")
    looks_well(page)
    page.locator("button[value=key]").click()
    expect(page.locator(".code")).to_have_text("4711")
    looks_well(page)
    page.locator("nav a").click()
    expect(page.locator("html")).to_have_attribute("lang", "en" if language == "zh-CN" else "zh-CN")
    expect(page.locator(".code")).to_have_count(0)
    page.locator("button[value=cannot]").click()
    expect(page.locator("main")).to_have_attribute("data-state", "thanks")
    looks_well(page)


def test_a_press_waits_for_the_network_and_the_way_is_shared_until_the_door(
    ringing: Service, link: Callable[[int], str], telephone: Callable[..., Page]
) -> None:
    here = {"latitude": DOOR[0] + 0.01, "longitude": DOOR[1], "accuracy": 8}
    page = telephone(permissions=["geolocation"], geolocation=here)
    page.goto(link(2))
    relay: Wire = ringing.wire  # type: ignore[attr-defined]
    relay.cut()
    page.locator("button[value=yes]").click()
    expect(page.locator("#told")).to_contain_text("sent again by itself: I will go")
    expect(page.locator("main")).to_have_attribute("data-state", "asked")
    relay.mend()
    expect(page.locator("main")).to_have_attribute("data-phase", "accepted")
    desk = Desk(ringing.http, "operator1")
    (alert,) = [one for one in desk.open_alerts() if one["resident_id"] == "r-2"]

    def mine() -> dict[str, Any]:
        offers = desk.ask("GET", f"/alerts/{alert['id']}")["offers"]
        return next(one for one in reversed(offers) if one["party"] == NEIGHBOUR)

    position = wait_for(lambda: mine()["position"], what="a shared position")
    assert (position["acc"], round(position["lat"], 4)) == (8, round(here["latitude"], 4))
    page.locator("button[value=on_my_way]").click()
    expect(page.locator("main")).to_have_attribute("data-phase", "en_route")
    page.context.set_geolocation({**here, "latitude": DOOR[0]})  # type: ignore[typeddict-item]
    page.wait_for_timeout(500)
    page.locator("button[value=at_door]").click()
    expect(page.locator("main")).to_have_attribute("data-phase", "on_scene")
    assert (mine()["proof"], mine()["position"]) == ("position", None)
    page.locator("button[value=done]").click()
    expect(page.locator("main")).to_have_attribute("data-state", "thanks")
    written = (ringing.directory / "service.log").read_text("utf-8")
    assert "centre.started" in written
    assert page.url.partition("/r/")[2][12:36] not in written
    assert desk.ask("GET", f"/alerts/{alert['id']}")["alert"]["state"] == "helping"


def test_a_press_of_long_ago_is_asked_again(
    ringing: Service, link: Callable[[int], str], telephone: Callable[..., Page]
) -> None:
    page = telephone()
    page.clock.install()
    page.goto(link(2))
    relay: Wire = ringing.wire  # type: ignore[attr-defined]
    relay.cut()
    page.locator("button[value=yes]").click()
    expect(page.locator("#told")).to_contain_text("sent again by itself: I will go")
    page.clock.fast_forward("02:10")
    expect(page.locator("#told")).to_contain_text("Please press it again")
    relay.mend()
    page.clock.run_for(20_000)
    expect(page.locator("main")).to_have_attribute("data-state", "asked")
    assert page.evaluate("sessionStorage.length && sessionStorage.getItem(sessionStorage.key(0))") == "[]"
    page.locator("button[value=yes]").click()
    expect(page.locator("main")).to_have_attribute("data-phase", "accepted")


def test_a_refused_press_is_never_called_sent(
    ringing: Service, link: Callable[[int], str], telephone: Callable[..., Page]
) -> None:
    page = telephone()
    page.goto(link(3))
    desk = Desk(ringing.http, "operator1")
    (alert,) = [one for one in desk.open_alerts() if one["resident_id"] == "r-3"]
    page.locator("button[value=yes]").click()
    expect(page.locator("#told")).to_have_text("Sent")
    offers = desk.ask("GET", f"/alerts/{alert['id']}")["offers"]
    mine = next(one for one in reversed(offers) if one["party"] == NEIGHBOUR)
    desk.ask("POST", f"/offers/{mine['id']}/link", {"reason": "another telephone"})
    page.locator("button[value=on_my_way]").click()
    expect(page.locator("main")).to_have_attribute("data-state", "refused")
    expect(page.locator("#told")).to_contain_text("did not count")
    looks_well(page)


def test_without_a_script_its_forms_do_the_same(link: Callable[[int], str], telephone: Callable[..., Page]) -> None:
    page = telephone(java_script_enabled=False)
    page.goto(link(3))
    page.locator("button[value=yes]").click()
    expect(page.locator("dl")).to_contain_text("测试村3号")
    page.locator("button[value=on_my_way]").click()
    expect(page.locator("main")).to_have_attribute("data-phase", "en_route")
    page.locator("button[value=at_door]").click()
    expect(page.locator("main")).to_contain_text("We could not confirm it")
    page.locator("button[value=done]").click()
    expect(page.locator("main")).to_have_attribute("data-state", "thanks")
