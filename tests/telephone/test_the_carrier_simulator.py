"""The simulated carrier, driven by Twilio's own library over HTTP, and its callbacks as a customer sees them."""

import asyncio
import contextlib
import io
import json
import wave
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.voice_response import Dial, VoiceResponse

from simulators.carrier.account import Account, Network, Number
from simulators.carrier.callees import Callee
from simulators.carrier.faults import Faults
from simulators.carrier.server import Carrier

# The library's own use of aiohttp, which aiohttp 4 ends.
pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The 'auth' parameter is deprecated:DeprecationWarning"),
]
SID, TOKEN = "AC" + "0" * 32, "made-up-token"
CENTRE, ELDER, DOCTOR, NEIGHBOUR = "+861000012349", "+861000000001", "+861000000002", "+861000000003"
PACE = 400
ALL_EVENTS = ["initiated", "ringing", "answered", "completed"]
ROOM_EVENTS = "start end join leave mute hold modify announcement"


class Redirected(AsyncTwilioHttpClient):
    """The library's client, with another base address."""

    def __init__(self, origin):
        super().__init__()
        self.origin = origin

    async def request(self, method, url, **options):
        return await super().request(method, url.replace("https://api.twilio.com", self.origin), **options)


class Customer:
    """The customer's web server: serves documents by path, and keeps what it was told, by path."""

    def __init__(self):
        self.documents = {}
        self.heard = defaultdict(list)
        self.tokens = []
        self.invalid = 0
        self.statuses = []  # what the next callbacks are answered with
        self.arrived = asyncio.Condition()

    async def answer(self, request):
        form = await request.post() if request.method == "POST" else {}
        signature = request.headers["X-Twilio-Signature"]
        if not RequestValidator(TOKEN).validate(self.url(request.raw_path), form, signature):
            self.invalid += 1
        self.tokens.append(request.headers["I-Twilio-Idempotency-Token"])
        async with self.arrived:
            self.heard[request.path].append(dict(form))
            self.arrived.notify_all()
        document = self.documents.get(request.path)
        if document is None:
            return web.Response(status=self.statuses.pop(0) if self.statuses else 204)
        document = document(form) if callable(document) else document
        if isinstance(document, web.Response):
            return document
        return web.Response(text=str(document), content_type="text/xml")

    async def start(self):
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.runner.addresses[0][1]}{path}"

    async def until(self, path, enough):
        """What was heard at a path, once that is enough: a number of requests or a test of them."""
        test = enough if callable(enough) else lambda heard: len(heard) >= enough
        async with asyncio.timeout(5), self.arrived:
            await self.arrived.wait_for(lambda: test(self.heard[path]))
        return self.heard[path]

    async def events(self, path, last):
        heard = await self.until(path, lambda heard: any(one.get("StatusCallbackEvent") == last for one in heard))
        return [one["StatusCallbackEvent"] for one in heard]


@pytest.fixture
async def customer():
    customer = Customer()
    await customer.start()
    yield customer
    await customer.runner.cleanup()
    assert customer.invalid == 0


@pytest.fixture
async def line(customer):
    """Makes carriers with a library client each; the options are the carrier's."""
    async with contextlib.AsyncExitStack() as stack:

        async def make(**options):
            number = Number(customer.url("/voice"), customer.url("/fallback"), customer.url("/inbound-status"))
            options = {"seed": 7, "pace": PACE, "network": Network(calls_per_s=1000)} | options
            carrier = await stack.enter_async_context(Carrier(Account(SID, TOKEN, {CENTRE: number}), **options))
            client = await stack.enter_async_context(Redirected(carrier.url))
            return carrier, Client(SID, TOKEN, http_client=client, environment={"none": ""})

        yield make


def say(text, **more):
    response = VoiceResponse()
    response.say(text, **more)
    return response


def ask(action, tries=1, **more):
    response = VoiceResponse()
    for _ in range(tries):
        response.gather(action=action, num_digits=1, timeout=5, **more).say("1 ja 2 nein")
    return response


