"""Ids without dice: of the commit and of what was named before it, so that the same inputs make the same ids."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

from callcenter import ids


class Numbered:
    """In the place of the random part of an id."""

    def __init__(self) -> None:
        self._next = 0

    def begin(self, commit: int) -> None:
        """What is named from here on belongs to this commit."""
        self._next = commit << 24

    def urandom(self, size: int) -> bytes:
        self._next += 1
        return self._next.to_bytes(size)


@contextmanager
def numbered() -> Iterator[Numbered]:
    """While this lasts the centre's ids are ours."""
    ours, real = Numbered(), ids.os
    ids.os = SimpleNamespace(urandom=ours.urandom)  # type: ignore[assignment]
    try:
        yield ours
    finally:
        ids.os = real
