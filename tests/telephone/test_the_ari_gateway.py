"""The gateway for Asterisk against the stand-in of simulators/pbx: what it dials, says, tells and survives."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from callcenter.alerts.call_inputs import CallNews, Heard, InboundCall, News
from callcenter.alerts.call_model import CallOutcome
from callcenter.alerts.script import Ask, Hangup, Join, Pause, Play, Record, Said, Say, Script
from callcenter.ids import new_id
from callcenter.telephony.ari_client import AriSettings
from callcenter.telephony.ari_gateway import AriGateway
from callcenter.telephony.ari_words import sound_files
from callcenter.telephony.port import (
    AuthFailed,
    CarrierUnreachable,
    LegGone,
    LegHint,
    LegSpec,
    NumberRejected,
    OutcomeUnknown,
    PhoneGateway,
    SmsSpec,
    TelephonyError,
    Unsupported,
)
from simulators.carrier.pace import Pace
from simulators.pbx.callees import (
    BUSY,
    HANGS_UP_IN_PROMPT,
    NO_ANSWER,
    REJECTS,
    SILENT,
    VOICE,
    Callee,
    Press,
    presses,
)
from simulators.pbx.server import Fault, Pbx

pytestmark = pytest.mark.long

PACE = 60.0
ROOM = "01JROOM0000000000000000000"
HELLO = Say("您好", "zh-CN")
OFFER: Script = (Ask("offer", (HELLO, Pause(1), Say("请按 1", "zh-CN")), timeout_s=10),)
INTO_ROOM: Script = (HELLO, Join(ROOM))


class PacedClock(Pace):
    """The clock of the story for both sides: at pace 60 ten seconds take a sixth of one."""

    def monotonic(self) -> float:
        return self.now().timestamp()


@dataclass
class Door:
    """Stores what it is told, each event once, and answers as the test has it."""

    opening: Script = OFFER
    answers: dict[str | None, Script] = field(default_factory=dict)  # by the key pressed
    news: list[CallNews] = field(default_factory=list)
    inbound: list[InboundCall] = field(default_factory=list)
    failures: int = 0  # so many tellings fail first
    hangs: bool = False  # it answers nothing
    knows: bool = True  # the calls it is told of
    calls: dict[str, str] = field(default_factory=dict)  # event of an inbound call -> the id it is stored under

    async def tell(self, news: CallNews | InboundCall) -> Said | None:
        await asyncio.sleep(0.001)
        if self.hangs:
            await asyncio.Event().wait()
        if self.failures:
            self.failures -= 1
            raise RuntimeError("the database is away")
        if isinstance(news, InboundCall):
            self.inbound.append(news)
            return Said(self.calls.setdefault(news.event_id, news.call_id), self.opening)
        if news.event_id not in {one.event_id for one in self.news}:
            self.news.append(news)
        assert news.heard is not None
        if not self.knows:
            return None
        if news.heard.what is News.ANSWERED:
            return Said(news.call_id, self.opening)
        if news.heard.what is News.INPUT:
            script = self.answers.get(news.heard.digits)
            return None if script is None else Said(news.call_id, script)
        return None

    def of(self, call_id: str) -> list[Heard]:
        return [one.heard for one in self.news if one.call_id == call_id and one.heard]

    def words(self, call_id: str) -> list[str]:
        return [heard.what.value for heard in self.of(call_id)]

    def last(self, call_id: str, what: News) -> Heard:
        return next(heard for heard in reversed(self.of(call_id)) if heard.what is what)

    def has(self, call_id: str, what: News, times: int = 1) -> Callable[[], bool]:
        return lambda: self.words(call_id).count(what.value) >= times


async def until(true: Callable[[], object], limit_s: float = 5.0) -> None:
    async with asyncio.timeout(limit_s):
        while not true():  # noqa: ASYNC110  # what is waited for is in another program's books
            await asyncio.sleep(0.002)


@dataclass
class Line:
    """One gateway at one PBX."""

    pbx: Pbx
    door: Door
    gateway: AriGateway
    clock: PacedClock

    def spec(self, number: str, call_id: str, *, role: str = "responder", ring_s: int = 20) -> LegSpec:
        not_after = self.clock.now() + timedelta(minutes=5)
        return LegSpec(call_id, role, number, "12349", ring_s, ROOM, not_after)

    async def call(self, number: str, callee: Callee, *, role: str = "responder", ring_s: int = 20) -> str:
        self.pbx.exchange.callees[f"PJSIP/{number}@trunk"] = callee
        call_id = new_id(self.clock.now())
        receipt = await self.gateway.dial(self.spec(number, call_id, role=role, ring_s=ring_s))
        assert receipt.ref == call_id
        return call_id

    async def ended(self, call_id: str) -> Heard:
        await until(self.door.has(call_id, News.ENDED))
        return self.door.last(call_id, News.ENDED)

    async def room_of(self, *callees: str) -> list[str]:
        """So many people in the room."""
        self.door.opening = INTO_ROOM
        calls = [await self.call(number, SILENT) for number in callees]
        for call_id in calls:
            await until(self.door.has(call_id, News.JOINED))
        return calls

    def members(self) -> set[str]:
        bridge = self.pbx.exchange.bridges.get(ROOM)
        return {channel.id for channel in bridge.members} if bridge else set()


def settings(pbx: Pbx, password: str = "secret", timeout_s: float = 4.0) -> AriSettings:
    return AriSettings(pbx.url, "centre", password, timeout_s=timeout_s)


def gateway_at(pbx: Pbx, door: Door, clock: PacedClock, **how: object) -> AriGateway:
    ids = lambda: new_id(clock.now())  # noqa: E731
    return AriGateway(settings(pbx, **how), tell=door.tell, clock=clock, media=sound_files("vnh"), new_id=ids)


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    """Afterwards nothing was asked that Asterisk does not have, and no telephone rang twice for one call."""
    clock = PacedClock(pace=PACE)
    door = Door()
    async with Pbx(clock, username="centre", password="secret") as pbx:
        gateway = gateway_at(pbx, door, clock, timeout_s=1.5)
        await gateway.start()
        await until(lambda: pbx.exchange.active)
        made = Line(pbx, door, gateway, clock)
        try:
            yield made
        finally:
            await made.gateway.stop()
        assert pbx.refused == []
        doubled = [one for one, times in Counter(rang.channel for rang in pbx.exchange.originates).items() if times > 1]
        assert doubled == []


async def test_it_is_a_phone_gateway(line: Line) -> None:
    gateway: PhoneGateway = line.gateway
    assert (gateway.name, gateway.rings) == ("ari", True)


@pytest.mark.parametrize(
    ("callee", "outcome", "cause"),
    [
        (NO_ANSWER, CallOutcome.NO_ANSWER, "19 User alerting, no answer"),
        (BUSY, CallOutcome.BUSY, "17 User busy"),
        (REJECTS, CallOutcome.REJECTED, "21 Call Rejected"),
        (Callee(answers=False, cause=27), CallOutcome.FAILED, "27 Destination out of order"),
    ],
    ids=["rings in vain", "busy", "rejected", "out of order"],
)
async def test_nobody_answers(line: Line, callee: Callee, outcome: CallOutcome, cause: str) -> None:
    call_id = await line.call("+8613800000001", callee, ring_s=5)
    ended = await line.ended(call_id)
    assert (ended.outcome, ended.cause, ended.talk_s) == (outcome, cause, None)
    assert line.door.words(call_id) == ["ringing", "ended"]
    rang = line.pbx.exchange.originates[0]
    assert (rang.endpoint, rang.caller_id) == ("PJSIP/+8613800000001@trunk", "12349")


async def test_a_key_after_the_prompt_is_told_and_its_answer_is_done(line: Line) -> None:
    line.door.answers["1"] = (HELLO, Hangup())
    call_id = await line.call("+8613800000001", presses(Press("1", after_s=9)))
    ended = await line.ended(call_id)
    assert line.door.words(call_id) == ["ringing", "answered", "input", "ended"]
    heard = line.door.last(call_id, News.INPUT)
    assert (heard.step, heard.digits) == ("offer", "1")
    assert ended.outcome is CallOutcome.ANSWERED
    assert ended.talk_s is not None
    assert ended.talk_s > 9


async def test_an_early_key_counts_and_stops_the_prompt(line: Line) -> None:
    line.door.answers["2"] = (Pause(60), Hangup())
    call_id = await line.call("+8613800000001", presses(Press("2", after_s=0.5), Press("1", after_s=0.6)))
    await until(line.door.has(call_id, News.INPUT))
    assert line.door.last(call_id, News.INPUT).digits == "2"
    await until(lambda: [one.media[0] for one in line.pbx.exchange.playbacks.values()] == ["sound:silence/10"])
    assert line.door.words(call_id).count("input") == 1


async def test_silence_is_told_and_the_question_comes_again(line: Line) -> None:
    line.door.answers[None] = (Ask("again", (HELLO,), timeout_s=4),)
    call_id = await line.call("+8613800000001", presses(Press("1", prompt=2)))
    await line.ended(call_id)
    inputs = [heard for heard in line.door.of(call_id) if heard.what is News.INPUT]
    assert [(heard.step, heard.digits) for heard in inputs] == [("offer", None), ("again", "1")]


async def test_a_voice_is_an_answer_where_the_question_allows_it(line: Line) -> None:
    line.door.opening = (Ask("awake", (HELLO,), timeout_s=5, speech=True), Hangup())
    call_id = await line.call("+8613800000001", presses(Press(VOICE)), role="elder")
    await line.ended(call_id)
    assert line.door.last(call_id, News.INPUT).digits == ""
    shy = OFFER
    line.door.opening = shy
    call_id = await line.call("+8613800000002", presses(Press(VOICE)))
    await line.ended(call_id)
    assert line.door.last(call_id, News.INPUT).digits is None


async def test_hanging_up_in_the_middle_of_a_prompt_ends_it_without_an_input(line: Line) -> None:
    call_id = await line.call("+8613800000001", HANGS_UP_IN_PROMPT)
    ended = await line.ended(call_id)
    assert ended.outcome is CallOutcome.ANSWERED
    await line.clock.sleep(20)
    assert line.door.words(call_id) == ["ringing", "answered", "ended"]


async def test_a_prompt_that_is_not_there_does_not_end_the_call(line: Line) -> None:
    line.door.opening = (Play("/prompts/missing.wav"), *OFFER)
    call_id = await line.call("+8613800000001", presses(Press("1", prompt=2)))
    await until(line.door.has(call_id, News.INPUT))


async def test_three_in_a_room_come_and_go_and_are_recorded_once(line: Line) -> None:
    one, two, three = await line.room_of("+861", "+862", "+863")
    assert line.members() == {one, two, three}
    exchange = line.pbx.exchange
    assert len(exchange.recordings) == 1
    await line.gateway.hang_up(two, two)
    await line.ended(two)
    assert line.door.words(two)[-2:] == ["left", "ended"]
    assert line.members() == {one, three}
    await line.gateway.close_room(ROOM)
    await line.ended(one)  # the end of the script is the end of the call
    await line.ended(three)
    recorded = [news for news in line.door.news if news.heard and news.heard.what is News.RECORDED]
    assert [news.call_id for news in recorded] == [one]
    name = recorded[0].heard.ref  # type: ignore[union-attr]
    assert (await line.gateway.fetch_recording(name)).startswith(b"RIFF")
    await line.gateway.delete_recording(name)
    await line.gateway.delete_recording(name)
    with pytest.raises(LegGone):
        await line.gateway.fetch_recording(name)
    await line.gateway.close_room(ROOM)


async def test_who_waits_for_an_operator_hears_music_until_the_room_is_started(line: Line) -> None:
    line.door.opening = (Join(ROOM, start=False),)
    waiting = await line.call("+8613800000001", SILENT)
    await until(line.door.has(waiting, News.JOINED))
    await until(lambda: line.pbx.exchange.bridges[ROOM].music)
    line.door.opening = (Join(ROOM),)
    operator = await line.call("+8613800000002", SILENT)
    await until(line.door.has(operator, News.JOINED))
    await until(lambda: not line.pbx.exchange.bridges[ROOM].music)


async def test_who_is_left_alone_is_spoken_to_and_waits_to_music_again(line: Line) -> None:
    """The room had been started, so they came back into silence."""
    line.door.opening = (Join(ROOM, start=False),)
    waiting = await line.call("+8613800000001", SILENT)
    await until(line.door.has(waiting, News.JOINED))
    line.door.opening = (Join(ROOM),)
    operator = await line.call("+8613800000002", SILENT)
    await until(line.door.has(operator, News.JOINED))
    await line.gateway.hang_up(operator, operator)
    await line.ended(operator)
    await line.gateway.say(waiting, waiting, (Say("请不要挂断。", "zh-CN"), Join(ROOM, start=False)))
    await until(lambda: line.door.words(waiting)[-2:] == ["left", "joined"])
    await until(lambda: line.pbx.exchange.bridges[ROOM].music)
    assert line.members() == {waiting}


async def test_hold_takes_one_out_to_music_and_back_without_any_news(line: Line) -> None:
    one, two = await line.room_of("+861", "+862")
    before = line.door.words(one)
    await line.gateway.hold(one, one, ROOM, held=True)
    assert line.members() == {two}
    assert line.pbx.exchange.channels[one].music
    await line.gateway.hold(one, one, ROOM, held=False)
    assert line.members() == {one, two}
    assert not line.pbx.exchange.channels[one].music
    await line.clock.sleep(5)
    assert line.door.words(one) == before
    await line.gateway.hold(two, two, ROOM, held=True)
    await line.gateway.close_room(ROOM)
    await line.ended(two)  # closing lets go of those on hold too


async def test_a_new_script_replaces_the_running_one(line: Line) -> None:
    line.door.opening = (Pause(60), Hangup())
    call_id = await line.call("+8613800000001", SILENT)
    await until(lambda: line.pbx.exchange.playbacks)
    await line.gateway.say(call_id, call_id, INTO_ROOM)
    await until(line.door.has(call_id, News.JOINED))
    assert not line.pbx.exchange.playbacks
    await line.gateway.say(call_id, call_id, (HELLO, Join(ROOM)))
    await until(line.door.has(call_id, News.JOINED, times=2))
    await line.gateway.say(call_id, call_id, (Record(5), Hangup()))
    await line.ended(call_id)
    assert line.door.words(call_id).count("left") == 2
    with pytest.raises(LegGone):
        await line.gateway.say(call_id, call_id, (Hangup(),))


async def test_a_caller_is_welcomed_and_known_by_the_id_the_door_gives(line: Line) -> None:
    line.door.opening = INTO_ROOM
    channel = line.pbx.exchange.ring_in("1700000000.12", caller="057100000001", dialled="12349")
    await until(lambda: line.door.inbound)
    call = line.door.inbound[0]
    assert (call.caller, call.dialled, call.ref) == ("057100000001", "12349", "1700000000.12")
    await until(line.door.has(call.call_id, News.JOINED))
    assert channel is not None
    assert channel.state == "Up"
    found = await line.gateway.find_leg(call.call_id, LegHint("", line.clock.now(), ref=call.ref))
    assert found is not None
    assert found.heard.what is News.JOINED
    assert [one.call_id for one in await line.gateway.list_live()] == [call.call_id]
    line.pbx.exchange.hang_up(channel)
    assert (await line.ended(call.call_id)).outcome is CallOutcome.ANSWERED


# --- what goes wrong


async def test_a_caller_reaches_the_duty_phone_when_nothing_can_be_stored(line: Line) -> None:
    line.door.failures = 100
    line.pbx.exchange.ring_in("1700000000.12", caller="057100000001", dialled="12349")
    await until(lambda: line.pbx.exchange.to_duty_phone == ["057100000001"])


async def test_an_elder_is_put_into_the_room_when_nothing_can_be_stored(line: Line) -> None:
    line.door.failures = 100
    call_id = await line.call("+8613800000001", SILENT, role="elder")
    await until(lambda: line.members() == {call_id})


async def test_news_is_told_again_until_it_is_stored(line: Line) -> None:
    line.door.failures = 3
    call_id = await line.call("+8613800000001", BUSY)
    await line.ended(call_id)
    assert line.door.words(call_id) == ["ringing", "ended"]


async def test_what_happened_while_the_socket_was_away_is_told_afterwards(line: Line) -> None:
    """Of three calls one is answered, one ends, and one's prompt is over, all within ten seconds nobody hears of."""
    line.door.opening = (Ask("offer", (HELLO, Pause(1)), timeout_s=20),)  # however soon after the gap they are back
    late = await line.call("+8613800000001", Callee(rings_s=6, presses=(Press("1", after_s=8),)))
    gone = await line.call("+8613800000002", Callee(rings_s=6, answers=False, cause=17))
    asked = await line.call("+8613800000003", Callee(rings_s=0.1, presses=(Press("1", after_s=24),)))
    await until(line.door.has(asked, News.ANSWERED))
    await until(line.door.has(gone, News.RINGING))
    await line.pbx.drop_socket(10)
    assert {"StasisStart", "ChannelDestroyed"} <= {event["type"] for event in line.pbx.exchange.lost}
    ended = await line.ended(gone)
    assert (ended.outcome, ended.cause) == (CallOutcome.LOST, "gone after reconnect")
    for call_id in (late, asked):
        await until(line.door.has(call_id, News.INPUT))
        assert line.door.words(call_id).count("answered") == 1
        assert line.door.last(call_id, News.INPUT).digits == "1"
    assert len(line.pbx.exchange.originates) == 3


