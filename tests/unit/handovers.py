"""Hand-overs for the tests: strategies within the limits of the register, and the longest one it allows."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from callcenter.alerts.model import Kind
from callcenter.handover.model import (
    VERSION,
    Alarm,
    Contact,
    Desk,
    Fact,
    Going,
    Handover,
    Happening,
    Home,
    Person,
    Point,
    Taken,
)
from callcenter.handover.records import TOLD

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
# What callcenter/people/rows.py lets in, in characters.
NAME, ADDRESS, LONGER, RELATION, CASE, PERSON, NOTE = 100, 300, 1000, 50, 64, 64, 2000
CONTACTS = 9
PHONE = "+8613800000000 0000000000"

moments = st.datetimes(datetime(2020, 1, 1), datetime(2026, 11, 21), timezones=st.just(UTC))  # noqa: DTZ001
learned = st.none() | moments


def wide(most: int, least: int = 0) -> st.SearchStrategy[str]:
    """Texts as they may stand in the register: any sign but NUL and halves of signs, often as long as can be."""
    signs = st.characters(exclude_characters="\0", exclude_categories=("Cs",))
    return st.text(signs, min_size=least, max_size=most) | st.integers(least, most).map("鬱".__mul__)


def facts(most: int) -> st.SearchStrategy[Fact]:
    return st.builds(Fact, wide(most), learned)


def one_of(*values: str) -> st.SearchStrategy[Fact]:
    return st.builds(Fact, st.sampled_from(values), learned)


phones = st.from_regex(r"\A(\+?[0-9][0-9 -]{2,24})?\Z").map(str.strip)
points = st.builds(
    Point, lat=st.floats(-90, 90), lon=st.floats(-180, 180), acc_m=st.none() | st.floats(0, 1e5),
    fix=st.sampled_from(["gnss", "wifi", "cell", "ble", "none"]),
    datum=st.sampled_from(["wgs84", "gcj02", "bd09"]), learned=learned,
)  # fmt: skip
persons = st.builds(
    Person, id=st.none() | st.just("r-1"), name=facts(NAME), sex=one_of("f", "m", ""),
    born=one_of("", "1941", "1941-11-22", "1932-02-29"), phone=st.builds(Fact, phones, learned),
    risk=one_of("low", "normal", "high", ""), conditions=facts(LONGER), medicines=facts(LONGER),
    allergies=facts(LONGER),
)  # fmt: skip
homes = st.builds(
    Home, address=facts(ADDRESS), entry_notes=facts(LONGER), point=st.none() | points, housemates=st.integers(0, 5)
)
contacts = st.builds(
    Contact, name=wide(NAME, 1), relation=wide(RELATION), phone=phones, keyholder=st.booleans(), learned=learned
)
alarms = st.builds(
    Alarm, kind=st.sampled_from([kind.value for kind in Kind]), opened_at=moments, last_press_at=moments,
    press_count=st.integers(0, 10_000), device=st.from_regex(r"\A[a-z0-9-]{4,36}\Z"), silent=st.booleans(),
    reached_at=learned, cancel_pressed=st.booleans(), possibly_old=st.booleans(), drill=st.booleans(),
)  # fmt: skip
happenings = st.builds(Happening, at=moments, what=st.sampled_from(sorted(TOLD)), who=wide(NAME), said=wide(NOTE))
handovers = st.builds(
    Handover, v=st.just(VERSION), alert=st.just("01K9ALERT"), as_of=st.just(NOW), alarm=alarms, person=persons,
    home=homes, position=st.none() | points, contacts=st.lists(contacts, max_size=CONTACTS).map(tuple),
    going=st.none() | st.builds(Going, party=st.just("responder:n-1"), name=wide(NAME), phone=phones, learned=learned),
    taken=st.none() | st.builds(Taken, case_number=facts(CASE), person=facts(PERSON), first_at=moments),
    happened=st.lists(happenings, max_size=12).map(tuple),
    desk=st.builds(Desk, operator=wide(NAME), number=st.from_regex(r"\A(\+[1-9][0-9]{6,14})?\Z")),
)  # fmt: skip


def usual(**other: Any) -> Handover:
    """An ordinary one, to be read by people: a fall, an illness, a neighbour on the way."""
    year, week = NOW - timedelta(days=400), NOW - timedelta(days=7)
    parts: dict[str, Any] = {
        "alarm": Alarm(
            kind="fall", opened_at=NOW - timedelta(minutes=4), last_press_at=NOW - timedelta(minutes=1), press_count=2,
            device="bracelet-1", silent=True, reached_at=None, cancel_pressed=False, possibly_old=False, drill=False,
        ),
        "person": Person(
            id="r-1", name=Fact("李秀英", year), sex=Fact("f", year), born=Fact("1941-03-08", year),
            phone=Fact("+8663112345", year), risk=Fact("high", year), conditions=Fact("癫痫", week),
            medicines=Fact("丙戊酸", None), allergies=Fact("青霉素", week),
        ),
        "home": Home(
            address=Fact("张村镇长江街12号3单元502", year), entry_notes=Fact("钥匙在3单元501", week), point=None,
            housemates=1,
        ),
        "position": Point(lat=37.5, lon=122.1, acc_m=12.0, fix="gnss", datum="wgs84", learned=NOW - timedelta(hours=3)),
        "contacts": (Contact(name="王芳", relation="女儿", phone="13900000000", keyholder=True, learned=year),),
        "going": Going(party="responder:n-1", name="老赵", phone="+8663100001", learned=NOW - timedelta(minutes=2)),
        "taken": Taken(case_number=Fact("120-5", NOW), person=Fact("王医生", NOW), first_at=NOW),
        "happened": (
            Happening(at=NOW - timedelta(minutes=4), what="alarm.opens", who="", said=""),
            Happening(at=NOW - timedelta(minutes=3), what="operator.notes", who="Ann", said="听到呻吟声"),
        ),
        "desk": Desk(operator="Ann", number="+8663112340"),
    }  # fmt: skip
    return Handover(v=VERSION, alert="01K9ALERT", as_of=NOW, **parts | other)


def longest(sign: str = "鬱", *, contacts: int = CONTACTS, happened: int = 60, illness: int = LONGER) -> Handover:
    """Every field as long as the register and the API let it be, with nothing missing."""
    old = NOW - timedelta(days=4000)

    def fact(most: int) -> Fact:
        return Fact(sign * most, old)

    person = Person(
        id="r" * 36, name=fact(NAME), sex=Fact("f", old), born=Fact("1941-03-08", old), phone=Fact(PHONE, old),
        risk=Fact("high", old), conditions=fact(illness), medicines=fact(illness), allergies=fact(illness),
    )  # fmt: skip
    point = Point(lat=-37.123456, lon=-122.123456, acc_m=99999.0, fix="none", datum="gcj02", learned=old)
    home = Home(address=fact(ADDRESS), entry_notes=fact(LONGER), point=point, housemates=99)
    contact = Contact(name=sign * NAME, relation=sign * RELATION, phone=PHONE, keyholder=True, learned=old)
    alarm = Alarm(
        kind="ambulance", opened_at=old, last_press_at=old, press_count=9999, device="d" * 36, silent=True,
        reached_at=old, cancel_pressed=True, possibly_old=True, drill=True,
    )  # fmt: skip
    note = Happening(at=old, what="operator.sends_help_too", who=sign * NAME, said=sign * NOTE)
    return usual(
        alarm=alarm, person=person, home=home, position=point, contacts=(contact,) * contacts,
        going=Going(party="responder:n", name=sign * NAME, phone=PHONE, learned=old),
        taken=Taken(case_number=fact(CASE), person=fact(PERSON), first_at=old), happened=(note,) * happened,
        desk=Desk(operator=sign * NAME, number="+866311234567890"),
    )  # fmt: skip
