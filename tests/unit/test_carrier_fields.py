"""What the simulated carrier lets pass: fields, attributes, documents, numbers of answers."""

import inspect
import re

import pytest
from twilio.rest.api.v2010.account.call import CallList
from twilio.rest.api.v2010.account.conference.participant import ParticipantContext, ParticipantList
from twilio.rest.api.v2010.account.message import MessageList
from twilio.twiml import voice_response

from simulators.carrier import twiml
from simulators.carrier.answers import page
from simulators.carrier.fields import OPERATIONS, VERBS, wrong_attributes, wrong_fields


@pytest.mark.parametrize(
    ("operation", "method"),
    [
        ("CreateCall", CallList._create),
        ("CreateMessage", MessageList._create),
        ("CreateParticipant", ParticipantList._create),
        ("UpdateParticipant", ParticipantContext._update),
    ],
)
def test_the_fields_are_those_the_library_was_generated_with(operation, method):
    named = set(re.findall(r'"([A-Z]\w+)":', inspect.getsource(method)))
    assert set(OPERATIONS[operation]) == named - {"Accept"}


@pytest.mark.parametrize("verb", [name for name in VERBS if name != "Response"])
def test_every_verb_is_one_of_the_library(verb):
    assert hasattr(voice_response, verb)


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("Record", "true", True),
        ("Record", "True", False),
        ("Timeout", "25", True),
        ("Timeout", "25.5", False),
        ("Method", "PUT", False),
        ("StatusCallbackEvent", "ringing", True),
        ("StatusCallbackEvent", "ringing answered", False),
        ("RecordingStatusCallbackEvent", "completed absent", True),
        ("ValidityPeriod", "30", False),
    ],
)
def test_a_field_of_a_call(name, value, right):
    assert (list(wrong_fields("CreateCall", [(name, value)])) == []) is right


def test_only_some_keys_may_come_twice():
    events = [("StatusCallbackEvent", "ringing"), ("StatusCallbackEvent", "answered")]
    assert list(wrong_fields("CreateCall", events)) == []
    assert [why for _, _, why in wrong_fields("CreateCall", [("To", "+1"), ("To", "+2")])] == ["given twice"]


def test_room_events_stand_in_one_text():
    assert list(wrong_fields("CreateParticipant", [("ConferenceStatusCallbackEvent", "start end join")])) == []
    assert list(wrong_attributes("Conference", {"statusCallbackEvent": "start end leave"})) == []
    assert list(wrong_attributes("Conference", {"statusCallbackEvent": "begin"})) != []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 12100),
        ("<Say>ja</Say>", 12100),
        ("<Response><Gather><Hangup/></Gather></Response>", 12200),
        ("<Response><Dial><Number sipTo='x'>+1</Number></Dial></Response>", 12200),
        ("<Response><Hangup>now</Hangup><Go/></Response>", 12200),
    ],
)
def test_documents_with_mistakes(text, code):
    with pytest.raises(twiml.Unplayable) as broken:
        twiml.read(text)
    assert broken.value.code == code


def test_prompts_take_their_time():
    heard = twiml.prompts(
        twiml.read("<Response><Say loop='2'>您好</Say><Pause length='3'/><Play>a.wav</Play></Response>")
    )
    assert [(one.text, one.seconds) for one in heard] == [("您好", 0.5), ("您好", 0.5), ("", 3), ("play:a.wav", 3)]


def test_pages_do_not_shift_when_something_new_comes():
    first = page("calls", [{"sid": f"CA{n}"} for n in (3, 2, 1)], "/Calls.json", [("PageSize", "2"), ("To", "+86")])
    assert [one["sid"] for one in first["calls"]] == ["CA3", "CA2"]
    assert first["next_page_uri"] == "/Calls.json?To=%2B86&PageSize=2&Page=1&PageToken=PACA2"
    asked = [("To", "+86"), ("PageSize", "2"), ("Page", "1"), ("PageToken", "PACA2")]
    second = page("calls", [{"sid": f"CA{n}"} for n in (4, 3, 2, 1)], "/Calls.json", asked)
    assert ([one["sid"] for one in second["calls"]], second["next_page_uri"]) == (["CA1"], None)
