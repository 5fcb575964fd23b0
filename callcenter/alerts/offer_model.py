"""What an offer is: one person asked to go to one alert, from being chosen to having been there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class OfferState(StrEnum):
    QUEUED = "queued"  # chosen and stored; nothing has reached them yet
    OFFERED = "offered"  # it rings, or the message is there
    ACCEPTED = "accepted"  # a keypress or the page's button; nothing else
    EN_ROUTE = "en_route"  # said so, or their phone has moved
    ON_SCENE = "on_scene"  # with a proof
    DONE = "done"
    DECLINED = "declined"
    MISSED = "missed"  # no answer, voicemail, wrong number, the wrong key
    WITHDRAWN = "withdrawn"  # somebody else goes, or the alert is over


ASKED = frozenset({OfferState.QUEUED, OfferState.OFFERED})
GOING = frozenset({OfferState.ACCEPTED, OfferState.EN_ROUTE, OfferState.ON_SCENE})
ENDED = frozenset({OfferState.DONE, OfferState.DECLINED, OfferState.MISSED, OfferState.WITHDRAWN})


class Proof(StrEnum):
    """How it is known that somebody is at the door."""

    POSITION = "position"  # their phone, near enough
    DEVICE = "device"  # the resident's own bracelet or telephone was pressed for it
    VOICE = "voice"  # an operator heard it and says so
    KEY = "key"  # they rang back and pressed the key for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One person asked. A time is written once, when it happens; None: it has not.

    `score` and `parts` (seconds) tell why they were asked before others (ranking). `due` is when they should have
    moved or arrived; after that they are `late` and others are asked too, while they may still come.
    """

    id: str
    alert_id: str
    party: str
    name: str
    kind: str
    level: str
    wave: int
    state: OfferState = OfferState.QUEUED
    score: int = 0
    parts: Mapping[str, int] = field(default_factory=dict)
    asked_at: datetime
    accepted_at: datetime | None = None
    channel: str = ""  # how they said yes: phone, page, by_hand
    moved_at: datetime | None = None
    says_there_at: datetime | None = None  # they say so, and nothing has proved it yet
    arrived_at: datetime | None = None
    proof: Proof | None = None
    ended_at: datetime | None = None
    reason: str = ""  # why it ended
    due: datetime | None = None
    late: bool = False

    @property
    def going(self) -> bool:
        """On the way or there, and not so late that somebody else has to be asked."""
        return self.state in GOING and not self.late
