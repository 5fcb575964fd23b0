"""Since when a fact of the register is known: from the import that last changed it, field by field."""

from datetime import datetime

from callcenter.people import import_file
from callcenter.storage.learned import learned
from tests.conftest import ManualClock
from tests.unit.registry import HEAD, Town

DAY = 86_400.0
ROWS = [("residents", "r-1"), ("households", "h-1"), ("contacts", "r-1-1")]
LONGER_HEAD = f"{HEAD},conditions,allergies,contact1_name,contact1_phone"


def told(town: Town, clock: ManualClock, *lines: str, head: str = LONGER_HEAD) -> dict[str, datetime]:
    """Read a file now; gives register.field -> since when."""
    path = town.directory / "residents.csv"
    path.write_text("\n".join((head, *lines)) + "\n", encoding="utf-8")
    assert import_file(town.writer, "residents", path, clock=clock).wrong == []
    with town.writer.transaction() as connection:
        found = learned(connection, ROWS)
    return {f"{register}.{field}": at for (register, _), fields in found.items() for field, at in fields.items()}


def test_what_is_new_is_known_since_now_and_the_rest_since_before(town: Town, clock: ManualClock) -> None:
    first = clock.now()
    known = told(town, clock, "r-1,李秀英,h-1,张村1号,d1,癫痫,,王芳,139")
    assert set(known.values()) == {first}
    assert {"residents.conditions", "residents.allergies", "households.address", "contacts.phone"} <= set(known)
    assert "residents.medicines" not in known, "the file said nothing of it"

    clock.advance(DAY)
    assert told(town, clock, "r-1,李秀英,h-1,张村1号,d1,癫痫,,王芳,139") == known, "told again is not looked at again"

    clock.advance(DAY)
    changed = told(town, clock, "r-1,李秀英,h-1,张村1号,d1,癫痫,青霉素,王芳,138")
    newer = {name for name, at in changed.items() if at != first}
    assert newer == {"residents.allergies", "contacts.phone"}


def test_a_fact_taken_back_is_known_since_then(town: Town, clock: ManualClock) -> None:
    told(town, clock, "r-1,李秀英,h-1,张村1号,d1,癫痫,青霉素,王芳,139")
    clock.advance(DAY)
    known = told(town, clock, "r-1,李秀英,h-1,张村1号,d1,癫痫,,王芳,139")
    assert known["residents.allergies"] == clock.now()


def test_somebody_else_in_the_same_place_of_the_list_is_new(town: Town, clock: ManualClock) -> None:
    told(town, clock, "r-1,李秀英,h-1,张村1号,d1,,,王芳,139")
    told(town, clock, "r-1,李秀英,h-1,张村1号,d1,,,,")
    clock.advance(DAY)
    known = told(town, clock, "r-1,李秀英,h-1,张村1号,d1,,,王强,139")
    assert {at for name, at in known.items() if name.startswith("contacts.")} == {clock.now()}
