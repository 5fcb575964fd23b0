"""Every kind of callee, as resident and as responder, and what their call comes to (telephony.md 5)."""

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Insert, Update, update

from callcenter.alerts.call_model import Answer, Call, CallOutcome, Role
from callcenter.storage import tables as t
from callcenter.storage.engine import connect
from callcenter.storage.records import Entry
from callcenter.telephony import webhooks
from simulators.carrier.callees import Callee
from tests.telephone.exchange import (
    ANN_PHONE,
    DAUGHTER,
    DISTRICT,
    DOCTOR,
    NEIGHBOURS,
    RESIDENT,
    SON,
    STATION,
    Exchange,
    fill,
)

pytestmark = pytest.mark.long

FAST = 12.0
AT_ONCE = 5  # villages
PATIENT_S = 60.0  # of the wall clock: several villages share it
T = TypeVar("T")
BUSY, RINGS_LONG, NO = Callee("busy"), Callee("ignore"), Callee("press", digits=("2",), rings_s=2)
EVERYBODY = (DAUGHTER, SON, DOCTOR, STATION, DISTRICT, *NEIGHBOURS)


@pytest.fixture(autouse=True)
def _a_busy_machine_is_no_slow_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """At this pace the two seconds of a document are 80 ms of ours."""
    monkeypatch.setattr(webhooks, "DOCUMENT_S", 100.0)
    monkeypatch.setattr(webhooks, "NOTICE_S", 100.0)


@pytest.fixture
def village_url(tmp_path: Path) -> str:
    """What people do on the phone does not depend on the database."""
    url = f"sqlite:///{tmp_path / 'test.db'}"
    fill(url)
    return url


def changed(url: str, *statements: Update | Insert) -> None:
    engine = connect(url, writer=True, size=1)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(statement)
    engine.dispose()


def exchange_at(url: str, directory: Path) -> Exchange:
    return Exchange(url, directory, pace=FAST, default=RINGS_LONG)


async def every_one(
    who: Mapping[str, Callee], play: Callable[[Exchange, Callee], Awaitable[T]], url: str, directory: Path
) -> dict[str, T]:
    """Plays the same scene with each of them, each in a village of their own, some at a time."""
    some = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, callee: Callee) -> T:
        async with some:
            own = directory / str(number)
            own.mkdir()
            shutil.copy(url.removeprefix("sqlite:///"), own / "test.db")
            async with exchange_at(f"sqlite:///{own / 'test.db'}", own) as exchange:
                return await play(exchange, callee)

    found = await asyncio.gather(*(one(number, callee) for number, callee in enumerate(who.values())))
    return dict(zip(who, found, strict=True))


def presses(*digits: str, **more: Any) -> Callee:
    return Callee("press", digits=digits, rings_s=2, **more)


# -- the resident: what the alert learns, how the call stands or ended; reached means that nobody has to be sent yet

RESIDENTS: dict[str, tuple[Callee, str, CallOutcome | None]] = {
    "answers and says nothing": (Callee("answer"), "call.silent", None),
    "is silent": (Callee("silent"), "call.silent", None),
    "presses too late": (presses("1", "1", after_s=12), "call.silent", None),
    "speaks": (Callee("speaks", says=("喂",)), "call.reached", None),
    "presses 1": (presses("1"), "call.reached", None),
    "presses 2": (presses("2"), "call.reached", None),
    "presses another key": (presses("9"), "call.reached", None),
    "presses during the prompt": (presses("1", early=True), "call.reached", None),
    "is busy": (BUSY, "call.not_reached", CallOutcome.BUSY),
    "lets it ring": (RINGS_LONG, "call.not_reached", CallOutcome.NO_ANSWER),
    "rejects": (Callee("reject"), "call.not_reached", CallOutcome.REJECTED),
    "has no such number": (Callee("nobody"), "call.not_reached", CallOutcome.FAILED),
    "has a voicemail": (Callee("voicemail"), "call.not_reached", None),
    "has a voicemail that speaks": (Callee("speaks", says=("请留言",), answered_by="machine_start"),
                                    "call.not_reached", None),
    "is an announcement": (Callee("announcement"), "call.not_reached", None),
}  # fmt: skip


