"""Wiring: every part of one service process, started in order and stopped in order."""

import asyncio
from collections.abc import Awaitable, Coroutine
from datetime import datetime, timedelta
from typing import Any

import structlog
from aiohttp import web

from callcenter import metrics, oidc, telephone
from callcenter.alerts.coverage import Coverage
from callcenter.alerts.flood import Flood, Load
from callcenter.alerts.inputs import TimerKind
from callcenter.alerts.model import Kind
from callcenter.clock import Clock, SystemClock
from callcenter.console.api import Api
from callcenter.console.app import build
from callcenter.console.auth import Doorkeeper
from callcenter.console.call_api import CallApi
from callcenter.console.factor_checks import FactorChecks
from callcenter.console.feed import Feed
from callcenter.console.live import Health, Live, Presence
from callcenter.console.pages import Pages, Tiles
from callcenter.console.policy_api import PolicyDesk
from callcenter.console.roles import ROLES
from callcenter.privacy import Seal, read_key
from callcenter.responder.pages import ResponderPages, template
from callcenter.responder.tokens import address, token
from callcenter.responder.view import Desk
from callcenter.storage import call_book, flood_book, network, policy_queries, queries, roll_book, synthetic, work
from callcenter.storage.engine import connect
from callcenter.storage.policy_shelf import Shelf, sha256
from callcenter.storage.reading import Reader
from callcenter.storage.sessions import NOBODYS
from callcenter.storage.writer import Unavailable, Writer
from callcenter.telephone import Telephone
from config import plans as plan_file, prompts
from config.plans import Plans
from config.policies import DEFAULT_FILE, AlertPolicy
from config.prompts import Prompts
from config.settings import Settings
from devices.broker import EmbeddedBroker
from devices.collector import Collector, Report
from devices.decoders import decode
from devices.mqtt import Address, Lane, Message
from handlers import (
    device_signals,
    flood,
    glass,
    incidents,
    operator_actions,
    outbox,
    plans,
    policies,
    register,
    responder_actions,
    roster,
    second_factors,
    signing_in,
    timers,
    troubles,
)
from handlers.call_updates import CallTimerFired, DebtDue
from handlers.coverage import CoverageCheck
from handlers.device_acks import DeviceAcks
from handlers.device_signals import ReceiverForgotten
from handlers.flood import FloodWatch
from handlers.incidents import IncidentDue
from handlers.intake import Door
from handlers.listening import Listener
from handlers.operator_actions import ServiceStarted
from handlers.outbox import Outbox, Perform
from handlers.policies import PolicyWatch
from handlers.synthetic import SyntheticWatch
from handlers.telemetry import TelemetryBuffer
from handlers.timers import TimerFired, TimerWorker
from handlers.troubles import over_of, troubles_of
from handlers.watchdog import Findings, Watchdog

log = structlog.get_logger()

HANDLERS = (
    device_signals.HANDLERS
    | troubles.HANDLERS
    | operator_actions.HANDLERS
    | responder_actions.HANDLERS
    | timers.HANDLERS
    | outbox.HANDLERS
    | plans.HANDLERS
    | register.HANDLERS
    | policies.HANDLERS
    | incidents.HANDLERS
    | glass.HANDLERS
    | flood.HANDLERS
    | signing_in.HANDLERS
    | second_factors.HANDLERS
    | roster.HANDLERS
)
ALARM_TOPICS = {f"vnh/v1/+/{leaf}": 1 for leaf in ("up/sos", "up/call", "up/result", "up/loc", "state")}
TELEMETRY_TOPICS = {f"vnh/v1/+/{leaf}": 0 for leaf in ("up/status", "up/vitals")}
GOODBYE_S = 2.0


