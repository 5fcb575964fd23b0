"""The PBX itself: channels live and end, bridges mix them, prompts are played, and every change is an event."""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any

from simulators.carrier.pace import Pace
from simulators.pbx.callees import ANSWERS, VOICE, Callee, Press
from simulators.pbx.shapes import Bridge, Channel, Json, Originate, Playback, Recording, Refused, Send, stamp

CAUSES = {
    16: "Normal Clearing",
    17: "User busy",
    19: "User alerting, no answer",
    21: "Call Rejected",
    27: "Destination out of order",
}
DIAL_STATUS = {17: "BUSY", 19: "NOANSWER", 21: "CONGESTION"}
SOUND_OF_A_RECORDING = b"RIFF....WAVEfmt "


class Exchange:
    """`originates` is the ledger of every telephone that rang, `lost` holds the events nobody heard."""

    def __init__(self, pace: Pace, *, app: str) -> None:
        self.app = app
        self.pace = pace
        self.callees: dict[str, Callee] = {}
        self.originates: list[Originate] = []
        self.to_duty_phone: list[str] = []  # callers whom the dialplan took, our application being away
        self.lost: list[Json] = []
        self.send: Send = lambda _event: False
        self.active = False  # whether the application counts as present
        self.wipe()

    def wipe(self) -> None:
        """A restart: everything is gone, and nobody is told."""
        for channel in getattr(self, "channels", {}).values():
            for task in channel.tasks:
                task.cancel()
        self.channels: dict[str, Channel] = {}
        self.bridges: dict[str, Bridge] = {}
        self.playbacks: dict[str, Playback] = {}
        self.recordings: dict[str, Recording] = {}
        self.stored: dict[str, bytes] = {}
        self.active = False

    def emit(self, kind: str, **fields: object) -> None:
        at = stamp(self.pace.now())
        event: Json = {"type": kind, "application": self.app, "timestamp": at, "asterisk_id": "sim", **fields}
        if not self.send(event):
            self.lost.append(event)

    # --- channels

    def channel(self, channel_id: str) -> Channel:
        if channel_id not in self.channels:
            raise Refused(404, "Channel not found")
        return self.channels[channel_id]

    def served(self, channel_id: str) -> Channel:
        """Most operations work only on a channel that the application has."""
        channel = self.channel(channel_id)
        if not channel.in_application:
            raise Refused(409, "Channel not in Stasis application")
        return channel

    def originate(self, channel_id: str, endpoint: str, parameters: Mapping[str, str]) -> Channel:
        if channel_id in self.channels:
            raise Refused(409, "Channel with given unique ID already exists")
        now = self.pace.now()
        caller_id = parameters.get("callerId", "")
        self.originates.append(Originate(channel_id, endpoint, caller_id, now))
        callee = self.callees.get(endpoint, ANSWERS)
        arguments = tuple(filter(None, parameters.get("appArgs", "").split(",")))
        channel = Channel(channel_id, endpoint, "", "", now, callee, arguments=arguments)
        self.channels[channel_id] = channel
        self.emit("ChannelCreated", channel=channel.shape(self.app))
        self._start(channel, self._ring(channel, float(parameters.get("timeout", "30"))))
        return channel

    def ring_in(self, channel_id: str, *, caller: str, dialled: str, callee: Callee = ANSWERS) -> Channel | None:
        """Somebody rings us: into the application, or to the duty phone while it is away (None)."""
        if not self.active:
            self.to_duty_phone.append(caller)
            return None
        channel = Channel(channel_id, "PJSIP/trunk", caller, dialled, self.pace.now(), callee, state="Ring")
        channel.dialled, channel.arguments = False, ("inbound", dialled)
        self.channels[channel_id] = channel
        self._enter_application(channel)
        return channel

    def answer(self, channel: Channel) -> None:
        if channel.state != "Up":
            channel.state = "Up"
            self.emit("ChannelStateChange", channel=channel.shape(self.app))

    def go_on_in_dialplan(self, channel: Channel) -> None:
        channel.in_application = False
        self.to_duty_phone.append(channel.caller)
        self.emit("StasisEnd", channel=channel.shape(self.app))

    def hang_up(self, channel: Channel, cause: int = 16) -> None:
        if self.channels.pop(channel.id, None) is None:
            return
        for task in channel.tasks - {asyncio.current_task()}:
            task.cancel()
        for playback in [one for one in self.playbacks.values() if one.channel is channel]:
            self._end_playback(playback, "done")
        if channel.bridge is not None:
            self.leave(channel)
        for recording in [one for one in self.recordings.values() if one.target == f"channel:{channel.id}"]:
            self.end_recording(recording)
        if channel.in_application:
            self.emit("StasisEnd", channel=channel.shape(self.app))
        text = CAUSES.get(cause, "Unknown")
        self.emit("ChannelDestroyed", cause=cause, cause_txt=text, channel=channel.shape(self.app))

    def _enter_application(self, channel: Channel) -> None:
        if not self.active:  # Stasis() refuses a channel whose application is away; it ends
            self.hang_up(channel)
            return
        channel.in_application = True
        self.emit("StasisStart", args=list(channel.arguments), channel=channel.shape(self.app))

    async def _ring(self, channel: Channel, timeout_s: float) -> None:
        callee = channel.callee
        self._dial_event(channel, "")
        channel.state = "Ringing"
        self.emit("ChannelStateChange", channel=channel.shape(self.app))
        self._dial_event(channel, "RINGING")
        answered = callee.answers and callee.rings_s < timeout_s
        cut_short = callee.cause is not None or answered
        await self.pace.sleep(min(callee.rings_s, timeout_s) if cut_short else timeout_s)
        if not answered:
            cause = 19 if callee.cause is None else callee.cause
            self._dial_event(channel, DIAL_STATUS.get(cause, "CHANUNAVAIL"))
            self.hang_up(channel, cause)
            return
        self.answer(channel)
        self._dial_event(channel, "ANSWER")
        self._enter_application(channel)

    def _dial_event(self, channel: Channel, status: str) -> None:
        self.emit("Dial", dialstatus=status, dialstring=channel.endpoint, peer=channel.shape(self.app))

    def _start(self, channel: Channel, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=f"channel {channel.id}")
        channel.tasks.add(task)
        task.add_done_callback(channel.tasks.discard)

    # --- what callees do

    def press(self, channel: Channel, key: str) -> None:
        if key != VOICE:
            self.emit("ChannelDtmfReceived", digit=key, duration_ms=120, channel=channel.shape(self.app))
        elif "TALK_DETECT(set)" in channel.variables:
            self.emit("ChannelTalkingStarted", channel=channel.shape(self.app))

    def _prompt_begins(self, channel: Channel) -> None:
        channel.prompts += 1
        for press in channel.callee.presses:
            if press.prompt == channel.prompts:
                self._start(channel, self._press_later(channel, press))
        leaving = channel.callee.hangs_up
        if leaving is not None and leaving.prompt == channel.prompts:
            self._start(channel, self._hang_up_later(channel, leaving))

    async def _press_later(self, channel: Channel, press: Press) -> None:
        await self.pace.sleep(press.after_s)
        self.press(channel, press.key)

    async def _hang_up_later(self, channel: Channel, leaving: Press) -> None:
        await self.pace.sleep(leaving.after_s)
        self.hang_up(channel)

    # --- playbacks

    def play(self, channel: Channel, playback_id: str, media: Iterable[str]) -> Playback:
        if playback_id in self.playbacks:
            raise Refused(409, "Playback with given unique ID already exists")
        playback = self.playbacks[playback_id] = Playback(playback_id, tuple(media), channel)
        channel.music = False
        self._start(channel, self._play(playback))
        return playback

    async def _play(self, playback: Playback) -> None:
        async with playback.channel.line:
            if playback.stopped.is_set():
                return
            playback.state = "playing"
            self.emit("PlaybackStarted", playback=playback.shape())
            self._prompt_begins(playback.channel)
            if not playback.missing:
                await self.pace.wait(playback.stopped, playback.lasts_s)
            self._end_playback(playback, "failed" if playback.missing else "done")

    def stop_playback(self, playback_id: str) -> None:
        if playback_id not in self.playbacks:
            raise Refused(404, "Playback not found")
        self._end_playback(self.playbacks[playback_id], "done")

    def _end_playback(self, playback: Playback, state: str) -> None:
        if self.playbacks.pop(playback.id, None) is not None:
            playback.state = state
            playback.stopped.set()
            self.emit("PlaybackFinished", playback=playback.shape())

    # --- bridges

    def bridge(self, bridge_id: str) -> Bridge:
        if bridge_id not in self.bridges:
            raise Refused(404, "Bridge not found")
        return self.bridges[bridge_id]

    def create_bridge(self, bridge_id: str) -> Bridge:
        if bridge_id in self.bridges:
            raise Refused(409, "Bridge with the same bridgeId already exists")
        bridge = self.bridges[bridge_id] = Bridge(bridge_id, self.pace.now())
        self.emit("BridgeCreated", bridge=bridge.shape())
        return bridge

    def enter(self, bridge: Bridge, channel: Channel) -> None:
        if channel.bridge is not None:
            self.leave(channel)
        channel.bridge = bridge
        bridge.members.append(channel)
        self.emit("ChannelEnteredBridge", bridge=bridge.shape(), channel=channel.shape(self.app))

    def leave(self, channel: Channel) -> None:
        bridge, channel.bridge = channel.bridge, None
        if bridge is not None:
            bridge.members.remove(channel)
            self.emit("ChannelLeftBridge", bridge=bridge.shape(), channel=channel.shape(self.app))

    def destroy_bridge(self, bridge: Bridge) -> None:
        self.bridges.pop(bridge.id, None)
        for channel in tuple(bridge.members):
            self.leave(channel)
        for recording in [one for one in self.recordings.values() if one.target == f"bridge:{bridge.id}"]:
            self.end_recording(recording)
        self.emit("BridgeDestroyed", bridge=bridge.shape())

    # --- recordings

    def record(self, name: str, file_format: str, target: str) -> Recording:
        if name in self.recordings or name in self.stored:
            raise Refused(409, "A recording with the same name already exists")
        recording = self.recordings[name] = Recording(name, file_format, target)
        self.emit("RecordingStarted", recording=recording.shape())
        return recording

    def record_channel(self, channel: Channel, name: str, file_format: str, max_s: float) -> Recording:
        recording = self.record(name, file_format, f"channel:{channel.id}")
        if max_s:
            self._start(channel, self._end_recording_later(recording, max_s))
        return recording

    async def _end_recording_later(self, recording: Recording, max_s: float) -> None:
        await self.pace.sleep(max_s)
        self.end_recording(recording)

    def end_recording(self, recording: Recording) -> None:
        self.recordings.pop(recording.name, None)
        self.stored[recording.name] = SOUND_OF_A_RECORDING
        recording.state = "done"
        self.emit("RecordingFinished", recording=recording.shape())

    def recorded(self, name: str) -> bytes:
        if name not in self.stored:
            raise Refused(404, "Recording not found")
        return self.stored[name]
