"""A responder's link opens once, for one person and one alert, for some hours; anybody else is refused and counted."""

import asyncio
import base64
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from sqlalchemy import select

from callcenter import metrics
from callcenter.alerts.model import Operator
from callcenter.alerts.rules import Refused
from callcenter.console.auth import SignedIn
from callcenter.console.feed import Feed
from callcenter.console.live import Health, Live, Presence
from callcenter.people.key_safes import import_key_safes
from callcenter.ports import LinkMade, LinkWanted, PolicyWanted
from callcenter.privacy import Seal
from callcenter.reactions import HANDLERS
from callcenter.responder.tokens import link_of, token
from callcenter.storage import page_book, policy_queries, tables as t
from callcenter.storage.engine import connect
from callcenter.storage.policy_shelf import Shelf, sha256
from callcenter.storage.writer import Writer
from config import policies
from handlers import links
from handlers.intake import Door
from tests.conftest import ManualClock
from tests.integration.contract import assert_is
from tests.integration.office import ANN, BEN, CHIEF, Office
from tests.telephone.exchange import SEAL, fill
from tests.telephone.page import CENTRE, DOOR, Phone, link_for, pages, served


class Ringing(Office):
    """An office that would ring, if anything performed its wishes."""

    def __init__(self, url: str, clock: ManualClock, *, node: str = "test", links: bool = False) -> None:
        super().__init__(url, clock, node=node)
        policy = policies.read()
        assert not isinstance(policy, str)
        shelf = Shelf(policy, rings=True, links=links)
        self.writer = Writer(connect(url, writer=True, size=1), node=node, policy=shelf, seal=SEAL)
        self.door = Door(self.writer, HANDLERS, clock)


@dataclass
class House:
    office: Ringing
    base: str
    alert: str = ""

    def offer(self, party: str) -> str:
        o = t.offers.c
        query = select(o.id).where(o.party == party, o.alert_id == self.alert).order_by(o.id.desc())
        return str(self.office.read(lambda connection: connection.execute(query).scalar()))

    async def link(self, party: str = "responder:n1") -> str:
        return await link_for(self.office.door.submit, SEAL, self.offer(party))

    async def phone(self, party: str = "responder:n1") -> Phone:
        return Phone(self.base, await self.link(party))

    async def presses_sos(self) -> str:
        self.alert = (await self.office.press("bracelet-1", f"m-{self.office.clock.now()}")).alert or ""
        await self.office.acts(self.alert, "claim")
        await self.office.acts(self.alert, "dispatch")
        return self.alert


@pytest.fixture
async def house(tmp_path: Path, clock: ManualClock) -> AsyncIterator[House]:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    fill(url)
    async with Ringing(url, clock) as office:
        made = pages(office.reader, office.door.submit, SEAL, clock)
        async with served(made.routes()) as base:
            one = House(office, base)
            await one.presses_sos()
            yield one


def counted(outcome: str) -> float:
    return metrics.responder_pages.labels(outcome)._value.get()


async def test_the_first_browser_has_it_and_a_second_one_is_refused_and_counted(house: House) -> None:
    first = await (await house.phone()).opens()
    assert (first.status, first.state) == (200, "asked queued")
    cookie = first.answer.headers["Set-Cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Lax", "Path=/r"))
    before = counted("replayed")
    second = Phone(house.base, first.path)
    for _ in range(2):
        assert (await second.opens()).status == 403
    assert "Set-Cookie" not in second.answer.headers
    assert (await second.presses("yes")).status == 403
    assert await second.is_at(10) == 403
    assert counted("replayed") - before == 4
    assert "王" not in second.html
    assert house.office.alert(house.alert).responder == ""
    assert (await first.opens()).status == 200, "as often as they like, without a limit"
    assert (await first.presses("yes")).state == "going accepted"


async def test_a_stolen_cookie_of_another_link_opens_nothing(house: House) -> None:
    one = await (await house.phone("responder:n1")).opens()
    other = await (await house.phone("responder:n2")).opens()
    thief = Phone(house.base, other.path, jar=one.jar)
    assert (await thief.opens()).status == 403


@pytest.mark.parametrize("guess", ["A" * 36, "a", "../../etc", "A" * 500, "%00" * 4, "ä" * 36, "'" * 36])
async def test_a_guess_is_refused_and_counted(house: House, guess: str) -> None:
    before = counted("forged")
    phone = await Phone(house.base, f"/r/{guess}").opens()
    assert phone.status == 404
    assert counted("forged") - before == (0 if "/" in guess else 1)