def into(room, customer, label="", **more):
    response, dial = VoiceResponse(), Dial()
    told = {"status_callback": customer.url("/room"), "status_callback_event": ROOM_EVENTS}
    dial.conference(room, participant_label=label or None, **(told | more))
    response.append(dial)
    return response


async def call(customer, client, to=ELDER, **more):
    events = {"status_callback": customer.url("/status"), "status_callback_event": ALL_EVENTS}
    return await client.calls.create_async(**({"to": to, "from_": CENTRE, "url": customer.url("/doc")} | events | more))


async def finished(customer, carrier, sid):
    await asyncio.wait_for(carrier.leg(sid).ended.wait(), 5)
    return [one for one in await customer.until("/status", lambda h: any(_ended(one, sid) for one in h))
            if one["CallSid"] == sid]  # fmt: skip


def _ended(told, sid):
    return told["CallSid"] == sid and "CallDuration" in told


# --- how calls go


@pytest.mark.parametrize(
    ("callee", "told", "sip"),
    [
        (Callee("answer"), ["initiated", "ringing", "in-progress", "completed"], "200"),
        (Callee("silent"), ["initiated", "ringing", "in-progress", "completed"], "200"),
        (Callee("voicemail"), ["initiated", "ringing", "in-progress", "completed"], "200"),
        (Callee("announcement"), ["initiated", "ringing", "in-progress", "completed"], "200"),
        (Callee("busy"), ["initiated", "busy"], "486"),
        (Callee("ignore"), ["initiated", "ringing", "no-answer"], "487"),
        (Callee("answer", rings_s=40), ["initiated", "ringing", "no-answer"], "487"),
        (Callee("reject"), ["initiated", "ringing", "busy"], "603"),
        (Callee("nobody"), ["initiated", "failed"], "404"),
    ],
    ids=lambda value: value.does if isinstance(value, Callee) else None,
)
async def test_every_callee_has_its_course(customer, line, callee, told, sip):
    carrier, client = await line(default=callee)
    customer.documents["/doc"] = say("hier ist 12349")
    placed = await call(customer, client, timeout=25)
    assert placed.status == "queued"
    assert placed.sid.startswith("CA")
    heard = await finished(customer, carrier, placed.sid)
    assert [one["CallStatus"] for one in heard] == told
    assert [one["SequenceNumber"] for one in heard] == [str(number) for number in range(len(told))]
    assert heard[-1]["SipResponseCode"] == sip
    assert {one["CallbackSource"] for one in heard} == {"call-progress-events"}
    fetched = await client.calls(placed.sid).fetch_async()
    assert fetched.status == told[-1]
    assert fetched.end_time.tzinfo is UTC
    assert carrier.leg(placed.sid).heard == (["hier ist 12349"] if "in-progress" in told else [])


async def test_keys_and_words_reach_the_action(customer, line):
    carrier, client = await line()
    scripts = {
        "+861000000011": Callee("press", digits=("3", "1"), early=True),
        "+861000000012": Callee("press", digits=("1",), after_s=9),
        "+861000000013": Callee("speaks", says=("ich bin gefallen",)),
        "+861000000014": Callee("silent"),
    }

    def step(form):
        return ask("/step", input="dtmf speech") if form.get("Digits") == "3" else say("danke")

    customer.documents |= {"/doc": ask("/step", input="dtmf speech", action_on_empty_result=True), "/step": step}
    for number, script in scripts.items():
        carrier.set_callee(number, script)
        placed = await call(customer, client, number)
        await finished(customer, carrier, placed.sid)
    answers = [one.get("SpeechResult", one.get("Digits")) for one in customer.heard["/step"]]
    assert answers == ["3", "1", "", "ich bin gefallen", ""]
    assert [entry["digits"] for entry in carrier.ledger()] == [["3", "1"], [], [], []]


async def test_without_an_answer_the_document_goes_on(customer, line):
    carrier, client = await line(default=Callee("silent"))
    customer.documents["/doc"] = ask("/step", tries=2)
    placed = await call(customer, client)
    await finished(customer, carrier, placed.sid)
    assert carrier.leg(placed.sid).heard == ["1 ja 2 nein", "1 ja 2 nein"]
    assert customer.heard["/step"] == []