async def test_joining_and_leaving_unheard_is_told_afterwards(line: Line) -> None:
    stays, goes = await line.room_of("+861", "+862")
    exchange = line.pbx.exchange
    dropped = asyncio.create_task(line.pbx.drop_socket(10))
    await asyncio.sleep(0.01)
    exchange.hang_up(exchange.channels[goes])
    await dropped
    assert (await line.ended(goes)).outcome is CallOutcome.LOST
    await until(lambda: line.pbx.connections == 2)
    await line.clock.sleep(3)
    assert line.members() == {stays}
    assert line.door.words(stays) == ["ringing", "answered", "joined"]
    await line.gateway.close_room(ROOM)
    await line.ended(stays)


async def test_callers_while_the_application_is_away_reach_the_duty_phone(line: Line) -> None:
    dropped = asyncio.create_task(line.pbx.drop_socket(10, noticed=True))
    await asyncio.sleep(0.01)
    assert line.pbx.exchange.ring_in("1700000000.12", caller="057100000001", dialled="12349") is None
    await dropped
    await until(lambda: line.pbx.exchange.active)
    assert line.pbx.exchange.to_duty_phone == ["057100000001"]


async def test_a_restart_of_the_pbx_ends_every_call_once(line: Line) -> None:
    one, two = await line.room_of("+861", "+862")
    ringing = await line.call("+863", NO_ANSWER)
    await until(line.door.has(ringing, News.RINGING))
    restarting = asyncio.create_task(line.pbx.restart(8))
    await asyncio.sleep(0.02)
    with pytest.raises(CarrierUnreachable):
        await line.gateway.is_well()
    await restarting
    for call_id in (one, two, ringing):
        assert (await line.ended(call_id)).outcome is CallOutcome.LOST
    await line.clock.sleep(15)
    for call_id in (one, two, ringing):
        assert line.door.words(call_id).count("ended") == 1
    assert await line.gateway.is_well()
    missing = [news for news in line.door.news if news.heard and news.heard.what is News.NOT_RECORDED]
    assert len(missing) == 1
    again = await line.call("+864", BUSY)
    assert (await line.ended(again)).outcome is CallOutcome.BUSY


