"""What one part of a year came to, as plain values that go from process to process."""

from collections import Counter
from dataclasses import dataclass

from benchmarks.year.store import Line
from benchmarks.year.year import Year


@dataclass(frozen=True, slots=True)
class Result:
    seed: int
    part: int
    again: str  # the arguments that lead to the same step
    steps: int
    commits: int
    lines: int
    hash: str
    alerts: int
    presses: int
    calls: int
    deadlines: int
    effects_done: int
    checks: int
    busy_s: float
    inputs: Counter[str]
    effects: Counter[str]
    faults: Counter[str]
    ended: Counter[str]
    at: str
    promise: str = ""  # what did not hold; empty: everything did
    says: str = ""
    alert: str | None = None
    history: tuple[str, ...] = ()


def told(line: Line) -> str:
    """One line of the timeline for a reader."""
    alert = line.after
    stands = ""
    if alert is not None:
        goes = f", {alert.responder} goes" if alert.responder else ""
        stands = f"{alert.state} v{alert.version} of {alert.owner.id if alert.owner else 'nobody'}{goes}"
    data = {name: value for name, value in line.data.items() if value not in ("", None)}
    return f"{line.n:>8} {line.at:%m-%d %H:%M:%S.%f} {line.rule:<22} {line.actor:<34} {stands:<44} {data}"


def result_of(year: Year, part: int, arguments: str) -> Result:
    breach = year.breach
    concerned = breach.alert if breach else None
    return Result(
        seed=year.plan.seed,
        part=part,
        again=f"{arguments} --part {part} --until {year.steps}",
        steps=year.steps,
        commits=year.centre.commits,
        lines=year.store.n,
        hash=year.hash,
        alerts=len(year.store.alerts),
        presses=year.watch.presses,
        calls=year.watch.calls,
        deadlines=year.centre.inputs["TimerFired"] + year.centre.inputs["CallTimerFired"],
        effects_done=sum(year.centre.effects.values()),
        checks=year.watch.checks,
        busy_s=year.busy_s,
        inputs=year.centre.inputs,
        effects=year.centre.effects,
        faults=year.faults.counts,
        ended=year.watch.ended,
        at=f"{year.clock.time:%Y-%m-%d %H:%M:%S}",
        promise=breach.promise if breach else "",
        says=breach.says if breach else "",
        alert=concerned,
        history=tuple(told(line) for line in year.lines_of(concerned)),
    )
