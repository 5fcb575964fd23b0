"""One run: build the town, let people press and work, break things at random times, mend all, and judge."""

import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos import verdict
from tests.chaos.faults import FAULTS, Broken, Fault, Stage
from tests.chaos.people import Seat, Watcher
from tests.chaos.town import Town
from tests.e2e.fleet import Fleet

MOST_AT_ONCE = 3  # things that are broken at a time
STANDS_S = 15.0
CLEARING_S = 0.2  # so often an operator does something once it is over


@dataclass(frozen=True, slots=True)
class Plan:
    """`build`: the name of a mistake to build in (actor.py)."""

    seed: int
    minutes: float = 10.0
    every_s: float = 1.7  # mean time between two faults
    press_s: float = 8.0  # mean time between two presses of one bracelet
    build: str = ""
    only: tuple[str, ...] = ()  # names of faults; none: all
    rest_s: float = 180.0  # after the last fault everything is done so soon
    keep: Path | None = None  # where the logs of all parts are left


@dataclass
class Outcome:
    plan: Plan
    history: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    figures: verdict.Figures | None = None
    wrong: list[str] = field(default_factory=list)


class Breaker:
    """Breaks and mends, by its own dice."""

    def __init__(self, stage: Stage, plan: Plan, outcome: Outcome, say: Callable[[str], None]) -> None:
        self._stage, self._plan, self._outcome, self._say = stage, plan, outcome, say
        self._began = time.monotonic()
        self._broken: dict[str, tuple[float, Broken]] = {}
        self._faults = [fault for fault in FAULTS if not plan.only or fault.name in plan.only]

    def work(self, seconds: float) -> None:
        next_fault, end = 0.0, time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            self._mend([on for on, (until, _broken) in self._broken.items() if until <= now])
            self._supervise()
            if now >= next_fault and len(self._broken) < MOST_AT_ONCE:
                self._break()
                next_fault = time.monotonic() + self._stage.dice.expovariate(1 / self._plan.every_s)
            time.sleep(0.05)

    def mend_all(self) -> None:
        """And see to it, for a while, that everything stands."""
        self._mend(list(self._broken))
        end = time.monotonic() + STANDS_S
        while time.monotonic() < end:
            self._supervise()
            time.sleep(0.2)

    def _supervise(self) -> None:
        """Who has ended by themselves is started again, as on any machine, and it is said."""
        for name, service in self._stage.town.services.items():
            if name not in self._broken and service.process and service.process.poll() is not None:
                self._tell(f"{name} had ended by itself ({service.process.poll()}) and is started again")
                self._stage.town.start(name)
        postgres = self._stage.town.postgres
        if "postgres" not in self._broken and postgres.process and postgres.process.poll() is not None:
            self._tell("PostgreSQL had ended by itself, as it does without room for its log, and is started again")
            postgres.resume()

    def _break(self) -> None:
        dice = self._stage.dice
        fault: Fault = dice.choices(self._faults, [one.weight for one in self._faults])[0]
        on = fault.on(dice)
        if on in self._broken:
            return
        broken = fault.begin(self._stage, on)
        if broken is None:
            return
        self._outcome.faults[fault.name] += 1
        self._tell(broken.what + (f", for {broken.seconds:.1f} s" if broken.seconds else ""))
        self._broken[on] = time.monotonic() + broken.seconds, broken

    def _mend(self, names: list[str]) -> None:
        for on in names:
            _until, broken = self._broken.pop(on)
            broken.mend()

    def _tell(self, what: str) -> None:
        line = f"{time.monotonic() - self._began:7.2f} s  {what}"
        self._outcome.history.append(line)
        self._say(line)


def _keep_logs(directory: Path, town: Town, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    for log in (*directory.glob("*.log"), *directory.glob("*/*.log"), town.postgres.directory / "log"):
        name = "postgres.log" if log.name == "log" else f"{log.parent.name}-{log.name}"
        shutil.copy(log, into / name)


def run(plan: Plan, say: Callable[[str], None]) -> Outcome:
    """Everything runs in temporary directories and is stopped at the end, whatever happens."""
    outcome = Outcome(plan)
    with ExitStack() as clean_up:
        directory = Path(clean_up.enter_context(tempfile.TemporaryDirectory(prefix="vnh-chaos-")))
        town = Town(directory, plan.seed, plan.build)
        clean_up.callback(town.close)
        if plan.keep:
            clean_up.callback(_keep_logs, directory, town, plan.keep)
        town.build()
        port = town.wires["fleet"].port
        fleet = clean_up.enter_context(Fleet(port, bracelets=40, every_s=plan.press_s, seed=plan.seed))
        desk = f"http://127.0.0.1:{town.wires['desk'].port}"
        seats = [Seat(desk, f"operator{n}", random.Random(f"{plan.seed}/seat/{n}")) for n in (1, 2, 3)]
        looker = Seat(desk, "watcher", random.Random(0))
        looker.sign_in("watcher")
        watchers = [Watcher(desk, looker.token) for _ in range(2)]
        late = verdict.Deadlines(town)
        stage = Stage(town, fleet, random.Random(f"{plan.seed}/faults"))
        breaker = Breaker(stage, plan, outcome, say)
        with ExitStack() as working:
            for watcher in watchers:
                working.enter_context(watcher)
            working.enter_context(late)
            for seat in seats:
                working.enter_context(seat)
            breaker.work(plan.minutes * 60)
            breaker.mend_all()
            say("everything is mended; coming to rest")
            fleet.settle(plan.rest_s)
            for seat in seats:
                seat.every_s = CLEARING_S
            outcome.wrong += verdict.come_to_rest(town, watchers, plan.rest_s)
        for name, service in town.services.items():
            if (code := service.stop()) != 0:
                outcome.wrong.append(f"{name} stopped with {code}: {service.log()[-600:]}")
        outcome.wrong += verdict.violations(town, fleet, seats, watchers, late)
        outcome.figures = verdict.figures(town, fleet, seats, watchers, late)
    return outcome