async def test_a_room_that_vanishes_is_opened_again_with_everybody_in_it(line: Line) -> None:
    one, two = await line.room_of("+861", "+862")
    exchange = line.pbx.exchange
    exchange.destroy_bridge(exchange.bridges[ROOM])
    await until(line.door.has(one, News.JOINED, times=2))
    await until(line.door.has(two, News.JOINED, times=2))
    assert line.members() == {one, two}
    assert len(exchange.recordings) == 1
    assert len(exchange.stored) == 1


@pytest.mark.parametrize("how", ["error", "hang", "reset"])
async def test_an_unknown_outcome_is_looked_up_and_a_repeat_rings_nobody_twice(line: Line, how: str) -> None:
    line.pbx.faults.append(Fault("originate", how, done=True))
    line.pbx.exchange.callees["PJSIP/+8613800000001@trunk"] = NO_ANSWER
    call_id = new_id(line.clock.now())
    spec = line.spec("+8613800000001", call_id, ring_s=600)
    with pytest.raises(OutcomeUnknown) as unknown:
        await line.gateway.dial(spec)
    assert unknown.value.outcome == "unknown"
    found = await line.gateway.find_leg(call_id, LegHint(spec.to, line.clock.now()))
    assert found is not None
    assert found.heard.what in {News.QUEUED, News.RINGING}
    assert (await line.gateway.dial(spec)).ref == call_id  # 409: it rings already
    await line.gateway.hang_up(call_id, call_id)
    assert (await line.ended(call_id)).outcome is CallOutcome.CANCELED
    assert (await line.gateway.dial(spec)).ref == call_id  # Asterisk has forgotten it, we have not
    found = await line.gateway.find_leg(call_id, LegHint(spec.to, line.clock.now()))
    assert found is not None
    assert found.heard.outcome is CallOutcome.CANCELED
    assert len(line.pbx.exchange.originates) == 1


