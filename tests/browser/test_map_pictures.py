"""Pictures under the map: from the host in the settings and no other; what is drawn lies where they have it."""

import base64
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import asinh, pi, radians, tan

import pytest
from playwright.sync_api import Browser, Page, expect

from callcenter.alerts import datum
from callcenter.alerts.ranking import Spot, metres
from tests.browser.conftest import Desk
from tests.processes import Service, press, running

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
NOTE = "测绘 <b>GS(2026)0001</b>"


@pytest.fixture(scope="module")
def asked() -> Iterator[tuple[str, list[str]]]:
    """A server of pictures, and which it was asked for."""
    paths: list[str] = []

    class Tiles(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.end_headers()
            self.wfile.write(PICTURE)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Tiles)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", paths
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory, asked: tuple[str, list[str]]) -> Iterator[Service]:
    made = Service(tmp_path_factory.mktemp("mapped"), households=2)
    made.register()
    made.extra |= {
        "CALLCENTER_MAP_TILES": asked[0] + "/{z}/{x}/{y}.png",
        "CALLCENTER_MAP_DATUM": "gcj02",
        "CALLCENTER_MAP_NOTE": NOTE,
    }
    with running(made):
        yield made


@pytest.fixture
def empty_room() -> None:
    """This module has a centre of its own."""


@pytest.fixture
def page(chromium: Browser, mapped: Service) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="en")
    token = Desk(mapped.http, "operator1").token
    context.add_cookies([{"name": "vnh_session", "value": token, "domain": "127.0.0.1", "path": "/"}])
    made = context.new_page()
    made.goto(mapped.http)
    expect(made.locator(".link-live")).to_be_visible()
    yield made
    context.close()


def tile_of(spot: Spot, zoom: int) -> tuple[float, float]:
    """Where a place lies in the grid that all such pictures have (EPSG:3857)."""
    size = 2**zoom
    return (spot.lon + 180) / 360 * size, (1 - asinh(tan(radians(spot.lat))) / pi) / 2 * size


def test_pictures_lie_under_what_is_drawn_in_their_datum(
    page: Page, mapped: Service, asked: tuple[str, list[str]]
) -> None:
    home = Spot(37.5091, 122.1164)
    where = f'{{"lat": {home.lat}, "lon": {home.lon}, "acc": 20, "age": 1, "fix": "gnss", "datum": "wgs84"}}'
    press(mapped.mqtt_port, "bracelet-1", f'{{"v": 1, "msg": "m1", "kind": "sos", "loc": {where}}}')
    page.locator(".row").click()
    expect(page.locator("img.leaflet-tile-loaded").first).to_be_visible()
    expect(page.locator(".map-note")).to_have_text(NOTE)  # as text, whatever is in it

    # The pin stands where GCJ-02 has the place, in the picture that was asked for.
    pin = page.locator(".map-pin.map-fix").bounding_box()
    tile = page.locator("img.leaflet-tile-loaded").first
    found = re.search(r"/(\d+)/(\d+)/(\d+)\.png$", tile.get_attribute("src") or "")
    box = tile.bounding_box()
    assert pin
    assert box
    assert found
    zoom, x, y = (int(one) for one in found.groups())
    east, south = tile_of(datum.to_gcj02(home), zoom)
    assert abs(pin["x"] + pin["width"] / 2 - (box["x"] + (east - x) * 256)) < 3
    assert abs(pin["y"] + pin["height"] / 2 - (box["y"] + (south - y) * 256)) < 3
    assert any(path == f"/{zoom}/{x}/{y}.png" for path in asked[1])


def test_both_programs_shift_alike(page: Page) -> None:
    spots = [Spot(37.5091, 122.1164), Spot(22.543847, 113.912316), Spot(39.911954, 116.377817), Spot(51.5, -0.1)]
    for spot in spots:
        moved = page.evaluate(
            "async (one) => (await import('/static/datum.js')).toGcj02(one)", {"lat": spot.lat, "lon": spot.lon}
        )
        assert metres(Spot(moved["lat"], moved["lon"]), datum.to_gcj02(spot)) < 0.01


def test_no_other_host_is_asked_for_pictures(page: Page, mapped: Service, asked: tuple[str, list[str]]) -> None:
    answer = page.request.get(mapped.http)
    assert f"img-src 'self' data: blob: {asked[0]};" in answer.headers["content-security-policy"]
