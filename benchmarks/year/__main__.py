"""`make year`: a year of a town of 2,000 residents, every promise looked at after every commit."""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

from benchmarks.year.faults import YearPlan
from benchmarks.year.report import breach, table
from benchmarks.year.result import Result, result_of
from benchmarks.year.year import year

PARTS = 2  # of the year, one after the other in its own calendar, played beside each other


def _asked() -> argparse.Namespace:
    usual = YearPlan()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.year", description=__doc__)
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--days", type=int, default=usual.days)
    parser.add_argument("--residents", type=int, default=usual.residents)
    parser.add_argument("--mistakes", type=float, default=usual.mistakes, help="share of presses that are no emergency")
    parser.add_argument("--parts", type=int, default=PARTS, help="1: the year in one piece, on one core")
    parser.add_argument("--part", type=int, help="only this one (1 is the first)")
    parser.add_argument("--until", type=int, help="to this step and no further (with --part)")
    return parser.parse_args()


def _days(days: int, parts: int, part: int) -> int:
    """Of this part; the first ones are the longer."""
    return days // parts + (part <= days % parts)


def play(asked: argparse.Namespace, part: int) -> Result:
    """One part. Its dice are its own, so that no part is a copy of another."""
    plan = replace(
        YearPlan(residents=asked.residents, mistakes=asked.mistakes),
        seed=asked.seed * 1_000 + part,
        days=_days(asked.days, asked.parts, part),
    )
    same = ("seed", "days", "residents", "mistakes", "parts")
    again = " ".join(f"--{name} {getattr(asked, name)}" for name in same)
    return result_of(year(plan, until=asked.until), part, again)


def main() -> int:
    asked = _asked()
    parts = [asked.part] if asked.part else list(range(1, asked.parts + 1))
    print(f"seed {asked.seed}: simulating {asked.days} days of {asked.residents} residents ...", flush=True)
    began = time.perf_counter()
    if len(parts) == 1:
        results = [play(asked, parts[0])]
    else:
        with ProcessPoolExecutor(len(parts)) as pool:
            results = list(pool.map(play, [asked] * len(parts), parts))
    print(table(results, time.perf_counter() - began))
    wrong = [breach(one) for one in results if one.promise]
    reached = asked.until is not None and not wrong
    print("\n\n".join(["", *wrong]) if wrong else "\nthe step is reached" if reached else "\neverything held")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
