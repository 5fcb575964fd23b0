"""Browser tests: Chromium against the real centre, run by themselves (`pytest tests/browser`).

They are apart from the others because Playwright's synchronous interface leaves an event loop behind.
"""

import functools
import json
import shutil
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, WebSocketRoute, expect, sync_playwright

from tests.browser.wire import Wire
from tests.identity_provider import CLIENT, PERSON, SECRET, IdentityProvider, in_a_thread
from tests.processes import PASSWORD, Service, missing, press, running

FLAGS = [
    "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--in-process-gpu",  # nothing is drawn by a card: without a process for it a page takes a tenth less
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
# A browser logs these by itself: a refused form or sign-in, a lost race, a reconnect while the wire is cut.
EXPECTED_ON_CONSOLE = (
    "400 (Bad Request)",
    "401 (Unauthorized)",
    "409 (Conflict)",
    "503 (Service Unavailable)",
    "ERR_",
    "WebSocket",
)
HOSTILE_NAME = "<img src=x onerror=document.title=1>"

expect.set_options(timeout=40_000)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    # The headless shell is the same engine without the desktop around it: a quarter less work.
    program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if program is None:
        missing("chromium-headless-shell")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service as a user runs it; browsers reach it through `wire`."""
    directory = tmp_path_factory.mktemp("centre")
    made = Service(directory)
    made.register()
    residents = directory / "hostile.csv"
    head = "id,name,household_id,address,area,risk,contact1_name,contact1_phone"
    line = f"r-hostile,{HOSTILE_NAME},h-hostile,<script>1</script>,d1,high,<b>x</b>,+8610"
    residents.write_text(f"{head}\n{line}\n", encoding="utf-8")
    devices = directory / "hostile-devices.csv"
    devices.write_text("id,family,resident_id,household_id\nbracelet-hostile,bracelet,r-hostile,\n", encoding="utf-8")
    for kind, path in (("residents", residents), ("devices", devices)):
        made.take_in(kind, path)
    further = directory / "further.csv"
    further.write_text("id,name,household_id,address,area\nr-d2,测试居民d2,h-d2,测试村d2号,d2\n", encoding="utf-8")
    made.take_in("residents", further)
    made.hire("auditor1", "auditor")
    made.hire("desk1", "responder_desk")
    made.hire("factor1", "operator")
    made.hire("town1", "operator", area="d2")
    with Wire(made.http_port) as wire, in_a_thread(IdentityProvider()) as provider:
        made.extra |= {
            "CALLCENTER_PUBLIC_URL": f"http://127.0.0.1:{wire.port}",
            "CALLCENTER_OIDC_ISSUER": provider.issuer,
            "CALLCENTER_OIDC_NAME": "District sign-in",
            "CALLCENTER_OIDC_CLIENT_ID": CLIENT,
            "CALLCENTER_OIDC_CLIENT_SECRET": SECRET,
            "CALLCENTER_OIDC_ROLES": '{"desk": "operator"}',
        }
        made.wire, made.provider = wire, provider  # type: ignore[attr-defined]
        with running(made):
            yield made


@pytest.fixture
def wire(centre: Service) -> Iterator[Wire]:
    relay: Wire = centre.wire  # type: ignore[attr-defined]
    yield relay
    relay.mend()


@pytest.fixture
def provider(centre: Service) -> Iterator[IdentityProvider]:
    """Where operators may also sign in: another site than the console, in a browser's eyes."""
    made: IdentityProvider = centre.provider  # type: ignore[attr-defined]
    yield made
    made.trouble, made.person = "", dict(PERSON)


class Desk:
    """An operator's own program: what another operator does while the browser is watched."""

    def __init__(self, base: str, username: str) -> None:
        self._base = base
        self.token = ""
        self.token = self.ask("POST", "/session", {"username": username, "password": PASSWORD})["token"]

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self._base}/api/v1{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json"}
            | ({"Authorization": f"Bearer {self.token}"} if self.token else {}),
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            parsed: dict[str, Any] = json.load(answer)
            return parsed

    def act(self, alert: str, action: str, **more: object) -> dict[str, Any]:
        return self.ask("POST", f"/alerts/{alert}/actions", {"action": action} | more)

    def open_alerts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("GET", "/alerts?limit=2000")["alerts"]
        return found


@pytest.fixture(scope="session")
def supervisor(centre: Service) -> Desk:
    return Desk(centre.http, "supervisor1")


@pytest.fixture(autouse=True)
def empty_room(supervisor: Desk) -> None:
    """Every test begins with nothing open."""
    for alert in supervisor.open_alerts():
        if alert["owner"] and alert["owner"]["id"] != "supervisor1" and alert["state"] != "resolved":
            supervisor.act(alert["id"], "transfer", to="supervisor1")
        elif alert["owner"] is None:
            supervisor.act(alert["id"], "claim")
        if alert["state"] != "resolved":
            supervisor.act(alert["id"], "resolve", outcome="test_or_drill", override=True, text="a test has ended")
        supervisor.act(alert["id"], "close")


@pytest.fixture
def presses(centre: Service) -> Callable[..., None]:
    """Press a bracelet with Debian's mosquitto_pub; each call is a new press."""

    def go(bracelet: int | str, kind: str = "sos", **more: object) -> None:
        body = {"v": 1, "msg": uuid.uuid4().hex[:32], "kind": kind} | more
        press(centre.mqtt_port, f"bracelet-{bracelet}", json.dumps(body))

    return go


@pytest.fixture
def flood(centre: Service) -> Callable[[int], None]:
    """Presses of that many bracelets nobody has registered, 100 a second."""

    def go(count: int) -> None:
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="flood-1")
        client.connect("127.0.0.1", centre.mqtt_port)
        client.loop_start()
        for number in range(count):
            body = json.dumps({"v": 1, "msg": "f1", "kind": "sos"})
            client.publish(f"vnh/v1/flood-{number:04}/up/sos", body, 1).wait_for_publish(20)
            time.sleep(0.01)
        client.disconnect()
        client.loop_stop()

    return go


