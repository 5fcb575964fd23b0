"""`make storm`: a hundred times the busy hour for a minute, and what it does to a press.

Presses at a hundred times the rate of a city's busy hour, stuck buttons, 40,000 bracelets that come back within the
minute, and ten times the heartbeats, all at once on one machine. What is thrown away is telemetry, and it is counted.
"""

import argparse
import asyncio
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.frames import Latencies, all_heard, watching
from benchmarks.subjects import HEARTBEATS_S, Subject, centre, memory_mb
from devices.events import topic
from simulators import wire
from simulators.connection import Broker
from simulators.load import LoadPlan, LoadResult, Login, run_load
from tests.processes import ROOT

BUSY_HOUR_S = 0.1  # calls a second in the busy hour of a city with 40,000 bracelets (field.md 3)
TIMES = 100
STUCK, STUCK_S = 25, 50.0  # buttons that are stuck, and their presses a second, all of them together
RETURNING = 40_000
HEARTBEATS_TIMES = 10
DEVICES = 60_000
STAYS_S = 5.0  # a bracelet that has come back keeps its connection for so long, for want of open files
AT_ONCE = 64  # new connections on their way at a time
AS_WRITTEN = (
    f"a storm of {{:g}} s: {BUSY_HOUR_S * TIMES:g} presses/s of people, {STUCK_S:g}/s of {STUCK} stuck buttons, "
    f"{RETURNING} bracelets coming back, {HEARTBEATS_S * HEARTBEATS_TIMES} heartbeats/s"
)
SHOWN = ("vnh_telemetry_merged_total", "vnh_telemetry_shed_total", "vnh_dead_letters_total")


@dataclass
class Returned:
    """How the bracelets' coming back went."""

    came: int = 0
    refused: int = 0
    waits_ms: list[float] = field(default_factory=list)


async def come_back(mqtt_port: int, devices: Sequence[str], seconds: float) -> Returned:
    """Each connects, says that it is online, beats once, stays a while and is gone: spread over the time."""
    found = Returned()
    slots, began, every = asyncio.Semaphore(AT_ONCE), time.perf_counter(), seconds / len(devices)
    async with asyncio.TaskGroup() as group:
        for number, device in enumerate(devices):
            await asyncio.sleep(max(0.0, began + number * every - time.perf_counter()))
            await slots.acquire()
            group.create_task(_come_back(mqtt_port, device, slots, found))
    return found


async def _come_back(mqtt_port: int, device: str, slots: asyncio.Semaphore, found: Returned) -> None:
    began = time.perf_counter()
    hello = wire.connect(device, username=device, password="storm")
    try:
        line = await wire.Line.open(("127.0.0.1", mqtt_port), hello, acknowledged=lambda _mid: None)
    except (OSError, TimeoutError):
        found.refused += 1
        return
    finally:
        slots.release()
    found.came += 1
    found.waits_ms.append((time.perf_counter() - began) * 1000)
    at = datetime.now(UTC).isoformat()
    line.write(
        wire.publish(topic(device, "state"), json.dumps({"v": 1, "online": True, "sess": 1}).encode(), packet_id=1)
    )
    line.write(wire.publish(topic(device, "up/status"), json.dumps({"v": 1, "at": at, "batt": 80}).encode()))
    await asyncio.sleep(STAYS_S)
    line.close()


@dataclass
class Memory:
    """The most that the centre, with all its children, and of these the broker, ever had; MB."""

    subject: Subject
    centre: float = 0.0
    children: float = 0.0

    async def watch(self) -> None:
        while True:
            self.centre = max(self.centre, memory_mb(self.subject.pid))
            self.children = max(self.children, self.subject.broker_mb())
            await asyncio.sleep(0.5)


def scraped(subject: Subject) -> dict[str, float]:
    with urllib.request.urlopen(f"{subject.http}/metrics", timeout=20) as answer:
        text = answer.read().decode()
    found = re.findall(r"^(vnh_\w+)(?:\{[^}]*\})? ([0-9.e+-]+)$", text, re.M)
    sums: dict[str, float] = {}
    for name, value in found:
        sums[name] = sums.get(name, 0.0) + float(value)
    return sums


