"""Stopping in order, and being killed: nothing is lost, and no process is left behind."""

import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial

import pytest

from tests.e2e.books import lost
from tests.e2e.console import Console
from tests.e2e.deployment import Deployment, alive, children_of, everywhere, family_of, frozen, write_lock
from tests.e2e.fleet import Fleet
from tests.processes import Postgres, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.long]
STOPS_WITHIN_S = 5.0


def stop_in_full_work(one: Deployment, fleet: Fleet, how: signal.Signals) -> None:
    process = one.service.process
    assert process
    before = len(fleet.answered())
    with Console(one) as console:
        wait_for(lambda: len(fleet.answered()) > before + 20 and console.frames, what="work")
        family = family_of(process.pid)
        assert len(family) == (2 if one.broker else 3)  # the centre, its collector, and its broker if it is its own
        process.send_signal(how)
        assert process.wait(STOPS_WITHIN_S) == 0, one.service.log()
    assert not [pid for pid in family if alive(pid)]
    assert not lost(fleet, one.books)
    assert one.books.verify().whole


def held(fleet: Fleet, since: float) -> int:
    """How many presses the broker has taken since then whose devices still wait for an answer."""
    return sum(bool(press.taken) and press.taken[-1] > since for press in fleet.unanswered)


def test_an_orderly_stop_in_full_work(pairs: Callable[..., list[Deployment]]) -> None:
    def play(one: Deployment) -> None:
        with one.fleet(every_s=0.2) as fleet:
            one.start()
            one.sign_in()
            stop_in_full_work(one, fleet, signal.SIGTERM)
            one.start()
            stop_in_full_work(one, fleet, signal.SIGINT)
            one.start()
            assert not one.finish(fleet)
            assert "Traceback" not in one.service.log(), one.service.log()

    everywhere(pairs(), play)


def test_an_orderly_stop_while_the_database_is_away(deploy: Callable[..., Deployment], postgres: Postgres) -> None:
    """It cannot store what it holds, which is why nobody was told so; it must not hang with it."""
    locked, hangs = deploy(name="sqlite locked"), deploy(postgres, name="postgres hangs")
    assert postgres.process
    ways = {
        locked.name: partial(write_lock, locked.service.directory / "callcenter.db"),
        hangs.name: partial(frozen, postgres.process.pid),
    }

    def play(one: Deployment) -> None:
        with one.fleet(every_s=0.2) as fleet:
            one.start()
            wait_for(fleet.answered, what="work")
            assert one.service.process
            with ways[one.name]():
                away = time.monotonic()
                wait_for(lambda: held(fleet, away) >= 5, what="presses that cannot be stored")
                one.service.process.send_signal(signal.SIGTERM)
                try:
                    code = one.service.process.wait(STOPS_WITHIN_S)
                except subprocess.TimeoutExpired:
                    code = None
                    one.service.kill()
            one.start()
            assert not one.finish(fleet)
            assert code == 0, f"not stopped within {STOPS_WITHIN_S} s"

    everywhere([locked, hangs], play)


def test_a_kill_leaves_no_broker_behind(deploy: Callable[..., Deployment]) -> None:
    one = deploy()
    one.start(ready=False)
    process = one.service.process
    assert process
    for moment in ("as soon as it is there", "when it works"):
        broker = wait_for(one.nats, what="an embedded broker")
        if moment == "when it works":
            one.service.wait_ready()
        one.service.kill()
        wait_for(lambda broker=broker: not alive(broker), seconds=5, what=f"the broker's end, killed {moment},")
        assert one.service.process
        assert not children_of(one.service.process.pid)
        one.start(ready=False)
    one.service.kill()
