"""Flood mode is of the whole room: counted over what all processes heard, decided once, logged, told by each."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest

from callcenter.alerts.model import Kind
from callcenter.ports.room import FloodWanted
from callcenter.storage import flood_book
from handlers.flood import FloodWatch
from handlers.troubles import TroubleSeen
from tests.conftest import ManualClock
from tests.integration.office import ANN, BEN, CHIEF, Office


@pytest.fixture
async def offices(populated_url: str, clock: ManualClock) -> AsyncIterator[list[Office]]:
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Office(populated_url, clock, node=f"n{number}")) for number in range(2)]


def watch(office: Office) -> FloodWatch:
    async def look(now):
        return office.read(flood_book.look, now)

    return FloodWatch(look, office.door.submit, office.clock)


async def lose(office: Office, *numbers: int) -> None:
    """So many devices are not heard any more: a broker blip."""
    seen = [TroubleSeen(f"bracelet-{n}", Kind.OFFLINE, f"offline-{n}", {}) for n in numbers]
    await asyncio.gather(*(office.door.submit(one) for one in seen))


def logged(office: Office) -> list[tuple[str, str, dict]]:
    return [(e.rule, e.actor, json.loads(e.data)) for e in office.entries() if e.rule.startswith("flood.")]


async def test_it_begins_and_ends_for_all_processes_at_once(offices: list[Office]) -> None:
    one, two = offices
    watches = [watch(office) for office in offices]
    await one.console(ANN, present=True)
    await lose(one, *range(1, 8))
    for n in range(1, 4):
        await two.press(f"stranger-{n}")
    await asyncio.gather(*(each.look() for each in watches))
    assert [each.as_dict() for each in watches] == [{"flood": False}] * 2  # ten: not above ten

    await two.press("stranger-4")
    await asyncio.gather(*(each.look() for each in watches))
    assert [each.as_dict() for each in watches] == [{"flood": True, "flood_by": "load"}] * 2
    assert logged(one) == [("flood.began", "system", {"alarms": 11, "operators": 1})]

    await two.console(BEN, present=True)
    await one.beat()
    await asyncio.gather(*(each.look() for each in watches))
    assert watches[0].as_dict()["flood"]  # five and a half for each of the two

    one.clock.advance(601)
    for office in offices:
        await office.beat()
    await asyncio.gather(*(each.look() for each in watches))
    assert [each.as_dict() for each in watches] == [{"flood": False}] * 2
    assert logged(two)[1:] == [("flood.ended", "system", {"alarms": 0, "operators": 2})]
    one.assert_whole()


async def test_a_process_that_starts_in_between_says_the_same(offices: list[Office]) -> None:
    one, two = offices
    await one.console(ANN, present=True)
    await lose(one, *range(1, 10))
    await one.press("stranger-1")
    await one.press("stranger-2")
    await watch(one).look()
    await two.console(BEN, present=True)  # between the limits now, where only what was stored can tell
    late = watch(two)
    await late.look()
    assert late.as_dict() == {"flood": True, "flood_by": "load"}


async def test_a_supervisor_switches_it_on_for_everybody_and_is_named(offices: list[Office]) -> None:
    one, two = offices
    watches = [watch(office) for office in offices]
    for held in (True, True):  # twice the same is once
        await one.door.submit(FloodWanted(CHIEF, held=held))
    await asyncio.gather(*(each.look() for each in watches))
    assert [each.as_dict() for each in watches] == [{"flood": True, "flood_by": "supervisor"}] * 2

    await two.door.submit(FloodWanted(CHIEF, held=False))
    await asyncio.gather(*(each.look() for each in watches))
    assert [each.as_dict() for each in watches] == [{"flood": False}] * 2
    name = f"operator:{CHIEF.id}"
    assert logged(one) == [("flood.held", name, {"on": True}), ("flood.released", name, {"on": False})]
    one.assert_whole()