async def test_a_call_can_be_ended_and_sent_elsewhere(customer, line):
    carrier, client = await line()
    customer.documents |= {"/doc": "<Response><Pause length='9999'/></Response>", "/other": say("zweites")}
    carrier.set_callee(NEIGHBOUR, Callee("ignore"))
    ringing = await call(customer, client, NEIGHBOUR, timeout=600)
    talking = await call(customer, client, DOCTOR)
    await customer.until("/doc", lambda heard: any(one["CallSid"] == talking.sid for one in heard))
    with pytest.raises(TwilioRestException) as refused:
        await client.calls("CA" + "1" * 32).update_async(status="completed")
    assert (refused.value.code, refused.value.status) == (20404, 404)
    await client.calls(talking.sid).update_async(url=customer.url("/other"))
    await finished(customer, carrier, talking.sid)
    assert carrier.leg(talking.sid).heard == ["zweites"]
    ended = await client.calls(ringing.sid).update_async(status="completed")
    assert ended.status == "canceled"
    with pytest.raises(TwilioRestException) as late:
        await client.calls(ringing.sid).update_async(twiml=str(say("zu spät")))
    assert late.value.code == 21220


@pytest.mark.parametrize(
    ("callee", "says"),
    [(Callee("answer"), "human"), (Callee("voicemail"), "machine_start"), (Callee("silent"), "unknown")],
)
async def test_machine_detection_beside_the_call(customer, line, callee, says):
    _carrier, client = await line(default=callee)
    customer.documents["/doc"] = "<Response><Pause length='20'/></Response>"
    amd = {"machine_detection": "Enable", "async_amd": "true", "async_amd_status_callback": customer.url("/amd")}
    await call(customer, client, **amd)
    (told,) = await customer.until("/amd", 1)
    assert (told["AnsweredBy"], told["MachineDetectionDuration"]) == (says, "3000")


async def test_the_document_waits_for_machine_detection(customer, line):
    carrier, client = await line(default=Callee("voicemail"))
    customer.documents["/doc"] = say("ja")
    placed = await call(customer, client, machine_detection="Enable")
    heard = await finished(customer, carrier, placed.sid)
    assert customer.heard["/doc"][0]["AnsweredBy"] == heard[-1]["AnsweredBy"] == "machine_start"


async def test_calls_wait_for_a_line(customer, line):
    carrier, client = await line(network=Network(calls_per_s=0.5), default=Callee("busy"))
    for number in (ELDER, DOCTOR, NEIGHBOUR):
        await call(customer, client, number)
    legs = list(carrier.board.legs.values())
    await asyncio.gather(*(asyncio.wait_for(leg.ended.wait(), 5) for leg in legs))
    # In the story's time, which runs on by itself: the last waits for the two before it.
    assert (legs[2].started_at - legs[0].placed_at).total_seconds() > 4


async def test_a_call_to_us_asks_what_to_do_and_falls_back(customer, line):
    carrier, _client = await line()
    customer.documents |= {"/voice": lambda form: web.Response(status=500), "/fallback": say("bitte warten")}
    leg = carrier.call_in(ELDER, CENTRE)
    await asyncio.wait_for(leg.ended.wait(), 5)
    (asked,) = customer.heard["/fallback"]
    assert (asked["ErrorCode"], asked["CallStatus"], asked["Direction"]) == ("11200", "ringing", "inbound")
    assert (leg.heard, leg.status) == (["bitte warten"], "completed")
    (told,) = await customer.until("/inbound-status", 1)
    assert told["CallStatus"] == "completed"
    assert [warning["code"] for warning in carrier.warnings] == [11200]


async def test_a_caller_may_give_up_and_a_call_may_be_rejected(customer, line):
    carrier, _client = await line()
    customer.documents["/voice"] = into("a", customer, start_conference_on_enter=False)
    abandoned = carrier.call_in(ELDER, CENTRE, Callee(stays_s=120))
    await asyncio.wait_for(abandoned.ended.wait(), 5)
    assert (abandoned.status, abandoned.talk_s > 0) == ("completed", True)
    customer.documents["/voice"] = "<Response><Reject reason='busy'/></Response>"
    rejected = carrier.call_in(ELDER, CENTRE)
    await asyncio.wait_for(rejected.ended.wait(), 5)
    assert (rejected.status, rejected.answered_at) == ("busy", None)


