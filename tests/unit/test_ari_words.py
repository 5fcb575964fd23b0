"""Asterisk's words in ours: outcomes, times, ids, endpoints and sound files."""

from datetime import UTC, datetime

import aiohttp
import pytest

from callcenter.alerts.call_model import CallOutcome
from callcenter.alerts.script import Pause, Play, Say
from callcenter.ids import new_id
from callcenter.telephony.ari_client import AlreadyThere, AriSettings, port_error
from callcenter.telephony.ari_words import (
    at_of,
    call_of_recording,
    endpoint_of,
    event_id,
    is_ours,
    media_uris,
    outcome_of,
    recording_name,
    silence,
    sound_files,
    sound_name,
)
from callcenter.telephony.port import (
    AuthFailed,
    CarrierUnreachable,
    LegGone,
    NumberRejected,
    OutcomeUnknown,
    TelephonyError,
)
from simulators.pbx.rest import OPERATIONS, refusal

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
SETTINGS = AriSettings("http://pbx/ari", "centre", "secret", trunk="PJSIP/{number}@ims", desk="PJSIP/{user}")


@pytest.mark.parametrize(
    ("cause", "answered", "dial_status", "outcome"),
    [
        (16, True, "", CallOutcome.ANSWERED),
        (38, True, "", CallOutcome.ANSWERED),  # the line broke after somebody had answered
        (16, False, "", CallOutcome.CANCELED),
        (17, False, "", CallOutcome.BUSY),
        (18, False, "", CallOutcome.NO_ANSWER),
        (19, False, "RINGING", CallOutcome.NO_ANSWER),
        (21, False, "CONGESTION", CallOutcome.REJECTED),
        (1, False, "", CallOutcome.FAILED),
        (28, False, "", CallOutcome.FAILED),
        (999, False, "", CallOutcome.FAILED),
        (0, False, "NOANSWER", CallOutcome.NO_ANSWER),
        (16, False, "NOANSWER", CallOutcome.NO_ANSWER),
        (127, False, "CHANUNAVAIL", CallOutcome.FAILED),
    ],
)
def test_how_a_call_ended(cause: int, answered: bool, dial_status: str, outcome: CallOutcome) -> None:
    assert outcome_of(cause, answered=answered, dial_status=dial_status) is outcome


@pytest.mark.parametrize(
    ("status", "kind", "outcome"),
    [
        (400, TelephonyError, "not_done"),
        (401, AuthFailed, "not_done"),
        (404, LegGone, "done"),
        (409, AlreadyThere, "not_done"),
        (422, TelephonyError, "not_done"),
        (500, OutcomeUnknown, "unknown"),
        (503, OutcomeUnknown, "unknown"),
    ],
)
def test_what_a_status_means(status: int, kind: type[TelephonyError], outcome: str) -> None:
    error = port_error(status, "POST /channels")
    assert (type(error), error.outcome, error.http) == (kind, outcome, status)
    assert not error.permanent  # a 400 too may be our trunk: the next gateway rings


def test_only_what_was_never_sent_is_not_done() -> None:
    assert type(port_error(aiohttp.ConnectionTimeoutError(), "x")) is CarrierUnreachable
    for error in (TimeoutError(), aiohttp.ServerDisconnectedError(), ConnectionResetError(), ValueError("no JSON")):
        assert port_error(error, "x").outcome == "unknown"


def test_times_are_read_as_asterisk_writes_them() -> None:
    expected = datetime(2026, 11, 21, 4, 0, 5, 123000, tzinfo=UTC)
    for text in ("2026-11-21T04:00:05.123+0000", "2026-11-21T12:00:05.123+0800", "2026-11-21T04:00:05.123"):
        assert at_of({"timestamp": text}, NOW) == expected
    assert at_of({}, NOW) == at_of({"timestamp": "soon"}, NOW) == NOW


def test_an_event_has_one_id_and_two_events_have_two() -> None:
    key = {"type": "ChannelDtmfReceived", "timestamp": "t", "digit": "1", "channel": {"id": "c", "state": "Up"}}
    state = {"type": "ChannelStateChange", "timestamp": "t", "channel": {"id": "c", "state": "Ringing"}}
    ids = [event_id(key, "c"), event_id({**key, "digit": "2"}, "c"), event_id(key, "d"), event_id(state, "c")]
    assert len(set(ids)) == 4
    assert event_id({**key, "channel": {"id": "c", "state": "Down"}}, "c") == ids[0]


def test_our_ids_are_told_from_asterisks() -> None:
    assert is_ours(new_id(NOW))
    assert not any(is_ours(one) for one in ("1700000000.12", "pbx1-1700000000.12", ""))


def test_endpoints() -> None:
    assert endpoint_of("+8657188880001", SETTINGS) == "PJSIP/+8657188880001@ims"
    assert endpoint_of("12349", SETTINGS) == "PJSIP/12349@ims"
    assert endpoint_of("sip:desk-1@pbx.local", SETTINGS) == "PJSIP/desk-1"
    for wrong in ("", "+86 571", "1&Local/2", "sip:", "sip:a/b@c", "tel:+86"):
        with pytest.raises(NumberRejected):
            endpoint_of(wrong, SETTINGS)
    assert "secret" not in repr(SETTINGS)


def test_prompts_become_sound_files() -> None:
    media = sound_files("vnh")
    text = Say("您好", "zh-CN")
    assert media(text) == [f"sound:vnh/zh-CN/{sound_name('您好', 'zh-CN')}"]
    assert sound_name("您好", "zh-CN") != sound_name("您好", "en")
    assert media_uris((Play("/prompts/ring.wav"), Pause(25)), media) == [
        "sound:vnh/prompts/ring",
        "sound:silence/10",
        "sound:silence/10",
        "sound:silence/5",
    ]
    assert silence(0) == []


def test_a_recording_carries_its_call() -> None:
    room, call = new_id(NOW), new_id(NOW)
    assert call_of_recording(recording_name(room, call, NOW)) == call
    assert call_of_recording("voicemail-1") == ""


def test_the_stand_in_knows_what_asterisk_publishes() -> None:
    originate = next(one for one in OPERATIONS if one.name == "originate")
    assert refusal(originate, {"endpoint", "channelId", "app", "timeout", "callerId"}) == ""
    assert "ringTimeout" in refusal(originate, {"endpoint", "channelId", "ringTimeout"})
    assert "endpoint" in refusal(originate, {"channelId"})
