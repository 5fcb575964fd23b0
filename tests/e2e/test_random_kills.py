"""The centre is killed again and again at random moments while bracelets press and an operator works.

VNH_KILLS  how many kills, over both pairs (make chaos: many)
VNH_SEED   repeats a run's dice; real processes still differ from run to run
"""

import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.books import lost
from tests.e2e.conftest import policy
from tests.e2e.deployment import Deployment, everywhere
from tests.e2e.fleet import Fleet

pytestmark = pytest.mark.slow
KILLS = int(os.environ.get("VNH_KILLS", "12"))
SEED = int(os.environ.get("VNH_SEED", random.SystemRandom().randrange(10**6)))


class Operator(threading.Thread):
    """Takes an alert now and then, and sometimes ends one; not asked whether the centre is there."""

    def __init__(self, one: Deployment, dice: random.Random) -> None:
        super().__init__(name="operator", daemon=True)
        self._one, self._dice, self.over = one, dice, threading.Event()

    def run(self) -> None:
        while not self.over.wait(self._dice.expovariate(4)):
            status, body = self._one.get("/api/v1/alerts", seconds=2)
            if status == 200 and (alerts := json.loads(body)["alerts"]):
                self._work_on(self._dice.choice(alerts))

    def _work_on(self, alert: dict) -> None:
        if alert["state"] == "waiting":
            self._one.act(alert["id"], "claim")
        elif alert["state"] == "claimed" and self._dice.random() < 0.6:
            self._one.act(alert["id"], "resolve", outcome="helped_at_home")
        elif alert["state"] == "resolved":
            self._one.act(alert["id"], "close")


def where_it_hit(one: Deployment, fleet: Fleet, killed: float) -> Counter[str]:
    """What the presses under way were doing when the centre died."""
    stored = one.books.stored()
    found: Counter[str] = Counter()
    with fleet.lock:
        for press in fleet.presses:
            if not press.sent or press.sent[0] > killed or (press.acks and press.acks[0][0] < killed):
                continue
            if press.key in stored:
                found["stored, not told"] += 1
            elif press.taken and press.taken[0] < killed:
                found["at the broker, not stored"] += 1
            else:
                found["on the way to the broker"] += 1
    return found


def storm(one: Deployment, fleet: Fleet, dice: random.Random, kills: int, history: list[str], **build: str) -> None:
    """Kill and restart, beginning with the kill when it runs already. Stops early when a press is lost."""
    running = one.service.process is not None
    for number in range(1, kills + 1):
        starting = not running and dice.random() < 0.2
        wait = dice.uniform(0.1, 1.5) if starting else min(dice.expovariate(2), 1.5)
        if not running:
            one.start(ready=not starting, **build)
        running = False
        time.sleep(wait)
        killed = time.monotonic()
        one.service.kill()
        gone = lost(fleet, one.books)
        hit = where_it_hit(one, fleet, killed)
        when = "into its start" if starting else "after readiness"
        history.append(f"{one.name} kill {number}, {wait:.3f} s {when}: {dict(hit) or 'idle'}")
        if gone:
            history.extend(gone)
            return


def told(history: list[str]) -> str:
    return f"VNH_SEED={SEED}\n" + "\n".join(history)


def spread(history: list[str]) -> str:
    """One line: how many of the kills hit what."""
    kinds = ("stored, not told", "at the broker, not stored", "on the way to the broker", "idle", "into its start")
    return ", ".join(f"{kind}: {sum(kind in line for line in history)}" for kind in kinds)


def test_no_press_and_no_action_is_lost(
    pairs: Callable[..., list[Deployment]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history: list[str] = []

    def play(one: Deployment) -> None:
        dice = random.Random(f"{SEED}/{one.name}")
        with one.fleet(every_s=0.3 if one.broker else 0.12, seed=SEED) as fleet:  # Mosquitto saves each change
            one.start()
            one.sign_in()
            operator = Operator(one, random.Random(f"{SEED}/{one.name}/operator"))
            operator.start()
            storm(one, fleet, dice, KILLS // 2, history)
            operator.over.set()
            one.start()
            operator.join()
            wrong = one.finish(fleet)
            assert not wrong, told([*history, *wrong])
            done = f"{len(fleet.presses)} presses, {len(one.answers.done)} actions"
            history.append(f"{one.name}: {done}, {one.books.verify().says}")

    everywhere(pairs(**policy(tmp_path, 1, 2, 3, 5, 8, 13, repeat=5)), play)
    with capsys.disabled():
        print(f"\n{told(history)}\n{KILLS} kills hit: {spread(history)}")


def test_a_build_that_acknowledges_before_the_commit_is_caught(deploy: Callable[..., Deployment]) -> None:
    """The test of the test: the same storm on a centre with the one mistake it is there to find."""
    one, history = deploy(), []
    with one.fleet(every_s=0.1, seed=SEED) as fleet:
        storm(one, fleet, random.Random(SEED), 12, history, build="early", slow="0.05")
    assert any(line.startswith("LOST") for line in history), told(history)
