"""Pictures of the main screens for the README, from a living demo: `make screenshots`.

The town is simulated: nobody on them exists. Needs Chromium and the dev requirements; takes about two minutes.
"""

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
SIZE = {"width": 1366, "height": 768}
OPEN_ALERTS = 3  # until so many are there, the room is too empty to show anything
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]

expect.set_options(timeout=180_000)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def demo(password: str) -> Iterator[str]:
    """A demo of its own, stopped with all its children; yields its address."""
    with tempfile.TemporaryDirectory() as directory:
        http = free_port()
        settings = {
            "CALLCENTER_DATA_DIR": directory,
            "CALLCENTER_HTTP_PORT": str(http),
            "CALLCENTER_MQTT_PORT": str(free_port()),
            "CALLCENTER_DEMO_PASSWORD": password,
        }
        command = [sys.executable, "-m", "callcenter", "demo"]
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | settings, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout
            for line in process.stdout:
                if re.search("password", line, re.I):
                    break
            yield f"http://127.0.0.1:{http}"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def signed_in(browser: Browser, address: str, password: str, who: str, locale: str, scheme: str) -> Page:
    context = browser.new_context(viewport=SIZE, locale=locale, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(address)
    page.locator("#username").fill(who)
    page.locator("#password").fill(password)
    page.keyboard.press("Enter")
    expect(page.locator(".link-live")).to_be_visible()
    page.locator("#arm-sound").click()
    return page


def room(page: Page, name: str) -> None:
    """The list, and the alert of somebody to whom help is on its way; after a minute without one any alert."""
    expect(page.locator(".row").nth(OPEN_ALERTS - 1)).to_be_visible()
    for look in range(20):
        page.locator(".row").nth(look % OPEN_ALERTS).click()
        expect(page.locator("#alert-view .timeline")).to_be_visible()
        page.wait_for_timeout(3_000)
        if page.locator(".way").count() > 0:
            break
    page.screenshot(path=PICTURES / f"{name}.png")


def shown(page: Page, address: str, path: str, name: str) -> None:
    page.goto(address + path)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=PICTURES / f"{name}.png")


def main() -> int:
    program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if program is None:
        print("Chromium is missing; run tests/system.sh", file=sys.stderr)
        return 1
    PICTURES.mkdir(parents=True, exist_ok=True)
    password = secrets.token_hex(6)
    with demo(password) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        room(signed_in(browser, address, password, "operator1", "en", "light"), "room-en")
        chinese = signed_in(browser, address, password, "supervisor1", "zh-CN", "dark")
        room(chinese, "room-zh-dark")
        shown(chinese, address, "/calls", "calls-zh")
        shown(signed_in(browser, address, password, "admin", "en", "light"), address, "/statistics", "statistics-en")
        browser.close()
    print(f"{', '.join(sorted(one.name for one in PICTURES.glob('*.png')))} in {PICTURES.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
