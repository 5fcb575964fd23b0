"""In which line of a policy file something stands: tomllib tells that only of what is no TOML."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from config.policies import Fault, Place

_TOLD = re.compile(r"at line (\d+)")
_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\s\"-]+?)\s*\]")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\"-]+)\s*=")
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"|\'[^\']*\'')


def _bare(line: str) -> str:
    """The line without what is in quotes and without its comment: brackets in there are none."""
    return _QUOTED.sub(lambda found: "_" * len(found[0]), line).partition("#")[0]


class _Tables:
    """Where headers lead: how many of each [[table]] have been seen, in the one above them that is open."""

    def __init__(self) -> None:
        self._count: dict[Place, int] = {}

    def place(self, name: str, *, many: bool) -> Place:
        place: Place = ()
        words = [word.strip().strip('"') for word in name.split(".")]
        for word in words[:-1]:
            place = (*place, word)
            if place in self._count:
                place = (*place, self._count[place])
        place = (*place, words[-1])
        if not many:
            return place
        self._count[place] = self._count.get(place, -1) + 1
        return (*place, self._count[place])


def _marks(text: str) -> Iterator[tuple[Place, int]]:
    """Every table, key and inline table of an array, with its line, in the order of the text."""
    tables, depth, inline = _Tables(), 0, -1
    table: Place = ()
    key: Place = ()
    for number, line in enumerate(text.splitlines(), start=1):
        bare = _bare(line)
        header = _HEADER.match(line) if depth == 0 else None
        if header:
            table = tables.place(header[2], many=header[1] == "[[")
            yield table, number
            continue
        if depth == 0 and (found := _KEY.match(line)):
            key, inline = (*table, found[1].strip('"')), -1
            yield key, number
        for _ in range(bare.count("{") if key else 0):
            inline += 1
            yield (*key, inline), number
        depth = max(0, depth + bare.count("[") - bare.count("]"))


def lines(text: str) -> dict[Place, int]:
    found: dict[Place, int] = {}
    for place, number in _marks(text):
        found.setdefault(place, number)
    return found


def located(text: str, faults: Iterable[Fault]) -> list[Fault]:
    """Each with its line: of the key, or of the nearest table around it that is in the text; else the first."""
    known = lines(text)
    return [one if one.line else replace(one, line=_line(text, known, one)) for one in faults]


def _line(text: str, known: Mapping[Place, int], fault: Fault) -> int:
    if fault.code == "toml":
        told = _TOLD.search(fault.reason)
        return int(told[1]) if told else max(1, len(text.splitlines()))
    around = (fault.place[:length] for length in range(len(fault.place), 0, -1))
    return next((known[place] for place in around if place in known), 1)
