"""The broker is killed hard while bracelets press: every press is stored and told, and counts once."""

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable

import pytest

from tests.e2e.deployment import Deployment
from tests.e2e.fleet import Fleet, Press
from tests.processes import Postgres, wait_for

pytestmark = pytest.mark.slow
Deploy = Callable[..., Deployment]
KILLS = 3
SEED = int(os.environ.get("VNH_SEED", "3"))


def queue(fleet: Fleet, number: int) -> list[Press]:
    """Presses that the broker has taken and that nobody will repeat."""
    fleet.repeat_s = None
    made = [fleet.press(device) for _ in range(number) for device in fleet.bracelets]
    wait_for(lambda: all(press.taken for press in made), what="the broker taking the presses")
    return made


def kept(one: Deployment, made: list[Press]) -> int:
    """How many of them are stored without any help from the devices."""
    return sum(press.key in one.books.stored() for press in made)


def test_the_embedded_broker_is_killed_and_comes_back(deploy: Deploy) -> None:
    one, dice = deploy(), random.Random(SEED)
    with one.fleet(every_s=0.15) as fleet:
        one.start()
        for _ in range(KILLS):
            time.sleep(dice.uniform(0.1, 0.8))
            old = wait_for(one.nats, what="an embedded broker")
            os.kill(old, signal.SIGKILL)
            wait_for(lambda old=old: one.nats() not in (None, old), what="another embedded broker")
            wait_for(lambda: one.get("/readyz")[0] == 200, what="readiness")
        assert not one.finish(fleet)


def test_presses_queued_at_the_embedded_broker_survive_its_kill(deploy: Deploy) -> None:
    """The centre hangs, the broker takes presses and is killed. Nobody repeats: its files alone must bring them."""
    one = deploy()
    with one.fleet(bracelets=4) as fleet:
        one.start()
        assert one.service.process
        broker = wait_for(one.nats, what="an embedded broker")
        os.kill(one.service.process.pid, signal.SIGSTOP)  # the centre alone, its broker goes on
        try:
            made = queue(fleet, 5)
            os.kill(broker, signal.SIGKILL)
            assert not kept(one, made)
        finally:
            os.kill(one.service.process.pid, signal.SIGCONT)
        wait_for(lambda: kept(one, made) == len(made), what="every queued press")
        fleet.repeat_s = 0.8  # a device that was not yet back did not hear its ack
        assert not one.finish(fleet)


def test_mosquitto_is_killed_while_the_centre_is_away_and_while_it_is_there(
    deploy: Deploy, postgres: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    one, dice = deploy(postgres), random.Random(SEED)
    assert one.broker
    with one.fleet(every_s=0.15) as fleet:
        one.start()
        wait_for(fleet.answered, what="a press that is answered")
        one.service.kill()
        fleet.pressing = False
        made = queue(fleet, 2)
        one.broker.stop(how=signal.SIGKILL)
        one.broker.start()
        one.start()
        with contextlib.suppress(AssertionError):  # a promise of Mosquitto's, not of ours
            wait_for(lambda: kept(one, made) == len(made), seconds=3, what="every queued press")
        from_files = kept(one, made)  # the devices' repeats bring the rest
        fleet.repeat_s = 0.8
        fleet.pressing = True
        for _ in range(KILLS):
            time.sleep(dice.uniform(0.1, 0.8))
            one.broker.stop(how=signal.SIGKILL)
            time.sleep(dice.uniform(0, 0.3))
            one.broker.start()
        wait_for(lambda: one.get("/readyz")[0] == 200, what="readiness")
        assert not one.finish(fleet)
    with capsys.disabled():
        print(f"\nMosquitto brought {from_files} of {len(made)} queued presses through a SIGKILL.")
