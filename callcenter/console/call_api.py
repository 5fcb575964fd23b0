"""The JSON and CSV of the call log and of the statistics over it. Described by openapi.yaml."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta, tzinfo
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from callcenter.alerts.call_model import CallOutcome, CallState, Direction, Role
from callcenter.clock import ZONE_NAME, Clock, china
from callcenter.console import query_words as words
from callcenter.console.auth import SIGNED_IN, SignedIn
from callcenter.console.call_views import as_csv, call_view, debt_view
from callcenter.console.problems import problem
from callcenter.console.query_words import Wrong, read_query
from callcenter.privacy import Seal, normalised
from callcenter.statistics.groupings import GROUPINGS, OFFERED, Fact, Only, measured
from callcenter.statistics.measures import FIGURES, MEASURES, Measure
from callcenter.statistics.periods import Period
from callcenter.storage import call_queries, queries, statistic_queries, tables as t
from callcenter.storage.call_queries import CallFilter
from callcenter.storage.facts import CHANNELS
from callcenter.storage.reading import Reader

READ_AT_ONCE = timedelta(days=7)  # 25,000 calls at 3,500 a day (field.md 3): a third of a second on 2 cores
_FORMAT = {"format": words.one_of(("json", "csv"))}
_LIMIT = {"limit": words.whole(1, 1000)}
SEARCH: dict[str, words.Read] = {
    "since": words.instant,
    "until": words.instant,
    "direction": words.one_of(Direction),
    "role": words.one_of(Role),
    "outcome": words.one_of(CallOutcome),
    "state": words.one_of(CallState),
    "alert": words.text,
    "party": words.text,
    "number": words.text,
    "q": words.text,
    "before": words.text,
} | _LIMIT | _FORMAT  # fmt: skip
STATISTIC: dict[str, words.Read] = {
    "from": words.day,
    "to": words.day,
    "by": words.one_of(GROUPINGS),
    "area": words.text,
    "channel": words.one_of(CHANNELS),
    "outcome": words.text,
} | _FORMAT  # fmt: skip
CALL_COLUMNS = (
    "id", "direction", "role", "dialogue", "party", "name", "number", "alert_id", "area_id", "state", "outcome",
    "answer", "gateway", "provider_ref", "wanted_at", "placed_at", "ringing_at", "answered_at", "joined_at",
    "ended_at", "wait_s", "talk_s", "line_s", "cause",
)  # fmt: skip
DEBT_COLUMNS = ("call_id", "party", "name", "number", "alert_id", "opened_at", "due", "attempts")


def _bad(wrong: Wrong) -> web.Response:
    return problem(400, "bad_field", wrong.detail)


def _csv(name: str, text: str) -> web.Response:
    answer = web.Response(text=text, content_type="text/csv", charset="utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def _spelt(number: str) -> str:
    """As the log has it: E.164, or the address of a desk phone as it stands."""
    return number if "@" in number or number.startswith("sip:") else normalised(number)


# -- what is read in one moment, and opened in the reading thread


def _listed(connection: Connection, wanted: CallFilter, seal: Seal, role: str) -> list[dict[str, Any]]:
    return [call_view(row, seal, role) for row in call_queries.calls(connection, wanted, with_number=True)]


def _by_hand(connection: Connection, limit: int, seal: Seal, who: SignedIn) -> list[dict[str, Any]]:
    found = call_queries.by_hand(connection, limit=limit, with_number=True, scope=who.scope)
    return [call_view(row, seal, who.role) for row in found]


def _owed(connection: Connection, limit: int, seal: Seal, who: SignedIn) -> list[dict[str, Any]]:
    found = call_queries.open_debts(connection, limit=limit, with_number=True, scope=who.scope)
    return [debt_view(row, seal, who.role) for row in found]


def _detail(connection: Connection, call_id: str, seal: Seal, role: str) -> dict[str, Any] | None:
    row = call_queries.call(connection, call_id, with_number=True)
    if row is None:
        return None
    legs = call_queries.legs(connection, row["alert_id"], with_number=True) if row["alert_id"] else []
    return {
        "call": call_view(row, seal, role),
        "recordings": call_queries.recordings(connection, call_id),
        "debt": call_queries.debt(connection, call_id),
        "legs": [call_view(leg, seal, role) for leg in legs if leg["id"] != call_id],
    }


def _reckoned(
    connection: Connection, measure: Measure, facts: Sequence[Fact], period: Period, by: str, only: Only
) -> dict[str, Any]:
    found = measured(measure, facts, period, by=by, only=only)
    areas = queries.listing(connection, t.areas, "", 10_000) if by == "area" else []
    names = {area["id"]: area["name"] for area in areas}
    rows = [{"key": key, "name": names.get(key), "figures": figures} for key, figures in found.rows]
    return {"rows": rows, "total": found.total}


def measure_view(measure: Measure) -> dict[str, Any]:
    """A measure and its figures, with their titles (openapi.yaml, Measure)."""
    figures = [
        {"id": name, "title": {"zh-CN": FIGURES[name][0], "en": FIGURES[name][1]}, "unit": FIGURES[name][2],
         "target": measure.targets.get(name)}
        for name in measure.figures([])
    ]  # fmt: skip
    return {
        "id": measure.id,
        "title": {"zh-CN": measure.zh, "en": measure.en},
        "unit": measure.unit,
        "drawn": measure.drawn,
        "groupings": list(OFFERED[measure.of]),
        "figures": figures,
    }


@dataclass(frozen=True, slots=True)
class CallApi:
    """The request handlers and what they work with. `zone` is where a day begins."""

    read: Reader
    seal: Seal
    clock: Clock
    zone: tzinfo = field(default_factory=china)
    # A long statistic must never take the threads that read alerts.
    _one_at_a_time: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    # -- the log

    async def calls(self, request: web.Request) -> web.Response:
        asked = read_query(request.query, SEARCH)
        if isinstance(asked, Wrong):
            return _bad(asked)
        csv_wanted = asked.pop("format", "json") == "csv"
        number = asked.pop("number", None)
        digest = self.seal.digest(_spelt(number)) if number else None
        who = request[SIGNED_IN]
        named = {"alert": asked.pop("alert", None), "name": asked.pop("q", None)}
        wanted = CallFilter(**named, digest=digest, scope=who.scope, **asked)
        found = await self.read(_listed, wanted, self.seal, who.role)
        if csv_wanted:
            return _csv("calls", as_csv(CALL_COLUMNS, found))
        following = found[-1]["id"] if len(found) == wanted.limit else None
        return web.json_response({"calls": found, "before": following})

    async def call(self, request: web.Request) -> web.Response:
        detail = await self.read(_detail, request.match_info["id"], self.seal, request[SIGNED_IN].role)
        return web.json_response(detail) if detail else problem(404, "not_found", "there is no such call")

    async def manual(self, request: web.Request) -> web.Response:
        asked = read_query(request.query, _LIMIT)
        if isinstance(asked, Wrong):
            return _bad(asked)
        found = await self.read(_by_hand, asked.get("limit", 500), self.seal, request[SIGNED_IN])
        return web.json_response({"calls": found})

    async def debts(self, request: web.Request) -> web.Response:
        asked = read_query(request.query, _LIMIT | _FORMAT)
        if isinstance(asked, Wrong):
            return _bad(asked)
        found = await self.read(_owed, asked.get("limit", 500), self.seal, request[SIGNED_IN])
        if asked.get("format") == "csv":
            return _csv("debts", as_csv(DEBT_COLUMNS, found))
        return web.json_response({"debts": found})

    async def seats(self, _request: web.Request) -> web.Response:
        return web.json_response({"seats": await self.read(call_queries.seats)})

    # -- statistics

    async def measures(self, _request: web.Request) -> web.Response:
        return web.json_response({"measures": [measure_view(measure) for measure in MEASURES.values()]})

    async def statistic(self, request: web.Request) -> web.Response:
        measure = MEASURES.get(request.match_info["measure"])
        if measure is None:
            return problem(404, "not_found", f"there is no such measure; there are {', '.join(MEASURES)}")
        asked = read_query(request.query, STATISTIC)
        if isinstance(asked, Wrong):
            return _bad(asked)
        by, period = asked.get("by", "hour"), self._period(asked)
        wrong = _unfit(measure, by, period)
        if wrong:
            return _bad(wrong)
        only = Only(asked.get("area"), asked.get("channel"), asked.get("outcome"))
        async with self._one_at_a_time:
            scope = request[SIGNED_IN].scope
            facts = [fact for fact in await self._facts(measure, period) if scope.sees(fact.area)]
            found = await self.read(_reckoned, measure, facts, period, by, only)
        if asked.get("format") == "csv":
            return _csv(measure.id, _statistic_csv(by, found))
        head = {"measure": measure_view(measure), "by": by, "time_zone": str(self.zone) or ZONE_NAME}
        days = {"from": period.first.isoformat(), "to": period.last.isoformat()}
        return web.json_response(head | days | found)

    async def _facts(self, measure: Measure, period: Period) -> list[Fact]:
        """Week by week: no read is so long that it counts as a database that does not answer."""
        read = statistic_queries.calls if measure.of == "calls" else statistic_queries.alerts
        facts: list[Fact] = []
        since = period.since
        while since < period.until:
            until = min(since + READ_AT_ONCE, period.until)
            facts += await self.read(read, since, until)
            since = until
        return facts

    def _period(self, asked: dict[str, Any]) -> Period:
        """Today, unless days are named; one that is named alone is the whole period."""
        today = self.clock.now().astimezone(self.zone).date()
        first = asked.get("from", asked.get("to", today))
        return Period(first, asked.get("to", first), self.zone)


def _unfit(measure: Measure, by: str, period: Period) -> Wrong | None:
    offered, longest = OFFERED[measure.of], GROUPINGS[by].longest_days
    if by not in offered:
        return Wrong(f"by must be one of {', '.join(offered)}: {measure.id} has no {by}")
    if period.days < 1:
        return Wrong("to must not be before from")
    if period.days > longest:
        return Wrong(f"by {by} is reckoned for at most {longest} days at a time, this is {period.days}")
    return None


def _statistic_csv(by: str, found: dict[str, Any]) -> str:
    """One line per row; the last, `total`, is of everything together."""
    columns = (by, "name", *found["total"])
    rows = [{by: row["key"], "name": row["name"]} | row["figures"] for row in found["rows"]]
    return as_csv(columns, [*rows, {by: "total", "name": None} | found["total"]])
