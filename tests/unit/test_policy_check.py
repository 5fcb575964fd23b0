"""A policy that could leave somebody alone is refused with the line and the reason."""

from dataclasses import replace

import pytest

from callcenter.alerts.coverage import Post
from callcenter.alerts.duty import ALWAYS
from callcenter.alerts.model import Kind
from callcenter.alerts.policy_check import Network, judge
from config.policies import DEFAULT_FILE, LONGEST_LINE, MOST_OVERRIDES, AlertPolicy, Fault, parse
from config.policy_lines import lines, located

SHIPPED = DEFAULT_FILE.read_text(encoding="utf-8")
KINDS = frozenset(Kind)
PEOPLE = (("neighbour", "v1"), ("carer", "t1"), ("town_station", "t1"), ("district_command", "d1"))
TOWN = Network(
    parents={"d1": None, "t1": "d1", "v1": "t1", "v2": "t1", "far": None},
    names={"v1": "石桥村", "v2": "柳河村", "far": "远岛"},
    inhabited=frozenset({"v1", "v2"}),
    posts=tuple(Post(f"+86{n}", kind, area, ALWAYS) for n, (kind, area) in enumerate(PEOPLE)),
)


def found(text: str, network: Network = TOWN) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """(faults, warnings), each as (line, code)."""
    book = parse(text, kinds=KINDS)
    if not isinstance(book, AlertPolicy):
        return [(one.line, one.code) for one in located(text, book)], []
    verdict = judge(book, network)

    def shown(those: tuple[Fault, ...]) -> list[tuple[int, str]]:
        return [(one.line, one.code) for one in located(text, those)]

    return shown(verdict.faults), shown(verdict.warnings)


def line(text: str, what: str, number: int = 0) -> int:
    """The line in which `what` stands for the n-th time."""
    return [n for n, one in enumerate(text.splitlines(), start=1) if what in one][number]


def extended(addition: str) -> tuple[str, int]:
    """The shipped text with something behind it, and the line in which that begins."""
    return f"{SHIPPED}\n{addition}", len(SHIPPED.splitlines()) + 2


def test_what_is_shipped_is_good_where_somebody_is_there() -> None:
    assert found(SHIPPED, replace(TOWN, inhabited=frozenset({"v1"}))) == ([], [])


def test_every_key_of_the_shipped_file_is_found_in_its_line() -> None:
    places, text = lines(SHIPPED), SHIPPED.splitlines()
    assert text[places["limits", "arrive_s"] - 1].startswith("arrive_s")
    assert text[places["level", 2, "kinds"] - 1] == 'kinds = ["town_station"]'
    assert text[places["ladder", 0, "rungs", 3] - 1].strip().startswith('{ id = "duty_manager"')
    assert text[places["ladder", 1] - 1] == "[[ladder]]"


def test_signs_in_quotes_and_comments_are_no_signs() -> None:
    text = '# [[level]]\n[a]\nx = "] # ["  # [\ny = [\n  { z = "}" },  # {\n  { z = 1 },\n]\n[[b]]\n[b.c]\nw = 1\n'
    assert lines(text) == {
        ("a",): 2, ("a", "x"): 3, ("a", "y"): 4, ("a", "y", 0): 5, ("a", "y", 1): 6,
        ("b", 0): 8, ("b", 0, "c"): 9, ("b", 0, "c", "w"): 10,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "where", "code"),
    [
        ("claim_idle_s = 60 ", "claim_idle_s = ", "claim_idle_s", "toml"),
        ("claim_idle_s = 60", "claim_idle_s = 6000", "claim_idle_s", "less_than_equal"),
        ('kinds = ["town_station"]', 'kinds = ["town_staton"]', "town_staton", "value_error"),
        ("wave_size = 2", "wave_size = 0", "wave_size = 0", "greater_than_equal"),
        ("after_s = 90,", "after_s = 50,", "rungs = [", "value_error"),
        ('phone = "duty_manager"', 'phone = "boss"', '"boss"', "literal_error"),
        ('kinds = ["battery"]', 'kinds = ["battery", "fall"]', '"battery", "fall"', "two_ladders"),
        ('kinds = ["battery"]', 'kinds = ["battery", "smoke"]', '"battery", "smoke"', "unknown_kind"),
        ('id = "town"', 'id = "village"', 'id = "village"', "level_twice"),
    ],
)
def test_what_is_no_policy_is_refused_in_its_line(old: str, new: str, where: str, code: str) -> None:
    assert old in SHIPPED
    text = SHIPPED.replace(old, new, 1)
    faults, _ = found(text)
    expected = line(text, where, 1 if code == "level_twice" else 0)
    expected = line(text, "[[ladder]]") if where == "rungs = [" else expected
    assert (expected, code) in faults


