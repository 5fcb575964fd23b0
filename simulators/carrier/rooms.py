"""Rooms: who is in one, what is told about it, and how it ends."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulators.carrier.account import Account, Sids
from simulators.carrier.legs import Leg, Reports, Tape
from simulators.carrier.pace import Pace
from simulators.carrier.webhooks import Webhooks

LEFT, KICKED = "participant_hung_up", "participant_removed_via_api"
ENDED_BY_API, ENDED_BY_LEAVER = "conference_ended_via_api", "participant_with_end_conference_on_exit_left"
NOT_CONNECTED = "participant_not_connected"
# Why a room ended, by how it lost somebody it depends on, and by how it lost its last one.
ENDED_WITH = {KICKED: "participant-with-end-conference-on-exit-kicked"}
EMPTIED_BY = {KICKED: "last-participant-kicked"}
EVENTS = {  # what is told -> the word one subscribes to
    "conference-start": "start",
    "conference-end": "end",
    "participant-join": "join",
    "participant-leave": "leave",
    "participant-mute": "mute",
    "participant-unmute": "mute",
    "participant-hold": "hold",
    "participant-unhold": "hold",
    "participant-modify": "modify",
    "announcement-end": "announcement",
}
LINKS = {"queued": "queued", "ringing": "ringing", "in-progress": "connected", "completed": "complete"}


@dataclass(frozen=True, slots=True)
class RoomTerms:
    """Agreed by whoever comes first."""

    reports: Reports
    tape: Tape | None = None


@dataclass(eq=False, slots=True)
class Seat:
    """One participant, from being dialled until it leaves."""

    leg: Leg
    label: str = ""
    muted: bool = False
    hold: bool = False
    coaching: bool = False
    coached_sid: str = ""
    starts: bool = True
    ends_room: bool = False
    taken_at: datetime | None = None
    sent_away: asyncio.Future[str] | None = None

    @property
    def status(self) -> str:
        return LINKS.get(self.leg.status, "failed")

    def facts(self) -> dict[str, str]:
        flags = {
            "Muted": self.muted,
            "Hold": self.hold,
            "Coaching": self.coaching,
            "StartConferenceOnEnter": self.starts,
            "EndConferenceOnExit": self.ends_room,
        }
        named = {"ParticipantLabel": self.label, "CallSidToCoach": self.coached_sid}
        return (
            {"CallSid": self.leg.sid}
            | {name: str(value).lower() for name, value in flags.items()}
            | {name: value for name, value in named.items() if value}
        )


@dataclass(eq=False, slots=True)
class Room:
    sid: str
    name: str
    terms: RoomTerms
    created_at: datetime
    updated_at: datetime
    status: str = "init"
    seats: dict[str, Seat] = field(default_factory=dict)
    started_at: datetime | None = None
    reason: str = ""
    ended_by: str = ""
    closing: bool = False
    sequence: int = 0
    labels: list[str] = field(default_factory=list)  # everybody who was ever in, for tests to read

    @property
    def open(self) -> bool:
        return self.status != "completed" and not self.closing


class Rooms:
    def __init__(self, account: Account, sids: Sids, pace: Pace, *, webhooks: Webhooks) -> None:
        self.all: dict[str, Room] = {}
        self.on_end: Callable[[Room], None] = lambda room: None
        self.on_drop: Callable[[Leg], None] = lambda leg: None
        self._account = account
        self._sids = sids
        self._pace = pace
        self._webhooks = webhooks

    def enter(self, name: str, terms: RoomTerms) -> Room:
        """The open room of that name or identifier, or a new one."""
        for room in self.all.values():
            if room.open and name in (room.name, room.sid):
                return room
        now = self._pace.now()
        room = Room(self._sids.make("CF"), name, terms, now, now)
        self.all[room.sid] = room
        return room

    def keep_seat(self, room: Room, seat: Seat) -> None:
        room.seats[seat.leg.sid] = seat

    async def stay(self, room: Room, seat: Seat, meanwhile: Coroutine[Any, Any, None]) -> str:
        """Be in the room until something ends that; the reason. Being cancelled is one: the leg says which."""
        seat = room.seats.get(seat.leg.sid, seat)  # kept since it was dialled, and perhaps muted meanwhile
        seat.sent_away = asyncio.get_running_loop().create_future()
        seat.taken_at = self._pace.now()
        room.seats[seat.leg.sid] = seat
        seat.leg.rooms.append(room.name)
        room.labels.append(seat.label or seat.leg.sid)
        self._tell(room, "participant-join", seat)
        self._start_if_ready(room)
        waiting = asyncio.create_task(meanwhile)
        reason = ""
        try:
            reason = await seat.sent_away
        finally:
            waiting.cancel()
            self.leave(room, seat, reason or seat.leg.leaving)
        return reason

    def leave(self, room: Room, seat: Seat, reason: str) -> None:
        if room.seats.pop(seat.leg.sid, None) is None:
            return
        over = "completed" if seat.taken_at and reason == LEFT else seat.leg.status
        self._tell(room, "participant-leave", seat, ReasonParticipantLeft=reason, ParticipantCallStatus=over)
        if seat.ends_room and not room.closing and room.seats:
            ending = ENDED_WITH.get(reason, "participant-with-end-conference-on-exit-left")
            self.close(room, ending, ended_by=seat.leg.sid, why=ENDED_BY_LEAVER)
        if not room.seats:
            self._finish(room, EMPTIED_BY.get(reason, "last-participant-left"), seat.leg.sid)

    def close(self, room: Room, reason: str, *, ended_by: str = "", why: str = ENDED_BY_API) -> None:
        """Send everybody away; the last to go puts out the light."""
        room.closing, room.reason, room.ended_by = True, reason, ended_by
        for seat in list(room.seats.values()):
            if seat.sent_away is None:
                self.leave(room, seat, why)
                self.on_drop(seat.leg)  # still being dialled
            elif not seat.sent_away.done():
                seat.sent_away.set_result(why)
        if not room.seats:
            self._finish(room, reason, ended_by)

    def kick(self, seat: Seat) -> None:
        if seat.sent_away is not None and not seat.sent_away.done():
            seat.sent_away.set_result(KICKED)

    def changed(self, room: Room, seat: Seat, event: str) -> None:
        room.updated_at = self._pace.now()
        self._tell(room, event, seat)

    def announced(self, room: Room, url: str) -> None:
        self._tell(room, "announcement-end", None, AnnounceUrl=url)

    def _start_if_ready(self, room: Room) -> None:
        """As Twilio tells it: it begins when there are two, and one of them may start it."""
        present = [seat for seat in room.seats.values() if seat.taken_at]
        if room.status == "init" and len(present) > 1 and any(seat.starts for seat in present):
            room.status, room.started_at = "in-progress", self._pace.now()
            self._tell(room, "conference-start", None)

    def _finish(self, room: Room, reason: str, ended_by: str) -> None:
        if room.status == "completed":
            return
        room.status, room.updated_at = "completed", self._pace.now()
        room.reason, room.ended_by = room.reason or reason, room.ended_by or ended_by
        self._tell(
            room, "conference-end", None, ReasonConferenceEnded=room.reason, CallSidEndingConference=room.ended_by
        )
        self.on_end(room)

    def _tell(self, room: Room, event: str, seat: Seat | None, **more: str) -> None:
        hook = room.terms.reports.hook
        if hook is None or EVENTS[event] not in room.terms.reports.events:
            return
        room.sequence += 1
        params = {
            "ConferenceSid": room.sid,
            "FriendlyName": room.name,
            "AccountSid": self._account.sid,
            "StatusCallbackEvent": event,
            "SequenceNumber": str(room.sequence),
            "Timestamp": self._pace.stamp(),
        }
        facts = seat.facts() if seat else {}
        told = params | facts | {name: value for name, value in more.items() if value}
        self._webhooks.tell(room.sid, hook, told, last=event == "conference-end")
