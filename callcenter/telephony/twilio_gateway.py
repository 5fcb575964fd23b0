"""The telephone gateway on Twilio's REST interface, through its SDK and an HTTP client of ours beneath it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from twilio.http.async_http_client import AsyncTwilioHttpClient  # type: ignore[import-untyped]  # noqa: TID251
from twilio.http.response import Response  # type: ignore[import-untyped]  # noqa: TID251
from twilio.rest import Client  # type: ignore[import-untyped]  # noqa: TID251

from callcenter import metrics
from callcenter.alerts.call_inputs import Heard, News
from callcenter.alerts.script import Join, Script
from callcenter.clock import Clock
from callcenter.telephony.port import (
    CarrierUnreachable,
    DialReceipt,
    LegGone,
    LegHint,
    LegSnapshot,
    LegSpec,
    OutcomeUnknown,
    SmsSpec,
    TelephonyError,
    Unsupported,
)
from callcenter.telephony.twilio_errors import Answered, Asked, port_error
from callcenter.telephony.twilio_words import LIVE, heard_of
from callcenter.telephony.twiml import Leg, Twiml

PUBLISHED = "https://api.twilio.com"
LONGEST_S, CONNECT_S = 4.0, 2.0
RECORDING_S = 60.0  # half an hour of speech does not come in 4 s
LARGEST_TWIML = 4000  # inline; documents have no such limit
NEWEST = 50  # calls to one number that are looked through
LIST_MOST = 500
EARLIER = timedelta(seconds=2)  # the carrier counts whole seconds, and its clock is not ours
# An empty mapping would make the SDK read the process's own variables, where TWILIO_EDGE bends every address.
NO_ENVIRONMENT = {"CALLCENTER": "configures this client itself"}


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """Where and as whom we ask. A host that is not in `hosts` is never connected to: no test can ring a real phone."""

    sid: str
    token: str = field(repr=False)
    sms_from: str = ""  # a number of ours, or a messaging service (MG...)
    api: str = PUBLISHED
    hosts: frozenset[str] = frozenset({"api.twilio.com"})
    fallback_url: str = ""  # a static document elsewhere that is read when we do not answer


class _Http(AsyncTwilioHttpClient):  # type: ignore[misc]  # the SDK has no types
    """Sends to the configured address, to allowed hosts only, once, within 4 s."""

    def __init__(self, account: TwilioAccount) -> None:
        super().__init__(pool_connections=False)  # its own sessions never time out
        self._account = account
        # A connection that was kept may turn out dead only after the request is written: "may have rung".
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True),
            timeout=aiohttp.ClientTimeout(total=LONGEST_S, connect=CONNECT_S),
        )

    async def request(
        self,
        method: str,
        url: str,
        params: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        signed = dict(headers or {})
        if auth:
            signed["Authorization"] = aiohttp.encode_basic_auth(*auth)
        async with self._answer(method, url, params=params, data=data, headers=signed) as answer:
            return Response(answer.status, await answer.text(), answer.headers)

    async def download(self, path: str) -> bytes:
        headers = {"Authorization": aiohttp.encode_basic_auth(self._account.sid, self._account.token)}
        limit = aiohttp.ClientTimeout(total=RECORDING_S, connect=CONNECT_S)
        async with self._answer("GET", PUBLISHED + path, headers=headers, timeout=limit) as answer:
            return await answer.read()

    @asynccontextmanager
    async def _answer(self, method: str, url: str, **more: Any) -> AsyncIterator[aiohttp.ClientResponse]:  # noqa: ANN401
        path = url.removeprefix(PUBLISHED)
        address = self._account.api.rstrip("/") + path if path.startswith("/") else url
        host = urlsplit(address).hostname
        if host not in self._account.hosts:
            raise CarrierUnreachable(f"{host} is not on the list of allowed hosts")
        async with self.session.request(method, address, allow_redirects=False, **more) as answer:
            if not 200 <= answer.status < 300:
                raise _answered(answer.status, answer.headers, await answer.text(errors="replace"))
            yield answer


def _answered(status: int, headers: Mapping[str, str], text: str) -> Answered:
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    said = body if isinstance(body, dict) else {}
    code, wait = said.get("code"), headers.get("Retry-After", "")
    message = str(said.get("message") or said.get("detail") or said.get("title") or "")
    return Answered(status, code if isinstance(code, int) else None, message, float(wait) if wait.isdecimal() else None)


class TwilioGateway:
    name = "twilio"
    rings = True

    def __init__(self, account: TwilioAccount, twiml: Twiml, clock: Clock) -> None:
        self._account, self._twiml, self._clock = account, twiml, clock
        self._at = twiml.addresses.at
        self._http: _Http | None = None
        self._client: Any = None

    async def start(self) -> None:
        self._http = _Http(self._account)
        self._client = Client(
            self._account.sid, self._account.token, http_client=self._http, environment=NO_ENVIRONMENT
        )

    async def stop(self) -> None:
        if self._http is not None:
            await self._http.close()
        self._http = self._client = None

    @asynccontextmanager
    async def _asking(self, operation: str, asked: Asked, longest_s: float = LONGEST_S) -> AsyncIterator[Any]:
        """The account, for a whole operation within its time; every failure leaves in the port's words."""
        outcome, began = "cut_off", self._clock.monotonic()
        try:
            if self._client is None:
                raise CarrierUnreachable("the gateway is not started")
            async with asyncio.timeout(longest_s):
                yield self._client.api.v2010.accounts(self._account.sid)
            outcome = "done"
        except TelephonyError as told:
            outcome = type(told).__name__
            raise
        except Exception as caught:
            error = port_error(caught, asked)
            outcome = type(error).__name__
            raise error from caught
        finally:
            metrics.carrier_requests.labels(self.name, operation, outcome).inc()
            metrics.carrier_seconds.labels(self.name, operation).observe(self._clock.monotonic() - began)

    async def dial(self, leg: LegSpec) -> DialReceipt:
        fields: dict[str, Any] = {"fallback_url": self._account.fallback_url} if self._account.fallback_url else {}
        if leg.detect_machine:
            fields |= {
                "machine_detection": "Enable",
                "async_amd": "true",
                "async_amd_status_callback": self._at("amd", leg.call_id),
                "async_amd_status_callback_method": "POST",
            }
        async with self._asking("dial", Asked.CREATE) as account:
            call = await account.calls.create_async(
                to=leg.to,
                from_=leg.caller_id,
                url=self._at("voice", leg.call_id, {"role": leg.role, "room": leg.room}),
                method="POST",
                status_callback=self._at("status", leg.call_id),
                status_callback_event=["initiated", "ringing", "answered", "completed"],
                status_callback_method="POST",
                timeout=leg.ring_s,
                record=False,
                **fields,
            )
            return DialReceipt(_sid_of(call))

    async def say(self, call_id: str, ref: str, script: Script) -> None:
        room = next((step.room for step in script if isinstance(step, Join)), "")
        after = f"{self._clock.now():%Y%m%d%H%M%S%f}"
        text = self._twiml.document(script, Leg(call_id, {"room": room} if room else {}, after))
        if len(text) > LARGEST_TWIML:
            raise Unsupported(f"{len(text)} characters of TwiML; the carrier takes {LARGEST_TWIML}")
        async with self._asking("say", Asked.CHANGE) as account:
            await account.calls(_needed(ref)).update_async(twiml=text)

    async def hold(self, call_id: str, ref: str, room: str, *, held: bool) -> None:
        async with self._asking("hold", Asked.CHANGE) as account:
            rooms = await account.conferences.list_async(friendly_name=room, status="in-progress", limit=1)
            if not rooms:
                raise LegGone(f"no room {room} is in progress")
            await account.conferences(rooms[0].sid).participants(call_id).update_async(hold=held)

    async def hang_up(self, call_id: str, ref: str) -> None:
        """`completed` ends queued and ringing calls too; `canceled` would leave one that is answered meanwhile."""
        with suppress(LegGone):
            async with self._asking("hang_up", Asked.CHANGE) as account:
                await account.calls(_needed(ref)).update_async(status="completed")

    async def close_room(self, room: str) -> None:
        with suppress(LegGone):
            async with self._asking("close_room", Asked.CHANGE) as account:
                for one in await account.conferences.list_async(friendly_name=room, limit=NEWEST):
                    if one.status != "completed":
                        await account.conferences(one.sid).update_async(status="completed")

    async def send_sms(self, sms: SmsSpec) -> DialReceipt:
        service = self._account.sms_from.startswith("MG")
        sender = {"messaging_service_sid" if service else "from_": self._account.sms_from}
        async with self._asking("send_sms", Asked.CREATE) as account:
            message = await account.messages.create_async(
                to=sms.to, body=sms.text, status_callback=self._at("sms", sms.id), **sender
            )
            return DialReceipt(_sid_of(message))

    async def find_leg(self, call_id: str, hint: LegHint) -> LegSnapshot | None:
        """By the carrier's id where we have it. Otherwise: the first call we placed to that number since, which is not
        known as another one's.

        A Call resource carries nothing of ours. So two calls to one number whose answers were both lost may be taken
        for each other, and a leg may be found whose callback, still under way, would have named it.
        """
        try:
            async with self._asking("find_leg", Asked.READ) as account:
                if hint.ref:
                    return self._snapshot(call_id, await account.calls(hint.ref).fetch_async())
                # Not by start time: the carrier's filter knows only whole days, and a queued call has no start.
                calls = await account.calls.list_async(to=hint.to, limit=NEWEST)
        except LegGone:
            return None
        fresh = (call for call in calls if call.sid not in hint.not_these)
        ours = (call for call in fresh if self._may_be(call, hint.since))
        found = min(ours, key=lambda call: _began(call) or self._clock.now(), default=None)
        return self._snapshot(call_id, found) if found else None

    @staticmethod
    def _may_be(call: Any, since: datetime) -> bool:  # noqa: ANN401
        began = _began(call)
        recent = began >= since - EARLIER if began else call.status in LIVE
        return recent and str(call.direction or "").startswith("outbound")

    def _snapshot(self, call_id: str, call: Any) -> LegSnapshot:  # noqa: ANN401
        now = self._clock.now()
        heard = heard_of(call.status, at=call.end_time or now, ref=call.sid, duration=call.duration)
        return LegSnapshot(call_id, call.sid, heard or Heard(News.QUEUED, now, call.sid))

    async def list_live(self) -> Sequence[LegSnapshot]:
        """With empty call_ids: the carrier knows only its own; they are matched by `ref`."""
        async with self._asking("list_live", Asked.READ) as account:
            by_status = [await account.calls.list_async(status=status, limit=LIST_MOST) for status in LIVE]
        return [self._snapshot("", call) for calls in by_status for call in calls]

    async def fetch_recording(self, ref: str) -> bytes:
        async with self._asking("fetch_recording", Asked.READ, RECORDING_S):
            assert self._http is not None
            return await self._http.download(f"/2010-04-01/Accounts/{self._account.sid}/Recordings/{ref}.wav")

    async def delete_recording(self, ref: str) -> None:
        with suppress(LegGone):
            async with self._asking("delete_recording", Asked.CHANGE) as account:
                await account.recordings(ref).delete_async()

    async def is_well(self) -> bool:
        async with self._asking("is_well", Asked.READ) as account:
            return bool((await account.fetch_async()).status == "active")


def _began(call: Any) -> datetime | None:  # noqa: ANN401
    began: datetime | None = call.start_time or call.date_created
    return began


def _needed(ref: str) -> str:
    if not ref:
        raise Unsupported("the carrier's id of this call is not known: find it first")
    return ref


def _sid_of(made: Any) -> str:  # noqa: ANN401
    if not made.sid:
        raise OutcomeUnknown("taken, but the answer names nothing")
    return str(made.sid)
