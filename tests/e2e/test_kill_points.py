"""The centre is killed at each point where a press, a claim or a deadline could fall between two chairs."""

import json
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.conftest import policy
from tests.e2e.deployment import Deployment, everywhere
from tests.processes import wait_for

pytestmark = pytest.mark.slow
Pairs = Callable[..., list[Deployment]]

# stage, rule, and whether the press is stored when the centre is dead
STAGES = (
    ("heard", "", False),
    ("flushed", "alarm.opens", False),
    ("flushed", "alarm.attaches", False),
    ("committed", "alarm.opens", True),
    ("told", "", True),
)


def test_a_press_survives_every_stage(pairs: Pairs) -> None:
    """One bracelet presses per stage, and the centre dies of it. The next one to start finds what was left."""

    def play(one: Deployment) -> None:
        with one.fleet(bracelets=len(STAGES)) as fleet:
            for number, (stage, rule, stored) in enumerate(STAGES, 1):
                device = f"bracelet-{number}"
                one.start(stage=stage, rule=rule, device=device)
                assert not fleet.settle(), f"after the stage before {stage} {rule}"
                if rule == "alarm.attaches":  # the press of which it dies joins an open alert
                    fleet.press(device)
                    assert not fleet.settle()
                press = fleet.press(device)
                one.wait_dead(stage)
                assert (press.key in one.books.stored()) is stored, f"{stage} {rule}"
                if stage != "told":
                    assert not press.acks, f"{stage} {rule}"
                one.books.age(11)  # the lease of the dead process is over, as it would be in a few seconds
            one.start()
            assert not one.finish(fleet)
            assert len(one.books.timeline("alarm.opens")) == len(STAGES)

    everywhere(pairs(), play)


def test_a_claim_survives_and_expires_once(pairs: Pairs) -> None:
    """Killed after a claim was committed, before anybody heard of it; the claim's deadline passes meanwhile."""

    def play(one: Deployment) -> None:
        with one.fleet(bracelets=1) as fleet:
            one.start(stage="committed", rule="operator.claims")
            one.sign_in()
            press = fleet.press("bracelet-1")
            assert not fleet.settle()
            alert = one.books.stored()[press.key]
            assert alert
            assert one.act(alert, "claim") == 0
            one.wait_dead("committed")
            assert press.levels == {"stored"}
            one.books.age(300)
            assert len(one.books.overdue(5)) == 1
            one.start()
            ready = datetime.now(UTC)
            wait_for(lambda: one.books.timeline("claim.expires"), what="the end of the claim")
            wait_for(lambda: len(one.books.timeline("ladder.climbs")) >= 5, what="the ladder going on")
            assert one.metric('vnh_timers_late_total{kind="claim_idle"}') == 1
            assert not one.finish(fleet)
            assert _within(one, ready, "claim.expires") == 1
            if one.broker:  # the embedded broker has been away with the centre, and may have told it too early
                assert "operator" in press.levels

    everywhere(pairs(), play)


def test_a_deadline_survives_and_fires_once(pairs: Pairs, tmp_path: Path) -> None:
    """Killed in the transaction of a timer, then away for 100 s with a ladder that rings again every 5 s."""

    def play(one: Deployment) -> None:
        with one.fleet(bracelets=3) as fleet:
            one.start(stage="flushed", rule="ladder.climbs")
            for device in fleet.bracelets:
                fleet.press(device)
            one.wait_dead("flushed")
            climbed = len(one.books.timeline("ladder.climbs"))
            one.books.age(100)
            late = len(one.books.overdue(5))
            assert late
            one.start()
            ready = datetime.now(UTC)
            assert not fleet.settle()
            wait_for(lambda: len(one.books.timeline("ladder.climbs")) >= climbed + 3 * late, what="every rung")
            assert _within(one, ready, "ladder.climbs") >= 3 * late
            started = time.monotonic()
            climbed = len(one.books.timeline("ladder.climbs"))
            wait_for(lambda: len(one.books.timeline("ladder.climbs")) > climbed, what="the next ring, in time")
            assert one.metric('vnh_timers_late_total{kind="rung"}') == late
            assert not one.finish(fleet)
            again = Counter(
                entry.alert_id
                for entry in one.books.timeline("ladder.climbs")
                if json.loads(entry.data)["rung"] == "ring_again"
            )
            most = 1 + (time.monotonic() - started + 10) / 5
            assert all(1 <= again[entry.alert_id] <= most for entry in one.books.timeline("alarm.opens")), again

    everywhere(pairs(**policy(tmp_path, 1, 2, 3, repeat=5)), play)


def _within(one: Deployment, ready: datetime, rule: str) -> int:
    """How many entries of the rule were written up to 5 s after readiness."""
    return sum(entry.at <= ready + timedelta(seconds=5) for entry in one.books.timeline(rule))
