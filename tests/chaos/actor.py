"""One process of the centre under chaos: its clock can be stepped, and mistakes can be built in that must be caught.

    CHAOS_CLOCK  a file that says by how many seconds this process's clock is wrong
    CHAOS_BUILD  early      tells broker and device "stored" before anything is stored
                 forgetful  deadlines live in the memory of the process that set them
                 greedy     takes effects that others work on, and dials without asking whose call it is

Everything else is the production code.
"""

import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from callcenter.__main__ import main
from callcenter.alerts.call_inputs import Dialling
from callcenter.clock import SystemClock
from callcenter.storage import work
from callcenter.storage.unit import Unit
from callcenter.telephony.line import Line
from tests.e2e.victim import build_in_early_acks

LOOK_S = 0.2
CLOCK, BUILD = os.environ.get("CHAOS_CLOCK", ""), os.environ.get("CHAOS_BUILD", "")


def step_the_clock(path: Path) -> None:
    looked, wrong_by = -LOOK_S, timedelta()

    def now(_clock: SystemClock) -> datetime:
        nonlocal looked, wrong_by
        if time.monotonic() - looked >= LOOK_S:
            looked, wrong_by = time.monotonic(), timedelta(seconds=float(path.read_text() or 0))
        return datetime.now(UTC) + wrong_by

    SystemClock.now = now


def build_in_forgetful_timers() -> None:
    flush, due_timers, remembered = Unit.flush, work.due_timers, set()

    def flush_and_remember(self):
        remembered.update((alert, kind.value) for alert, kind in self._changes.timers_set)
        flush(self)

    work.due_timers = lambda *args, **more: [
        row for row in due_timers(*args, **more) if (row.alert_id, row.kind) in remembered
    ]
    Unit.flush = flush_and_remember


def build_in_greed() -> None:
    take, tell = work.take_effects, Line._tell

    async def tell_and_dial(self, call, happened, *, gateway=""):
        told = await tell(self, call, happened, gateway=gateway)
        return self._clock.now() if told is None and isinstance(happened, Dialling) else told

    work.take_effects = lambda connection, now, kinds: take(connection, now + timedelta(seconds=60), kinds)
    Line._tell = tell_and_dial


BUILDS = {"early": build_in_early_acks, "forgetful": build_in_forgetful_timers, "greedy": build_in_greed}

if __name__ == "__main__":
    if CLOCK:
        step_the_clock(Path(CLOCK))
    if BUILD:
        BUILDS[BUILD]()
    sys.exit(main())
