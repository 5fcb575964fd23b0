"""Asterisk's REST interface as far as we use it: one method a call, one function that maps every failure to the
port's errors, and the stream of events. Nothing is tried twice here.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import quote

import aiohttp

from callcenter import metrics
from callcenter.clock import Clock
from callcenter.telephony.port import (
    AuthFailed,
    CarrierUnreachable,
    LegGone,
    OutcomeUnknown,
    TelephonyError,
)

Json: TypeAlias = dict[str, Any]
HEARTBEAT_S = 10.0  # a WebSocket that does not answer a ping within half of it is dead
RECORDING_S = 60.0  # half an hour of speech does not come in 4 s


@dataclass(frozen=True, slots=True)
class AriSettings:
    """Where the PBX is, and how it is spoken to (docs/asterisk.md)."""

    url: str  # with the prefix: http://pbx:8088/ari
    username: str
    password: str = field(repr=False)
    app: str = "callcenter"
    trunk: str = "PJSIP/{number}@trunk"  # the endpoint of a telephone number
    desk: str = "PJSIP/{user}"  # the endpoint of sip:user@host, an operator's own telephone
    recording_format: str = "wav"
    timeout_s: float = 4.0


class AlreadyThere(TelephonyError):
    """409: what was to be created exists, or the channel is not in a state for it."""


_BY_STATUS: Mapping[int, type[TelephonyError]] = {401: AuthFailed, 403: AuthFailed, 404: LegGone, 409: AlreadyThere}
# Before anything was sent. Everything else that breaks may have been done.
_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
BROKEN = (aiohttp.ClientError, TimeoutError, OSError, ValueError)


def port_error(problem: Exception | int, what: str, text: str = "") -> TelephonyError:
    """What a status or an exception of the HTTP client means.

    A 400 says nothing of the number, which was looked at before: it may be our trunk, and then the next gateway rings.
    """
    if isinstance(problem, aiohttp.WSServerHandshakeError):
        problem = problem.status
    if isinstance(problem, int):
        usual = OutcomeUnknown if problem >= 500 or problem < 300 else TelephonyError
        return _BY_STATUS.get(problem, usual)(f"{what}: {problem} {text}".strip(), code=str(problem), http=problem)
    kind = CarrierUnreachable if isinstance(problem, _NOT_SENT) else OutcomeUnknown
    return kind(f"{what}: {type(problem).__name__} {problem}".strip(), code=type(problem).__name__)


class AriClient:
    """Use between `open` and `close`."""

    def __init__(self, settings: AriSettings, clock: Clock) -> None:
        self.settings = settings
        self._clock = clock
        self._url = settings.url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Within the running loop; nothing is connected yet."""
        login = aiohttp.encode_basic_auth(self.settings.username, self.settings.password, "utf-8")
        # A connection that was kept may turn out dead only after the request is written: "may have rung".
        connector = aiohttp.TCPConnector(force_close=True)
        self._session = aiohttp.ClientSession(headers={"Authorization": login}, connector=connector)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[Json]]:
        """The application's events while the one WebSocket stands. Entering raises TelephonyError."""
        try:
            async with asyncio.timeout(self.settings.timeout_s):
                socket = await self._opened().ws_connect(
                    f"{self._url}/events", params={"app": self.settings.app}, heartbeat=HEARTBEAT_S
                )
        except BROKEN as error:
            raise port_error(error, "events") from error
        async with socket:
            yield _messages(socket)

    # --- channels

    async def originate(self, channel: str, endpoint: str, *, caller_id: str, ring_s: int) -> None:
        """Ring; whoever answers enters our application. 409 (AlreadyThere): this id is being dialled already."""
        parameters = {
            "endpoint": endpoint,
            "app": self.settings.app,
            "appArgs": "outbound",
            "callerId": caller_id,
            "timeout": str(ring_s),
            "channelId": channel,
        }
        await self._call("POST", "/channels", parameters)

    async def channels(self) -> list[Json]:
        return _list(await self._call("GET", "/channels"))

    async def channel(self, channel: str) -> Json:
        return _object(await self._call("GET", f"/channels/{_id(channel)}"))

    async def answer(self, channel: str) -> None:
        await self._call("POST", f"/channels/{_id(channel)}/answer")

    async def hang_up(self, channel: str) -> None:
        await self._call("DELETE", f"/channels/{_id(channel)}", {"reason": "normal"})

    async def go_on_in_dialplan(self, channel: str) -> None:
        await self._call("POST", f"/channels/{_id(channel)}/continue")

    async def set_variable(self, channel: str, variable: str, value: str) -> None:
        await self._call("POST", f"/channels/{_id(channel)}/variable", {"variable": variable, "value": value})

    async def play(self, channel: str, playback: str, media: Sequence[str]) -> None:
        """One playback of several media: Asterisk takes them with commas between, not as a repeated key."""
        parameters = {"media": ",".join(media), "playbackId": playback}
        await self._call("POST", f"/channels/{_id(channel)}/play", parameters)

    async def playback(self, playback: str) -> Json:
        return _object(await self._call("GET", f"/playbacks/{_id(playback)}"))

    async def stop_playback(self, playback: str) -> None:
        await self._call("DELETE", f"/playbacks/{_id(playback)}")

    async def start_music(self, channel: str) -> None:
        await self._call("POST", f"/channels/{_id(channel)}/moh")

    async def stop_music(self, channel: str) -> None:
        await self._call("DELETE", f"/channels/{_id(channel)}/moh")

    async def record_channel(self, channel: str, name: str, max_s: int) -> None:
        await self._call("POST", f"/channels/{_id(channel)}/record", self._recording(name, max_s))

    # --- bridges

    async def bridges(self) -> list[Json]:
        return _list(await self._call("GET", "/bridges"))

    async def bridge(self, bridge: str) -> Json:
        return _object(await self._call("GET", f"/bridges/{_id(bridge)}"))

    async def create_bridge(self, bridge: str) -> None:
        """Not `POST /bridges/{id}`: on a bridge that exists that one answers 500 as soon as a type is named."""
        await self._call("POST", "/bridges", {"type": "mixing", "bridgeId": bridge})

    async def destroy_bridge(self, bridge: str) -> None:
        await self._call("DELETE", f"/bridges/{_id(bridge)}")

    async def add_to_bridge(self, bridge: str, channel: str) -> None:
        """400 and 422 say that the channel is gone or leaving; 404 (LegGone) that the bridge is."""
        await self._call("POST", f"/bridges/{_id(bridge)}/addChannel", {"channel": channel})

    async def remove_from_bridge(self, bridge: str, channel: str) -> None:
        await self._call("POST", f"/bridges/{_id(bridge)}/removeChannel", {"channel": channel})

    async def start_bridge_music(self, bridge: str) -> None:
        await self._call("POST", f"/bridges/{_id(bridge)}/moh")

    async def stop_bridge_music(self, bridge: str) -> None:
        await self._call("DELETE", f"/bridges/{_id(bridge)}/moh")

    async def record_bridge(self, bridge: str, name: str) -> None:
        await self._call("POST", f"/bridges/{_id(bridge)}/record", self._recording(name, 0))

    # --- recordings, the application, the PBX

    async def stored_recording(self, name: str) -> Json:
        return _object(await self._call("GET", f"/recordings/stored/{_id(name)}"))

    async def recording_file(self, name: str) -> bytes:
        got = await self._call("GET", f"/recordings/stored/{_id(name)}/file", within_s=RECORDING_S)
        return bytes(got)

    async def delete_recording(self, name: str) -> None:
        await self._call("DELETE", f"/recordings/stored/{_id(name)}")

    async def application(self) -> Json:
        return _object(await self._call("GET", f"/applications/{_id(self.settings.app)}"))

    async def info(self) -> Json:
        return _object(await self._call("GET", "/asterisk/info", {"only": "status"}))

    # --- how

    def _recording(self, name: str, max_s: int) -> dict[str, str]:
        return {"name": name, "format": self.settings.recording_format, "maxDurationSeconds": str(max_s)}

    def _timeout(self, within_s: float | None) -> aiohttp.ClientTimeout:
        usual = self.settings.timeout_s
        return aiohttp.ClientTimeout(total=within_s or usual, connect=usual / 2)

    def _opened(self) -> aiohttp.ClientSession:
        assert self._session is not None, "open() comes first"
        return self._session

    async def _call(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str] | None = None,
        *,
        within_s: float | None = None,
    ) -> Any:  # noqa: ANN401  # bytes of a sound, else whatever JSON the PBX answers; the callers check
        what, outcome, began = f"{method} {path.split('/')[1]}", "cut_off", self._clock.monotonic()
        try:
            answer = await self._asked(method, path, parameters, within_s)
            outcome = "done"
            return answer
        except TelephonyError as error:
            outcome = type(error).__name__
            raise
        finally:
            metrics.carrier_requests.labels("ari", what, outcome).inc()
            metrics.carrier_seconds.labels("ari", what).observe(self._clock.monotonic() - began)

    async def _asked(self, method: str, path: str, parameters: Mapping[str, str] | None, within_s: float | None) -> Any:  # noqa: ANN401
        what, timeout = f"{method} {path}", self._timeout(within_s)
        try:
            url = self._url + path
            async with self._opened().request(method, url, params=parameters, timeout=timeout) as answer:
                body = await answer.read()
                if answer.status >= 300:
                    raise port_error(answer.status, what, body[:200].decode(errors="replace"))
                return body if within_s else json.loads(body) if body else None
        except BROKEN as error:
            raise port_error(error, what) from error


async def _messages(socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[Json]:
    async for message in socket:
        if message.type is aiohttp.WSMsgType.TEXT:
            yield _object(json.loads(message.data))


def _id(value: str) -> str:
    return quote(value, safe="")


def _object(value: object) -> Json:
    if not isinstance(value, dict):
        raise OutcomeUnknown(f"the PBX answered {type(value).__name__}, not an object")
    return value


def _list(value: object) -> list[Json]:
    if not isinstance(value, list):
        raise OutcomeUnknown(f"the PBX answered {type(value).__name__}, not a list")
    return value
