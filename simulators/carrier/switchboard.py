"""The life of every leg: waiting for a line, ringing, talking, ending, and what is told about it."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import structlog

from simulators.carrier.callees import Callee
from simulators.carrier.legs import Direction, HangUp, Leg, Order, Tape, Terms
from simulators.carrier.pace import first_of
from simulators.carrier.rooms import NOT_CONNECTED, Room
from simulators.carrier.talk import HungUp, Talk
from simulators.carrier.wires import Wires

log = structlog.get_logger()
TOLD_AS = {"initiated": "initiated", "ringing": "ringing", "answered": "in-progress"}
BUSY_AFTER_S = 1.0
SETTLING = 20  # rounds of the loop: a leg is taken out of a document, a verb and a room


class Switchboard:
    """Places legs and lets them live. `callees` says who sits at which number; others are the default."""

    def __init__(self, wires: Wires, default: Callee) -> None:
        self.wires = wires
        self.default = default
        self.callees: dict[str, Callee] = {}
        self.legs: dict[str, Leg] = {}
        self.warnings: list[dict[str, Any]] = []
        self._free_at: datetime | None = None
        self._busy: set[asyncio.Task[None]] = set()
        wires.rooms.on_end = self._keep_room
        wires.rooms.on_drop = lambda leg: self.order(leg, HangUp("canceled"))

    async def stop(self) -> None:
        for task in self._busy:
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)

    def in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._busy.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._busy.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("carrier_broke", exc_info=error)

    def callee_at(self, number: str) -> Callee:
        return self.callees.get(number, self.default)

    def warn(self, leg: Leg | None, code: int, why: str) -> None:
        sid = leg.sid if leg else ""
        self.warnings.append({"code": code, "why": why, "call_sid": sid, "at": self.wires.pace.now().isoformat()})

    # --- placing and ordering

    def place(
        self, to: str, from_: str, terms: Terms, *, direction: Direction = "outbound-api", callee: Callee | None = None
    ) -> Leg:
        sid = self.wires.sids.make("CA")
        leg = Leg(sid, to, from_, direction, callee or self.callee_at(to), terms, self.wires.pace.now())
        self.legs[sid] = leg
        if direction != "outbound-api":
            leg.released.set()
        self.in_background(self._live(leg))
        return leg

    async def settle(self) -> None:
        """Let what was ordered happen, as far as it needs no time, so that the answer shows it."""
        for _ in range(SETTLING):
            await asyncio.sleep(0)

    def order(self, leg: Leg, order: Order) -> None:
        if leg.over or (isinstance(order, HangUp) and order.status == "canceled" and leg.answered_at):
            return
        leg.leaving = order.reason if isinstance(order, HangUp) else "participant_updated_via_api"
        leg.orders.put_nowait(order)

    # --- the life of a leg

    async def _live(self, leg: Leg) -> None:
        await leg.released.wait()
        status = "failed"
        try:
            connect = self._be_called if leg.direction == "inbound" else self._call
            status = await self._unless_told(leg, connect(leg)) or await self._converse(leg)
        finally:
            self._end(leg, status)

    async def _unless_told(self, leg: Leg, work: Coroutine[Any, Any, str | None]) -> str | None:
        """What the work says, or the status that an order to hang up leaves behind; None: the leg goes on."""
        which, result = await first_of(leg.orders.get(), work)
        if which == 1:
            return None if result is None else str(result)
        if isinstance(result, HangUp):
            leg.sip = leg.sip or 487
            return "completed" if leg.answered_at else "canceled"
        leg.terms = replace(leg.terms, script=result.script)
        return None

    async def _call(self, leg: Leg) -> str | None:
        """None when somebody answers, else the final status."""
        await self._line(leg)
        leg.started_at = self.wires.pace.now()
        self._report(leg, "initiated")
        nature, callee = leg.callee.nature, leg.callee
        if not nature.rings:
            await self.wires.pace.sleep(BUSY_AFTER_S)
            leg.sip = nature.sip
            return nature.unanswered
        leg.status = "ringing"
        self._report(leg, "ringing")
        patience = leg.terms.ring_s + self.wires.network.ring_extra_s
        if callee.does == "ignore" or callee.rings_s > patience:
            await self.wires.pace.sleep(patience)
            leg.sip = 487
            return "no-answer"
        await self.wires.pace.sleep(callee.rings_s)
        leg.sip = nature.sip
        if nature.unanswered:
            return nature.unanswered
        self.answer(leg)
        return None

    async def _be_called(self, leg: Leg) -> None:
        leg.status, leg.started_at = "ringing", leg.placed_at

    async def _line(self, leg: Leg) -> None:
        """The account's calls a second, and the network's own time."""
        pace, network = self.wires.pace, self.wires.network
        now = pace.now()
        free_at = max(now, self._free_at or now)
        self._free_at = free_at + timedelta(seconds=1 / network.calls_per_s)
        draw = Random(f"{self.wires.seed}/queue/{leg.sid}").uniform(*network.queue_s)
        await pace.sleep((free_at - now).total_seconds() + draw)

    def answer(self, leg: Leg) -> None:
        if leg.answered_at is None:
            leg.status, leg.answered_at = "in-progress", self.wires.pace.now()
            leg.settled.set()
            self._report(leg, "answered")

    async def _converse(self, leg: Leg) -> str:
        detection = leg.terms.detection
        if detection:
            if detection.hook is None:
                await self._detect(leg)
            else:
                self.in_background(self._detect(leg))
        while (status := await self._unless_told(leg, self._talk(leg))) is None:
            pass  # another document replaces the one that was played
        return status

    async def _talk(self, leg: Leg) -> str:
        leaves = leg.callee.leaves_after_s
        began = leg.answered_at or leg.placed_at
        gone = (self.wires.pace.now() - began).total_seconds()
        patience = min(leg.terms.limit_s, leg.terms.limit_s if leaves is None else leaves)
        which, result = await first_of(self._play(leg), self.wires.pace.sleep(patience - gone))
        if which == 0:
            return str(result)
        return "completed" if leg.answered_at else "no-answer"

    async def _play(self, leg: Leg) -> str:
        try:
            if leg.terms.script:
                await Talk(leg, self).run(leg.terms.script)
            if leg.terms.parent_sid:
                await asyncio.Event().wait()  # connected, until either side hangs up
        except HungUp as hung_up:
            return hung_up.status
        return "completed"

    async def _detect(self, leg: Leg) -> None:
        network, hook = self.wires.network, leg.terms.detection and leg.terms.detection.hook
        await self.wires.pace.sleep(network.amd_s)
        if leg.over:
            return
        leg.answered_by = leg.callee.heard_as
        if hook:
            params = {
                "CallSid": leg.sid,
                "AccountSid": self.wires.account.sid,
                "AnsweredBy": leg.answered_by,
                "MachineDetectionDuration": str(round(network.amd_s * 1000)),
            }
            self.wires.webhooks.tell(f"amd/{leg.sid}", hook, params, last=True)

    def _end(self, leg: Leg, status: str) -> None:
        leg.ended_at = self.wires.pace.now()
        leg.status = status
        for room in list(self.wires.rooms.all.values()):
            if seat := room.seats.get(leg.sid):
                self.wires.rooms.leave(room, seat, NOT_CONNECTED)
        leg.settled.set()
        leg.ended.set()
        self._report(leg, "completed")
        if leg.terms.tape:
            self._keep(leg.terms.tape, leg.answered_at, call_sid=leg.sid)

    def _keep_room(self, room: Room) -> None:
        if room.terms.tape:
            self._keep(room.terms.tape, room.started_at, conference_sid=room.sid)

    def _keep(self, tape: Tape, since: datetime | None, *, call_sid: str = "", conference_sid: str = "") -> None:
        recordings = self.wires.recordings
        made = recordings.begin(tape, since, call_sid=call_sid, conference_sid=conference_sid)
        self.in_background(recordings.finish(made))

    # --- what is told

    def _report(self, leg: Leg, event: str) -> None:
        leg.told += 1
        reports = leg.terms.reports
        if reports.hook is None or event not in reports.events:
            return
        last = event == "completed"
        params = leg.params(self.wires.account.sid) | {
            "CallStatus": TOLD_AS.get(event, leg.status),
            "Timestamp": self.wires.pace.stamp(),
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(leg.sequence),
        }
        if last:
            params |= {"CallDuration": str(leg.talk_s), "Duration": str(-(-leg.talk_s // 60))}
            params |= {"SipResponseCode": str(leg.sip)} if leg.sip else {}
            params |= {"AnsweredBy": leg.answered_by} if leg.answered_by else {}
        leg.sequence += 1
        self.wires.webhooks.tell(leg.sid, reports.hook, params, last=last)
