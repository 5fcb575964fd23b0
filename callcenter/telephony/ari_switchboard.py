"""The legs of one Asterisk: its events become news for the door, and what the door answers is done on the channel."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import structlog

from callcenter import metrics
from callcenter.alerts.call_inputs import CallNews, Heard, InboundCall, News
from callcenter.alerts.script import Said, Script
from callcenter.clock import Clock
from callcenter.telephony.ari_client import AlreadyThere, AriClient, Json
from callcenter.telephony.ari_conversation import SPOKEN, Conversation, Leg, Tools
from callcenter.telephony.ari_rooms import Rooms
from callcenter.telephony.ari_words import Media, at_of, call_of_recording, event_id, is_ours, outcome_of
from callcenter.telephony.port import TelephonyError, Tell
from callcenter.telephony.telling import Teller

log = structlog.get_logger()
PROVIDER = "ari"
TELL_AGAIN_S = (0.5, 1.0, 2.0, 4.0)  # then somebody else must care for the caller
DOOR_S = 2.0  # a door that hangs is asked again after this
ENDED_REMEMBERED = 1000
# Only these ask what to do next; what is answered to any other news is not for the leg it tells of.
ASKING = frozenset({News.ANSWERED, News.INPUT})


class Switchboard:
    """Every event goes in by `take`. `finished` holds how calls ended: none is dialled or ended a second time."""

    def __init__(self, ari: AriClient, *, tell: Tell, clock: Clock, media: Media, new_id: Callable[[], str]) -> None:
        self.rooms = Rooms(ari, clock)
        self.finished: dict[str, Heard] = {}  # by channel
        self._door = Teller(tell, clock)
        self._clock = clock
        self._ari = ari
        self._tools = Tools(ari, self.rooms, media, clock, new_id, self.start)
        self._legs: dict[str, Conversation] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._on: Mapping[str, Callable[[Json], None]] = {
            "StasisStart": self._on_start,
            "ChannelStateChange": self._on_state,
            "Dial": self._on_dial,
            "ChannelDtmfReceived": self._on_key,
            "ChannelTalkingStarted": self._on_voice,
            "ChannelEnteredBridge": self._on_entered,
            "ChannelLeftBridge": self._on_left,
            "BridgeDestroyed": self._on_bridge_destroyed,
            "ChannelDestroyed": self._on_destroyed,
            "PlaybackFinished": self._on_playback,
            "RecordingFinished": self._on_recording,
            "RecordingFailed": self._on_recording,
        }

    async def stop(self) -> None:
        while self._tasks:  # a script that is stopped may start the silencing of its prompt
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def take(self, event: Json) -> None:
        handler = self._on.get(str(event.get("type")))
        try:
            if handler is not None:
                handler(event)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            log.error("ari_event_unreadable", type=event.get("type"), reason=repr(error))

    # --- legs

    def find(self, channel: str) -> Conversation | None:
        return self._legs.get(channel)

    def conversation(self, channel: str) -> Conversation | None:
        """The live one of a channel; whatever tells of it shows that the PBX has it."""
        conversation = self._legs.get(channel)
        if conversation is not None:
            conversation.leg.placed = True
        return conversation

    def conversations(self) -> Sequence[Conversation]:
        return tuple(self._legs.values())

    def adopt(self, channel: str) -> Conversation:
        """A call of ours from before a restart of ours."""
        self.open(channel, channel, inbound=False).leg.placed = True
        return self._legs[channel]

    def open(self, channel: str, call_id: str, *, inbound: bool) -> Conversation:
        return self._legs.setdefault(
            channel, Conversation(Leg(channel, call_id, inbound=inbound), self._tools, self._hear)
        )

    def forget(self, channel: str) -> None:
        self._legs.pop(channel, None)

    # --- events

    def _on_start(self, event: Json) -> None:
        channel = str(event["channel"]["id"])
        conversation = self.conversation(channel)
        if channel in self.finished or (conversation and (conversation.leg.answered_at or conversation.leg.inbound)):
            return
        if conversation is None and not is_ours(channel):
            arguments = list(event.get("args", ()))  # Stasis(callcenter,inbound,NUMBER)
            self.welcome(event["channel"], str(arguments[1]) if len(arguments) > 1 else "", event)
            return
        self.answered(conversation or self.adopt(channel), event)

    def answered(self, conversation: Conversation, event: Json, *, obey: bool = True) -> None:
        """`obey` False: the leg is served already, whatever the door would say."""
        leg = conversation.leg
        leg.answered_at = leg.answered_at or at_of(event, self._clock.now())
        self.tell(conversation, Heard(News.ANSWERED, leg.answered_at, ref=leg.ref), event, obey=obey)

    def _on_state(self, event: Json) -> None:
        shape = event["channel"]
        conversation = self.conversation(str(shape["id"]))
        if conversation is None:
            return
        if shape["state"] == "Ringing":
            self.ringing(conversation, event)
        elif shape["state"] == "Up" and conversation.leg.inbound:
            conversation.leg.answered_at = conversation.leg.answered_at or at_of(event, self._clock.now())

    def _on_dial(self, event: Json) -> None:
        if conversation := self.conversation(str(event["peer"]["id"])):
            conversation.leg.dial_status = str(event.get("dialstatus", ""))
            if conversation.leg.dial_status == "RINGING":
                self.ringing(conversation, event)

    def ringing(self, conversation: Conversation, event: Json) -> None:
        """Told twice by Asterisk, as a state and by the dialling."""
        leg = conversation.leg
        if not (leg.rang or leg.inbound):
            leg.rang = True
            self.tell(conversation, Heard(News.RINGING, at_of(event, self._clock.now()), ref=leg.ref), event)

    def _on_key(self, event: Json) -> None:
        if conversation := self.conversation(str(event["channel"]["id"])):
            conversation.answer(event, str(event["digit"]))

    def _on_voice(self, event: Json) -> None:
        if conversation := self.conversation(str(event["channel"]["id"])):
            conversation.answer(event, SPOKEN)

    def _on_entered(self, event: Json) -> None:
        # Without a conversation it is Asterisk's own, for music and recording.
        if conversation := self.conversation(str(event.get("channel", {}).get("id"))):
            self.entered(conversation, str(event["bridge"]["id"]), event)

    def entered(self, conversation: Conversation, room: str, event: Json) -> None:
        leg = conversation.leg
        leg.room, back = room, leg.held
        leg.held = False
        if not back:
            self.tell(conversation, Heard(News.JOINED, at_of(event, self._clock.now()), ref=leg.ref), event)

    def _on_left(self, event: Json) -> None:
        if conversation := self.conversation(str(event["channel"]["id"])):
            self.left(conversation, event)
        room, left = str(event["bridge"]["id"]), event["bridge"].get("channels", True)
        if not left and not any(one.leg.held and one.room == room for one in self._legs.values()):
            self.rooms.emptied(room)

    def left(self, conversation: Conversation, event: Json) -> None:
        conversation.leg.room = ""
        if conversation.leg.held:
            return
        self.tell(conversation, Heard(News.LEFT, at_of(event, self._clock.now()), ref=conversation.leg.ref), event)
        conversation.left()

    def _on_bridge_destroyed(self, event: Json) -> None:
        self.rooms.vanished(str(event["bridge"]["id"]))

    def _on_playback(self, event: Json) -> None:
        playback = event["playback"]
        kind, _, channel = str(playback["target_uri"]).partition(":")
        conversation = self.conversation(channel) if kind == "channel" else None
        if conversation is not None:
            conversation.playback_over(str(playback["id"]), failed=playback.get("state") == "failed")

    def _on_recording(self, event: Json) -> None:
        name = str(event["recording"]["name"])
        for conversation in self._legs.values():
            conversation.recording_over(name)
        self.recorded(name, event, failed=event["type"] == "RecordingFailed")

    def recorded(self, name: str, event: Json, *, failed: bool) -> None:
        self.rooms.recording_over(name)
        if call_id := call_of_recording(name):
            what, cause = (News.NOT_RECORDED, "failed") if failed else (News.RECORDED, "")
            heard = Heard(what, at_of(event, self._clock.now()), ref=name, cause=cause)
            news = CallNews(PROVIDER, event_id(event, name), call_id, heard, event, self._clock.now())
            self.start(self._tell(news), f"recording {call_id}")

    def _on_destroyed(self, event: Json) -> None:
        channel = str(event["channel"]["id"])
        if conversation := self.conversation(channel):
            leg, cause = conversation.leg, int(event["cause"])
            outcome = outcome_of(cause, answered=leg.answered_at is not None, dial_status=leg.dial_status)
            at = at_of(event, self._clock.now())
            heard = Heard(News.ENDED, at, ref=channel, outcome=outcome, cause=f"{cause} {event.get('cause_txt', '')}")
            self.ended(conversation, heard, event)

    def ended(self, conversation: Conversation, heard: Heard, event: Json) -> None:
        """Once for every leg: whatever comes of it later finds no conversation."""
        leg = conversation.leg
        talk_s = (heard.at - leg.answered_at).total_seconds() if leg.answered_at else None
        leg.over = True
        conversation.stop()
        self._legs.pop(leg.ref, None)
        self.finished[leg.ref] = replace(heard, talk_s=talk_s)
        while len(self.finished) > ENDED_REMEMBERED:
            self.finished.pop(next(iter(self.finished)))
        self.tell(conversation, self.finished[leg.ref], event)

    # --- the door

    def welcome(self, shape: Json, dialled: str, event: Json, *, room: str = "") -> None:
        """Somebody rings. Asked again (nobody is serving the channel), the event is the same, and so is the answer.

        `room`: where the caller is already, from before a restart of ours.
        """
        channel = str(shape["id"])
        conversation = self.conversation(channel) or self.open(channel, self._tools.new_id(), inbound=True)
        call = InboundCall(
            provider=PROVIDER,
            event_id=f"{channel}/inbound/{shape.get('creationtime', '')}",
            call_id=conversation.leg.call_id,
            ref=channel,
            caller=str(shape.get("caller", {}).get("number", "")),
            dialled=dialled or str(shape.get("dialplan", {}).get("exten", "")),
            raw=event,
            received_at=self._clock.now(),
        )
        conversation.leg.placed, conversation.leg.room = True, room
        if shape.get("state") == "Up":
            conversation.leg.answered_at = conversation.leg.answered_at or at_of(event, self._clock.now())
        self.start(self._serve(conversation, call), f"inbound {channel}")

    async def _serve(self, conversation: Conversation, call: InboundCall) -> None:
        leg = conversation.leg
        async with leg.turn:  # what happens to it is told under the id that is answered here
            told, said = await self._tell(call)
            if isinstance(said, Said):
                leg.call_id = said.call_id
            try:
                await self._serve_as_told(conversation, told=told, script=said.script if isinstance(said, Said) else ())
            except TelephonyError as error:
                log.warning("caller_not_served", call=leg.call_id, reason=error.detail)

    async def _serve_as_told(self, conversation: Conversation, *, told: bool, script: Script) -> None:
        leg = conversation.leg
        if leg.room:
            conversation.stay(leg.room)
        elif told and script:
            if leg.answered_at is None:
                await conversation.insist(lambda: self._ari.answer(leg.ref), "caller_not_answered")
            conversation.run(script)
        else:  # the dialplan's next line rings the duty phone
            log.error("caller_given_to_dialplan", ref=leg.ref)
            await conversation.insist(lambda: self._to_dialplan(leg.ref), "caller_not_given")
            self.forget(leg.ref)

    async def _to_dialplan(self, channel: str) -> None:
        with suppress(AlreadyThere):  # it is there
            await self._ari.go_on_in_dialplan(channel)

    def tell(self, conversation: Conversation, heard: Heard, event: Json, *, obey: bool = True) -> None:
        self.start(self._told(conversation, heard, event, obey=obey), f"{heard.what} {conversation.leg.call_id}")

    async def _told(self, conversation: Conversation, heard: Heard, event: Json, *, obey: bool) -> None:
        script = await self._hear(conversation.leg, heard, event_id(event, conversation.leg.ref), event)
        if script is not None and obey and heard.what in ASKING:
            conversation.run(script)

    async def _hear(self, leg: Leg, heard: Heard, name: str, event: Json) -> Script | None:
        async with leg.turn:
            news = CallNews(PROVIDER, name, leg.call_id, heard, event, self._clock.now())
            told, said = await self._tell(news)
        if isinstance(said, Said):
            return said.script
        if told:  # the door knows no such call: whoever answered it must not listen to nothing
            return () if heard.what is News.ANSWERED else None
        return leg.rescue or None

    async def _tell(self, news: CallNews | InboundCall) -> tuple[bool, object]:
        """Whether it was stored, and what the door answered. Asterisk tells only once: a sick door is asked again."""
        kind = news.heard.what.value if isinstance(news, CallNews) and news.heard else "inbound"
        if isinstance(news, CallNews) and news.heard:
            lag = (news.received_at - news.heard.at).total_seconds()
            metrics.callback_lag.labels(PROVIDER, kind).observe(max(0.0, lag))
        for wait in (*TELL_AGAIN_S, None):
            try:
                said = await self._door.within(DOOR_S, news)
            except Exception as error:  # whatever is wrong behind the door, the call goes on
                metrics.callbacks.labels(PROVIDER, kind, "not_stored").inc()
                log.error("news_not_stored", news=news.event_id, reason=repr(error), final=wait is None)
            else:
                metrics.callbacks.labels(PROVIDER, kind, "stored").inc()
                return True, said
            if wait is not None:
                await self._clock.sleep(wait)
        return False, None

    # --- how

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("ari_task_broke", task=task.get_name(), exc_info=error)