async def test_what_a_resident_does_leads_to_its_outcome(village_url: str, tmp_path: Path) -> None:
    async def play(exchange: Exchange, callee: Callee) -> dict[str, Any]:
        exchange.callees(callee, RESIDENT)
        await exchange.seat()
        alert = await exchange.press()
        learnt = ("call.reached", "call.silent", "call.not_reached")
        heard = await exchange.until(
            lambda: [r for r in exchange.rules(alert) if r in learnt], what="news of them", seconds=PATIENT_S
        )
        (call,) = [c for c in exchange.calls(alert) if c.role is Role.ELDER]
        return {
            "news": heard[0],
            "outcome": call.outcome,
            "responders are asked": any(c.role is Role.RESPONDER for c in exchange.calls(alert)),
            "reached": bool(exchange.alert(alert).reached_at),
            "silent": exchange.alert(alert).silent,
            "accepted": bool(exchange.alert(alert).responder),
        }

    expected = {
        who: {
            "news": news,
            "outcome": outcome,
            "responders are asked": news == "call.not_reached",
            "reached": news == "call.reached",
            "silent": news == "call.silent",
            "accepted": False,
        }
        for who, (_, news, outcome) in RESIDENTS.items()
    }
    assert await every_one({who: row[0] for who, row in RESIDENTS.items()}, play, village_url, tmp_path) == expected


# -- a responder: the answer, and how the call ended (None: it goes on, in the room)

RESPONDERS: dict[str, tuple[Callee, Answer | None, CallOutcome | None]] = {
    "presses 1": (presses("1"), Answer.ACCEPTED, None),
    "presses 1 during the prompt": (presses("1", early=True), Answer.ACCEPTED, None),
    "presses 3, then 1": (presses("3", "1"), Answer.ACCEPTED, None),
    "presses 3 twice, then 1": (presses("3", "3", "1"), Answer.ACCEPTED, None),
    "presses a wrong key, then 1": (presses("5", "1"), Answer.ACCEPTED, None),
    "presses 2": (presses("2"), Answer.DECLINED, CallOutcome.ANSWERED),
    "presses 3, then 2": (presses("3", "2"), Answer.DECLINED, CallOutcome.ANSWERED),
    "presses wrong keys": (presses("5", "#"), Answer.NO_RESPONSE, CallOutcome.ANSWERED),
    "presses late": (presses("1", "1", after_s=12), Answer.NO_RESPONSE, CallOutcome.ANSWERED),
    "answers and presses nothing": (Callee("answer"), Answer.NO_RESPONSE, CallOutcome.ANSWERED),
    "says yes": (Callee("speaks", says=("我去", "我去")), Answer.NO_RESPONSE, CallOutcome.ANSWERED),
    "is silent": (Callee("silent"), Answer.NO_RESPONSE, CallOutcome.ANSWERED),
    "has a voicemail": (Callee("voicemail"), Answer.NO_RESPONSE, CallOutcome.ANSWERED),
    "is an announcement": (Callee("announcement"), Answer.NO_RESPONSE, CallOutcome.ANSWERED),
    "hangs up": (Callee("answer", stays_s=3), Answer.NO_RESPONSE, CallOutcome.ANSWERED),
    "is busy": (BUSY, None, CallOutcome.BUSY),
    "lets it ring": (RINGS_LONG, None, CallOutcome.NO_ANSWER),
    "rejects": (Callee("reject"), None, CallOutcome.REJECTED),
    "has no such number": (Callee("nobody"), None, CallOutcome.FAILED),
}  # fmt: skip


