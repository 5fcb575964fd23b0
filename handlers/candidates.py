"""Everybody who could go to an alert's door, ranked by when they would be there (alerts/ranking.py)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from callcenter.alerts.model import Alert
from callcenter.alerts.ranking import Candidate, Need, Ranked, Spot, rank
from callcenter.storage import directory, refused_phones
from callcenter.storage.directory import Askable, Person
from callcenter.storage.unit import Unit

CONTACT_KIND = "family"  # whoever a resident named: a relative, a friend


@dataclass(frozen=True, slots=True)
class Choice:
    """Somebody who is asked, and why before others. Level "": by the ladder or by hand, nobody was compared."""

    person: Person
    ranked: Ranked | None = None
    level: str = ""


def at_home(unit: Unit, alert: Alert) -> list[Person]:
    """Whose press it is; of a device of the whole house, everybody who lives there."""
    if alert.subject.resident:
        person = directory.resident(unit.connection, alert.subject.resident)
        return [person] if person else []
    return directory.residents_of(unit.connection, alert.subject.household) if alert.subject.household else []


def contacts(unit: Unit, alert: Alert) -> list[Person]:
    theirs = (person.resident for person in at_home(unit, alert))
    return [contact for resident in theirs if resident for contact in directory.contacts(unit.connection, resident)]


def area(unit: Unit, alert: Alert) -> str | None:
    return next((person.area for person in at_home(unit, alert) if person.area), None)


def at_the_door(unit: Unit, alert: Alert) -> list[Choice]:
    """Who could go to the door of the house."""
    return choices(unit, alert, at=directory.home(unit.connection, alert.subject.resident, alert.subject.household).at)


def choices(
    unit: Unit,
    alert: Alert,
    *,
    at: Spot | None,
    key: bool = True,
    more: Iterable[Askable] = (),
    known: Callable[[Askable], Askable] | None = None,
) -> list[Choice]:
    """The best first. A telephone that several people share is there once: for the best of them.

    `more` people than belong to the resident; `known`: what is left of what is known of those who do.
    """
    home = directory.home(unit.connection, alert.subject.resident, alert.subject.household)
    engaged = unit.calls.engaged()
    found = [_contact(person) for person in contacts(unit, alert)]
    kinds = tuple(sorted(kind for level in unit.policy_of(alert).levels for kind in level.kinds))
    found += directory.askable(unit.connection, area(unit, alert), kinds, household=home.household, now=unit.now)
    people = {one.person.party: one for one in (*more, *map(known or _as_is, found)) if one.person.number}
    load = unit.offers.load(but=alert.id)
    refused = refused_phones.parties(unit.connection)
    candidates = [
        replace(_candidate(one, load[party], busy=party in engaged), refused=party in refused)
        for party, one in people.items()
    ]
    ranked = rank(candidates, Need(at, key=key))
    return list(_each_number_once(Choice(people[one.candidate.party].person, one) for one in ranked))


def _as_is(one: Askable) -> Askable:
    return one


def _contact(person: Person) -> Askable:
    """Where they live nobody wrote down; but a key is given to somebody near."""
    return Askable(person, CONTACT_KIND, key=person.keyholder, above=0 if person.keyholder else None)


def _candidate(one: Askable, load: int, *, busy: bool) -> Candidate:
    return Candidate(
        party=one.person.party,
        kind=one.kind,
        home=one.home,
        moves=one.moves,
        skills=one.skills,
        key=one.key,
        load=load,
        above=one.above,
        on_duty=one.on_duty,
        busy=busy,
    )


def _each_number_once(found: Iterable[Choice]) -> Iterable[Choice]:
    seen = set[str]()
    for one in found:
        if one.person.number not in seen:
            seen.add(one.person.number)
            yield one