async def test_what_never_reached_the_pbx_is_not_found(line: Line) -> None:
    line.pbx.faults.append(Fault("originate", "error"))
    call_id = new_id(line.clock.now())
    spec = line.spec("+8613800000001", call_id)
    with pytest.raises(OutcomeUnknown):
        await line.gateway.dial(spec)
    assert await line.gateway.find_leg(call_id, LegHint(spec.to, line.clock.now())) is None
    line.pbx.exchange.callees["PJSIP/+8613800000001@trunk"] = BUSY
    await line.gateway.dial(spec)
    assert (await line.ended(call_id)).outcome is CallOutcome.BUSY


async def test_a_room_is_entered_in_spite_of_faults(line: Line) -> None:
    line.pbx.faults += [Fault("create_bridge", "error"), Fault("add_channel", "reset"), Fault("record_bridge", "error")]
    (call_id,) = await line.room_of("+861")
    await until(line.door.has(call_id, News.NOT_RECORDED))
    assert line.members() == {call_id}


async def test_hanging_up_what_is_gone_is_done(line: Line) -> None:
    call_id = await line.call("+8613800000001", BUSY)
    await line.ended(call_id)
    await line.gateway.hang_up(call_id, call_id)
    await line.gateway.hang_up(new_id(line.clock.now()), "")


