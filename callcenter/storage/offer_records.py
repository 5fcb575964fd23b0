"""How an offer becomes a row and back, and how consoles see it."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from callcenter.alerts.asking import Asking
from callcenter.alerts.offer_model import Offer, OfferState, Proof
from callcenter.storage import doubtful
from callcenter.storage.records import rfc3339


def offer_row(offer: Offer) -> dict[str, Any]:
    row = asdict(offer)
    return row | {
        "state": offer.state.value,
        "proof": offer.proof.value if offer.proof else None,
        "parts": json.dumps(dict(offer.parts)),
    }


def offer_from_row(row: Mapping[Any, Any]) -> Offer:
    """Never fails because of a value that another release wrote: who was asked stays on the card."""
    unknown = OfferState.WITHDRAWN if row["ended_at"] else OfferState.OFFERED
    read: dict[str, Any] = {
        "state": doubtful.value(row, "state", OfferState, unknown),
        "proof": doubtful.value(row, "proof", Proof, None) if row["proof"] else None,
        "parts": doubtful.value(row, "parts", json.loads, {}),
    }
    return Offer(**{**row, **read})


_TIMES = ("asked_at", "accepted_at", "moved_at", "says_there_at", "arrived_at", "ended_at", "due")


def asking_view(asking: Asking | None) -> dict[str, Any] | None:
    """How far up the asking has come, as the card shows it."""
    if asking is None:
        return None
    levels = [
        {"level": one.level, "asked": one.asked, "since": _moment(one.since), "up_at": _moment(one.up_at)}
        for one in asking.levels
    ]
    return {"levels": levels, "next_at": _moment(asking.next_at), "held": asking.held}


def _moment(at: datetime | None) -> str | None:
    return rfc3339(at) if at else None


def offer_view(offer: Offer) -> dict[str, Any]:
    """An offer as consoles see it change. `score` and `parts` are seconds: why they were asked before others."""
    shown = ("id", "party", "name", "kind", "level", "wave", "score", "reason", "late", "channel")
    moments = {name: getattr(offer, name) for name in _TIMES}
    return (
        {name: getattr(offer, name) for name in shown}
        | {name: _moment(at) for name, at in moments.items()}
        | {"state": offer.state.value, "parts": dict(offer.parts), "proof": offer.proof.value if offer.proof else None}
    )
