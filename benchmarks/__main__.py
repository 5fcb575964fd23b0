"""`make bench`: SOS publish to WebSocket frame, next to the bare floor of the same run, the memory, and the ranking.

Bounded: about two minutes. `--quick` for a short look, `--database URL` for PostgreSQL.
"""

import argparse
import asyncio
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import ranking
from benchmarks.frames import Latencies, all_heard, watching
from benchmarks.subjects import HEARTBEATS_S, Subject, centre, floor, memory_mb
from simulators.connection import Broker
from simulators.load import LoadPlan, LoadResult, run_load

RATES = ((1, 15.0), (50, 10.0), (500, 6.0))  # presses a second, seconds
ROUNDS = 2
AIMS = {50: "aim <= 1.5x", 500: "aim <= 3x, p99 < 25 ms"}


async def measure(subject: Subject, rate: int, seconds: float, devices: Sequence[str]) -> Latencies:
    """One run at one rate, with the heartbeats of a whole city behind it."""
    async with watching(subject) as came:
        plan = LoadPlan(
            Broker("127.0.0.1", subject.mqtt_port), devices, presses_s=rate, seconds=seconds,
            heartbeats_s=HEARTBEATS_S, heartbeat_ids=subject.heartbeat_ids,
        )  # fmt: skip
        result: LoadResult = await run_load(plan)
        return await all_heard(result.published, came)


def row(name: str, rate: int, found: Latencies, base: float | None) -> None:
    ratio = f"{found.at(0.5) / base:5.2f}x" if base else "     -"
    lost = f"  MISSING {found.missing}" if found.missing else ""
    print(
        f"  {rate:>4}/s  {name:<6} n {len(found.values):>5}  p50 {found.at(0.5):7.2f} ms  p90 {found.at(0.9):7.2f}  "
        f"p99 {found.at(0.99):7.2f}  max {found.at(1):7.2f}  {ratio}  {AIMS.get(rate, '') if base else ''}{lost}",
        flush=True,
    )


async def compare(bare: Subject, whole: Subject, *, rounds: int, shorten: float) -> None:
    used = 0
    for rate, seconds in RATES:
        collected: dict[str, list[Latencies]] = {"floor": [], "centre": []}
        for _round in range(rounds):
            count = int(rate * seconds)
            devices = whole.press_ids[used : used + count]
            used += count
            collected["floor"].append(await measure(bare, rate, seconds * shorten, devices))
            collected["centre"].append(await measure(whole, rate, seconds * shorten, devices))
        merged = {
            name: Latencies([v for part in parts for v in part.values], sum(part.missing for part in parts))
            for name, parts in collected.items()
        }
        row("floor", rate, merged["floor"], None)
        row("centre", rate, merged["centre"], statistics.median(merged["floor"].values))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--database", default="", help="SQLAlchemy URL of an empty database; default SQLite")
    parser.add_argument("--devices", type=int, default=250_000)
    wanted = parser.parse_args()
    print(ranking.report())
    with tempfile.TemporaryDirectory(prefix="vnh-bench-") as scratch:
        bare = floor(Path(scratch) / "floor")
        whole = centre(Path(scratch) / "centre", wanted.database, wanted.devices)
        print(f"SOS publish to WebSocket frame, {HEARTBEATS_S} heartbeats/s behind,")
        print(f"{wanted.devices} devices registered, the ladder of unclaimed alerts far off")
        try:
            asyncio.run(compare(bare, whole, rounds=1 if wanted.quick else ROUNDS, shorten=0.4 if wanted.quick else 1))
            print(f"  memory  centre {memory_mb(whole.pid):.0f} MB (aim < 300), its broker {whole.broker_mb():.0f} MB")
            print("  where the time goes, per commit, from the centre's own metrics:")
            print(whole.commit_profile())
        finally:
            bare.stop()
            whole.stop()


if __name__ == "__main__":
    main()
