"""The Twilio gateway against a far end of its own: what it sends, and what each kind of failure is called."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from multidict import MultiDict

from callcenter.alerts.call_inputs import News
from callcenter.alerts.call_model import CallOutcome
from callcenter.alerts.script import Join, Say
from callcenter.telephony import twilio_gateway
from callcenter.telephony.manual import ManualGateway
from callcenter.telephony.port import (
    AuthFailed,
    CarrierUnreachable,
    LegGone,
    LegHint,
    LegSpec,
    NotPermitted,
    NumberRejected,
    OutcomeUnknown,
    PhoneGateway,
    SmsSpec,
    TelephonyError,
    Throttled,
    Unsupported,
)
from callcenter.telephony.twilio_gateway import TwilioAccount, TwilioGateway
from callcenter.telephony.twiml import RETRIED, Addresses, Twiml
from tests.conftest import ManualClock
from tests.processes import free_port

SID, TOKEN = "AC" + "0" * 32, "a token"
CA = "CA" + "1" * 32
CALLS = f"/2010-04-01/Accounts/{SID}/Calls.json"
ONE_CALL = f"/2010-04-01/Accounts/{SID}/Calls/{CA}.json"
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
LEG = LegSpec("01CALL", "elder", "+8613800000001", "+8657112349", 25, "01ALERT", NOW + timedelta(minutes=1))

# Field names by operation from Twilio's OpenAPI description: twilio/twilio-oai, spec/json/twilio_api_v2010.json.
# Those on calls were read there (commit 00c8d368); the others are as the SDK names them, which is generated from it.
PUBLISHED = {
    "CreateCall": """To From Method FallbackUrl FallbackMethod StatusCallback StatusCallbackEvent StatusCallbackMethod
        SendDigits Timeout Record RecordingChannels RecordingStatusCallback RecordingStatusCallbackMethod
        SipAuthUsername SipAuthPassword MachineDetection MachineDetectionTimeout RecordingStatusCallbackEvent Trim
        CallerId MachineDetectionSpeechThreshold MachineDetectionSpeechEndThreshold MachineDetectionSilenceTimeout
        AsyncAmd AsyncAmdStatusCallback AsyncAmdStatusCallbackMethod Byoc CallReason CallToken RecordingTrack TimeLimit
        Url Twiml ApplicationSid""",
    "UpdateCall": "Url Method Status FallbackUrl FallbackMethod StatusCallback StatusCallbackMethod Twiml TimeLimit",
    "ListCall": "To From ParentCallSid Status StartTime StartTime< StartTime> EndTime EndTime< EndTime> PageSize Page",
    "ListConference": "DateCreated DateCreated< DateUpdated FriendlyName Status PageSize Page PageToken",
    "UpdateConference": "Status AnnounceUrl AnnounceMethod",
    "UpdateParticipant": "Muted Hold HoldUrl HoldMethod AnnounceUrl AnnounceMethod WaitUrl WaitMethod BeepOnExit "
    "EndConferenceOnExit Coaching CallSidToCoach",
    "CreateMessage": "To StatusCallback ApplicationSid MaxPrice ProvideFeedback Attempt ValidityPeriod From "
    "MessagingServiceSid Body MediaUrl",
}

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def says(status: int, body: Any = None, **headers: str) -> Answer:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(body if body is not None else {}, status=status, headers=headers)

    return answer


def refuses(status: int, code: int, **headers: str) -> Answer:
    return says(status, {"code": code, "message": "no", "status": status}, **headers)


async def is_html(_request: web.Request) -> web.Response:
    return web.Response(text="<html>maintenance</html>", content_type="text/html")


async def resets(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def hangs(_request: web.Request) -> web.Response:
    await asyncio.Event().wait()
    return web.Response()


@dataclass
class FarEnd:
    """Answers by method and path and keeps what it was asked."""

    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    everything: Answer | None = None
    asked: list[tuple[str, str, MultiDict[str]]] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.Request) -> web.StreamResponse:
        sent: MultiDict[str] = MultiDict(request.query)
        sent.extend(await request.post())  # type: ignore[arg-type]
        self.asked.append((request.method, request.path, sent))
        self.headers.append(request.headers)
        answer = self.everything or self.answers.get((request.method, request.path)) or says(404, {"code": 20404})
        return await answer(request)

    def sent(self, operation: str) -> dict[str, list[str]]:
        """The fields of the last request, which must all be published ones."""
        fields = self.asked[-1][2]
        assert not set(fields) - set(PUBLISHED[operation].split())
        return {name: fields.getall(name) for name in fields}


@pytest.fixture
async def far_end() -> AsyncIterator[FarEnd]:
    far = FarEnd()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", far.take)
    server = TestServer(app)
    await server.start_server(shutdown_timeout=0.1)
    far.url = str(server.make_url("/")).rstrip("/")
    yield far
    await server.close()


def account_at(url: str, **more: Any) -> TwilioAccount:
    return TwilioAccount(SID, TOKEN, "+8657112349", url, frozenset({"127.0.0.1"}), **more)


TWIML = Twiml(Addresses("https://centre.example/vnh"))
V1 = "https://centre.example/vnh/telephony/twilio/v1"


@pytest.fixture
async def gateway(far_end: FarEnd, clock: ManualClock) -> AsyncIterator[TwilioGateway]:
    made = TwilioGateway(account_at(far_end.url), TWIML, clock)
    await made.start()
    yield made
    await made.stop()


def call(sid: str = CA, status: str = "queued", **more: Any) -> dict[str, Any]:
    return {"sid": sid, "status": status, "to": LEG.to, "direction": "outbound-api"} | more


def stamp(seconds: float) -> str:
    return (NOW + timedelta(seconds=seconds)).strftime("%a, %d %b %Y %H:%M:%S +0000")


# -- what is sent


async def test_a_dial_sends_what_twilio_publishes(far_end: FarEnd, gateway: TwilioGateway) -> None:
    far_end.answers["POST", CALLS] = says(201, call())
    assert (await gateway.dial(LEG)).ref == CA
    assert far_end.sent("CreateCall") == {
        "To": [LEG.to],
        "From": [LEG.caller_id],
        "Url": [f"{V1}/voice/01CALL?role=elder&room=01ALERT"],
        "Method": ["POST"],
        "StatusCallback": [f"{V1}/status/01CALL{RETRIED}"],
        "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
        "StatusCallbackMethod": ["POST"],
        "Timeout": ["25"],
        "Record": ["false"],
    }
    assert far_end.headers[-1]["Authorization"].startswith("Basic ")


async def test_machines_are_looked_for_only_when_wanted_and_beside_the_call(
    far_end: FarEnd, gateway: TwilioGateway
) -> None:
    far_end.answers["POST", CALLS] = says(201, call())
    await gateway.dial(replace(LEG, detect_machine=True))
    sent = far_end.sent("CreateCall")
    assert {name: sent[name] for name in sent if "Amd" in name or "Machine" in name} == {
        "MachineDetection": ["Enable"],
        "AsyncAmd": ["true"],
        "AsyncAmdStatusCallback": [f"{V1}/amd/01CALL{RETRIED}"],
        "AsyncAmdStatusCallbackMethod": ["POST"],
    }


async def test_a_static_document_elsewhere_answers_when_we_do_not(far_end: FarEnd, clock: ManualClock) -> None:
    far_end.answers["POST", CALLS] = says(201, call())
    made = TwilioGateway(account_at(far_end.url, fallback_url="https://static.example/duty.xml"), TWIML, clock)
    await made.start()
    await made.dial(LEG)
    await made.stop()
    assert far_end.sent("CreateCall")["FallbackUrl"] == ["https://static.example/duty.xml"]


async def test_a_live_call_is_told_something_new(far_end: FarEnd, gateway: TwilioGateway) -> None:
    far_end.answers["POST", ONE_CALL] = says(200, call())
    await gateway.say("01CALL", CA, (Say("A & B", "en"), Join("01ALERT")))
    [text] = far_end.sent("UpdateCall")["Twiml"]
    assert "A &amp; B" in text
    with pytest.raises(Unsupported):
        await gateway.say("01CALL", CA, (Say("长" * 4000, "zh-CN"),))


async def test_hanging_up_ends_whatever_state_a_call_is_in(far_end: FarEnd, gateway: TwilioGateway) -> None:
    far_end.answers["POST", ONE_CALL] = says(200, call(status="completed"))
    await gateway.hang_up("01CALL", CA)
    assert far_end.sent("UpdateCall") == {"Status": ["completed"]}
    for gone in (refuses(404, 20404), refuses(400, 21220)):
        far_end.answers["POST", ONE_CALL] = gone
        await gateway.hang_up("01CALL", CA)
    with pytest.raises(Unsupported):
        await gateway.hang_up("01CALL", "")


async def test_a_leg_is_held_by_its_label_in_the_room(far_end: FarEnd, gateway: TwilioGateway) -> None:
    rooms = f"/2010-04-01/Accounts/{SID}/Conferences"
    far_end.answers["GET", f"{rooms}.json"] = says(200, {"conferences": [{"sid": "CF1", "status": "in-progress"}]})
    far_end.answers["POST", f"{rooms}/CF1/Participants/01CALL.json"] = says(200, {"hold": True})
    await gateway.hold("01CALL", CA, "01ALERT", held=True)
    assert far_end.sent("UpdateParticipant") == {"Hold": ["true"]}
    assert far_end.asked[0][2]["FriendlyName"] == "01ALERT"
    far_end.answers["GET", f"{rooms}.json"] = says(200, {"conferences": []})
    with pytest.raises(LegGone):
        await gateway.hold("01CALL", CA, "01ALERT", held=False)
    far_end.sent("ListConference")


async def test_every_room_of_that_name_is_closed(far_end: FarEnd, gateway: TwilioGateway) -> None:
    rooms = f"/2010-04-01/Accounts/{SID}/Conferences"
    found = [{"sid": "CF1", "status": "init"}, {"sid": "CF2", "status": "completed"}]
    far_end.answers["GET", f"{rooms}.json"] = says(200, {"conferences": found})
    far_end.answers["POST", f"{rooms}/CF1.json"] = says(200, {"sid": "CF1"})
    await gateway.close_room("01ALERT")
    assert far_end.sent("UpdateConference") == {"Status": ["completed"]}
    assert len(far_end.asked) == 2


async def test_a_text_message_tells_how_it_fared(far_end: FarEnd, gateway: TwilioGateway) -> None:
    far_end.answers["POST", f"/2010-04-01/Accounts/{SID}/Messages.json"] = says(201, {"sid": "SM1"})
    assert (await gateway.send_sms(SmsSpec("01SMS", "+8613800000001", "张三 & 家人"))).ref == "SM1"
    assert far_end.sent("CreateMessage") == {
        "To": ["+8613800000001"],
        "From": ["+8657112349"],
        "Body": ["张三 & 家人"],
        "StatusCallback": [f"{V1}/sms/01SMS{RETRIED}"],
    }


async def test_recordings_are_fetched_and_deleted(far_end: FarEnd, gateway: TwilioGateway) -> None:
    async def sound(_request: web.Request) -> web.Response:
        return web.Response(body=b"RIFF\xff\x00sound")

    async def gone(_request: web.Request) -> web.Response:
        return web.Response(status=204)

    path = f"/2010-04-01/Accounts/{SID}/Recordings/RE1"
    far_end.answers["GET", f"{path}.wav"] = sound
    far_end.answers["DELETE", f"{path}.json"] = gone
    assert await gateway.fetch_recording("RE1") == b"RIFF\xff\x00sound"
    await gateway.delete_recording("RE1")
    await gateway.delete_recording("RE-deleted-before")
    with pytest.raises(LegGone):
        await gateway.fetch_recording("RE-deleted-before")


async def test_the_account_says_whether_it_works(far_end: FarEnd, gateway: TwilioGateway) -> None:
    path = f"/2010-04-01/Accounts/{SID}.json"
    far_end.answers["GET", path] = says(200, {"sid": SID, "status": "active"})
    assert await gateway.is_well()
    far_end.answers["GET", path] = says(200, {"sid": SID, "status": "suspended"})
    assert not await gateway.is_well()


# -- what is found


async def test_a_leg_with_a_known_ref_is_asked_for_directly(far_end: FarEnd, gateway: TwilioGateway) -> None:
    done = call(status="completed", duration="42", end_time=stamp(50))
    far_end.answers["GET", ONE_CALL] = says(200, done)
    found = await gateway.find_leg("01CALL", LegHint(LEG.to, NOW, CA))
    assert found is not None
    assert (found.call_id, found.ref, found.heard.what, found.heard.outcome, found.heard.talk_s, found.heard.at) == (
        "01CALL", CA, News.ENDED, CallOutcome.ANSWERED, 42.0, NOW + timedelta(seconds=50),
    )  # fmt: skip
    assert await gateway.find_leg("01CALL", LegHint(LEG.to, NOW, "CAnone")) is None


async def test_a_lost_leg_is_the_first_since_then_that_is_not_somebody_elses(
    far_end: FarEnd, gateway: TwilioGateway
) -> None:
    there = [
        call("CAlater", "ringing", start_time=stamp(9)),
        call("CAours", "ringing", date_created=stamp(0)),
        call("CAother", "ringing", start_time=stamp(0)),
        call("CAinbound", "in-progress", start_time=stamp(1), direction="inbound"),
        call("CAold", "completed", start_time=stamp(-60)),
        call("CAundated", "completed"),
    ]
    far_end.answers["GET", CALLS] = says(200, {"calls": there})
    others = frozenset({"CAother"})
    found = await gateway.find_leg("01CALL", LegHint(LEG.to, NOW + timedelta(seconds=1), not_these=others))
    assert found is not None
    assert (found.ref, found.heard.what) == ("CAours", News.RINGING)
    assert far_end.sent("ListCall")["To"] == [LEG.to]
    far_end.answers["GET", CALLS] = says(200, {"calls": there[2:]})
    assert await gateway.find_leg("01CALL", LegHint(LEG.to, NOW, not_these=others)) is None


async def test_a_queued_call_has_no_times_and_is_found_all_the_same(far_end: FarEnd, gateway: TwilioGateway) -> None:
    far_end.answers["GET", CALLS] = says(200, {"calls": [call(start_time=None, date_created=None)]})
    found = await gateway.find_leg("01CALL", LegHint(LEG.to, NOW))
    assert found is not None
    assert (found.ref, found.heard.what) == (CA, News.QUEUED)


async def test_live_calls_of_every_kind_are_listed(far_end: FarEnd, gateway: TwilioGateway) -> None:
    async def by_status(request: web.Request) -> web.Response:
        status = request.query["Status"]
        return web.json_response({"calls": [call(f"CA-{status}", status)]})

    far_end.answers["GET", CALLS] = by_status
    live = await gateway.list_live()
    assert {leg.ref: leg.heard.what for leg in live} == {
        "CA-queued": News.QUEUED,
        "CA-ringing": News.RINGING,
        "CA-in-progress": News.ANSWERED,
    }


# -- what goes wrong

NOT_DONE, UNKNOWN = "not_done", "unknown"
REFUSALS = [
    (refuses(429, 20429, **{"Retry-After": "3"}), Throttled, NOT_DONE),
    (refuses(401, 20003), AuthFailed, NOT_DONE),
    (refuses(400, 21211), NumberRejected, NOT_DONE),
    (refuses(400, 99999), Unsupported, NOT_DONE),  # our address, say: no fault of the number
    (refuses(400, 21215), NotPermitted, NOT_DONE),
    (refuses(400, 21210), AuthFailed, NOT_DONE),
    (refuses(400, 21212), AuthFailed, NOT_DONE),
    (refuses(400, 21614), NumberRejected, NOT_DONE),
    (refuses(418, 1), Unsupported, NOT_DONE),
    (refuses(404, 20404), AuthFailed, NOT_DONE),  # a dial that finds nothing has not ended: it asked in the wrong place
    (says(401, {"type": "t", "title": "no", "status": 401, "code": 20003}), AuthFailed, NOT_DONE),
    (says(500), OutcomeUnknown, UNKNOWN),
    (says(503, {"code": 20500, "message": "x"}), OutcomeUnknown, UNKNOWN),
    (says(302, {}, Location="http://elsewhere.example/"), OutcomeUnknown, UNKNOWN),
    (is_html, OutcomeUnknown, UNKNOWN),
    (says(201, []), OutcomeUnknown, UNKNOWN),
    (says(201, {"status": "queued"}), OutcomeUnknown, UNKNOWN),
    (resets, OutcomeUnknown, UNKNOWN),
    (hangs, OutcomeUnknown, UNKNOWN),
]
NAMES = ["429", "401", "21211", "400", "21215", "caller id", "caller id 2", "21614", "418", "404", "rfc9457", "500",
         "503", "302", "html", "list", "no-sid", "reset", "hang"]  # fmt: skip


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twilio_gateway, "LONGEST_S", 0.2)
    monkeypatch.setattr(twilio_gateway, "CONNECT_S", 0.1)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("answer", "error", "outcome"), REFUSALS, ids=NAMES)
async def test_every_failure_of_a_dial_has_one_name_and_is_asked_once(
    far_end: FarEnd, clock: ManualClock, answer: Answer, error: type[TelephonyError], outcome: str
) -> None:
    far_end.everything = answer
    made = TwilioGateway(account_at(far_end.url), TWIML, clock)
    await made.start()
    try:
        with pytest.raises(TelephonyError) as caught:
            await made.dial(LEG)
    finally:
        await made.stop()
    assert (type(caught.value), caught.value.outcome) == (error, outcome)
    assert len(far_end.asked) == 1
    if error is Throttled:
        assert (caught.value.retry_after, caught.value.code, caught.value.http) == (3.0, "20429", 429)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("answer", [says(500), is_html, resets, hangs], ids=["500", "html", "reset", "hang"])
async def test_a_question_without_an_answer_has_changed_nothing(
    far_end: FarEnd, clock: ManualClock, answer: Answer
) -> None:
    far_end.everything = answer
    made = TwilioGateway(account_at(far_end.url), TWIML, clock)
    await made.start()
    try:
        for ask in (made.is_well(), made.list_live(), made.find_leg("01CALL", LegHint(LEG.to, NOW))):
            with pytest.raises(CarrierUnreachable):
                await ask
    finally:
        await made.stop()


async def failure_of(account: TwilioAccount, clock: ManualClock) -> TelephonyError:
    made = TwilioGateway(account, TWIML, clock)
    await made.start()
    try:
        with pytest.raises(TelephonyError) as caught:
            await made.dial(LEG)
        return caught.value
    finally:
        await made.stop()


async def test_nothing_reached_a_carrier_that_refuses_or_has_no_address(clock: ManualClock) -> None:
    refused = account_at(f"http://127.0.0.1:{free_port()}")
    nowhere = replace(refused, api="http://no-such-carrier.invalid", hosts=frozenset({"no-such-carrier.invalid"}))
    for account in (refused, nowhere):
        assert type(await failure_of(account, clock)) is CarrierUnreachable


async def test_a_host_off_the_list_is_never_connected_to(far_end: FarEnd, clock: ManualClock) -> None:
    real = replace(account_at(far_end.url), api=twilio_gateway.PUBLISHED)
    foreign = replace(account_at(far_end.url), hosts=frozenset({"api.twilio.com"}))
    for account in (real, foreign):
        error = await failure_of(account, clock)
        assert type(error) is CarrierUnreachable
        assert "allowed" in error.detail
    assert far_end.asked == []


async def test_the_environment_does_not_bend_the_address(
    far_end: FarEnd, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"EDGE": "sydney", "REGION": "au1", "ACCOUNT_SID": "ACx", "AUTH_TOKEN": "x"}.items():
        monkeypatch.setenv(f"TWILIO_{name}", value)
    far_end.answers["POST", CALLS] = says(201, call())
    made = TwilioGateway(account_at(far_end.url), TWIML, clock)
    await made.start()
    assert (await made.dial(LEG)).ref == CA
    await made.stop()


async def test_a_gateway_that_is_not_started_says_so(clock: ManualClock) -> None:
    with pytest.raises(CarrierUnreachable):
        await TwilioGateway(account_at("http://127.0.0.1:9"), TWIML, clock).dial(LEG)


async def test_by_hand_nothing_rings_and_nothing_fails(clock: ManualClock) -> None:
    gateways: list[PhoneGateway] = [ManualGateway(), TwilioGateway(account_at("http://127.0.0.1:9"), TWIML, clock)]
    manual = gateways[0]
    assert not manual.rings
    with pytest.raises(Unsupported, match="by hand"):
        await manual.dial(LEG)
    await manual.hang_up("01CALL", "")
    assert await manual.find_leg("01CALL", LegHint(LEG.to, NOW)) is None
    assert await manual.is_well()
