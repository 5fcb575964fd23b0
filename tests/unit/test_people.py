"""Importing people: wrong rows are named by line and reason, right rows go in, and twice is the same as once."""

import pytest

from callcenter import people
from callcenter.people import Report, import_file
from callcenter.people.rows import secret_hash
from callcenter.storage import tables as t
from callcenter.storage.engine import connect
from tests.conftest import ManualClock
from tests.unit.registry import HEAD, Town, counts

LI = "r-1,李秀英,h-1,张村1号,d1"
WANG = "r-2,王建国,h-2,张村2号,d1"


# -- residents


def test_a_whole_resident_goes_in(town: Town) -> None:
    report = town.residents(
        "r-1, 李秀英 ,f,1941-03-08,+86 138 0000 0000,h-1,张村1号,d1,张村,37.5,122.1,从后门,high,癫痫,丙戊酸,青霉素,"
        "王芳,女儿,13900000000,yes,老赵,邻居,,no",
        head="id,name,sex,born,phone,household_id,address,area,area_name,lat,lon,entry_notes,risk,conditions,medicines,"
        "allergies,contact1_name,contact1_relation,contact1_phone,contact1_keyholder,"
        "contact2_name,contact2_relation,contact2_phone,contact2_keyholder",
    )
    assert report.wrong == []
    assert counts(report) == (1, 0, 0)
    assert [(area["id"], area["name"]) for area in town.rows(t.areas)] == [("d1", "张村")]
    assert town.rows(t.households) == [
        {"id": "h-1", "address": "张村1号", "area_id": "d1", "lat": 37.5, "lon": 122.1, "entry_notes": "从后门"}
    ]
    assert town.rows(t.residents) == [
        {
            "id": "r-1", "household_id": "h-1", "name": "李秀英", "sex": "f", "born": "1941-03-08",
            "phone": "+86 138 0000 0000", "risk": "high", "conditions": "癫痫", "medicines": "丙戊酸",
            "allergies": "青霉素", "left_on": None, "left_why": "",
        }
    ]  # fmt: skip
    contact = {"id": "r-1-1", "resident_id": "r-1", "position": 1, "name": "王芳", "relation": "女儿"}
    neighbour = {"id": "r-1-2", "resident_id": "r-1", "position": 2, "name": "老赵", "relation": "邻居"}
    assert town.rows(t.contacts) == [
        contact | {"phone": "13900000000", "keyholder": True},
        neighbour | {"phone": "", "keyholder": False},
    ]


def test_wrong_rows_are_named_by_line_and_right_ones_go_in(town: Town) -> None:
    report = town.residents(LI, "r 3,x,h-3,z,d1", WANG, "r-4,,h-4,z,d1", "r-5,五,h-5,z", "r-6,六,h-6,z,d1,more")
    assert counts(report) == (2, 0, 0)
    assert [row["id"] for row in town.rows(t.residents)] == ["r-1", "r-2"]
    lines = dict(report.wrong)
    assert list(lines) == [3, 5, 6, 7]
    assert lines[3].startswith("id: ")
    assert lines[5].startswith("name: ")
    assert lines[6] == "fewer fields than the header names"
    assert lines[7] == "more fields than the header names"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("born", "08.03.1941"),
        ("sex", "female"),
        ("phone", "call me"),
        ("phone", "1"),
        ("risk", "very high"),
        ("lat", "91"),
        ("lat", "north"),
        ("lat", "nan"),
        ("lon", "-181"),
        ("lon", "inf"),
        ("address", ""),
        ("area", "d 1"),
        ("name", "x" * 101),
        ("conditions", "x" * 1001),
        ("contact1_phone", "none"),
        ("contact1_keyholder", "perhaps"),
        ("nickname", "Lili"),
    ],
)
def test_a_value_that_cannot_be_is_named_by_its_column(town: Town, column: str, value: str) -> None:
    fields = dict(zip(HEAD.split(","), LI.split(","), strict=True)) | {"contact1_name": "王芳"} | {column: value}
    report = town.residents(",".join(fields.values()), head=",".join(fields))
    assert counts(report) == (0, 0, 0)
    [(line, reason)] = report.wrong
    assert line == 2
    assert column.removeprefix("contact1_") in reason
    assert town.rows(t.residents) == town.rows(t.households) == []


