"""The page of somebody who was asked to go: what it shows before and after a yes, and what its buttons do."""

import re
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from callcenter.storage import page_book, queries, tables as t
from devices.decoders import decode
from tests.integration.contract import assert_is
from tests.integration.office import payload
from tests.telephone.exchange import NEIGHBOURS, SEAL, Exchange, fill
from tests.telephone.page import DOOR, Phone, link_for, pages, served
from tests.telephone.test_offers import offers, sent
from tests.telephone.village import attended, change, data_of, rows

SAFE = "4711#"


@dataclass
class Street:
    """A village with the pages of its people."""

    exchange: Exchange
    base: str

    async def phone(self, alert: str, party: str, **headers: str) -> Phone:
        """Of somebody who was asked, with a link an operator made."""
        offer = offers(self.exchange, alert)[party][-1]["id"]
        path = await link_for(self.exchange.door.submit, SEAL, offer)
        return Phone(self.base, path, {"Accept-Language": "zh-CN"} | headers)

    def offer(self, alert: str, party: str = "responder:n1") -> dict:
        return offers(self.exchange, alert)[party][-1]


def _furnish(connection) -> None:
    connection.execute(update(t.households).values(lat=DOOR[0], lon=DOOR[1], entry_notes="钥匙在邻居家"))
    connection.execute(update(t.residents).values(sex="f"))
    connection.execute(update(t.responders).where(t.responders.c.id == "n1").values(lat=DOOR[0] + 0.0018, lon=DOOR[1]))
    connection.execute(update(t.responders).where(t.responders.c.id == "n1").values(name="赵国强"))


@asynccontextmanager
async def village(tmp_path: Path, *, settings: Mapping[str, Any] | None = None, **limits: int) -> AsyncIterator[Street]:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    fill(url)
    change(url, _furnish)
    async with attended(url, tmp_path, settings=settings, **limits) as exchange:
        await exchange.door.later(
            lambda connection: page_book.set_key_safe(connection, SEAL, "h-1", code=SAFE, now=exchange.clock.now())
        )
        made = pages(exchange.reader, exchange.door.submit, SEAL, exchange.clock)
        async with served(made.routes()) as base:
            yield Street(exchange, base)


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    async with village(tmp_path) as made:
        yield made


async def asked(street: Street) -> str:
    """An alert for which the neighbours' telephones ring."""
    alert = await sent(street.exchange)
    await street.exchange.until(lambda: "responder:n1" in offers(street.exchange, alert), what="people asked")
    return alert


async def test_before_a_yes_only_what_is_needed_to_decide_and_afterwards_how_to_help(street: Street) -> None:
    alert = await asked(street)
    phone = await (await street.phone(alert, "responder:n1")).opens()
    assert (phone.status, phone.buttons) == (200, ["yes", "no"])
    assert all(shown in phone.text for shown in ("王女士", "紧急求助", "d1-t1-v1", "约200米"))
    assert not any(hidden in phone.html for hidden in ("王秀英", "石岛村1号", "钥匙在邻居家", SAFE, "geo:"))

    await phone.presses("yes")
    assert phone.state == "going accepted"
    assert all(shown in phone.text for shown in ("王秀英", "石岛村1号", "钥匙在邻居家"))
    assert f"geo:{DOOR[0]:.6f},{DOOR[1]:.6f}" in phone.html
    assert 'href="tel:+8663112349"' in phone.html
    assert SAFE not in phone.html
    assert not any(number in phone.html for number in ("000000501", "000000511", "000000522")), "no other number"
    assert phone.buttons == ["key", "on_my_way", "at_door", "more", "done", "cannot"]
    mine = street.offer(alert)
    assert (mine["state"], mine["channel"]) == ("accepted", "page")
    assert street.exchange.alert(alert).responder == "responder:n1"
    others = [made[-1] for party, made in offers(street.exchange, alert).items() if party != "responder:n1"]
    assert {one["state"] for one in others} == {"withdrawn"}
    yes = next(entry for entry in street.exchange.entries() if entry.rule == "responder.accepts_waiting")
    assert {one["ended_at"] for one in others} == {yes.at.isoformat().replace("+00:00", "Z")}, "in the same transaction"