async def test_only_the_key_1_is_a_yes_and_everything_else_asks_the_next_at_once(
    village_url: str, tmp_path: Path
) -> None:
    async def play(exchange: Exchange, callee: Callee) -> tuple[Answer | None, CallOutcome | None, bool, bool]:
        """The answer, how the call ended, whether they go, whether the next one was asked in the same transaction."""
        exchange.callees(BUSY, RESIDENT)
        exchange.callees(callee, DAUGHTER)
        alert = await exchange.press()

        def daughter() -> list[Call]:
            return [c for c in exchange.calls(alert) if c.number == DAUGHTER]

        await exchange.until(lambda: any(c.answer or c.over for c in daughter()), what="an answer", seconds=PATIENT_S)
        if daughter()[0].answer is Answer.ACCEPTED:
            return Answer.ACCEPTED, daughter()[0].outcome, exchange.alert(alert).responder == "contact:c-1", False
        entries = [e for e in exchange.entries() if e.alert_id == alert]
        told = next(e for e in entries if e.rule in ("call.declined", "call.no_answer") and "contact:c-1" in e.data)
        await exchange.until(lambda: daughter()[0].over, what="the end of that call", seconds=PATIENT_S)
        call = daughter()[0]
        return call.answer, call.outcome, bool(exchange.alert(alert).responder), bool(asked_with(entries, told))

    many = [{"id": f"x{n}", "name": "", "kind": "neighbour", "phone": f"+8610000007{n}", "area_id": "d1-t1-v1"}
            for n in range(10, 40)]  # fmt: skip
    changed(village_url, t.responders.insert().values(many))
    expected = {
        who: (answer, outcome, answer is Answer.ACCEPTED, answer is not Answer.ACCEPTED)
        for who, (_, answer, outcome) in RESPONDERS.items()
    }
    assert await every_one({who: row[0] for who, row in RESPONDERS.items()}, play, village_url, tmp_path) == expected


def asked_with(entries: list[Entry], told: Entry) -> list[Entry]:
    return [e for e in entries if e.rule == "call.wanted" and e.at == told.at and e.n > told.n]


# -- without an operator

WELFARE: dict[str, tuple[Callee, str]] = {
    "presses 1": (presses("1"), "call.well"),
    "presses 3, then 1": (presses("3", "1"), "call.well"),
    "stays on the line": (Callee("answer"), "call.silent"),
    "speaks": (Callee("speaks", says=("喂，我摔倒了",)), "call.reached"),
    "is busy": (BUSY, "call.not_reached"),
}


async def test_without_an_operator_the_resident_is_asked_how_they_are(village_url: str, tmp_path: Path) -> None:
    learnt = {rule for _, rule in WELFARE.values()}

    async def play(exchange: Exchange, callee: Callee) -> tuple[str, str, str]:
        exchange.callees(callee, RESIDENT)
        alert = await exchange.press()
        heard = await exchange.until(
            lambda: [r for r in exchange.rules(alert) if r in learnt], what="news of them", seconds=PATIENT_S
        )
        (call,) = [c for c in exchange.calls(alert) if c.role is Role.ELDER]
        return call.dialogue, heard[0], exchange.alert(alert).state.value

    expected = {who: ("welfare", rule, "waiting") for who, (_, rule) in WELFARE.items()}  # only a person closes it
    assert await every_one({who: row[0] for who, row in WELFARE.items()}, play, village_url, tmp_path) == expected


async def test_the_only_operator_talks_so_the_second_press_is_a_welfare_call(village_url: str, tmp_path: Path) -> None:
    async with exchange_at(village_url, tmp_path) as exchange:
        exchange.callees(Callee("answer", rings_s=1), ANN_PHONE)
        await exchange.seat()
        await exchange.press()
        second = await exchange.press("phone-unknown")
        assert [c.role for c in exchange.calls(second)] != [Role.OPERATOR]
        assert exchange.dialled(ANN_PHONE) in ([], [ANN_PHONE])
        await exchange.until(lambda: exchange.dialled(ANN_PHONE), what="Ann's one call")
        assert len([c for c in exchange.calls() if c.role is Role.OPERATOR]) == 1


async def test_a_lone_operator_who_does_not_answer_is_rung_twice_and_not_for_ever(
    village_url: str, tmp_path: Path
) -> None:
    async with exchange_at(village_url, tmp_path) as exchange:
        exchange.callees(BUSY, RESIDENT, ANN_PHONE, *EVERYBODY)
        await exchange.seat()
        alert = await exchange.press()
        await exchange.act(alert, "claim")
        await exchange.until(lambda: exchange.rules(alert).count("call.operator_missed") == 2, what="missed twice")
        await exchange.all_over(alert)
        assert len(exchange.dialled(ANN_PHONE)) == 2


# -- waves, and nobody left


