"""A day is written down without a word about who, and played again where nobody real is registered."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from callcenter import drill_centre, people
from callcenter.clock import china
from callcenter.console.watermark import MARK, marked
from callcenter.storage import synthetic, tables as t
from callcenter.storage.engine import connect
from callcenter.storage.writer import Writer
from config.settings import Settings
from simulators.replay import Recorded, Unusable, cast, read_day
from simulators.residents import build_town
from simulators.town_files import read_fleet, write_town
from tests.integration.office import POLICY, Office
from tests.processes import lay_out

DAY = date(2026, 11, 21)  # of the clock's first moment, 16:00 in China


async def lived(office: Office) -> None:
    await office.press("bracelet-1")
    office.clock.advance(60)
    await office.press("bracelet-1", msg="p2", kind="cancel")
    await office.press("phone-2", src="phone_key", loc={"lat": 37.1, "lon": 122.4, "fix": "gnss"})
    await office.door.later(synthetic.register)
    await office.press(synthetic.DEVICE)
    office.clock.advance(timedelta(hours=9).total_seconds())
    await office.press("bracelet-3")  # tomorrow


async def test_it_says_when_and_what_and_not_who_or_where(office: Office) -> None:
    await lived(office)
    lines = office.read(drill_centre.recorded, DAY, china())
    head, *day = (json.loads(line) for line in lines)
    assert head == {"format": "vnh-day", "v": 1}
    assert [(one["s"], one["family"], one["kind"]) for one in day] == [
        (57600, "bracelet", "sos"),
        (57660, "bracelet", "cancel"),
        (57660, "home_phone", "sos"),
    ]
    assert {frozenset(one) for one in day} == {frozenset({"s", "device", "family", "kind"})}
    assert day[0]["device"] == day[1]["device"] != day[2]["device"]
    text = "\n".join(lines)
    known = {row.id for name in ("devices", "residents") for row in office.rows(name)}
    known |= {row.name for row in office.rows("residents")} | {"122.4", "2026"}
    assert not [one for one in known if one in text]


async def test_nobody_is_found_again_in_the_next_file(office: Office) -> None:
    await lived(office)
    one, two = (office.read(drill_centre.recorded, DAY, china())[1:] for _ in range(2))
    devices = [{json.loads(line)["device"] for line in lines} for lines in (one, two)]
    assert devices[0].isdisjoint(devices[1])


def test_the_towns_devices_play_the_parts_by_their_family(tmp_path: Path) -> None:
    write_town(build_town(20, 30), tmp_path, password="x")
    fleet = read_fleet(tmp_path)
    phones = [one.id for one in fleet if one.family == "home_phone"]
    day = [Recorded(n, f"d{n % 3}", "home_phone" if n % 3 else "bracelet", "sos") for n in range(9)]
    parts = cast(day, fleet)
    assert [parts[f"d{n}"].family for n in range(3)] == ["bracelet", "home_phone", "home_phone"]
    assert len({one.household_id for one in parts.values()}) == 3, "their alarms do not join each other's"
    many = cast([Recorded(n, f"d{n}", "home_phone", "sos") for n in range(len(phones) + 1)], fleet)
    assert len({one.id for one in many.values()}) == len(phones)


def test_a_file_that_is_no_day_says_so_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "day"
    for text in ("", "{}", "[]", '{"format": "vnh-day"}\n{"s": "x"}', "no json"):
        path.write_text(text)
        with pytest.raises(Unusable) as found:
            read_day(path)
        assert "\n" not in str(found.value)


# -- where it is played


@pytest.mark.parametrize(
    "more",
    [
        {"mqtt_url": "mqtt://broker.example"},
        {"mqtt_url": "mqtt://127.0.0.1:1883"},
        {"database_url": "postgresql+psycopg://db/x"},
        {"database_url": "sqlite:////srv/live.db"},
        {"telephony": "twilio", "twilio_account": "AC1", "twilio_token": "t", "public_url": "https://x.example"},
        {
            "telephony": "ari",
            "ari_url": "http://127.0.0.1/ari",
            "ari_user": "u",
            "ari_password": "p",
        },
    ],
)
def test_it_starts_with_nothing_that_reaches_people(more: dict[str, str]) -> None:
    given = {"caller_id": "+8663112349"} | more
    Settings.model_validate(given)
    with pytest.raises(ValueError, match="CALLCENTER_DRILL"):
        Settings.model_validate(given | {"drill": True})
    here = {"telephony": "twilio", "twilio_account": "AC1", "twilio_token": "t", "public_url": "http://127.0.0.1:1"}
    simulated = here | {"caller_id": "+8663112349", "twilio_api": "http://127.0.0.1:9"}
    assert Settings.model_validate(simulated | {"drill": True}).drill


def test_it_starts_with_the_simulated_town_and_with_nobody_else(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'town.db'}"
    lay_out(url)
    town = tmp_path / "town"
    write_town(build_town(20, 40), town, password="x")
    writer = Writer(connect(url, writer=True, size=1), node="test", policy=POLICY)
    for kind in ("areas", "residents", "devices", "responders"):
        assert not people.import_file(writer, kind, town / f"{kind}.csv").wrong
    with writer.transaction() as connection:
        assert drill_centre.refusal(connection) == ""
    for table, phone in ((t.residents, "+8613900000001"), (t.responders, ""), (t.contacts, "120")):
        with writer.transaction() as connection:
            one = connection.execute(table.select().limit(1)).first()
            of_one = table.update().where(table.c.id == one.id)
            connection.execute(of_one.values(phone=phone))
            assert "1 people" in drill_centre.refusal(connection)
            connection.execute(of_one.values(phone=one.phone))
    writer.close()


@pytest.mark.one_database
async def test_every_alert_of_it_is_a_drill_and_goes_its_way(office: Office) -> None:
    office.writer.shelf.drill = True
    taken = await office.press("bracelet-1")
    again = await office.press("bracelet-1", msg="p2")
    alert = office.alert(taken.alert)
    assert (again.alert, alert.drill, alert.press_count) == (alert.id, True, 2)
    await office.wait(2000)
    assert office.alert(alert.id).state == "waiting", "no clock ends it: somebody may have pressed after all"


def test_every_page_is_marked_once() -> None:
    page = "<html><head><title>x</title></head><body><div id=app></div></body></html>"
    assert marked(page).count(MARK) == 1
    assert "watermark.css" in marked(page)