async def test_what_cannot_be_dialled_or_sent(line: Line) -> None:
    for number in ("", "+86138&DAHDI/1", "PJSIP/x", "sip:a b@desk"):
        with pytest.raises(NumberRejected):
            await line.gateway.dial(line.spec(number, new_id(line.clock.now())))
    with pytest.raises(Unsupported):
        await line.gateway.send_sms(SmsSpec("1", "+8613800000001", "hello"))
    assert line.pbx.exchange.originates == []


async def test_a_wrong_password_is_said_and_dials_nobody(line: Line) -> None:
    gateway = gateway_at(line.pbx, line.door, line.clock, password="wrong")
    await gateway.start()
    try:
        call_id = new_id(line.clock.now())
        with pytest.raises(AuthFailed):
            await gateway.dial(line.spec("+8613800000001", call_id))
        with pytest.raises(TelephonyError):
            await gateway.is_well()
    finally:
        await gateway.stop()
    assert line.pbx.exchange.originates == []
    assert line.pbx.connections == 1


async def test_a_restart_of_ours_finds_the_calls_again(line: Line) -> None:
    """In the room they stay there, the caller keeps the stored id, and who has nobody is asked what to do."""
    (joined,) = await line.room_of("+861")
    line.door.opening = (Pause(20), Hangup())
    asking = await line.call("+862", presses(Press("1", prompt=2)))
    line.pbx.exchange.ring_in("1700000000.12", caller="057100000001", dialled="12349")
    await until(lambda: len(line.pbx.exchange.playbacks) == 2)
    caller = line.door.inbound[0].call_id
    await line.gateway.stop()
    line.door.opening = OFFER
    line.gateway = gateway_at(line.pbx, line.door, line.clock)
    await line.gateway.start()
    await until(lambda: len(line.door.inbound) == 2)
    assert line.door.inbound[1].event_id == line.door.inbound[0].event_id
    exchange = line.pbx.exchange
    exchange.hang_up(exchange.channels["1700000000.12"])
    await line.ended(caller)
    await until(line.door.has(asking, News.INPUT))
    assert line.members() == {joined}
    await line.gateway.close_room(ROOM)
    await line.ended(joined)


