"""The line with gateways that only count: when a request may leave, what is asked again, what a look tells."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callcenter import metrics
from callcenter.alerts.call_inputs import CallInput, CallResult, Dialling, Heard, News, NotFound, NotTaken, Placed
from callcenter.alerts.call_model import Call, CallState, Direction, Role
from callcenter.alerts.call_rules import decide_call
from callcenter.alerts.effects import FindCall, HoldCall, PlaceCall
from callcenter.alerts.rules import Refused
from callcenter.console.live import Health
from callcenter.telephony.circuit import Circuit
from callcenter.telephony.line import Line, Numbers
from callcenter.telephony.manual import ManualGateway
from callcenter.telephony.port import (
    CarrierUnreachable,
    DialReceipt,
    LegHint,
    LegSnapshot,
    LegSpec,
    OutcomeUnknown,
    TelephonyError,
)
from callcenter.telephony.recordings import write_durably
from config import policies

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CALL = Call(
    id="01CALL", direction=Direction.OUTBOUND, role=Role.ELDER, dialogue="resident", number="+861", party="resident:r",
    name="n", alert_id="01ALERT", wanted_at=NOW, not_after=NOW + timedelta(seconds=60), due=NOW, ring_s=25,
)  # fmt: skip


@dataclass
class Clock:
    """Stands still unless somebody sleeps."""

    passed: float = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds
        await asyncio.sleep(0)


@dataclass
class Counts(ManualGateway):
    name: str = "counts"
    rings: bool = True
    dialled: list[float] = field(default_factory=list)
    looked: int = 0
    held: list[bool] = field(default_factory=list)
    trouble: list[TelephonyError] = field(default_factory=list)  # of what is asked next
    found: LegSnapshot | None = None
    clock: Clock = field(default_factory=Clock)

    async def dial(self, leg: LegSpec) -> DialReceipt:
        self.dialled.append(self.clock.passed)
        return DialReceipt("ref")

    async def find_leg(self, call_id: str, hint: LegHint) -> LegSnapshot | None:
        self.looked += 1
        if self.trouble:
            raise self.trouble.pop()
        return self.found

    async def hold(self, call_id: str, ref: str, room: str, *, held: bool) -> None:
        if self.trouble:
            raise self.trouble.pop()
        self.held.append(held)


@dataclass
class Office:
    """The call machine, without a database."""

    call: Call = CALL
    clock: Clock = field(default_factory=Clock)
    gateway: Counts = field(default_factory=Counts)
    told: list[CallInput] = field(default_factory=list)
    store_s: Callable[[CallInput], float] = lambda _one: 0.0
    queue_s: float = 0.0  # before anything is decided

    def __post_init__(self) -> None:
        self.gateway.clock = self.clock

    async def submit(self, result: CallResult) -> datetime | None:
        await self.clock.sleep(self.queue_s)
        decided_at = self.clock.now()
        policy = policies.read()
        assert not isinstance(policy, str)
        decided = decide_call(self.call, result.happened, now=decided_at, policy=policy.calls)
        self.told.append(result.happened)
        if not isinstance(decided, Refused):
            self.call = decided.change.call
        await self.clock.sleep(self.store_s(result.happened))
        return None if isinstance(decided, Refused) else decided_at

    def line(self) -> Line:
        async def read(_call: str) -> Call:
            return self.call

        async def nothing(*_: Any) -> Any:
            return frozenset()

        return Line(
            [self.gateway], self.submit, read, self.clock, numbers=Numbers("+86"), text_of=nothing,  # type: ignore[arg-type]
            recordings=Path("nowhere"), keep=nothing, others_of=nothing,
        )  # fmt: skip


async def test_a_request_that_could_still_be_on_its_way_when_it_is_looked_for_does_not_leave() -> None:
    """The disk takes 3 s to store "dialling": 6 s after that the call is looked for, and a request takes 4."""
    slow = iter([3.0, 3.0])
    office = Office(store_s=lambda one: next(slow, 0.0) if isinstance(one, Dialling) else 0.0)
    await office.line().place_call(PlaceCall(CALL.id))
    assert len(office.gateway.dialled) == 1
    stored = [type(one).__name__ for one in office.told]
    assert stored == ["Dialling", "NotTaken", "Dialling", "NotTaken", "Dialling", "Placed"]
    assert office.call.unknown_at is not None
    assert (NOW + timedelta(seconds=office.gateway.dialled[0]) - office.call.unknown_at).total_seconds() < 1.5
    assert not office.line()._circuits["counts"].open


async def test_a_storm_before_it_keeps_no_request_from_leaving() -> None:
    """Every request was put off because its turn came late, and asked for two more turns each time."""
    office = Office(queue_s=3.0)
    await office.line().place_call(PlaceCall(CALL.id))
    assert office.gateway.dialled == [3.0]
    assert [type(one).__name__ for one in office.told] == ["Dialling", "Placed"]


async def test_storing_that_stays_slow_comes_to_an_end() -> None:
    office = Office(store_s=lambda one: 3.0 if isinstance(one, Dialling) else 0.0)
    await office.line().place_call(PlaceCall(CALL.id))
    assert office.gateway.dialled == []
    assert isinstance(office.told[-2], NotTaken)
    assert isinstance(office.told[-1], Dialling), "refused: it was wanted too long ago"
    assert office.clock.passed < 70
    stored = [one for one in office.told if isinstance(one, Dialling)]
    assert len(stored) < 14, "less and less often: a slow disk is not made slower"


UNKNOWN = replace(
    CALL, state=CallState.UNKNOWN, gateway="counts", unknown_at=NOW, checks=1, due=NOW + timedelta(seconds=10)
)


async def test_a_carrier_that_stumbles_when_it_is_asked_is_asked_again_at_once() -> None:
    """Nobody else may ring meanwhile: the next look of the call machine would be 10 s later."""
    office = Office(UNKNOWN)
    office.gateway.trouble = [OutcomeUnknown("503"), CarrierUnreachable("reset")]
    office.clock.passed = 3.0
    await office.line().find_call(FindCall(CALL.id))
    [told] = office.told
    assert isinstance(told, NotFound)
    assert told.asked_at > NOW + timedelta(seconds=3), "asked when it answered, not when it stumbled"
    assert office.call.state is CallState.WANTED
    assert office.clock.passed < 8


async def test_it_is_not_asked_for_ever_and_one_that_is_placed_is_asked_once() -> None:
    office, placed = Office(UNKNOWN), Office(replace(UNKNOWN, state=CallState.RINGING, provider_ref="ref"))
    for one in (office, placed):
        one.gateway.trouble = [OutcomeUnknown("503") for _ in range(9)]
        await one.line().find_call(FindCall(CALL.id))
        assert one.told == []
    assert (office.gateway.looked, placed.gateway.looked) == (4, 1)


TALKING = replace(
    CALL, state=CallState.TALKING, gateway="counts", provider_ref="ref", in_room=True, placed_at=NOW, answered_at=NOW,
    joined_at=NOW, checks=6,
)  # fmt: skip


async def test_a_leg_that_is_found_in_the_room_where_we_know_it_is_not_lost() -> None:
    """However long the talk: "joined" would be no news, and after a minute of no news a call counts as lost."""
    office = Office(TALKING)
    office.gateway.found = LegSnapshot(CALL.id, "ref", Heard(News.JOINED, NOW, "ref"))
    await office.line().find_call(FindCall(CALL.id))
    assert (office.call.state, office.call.checks, office.call.in_room) == (CallState.TALKING, 0, True)


async def test_a_hold_that_failed_is_tried_again_unless_it_was_taken_back() -> None:
    office = Office(replace(TALKING, held=False))
    office.gateway.trouble = [OutcomeUnknown("500")]
    with pytest.raises(ConnectionError):
        await office.line().hold_call(HoldCall(CALL.id, False))
    await office.line().hold_call(HoldCall(CALL.id, False))
    await office.line().hold_call(HoldCall(CALL.id, True))  # of before: an operator has taken it back since
    assert office.gateway.held == [False]


async def test_it_says_whether_anybody_can_be_rung_and_shows_each_carrier_from_the_start() -> None:
    office = Office()
    line = office.line()
    await line.start()
    shown = metrics.circuit_open.labels("counts")._value.get
    assert (line.calling, shown()) == (True, 0)
    line._circuits["counts"].failed(0.0, at_once=True)
    assert (line.calling, shown()) == (False, 1)
    line._gateways["manual"], line._circuits["manual"] = ManualGateway(), Circuit("manual")
    assert not line.calling, "a person who dials is no carrier"
    del line._gateways["counts"]
    assert line.calling, "there never was one: people dial, and know it"


def test_readiness_asks_for_alarms_and_not_for_the_telephone() -> None:
    health = Health(lambda: True, lambda: True, lambda: False)
    assert health.ready
    assert health.as_dict() == {"storing": True, "hearing": True, "calling": False}
    assert not Health(lambda: True, lambda: False).ready


async def test_who_failed_a_moment_ago_is_asked_last() -> None:
    office = Office()
    line, other = office.line(), Counts(name="other", clock=office.clock)
    line._gateways["other"], line._circuits["other"] = other, Circuit("other")
    line._circuits["counts"].failed(0.0)
    await line.place_call(PlaceCall(CALL.id))
    assert (office.gateway.dialled, len(other.dialled)) == ([], 1)
    office.call, office.clock.passed = replace(CALL, not_after=NOW + timedelta(seconds=90)), 31.0
    await line.place_call(PlaceCall(CALL.id))
    assert len(office.gateway.dialled) == 1


async def test_a_placed_call_is_told(tmp_path: Path) -> None:
    office = Office()
    await office.line().place_call(PlaceCall(CALL.id))
    assert office.told[-1] == Placed("counts", "ref")


async def test_two_silent_rooms_have_one_file_that_only_we_can_read(tmp_path: Path) -> None:
    silence = b"RIFF" + bytes(3_000_000)
    kept = await asyncio.gather(*(asyncio.to_thread(write_durably, tmp_path, silence) for _ in range(8)))
    (file,) = await asyncio.to_thread(lambda: list(tmp_path.iterdir()))
    assert {name for _digest, name in kept} == {file.name}
    assert file.read_bytes() == silence
    assert file.stat().st_mode & 0o077 == 0