async def test_the_page_speaks_both_languages(street: Street) -> None:
    alert = await asked(street)
    phone = await (await street.phone(alert, "responder:n1", **{"Accept-Language": "en-GB,en"})).opens()
    assert all(shown in phone.text for shown in ("Ms 王 needs help", "about 200 m", "I will go"))
    phone.path += "?lang=zh-CN"
    assert "王女士需要帮助" in (await phone.opens()).text


async def test_the_code_of_the_key_safe_is_shown_once_to_who_goes_and_never_written_down(street: Street) -> None:
    alert = await asked(street)
    phone = await (await street.phone(alert, "responder:n1")).opens()
    assert SAFE not in (await phone.presses("key")).html, "nobody sees it who has not said yes"
    await phone.presses("yes")
    assert SAFE in (await phone.presses("key", press="press-key-1")).html
    assert SAFE in (await phone.presses("key", press="press-key-1")).html, "the answer may have been lost on its way"
    assert SAFE not in (await phone.presses("key", press="press-key-2")).html
    await phone.opens()
    assert SAFE not in phone.html
    assert "key" not in phone.buttons
    shown = [entry for entry in street.exchange.entries() if entry.rule == "responder.sees_key"]
    assert len(shown) == 1
    assert all(SAFE not in entry.data + str(entry.after) for entry in street.exchange.entries())
    assert SAFE.encode() not in b"".join(row["code"] for row in rows(street.exchange, t.key_safes)), "sealed"


async def test_the_whole_way_with_positions_and_a_proof(street: Street) -> None:
    """On the way by coming nearer, there by being there; where they are is kept only in between, and in no log."""
    alert = await asked(street)
    phone = await (await street.phone(alert, "responder:n1")).opens()
    assert await phone.is_at(600) == 409, "nobody wants to know it yet"
    await phone.presses("yes")
    assert await phone.is_at(600) == 204
    assert street.offer(alert)["state"] == "accepted"
    assert await phone.is_at(590) == 204
    assert street.offer(alert)["state"] == "accepted", "a telephone on a table moves as much"
    assert await phone.is_at(500) == 204
    mine = street.offer(alert)
    assert_is(mine, "Offer")
    assert (mine["state"], mine["position"]["acc"], mine["position"]["datum"]) == ("en_route", 10, "wgs84")
    assert street.exchange.read(page_book.positions_now)[0]["offer"] == mine["id"]
    assert await phone.is_at(20, acc=400) == 204
    assert street.offer(alert)["state"] == "en_route", "not known exactly enough"
    assert await phone.is_at(20) == 204
    there = street.offer(alert)
    assert (there["state"], there["proof"], there["position"]) == ("on_scene", "position", None)
    assert street.exchange.alert(alert).arrived_at
    assert rows(street.exchange, t.offer_positions) == []
    assert await phone.is_at(5) == 409
    assert (await phone.opens()).buttons == ["key", "more", "done"]
    assert data_of(street.exchange, "responder.arrives")[0]["proof"] == "position"
    logged = "".join(entry.data + str(entry.after) for entry in street.exchange.entries())
    assert not any(secret in logged for secret in ("37.16", '"lat"', phone.path.removeprefix("/r/")))

    await phone.presses("done")
    assert phone.state == "thanks"
    assert street.offer(alert)["state"] == "done"
    assert street.exchange.alert(alert).state == "helping", "never closed by it"
    assert street.exchange.alert(alert).attention_at


