"""What goes wrong in a year, how often, and by which dice. Everything comes from the seed; nothing else is drawn."""

from collections import Counter
from dataclasses import dataclass
from random import Random

from benchmarks.month.plan import Plan


@dataclass(frozen=True, slots=True)
class YearPlan(Plan):
    """The load is that of the field, 3,500 calls a day for 210,000 people, but half of them are presses; three of four
    presses are no emergency, as there.

    Shares are of 1, of each occasion. What goes wrong with the telephone network and with people: see Plan.
    """

    days: int = 365
    presses_a_day: float = 0.0085
    callers_a_day: float = 0.0085
    mistakes: float = 0.75
    storm_day: int = 40
    answers_lost: float = 0.01

    # processes of the service
    dies_at_commit: float = 0.0008  # right after it: nothing of what was wished for is done, nobody is answered
    away_s: tuple[float, float] = (3.0, 90.0)  # a dead process is back
    done_and_forgotten: float = 0.003  # an effect was performed, and dies before that is written down
    timer_late: float = 0.01
    late_s: float = 20.0  # at most
    timer_raced: float = 0.01  # another process has swept the same deadline
    skew_s: float = 0.4  # between the clocks of the two processes

    # devices
    ack_lost: float = 0.02
    clock_off: float = 0.08
    rubbish: float = 0.01  # a payload that cannot be read
    retained: float = 0.004
    stranger: float = 0.004  # a device that nobody has registered
    counter_restarts: float = 0.01  # ids of old messages are used again

    # people
    stale_click: float = 0.02
    double_click: float = 0.02
    vanishes: float = 0.02  # an operator's console, at each of their actions
    meddles_a_day: float = 12.0  # actions that come to somebody's mind, possible or not


class Faults:
    """Draws, and counts what was drawn."""

    def __init__(self, plan: YearPlan) -> None:
        self.plan = plan
        self.dice: Random = plan.dice("faults")
        self.counts: Counter[str] = Counter()

    def strike(self, what: str) -> bool:
        """Whether the fault of that name happens now."""
        if self.dice.random() >= getattr(self.plan, what):
            return False
        self.counts[what.replace("_", " ")] += 1
        return True

    def count(self, what: str) -> None:
        self.counts[what] += 1

    def seconds(self, low: float, high: float) -> float:
        return low + (high - low) * self.dice.random()
