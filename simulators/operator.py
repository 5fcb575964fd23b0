"""A scripted operator: follows the live feed without a gap, claims what waits, and works it to the end."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from random import Random

import aiohttp
import structlog

from simulators.centre_api import CentreApi, Conflict, Done, Json, Unanswered
from simulators.scripts import Step, plan_for, steps_to_do

log = structlog.get_logger()
BACK_OFF_S = (0.3, 0.6, 1.0, 2.0, 4.0)
TRIES = 4  # a press that arrives in between makes the version stale; that often in a row it does not
LOOKS_EVERY_S = 1.0
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Style:
    """How this operator works. Seconds are drawn evenly from the spans."""

    claim_after: Span = (2.0, 5.0)
    think: Span = (3.0, 7.0)
    awaits_help_s: float = 0.0  # so long, at most, for whoever was sent to be at the door
    share: float = 1.0  # of the waiting alerts; the rest is left to colleagues
    hands: int = 6  # alerts under way at once
    seed: int = 1


@dataclass(slots=True)
class Feed:
    """What the live feed has shown: the alerts as of entry `n`, and every fault of the numbering."""

    n: int | None = None
    alerts: dict[str, Json] = field(default_factory=dict)
    entries: int = 0
    gaps: list[tuple[int, int]] = field(default_factory=list)  # (last number had, number that came)
    repeated: int = 0

    def take(self, message: Json) -> None:
        kind = message["type"]
        if kind == "snapshot":
            self.n = message["n"]
            self.alerts = {alert["id"]: alert for alert in message["alerts"]}
        elif kind == "entry":
            self._take_entry(message)
        elif kind == "passed":  # not for this console; nothing is missing
            self.n = max(self.n or 0, message["n"])
            for gone in message["gone"]:
                self.alerts.pop(gone, None)

    def _take_entry(self, entry: Json) -> None:
        number, last = entry["n"], self.n
        if last is not None and number <= last:
            self.repeated += 1
            return
        if last is not None and number != last + 1:
            self.gaps.append((last, number))
        self.n = number
        self.entries += 1
        if alert := entry.get("alert"):
            self.learn(alert)

    def learn(self, alert: Json) -> None:
        """Keep the newer version: an answer to a request may overtake the feed."""
        known = self.alerts.get(alert["id"])
        if known is None or alert["version"] >= known["version"]:
            self.alerts[alert["id"]] = alert
        if self.alerts[alert["id"]]["state"] == "closed":
            del self.alerts[alert["id"]]


class Operator:
    """`run()` works until cancelled. `counts` says what was done: actions, conflicts by code, connections."""

    def __init__(self, url: str, username: str, *, password: str, style: Style | None = None) -> None:
        self.api = CentreApi(url, username, password=password)
        self.style = style or Style()
        self.feed = Feed()
        self.counts: Counter[str] = Counter()
        self.watchers: list[Callable[[Json], None]] = []  # called with every message of the feed
        self._dice = Random(f"{self.style.seed}/{username}")
        self._hands = asyncio.Semaphore(self.style.hands)
        self._online = asyncio.Event()
        self._passed_over: set[str] = set()
        self._working: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        failures = 0
        async with self.api:
            try:
                while True:
                    entries = self.feed.entries
                    try:
                        await self._follow()
                    except (aiohttp.ClientError, TimeoutError, OSError) as error:
                        tell = log.debug if failures else log.info  # one line an outage
                        tell("operator_offline", operator=self.api.username, reason=type(error).__name__)
                    self._online.clear()
                    failures = 0 if self.feed.entries > entries else failures + 1
                    wait = BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)]
                    await asyncio.sleep(wait * self._dice.uniform(0.7, 1.3))
            finally:
                for task in self._working.values():
                    task.cancel()

    async def _follow(self) -> None:
        await self.api.sign_in()
        self.counts["connections"] += 1
        log.info("operator_online", operator=self.api.username, since=self.feed.n)
        async with aclosing(self.api.live(self.feed.n)) as messages:
            async for message in messages:
                self._online.set()
                gaps = len(self.feed.gaps)
                self.feed.take(message)
                if len(self.feed.gaps) > gaps:
                    log.error("feed_gap", operator=self.api.username, gap=self.feed.gaps[-1])
                for watcher in self.watchers:
                    watcher(message)
                self._look_around(message)

    # --- which alerts to take

    def _look_around(self, message: Json) -> None:
        """At an entry look at its alert; at a beat or a snapshot at all, for what was passed by."""
        one, known = message.get("alert_id"), self.feed.alerts
        candidates = (known.get(one),) if one else tuple(known.values())
        for alert in candidates:
            if alert is not None and alert["id"] not in self._working and self._wants(alert):
                task = asyncio.create_task(self._work(alert["id"]), name=f"alert {alert['id']}")
                self._working[alert["id"]] = task

    def _wants(self, alert: Json) -> bool:
        if self._owns(alert):
            return True
        if alert["state"] != "waiting" or alert["id"] in self._passed_over:
            return False
        if self._dice.random() >= self.style.share:
            self._passed_over.add(alert["id"])
            return False
        return True

    def _owns(self, alert: Json) -> bool:
        return bool(alert["owner"]) and alert["owner"]["id"] == self.api.username and alert["state"] != "closed"

    # --- working one alert

    async def _work(self, alert_id: str) -> None:
        try:
            alert = self.feed.alerts.get(alert_id)
            if alert is not None and not self._owns(alert):
                await asyncio.sleep(self._dice.uniform(*self.style.claim_after))
            async with self._hands:
                if await self._claim(alert_id):
                    await self._follow_plan(alert_id)
        finally:
            self._working.pop(alert_id, None)

    async def _claim(self, alert_id: str) -> bool:
        alert = self.feed.alerts.get(alert_id)
        if alert is None:
            return False
        if self._owns(alert):
            return True
        return alert["state"] == "waiting" and await self._act(alert_id, Step("claim"))

    async def _follow_plan(self, alert_id: str) -> None:
        keyholder = await self._keyholder(alert_id)
        alert = self.feed.alerts.get(alert_id)
        for step in plan_for(alert, self._dice) if alert else ():
            await asyncio.sleep(self._dice.uniform(*self.style.think))
            alert = self.feed.alerts.get(alert_id)
            if alert is None or not self._owns(alert):
                return  # a colleague or the clock has taken it
            if step.action == "call_contact":
                if keyholder is None:
                    continue
                step = Step("call_contact", {"contact": keyholder})
            if step.action == "resolve" and alert["responder"]:
                await self._await_help(alert_id)
            if step.action == "resolve":
                await self._do_what_is_required(alert_id)
            if await self._act(alert_id, step) and step.action == "dispatch":
                await self._await_help(alert_id)

    async def _await_help(self, alert_id: str) -> None:
        waited = 0.0
        while waited < self.style.awaits_help_s:
            alert = self.feed.alerts.get(alert_id)
            if alert is None or not self._owns(alert) or (alert["responder"] or {}).get("arrived_at"):
                return
            waited += LOOKS_EVERY_S
            await asyncio.sleep(LOOKS_EVERY_S)

    async def _do_what_is_required(self, alert_id: str) -> None:
        """The steps of the response plan without which the alert does not end."""
        card = await self.api.get(f"alerts/{alert_id}")
        for step in () if isinstance(card, Unanswered) else steps_to_do(card["plan"]):
            await asyncio.sleep(self._dice.uniform(*self.style.think))
            await self._act(alert_id, step)

    async def _keyholder(self, alert_id: str) -> str | None:
        """Read the card, as everybody does after claiming."""
        card = await self.api.get(f"alerts/{alert_id}")
        if isinstance(card, Unanswered):
            return None
        contacts = sorted(card["contacts"], key=lambda contact: not contact["keyholder"])
        return str(contacts[0]["id"]) if contacts else None

    async def _act(self, alert_id: str, step: Step) -> bool:
        """Do one step with the version seen; when that was stale, look again and repeat."""
        for attempt in range(TRIES):
            await self._online.wait()
            alert = self.feed.alerts.get(alert_id)
            if alert is None:
                return False
            answer = await self.api.act(alert_id, step.action, version=alert["version"], **step.fields)
            done = isinstance(answer, Done)
            self.counts[step.action if done else answer.result] += 1
            self._tell(alert_id, action=step.action, result=answer.result)
            if not isinstance(answer, Unanswered):
                self.feed.learn(answer.alert)
            if done:
                return True
            if isinstance(answer, Conflict) and answer.code != "stale_version":
                return False
            if isinstance(answer, Unanswered):
                await asyncio.sleep(BACK_OFF_S[min(attempt + 1, len(BACK_OFF_S) - 1)])
        return False

    def _tell(self, alert_id: str, *, action: str, result: str) -> None:
        log.info("operator_acts", operator=self.api.username, alert=alert_id, action=action, result=result)