async def test_who_lives_next_door_is_not_there_before_they_say_so(street: Street) -> None:
    alert = await asked(street)
    phone = await (await street.phone(alert, "responder:n1")).opens()
    await phone.presses("yes")
    assert await phone.is_at(30) == 204
    assert await phone.is_at(25) == 204
    assert street.offer(alert)["state"] == "accepted"
    await phone.presses("at_door", lat=DOOR[0], lon=DOOR[1], acc=12)
    assert (phone.state, street.offer(alert)["proof"]) == ("going on_scene", "position")


async def test_a_word_without_a_proof_asks_a_person_and_a_device_of_the_house_proves_it(street: Street) -> None:
    alert = await asked(street)
    exchange = street.exchange
    phone = await (await street.phone(alert, "responder:n1")).opens()
    await phone.presses("yes")

    async def test_key(src: str) -> None:
        body = payload(secrets.token_hex(4), kind="test", src=src)
        await exchange.door.submit(decode("vnh/v1/bracelet-1/up/sos", body, exchange.clock.now()))

    await test_key("button")
    assert street.offer(alert)["state"] == "accepted", "a test alone may be the resident's"
    await phone.presses("at_door", lat=DOOR[0] + 0.01, lon=DOOR[1], acc=5)
    assert "测试键" in phone.text
    said = next(entry for entry in exchange.entries() if entry.rule == "responder.says_there")
    assert said.ring
    alert_now = exchange.alert(alert)
    assert (street.offer(alert)["state"], alert_now.arrived_at) == ("accepted", None)
    assert alert_now.attention_at
    before = exchange.alert(alert).press_count
    await exchange.press()
    assert exchange.alert(alert).press_count == before + 1, "an SOS is always a press"
    assert street.offer(alert)["state"] == "accepted"
    await test_key("auto")
    assert street.offer(alert)["state"] == "accepted"
    await test_key("button")
    assert (street.offer(alert)["state"], street.offer(alert)["proof"]) == ("on_scene", "device")


async def test_who_needs_more_help_gets_somebody_more_and_stays(street: Street) -> None:
    alert = await asked(street)
    exchange = street.exchange
    first = await (await street.phone(alert, "responder:n1")).opens()
    await first.presses("yes")
    await first.presses("at_door", lat=DOOR[0], lon=DOOR[1], acc=5)
    before = len(exchange.read(queries.offers, alert))
    await first.presses("more")
    assert "正在请更多的人过去" in first.text
    asked_anew = exchange.read(queries.offers, alert)[before:]
    assert asked_anew, "the next wave, although somebody is there"
    assert exchange.alert(alert).attention_at, "its owner is asked to look"
    party = asked_anew[0]["party"]
    second = await (await street.phone(alert, party)).opens()
    assert second.buttons == ["yes", "no"]
    await second.presses("yes")
    assert second.state == "going accepted"
    after = exchange.alert(alert)
    assert (after.responder, after.more_at) == ("responder:n1", None)
    assert after.more_by
    assert [one for one in exchange.read(queries.offers, alert) if one["state"] in ("queued", "offered")] == []
    assert street.offer(alert)["state"] == "on_scene"
    await second.presses("at_door", lat=DOOR[0], lon=DOOR[1], acc=5)
    assert exchange.alert(alert).more_by is None
    assert exchange.alert(alert).responder == "responder:n1"


async def test_who_cannot_come_after_all_is_replaced_at_once(street: Street) -> None:
    alert = await asked(street)
    phone = await (await street.phone(alert, "responder:n1")).opens()
    await phone.presses("yes")
    before = len(street.exchange.read(queries.offers, alert))
    await phone.presses("cannot")
    assert phone.state == "thanks"
    assert not any(hidden in phone.html for hidden in ("王", "石岛村"))
    assert street.offer(alert)["state"] == "declined"
    assert street.exchange.alert(alert).responder == ""
    assert len(street.exchange.read(queries.offers, alert)) > before


