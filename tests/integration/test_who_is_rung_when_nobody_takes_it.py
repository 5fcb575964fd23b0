"""Whom the ladder rings: nobody who said no, the level above where there is nobody, and people are told at its end."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from callcenter.alerts.call_inputs import CallNews, CallResult, Dialling, Heard, InboundCall, News, Placed
from callcenter.alerts.call_model import CallOutcome
from callcenter.alerts.inputs import TimerKind
from callcenter.privacy import Seal
from callcenter.reactions import HANDLERS
from callcenter.storage import tables as t
from callcenter.storage.engine import connect
from callcenter.storage.policy_shelf import Shelf
from callcenter.storage.writer import Writer
from config import policies, prompts
from devices.decoders import decode
from handlers.call_updates import CallUpdates, Lines
from handlers.timers import TimerFired
from tests.integration.office import payload
from tests.processes import lay_out
from tests.unit.registry import Town

pytestmark = pytest.mark.one_database

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
SEAL = Seal(urlsafe_b64encode(b"nothing real is sealed with this"))


class Village(Town):
    """A resident without a telephone, so that neighbours are asked at once; the test is everybody who answers."""

    def __init__(self, directory: Path, writer: Writer) -> None:
        super().__init__(directory, writer)
        words = prompts.read()
        assert not isinstance(words, str)
        self.handlers = HANDLERS | CallUpdates(Lines(words, "+8663112345")).handlers()
        self.now = NOON
        self.events = 0

    def put(self, what: object) -> Any:
        self.now += timedelta(milliseconds=10)
        with self.writer.unit(self.now) as unit:
            return self.handlers[type(what)].apply(unit, what)

    def press(self) -> str:
        return str(self.put(decode("vnh/v1/b-001/up/sos", payload("p1"), self.now)).alert)

    def calls(self, party: str) -> list[dict[str, Any]]:
        query = select(t.calls).where(t.calls.c.party == f"responder:{party}").order_by(t.calls.c.wanted_at)
        with self.writer.transaction() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def says(self, party: str, digits: str) -> None:
        """They pick up the call that rings, press a key and hang up."""
        call = self.calls(party)[-1]["id"]
        self.put(CallResult(call, Dialling("test")))
        self.put(CallResult(call, Placed("test", f"ref-{call}")))
        pressed = Heard(News.INPUT, self.now, step="offer", digits=digits)
        ended = Heard(News.ENDED, self.now, outcome=CallOutcome.ANSWERED)
        for heard in (Heard(News.ANSWERED, self.now), pressed, ended):
            self.events += 1
            self.put(CallNews("test", f"e{self.events}", call, heard, {}, self.now))

    def climbs(self, alert: str, rungs: int) -> None:
        """Nobody takes it."""
        for _ in range(rungs):
            query = select(t.timers.c.due).where(t.timers.c.alert_id == alert, t.timers.c.kind == "rung")
            with self.writer.transaction() as connection:
                due = connection.execute(query).scalar_one()
            self.now = max(self.now, due)
            self.put(TimerFired(alert, TimerKind.RUNG, due))

    def told(self) -> list[str]:
        """What people were told that nobody else will do."""
        query = select(t.timeline.c.data).where(t.timeline.c.rule == "effect.failed").order_by(t.timeline.c.n)
        with self.writer.transaction() as connection:
            return [json.loads(data)["reason"] for data in connection.execute(query).scalars()]


@pytest.fixture
def village(database_url: str, tmp_path: Path) -> Iterator[Village]:
    policy = policies.read()
    assert not isinstance(policy, str)
    lay_out(database_url)
    engine = connect(database_url, writer=True, size=1)
    writer = Writer(engine, node="test", policy=Shelf(policy, rings=True), seal=SEAL)
    made = Village(tmp_path, writer)
    areas = ("d1,区,district,", "d1-t1,镇,town,d1", "d1-t1-v1,石桥村,village,d1-t1")
    assert not made.read("areas", "id,name,kind,parent", *areas).wrong
    assert not made.residents("r-1,李秀英,h-1,石桥村1号,d1-t1-v1").wrong
    assert not made.read("devices", "id,family,resident_id", "b-001,bracelet,r-1").wrong
    yield made
    writer.close()
    engine.dispose()


def hire(village: Village, *lines: str) -> None:
    rows = [f"{name},{name},{kind},1380000{n:04},{area}" for n, (name, kind, area) in enumerate(map(str.split, lines))]
    assert not village.read("responders", "id,name,kind,phone,area", *rows).wrong


def test_the_ladder_rings_no_neighbour_who_said_no_but_the_next_ones(village: Village) -> None:
    hire(village, *(f"n{n} neighbour d1-t1-v1" for n in range(1, 8)))
    alert = village.press()
    for name in ("n1", "n2", "n3"):
        village.says(name, "2")
    village.climbs(alert, 5)
    assert [len(village.calls(f"n{n}")) for n in range(1, 7)] == [1] * 6, "three others are asked in their place"


def test_when_all_of_the_nearest_said_no_the_ladder_asks_the_level_above(village: Village) -> None:
    hire(village, "n1 neighbour d1-t1-v1", "n2 neighbour d1-t1-v1", "doc village_doctor d1-t1-v1")
    alert = village.press()
    village.says("n1", "2")
    village.says("n2", "2")
    village.says("doc", "2")
    before = len(village.told())
    village.climbs(alert, 5)
    assert [len(village.calls(name)) for name in ("n1", "n2", "doc")] == [1, 1, 1]
    assert village.told()[before:].count("nobody_left") == 1, "people are told to call 120"


def test_a_station_that_said_no_is_not_rung_as_a_duty_phone(village: Village) -> None:
    hire(village, "station town_station d1-t1")
    alert = village.press()
    village.says("station", "2")
    before = len(village.told())
    village.climbs(alert, 3)
    assert len(village.calls("station")) == 1
    assert village.told()[before:] == ["declined"], "and nobody believes that it was"


def test_a_duty_phone_that_said_no_is_not_asked_when_its_level_has_its_turn(village: Village) -> None:
    hire(village, "n1 neighbour d1-t1-v1", "station town_station d1-t1")
    alert = village.press()
    village.climbs(alert, 3)
    village.says("station", "2")
    village.says("n1", "2")
    assert len(village.calls("station")) == 1
    assert "nobody_left" in village.told()


def test_who_goes_is_not_asked_as_a_duty_phone_whether_they_would(village: Village) -> None:
    """They would hear that somebody goes already; and a 2, pressed in anger, says nothing of their way."""
    hire(village, "station town_station d1-t1", "chief district_command d1")
    alert = village.press()
    village.says("station", "1")
    village.climbs(alert, 4)
    assert len(village.calls("station")) == 1
    assert len(village.calls("chief")) == 1, "somebody should still take the alert"


def test_a_caller_of_whom_nobody_knows_anything_is_no_reason_to_ring_nobody(village: Village) -> None:
    """Their number is in no list, so nobody knows where they are: whoever stands above all areas is rung and asked."""
    hire(village, "n1 neighbour d1-t1-v1", "station town_station d1-t1", "chief district_command d1")
    now = village.now
    village.put(InboundCall("test", "i1", "call-1", "ref-1", "+8613999999999", "+8663112345", {}, now))
    (alert,) = [row["id"] for row in village.rows(t.alerts)]
    village.climbs(alert, 4)
    assert len(village.calls("chief")) == 1, "as duty manager"
    village.says("chief", "9")
    village.says("chief", "9")
    village.climbs(alert, 1)
    assert len(village.calls("chief")) == 2, "now asked to go"
    village.says("chief", "2")
    assert village.told()[-1] == "nobody_left"
    assert not village.calls("n1")


def test_where_there_are_no_neighbours_the_ladder_goes_on_to_the_level_above(village: Village) -> None:
    """The resident spoke on the telephone, so nobody had been asked, and the duty phones did not answer."""
    hire(village, "doc village_doctor d1-t1-v1")
    with village.writer.transaction() as connection:
        connection.execute(t.residents.update().values(phone="13811111111"))
    alert = village.press()
    assert not village.calls("doc"), "the resident is rung first"
    village.climbs(alert, 5)
    assert len(village.calls("doc")) == 1
    assert village.told()[-1] == "no_number", "that there is no neighbour is told all the same"


def test_the_end_of_the_ladder_is_told_although_a_duty_phone_was_the_last_to_say_no(village: Village) -> None:
    """It was ringing when the ladder asked upwards, so nobody else was asked; the ladder's next turn finds that."""
    hire(village, "chief district_command d1")
    with village.writer.transaction() as connection:
        connection.execute(t.residents.update().values(phone="13811111111"))
    alert = village.press()
    village.climbs(alert, 5)
    village.says("chief", "2")
    assert "nobody_left" not in village.told()
    village.climbs(alert, 1)
    assert village.told()[-1] == "nobody_left"
    assert len(village.calls("chief")) == 1
