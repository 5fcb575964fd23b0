"""Requirement 22, the machine's part: whoever signs out leaves nothing in silence."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from callcenter.alerts.effects import HangUpColleague
from callcenter.alerts.inputs import Action, OperatorGone, OperatorLeft, TimerKind
from callcenter.alerts.model import Alert, State
from callcenter.alerts.rules import Change, Refused
from callcenter.console.api import Api
from callcenter.console.auth import Doorkeeper, SignedIn
from callcenter.ports import NotStored
from tests.conftest import ManualClock
from tests.unit.test_alert_machine import ANNA, BERT, OWNED, T0, acted, after, ask, due, fire, in_state, rungs, s
from tests.unit.test_handing_over import asked, done

LEFT = OperatorLeft(ANNA.id, "the bus goes")


def left(state: State, at: float = 40) -> Change:
    change = ask(in_state(state), LEFT, T0 + s(at))
    assert isinstance(change, Change)
    return change


@pytest.mark.parametrize("state", [State.CLAIMED, State.HELPING])
def test_what_is_left_waits_again_at_its_old_age_and_rings_at_once(state: State) -> None:
    change = left(state)
    assert (change.alert.state, change.alert.owner, change.alert.waiting_since) == (State.WAITING, None, T0)
    assert change.ring
    assert change.data == {"from": ANNA.id, "text": "the bus goes"}
    _alert, fired = fire(change.alert, until=T0 + s(41))
    assert rungs(fired) == [(40, "all_seats"), (40, "supervisor")], "as old as it is, the supervisor is rung too"


def test_what_120_has_stays_with_it_and_rings_here() -> None:
    change = left(State.HANDED_OVER)
    assert (change.alert.state, change.alert.owner, change.ring) == (State.HANDED_OVER, None, True)
    assert due(change.alert) == {TimerKind.ATTENTION: 100}
    assert after(change.alert, acted(Action.CLAIM, BERT), T0 + s(50)).owner == BERT


def test_who_is_asked_to_take_it_over_is_asked_no_more() -> None:
    change = done(asked(), LEFT, 3)
    assert (change.alert.transfer_to, change.alert.owner) == (None, None)
    assert HangUpColleague("A1") in change.effects
    assert isinstance(ask(change.alert, acted(Action.TAKE_OVER, BERT), T0 + s(4)), Refused)


@pytest.mark.parametrize("state", OWNED)
def test_only_what_is_the_leavers_own_is_left(state: State) -> None:
    for alert in (in_state(state, owner=BERT), after(asked(), acted(Action.TAKE_OVER, BERT), T0 + s(3))):
        assert isinstance(ask(alert, LEFT, T0 + s(9)), Refused)


@pytest.mark.parametrize("state", OWNED)
def test_whose_console_went_first_leaves_all_the_same(state: State) -> None:
    gone: Alert = after(in_state(state), OperatorGone(ANNA.id), T0 + s(3))
    change = ask(gone, LEFT, T0 + s(4))
    assert isinstance(change, Change)
    assert TimerKind.OWNER_GONE not in due(change.alert)


def test_signing_out_is_possible_although_what_is_left_cannot_be_stored() -> None:
    """The session ends and the consoles close; the alerts ring when the console is missed."""
    done: list[str] = []

    async def later(_job: Any) -> None:
        done.append("revoked")

    async def refuses(_wanted: Any) -> None:
        raise NotStored("the database does not answer")

    async def closes(hashed: str) -> None:
        done.append(f"closed {hashed}")

    clock: Any = ManualClock()
    keeper = Doorkeeper(None, clock, public="http://127.0.0.1")  # type: ignore[arg-type]
    live: Any = SimpleNamespace(elsewhere=lambda _who: False, sign_out=closes)
    parts: Any = {"read": None, "presence": None, "policy_of": None, "checks": None, "submit": refuses, "later": later}
    api = Api(keeper=keeper, live=live, clock=clock, **parts)
    answer = asyncio.run(api._left(SignedIn("anna", "Anna", "operator", "t1")))
    assert (answer.status, done) == (204, ["revoked", "closed t1"])
