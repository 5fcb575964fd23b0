"""A day of calls with its busy hour against the simulated carrier: the log and the carrier's ledger agree.

By default a small day of about 60 calls. The day of 3,500 (some twenty minutes):

    VNH_DAY=3500 pytest tests/telephone/test_a_day_of_calls.py -s
"""

import asyncio
import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection, exists, func, select

from callcenter.alerts.call_model import Call, CallOutcome, CallState, Direction
from callcenter.ports import SeatTaken
from callcenter.storage import tables as t
from simulators.carrier.account import Network
from simulators.carrier.callees import Callee
from tests.telephone.exchange import HOTLINE, SOS_NUMBER, Exchange
from tests.telephone.village import rows, village

pytestmark = pytest.mark.long

CALLS = int(os.environ.get("VNH_DAY", "60"))
FULL = CALLS > 1000
CALLERS = CALLS * 3 // 7  # each needs an operator's leg or two, and some are called back
SEATS = 40
APART_S = 1.8 if FULL else 1.5  # between two callers, over the whole day; in the busy hour much less
PACE = 3.0 if FULL else 10.0  # at more the busy hour is too much for two cores that others use too
BUSY_HOUR = 0.1  # of a day's calls (field.md 3)
OUTCOMES = {
    "completed": CallOutcome.ANSWERED,
    "busy": CallOutcome.BUSY,
    "no-answer": CallOutcome.NO_ANSWER,
    "failed": CallOutcome.FAILED,
    "canceled": CallOutcome.CANCELED,
}


def seat(number: int) -> str:
    return f"+8610001{number:05}"


def shift(connection: Connection) -> None:
    """Operators with telephones."""
    row = {"role": "operator", "password_hash": "", "created_at": datetime.now(UTC)}
    seats = [{"id": f"seat{n}", "name": f"Seat {n}"} | row for n in range(SEATS)]
    connection.execute(t.operators.insert(), seats)


def arrivals(random: Random) -> list[float]:
    """Story seconds at which callers ring: one of 24 hours has its share, the others the rest."""
    day = CALLERS * APART_S
    hour = day / 24
    busy = [10 * hour + random.random() * hour for _ in range(round(CALLERS * BUSY_HOUR))]
    return sorted(busy + [random.random() * day for _ in range(CALLERS - len(busy))])


def caller(random: Random) -> Callee:
    """Most wait for an operator and talk; some give up while they hear the notice."""
    gives_up = random.random() < 0.08
    return Callee("silent", stays_s=random.uniform(2, 5) if gives_up else random.uniform(22, 32))


def operator(number: int) -> Callee:
    """One in ten is not at the desk, or talks to somebody else."""
    if number % 20 == 7:
        return Callee("ignore")
    if number % 20 == 8:
        return Callee("busy")
    return Callee("answer", rings_s=1 + number % 4, stays_s=14)


async def play(exchange: Exchange, random: Random) -> None:
    """The callers of the day, each from a number of their own."""
    began = exchange.clock.monotonic()
    for number, at in enumerate(arrivals(random)):
        await exchange.clock.sleep(began + at - exchange.clock.monotonic())
        to = SOS_NUMBER if random.random() < 0.05 else HOTLINE
        exchange.carrier.call_in(f"+8610002{number:05}", to, caller(random))


def handled(connection: Connection) -> list[str]:
    """Alerts whose people have been talked to, and whose calls are all over."""
    c = t.calls.c
    of_it = exists().where(c.alert_id == t.alerts.c.id)
    talked, going_on = of_it.where(c.role == "operator", c.joined_at.is_not(None)), of_it.where(c.due.is_not(None))
    owed = exists().where(t.debts.c.alert_id == t.alerts.c.id, t.debts.c.discharged_at.is_(None))
    query = select(t.alerts.c.id).where(t.alerts.c.state == "waiting", talked, ~going_on, ~owed)
    return list(connection.execute(query).scalars())


