"""Callbacks: only genuine ones enter, each is told before it is answered, and nobody on the line is lost."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from callcenter import metrics
from callcenter.alerts.call_inputs import CallNews, InboundCall, News
from callcenter.alerts.call_model import CallOutcome
from callcenter.alerts.script import Ask, Join, Said, Say
from callcenter.ports import NotStored
from callcenter.telephony.twilio_callbacks import TwilioCallbacks
from callcenter.telephony.twiml import Addresses, Twiml
from callcenter.telephony.webhooks import routes
from tests.conftest import ManualClock

ACCOUNT = "AC" + "0" * 32
TOKEN, NEXT_TOKEN = "the token of today", "the token of tomorrow"
PUBLIC = "https://centre.example:8443/vnh"
V1 = "/telephony/twilio/v1"
VOICE = f"{V1}/voice/01CALL?role=elder&room=01ALERT"
Fields = list[tuple[str, str]]
Door = Callable[[Any], Awaitable[Said | None]]


def signature(token: str, url: str, fields: Fields) -> str:
    """As Twilio describes it: the address, then every name with every value of it, sorted."""
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


async def says_hello(event: CallNews | InboundCall) -> Said | None:
    return Said(event.call_id, (Say("你好", "zh-CN"),))


async def cannot_store(_event: Any) -> Said | None:
    raise NotStored


async def never_answers(_event: Any) -> Said | None:
    await asyncio.Event().wait()
    return None


@dataclass
class Carrier:
    """Signs as Twilio does and sends through a proxy that cuts off the public prefix."""

    client: TestClient[Any, Any]
    clock: ManualClock
    heard: list[Any] = field(default_factory=list)
    door: Door = says_hello
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def tell(self, event: CallNews | InboundCall) -> Said | None:
        self.heard.append(event)
        self.arrived.set()
        return await self.door(event)

    async def send(
        self, path: str, fields: Fields | None = None, *, token: str = TOKEN, account: str = ACCOUNT, **headers: str
    ) -> ClientResponse:
        sent = [("AccountSid", account), ("CallSid", "CA1"), *(fields or [])]
        signed = {"X-Twilio-Signature": signature(token, PUBLIC + path, sent)} | headers
        return await self.post(path, sent, signed)

    async def post(self, path: str, fields: Fields, headers: dict[str, str]) -> ClientResponse:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        # A path as text would be quoted anew; Twilio sends it as it was given.
        return await self.client.post(path, data=urlencode(fields), headers=form | headers)

    async def send_until_late(self, path: str, fields: Fields | None = None, seconds: float = 2.0) -> ClientResponse:
        sending = asyncio.ensure_future(self.send(path, fields))
        self.arrived.clear()
        await self.arrived.wait()
        await asyncio.sleep(0)  # by then the door's time is running
        self.clock.advance(seconds)
        return await sending


@pytest.fixture
async def carrier(clock: ManualClock) -> AsyncIterator[Carrier]:
    ids = iter(f"01NEW{n}" for n in range(100))
    translator = TwilioCallbacks(ACCOUNT, [TOKEN, NEXT_TOKEN, ""], Twiml(Addresses(PUBLIC)), lambda: next(ids))
    made: list[Carrier] = []

    async def tell(event: Any) -> Said | None:
        return await made[0].tell(event)

    app = web.Application()
    app.add_routes(routes({"twilio": translator}, tell, clock))
    async with TestClient(TestServer(app)) as client:
        made.append(Carrier(client, clock))
        yield made[0]


async def document(answer: ClientResponse) -> ET.Element:
    assert answer.status == 200
    assert answer.content_type == "text/xml"
    return ET.fromstring(await answer.text())


def redirect_of(response: ET.Element) -> str:
    """The path at which the carrier asks next, as it reaches us behind the proxy."""
    redirect = response.find("Redirect")
    assert redirect is not None
    assert redirect.text is not None
    assert redirect.text.startswith(PUBLIC + "/")
    return redirect.text.removeprefix(PUBLIC)


# -- who is believed


async def test_a_genuine_callback_is_told_and_answered(carrier: Carrier) -> None:
    [say] = await document(await carrier.send(VOICE))
    assert say.text == "你好"
    [news] = carrier.heard
    assert (news.provider, news.call_id, news.heard.what, news.heard.ref) == ("twilio", "01CALL", News.ANSWERED, "CA1")


async def test_forged_callbacks_are_refused_and_told_to_nobody(carrier: Carrier) -> None:
    refused = metrics.callbacks.labels("twilio", "voice", "refused")
    before = refused._value.get()
    fields = [("AccountSid", ACCOUNT), ("CallSid", "CA1")]
    good = signature(TOKEN, PUBLIC + VOICE, fields)
    inner = signature(TOKEN, f"http://127.0.0.1:{carrier.client.port}{VOICE}", fields)
    unsigned = [
        await carrier.post(VOICE, fields, {}),
        await carrier.post(VOICE, fields, {"X-Twilio-Signature": ""}),
        await carrier.post(VOICE, fields, {"X-Twilio-Signature": "no signature é"}),
        await carrier.post(VOICE, fields, {"X-Twilio-Signature": inner}),
        await carrier.post(VOICE, [*fields, ("Digits", "1")], {"X-Twilio-Signature": good}),
        await carrier.post(VOICE.replace("elder", "operator"), fields, {"X-Twilio-Signature": good}),
        await carrier.post(VOICE.replace("voice", "status"), fields, {"X-Twilio-Signature": good}),
        await carrier.send(VOICE, token="another account's token"),
        await carrier.send(VOICE, token=""),
        await carrier.send(VOICE, account="AC" + "9" * 32),  # genuine, and not ours
    ]
    assert {answer.status for answer in unsigned} == {403}
    assert refused._value.get() - before == len(unsigned) - 1  # one was of another kind
    assert carrier.heard == []


async def test_without_a_token_nothing_is_believed(clock: ManualClock) -> None:
    async def tell(_event: Any) -> None:
        raise AssertionError

    app = web.Application()
    translator = TwilioCallbacks(ACCOUNT, ["", ""], Twiml(Addresses(PUBLIC)), lambda: "01")
    app.add_routes(routes({"twilio": translator}, tell, clock))
    async with TestClient(TestServer(app)) as client:
        carrier = Carrier(client, clock)
        for token in ("", "None", TOKEN):
            assert (await carrier.send(VOICE, token=token)).status == 403


async def test_both_tokens_are_good_while_they_are_changed(carrier: Carrier) -> None:
    for token in (TOKEN, NEXT_TOKEN):
        assert (await carrier.send(VOICE, token=token)).status == 200


@pytest.mark.parametrize(
    "fields",
    [
        [("Digits", "")],
        [("StatusCallbackEvent", "ringing"), ("StatusCallbackEvent", "answered")],
        [("StatusCallbackEvent", "same"), ("StatusCallbackEvent", "same")],
        [("SpeechResult", "救命 & 快来 <b>"), ("CallerName", "张三")],
        [("To", "+86 571"), ("Url", "a=b&c=d%20e")],
    ],
    ids=["blank", "repeated", "twice the same", "chinese", "escapes"],
)
async def test_whatever_a_form_holds_is_verified_and_kept_as_it_came(carrier: Carrier, fields: Fields) -> None:
    assert (await carrier.send(VOICE, fields)).status == 200
    raw = carrier.heard[0].raw
    for name in dict(fields):
        values = [value for one, value in fields if one == name]
        assert raw[name] == (values if len(values) > 1 else values[0])
    assert (raw["kind"], raw["address"]) == ("voice", VOICE)


async def test_a_query_in_chinese_is_verified_as_it_was_sent(carrier: Carrier) -> None:
    path = f"{V1}/step/01CALL?step=%E9%97%AE&room=a%20b&role=elder"
    assert (await carrier.send(path, [("Digits", "1")])).status == 200
    assert carrier.heard[0].heard.step == "问"


async def test_what_is_no_callback_at_all(carrier: Carrier) -> None:
    assert (await carrier.send(V1.replace("twilio", "other") + "/voice/01CALL")).status == 404
    assert (await carrier.send(f"{V1}/else/01CALL")).status == 404
    assert (await carrier.client.post(VOICE, json={})).status == 400
    assert (await carrier.client.get(VOICE)).status == 405
    assert carrier.heard == []


# -- what is told


async def test_a_repeat_has_the_same_name_and_the_same_answer(carrier: Carrier) -> None:
    async def asks(event: CallNews) -> Said:
        return Said(event.call_id, (Ask("offer", (Say("去吗", "zh-CN"),)),))

    carrier.door = asks
    path = f"{V1}/step/01CALL?step=offer&role=responder&room=01ALERT&after=1"
    first, again, forged = [
        await (await carrier.send(path, [("Digits", "3")], **{"I-Twilio-Idempotency-Token": token})).text()
        for token in ("a", "a", "b")
    ]
    assert first == again == forged
    assert len({event.event_id for event in carrier.heard}) == 1


async def test_the_same_key_for_the_same_question_asked_twice_are_two_answers(carrier: Carrier) -> None:
    async def asks(event: CallNews) -> Said:
        return Said(event.call_id, (Ask("offer", (Say("去吗", "zh-CN"),)),))

    carrier.door = asks
    path = VOICE
    for _ in range(3):
        path = redirect_of(await document(await carrier.send(path, [("Digits", "3")])))
    assert "role=elder&room=01ALERT" in path
    assert len({event.event_id for event in carrier.heard}) == 3


STEP = f"{V1}/step/01CALL?step=offer&after=1"
STEPS = {
    "a key": ([("Digits", "1")], "1"),
    "nothing": ([], None),
    "nothing, as Twilio says it": ([("Digits", ""), ("SpeechResult", "")], None),
    "a word": ([("SpeechResult", "在呢")], ""),
    "a key and a word": ([("SpeechResult", "在"), ("Digits", "2")], "2"),
}


@pytest.mark.parametrize(("fields", "digits"), STEPS.values(), ids=STEPS)
async def test_what_was_pressed(carrier: Carrier, fields: Fields, digits: str | None) -> None:
    await carrier.send(STEP, fields)
    heard = carrier.heard[0].heard
    assert (heard.what, heard.step, heard.digits) == (News.INPUT, "offer", digits)


STATUSES = {
    "initiated": (News.QUEUED, None),
    "queued": (News.QUEUED, None),
    "ringing": (News.RINGING, None),
    "in-progress": (News.ANSWERED, None),
    "completed": (News.ENDED, CallOutcome.ANSWERED),
    "busy": (News.ENDED, CallOutcome.BUSY),
    "no-answer": (News.ENDED, CallOutcome.NO_ANSWER),
    "failed": (News.ENDED, CallOutcome.FAILED),
    "canceled": (News.ENDED, CallOutcome.CANCELED),
}


@pytest.mark.parametrize(("status", "meant"), STATUSES.items(), ids=STATUSES)
async def test_how_a_call_stands(
    carrier: Carrier, status: str, meant: tuple[News, CallOutcome | None], clock: ManualClock
) -> None:
    then = clock.now() - timedelta(seconds=3)
    fields = [("CallStatus", status), ("SequenceNumber", "2"), ("CallDuration", "7"),
              ("Timestamp", format_datetime(then))]  # fmt: skip
    assert (await carrier.send(f"{V1}/status/01CALL", fields)).status == 204
    heard = carrier.heard[0].heard
    assert ((heard.what, heard.outcome), heard.at, heard.seq) == (meant, then, 2)
    assert heard.talk_s == (7.0 if status == "completed" else None)


async def test_the_red_key_is_not_a_busy_line(carrier: Carrier) -> None:
    await carrier.send(f"{V1}/status/01CALL", [("CallStatus", "busy"), ("SipResponseCode", "603")])
    heard = carrier.heard[0].heard
    assert (heard.outcome, heard.cause) == (CallOutcome.REJECTED, "603")


OTHERS = {
    "join": ("room", {"StatusCallbackEvent": "participant-join", "ParticipantLabel": "01OTHER"}, News.JOINED),
    "leave": ("room", {"StatusCallbackEvent": "participant-leave", "ParticipantLabel": "01OTHER"}, News.LEFT),
    "start": ("room", {"StatusCallbackEvent": "conference-start"}, None),
    "machine": ("amd", {"AnsweredBy": "machine_start"}, News.MACHINE),
    "human": ("amd", {"AnsweredBy": "human"}, None),
    "recorded": ("rec", {"RecordingSid": "RE1", "RecordingStatus": "completed"}, News.RECORDED),
    "absent": ("rec", {"RecordingSid": "RE1", "RecordingStatus": "absent"}, News.NOT_RECORDED),
    "sms": ("sms", {"MessageSid": "SM1", "MessageStatus": "delivered"}, None),
    "a new word": ("status", {"CallStatus": "pondering"}, None),
}


@pytest.mark.parametrize(("kind", "fields", "what"), OTHERS.values(), ids=OTHERS)
async def test_what_else_happens(carrier: Carrier, kind: str, fields: dict[str, str], what: News | None) -> None:
    answer = await carrier.send(f"{V1}/{kind}/01CALL", [*fields.items(), ("SequenceNumber", "9")])
    assert (answer.status, await answer.text()) == (204, "")
    [news] = carrier.heard
    assert (news.heard.what if news.heard else None) == what
    assert news.call_id == fields.get("ParticipantLabel", "01CALL")
    if news.heard and kind == "rec":
        assert news.heard.ref == "RE1"
    if news.heard:
        assert news.heard.seq is None  # a room counts for itself


CALLERS = {
    "+8613800000001": "+8613800000001",
    "12349": "12349",
    "sip:+8657100001@pbx.example": "+8657100001",
    "anonymous": "",
    "": "",
    "+266696687": "",
    "client:browser": "",
}


@pytest.mark.parametrize(("said", "caller"), CALLERS.items(), ids=lambda value: value or "empty")
async def test_somebody_rings_us(carrier: Carrier, said: str, caller: str) -> None:
    answer = await carrier.send(f"{V1}/voice", [("From", said), ("To", "+8657112349")])
    assert (await document(answer)).find("Say") is not None
    [call] = carrier.heard
    assert isinstance(call, InboundCall)
    assert (call.caller, call.dialled, call.ref, call.call_id) == (caller, "+8657112349", "CA1", "01NEW0")


async def test_the_end_of_a_call_to_a_number_comes_without_our_id(carrier: Carrier) -> None:
    assert (await carrier.send(f"{V1}/status", [("CallStatus", "completed")])).status == 204
    [news] = carrier.heard
    assert (news.call_id, news.heard.ref, news.heard.what) == ("", "CA1", News.ENDED)


async def test_a_leg_nobody_knows_is_told_and_ends_quietly(carrier: Carrier) -> None:
    async def knows_nothing(_event: Any) -> None:
        return None

    carrier.door = knows_nothing
    assert [*await document(await carrier.send(VOICE))] == []
    assert (await carrier.send(f"{V1}/status/01GONE", [("CallStatus", "ringing")])).status == 204
    assert len(carrier.heard) == 2


def gone(**other: str) -> Fields:
    form = {"CallStatus": "no-answer", "Direction": "inbound", "From": "+8613800000001", "To": "+8657112349"}
    return [*(form | other).items()]


async def test_the_end_of_a_call_to_us_says_who_rang_under_the_name_of_their_first_request(carrier: Carrier) -> None:
    assert (await carrier.send(f"{V1}/status", gone())).status == 204
    assert (await carrier.send(f"{V1}/voice", gone())).status == 200
    ended, first = carrier.heard
    assert (ended.heard.what, ended.call_id) == (News.ENDED, "")
    assert (ended.rang.caller, ended.rang.dialled, ended.rang.ref) == ("+8613800000001", "+8657112349", "CA1")
    assert (ended.rang.gone, first.gone) == (True, False)
    assert ended.rang.event_id == first.event_id != ended.event_id, "one call, whichever comes first"


@pytest.mark.parametrize("other", [{"Direction": "outbound-api"}, {"CallStatus": "ringing"}, {"CallStatus": "new"}])
async def test_nobody_rang_whose_call_is_ours_or_goes_on(carrier: Carrier, other: dict[str, str]) -> None:
    assert (await carrier.send(f"{V1}/status", gone(**other))).status == 204
    [news] = carrier.heard
    assert news.rang is None


# -- when nothing can be stored


async def test_a_notice_that_is_not_stored_is_sent_again_by_the_carrier(carrier: Carrier) -> None:
    carrier.door = cannot_store
    for kind in ("status", "room", "amd", "rec", "sms"):
        assert (await carrier.send(f"{V1}/{kind}/01CALL", [("CallStatus", "ringing")])).status == 503
    carrier.door = never_answers
    assert (await carrier.send_until_late(f"{V1}/status/01CALL", seconds=10)).status == 503


async def fails(_event: Any) -> Said | None:
    raise RuntimeError("a bug")


@pytest.mark.parametrize("door", [cannot_store, fails])
async def test_somebody_on_the_line_waits_three_times_and_then_is_where_people_are(
    carrier: Carrier, door: Door
) -> None:
    carrier.door = door
    path = VOICE
    for _ in range(3):
        response = await document(await carrier.send(path))
        assert [say.get("language") for say in response.findall("Say")] == ["cmn-CN", "en-GB"]
        path = redirect_of(response)
    room = (await document(await carrier.send(path))).find("Dial/Conference")
    assert room is not None
    assert (room.text, room.get("participantLabel"), room.get("startConferenceOnEnter")) == (
        "01ALERT", "01CALL", "false",
    )  # fmt: skip
    assert room.get("record") is None
    assert len({event.event_id for event in carrier.heard}) == 1


async def test_an_operator_starts_the_room_also_then(carrier: Carrier) -> None:
    carrier.door = cannot_store
    response = await document(await carrier.send(f"{V1}/voice/01OP?role=operator&room=01ALERT&n=3"))
    room = response.find("Dial/Conference")
    assert room is not None
    assert room.get("startConferenceOnEnter") == "true"


@pytest.mark.parametrize("role", ["responder", "family", "duty"])
async def test_who_was_asked_and_could_not_answer_is_not_put_into_the_room(carrier: Carrier, role: str) -> None:
    """They accepted nothing; the machine asks somebody else when their call is over."""
    carrier.door = cannot_store
    response = await document(await carrier.send(f"{V1}/step/01RESP?step=offer&role={role}&room=01ALERT&n=3"))
    assert response.find("Dial/Conference") is None
    assert [child.tag for child in response][-1] == "Hangup"


async def test_a_slow_door_goes_on_storing_and_the_repeat_gets_its_answer(carrier: Carrier) -> None:
    stored = asyncio.Event()
    finished: list[str] = []

    async def slow(event: CallNews) -> Said:
        await stored.wait()
        finished.append(event.event_id)
        return Said(event.call_id, (Join("01ALERT"),))

    carrier.door = slow
    path = redirect_of(await document(await carrier.send_until_late(STEP, [("Digits", "1")])))
    assert finished == []
    stored.set()
    assert (await document(await carrier.send(path))).find("Dial/Conference") is not None
    first, second = carrier.heard
    assert finished == [first.event_id, second.event_id]
    assert (first.event_id, first.heard.digits) == (second.event_id, second.heard.digits)


@pytest.mark.parametrize("said", [[("Digits", "1")], [("SpeechResult", "救命")], []], ids=["key", "word", "nothing"])
async def test_please_wait_forgets_no_key(carrier: Carrier, said: Fields) -> None:
    carrier.door = cannot_store
    path = redirect_of(await document(await carrier.send(STEP, said)))
    redirect_of(await document(await carrier.send(path)))
    first, second = carrier.heard
    assert first.heard.digits == second.heard.digits
    assert first.event_id == second.event_id


async def test_a_caller_whom_no_room_is_known_for_is_left_to_the_numbers_own_fallback(carrier: Carrier) -> None:
    carrier.door = cannot_store
    path = f"{V1}/voice"
    for _ in range(3):
        path = redirect_of(await document(await carrier.send(path, [("From", "+8613800000001")])))
    assert (await carrier.send(path, [("From", "+8613800000001")])).status == 503
    assert len({event.event_id for event in carrier.heard}) == 1
    hotline = f"{V1}/voice?room=hotline&role=caller&n=3"
    assert (await document(await carrier.send(hotline))).find("Dial/Conference") is not None


async def fails(_event: Any) -> Said | None:
    raise RuntimeError("a fault of ours")


async def test_a_fault_behind_the_door_is_counted_as_not_stored(carrier: Carrier) -> None:
    counted = metrics.callbacks.labels("twilio", "status", "not_stored")
    before = counted._value.get()
    carrier.door = fails
    answer = await carrier.send(f"{V1}/status/01CALL", [("CallStatus", "ringing")])
    assert (answer.status, counted._value.get()) == (503, before + 1)


async def test_what_cannot_be_read_leaves_nobody_on_the_line_alone(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: object) -> None:
        raise KeyError("something new")

    monkeypatch.setattr(TwilioCallbacks, "translate", unreadable)
    assert redirect_of(await document(await carrier.send(VOICE))).endswith("&n=1")
    room = await document(await carrier.send(f"{VOICE}&n=3"))
    assert room.findtext("Dial/Conference") == "01ALERT"
    answer = await carrier.send(f"{V1}/status/01CALL", [("CallStatus", "ringing")])
    assert answer.status == 503
