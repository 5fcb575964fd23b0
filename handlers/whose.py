"""Whose a device's alarm is, and which unresolved alert it joins: one person has one alert (design.md 4).

Somebody who is looked for is not at home. So whatever asks for people at the door of their house is no part of the
search, and that they have left is no part of what the house asked for: each gets an alert of its own.
"""

from dataclasses import replace

from callcenter.alerts.model import OF_THE_HOUSE, Alert, Kind, Subject
from callcenter.storage import directory
from callcenter.storage.unit import Unit
from callcenter.storage.unit_values import Known, subject_key

WORN = "bracelet"  # the family of devices that go where a person goes


def subject_of(known: Known | None, device: str) -> Subject:
    if known is None:
        return Subject(f"device:{device}", device)
    return Subject(subject_key(known, device), device, known.resident, known.household, known.name, known.place)


def alarm_of(unit: Unit, known: Known | None, device: str, kind: Kind | None = None) -> tuple[Subject, Alert | None]:
    """Whom an alarm of this kind is about (None: it is none, but a test or a cancel), and the alert that it joins.

    So a home phone's key joins the alert of the call that was dialled on it. And of who lives alone, the house's.
    """
    subject = subject_of(known, device)
    own = unit.open_alert(subject.key)
    if known is None or not known.home:
        return subject, own
    worn = known.family == WORN and kind not in OF_THE_HOUSE
    leaves = kind is Kind.WANDER
    if known.resident and (worn or leaves or not (own and own.searching)):
        return subject, own or _of_who_lives_alone(unit, known, leaves=leaves, worn=worn)
    house = replace(subject, key=f"household:{known.home}", resident=None, household=known.home)
    of_the_house = unit.open_alert(house.key)
    if of_the_house is None:
        return house, _most_pressing(unit, known.home, searching=leaves)
    if of_the_house.searching == leaves or (worn and of_the_house.subject.device == device):
        return house, of_the_house
    beside = replace(house, key=f"device:{device}")  # the house's own alert is about something else
    return beside, unit.open_alert(beside.key)


def _of_who_lives_alone(unit: Unit, known: Known, *, leaves: bool, worn: bool) -> Alert | None:
    of_the_house = unit.open_alert(f"household:{known.home}")
    if of_the_house is None or directory.live_at(unit.connection, known.home or "") != [known.resident]:
        return None
    same = worn and not leaves  # a press on the way belongs to the search
    return of_the_house if of_the_house.searching == leaves or same else None


def _most_pressing(unit: Unit, home: str, *, searching: bool) -> Alert | None:
    """Of those who live there: never the door for a search, nor a search for the door."""
    at_home = directory.live_at(unit.connection, home)
    theirs = [alert for one in at_home if (alert := unit.open_alert(f"resident:{one}"))]
    fitting = [alert for alert in theirs if alert.searching == searching]
    return min(fitting, key=lambda alert: (alert.priority, alert.opened_at), default=None)
