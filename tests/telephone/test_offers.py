"""Who is asked to go, told by their offers: the next after a no, the level above in time, one yes ends the others."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from callcenter.storage import queries, tables as t
from simulators.carrier.callees import Callee
from tests.telephone.exchange import (
    NEIGHBOURS,
    STATION,
    Exchange,
    fill,
)
from tests.telephone.village import GOES, attended, change

pytestmark = pytest.mark.one_database

SAYS_NO = Callee("press", digits=("2",), rings_s=1, early=True)


@pytest.fixture
async def both(phones_url: str, tmp_path: Path) -> AsyncIterator[Exchange]:
    """On each database: what has to stand in one transaction."""
    async with attended(phones_url, tmp_path) as made:
        yield made


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    fill(url)
    async with attended(url, tmp_path) as made:
        yield made


def offers(exchange: Exchange, alert: str) -> dict[str, list[dict[str, Any]]]:
    """By party, each in the order in which they were made."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in exchange.read(queries.offers, alert):
        found.setdefault(one["party"], []).append(one)
    return found


def states(exchange: Exchange, alert: str) -> dict[str, str]:
    """How the last offer to each stands."""
    return {party: made[-1]["state"] for party, made in offers(exchange, alert).items()}


async def sent(exchange: Exchange) -> str:
    alert = await exchange.press()
    await exchange.act(alert, "claim")
    await exchange.act(alert, "dispatch")
    return alert


async def test_one_yes_and_everybody_else_is_let_go_and_each_says_why_they_were_asked(both: Exchange) -> None:
    both.callees(GOES, NEIGHBOURS[0])
    alert = await sent(both)
    await both.until(lambda: both.alert(alert).responder, what="a yes")
    found = offers(both, alert)
    (goes,) = found.pop("responder:n1")
    assert (goes["state"], goes["channel"], goes["level"]) == ("accepted", "phone", "neighbour")
    assert goes["accepted_at"] < goes["due"], "they are expected"
    assert {one["state"] for made in found.values() for one in made} == {"withdrawn"}
    (daughter,) = found["contact:c-1"]
    assert daughter["parts"]["key"] == 0 < goes["parts"]["key"], "she has the key"
    assert all(one["score"] == sum(one["parts"].values()) for made in found.values() for one in made)
    yes = next(e.at for e in both.entries() if e.rule.startswith("call.accepted"))
    assert {one["ended_at"] for made in found.values() for one in made} == {yes.isoformat().replace("+00:00", "Z")}

    await both.act(alert, "resolve", outcome="helped_at_home")
    assert states(both, alert)["responder:n1"] == "done"


async def test_a_no_is_an_end_and_the_next_is_asked_in_their_place(exchange: Exchange) -> None:
    exchange.callees(SAYS_NO, NEIGHBOURS[0])
    alert = await sent(exchange)
    await exchange.until(lambda: states(exchange, alert).get("responder:n1") == "declined", what="a no")
    found = offers(exchange, alert)
    assert set(found) == {"contact:c-1", "responder:n1", "responder:n2", "responder:n3"}
    assert found["responder:n3"][0]["asked_at"] == found["responder:n1"][0]["ended_at"], "in the same transaction"
    await exchange.until(lambda: len(offers(exchange, alert)["responder:n2"]) == 2, what="the second round")
    assert len(offers(exchange, alert)["responder:n1"]) == 1, "a no is not asked again"


@pytest.mark.long
async def test_the_level_above_is_asked_in_time(exchange: Exchange) -> None:
    exchange.callees(GOES, STATION)
    alert = await sent(exchange)
    first = await exchange.until(lambda: exchange.read(queries.offers, alert), what="the first wave")
    await exchange.until(lambda: exchange.alert(alert).responder, what="a yes")
    levels = {one["level"]: one["asked_at"] for one in reversed(exchange.read(queries.offers, alert))}
    assert sorted(levels, key=levels.__getitem__) == ["neighbour", "village", "town"]
    assert levels["neighbour"] == first[0]["asked_at"]
    assert exchange.alert(alert).responder == "responder:town"


async def test_a_level_that_nobody_belongs_to_is_skipped_at_once_and_told(exchange: Exchange) -> None:
    change(
        exchange.url,
        lambda to: to.execute(update(t.responders).where(t.responders.c.kind == "neighbour").values(stopped=True)),
    )
    change(exchange.url, lambda to: to.execute(t.contacts.delete()))
    alert = await sent(exchange)
    await exchange.until(lambda: "responder:doc" in offers(exchange, alert), what="the village doctor")
    assert set(offers(exchange, alert)) == {"responder:doc"}
    gaps = [entry for entry in exchange.entries() if entry.rule == "help.gap"]
    assert [gap.data for gap in gaps] == ['{"level":"neighbour"}']
    asked = next(entry for entry in exchange.entries() if entry.rule == "call.wanted" and '"offer"' in entry.data)
    assert gaps[0].at == asked.at