# --- awkward moments

CALLER = ("1700000000.12", "057100000001")


def rings_in(line: Line) -> None:
    line.pbx.exchange.ring_in(CALLER[0], caller=CALLER[1], dialled="12349")


async def test_a_caller_reaches_the_duty_phone_when_the_door_hangs(line: Line) -> None:
    line.door.hangs = True
    rings_in(line)
    await until(lambda: line.pbx.exchange.to_duty_phone == [CALLER[1]])


async def test_an_elder_is_put_into_the_room_when_the_door_hangs(line: Line) -> None:
    line.door.hangs = True
    call_id = await line.call("+8613800000001", SILENT, role="elder")
    await until(lambda: line.members() == {call_id})


async def test_who_was_asked_for_help_does_not_listen_to_nothing_when_nothing_can_be_stored(line: Line) -> None:
    line.door.failures = 100
    call_id = await line.call("+8613800000001", SILENT)
    await until(lambda: line.pbx.exchange.channels[call_id].state == "Up")
    await until(lambda: call_id not in line.pbx.exchange.channels)


async def test_whoever_answers_a_call_the_door_does_not_know_is_let_go(line: Line) -> None:
    line.door.knows = False
    call_id = await line.call("+8613800000001", SILENT, role="elder")
    await line.ended(call_id)


