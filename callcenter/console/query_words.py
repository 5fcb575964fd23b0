"""What clients put into a query string, and what is said when it cannot be understood."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

LONGEST_TEXT = 64


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why a parameter cannot be used, to be said after its name."""

    detail: str


Read = Callable[[str], Any]  # the value of a parameter, or Wrong


def one_of(words: Iterable[str]) -> Read:
    known = tuple(words)
    return lambda text: text if text in known else Wrong(f"must be one of {', '.join(known)}")


def whole(lowest: int, highest: int) -> Read:
    def read(text: str) -> int | Wrong:
        if text.isascii() and text.isdigit() and len(text) < 19 and lowest <= int(text) <= highest:
            return int(text)
        return Wrong(f"must be a whole number from {lowest} to {highest}")

    return read


def text(given: str) -> str | Wrong:
    if len(given) > LONGEST_TEXT or "\0" in given or any(0xD800 <= ord(char) <= 0xDFFF for char in given):
        return Wrong(f"must be at most {LONGEST_TEXT} characters of text")
    return given


def instant(given: str) -> datetime | Wrong:
    """A "+" that was not written as %2B has become a space on its way."""
    try:
        at = datetime.fromisoformat(given.replace(" ", "+"))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not 1 < at.year < 9999:
        return Wrong("must be a time with its offset, like 2026-11-21T08:00:00Z")
    return at.astimezone(UTC)


def day(given: str) -> date | Wrong:
    try:
        found = date.fromisoformat(given)
    except ValueError:
        return Wrong("must be a day, like 2026-11-21")
    return found if 1 < found.year < 9999 else Wrong("must be a day of our time")


def read_query(query: Mapping[str, str], known: Mapping[str, Read]) -> dict[str, Any] | Wrong:
    """The parameters that were given. An empty one counts as not given: that is how forms send it."""
    values: dict[str, Any] = {}
    for name, given in query.items():
        if name not in known:
            return Wrong(f"{text_of(name)}: there is no such parameter; there are {', '.join(known)}")
        value = known[name](given) if given else None
        if isinstance(value, Wrong):
            return Wrong(f"{name} {value.detail}")
        if value is not None:
            values[name] = value
    return values


def text_of(name: str) -> str:
    """A stranger's word, as far as it can be repeated to him."""
    return "".join(char for char in name[:LONGEST_TEXT] if char.isprintable())
