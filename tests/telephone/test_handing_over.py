"""A talk goes from one operator to another, and guests come and go: the resident's line is never touched."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from callcenter.alerts.call_model import Answer, Call, CallOutcome, Role
from callcenter.ports import Acted, CallWanted, ConsolesChanged, Declined
from simulators.carrier.callees import Callee
from tests.integration.office import ANN, BEN
from tests.telephone.exchange import ANN_PHONE, BEN_PHONE, CHANCE, RESIDENT, SON, Exchange

pytestmark = pytest.mark.one_database

TAKES = Callee("press", digits=("1",), rings_s=2, early=True)
CANNOT = Callee("press", digits=("2",), rings_s=2, early=True)
IGNORES = Callee("ignore")


@pytest.fixture
async def exchange(phones_url: str, tmp_path: Path) -> AsyncIterator[Exchange]:
    """The resident and Ann talk; Ben is ready, and lets it ring."""
    async with Exchange(phones_url, tmp_path, default=IGNORES) as made:
        made.callees(Callee("speaks", says=("喂",), rings_s=2), RESIDENT)
        made.callees(Callee("answer", rings_s=1), ANN_PHONE)
        await made.seat()
        yield made


async def talk(exchange: Exchange) -> str:
    """An alert of Ann's whose resident she talks to, and Ben at his desk."""
    alert = await exchange.press()
    await exchange.act(alert, "claim")
    await exchange.until(lambda: all(call_of(exchange, alert, who).joined_at for who in (RESIDENT, ANN_PHONE)),
                         what="a talk")  # fmt: skip
    await exchange.seat(BEN, BEN_PHONE)
    for operator in (ANN, BEN):
        await exchange.door.submit(ConsolesChanged(operator.id, True))
    return alert


def call_of(exchange: Exchange, alert: str, number: str) -> Call:
    return [call for call in exchange.calls(alert) if call.number == number][-1]


def owners(exchange: Exchange, alert: str) -> list[str | None]:
    """Who had it after each entry since the claim, without repeats."""
    entries = [entry for entry in exchange.entries() if entry.alert_id == alert]
    since = next(n for n, entry in enumerate(entries) if entry.rule == "operator.claims")
    found: list[str | None] = []
    for entry in entries[since:]:
        owner = json.loads(entry.after or "{}")["owner"]
        name = owner and owner["id"]
        if not found or found[-1] != name:
            found.append(name)
    return found


def never_touched(exchange: Exchange, alert: str) -> None:
    """The resident talks on: never held, never hung up, never out of the room."""
    call = call_of(exchange, alert, RESIDENT)
    assert (call.over, call.held, call.in_room, call.hang_up_at) == (False, False, True, None)
    about = [e.rule for e in exchange.entries() if e.alert_id == alert and f'"id":"{call.id}"' in e.data]
    assert {"call.left", "call.held", "call.hung_up", "call.ended"}.isdisjoint(about)
    assert [leg["status"] for leg in exchange.carrier.ledger() if leg["to"] == RESIDENT] == ["in-progress"]


async def act_on(exchange: Exchange, call: Call, action: str) -> Any:
    return await exchange.door.submit(CallWanted(call.id, action, ANN))


