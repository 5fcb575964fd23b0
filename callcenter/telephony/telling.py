"""Telling the door, within a time: somebody is on the line. What takes longer is stored all the same."""

import asyncio
from typing import Any

from callcenter.alerts.call_inputs import CallNews, InboundCall
from callcenter.clock import Clock
from callcenter.telephony.port import Tell


class Teller:
    """The door as a carrier's news reach it."""

    def __init__(self, tell: Tell, clock: Clock) -> None:
        self._tell, self._clock = tell, clock
        self._telling: set[asyncio.Future[Any]] = set()

    async def within(self, seconds: float, event: CallNews | InboundCall) -> Any:  # noqa: ANN401
        """What the door says. After TimeoutError it goes on storing: a repeat finds the answer."""
        telling = asyncio.ensure_future(self._tell(event))
        self._telling.add(telling)
        telling.add_done_callback(self._forget)
        waiting = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait((telling, waiting), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if not telling.done():
            raise TimeoutError("the door does not answer")
        return telling.result()

    def _forget(self, telling: asyncio.Future[Any]) -> None:
        self._telling.discard(telling)
        if not telling.cancelled():
            telling.exception()  # whoever still waits has it; asyncio need not complain
