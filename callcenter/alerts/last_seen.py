"""Who is looked for, and where they were last seen: what a searcher has to know, in words. Pure.

Nothing is said that nobody wrote down: no age without a date of birth, no clothes at all.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import atan2, cos, degrees, radians, sin

from callcenter.alerts.ranking import Spot, metres
from config.prompts import Prompts

OLDEST = timedelta(hours=12)  # an older fix tells of another walk: the search begins at home
NEAR_M = 60  # nobody is told to walk 40 metres north-east
WAYS = ("n", "ne", "e", "se", "s", "sw", "w", "nw")


@dataclass(frozen=True, slots=True)
class Fix:
    """Where a device was (WGS 84), when, and how exactly that is known (metres)."""

    at: Spot
    seen_at: datetime
    acc_m: float | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """What is known of somebody who is looked for."""

    name: str
    place: str = ""  # where they live, in words
    home: Spot | None = None
    born: str = ""  # 1942-05-01, or as much of it as is known
    fix: Fix | None = None


def age(born: str, now: datetime) -> int | None:
    """Years; None: nobody knows, or nobody can read it."""
    year, *rest = (born or "").split("-")
    if not (year.isdigit() and len(year) == 4):
        return None
    birthday = tuple(int(part) for part in rest if part.isdigit())
    years = now.year - int(year) - (len(birthday) == 2 and (now.month, now.day) < birthday)
    return years if 0 <= years <= 130 else None


def way(start: Spot, to: Spot) -> str:
    """One of the eight winds, from one place to another."""
    east = sin(radians(to.lon - start.lon)) * cos(radians(to.lat))
    lat, other = radians(start.lat), radians(to.lat)
    north = cos(lat) * sin(other) - sin(lat) * cos(other) * cos(radians(to.lon - start.lon))
    return WAYS[round(degrees(atan2(east, north)) / 45) % 8]


def rounded(far_m: float) -> int:
    """As people say it: to 50 metres, from a kilometre on to 100."""
    step = 50 if far_m < 1000 else 100
    return max(step, round(far_m / step) * step)


class Words:
    """What is said of one search, in one language."""

    def __init__(self, prompts: Prompts, language: str) -> None:
        self._prompts, self._language = prompts, language

    def _say(self, key: str, **fields: str) -> str:
        return self._prompts.text(key, self._language, **fields)

    def name(self, lost: Lost, now: datetime) -> str:
        years = age(lost.born, now)
        return lost.name if years is None else self._say("search_aged", name=lost.name, number=str(years))

    def seen(self, lost: Lost, now: datetime, *, written: bool = False) -> str:
        """Where, how long ago and how exactly; in a text message with the coordinates."""
        if lost.fix is None:
            return self._say("search_unseen", place=lost.place)
        said = [self._where(lost, lost.fix), self.when(lost.fix, now)]
        if written:
            said.append(self._say("search_spot", place=f"{lost.fix.at.lat:.5f}, {lost.fix.at.lon:.5f}"))
        return self._joined(said)

    def when(self, fix: Fix, now: datetime) -> str:
        """How long ago and how exactly, without the place."""
        exact = [self._say("search_exact", number=str(rounded(fix.acc_m)))] if fix.acc_m else []
        return self._joined([self._ago(now - fix.seen_at), *exact])

    def _joined(self, said: list[str]) -> str:
        return ("" if self._language == "zh-CN" else " ").join(said)

    def _where(self, lost: Lost, fix: Fix) -> str:
        if lost.home is None or not lost.place:
            return self._say("search_seen_somewhere")
        far = metres(lost.home, fix.at)
        if far <= NEAR_M:
            return self._say("search_seen_near", place=lost.place)
        wind = self._say(f"way_{way(lost.home, fix.at)}")
        return self._say("search_seen", place=lost.place, way=wind, number=str(rounded(far)))

    def _ago(self, ago: timedelta) -> str:
        minutes = max(0, round(ago / timedelta(minutes=1)))
        if minutes < 1:
            return self._say("search_just_now")
        if minutes < 120:
            return self._say("search_minutes_ago", number=str(minutes))
        return self._say("search_hours_ago", number=str(round(minutes / 60)))
