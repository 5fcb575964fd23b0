"""Somebody has left their zone: who is near to where they were last seen is asked, several look, one finder ends it."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, update

from callcenter.alerts.datum import to_gcj02
from callcenter.alerts.ranking import Spot
from callcenter.storage import queries, tables as t
from callcenter.storage.heard import store_telemetry
from devices.decoders import decode
from devices.telemetry import last_heard
from handlers.device_signals import Taken
from simulators.carrier.callees import Callee
from tests.integration.office import ANN, payload
from tests.telephone.exchange import ANN_PHONE, DAUGHTER, NEIGHBOURS, Exchange, fill
from tests.telephone.village import GOES, PATIENT, RINGS_LONG, attended, change, rings

pytestmark = pytest.mark.one_database

HOME, BRIDGE, STATION = (37.500, 122.100), (37.512, 122.100), (37.500, 122.125)  # 1.3 km north, 2.2 km east
LIVE_AT = {"n1": (37.5002, 122.1), "n2": (37.5121, 122.1), "n3": (37.5002, 122.125), "n4": (37.5119, 122.1005)}
FOUND = Callee("press", digits=("1",), early=True)


def places(connection: Connection) -> None:
    connection.execute(t.device_state.insert(), {"device_id": "bracelet-1"})
    connection.execute(update(t.households).values(lat=HOME[0], lon=HOME[1]))
    connection.execute(update(t.residents).values(born="1942-05-01"))
    for one, (lat, lon) in LIVE_AT.items():
        connection.execute(update(t.responders).where(t.responders.c.id == one).values(lat=lat, lon=lon))
    # Near the bridge, and registered in a town of which the resident's village is no part.
    connection.execute(t.areas.insert(), {"id": "d1-t2", "name": "d1-t2", "parent_id": "d1"})
    connection.execute(update(t.responders).where(t.responders.c.id == "n4").values(area_id="d1-t2"))


@pytest.fixture
async def both(phones_url: str, tmp_path: Path) -> AsyncIterator[Exchange]:
    change(phones_url, places)
    async with attended(phones_url, tmp_path, searchers=2) as made:
        yield made


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    fill(url)
    change(url, places)
    async with attended(url, tmp_path, searchers=2) as made:
        yield made


async def leaves(exchange: Exchange, at: tuple[float, float] | None = BRIDGE, **more: object) -> str:
    """The bracelet says that its zone is left, and where it is."""
    loc = {"lat": at[0], "lon": at[1], "acc": 12, "age": 0, "fix": "gnss"} | more if at else None
    said = payload(secrets.token_hex(4), kind="wander", **({"loc": loc} if loc else {}))
    taken = await exchange.door.submit(decode("vnh/v1/bracelet-1/up/sos", said, exchange.clock.now()))
    assert isinstance(taken, Taken)
    assert taken.alert
    return taken.alert


async def sought(exchange: Exchange, at: tuple[float, float] | None = BRIDGE, **more: object) -> str:
    alert = await leaves(exchange, at, **more)
    await exchange.act(alert, "claim")
    await exchange.act(alert, "dispatch")
    return alert


def offers(exchange: Exchange, alert: str) -> list[dict[str, Any]]:
    return sorted(exchange.read(queries.offers, alert), key=lambda one: (one["wave"], one["score"]))


def first_wave(exchange: Exchange, alert: str) -> list[str]:
    return [one["party"] for one in offers(exchange, alert) if one["wave"] == 1]


async def looked_for_by_two(exchange: Exchange) -> str:
    exchange.callees(GOES, NEIGHBOURS[1], NEIGHBOURS[3])
    alert = await sought(exchange)
    await exchange.until(lambda: len(exchange.alert(alert).searchers) == 2, what="two who look")
    return alert


async def test_the_nearest_to_the_last_fix_look_and_one_finder_ends_it(both: Exchange) -> None:
    alert = await looked_for_by_two(both)
    asked = first_wave(both, alert)
    assert asked[:2] == ["responder:n2", "responder:n4"], "who lives at the bridge, whatever area they belong to"
    assert set(both.alert(alert).searchers) == {"responder:n2", "responder:n4"}
    await both.until(lambda: "找到以后" in " ".join(both.heard(NEIGHBOURS[1])), what="what they hear")
    said = " ".join(both.heard(NEIGHBOURS[1]))
    for part in ("王秀英，84岁", "石岛村1号的北边，大约1300米", "误差大约50米", "找到以后"):
        assert part in said
    going = {one["party"]: one["state"] for one in offers(both, alert)}
    assert (going["responder:n2"], going["responder:n4"]) == ("accepted", "accepted")
    assert {state for party, state in going.items() if party not in ("responder:n2", "responder:n4")} == {"withdrawn"}

    await both.until(lambda: all(c.over for c in both.calls(alert) if c.dialogue == "search"), what="all on their way")
    both.callees(RINGS_LONG, NEIGHBOURS[3])
    leg = rings(both, NEIGHBOURS[1], callee=FOUND)
    await both.until(lambda: both.alert(alert).found_at, what="the key that says so")
    assert "王秀英" in " ".join(leg.heard)
    after = both.alert(alert)
    assert (after.responder, after.state.value) == ("responder:n2", "helping")
    assert after.owner == ANN
    assert next(entry for entry in both.entries() if entry.rule == "search.found").ring
    await both.until(lambda: any(c.dialogue == "search_over" for c in both.calls(alert)), what="the other one is told")
    told = [call.party for call in both.calls(alert) if call.dialogue == "search_over"]
    assert told == ["responder:n4"]
    ended = {one["party"]: (one["state"], one["proof"]) for one in offers(both, alert) if one["party"] in going}
    assert ended["responder:n2"] == ("on_scene", "key")
    assert ended["responder:n4"][0] == "done"

    finders = lambda: [call for call in both.calls(alert) if call.dialogue == "search_report"]  # noqa: E731
    await both.until(lambda: finders()[0].joined_at, what="the finder speaks with a person")
    await both.act(alert, "claim")  # it may have rung for everybody meanwhile
    assert (await both.act(alert, "resolve", outcome="helped_at_home")).alert.outcome
    assert [c.party for c in both.calls(alert) if c.dialogue == "search_over"] == ["responder:n4"], "told once"


@pytest.mark.long
async def test_while_they_walk_the_next_are_asked_where_they_are_now(exchange: Exchange) -> None:
    alert = await sought(exchange)
    assert "responder:n2" in first_wave(exchange, alert)
    exchange.callees(GOES, NEIGHBOURS[2])
    moved = decode(
        "vnh/v1/bracelet-1/up/loc",
        payload(secrets.token_hex(4), loc={"lat": STATION[0], "lon": STATION[1], "acc": 30, "datum": "wgs84"}),
        exchange.clock.now(),
    )
    heard = last_heard(moved)  # type: ignore[arg-type]
    rows = [heard._asdict() | {"b_device": heard.device}]
    await exchange.door.later(lambda connection: store_telemetry(connection, rows))
    await exchange.until(lambda: "responder:n3" in exchange.alert(alert).searchers, what="who lives where they are now")
    asked = [one for one in offers(exchange, alert) if one["party"] == "responder:n3"]
    assert min(one["parts"]["way"] for one in asked) < 100
    assert any("东边" in said for said in exchange.heard(NEIGHBOURS[2]))


async def test_a_fix_in_the_maps_own_datum_is_converted(exchange: Exchange) -> None:
    shown = to_gcj02(Spot(*BRIDGE))
    alert = await sought(exchange, (shown.lat, shown.lon), datum="gcj02")
    ways = {one["party"]: one["parts"]["way"] for one in offers(exchange, alert)}
    assert ways["responder:n2"] < 60, "at their door, and not half a kilometre off"


async def test_without_a_fix_the_search_begins_at_home(exchange: Exchange) -> None:
    exchange.callees(GOES, NEIGHBOURS[0])
    alert = await sought(exchange, None)
    assert first_wave(exchange, alert)[0] == "responder:n1"
    await exchange.until(lambda: exchange.alert(alert).searchers, what="somebody who looks")
    assert any("没有位置信息" in said for said in exchange.heard(NEIGHBOURS[0]))
    assert exchange.alert(alert).asked_at, "one is too few: more are asked"


@pytest.mark.long
async def test_an_operator_knows_it_first(exchange: Exchange) -> None:
    alert = await looked_for_by_two(exchange)
    exchange.callees(RINGS_LONG, NEIGHBOURS[1], NEIGHBOURS[3])
    await exchange.until(lambda: all(c.over for c in exchange.calls(alert) if c.dialogue == "search"), what="quiet")
    acted = await exchange.act(alert, "found")
    assert acted.alert.found_at
    told = [call.party for call in exchange.calls(alert) if call.dialogue == "search_over"]
    assert sorted(told) == ["responder:n2", "responder:n4"]
    leg = rings(exchange, NEIGHBOURS[1], callee=PATIENT)  # "I have found her", too late: to a person, as any caller
    await exchange.until(lambda: leg.heard, what="an answer")
    assert not any("请按 1" in said for said in leg.heard)


@pytest.mark.long
async def test_who_looks_is_told_also_when_it_is_resolved_without_a_word(exchange: Exchange) -> None:
    alert = await looked_for_by_two(exchange)
    await exchange.until(lambda: all(c.over for c in exchange.calls(alert) if c.dialogue == "search"), what="quiet")
    exchange.callees(Callee("silent", rings_s=1), NEIGHBOURS[1], NEIGHBOURS[3])
    await exchange.act(alert, "resolve", outcome="family_informed")
    await exchange.act(alert, "close")
    await exchange.until(
        lambda: all(any("结束" in said for said in exchange.heard(n)) for n in (NEIGHBOURS[1], NEIGHBOURS[3])),
        what="both hear that it is over",
    )
    assert exchange.alert(alert).state.value == "closed"


async def test_nobody_at_the_desk_and_the_ladder_still_finds_searchers(exchange: Exchange) -> None:
    await exchange.seat(state="away", phone=ANN_PHONE)
    exchange.callees(RINGS_LONG, "+861000000501", DAUGHTER)
    exchange.callees(GOES, NEIGHBOURS[1], NEIGHBOURS[3])
    alert = await leaves(exchange)
    await exchange.until(lambda: len(exchange.alert(alert).searchers) == 2, what="two who look")
    assert exchange.alert(alert).state.value == "waiting", "a person is still wanted"
