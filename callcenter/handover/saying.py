"""How single things are said in one language: instants, ages of facts and of people, places, kinds, one-line texts."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from callcenter.clock import china
from callcenter.handover.model import Alarm, Handover, Person, Point
from config.handover import words

LANGUAGES = ("zh-CN", "en")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_MONTH, _YEAR = 30.44 * _DAY, 365.25 * _DAY
# Younger than so many seconds -> what is counted, in seconds. Nothing is counted in ones but minutes.
_AGES = (
    (_MINUTE, 1, "ago_now"),
    (2 * _HOUR, _MINUTE, "ago_minutes"),
    (2 * _DAY, _HOUR, "ago_hours"),
    (2 * _MONTH, _DAY, "ago_days"),
    (2 * _YEAR, _MONTH, "ago_months"),
    (math.inf, _YEAR, "ago_years"),
)


def one_line(text: str) -> str:
    """Register texts may hold line breaks and signs nobody can print; on the card every line costs."""
    seen = "".join(char for char in text if char.isprintable() or char.isspace())
    return " ".join(seen.split())


def cut(text: str, most: int) -> str:
    """At most so many characters, and to be seen that it was cut."""
    return text if len(text) <= most else text[: max(most - 1, 0)] + "…"[:most]


def local(at: datetime) -> str:
    """To the minute, in the centre's zone."""
    return f"{at.astimezone(china()):%Y-%m-%d %H:%M}"


@dataclass(frozen=True, slots=True)
class Saying:
    """One language, one moment from which ages are counted."""

    language: str
    as_of: datetime

    def say(self, key: str, **fields: object) -> str:
        return words().text(key, self.language, **{name: str(value) for name, value in fields.items()})

    def ago(self, learned: datetime | None) -> str:
        """How old a fact is. A device's clock may be ahead of ours: what lies ahead is just now."""
        if learned is None:
            return self.say("ago_unknown")
        seconds = max((self.as_of - learned).total_seconds(), 0)
        unit, key = next((unit, key) for limit, unit, key in _AGES if seconds < limit)
        return self.say(key, n=int(seconds // unit))

    def clock(self, at: datetime) -> str:
        """The time of the day; with the day when that was not within the last twelve hours."""
        said = local(at)
        return said[11:] if self.as_of - at < timedelta(hours=12) else said[5:]

    def years(self, born: str) -> str:
        """Age of a person, from a date or a year; "about" admits that a year is good to one year."""
        if not born:
            return ""
        year, *rest = (int(part) for part in born.split("-"))
        today = self.as_of.astimezone(china()).date()
        if len(rest) < 2:
            return self.say("age_about", n=today.year - year)
        before_birthday = (today.month, today.day) < (rest[0], rest[1])
        return self.say("age", n=today.year - year - before_birthday)

    def sex(self, sex: str) -> str:
        return self.say(f"sex_{sex}") if sex else ""

    def name(self, person: Person) -> str:
        return one_line(person.name.value) or self.say("nobody_known")

    def about(self, person: Person) -> str:
        """Sex, age, and whether the register holds them for at high risk."""
        risk = self.say("risk_high") if person.risk.value == "high" else ""
        return self.listed(self.sex(person.sex.value), self.years(person.born.value), risk)

    def listed(self, *parts: str) -> str:
        """What there is of them, with commas between."""
        return self.say("comma").join(filter(None, parts))

    def kind(self, alarm: Alarm) -> str:
        return self.say(f"kind_{alarm.kind}")

    def point(self, point: Point) -> str:
        acc = self.say("unknown") if point.acc_m is None else self.say("metres", n=round(point.acc_m))
        fix = self.say(f"fix_{point.fix}")
        return self.say("point", lat=f"{point.lat:.5f}", lon=f"{point.lon:.5f}", datum=point.datum.upper(), fix=fix,
                        acc=acc)  # fmt: skip


def saying(handover: Handover, language: str) -> Saying:
    return Saying(language, handover.as_of)