async def test_key_1_takes_it_over_and_the_first_one_may_leave(exchange: Exchange) -> None:
    exchange.callees(TAKES, BEN_PHONE)
    alert = await talk(exchange)
    assert isinstance(await exchange.act(alert, "transfer", to=BEN), Acted)
    assert exchange.alert(alert).owner.id == ANN.id
    await exchange.until(lambda: exchange.alert(alert).owner.id == BEN.id, what="a yes")
    assert any("王秀英" in said for said in exchange.heard(BEN_PHONE)), "hears whom it is about before the key"
    await exchange.until(lambda: call_of(exchange, alert, BEN_PHONE).in_room, what="Ben in the room")
    ben = call_of(exchange, alert, BEN_PHONE)
    assert (ben.role, ben.dialogue, ben.answer) == (Role.OPERATOR, "transfer", Answer.ACCEPTED)
    assert call_of(exchange, alert, ANN_PHONE).in_room, "the first one is still there, and tells what happened"
    rules = exchange.rules(alert)
    assert (
        rules.index("operator.transfers") < rules.index("transfer.picked_up") < rules.index("transfer.taken_by_phone")
    )

    await act_on(exchange, call_of(exchange, alert, ANN_PHONE), "hang_up")
    await exchange.until(lambda: call_of(exchange, alert, ANN_PHONE).over, what="Ann's leg to leave")
    await exchange.clock.sleep(8)
    never_touched(exchange, alert)
    assert owners(exchange, alert) == [ANN.id, BEN.id]
    assert not exchange.alert(alert).responder, "nobody goes: it was no offer"
    assert exchange.dialled(ANN_PHONE, BEN_PHONE) == [ANN_PHONE, BEN_PHONE], "nobody was rung again"


async def test_a_yes_on_the_console_while_the_telephone_rings(exchange: Exchange) -> None:
    exchange.callees(Callee("answer", rings_s=6), BEN_PHONE)
    alert = await talk(exchange)
    await exchange.act(alert, "transfer", to=BEN)
    await exchange.until(lambda: call_of(exchange, alert, BEN_PHONE).placed_at, what="Ben's telephone")
    taken = await exchange.act(alert, "take_over", BEN)
    assert isinstance(taken, Acted)
    await exchange.until(lambda: call_of(exchange, alert, BEN_PHONE).in_room, what="Ben in the room, asked nothing")
    assert not any("请按" in said for said in exchange.heard(BEN_PHONE))
    never_touched(exchange, alert)
    assert owners(exchange, alert) == [ANN.id, BEN.id]


@pytest.mark.parametrize(
    ("ben", "rule"),
    [(CANNOT, "transfer.declined_by_phone"), (IGNORES, "transfer.unanswered"), (Callee("busy"), "transfer.unanswered"),
     (Callee("voicemail", rings_s=1), "transfer.")],
    ids=["cannot", "ignores", "busy", "voicemail"],
)  # fmt: skip
async def test_without_a_yes_nobody_is_cut_off(exchange: Exchange, ben: Callee, rule: str) -> None:
    exchange.callees(ben, BEN_PHONE)
    alert = await talk(exchange)
    await exchange.act(alert, "transfer", to=BEN)
    await exchange.until(lambda: exchange.alert(alert).transfer_to is None, what="the end of it")
    told = [e for e in exchange.entries() if e.rule.startswith("transfer.") and e.rule != "transfer.picked_up"]
    assert [(e.rule.startswith(rule), e.ring) for e in told] == [(True, True)]
    await exchange.until(lambda: call_of(exchange, alert, BEN_PHONE).over, what="Ben's telephone to be silent")
    assert owners(exchange, alert) == [ANN.id]
    assert call_of(exchange, alert, ANN_PHONE).in_room
    assert exchange.dialled(BEN_PHONE) == [BEN_PHONE], "nobody else is rung for it"
    never_touched(exchange, alert)
    assert isinstance(await exchange.act(alert, "take_over", BEN), Declined)


@pytest.mark.long
async def test_the_owner_ends_the_alert_while_the_colleague_listens(exchange: Exchange) -> None:
    exchange.callees(Callee("press", digits=("3", "3", "1"), rings_s=1), BEN_PHONE)
    alert = await talk(exchange)
    await exchange.act(alert, "transfer", to=BEN)
    await exchange.until(lambda: "transfer.picked_up" in exchange.rules(alert), what="Ben listens")
    await exchange.act(alert, "resolve", outcome="false_alarm")
    assert "call.hung_up" in exchange.rules(alert)
    await exchange.until(lambda: call_of(exchange, alert, BEN_PHONE).over, what="the end of Ben's call")
    assert exchange.alert(alert).owner.id == ANN.id
    assert call_of(exchange, alert, BEN_PHONE).answer is not Answer.ACCEPTED


