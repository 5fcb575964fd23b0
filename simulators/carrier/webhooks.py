"""Requests of the carrier to its customer: signed, in order for each leg or room, tried again, and their faults."""

import asyncio
import base64
import hmac
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urldefrag, urlencode, urlsplit

import aiohttp
import structlog

from simulators.carrier.account import Account, Sids
from simulators.carrier.faults import Fates
from simulators.carrier.pace import Pace

log = structlog.get_logger()
TIMEOUT = aiohttp.ClientTimeout(total=20, connect=5)  # Twilio's: 5 s to connect, 15 s to read; in real seconds


@dataclass(frozen=True, slots=True)
class Patience:
    """How often an address is tried again, and after what (the fragment of an address: Twilio's overrides)."""

    retries: int = 1
    after: frozenset[str] = frozenset({"ct"})

    @classmethod
    def of(cls, url: str) -> "Patience":
        wanted = dict(parse_qsl(urlsplit(url).fragment))
        return cls(min(5, int(wanted.get("rc", 1))), frozenset(wanted.get("rp", "ct").split(",")))

    def tries_again(self, reply: "Reply") -> bool:
        """Status 0: nobody was there."""
        return "all" in self.after or ("ct" if not reply.status else f"{reply.status // 100}xx") in self.after


def signature(token: str, url: str, params: Iterable[tuple[str, str]]) -> str:
    """X-Twilio-Signature: the address, then every distinct name and value in order, keyed with the token."""
    text = url + "".join(name + value for name, value in sorted(set(params)))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), "sha1").digest()).decode()


@dataclass(frozen=True, slots=True)
class Hook:
    url: str
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Reply:
    status: int  # 0: there was none
    text: str = ""
    content_type: str = ""


class Webhooks:
    """`ask` wants an answer, as for TwiML; `tell` reports, and nobody waits for it."""

    def __init__(self, account: Account, pace: Pace, fates: Fates, sids: Sids) -> None:
        self.counts: Counter[str] = Counter()
        self.muted: Callable[[], bool] = lambda: False  # a dead carrier reports nothing
        self._account = account
        self._pace = pace
        self._fates = fates
        self._sids = sids
        self._lines: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._held: dict[str, Callable[[], asyncio.Future[None]]] = {}
        self._tokens: Counter[str] = Counter()
        self._told: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._busy: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(timeout=TIMEOUT)

    async def stop(self) -> None:
        for task in self._busy:
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def ask(self, hook: Hook, params: Mapping[str, str]) -> Reply:
        return await self._send(hook, params, self._token("ask"))

    def told(self, key: str) -> asyncio.Event:
        """Set when the first report about `key` has arrived."""
        return self._told[key]

    def tell(self, key: str, hook: Hook, params: Mapping[str, str], *, last: bool = False) -> None:
        """Report about `key`, after everything told about it before. `last` ends the line."""
        fate = self._fates.of_callback(key)
        task = asyncio.create_task(self._tell(key, hook, params, fate=fate, last=last))
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)

    async def _tell(self, key: str, hook: Hook, params: Mapping[str, str], *, fate: str, last: bool) -> None:
        token = self._token(key)

        def send() -> asyncio.Future[None]:
            return asyncio.ensure_future(self._report(key, hook, params, token))

        if fate == "delay":  # out of the line: what comes later overtakes it
            await self._pace.sleep(self._fates.faults.delay_s)
            await send()
            return
        async with self._lines[key]:
            if fate == "reorder" and not last and key not in self._held:
                self._held[key] = send
                return
            for _ in range({"lose": 0, "duplicate": 2}.get(fate, 1)):
                await send()
            if held := self._held.pop(key, None):
                await held()
        if last:
            self._lines.pop(key, None)

    async def _report(self, key: str, hook: Hook, params: Mapping[str, str], token: str) -> None:
        patience = Patience.of(hook.url)
        for attempt in range(patience.retries + 1):
            if self.muted():
                return
            self.counts["retried" if attempt else "told"] += 1
            reply = await self._send(hook, params, token)
            if 0 < reply.status < 400:
                self._told[key].set()
                return
            if not patience.tries_again(reply):
                break
        self.counts["failed"] += 1
        log.warning("callback_failed", status=reply.status)

    async def _send(self, hook: Hook, params: Mapping[str, str], token: str) -> Reply:
        if self._session is None:
            raise RuntimeError("the carrier has not started")
        pairs = list(params.items())
        in_query = hook.method == "GET"
        url = urldefrag(hook.url).url
        url = f"{url}{'&' if '?' in url else '?'}{urlencode(pairs)}" if in_query else url
        headers = {
            "X-Twilio-Signature": signature(self._account.token, url, () if in_query else pairs),
            "I-Twilio-Idempotency-Token": token,
            "User-Agent": "TwilioProxy/1.1",
        }
        data = None if in_query else aiohttp.FormData(pairs)
        try:
            async with self._session.request(hook.method, url, data=data, headers=headers) as response:
                return Reply(response.status, await response.text(errors="replace"), response.content_type)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            log.info("customer_unreachable", reason=type(error).__name__)
            return Reply(0)

    def _token(self, key: str) -> str:
        self._tokens[key] += 1
        digest = self._sids.digest("token", key, self._tokens[key])
        return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:]))
