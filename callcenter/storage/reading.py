"""Reads run in threads of their own, so that neither the event loop nor the writer waits for them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, TimeoutError as PoolTimeout

from callcenter.storage.writer import Unavailable

T = TypeVar("T")
READ_TIMEOUT_S = 5.0


class Reader:
    """`await reader(query, argument, ...)` runs `query(connection, argument, ...)`. Raises Unavailable."""

    def __init__(self, engine: Engine, *, threads: int = 4) -> None:
        self._engine = engine
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="read")

    async def __call__(self, query: Callable[..., T], *arguments: Any, **named: Any) -> T:  # noqa: ANN401
        running = asyncio.get_running_loop().run_in_executor(self._pool, lambda: self.now(query, *arguments, **named))
        try:
            # Not wait_for: where both come at once it loses the cancellation, and the service never stops.
            async with asyncio.timeout(READ_TIMEOUT_S):
                return await asyncio.shield(running)
        except TimeoutError as error:
            raise Unavailable("the database does not answer") from error

    def now(self, query: Callable[..., T], *arguments: Any, **named: Any) -> T:  # noqa: ANN401
        """The same, in the calling thread."""
        try:
            with self._engine.connect() as connection:
                return query(connection, *arguments, **named)
        except (DBAPIError, PoolTimeout) as error:
            raise Unavailable(str(error.__cause__ or error)) from error

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._engine.dispose()