async def test_the_first_of_several_numbers_is_connected(customer, line):
    carrier, _client = await line()
    carrier.set_callee(DOCTOR, Callee(rings_s=2, stays_s=30))
    carrier.set_callee(NEIGHBOUR, Callee(rings_s=20))
    response = VoiceResponse()
    dial = response.dial(timeout=30, action="/dialled")
    dial.number(DOCTOR, status_callback=customer.url("/child"), status_callback_event="ringing completed")
    dial.number(NEIGHBOUR, url="/whisper")
    customer.documents |= {"/voice": response, "/dialled": say("ende"), "/whisper": say("ein Notruf")}
    caller = carrier.call_in(ELDER, CENTRE)
    await asyncio.wait_for(caller.ended.wait(), 5)
    (told,) = customer.heard["/dialled"]
    assert told["DialCallStatus"] == "completed"
    children = {entry["to"]: entry["status"] for entry in carrier.ledger() if entry["direction"] == "outbound-dial"}
    assert children == {DOCTOR: "completed", NEIGHBOUR: "canceled"}
    assert [one["CallStatus"] for one in await customer.until("/child", 2)] == ["ringing", "completed"]


# --- rooms


async def test_three_legs_in_a_room(customer, line):
    carrier, client = await line()
    customer.documents["/voice"] = into("alert-1", customer, "elder", start_conference_on_enter=False, wait_url="/wait")
    customer.documents["/wait"] = say("einen Moment")
    elder = carrier.call_in(ELDER, CENTRE)
    await customer.until("/room", 1)
    (room,) = await client.conferences.list_async(friendly_name="alert-1")
    assert room.status == "init"
    operator = await client.conferences("alert-1").participants.create_async(
        from_=CENTRE, to=DOCTOR, label="op:7", conference_status_callback_event=["start end"]
    )
    customer.documents["/doc"] = into("alert-1", customer, "doctor")
    await call(customer, client, NEIGHBOUR)
    await customer.until(
        "/room", lambda heard: sum(one["StatusCallbackEvent"] == "participant-join" for one in heard) == 3
    )
    seats = await client.conferences(room.sid).participants.list_async()
    assert [(seat.label, seat.status) for seat in seats] == [
        ("elder", "connected"), ("op:7", "connected"), ("doctor", "connected")]  # fmt: skip
    participants = client.conferences(room.sid).participants
    muted = await participants("doctor").update_async(muted=True)
    assert muted.muted is True
    coach = await participants("op:7").update_async(coaching=True, call_sid_to_coach=elder.sid)
    assert coach.call_sid_to_coach == elder.sid
    customer.documents["/announce"] = say("der Arzt kommt")
    await client.conferences(room.sid).update_async(announce_url=customer.url("/announce"))
    await customer.events("/room", "announcement-end")
    assert carrier.leg(operator.call_sid).heard == ["der Arzt kommt"]
    await participants("doctor").delete_async()
    await client.calls(operator.call_sid).update_async(status="completed")
    await client.conferences(room.sid).update_async(status="completed")
    assert await customer.events("/room", "conference-end") == [
        "participant-join", "participant-join", "conference-start", "participant-join", "participant-mute",
        "participant-modify", "announcement-end", "participant-leave", "participant-leave", "participant-leave",
        "conference-end"]  # fmt: skip
    left = [one for one in customer.heard["/room"] if one["StatusCallbackEvent"] == "participant-leave"]
    assert [(one["ParticipantLabel"], one["ReasonParticipantLeft"], one["Muted"], one["Coaching"]) for one in left] == [
        ("doctor", "participant_removed_via_api", "true", "false"),
        ("op:7", "participant_hung_up", "false", "true"),
        ("elder", "conference_ended_via_api", "false", "false"),
    ]
    assert customer.heard["/room"][-1]["ReasonConferenceEnded"] == "conference-ended-via-api"
    assert "einen Moment" in elder.heard
    assert [entry["rooms"] for entry in carrier.ledger()] == [["alert-1"]] * 3


