"""Ranking everybody who might go: 5,000 people for one alert, next to the bare arithmetic of their distances."""

import random
import statistics
import time
from collections.abc import Callable

from callcenter.alerts.ranking import Candidate, Need, Spot, metres, rank

PEOPLE, TIMES = 5_000, 30
DOOR = Spot(37.03, 122.08)


def _people() -> list[Candidate]:
    dice = random.Random(5)

    def place() -> Spot:
        return Spot(DOOR.lat + dice.uniform(-0.3, 0.3), DOOR.lon + dice.uniform(-0.3, 0.3))

    return [
        Candidate(
            f"responder:{n}",
            "neighbour",
            home=place(),
            seen=place() if dice.random() < 0.2 else None,
            seen_s=dice.uniform(0, 1200),
            moves=dice.choice(("walk", "bike", "car")),
            skills=frozenset(dice.sample(("first_aid", "lifting", "medical"), dice.randrange(3))),
            key=dice.random() < 0.1,
            load=dice.choice((0, 0, 0, 1)),
        )
        for n in range(PEOPLE)
    ]


def _median_ms(work: Callable[[], object]) -> float:
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def report() -> str:
    people = _people()
    bare = _median_ms(lambda: sorted(metres(one.home, DOOR) for one in people if one.home))
    whole = _median_ms(lambda: rank(people, Need(DOOR, frozenset({"first_aid"}))))
    return (
        f"  ranking {PEOPLE} responders: {whole:.1f} ms (aim < 50), "
        f"{whole / bare:.1f}x of their distances sorted ({bare:.1f} ms)"
    )