def test_a_nul_is_refused_because_postgresql_would(town: Town) -> None:
    report = town.residents("r-1,李\0,h-1,张村1号,d1")
    assert report.wrong == [(2, "holds a NUL character")]


def test_a_table_program_s_byte_order_mark_and_quotes_are_read(town: Town) -> None:
    report = town.read("residents", HEAD, 'r-1,李秀英,h-1,"张村1号,\n后院",d1', WANG, encoding="utf-8-sig")
    assert report.wrong == []
    assert [row["address"] for row in town.rows(t.households)] == ["张村1号,\n后院", "张村2号"]


def test_a_file_in_another_encoding_raises_and_changes_nothing(town: Town) -> None:
    with pytest.raises(UnicodeDecodeError):
        town.read("residents", HEAD, LI, encoding="gbk")
    assert town.rows(t.residents) == []


def test_a_quote_nobody_closed_is_a_wrong_row_not_an_end_of_everything(town: Town) -> None:
    rest = [f"r-{number},x,h-{number}," + "z" * 250 + ",d1" for number in range(100, 700)]
    report = town.residents(LI, 'r-2,"王,h-2,张村2号,d1', *rest)
    assert counts(report)[0] >= 1
    assert report.wrong


def test_reading_the_same_file_twice_changes_nothing(town: Town) -> None:
    head = f"{HEAD},lat,contact1_name,contact1_keyholder,contact2_name"
    rows = [f"{LI},37.5,王芳,yes,老赵", f"{WANG},,,,"]
    assert counts(town.residents(*rows, head=head)) == (2, 0, 0)
    before = town.everything()
    assert counts(town.residents(*rows, head=head)) == (0, 0, 2)
    assert town.everything() == before


def test_a_place_nobody_measured_is_left_open(town: Town) -> None:
    report = town.residents(f"{LI},,", head=f"{HEAD},lat,lon")
    assert report.wrong == []
    assert [(row["lat"], row["lon"]) for row in town.rows(t.households)] == [(None, None)]


def test_a_changed_row_is_changed_and_only_that_one(town: Town) -> None:
    town.residents(LI, WANG)
    report = town.residents(LI.replace("李秀英", "李秀兰"), WANG)
    assert counts(report) == (0, 1, 1)
    assert [row["name"] for row in town.rows(t.residents)] == ["李秀兰", "王建国"]


@pytest.mark.parametrize(("column", "value"), [("address", "张村9号"), ("contact1_phone", "12345678")])
def test_what_changes_beside_the_resident_counts_as_a_change(town: Town, column: str, value: str) -> None:
    fields = dict(zip(HEAD.split(","), LI.split(","), strict=True)) | {"contact1_name": "王芳", "contact1_phone": ""}
    head = ",".join(fields)
    town.residents(",".join(fields.values()), head=head)
    report = town.residents(",".join((fields | {column: value}).values()), head=head)
    assert counts(report) == (0, 1, 0)


def test_a_contact_who_is_no_longer_in_the_file_is_no_longer_a_contact(town: Town) -> None:
    """Else somebody who gave the key back is phoned, and those who have it come later."""
    head = f"{HEAD},contact1_name,contact1_keyholder,contact2_name,contact2_keyholder"
    town.residents(f"{LI},王芳,yes,老赵,yes", head=head)
    report = town.residents(f"{LI},老赵,yes,,", head=head)
    assert counts(report) == (0, 1, 0)
    assert [(row["position"], row["name"]) for row in town.rows(t.contacts)] == [(1, "老赵")]


def test_a_contact_without_a_name_is_not_dropped_in_silence(town: Town) -> None:
    report = town.residents(f"{LI},,13900000000", head=f"{HEAD},contact1_name,contact1_phone")
    assert len(report.wrong) == 1
    assert "contact" in report.wrong[0][1]


