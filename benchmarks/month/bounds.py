"""How long an emergency may go without anybody: computed from the policy, so that a change of the policy moves it."""

from callcenter.alerts.call_rules import DIAL_S
from callcenter.alerts.dialogues import PRESS_S, TRIES
from callcenter.alerts.model import Kind
from callcenter.storage.unit import EFFECT_LEASE_S
from config.policies import AlertPolicy

SWEEP_S = 1.0
SPOKEN_S = 20.0  # a question with its keys, and what is said after the answer
CLAIMED_BY_DUTY_S = 30.0  # the duty person finds that somebody has it just now, and looks again
# A request may be under way, and an order to hang up that failed is repeated after its lease and the outbox's sweep.
# Less than a telephone rings: one that nobody stops is found.
HANGS_UP_S = DIAL_S + EFFECT_LEASE_S + 4.0


def asking_call_s(policy: AlertPolicy) -> float:
    """One call that asks somebody, at its longest: all its news may be lost, and the carrier is asked twice."""
    c = policy.calls
    dialled = DIAL_S + c.unknown_first_s + c.look_every_s  # never placed: known then, and dialled again or given up
    return dialled + c.ring_responder_s + c.news_late_s + TRIES * (SPOKEN_S + PRESS_S) + 2 * c.look_every_s


def all_levels_s(policy: AlertPolicy) -> float:
    """Every level has its time; that it is over is seen when the next wave is due; the last ones are heard out."""
    levels = sum(level.deadline_s + policy.next_wave_s for level in policy.levels)
    waves = policy.most_waves * policy.next_wave_s
    return min(levels, waves) + asking_call_s(policy)


def last_rung_s(policy: AlertPolicy, kind: Kind) -> float:
    """Until the ladder of an alert that nobody takes has asked people to go, whatever the resident's telephone did."""
    return max(rung.after_s for rung in policy.ladder(kind.value).rungs if rung.phone) + SWEEP_S


def help_within_s(policy: AlertPolicy, kind: Kind, *, duty_s: float, late: bool) -> float:
    """From the alarm (`late`: from when who said yes has not come) to somebody who goes, or 120.

    Time in which a named operator has it is theirs and is not counted: claims that are forgotten end by themselves.
    """
    begins = 0.0 if late else last_rung_s(policy, kind)
    return begins + all_levels_s(policy) + duty_s + CLAIMED_BY_DUTY_S + SWEEP_S
