"""The alert policy: what is shipped can be used, and a faulty file is refused with one line that says where."""

from pathlib import Path

import pytest

from callcenter.alerts.model import Kind
from config.policies import DEFAULT_FILE, AlertPolicy, CallPolicy, read

KINDS = frozenset(Kind)
SHIPPED = DEFAULT_FILE.read_text(encoding="utf-8")


def refusal(path: Path) -> str:
    """The one line; it begins with the file."""
    said = read(path, kinds=KINDS)
    assert isinstance(said, str)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    return said.removeprefix(f"{path}: ")


@pytest.fixture
def policy_file(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(SHIPPED, encoding="utf-8")
    return path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_shipped_policy_has_the_numbers_of_the_field() -> None:
    policy = read(kinds=KINDS)
    assert isinstance(policy, AlertPolicy)
    assert set(policy.ladders) == KINDS
    assert [(rung.id, rung.after_s) for rung in policy.ladder("sos").rungs] == [
        ("all_seats", 15),
        ("supervisor", 30),
        ("overflow_group", 60),
        ("duty_manager", 90),
        ("keyholders", 120),
    ]
    assert (policy.claim_idle_s, policy.owner_gone_s, policy.reask_s) == (60, 20, 600)
    assert (policy.raise_presses, policy.raise_within_s, policy.cancel_within_s) == (3, 60, 15)


def test_the_shipped_policy_has_the_numbers_of_the_telephone() -> None:
    policy = read(kinds=KINDS)
    assert isinstance(policy, AlertPolicy)
    calls = policy.calls
    assert (calls.ring_resident_s, calls.ring_operator_s, calls.ring_responder_s) == (25, 15, 25)
    assert (calls.unknown_first_s, calls.reconcile_s, calls.not_after_s) == (2, 60, 60)
    assert (calls.queue_s, calls.debt_s) == (20, 30)
    assert policy.call_backs_s[:2] == (10, 40), "two call-backs within 60 s"
    assert policy.call_backs_s[-1] == 60, "then somebody is sent"
    assert 25 <= policy.next_wave_s <= 30
    assert not policy.rings, "whether a carrier is there is not the file's to say"


def test_every_limit_of_a_call_is_checked(policy_file: Path) -> None:
    """None may be missing, nothing, endless or a word: the call would wait for ever or not at all."""
    text = policy_file.read_text(encoding="utf-8")
    for name in CallPolicy.__dataclass_fields__:
        line = next(one for one in text.splitlines() if one.startswith(f"{name} = "))
        for wrong in ("", f"{name} = 0", f"{name} = -1", f"{name} = 999999", f'{name} = "soon"'):
            policy_file.write_text(text.replace(line, wrong), encoding="utf-8")
            assert refusal(policy_file).startswith(f"calls.{name}: "), wrong


def test_a_file_of_ones_own_takes_the_place_of_the_shipped_one(policy_file: Path) -> None:
    change(policy_file, "claim_idle_s = 60", "claim_idle_s = 45")
    policy = read(policy_file, kinds=KINDS)
    assert isinstance(policy, AlertPolicy)
    assert policy.claim_idle_s == 45


def test_a_kind_with_two_ladders_is_refused(policy_file: Path) -> None:
    change(policy_file, 'kinds = ["battery"]', 'kinds = ["battery", "fall"]')
    assert refusal(policy_file) == "ladder.2.kinds: kind fall has two ladders"


def test_a_kind_without_a_ladder_is_refused(policy_file: Path) -> None:
    change(policy_file, '"fire", "gas", ', "")
    assert refusal(policy_file) == "no ladder for fire, gas: such an alert would ring for nobody"


def test_a_ladder_of_a_kind_that_does_not_exist_is_refused(policy_file: Path) -> None:
    change(policy_file, 'kinds = ["battery"]', 'kinds = ["battery", "baterry"]')
    assert "baterry" in refusal(policy_file)


@pytest.mark.parametrize("seconds", [15, 30, 10])
def test_rungs_that_do_not_grow_are_refused(policy_file: Path, seconds: int) -> None:
    change(policy_file, 'id = "overflow_group", after_s = 60', f'id = "overflow_group", after_s = {seconds}')
    said = refusal(policy_file)
    assert said.startswith("ladder.0")
    assert said.endswith("rungs must come in growing order of after_s")


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ('kinds = ["battery"]', "kinds = []", "ladder.2.kinds"),
        ("raise_presses = 3", "raise_presses = 1", "limits.raise_presses"),
        ("claim_idle_s = 60", "claim_idle_s = 0", "limits.claim_idle_s"),
        ("claim_idle_s = 60", "claim_idle_s = -60", "limits.claim_idle_s"),
        ("claim_idle_s = 60", 'claim_idle_s = "soon"', "limits.claim_idle_s"),
        ("claim_idle_s = 60", "claim_idle_s = inf", "limits.claim_idle_s"),
        ("owner_gone_s = 20", "", "limits.owner_gone_s"),
        ("owner_gone_s = 20", "owner_gone_s = 86400", "limits.owner_gone_s"),
        ("reask_s = 600", "reask_s = 600\nreask_m = 10", "limits.reask_m"),
        ("[calls]", "[call]", "call"),
        ("poll_s = 60", "poll_s = 60\nring_s = 30", "calls.ring_s"),
        ("call_backs_s = [10, 40, 60]", "call_backs_s = []", "limits.call_backs_s"),
        ("call_backs_s = [10, 40, 60]", "call_backs_s = [10, 0]", "limits.call_backs_s.1"),
        ("call_backs_s = [10, 40, 60]", "call_backs_s = [60, 40, 10]", "limits.call_backs_s"),
        ("next_wave_s = 30", "next_wave_s = 0", "limits.next_wave_s"),
        ("transfer_s = 20", "transfer_s = 60", "limits.transfer_s"),
        ("wave_size = 3", "wave_size = 0", "level.0.wave_size"),
        ("most_waves = 16", "most_waves = 0", "limits.most_waves"),
        ("repeat_s = 60", "repeat_s = 0", "ladder.0.repeat_s"),
        ("repeat_s = 60", "repeat_s = 60\nrepeats = 9", "ladder.0.repeats"),
        ("after_s = 15 }", "after_s = 0 }", "ladder.0.rungs.0.after_s"),
        ("after_s = 15 }", "after_s = 15, ring = true }", "ladder.0.rungs.0.ring"),
        ('id = "all_seats"', 'id = "All seats"', "ladder.0.rungs.0.id"),
        ('phone = "duty_manager"', 'phone = "the boss"', "ladder.0.rungs.3.phone"),
        ("[limits]", "[limit]", "limit"),
        ("[limits]", "colour = 3\n[limits]", "colour"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_its_place(policy_file: Path, old: str, new: str, where: str) -> None:
    change(policy_file, old, new)
    assert refusal(policy_file).startswith(where)


def test_a_ladder_without_rungs_is_refused(policy_file: Path) -> None:
    text = policy_file.read_text(encoding="utf-8")
    first, last = text.index("rungs = ["), text.index("]\n\n# A silent device")
    policy_file.write_text(text[:first] + "rungs = [" + text[last:], encoding="utf-8")
    assert refusal(policy_file).startswith("ladder.0.rungs")


@pytest.mark.parametrize("content", [b"", b"[limits]\nclaim_idle_s = 60\n", b"ladder = []\n"])
def test_a_file_that_says_too_little_is_refused(policy_file: Path, content: bytes) -> None:
    policy_file.write_bytes(content)
    assert refusal(policy_file)


@pytest.mark.parametrize("content", [b"[limits", b"x = ", b"a = 1\na = 2\n", b"\xff\xfe\x00", b"= 1"])
def test_what_is_no_toml_is_refused(policy_file: Path, content: bytes) -> None:
    policy_file.write_bytes(content)
    assert refusal(policy_file)


def test_a_file_that_is_not_there_or_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "nowhere.toml")
    assert "directory" in refusal(tmp_path)