async def test_whoever_ends_the_room_takes_all_along(customer, line):
    carrier, client = await line()
    carrier.set_callee(DOCTOR, Callee(stays_s=200))
    customer.documents["/voice"] = into("r", customer, "a")
    caller = carrier.call_in(ELDER, CENTRE)
    customer.documents["/doc"] = into("r", customer, "b", end_conference_on_exit=True)
    placed = await call(customer, client, DOCTOR)
    await asyncio.wait_for(caller.ended.wait(), 5)
    await customer.events("/room", "conference-end")
    ended = customer.heard["/room"][-1]
    assert ended["ReasonConferenceEnded"] == "participant-with-end-conference-on-exit-left"
    assert ended["CallSidEndingConference"] == placed.sid


async def test_a_participant_who_is_not_reached_leaves_the_room_empty(customer, line):
    _carrier, client = await line(default=Callee("busy"))
    made = await client.conferences("r").participants.create_async(
        from_=CENTRE, to=ELDER, label="elder", conference_status_callback=customer.url("/room"),
        conference_status_callback_event=["start end join leave"])  # fmt: skip
    assert made.status == "queued"
    assert await customer.events("/room", "conference-end") == ["participant-leave", "conference-end"]
    assert customer.heard["/room"][0]["ParticipantCallStatus"] == "busy"


@pytest.mark.parametrize(("guests", "status"), [(2, "completed"), (1, "absent")])
async def test_a_room_is_recorded_from_its_start(customer, line, guests, status):
    carrier, client = await line()
    told = {"recording_status_callback": customer.url("/rec"), "recording_status_callback_event": "completed absent"}
    customer.documents["/voice"] = into("r", customer, record="record-from-start", **told)
    for _ in range(guests):
        carrier.call_in(ELDER, CENTRE, Callee(stays_s=200))
    (heard,) = await customer.until("/rec", 1)
    assert heard["RecordingStatus"] == status
    (made,) = await client.recordings.list_async(conference_sid=heard["ConferenceSid"])
    assert made.sid == heard["RecordingSid"]
    async with aiohttp.ClientSession() as session:
        url = heard["RecordingUrl"] + ".wav"
        async with session.get(url, headers={"Authorization": aiohttp.encode_basic_auth(SID, TOKEN)}) as media:
            assert media.status == (200 if status == "completed" else 404)
            content = await media.read()
    if status == "completed":
        with wave.open(io.BytesIO(content)) as sound:
            assert sound.getnframes() > 0
    assert await client.recordings(made.sid).delete_async()
    with pytest.raises(TwilioRestException) as gone:
        await client.recordings(made.sid).fetch_async()
    assert gone.value.code == 20404


async def test_hold_plays_its_music_and_a_leg_can_be_taken_out_of_the_room(customer, line):
    carrier, client = await line()
    customer.documents |= {"/voice": into("r", customer, "a"), "/music": say("la la"), "/other": say("woanders")}
    one, other = carrier.call_in(ELDER, CENTRE), carrier.call_in(DOCTOR, CENTRE)
    await customer.events("/room", "conference-start")
    (room,) = await client.conferences.list_async(status="in-progress")
    await client.conferences(room.sid).participants(one.sid).update_async(hold=True, hold_url=customer.url("/music"))
    await customer.events("/room", "announcement-end")
    assert (one.heard, other.heard) == (["la la"], [])
    held = await client.conferences(room.sid).participants.list_async(hold=True)
    assert [seat.call_sid for seat in held] == [one.sid]
    await client.calls(one.sid).update_async(twiml=str(say("woanders")))
    left = (await customer.until("/room", lambda heard: "ReasonParticipantLeft" in heard[-1]))[-1]
    assert (left["ReasonParticipantLeft"], left["Hold"]) == ("participant_updated_via_api", "true")
    await asyncio.wait_for(one.ended.wait(), 5)
    assert one.heard == ["la la", "woanders"]


