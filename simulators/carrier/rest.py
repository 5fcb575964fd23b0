"""The REST side's gate: who may ask what, with which fields, and what goes wrong with the answer."""

import asyncio
import hmac
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiohttp import encode_basic_auth, web

from simulators.carrier.answers import Answer, Json, Refusal
from simulators.carrier.asks import Ask
from simulators.carrier.faults import Fates
from simulators.carrier.fields import wrong_fields
from simulators.carrier.pace import first_of
from simulators.carrier.rest_calls import Calls, Messages
from simulators.carrier.rest_rooms import Conferences, RecordingsRest
from simulators.carrier.switchboard import Switchboard

log = structlog.get_logger()
Handler = Callable[[Ask], Awaitable[Answer]]
REFUSED_AS = {"throttled": 20429, "error": 20500}
EARLY_S = 30.0  # how long an answer waits to be overtaken by a callback


class Rest:
    def __init__(self, board: Switchboard, fates: Fates) -> None:
        self.refused: list[Json] = []
        self.messages = Messages(board)
        self.stopping = asyncio.Event()
        self._board = board
        self._account = board.wires.account
        self._fates = fates
        self._calls = Calls(board)
        self._conferences = Conferences(board)
        self._recordings = RecordingsRest(board)

    def add_routes(self, app: web.Application) -> None:
        root = self._account.path.rpartition("/")[0] + "/{account}"
        for method, path, operation, handler in self._operations():
            app.router.add_route(method, root + path, self._gate(operation, handler))

    def _operations(self) -> tuple[tuple[str, str, str, Handler], ...]:
        calls, rooms, tapes = self._calls, self._conferences, self._recordings
        room, seat = "/Conferences/{room}", "/Conferences/{room}/Participants/{seat}.json"
        return (
            ("GET", ".json", "FetchAccount", self._fetch_account),
            ("POST", "/Calls.json", "CreateCall", calls.create),
            ("GET", "/Calls.json", "ListCall", calls.index),
            ("GET", "/Calls/{sid}.json", "FetchCall", calls.fetch),
            ("POST", "/Calls/{sid}.json", "UpdateCall", calls.update),
            ("POST", "/Messages.json", "CreateMessage", self.messages.create),
            ("GET", "/Messages.json", "ListMessage", self.messages.index),
            ("GET", "/Messages/{sid}.json", "FetchMessage", self.messages.fetch),
            ("GET", "/Conferences.json", "ListConference", rooms.index),
            ("GET", f"{room}.json", "FetchConference", rooms.fetch),
            ("POST", f"{room}.json", "UpdateConference", rooms.update),
            ("GET", f"{room}/Participants.json", "ListParticipant", rooms.participants),
            ("POST", f"{room}/Participants.json", "CreateParticipant", rooms.create_participant),
            ("GET", seat, "FetchParticipant", rooms.participant),
            ("POST", seat, "UpdateParticipant", rooms.update_participant),
            ("DELETE", seat, "DeleteParticipant", rooms.remove_participant),
            ("GET", "/Recordings.json", "ListRecording", tapes.index),
            ("GET", "/Recordings/{sid}.json", "FetchRecording", tapes.fetch),
            ("GET", "/Recordings/{sid}.wav", "FetchRecordingMedia", tapes.media),
            ("DELETE", "/Recordings/{sid}.json", "DeleteRecording", tapes.delete),
        )

    async def _fetch_account(self, _ask: Ask) -> Answer:
        return Answer(body={"sid": self._account.sid, "status": "active", "type": "Full", "friendly_name": "simulated"})

    def _gate(self, operation: str, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            fault = self._fates.of_answer(operation)
            if fault in ("throttled", "error", "hang", "reset", "html"):
                return await self._fail(request, fault)
            done = await self._perform(request, operation, handler)
            try:
                if fault.endswith("_after"):
                    return await self._fail(request, fault.removesuffix("_after"), done)
                if fault == "early" and done.leg:
                    await self._be_overtaken(done)
                response = _response(done)
                await response.prepare(request)
                await response.write_eof()
                return response
            finally:
                if done.leg:
                    done.leg.released.set()  # whatever became of the answer

        return answer

    async def _perform(self, request: web.Request, operation: str, handler: Handler) -> Answer:
        try:
            self._check_account(request)
            given = request.query if request.method == "GET" else await request.post()
            pairs = tuple((name, str(value)) for name, value in given.items())
            self._check_fields(operation, pairs)
            return await handler(Ask(request.path, dict(request.match_info), pairs))
        except Refusal as refusal:
            return Answer(refusal.status, refusal.document())

    def _check_account(self, request: web.Request) -> None:
        expected = encode_basic_auth(self._account.sid, self._account.token)
        given = request.headers.get("Authorization", "")
        if (
            not hmac.compare_digest(given.encode(), expected.encode())
            or request.match_info["account"] != self._account.sid
        ):
            raise Refusal(20003)

    def _check_fields(self, operation: str, pairs: tuple[tuple[str, str], ...]) -> None:
        wrong = list(wrong_fields(operation, pairs))
        for name, value, why in wrong:
            log.warning("request_refused", operation=operation, field=name, why=why)
            at = self._board.wires.pace.now().isoformat()
            self.refused.append({"operation": operation, "field": name, "value": value, "why": why, "at": at})
        if wrong:
            raise Refusal(20001, "; ".join(f"{name}: {why}" for name, _value, why in wrong))

    async def _be_overtaken(self, done: Answer) -> None:
        if done.leg:
            done.leg.released.set()
            told = self._board.wires.webhooks.told(done.leg.sid)
            await first_of(told.wait(), done.leg.ended.wait(), self._board.wires.pace.sleep(EARLY_S))

    async def _fail(self, request: web.Request, fault: str, done: Answer | None = None) -> web.StreamResponse:
        if done and done.leg:
            done.leg.released.set()
        if fault in REFUSED_AS:
            refusal = Refusal(REFUSED_AS[fault])
            response = _response(Answer(refusal.status, refusal.document()))
            if fault == "throttled":
                response.headers["Retry-After"] = str(self._fates.faults.retry_after_s)
            return response
        if fault == "html":
            return web.Response(text="<html><body>welcome to the hotel's Wi-Fi</body></html>", content_type="text/html")
        if fault == "hang":
            await first_of(self._board.wires.pace.sleep(self._fates.faults.hang_s), self.stopping.wait())
        _reset(request)
        return web.Response()


def _response(done: Answer) -> web.Response:
    if isinstance(done.body, bytes):
        return web.Response(status=done.status, body=done.body, content_type="audio/x-wav")
    if done.body is None:
        return web.Response(status=done.status)
    return web.Response(status=done.status, text=json.dumps(done.body), content_type="application/json")


def _reset(request: web.Request) -> None:
    """A connection reset, not a polite end: what is unsent is thrown away."""
    transport: Any = request.transport
    if transport is not None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
