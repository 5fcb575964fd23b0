"""Gaps: times in which somebody may have pressed or rung and nobody heard it. Pure (docs/adr/0032).

After each, those who may have been in need are listed by risk and the list is worked to its end (field.md 5.3).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class GapKind(StrEnum):
    DOWN = "down"  # no process of ours lived
    NOT_STORING = "not_storing"  # processes lived, and the database took nothing
    NOT_HEARING = "not_hearing"  # no process was connected to the broker
    NOT_CALLING = "not_calling"  # no telephone carrier worked
    SILENT_AREA = "silent_area"  # many devices fell silent at once
    RESTORED = "restored"  # what was stored in it is lost: the database is an older copy


class Settled(StrEnum):
    SWEPT = "swept"  # everybody it concerns is on a roll
    HEARD_AGAIN = "heard_again"  # every device has been heard since, and no call failed
    DISMISSED = "dismissed"  # a named human has said why nobody need be asked


# A device repeats its press for the first minute at least every 15 s (device-events.md): what is shorter than this was
# waited out by every device, and needs nobody to look after it. A call is not repeated by itself, but by who dials.
AT_LEAST = {
    GapKind.DOWN: timedelta(seconds=60),
    GapKind.NOT_STORING: timedelta(seconds=60),
    GapKind.NOT_HEARING: timedelta(seconds=60),
    GapKind.NOT_CALLING: timedelta(seconds=60),
    GapKind.SILENT_AREA: timedelta(0),
    GapKind.RESTORED: timedelta(0),
}
# Silent for longer before it began, a device is on the dormant list and no question of this gap.
DORMANT = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """One of them. `ended_at` None: it goes on. `settled_at`: nobody is left to be put on a roll for it."""

    id: str
    kind: GapKind
    began_at: datetime
    ended_at: datetime | None = None
    settled_at: datetime | None = None

    @property
    def heard_after(self) -> datetime:
        """A device that was heard after this moment has delivered what it had to say."""
        return self.ended_at or self.began_at


def counts(kind: GapKind, began: datetime, now: datetime) -> bool:
    """Whether it was long enough that somebody may have been missed."""
    return now - began > AT_LEAST[kind]


def proves(kind: GapKind) -> bool:
    """Whether a device that is heard again proves that its press was not lost.

    It repeats what was never acknowledged. What was acknowledged and then lost with the database it does not.
    """
    return kind is not GapKind.RESTORED


@dataclass(frozen=True, slots=True)
class Wearer:
    """A resident and when their devices were last heard: their own, and the telephone of the house."""

    own: datetime | None
    house: datetime | None
    has_own: bool
    called_in_vain: bool = False

    @property
    def heard_at(self) -> datetime | None:
        """A telephone in the hall says nothing of the bracelet on the wrist: it counts where there is no bracelet."""
        return self.own if self.has_own else self.house


def turn(gap: Gap, wearer: Wearer) -> int | None:
    """In which turn they are asked, 0 first; None: nothing makes this gap a question for them."""
    heard = wearer.heard_at
    silent = heard is None or heard <= gap.heard_after
    if not proves(gap.kind):
        return 0 if silent else 1
    lost = heard is not None and silent and heard > gap.began_at - DORMANT
    if lost and gap.kind is not GapKind.NOT_CALLING:
        return 0
    return 1 if wearer.called_in_vain else None
