"""Flood mode: when more alarms come than the operators at their consoles can look at, technical signals are folded.

Pure. Nothing of a person hangs on it: consoles fold only what nobody pressed (console/static/folds.js), and nothing
that is stored, rung by telephone or asked of responders knows of it.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

WINDOW = timedelta(minutes=10)
BEGINS_ABOVE = 10  # alarms per operator within the window
ENDS_BELOW = 5


@dataclass(frozen=True, slots=True)
class Load:
    """What there is to look at, and by how many."""

    alarms: int  # opened within the window
    operators: int  # at a live console

    @property
    def each(self) -> float:
        """One who would have to do it alone, where nobody is there."""
        return self.alarms / max(self.operators, 1)


@dataclass(frozen=True, slots=True)
class Flood:
    """Of the whole room. `loaded`: there is too much; `held_by`: the supervisor who wants it on, empty: nobody."""

    loaded: bool = False
    held_by: str = ""

    @property
    def on(self) -> bool:
        return self.loaded or bool(self.held_by)

    @property
    def by(self) -> str:
        """Why it is on; empty while it is off."""
        return "supervisor" if self.held_by else "load" if self.loaded else ""

    def as_dict(self) -> dict[str, bool | str]:
        """As consoles are told (openapi.yaml, FloodState)."""
        return {"flood": self.on} | ({"flood_by": self.by} if self.on else {})


def held(flood: Flood, by: str) -> Flood:
    """As a supervisor wants it; `by` empty: as the load says. Who wanted it first stays the one who did."""
    return flood if by and flood.held_by else replace(flood, held_by=by)


def reviewed(flood: Flood, load: Load) -> Flood:
    """Between the two limits it stays as it is."""
    return replace(flood, loaded=load.each >= ENDS_BELOW if flood.loaded else load.each > BEGINS_ABOVE)
