"""The register, changed by people: what they say is checked like a file, stored, and told in its history.

Two who change the same record: the second is told what the first has changed, and nothing of theirs is overwritten.
"""

from collections.abc import Sequence

from callcenter.alerts.rules import Refused
from callcenter.clock import china
from callcenter.people.facts import read_facts, wrong_here
from callcenter.people.rows import Fault
from callcenter.people.storing import put_and_tell
from callcenter.ports import ConsentSaid, FactsConfirmed, FactsSaid, Faulty, Stale
from callcenter.storage import consents, register_book
from callcenter.storage.learned import learn
from callcenter.storage.register_book import Change, Facts, Key
from callcenter.storage.scope import area_of
from callcenter.storage.unit import Unit
from handlers.intake import Handler

NOT_THERE = Refused("not_found", "there is no such record")


def say(unit: Unit, said: FactsSaid) -> Refused | Stale | Faulty | None:
    """A new record, or a known one as it is now."""
    key, connection = (said.register, said.id), unit.connection
    known = register_book.record(connection, *key)
    if refused := _stale(unit, known, said.version) if said.version is not None else _taken(known):
        return refused
    row = read_facts(said.register, said.id, _home(said, known) | said.facts)
    if isinstance(row, list):
        return _faulty(row)
    if faults := wrong_here(connection, row, unit.now, said.scope):
        return _faulty(faults)
    actor = f"operator:{said.by.id}"
    put_and_tell(unit, row, actor=actor)
    if not known:
        register_book.tell(unit, key, "added", [register_book.added(key)], actor=actor, area=_area(unit, key))
    return None


def _home(said: FactsSaid, known: dict[Key, Facts]) -> Facts:
    """Whose home is not said lives where they lived; who is new, in a household of their own."""
    if said.register != "residents":
        return {}
    return {"household_id": register_book.flat(known)["household_id"] if known else said.id}


def _taken(known: dict[Key, Facts]) -> Refused | None:
    return Refused("exists", "there is a record with this id") if known else None


def _stale(unit: Unit, known: dict[Key, Facts], version: int) -> Refused | Stale | None:
    if not known:
        return NOT_THERE
    if register_book.version(unit.connection, known) == version:
        return None
    newer = register_book.history(unit.connection, known, after=version)
    return Stale([change for change in newer if change["how"] != "confirmed"])


def _faulty(faults: Sequence[Fault]) -> Faulty:
    return Faulty(tuple((fault.field, fault.code, fault.reason) for fault in faults))


def _area(unit: Unit, key: Key) -> str | None:
    return area_of(unit.connection, key[0].removesuffix("s"), key[1])


def confirm(unit: Unit, said: FactsConfirmed) -> Refused | Stale | None:
    """Known since now, and by whom; nothing else changes."""
    key = ("residents", said.resident)
    known = register_book.record(unit.connection, *key)
    if refused := _stale(unit, known, said.version):
        return refused
    if strange := set(said.facts) - register_book.flat(known).keys():
        return Refused("bad_field", f"there is no fact {min(strange)}")
    for fact in said.facts:
        for register, one, columns in register_book.columns_of(unit.connection, known, fact):
            learn(unit.connection, register, one, columns, unit.now)
    changes = [
        Change(*where, fact, facts[fact], facts[fact])
        for where, facts in known.items()
        for fact in said.facts
        if fact in facts
    ]
    register_book.tell(unit, key, "confirmed", changes, actor=f"operator:{said.by.id}", area=_area(unit, key))
    return None


def consent(unit: Unit, said: ConsentSaid) -> Refused | None:
    """The newest word counts, at once; a withdrawal is never refused for what stood there before."""
    key = ("residents", said.resident)
    if not register_book.record(unit.connection, *key):
        return NOT_THERE
    if said.on > unit.now.astimezone(china()).date():
        return Refused("in_future", "day: that day is still to come")
    before = consents.said(unit.connection, said.resident, said.purpose)
    consents.say(unit.connection, *(said.resident, said.purpose), given=said.given, on=said.on.isoformat(), by=said.who)
    after = consents.said(unit.connection, said.resident, said.purpose)
    changes = [Change(*key, f"consent.{said.purpose}", before, after)] if before != after else []
    if changes:
        register_book.tell(unit, key, "changed", changes, actor=f"operator:{said.by.id}", area=_area(unit, key))
    return None


HANDLERS: dict[type, Handler] = {
    FactsSaid: Handler(say, withdrawable=True),
    FactsConfirmed: Handler(confirm, withdrawable=True),
    ConsentSaid: Handler(consent, withdrawable=True),
}
