"""How far up the asking has come, and its owner's way to hold it for a reason, which never outlasts its owner."""

from dataclasses import replace
from datetime import datetime

import pytest

from callcenter.alerts.alert_rules import ALERT_TABLE
from callcenter.alerts.asking import asking
from callcenter.alerts.effects import AskResponders
from callcenter.alerts.escalation import deadlines
from callcenter.alerts.inputs import Action, AlertInput, OperatorGone, TimerDue, TimerKind
from callcenter.alerts.model import Alert, Kind, State
from callcenter.alerts.offer_model import Offer
from callcenter.alerts.operator_rules import HELD_FOR, possible_actions
from callcenter.alerts.rules import Decided, Refused, decide
from tests.unit.test_alert_machine import ANNA, BERT, RINGING, T0, acted, alarm, s

POLICY = replace(RINGING, most_waves=16)


def decided(alert: Alert | None, happened: AlertInput, at: datetime) -> Decided | Refused:
    return decide(ALERT_TABLE, alert, happened, now=at, policy=POLICY)


def after(alert: Alert | None, happened: AlertInput, at: datetime) -> Alert:
    found = decided(alert, happened, at)
    assert isinstance(found, Decided), found
    return found.change.alert


@pytest.fixture
def asked() -> Alert:
    """Claimed, and people are asked to go since the second second."""
    opened = after(None, alarm(Kind.SOS), T0)
    claimed = after(opened, acted(Action.CLAIM), T0 + s(1))
    return after(claimed, acted(Action.DISPATCH), T0 + s(2))


def next_wave(alert: Alert) -> datetime | None:
    return deadlines(alert, POLICY).get(TimerKind.NEXT_WAVE)


def held(alert: Alert, at: datetime) -> Alert:
    return after(alert, acted(Action.HOLD, text="the daughter is on the stairs"), at)


def test_it_goes_on_by_itself_and_a_hold_with_a_reason_delays_it_once(asked: Alert) -> None:
    assert next_wave(asked) == T0 + s(2 + POLICY.next_wave_s)
    alert = held(asked, T0 + s(20))
    assert next_wave(alert) == T0 + s(20) + HELD_FOR
    found = decided(alert, TimerDue(TimerKind.NEXT_WAVE, T0 + s(140)), T0 + s(140))
    assert isinstance(found, Decided)
    assert any(isinstance(effect, AskResponders) for effect in found.change.effects)
    assert next_wave(found.change.alert) == T0 + s(140 + POLICY.next_wave_s)  # and then as before


def test_a_hold_is_never_earlier_than_the_wave_itself(asked: Alert) -> None:
    late = replace(asked, asked_at=T0 + s(500))
    assert next_wave(replace(late, held_until=T0 + s(501))) == T0 + s(500 + POLICY.next_wave_s)


@pytest.mark.parametrize("ends", [OperatorGone(ANNA.id), acted(Action.RELEASE), acted(Action.OFFER_NEXT)])
def test_it_ends_with_its_owner_and_with_asking_now(asked: Alert, ends: AlertInput) -> None:
    alert = after(held(asked, T0 + s(20)), ends, T0 + s(25))
    found = next_wave(alert)
    assert found is not None
    assert found <= T0 + s(25 + POLICY.next_wave_s)


def test_a_further_press_ends_it_until_the_owner_has_reacted(asked: Alert) -> None:
    pressed = after(held(asked, T0 + s(20)), alarm(Kind.FALL), T0 + s(25))
    found = next_wave(pressed)
    assert found is not None
    assert found <= T0 + s(25 + POLICY.next_wave_s)


def test_whoever_takes_it_over_does_not_inherit_it(asked: Alert) -> None:
    left = after(held(asked, T0 + s(20)), acted(Action.RELEASE), T0 + s(21))
    taken = after(left, acted(Action.CLAIM, BERT), T0 + s(22))
    assert next_wave(taken) == T0 + s(2 + POLICY.next_wave_s)


@pytest.mark.parametrize(
    ("action", "code"),
    [
        (acted(Action.HOLD, text="  "), "missing"),
        (acted(Action.HOLD, BERT, text="because"), "not_owner"),
    ],
)
def test_it_wants_its_owner_and_a_reason(asked: Alert, action: AlertInput, code: str) -> None:
    refused = decided(asked, action, T0 + s(20))
    assert isinstance(refused, Refused)
    assert refused.code == code


def test_what_does_not_go_on_by_itself_cannot_be_held(asked: Alert) -> None:
    claimed = replace(asked, asked_at=None, waves=0, state=State.CLAIMED)
    refused = decided(claimed, acted(Action.HOLD, text="because"), T0 + s(20))
    assert isinstance(refused, Refused)
    assert refused.code == "not_allowed"
    assert Action.HOLD not in possible_actions(claimed, ANNA)
    assert Action.HOLD in possible_actions(asked, ANNA)


def _offer(name: str, level: str, at: datetime) -> Offer:
    return Offer(
        id=name, alert_id="a1", party=f"responder:{name}", name=name, kind="", level=level, wave=1, asked_at=at
    )


def test_each_level_says_since_when_and_until_when(asked: Alert) -> None:
    offers = [_offer("n1", "neighbour", T0 + s(3)), _offer("n2", "neighbour", T0 + s(2))]
    found = asking(asked, offers, POLICY)
    assert found is not None
    assert [one.level for one in found.levels] == ["neighbour", "village", "town", "district"]
    near, further = found.levels[:2]
    assert (near.asked, near.since, near.up_at) == (2, T0 + s(2), T0 + s(92))
    assert (further.asked, further.since, further.up_at) == (0, None, None)
    assert (found.next_at, found.held) == (next_wave(asked), False)
    assert asking(held(asked, T0 + s(20)), offers, POLICY).held  # type: ignore[union-attr]
    assert asking(replace(asked, reopened_at=T0 + s(9)), offers, POLICY).levels[0].asked == 0  # type: ignore[union-attr]
    assert asking(replace(asked, waves=0), offers, POLICY) is None
