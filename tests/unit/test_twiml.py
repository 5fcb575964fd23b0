"""Scripts as TwiML: what Twilio reads is what the script says, and no path ends in silence."""

from xml.etree import ElementTree as ET

import pytest

from callcenter.alerts.script import Ask, Hangup, Join, Pause, Play, Record, Say, Script
from callcenter.telephony.twiml import RETRIED, Addresses, Leg, Twiml, Voice

PUBLIC = "https://centre.example/vnh"
V1 = f"{PUBLIC}/telephony/twilio/v1"
ELDER = Leg("01CALL", {"role": "elder", "room": "01ALERT"}, "abc")


def read(script: Script, leg: Leg = ELDER, twiml: Twiml | None = None) -> ET.Element:
    return ET.fromstring((twiml or Twiml(Addresses(PUBLIC))).document(script, leg))


def one(parent: ET.Element, path: str) -> ET.Element:
    found = parent.find(path)
    assert found is not None, f"no {path}"
    return found


def test_nothing_to_say_is_an_empty_response() -> None:
    assert [*read(())] == []


@pytest.mark.parametrize("text", ["A & B", "<Hangup/>", "张三 \"三\" 'x'", "&amp;", "]]>"])
def test_text_is_heard_as_it_was_written(text: str) -> None:
    assert one(read((Say(text, "zh-CN"),)), "Say").text == text


def test_control_characters_do_not_spoil_the_document() -> None:
    assert one(read((Say("三号\x0b院\x00\n门", "zh-CN"),)), "Say").text == "三号 院  门"


def test_voices_are_a_table_and_a_foreign_language_is_not_silent() -> None:
    twiml = Twiml(Addresses(PUBLIC), voices={"zh-CN": Voice("cmn-CN", "Some.Voice"), "en": Voice("en-GB")})
    chinese, english, other = read((Say("好", "zh-CN"), Say("well", "en"), Say("ok", "wuu")), twiml=twiml)
    assert chinese.attrib == {"language": "cmn-CN", "voice": "Some.Voice"}
    assert english.attrib == {"language": "en-GB"}
    assert other.attrib == chinese.attrib


def test_files_are_played_from_the_public_address() -> None:
    play, pause = read((Play("/prompts/请 等.wav"), Pause(2)))
    assert play.text == f"{PUBLIC}/prompts/%E8%AF%B7%20%E7%AD%89.wav"
    assert pause.attrib == {"length": "2"}


def test_a_question_takes_one_key_and_falls_through_to_its_own_address() -> None:
    asked = Ask("offer", (Say("去吗", "zh-CN"), Pause(1), Say("按一", "zh-CN")), 10)
    gather, redirect = read((asked,))
    action = f"{V1}/step/01CALL?step=offer&role=elder&room=01ALERT&after=abc"
    assert gather.attrib == {
        "input": "dtmf",
        "numDigits": "1",
        "finishOnKey": "",
        "timeout": "10",
        "actionOnEmptyResult": "true",
        "action": action,
        "method": "POST",
    }
    assert [child.tag for child in gather] == ["Say", "Pause", "Say"]
    assert (redirect.tag, redirect.text, redirect.attrib) == ("Redirect", action, {"method": "POST"})


def test_a_spoken_answer_is_listened_for_in_the_language_of_the_question() -> None:
    gather = one(read((Ask("awake", (Say("醒着吗", "zh-CN"),), 5, speech=True),)), "Gather")
    assert (gather.get("input"), gather.get("language")) == ("dtmf speech", "cmn-CN")


@pytest.mark.parametrize("start", [True, False])
def test_nobody_ends_a_room_by_leaving_it(start: bool) -> None:
    room = one(read((Join("01ALERT", start=start),)), "Dial/Conference")
    assert room.text == "01ALERT"
    assert room.attrib == {
        "participantLabel": "01CALL",
        "startConferenceOnEnter": str(start).lower(),
        "endConferenceOnExit": "false",
        "beep": "false",
        "statusCallback": f"{V1}/room/01CALL{RETRIED}",
        "statusCallbackMethod": "POST",
        "statusCallbackEvent": "start end join leave",
        "record": "record-from-start",
        "recordingStatusCallback": f"{V1}/rec/01CALL{RETRIED}",
        "recordingStatusCallbackMethod": "POST",
        "recordingStatusCallbackEvent": "completed absent",
    }


def test_a_room_is_recorded_only_when_wanted_and_has_the_music_that_is_set() -> None:
    twiml = Twiml(Addresses(PUBLIC), hold_music="https://static.example/hold.mp3")
    room = one(read((Join("01ALERT", record=False),), twiml=twiml), "Dial/Conference")
    assert not [name for name in room.attrib if name.startswith("record")]
    assert (room.get("waitUrl"), room.get("waitMethod")) == ("https://static.example/hold.mp3", "GET")


def test_a_recording_does_not_ask_for_its_own_document_again() -> None:
    record, hangup = read((Record(30), Hangup()))
    assert record.get("maxLength") == "30"
    assert "step=recorded" in record.get("action", "")
    assert hangup.tag == "Hangup"
