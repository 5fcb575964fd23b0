"""The telephone over an Asterisk of one's own: the port's methods, and the one WebSocket that is held open. Whatever
was missed while it was away is read from the PBX when it is back.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress

import structlog

from callcenter.alerts.call_inputs import Heard, News
from callcenter.alerts.call_model import Role
from callcenter.alerts.script import Hangup, Join, Script
from callcenter.clock import Clock
from callcenter.telephony.ari_client import AlreadyThere, AriClient, AriSettings, Json
from callcenter.telephony.ari_reconcile import reconcile
from callcenter.telephony.ari_switchboard import PROVIDER, Switchboard
from callcenter.telephony.ari_words import STATE_NEWS, Media, endpoint_of, is_ours
from callcenter.telephony.port import (
    AuthFailed,
    CarrierUnreachable,
    DialReceipt,
    LegGone,
    LegHint,
    LegSnapshot,
    LegSpec,
    OutcomeUnknown,
    SmsSpec,
    TelephonyError,
    Tell,
    Unsupported,
)

log = structlog.get_logger()
RECONNECT_S = (0.5, 1.0, 2.0, 5.0, 10.0)
HEARD_WITHIN_S = 2.0  # a short gap in the events is waited for before a call is refused
KEPT_ON_LINE = frozenset({Role.ELDER, Role.OPERATOR})  # who is put into the room when nobody says what to do


class AriGateway:
    """PhoneGateway for Asterisk. Works between `start` and `stop`; the PBX may come and go."""

    name = PROVIDER
    rings = True

    def __init__(
        self, settings: AriSettings, *, tell: Tell, clock: Clock, media: Media, new_id: Callable[[], str]
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._ari = AriClient(settings, clock)
        self._board = Switchboard(self._ari, tell=tell, clock=clock, media=media, new_id=new_id)
        self._listening = False
        self._refused: AuthFailed | None = None  # why nothing can be heard

    async def start(self) -> None:
        """Does not wait for the PBX."""
        await self._ari.open()
        self._board.start(self._stay_connected(), "ari events")

    async def stop(self) -> None:
        await self._board.stop()
        await self._ari.close()

    # --- the port

    async def dial(self, leg: LegSpec) -> DialReceipt:
        receipt = DialReceipt(leg.call_id)
        if leg.call_id in self._board.finished:
            return receipt  # Asterisk knows an id only as long as its channel lives
        endpoint = endpoint_of(leg.to, self._settings)
        known = self._board.open(leg.call_id, leg.call_id, inbound=False)
        known.leg.rescue = (Join(leg.room, record=False),) if leg.role in KEPT_ON_LINE else (Hangup(),)
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                await self._until_heard()
                await self._ari.originate(leg.call_id, endpoint, caller_id=leg.caller_id, ring_s=leg.ring_s)
        except TimeoutError as error:
            raise OutcomeUnknown("dialling took too long") from error
        except AlreadyThere:
            log.info("dialled_already", call=leg.call_id)
        except TelephonyError as error:
            if error.outcome == "not_done" and not known.leg.placed:
                self._board.forget(leg.call_id)
            raise
        known.leg.placed = True
        return receipt

    async def _until_heard(self) -> None:
        """Asterisk ends whatever is answered while our application is absent: such a call is better not placed."""
        until = self._clock.monotonic() + HEARD_WITHIN_S
        while not self._listening:
            if self._refused is not None:
                raise self._refused
            if self._clock.monotonic() >= until:
                raise CarrierUnreachable("its events are not heard")
            await self._clock.sleep(0.1)

    async def say(self, call_id: str, ref: str, script: Script) -> None:
        conversation = self._board.find(ref or call_id)
        if conversation is None:
            raise LegGone("no such call")
        conversation.leg.held = False
        conversation.run(script)

    async def hold(self, call_id: str, ref: str, room: str, *, held: bool) -> None:
        """Out of the room to music, and back. The room's other members and the script notice nothing."""
        channel = ref or call_id
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                await (self._to_music(channel, room) if held else self._from_music(channel, room))
        except TimeoutError as error:
            raise OutcomeUnknown("hold took too long") from error

    async def _to_music(self, channel: str, room: str) -> None:
        conversation = self._board.find(channel)
        if conversation is not None:
            conversation.leg.held = True  # before the request: its leaving is no news
        try:
            await self._board.rooms.remove(room, channel)
        except BaseException:  # given up in the middle too
            if conversation is not None and conversation.leg.room:
                conversation.leg.held = False  # should it leave after all, its script takes it back
            raise
        await self._ari.start_music(channel)

    async def _from_music(self, channel: str, room: str) -> None:
        with suppress(AlreadyThere):
            await self._ari.stop_music(channel)
        await self._board.rooms.add(room, channel)

    async def hang_up(self, call_id: str, ref: str) -> None:
        with suppress(LegGone):
            await self._ari.hang_up(ref or call_id)

    async def close_room(self, room: str) -> None:
        await self._board.rooms.close(room)
        for conversation in self._board.conversations():
            if conversation.leg.held and conversation.room == room:
                conversation.leg.held = False
                conversation.left()

    async def send_sms(self, sms: SmsSpec) -> DialReceipt:
        raise Unsupported("Asterisk sends no SMS here")

    async def find_leg(self, call_id: str, hint: LegHint) -> LegSnapshot | None:
        ref = hint.ref or call_id
        try:
            return self._snapshot(await self._ari.channel(ref), call_id)
        except LegGone:
            ended = self._board.finished.get(ref)
            if ended is not None:
                return LegSnapshot(call_id, ref, ended)
            if (conversation := self._board.find(ref)) and not conversation.leg.placed:
                self._board.forget(ref)
            return None

    async def list_live(self) -> Sequence[LegSnapshot]:
        known = [(shape, self._call_of(str(shape["id"]))) for shape in await self._ari.channels()]
        return [self._snapshot(shape, call_id) for shape, call_id in known if call_id]

    async def fetch_recording(self, ref: str) -> bytes:
        return await self._ari.recording_file(ref)

    async def delete_recording(self, ref: str) -> None:
        with suppress(LegGone):
            await self._ari.delete_recording(ref)

    async def is_well(self) -> bool:
        if not self._listening:
            raise CarrierUnreachable("its events are not heard")
        await self._ari.info()
        return True

    def _call_of(self, channel: str) -> str:
        if conversation := self._board.find(channel):
            return conversation.leg.call_id
        return channel if is_ours(channel) else ""

    def _snapshot(self, shape: Json, call_id: str) -> LegSnapshot:
        ref, conversation = str(shape["id"]), self._board.find(str(shape["id"]))
        what = STATE_NEWS.get(str(shape.get("state")), News.QUEUED)
        if what is News.ANSWERED and conversation is not None and conversation.leg.room:
            what = News.JOINED
        return LegSnapshot(call_id, ref, Heard(what, self._clock.now(), ref=ref))

    # --- the WebSocket

    async def _stay_connected(self) -> None:
        failures = 0
        while True:
            try:
                async with self._ari.events() as events:
                    failures = await self._listen(events, failures)
                reason = "closed"
            except TelephonyError as error:
                self._refused = error if isinstance(error, AuthFailed) else None
                reason = error.detail
            except Exception as error:  # an answer of an unexpected shape must not end the connection for good
                reason = repr(error)
            (log.debug if failures else log.warning)("ari_away", reason=reason)  # one line an outage
            await self._clock.sleep(RECONNECT_S[min(failures, len(RECONNECT_S) - 1)])
            failures += 1

    async def _listen(self, events: AsyncIterator[Json], failures: int) -> int:
        """Until the connection is no more; how long to stay away then, as a number of failures."""
        self._listening, self._refused = True, None
        reading = self._board.start(self._read(events), "ari reading")
        try:
            await reconcile(self._ari, self._board, self._clock)
            log.info("ari_connected", legs=len(self._board.conversations()))
            failures = 0
            return len(RECONNECT_S) if await reading else failures
        finally:
            self._listening = False
            reading.cancel()

    async def _read(self, events: AsyncIterator[Json]) -> bool:
        """Whether another program took our application's name: its socket stays open, and nothing is heard any more."""
        try:
            async for event in events:
                if event.get("type") == "ApplicationReplaced":
                    log.error("ari_application_replaced", app=self._settings.app)
                    return True
                self._board.take(event)
        except (TelephonyError, ValueError, OSError) as error:
            log.warning("ari_events_broken", reason=str(error))
        return False
