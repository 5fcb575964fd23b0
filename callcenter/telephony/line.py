"""Performs the effects of calls: asks the gateways in order, never twice for one call, and tells the door."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from callcenter import metrics
from callcenter.alerts.call_inputs import (
    CallInput,
    CallResult,
    Dialling,
    Heard,
    News,
    NotFound,
    NotPlaced,
    NotTaken,
    Placed,
    PlacingUnknown,
)
from callcenter.alerts.call_model import Call, CallOutcome, CallState, Role
from callcenter.alerts.effects import (
    EndCall,
    EndRoom,
    EndStray,
    FetchRecording,
    FindCall,
    HoldCall,
    PlaceCall,
    SendText,
    SpeakTo,
)
from callcenter.alerts.script import Join, Say
from callcenter.clock import Clock
from callcenter.ports import Submit
from callcenter.telephony import texts
from callcenter.telephony.circuit import Circuit
from callcenter.telephony.port import (
    DeadlinePassed,
    LegGone,
    LegHint,
    LegSnapshot,
    LegSpec,
    PhoneGateway,
    SmsSpec,
    TelephonyError,
    Throttled,
    Unsupported,
)
from callcenter.telephony.recordings import write_durably

log = structlog.get_logger()

PROBE_S = 15.0  # a gateway whose circuit is open is looked at so often
SOON_S = 0.3  # a carrier that cannot be reached is tried once more after this
SLOWLY_S = 5.0  # and what was stored too slowly to leave, later and later up to this: the disk has enough to do
THROTTLED_TRIES, THROTTLED_S = 3, 5.0  # at most so many tries in so long
# A call is looked for 6 s after `dialling` was decided, and a request takes 4 s: it leaves so soon or not at all,
# for what is looked for while it is on its way is not there, and another gateway would dial it too.
LEAVES_WITHIN_S = 1.5
LOOK_AGAIN_S = (1.0, 1.5, 2.0)  # a carrier that cannot say whether it rings is asked so soon again
STARTED_BEFORE_S = 8  # than we asked: the carrier's clock is not ours
END_FOR_S = 3600.0  # a call that must end is told so for so long
# Ends of ours, not of the carrier: such a call may still ring.
GIVEN_UP = (CallOutcome.LOST, CallOutcome.FAILED, CallOutcome.BY_HAND)

ReadCall = Callable[[str], Awaitable[Call | None]]
OthersOf = Callable[[Call], Awaitable[frozenset[str]]]  # the carrier's names of other calls to the same number
TextOf = Callable[[Call, str, str], Awaitable[str]]  # (call, prompt, id of a link in it) -> words of a text message
KeepRecording = Callable[[str, str, str, int, str], Awaitable[None]]  # call, ref, sha256, bytes, file


@dataclass(frozen=True, slots=True)
class Numbers:
    """What callers see, by whom we ring; E.164."""

    caller_id: str


class Line:
    """The performers of the outbox for everything that concerns one call."""

    def __init__(
        self,
        gateways: Sequence[PhoneGateway],
        submit: Submit,
        read_call: ReadCall,
        clock: Clock,
        *,
        numbers: Numbers,
        text_of: TextOf,
        recordings: Path,
        keep: KeepRecording,
        others_of: OthersOf,
    ) -> None:
        self._gateways = {gateway.name: gateway for gateway in gateways}
        self._circuits = {name: Circuit(name) for name in self._gateways}
        self._submit, self._read_call, self._clock = submit, read_call, clock
        self._numbers, self._text_of, self._recordings, self._keep = numbers, text_of, recordings, keep
        self._others_of = others_of

    async def start(self) -> None:
        for name, gateway in self._gateways.items():
            if gateway.rings:
                self._circuits[name].tell()  # a series that is not there cannot be compared
            await gateway.start()

    async def stop(self) -> None:
        for gateway in self._gateways.values():
            await gateway.stop()

    async def run(self) -> None:
        """Probe the gateways whose circuit is open."""
        while True:
            await self._clock.sleep(PROBE_S)
            for name, circuit in self._circuits.items():
                if circuit.open and await self._is_well(self._gateways[name]):
                    circuit.worked()

    @property
    def calling(self) -> bool:
        """False: there are carriers, and every one of them is left out."""
        ringing = [name for name, gateway in self._gateways.items() if gateway.rings]
        return not ringing or not all(self._circuits[name].open for name in ringing)

    @staticmethod
    async def _is_well(gateway: PhoneGateway) -> bool:
        try:
            return await gateway.is_well()
        except (TelephonyError, TimeoutError):
            return False
        except Exception:  # whatever it is, the service goes on and asks again
            log.exception("telephony.probe_failed", gateway=gateway.name)
            return False

    async def _tell(self, call: str, happened: CallInput, *, gateway: str = "") -> datetime | None:
        """When it was decided, and then stored; None: it changed nothing."""
        decided_at: datetime | None = await self._submit(CallResult(call, happened, gateway))
        return decided_at

    # -- placing

    async def place_call(self, effect: PlaceCall) -> None:
        """Gateway after gateway until one takes it; if none does, a person is asked to dial."""
        reason = "no_gateway"
        for name, gateway in self._in_order():
            if name == effect.without or self._circuits[name].open or not gateway.rings:
                continue
            result = await self._ask(gateway, effect.call)
            if result is None:
                break  # over, unwanted, or another process dials it: this effect has nothing to do any more
            if not isinstance(result, NotTaken):
                return
            reason = result.reason
        call = await self._read_call(effect.call)
        if call is None or call.state is not CallState.WANTED:
            return
        if call.hang_up_at:
            await self._tell(call.id, NotPlaced("", "unwanted"))
        elif self._clock.now() < call.not_after:  # later its own deadline ends it
            await self._tell(call.id, NotPlaced("", reason, by_hand=True))

    def _in_order(self) -> Sequence[tuple[str, PhoneGateway]]:
        """As configured; but who failed a moment ago comes last, and is not waited for by everybody in turn."""
        now = self._clock.monotonic()
        return sorted(self._gateways.items(), key=lambda one: self._circuits[one[0]].doubtful(now))

    async def _ask(self, gateway: PhoneGateway, call_id: str) -> CallInput | None:
        """One gateway, as often as the table allows. None: this call is not to be dialled.

        Each request is stored before it leaves, the second too: while it is under way nobody takes the call for
        forgotten, and between two of them it can be withdrawn.
        """
        began, tries = self._clock.monotonic(), 0
        result: CallInput
        while True:
            call = await self._read_call(call_id)
            if call is None or (decided_at := await self._tell(call_id, Dialling(gateway.name))) is None:
                return None
            tries += 1
            late = (self._clock.now() - decided_at).total_seconds() > LEAVES_WITHIN_S
            answer = DeadlinePassed("stored too slowly") if late else await self._dial(gateway, call)
            wait = None
            if isinstance(answer, TelephonyError):
                wait = self._wait_before_next(answer, tries, self._clock.monotonic() - began)
                result = self._given_up(gateway, answer, for_good=wait is None)
            else:
                result = answer
            await self._tell(call_id, result)
            if wait is None:
                return result
            await self._clock.sleep(wait)

    async def _dial(self, gateway: PhoneGateway, call: Call) -> Placed | TelephonyError:
        """One request."""
        leg = LegSpec(
            call_id=call.id,
            role=call.role.value,
            to=call.number,
            caller_id=self._numbers.caller_id,
            ring_s=call.ring_s,
            room=call.room,
            not_after=call.not_after,
            detect_machine=call.role is Role.ELDER,
        )
        try:
            receipt = await gateway.dial(leg)
        except TelephonyError as error:
            metrics.dial_attempts.labels(gateway.name, type(error).__name__).inc()
            return error
        self._circuits[gateway.name].worked()
        metrics.dial_attempts.labels(gateway.name, "placed").inc()
        return Placed(gateway.name, receipt.ref)

    def _wait_before_next(self, error: TelephonyError, tries: int, spent: float) -> float | None:
        """Seconds until the same gateway is asked again; None: not again (telephony.md, section 6)."""
        if isinstance(error, DeadlinePassed):
            return float(min(SOON_S * 2 ** (tries - 1), SLOWLY_S))  # until the call itself is too old
        if error.outcome != "not_done" or error.permanent or type(error).__name__ == "AuthFailed":
            return None
        if isinstance(error, Throttled):
            wait = error.retry_after if error.retry_after is not None else 1.0
            return wait if tries < THROTTLED_TRIES and spent + wait <= THROTTLED_S else None
        return SOON_S if tries == 1 and type(error).__name__ == "CarrierUnreachable" else None

    def _given_up(self, gateway: PhoneGateway, error: TelephonyError, *, for_good: bool) -> CallInput:
        """What a request that failed means for the call. `NotTaken`: it certainly does not ring."""
        reason = type(error).__name__
        log.warning("telephony.not_placed", gateway=gateway.name, reason=reason, code=error.code, http=error.http)
        if error.permanent:  # the number is wrong, not the carrier: another one would say the same
            return NotPlaced(gateway.name, reason)
        if for_good:
            self._failed(gateway, error)
        if error.outcome == "unknown":
            return PlacingUnknown(gateway.name, reason)
        return NotTaken(gateway.name, reason)

    def _failed(self, gateway: PhoneGateway, error: TelephonyError) -> None:
        at_once = type(error).__name__ == "AuthFailed"  # nothing works until somebody mends it
        self._circuits[gateway.name].failed(self._clock.monotonic(), at_once=at_once)

    # -- a call that was placed

    async def find_call(self, effect: FindCall) -> None:
        call = await self._read_call(effect.call)
        gateway = self._gateway_of(call)
        if call is None or gateway is None:
            return
        since = (call.unknown_at or call.wanted_at) - timedelta(seconds=STARTED_BEFORE_S)
        others = frozenset() if call.provider_ref else await self._others_of(call)
        hint = LegHint(call.number, since, call.provider_ref, others)
        # While it is unknown nobody else may ring: what the carrier cannot say now, it may say in a second.
        for wait in (*(LOOK_AGAIN_S if call.state is CallState.UNKNOWN else ()), None):
            asked_at = self._clock.now()
            try:
                found = await gateway.find_leg(call.id, hint)
            except TelephonyError as error:
                log.warning("telephony.not_found_out", gateway=gateway.name, reason=type(error).__name__)
                self._failed(gateway, error)  # each: what is asked meanwhile goes to who answers
                if wait is None:
                    return
            else:
                await self._found(gateway, call, found, asked_at)
                return
            await self._clock.sleep(wait)

    async def _found(self, gateway: PhoneGateway, call: Call, found: LegSnapshot | None, asked_at: datetime) -> None:
        if found is None:
            await self._tell(call.id, NotFound(gateway.name, asked_at))
            return
        # How it stands first: one that we gave up is ended when it is named, unless somebody in need has answered it.
        await self._tell(call.id, _still(found.heard) if call.in_room else found.heard, gateway=gateway.name)
        if not call.provider_ref:
            await self._tell(call.id, Placed(gateway.name, found.ref), gateway=gateway.name)

    async def end_call(self, effect: EndCall) -> None:
        call = await self._read_call(effect.call)
        gateway = self._gateway_of(call)
        if call is None or gateway is None or self._has_ended(call):
            return
        try:
            await gateway.hang_up(call.id, call.provider_ref)
        except LegGone:
            return
        except TelephonyError as error:
            if not call.provider_ref:  # the carrier's name for it may never have come: without it nothing can end
                await self.find_call(FindCall(call.id))
            raise ConnectionError(type(error).__name__) from error  # tried again: it must not go on ringing

    async def end_stray(self, effect: EndStray) -> None:
        call, gateway = await self._read_call(effect.call), self._gateways.get(effect.gateway)
        if call is None or gateway is None or (self._clock.now() - call.wanted_at).total_seconds() > END_FOR_S:
            return
        try:
            await gateway.hang_up(call.id, effect.ref)
        except LegGone:
            return
        except TelephonyError as error:
            raise ConnectionError(type(error).__name__) from error  # tried again: it must not go on ringing

    def _has_ended(self, call: Call) -> bool:
        """Its end is known, or so long ago that no carrier can be ringing any more. What we gave up may still ring."""
        if call.over and call.outcome not in GIVEN_UP:
            return True
        since = call.hang_up_at or call.ended_at
        return since is not None and (self._clock.now() - since).total_seconds() > END_FOR_S

    async def hold_call(self, effect: HoldCall) -> None:
        call = await self._read_call(effect.call)
        gateway = self._gateway_of(call)
        if call is None or gateway is None or call.over or call.held != effect.held:
            return
        try:
            await gateway.hold(call.id, call.provider_ref, call.room, held=effect.held)
        except (LegGone, Unsupported) as error:
            log.warning("telephony.not_held", gateway=gateway.name, reason=type(error).__name__)
        except TelephonyError as error:  # consoles show it as done: nobody is left listening to music
            raise ConnectionError(type(error).__name__) from error

    async def speak_to(self, effect: SpeakTo) -> None:
        """To who was left alone. Not tried again: by then they may be talking to somebody."""
        call = await self._read_call(effect.call)
        gateway = self._gateway_of(call)
        if call is None or gateway is None or call.over or call.hang_up_at or self._is_late(effect):
            return
        say = Say(await self._text_of(call, effect.prompt, ""), call.language)
        try:
            await gateway.say(call.id, call.provider_ref, (say, Join(call.room, start=False, record=effect.recorded)))
        except TelephonyError as error:
            log.warning("telephony.not_said", gateway=gateway.name, reason=type(error).__name__)

    async def end_room(self, effect: EndRoom) -> None:
        """Once: its legs are ended each by its own EndCall, and whoever opens the room again must not be thrown out."""
        for name in effect.gateways:
            gateway = self._gateways.get(name)
            try:
                if gateway is not None and gateway.rings and not self._is_late(effect):
                    await gateway.close_room(effect.alert)
            except TelephonyError as error:
                log.warning("telephony.room_not_closed", gateway=name, reason=type(error).__name__)

    def _is_late(self, effect: SpeakTo | EndRoom) -> bool:
        return self._clock.now() > datetime.fromisoformat(effect.until)

    def _gateway_of(self, call: Call | None) -> PhoneGateway | None:
        return self._gateways.get(call.gateway) if call else None

    # -- beside the call

    async def send_text(self, effect: SendText) -> str:
        """By the call's own gateway, else by the first that can. Empty, or why it was not sent."""
        call = await self._read_call(effect.call)
        if call is None or not call.number:
            return "text_not_sent"
        sms = SmsSpec(call.id, call.number, await self._text_of(call, effect.prompt, effect.link))
        own = self._gateway_of(call)
        others = (gateway for gateway in self._gateways.values() if gateway is not own)
        return await texts.send((*((own,) if own else ()), *others), sms)

    async def fetch_recording(self, effect: FetchRecording) -> None:
        """Keep it here under its hash first; only then the carrier's copy goes."""
        call = await self._read_call(effect.call)
        gateway = self._gateway_of(call)
        if call is None or gateway is None:
            return
        try:
            sound = await gateway.fetch_recording(effect.ref)
        except LegGone:
            return  # deleted there after it was kept here, by a process that died then; asking again is no use
        except TelephonyError as error:
            raise ConnectionError(type(error).__name__) from error
        digest, name = await asyncio.to_thread(write_durably, self._recordings, sound)
        await self._keep(call.id, effect.ref, digest, len(sound), name)
        try:
            await gateway.delete_recording(effect.ref)
        except LegGone:
            pass
        except TelephonyError as error:
            raise ConnectionError(type(error).__name__) from error


def _still(heard: Heard) -> Heard:
    """That somebody is in the room where we know them is no news, but it does say that they are not lost."""
    return replace(heard, what=News.ANSWERED) if heard.what is News.JOINED else heard
