"""What calls an operator's attention: sound, title, notification, and what flashes.

The page's own audio engine is watched from a script that runs before the page's: `page.evaluate`
would count as a gesture and pass falsely.
"""

import re
import urllib.request
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk, altering
from tests.processes import Service, wait_for

WATCH = """
  window.starts = [];
  const create = AudioContext.prototype.createBufferSource;
  AudioContext.prototype.createBufferSource = function () {
    const source = create.call(this);
    const start = source.start.bind(source);
    source.start = () => { window.starts.push({ loop: source.loop, state: this.state }); start(); };
    const connect = source.connect.bind(source);
    source.connect = (to) => {
      window.played.push({ ...heard(source.buffer), straight: to === this.destination });
      connect(to);
    };
    return source;
  };
  window.played = [];
  // How loud a tone is, how high (by the zeros of its first pulse), and how often it comes.
  function heard(buffer) {
    const samples = buffer.getChannelData(0).subarray(0, buffer.sampleRate * 0.15);
    let zeros = 0;
    for (let i = 1; i < samples.length; i += 1) if (samples[i - 1] < 0 !== samples[i] < 0) zeros += 1;
    return { peak: Math.max(...samples), hertz: zeros / 2 / 0.15, everySeconds: buffer.duration };
  }
"""
# A page that the browser hides: nothing is drawn any more, but messages arrive.
HIDE = """
  window.hide = () => {
    Object.defineProperty(document, "hidden", { get: () => true });
    window.requestAnimationFrame = () => 0;
    document.dispatchEvent(new Event("visibilitychange"));
  };
  window.told = [];
  window.Notification = class {
    static permission = "granted";
    constructor(title, options) { window.told.push({ title, ...options }); }
    close() { window.told.push("closed"); }
  };
  window.awake = 0;
  const request = async () => {
    window.awake += 1;
    return { release() { window.awake -= 1; } };
  };
  Object.defineProperty(navigator, "wakeLock", { value: { request } });
"""


MOVING = """document.getAnimations().filter((one) => one.playState === "running").map(({ effect }) => ({
  ms: effect.getComputedTiming().duration, unclaimed: Boolean(effect.target.closest(".row-unclaimed")) }))"""


def armed_consoles(centre: Service) -> float:
    with urllib.request.urlopen(f"{centre.http}/metrics", timeout=5) as answer:
        found = re.search(r"^\w*sound_armed\w* ([0-9.]+)$", answer.read().decode(), re.MULTILINE)
    assert found
    return float(found[1])


def watch(page: Page) -> None:
    page.add_init_script(WATCH)


def armed_page(sign_in: Callable[..., Page], *scripts: str, **options: Any) -> Page:
    """A console whose sound is armed, watched by these scripts."""

    def prepare(page: Page) -> None:
        for script in scripts:
            page.add_init_script(script)

    page = sign_in(prepare=prepare, **options)
    page.locator("#arm-sound").click()
    expect(page.locator("#sound-strip")).to_have_count(0)
    return page


def test_r13_sound_is_armed_by_a_click_and_rings_until_nothing_waits(
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


def test_r14_a_minute_of_quiet_ends_with_the_next_alarm(
    sign_in: Callable[..., Page], presses: Callable[..., None]
) -> None:
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


def test_r13_a_reload_says_that_sound_is_off_again(sign_in: Callable[..., Page]) -> None:
    page = sign_in(prepare=watch)
    page.locator("#arm-sound").click()
    expect(page.locator("#sound-strip")).to_have_count(0)
    page.reload()
    expect(page.locator("#sound-strip")).to_be_visible()


def test_r06_a_hidden_page_rings_counts_and_notifies_without_drawing(
    sign_in: Callable[..., Page], presses: Callable[..., None], supervisor: Desk
) -> None:
    page = armed_page(sign_in, WATCH, HIDE)
    wait_for(lambda: page.evaluate("awake") == 1, what="the wake lock")
    drawn = page.evaluate("hide(), document.querySelectorAll('.row').length")
    assert drawn == 0
    presses(1)
    wait_for(lambda: {"loop": True, "state": "running"} in page.evaluate("starts"), what="the tone")
    wait_for(lambda: "1" in page.title(), what="the title")
    (told,) = wait_for(lambda: page.evaluate("told"), what="the notification")
    assert "1" in told["title"]
    assert "SOS" in told["body"]
    assert "测试居民1" not in str(told)  # it is seen on other screens, and outlives the lock
    assert page.evaluate("document.querySelectorAll('.row').length") == 0  # nothing of it waited for drawing
    supervisor.act(supervisor.open_alerts()[0]["id"], "claim")
    wait_for(lambda: page.evaluate("told").count("closed") == 1, what="the notification's end")


def test_r14_each_severity_has_its_tone_and_none_can_be_turned_down(
    sign_in: Callable[..., Page], presses: Callable[..., None], supervisor: Desk
) -> None:
    """The same press as the centre would tell it with each priority."""
    priority = 9

    def change(frame: dict[str, Any]) -> dict[str, Any]:
        return frame | {"alert": frame["alert"] | {"priority": priority}} if frame["type"] == "entry" else frame

    page = sign_in(prepare=lambda page: (page.add_init_script(WATCH), altering(change)(page)))
    page.locator("#arm-sound").click()
    tones = []
    for number, priority in enumerate((9, 7, 5), 1):  # noqa: B007 (read by `change`)
        before = len(page.evaluate("played"))
        presses(number)
        played = wait_for(lambda before=before: page.evaluate("played")[before:], what="a tone")
        tones.append(played[-1])
        supervisor.act(supervisor.open_alerts()[0]["id"], "claim")
        expect(page.locator(".sound")).to_have_attribute("data-sound", "on")
    hertz = [tone["hertz"] for tone in tones]
    assert all(higher > 1.2 * lower for lower, higher in pairwise(hertz)), hertz  # told apart by ear
    assert [tone["everySeconds"] for tone in tones] == sorted((tone["everySeconds"] for tone in tones), reverse=True)
    assert all(tone["straight"] and tone["peak"] > 0.5 for tone in tones), tones  # nothing between it and the speaker
    assert page.locator("input[type=range]").count() == 0


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_r15_only_what_nobody_has_flashes_slowly_or_not_at_all(
    motion: str, sign_in: Callable[..., Page], presses: Callable[..., None], supervisor: Desk
) -> None:
    page = sign_in(reduced_motion=motion)
    presses(1)
    presses(2)
    expect(page.locator(".row")).to_have_count(2)
    supervisor.act(supervisor.open_alerts()[0]["id"], "claim")
    expect(page.locator(".row-unclaimed")).to_have_count(1)
    moving = page.evaluate(MOVING)
    if motion == "reduce":
        assert moving == []
    else:
        assert len(moving) == 1
        assert moving[0]["unclaimed"]
        assert moving[0]["ms"] >= 1_000 / 3  # never above three a second (WCAG 2.3.1)
