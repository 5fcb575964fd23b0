"""The console's pages, which ask for everything they show, and what machines ask: health and metrics."""

import asyncio
import contextlib
import json
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import prometheus_client
from aiohttp import web
from jinja2 import Environment, FileSystemLoader, select_autoescape

from callcenter import metrics
from callcenter.alerts.model import EMERGENCIES
from callcenter.clock import Clock
from callcenter.console import static_files
from callcenter.console.import_map import import_map
from callcenter.console.live import Health
from callcenter.console.oidc_api import AGAIN
from callcenter.console.routes import PUBLIC, Route
from callcenter.storage import queries
from callcenter.storage.reading import Reader
from callcenter.storage.writer import Unavailable

HERE = Path(__file__).parent
STATIC = HERE / "static"
VENDOR_LOCK = HERE.parent.parent / "vendor.lock.json"
MEASURE_S = 2.0
# Path, name, and the script that draws the page.
SHELLS = (
    ("/", "console", "main.js"),
    ("/alerts", "pastAlertsPage", "past_main.js"),
    ("/calls", "callsPage", "calls_main.js"),
    ("/statistics", "statisticsPage", "statistics_main.js"),
    ("/coverage", "coveragePage", "coverage_main.js"),
    ("/incidents", "incidentsPage", "incidents_main.js"),
    ("/policies", "policiesPage", "policies_main.js"),
    ("/register", "registerPage", "register_main.js"),
    ("/reviews", "reviewsPage", "reviews_main.js"),
    ("/second-factor", "secondFactorPage", "factor_main.js"),
    (AGAIN, "signedInAgainPage", "again_main.js"),
    ("/wall", "wallPage", "wall_main.js"),
    ("/room", "roomPage", "room_main.js"),
)

prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Tiles:
    """Map pictures: `url` with {z}, {x} and {y}; the `datum` in which they lie; who made them (`note`)."""

    url: str
    datum: str
    note: str


class Pages:
    """The console's page and the endpoints for machines."""

    def __init__(
        self, health: Health, read: Reader, clock: Clock, *, oidc: str = "", tiles: Tiles | None = None
    ) -> None:
        """`oidc`: what the sign-in page calls the identity provider; empty: there is none."""
        self._health, self._read, self._clock, self._oidc, self._tiles = health, read, clock, oidc, tiles
        environment = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=select_autoescape(["j2"]))
        self._console = environment.get_template("console.html.j2")
        lock = json.loads(VENDOR_LOCK.read_text(encoding="utf-8"))
        self.import_map = json.dumps(import_map(lock), separators=(",", ":"))
        # The map is large and seldom needed: it is fetched with the first one that is drawn.
        imports, self._integrity = (import_map(lock)[part] for part in ("imports", "integrity"))
        self._map_style = imports["leaflet"].rsplit("/", 1)[0] + "/leaflet.css"
        vendored = [url for name, url in imports.items() if name != "leaflet"]
        self.files = static_files.read(STATIC)
        needed = {script: static_files.needed_by(script, self.files) for _path, _name, script in SHELLS}
        self._preload = {script: [*vendored, *(f"/static/{name}" for name in own)] for script, own in needed.items()}

    @property
    def pictures(self) -> str:
        """The one other host from which a page shows pictures; empty: none."""
        url = urlsplit(self._tiles.url) if self._tiles else None
        return f"{url.scheme}://{url.netloc}" if url else ""

    def calling(self) -> bool:
        return self._health.calling()

    def health(self) -> dict[str, bool]:
        return self._health.as_dict()

    def routes(self) -> tuple[Route, ...]:
        return (
            *(Route("GET", path, PUBLIC, name, partial(self._page, script)) for path, name, script in SHELLS),
            *self.machine_routes(),
        )

    def machine_routes(self) -> tuple[Route, ...]:
        return (
            Route("GET", "/healthz", PUBLIC, "healthz", self.healthz),
            Route("GET", "/readyz", PUBLIC, "readyz", self.readyz),
            Route("GET", "/metrics", PUBLIC, "metrics", self.metrics),
        )

    async def _page(self, script: str, request: web.Request) -> web.Response:
        wants_english = request.headers.get("Accept-Language", "zh").lower().startswith("en")
        html = self._console.render(
            lang="en" if wants_english else "zh-CN",
            import_map=self.import_map,
            modulepreload=self._preload[script],
            integrity=self._integrity,  # without it what is preloaded of these is not used, and asked for again
            map_style=self._map_style,
            script=script,
            oidc=self._oidc,
            tiles=json.dumps(asdict(self._tiles)) if self._tiles else "",
        )
        return web.Response(text=html, content_type="text/html")

    async def healthz(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"} | self._health.as_dict())

    async def readyz(self, _request: web.Request) -> web.Response:
        health, ready = self._health.as_dict(), self._health.ready
        return web.json_response({"status": "ok" if ready else "not_ready"} | health, status=200 if ready else 503)

    async def metrics(self, _request: web.Request) -> web.Response:
        metrics.storing.set(self._health.storing())  # also when a commit hangs, which the writer cannot tell
        # The gauges keep their last value while the database does not answer; a scrape must not wait for it.
        with contextlib.suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(MEASURE_S):
                await self._measure()
        text = prometheus_client.generate_latest().decode()
        return web.Response(text=text, content_type="text/plain", charset="utf-8")

    async def _measure(self) -> None:
        by_state = await self._read(queries.open_by_state)
        for state in ("waiting", "claimed", "helping", "handed_over", "resolved"):
            metrics.alerts_open.labels(state).set(by_state.get(state, 0))
        oldest = await self._read(queries.oldest_waiting, sorted(EMERGENCIES))
        metrics.oldest_waiting.set((self._clock.now() - oldest).total_seconds() if oldest else 0)
        metrics.outbox_pending.set(await self._read(queries.outbox_pending))
        backed_up = await self._read(queries.last_backup)
        metrics.backup_last_success.set(backed_up.timestamp() if backed_up else 0)
