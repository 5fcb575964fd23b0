"""`make chaos`: break a deployment of many processes for minutes, and say what was lost, doubled or late."""

import argparse
import random
import sys
from pathlib import Path

from tests.chaos.actor import BUILDS
from tests.chaos.faults import FAULTS
from tests.chaos.run import Outcome, Plan, run
from tests.chaos.verdict import by_class


def report(outcome: Outcome) -> str:
    faults = "\n".join(f"  {name:<52} {count:>10}" for name, count in outcome.faults.most_common())
    lines = [f"seed {outcome.plan.seed}, {sum(outcome.faults.values())} faults in {outcome.plan.minutes:g} minutes:"]
    lines += [faults, "over", outcome.figures.table() if outcome.figures else ""]
    lines += [", ".join(f"{name} {count}" for name, count in by_class(outcome.wrong).items())]
    lines += [f"{len(outcome.wrong)} violations", *(f"  {wrong}" for wrong in outcome.wrong)]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="the dice of a run")
    parser.add_argument("--every", type=float, default=1.7, help="mean seconds between two faults")
    parser.add_argument("--build", choices=sorted(BUILDS), default="", help="a mistake to build in, to see it caught")
    parser.add_argument("--only", action="append", default=[], choices=[fault.name for fault in FAULTS])
    parser.add_argument("--keep", type=Path, metavar="DIRECTORY", help="leave the logs of all parts there")
    wanted = parser.parse_args()
    plan = Plan(
        wanted.seed, wanted.minutes, wanted.every, build=wanted.build, only=tuple(wanted.only), keep=wanted.keep
    )
    outcome = run(plan, lambda line: print(line, flush=True))
    print(report(outcome))
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
