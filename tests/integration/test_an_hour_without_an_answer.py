"""Nobody is at a desk and nobody picks up: people are rung in every turn of the ladder, and nobody all the time."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from callcenter.alerts.call_inputs import CallResult, Dialling, Heard, News, NotPlaced, Placed
from callcenter.alerts.call_model import CallOutcome
from callcenter.alerts.inputs import Action, Deed, OperatorActed, ResponderActed, TimerKind
from callcenter.alerts.model import Alert, Operator
from callcenter.alerts.rules import Refused
from callcenter.ports import Acted, ActionWanted, LinkMade, LinkOpened, LinkWanted, PagePressed
from callcenter.storage import tables as t
from devices.decoders import decode
from handlers import offers
from handlers.reaction import react
from handlers.timers import TimerFired
from tests.integration.office import payload
from tests.integration.test_who_is_rung_when_nobody_takes_it import Village, hire, village

pytestmark = pytest.mark.one_database

__all__ = ["village"]

RINGS = timedelta(seconds=25)
ANN = Operator("ann", "Ann")
CHIEF = Operator("chief", "Chief", supervisor=True)


@dataclass
class Quiet:
    """Time goes on in a village whose telephones nobody answers."""

    village: Village

    def rows(self, table: Any, *where: Any) -> list[dict[str, Any]]:
        with self.village.writer.transaction() as connection:
            return [dict(row) for row in connection.execute(select(table).where(*where)).mappings()]

    def calls(self, alert: str) -> list[dict[str, Any]]:
        return sorted(self.rows(t.calls, t.calls.c.alert_id == alert), key=lambda row: row["wanted_at"])

    def rung(self, alert: str, *, since: datetime) -> Counter[str]:
        """Who was rung since then, without the resident, and how often."""
        found = (row for row in self.calls(alert) if row["wanted_at"] >= since and row["role"] != "elder")
        return Counter(row["party"].removeprefix("responder:") for row in found)

    def passes(self, alert: str, seconds: float) -> None:
        village, until = self.village, self.village.now + timedelta(seconds=seconds)
        while True:
            for row in self.rows(t.calls, t.calls.c.alert_id == alert, t.calls.c.state == "wanted"):
                village.put(CallResult(row["id"], Dialling("test")))
                village.put(CallResult(row["id"], Placed("test", f"ref-{row['id']}")))
            ringing = self.rows(t.calls, t.calls.c.alert_id == alert, t.calls.c.state == "placed")
            events: list[tuple[datetime, int, Any]] = [(row["wanted_at"] + RINGS, 0, row["id"]) for row in ringing]
            events += [(row["due"], 1, row) for row in self.rows(t.timers, t.timers.c.alert_id == alert)]
            at, what, it = min(events, key=lambda event: event[:2])
            if at > until:
                village.now = until
                return
            village.now = max(village.now, at)
            if what:
                village.put(TimerFired(alert, TimerKind(it["kind"]), it["due"]))
            else:
                heard = Heard(News.ENDED, village.now, outcome=CallOutcome.NO_ANSWER)
                village.put(CallResult(it, heard))

    def press(self, alert: str, msg: str, kind: str = "sos") -> None:
        now = self.village.now
        assert str(self.village.put(decode("vnh/v1/b-001/up/sos", payload(msg, kind=kind), now)).alert) == alert

    def happens(self, what: Callable[[Any, Alert], Any], alert: str) -> Any:
        with self.village.writer.unit(self.village.now) as unit:
            return what(unit, unit.alert(alert))

    def deed(self, alert: str, deed: Deed, party: str, **more: Any) -> None:
        acted = ResponderActed(deed, f"responder:{party}", party, **more)
        assert not isinstance(self.happens(lambda unit, one: react(unit, one, acted, actor="test"), alert), Refused)

    def acts(self, alert: str, action: Action, **more: Any) -> None:
        assert isinstance(self.village.put(ActionWanted(alert, OperatorActed(action, ANN, **more))), Acted)


@pytest.fixture
def quiet(village: Village) -> Quiet:
    return Quiet(village)


def some(village: Village) -> None:
    hire(
        village,
        *(f"n{n} neighbour d1-t1-v1" for n in range(1, 9)),
        "doc village_doctor d1-t1-v1",
        "station town_station d1-t1",
        "chief district_command d1",
    )


@pytest.mark.parametrize("minutes", [12, pytest.param(60, marks=pytest.mark.long)])
def test_nobody_is_left_alone_in_any_minute_of_an_hour_and_no_telephone_rings_all_the_time(
    quiet: Quiet, minutes: int
) -> None:
    some(quiet.village)
    alert = quiet.village.press()
    quiet.passes(alert, 720)  # the ladder is climbed, and everybody has been asked as often as planned
    (begins,) = [row["due"] for row in quiet.rows(t.timers, t.timers.c.alert_id == alert, t.timers.c.kind == "rung")]
    quiet.passes(alert, (begins - quiet.village.now).total_seconds() - 1)
    asked = Counter[str]()
    for _ in range(minutes):
        since = quiet.village.now
        quiet.passes(alert, 60)
        rung = quiet.rung(alert, since=since)
        assert rung, "a turn of the ladder in which no telephone rings"
        assert max(rung.values()) == 1, rung
        asked += rung
    assert set(asked) == {*(f"n{n}" for n in range(1, 9)), "doc", "station", "chief"}, "everybody in turn"
    assert "nobody_left" in quiet.village.told(), "and people hear that everybody has been asked"


@pytest.mark.parametrize("only", ["doc village_doctor d1-t1-v1", "n1 neighbour d1-t1-v1", "chief district_command d1"])
def test_the_only_one_there_is_is_rung_once_in_each_turn(quiet: Quiet, only: str) -> None:
    hire(quiet.village, only)
    alert = quiet.village.press()
    quiet.passes(alert, 900)
    (begins,) = [row["due"] for row in quiet.rows(t.timers, t.timers.c.alert_id == alert, t.timers.c.kind == "rung")]
    quiet.passes(alert, (begins - quiet.village.now).total_seconds() - 1)
    for _ in range(10):
        since = quiet.village.now
        quiet.passes(alert, 60)
        assert list(quiet.rung(alert, since=since).values()) == [1]


def test_who_said_no_is_not_asked_again_in_that_hour(quiet: Quiet) -> None:
    hire(quiet.village, "n1 neighbour d1-t1-v1", "n2 neighbour d1-t1-v1")
    alert = quiet.village.press()
    quiet.village.says("n1", "2")
    quiet.passes(alert, 1200)
    assert len(quiet.village.calls("n1")) == 1
    assert len(quiet.village.calls("n2")) > 5


def test_who_came_and_left_at_night_goes_no_more_when_they_fall_in_the_morning(quiet: Quiet) -> None:
    some(quiet.village)
    alert = quiet.village.press()
    quiet.village.says("n1", "1")
    quiet.deed(alert, Deed.ARRIVES, "n1", proof="position")
    quiet.deed(alert, Deed.DONE, "n1")
    quiet.passes(alert, 600)
    assert not quiet.rung(alert, since=quiet.village.now - timedelta(seconds=60))["n1"], "they have been there"
    quiet.village.now += timedelta(hours=5)
    quiet.passes(alert, 1)
    since = quiet.village.now
    quiet.press(alert, "p2", kind="fall")
    quiet.passes(alert, 120)
    rung = quiet.rung(alert, since=since)
    assert {"n1", "n2", "station", "chief"} <= set(rung), "also who came then"


def test_somebody_who_came_and_never_said_that_they_left_is_asked_again_too(quiet: Quiet) -> None:
    hire(quiet.village, "n1 neighbour d1-t1-v1", "n2 neighbour d1-t1-v1")
    alert = quiet.village.press()
    quiet.village.says("n1", "1")
    there = offers.Said.THERE, offers.Proof.VOICE
    quiet.happens(lambda unit, one: offers.take(unit, one.id, "responder:n1", there[0], proof=there[1]), alert)
    quiet.deed(alert, Deed.ARRIVES, "n1", proof="voice")
    quiet.village.now += timedelta(hours=5)
    quiet.press(alert, "p2")
    quiet.passes(alert, 30)
    assert len(quiet.village.calls("n1")) > 1
    states = [row["state"] for row in quiet.rows(t.offers, t.offers.c.party == "responder:n1")]
    assert states.count("done") == 1, "one of theirs counts"


def test_an_operator_who_sends_help_after_everybody_was_asked_in_vain_has_somebody_rung(quiet: Quiet) -> None:
    hire(quiet.village, "n1 neighbour d1-t1-v1")
    alert = quiet.village.press()
    quiet.passes(alert, 400)
    before = len(quiet.village.calls("n1"))
    quiet.acts(alert, Action.CLAIM)
    quiet.passes(alert, 20)
    quiet.acts(alert, Action.DISPATCH)
    assert len(quiet.village.calls("n1")) == before + 1


def test_a_colleague_in_the_room_is_not_asked_and_keeps_nobody_from_being_asked(quiet: Quiet) -> None:
    hire(quiet.village, "station town_station d1-t1", "chief district_command d1")
    alert = quiet.village.press()
    first = quiet.village.calls("station")[0]
    quiet.village.put(CallResult(first["id"], Dialling("test")))
    quiet.village.put(CallResult(first["id"], Placed("test", "ref-1")))
    with quiet.village.writer.transaction() as connection:  # brought in, not asked
        connection.execute(update(t.calls).values(dialogue="consult", state="talking"))
        connection.execute(update(t.offers).values(state="withdrawn", ended_at=quiet.village.now))
    quiet.acts(alert, Action.CLAIM)
    quiet.acts(alert, Action.DISPATCH)
    assert len(quiet.village.calls("station")) == 1
    assert len(quiet.village.calls("chief")) == 1


def test_who_shares_the_telephone_that_is_open_is_not_asked_in_vain(quiet: Quiet) -> None:
    """A landline that is off the hook after a silent fall: the keyholder who lives there cannot be rung on it."""
    village = quiet.village
    hire(village, "n1 neighbour d1-t1-v1", "n2 neighbour d1-t1-v1", "doc village_doctor d1-t1-v1")
    with village.writer.transaction() as connection:
        connection.execute(t.residents.update().values(phone="13800000000"))  # n1's
    alert = village.press()
    assert not village.calls("n1")
    quiet.acts(alert, Action.CLAIM)
    quiet.acts(alert, Action.DISPATCH)
    assert [len(village.calls(name)) for name in ("n1", "n2")] == [0, 1]
    quiet.village.says("n2", "2")
    assert len(village.calls("doc")) == 1, "in n2's place, for n1 is on the line"


def test_a_neighbour_let_go_because_others_were_quicker_has_not_been_asked_in_vain(quiet: Quiet) -> None:
    hire(quiet.village, *(f"n{n} neighbour d1-t1-v1" for n in range(1, 4)))
    alert = quiet.village.press()
    quiet.acts(alert, Action.CLAIM)
    for name in ("n1", "n2"):
        quiet.village.says(name, "1")
        quiet.passes(alert, 26)  # the others' telephones have stopped
        quiet.acts(alert, Action.OFFER_NEXT)
    assert len(quiet.village.calls("n3")) == 3
    quiet.passes(alert, 26)
    assert len(quiet.village.calls("n3")) == 4, "twice in vain is what the plan says"


@pytest.mark.parametrize("presses", [1, 2])
def test_a_no_on_the_page_after_a_missed_call_is_a_no(quiet: Quiet, presses: int) -> None:
    village = quiet.village
    hire(village, "n1 neighbour d1-t1-v1", "n2 neighbour d1-t1-v1")
    alert = village.press()
    quiet.passes(alert, 90)
    (offer, *_) = quiet.rows(t.offers, t.offers.c.party == "responder:n1")
    made = village.put(LinkWanted(offer["id"], CHIEF))
    assert isinstance(made, LinkMade)
    assert village.put(LinkOpened(made.link_id, "b")) is None
    for number in range(presses):
        village.put(PagePressed(made.link_id, "b", f"press-{number}", "no"))
    quiet.passes(alert, 30)
    before = len(village.calls("n1"))
    quiet.passes(alert, 900)
    assert len(village.calls("n1")) == before
    assert len(village.calls("n2")) > before
    states = [row["state"] for row in quiet.rows(t.offers, t.offers.c.party == "responder:n1")]
    assert states.count("declined") == 1


def test_a_no_of_a_duty_phone_that_had_said_yes_and_is_late_is_a_no(quiet: Quiet) -> None:
    hire(quiet.village, "chief district_command d1")
    alert = quiet.village.press()
    quiet.village.says("chief", "1")
    quiet.passes(alert, 1830)  # nobody has come, and the ladder rings all of its telephones
    while quiet.village.calls("chief")[-1]["state"] == "ended":
        quiet.passes(alert, 5)
    quiet.village.says("chief", "2")
    before = len(quiet.village.calls("chief"))
    quiet.passes(alert, 300)
    assert len(quiet.village.calls("chief")) == before


def test_whom_no_carrier_could_ring_is_rung_when_one_can(quiet: Quiet) -> None:
    hire(quiet.village, "doc village_doctor d1-t1-v1")
    alert = quiet.village.press()
    for _ in range(2):
        quiet.village.put(
            CallResult(quiet.village.calls("doc")[-1]["id"], NotPlaced("test", "no_gateway", by_hand=True))
        )
        quiet.passes(alert, 61)
    before = len(quiet.village.calls("doc"))
    quiet.passes(alert, 200)
    assert len(quiet.village.calls("doc")) > before


# -- looked for, and found, and gone again

BRIDGE, FAR = (37.5, 122.1), (37.9, 122.1)  # 44 km apart


def leaves(quiet: Quiet, msg: str, at: tuple[float, float]) -> str:
    loc = {"lat": at[0], "lon": at[1], "acc": 12, "age": 0, "fix": "gnss"}
    said = payload(msg, kind="wander", loc=loc)
    return str(quiet.village.put(decode("vnh/v1/b-001/up/sos", said, quiet.village.now)).alert)


def live(quiet: Quiet, **places: tuple[float, float]) -> None:
    with quiet.village.writer.transaction() as connection:
        connection.execute(t.areas.insert(), {"id": "d2", "name": "d2"})
        for one, (lat, lon) in places.items():
            there = {"lat": lat, "lon": lon} | ({"area_id": "d2"} if (lat, lon) == FAR else {})
            connection.execute(update(t.responders).where(t.responders.c.id == one).values(**there))


def test_who_leaves_again_is_looked_for_also_by_those_who_looked_before(quiet: Quiet) -> None:
    hire(quiet.village, "n1 neighbour d1-t1-v1", "n2 neighbour d1-t1-v1")
    live(quiet, n1=BRIDGE, n2=BRIDGE)
    alert = leaves(quiet, "p1", BRIDGE)
    quiet.acts(alert, Action.CLAIM)
    quiet.acts(alert, Action.DISPATCH)
    quiet.village.says("n1", "1")
    quiet.village.says("n2", "1")
    quiet.acts(alert, Action.FOUND, party="responder:n1", person="n1")
    quiet.passes(alert, 50)
    before = {name: len(quiet.village.calls(name)) for name in ("n1", "n2")}
    assert leaves(quiet, "p2", BRIDGE) == alert
    assert {name: len(quiet.village.calls(name)) for name in before} == {name: n + 1 for name, n in before.items()}


def test_who_lives_where_they_are_seen_at_last_is_asked_however_late_that_is(quiet: Quiet) -> None:
    hire(quiet.village, "n1 neighbour d1-t1-v1", "chief district_command d1", "far neighbour d1-t1-v1")
    live(quiet, n1=BRIDGE, far=FAR)
    alert = leaves(quiet, "p1", BRIDGE)
    quiet.acts(alert, Action.CLAIM)
    quiet.acts(alert, Action.DISPATCH)
    quiet.passes(alert, 55)
    with quiet.village.writer.transaction() as connection:  # out of reach until now, and the levels' times are over
        connection.execute(update(t.offers).values(asked_at=quiet.village.now - timedelta(hours=1)))
    assert not quiet.village.calls("far")
    leaves(quiet, "p2", FAR)
    quiet.acts(alert, Action.OFFER_NEXT)
    assert len(quiet.village.calls("far")) == 1


def test_an_sos_that_becomes_a_search_asks_whoever_was_asked_in_vain_for_the_door(quiet: Quiet) -> None:
    hire(quiet.village, "n1 neighbour d1-t1-v1")
    live(quiet, n1=BRIDGE)
    alert = quiet.village.press()
    quiet.passes(alert, 58)
    before = len(quiet.village.calls("n1"))
    assert leaves(quiet, "p2", BRIDGE) == alert
    calls = quiet.village.calls("n1")
    assert (len(calls), calls[-1]["dialogue"]) == (before + 1, "search")