async def test_the_next_wave_is_asked_while_the_first_still_rings(village_url: str, tmp_path: Path) -> None:
    patient = Callee("press", digits=("3", "3", "3", "1"), rings_s=20)
    async with exchange_at(village_url, tmp_path) as exchange:
        exchange.callees(BUSY, RESIDENT)
        exchange.callees(patient, DAUGHTER, *NEIGHBOURS[:2])
        alert = await exchange.press()
        await exchange.until(lambda: "help.asks_next" in exchange.rules(alert), what="a second wave")
        asked = {c.number: c.wave for c in exchange.calls(alert) if c.role in (Role.RESPONDER, Role.FAMILY)}
        assert {number for number, wave in asked.items() if wave == 1} == {DAUGHTER, *NEIGHBOURS[:2]}
        assert {number for number, wave in asked.items() if wave == 2} == {*NEIGHBOURS[2:], SON}, "of the same level"


async def test_nobody_left_is_said_loudly_after_everybody_was_asked_twice(village_url: str, tmp_path: Path) -> None:
    async with exchange_at(village_url, tmp_path) as exchange:
        exchange.callees(BUSY, RESIDENT, *EVERYBODY)
        alert = await exchange.press()
        await exchange.act(alert, "claim")  # the ladder asks nobody beside
        said = await exchange.until(
            lambda: [e for e in exchange.entries() if e.rule == "effect.failed" and "nobody_left" in e.data],
            what="nobody left",
        )
        assert said[0].ring
        asked = exchange.dialled(*EVERYBODY)
        assert {number: asked.count(number) for number in EVERYBODY} == dict.fromkeys(EVERYBODY, 2)


async def test_nobody_left_is_not_said_while_somebody_may_still_say_yes(village_url: str, tmp_path: Path) -> None:
    """And whoever has said no is not asked again."""
    changed(village_url, update(t.responders).values(phone=""))
    async with exchange_at(village_url, tmp_path) as exchange:
        exchange.callees(BUSY, RESIDENT)
        exchange.callees(NO, DAUGHTER)
        alert = await exchange.press()
        await exchange.act(alert, "claim")
        await exchange.until(lambda: "call.declined" in exchange.rules(alert), what="a no")
        assert "effect.failed" not in exchange.rules(alert), "the son's telephone still rings"
        await exchange.until(lambda: "effect.failed" in exchange.rules(alert), what="nobody left")
        assert exchange.dialled(DAUGHTER) == [DAUGHTER]
        assert len(exchange.dialled(SON)) == 2


async def test_one_telephone_is_never_rung_twice_at_once(village_url: str, tmp_path: Path) -> None:
    """The daughter is on the list as a neighbour too."""
    changed(village_url, update(t.responders).where(t.responders.c.id == "n1").values(phone=DAUGHTER))
    async with exchange_at(village_url, tmp_path) as exchange:
        exchange.callees(BUSY, RESIDENT)
        alert = await exchange.press()
        await exchange.until(lambda: len(exchange.dialled(*EVERYBODY)) == 3, what="a wave")
        assert sorted(exchange.dialled(*EVERYBODY)) == sorted([DAUGHTER, *NEIGHBOURS[1:3]])
        assert exchange.alert(alert).waves == 1


async def test_a_house_whose_people_have_no_telephone_has_neighbours_all_the_same(
    village_url: str, tmp_path: Path
) -> None:
    changed(village_url, update(t.residents).values(phone=""))
    async with exchange_at(village_url, tmp_path) as exchange:
        alert = await exchange.press("phone-1")
        assert exchange.rules(alert).count("call.not_reached") == 1
        asked = {c.number for c in exchange.calls(alert) if c.role is not Role.OPERATOR}
        assert asked == {DAUGHTER, *NEIGHBOURS[:2]}


async def test_a_talk_without_news_is_looked_up_and_goes_on(village_url: str, tmp_path: Path) -> None:
    """The carrier says every time that it is still there: that is no reason to count it as lost."""
    async with Exchange(village_url, tmp_path, pace=2 * FAST, default=RINGS_LONG) as exchange:
        exchange.callees(Callee("speaks", says=("喂",), rings_s=1), RESIDENT)
        exchange.callees(Callee("answer", rings_s=1), ANN_PHONE)
        await exchange.seat()
        alert = await exchange.press()
        await exchange.act(alert, "claim")
        await exchange.until(lambda: exchange.rules(alert).count("call.looked_for") >= 4, what="two looks at each")
        looks = [json.loads(e.data)["check"] for e in exchange.entries() if e.rule == "call.looked_for"]
        assert looks == [1] * len(looks), "each answer begins the count anew"
        assert [c.outcome for c in exchange.calls(alert) if c.role in (Role.ELDER, Role.OPERATOR)] == [None, None]
