"""Two say yes at once, one on the telephone, one on the page: one goes, the other hears who (PostgreSQL)."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from sqlalchemy import select, update

from callcenter.alerts.call_inputs import CallNews, Heard, News
from callcenter.alerts.call_model import Answer, CallOutcome
from callcenter.alerts.offer_model import ENDED, GOING
from callcenter.alerts.script import Said, Say
from callcenter.storage import page_book, queries, tables as t
from callcenter.storage.engine import connect
from config import prompts
from handlers.call_updates import CallUpdates, Lines
from handlers.intake import Door
from tests.conftest import ManualClock
from tests.integration.test_a_responders_link import House, Ringing
from tests.telephone.exchange import SEAL, fill
from tests.telephone.page import Phone, link_for, pages, served

ROUNDS = 24
NAMES = {"responder:n1": "赵国强", "responder:n2": "钱爱华"}
SAYS = {"responder:n1": "赵老师", "responder:n2": "钱老师"}


class Exchange(Ringing):
    """One process that hears carriers too."""

    def __init__(self, url: str, clock: ManualClock, *, node: str) -> None:
        super().__init__(url, clock, node=node)
        words = prompts.read()
        assert not isinstance(words, str)
        handlers = dict(self.door._handlers) | CallUpdates(Lines(words)).handlers()
        self.door = Door(self.writer, handlers, clock)

    def call_of(self, alert: str, party: str) -> str:
        c = t.calls.c
        query = select(c.id).where(c.alert_id == alert, c.party == party).order_by(c.id.desc())
        return str(self.read(lambda connection: connection.execute(query).scalar()))

    async def all_hang_up(self, alert: str) -> None:
        """Whoever is on the telephone can be asked again the next time."""
        c = t.calls.c
        query = select(c.id).where(c.alert_id == alert, c.ended_at.is_(None))
        for call in self.read(lambda connection: connection.execute(query).scalars().all()):
            await self.news(call, News.ENDED, outcome=CallOutcome.ANSWERED)

    async def news(self, call: str, what: News, **more: object):
        event = f"{call}-{what}-{more}"
        heard = Heard(what, self.clock.now(), ref=f"CA-{call}", **more)
        return await self.door.submit(CallNews("twilio", event, call, heard, {}, self.clock.now()))


@dataclass
class Race:
    one: Exchange
    two: Exchange
    houses: tuple[House, House]


@pytest.fixture
async def race(postgres, clock: ManualClock) -> AsyncIterator[Race]:
    url = postgres.create()
    fill(url)
    engine = connect(url, writer=True, size=1)
    with engine.begin() as connection:
        for party, name in NAMES.items():
            theirs = t.responders.c.id == party.removeprefix("responder:")
            connection.execute(update(t.responders).where(theirs).values(name=name))
    engine.dispose()
    async with contextlib.AsyncExitStack() as stack:
        offices = [await stack.enter_async_context(Exchange(url, clock, node=node)) for node in ("a", "b")]
        bases = [
            await stack.enter_async_context(served(pages(o.reader, o.door.submit, SEAL, clock).routes()))
            for o in offices
        ]
        houses = [House(office, base) for office, base in zip(offices, bases, strict=True)]
        yield Race(offices[0], offices[1], (houses[0], houses[1]))


async def at_the_phone(office: Exchange, alert: str, party: str) -> str:
    """Their telephone was answered and says the offer."""
    call = office.call_of(alert, party)
    await office.news(call, News.ANSWERED)
    return call


async def test_of_two_who_say_yes_on_different_channels_one_goes_and_the_other_hears_who(race: Race) -> None:
    won: Counter[str] = Counter()
    for round_ in range(ROUNDS):
        heard_by, shown_by = (race.one, race.houses[1]) if round_ % 2 else (race.two, race.houses[0])
        by_phone, by_page = list(NAMES) if round_ % 4 < 2 else list(NAMES)[::-1]
        shown_by.office.clock.advance(60)
        alert = await shown_by.presses_sos()
        call = await at_the_phone(heard_by, alert, by_phone)
        page = Phone(shown_by.base, await link_for(shown_by.office.door.submit, SEAL, shown_by.offer(by_page)))
        await page.opens()
        assert page.state.startswith("asked"), page.html

        said = await both_say_yes(page, heard_by, call, round_)

        goes = race.one.alert(alert).responder
        won[f"{'phone' if goes == by_phone else 'page'}"] += 1
        check_one_goes(race.one, alert, goes, by_phone, by_page)
        spoken = " ".join(step.text for step in said.script if isinstance(step, Say))
        if goes == by_page:
            assert page.state == "going accepted"
            assert SAYS[by_page] in spoken, "the loser's telephone hears who goes"
            assert await leg(race.one, call) == Answer.TOO_LATE
        else:
            assert page.state == "thanks"
            assert f"{SAYS[by_phone]}已经去了" in page.text, "the loser's page says who goes"
            assert "王" not in page.html
        await shown_by.office.acts(alert, "resolve", outcome="helped_at_home")
        await shown_by.office.acts(alert, "close")
        await race.one.all_hang_up(alert)
    assert won.keys() == {"phone", "page"}
    race.one.assert_whole()


async def both_say_yes(page: Phone, heard_by: Exchange, call: str, round_: int) -> Said:
    """In the same instant, but for the first two rounds, which say who comes first. The telephone has no way to go
    before its door, so it starts some milliseconds later, in each round another number of them."""

    async def key() -> Said:
        await asyncio.sleep(round_ % 8 / 1000)
        return await heard_by.news(call, News.INPUT, digits="1", step="offer")

    if round_ == 0:
        await page.presses("yes")
        return await key()
    if round_ == 1:
        said = await key()
        await page.presses("yes")
        return said
    said, _ = await asyncio.gather(key(), page.presses("yes"))
    return said


async def leg(office: Exchange, call: str) -> str:
    query = select(t.calls.c.answer).where(t.calls.c.id == call)
    return str(office.read(lambda connection: connection.execute(query).scalar()))


def check_one_goes(office: Exchange, alert: str, goes: str, by_phone: str, by_page: str) -> None:
    """One offer is accepted, all others ended, and every other telephone told to stop, in one transaction."""
    assert goes in (by_phone, by_page)
    offers = office.read(queries.offers, alert)
    going = [one for one in offers if one["state"] in GOING]
    assert [(one["party"], one["channel"]) for one in going] == [(goes, "phone" if goes == by_phone else "page")]
    assert all(one["state"] in ENDED for one in offers if one not in going)
    rules = [entry for entry in office.entries() if entry.alert_id == alert]
    yes = [entry for entry in rules if "accept" in entry.rule]
    assert len(yes) == 1, [entry.rule for entry in rules]
    c = t.calls.c
    query = select(c.party, c.state, c.hang_up_at, c.ended_at, c.dialogue, c.answer).where(c.alert_id == alert)
    for call in office.read(lambda connection: connection.execute(query).all()):
        if call.dialogue != "offer" or call.party == by_phone:
            continue
        assert (call.hang_up_at or call.ended_at) == yes[0].at
    numbers = [entry.n for entry in rules if entry.rule in ("call.hung_up", "call.unwanted")]
    assert numbers, json.dumps([entry.rule for entry in rules])


async def test_two_pages_in_two_processes_have_one_winner_too(race: Race) -> None:
    one, two = race.houses
    for round_ in range(8):
        one.office.clock.advance(60)
        two.alert = await one.presses_sos()
        phones = []
        for house, party in zip((one, two) if round_ % 2 else (two, one), NAMES, strict=True):
            phones.append(Phone(house.base, await link_for(house.office.door.submit, SEAL, house.offer(party))))
        await asyncio.gather(*(phone.opens() for phone in phones))
        await asyncio.gather(*(phone.presses("yes") for phone in phones))
        assert sorted(phone.state for phone in phones) == ["going accepted", "thanks"]
        await one.office.acts(one.alert, "resolve", outcome="helped_at_home")
        await one.office.acts(one.alert, "close")
        await race.one.all_hang_up(one.alert)


async def test_two_browsers_in_two_processes_that_open_one_link_at_once(race: Race) -> None:
    one, two = race.houses
    await one.presses_sos()
    for _ in range(8):
        path = await link_for(one.office.door.submit, SEAL, one.offer("responder:n1"))
        phones = [Phone(one.base, path), Phone(two.base, path)]
        await asyncio.gather(*(phone.opens() for phone in phones))
        assert sorted(phone.status for phone in phones) == [200, 403]
        holder = next(phone for phone in phones if phone.status == 200)
        assert (await holder.opens()).status == 200
    assert len(one.office.read(page_book.links_of, one.offer("responder:n1"))) == 8