async def close_what_was_handled(exchange: Exchange) -> None:
    """What operators do at their consoles after a call: otherwise an SOS goes on ringing more and more people."""
    while True:
        for alert in exchange.read(handled):
            await exchange.act(alert, "claim")
            await exchange.act(alert, "resolve", outcome="advice_by_phone")
        await exchange.clock.sleep(5)


def is_over(exchange: Exchange) -> bool:
    """Every leg has ended, here and there, and nobody is owed a call."""
    if not all(leg.over for leg in exchange.carrier.board.legs.values()):
        return False
    going_on = select(func.count()).select_from(t.calls).where(t.calls.c.due.is_not(None))
    owed = select(func.count()).select_from(t.debts).where(t.debts.c.discharged_at.is_(None))
    return not exchange.read(lambda connection: connection.scalar(going_on) + connection.scalar(owed))


def met(exchange: Exchange) -> set[str]:
    """The calls that, says the carrier, were in a room with somebody who may begin it."""
    rooms = exchange.carrier.board.wires.rooms.all.values()
    return {label for room in rooms if room.started_at for label in room.labels}


def by_carrier(exchange: Exchange) -> dict[str, Any]:
    ledger = exchange.carrier.ledger()
    inbound = [leg for leg in ledger if leg["direction"] == "inbound"]
    return {
        "calls": len(ledger),
        "inbound": len(inbound),
        "outcomes": Counter(OUTCOMES[leg["status"]] for leg in ledger if leg["direction"] != "inbound"),
        "talk_s": sum(leg["duration_s"] for leg in ledger),
    }


def by_log(calls: list[Call]) -> dict[str, Any]:
    return {
        "calls": len(calls),
        "inbound": sum(call.direction is Direction.INBOUND for call in calls),
        "outcomes": Counter(call.outcome for call in calls if call.direction is not Direction.INBOUND),
        "talk_s": sum(call.talk_s or 0 for call in calls),
    }


async def test_the_log_holds_each_call_once_and_its_totals_are_the_carriers(tmp_path: Path) -> None:
    random = Random(7)
    network = Network(calls_per_s=50)
    patient = Callee("answer", stays_s=25)
    async with village(tmp_path, more=shift, default=patient, network=network, pace=PACE) as exchange:
        for number in range(SEATS):
            exchange.carrier.set_callee(seat(number), operator(number))
            await exchange.door.submit(SeatTaken(f"seat{number}", "ready", seat(number)))
        desk = asyncio.create_task(close_what_was_handled(exchange))
        await play(exchange, random)
        await exchange.until(lambda: is_over(exchange), what="the end of the day", seconds=300 if FULL else 30)
        desk.cancel()

        # Withdrawn before anybody dialled it; or, where the machine was too slow for its busy hour, too old by then.
        undialled = [call for call in exchange.calls() if not call.provider_ref]
        assert all(call.state is CallState.FAILED for call in undialled)
        old = Counter(call.outcome for call in undialled if not call.hang_up_at)
        calls = [call for call in exchange.calls() if call.provider_ref]
        assert Counter(call.provider_ref for call in calls) == Counter(exchange.carrier.board.legs.keys())
        assert by_log(calls) == by_carrier(exchange)
        inbound = [call for call in calls if call.direction is Direction.INBOUND]
        talked = met(exchange)
        for call in inbound:
            assert (call.outcome is CallOutcome.ANSWERED) == (call.id in talked), call
        abandoned = [call.id for call in inbound if call.outcome is CallOutcome.ABANDONED]
        assert len(abandoned) == sum(call.id not in talked for call in inbound) > 0
        assert {debt["call_id"] for debt in rows(exchange, t.debts)} == set(abandoned)
        totals = exchange.carrier.totals()
        assert totals["refused"] == 0, exchange.carrier.refused[:3]
        print(by_log(calls), {"abandoned": len(abandoned), "too old to dial": old}, totals)