def test_no_level_and_no_rung_is_refused() -> None:
    first, last = SHIPPED.index("[[level]]"), SHIPPED.index("# The unclaimed SOS")
    assert found(SHIPPED[:first] + SHIPPED[last:])[0] == [(1, "missing")]
    first, last = SHIPPED.index("rungs = ["), SHIPPED.index("]\n\n# A silent device")
    text = SHIPPED[:first] + "rungs = [" + SHIPPED[last:]
    assert found(text)[0] == [(line(text, "rungs = []"), "too_short")]


def test_a_policy_that_asks_nobody_who_is_there_is_refused() -> None:
    text, at = extended('[[override]]\nid = "v2"\narea = "v2"\n[[override.level]]\nid = "neighbour"\n'
                        'kinds = ["neighbour"]\nwave_size = 3\ndeadline_s = 90\n')  # fmt: skip
    assert found(text) == ([(at + 3, "alone")], [(at + 3, "empty_level")])
    book = parse(text, kinds=KINDS)
    assert isinstance(book, AlertPolicy)
    (fault,) = judge(book, TOWN).faults
    assert "柳河村 (v2)" in fault.reason
    neighbours = replace(TOWN, posts=(*TOWN.posts, Post("+869", "neighbour", "v2", ALWAYS)))
    assert found(text, neighbours) == ([], [])


def test_a_night_that_asks_nobody_is_refused_although_the_day_is_good() -> None:
    family = '[[override.level]]\nid = "family"\nkinds = ["family"]\nwave_size = 3\ndeadline_s = 90\n'
    text, at = extended(f'[[override]]\nid = "nights"\nhours = "sun 23:00-01:00"\nkinds = ["gas"]\n{family}')
    assert (at + 4, "alone") in found(text)[0]


def test_where_nobody_is_registered_no_policy_can_mend_it_and_it_is_a_warning() -> None:
    lonely = replace(TOWN, inhabited=frozenset({"v1", "far"}))
    assert found(SHIPPED, lonely) == ([], [(1, "nobody")])


def test_a_level_without_anybody_somewhere_is_a_warning() -> None:
    without = replace(TOWN, posts=TOWN.posts[1:])
    assert found(SHIPPED, without)[1] == [(line(SHIPPED, "[[level]]"), "empty_level")]


def test_a_telephone_group_without_a_number_is_refused() -> None:
    without = replace(TOWN, posts=TOWN.posts[:3])
    assert (line(SHIPPED, '"duty_manager", after'), "group_of_nobody") in found(SHIPPED, without)[0]
    keyless = replace(TOWN, posts=TOWN.posts[1:])
    assert (line(SHIPPED, '"keyholders", after'), "group_of_nobody") in found(SHIPPED, keyless)[0]
    assert found(SHIPPED, replace(keyless, keyholders=True))[0] == []


def test_a_group_that_is_missing_somewhere_is_a_warning() -> None:
    elsewhere = replace(TOWN, posts=(*TOWN.posts, Post("+869", "carer", "far", ALWAYS)),
                        inhabited=TOWN.inhabited | {"far"})  # fmt: skip
    assert (line(SHIPPED, '"overflow_group", after'), "empty_group") in found(SHIPPED, elsewhere)[1]
    assert found(SHIPPED, elsewhere)[0] == []


def test_a_highest_level_that_is_never_reached_is_refused() -> None:
    text = SHIPPED.replace("most_waves = 16", "most_waves = 9")
    assert found(text)[0] == [(line(text, "[[level]]", 3), "never_reached")]
    assert found(SHIPPED.replace("most_waves = 16", "most_waves = 10"))[0] == []
    text, at = extended('[[override]]\nid = "slow"\narea = "v1"\nlimits = { most_waves = 5 }\n')
    assert found(text)[0] == [(at, "never_reached")]


def test_a_highest_level_that_is_reached_late_is_refused() -> None:
    text = SHIPPED.replace("deadline_s = 90", "deadline_s = 400").replace("next_wave_s = 30", "next_wave_s = 120")
    assert [code for _, code in found(text)[0]] == ["reached_late"]


def test_an_emergency_whose_ladder_rings_no_telephone_is_refused() -> None:
    text, at = extended('[[override]]\nid = "quiet"\nkinds = ["gas", "battery"]\n[override.ladder]\n'
                        'repeat_s = 60\nrungs = [\n  { id = "all_seats", after_s = 15 },\n]\n')  # fmt: skip
    assert found(text)[0] == [(at + 3, "no_phone")]
    text = text.replace(
        "after_s = 15 },\n]\n", 'after_s = 15 },\n  { id = "boss", after_s = 240, phone = "duty_manager" },\n]\n'
    )
    assert found(text.replace('after_s = 15 },\n  { id = "boss"', 'after_s = 15 },\n  { id = "boss"'))[0] == [
        (at + 7, "phones_late")
    ]