@pytest.fixture
def open_page(chromium: Browser, centre: Service, wire: Wire) -> Iterator[Callable[..., Page]]:
    """Open the console in a browser of its own; errors in it fail the test."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def go(prepare: Callable[[Page], object] = lambda _page: None, **options: Any) -> Page:
        # Whatever waits flashes: drawn without a graphics card that is a tenth of a core as long as the page is open.
        still = {"reduced_motion": "reduce"}
        defaults: dict[str, Any] = {"viewport": {"width": 1366, "height": 768}, "locale": "en"} | still
        context = chromium.new_context(**(defaults | options))
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: message.type == "error" and errors.append(message.text))
        prepare(page)
        page.goto(f"http://127.0.0.1:{wire.port}/")
        return page

    yield go
    for context in contexts:
        context.close()
    unexpected = [text for text in errors if not any(known in text for known in EXPECTED_ON_CONSOLE)]
    assert not unexpected


def fill_in(page: Page, username: str = "operator1") -> None:
    """Sign in as a person does."""
    page.locator("#username").fill(username)
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".link-live")).to_be_visible()


@pytest.fixture(scope="session")
def tokens(centre: Service) -> Callable[[str], str]:
    """One session for each operator, for the tests that are not about signing in."""
    return functools.cache(lambda username: Desk(centre.http, username).token)


@pytest.fixture
def sign_in(open_page: Callable[..., Page], tokens: Callable[[str], str]) -> Callable[..., Page]:
    """A signed-in console whose list has arrived."""

    def go(username: str = "operator1", prepare: Callable[[Page], object] = lambda _page: None, **options: Any) -> Page:
        cookie = {"name": "vnh_session", "value": tokens(username), "domain": "127.0.0.1", "path": "/"}

        def prepare_signed_in(page: Page) -> None:
            page.context.add_cookies([cookie])  # type: ignore[list-item]
            prepare(page)

        page = open_page(prepare_signed_in, **options)
        expect(page.locator(".link-live")).to_be_visible()
        return page

    return go


class CentreClock:
    """Put forward on the wire: ages are counted against the centre's clock, not against the computer's."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def change(self, frame: dict[str, Any]) -> dict[str, Any]:
        """What happened keeps its time; only what says how late it is now is changed."""
        if frame["type"] == "entry" or "at" not in frame:
            return frame
        return frame | {"at": (datetime.fromisoformat(frame["at"]) + self.ahead).isoformat()}

    def prepare(self, page: Page) -> None:
        altering(self.change)(page)


def altering(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Page], None]:
    """Messages of the live feed are changed on their way, as a centre in some trouble would send them."""

    def relay(near: WebSocketRoute) -> None:
        far = near.connect_to_server()
        far.on_message(lambda message: near.send(json.dumps(change(json.loads(message)))))

    return lambda page: page.route_web_socket("**/api/v1/live*", relay)
