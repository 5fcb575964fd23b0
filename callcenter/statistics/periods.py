"""Days, hours and months as people at the centre count them: in their own time zone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo


def hour_of(at: datetime, zone: tzinfo) -> str:
    """Start of the local hour, with its offset: where clocks are put back, an hour has a twin of another offset."""
    return at.astimezone(zone).replace(minute=0, second=0, microsecond=0).isoformat()


def day_of(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).date().isoformat()


def month_of(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m")


@dataclass(frozen=True, slots=True)
class Period:
    """Whole local days, the first and the last included."""

    first: date
    last: date
    zone: tzinfo

    @property
    def since(self) -> datetime:
        return self._midnight(self.first)

    @property
    def until(self) -> datetime:
        """The first moment after it."""
        return self._midnight(self.last + timedelta(days=1))

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def each_hour(self) -> Iterator[str]:
        at = self.since
        while at < self.until:
            yield hour_of(at, self.zone)
            at += timedelta(hours=1)

    def each_day(self) -> Iterator[str]:
        return ((self.first + timedelta(days=n)).isoformat() for n in range(self.days))

    def each_month(self) -> Iterator[str]:
        """Those it touches."""
        return iter(dict.fromkeys(day[:7] for day in self.each_day()))