async def test_a_caller_is_answered_in_spite_of_faults(line: Line) -> None:
    line.door.opening = INTO_ROOM
    line.pbx.faults += [Fault("answer", "error"), Fault("answer", "hang")]
    rings_in(line)
    await until(lambda: line.members() == {CALLER[0]})


async def test_a_caller_reaches_the_duty_phone_in_spite_of_faults(line: Line) -> None:
    line.door.failures = 100
    line.pbx.faults += [Fault("continue", "error"), Fault("continue", "reset")]
    rings_in(line)
    await until(lambda: line.pbx.exchange.to_duty_phone == [CALLER[1]])


async def test_a_caller_for_whom_nothing_is_to_be_said_reaches_the_duty_phone(line: Line) -> None:
    line.door.opening = ()
    rings_in(line)
    await until(lambda: line.pbx.exchange.to_duty_phone == [CALLER[1]])


async def test_nobody_is_left_alone_when_the_room_vanishes_and_the_pbx_stumbles(line: Line) -> None:
    (call_id,) = await line.room_of("+861")
    line.pbx.faults.append(Fault("get_channel", "error"))
    line.pbx.exchange.destroy_bridge(line.pbx.exchange.bridges[ROOM])
    await until(line.door.has(call_id, News.JOINED, times=2))
    assert line.members() == {call_id}


