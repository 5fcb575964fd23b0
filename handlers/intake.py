"""The door: every input enters here, is decided in order, and is answered after the commit that stores it.

One writer thread takes whatever has arrived while the last commit ran, decides each input, commits once,
and answers all of them (design.md 1, docs/adr/0001). If a group fails, its members are tried one by one.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import structlog

from callcenter import metrics
from callcenter.clock import Clock
from callcenter.ports import Committed, MaybeStored, NotStored
from callcenter.storage.unit import Unit
from callcenter.storage.unit_values import Needs
from callcenter.storage.writer import Unavailable, Unsure

log = structlog.get_logger()

LARGEST_GROUP = 256  # committed together at most: the first of a storm need not wait for the last
OTHERS = LARGEST_GROUP // 2  # of them at most what does not come in storms, while what does waits
STOP_S = 2.5  # what a hanging database may cost when the service stops
STUCK_AFTER_S = 3.0  # a commit that takes longer than this means that alarms are not being stored


@dataclass(frozen=True, slots=True)
class Handler:
    """How one type of input is decided, inside the unit.

    `needs` lets a group be read in one go. `salvage` gives the smallest form of an input that the database
    would not take: an SOS must not be lost because of what came with it. A `withdrawable` input is not decided
    any more once whoever asked has given up: a click must not act minutes later. Of what comes `in_storms` thousands
    may wait: deadlines and people do not wait behind them. One that `repeats` what waits with the same `key` has the
    same answer, and is not decided once more.
    """

    apply: Callable[[Unit, Any], Any]
    needs: Callable[[Any], Needs] = lambda _input: Needs()
    salvage: Callable[[Any], Any | None] = lambda _input: None
    withdrawable: bool = False
    in_storms: bool = False
    key: Callable[[Any], Hashable | None] = lambda _input: None
    repeats: Callable[[Any], bool] = lambda _input: False


# A write that no rule decides (telemetry, finished effects): runs alone, after what is urgent.
Job = Callable[[Any], Any]


class UnitSource(Protocol):
    def unit(self, now: datetime) -> AbstractContextManager[Unit]: ...
    def transaction(self) -> AbstractContextManager[Any]: ...
    def close(self) -> None: ...


@dataclass(slots=True)
class _Waiting:
    what: Any
    future: asyncio.Future[Any]
    key: Hashable | None = None
    repeats: list[asyncio.Future[Any]] = field(default_factory=list)
    result: Any = None
    error: BaseException | None = None


@dataclass(slots=True)
class _Queues:
    """Shared between the event loop and the writer; every access holds the condition."""

    ready: threading.Condition = field(default_factory=threading.Condition)
    storm: deque[_Waiting] = field(default_factory=deque)
    urgent: deque[_Waiting] = field(default_factory=deque)
    later: deque[_Waiting] = field(default_factory=deque)
    by_key: dict[Hashable, _Waiting] = field(default_factory=dict)  # what repeats of it are answered with
    closing: bool = False

    def __len__(self) -> int:
        return len(self.urgent) + len(self.storm) + len(self.later)

    def next_group(self) -> list[_Waiting]:
        """Presses come last: one that waits while its alert is ended opens another, and is not ended unseen."""
        others = min(len(self.urgent), max(OTHERS, LARGEST_GROUP - len(self.storm)))
        presses = min(len(self.storm), LARGEST_GROUP - others)
        group = [self.urgent.popleft() for _ in range(others)] + [self.storm.popleft() for _ in range(presses)]
        for one in group:
            if self.by_key.get(one.key) is one:
                del self.by_key[one.key]
        return group


class Door:
    """`await door.submit(input)` answers with the handler's result once it is stored; raises NotStored."""

    def __init__(self, writer: UnitSource, handlers: Mapping[type, Handler], clock: Clock) -> None:
        self._writer = writer
        self._handlers = handlers
        self._clock = clock
        self._queues = _Queues()
        self._listeners: list[Callable[[Committed], None]] = []
        self._busy_since: float | None = None
        self._failing = False
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    # -- the event loop's side

    def listen(self, listener: Callable[[Committed], None]) -> None:
        """`listener` is called on the event loop after each commit, in commit order."""
        self._listeners.append(listener)

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="door", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Finish what has been submitted, then end the writer."""
        with self._queues.ready:
            self._queues.closing = True
            self._queues.ready.notify()
        if self._thread:
            await asyncio.to_thread(self._thread.join, STOP_S)

    @property
    def storing(self) -> bool:
        """Whether alarms can be stored: the last write went well and none hangs."""
        busy = self._busy_since
        return not self._failing and (busy is None or self._clock.monotonic() - busy < STUCK_AFTER_S)

    def submit(self, what: Any) -> asyncio.Future[Any]:  # noqa: ANN401
        """Put an input (of a type that has a handler) into its queue, in the order of the calls."""
        handler = self._handlers.get(type(what))
        if handler is None:
            raise TypeError(f"no handler for {type(what).__name__}")
        queue = self._queues.storm if handler.in_storms else self._queues.urgent
        return self._enqueue(queue, what, handler.key(what), repeats=handler.repeats(what))

    def later(self, job: Job) -> asyncio.Future[Any]:
        """Have `job(connection)` run in a transaction of its own when nothing urgent waits."""
        return self._enqueue(self._queues.later, job)

    def _enqueue(
        self,
        queue: deque[_Waiting],
        what: Any,  # noqa: ANN401
        key: Hashable | None = None,
        *,
        repeats: bool = False,
    ) -> asyncio.Future[Any]:
        """A thousand repeats of what waits must not wait before the press of somebody else."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        with self._queues.ready:
            first = self._queues.by_key.get(key) if repeats else None
            if self._queues.closing:
                future.set_exception(NotStored("the service is stopping"))
            elif first:
                first.repeats.append(future)
                metrics.signals_repeated.inc()
            else:
                one = _Waiting(what, future, key)
                queue.append(one)
                if key is not None:
                    self._queues.by_key[key] = one
                self._queues.ready.notify()
        return future

    def _deliver(self, group: Sequence[_Waiting], committed: Sequence[Committed]) -> None:
        for one in committed:
            for listener in self._listeners:
                listener(one)
        for waiting in group:
            for future in (waiting.future, *waiting.repeats):
                if future.done():
                    continue  # whoever asked has gone; it is stored all the same
                if waiting.error:
                    future.set_exception(waiting.error)
                else:
                    future.set_result(waiting.result)

    # -- the writer's side

    def _run(self) -> None:
        while True:
            with self._queues.ready:
                while not (self._queues or self._queues.closing):
                    self._queues.ready.wait()
                if self._queues.closing and (not self._queues or self._failing):
                    break
                group = [one for one in self._queues.next_group() if not self._withdrawn(one)]
                job = self._queues.later.popleft() if self._queues.later else None
                metrics.door_waiting.set(len(self._queues))
            if group:
                self._hand_back(group, self._settle(group))
            if job:
                self._do_later(job)
                self._hand_back([job], [])
        waiting = [*self._queues.urgent, *self._queues.storm, *self._queues.later]
        self._fail(waiting, Unavailable("the service is stopping"))
        self._hand_back(waiting, [])
        self._writer.close()

    def _withdrawn(self, one: _Waiting) -> bool:
        handler = self._handlers.get(type(one.what))
        return handler is not None and handler.withdrawable and one.future.cancelled()

    def _hand_back(self, group: Sequence[_Waiting], committed: Sequence[Committed]) -> None:
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self._deliver, group, committed)
        except RuntimeError:  # the loop has ended: nobody is left to answer
            log.warning("door.nobody_to_answer", inputs=len(group))

    def _settle(self, group: Sequence[_Waiting]) -> list[Committed]:
        """Decide and commit the group; one by one if that fails, so that a bad input harms only itself."""
        try:
            return [self._commit(group)]
        except Unavailable as error:
            self._fail(group, error)
            return []
        except Exception as error:
            log.warning("door.group_failed", inputs=len(group), error=repr(error))
        committed: list[Committed] = []
        for position, one in enumerate(group):
            try:
                committed.append(self._commit_alone(one))
            except Unavailable as error:
                self._fail(group[position:], error)
                break
        return committed

    def _commit_alone(self, one: _Waiting) -> Committed:
        try:
            return self._commit([one])
        except Unavailable:
            raise
        except Exception as error:
            log.exception("door.input_failed", input=type(one.what).__name__)
            metrics.commit_failures.inc()
            smaller = self._handlers[type(one.what)].salvage(one.what)
            if smaller is None:
                one.error = error
                return Committed([], [], earliest_timer=None)
            one.what = smaller
            return self._commit_alone(one)

    def _commit(self, group: Sequence[_Waiting]) -> Committed:
        started = self._busy_since = self._clock.monotonic()
        try:
            with self._writer.unit(self._clock.now()) as unit:
                unit.now = self._clock.now()  # other processes had their turn first: times follow the numbers
                unit.prefetch(self._handlers[type(one.what)].needs(one.what) for one in group)
                for one in group:
                    one.result = self._handlers[type(one.what)].apply(unit, one.what)
        finally:
            self._busy_since = None
        self._went_well()
        metrics.commit.observe(self._clock.monotonic() - started)
        metrics.group_inputs.observe(len(group))
        for increment in unit.counts:
            increment()
        return Committed(unit.entries, unit.effects, earliest_timer=unit.earliest_timer)

    def _do_later(self, job: _Waiting) -> None:
        self._busy_since = self._clock.monotonic()
        try:
            with self._writer.transaction() as connection:
                job.result = job.what(connection)
            self._went_well()
        except Unavailable as error:
            self._fail([job], error)
        except Exception as error:
            log.exception("door.job_failed")
            job.error = error
        finally:
            self._busy_since = None

    def _went_well(self) -> None:
        if self._failing:
            log.warning("door.storing_again")
        self._failing = False
        metrics.storing.set(1)

    def _fail(self, group: Sequence[_Waiting], error: Unavailable) -> None:
        if not group:
            return
        if not self._failing:
            log.error("door.not_storing", error=str(error)[:300], do=error.advice)
        self._failing = True
        metrics.storing.set(0)
        metrics.commit_failures.inc()
        kind = MaybeStored if isinstance(error, Unsure) else NotStored
        for one in group:
            one.error = kind(str(error))
