"""Handing something to the door for somebody who waits at a screen."""

import asyncio
from typing import Any

from callcenter.console.problems import problem
from callcenter.ports import Submit

ACTION_TIMEOUT_S = 4.0


async def submitted(submit: Submit, wanted: object) -> Any:  # noqa: ANN401 (what the handler answers, or the problem)
    try:
        async with asyncio.timeout(ACTION_TIMEOUT_S):
            return await submit(wanted)
    except TimeoutError:
        return problem(503, "not_answered", "the database does not answer; look before trying again")