async def test_somebody_leaves_a_message(customer, line):
    carrier, client = await line()
    response = VoiceResponse()
    response.record(action="/kept", max_length=30, recording_status_callback="/rec")
    customer.documents |= {"/voice": response, "/kept": say("danke")}
    leg = carrier.call_in(ELDER, CENTRE)
    (told,) = await customer.until("/rec", 1)
    assert told["RecordingUrl"] == customer.heard["/kept"][0]["RecordingUrl"]
    made = await client.recordings(told["RecordingSid"]).fetch_async()
    assert (made.call_sid, made.source, made.status) == (leg.sid, "RecordVerb", "completed")


async def test_a_recorded_call(customer, line):
    carrier, client = await line()
    customer.documents["/doc"] = say("ja")
    placed = await call(customer, client, record=True, recording_status_callback=customer.url("/rec"))
    (told,) = await customer.until("/rec", 1)
    assert (told["CallSid"], told["RecordingSource"]) == (placed.sid, "OutboundAPI")
    assert carrier.totals()["recordings"] == 1


# --- what is refused


async def refusal(work):
    with pytest.raises(TwilioRestException) as refused:
        await work
    return refused.value.code


async def test_what_no_call_can_be_placed_with(customer, line):
    network = Network(forbidden=("+8620",), landlines=("+86100",))
    carrier, client = await line(network=network)
    assert await refusal(call(customer, client, "12349")) == 21211
    assert await refusal(call(customer, client, "+862055501234")) == 21215
    assert await refusal(call(customer, client, from_=DOCTOR)) == 21210
    assert await refusal(call(customer, client, url="ftp://x")) == 21205
    assert await refusal(client.messages.create_async(to=ELDER, from_=CENTRE, body="x")) == 21614
    client.auth = (SID, "wrong")
    assert await refusal(call(customer, client)) == 20003
    assert carrier.ledger() == []


async def test_unknown_fields_and_wrong_formats_are_refused_and_kept(customer, line):
    carrier, client = await line()
    wrong = [
        {"ValidityPeriod": "30"},
        {"StatusCallbackEvent": "initiated ringing"},
        {"Record": "True"},
        {"Timeout": "soon"},
        {"MachineDetection": "yes"},
        {"To": [ELDER, DOCTOR]},
    ]
    for fields in wrong:
        data = {"To": ELDER, "From": CENTRE, "Url": customer.url("/doc")} | fields
        answer = await client.http_client.request(
            "POST", f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Calls.json", data=_form(data), auth=(SID, TOKEN)
        )
        assert (answer.status_code, json.loads(answer.text)["status"]) == (400, 400)
    assert await refusal(
        client.conferences("r").participants.create_async(
            from_=CENTRE, to=ELDER, conference_status_callback_event=["start", "end"])) == 20001  # fmt: skip
    assert [one["field"] for one in carrier.refused] == [
        *(next(iter(fields)) for fields in wrong), "ConferenceStatusCallbackEvent"]  # fmt: skip
    assert carrier.ledger() == []


def _form(data):
    return [(name, one) for name, value in data.items() for one in (value if isinstance(value, list) else [value])]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("", 12100),
        ("<Response><Say>", 12100),
        ("<Response><Shout>ha</Shout></Response>", 12200),
        ("<Response><Say volume='11'>ha</Say></Response>", 12200),
        ("<Response><Dial><Conference muted='True'>r</Conference></Dial></Response>", 12200),
    ],
)
async def test_a_document_with_a_mistake_is_warned_about(customer, line, document, code):
    carrier, client = await line()
    customer.documents["/doc"] = document
    placed = await call(customer, client)
    await finished(customer, carrier, placed.sid)
    assert [(one["code"], one["call_sid"]) for one in carrier.warnings] == [(code, placed.sid)]
    assert carrier.leg(placed.sid).heard == ["an application error has occurred"]


# --- lists, texts, the ledger


