"""The page while somebody is looked for: where they were last seen, and no way into a house in which nobody is."""

import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, update

from callcenter.storage import page_book, tables as t
from devices.decoders import decode
from handlers.device_signals import Taken
from tests.integration.office import payload
from tests.telephone.page import DOOR, Phone
from tests.telephone.test_offers import offers, sent
from tests.telephone.test_the_responders_page import SAFE, Street, asked, village
from tests.telephone.village import change, rows

BRIDGE = (DOOR[0] + 0.012, DOOR[1])  # 1.3 km north of the door
OF_THE_HOUSE = ("石岛村1号", "钥匙在邻居家", SAFE, f"{DOOR[0]:.6f}", 'value="key"', 'value="at_door"')


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    async with village(tmp_path, searchers=2) as made:
        change(made.exchange.url, _write_down)
        yield made


def _write_down(connection: Connection) -> None:
    connection.execute(t.device_state.insert(), {"device_id": "bracelet-1"})
    connection.execute(update(t.residents).values(born="1942-05-01"))


async def leaves(street: Street, at: tuple[float, float] | None = BRIDGE) -> str:
    exchange = street.exchange
    loc = {"loc": {"lat": at[0], "lon": at[1], "acc": 12, "age": 0, "fix": "gnss"}} if at else {}
    said = payload(secrets.token_hex(4), kind="wander", **loc)
    taken = await exchange.door.submit(decode("vnh/v1/bracelet-1/up/sos", said, exchange.clock.now()))
    assert isinstance(taken, Taken)
    assert taken.alert
    return taken.alert


def shows_the_house(phone: Phone) -> list[str]:
    return [one for one in OF_THE_HOUSE if one in phone.html]


def texts(street: Street) -> list[tuple[str, str]]:
    """(prompt, party) of every text message wished for."""
    parties = {call.id: call.party for call in street.exchange.calls()}
    wished = [json.loads(row["args"]) for row in rows(street.exchange, t.outbox) if row["kind"] == "send_text"]
    return [(one["prompt"], parties[one["call"]]) for one in wished]


async def test_a_link_of_before_the_search_shows_the_search(street: Street) -> None:
    alert = await asked(street)
    phone = await (await street.phone(alert, "responder:n1")).opens()
    assert "王女士需要帮助" in phone.text
    assert await leaves(street) == alert
    await phone.opens()
    assert (phone.state.split()[0], phone.buttons) == ("asked", ["yes", "no"])
    assert all(shown in phone.text for shown in ("王女士走失了", "分钟前", "误差大约50米", "约1.1公里")), phone.text
    assert not shows_the_house(phone)
    assert "王秀英" not in phone.html

    await phone.presses("yes")
    assert phone.state == "searching accepted"
    assert street.exchange.alert(alert).searchers == ("responder:n1",)
    assert all(shown in phone.text for shown in ("王秀英，84岁", "37.17200, 122.44000", "不在家"))
    assert f"geo:{BRIDGE[0]:.6f},{BRIDGE[1]:.6f}" in phone.html
    assert 'href="tel:+8663112349"' in phone.html
    assert not shows_the_house(phone)
    assert ("sms_search", "responder:n1") in texts(street), "as after key 1"
    await phone.presses("key")
    assert SAFE not in phone.html
    assert "responder.sees_key" not in street.exchange.rules(alert)


async def test_who_goes_to_the_door_already_is_asked_to_look(street: Street) -> None:
    alert = await asked(street)
    phone = await (await street.phone(alert, "responder:n1")).opens()
    await phone.presses("yes")
    assert "石岛村1号" in phone.text
    await leaves(street)
    assert await phone.is_at(20) == 409, "there is no door to come nearer to"
    await phone.presses("at_door", lat=DOOR[0], lon=DOOR[1], acc=5)
    assert street.exchange.alert(alert).arrived_at is None
    await phone.opens()
    assert (phone.state, phone.buttons) == ("asked accepted", ["yes", "no"])
    assert not shows_the_house(phone)
    await phone.presses("yes")
    assert phone.state == "searching accepted"
    assert street.exchange.alert(alert).searchers == ("responder:n1",)


async def test_where_a_searcher_is_is_shared_and_their_home_is_no_arrival(street: Street) -> None:
    alert = await asked(street)
    await leaves(street)
    phone = await (await street.phone(alert, "responder:n1")).opens()
    await phone.presses("yes")
    for north in (900, 500, 10):
        assert await phone.is_at(north) == 204
    mine = street.offer(alert)
    assert (mine["state"], bool(mine["position"])) == ("accepted", True)
    assert "responder.arrives" not in street.exchange.rules(alert)
    assert len(street.exchange.read(page_book.positions_now)) == 1


async def test_a_searcher_who_is_done_is_not_counted_and_another_one_is_asked(street: Street) -> None:
    alert = await asked(street)
    await leaves(street)
    for party in ("responder:n1", "responder:n2"):
        phone = await (await street.phone(alert, party)).opens()
        await phone.presses("yes")
    assert len(street.exchange.alert(alert).searchers) == 2
    assert phone.buttons == ["more", "done"]
    waves = street.exchange.alert(alert).waves
    await phone.presses("done")
    after = street.exchange.alert(alert)
    assert (after.searchers, after.searching, after.waves) == (("responder:n1",), True, waves + 1)
    assert after.asked_at, "until somebody says yes"
    assert after.attention_at
    assert phone.state == "thanks"


async def test_enough_look_already(street: Street) -> None:
    alert = await asked(street)
    await leaves(street)
    parties = list(offers(street.exchange, alert))[:3]
    phones = [await (await street.phone(alert, party)).opens() for party in parties]
    for phone in phones:
        await phone.presses("yes")
    assert phones[2].state == "thanks"
    assert "已经有足够的人在找了" in phones[2].text
    assert len(street.exchange.alert(alert).searchers) == 2


async def test_without_a_position_it_begins_near_their_home_and_speaks_english(street: Street) -> None:
    alert = await sent(street.exchange)
    await leaves(street, None)
    await street.exchange.until(lambda: street.exchange.calls(alert), what="people asked")
    phone = await (await street.phone(alert, "responder:n1", **{"Accept-Language": "en-GB,en"})).opens()
    assert all(shown in phone.text for shown in ("Ms 王 has gone astray", "No position is known", "I will look"))
    assert not shows_the_house(phone)
    await phone.presses("yes")
    assert all(
        shown in phone.text for shown in ("王秀英, 84 years old", "begin near their home: 石岛村1号", "not at home")
    )
    assert not any(one in phone.html for one in OF_THE_HOUSE[1:])


async def test_who_found_them_is_not_at_their_door(street: Street) -> None:
    alert = await asked(street)
    await leaves(street)
    phone = await (await street.phone(alert, "responder:n1")).opens()
    await phone.presses("yes")
    await street.exchange.act(alert, "found", party="responder:n1", person="赵国强")
    await phone.opens()
    assert phone.state == "going on_scene"
    assert "您找到了王女士" in phone.text
    assert "您已到达" not in phone.text