@pytest.mark.parametrize(
    ("addition", "offset", "code"),
    [
        ('id = "x"\narea = "nowhere"\nlimits = { arrive_s = 2700 }', 2, "unknown_area"),
        ('id = "x"\nhours = "8 to 18"\nlimits = { arrive_s = 2700 }', 2, "hours"),
        ('id = "x"\nkinds = ["smoke"]\nlimits = { arrive_s = 2700 }', 2, "unknown_kind"),
        ('id = "x"\nkinds = []\nlimits = { arrive_s = 2700 }', 2, "too_short"),
        ('id = "x"\narea = "v1"', 0, "nothing_changed"),
        ('id = "x"\nlimits = { arrive_s = 5 }', 2, "greater_than_equal"),
        ('id = "x"\nlimits = { claim_idle_s = 50 }', 2, "extra_forbidden"),
        ('id = "x"\nneeds = 2\nlimits = { arrive_s = 2700 }', 2, "extra_forbidden"),
        ('id = "x"\nlimits = { arrive_s = 60 }\n[[override]]\nid = "y"\nlimits = { arrive_s = 90 }', 3, "overlap"),
        ('id = "x"\nlimits = { arrive_s = 60 }\n[[override]]\nid = "x"\narea = "v1"\nlimits = { arrive_s = 90 }', 4,
         "override_twice"),
    ],
)  # fmt: skip
def test_an_override_that_cannot_be_is_refused_in_its_line(addition: str, offset: int, code: str) -> None:
    text, at = extended(f"[[override]]\n{addition}\n")
    assert (at + offset, code) in found(text)[0]


def test_the_example_of_the_guide_is_a_policy() -> None:
    guide = (DEFAULT_FILE.parents[1] / "docs/policies.md").read_text("utf-8")
    example = guide.split("```toml")[1].split("```")[0]
    town = replace(TOWN, parents={**TOWN.parents, "d1-t2": "d1"})
    assert found(SHIPPED + example, town)[0] == []


def test_a_city_is_checked_in_a_moment() -> None:
    """1,000 villages and as many overrides as there may be: `posts` and areas are looked at once each."""
    villages = {f"w{n}": "t1" for n in range(1000)}
    city = replace(TOWN, parents={**TOWN.parents, **villages}, inhabited=frozenset(villages))
    more = "".join(
        f'[[override]]\nid = "o{n}"\narea = "w{n}"\nhours = "mon-sun 22:00-06:00"\nlimits = {{ arrive_s = 2700 }}\n'
        for n in range(MOST_OVERRIDES)
    )
    assert found(f"{SHIPPED}\n{more}", city)[0] == []


def test_more_overrides_than_anybody_keeps_in_mind_are_refused() -> None:
    one = (
        '[[override]]\nid = "o{}"\narea = "v1"\nhours = "mon {:02}:{:02}-{:02}:{:02}"\nlimits = {{ arrive_s = 2700 }}\n'
    )
    text, at = extended("".join(one.format(n, *divmod(n, 60), *divmod(n + 1, 60)) for n in range(MOST_OVERRIDES + 1)))
    assert found(text)[0] == [(at + 5 * MOST_OVERRIDES, "too_many_overrides")]
    assert found(text[: text.rindex("[[override]]")])[0] == []


@pytest.mark.parametrize("line", ["claim_idle_s = " + "9" * 5000, "a." * 20_000 + "a = 1"])
def test_a_line_that_would_take_too_long_to_read_is_refused_in_that_line(line: str) -> None:
    """The first is a plain ValueError of tomllib without a line, the second takes it a minute."""
    text = SHIPPED.replace("[limits]\n", f"[limits]\n{line}\n")
    at = text.splitlines().index(line) + 1
    (fault,) = located(text, parse(text, kinds=KINDS))  # type: ignore[arg-type]
    assert (fault.line, fault.code, fault.values) == (at, "long_line", {"most": LONGEST_LINE})
    assert fault.said == f"line {at}: this line has {len(line)} characters; at most {LONGEST_LINE}"


def test_thousands_of_faults_get_their_lines_in_a_moment() -> None:
    text = SHIPPED.replace("[limits]", "[limits]\n" + "".join(f"k{n} = 1\n" for n in range(5000)))
    faults, _ = found(text)
    assert len(faults) == 5000
    assert faults[4999] == (line(text, "k4999"), "extra_forbidden")


@pytest.mark.parametrize("hours", [";", " ", "; ;"])
def test_hours_that_say_nothing_are_refused(hours: str) -> None:
    text, at = extended(f'[[override]]\nid = "x"\nhours = "{hours}"\nlimits = {{ arrive_s = 2700 }}\n')
    assert found(text)[0] == [(at + 2, "hours")]
