"""Merging what devices say by and by: newer wins field by field, however it is cut up and whoever heard it."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from devices import telemetry
from devices.collector import LONGEST_RAW, Report
from devices.events import StatusBody, Telemetry, Unreadable, VitalsBody
from devices.telemetry import Counts, Gathered, LastHeard

START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)

heard = st.builds(
    lambda device, body, second: Telemetry(f"bracelet-{device}", body, START + timedelta(seconds=second)),
    st.integers(1, 3),
    st.one_of(
        st.builds(StatusBody, batt=st.none() | st.integers(0, 100), next_s=st.none() | st.integers(1, 900)),
        st.builds(VitalsBody, hr=st.integers(0, 200)),
    ),
    st.integers(0, 1000),
)


def newest(events: list[Telemetry], field: str) -> object:
    """The last word on it, by when it was heard."""
    said = [one for one in events if getattr(one.body, field, None) is not None]
    return getattr(max(said, key=lambda one: one.received_at).body, field) if said else None


def in_parts(events: list[Telemetry], cut: int) -> Gathered:
    """Heard by a collector, told in parts over the wire, and gathered again."""
    whole = Gathered()
    for start in range(0, len(events), cut):
        other = Gathered()
        for one in events[start : start + cut]:
            other.hear(one)
        report = Report(True, False, other.take_counts(), other.take(100), None)
        read = Report.read(report.line())
        assert read == report
        whole.join(read.latest, read.counts)
    return whole


histories = st.lists(heard, unique_by=lambda one: one.received_at, max_size=30)


@given(events=histories.map(lambda found: sorted(found, key=lambda one: one.received_at)), cut=st.integers(1, 5))
def test_the_last_word_on_each_field_wins_however_it_is_cut_up(events: list[Telemetry], cut: int) -> None:
    for last in in_parts(events, cut).take(100):
        of_it = [one for one in events if one.device == last.device]
        assert last.seen_at == of_it[-1].received_at
        assert (last.battery, last.next_s) == (newest(of_it, "batt"), newest(of_it, "next_s"))


@given(events=histories, cut=st.integers(1, 5))
def test_in_any_order_nothing_is_uncounted_and_a_device_is_as_alive_as_its_newest(
    events: list[Telemetry], cut: int
) -> None:
    whole = in_parts(events, cut)
    counts = whole.take_counts()
    found = {last.device: last.seen_at for last in whole.take(100)}
    assert counts.heard == Counter(one.body.leaf for one in events)
    assert len(found) + counts.merged + counts.shed == len(events)
    assert all(found[one.device] >= one.received_at for one in events)


def test_more_devices_than_can_be_held_are_shed_and_counted_and_known_ones_are_still_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(telemetry, "MOST_DEVICES", 2)
    gathered = Gathered()
    for device in ("a", "b", "c", "a"):
        gathered.add(LastHeard(device, START, battery=5))
    assert [one.device for one in gathered.take(1)] == ["a"]
    assert [one.device for one in gathered.take(9)] == ["b"]
    assert gathered.take_counts() == Counts(Counter(), merged=1, shed=1)
    assert gathered.take_counts() == Counts()


@given(raw=st.binary(max_size=300), msg=st.none() | st.text(max_size=9))
def test_what_nobody_can_read_arrives_as_it_was(raw: bytes, msg: str | None) -> None:
    bad = Unreadable("bracelet-1", "up/status", msg, "not JSON", raw, START)
    report = Report(False, True, Counts(Counter({"up/status": 2}), 1, 3), [], bad)
    assert Report.read(report.line()) == report


def test_of_a_huge_message_that_nobody_can_read_the_beginning_is_kept() -> None:
    bad = Unreadable("bracelet-1", "up/status", None, "not JSON", b"x" * (LONGEST_RAW + 1), START)
    read = Report.read(Report(True, False, Counts(), [], bad).line())
    assert read.unreadable is not None
    assert read.unreadable.raw == b"x" * LONGEST_RAW
