"""Requirement 12: of two live connections of one operator one is active; a hand-over and a loss are told at once."""

from typing import Any

import pytest

from tests.conftest import Seat
from tests.processes import Service

pytestmark = pytest.mark.one_database


async def told(socket: Any) -> bool:
    """What the next frame about consoles says."""
    while True:
        frame = await socket.receive_json(timeout=20)
        if frame["type"] == "console":
            return bool(frame["active"])


async def test_one_is_active_and_the_other_succeeds_it(centre: Service, ann: Seat, ben: Seat) -> None:
    async with ann.live() as first, ben.live() as colleague:
        await first.send_json({"type": "page", "page": "a", "asked": 0})
        assert await told(first)
        await colleague.send_json({"type": "page", "page": "a", "asked": 0})
        assert await told(colleague)
        async with ann.live() as second:
            await second.send_json({"type": "page", "page": "b", "asked": 0})
            assert not await told(second)
            await second.send_json({"type": "page", "page": "b", "asked": 0, "take_over": True})
            assert await told(second)
            assert not await told(first)
        assert await told(first)


@pytest.mark.parametrize("said", ["[]", "nonsense", '{"type":"page","page":[1],"asked":{}}', "[" * 3000])
async def test_what_makes_no_sense_is_not_minded(centre: Service, ann: Seat, said: str) -> None:
    async with ann.live() as socket:
        await socket.send_str(said)
        await socket.send_json({"type": "page", "page": "a", "asked": 0})
        assert await told(socket)
