"""The demo's living town: a bounded fleet, something happening every so often, and scripted operators."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from random import Random

import structlog

from simulators.bracelet import Bracelet
from simulators.centre_api import SignInRefused
from simulators.connection import Broker
from simulators.device import Habits
from simulators.home_phone import HomePhone
from simulators.neighbours import Neighbours
from simulators.operator import Operator, Style
from simulators.scenarios import SCENARIOS, make_device, play
from simulators.town_files import FleetDevice, read_fleet

log = structlog.get_logger()
FLEET = 60
CONNECTS_A_SECOND = 40
FIRST_AFTER_S = 3.0
HAPPENS_EVERY_S = (25.0, 55.0)  # what four seats can hear out, and a visitor follow
SLOW_HANDS = Style(claim_after=(18.0, 23.0), think=(6.0, 11.0), hands=4, awaits_help_s=100.0)  # to be watched
WATCH_EVERY_S = 1.0
TRY_AGAIN_S = 5.0


@dataclass(frozen=True, slots=True)
class TownPlan:
    broker: Broker
    url: str  # of the centre
    directory: Path
    password: str
    seed: int = 1
    pace: float = 1.0  # 2: twice as much happens
    carrier: str = ""  # of the simulated carrier: neighbours read their text messages there; empty: nobody does
    operators: tuple[str, ...] = ()  # none: nobody works the alerts but people


class LivingTown:
    def __init__(self, plan: TownPlan) -> None:
        self.plan = plan
        self.dice = Random(plan.seed)
        self.fleet = {home: self._build(home) for home in self._choose(read_fleet(plan.directory))}
        self.operators = [self._hire(name) for name in plan.operators]
        self.happenings = 0

    def _choose(self, everything: tuple[FleetDevice, ...]) -> list[FleetDevice]:
        """Two bracelets to a home phone, people who may wander first."""
        shuffled = self.dice.sample(everything, len(everything))
        bracelets = sorted((d for d in shuffled if d.family == "bracelet"), key=lambda d: not d.wanders)
        phones = [d for d in shuffled if d.family == "home_phone"]
        return bracelets[: FLEET * 2 // 3] + phones[: FLEET - FLEET * 2 // 3]

    def _build(self, home: FleetDevice) -> Bracelet | HomePhone:
        habits = Habits(home=(home.lat, home.lon), model=home.model, seed=self.plan.seed)
        plan = self.plan
        return make_device(home.family, plan.broker, device_id=home.id, password=plan.password, habits=habits)

    def _hire(self, name: str) -> Operator:
        return Operator(self.plan.url, name, password=self.plan.password, style=SLOW_HANDS)

    async def run(self) -> None:
        log.info("town_starts", devices=len(self.fleet), operators=self.plan.operators)
        async with asyncio.TaskGroup() as group:
            for place, device in enumerate(self.fleet.values()):
                group.create_task(self._keep(device, place / CONNECTS_A_SECOND), name=device.id)
            group.create_task(self._watch_fleet(), name="fleet watch")
            group.create_task(self._let_things_happen(group), name="happenings")
            if self.plan.carrier:
                group.create_task(self._neighbours().run(), name="neighbours")
            for operator in self.operators:
                group.create_task(self._keep_operator(operator), name=operator.api.username)

    def _neighbours(self) -> Neighbours:
        return Neighbours(self.plan.carrier, self.plan.url.rstrip("/"), Random(self.plan.seed), self.plan.pace)

    async def _keep(self, device: Bracelet | HomePhone, after_s: float) -> None:
        """A fault in one device must not end the town."""
        await asyncio.sleep(after_s)
        while True:
            try:
                await device.run()
            except Exception:
                log.exception("device_fell_over", device=device.id)
            await asyncio.sleep(TRY_AGAIN_S)

    async def _keep_operator(self, operator: Operator) -> None:
        while True:
            try:
                await operator.run()
            except SignInRefused:
                log.warning("operator_refused", operator=operator.api.username)
            except Exception:
                log.exception("operator_fell_over", operator=operator.api.username)
            await asyncio.sleep(TRY_AGAIN_S)

    async def _watch_fleet(self) -> None:
        """One line when the broker goes or comes back, not one for each device."""
        connected = False
        while True:
            online = sum(device.online.is_set() for device in self.fleet.values())
            if connected != (online > 0):
                connected = online > 0
                log.info("fleet_online" if connected else "fleet_offline", devices=online)
            await asyncio.sleep(WATCH_EVERY_S)

    async def _let_things_happen(self, group: asyncio.TaskGroup) -> None:
        # The first is a plain press: it shows the whole way, and needs nothing special of its wearer.
        name = "press"
        await asyncio.sleep(FIRST_AFTER_S)
        while True:
            device = self._whom(name)
            if device is not None:
                self.happenings += 1
                group.create_task(self._happen(name, device), name=f"{device.id} {name}")
            others = [other for other in SCENARIOS if other != name]  # who watches wants to see different things
            name = self.dice.choices(others, [SCENARIOS[other].often for other in others])[0]
            await asyncio.sleep(self.dice.uniform(*HAPPENS_EVERY_S) / self.plan.pace)

    def _whom(self, name: str) -> Bracelet | HomePhone | None:
        """Somebody who has nothing open; when everybody has, anybody: that press then joins their alert."""
        family = SCENARIOS[name].family
        able = [(home, device) for home, device in self.fleet.items() if home.family == family]
        fitting = [pair for pair in able if pair[0].wanders == (name == "wander")] or able
        calm = [pair for pair in fitting if not pair[1].presses or pair[1].is_over(pair[1].presses[-1])]
        return self.dice.choice(calm or fitting)[1] if fitting else None

    async def _happen(self, name: str, device: Bracelet | HomePhone) -> None:
        log.info("happens", what=name, device=device.id)
        try:
            for press in await play(name, device):
                if await press.reaches_centre(timeout=60):
                    took = press.stored_after
                    stored_ms = round(took.total_seconds() * 1000) if took else None
                    log.info("stored", device=device.id, alert=press.alert, after_ms=stored_ms)
                else:
                    log.warning("not_stored_yet", device=device.id, what=name)
        except Exception:
            log.exception("happening_fell_over", what=name, device=device.id)
