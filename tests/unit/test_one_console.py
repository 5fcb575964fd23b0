"""Requirement 12: of an operator's consoles one is active, the newest that asked; nobody is left with silent ones."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from callcenter.console.consoles import Consoles
from tests.conftest import ManualClock

Step = Callable[[], object]


class Line:
    """What a page has been told."""

    def __init__(self) -> None:
        self.told: list[dict] = []

    async def send_str(self, data: str) -> None:
        self.told.append(json.loads(data))

    @property
    def active(self) -> bool:
        return self.told[-1]["active"]

    @property
    def asked(self) -> int:
        return self.told[-1]["asked"]


@pytest.fixture
def consoles(clock: ManualClock) -> Consoles:
    return Consoles(clock)


@pytest.fixture
def says(consoles: Consoles, clock: ManualClock) -> Callable[..., Awaitable[None]]:
    async def go(line: Line, page: str, *, operator: str = "ann", **more: object) -> None:
        clock.advance(1)
        consoles.heard(operator, line, {"type": "page", "page": page, "asked": 0} | more)
        await asyncio.sleep(0)

    return go


async def test_the_first_is_active_and_a_second_one_is_not(says) -> None:
    first, second, somebody_elses = Line(), Line(), Line()
    await says(first, "a")
    await says(second, "b")
    await says(somebody_elses, "a", operator="ben")
    assert (first.active, second.active, somebody_elses.active) == (True, False, True)
    assert len(first.told) == 1  # nothing has changed for it


async def test_whoever_asks_takes_over_and_the_other_hears_it_at_once(says) -> None:
    first, second = Line(), Line()
    await says(first, "a", take_over=True)
    await says(second, "b")
    await says(second, "b", take_over=True)
    assert (first.active, second.active) == (False, True)
    await says(first, "a", take_over=True)
    assert (first.active, second.active) == (True, False)


async def test_when_the_active_one_goes_the_other_is_active_by_itself(says, consoles: Consoles) -> None:
    lines = [Line() for _ in range(3)]
    for number, line in enumerate(lines):
        await says(line, str(number), take_over=number < 2)
    assert [line.active for line in lines] == [False, True, False]
    consoles.went("ann", lines[1])
    await asyncio.sleep(0)
    assert [line.active for line in lines] == [True, True, False]
    consoles.went("ann", lines[0])
    await asyncio.sleep(0)
    assert lines[2].active


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_broken_wire_or_a_restart_moves_nothing(
    says, consoles: Consoles, restarted: bool, clock: ManualClock
) -> None:
    """The one in the background is active for a moment, and gives it back."""
    here, background, again = Line(), Line(), Line()
    await says(here, "a", take_over=True)
    await says(background, "b")
    consoles.went("ann", here)
    if restarted:
        consoles.went("ann", background)
        consoles.__init__(clock)  # type: ignore[misc]
        await says(background, "b")
    await asyncio.sleep(0)
    assert background.active
    await says(again, "a", asked=here.asked)
    assert (again.active, background.active) == (True, False)


async def test_one_that_was_used_meanwhile_keeps_it(says, consoles: Consoles) -> None:
    here, other, again = Line(), Line(), Line()
    await says(here, "a", take_over=True)
    await says(other, "b")
    consoles.went("ann", here)
    await says(other, "b", take_over=True)
    await says(again, "a", asked=here.asked)
    assert (again.active, other.active) == (False, True)


async def test_a_page_that_comes_back_before_its_old_line_is_known_to_be_dead(says, consoles: Consoles) -> None:
    dead, background, again = Line(), Line(), Line()
    await says(dead, "a", take_over=True)
    await says(background, "b")
    await says(again, "a", asked=dead.asked)
    assert (again.active, background.active) == (True, False)
    consoles.went("ann", dead)
    await asyncio.sleep(0)
    assert (again.active, background.active) == (True, False)


async def test_a_clock_that_goes_back_still_lets_somebody_take_over(says, clock: ManualClock) -> None:
    first, second = Line(), Line()
    await says(first, "a", take_over=True)
    clock.advance(-600)
    await says(second, "b", take_over=True)
    assert (first.active, second.active) == (False, True)


@pytest.mark.parametrize("asked", [10**15, -1, "7", None, True, 1.5])
async def test_what_cannot_be_is_never_asked(says, asked: object) -> None:
    first, second = Line(), Line()
    await says(first, "a", take_over=True)
    await says(second, "b", asked=asked)
    assert (first.active, second.active) == (True, False)


NO_CONSOLES = [{}, {"type": "page"}, {"type": "page", "page": 3}, {"type": "page", "page": "x" * 65}]


@pytest.mark.parametrize("said", NO_CONSOLES, ids=str)
async def test_a_program_that_only_listens_is_no_console(consoles: Consoles, says, said: dict) -> None:
    program, person = Line(), Line()
    consoles.heard("ann", program, said)
    await says(person, "a")
    assert (program.told, person.active) == ([], True)
    consoles.went("ann", program)
    await asyncio.sleep(0)
    assert len(person.told) == 1


async def test_a_stuck_wire_holds_nobody_up(says) -> None:
    class Stuck(Line):
        async def send_str(self, data: str) -> None:
            await asyncio.Event().wait()

    here, stuck = Line(), Stuck()
    await says(stuck, "a", take_over=True)
    await says(here, "b", take_over=True)
    assert here.active