async def test_lists_come_in_pages_and_can_be_searched(customer, line):
    carrier, client = await line(default=Callee("busy"))
    before = datetime.now(UTC) - timedelta(minutes=1)
    for number in (ELDER, DOCTOR, ELDER, DOCTOR, ELDER):
        await call(customer, client, number)
    await asyncio.gather(*(asyncio.wait_for(leg.ended.wait(), 5) for leg in carrier.board.legs.values()))
    everything = await client.calls.list_async(page_size=2)
    assert [one.sid for one in everything] == [entry["sid"] for entry in reversed(carrier.ledger())]
    found = await client.calls.list_async(to=ELDER, start_time_after=before, status="busy")
    assert [one.to for one in found] == [ELDER] * 3
    assert await client.calls.list_async(to=ELDER, start_time_before=before) == []


async def test_texts_are_sent_and_told_of(customer, line):
    carrier, client = await line()
    carrier.set_callee(DOCTOR, Callee(sms="undelivered"))
    for number in (ELDER, DOCTOR):
        await client.messages.create_async(
            to=number, from_=CENTRE, body="打12349", status_callback=customer.url(f"/sms{number[-1]}")
        )
    assert [one["MessageStatus"] for one in await customer.until("/sms1", 2)] == ["sent", "delivered"]
    assert (await customer.until("/sms2", 2))[-1]["ErrorCode"] == "30003"
    assert [(text["body"], text["status"]) for text in carrier.texts()] == [
        ("打12349", "delivered"), ("打12349", "undelivered")]  # fmt: skip


async def test_the_same_seed_gives_the_same_day(customer, line):
    days = []
    for seed in (5, 5, 6):
        faults = Faults(answers={"error_after": 0.3, "throttled": 0.2})
        carrier, client = await line(seed=seed, faults=faults, default=Callee("press", digits=("1",)))
        carrier.set_callee(DOCTOR, Callee("busy"))
        customer.documents |= {"/doc": ask("/step"), "/step": say("danke")}
        refused = []
        for number in (ELDER, DOCTOR, NEIGHBOUR) * 3:
            try:
                await call(customer, client, number)
            except TwilioRestException as error:
                refused.append(error.status)
        await asyncio.gather(*(asyncio.wait_for(leg.ended.wait(), 5) for leg in carrier.board.legs.values()))
        days.append((refused, [entry["sid"] for entry in carrier.ledger()], carrier.outcomes()))
    assert days[0] == days[1]
    assert days[0] != days[2]
    assert days[0][0]
    assert {entry["duration_s"] >= 0 for entry in carrier.ledger()} == {True}
    assert carrier.totals()["calls"] == len(carrier.ledger())


# --- faults


async def test_answers_that_go_wrong(customer, line):
    plan = ("throttled", "error", "html", "reset", "hang", "error_after", "reset_after", "hang_after")
    carrier, client = await line(faults=Faults(answer_plan=plan, operations=("CreateCall",)), default=Callee("busy"))
    seen = []
    for fault in plan:
        try:
            async with asyncio.timeout(0.3):
                await call(customer, client)
        except (TwilioRestException, aiohttp.ClientError, TimeoutError, json.JSONDecodeError, ConnectionError) as error:
            seen.append((fault, type(error).__name__, len(carrier.ledger())))
    assert [(fault, placed) for fault, _, placed in seen] == [
        ("throttled", 0), ("error", 0), ("html", 0), ("reset", 0), ("hang", 0),
        ("error_after", 1), ("reset_after", 2), ("hang_after", 3)]  # fmt: skip
    named = {fault: name for fault, name, _ in seen}
    assert named["throttled"] == named["error"] == named["error_after"] == "TwilioRestException"
    assert named["hang"] == named["hang_after"] == "TimeoutError"
    assert named["reset"] == named["reset_after"]
    # What was placed although nobody was told so can be found.
    assert len(await client.calls.list_async(to=ELDER)) == 3


async def test_too_many_requests_say_when_to_come_back(customer, line):
    _carrier, client = await line(faults=Faults(answer_plan=("throttled",), retry_after_s=2))
    assert await refusal(call(customer, client)) == 20429
    assert client.http_client._test_only_last_response.headers["Retry-After"] == "2"


