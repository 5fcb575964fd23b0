"""TCP wires between the parts of a deployment, to be cut, blocked and slowed; each finds a target that is well."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

CHUNK = 1 << 16
CONNECT_S = 2.0


class Wire:
    """Listens on `port` and passes on to one of the targets, which is well. The faults may be set from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, targets: Sequence[int], well: Callable[[int], bool]) -> None:
        self.port = 0
        self._loop, self._targets, self._well = loop, list(targets), well
        self._turn = 0
        self._refuses, self._delay_s = False, 0.0
        self._through = asyncio.Event()
        self._through.set()
        self._ends: set[asyncio.StreamWriter] = set()

    async def listen(self) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512)
        self.port = self.server.sockets[0].getsockname()[1]

    # -- faults

    def cut(self) -> None:
        """Every connection is reset; new ones are made."""
        self._loop.call_soon_threadsafe(self.cut_now)

    def refuse(self, on: bool) -> None:
        """Nobody gets through, and is told so."""
        self._loop.call_soon_threadsafe(self._refuse, on)

    def block(self, on: bool) -> None:
        """Nothing gets through, and nobody is told."""
        self._loop.call_soon_threadsafe(self._through.clear if on else self._through.set)

    def slow(self, seconds: float) -> None:
        self._delay_s = seconds

    def _refuse(self, on: bool) -> None:
        self._refuses = on
        if on:
            self.cut_now()

    def cut_now(self) -> None:
        for end in tuple(self._ends):
            end.transport.abort()

    # -- passing on

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.add(writer)
        far: asyncio.StreamWriter | None = None
        try:
            await self._through.wait()
            opened = None if self._refuses else await self._open()
            if opened is None:
                return
            far_reader, far = opened
            self._ends.add(far)
            pumps = [asyncio.ensure_future(self._pump(*ends)) for ends in ((reader, far), (far_reader, writer))]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        finally:
            for end in (writer, far):
                if end is not None:
                    self._ends.discard(end)
                    end.transport.abort() if end.transport.get_write_buffer_size() else end.close()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        self._turn += 1
        around = [self._targets[(self._turn + n) % len(self._targets)] for n in range(len(self._targets))]
        for port in sorted(around, key=lambda port: not self._well(port)):
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_S):
                    return await asyncio.open_connection("127.0.0.1", port)
        return None

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(CHUNK):
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                await self._through.wait()
                sink.write(data)
                await sink.drain()


class Wires:
    """All wires, on an event loop of their own in a thread of their own."""

    def __init__(self) -> None:
        self._lives = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), name="wires", daemon=True)
        self._thread.start()
        self._lives.wait(10)

    async def _live(self) -> None:
        self._loop, self._over, self._strung = asyncio.get_running_loop(), asyncio.Event(), list[Wire]()
        self._lives.set()
        await self._over.wait()
        for wire in self._strung:
            wire.server.close()
            wire.cut_now()

    def string(self, targets: Sequence[int], *, well: Callable[[int], bool] = lambda _port: True) -> Wire:
        wire = Wire(self._loop, targets, well)
        self._wait(wire.listen())
        self._strung.append(wire)
        return wire

    def _wait(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(5)
