"""A year as a table; and of a breach all that is needed to look at it again."""

from collections import Counter
from collections.abc import Iterable, Sequence

from benchmarks.year.result import Result

SHOWN = 40  # lines of the alert's history


def _listed(counts: Counter[str], most: int = 30) -> str:
    found = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:most]
    return ", ".join(f"{what} {number:,}" for what, number in found) or "none"


def _row(name: str, says: str) -> str:
    return f"{name:<12}{says}"


def table(results: Sequence[Result], wall_s: float) -> str:
    """Of all parts of the year together."""

    def total(name: str) -> int:
        return sum(int(getattr(one, name)) for one in results)

    def all_of(name: str) -> Counter[str]:
        return sum((getattr(one, name) for one in results), Counter[str]())

    busy = sum(one.busy_s for one in results)
    rows = (
        ("steps", f"{total('steps'):,} ({total('steps') / busy:,.0f} a second of one core)"),
        ("commits", f"{total('commits'):,}: {_listed(all_of('inputs'))}"),
        ("alerts", f"{total('alerts'):,}, {total('presses'):,} presses; ended: {_listed(all_of('ended'))}"),
        ("timeline", f"{total('lines'):,} lines, hash {' '.join(one.hash for one in results)}"),
        ("calls", f"{total('calls'):,}"),
        ("effects", f"{total('effects_done'):,}: {_listed(all_of('effects'))}"),
        ("deadlines", f"{total('deadlines'):,} fired"),
        ("faults", _listed(all_of("faults"))),
        ("checks", f"{total('checks'):,}"),
        ("time", f"{busy:.1f} s of processor time in {len(results)} processes, {wall_s:.1f} s on the wall"),
    )
    return "\n".join(_row(*one) for one in rows)


def breach(result: Result) -> str:
    """What did not hold, the history of its alert, and how to come back to it."""
    lines = [
        f"DID NOT HOLD: {result.promise}",
        f"  {result.says}",
        f"  seed {result.seed}, part {result.part}, step {result.steps}, at {result.at}, alert {result.alert or '-'}",
        *_history(result.history),
        f'look at it again: make year ARGS="{result.again}"',
    ]
    return "\n".join(lines)


def _history(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in list(lines)[-SHOWN:]]
