"""The centre is killed at each point where a press, a claim or a deadline could fall between two chairs."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.e2e.books import judge
from tests.e2e.conftest import policy
from tests.e2e.deployment import Deployment, everywhere
from tests.e2e.fleet import Fleet
from tests.processes import wait_for

pytestmark = pytest.mark.slow
Pairs = Callable[..., list[Deployment]]

# stage, rule, and whether the press is stored when the centre is dead
STAGES = [
    ("heard", "", False),
    ("flushed", "alarm.opens", False),
    ("flushed", "alarm.attaches", False),
    ("committed", "alarm.opens", True),
    ("told", "", True),
]


@pytest.mark.parametrize(("stage", "rule", "stored"), STAGES, ids=lambda value: str(value))
def test_a_press_survives(pairs: Pairs, stage: str, rule: str, stored: bool) -> None:
    """Bracelet 1 presses, the centre dies; after the restart its press is there once, and it knows."""

    def play(one: Deployment) -> None:
        t0=time.monotonic()
        def say(x): print(one.name, x, round(time.monotonic()-t0,2))
        with one.fleet(bracelets=2) as fleet:
            one.start(stage=stage, rule=rule, device="bracelet-1")
            say('started')
            if rule == "alarm.attaches":  # the press with which it dies joins an alert that is open already
                fleet.press("bracelet-1")
                assert not fleet.settle()
            press = fleet.press("bracelet-1")
            one.wait_dead(stage)
            say('dead')
            assert (press.key in one.books.stored()) is stored
            if stage != "told":
                assert not press.acks
            one.books.age(11)  # leases of the dead process are over, as they would be a few seconds later
            fleet.press("bracelet-2")
            one.start()
            say('started')
            assert not fleet.settle()
            say('settled')
            one.quiet()
            say('quiet')
            assert not judge(fleet, one.books)
            assert len(one.books.timeline("alarm.opens")) == 2

    everywhere(pairs(), play)
