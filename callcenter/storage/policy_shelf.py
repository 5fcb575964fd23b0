"""The versions of the escalation policy that this process has read, and the one in force. Alerts keep theirs.

Read by the writer's thread for every press, so all of it is in memory; a version that another process stored a moment
ago is read once. One that cannot be read is never in force: the last good one stays, and `unreadable` says so.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, bindparam, select

from callcenter.alerts import policy_book
from callcenter.alerts.coverage import way_up
from callcenter.alerts.model import Alert, Kind
from callcenter.clock import china
from callcenter.storage import tables as t
from callcenter.storage.prepared import Prepared
from config.policies import AlertPolicy, Override, parse

KINDS = frozenset(Kind)
_TEXT = Prepared(select(t.policies.c.text).where(t.policies.c.version == bindparam("b_version")))
MOST_RESOLVED = 4096  # combinations of overrides kept; there are a few dozen


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def read(text: str) -> AlertPolicy | str:
    """The policy, or one line why this process cannot use it."""
    found = parse(text, kinds=KINDS)
    faults = tuple(policy_book.faults(found)) if isinstance(found, AlertPolicy) else found
    return faults[0].said if faults else found  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class InForce:
    """What holds for alerts that open now. `parents`: the tree of areas, empty unless an override names one."""

    version: int
    book: AlertPolicy
    parents: Mapping[str, str | None] = field(default_factory=dict)

    def path(self, area: str | None) -> str:
        """As an alert keeps it; empty where it does not count."""
        return " ".join(way_up(area, self.parents)) if area in self.parents else ""


class Shelf:
    """`file` is version 0. Used by the writer's thread and by whoever looks for new versions.

    What this deployment can do holds whatever version is in force, and stands in none (docs/adr/0024).
    """

    def __init__(self, file: AlertPolicy, *, rings: bool = False, links: bool = False, drill: bool = False) -> None:
        self.rings = rings  # a gateway that can ring is connected: calls are made by the centre itself
        self.links = links  # a text message may hold a link: who is asked gets their page by it
        self.drill = drill  # a centre to practise in: every alert is a drill
        self._books: dict[int, AlertPolicy] = {0: file}
        self._resolved: dict[tuple[int, Kind, tuple[Override, ...]], AlertPolicy] = {}
        self.in_force = InForce(0, file)
        self.unreadable: dict[int, str] = {}  # version -> why

    def put(self, version: int, text: str) -> AlertPolicy | None:
        """Keep a stored version; None when it cannot be read."""
        found = read(text)
        if isinstance(found, str):
            self.unreadable[version] = found
            return None
        self.unreadable.pop(version, None)
        return self._books.setdefault(version, found)

    def has(self, version: int) -> bool:
        return version in self._books

    def asks_where(self, version: int) -> bool:
        """Whether the area of an alert counts under it."""
        return any(one.area for one in self._books[version].overrides)

    def force(self, version: int, parents: Mapping[str, str | None]) -> None:
        """From now on alerts open under this version, which is here."""
        self.in_force = InForce(version, self._books[version], parents)

    def of(self, connection: Connection, alert: Alert) -> AlertPolicy:
        """What holds for the alert: by its version, and where, what and when it was when it opened."""
        version = alert.policy_version
        book = self._books.get(version) or self._fetched(connection, version)
        if book is None:  # said loudly by whoever looks for versions; to do something is better than nothing
            version, book = self.in_force.version, self.in_force.book
        if not book.overrides:
            return book
        fitting = policy_book.fitting(book, alert.policy_area.split(), alert.kind, alert.opened_at.astimezone(_ZONE))
        key = version, alert.kind, fitting
        found = self._resolved.get(key)
        if found is None:
            if len(self._resolved) >= MOST_RESOLVED:
                self._resolved.clear()
            found = self._resolved[key] = policy_book.applied(book, fitting, alert.kind)
        return found

    def _fetched(self, connection: Connection, version: int) -> AlertPolicy | None:
        if version in self.unreadable:  # asked for again when versions are looked for
            return None
        rows = _TEXT.rows(connection, {"b_version": version})
        if rows:
            return self.put(version, rows[0][0])
        self.unreadable[version] = "there is no such version"
        return None


_ZONE = china()
