"""One WebSocket per console: the feed's entries as far as they are its own, beats, positions, and who is there."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import WSMsgType, web
from sqlalchemy import Connection

from callcenter import metrics
from callcenter.clock import Clock
from callcenter.console.auth import SignedIn
from callcenter.console.consoles import Consoles
from callcenter.console.feed import Feed, Frame
from callcenter.console.roles import May
from callcenter.ports import ConsolesChanged, NotStored, Submit
from callcenter.storage import page_queries, queries
from callcenter.storage.reading import Reader
from callcenter.storage.records import alert_view, canonical, rfc3339
from callcenter.storage.writer import Unavailable

log = structlog.get_logger()

RESUME_AT_MOST = 20_000  # missed more than this: a snapshot is quicker
BEAT_S = 2.0
POSITIONS_S = 3.0
SESSIONS_S = 2.0
PING_S = 5.0  # a console that does not answer a ping within half of this again is gone

SessionOf = Callable[[str], Awaitable[SignedIn | None]]


class Presence:
    """Which operators have a live console, and one that may sound. A change is told to the door until it is stored."""

    def __init__(self, submit: Submit, clock: Clock) -> None:
        self._submit = submit
        self._clock = clock
        self._consoles: Counter[str] = Counter()
        self._armed: Counter[str] = Counter()
        self._untold: set[str] = set()
        self._wake = asyncio.Event()

    def present(self, operator: str) -> bool:
        return self._consoles[operator] > 0

    def came(self, operator: str) -> None:
        self._count(operator, 1)

    def went(self, operator: str) -> None:
        self._count(operator, -1)

    def sounds(self, operator: str, change: int) -> None:
        """So many more of their consoles may sound."""
        metrics.sound_armed.inc(change)
        self._note(operator, self._armed, change)

    def _count(self, operator: str, change: int) -> None:
        metrics.consoles_connected.inc(change)
        self._note(operator, self._consoles, change)

    def _note(self, operator: str, counted: Counter[str], change: int) -> None:
        before = counted[operator] > 0
        counted[operator] += change
        if (counted[operator] > 0) != before:
            self._untold.add(operator)
            self._wake.set()

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._untold:
                operator = self._untold.pop()
                try:
                    armed = self._armed[operator] > 0
                    await self._submit(ConsolesChanged(operator, self.present(operator), armed))
                except NotStored:
                    self._untold.add(operator)
                    await self._clock.sleep(1)


@dataclass(frozen=True, slots=True)
class Health:
    """Whether alarms are heard and stored, and people can be rung, as beats and readiness tell it."""

    storing: Callable[[], bool]
    hearing: Callable[[], bool]
    calling: Callable[[], bool] = lambda: True

    @property
    def ready(self) -> bool:
        """Alarms come in and are kept. Without a telephone line too: people dial."""
        return self.storing() and self.hearing()

    def as_dict(self) -> dict[str, bool]:
        return {"storing": self.storing(), "hearing": self.hearing(), "calling": self.calling()}


class Live:
    """One WebSocket per console."""

    def __init__(
        self, feed: Feed, presence: Presence, health: Health, *, read: Reader, clock: Clock, session: SessionOf
    ) -> None:
        self._feed, self._presence, self._health = feed, presence, health
        self._read, self._clock, self._session = read, clock, session
        self.room: Callable[[], dict[str, Any]] = dict  # flood mode, the test alarm: told with every snapshot and beat
        self.claim_idle_s: Callable[[], int] = lambda: 60  # by the policy in force
        self._consoles = Consoles(clock)
        self._sockets: dict[web.WebSocketResponse, SignedIn] = {}
        self._anew: set[web.WebSocketResponse] = set()  # they see something else now

    async def serve(self, request: web.Request, who: SignedIn, since: int | None) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=PING_S, compress=False, max_msg_size=4096)
        await socket.prepare(request)
        self._sockets[socket] = who
        works = who.works  # who only looks keeps nobody's claim alive, and a program is nobody at a console
        if works:
            self._presence.came(who.id)
        sending = asyncio.create_task(self._send(socket, since), name="live send")
        armed = False
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    said = _said(message.data)
                    before, armed = armed, _sound(said, armed)
                    if works and armed != before:
                        self._presence.sounds(who.id, int(armed) - int(before))
                    self._consoles.heard(who.id, socket, said)
        finally:
            if works:
                self._presence.sounds(who.id, -int(armed))
                self._presence.went(who.id)
            self._consoles.went(who.id, socket)
            self._sockets.pop(socket, None)
            self._anew.discard(socket)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        return socket

    async def run_positions(self) -> None:
        """Where people under way are, to every console: the newest only, and it is in no log (page_book.py)."""
        told: list[dict[str, Any]] = []
        while True:
            await self._clock.sleep(POSITIONS_S)
            try:
                now = await self._read(page_queries.positions_now) if self._sockets else []
            except Unavailable:
                continue
            if now != told:
                told = now
                for socket, who in tuple(self._sockets.items()):
                    frame = {"type": "positions", "positions": _seen(now, who)}
                    with contextlib.suppress(ConnectionError, RuntimeError):
                        await socket.send_str(canonical(frame))

    async def run_sessions(self) -> None:
        """One after another, and apart from the beats: those must go on while the database hangs."""
        while True:
            await self._clock.sleep(SESSIONS_S)
            for socket in tuple(self._sockets):
                try:
                    await self._look_again(socket)
                except Exception:  # the next one, and the next time: a centre must not end because of one session
                    log.exception("live.session_unknown")

    async def close(self) -> None:
        """Say goodbye to every console; they come back to whoever answers next."""
        await asyncio.gather(*(s.close(code=1012, message=b"restarting") for s in tuple(self._sockets)))

    def elsewhere(self, who: SignedIn) -> bool:
        """Whether another session of this operator has a console here."""
        return any(one.id == who.id and one.token_hash != who.token_hash for one in self._sockets.values())

    async def sign_out(self, token_hash: str) -> None:
        """Whoever has signed out sees nothing any more."""
        gone = [socket for socket, who in self._sockets.items() if who.token_hash == token_hash]
        await asyncio.gather(*(socket.close(code=4401, message=b"signed out") for socket in gone))

    async def _send(self, socket: web.WebSocketResponse, since: int | None) -> None:
        news = asyncio.Event()
        try:
            with self._feed.subscribed(news):
                n = await self._greet(socket, since)
                beats = asyncio.create_task(self._beat(socket), name="live beat")
                try:
                    while True:
                        if socket in self._anew:
                            self._anew.discard(socket)
                            n = await self._send_snapshot(socket)
                        n = await self._send_on(socket, n)
                        if n >= self._feed.last and socket not in self._anew:
                            await news.wait()
                            news.clear()
                finally:
                    beats.cancel()
        except (ConnectionError, RuntimeError):
            pass  # the console has gone; reading its socket ends too
        except Unavailable:
            await socket.close(code=1013, message=b"the database does not answer")

    async def _send_on(self, socket: web.WebSocketResponse, n: int) -> int:
        """Some entries after number `n`; of those that are not for this console only that they have passed."""
        hidden: list[Frame] = []
        for frame in await self._feed.after(n):
            n = frame.n
            if not frame.shown_to(self._sockets[socket]):
                hidden.append(frame)
                continue
            await self._pass_over(socket, hidden)
            await socket.send_str(frame.text)
        await self._pass_over(socket, hidden)
        return n

    async def _pass_over(self, socket: web.WebSocketResponse, hidden: list[Frame]) -> None:
        """Say by their last number that these are not for this console, and which alerts it has to forget."""
        if not hidden:
            return
        gone = [frame.alert for frame in hidden if self._sockets[socket].id in frame.let_go]
        n = hidden[-1].n
        hidden.clear()
        await socket.send_str(canonical({"type": "passed", "n": n, "gone": gone}))

    async def _greet(self, socket: web.WebSocketResponse, since: int | None) -> int:
        """Resume, or send everything that is open. Returns the number from which entries follow."""
        if since is not None and since > self._feed.last:  # another process has told them more than we know
            await self._feed.catch_up()
        if since is not None and self._feed.last - RESUME_AT_MOST <= since <= self._feed.last:
            await socket.send_str(canonical({"type": "resumed", "since": since, "n": self._feed.last}))
            return since
        return await self._send_snapshot(socket)

    async def _send_snapshot(self, socket: web.WebSocketResponse) -> int:
        who = self._sockets[socket]
        n, alerts = await self._read(_snapshot, who)
        snapshot = {
            "type": "snapshot",
            "n": n,
            "at": rfc3339(self._clock.now()),
            "operator": {"id": who.id, "name": who.name},
            "alerts": alerts,
        }
        await socket.send_str(canonical(snapshot | self.room()))
        return n

    async def _beat(self, socket: web.WebSocketResponse) -> None:
        while not socket.closed:
            beat = {"type": "beat", "n": self._feed.last, "at": rfc3339(self._clock.now())}
            beat |= {"claim_idle_s": self.claim_idle_s()}
            with contextlib.suppress(ConnectionError, RuntimeError):
                await socket.send_str(canonical(beat | self._health.as_dict() | self.room()))
            await self._clock.sleep(BEAT_S)

    async def _look_again(self, socket: web.WebSocketResponse) -> None:
        """What another process or the command line has changed about the session holds here too."""
        before = self._sockets.get(socket)
        if before is None:  # it has just gone
            return
        try:
            who = await self._session(before.token_hash)
        except Unavailable:
            return  # nobody is sent away because the database does not answer
        if who is None or not who.may(May.SEE_ALERTS):
            with contextlib.suppress(ConnectionError, RuntimeError):
                await socket.close(code=4401, message=b"signed out")
        elif who != before:
            self._sockets[socket] = who
            self._anew.add(socket)  # by its own task, so that the numbers stay in order
            self._feed.wake()


def _snapshot(connection: Connection, who: SignedIn) -> tuple[int, list[dict[str, Any]]]:
    """Number and open alerts of one moment, as far as they are for this operator."""
    found = queries.alerts(connection, limit=5000, scope=who.scope, operator=who.id)
    return queries.head(connection), [alert_view(alert) for alert in found]


def _seen(positions: list[dict[str, Any]], who: SignedIn) -> list[dict[str, Any]]:
    shown = (one for one in positions if who.scope.sees(one["area_id"]))
    return [{key: value for key, value in one.items() if key != "area_id"} for one in shown]


def _said(text: str) -> dict[str, Any]:
    """What a console says; anything we do not understand means nothing to us."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _sound(said: dict[str, Any], armed: bool) -> bool:
    """Whether its sound is armed."""
    return said.get("armed") is True if said.get("type") == "sound" else armed
