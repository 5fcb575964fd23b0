"""Neighbours with a telephone: a text message brings a link, they open it, walk, and press what there is to press.

They know the wire only: the carrier's messages, the page's HTML, its forms, and where it says that the door is.
"""

import asyncio
import re
import secrets
from dataclasses import dataclass, field
from random import Random

import aiohttp
import structlog

log = structlog.get_logger()

LINK = re.compile(r"https?://\S+?(/r/[A-Za-z0-9_-]{36})", re.ASCII)
STATE = re.compile(r'data-state="(\w*)" data-phase="(\w*)"')
BUTTON = re.compile(r'name="press" value="([\w-]+)">\s*<button name="do" value="(\w+)"')
MAP = re.compile(r'href="geo:(-?[\d.]+),(-?[\d.]+)')
LOOKS_EVERY_S = 2.0
DECIDES_WITHIN_S = 120.0  # the telephone rings meanwhile
STEPS, STEP_S = 8, 4.0
STARTS_M = 400.0
STAYS_S = 20.0
METRES_PER_DEGREE = 111_195
PRESSES_ON_PAGE = 0.25  # so many say yes here; the others wait for their telephone


@dataclass
class Page:
    """One page, as a browser has it."""

    http: aiohttp.ClientSession
    address: str
    html: str = ""

    async def look(self) -> str:
        async with self.http.get(self.address) as answer:
            self.html = await answer.text()
        return self.state

    @property
    def state(self) -> str:
        """asked, going/accepted, going/en_route, going/on_scene, thanks, refused."""
        found = STATE.search(self.html)
        return "/".join(filter(None, found.groups())) if found else ""

    @property
    def door(self) -> tuple[float, float] | None:
        found = MAP.search(self.html)
        return (float(found[1]), float(found[2])) if found else None

    async def press(self, button: str) -> str:
        """Press it if it is there."""
        press = next((press for press, name in BUTTON.findall(self.html) if name == button), "")
        if press:
            form = {"do": button, "press": press}
            async with self.http.post(self.address, data=form) as answer:
                self.html = await answer.text()
        return self.state

    async def share(self, lat: float, lon: float) -> bool:
        """False: nobody wants to know it any more."""
        place = {"lat": lat, "lon": lon, "acc": 12.0, "age": 0}
        async with self.http.post(f"{self.address}/position", json=place) as answer:
            return answer.status == 204


@dataclass
class Neighbours:
    """Everybody who gets a text message with a link."""

    carrier: str
    centre: str
    dice: Random
    pace: float = 1.0
    seen: set[str] = field(default_factory=set)
    arrived: int = 0
    done: int = 0

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group, aiohttp.ClientSession() as http:
            while True:
                for path in await self._links(http):
                    name = f"neighbour {secrets.token_hex(2)}"  # a link is a secret, also in the name of a task
                    group.create_task(self._answer(path), name=name)
                await self._sleep(LOOKS_EVERY_S)

    async def _links(self, http: aiohttp.ClientSession) -> list[str]:
        """New ones. While the carrier is away there are none."""
        try:
            async with http.get(f"{self.carrier}/sim/messages") as answer:
                found = [match[1] for text in await answer.json() if (match := LINK.search(text["body"]))]
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return []
        new = [path for path in dict.fromkeys(found) if path not in self.seen]
        self.seen.update(new)
        return new

    async def _answer(self, path: str) -> None:
        try:
            async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
                page = Page(http, self.centre + path)
                if await self._decides(page):
                    await self._goes(page)
        except (aiohttp.ClientError, TimeoutError):
            log.warning("neighbour_lost_the_network")
        except Exception:
            log.exception("neighbour_fell_over")

    async def _decides(self, page: Page) -> bool:
        """Wait for what the telephone brings, or say yes here."""
        here = self.dice.random() < PRESSES_ON_PAGE
        waited = 0.0
        while (state := await page.look()) == "asked" or state.startswith("asked/"):
            if here and waited > 2 * LOOKS_EVERY_S:
                await page.press("yes")
                continue
            if waited > DECIDES_WITHIN_S:
                return False
            waited += LOOKS_EVERY_S
            await self._sleep(LOOKS_EVERY_S)
        return state.startswith("going/")

    async def _goes(self, page: Page) -> None:
        await page.press("on_my_way")
        if door := page.door:
            for step in range(STEPS, -1, -1):
                north = STARTS_M * step / STEPS / METRES_PER_DEGREE
                if not await page.share(door[0] + north, door[1]):
                    break
                await self._sleep(STEP_S)
        await page.look()
        if await page.press("at_door") == "going/on_scene":
            self.arrived += 1
            log.info("neighbour_is_there")
        await self._sleep(STAYS_S)
        await page.look()
        if page.state.startswith("going/") and await page.press("done") == "thanks":
            self.done += 1
            log.info("neighbour_is_done")

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.pace)