async def test_a_hold_that_failed_is_no_hold(line: Line) -> None:
    """Otherwise the next time it leaves the room counts as holding, and it is never taken back."""
    (call_id,) = await line.room_of("+861")
    line.pbx.faults.append(Fault("remove_channel", "error"))
    with pytest.raises(OutcomeUnknown):
        await line.gateway.hold(call_id, call_id, ROOM, held=True)
    line.pbx.exchange.destroy_bridge(line.pbx.exchange.bridges[ROOM])
    await until(line.door.has(call_id, News.JOINED, times=2))
    assert line.door.words(call_id).count("left") == 1


async def test_whom_the_pbx_would_not_take_out_of_the_room_is_looked_after_there(line: Line) -> None:
    (call_id,) = await line.room_of("+861")
    line.pbx.faults.append(Fault("remove_channel", "error"))
    await line.gateway.say(call_id, call_id, (HELLO, Join(ROOM)))
    await until(lambda: not line.pbx.faults)
    line.pbx.exchange.destroy_bridge(line.pbx.exchange.bridges[ROOM])
    await until(line.door.has(call_id, News.JOINED, times=2))
    assert line.members() == {call_id}


async def test_a_call_found_again_after_a_restart_of_ours_ends_with_the_pbx(line: Line) -> None:
    (call_id,) = await line.room_of("+861")
    await line.gateway.stop()
    line.gateway = gateway_at(line.pbx, line.door, line.clock)
    await line.gateway.start()
    await until(lambda: line.pbx.connections == 2)
    await line.clock.sleep(5)
    await line.pbx.restart(2)
    assert (await line.ended(call_id)).outcome is CallOutcome.LOST


async def test_nothing_is_dialled_while_nobody_would_hear_the_answer(line: Line) -> None:
    """Asterisk ends what is answered while its application is absent: the next gateway is asked instead."""
    dropped = asyncio.create_task(line.pbx.drop_socket(10, noticed=True))
    await line.clock.sleep(1)
    with pytest.raises(CarrierUnreachable):
        await line.gateway.dial(line.spec("+8613800000001", new_id(line.clock.now())))
    with pytest.raises(CarrierUnreachable):
        await line.gateway.is_well()
    assert line.pbx.exchange.originates == []
    await dropped
    await until(lambda: line.pbx.exchange.active)
    assert await line.gateway.is_well()


async def test_a_short_gap_delays_a_call_and_no_more(line: Line) -> None:
    dropped = asyncio.create_task(line.pbx.drop_socket(0.2, noticed=True))
    await asyncio.sleep(0)
    call_id = await line.call("+8613800000001", BUSY)
    await line.ended(call_id)
    await dropped


async def test_an_application_taken_by_another_program_is_taken_back_when_that_one_goes(line: Line) -> None:
    """The socket stays open, and nothing comes any more."""
    other = gateway_at(line.pbx, Door(), line.clock)
    await other.start()
    await until(lambda: line.pbx.connections == 2)
    await line.clock.sleep(3)
    await other.stop()
    await until(lambda: line.pbx.connections >= 3)
    line.door.opening = INTO_ROOM
    rings_in(line)
    await until(lambda: line.door.inbound)


async def test_one_leg_that_cannot_be_looked_up_costs_nobody_the_events(line: Line) -> None:
    line.door.opening = (Pause(60), Hangup())
    await line.call("+8613800000001", SILENT)
    await until(lambda: line.pbx.exchange.playbacks)
    line.pbx.faults.append(Fault("get_playback", "error"))
    await line.pbx.drop_socket(3)
    await until(lambda: not line.pbx.faults)
    await line.clock.sleep(10)
    assert line.pbx.connections == 2


async def test_an_event_of_an_unknown_shape_costs_nobody_the_events(line: Line) -> None:
    line.pbx.exchange.emit("ChannelEnteredBridge", channel="not an object")
    line.pbx.exchange.emit("ChannelDtmfReceived", channel=None)
    await line.clock.sleep(10)
    assert line.pbx.connections == 1
    call_id = await line.call("+8613800000001", BUSY)
    await line.ended(call_id)
