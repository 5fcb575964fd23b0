"""Wiring: the parts of one service process, started in order and stopped in order."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from aiohttp import web

from callcenter import metrics, oidc, provisions, telephone
from callcenter.alerts.coverage import Coverage
from callcenter.alerts.flood import Flood, Load
from callcenter.clock import Clock, SystemClock
from callcenter.console.api import Api
from callcenter.console.app import build, machines
from callcenter.console.auth import Doorkeeper
from callcenter.console.call_api import CallApi
from callcenter.console.factor_checks import FactorChecks
from callcenter.console.feed import Feed
from callcenter.console.live import Health, Live, Presence
from callcenter.console.pages import Pages, Tiles
from callcenter.console.policy_api import PolicyDesk
from callcenter.console.watermark import watermarked
from callcenter.reactions import HANDLERS, due
from callcenter.responder.pages import ResponderPages, template
from callcenter.responder.tokens import address, token
from callcenter.responder.view import Desk
from callcenter.storage import (
    call_book,
    drill_book,
    flood_book,
    gap_book,
    network,
    policy_queries,
    queries,
    synthetic,
    work,
)
from callcenter.storage.drill_book import Drill
from callcenter.storage.engine import connect
from callcenter.storage.policy_shelf import Shelf, sha256
from callcenter.storage.reading import Reader
from callcenter.storage.retention import Keys, Rule, find
from callcenter.storage.writer import Unavailable, Writer
from callcenter.telephone import Telephone
from config.policies import DEFAULT_FILE, AlertPolicy
from config.settings import Settings
from devices.collector import Collector, Report
from devices.decoders import decode
from devices.mqtt import Address, Lane, Message
from handlers.coverage import CoverageCheck
from handlers.device_acks import DeviceAcks
from handlers.drills import DrillWatch
from handlers.flood import FloodWatch
from handlers.gap_watch import GapWatch
from handlers.intake import Door
from handlers.listening import Listener
from handlers.news import TOPIC as NEWS, Looks, News, Standing
from handlers.operator_actions import ServiceStarted
from handlers.outbox import Outbox, Perform
from handlers.policies import PolicyWatch
from handlers.retention import Retention
from handlers.synthetic import SyntheticWatch
from handlers.telemetry import TelemetryBuffer
from handlers.timers import TimerWorker
from handlers.troubles import over_of, troubles_of
from handlers.watchdog import Findings, Watchdog

log = structlog.get_logger()

ALARM_TOPICS = {f"vnh/v1/+/{leaf}": 1 for leaf in ("up/sos", "up/call", "up/result", "up/loc", "state")}
# What a process may be one of (`serve --only`); by itself it is all of them.
PARTS = frozenset({"intake", "timers", "outbox", "console"})
TELEMETRY_TOPICS = {f"vnh/v1/+/{leaf}": 0 for leaf in ("up/status", "up/vitals")}
GOODBYE_S = 2.0

Run = Callable[[], Coroutine[Any, Any, None]]


class Centre:
    """One process of the service."""

    def __init__(
        self, settings: Settings, policy: AlertPolicy, clock: Clock | None = None, *, parts: frozenset[str] = PARTS
    ) -> None:
        self.settings, self.parts = settings, parts
        self.clock: Clock = clock or SystemClock()
        self.seal = provisions.seal(settings)
        self._demands = provisions.demands(settings)
        self.oidc = oidc.desk(settings, self.seal, self.clock)
        engine = connect(settings.database, writer=True, size=1)
        self._policy_file = (settings.policy_file or DEFAULT_FILE).read_text("utf-8")
        self.shelf = Shelf(policy, rings=bool(settings.gateways), links=settings.links_in_texts, drill=settings.drill)
        writer = Writer(engine, node=settings.node, policy=self.shelf, seal=self.seal)
        writer.plans = provisions.plans(settings)
        self.read = Reader(connect(settings.database, writer=False))
        words = provisions.words()
        self.door = Door(writer, HANDLERS | telephone.updates(settings, words).handlers(), self.clock)
        self.telephone = Telephone(settings, words, self.seal, read=self.read, clock=self.clock)
        self.telephone.connect(self.door.submit, self.door.later)
        self.telemetry = TelemetryBuffer(self.door, self.clock)
        self.listener = Listener(self.door, self.telemetry)
        self.broker = provisions.embedded_broker(settings)
        self._make_lanes()
        acks = DeviceAcks(self.voice.publish, self._messages_of, self.clock)
        on_devices: dict[str, Perform] = {
            "tell_device": acks.tell_device,
            "tell_devices": acks.tell_devices,
            "refuse_message": acks.refuse_message,
            "clear_retained": acks.clear_retained,
        }
        by_telephone = self.telephone.performers() if "outbox" in parts else {}
        self.outbox = Outbox(self.door, on_devices | by_telephone, self.clock)
        writer.performs = self.outbox.performs
        self.timers = TimerWorker(self.door, self._due_timers, self.clock)
        self.watchdog = Watchdog(self.door, self._look, self.clock, node=settings.node)
        self.policies = PolicyWatch(self._look_at_policies, self.shelf, self.clock)
        self.coverage = CoverageCheck(self._look_at_network, self.clock)
        self._make_consoles()
        self._tasks: list[asyncio.Task[None]] = []
        self._runner: web.AppRunner | None = None

    def _make_consoles(self) -> None:
        """What people see: entries as they come, and how the centre is as a whole."""
        parts = self.parts
        # A device that hears no answer goes on pressing and its wearer goes on fearing: both ways must stand.
        self.health = Health(
            lambda: self.door.storing,
            lambda: self.voice.connected and (self.alarms.connected if "intake" in parts else self.news.others_hear),
            lambda: self.telephone.calling if "outbox" in parts else self.news.others_call,
        )
        self.presence = Presence(self.door.submit, self.clock)
        self.feed = Feed(self.read, self.clock)
        self.door.listen(self.feed.committed)
        self.news = News(
            self.voice.publish, self._standing, self.clock, node=self.settings.node, performs=self.outbox.performs,
            looks=Looks(self.feed.look, self.outbox.look),
        )  # fmt: skip
        self.door.listen(self.news.committed)
        self.keeper = Doorkeeper(self.read, self.clock, public=self.settings.public)
        self.live = Live(
            self.feed, self.presence, self.health, read=self.read, clock=self.clock, session=self.keeper.session
        )
        self.flood = FloodWatch(self._look_at_flood, self.door.submit, self.clock)
        self.door.listen(self.flood.committed)
        self.live.claim_idle_s = lambda: self.shelf.in_force.book.claim_idle_s
        self.synthetic = SyntheticWatch(self._look_at_synthetic, self.clock)
        self.drill = DrillWatch(self._look_at_drill, self.door.submit, self.clock)
        self.door.listen(self.drill.committed)
        self.gaps = GapWatch(
            gap_book.GapReads(self.read), self.door.submit, self.clock, storing=lambda: self.door.storing
        )
        self.watchdog.many_silent = self.gaps.devices_silent
        self.watchdog.works = lambda: {"hearing": self.health.hearing(), "calling": self.health.calling()}
        states = (self.flood.as_dict, self.synthetic.as_dict, self.drill.as_dict, self.gaps.as_dict)
        self.live.room = lambda: {name: value for state in states for name, value in state().items()}

    def _make_lanes(self) -> None:
        """Alarms keep a session at the broker; answers have a connection of their own, telemetry even a process."""
        brokers, node = [Address.parse(url) for url in self.settings.brokers], self.settings.node

        def lane(name: str, topics: dict[str, int], *, clean: bool) -> Lane:
            return Lane(
                brokers,
                identifier=f"vnh-{node}-{name}",
                topics=topics,
                receive=self._receive,
                clean=clean,
                may_connect=lambda: name != "alarms" or self.door.storing,
                sleep=self.clock.sleep,
                on_change=lambda connected: metrics.mqtt_connected.labels(name).set(connected),
            )

        self.alarms = lane("alarms", ALARM_TOPICS, clean=False)
        self.voice = lane("answers", {} if self.broker else {NEWS: 0}, clean=True)
        self.collector = Collector(
            brokers=self.settings.brokers,
            identifier=f"vnh-{node}-telemetry",
            topics=TELEMETRY_TOPICS,
            take=self._take_telemetry,
            on_change=metrics.mqtt_connected.labels("telemetry").set,
            sleep=self.clock.sleep,
        )

    def _take_telemetry(self, report: Report) -> None:
        self.telemetry.join(report.latest, report.counts)
        if report.unreadable:
            self.listener.hear(report.unreadable)

    def _standing(self) -> Standing:
        hears = "intake" in self.parts and self.alarms.connected and self.voice.connected and self.door.storing
        return Standing(hears, "outbox" in self.parts and self.telephone.calling)

    def _receive(self, message: Message) -> Awaitable[Any] | None:
        if message.topic == NEWS:
            self.news.hear(message.payload)
            return None
        heard = decode(message.topic, message.payload, self.clock.now(), retained=message.retained)
        return self.listener.hear(heard)

    # -- life

    async def start(self) -> None:
        """Returns when the console answers. Raises BrokerFailed, Unavailable or OSError."""
        if self.broker:
            await self.broker.start()
        await self.feed.start()
        log.info("policies.file", sha256=sha256(self._policy_file))
        await self.policies.look()
        self.door.start()
        await self.door.submit(ServiceStarted())
        if "outbox" in self.parts:
            await self.telephone.start()
        for name, (part, run) in self._workers().items():
            if not part or part in self.parts:
                self._tasks.append(asyncio.create_task(run(), name=name))
        await self._serve_http()
        log.info("centre.started", node=self.settings.node, http=self.settings.public, parts=sorted(self.parts))

    def _workers(self) -> dict[str, tuple[str, Run]]:
        """By name: of which part it is ("": every process has one), and its loop."""
        retired = Retention(self.door, self._look_for_old, provisions.keep(self.settings), self.clock)
        workers: dict[str, tuple[str, Run]] = {
            "alarms": ("intake", self.alarms.run),
            "telemetry lane": ("intake", self.collector.run),
            "answers": ("", self.voice.run),
            "telemetry": ("intake", self.telemetry.run),
            "timers": ("timers", self.timers.run),
            "outbox": ("", self.outbox.run),  # what devices are told, each process can say
            "watchdog": ("timers", self.watchdog.run),
            "probe": ("", self.watchdog.run_probe),
            "coverage": ("console", self.coverage.run),
            "policies": ("", self.policies.run),
            "flood": ("console", self.flood.run),
            "synthetic": ("console", self.synthetic.run),
            "drill": ("console", self.drill.run),
            "gaps": ("", self.gaps.run),
            "retention": ("timers", retired.run),
            "feed": ("console", self.feed.run),
            "positions": ("console", self.live.run_positions),
            "sessions": ("console", self.live.run_sessions),
            "presence": ("console", self.presence.run),
            "telephone": ("outbox", self.telephone.run),
        }
        if self.broker:
            return workers | {"broker": ("", partial(self.broker.keep, self.clock.sleep))}
        return workers | {"news": ("", self.news.run)}

    async def _serve_http(self) -> None:
        keeper = self.keeper
        number = self.settings.caller_id or self.settings.sos_number
        checks = FactorChecks(self.read, self.clock, self.seal, self._demands)
        api = Api(self.read, self.door.submit, self.door.later, keeper, self.live, self.presence, self.clock,
                  self.shelf.of, checks, number, self._link_address)  # fmt: skip
        calls = CallApi(self.read, self.seal, self.clock)
        callbacks = self.telephone.routes(telephone.tell_of(self.door.submit))
        tiles = Tiles(self.settings.map_tiles, self.settings.map_datum, self.settings.map_note)
        known = oidc.name(self.settings)
        pages = Pages(self.health, self.read, self.clock, oidc=known, tiles=tiles if tiles.url else None)
        linked = self._responder_pages(keeper, number).routes()
        desk = PolicyDesk(self._policy_file, self._in_force, self.policies.look)
        app = build(
            api, keeper, pages, calls, callbacks,
            linked=linked, check_coverage=self.coverage.check, policy_desk=desk, oidc=self.oidc,
        ) if "console" in self.parts else machines(pages)  # fmt: skip
        if self.settings.drill:
            app.middlewares.append(watermarked)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=GOODBYE_S, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.settings.http_host, self.settings.http_port, backlog=512).start()

    def _link_address(self, link_id: str) -> str:
        return address(self.settings.public, token(self.seal, link_id))

    def _responder_pages(self, keeper: Doorkeeper, number: str) -> ResponderPages:
        desk = Desk(number, self.settings.map_url)
        return ResponderPages(
            self.read, self.door.submit, self.seal, self.clock, desk, secure=keeper.secure, template=template()
        )

    async def wait(self) -> None:
        """Returns only when a worker has ended, which none should: an error of ours."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            log.error("centre.worker_ended", worker=task.get_name(), error=repr(task.exception()))

    async def stop(self) -> None:
        """Consoles first, then the workers, then the writer with what it still holds, the broker last."""
        if self._runner:
            await self.live.close()
            await self._runner.cleanup()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.outbox.stop()
        await self.telephone.stop()
        await self.door.stop()
        if self.broker:
            await self.broker.stop()
        self.read.close()
        log.info("centre.stopped", node=self.settings.node)

    # -- what workers read

    async def _messages_of(self, alert_id: str) -> list[tuple[str, str]]:
        try:
            return await self.read(queries.messages_of, alert_id)
        except Unavailable as error:
            raise ConnectionError(str(error)) from error

    async def _due_timers(self, now: datetime) -> list[Any]:
        """Alerts' deadlines first."""
        return await self.read(due, now, calling=self.health.calling(), rings=bool(self.settings.gateways))

    async def _look_at_network(self, now: datetime, ahead: timedelta) -> Coverage:
        return await self.read(network.checked, self.shelf.in_force.book.levels, now, ahead)

    def _in_force(self) -> tuple[int, AlertPolicy]:
        return self.shelf.in_force.version, self.shelf.in_force.book

    async def _look_at_policies(self, now: datetime) -> None:
        await self.read(policy_queries.look, self.shelf, now)

    async def _look_at_flood(self, now: datetime) -> tuple[Flood, Load]:
        return await self.read(flood_book.look, now)

    async def _look_at_drill(self) -> Drill | None:
        return await self.read(drill_book.seen)

    async def _look_at_synthetic(self) -> datetime | None:
        return await self.read(synthetic.last_success)

    async def _look_for_old(self, rule: Rule, before: datetime) -> Keys:
        return await self.read(find, rule, before)

    async def _look(self, now: datetime) -> Findings:
        late = now - timedelta(seconds=30)
        silent = [seen for row in await self.read(queries.heard_lately, now) for seen in troubles_of(row, now)]
        return Findings(
            without_deadline=await self.read(work.alerts_without_deadline, self.shelf.of),
            calls_without_due=await self.read(call_book.calls_without_due, now - timedelta(days=1)),
            overdue_timers=await self.read(work.overdue_timers, late),
            stuck_effects=await self.read(work.stuck_effects, now - timedelta(seconds=120)),
            silent=silent,
            heard_again=[over for row in await self.read(queries.technical_alerts) if (over := over_of(row, now))],
        )
