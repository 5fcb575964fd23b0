"""The addresses at which carriers tell what happens on a call and ask what comes next; the same for every carrier.

Nothing of a callback is believed before its signature is checked, and none is answered before it is stored. Somebody
on the line never waits for a database and is never hung up on because of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import structlog
from aiohttp import web

from callcenter import metrics
from callcenter.alerts.call_inputs import CallNews, InboundCall
from callcenter.alerts.script import Hangup, Join, Said
from callcenter.clock import Clock
from callcenter.ports import NotStored
from callcenter.telephony.port import Tell
from callcenter.telephony.telling import Teller

log = structlog.get_logger()

DOCUMENTS = frozenset({"voice", "step"})  # somebody is on the line and waits for what comes next
DOCUMENT_S, NOTICE_S = 2.0, 10.0  # the carrier reads 15 s
ROUNDS = 3  # of "please wait"
FORM = "application/x-www-form-urlencoded"
# They wait in the room, with its hold loop, until somebody comes; all others start it.
WAITING_ROLES = frozenset({"elder", "caller"})
OPERATORS = frozenset({"operator"})
KINDS = "{kind:voice|step|status|room|amd|rec|sms}"
ID = "{id:[0-9A-Za-z_.-]{1,64}}"


@dataclass(frozen=True, slots=True)
class Callback:
    """One callback as it came. Only Translator.verify may use it unverified."""

    provider: str
    kind: str
    id: str  # ours, from the address; empty for what comes to a number's fixed address
    address: str  # path and query as they were sent
    query: Mapping[str, str]
    headers: Mapping[str, str]
    form: Mapping[str, str]  # a multidict: a key may come several times
    received_at: datetime

    @property
    def raw(self) -> dict[str, Any]:
        """All of it, to be stored."""
        fields: dict[str, Any] = {}
        for name, value in self.form.items():
            fields[name] = [*_listed(fields[name]), value] if name in fields else value
        return {"kind": self.kind, "address": self.address, **fields}


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


class Translator(Protocol):
    """One carrier's language."""

    def verify(self, callback: Callback) -> bool:
        """Whether the carrier sent it, for our account. Nothing else may be asked before."""
        ...

    def translate(self, callback: Callback) -> CallNews | InboundCall | None:
        """What it says. A repeat, and the same question asked again, has the same event_id; None: nothing at all."""
        ...

    def render(self, said: Said, callback: Callback) -> web.Response:
        """The script as this carrier reads it."""
        ...

    def ask_again(self, callback: Callback, round: int) -> web.Response:
        """Please wait, and ask the same once more, as round number `round`."""
        ...


