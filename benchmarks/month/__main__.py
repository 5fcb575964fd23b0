"""`make month`: a month of a town of 2,000 residents in virtual time, its table, and what did not hold."""

import argparse
import sys

from benchmarks.month.month import month
from benchmarks.month.plan import Plan
from benchmarks.month.report import failures, table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.month", description=__doc__)
    usual = Plan()
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--days", type=int, default=usual.days)
    parser.add_argument("--residents", type=int, default=usual.residents)
    wanted = parser.parse_args()
    plan = Plan(seed=wanted.seed, days=wanted.days, residents=wanted.residents)
    print(f"seed {plan.seed}: simulating {plan.days} days of {plan.residents} residents ...", flush=True)
    with month(plan) as found:
        print(table(found))
        wrong = failures(found)
    print(f"\n{wrong}" if wrong else "\neverything held")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
