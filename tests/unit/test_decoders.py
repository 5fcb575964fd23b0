"""Decoders: an SOS is always heard, whatever is in it; everything else is an event or plainly unreadable."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

from devices.decoders import DECODERS, LONGEST_KEPT_MSG, SUBSCRIPTIONS, decode
from devices.events import (
    UP,
    CommandResult,
    DeviceEvent,
    PhoneSignal,
    Presence,
    Signal,
    SignalKind,
    SosBody,
    Telemetry,
    Unreadable,
    topic,
)

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
OTHERS = sorted(set(DECODERS) - {"up/sos"})

some = settings(max_examples=80, deadline=None, derandomize=True)

# Text with all that a database or an encoder chokes on: NUL, lone surrogates, private and astral characters.
nasty_text = st.text(st.characters() | st.sampled_from("\0\ud800\udfff\U0010ffff\x1f"), max_size=60)
scalars = (
    st.none() | st.booleans() | st.integers() | st.integers(10**300, 10**301) | st.floats() | nasty_text
    | st.sampled_from(["sos", "fall", "cancel", "2026-11-21T08:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
)  # fmt: skip
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(nasty_text, inner, max_size=3)
)
names = st.sampled_from(sorted({name for model in UP for name in model.model_fields} | {"lat", "lon"})) | nasty_text
bodies = st.dictionaries(names, anything, max_size=8)
payloads = st.binary(max_size=200) | (bodies | anything).map(lambda value: json.dumps(value).encode())


def sos(payload: object, *, device: str = "bracelet-1", retained: bool = False) -> Signal:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    event = decode(topic(device, "up/sos"), raw, NOW, retained=retained)
    assert isinstance(event, Signal)
    assert event.raw == raw
    assert event.received_at == NOW
    return event


def other(leaf: str, payload: object) -> DeviceEvent:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return decode(topic("bracelet-1", leaf), raw, NOW)


def storable(text: str | None) -> bool:
    """What both databases take: PostgreSQL refuses NUL, UTF-8 refuses lone surrogates."""
    if text is None:
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def texts(event: DeviceEvent) -> list[str | None]:
    """Every text of an event that a table or the log may hold: what it declares, not the unknown fields."""
    if isinstance(event, Unreadable):
        return [event.device, event.leaf, event.msg, event.reason]
    declared = {name: getattr(event.body, name) for name in type(event.body).model_fields}
    found: list[str | None] = [value for value in declared.values() if isinstance(value, str)]
    if isinstance(event, Signal):
        found += [event.msg, *event.faults]
    return [event.device, *found]


# -- an SOS


@some
@given(payload=payloads, retained=st.booleans())
def test_whatever_comes_on_the_sos_topic_is_an_alarm_that_can_be_stored(payload: bytes, retained: bool) -> None:
    signal = sos(payload, retained=retained)
    assert signal.device == "bracelet-1"
    assert signal.retained is retained
    assert signal.body.kind in SignalKind
    assert all(map(storable, texts(signal)))
    assert signal.msg is None or 0 < len(signal.msg) <= LONGEST_KEPT_MSG
    assert signal.body.at is None or signal.body.at.utcoffset() is not None


@some
@given(kind=st.sampled_from(SignalKind), extra=bodies)
def test_a_kind_that_can_be_read_survives_whatever_stands_beside_it(kind: SignalKind, extra: dict[str, Any]) -> None:
    assert sos(extra | {"kind": kind.value}).body.kind is kind


@some
@given(msg=st.text("abc0123456789-", min_size=1, max_size=36), extra=bodies)
def test_a_message_id_that_can_be_read_survives_whatever_stands_beside_it(msg: str, extra: dict[str, Any]) -> None:
    assert sos(extra | {"msg": msg}).msg == msg


@some
@given(body=bodies)
def test_what_was_dropped_is_named(body: dict[str, Any]) -> None:
    """Every field of the body is either kept as the device said it, or among the faults."""
    signal = sos(body)
    dropped = {
        name for name in SosBody.model_fields if body.get(name) is not None and getattr(signal.body, name) is None
    }
    assert {f"field {name}" for name in dropped} <= set(signal.faults)


@pytest.mark.parametrize(
    ("payload", "fault"),
    [
        (b"", "empty body"),
        (b"\x00", "not JSON"),
        (b"SOS", "not JSON"),
        (b"\xff\xfe\xfd", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'"sos"', "not a JSON object"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a":' * 100_000, "not JSON"),
        (b'{"batt":' + b"9" * 5_000 + b"}", "not JSON"),
        (b"x" * 1_000_000, "not JSON"),
    ],
    ids=lambda value: repr(value[:12]) if isinstance(value, bytes) else None,
)
def test_rubbish_is_an_sos_with_its_fault_named(payload: bytes, fault: str) -> None:
    signal = sos(payload)
    assert (signal.body.kind, signal.msg, signal.faults) == (SignalKind.SOS, None, (fault,))


def test_a_megabyte_of_unknown_fields_is_an_sos_without_fault() -> None:
    signal = sos({"kind": "fall", "msg": "m-1", "blob": "x" * 1_000_000})
    assert (signal.body.kind, signal.msg, signal.faults) == (SignalKind.FALL, "m-1", ())


def test_deep_nesting_that_json_still_reads_is_an_sos() -> None:
    deep: object = 1
    for _ in range(300):
        deep = {"loc": deep}
    signal = sos(deep)
    assert signal.body.kind is SignalKind.SOS
    assert signal.body.loc is None
    assert signal.faults == ("field loc",)


def test_every_field_of_a_whole_body_is_read() -> None:
    signal = sos(
        {
            "v": 1, "msg": "b-7", "at": "2026-11-21T16:00:00+08:00", "clock": "gnss", "rep": 2, "kind": "fall",
            "src": "auto", "batt": 64, "chg": False, "rssi": -71, "hr": 112, "spo2": 93, "raw": "AAE=",
            "loc": {"lat": 37.5, "lon": 122.1, "acc": 8, "age": 2, "fix": "gnss", "datum": "wgs84"},
        }
    )  # fmt: skip
    assert signal.faults == ()
    assert signal.msg == "b-7"
    assert signal.body.at == NOW
    assert signal.body.model_dump(exclude={"at", "loc"}) == {
        "v": 1, "msg": "b-7", "clock": "gnss", "rep": 2, "kind": SignalKind.FALL,
        "src": "auto", "batt": 64, "chg": False, "rssi": -71, "hr": 112, "spo2": 93, "raw": "AAE=",
    }  # fmt: skip
    assert signal.body.loc is not None
    assert signal.body.loc.model_dump() == {
        "lat": 37.5, "lon": 122.1, "acc": 8, "age": 2, "fix": "gnss", "datum": "wgs84",
    }  # fmt: skip


def test_unknown_fields_are_kept() -> None:
    signal = sos({"kind": "sos", "mood": "bad", "loc": {"lat": 1, "lon": 2, "floor": 3}})
    assert signal.faults == ()
    assert signal.body.model_extra == {"mood": "bad"}
    assert signal.body.loc is not None
    assert signal.body.loc.model_extra == {"floor": 3}


def test_an_unknown_field_whose_name_is_no_text_does_not_cost_the_kind() -> None:
    signal = sos(b'{"kind":"fall","msg":"m-1","batt":40,"\\ud800":1}')
    assert (signal.body.kind, signal.msg, signal.body.batt) == (SignalKind.FALL, "m-1", 40)


@pytest.mark.parametrize("kind", ["panic", "SOS", "", None, 7, True, [], {}, "\ud800", "x" * 10_000])
def test_an_unreadable_kind_is_an_sos(kind: object) -> None:
    signal = sos({"kind": kind, "msg": "m-1", "batt": 50})
    assert (signal.body.kind, signal.msg, signal.body.batt) == (SignalKind.SOS, "m-1", 50)
    assert signal.faults == ("field kind",)


@pytest.mark.parametrize(
    ("msg", "kept"),
    [
        ("m-1", "m-1"),
        (17, "17"),
        (-3, "-3"),
        (10**30, "1" + "0" * 30),
        ("x" * 37, "x" * 37),
        ("x" * 200, "x" * 200),
        ("x" * 201, None),
        (10**300, None),
        ("", None),
        ("\0", None),
        ("a\0b", "ab"),
        ("\ud800-1", "?-1"),
        (True, None),
        (1.5, None),
        (None, None),
        ([1], None),
        ({"a": 1}, None),
    ],
)
def test_a_message_id_is_kept_where_it_can_tell_repeats_apart(msg: object, kept: str | None) -> None:
    signal = sos({"kind": "fall", "msg": msg})
    assert signal.msg == kept
    assert signal.body.kind is SignalKind.FALL


@pytest.mark.parametrize("msg", [17, "x" * 37, "", True, [1]])
def test_a_message_id_outside_the_contract_is_a_fault(msg: object) -> None:
    assert sos({"msg": msg}).faults == ("field msg",)


@pytest.mark.parametrize(
    "at",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "1969-12-31T23:59:59Z",
        "2200-01-01T00:00:01Z",
        "9999-12-31T23:59:59-12:00",
        "2026-11-21T08:00:00",
        "yesterday",
        1e300,
        10**20,
        [],
    ],
)
def test_a_device_time_that_cannot_be_is_dropped_and_named(at: object) -> None:
    signal = sos({"kind": "gas", "at": at})
    assert signal.body.at is None
    assert signal.body.kind is SignalKind.GAS
    assert signal.faults == ("field at",)


def test_a_device_time_is_told_in_utc() -> None:
    at = sos({"at": "2026-11-21T16:00:00+08:00"}).body.at
    assert at == NOW
    assert at.tzinfo is UTC


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"91", b'"north"', b"{}", b"null"])
def test_a_position_that_cannot_be_is_dropped_and_named(number: bytes) -> None:
    signal = sos(b'{"kind":"wander","batt":9,"loc":{"lat":' + number + b',"lon":122}}')
    assert signal.body.loc is None
    assert signal.faults == ("field loc",)
    assert (signal.body.kind, signal.body.batt) == (SignalKind.WANDER, 9)


@pytest.mark.parametrize(
    "spoilt", [b'"fix":"lte"', b'"datum":"pz90"', b'"acc":NaN', b'"acc":-1', b'"age":1e999', b'"\\ud800":1']
)
def test_a_position_is_kept_when_only_what_describes_it_cannot_be_read(spoilt: bytes) -> None:
    """Somebody who wandered is found by it."""
    signal = sos(b'{"kind":"wander","loc":{"lat":37.5,"lon":122.1,' + spoilt + b"}}")
    assert signal.body.loc is not None
    assert (signal.body.loc.lat, signal.body.loc.lon) == (37.5, 122.1)
    assert signal.faults


@pytest.mark.parametrize(
    ("field", "value"),
    [("batt", 101), ("batt", -1), ("batt", "full"), ("rep", -1), ("rep", 10**30), ("hr", 401), ("spo2", 1.5),
     ("rssi", 101), ("src", "foot"), ("clock", "sundial"), ("chg", "perhaps"), ("v", 2), ("loc", "home"), ("raw", 7)],
)  # fmt: skip
def test_one_bad_field_costs_only_itself(field: str, value: object) -> None:
    good = {"kind": "fire", "msg": "m-1", "at": "2026-11-21T08:00:00Z", "batt": 50, "src": "auto"}
    signal = sos(good | {field: value})
    assert signal.faults == (f"field {field}",)
    expected = SosBody.model_validate({name: value for name, value in good.items() if name != field})
    assert signal.body == expected


@pytest.mark.parametrize("device", ["abc", "UPPER-1", "a" * 37, "with space", "ü-bracelet", "a\0bcd", "\ud800xyz", ""])
def test_a_malformed_sender_is_heard_and_named_as_a_fault(device: str) -> None:
    signal = sos({"kind": "fall", "msg": "m-1"}, device=device)
    assert signal.faults == ("device id",)
    assert signal.device
    assert storable(signal.device)
    assert len(signal.device) <= 64
    assert (signal.msg, signal.body.kind) == ("m-1", SignalKind.FALL)


DAMAGED = '{"kind":"fall","msg":"m\ud800-1","batt":40,"\udfff":{"\ud800":"\ud800"}}'


@pytest.mark.parametrize(
    "payload",
    [
        DAMAGED.encode("utf-8", "surrogatepass"),
        DAMAGED.encode("utf-16", "surrogatepass"),
        DAMAGED.encode("utf-32-le", "surrogatepass"),
        '{"kind":"fall","msg":"\\u0000m?-1","batt":40}'.encode("utf-16"),
        '{"kind":"fall","msg":"m\\ud800-1","batt":40}'.encode("utf-16-be"),
    ],
    ids=["utf-8", "utf-16", "utf-32", "utf-16 escaped NUL", "utf-16 escaped surrogate"],
)
def test_damaged_text_costs_nothing_else_in_whatever_encoding_it_comes(payload: bytes) -> None:
    """JSON is read from UTF-8, 16 and 32, and lone surrogates need no escape in any of them."""
    signal = sos(payload)
    assert (signal.body.kind, signal.msg, signal.body.batt) == (SignalKind.FALL, "m?-1", 40)
    assert all(map(storable, texts(signal)))


@pytest.mark.parametrize(("opens", "closes"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")])
def test_no_depth_of_nesting_breaks_a_decoder(opens: bytes, closes: bytes) -> None:
    """Between what every step can follow and what none can, there are depths that only some can."""
    for depth in range(50, 1100, 25):
        deep = opens * depth + b'"\\u0000"' + closes * depth
        assert sos(b'{"kind":"gas","x":' + deep + b"}").body.kind in (SignalKind.GAS, SignalKind.SOS)
        assert isinstance(other("up/status", b'{"batt":9,"x":' + deep + b"}"), Telemetry | Unreadable)


# -- the other topics


VALID: dict[str, tuple[dict[str, Any], type]] = {
    "up/status": ({"batt": 55, "next_s": 300}, Telemetry),
    "up/loc": ({"loc": {"lat": 37.5, "lon": 122.1}}, Telemetry),
    "up/vitals": ({"hr": 71, "temp": 36.6}, Telemetry),
    "up/call": ({"event": "service_key", "number": "12349", "msg": "m-9"}, PhoneSignal),
    "up/result": ({"ref": "c-1", "ok": True}, CommandResult),
    "state": ({"online": True, "sess": 3}, Presence),
}


def test_there_is_an_example_of_every_topic() -> None:
    assert sorted(VALID) == OTHERS
    assert [leaf for _pattern, leaf in SUBSCRIPTIONS] == list(DECODERS)
    assert set(DECODERS) == {model.leaf for model in UP}


@pytest.mark.parametrize("leaf", OTHERS)
def test_a_valid_payload_is_its_event_with_unknown_fields_kept(leaf: str) -> None:
    body, event_type = VALID[leaf]
    event = other(leaf, body | {"mood": "good"})
    assert type(event) is event_type
    assert not isinstance(event, Signal | Unreadable)
    assert event.device == "bracelet-1"
    assert event.received_at == NOW
    assert event.body.leaf == leaf
    assert event.body.model_extra == {"mood": "good"}
    for name, value in body.items():
        got = getattr(event.body, name)
        assert (got.model_dump(exclude_none=True) if name == "loc" else got) == value


@pytest.mark.parametrize("leaf", OTHERS)
@pytest.mark.parametrize("payload", [b"", b"rubbish", b"[]", b"[" * 100_000, b'{"rep":' + b"9" * 5_000 + b"}"])
def test_what_is_no_object_is_unreadable(leaf: str, payload: bytes) -> None:
    event = other(leaf, payload)
    assert isinstance(event, Unreadable)
    assert (event.device, event.leaf, event.raw, event.received_at) == ("bracelet-1", leaf, payload, NOW)
    assert event.reason in ("empty body", "not JSON", "not a JSON object")


@pytest.mark.parametrize("leaf", OTHERS)
def test_a_wrong_field_makes_it_unreadable_and_is_named(leaf: str) -> None:
    event = other(leaf, VALID[leaf][0] | {"rep": -1, "msg": 17})
    assert isinstance(event, Unreadable)
    assert event.reason == "msg, rep"
    assert event.msg == "17"


@pytest.mark.parametrize(
    ("leaf", "body", "where"),
    [
        ("up/loc", {}, "loc"),
        ("up/loc", {"loc": {"lat": 91, "lon": 0}}, "loc.lat"),
        ("up/call", {"event": "sung"}, "event"),
        ("up/result", {"ref": "c-1"}, "ok"),
        ("state", {"online": True, "sess": 2**60}, "sess"),
        ("up/status", {"next_s": 0}, "next_s"),
    ],
)
def test_a_missing_or_impossible_value_is_named(leaf: str, body: dict[str, Any], where: str) -> None:
    event = other(leaf, body)
    assert isinstance(event, Unreadable)
    assert event.reason == where


@some
@given(leaf=st.sampled_from(OTHERS), payload=payloads)
def test_no_payload_breaks_a_decoder_and_what_it_makes_can_be_stored(leaf: str, payload: bytes) -> None:
    event = decode(topic("bracelet-1", leaf), payload, NOW)
    assert isinstance(event, (VALID[leaf][1], Unreadable))
    assert all(map(storable, texts(event)))
    if isinstance(event, Unreadable):
        assert event.raw == payload
        assert len(event.reason) <= 200


@pytest.mark.parametrize(
    ("leaf", "body"),
    [
        ("up/sos", {"raw": "\0AAE=\ud800", "msg": "\0m\ud800"}),
        ("up/status", {"net": "\0lte\ud800", "fw": "\0\ud800"}),
        ("up/call", {"event": "dialled", "number": "\0120\ud800", "msg": "\0m\ud800"}),
        ("up/result", {"ref": "\0c\ud800", "ok": True, "detail": "\0\ud800"}),
        ("state", {"online": True, "sess": 1, "model": "\0m\ud800", "caps": ["\0\ud800"]}),
    ],
)
def test_texts_no_database_takes_are_cleaned_where_the_payload_names_a_field(leaf: str, body: dict[str, Any]) -> None:
    event = other(leaf, body)
    assert not isinstance(event, Unreadable)
    dumped = event.body.model_dump(mode="json", exclude_none=True)
    assert all(storable(text) for text in [*texts(event), *dumped.get("caps", [])])


@example(name="vnh/v1/bracelet-1/\0\ud800", payload=b"")
@some
@given(
    name=nasty_text
    | nasty_text.map("vnh/v1/bracelet-1/{}".format)
    | st.sampled_from(["", "/", "vnh/v1/bracelet-1", "vnh/v1/bracelet-1/up/mood"]),
    payload=payloads,
)
def test_an_unknown_topic_is_unreadable_and_can_be_stored(name: str, payload: bytes) -> None:
    event = decode(name, payload, NOW)
    assert isinstance(event, Unreadable)
    assert event.reason == "unknown topic"
    assert all(map(storable, texts(event)))


@some
@given(device=nasty_text.filter(lambda text: "/" not in text), leaf=st.sampled_from(sorted(DECODERS)))
def test_no_sender_is_lost_or_unstorable_on_any_topic(device: str, leaf: str) -> None:
    event = decode(topic(device, leaf), b"{}", NOW)
    assert event.device
    assert storable(event.device)
    assert isinstance(event, Signal) == (leaf == "up/sos")
