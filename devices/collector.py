"""Heartbeats and vitals are heard in a process of their own, so that 833 a second never take a turn from a press.

The collector (a child, `python -m devices.collector`) listens, merges and answers when it is asked; the centre asks
once a second. Both speak JSON, a line each: first the centre says where the broker is, then each line is a question.
Whoever does not ask is not flooded: the collector merges on, and sheds what is too much.
"""

import asyncio
import base64
import contextlib
import json
import logging
import signal
import sys
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from callcenter.clock import SystemClock
from devices.children import die_with_parent
from devices.decoders import decode
from devices.events import Telemetry, Unreadable
from devices.mqtt import Address, Lane, Message
from devices.telemetry import Counts, Gathered, LastHeard

logger = logging.getLogger("collector")

ASK_S = 1.0
START_S = 30.0
ANSWER_S = 10.0  # one that hangs longer is replaced
RESTART_S = 1.0
MOST_LATEST = 1_000  # in one answer, so that reading it never keeps a press waiting
MOST_UNREADABLE = 100  # held; more than that is shed
LONGEST_RAW = 1 << 20  # of what nobody can read this much is kept
LONGEST_LINE = 1 << 22


@dataclass(frozen=True, slots=True)
class Report:
    """What was heard since the last one, or its beginning: then there is `more`."""

    connected: bool
    more: bool
    counts: Counts
    latest: Sequence[LastHeard]
    unreadable: Unreadable | None

    def line(self) -> bytes:
        counts, bad = self.counts, self.unreadable
        said = {
            "connected": self.connected,
            "more": self.more,
            "counts": [counts.heard, counts.merged, counts.shed],
            "latest": [(one.device, one.seen_at.isoformat(), one.battery, one.next_s) for one in self.latest],
            "unreadable": bad and _told(bad),
        }
        return json.dumps(said).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> "Report":
        """Raises ValueError."""
        said = json.loads(line)
        heard, merged, shed = said["counts"]
        return cls(
            said["connected"],
            said["more"],
            Counts(Counter(heard), merged, shed),
            [LastHeard(d, datetime.fromisoformat(at), batt, next_s) for d, at, batt, next_s in said["latest"]],
            _unreadable(said["unreadable"]),
        )


def _told(bad: Unreadable) -> Sequence[str | None]:
    raw = base64.b64encode(bad.raw[:LONGEST_RAW]).decode()
    return bad.device, bad.leaf, bad.msg, bad.reason, raw, bad.received_at.isoformat()


def _unreadable(said: Sequence[Any] | None) -> Unreadable | None:
    if said is None:
        return None
    device, leaf, msg, reason, raw, at = said
    return Unreadable(device, leaf, msg, reason, base64.b64decode(raw), datetime.fromisoformat(at))


# -- the child


class _Ear:
    """Listens, and answers what it has heard."""

    def __init__(self, *, brokers: Sequence[str], identifier: str, topics: Mapping[str, int]) -> None:
        self._gathered = Gathered()
        self._unreadable: deque[Unreadable] = deque()
        self._clock = SystemClock()
        self._lane = Lane(
            [Address.parse(url) for url in brokers],
            identifier=identifier,
            topics=dict(topics),
            receive=self._receive,
            clean=True,
            sleep=self._clock.sleep,
        )

    async def run(self) -> None:
        await self._lane.run()

    def _receive(self, message: Message) -> None:
        event = decode(message.topic, message.payload, self._clock.now(), retained=message.retained)
        if isinstance(event, Telemetry):
            self._gathered.hear(event)
        elif isinstance(event, Unreadable) and len(self._unreadable) < MOST_UNREADABLE:
            self._unreadable.append(event)
        else:
            self._gathered.shed()

    def report(self) -> Report:
        latest = self._gathered.take(MOST_LATEST)
        bad = self._unreadable.popleft() if self._unreadable else None
        more = bool(len(self._gathered) or self._unreadable)
        return Report(self._lane.connected, more, self._gathered.take_counts(), latest, bad)


async def _answer_for_ever() -> None:
    """Until nobody can ask any more."""
    asked = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(asked), sys.stdin)
    ear = _Ear(**json.loads(await asked.readline()))
    listening = asyncio.create_task(ear.run())
    while await asked.readline() and not listening.done():
        sys.stdout.buffer.write(ear.report().line())
        sys.stdout.buffer.flush()
    listening.cancel()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the centre, which then asks no more
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s %(message)s")
    asyncio.run(_answer_for_ever())


# -- the centre's side


class Collector:
    """The child, started again whenever it ends, and asked once a second."""

    def __init__(
        self,
        *,
        brokers: Sequence[str],
        identifier: str,
        topics: Mapping[str, int],
        take: Callable[[Report], None],
        on_change: Callable[[bool], None],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._setting = (
            json.dumps({"brokers": brokers, "identifier": identifier, "topics": dict(topics)}).encode() + b"\n"
        )
        self._take = take
        self._on_change = on_change
        self._sleep = sleep

    async def run(self) -> None:
        while True:
            try:
                await self._life()
            except (OSError, ValueError, EOFError) as error:
                logger.error("heartbeats are not heard: %r", error)
            self._on_change(False)
            await self._sleep(RESTART_S)

    async def _life(self) -> None:
        """One child, from its start to its end."""
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "devices.collector",
            stdin=pipe, stdout=pipe, limit=LONGEST_LINE, preexec_fn=die_with_parent, start_new_session=True,
        )  # fmt: skip
        assert child.stdin
        assert child.stdout
        try:
            child.stdin.write(self._setting)
            within = START_S
            while True:
                async with asyncio.timeout(within):  # wait_for of Python 3.11 may swallow a cancellation
                    report = await _ask(child.stdin, child.stdout)
                within = ANSWER_S
                self._on_change(report.connected)
                self._take(report)
                if not report.more:
                    await self._sleep(ASK_S)
        finally:
            await _end(child)


async def _ask(questions: asyncio.StreamWriter, answers: asyncio.StreamReader) -> Report:
    questions.write(b"\n")
    line = await answers.readline()
    if not line:
        raise EOFError("the collector has ended")
    return Report.read(line)


async def _end(child: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.kill()  # it holds nothing that is worth waiting for
    await child.wait()


if __name__ == "__main__":
    main()
