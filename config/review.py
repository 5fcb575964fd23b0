"""After how many days somebody should ask whether a fact of a resident is still true.

Our own rule, no norm: what is wrong with a door or a number shows when it is too late to ask, so once a year; what a
doctor changes, twice a year. A fact that is empty is one too: "no allergies" of three years ago is no answer.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

_YEAR, _HALF_A_YEAR = 365, 182
REVIEW_DAYS: Mapping[str, int] = {
    "address": _YEAR,
    "entry_notes": _YEAR,
    "phone": _YEAR,
    "contacts": _YEAR,
    "conditions": _HALF_A_YEAR,
    "medicines": _HALF_A_YEAR,
    "allergies": _HALF_A_YEAR,
}


def due(known: Mapping[str, str | None], now: datetime) -> list[str]:
    """The facts that should be asked about, of those with a rule; of whose age nobody knows anything, too."""
    return [
        fact
        for fact, days in REVIEW_DAYS.items()
        if fact in known and ((at := known[fact]) is None or now - datetime.fromisoformat(at) > timedelta(days=days))
    ]