@pytest.mark.long
async def test_who_says_yes_on_the_page_and_does_not_move_is_not_counted_on(tmp_path: Path) -> None:
    """By a row of the timers; and they may still come."""
    async with village(tmp_path, move_s=60) as street:
        exchange = street.exchange
        alert = await asked(street)
        phone = await (await street.phone(alert, "responder:n1")).opens()
        await phone.presses("yes")
        assert "movement" in {row["kind"] for row in rows(exchange, t.timers) if row["alert_id"] == alert}
        await exchange.until(lambda: "help.no_movement" in exchange.rules(alert), what="the deadline")
        yes, late = (next(e for e in exchange.entries() if e.rule == rule)
                     for rule in ("responder.accepts_waiting", "help.no_movement"))  # fmt: skip
        assert (late.at - yes.at).total_seconds() >= 60
        assert late.ring
        mine = street.offer(alert)
        assert (mine["state"], mine["late"], mine["reason"]) == ("accepted", True, "no_movement")
        assert "我们还没有看到您到达" in (await phone.opens()).text
        await phone.presses("at_door", lat=DOOR[0], lon=DOOR[1], acc=5)
        assert exchange.alert(alert).responder == "responder:n1"


async def test_a_press_that_is_sent_again_counts_once(street: Street) -> None:
    alert = await asked(street)
    phone = await (await street.phone(alert, "responder:n1")).opens()
    await phone.presses("yes", press="press-yes")
    await phone.presses("yes", press="press-yes")
    assert phone.state == "going accepted"
    for _ in range(3):
        await phone.presses("more", press="press-more")
    assert street.exchange.rules(alert).count("responder.needs_more") == 1
    assert street.exchange.rules(alert).count("responder.accepts_waiting") == 1


async def test_being_asked_a_second_time_leaves_the_open_page_as_it_is(tmp_path: Path) -> None:
    """Their telephone was not answered, the next round texts them again; the page in their hand takes their yes."""
    async with village(tmp_path, settings={"links_in_texts": True}) as street:
        exchange = street.exchange
        alert = await asked(street)

        def links() -> list[str]:
            texts = [text["body"] for text in exchange.carrier.texts() if text["to"] == NEIGHBOURS[0]]
            return [found[0] for text in texts if (found := re.search(r"/r/[\w-]{36}", text))]

        await exchange.until(links, what="the first text")
        phone = await Phone(street.base, links()[0]).opens()
        await exchange.until(lambda: len(offers(exchange, alert)["responder:n1"]) > 1, what="the second round")
        await exchange.until(lambda: len(links()) > 1, what="its text")
        assert len(set(links())) == 1
        await phone.presses("yes")
        assert (phone.status, phone.state) == (200, "going accepted")
        assert exchange.alert(alert).responder == "responder:n1"


async def test_a_press_that_came_to_nothing_says_so(street: Street) -> None:
    alert = await asked(street)
    first, second = [await (await street.phone(alert, f"responder:n{n}")).opens() for n in (1, 2)]
    await first.presses("yes")
    await second.presses("yes", press="press-late")
    assert (second.status, second.state) == (409, "thanks")
    assert "没有生效" in second.text
    await second.presses("yes", press="press-late")
    assert second.status == 409, "also when the answer was lost and it is sent again"
    assert "没有生效" not in (await second.opens()).text
    await first.presses("cannot")
    await first.presses("more")
    assert first.status == 409


async def test_when_it_is_over_the_page_shows_nothing_but_a_thank_you(street: Street) -> None:
    alert = await asked(street)
    phone = await (await street.phone(alert, "responder:n1")).opens()
    await phone.presses("yes")
    await phone.is_at(600)
    await street.exchange.act(alert, "resolve", outcome="helped_at_home")
    await phone.opens()
    assert (phone.status, phone.state, phone.buttons) == (200, "thanks", [])
    assert not any(hidden in phone.html for hidden in ("王", "石岛村", "tel:", "geo:"))
    assert rows(street.exchange, t.offer_positions) == []
    assert (await phone.presses("more")).state == "thanks"
    assert "responder.needs_more" not in street.exchange.rules(alert)
