"""The deployment's key, made once; and numbers as people type them."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from callcenter.privacy import KEY_FILE, Seal, normalised, read_key


def test_all_who_start_at_the_same_moment_have_one_key(tmp_path: Path) -> None:
    for n in range(30):
        with ThreadPoolExecutor(8) as pool:
            seals = set(pool.map(lambda _, at=tmp_path / str(n): read_key(at), range(8)))
        (seal,) = seals
        assert isinstance(seal, Seal)
        assert [file.name for file in (tmp_path / str(n)).iterdir()] == [KEY_FILE]


def test_nobody_else_can_read_the_key_and_it_stays(tmp_path: Path) -> None:
    first = read_key(tmp_path)
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o077 == 0
    assert read_key(tmp_path) == first


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("138 0000 0001", "+8613800000001"),
        ("0571-8765 4321", "+8657187654321"),
        ("008613800000001", "+8613800000001"),
        ("+86 (138) 0000-0001", "+8613800000001"),
        ("１３８００００００００１", "+86138000000001"),
        ("＋８６１３８００００００００１", "+86138000000001"),
        ("²", "+862"),
        ("anonymous", ""),
    ],
)
def test_a_number_is_one_number_however_it_is_typed(typed: str, number: str) -> None:
    assert normalised(typed) == number