async def test_a_callback_may_come_before_the_answer(customer, line):
    _carrier, client = await line(faults=Faults(answer_plan=("early",)))
    customer.documents["/doc"] = "<Response><Pause length='5'/></Response>"
    placed = await call(customer, client)
    assert customer.heard["/status"][0]["CallSid"] == placed.sid


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (("duplicate",), ["initiated", "initiated", "ringing", "in-progress", "completed"]),
        (("reorder",), ["ringing", "initiated", "in-progress", "completed"]),
        (("", "lose"), ["initiated", "in-progress", "completed"]),
        (("delay",), ["ringing", "in-progress", "completed", "initiated"]),
    ],
)
async def test_callbacks_that_go_wrong(customer, line, plan, told):
    _carrier, client = await line(faults=Faults(callback_plan=plan, delay_s=200))
    customer.documents["/doc"] = say("ja")
    await call(customer, client)
    assert [one["CallStatus"] for one in await customer.until("/status", len(told))] == told
    if plan == ("duplicate",):
        assert customer.tokens[0] == customer.tokens[1]


@pytest.mark.parametrize(
    ("wish", "statuses", "told"),
    [
        ("", [500], ["initiated", "busy"]),
        ("#rc=5&rp=all", [500, 503, 403, 204], ["initiated"] * 4 + ["busy"]),
        ("#rc=1&rp=all", [500, 503, 204], ["initiated", "initiated", "busy"]),
        ("#rc=5&rp=ct,5xx", [500, 403, 204], ["initiated", "initiated", "busy"]),
    ],
)
async def test_a_callback_that_failed_is_told_again_as_its_address_says(customer, line, wish, statuses, told):
    """By itself only where nobody could be connected to, and once."""
    carrier, client = await line(default=Callee("busy"))
    customer.statuses = statuses
    placed = await call(customer, client, status_callback=customer.url("/status") + wish)
    heard = await finished(customer, carrier, placed.sid)
    assert [one["CallStatus"] for one in heard] == told
    assert customer.tokens[0] != customer.tokens[-1]
    assert len(set(customer.tokens)) == 2


async def test_a_dead_carrier_can_be_revived(customer, line):
    carrier, client = await line(default=Callee("busy"))
    await carrier.die("unavailable")
    assert await refusal(call(customer, client)) == 20503
    await carrier.revive()
    await call(customer, client)
    await carrier.die("refuses")
    with pytest.raises((aiohttp.ClientConnectorError, ConnectionRefusedError)):
        await call(customer, client)
    await carrier.revive()
    assert (await call(customer, client)).status == "queued"


# --- control


async def test_the_control_endpoint(customer, line):
    carrier, client = await line()
    customer.documents["/voice"] = ask("/step")
    async with aiohttp.ClientSession(carrier.url) as session:

        async def post(what, data):
            async with session.post(f"/sim/{what}", json=data) as answer:
                return answer.status, await answer.json()

        async def get(what):
            async with session.get(f"/sim/{what}") as answer:
                return await answer.json()

        assert (await post("callees", {ELDER: {"does": "busy"}}))[0] == 200
        assert (await post("callees", {ELDER: {"does": "sing"}}))[0] == 400
        assert (await post("faults", {"answer_plan": ["error"]}))[0] == 200
        assert (await post("faults", {"answers": {"flood": 1}}))[0] == 400
        assert await refusal(call(customer, client)) == 20500
        caller = {"does": "press", "digits": ["1"]}
        _, made = await post("inbound", {"from": ELDER, "to": CENTRE, "caller": caller})
        await customer.until("/step", 1)
        placed = await call(customer, client)
        await finished(customer, carrier, placed.sid)
        ledger = await get("ledger")
        assert [(one["sid"], one["digits"]) for one in ledger["calls"]] == [(made["sid"], ["1"]), (placed.sid, [])]
        assert ledger["calls"][1]["status"] == "busy"
        assert await get("refused") == await get("messages") == []
        await post("faults", {"dead": "unavailable"})
        assert await refusal(call(customer, client)) == 20503
        await post("faults", {"dead": ""})
        assert (await call(customer, client)).status == "queued"
