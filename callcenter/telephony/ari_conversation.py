"""What happens on one channel: a script is played, asked and joined step by step, until a new one replaces it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile
from typing import Any, TypeVar

import structlog

from callcenter.alerts.call_inputs import Heard, News
from callcenter.alerts.script import Ask, Hangup, Join, Pause, Play, Record, Say, Script
from callcenter.clock import Clock, wait_event
from callcenter.telephony.ari_client import AriClient, Json
from callcenter.telephony.ari_rooms import Rooms
from callcenter.telephony.ari_words import Media, at_of, event_id, media_uris, recording_name
from callcenter.telephony.port import LegGone, TelephonyError

log = structlog.get_logger()
Done = TypeVar("Done")
PROMPT_LIMIT_S = 120.0  # a playback whose end was never told is taken as over
LEAVING_LIMIT_S = 2.0
AGAIN_S = (0.5, 1.0, 2.0, 5.0, 10.0)
SPOKEN = ""  # the digits of an answer by voice


@dataclass(slots=True)
class Leg:
    """What is known of one channel. `ref` is the channel's id; for a call of ours it is the call's id too."""

    ref: str
    call_id: str
    inbound: bool
    placed: bool = False  # the PBX has it for certain
    rang: bool = False
    answered_at: datetime | None = None
    dial_status: str = ""
    room: str = ""  # the bridge it is in, as far as was told
    held: bool = False
    over: bool = False
    rescue: Script = ()  # what is done when nobody says what to do
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)  # its news are told one after the other


@dataclass(frozen=True, slots=True)
class Tools:
    """What every conversation works with."""

    ari: AriClient
    rooms: Rooms
    media: Media
    clock: Clock
    new_id: Callable[[], str]
    start: Callable[[Coroutine[Any, Any, Any], str], "asyncio.Task[Any]"]  # run in the background, under a name


# News of a leg goes in; the script that follows it comes out, None where there is none.
Hear = Callable[[Leg, Heard, str, Json], Coroutine[Any, Any, Script | None]]


class Conversation:
    """`run` replaces what is going on. The gateway tells it of keys, of ended playbacks and of leaving a room."""

    def __init__(self, leg: Leg, tools: Tools, hear: Hear) -> None:
        self.leg = leg
        self._tools = tools
        self._hear = hear
        self._running: asyncio.Task[Any] | None = None
        self._stirred = asyncio.Event()  # something that a step may wait for has happened
        self._listening: Ask | None = None
        self._heard: tuple[Json, str] | None = None  # the event that answers the open question, and its digits
        self._playback = ""
        self._recording = ""
        self._inside = ""  # the room the running script is in

    @property
    def idle(self) -> bool:
        return self._running is None or self._running.done()

    @property
    def room(self) -> str:
        return self._inside or self.leg.room

    def run(self, script: Script) -> None:
        """Do this instead. It takes the leg out of its room, unless it begins with joining that very room."""
        self.stop()
        if not self.leg.over:
            self._running = self._tools.start(self._follow(script), f"script {self.leg.call_id}")

    def stay(self, room: str) -> None:
        """It is in this room already, and this process does not know why: nothing is done until it leaves."""
        self._inside = room
        self.run((Join(room, record=False),))

    def stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
        self._listening, self._heard = None, None

    # --- what the gateway tells

    def answer(self, event: Json, digits: str) -> None:
        """A key or a voice. It counts from the first word of a question, and the first one counts."""
        if self._listening is None or self._heard is not None:
            return
        if digits == SPOKEN and not self._listening.speech:
            return
        self._heard = (event, digits)
        self._stirred.set()

    def playback_over(self, playback: str, *, failed: bool) -> None:
        if playback == self._playback:
            self._playback = ""
            self._stirred.set()
            if failed:  # the text names people: its file is found by the media URI in the PBX's own log
                log.warning("prompt_not_played", call=self.leg.call_id)

    def recording_over(self, name: str) -> None:
        if name == self._recording:
            self._recording = ""
            self._stirred.set()

    def left(self) -> None:
        self._inside = ""
        self._stirred.set()

    async def catch_up(self) -> None:
        """After a gap in the events: has the prompt ended meanwhile?"""
        if playback := self._playback:
            try:
                await self._tools.ari.playback(playback)
            except LegGone:
                self.playback_over(playback, failed=False)

    # --- one step after the other

    async def _follow(self, script: Script) -> None:
        """The end of a script is the end of the call, as it is with every carrier."""
        try:
            await self._leave_room(script)
            while script:
                script = await self._step(script)
            await self.insist(lambda: self._tools.ari.hang_up(self.leg.ref), "not_hung_up")
        except LegGone:
            log.debug("script_ends_with_its_leg", call=self.leg.call_id)
        except TelephonyError as error:
            log.error("script_broken", call=self.leg.call_id, reason=error.detail)
            if self.leg.room:  # whom the PBX would not take out of their room is looked after there
                await self._follow((Join(self.leg.room, record=False),))

    async def insist(self, attempt: Callable[[], Coroutine[Any, Any, Done]], trouble: str) -> Done:
        """Again and again while the leg lives: nobody is let go, or left alone on a line, for a fault of the PBX."""
        tries = 0
        while not self.leg.over:
            try:
                return await attempt()
            except LegGone:
                raise
            except TelephonyError as error:
                log.error(trouble, call=self.leg.call_id, reason=error.detail)
            await self._tools.clock.sleep(AGAIN_S[min(tries, len(AGAIN_S) - 1)])
            tries += 1
        raise LegGone("it is over")

    async def _step(self, script: Script) -> Script:
        step, rest = script[0], script[1:]
        if isinstance(step, Say | Play | Pause):
            prompts = tuple(takewhile(lambda one: isinstance(one, Say | Play | Pause), script))
            await self._play(one for one in prompts if isinstance(one, Say | Play | Pause))
            return script[len(prompts) :]
        if isinstance(step, Ask):
            return await self._ask(step, rest)
        if isinstance(step, Join):
            return await self._join(step, rest)
        if isinstance(step, Record):
            await self._record(step)
            return rest
        assert isinstance(step, Hangup)
        return ()

    async def _leave_room(self, script: Script) -> None:
        room, first = self.room, script[0] if script else None
        if not room or (isinstance(first, Join) and first.room == room):
            return
        self._inside = ""
        await self._tools.rooms.remove(room, self.leg.ref)
        # Its leaving must be told before it may enter again, or it would count for the second stay.
        await self._wait(LEAVING_LIMIT_S, lambda: not self.leg.room)

    async def _play(self, prompts: Iterable[Say | Play | Pause]) -> None:
        """Until it is over, or the open question is answered. What cannot be played is passed over."""
        uris = media_uris(prompts, self._tools.media)
        if not uris:
            return
        self._playback = playback = self._tools.new_id()
        try:
            await self._tools.ari.play(self.leg.ref, playback, uris)
            await self._wait(PROMPT_LIMIT_S, lambda: self._playback != playback or self._heard is not None)
        except LegGone:
            self._playback = ""
            raise
        except TelephonyError as error:
            log.error("prompt_refused", call=self.leg.call_id, reason=error.detail)
        finally:
            if self._playback == playback:
                self._playback = ""
                if not self.leg.over:
                    self._tools.start(self._silence(playback), f"silence {self.leg.call_id}")

    async def _silence(self, playback: str) -> None:
        with suppress(TelephonyError):
            await self._tools.ari.stop_playback(playback)

    async def _ask(self, ask: Ask, rest: Script) -> Script:
        self._listening, self._heard = ask, None
        await self._notice_voice(ask, wanted=True)
        await self._play(ask.prompts)
        await self._wait(ask.timeout_s, lambda: self._heard is not None)
        heard = self._taken_answer()
        await self._notice_voice(ask, wanted=False)
        now = self._tools.clock.now()
        if heard is None:
            event: Json = {"type": "NothingPressed", "step": ask.step, "timestamp": now.isoformat()}
            digits, name = None, f"{self.leg.ref}/{ask.step}/{self._tools.new_id()}"
        else:
            event, digits = heard
            name = event_id(event, self.leg.ref)
        news = Heard(News.INPUT, at_of(event, now), ref=self.leg.ref, step=ask.step, digits=digits)
        # Shielded: what was pressed is told even when somebody replaces this script meanwhile.
        telling = self._tools.start(self._hear(self.leg, news, name, event), f"input {self.leg.call_id}")
        said: Script | None = await asyncio.shield(telling)
        return rest if said is None else said

    def _taken_answer(self) -> tuple[Json, str] | None:
        heard, self._listening, self._heard = self._heard, None, None
        return heard

    async def _notice_voice(self, ask: Ask, *, wanted: bool) -> None:
        """TALK_DETECT makes Asterisk tell when somebody speaks. Without it keys still count."""
        if not ask.speech:
            return
        try:
            await self._tools.ari.set_variable(self.leg.ref, f"TALK_DETECT({'set' if wanted else 'remove'})", "")
        except LegGone:
            raise
        except TelephonyError as error:
            log.warning("voice_not_noticed", call=self.leg.call_id, reason=error.detail)

    async def _join(self, join: Join, rest: Script) -> Script:
        """In the room until it leaves. A room that vanished under the people in it is opened again."""
        if self.room == join.room:
            self._inside = join.room
        else:
            await self._enter(join)
        while self._inside == join.room:
            await self._stirred.wait()
            self._stirred.clear()
        if self._tools.rooms.is_closed(join.room):
            return rest
        await self.insist(lambda: self._tools.ari.channel(self.leg.ref), "not_looked_up")  # LegGone: it hung up
        return (join, *rest)

    async def _enter(self, join: Join) -> None:
        async def enter() -> bool:
            self._inside = join.room  # before the request: its answer may come after the news of leaving again
            return await self._tools.rooms.enter(self.leg.ref, self.leg.call_id, join)

        if not await self.insist(enter, "room_not_entered"):
            heard = Heard(News.NOT_RECORDED, self._tools.clock.now())
            raw: Json = {"type": "RecordingRefused", "room": join.room}
            await self._hear(self.leg, heard, f"{self.leg.ref}/refused/{self._tools.new_id()}", raw)

    async def _record(self, record: Record) -> None:
        self._recording = name = recording_name(self.leg.call_id, self.leg.call_id, self._tools.clock.now())
        try:
            await self._tools.ari.record_channel(self.leg.ref, name, record.max_s)
        except LegGone:
            raise
        except TelephonyError as error:
            log.error("leg_not_recorded", call=self.leg.call_id, reason=error.detail)
            return
        await self._wait(record.max_s + PROMPT_LIMIT_S, lambda: self._recording != name)

    async def _wait(self, seconds: float, over: Callable[[], bool]) -> None:
        clock = self._tools.clock
        until = clock.monotonic() + seconds
        while not over() and (left := until - clock.monotonic()) > 0:
            await wait_event(self._stirred, clock, left)
