"""How far up the asking has come: neighbour, village, town, district, and when it goes on by itself (field.md 2)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from callcenter.alerts.escalation import next_wave_at
from callcenter.alerts.model import Alert, is_held
from callcenter.alerts.offer_model import Offer
from config.policies import AlertPolicy, Level


@dataclass(frozen=True, slots=True)
class LevelAsked:
    """`asked` people of it since `since`; with the first wave after `up_at` the level above is asked too."""

    level: str
    asked: int
    since: datetime | None
    up_at: datetime | None


@dataclass(frozen=True, slots=True)
class Asking:
    """Every level of the policy, the nearest first. `next_at`: more are asked by themselves; `held`: later, for a
    reason."""

    levels: tuple[LevelAsked, ...]
    next_at: datetime | None
    held: bool


def of_this_need(alert: Alert, offers: Iterable[Offer]) -> list[Offer]:
    """Those that count in who is asked next: where the need began anew, only what was asked since."""
    return [one for one in offers if not alert.reopened_at or one.asked_at >= alert.reopened_at]


def _of_level(level: Level, offers: Iterable[Offer]) -> LevelAsked:
    times = [offer.asked_at for offer in offers if offer.level == level.id]
    since = min(times, default=None)
    return LevelAsked(level.id, len(times), since, since and since + timedelta(seconds=level.deadline_s))


def asking(alert: Alert, offers: Iterable[Offer], policy: AlertPolicy) -> Asking | None:
    """How it stands with an alert for which people were asked; None: nobody was, in this need."""
    if not alert.waves:
        return None
    counted = of_this_need(alert, offers)
    next_at = next_wave_at(alert, policy)
    return Asking(
        tuple(_of_level(level, counted) for level in policy.levels), next_at, bool(next_at) and is_held(alert)
    )
