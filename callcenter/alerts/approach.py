"""What a telephone's position says about who goes: do they come nearer, are they at the door. Pure.

Somebody who lives next door is near the door all the time. So a position alone proves an arrival only of who was away
from it before; of anybody else it does together with their own word.
"""

from dataclasses import dataclass
from datetime import datetime

from callcenter.alerts.ranking import Spot, metres

NEARER_M = 40  # less may be a telephone that lies on a table
FRESH_S = 120  # a position older than this says nothing about now


@dataclass(frozen=True, slots=True)
class Fix:
    """Where a telephone is, how exactly that is known (metres), and when it was so."""

    spot: Spot
    acc_m: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """How far from the door; whether they have come nearer since they began; whether it proves that they are there."""

    away_m: float
    nearer: bool
    there: bool


def is_near(fix: Fix | None, door: Spot | None, radius_m: int, now: datetime) -> bool:
    """Near enough, exactly enough and fresh enough to believe who says that they are at the door."""
    if fix is None or door is None or abs((now - fix.at).total_seconds()) > FRESH_S:
        return False
    return fix.acc_m <= radius_m and metres(fix.spot, door) <= radius_m


def seen(fix: Fix, door: Spot, began_m: float, radius_m: int, now: datetime) -> Seen:
    """`began_m`: how far they were when they began to share their position."""
    away = metres(fix.spot, door)
    nearer = began_m - away >= max(NEARER_M, fix.acc_m)
    came = began_m > radius_m and nearer
    return Seen(away, nearer, there=came and is_near(fix, door, radius_m, now))