async def test_a_signature_is_of_one_link_and_one_deployment(house: House) -> None:
    path = await house.link()
    real = path.removeprefix("/r/")
    assert link_of(SEAL, real)
    changed = [real[:n] + ("A" if real[n] != "A" else "B") + real[n + 1 :] for n in range(len(real))]
    assert [one for one in changed if link_of(SEAL, one)] == []
    assert link_of(Seal(base64.urlsafe_b64encode(b"a key of another deployment, 32.")), real) is None
    before = counted("forged")
    nobodys = await Phone(house.base, f"/r/{token(SEAL, 'A' * 12)}").opens()
    assert (nobodys.status, counted("forged") - before) == (404, 1), "signed, and never made"


async def test_it_expires_and_a_newer_one_takes_its_place(house: House, clock: ManualClock) -> None:
    old = await (await house.phone()).opens()
    new = await (await house.phone()).opens()
    assert (new.status, (await old.opens()).status) == (200, 410)
    before = counted("expired")
    clock.advance(12 * 3600 + 1)
    assert (await new.opens()).status == 410
    assert (await new.presses("yes")).status == 410
    assert counted("expired") - before == 2
    assert house.office.alert(house.alert).responder == ""


async def test_only_its_owner_or_a_supervisor_makes_a_link(house: House) -> None:
    submit, offer = house.office.door.submit, house.offer("responder:n1")
    refused = await submit(LinkWanted(offer, BEN))
    assert isinstance(refused, Refused)
    assert refused.code == "not_owner"
    assert isinstance(await submit(LinkWanted(offer, CHIEF)), LinkMade)
    await house.office.acts(house.alert, "release")
    nobodys = await submit(LinkWanted(offer, ANN))
    assert isinstance(nobodys, Refused), "claim it first"
    assert len([entry for entry in house.office.entries() if entry.rule == "link.made"]) == 1


async def test_the_page_of_who_goes_is_taken_from_them_only_with_a_reason_and_the_code_tells_who_did(
    house: House,
) -> None:
    office, offer = house.office, house.offer("responder:n1")
    await office.door.later(
        lambda connection: page_book.set_key_safe(connection, SEAL, "h-1", code="4711", now=office.clock.now())
    )
    theirs = await (await house.phone()).opens()
    await theirs.presses("yes")
    refused = await office.door.submit(LinkWanted(offer, ANN))
    assert isinstance(refused, Refused)
    assert refused.code == "they_go"
    assert (await theirs.opens()).state == "going accepted"
    other = Phone(house.base, await link_for(office.door.submit, SEAL, offer, reason="their telephone is broken"))
    await other.opens()
    assert "4711" in (await other.presses("key")).html
    assert (await theirs.opens()).status == 410
    seen = next(entry for entry in office.entries() if entry.rule == "responder.sees_key")
    assert json.loads(seen.data)["operator"] == "operator1"
    made = [json.loads(entry.data) for entry in office.entries() if entry.rule == "link.made"]
    assert [one.get("text") for one in made] == [None, "their telephone is broken"]


async def test_asked_again_by_text_they_keep_their_link_and_nobody_gets_an_operators(
    tmp_path: Path, clock: ManualClock
) -> None:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    fill(url)
    async with Ringing(url, clock, links=True) as office:
        one = House(office, "")
        await one.presses_sos()

        def ask_again() -> str:
            """As the next round does; the id of the link in the text."""
            with office.writer.unit(clock.now()) as unit:
                call = next(call for call in unit.calls.of_alert(one.alert) if call.party == "responder:n1")
                offer = next(made for made in unit.offers.of_alert(one.alert) if made.party == "responder:n1")
                links.text(unit, call, offer)
            texts = [json.loads(row.args) for row in office.rows("outbox") if row.kind == "send_text"]
            return [text["link"] for text in texts if text["call"] == call.id][-1]

        first = ask_again()
        assert ask_again() == first, "the page that may be open"
        assert len([link for link in office.rows("responder_links") if link.party == "responder:n1"]) == 1
        path = await one.link()
        assert office.rows("responder_links")[-1].made_by == "operator1"
        new = ask_again()
        assert new not in (first, link_of(SEAL, path.removeprefix("/r/")))
        living = {link.id for link in office.rows("responder_links")
                  if link.party == "responder:n1" and not link.revoked_at}  # fmt: skip
        assert living == {new, link_of(SEAL, path.removeprefix("/r/"))}
        assert len(office.read(page_book.links_of, one.offer("responder:n1"))) == 3


