"""The prober: presses the centre's test alarm by the way of every bracelet, watches it arrive at a console, ends it
by the way of every operator, and has people told when it does not get through (docs/adr/0027).

It knows the wire and nothing of the centre, and runs apart from it: a centre that hangs must be noticed.
"""

import asyncio
import contextlib
import os
from dataclasses import dataclass, field

import aiohttp
import structlog

from simulators.bracelet import Bracelet
from simulators.centre_api import CentreApi, Done, Json, SignInRefused, Unanswered
from simulators.connection import Broker

log = structlog.get_logger()

STORED_WITHIN_S = 15.0
SEEN_WITHIN_S = 10.0
ROUND_WITHIN_S = 40.0
MISSES = 2  # of so many in a row people are told
TOLD_AGAIN = 10  # and after each so many more
COMMAND_WITHIN_S = 30.0
ROLE = "prober"
# What is done next to an alert in this state.
NEXT: dict[str, tuple[str, dict[str, str]]] = {
    "waiting": ("claim", {}),
    "claimed": ("resolve", {"outcome": "test_or_drill"}),
    "resolved": ("close", {}),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """Where it presses and watches, as whom; `command` is run by a shell when people have to be told."""

    broker: Broker
    http: str
    device: str
    username: str
    password: str = field(repr=False)
    command: str
    every_s: float


async def prove(plan: Plan, mqtt_password: str) -> int:
    bracelet = Bracelet(plan.broker, plan.device, password=mqtt_password)
    async with CentreApi(plan.http, plan.username, password=plan.password) as api, asyncio.TaskGroup() as group:
        prober = Prober(plan, api, bracelet)
        group.create_task(bracelet.run(), name="bracelet")
        group.create_task(prober.watch(), name="watch")
        group.create_task(prober.run(), name="prober")
    return 0


class Prober:
    def __init__(self, plan: Plan, api: CentreApi, bracelet: Bracelet) -> None:
        self._plan, self._api, self._bracelet = plan, api, bracelet
        self._seen: dict[str, None] = {}  # alerts that the live feed has shown, the newest last
        self._news = asyncio.Event()
        self._known = False  # the centre knows us as the prober: a press of ours rings nobody
        self.misses = 0

    async def run(self) -> None:
        """Every round begins on time, whatever the one before has come to."""
        while True:
            next_round = asyncio.create_task(asyncio.sleep(self._plan.every_s))
            await self.take(await self.round())
            await next_round

    async def take(self, trouble: str) -> None:
        """A round has ended; of two failed ones people are told, and when it works again."""
        told = self.misses >= MISSES
        self.misses = self.misses + 1 if trouble else 0
        if not trouble:
            log.debug("synthetic.through")
            if told:
                await self._tell("well", "")
            return
        log.error("synthetic.missed", trouble=trouble, misses=self.misses)
        if self.misses >= MISSES and (self.misses - MISSES) % TOLD_AGAIN == 0:
            await self._tell("missing", trouble)

    async def round(self) -> str:
        """One press, all the way. Empty when it came through, else what did not work."""
        try:
            async with asyncio.timeout(ROUND_WITHIN_S):
                return await self._round()
        except TimeoutError:
            return f"it took longer than {ROUND_WITHIN_S:g} s"

    async def _round(self) -> str:
        if trouble := await self._sign_in():
            return trouble
        press = self._bracelet.press()
        if not await press.reaches_centre(timeout=STORED_WITHIN_S):
            return "the press was not acknowledged as stored"
        alert = press.alert
        if alert is None:
            return "the press opened no alert"
        if not await self._saw(alert):
            return "the alert did not appear on the live feed"
        if trouble := await self._end(alert):
            return trouble
        self._bracelet.presses = [one for one in self._bracelet.presses if not one.acks]
        return await self._end_others()

    async def _sign_in(self) -> str:
        """Pressed as anybody else's, a test would ring people: the centre has to say first that it knows us."""
        if self._known:
            return ""
        try:
            await self._api.sign_in()
        except (SignInRefused, aiohttp.ClientError, TimeoutError) as error:
            return f"signing in: {type(error).__name__} {error}"
        who = await self._api.get("session")
        if isinstance(who, Unanswered) or who["role"] != ROLE:
            return f"{self._plan.username} is not the prober's account"
        self._known = True
        return ""

    async def _saw(self, alert: str) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SEEN_WITHIN_S):
                while alert not in self._seen:
                    self._news.clear()
                    await self._news.wait()
        return alert in self._seen

    async def _end(self, alert_id: str) -> str:
        """Claim, resolve, close: as an operator does it."""
        found = await self._api.get(f"alerts/{alert_id}")
        if isinstance(found, Unanswered):
            return f"the alert could not be read: {found.result}"
        alert: Json = found["alert"]
        while alert["state"] != "closed":
            action, fields = NEXT.get(alert["state"], ("", {}))
            answer = await self._api.act(alert_id, action, version=alert["version"], **fields)
            if not isinstance(answer, Done):
                return f"{action or alert['state']}: {answer.result}"
            alert = answer.alert
        return ""

    async def _end_others(self) -> str:
        """What a prober that was killed has left open."""
        found = await self._api.get("alerts")
        if isinstance(found, Unanswered):
            return f"the alerts could not be listed: {found.result}"
        for alert in found["alerts"]:
            if trouble := await self._end(alert["id"]):
                return trouble
        return ""

    async def watch(self) -> None:
        """The live feed, like a console's."""
        while True:
            if self._known:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValueError, TypeError):
                    async for frame in self._api.live(None):
                        self._hear(frame)
            await asyncio.sleep(min(1.0, self._plan.every_s / 10))

    def _hear(self, frame: Json) -> None:
        alerts = frame.get("alerts") or ([frame["alert"]] if frame.get("alert") else [])
        for alert in alerts:
            self._seen[alert["id"]] = None
        while len(self._seen) > 100:
            del self._seen[next(iter(self._seen))]
        if alerts:
            self._news.set()

    async def _tell(self, state: str, trouble: str) -> None:
        """By a way that has nothing to do with the centre. A command that fails must not stop the prober."""
        if not self._plan.command:
            return
        said = {"SYNTHETIC_STATE": state, "SYNTHETIC_TROUBLE": trouble, "SYNTHETIC_MISSES": str(self.misses)}
        own = {name: value for name, value in os.environ.items() if not name.startswith("CALLCENTER_")}
        try:
            process = await asyncio.create_subprocess_shell(self._plan.command, env=own | said)
            async with asyncio.timeout(COMMAND_WITHIN_S):
                code = await process.wait()
        except TimeoutError:
            process.kill()
            code = None
        except OSError as error:
            log.error("synthetic.command_failed", error=str(error))
            return
        log.info("synthetic.told", state=state, code=code)
