"""What a month is made of: its size, its seed, and how often things go wrong. Shares are of 1."""

from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

# Midnight in China; the month has both a long holiday and a change of week.
START = datetime(2026, 9, 30, 16, 0, tzinfo=UTC)
HOLIDAYS = ("2026-10-01", "2026-10-02", "2026-10-03")


@dataclass(frozen=True, slots=True)
class Plan:
    seed: int = 1
    days: int = 30
    residents: int = 2_000
    presses_a_day: float = 0.02  # for each resident: a month of 2,000 residents has some 1,500 alerts
    callers_a_day: float = 0.006
    mistakes: float = 0.0  # of presses: nothing has happened, and whoever pressed says so
    storm_presses: int = 25  # one night a power cut frightens that many at once
    storm_day: int = 11

    # the telephone network
    wrong_numbers: float = 0.03
    news_lost: float = 0.004
    news_twice: float = 0.02
    answers_lost: float = 0.004  # whether a dialled call was placed is not known
    hang_ups_fail: float = 0.01

    # the people
    never_comes: float = 0.04
    lapses: float = 0.06  # an operator claims, or sends help, and forgets
    nobody_tells: float = 0.06  # somebody has come, and nobody tells the centre
    duty_reacts_s: tuple[float, float] = (30.0, 100.0)  # told to call 120, until it is handed over

    def dice(self, what: str) -> Random:
        return Random(f"{self.seed}/{what}")
