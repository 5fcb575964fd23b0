"""How the people of the town behave when their telephone rings: drawn for each call from the month's seed."""

from dataclasses import dataclass
from datetime import datetime
from random import Random

from benchmarks.month.plan import Plan
from benchmarks.month.town import SEATS, Registered, local_hour

NIGHT = (22.0, 6.5)  # from, to: people sleep, and hear less


@dataclass(frozen=True, slots=True)
class Habit:
    """`digits` are the answers to each question in turn: a key, "" for a word, None for nothing."""

    does: str  # answers, ignores, busy, rejects, voicemail
    rings_s: float = 6.0
    digits: tuple[str | None, ...] = ()
    after_s: float = 2.0
    stays_s: float = 60.0  # in a room, once somebody was there, or with nobody


IGNORES, BUSY, REJECTS = Habit("ignores"), Habit("busy"), Habit("rejects")

# what -> weight by day
RESIDENT = {"speaks": 45, "presses": 12, "well": 10, "silent": 8, "ignores": 17, "busy": 3, "voicemail": 5}
AT_EASE = {"speaks": 35, "well": 45, "ignores": 14, "busy": 3, "voicemail": 3}  # has pressed by mistake
VOLUNTEER = {
    "goes": 38,
    "repeats": 5,
    "refuses": 19,
    "wrong_key": 4,
    "ignores": 24,
    "busy": 4,
    "rejects": 2,
    "voicemail": 4,
}
ON_DUTY = {"goes": 52, "refuses": 16, "ignores": 22, "busy": 10}
DOES: dict[str, tuple[str | None, ...]] = {
    "speaks": ("", "", "", ""),
    "presses": ("5", "3", None),
    "well": ("1",),
    "silent": (),
    "goes": ("1",),
    "repeats": ("3", "1"),
    "refuses": ("2",),
    "wrong_key": ("7", None),
}


class Townsfolk:
    """Who answers a number, and how."""

    def __init__(self, town: Registered, plan: Plan) -> None:
        self._town = town
        self._lives = {person.phone: person.id for person in town.town.residents}
        self._dice = plan.dice("habits")
        self.operators_there: set[str] = set()  # who sits at the desk now and is on no call

    def habit(self, role: str, number: str, now: datetime) -> Habit:
        if role == "operator":
            return self._operator(number)
        if role in ("elder", "caller"):
            weights = AT_EASE if self.is_at_ease(self._lives.get(number, "")) else RESIDENT
            return self._drawn(weights, stays=(40.0, 240.0))
        volunteer = self._town.by_phone.get(number)
        weights = dict(ON_DUTY if role == "duty" else VOLUNTEER)
        if _is_night(now):
            weights["ignores"] *= 2
        if volunteer and not volunteer.on_duty(now):
            weights["goes"], weights["ignores"] = weights["goes"] // 4, weights["ignores"] * 2
        return self._drawn(weights, stays=(10.0, 35.0))

    def is_at_ease(self, resident: str) -> bool:
        """Whether they pressed by mistake, as they say to whoever asks."""
        return resident in self._town.at_ease

    def _operator(self, number: str) -> Habit:
        name = next((name for name, phone in SEATS.items() if phone == number), "")
        if name not in self.operators_there:
            return IGNORES
        return Habit("answers", rings_s=self._dice.uniform(2, 6), stays_s=self._dice.uniform(40, 150))

    def _drawn(self, weights: dict[str, int], *, stays: tuple[float, float]) -> Habit:
        dice = self._dice
        what = dice.choices(list(weights), list(weights.values()))[0]
        if what in ("ignores", "busy", "rejects"):
            return Habit(what, rings_s=dice.uniform(3, 9))
        if what == "voicemail":
            return Habit(what, rings_s=dice.uniform(12, 22), stays_s=dice.uniform(20, 50))
        rings, after, stay = dice.uniform(3, 16), dice.uniform(1, 6), dice.uniform(*stays)
        return Habit("answers", rings_s=rings, digits=DOES[what], after_s=after, stays_s=stay)


def _is_night(now: datetime) -> bool:
    hour = local_hour(now)
    return hour >= NIGHT[0] or hour < NIGHT[1]


def patience(dice: Random) -> float:
    """How long somebody who rings us waits."""
    return dice.uniform(3, 12) if dice.random() < 0.15 else dice.uniform(60, 400)