class Webhooks:
    """Checks, translates, tells the door, answers."""

    def __init__(self, translators: Mapping[str, Translator], tell: Tell, clock: Clock) -> None:
        self._translators, self._clock = translators, clock
        self._door = Teller(tell, clock)

    async def take(self, request: web.Request) -> web.Response:
        translator = self._translators.get(request.match_info["provider"])
        if translator is None:
            return web.Response(status=404)
        callback = await self._read(request)
        if callback is None:
            return web.Response(status=400)
        if not translator.verify(callback):
            self._count(callback, "refused")
            log.warning("telephony.callback_refused", provider=callback.provider, kind=callback.kind)
            return web.Response(status=403)
        try:
            event = translator.translate(callback)
        except Exception:  # it is genuine, so whatever is wrong is wrong here; somebody may be on the line
            log.exception("telephony.callback_unreadable", provider=callback.provider, kind=callback.kind)
            return self._not_stored(translator, callback)
        _measure_lag(callback, event)
        if callback.kind in DOCUMENTS:
            return await self._document(translator, callback, event)
        return await self._notice(translator, callback, event)

    def _not_stored(self, translator: Translator, callback: Callback) -> web.Response:
        if callback.kind in DOCUMENTS:
            return self._without_the_door(translator, callback)
        self._count(callback, "not_stored")
        return web.Response(status=503)

    async def _read(self, request: web.Request) -> Callback | None:
        if request.content_type != FORM:
            return None
        try:
            form = await request.post()
        except (ValueError, LookupError):  # bytes that are no text, an unknown charset
            return None
        return Callback(
            provider=request.match_info["provider"],
            kind=request.match_info.get("kind", "voice"),
            id=request.match_info.get("id", ""),
            address=request.raw_path,
            query=request.query,
            headers=request.headers,
            form=form,  # type: ignore[arg-type]  # files come only in multipart forms
            received_at=self._clock.now(),
        )

    async def _notice(
        self, translator: Translator, callback: Callback, event: CallNews | InboundCall | None
    ) -> web.Response:
        """Nobody waits: what cannot be stored is refused. What is not sent again is asked for when the call is due."""
        try:
            if event is not None:
                await self._door.within(NOTICE_S, event)
        except (NotStored, TimeoutError):
            return self._not_stored(translator, callback)
        except Exception:
            log.exception("telephony.door_failed", provider=callback.provider, kind=callback.kind)
            return self._not_stored(translator, callback)
        self._count(callback, "taken")
        return web.Response(status=204)

    async def _document(
        self, translator: Translator, callback: Callback, event: CallNews | InboundCall | None
    ) -> web.Response:
        try:
            said: Said | None = await self._door.within(DOCUMENT_S, event) if event is not None else None
        except (NotStored, TimeoutError):
            return self._without_the_door(translator, callback)
        except Exception:  # whatever it is, somebody is on the line
            log.exception("telephony.door_failed", provider=callback.provider, kind=callback.kind)
            return self._without_the_door(translator, callback)
        self._count(callback, "taken")
        return translator.render(said or Said(callback.id, ()), callback)

    def _without_the_door(self, translator: Translator, callback: Callback) -> web.Response:
        """Ask again, at most three times; then into the room the signed address names, where people are."""
        asked = callback.query.get("n", "")
        round = int(asked) if asked.isdecimal() else 0
        if round < ROUNDS:
            self._count(callback, "asked_again")
            return translator.ask_again(callback, round + 1)
        room, role = callback.query.get("room", ""), callback.query.get("role", "")
        if not room:
            # The number's own fallback address, a static document on another host, takes over at an error.
            self._count(callback, "not_stored")
            return web.Response(status=503)
        self._count(callback, "joined_unasked")
        log.error("telephony.joined_unasked", call=callback.id, role=role)
        # Nobody has told them that calls are recorded.
        join = Join(room, start=role not in WAITING_ROLES, record=False)
        # Who was asked for help has not said yes: the machine asks the next one when this call is over.
        step = join if role in WAITING_ROLES | OPERATORS else Hangup()
        return translator.render(Said(callback.id, (step,)), callback)

    @staticmethod
    def _count(callback: Callback, outcome: str) -> None:
        metrics.callbacks.labels(callback.provider, callback.kind, outcome).inc()


def _measure_lag(callback: Callback, event: CallNews | InboundCall | None) -> None:
    """Only where the carrier says when it happened."""
    if isinstance(event, CallNews) and event.heard is not None and event.heard.at != callback.received_at:
        lag = (callback.received_at - event.heard.at).total_seconds()
        metrics.callback_lag.labels(callback.provider, callback.kind).observe(max(0.0, lag))


def routes(translators: Mapping[str, Translator], tell: Tell, clock: Clock) -> list[web.RouteDef]:
    """A number's own addresses are fixed, so they come without an id: who rings, and how such a call ended."""
    take = Webhooks(translators, tell, clock).take
    return [
        web.post(f"/telephony/{{provider}}/v1/{KINDS}/{ID}", take, name="telephony"),
        web.post("/telephony/{provider}/v1/{kind:voice|status}", take, name="telephonyNumber"),
    ]