async def test_it_opens_only_its_own_alert(house: House, clock: ManualClock) -> None:
    phone = await (await house.phone()).opens()
    first = house.alert
    await house.office.acts(first, "resolve", outcome="helped_at_home")
    clock.advance(60)
    await house.presses_sos()
    assert house.alert != first
    assert (await phone.opens()).state == "thanks"
    await phone.presses("yes")
    assert house.office.alert(house.alert).responder == ""


async def test_nothing_of_it_is_kept_shown_or_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        phone = await (await house.phone()).opens()
        await phone.presses("yes")
        await Phone(house.base, phone.path).opens()
    secret = phone.path.removeprefix("/r/")
    stored = repr([house.office.rows(name) for name in t.metadata.tables])
    assert secret[12:] not in stored
    assert all(cookie.value not in stored for cookie in phone.jar)
    assert secret[12:] not in caplog.text


async def test_a_preview_does_not_take_the_link_away(house: House) -> None:
    phone = await house.phone()
    robot = Phone(house.base, phone.path, {"User-Agent": "facebookexternalhit/1.1"})
    assert (await robot.opens()).status == 200
    assert "王" not in robot.html
    fetched = Phone(house.base, phone.path, {"Sec-Purpose": "prefetch"})
    assert "王" not in (await fetched.opens()).html
    assert (await phone.opens()).state == "asked queued"


MOZILLA = (
    "Mozilla/5.0 (Linux; Android 13; {}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36"
)
PEOPLE = [
    MOZILLA.format("CUBOT X30"),
    MOZILLA.format("CUBOT"),
    MOZILLA.format("Pixel 7") + " Telegram-Android/10.6.1 (Google Pixel 7; Android 13; SDK 33; HIGH)",
    MOZILLA.format("V2241A; wv") + " MicroMessenger/8.0.44",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 [FBAN/FBIOS] WhatsApp/2.23",
    MOZILLA.format("Preview One"),
]
ROBOTS = [
    "TelegramBot (like TwitterBot)",
    "WhatsApp/2.23.20.0 A",
    "facebookexternalhit/1.1 Facebot Twitterbot/1.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
]


@pytest.mark.parametrize("browser", PEOPLE)
async def test_a_person_with_any_telephone_is_no_robot(house: House, browser: str) -> None:
    phone = Phone(house.base, await house.link(), {"User-Agent": browser})
    assert (await phone.opens()).state == "asked queued"


@pytest.mark.parametrize("browser", ROBOTS)
async def test_whoever_is_taken_for_a_robot_can_call_or_open_it_by_hand(house: House, browser: str) -> None:
    phone = Phone(house.base, await house.link(), {"User-Agent": browser})
    await phone.opens()
    assert (phone.buttons, f"tel:{CENTRE}" in phone.html, "王" in phone.html) == (["open"], True, False)
    assert "Set-Cookie" not in phone.answer.headers
    await phone.presses("open")
    assert (phone.status, phone.state) == (200, "asked queued")
    assert (await phone.presses("yes")).state == "going accepted"
    thief = Phone(house.base, phone.path)
    assert (await thief.presses("open")).status == 403


async def test_whoever_was_let_go_sees_who_goes_and_nothing_of_the_resident(house: House) -> None:
    n1, n2 = [await (await house.phone(f"responder:n{n}")).opens() for n in (1, 2)]
    await n1.presses("yes")
    await n2.presses("yes")
    assert n2.state == "thanks"
    assert "n1老师已经去了" in n2.text
    assert "王" not in n2.html
    assert house.office.alert(house.alert).responder == "responder:n1"
    await house.office.acts(house.alert, "resolve", outcome="helped_at_home")
    assert "n1老师" not in (await n2.opens()).html  # its address is random letters and may hold an n1


async def test_a_text_message_holds_a_link_only_where_that_is_allowed(tmp_path: Path, clock: ManualClock) -> None:
    for allowed in (False, True):
        url = f"sqlite:///{tmp_path / f'{allowed}.db'}"
        fill(url)
        async with Ringing(url, clock, links=allowed) as office:
            one = House(office, "")
            await one.presses_sos()
            texts = [row.args for row in office.rows("outbox") if row.kind == "send_text"]
            made = office.rows("responder_links")
            assert len(made) == len(texts) == (len(office.rows("offers")) if allowed else 0)
            assert all(token(SEAL, link.id) not in " ".join(texts) for link in made)


