"""One year, wired together and run to its end, to its first breach, or to a step that somebody wants to look at."""

import gc
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from benchmarks.month.clockwork import Clockwork
from benchmarks.month.desk import Desk
from benchmarks.month.habits import Townsfolk
from benchmarks.month.journeys import Journeys
from benchmarks.month.month import AFTERWARDS, heard_log, shipped_policy
from benchmarks.month.network import PhoneNetwork
from benchmarks.month.plan import START
from benchmarks.month.town import populate
from benchmarks.year.breach import Breach
from benchmarks.year.centre import YearCentre
from benchmarks.year.devices import Devices
from benchmarks.year.faults import Faults, YearPlan
from benchmarks.year.numbered import numbered
from benchmarks.year.people import Cases, Consoles, Meddlers
from benchmarks.year.reads import in_memory
from benchmarks.year.register import Register
from benchmarks.year.store import Line, Store
from benchmarks.year.swift import swiftly
from benchmarks.year.watch import Watch
from callcenter.alerts.model import Kind
from config import plans as response_plans, prompts

CARRIERS = ("north", "south")


class _Reached(Exception):
    """The step that was asked for."""


@dataclass(slots=True)
class Year:
    """What a year has come to."""

    plan: YearPlan
    clock: Clockwork
    store: Store
    centre: YearCentre
    watch: Watch
    faults: Faults
    devices: Devices
    networks: list[PhoneNetwork]
    until: int | None = None
    breach: Breach | None = None
    busy_s: float = 0.0
    logged: Counter[str] = field(default_factory=Counter)

    @property
    def hash(self) -> str:
        """Of the whole history: two runs of one seed have the same."""
        return str(self.store.hash.hexdigest())

    @property
    def steps(self) -> int:
        return self.clock.steps

    def lines_of(self, alert: str | None) -> list[Line]:
        return list(self.store.history.get(alert or "", ()))


def year(plan: YearPlan, *, until: int | None = None, record: bool = False) -> Year:
    """Run it. `until`: to that step and no further."""
    errors = _Errors()
    with in_memory(), swiftly(), numbered() as names:
        found = _wire(plan, names.begin)
        found.centre.record = [] if record else None
        found.until = until
        with heard_log(found.logged, errors):
            busy = time.process_time()
            gc.disable()  # nothing of it makes circles that matter
            try:
                _run(found)
            except _Reached:
                pass
            except Breach as breach:
                found.breach = breach
            except Exception as error:  # whatever it is, it is one of ours
                found.breach = _raised(error)
            finally:
                gc.enable()
            found.busy_s = time.process_time() - busy
    return found


class _Errors(list[str]):
    """An error in the log is a breach."""

    def append(self, text: str) -> None:
        raise Breach("nothing is logged as an error", None, text[:2000])


def _raised(error: Exception) -> Breach:
    where, lines = error.__traceback__, []
    while where is not None:
        lines.append(f"{where.tb_frame.f_code.co_filename.rpartition('/')[2]}:{where.tb_lineno}")
        where = where.tb_next
    return Breach("nothing raises", None, f"{error!r} at {' '.join(lines[-6:])}")


def _wire(plan: YearPlan, begin: Callable[[int], None]) -> Year:
    town, clock, faults = populate(plan), Clockwork(START), Faults(plan)
    store, policy = Store(Register(town)), shipped_policy()
    words, todo = prompts.read(), response_plans.read(kinds=frozenset(Kind))
    assert not isinstance(words, str), words
    assert not isinstance(todo, str), todo
    watch = Watch(store, policy)
    centre = YearCentre(clock, store, policy, todo, faults, watch.committed, begin)
    folk = Townsfolk(town, plan)
    networks = [PhoneNetwork(centre, clock, folk, plan, town.wrong) for _ in CARRIERS]
    refs = count(1)
    for name, network in zip(CARRIERS, networks, strict=True):
        network.name, network.living, network.begins, network._refs = name, networks[0].living, watch.rings, refs
    networks[1]._dice = plan.dice("another network")
    centre.connect(words, list(networks))
    cases, consoles = Cases(centre), Consoles(centre, faults)
    centre.listeners.append(cases.noted)
    desk = consoles.desk = Desk(consoles.settle, clock, folk, cases, plan)  # type: ignore[arg-type]
    for network in networks:
        network.enters = desk.leg_enters
    Journeys(clock, cases, town, plan, desk.hears_of_arrival)  # type: ignore[arg-type]

    def stops(responder: str, stopped: bool) -> None:
        (store.stopped.add if stopped else store.stopped.discard)(responder)
        centre.beside("stopped" if stopped else "back", responder)

    devices = Devices(centre.settle_everywhere, clock, networks[0], town, plan, stops=stops)
    devices.take(faults)
    centre.on_devices = devices.answered
    Meddlers(centre, cases, consoles, faults)
    return Year(plan, clock, store, centre, watch, faults, devices, networks)


def _run(found: Year) -> None:
    end = START + timedelta(days=found.plan.days) + AFTERWARDS
    found.clock.after(3600, _hourly, found)
    if found.until is None:
        found.clock.run(end)
    else:
        _run_to(found, end)
    found.watch.end()
    if found.devices.unanswered:
        raise Breach("every device is answered", None, f"{sorted(found.devices.unanswered)[:5]}")


def _run_to(found: Year, end: Any) -> None:
    clock = found.clock
    while clock.steps < (found.until or 0) and clock.next_at() <= end:
        clock.run_one()
    raise _Reached


def _hourly(found: Year) -> None:
    found.watch.hourly(found.clock.time)
    found.clock.after(3600, _hourly, found)
