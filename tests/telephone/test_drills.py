"""A drill that rings people: who, what they hear first, and that it lets go as soon as anybody is rung in earnest."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callcenter.alerts.model import Alert, Kind, Operator
from callcenter.alerts.rules import Refused
from callcenter.ports.room import DrillAlertWanted, DrillBegun, DrillStopped
from callcenter.storage import drill_book, tables as t
from callcenter.storage.scope import EVERYTHING
from simulators.carrier.callees import Callee
from tests.telephone.exchange import ANN_PHONE, DAUGHTER, NEIGHBOURS, RESIDENT, Exchange, fill
from tests.telephone.village import GOES, attended, call_of, change, data_of, rings

CHIEF = Operator("supervisor1", "Chief", supervisor=True)
FIRST = "这是演练，不是真实警情。"
PEOPLE = (RESIDENT, DAUGHTER, *NEIGHBOURS)


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    fill(url)
    async with attended(url, tmp_path) as made:
        yield made


async def practise(exchange: Exchange, *, rings: bool, kind: Kind = Kind.SOS) -> str:
    begun = await exchange.door.submit(DrillBegun(CHIEF, rings=rings))
    assert not isinstance(begun, Refused)
    alert = await exchange.door.submit(DrillAlertWanted(CHIEF, EVERYTHING, kind, "practise", "r-1"))
    assert isinstance(alert, Alert)
    await exchange.act(alert.id, "claim")
    await exchange.act(alert.id, "dispatch")
    return alert.id


async def test_it_rings_nobody_unless_that_was_wanted(exchange: Exchange) -> None:
    drill = await practise(exchange, rings=False)
    await exchange.act(drill, "call_contact", contact="c-1")
    await exchange.act(drill, "call_resident")
    real = await exchange.press()  # so that whatever the drill wished for has had its time
    await exchange.until(lambda: exchange.dialled(RESIDENT), what="the resident, in earnest")
    assert exchange.calls(drill) == []
    assert exchange.dialled(DAUGHTER, *NEIGHBOURS) == []
    assert exchange.calls(real)
    told = {one["effect"] for one in data_of(exchange, "drill.not_rung")}
    assert {"ask_responders", "phone_contact", "phone_resident"} <= told


async def test_who_is_rung_hears_first_that_it_is_a_drill_and_the_resident_is_not_rung(exchange: Exchange) -> None:
    exchange.callees(GOES, NEIGHBOURS[0])
    drill = await practise(exchange, rings=True)
    await exchange.until(lambda: exchange.alert(drill).responder, what="a yes")
    heard = exchange.heard(NEIGHBOURS[0])
    assert heard[0] == FIRST
    assert any("王秀英" in said for said in heard)
    await exchange.act(drill, "call_resident")
    await exchange.door.submit(DrillStopped(CHIEF))
    await exchange.all_over(drill)
    assert exchange.dialled(RESIDENT, ANN_PHONE) == []
    assert exchange.alert(drill).state == "closed"


async def test_a_press_takes_the_telephones_from_the_drill(exchange: Exchange) -> None:
    drill = await practise(exchange, rings=True)
    await exchange.until(lambda: exchange.dialled(DAUGHTER, *NEIGHBOURS), what="somebody, to practise")
    real = await exchange.press()
    for call in await exchange.all_over(drill):
        assert call.hang_up_at
    assert not exchange.alert(real).drill
    await exchange.until(lambda: exchange.dialled(RESIDENT), what="the resident, in earnest")
    running = exchange.read(drill_book.running)
    assert running
    assert not running.rings
    before = len(exchange.calls(drill))
    await exchange.act(drill, "offer_next")
    assert len(exchange.calls(drill)) == before
    assert len(data_of(exchange, "drill.gave_way")) == 1


async def test_an_operator_who_is_free_again_is_not_rung_for_a_drill(exchange: Exchange) -> None:
    await exchange.door.submit(DrillBegun(CHIEF, rings=True))
    await exchange.door.submit(DrillAlertWanted(CHIEF, EVERYTHING, Kind.FALL, "practise", "r-1"))
    before = len(exchange.entries())
    for state in ("away", "ready"):
        await exchange.seat(state=state)
    assert [entry.rule for entry in exchange.entries()[before:]] == ["seat.taken"] * 2
    assert exchange.dialled(ANN_PHONE) == []


async def test_whatever_is_wrong_with_the_drill_a_press_rings(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    await practise(exchange, rings=True)

    def broken(*_args: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("handlers.drill_telephone.change", broken)
    real = await exchange.press()
    await exchange.until(lambda: RESIDENT in {call.number for call in exchange.calls(real)}, what="the resident")


async def test_a_resident_who_rings_during_a_drill_about_them_is_heard_as_always(exchange: Exchange) -> None:
    drill = await practise(exchange, rings=True)
    leg = rings(exchange, RESIDENT)
    call = await call_of(exchange, leg)
    assert call.alert_id != drill
    real = exchange.alert(call.alert_id or "")
    assert (real.drill, real.subject.key) == (False, "resident:r-1")


async def test_whoever_was_asked_to_practise_and_rings_back_is_taken_seriously(exchange: Exchange) -> None:
    exchange.callees(Callee("ignore"), *NEIGHBOURS)
    drill = await practise(exchange, rings=True)
    await exchange.until(lambda: exchange.dialled(NEIGHBOURS[0]), what="the neighbour")
    call = await call_of(exchange, rings(exchange, NEIGHBOURS[0]))
    assert call.alert_id not in (drill, None)
    assert not exchange.alert(call.alert_id or "").drill


async def test_no_drill_rings_120_or_a_telephone_by_which_a_resident_asks_for_help(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    fill(url)
    shared = t.contacts.update().values(phone=RESIDENT).where(t.contacts.c.id == "c-2")
    change(url, lambda connection: connection.execute(shared))
    ambulance = t.contacts.update().values(phone="120").where(t.contacts.c.id == "c-1")
    change(url, lambda connection: connection.execute(ambulance))
    async with attended(url, tmp_path) as exchange:
        drill = await practise(exchange, rings=True)
        await exchange.act(drill, "hand_over", case_number="1")
        for more in ({"number": "120"}, {"party": "contact:c-1"}, {"party": "contact:c-2"}):
            await exchange.act(drill, "bring_in", **more)
        for contact in ("c-1", "c-2"):
            await exchange.act(drill, "call_contact", contact=contact)
        await exchange.door.submit(DrillStopped(CHIEF))
        await exchange.all_over(drill)
        assert {call.number for call in exchange.calls()} <= {*NEIGHBOURS, ANN_PHONE}