def test_two_addresses_of_one_household_are_wrong(town: Town) -> None:
    """The last one would win, and an ambulance would drive there."""
    report = town.residents(LI, WANG.replace("h-2", "h-1"))
    assert [line for line, _reason in report.wrong] == [3]
    assert "h-1" in report.wrong[0][1]


def test_two_people_of_one_household_are_not(town: Town) -> None:
    assert town.residents(LI, LI.replace("r-1", "r-2")).wrong == []
    assert len(town.rows(t.households)) == 1
    assert len(town.rows(t.residents)) == 2


def test_who_lives_with_somebody_need_not_repeat_where_the_door_is(town: Town) -> None:
    head = f"{HEAD},lat,lon,entry_notes"
    rows = [f"{LI},37.5,122.1,从后门", f"{LI.replace('r-1', 'r-2')},,,"]
    for _ in range(2):
        assert town.residents(*rows, head=head).wrong == []
        [household] = town.rows(t.households)
        assert (household["lat"], household["lon"], household["entry_notes"]) == (37.5, 122.1, "从后门")
    assert counts(town.residents(*rows, head=head)) == (0, 0, 2)


def test_a_column_the_file_does_not_have_is_left_as_it_was(town: Town) -> None:
    """A list made to correct names must not wipe out who has epilepsy and who has the key."""
    more = {"sex": "f", "born": "1941", "phone": "+8613800000000", "lat": "37.5", "lon": "122.1",
            "entry_notes": "从后门", "risk": "high", "conditions": "癫痫", "medicines": "丙戊酸",
            "allergies": "青霉素", "area_name": "张村",
            "contact1_name": "王芳", "contact1_keyholder": "yes"}  # fmt: skip
    town.residents(f"{LI},{','.join(more.values())}", head=f"{HEAD},{','.join(more)}")
    before = town.everything()
    report = town.residents(LI)
    assert town.everything() == before
    assert counts(report) == (0, 0, 1)


def test_an_emptied_cell_empties_what_was_there(town: Town) -> None:
    head = f"{HEAD},conditions,contact1_name"
    town.residents(f"{LI},癫痫,王芳", head=head)
    assert counts(town.residents(f"{LI},,", head=head)) == (0, 1, 0)
    assert town.rows(t.residents)[0]["conditions"] == ""
    assert town.rows(t.contacts) == []


def test_the_same_id_twice_in_a_file_is_wrong(town: Town) -> None:
    report = town.residents(LI, WANG.replace("r-2", "r-1").replace("h-2", "h-1").replace("张村2号", "张村1号"))
    assert counts(report)[0] == 1
    assert [line for line, _reason in report.wrong] == [3]


def test_a_long_file_goes_in_by_parts(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "CHUNK", 3)
    monkeypatch.setattr(people, "LONGEST_S", 60)  # this machine may be slow
    told: list[int] = []
    path = town.directory / "many.csv"
    path.write_text("\n".join([HEAD, *(f"r-{n},x,h-{n},z,d1" for n in range(8))]), encoding="utf-8")
    report = import_file(town.writer, "residents", path, between=told.append)
    assert counts(report) == (8, 0, 0)
    assert len(town.rows(t.residents)) == 8
    assert told == [4, 7]


