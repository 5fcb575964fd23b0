"""Rooms as mixing bridges: opened for the first who enters, music until somebody starts them, recorded once."""

import asyncio
from dataclasses import dataclass, field

import structlog

from callcenter.alerts.script import Join
from callcenter.clock import Clock
from callcenter.telephony.ari_client import AlreadyThere, AriClient
from callcenter.telephony.ari_words import recording_name
from callcenter.telephony.port import LegGone, TelephonyError

log = structlog.get_logger()
ROOMS_REMEMBERED = 1000
GONE_WHEN_ADDED = frozenset({400, 422})  # channel not found; channel not in the application (any more)


@dataclass(slots=True)
class Room:
    started: bool = False
    music: bool | None = None  # None: not known, as after a restart of ours
    recording: str = ""
    closed: bool = False  # by us; a room that vanishes otherwise is opened again
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)


class Rooms:
    def __init__(self, ari: AriClient, clock: Clock) -> None:
        self._ari = ari
        self._clock = clock
        self._rooms: dict[str, Room] = {}

    async def enter(self, channel: str, call_id: str, join: Join) -> bool:
        """Put a channel into its room. False: it should be recorded and is not. LegGone: the channel is gone."""
        room = self._room(join.room)
        room.closed = False
        await self.add(join.room, channel)
        room.started = room.started or join.start
        await self._set_music(join.room, room)
        return not join.record or await self._record(join.room, room, call_id)

    async def add(self, room_id: str, channel: str) -> None:
        await self._open(room_id)
        try:
            await self._ari.add_to_bridge(room_id, channel)
        except LegGone as gone:  # 404 is the bridge's here: it vanished in between, and whoever asked tries again
            raise TelephonyError(gone.detail, code=gone.code, http=gone.http) from gone
        except TelephonyError as error:
            if error.http in GONE_WHEN_ADDED:
                raise LegGone(error.detail, http=error.http) from error
            raise

    async def remove(self, room_id: str, channel: str) -> None:
        """Whoever is not in it, or whose room is gone, is out."""
        try:
            await self._ari.remove_from_bridge(room_id, channel)
        except TelephonyError as error:
            if error.http not in {400, 404, 409, 422}:
                raise

    async def close(self, room_id: str) -> None:
        self._room(room_id).closed = True
        try:
            await self._ari.destroy_bridge(room_id)
        except LegGone:
            return

    def is_closed(self, room_id: str) -> bool:
        room = self._rooms.get(room_id)
        return room is not None and room.closed

    def vanished(self, room_id: str) -> None:
        """The bridge is no more: whoever opens it next starts, plays and records anew."""
        if room := self._rooms.get(room_id):
            room.started, room.music, room.recording = False, False, ""

    def emptied(self, room_id: str) -> None:
        """Nobody is left in it: who comes next and does not start it waits to music, as at first."""
        if room := self._rooms.get(room_id):
            room.started = False

    def recordings(self) -> dict[str, str]:
        """Room -> name, of what should be recording now."""
        return {room_id: room.recording for room_id, room in self._rooms.items() if room.recording}

    def recording_over(self, name: str) -> None:
        for room in self._rooms.values():
            if room.recording == name:
                room.recording = ""

    def _room(self, room_id: str) -> Room:
        room = self._rooms.setdefault(room_id, Room())
        while len(self._rooms) > ROOMS_REMEMBERED:
            self._rooms.pop(next(iter(self._rooms)))
        return room

    async def _open(self, room_id: str) -> None:
        """Asked for first: older versions answer a second creation under one id with anything but 409."""
        async with self._room(room_id).opening:
            try:
                await self._ari.bridge(room_id)
            except LegGone:
                try:
                    await self._ari.create_bridge(room_id)
                except AlreadyThere:
                    return

    async def _set_music(self, room_id: str, room: Room) -> None:
        """Whoever waits for a room to be started hears music. That it fails must not keep anybody out."""
        wanted = not room.started
        if room.music == wanted:
            return
        room.music = wanted
        try:
            await (self._ari.start_bridge_music(room_id) if wanted else self._ari.stop_bridge_music(room_id))
        except AlreadyThere:
            return  # nothing was playing
        except TelephonyError as error:
            log.warning("room_music_failed", room=room_id, reason=error.detail)

    async def _record(self, room_id: str, room: Room, call_id: str) -> bool:
        if room.recording:
            return True
        room.recording = recording_name(room_id, call_id, self._clock.now())
        try:
            await self._ari.record_bridge(room_id, room.recording)
        except TelephonyError as error:
            log.error("room_not_recorded", room=room_id, reason=error.detail)
            room.recording = ""
            return False
        return True
