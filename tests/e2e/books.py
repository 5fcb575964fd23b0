"""What the database says, read beside the service, and whether it agrees with what devices and operators were told."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import NullPool, create_engine, select, update

from callcenter import audit
from callcenter.storage import tables as t
from tests.e2e.fleet import Fleet, Press

OPEN = {"waiting", "claimed", "helping", "handed_over"}
MOST_TOLD = 30
SHIFTED = {
    t.alerts: ("opened_at", "last_press_at", "waiting_since", "rung_at", "touched_at", "owner_gone_at",
               "attention_at", "resolved_at"),
    t.timers: ("due",),
    t.outbox: ("created_at", "free_at"),
}  # fmt: skip


@dataclass
class Books:
    """The tables of one deployment. Every read is a connection of its own."""

    url: str

    def __post_init__(self) -> None:
        self._engine = create_engine(self.url, poolclass=NullPool)

    def rows(self, table, *where) -> list:
        with self._engine.connect() as connection:
            return list(connection.execute(select(table).where(*where)).all())

    def stored(self) -> dict[tuple[str, str], str | None]:
        """(device, msg) -> alert of everything devices said."""
        return {(row.device_id, row.msg): row.alert_id for row in self.rows(t.signals)}

    def timeline(self, *rules: str) -> list:
        where = (t.timeline.c.rule.in_(rules),) if rules else ()
        return sorted(self.rows(t.timeline, *where), key=lambda row: row.n)

    def pending(self) -> list:
        return self.rows(t.outbox, t.outbox.c.state == "pending")

    def overdue(self, seconds: float) -> list:
        return self.rows(t.timers, t.timers.c.due < datetime.now(UTC) - timedelta(seconds=seconds))

    def verify(self) -> audit.Verdict:
        with self._engine.connect() as connection:
            return audit.verify(connection)

    def end_leases(self) -> None:
        """What a dead process, or a broken connection, left undone may be done now, not only in ten seconds."""
        free = update(t.outbox).where(t.outbox.c.state == "pending").values(free_at=datetime.now(UTC))
        with self._engine.begin() as connection:
            connection.execute(free)

    def age(self, seconds: float) -> None:
        """Let the centre have been away for so long: everything it remembers is older. Only while it is stopped."""
        past = timedelta(seconds=seconds)
        with self._engine.begin() as connection:
            for table, names in SHIFTED.items():
                key = list(table.primary_key.columns)
                for row in connection.execute(select(table)).mappings():
                    older = {name: row[name] - past for name in names if row[name] is not None}
                    connection.execute(
                        update(table).where(*(column == row[column.name] for column in key)).values(older)
                    )


@dataclass
class Answers:
    """What operators sent and what they were told."""

    done: list[tuple[str, str, int]] = field(default_factory=list)  # answered with 200: (alert, action, n)
    open: list[tuple[str, str]] = field(default_factory=list)  # no answer came: it may have happened


def lost(fleet: Fleet, books: Books) -> list[str]:
    """Presses whose device was told that they are stored, and which are not."""
    told = fleet.answered()  # before the database is read: the other way round a late ack would look like a loss
    stored = books.stored()
    return [f"LOST: {device} was told that {msg} is stored" for device, msg in sorted(told - stored.keys())]


def judge(fleet: Fleet, books: Books, answers: Answers | None = None) -> list[str]:
    """What is wrong after all is quiet, the first of it if it is much; empty is good."""
    wrong = [
        *lost(fleet, books),
        *fleet.strange,
        *_presses(fleet.presses, books),
        *_log(books),
        *_rungs(books),
        *_loose_ends(books),
        *(_actions(answers, books) if answers else ()),
    ]
    return wrong if len(wrong) <= MOST_TOLD else [*wrong[:MOST_TOLD], f"and {len(wrong) - MOST_TOLD} more"]


def _presses(presses: Iterable[Press], books: Books) -> Iterable[str]:
    stored = books.stored()
    made = {press.key: press for press in presses}
    yield from (f"never answered: {key}" for key, press in made.items() if not press.acks)
    yield from (f"not stored: {key}" for key in made.keys() - stored.keys())
    yield from (f"stored, but nobody pressed: {key}" for key in stored.keys() - made.keys())
    counted = {row.id: row.press_count for row in books.rows(t.alerts)}
    signals = Counter(stored.values())
    if sum(counted.values()) != len(made):
        yield f"{len(made)} presses, but the alerts count {sum(counted.values())}"
    for alert in counted.keys() | signals.keys():
        if counted.get(alert) != signals[alert]:
            yield f"alert {alert} counts {counted.get(alert)} presses, but has {signals[alert]} signals"
    for key, press in made.items():
        told = {alert for _when, _level, alert in press.acks}
        if told - {stored.get(key)}:
            yield f"{key} belongs to alert {stored.get(key)}, but its device heard {told}"


def _log(books: Books) -> Iterable[str]:
    """The timeline is whole, tells each press once, and tells the same as the alerts."""
    if not (verdict := books.verify()).whole:
        yield verdict.says
    told: Counter[tuple[str, str]] = Counter()
    open_of: dict[str, set[str]] = defaultdict(set)
    last: dict[str, dict] = {}
    for entry in books.timeline():
        data = json.loads(entry.data)
        if entry.rule in ("alarm.opens", "alarm.attaches"):
            told[data["device"], data["msg"]] += 1
        if entry.after:
            after = last[entry.alert_id] = json.loads(entry.after)
            opened = open_of[after["subject"]]
            (opened.add if after["state"] in OPEN else opened.discard)(entry.alert_id)
            if len(opened) > 1:
                yield f"entry {entry.n}: {after['subject']} has {len(opened)} open alerts"
    yield from (f"{key} is told {count} times" for key, count in told.items() if count != 1)
    yield from (f"{key} is not told" for key in books.stored().keys() - told.keys())
    for row in books.rows(t.alerts):
        for name in ("state", "press_count", "rung", "version"):
            if last[row.id][name] != getattr(row, name):
                yield f"alert {row.id}: {name} is {getattr(row, name)}, its last entry says {last[row.id][name]}"


def _rungs(books: Books) -> Iterable[str]:
    """Every rung of every ladder in order, none left out, none twice."""
    climbed: dict[str, list[int]] = defaultdict(list)
    for entry in books.timeline("ladder.climbs"):
        if number := json.loads(entry.data).get("number"):
            climbed[entry.alert_id].append(number)
    for alert, numbers in climbed.items():
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"alert {alert} climbed the rungs {numbers}"


def _loose_ends(books: Books) -> Iterable[str]:
    yield from (f"timer overdue: {row}" for row in books.overdue(5))
    yield from (f"effect pending: {row}" for row in books.pending())
    timed = {row.alert_id for row in books.rows(t.timers)}
    for row in books.rows(t.alerts):
        if (row.state != "closed") != (row.id in timed):
            yield f"alert {row.id} is {row.state}, with timers: {row.id in timed}"


def _actions(answers: Answers, books: Books) -> Iterable[str]:
    """What was answered with 200 has happened, what was answered with an error has not."""
    entries = {entry.n: entry for entry in books.timeline() if entry.rule.startswith("operator.")}
    for alert, action, n in answers.done:
        if n not in entries or entries[n].alert_id != alert:
            yield f"LOST: {action} of alert {alert} was answered with entry {n}"
    happened = Counter(entry.alert_id for entry in entries.values())
    possible = Counter(alert for alert, *_ in (*answers.done, *answers.open))
    for alert in happened:
        if happened[alert] > possible[alert]:
            yield f"alert {alert}: {happened[alert]} actions happened, {possible[alert]} were said or may have"
