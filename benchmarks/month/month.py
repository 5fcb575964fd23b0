"""One month, wired together and run; what it found, and what it takes to print it."""

import gc
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import structlog

from benchmarks.month.cases import Cases
from benchmarks.month.centre import VirtualCentre
from benchmarks.month.checks import Checks, Violation
from benchmarks.month.clockwork import Clockwork
from benchmarks.month.desk import Desk
from benchmarks.month.habits import Townsfolk
from benchmarks.month.happenings import Happenings, stop_in
from benchmarks.month.journeys import Journeys
from benchmarks.month.network import PhoneNetwork
from benchmarks.month.plan import START, Plan
from benchmarks.month.town import Registered, register
from callcenter import audit, ids
from callcenter.alerts.model import Kind
from callcenter.storage import call_book, work
from config import policies, prompts

AFTERWARDS = timedelta(hours=26)  # nothing new happens, and what is open comes to its end


@dataclass(slots=True)
class Month:
    """What a month has come to. `centre` still reads; close it."""

    plan: Plan
    centre: VirtualCentre
    checks: Checks
    journeys: Journeys
    network: PhoneNetwork
    desk: Desk
    town: Registered
    cases: Cases
    presses: int = 0
    wall_s: float = 0.0
    busy_s: float = 0.0
    last_hash: str = ""
    logged: Counter[str] = field(default_factory=Counter)


@contextmanager
def seeded_ids(plan: Plan) -> Iterator[None]:
    """The centre's only dice are in its ids; with these too from the seed two runs are the same to the last hash."""
    dice, real = plan.dice("ids"), ids.os
    ids.os = SimpleNamespace(urandom=dice.randbytes)  # type: ignore[assignment]
    try:
        yield
    finally:
        ids.os = real


@contextmanager
def heard_log(logged: Counter[str], errors: list[str]) -> Iterator[None]:
    """Everything the centre logs is counted; what is an error is kept."""

    def count(_logger: object, level: str, event: Any) -> Any:
        logged[f"{level} {event.get('event')}"] += 1
        if level in ("error", "critical", "exception"):
            errors.append(str(dict(event)))
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[structlog.processors.format_exc_info, count], cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)


def shipped_policy() -> policies.AlertPolicy:
    policy = policies.read(kinds=frozenset(Kind))
    assert not isinstance(policy, str), policy
    return policy


@contextmanager
def month(plan: Plan) -> Iterator[Month]:
    """Run it, and give what came of it while its store is still there."""
    memory = Path("/dev/shm")
    scratch = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    errors: list[str] = []
    with tempfile.TemporaryDirectory(prefix="vnh-month-", dir=scratch) as directory, seeded_ids(plan):
        found = _wire(plan, f"sqlite:///{directory}/month.db")
        with heard_log(found.logged, errors):
            began, busy = time.perf_counter(), time.process_time()
            gc.freeze()  # nothing of it makes circles that matter
            gc.disable()
            try:
                _run(found, errors)
            finally:
                gc.enable()
            found.wall_s, found.busy_s = time.perf_counter() - began, time.process_time() - busy
        try:
            yield found
        finally:
            found.centre.close()


def _wire(plan: Plan, url: str) -> Month:
    clock, cases = Clockwork(START), Cases()
    town = register(url, plan)
    folk = Townsfolk(town, plan)
    words = prompts.read()
    assert not isinstance(words, str), words
    made: list[PhoneNetwork] = []

    def gateway(centre: VirtualCentre) -> PhoneNetwork:
        made.append(PhoneNetwork(centre, clock, folk, plan, town.wrong))
        return made[0]

    centre = VirtualCentre(url, clock, shipped_policy(), words, gateway)
    network = made[0]
    checks = Checks(centre, network, town, plan)
    checks.watch(cases.all)
    desk = Desk(centre.settle, clock, folk, cases, plan)
    network.enters = desk.leg_enters
    journeys = Journeys(clock, cases, town, plan, desk.hears_of_arrival)
    cases.hear.insert(0, checks.hears)
    centre.listeners += [cases.committed, checks.committed]
    return Month(plan, centre, checks, journeys, network, desk, town, cases)


def _run(found: Month, errors: list[str]) -> None:
    centre, checks = found.centre, found.checks
    stops = stop_in(centre.read)
    happenings = Happenings(centre.settle, centre.clock, found.network, found.town, found.plan, stops=stops)
    centre.clock.run(START + timedelta(days=found.plan.days) + AFTERWARDS)
    found.presses = happenings.presses
    checks.end()
    verdict = centre.read(audit.verify)
    if not verdict.whole:
        checks.violations.append(Violation("the timeline's hashes are one chain", "", verdict.says))
    found.last_hash = verdict.says.rpartition(" ")[2].rstrip(".")
    checks.violations += [Violation("nothing is logged as an error", "", one) for one in errors]
    for what, left in _left_over(found).items():
        if left:
            checks.violations.append(Violation("nothing is left over", "", f"{what}: {left}"))


def _left_over(found: Month) -> dict[str, Any]:
    """What the watchdog would look for."""
    read, now = found.centre.read, found.centre.clock.now()
    return {
        "alerts without a deadline": read(work.alerts_without_deadline),
        "calls that nothing would move": read(call_book.calls_without_due),
        "overdue timers": read(work.overdue_timers, now - timedelta(seconds=5)),
        "effects nobody performed": read(work.stuck_effects, now - timedelta(seconds=120)),
    }