def test_between_its_parts_an_alarm_can_be_stored(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of SQLite's lock: whoever waits for it must find it free for as long as it takes them to look again."""
    other = connect(f"sqlite:///{town.directory / 'town.db'}", writer=True, size=1, patience_s=0.01)
    breaths: list[float] = []

    def breath(seconds: float) -> None:
        with other.begin() as connection:  # raises while the import holds the lock
            connection.execute(t.holidays.insert().values(id=f"2026-10-{len(breaths) + 1:02}", name="x"))
        breaths.append(seconds)

    monkeypatch.setattr(people, "CHUNK", 3)
    monkeypatch.setattr(people, "LONGEST_S", 60)  # this machine may be slow
    monkeypatch.setattr(people, "pause", breath)
    assert counts(town.residents(*(f"r-{n},x,h-{n},z,d1" for n in range(8)))) == (8, 0, 0)
    assert len(breaths) == 2
    assert min(breaths) > 0.1
    other.dispose()


def test_on_a_busy_machine_the_parts_are_smaller(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(ManualClock):
        """Every look at it costs 0.15 s."""

        def monotonic(self) -> float:
            self.advance(0.15)
            return super().monotonic()

    breaths: list[float] = []
    monkeypatch.setattr(people, "pause", breaths.append)
    path = town.directory / "many.csv"
    path.write_text("\n".join([HEAD, *(f"r-{n},x,h-{n},z,d1" for n in range(6))]), encoding="utf-8")
    assert counts(import_file(town.writer, "residents", path, clock=Slow())) == (6, 0, 0)
    assert len(breaths) == 2, "two rows at a time, and nobody waits after the last"


# -- devices and responders


@pytest.fixture
def populated(town: Town) -> Town:
    assert town.residents(LI, WANG).wrong == []
    return town


def test_devices_of_registered_owners_go_in(populated: Town) -> None:
    report = populated.read(
        "devices", "id,family,resident_id,household_id,password", "b-001,bracelet,r-1,,secret", "p-001,home_phone,,h-2,"
    )
    assert report.wrong == []
    assert counts(report) == (2, 0, 0)
    bracelet, phone = populated.rows(t.devices)
    assert (bracelet["resident_id"], bracelet["household_id"]) == ("r-1", None)
    assert bracelet["secret_hash"] == secret_hash("b-001", "secret")
    assert "secret" not in bracelet["secret_hash"]
    assert (phone["resident_id"], phone["household_id"], phone["secret_hash"]) == (None, "h-2", "")
    assert [row["device_id"] for row in populated.rows(t.device_state)] == ["b-001", "p-001"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("b-001,bracelet,r-9,", "resident r-9 is not registered"),
        ("b-001,bracelet,,h-9", "household h-9 is not registered"),
        ("b-001,bracelet,,", "a device needs a resident_id or a household_id"),
        ("B-001,bracelet,r-1,", "id: "),
        ("b-1,bracelet,r-1,", "id: "),
        ("b-001,toaster,r-1,", "family: "),
    ],
)
def test_a_device_that_cannot_be_is_named(populated: Town, row: str, reason: str) -> None:
    report = populated.read("devices", "id,family,resident_id,household_id", row)
    [(line, said)] = report.wrong
    assert line == 2
    assert reason in said
    assert populated.rows(t.devices) == []


def test_what_was_last_heard_of_a_device_survives_an_import(populated: Town) -> None:
    lines = ("id,family,resident_id", "b-001,bracelet,r-1")
    populated.read("devices", *lines)
    with populated.writer.transaction() as connection:
        connection.execute(t.device_state.update(), {"battery": 40})
    assert counts(populated.read("devices", *lines)) == (0, 0, 1)
    assert populated.rows(t.device_state)[0]["battery"] == 40


def test_a_device_given_to_somebody_else_is_changed(populated: Town) -> None:
    populated.read("devices", "id,family,resident_id", "b-001,bracelet,r-1")
    assert counts(populated.read("devices", "id,family,resident_id", "b-001,bracelet,r-2")) == (0, 1, 0)
    assert populated.rows(t.devices)[0]["resident_id"] == "r-2"


def test_a_file_without_passwords_leaves_the_devices_theirs(populated: Town) -> None:
    populated.read("devices", "id,family,resident_id,password", "b-001,bracelet,r-1,secret")
    populated.read("devices", "id,family,resident_id", "b-001,bracelet,r-1")
    assert populated.rows(t.devices)[0]["secret_hash"] == secret_hash("b-001", "secret")


def test_the_same_secret_of_two_devices_looks_different() -> None:
    assert secret_hash("b-001", "secret") != secret_hash("b-002", "secret")


def test_responders_go_in_and_make_their_area(town: Town) -> None:
    report = town.read(
        "responders", "id,name,kind,phone,area", "w-1,赵大夫,village_doctor,13700000000,d7", "w-2,钱,plumber,137,d7",
        "w-3,孙,neighbour,,d7",
    )  # fmt: skip
    assert counts(report) == (1, 0, 0)
    assert [line for line, _reason in report.wrong] == [3, 4]
    [row] = town.rows(t.responders)
    said = {"id": "w-1", "name": "赵大夫", "kind": "village_doctor", "phone": "13700000000", "area_id": "d7"}
    assert row | said == row
    assert [(area["id"], area["name"]) for area in town.rows(t.areas)] == [("d7", "d7")]


def test_an_area_named_in_passing_keeps_its_name(town: Town) -> None:
    town.residents(f"{LI},张村", head=f"{HEAD},area_name")
    town.read("responders", "id,name,kind,phone,area", "w-1,赵,neighbour,13700000000,d1")
    assert [(area["id"], area["name"]) for area in town.rows(t.areas)] == [("d1", "张村")]


@pytest.mark.parametrize("kind", sorted(people.KINDS))
def test_a_file_with_nothing_in_it_does_nothing(town: Town, kind: str) -> None:
    assert town.read(kind, "") == Report()
    assert town.read(kind, "id,name") == Report()


# -- response plans

PLAN_HEAD = "resident,kind,position,step,zh,en,required,done_by,only_silent"
OXYGEN = "r-1,all,1,oxygen,关闭制氧机,Turn the oxygen off,yes,,"
KNOCK = "r-1,sos,2,knock,耳聋：用力敲门,,no,arrived  reached,no"


def test_plans_go_in_and_twice_changes_nothing(town: Town) -> None:
    town.residents(LI)
    assert counts(town.read("plans", PLAN_HEAD, OXYGEN, KNOCK)) == (2, 0, 0)
    assert town.rows(t.plans) == [
        {
            "id": "r-1/all/oxygen", "resident_id": "r-1", "kind": "all", "position": 1, "step": "oxygen",
            "zh": "关闭制氧机", "en": "Turn the oxygen off", "required": True, "done_by": "", "only_silent": False,
        },
        {
            "id": "r-1/sos/knock", "resident_id": "r-1", "kind": "sos", "position": 2, "step": "knock",
            "zh": "耳聋：用力敲门", "en": "", "required": False, "done_by": "arrived reached", "only_silent": False,
        },
    ]  # fmt: skip
    before = town.everything()
    assert counts(town.read("plans", PLAN_HEAD, OXYGEN, KNOCK)) == (0, 0, 2)
    assert town.everything() == before
    assert counts(town.read("plans", PLAN_HEAD, OXYGEN.replace("yes", "no"), KNOCK)) == (0, 1, 1)


def test_wrong_steps_are_named_by_line_and_right_ones_go_in(town: Town) -> None:
    town.residents(LI)
    wrong = {
        "r-9,all,1,oxygen,x,x,yes,,": "resident r-9 is not registered",
        "r-1,quake,1,oxygen,x,x,yes,,": "kind",
        "r-1,all,first,oxygen,x,x,yes,,": "position: ",
        "r-1,all,0,oxygen,x,x,yes,,": "position: ",
        "r-1,all,1,Oxygen off,x,x,yes,,": "step: ",
        "r-1,all,1,empty,,,yes,,": "a step needs words, zh or en",
        f"r-1,all,1,long,{'x' * 201},,yes,,": "zh: ",
        "r-1,all,1,often,x,x,often,,": "required: ",
        "r-1,all,1,flown,x,x,yes,flown,": "done_by: Value error, flown: the centre knows only",
        "r-1,all,7,oxygen,x,x,yes,,": "id r-1/all/oxygen stands in the file before",
    }
    report = town.read("plans", PLAN_HEAD, OXYGEN, *wrong, KNOCK)
    assert counts(report) == (2, 0, 0)
    assert [line for line, _ in report.wrong] == list(range(3, 3 + len(wrong)))
    for (_, reason), expected in zip(report.wrong, wrong.values(), strict=True):
        assert reason.startswith(expected), reason