def heartbeats(subject: Subject, seconds: float) -> subprocess.Popen[bytes]:
    """In a process of its own: it must not slow down the presses that are measured."""
    command = [sys.executable, "-m", "simulators", "load", "--mqtt", f"mqtt://127.0.0.1:{subject.mqtt_port}",
               "--presses", "0", "--heartbeats", str(HEARTBEATS_S * HEARTBEATS_TIMES), "--seconds", str(seconds),
               "--devices", "9999", "--client-id", "storm"]  # fmt: skip
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)


def bracelets(subject: Subject, seconds: float) -> subprocess.Popen[bytes]:
    """In a process of their own too; it says how it went as JSON."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.storm",
        "--seconds",
        str(seconds),
        "--return-to",
        str(subject.mqtt_port),
    ]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)


async def _a_little_later(plan: LoadPlan) -> LoadResult:
    """A load names its messages after the millisecond in which it began."""
    await asyncio.sleep(0.02)
    return await run_load(plan)


async def storm(subject: Subject, seconds: float) -> bool:
    stuck_plan = LoadPlan(
        Broker("127.0.0.1", subject.mqtt_port), subject.press_ids[:STUCK],
        presses_s=STUCK_S, seconds=seconds, connections=1, login=Login("stuck"),
    )  # fmt: skip
    before, memory = scraped(subject), Memory(subject)
    broker = Broker("127.0.0.1", subject.mqtt_port)
    pressing = subject.press_ids[STUCK : STUCK + int(BUSY_HOUR_S * TIMES * seconds) + 1]
    async with watching(subject) as came:
        watch = asyncio.create_task(memory.watch())
        beating, returning = heartbeats(subject, seconds), bracelets(subject, seconds)
        results = await asyncio.gather(
            run_load(LoadPlan(broker, pressing, presses_s=BUSY_HOUR_S * TIMES, seconds=seconds)),
            _a_little_later(stuck_plan),
        )
        fresh = await all_heard(results[0].published, came, 20)
        stuck = await all_heard(results[1].published, came, 20)
        said, _ = await asyncio.to_thread(returning.communicate)  # frames go on being read meanwhile
        await asyncio.to_thread(beating.wait)
        watch.cancel()
        returned = Returned(**json.loads(said))
    return report(fresh, stuck, returned, memory, {k: v - before.get(k, 0.0) for k, v in scraped(subject).items()})


def report(fresh: Latencies, stuck: Latencies, returned: Returned, memory: Memory, counted: dict[str, float]) -> bool:
    def line(says: str, value: str) -> None:
        print(f"  {says:<44} {value}")

    for says, found in (("presses of people", fresh), ("presses of stuck buttons", stuck)):
        line(says, f"{len(found.values)} shown, {found.missing} missing; p50 {found.at(0.5):.0f} ms, "
                   f"p99 {found.at(0.99):.0f} ms, max {found.at(1):.0f} ms")  # fmt: skip
    waits = Latencies(returned.waits_ms, returned.refused)
    line("bracelets that came back", f"{returned.came}, {returned.refused} not let in; p50 {waits.at(0.5):.0f} ms, "
                                     f"p99 {waits.at(0.99):.0f} ms")  # fmt: skip
    line("alarms stored", f"{counted.get('vnh_alarms_received_total', 0):.0f}")
    line("messages heard", f"{counted.get('vnh_mqtt_messages_total', 0):.0f}")
    for name in SHOWN:
        line(name, f"{counted.get(name, 0):.0f}")
    line("memory", f"centre {memory.centre:.0f} MB at most, its children {memory.children:.0f} MB")
    held = not fresh.missing and not stuck.missing and fresh.at(0.99) < 1000
    print("  every press was shown, p99 below 1 s" if held else "  NOT HELD: every press shown, p99 below 1 s")
    return held


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storm", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--database", default="", help="SQLAlchemy URL of an empty database; default SQLite")
    parser.add_argument("--return-to", type=int, default=0, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.return_to:
        returning = [f"bracelet-{n:06}" for n in range(DEVICES, DEVICES + RETURNING)]
        print(json.dumps(asdict(asyncio.run(come_back(wanted.return_to, returning, wanted.seconds)))))
        return 0
    with tempfile.TemporaryDirectory(prefix="vnh-storm-") as scratch:
        subject = centre(Path(scratch) / "centre", wanted.database, 2 * DEVICES)
        try:
            print(AS_WRITTEN.format(wanted.seconds))
            return 0 if asyncio.run(storm(subject, wanted.seconds)) else 1
        finally:
            subject.stop()


if __name__ == "__main__":
    sys.exit(main())
