"""Sound: off until a click, ringing while something waits, and known to the centre.

The page's own audio engine is watched from a script that runs before the page's: `page.evaluate`
would count as a gesture and pass falsely.
"""

import re
import urllib.request
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk
from tests.processes import Service, wait_for

WATCH = """
  window.starts = [];
  const create = AudioContext.prototype.createBufferSource;
  AudioContext.prototype.createBufferSource = function () {
    const source = create.call(this);
    const start = source.start.bind(source);
    source.start = () => { window.starts.push({ loop: source.loop, state: this.state }); start(); };
    return source;
  };
"""


def armed_consoles(centre: Service) -> float:
    with urllib.request.urlopen(f"{centre.http}/metrics", timeout=5) as answer:
        found = re.search(r"^\w*sound_armed\w* ([0-9.]+)$", answer.read().decode(), re.MULTILINE)
    assert found
    return float(found[1])


def watch(page: Page) -> None:
    page.add_init_script(WATCH)


def test_sound_is_armed_by_a_click_and_rings_until_nothing_waits(
    sign_in: Callable[..., Page], presses: Callable[..., None], supervisor: Desk, centre: Service
) -> None:
    page = sign_in(prepare=watch)
    sound = page.locator(".sound")
    presses(1)
    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator("#sound-strip")).to_contain_text("Sound is off.")
    expect(sound).to_have_attribute("data-sound", "off")
    assert page.evaluate("starts") == []
    page.locator("#arm-sound").click()
    expect(page.locator("#sound-strip")).to_have_count(0)
    expect(sound).to_have_attribute("data-sound", "ringing")
    wait_for(lambda: armed_consoles(centre) == 1, what="the centre's count of armed consoles")
    assert {"loop": True, "state": "running"} in page.evaluate("starts")
    supervisor.act(supervisor.open_alerts()[0]["id"], "claim")
    expect(sound).to_have_attribute("data-sound", "on")


def test_a_minute_of_quiet_ends_with_the_next_alarm(sign_in: Callable[..., Page], presses: Callable[..., None]) -> None:
    page = sign_in(prepare=watch)
    page.locator("#arm-sound").click()
    assert page.evaluate("starts").count({"loop": False, "state": "running"}) == 1  # the test tone
    presses(1)
    expect(page.locator(".sound")).to_have_attribute("data-sound", "ringing")
    page.get_by_role("button", name="Quiet for 60 s").click()
    expect(page.locator(".sound")).to_have_attribute("data-sound", "quiet")
    page.wait_for_timeout(2_500)  # a beat has come meanwhile
    expect(page.locator(".sound")).to_have_attribute("data-sound", "quiet")
    presses(2)
    expect(page.locator(".sound")).to_have_attribute("data-sound", "ringing")


def test_a_reload_says_that_sound_is_off_again(sign_in: Callable[..., Page]) -> None:
    page = sign_in(prepare=watch)
    page.locator("#arm-sound").click()
    expect(page.locator("#sound-strip")).to_have_count(0)
    page.reload()
    expect(page.locator("#sound-strip")).to_be_visible()
