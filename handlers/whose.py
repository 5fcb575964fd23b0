"""Whose a device's alarm is, and which unresolved alert it joins: one person has one alert (design.md 4)."""

from callcenter.alerts.model import Alert, Subject
from callcenter.storage import directory
from callcenter.storage.unit import Known, Unit, subject_key


def subject_of(known: Known | None, device: str) -> Subject:
    if known is None:
        return Subject(f"device:{device}", device)
    return Subject(subject_key(known, device), device, known.resident, known.household, known.name, known.place)


def open_alert(unit: Unit, known: Known | None, device: str) -> Alert | None:
    """Their own; else, of a device of the whole house, that of somebody who lives there, the most pressing one.

    So a home phone's key joins the alert of the call that was dialled on it. And of who lives alone, the house's.
    """
    if alert := unit.open_alert(subject_key(known, device)):
        return alert
    if known is None or not known.home:
        return None
    if known.resident is None:
        at_home = directory.live_at(unit.connection, known.home)
        theirs = [alert for one in at_home if (alert := unit.open_alert(f"resident:{one}"))]
        return min(theirs, key=lambda alert: (alert.priority, alert.opened_at), default=None)
    of_the_house = unit.open_alert(f"household:{known.home}")
    alone = of_the_house and directory.live_at(unit.connection, known.home) == [known.resident]
    return of_the_house if alone else None