class Centre:
    """One process of the service."""

    def __init__(self, settings: Settings, policy: AlertPolicy, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self.seal = _seal(settings)
        self._demands = _demands(settings)
        self.oidc = oidc.desk(settings, self.seal, self.clock)
        engine = connect(settings.database, writer=True, size=1)
        self._policy_file = (settings.policy_file or DEFAULT_FILE).read_text("utf-8")
        self.shelf = Shelf(policy, rings=bool(settings.gateways), links=settings.links_in_texts)
        writer = Writer(engine, node=settings.node, policy=self.shelf, seal=self.seal)
        writer.plans = _plans(settings)
        self.read = Reader(connect(settings.database, writer=False))
        words = _words()
        self.door = Door(writer, HANDLERS | telephone.updates(settings, words).handlers(), self.clock)
        self.telephone = Telephone(settings, words, self.seal, read=self.read, clock=self.clock)
        self.telephone.connect(self.door.submit, self.door.later)
        self.telemetry = TelemetryBuffer(self.door, self.clock)
        self.listener = Listener(self.door, self.telemetry)
        self.broker = _embedded(settings)
        self._make_lanes()
        acks = DeviceAcks(self.voice.publish, self._messages_of, self.clock)
        on_devices: dict[str, Perform] = {
            "tell_device": acks.tell_device,
            "tell_devices": acks.tell_devices,
            "refuse_message": acks.refuse_message,
            "clear_retained": acks.clear_retained,
        }
        self.outbox = Outbox(self.door, on_devices | self.telephone.performers(), self.clock)
        self.timers = TimerWorker(self.door, self._due_timers, self.clock)
        self.watchdog = Watchdog(self.door, self._look, self.clock, node=settings.node)
        self.policies = PolicyWatch(self._look_at_policies, self.shelf, self.clock)
        self.coverage = CoverageCheck(self._look_at_network, self.clock)
        # A device that hears no answer goes on pressing and its wearer goes on fearing: both ways must stand.
        self.health = Health(
            lambda: self.door.storing,
            lambda: self.alarms.connected and self.voice.connected,
            lambda: self.telephone.calling,
        )
        self.presence = Presence(self.door.submit, self.clock)
        self.feed = Feed(self.read, self.clock)
        self.door.listen(self.feed.committed)
        self.keeper = Doorkeeper(self.read, self.clock, public=settings.public)
        self.live = Live(
            self.feed, self.presence, self.health, read=self.read, clock=self.clock, session=self.keeper.session
        )
        self.flood = FloodWatch(self._look_at_flood, self.door.submit, self.clock)
        self.door.listen(self.flood.committed)
        self.live.claim_idle_s = lambda: self.shelf.in_force.book.claim_idle_s
        self.synthetic = SyntheticWatch(self._look_at_synthetic, self.clock)
        self.live.room = lambda: self.flood.as_dict() | self.synthetic.as_dict()
        self._tasks: list[asyncio.Task[None]] = []
        self._runner: web.AppRunner | None = None

    def _make_lanes(self) -> None:
        """Alarms keep a session at the broker; answers have a connection of their own, telemetry even a process."""
        address, node = Address.parse(self.settings.mqtt), self.settings.node

        def lane(name: str, topics: dict[str, int], *, clean: bool) -> Lane:
            return Lane(
                address,
                identifier=f"vnh-{node}-{name}",
                topics=topics,
                receive=self._receive,
                clean=clean,
                may_connect=lambda: name != "alarms" or self.door.storing,
                sleep=self.clock.sleep,
                on_change=lambda connected: metrics.mqtt_connected.labels(name).set(connected),
            )

        self.alarms = lane("alarms", ALARM_TOPICS, clean=False)
        self.voice = lane("answers", {}, clean=True)
        self.collector = Collector(
            broker=self.settings.mqtt,
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

    def _receive(self, message: Message) -> Awaitable[Any] | None:
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
        await self.telephone.start()
        for name, work_of in self._workers().items():
            self._tasks.append(asyncio.create_task(work_of, name=name))
        await self._serve_http()
        log.info("centre.started", node=self.settings.node, http=self.settings.public)

    def _workers(self) -> dict[str, Coroutine[Any, Any, None]]:
        workers = {
            "alarms": self.alarms.run(),
            "telemetry lane": self.collector.run(),
            "answers": self.voice.run(),
            "telemetry": self.telemetry.run(),
            "timers": self.timers.run(),
            "outbox": self.outbox.run(),
            "watchdog": self.watchdog.run(),
            "probe": self.watchdog.run_probe(),
            "coverage": self.coverage.run(),
            "policies": self.policies.run(),
            "flood": self.flood.run(),
            "synthetic": self.synthetic.run(),
            "feed": self.feed.run(),
            "positions": self.live.run_positions(),
            "sessions": self.live.run_sessions(),
            "presence": self.presence.run(),
            "telephone": self.telephone.run(),
        }
        return workers | ({"broker": self.broker.keep(self.clock.sleep)} if self.broker else {})

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
        )  # fmt: skip
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
        return await self.read(_due, now, calling=self.telephone.calling, rings=bool(self.settings.gateways))

    async def _look_at_network(self, now: datetime, ahead: timedelta) -> Coverage:
        return await self.read(network.checked, self.shelf.in_force.book.levels, now, ahead)

    def _in_force(self) -> tuple[int, AlertPolicy]:
        return self.shelf.in_force.version, self.shelf.in_force.book

    async def _look_at_policies(self, now: datetime) -> None:
        await self.read(policy_queries.look, self.shelf, now)

    async def _look_at_flood(self, now: datetime) -> tuple[Flood, Load]:
        return await self.read(flood_book.look, now)

    async def _look_at_synthetic(self) -> datetime | None:
        return await self.read(synthetic.last_success)

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


def _due(connection: Any, now: datetime, *, calling: bool, rings: bool) -> list[Any]:  # noqa: ANN401
    """Without gateways rolls are worked by hand, and stay due for a process that has some."""
    alerts = [TimerFired(alert, TimerKind(kind), due) for alert, kind, due in work.due_timers(connection, now)]
    calls = [CallTimerFired(call, due) for call, due in call_book.due_calls(connection, now)]
    debts = [DebtDue(call, due) for call, due in call_book.due_debts(connection, now)]
    receivers = [ReceiverForgotten(device, due) for device, due in call_book.due_receivers(connection, now)]
    rolls = [IncidentDue(incident, due, calling) for incident, due in (roll_book.due(connection, now) if rings else ())]
    return [*alerts, *receivers, *calls, *debts, *rolls]


def _words() -> Prompts:
    """Raises OSError."""
    words = prompts.read()
    if isinstance(words, str):
        raise OSError(words)
    return words


def _plans(settings: Settings) -> Plans:
    """Raises OSError."""
    found = plan_file.read(settings.plans_file, kinds=frozenset(Kind))
    if isinstance(found, str):
        raise OSError(found)
    return found


def _seal(settings: Settings) -> Seal:
    """Raises OSError."""
    seal = read_key(settings.data_dir, settings.secret_key.get_secret_value())
    if isinstance(seal, str):
        raise OSError(seal)
    return seal


def _demands(settings: Settings) -> frozenset[str]:
    """Raises OSError: a role that is none would be demanded of nobody, and a screen on the wall has no telephone."""
    named = frozenset(one.strip() for one in settings.second_factor_roles.split(",") if one.strip())
    if wrong := sorted(named - (ROLES.keys() - {*NOBODYS})):
        raise OSError(f"CALLCENTER_SECOND_FACTOR_ROLES: {wrong[0]} is no role of people")
    return named


def _embedded(settings: Settings) -> EmbeddedBroker | None:
    if not settings.embedded_broker:
        return None
    directory = settings.data_dir / "broker"
    return EmbeddedBroker(host=settings.mqtt_host, port=settings.mqtt_port, directory=directory, name=settings.node)