async def test_a_policy_that_was_stored_leaves_the_links_in_text_messages(
    database_url: str, clock: ManualClock
) -> None:
    """What this deployment can do is no part of a policy: version 1 is the shipped text, and changes nothing."""
    fill(database_url)
    async with Ringing(database_url, clock, links=True) as office:
        chief, shipped = Operator("chief", "Chief", supervisor=True), policies.DEFAULT_FILE.read_text("utf-8")
        assert await office.door.submit(PolicyWanted(shipped, sha256(shipped), "the same", 0, chief)) == 1
        office.read(policy_queries.look, office.writer.shelf, clock.now())
        one = House(office, "")
        alert = await one.presses_sos()
        assert office.alert(alert).policy_version == 1
        texts = [json.loads(row.args) for row in office.rows("outbox") if row.kind == "send_text"]
        made = {link.id for link in office.rows("responder_links")}
        assert len(office.rows("offers")) == len(made) == 3
        assert {text["link"] for text in texts} == made


async def test_who_is_at_the_door_is_said_by_the_policy_of_the_alert(house: House) -> None:
    """A version that is stored while somebody is on the way makes nobody arrive (docs/adr/0018)."""
    office = house.office
    lat, lon = DOOR
    await office.door.later(lambda to: to.execute(t.households.update().values(lat=lat, lon=lon)))
    one = await (await house.phone()).opens()
    await one.presses("yes")
    chief, shipped = Operator("chief", "Chief", supervisor=True), policies.DEFAULT_FILE.read_text("utf-8")
    wide = shipped.replace("arrive_radius_m = 80", "arrive_radius_m = 150")
    assert await office.door.submit(PolicyWanted(wide, sha256(wide), "wider", 0, chief)) == 1
    office.read(policy_queries.look, office.writer.shelf, office.clock.now())
    for metres in (600, 300, 120):
        assert await one.is_at(metres) == 204
    assert office.alert(house.alert).arrived_at is None
    await one.presses("at_door", lat=lat + 0.001, lon=lon, acc=5)
    assert office.alert(house.alert).arrived_at is None, "111 m"
    assert await one.is_at(60) == 204
    assert office.alert(house.alert).arrived_at is not None


async def test_an_operator_makes_a_link_and_that_is_written_down_without_it(house: House) -> None:
    path = await house.link()
    made = next(entry for entry in house.office.entries() if entry.rule == "link.made")
    assert made.actor == "operator:operator1"
    assert '"party":"responder:n1"' in made.data
    assert path.removeprefix("/r/")[:12] not in made.data


async def test_consoles_see_where_somebody_is_in_a_frame_of_its_own(house: House, clock: ManualClock) -> None:
    office = house.office
    feed = Feed(office.reader, clock)
    presence = Presence(office.door.submit, clock)
    ann = SignedIn("operator1", "Ann", "operator", "h")

    async def session(_hash: str) -> SignedIn:
        return ann

    health = Health(lambda: True, lambda: True)
    live = Live(feed, presence, health, read=office.reader, clock=clock, session=session)

    async def connect_to(request: web.Request) -> web.StreamResponse:
        return await live.serve(request, ann, None)

    async with served([web.get("/live", connect_to)]) as base, aiohttp.ClientSession() as browser:
        telling = asyncio.create_task(live.run_positions())
        async with browser.ws_connect(f"{base}/live") as socket:
            phone = await (await house.phone()).opens()
            await phone.presses("yes")
            assert await phone.is_at(300) == 204

            async def next_positions() -> list[dict]:
                while True:
                    clock.advance(3)
                    with contextlib.suppress(TimeoutError):
                        frame = await socket.receive_json(timeout=0.1)
                        if frame["type"] == "positions":
                            assert_is(frame, "LivePositions")
                            return frame["positions"]

            (mine,) = await next_positions()
            assert (mine["alert_id"], mine["offer"], mine["acc"]) == (house.alert, house.offer("responder:n1"), 10)
            await office.acts(house.alert, "resolve", outcome="helped_at_home")
            assert await next_positions() == [], "dropped when it is over"
        telling.cancel()
        await asyncio.wait([telling])


async def test_codes_of_key_safes_are_imported_and_sealed(tmp_path: Path, clock: ManualClock) -> None:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    fill(url)
    file = tmp_path / "codes.csv"
    async with Ringing(url, clock) as office:
        for text, done in (
            ("household_id,code\nh-1,4711\n", (1, 0, 0, 0)),
            ("household_id,code\nh-1,4711\nnowhere,1\n", (0, 0, 1, 1)),
            ("household_id,code\nh-1,0815\n", (0, 1, 0, 0)),
        ):
            file.write_text(text, encoding="utf-8")
            report = import_key_safes(office.writer, SEAL, file, clock.now())
            assert (report.added, report.changed, report.unchanged, len(report.wrong)) == done
            assert "4711" not in repr(report.wrong)
        (row,) = office.rows("key_safes")
        assert SEAL.open(row.code) == "0815"
        assert b"0815" not in row.code
