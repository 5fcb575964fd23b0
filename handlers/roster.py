"""A list of people leaves the system on paper: who printed it, of which area and how many, is in the timeline first."""

from callcenter.ports.room import RosterPrinted
from callcenter.storage.unit import Unit
from handlers.intake import Handler


def printed(unit: Unit, wanted: RosterPrinted) -> None:
    data = {"area": wanted.area, "people": wanted.people, "everybody": wanted.everybody}
    unit.log(None, rule="roster.printed", actor=f"operator:{wanted.by.id}", data=data, area=wanted.area)


HANDLERS: dict[type, Handler] = {RosterPrinted: Handler(printed, withdrawable=True)}
