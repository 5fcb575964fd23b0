"""A press from its first ring to the neighbour who goes: who hears what, and who stops ringing when."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callcenter.alerts.call_model import Answer, Call, CallOutcome, Role
from callcenter.alerts.effects import EndCall, from_row
from callcenter.alerts.model import State
from callcenter.storage import tables as t
from simulators.carrier.callees import Callee
from simulators.carrier.faults import Faults
from tests.integration.office import ANN
from tests.telephone.exchange import (
    ANN_PHONE,
    DAUGHTER,
    NEIGHBOURS,
    RESIDENT,
    SON,
    Exchange,
    fill,
)
from tests.telephone.village import GOES, attended

pytestmark = pytest.mark.one_database

ON_THE_WAY = "谢谢您，n1老师已经去了。"


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


def call_of(exchange: Exchange, alert: str, role: Role) -> Call:
    return next(call for call in exchange.calls(alert) if call.role is role)


def states(exchange: Exchange, alert: str, role: Role) -> list[str]:
    """What the timeline says of the leg, in order."""
    views = [json.loads(e.data).get("call") for e in exchange.entries() if e.alert_id == alert]
    return list(dict.fromkeys(v["state"] for v in views if isinstance(v, dict) and v["role"] == role.value))


async def test_the_operator_hears_who_and_the_timeline_shows_both_legs_change(exchange: Exchange) -> None:
    alert = await exchange.press()
    await exchange.until(
        lambda: {c.role for c in exchange.calls(alert) if c.joined_at} == {Role.ELDER, Role.OPERATOR}, what="a talk"
    )
    assert any("王秀英" in said and "石岛村1号" in said for said in exchange.heard(ANN_PHONE))
    for role in (Role.ELDER, Role.OPERATOR):
        seen = states(exchange, alert, role)
        assert [s for s in seen if s != "ringing"] == [
            "wanted",
            "unknown",
            "placed",
            "talking",
        ]  # news may be overtaken
    rooms = {tuple(leg["rooms"]) for leg in exchange.carrier.ledger()}
    assert rooms == {(alert,)}, "one room, named by the alert"


async def test_who_presses_1_goes_and_everybody_else_stops_ringing_in_the_same_transaction(both: Exchange) -> None:
    exchange = both
    exchange.callees(GOES, NEIGHBOURS[0])
    alert = await exchange.press()
    await exchange.act(alert, "claim")
    await exchange.act(alert, "dispatch")
    asked = await exchange.until(
        lambda: [c for c in exchange.calls(alert) if c.role in (Role.RESPONDER, Role.FAMILY)], what="a wave"
    )
    assert {c.number for c in asked} == {DAUGHTER, *NEIGHBOURS[:2]}, "the keyholder and the nearest, together"
    await exchange.until(lambda: exchange.alert(alert).responder, what="a yes")
    assert (exchange.alert(alert).responder, exchange.alert(alert).state) == ("responder:n1", State.HELPING)

    entries = [e for e in exchange.entries() if e.alert_id == alert]
    yes = next(e for e in entries if e.rule.startswith("call.accepted"))
    ended = [e for e in entries if e.rule in ("call.hung_up", "call.unwanted")]
    at_least = range(yes.n + 1, yes.n + 1 + max(2, len(ended)))  # on a busy machine a second wave may ring by then
    assert [e.n for e in ended] == list(at_least), "nothing comes between the yes and the end of the others"
    assert {e.at for e in ended} == {yes.at}
    others = {c.id for c in exchange.calls(alert) if c.hang_up_at}
    assert wished(exchange, EndCall) >= others

    await exchange.until(
        lambda: all(c.over for c in exchange.calls(alert) if c.number in (DAUGHTER, NEIGHBOURS[1])), what="silence"
    )
    status = {leg["to"]: leg["status"] for leg in exchange.carrier.ledger()}
    assert (status[DAUGHTER], status[NEIGHBOURS[1]]) == ("canceled", "canceled")
    assert NEIGHBOURS[2] not in status, "nobody further was asked"
    assert status[RESIDENT] == status[ANN_PHONE] == "in-progress", "who talks goes on talking"

    await exchange.until(lambda: exchange.carrier.texts(), what="the address")
    (text,) = exchange.carrier.texts()
    assert text["to"] == NEIGHBOURS[0]
    assert "石岛村1号" in text["body"]
    assert ("*", "responder") in exchange.told


def wished(exchange: Exchange, kind: type) -> set[str]:
    rows = exchange.read(lambda c: c.execute(t.outbox.select().where(t.outbox.c.kind == kind.kind)).all())
    return {from_row(row.kind, json.loads(row.args)).call for row in rows}


async def test_the_operator_brings_in_a_contact_who_then_goes(exchange: Exchange) -> None:
    exchange.callees(GOES, SON)
    alert = await exchange.press()
    await exchange.act(alert, "claim")
    await exchange.act(alert, "call_contact", contact="c-2")
    three = {Role.ELDER, Role.OPERATOR, Role.FAMILY}
    await exchange.until(
        lambda: {c.role for c in exchange.calls(alert) if c.in_room} == three, what="three in the room"
    )
    assert exchange.alert(alert).responder_name == "儿子"


async def test_a_contact_the_operator_calls_when_somebody_goes_already_joins_the_room(exchange: Exchange) -> None:
    """They heard that somebody was on the way, and were hung up on."""
    exchange.callees(GOES, NEIGHBOURS[0])
    exchange.callees(Callee("answer", rings_s=1), SON)
    alert = await exchange.press()
    await exchange.act(alert, "claim")
    await exchange.act(alert, "dispatch")
    await exchange.until(lambda: exchange.alert(alert).responder == "responder:n1", what="a yes")
    await exchange.act(alert, "call_contact", contact="c-2")
    four = {Role.ELDER, Role.OPERATOR, Role.RESPONDER, Role.FAMILY}
    await exchange.until(lambda: {c.role for c in exchange.calls(alert) if c.in_room} == four, what="the son too")
    assert exchange.alert(alert).responder == "responder:n1", "and nothing is promised by that"
    assert not any("已经去了" in said for said in exchange.heard(SON))


async def test_who_says_yes_too_late_hears_that_somebody_goes_and_joins_no_room(both: Exchange) -> None:
    """The hang-up does not get through, so the second one is asked to the end."""
    exchange = both
    exchange.callees(GOES, NEIGHBOURS[0])
    exchange.callees(Callee("press", digits=("1",), rings_s=4, after_s=6), NEIGHBOURS[1])
    exchange.carrier.set_faults(Faults(answers={"error": 1.0}, operations=("UpdateCall",)))
    alert = await exchange.press()
    await exchange.act(alert, "claim")
    await exchange.act(alert, "dispatch")
    late = await exchange.until(
        lambda: [c for c in exchange.calls(alert) if c.answer is Answer.TOO_LATE], what="somebody too late"
    )
    await exchange.until(lambda: ON_THE_WAY in exchange.heard(NEIGHBOURS[1]), what="the words for it")
    assert [c.number for c in late] == [NEIGHBOURS[1]]
    assert exchange.alert(alert).responder == "responder:n1"
    (leg,) = [leg for leg in exchange.carrier.ledger() if leg["to"] == NEIGHBOURS[1]]
    assert leg["rooms"] == []
    assert [text["to"] for text in exchange.carrier.texts()] == [NEIGHBOURS[0]]


async def test_a_resolved_alert_rings_nobody_any_more(exchange: Exchange) -> None:
    alert = await exchange.press()
    await exchange.act(alert, "claim")
    await exchange.act(alert, "dispatch")
    await exchange.until(lambda: len(exchange.dialled(DAUGHTER, *NEIGHBOURS)) == 3, what="a wave that rings")
    await exchange.act(alert, "resolve", outcome="helped_at_home")
    await exchange.until(
        lambda: all(c.over for c in exchange.calls(alert) if c.role in (Role.FAMILY, Role.RESPONDER)), what="silence"
    )
    asked = [c for c in exchange.calls(alert) if c.role in (Role.FAMILY, Role.RESPONDER)]
    assert {c.outcome for c in asked} == {CallOutcome.CANCELED}


async def test_the_next_is_asked_when_the_first_one_does_not_come_after_all(exchange: Exchange) -> None:
    exchange.callees(GOES, NEIGHBOURS[0], NEIGHBOURS[2])
    alert = await exchange.press()
    await exchange.act(alert, "claim")
    await exchange.act(alert, "dispatch")
    await exchange.until(lambda: exchange.alert(alert).responder == "responder:n1", what="a first yes")
    await exchange.act(alert, "offer_next")
    assert exchange.alert(alert).responder == ""
    await exchange.until(lambda: exchange.alert(alert).responder == "responder:n3", what="a second yes")


async def test_somebody_goes_already_so_the_ladder_asks_no_neighbours(exchange: Exchange) -> None:
    """Nobody claims it: at 120 s the keyholders' rung is climbed, but a responder has said yes."""
    exchange.callees(GOES, DAUGHTER)
    exchange.callees(Callee("busy"), RESIDENT)
    alert = await exchange.press()
    await exchange.until(lambda: exchange.alert(alert).responder, what="a yes")
    before = exchange.dialled(*NEIGHBOURS)
    await exchange.until(lambda: exchange.alert(alert).rung >= 5, what="the whole ladder")
    assert exchange.dialled(*NEIGHBOURS) == before


async def test_whoever_the_owner_calls_finds_the_owner_in_the_room(exchange: Exchange) -> None:
    """Ann was away when it was pressed; her own telephone rings beside the resident's."""
    await exchange.seat(ANN, state="busy")
    exchange.callees(Callee("busy"), RESIDENT)
    alert = await exchange.press()
    await exchange.until(lambda: call_of(exchange, alert, Role.ELDER).over, what="a busy line")
    await exchange.act(alert, "claim")
    exchange.callees(Callee("speaks", says=("喂",), rings_s=2), RESIDENT)
    await exchange.act(alert, "call_resident")
    await exchange.until(
        lambda: {c.role for c in exchange.calls(alert) if c.joined_at} >= {Role.ELDER, Role.OPERATOR}, what="a talk"
    )