@pytest.mark.long
async def test_a_colleague_who_puts_the_seat_away_is_not_waited_for(exchange: Exchange) -> None:
    alert = await talk(exchange)
    await exchange.act(alert, "transfer", to=BEN)
    await exchange.seat(BEN, BEN_PHONE, "away")
    assert exchange.rules(alert)[-2:] == ["transfer.colleague_gone", "call.unwanted"] or (
        "transfer.colleague_gone" in exchange.rules(alert) and call_of(exchange, alert, BEN_PHONE).hang_up_at
    )
    assert isinstance(await exchange.act(alert, "transfer", to=BEN), Declined)
    never_touched(exchange, alert)


# -- three in the room


@pytest.mark.long
async def test_a_typed_number_is_heard_held_and_ended_by_itself(exchange: Exchange) -> None:
    exchange.callees(Callee("press", digits=("1",), rings_s=1), CHANCE)
    alert = await talk(exchange)
    await exchange.act(alert, "bring_in", number=CHANCE, person="医院")
    await exchange.until(lambda: call_of(exchange, alert, CHANCE).joined_at, what="three in the room")
    guest = call_of(exchange, alert, CHANCE)
    assert (guest.role, guest.dialogue, guest.name, guest.answer) == (Role.GUEST, "consult", "医院", None)
    assert all(call_of(exchange, alert, who).in_room for who in (RESIDENT, ANN_PHONE))
    assert not any("王秀英" in said or "石岛村" in said for said in exchange.heard(CHANCE)), (
        "a wrong number learns nothing"
    )

    for action, held in (("hold", True), ("unhold", False)):
        await act_on(exchange, guest, action)
        assert call_of(exchange, alert, CHANCE).held is held
    await act_on(exchange, guest, "hang_up")
    await exchange.until(lambda: call_of(exchange, alert, CHANCE).over, what="the guest's leave")
    assert not exchange.alert(alert).responder
    assert exchange.alert(alert).owner.id == ANN.id
    assert CHANCE not in "".join(e.data for e in exchange.entries()), "numbers never stand in the timeline"
    never_touched(exchange, alert)


@pytest.mark.long
async def test_a_colleague_and_a_contact_are_heard_and_take_nothing_over(exchange: Exchange) -> None:
    exchange.callees(Callee("press", digits=("1",), rings_s=1), BEN_PHONE, SON)
    alert = await talk(exchange)
    for party in (f"operator:{BEN.id}", "contact:c-2"):
        await exchange.act(alert, "bring_in", party=party)
    await exchange.until(lambda: all(call_of(exchange, alert, who).joined_at for who in (BEN_PHONE, SON)), what="all")
    alert_now = exchange.alert(alert)
    assert (alert_now.owner.id, alert_now.responder, alert_now.waves) == (ANN.id, "", 0)
    again = await exchange.act(alert, "bring_in", party=f"operator:{BEN.id}")
    assert isinstance(again, Acted)
    failed = [json.loads(e.data) for e in exchange.entries() if e.rule == "effect.failed"]
    assert [(one["effect"], one["reason"], one["name"]) for one in failed] == [
        ("phone_party", "on_the_phone", "Operator2")
    ]
    never_touched(exchange, alert)


async def test_what_the_carrier_does_not_dial_is_dialled_by_hand(exchange: Exchange) -> None:
    """120 is no number of an international carrier."""
    alert = await talk(exchange)
    await exchange.act(alert, "bring_in", number="120", person="120")
    await exchange.until(lambda: call_of(exchange, alert, "120").over, what="the carrier's no")
    assert call_of(exchange, alert, "120").outcome is CallOutcome.BY_HAND
    assert call_of(exchange, alert, "120").role is Role.AMBULANCE
    assert "call.by_hand" in exchange.rules(alert)