async def test_who_does_not_come_after_all_is_not_counted_on_and_another_one_goes(exchange: Exchange) -> None:
    exchange.callees(GOES, NEIGHBOURS[0])
    alert = await sent(exchange)
    await exchange.until(lambda: exchange.alert(alert).responder, what="a yes")
    exchange.callees(GOES, NEIGHBOURS[2])
    await exchange.act(alert, "offer_next")
    await exchange.until(lambda: exchange.alert(alert).responder, what="another yes")
    found = states(exchange, alert)
    assert (found["responder:n1"], found["responder:n3"]) == ("declined", "accepted")
    assert list(found.values()).count("accepted") == 1


async def test_a_telephone_that_can_never_be_rung_is_not_tried_again(exchange: Exchange) -> None:
    change(
        exchange.url, lambda to: to.execute(update(t.responders).where(t.responders.c.id == "n1").values(phone="+99"))
    )
    alert = await sent(exchange)
    await exchange.until(lambda: len(offers(exchange, alert).get("responder:n2", ())) == 2, what="the second round")
    (never,) = offers(exchange, alert)["responder:n1"]
    assert (never["state"], never["reason"]) == ("missed", "unreachable")


async def test_who_is_seen_at_the_door_is_there_with_a_proof(both: Exchange) -> None:
    both.callees(GOES, NEIGHBOURS[0])
    alert = await sent(both)
    await both.until(lambda: both.alert(alert).responder, what="a yes")
    acted = await both.act(alert, "arrived")
    assert acted.alert.arrived_at == next(e.at for e in both.entries() if e.rule == "operator.sees_arrival")
    (there,) = offers(both, alert)["responder:n1"]
    assert (there["state"], there["proof"], there["due"]) == ("on_scene", "voice", None)


@pytest.mark.long
async def test_who_does_not_come_in_time_is_late_others_are_asked_and_either_may_come(tmp_path: Path) -> None:
    """Without anybody's touch in the centre; and the one who was late is believed when they are there after all."""
    url = f"sqlite:///{tmp_path / 'test.db'}"
    fill(url)
    async with attended(url, tmp_path, arrive_s=60) as exchange:
        exchange.callees(GOES, NEIGHBOURS[0])
        alert = await sent(exchange)
        await exchange.until(lambda: exchange.alert(alert).responder, what="a yes")
        exchange.callees(GOES, NEIGHBOURS[1])
        await exchange.until(lambda: "help.late" in exchange.rules(alert), what="the deadline")
        await exchange.until(lambda: exchange.alert(alert).responder == "responder:n2", what="another yes")
        found = offers(exchange, alert)
        assert [(one["state"], one["late"]) for one in found["responder:n1"]] == [("accepted", True)]
        assert [(one["state"], one["late"]) for one in found["responder:n2"]][-1] == ("accepted", False)
        late = next(entry for entry in exchange.entries() if entry.rule == "help.late")
        assert late.ring, "everybody hears it"
        yes = next(entry for entry in exchange.entries() if entry.rule.startswith("call.accepted"))
        assert (late.at - yes.at).total_seconds() >= 60

        await exchange.act(alert, "claim")  # meanwhile it may have rung for everybody
        await exchange.act(alert, "arrived", party="responder:n1", person="n1")
        assert exchange.alert(alert).responder == "responder:n1"
        (there,) = offers(exchange, alert)["responder:n1"]
        assert (there["state"], there["late"]) == ("on_scene", False)


async def test_nobody_is_at_the_door_unless_it_is_said_who(exchange: Exchange) -> None:
    alert = await exchange.press()
    await exchange.act(alert, "claim")
    declined = await exchange.act(alert, "arrived")
    assert declined.refused.code == "missing"
    assert exchange.alert(alert).arrived_at is None


async def test_of_an_alert_that_was_reopened_the_nearest_are_asked_anew(exchange: Exchange) -> None:
    """Whoever said no to it, or went, was asked about another day."""
    exchange.callees(SAYS_NO, NEIGHBOURS[0])
    exchange.callees(GOES, NEIGHBOURS[2])
    alert = await sent(exchange)
    await exchange.until(lambda: exchange.alert(alert).responder, what="a yes")
    for action, more in (("resolve", {"outcome": "helped_at_home"}), ("close", {}), ("reopen", {})):
        assert (await exchange.act(alert, action, **more)).alert
    assert exchange.alert(alert).responder == ""
    before = len(exchange.read(queries.offers, alert))
    await exchange.act(alert, "dispatch")
    anew = await exchange.until(lambda: exchange.read(queries.offers, alert)[before:], what="people asked")
    assert "responder:n1" in {one["party"] for one in anew}
    assert {one["level"] for one in anew} == {"neighbour"}
