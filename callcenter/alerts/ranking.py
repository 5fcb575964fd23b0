"""Who is asked first: the expected time until somebody is at the door and can do something there.

Not the distance: a neighbour on foot with the key is there before a car that has to fetch it. Every part of the score
is in seconds and is stored with the offer, so that nobody has to guess later why this one was asked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt
from typing import NamedTuple

EARTH_M = 6_371_000
DETOUR = 1.3  # ways are longer than the straight line; 1.2 to 1.4 in street networks
WALKS_UP_TO_M = 800  # nearer than this nobody takes out a vehicle
METRES_PER_S = {"walk": 1.2, "bike": 4.0, "car": 9.0}  # elderly walkers' 1.2 m/s; 15 and 32 km/h, doors included
START_S = {"walk": 30, "bike": 60, "car": 120}  # until they are out of the door
AREA_S = 300  # no place is known, but the area: for the resident's own, and again for each above it
UNKNOWN_WAY_S = 900  # nobody knows where they are: behind everybody who is known to be near
NO_KEY_S = 240  # the door is shut, the key has to come from somewhere else
NO_SKILL_S = 120  # for each skill wanted and not there
BUSY_S = 600  # for each other resident they are on their way to
ON_THE_PHONE_S = 1200  # their telephone is on a call: it would only be busy
REFUSED_S = 7200  # carriers will not ring their number: the last of all, but asked, for it may be right again
OFF_DUTY_S = 3600  # asked last, but asked: nobody may be left without anybody to ask
STALE_S = 600  # a shared position older than this is no better than home


class Spot(NamedTuple):
    """A place, in degrees (WGS 84)."""

    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who could be asked. `home` is where they usually are, `seen` where their phone was `seen_s` ago.

    `above` tells how far above the resident's area theirs is, for whom no place is known.
    """

    party: str
    kind: str
    home: Spot | None = None
    seen: Spot | None = None
    seen_s: float = 0.0
    moves: str = "walk"
    skills: frozenset[str] = frozenset()
    key: bool = False
    load: int = 0
    above: int | None = None
    on_duty: bool = True
    busy: bool = False  # on the telephone
    refused: bool = False  # their number, by a carrier


@dataclass(frozen=True, slots=True)
class Need:
    """What is wanted, and where. `key`: somebody must open the door."""

    at: Spot | None
    skills: frozenset[str] = frozenset()
    key: bool = True


class Ranked(NamedTuple):
    """A candidate with the score and its parts, all in seconds; less is better."""

    score: int
    candidate: Candidate
    parts: dict[str, int]


def metres(one: Spot, other: Spot) -> float:
    """Along the great circle."""
    lat, other_lat = radians(one.lat), radians(other.lat)
    across = sin((other_lat - lat) / 2) ** 2
    along = cos(lat) * cos(other_lat) * sin(radians(other.lon - one.lon) / 2) ** 2
    return 2 * EARTH_M * asin(sqrt(across + along))


def way_s(candidate: Candidate, at: Spot | None) -> int:
    """Seconds until they are at the door."""
    fresh = candidate.seen if candidate.seen_s <= STALE_S else None
    place = fresh or candidate.home
    if place is None or at is None:
        return UNKNOWN_WAY_S if candidate.above is None else AREA_S * (candidate.above + 1)
    way = metres(place, at) * DETOUR
    moves = "walk" if way <= WALKS_UP_TO_M else candidate.moves
    return round(START_S[moves] + way / METRES_PER_S[moves])


def rank(candidates: Iterable[Candidate], need: Need) -> list[Ranked]:
    """The best first; among equals always in the same order."""
    found = []
    for one in candidates:
        missing = len(need.skills - one.skills)
        parts = {
            "way": way_s(one, need.at),
            "key": NO_KEY_S if need.key and not one.key else 0,
            "skills": NO_SKILL_S * missing,
            "load": BUSY_S * one.load,
            "phone": ON_THE_PHONE_S * one.busy,
            "duty": OFF_DUTY_S * (not one.on_duty),
            "refused": REFUSED_S * one.refused,
        }
        found.append(Ranked(sum(parts.values()), one, parts))
    found.sort(key=lambda ranked: (ranked.score, ranked.candidate.party))
    return found
