"""What can go wrong, as a table: each fault names what it is done to, breaks it, and says how it is mended and when."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.chaos.town import PARTS, Town
from tests.e2e.deployment import family_of
from tests.e2e.fleet import Fleet

Mend = Callable[[], None]
MOST_ECHOES = 30


@dataclass(frozen=True, slots=True)
class Broken:
    """What was done, and how it ends after so many seconds."""

    what: str
    seconds: float
    mend: Mend


@dataclass(frozen=True, slots=True)
class Stage:
    """All that a fault may touch."""

    town: Town
    fleet: Fleet
    dice: Random


@dataclass(frozen=True, slots=True)
class Fault:
    """`on`: what of it is broken meanwhile; nothing is broken twice at once."""

    name: str
    weight: float
    on: Callable[[Random], str]
    begin: Callable[[Stage, str], Broken | None]


def one_of(*names: str) -> Callable[[Random], str]:
    return lambda dice: dice.choice(names)


def signal_all(pid: int, how: int) -> None:
    """A process and all below it."""
    for one in family_of(pid):
        try:
            os.kill(one, how)
        except ProcessLookupError:
            continue


# -- processes


def kill_service(stage: Stage, name: str) -> Broken:
    stage.town.services[name].kill()
    return Broken(f"killed {name}", stage.dice.uniform(0, 4), lambda: stage.town.start(name))


def stop_service(stage: Stage, name: str) -> Broken:
    process = stage.town.services[name].process
    assert process
    process.send_signal(signal.SIGTERM)

    def again() -> None:
        stage.town.services[name].stop()
        stage.town.start(name)

    return Broken(f"restarted {name} in order", stage.dice.uniform(2, 4), again)


def freeze_service(stage: Stage, name: str) -> Broken:
    process = stage.town.services[name].process
    assert process
    signal_all(process.pid, signal.SIGSTOP)
    return Broken(f"froze {name}", stage.dice.uniform(1, 12), lambda: signal_all(process.pid, signal.SIGCONT))


def kill_nats(stage: Stage, name: str) -> Broken:
    node = stage.town.nats[name]
    node.kill()
    return Broken(f"killed {name}", stage.dice.uniform(0.5, 4), lambda: node.start(wait=False))


def freeze_nats(stage: Stage, name: str) -> Broken:
    process = stage.town.nats[name].process
    assert process
    signal_all(process.pid, signal.SIGSTOP)
    return Broken(f"froze {name}", stage.dice.uniform(1, 6), lambda: signal_all(process.pid, signal.SIGCONT))


def kill_postgres(stage: Stage, _name: str) -> Broken:
    postgres = stage.town.postgres
    assert postgres.process
    signal_all(postgres.process.pid, signal.SIGKILL)
    postgres.process.wait()
    return Broken("killed PostgreSQL", stage.dice.uniform(0.5, 3), postgres.resume)


def freeze_postgres(stage: Stage, _name: str) -> Broken:
    """As a disk does that answers no more."""
    process = stage.town.postgres.process
    assert process
    signal_all(process.pid, signal.SIGSTOP)
    return Broken("froze PostgreSQL", stage.dice.uniform(1, 5), lambda: signal_all(process.pid, signal.SIGCONT))


def fill_disk(stage: Stage, _name: str) -> Broken | None:
    if not stage.town.disk.made:
        return None
    stage.town.disk.fill()

    return Broken("filled PostgreSQL's disk", stage.dice.uniform(1, 5), stage.town.disk.clear)


def step_clock(stage: Stage, name: str) -> Broken:
    wrong_by = round(stage.dice.choice((-1, 1)) * stage.dice.uniform(1, 12), 1)
    stage.town.clock(name, wrong_by)
    what = f"stepped the clock of {name} by {wrong_by} s"
    return Broken(what, stage.dice.uniform(5, 20), lambda: stage.town.clock(name, 0))


# -- wires


def cut(stage: Stage, name: str) -> Broken:
    stage.town.wires[name].cut()
    return Broken(f"cut {name}", 0, lambda: None)


def refuse(stage: Stage, name: str) -> Broken:
    wire = stage.town.wires[name]
    wire.refuse(True)
    return Broken(f"{name} refuses", stage.dice.uniform(0.5, 5), lambda: wire.refuse(False))


def block(stage: Stage, name: str) -> Broken:
    wire = stage.town.wires[name]
    wire.block(True)
    return Broken(f"{name} swallows", stage.dice.uniform(1, 6), lambda: wire.block(False))


def slow(stage: Stage, name: str) -> Broken:
    wire, delay = stage.town.wires[name], stage.dice.uniform(0.03, 0.25)
    wire.slow(delay)
    return Broken(f"{name} is {delay * 1000:.0f} ms slower", stage.dice.uniform(2, 8), lambda: wire.slow(0))


# -- messages


def echo(stage: Stage, _name: str) -> Broken:
    """Brokers hand over old messages again, in any order."""
    presses = [press for press in stage.fleet.presses if press.acks]
    stage.dice.shuffle(presses)
    with stage.fleet.lock:
        for press in presses[:MOST_ECHOES]:
            bracelet = stage.fleet.bracelets[press.device]
            if bracelet.client.is_connected():
                bracelet.send(press)
    return Broken(f"{min(len(presses), MOST_ECHOES)} old presses came again, in any order", 0, lambda: None)


def garble_carrier(stage: Stage, _name: str) -> Broken:
    """Callbacks twice, late, in the wrong order or never; answers lost after the deed."""
    odds = {"duplicate": 0.2, "reorder": 0.15, "delay": 0.15, "lose": 0.1}
    answers = {"error_after": 0.1, "reset_after": 0.1, "reset": 0.1, "throttled": 0.1}
    stage.town.carrier.set("faults", callbacks=odds, answers=answers, delay_s=3.0)
    mend = lambda: stage.town.carrier.set("faults")  # noqa: E731
    return Broken("the carrier garbles", stage.dice.uniform(5, 12), mend)


def carrier_away(stage: Stage, _name: str) -> Broken:
    stage.town.carrier.set("faults", dead="unavailable")
    mend = lambda: stage.town.carrier.set("faults", dead="")  # noqa: E731
    return Broken("the carrier is unavailable", stage.dice.uniform(2, 8), mend)


SERVICES, NODES = tuple(PARTS), ("nats-0", "nats-1", "nats-2")
WIRES = (*(f"db-{name}" for name in PARTS), *NODES, "fleet", "desk", "callbacks", "carrier")

FAULTS = (
    Fault("kill a process", 5, one_of(*SERVICES), kill_service),
    Fault("restart a process in order", 2, one_of(*SERVICES), stop_service),
    Fault("freeze a process", 3, one_of(*SERVICES), freeze_service),
    Fault("kill a broker", 3, one_of(*NODES), kill_nats),
    Fault("freeze a broker", 2, one_of(*NODES), freeze_nats),
    Fault("kill PostgreSQL", 2, one_of("postgres"), kill_postgres),
    Fault("freeze PostgreSQL", 1, one_of("postgres"), freeze_postgres),
    Fault("full disk", 1, one_of("postgres"), fill_disk),
    Fault("step a clock", 2, one_of(*(f"{name}'s clock" for name in SERVICES)),
          lambda stage, name: step_clock(stage, name[0])),
    Fault("cut a wire", 4, one_of(*(f"wire {name}" for name in WIRES)), lambda s, name: cut(s, name[5:])),
    Fault("refuse on a wire", 3, one_of(*(f"wire {name}" for name in WIRES)), lambda s, name: refuse(s, name[5:])),
    Fault("swallow on a wire", 3, one_of(*(f"wire {name}" for name in WIRES)), lambda s, name: block(s, name[5:])),
    Fault("slow wire", 2, one_of(*(f"wire {name}" for name in WIRES)), lambda s, name: slow(s, name[5:])),
    Fault("old messages again", 3, one_of("echo"), echo),
    Fault("garbled callbacks", 2, one_of("carrier"), garble_carrier),
    Fault("carrier away", 1, one_of("carrier"), carrier_away),
)  # fmt: skip
