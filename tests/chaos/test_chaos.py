"""The test of the test: mistakes are built in on purpose, and chaos has to find each of them (`make stories`)."""

import pytest

from tests.chaos.run import Plan, run

pytestmark = [pytest.mark.slow, pytest.mark.long]

KILLS = ("kill a process", "kill PostgreSQL")


@pytest.mark.parametrize(
    ("build", "only", "says"),
    [
        ("early", KILLS, "LOST: "),
        ("forgetful", ("kill a process",), "LATE: "),
        ("greedy", ("old messages again",), "DIALLED TWICE: "),
    ],
)
def test_a_build_with_a_mistake_is_caught(build: str, only: tuple[str, ...], says: str) -> None:
    outcome = run(Plan(seed=7, minutes=0.8, press_s=3.0, build=build, only=only, rest_s=20.0), lambda _line: None)
    assert any(wrong.startswith(says) for wrong in outcome.wrong), [*outcome.history, *outcome.wrong]


def test_the_build_as_it_is_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = run(Plan(seed=8, minutes=1.0), lambda _line: None)
    assert not outcome.wrong, [*outcome.history, *outcome.wrong]
    assert outcome.figures
    assert outcome.figures.presses >= 200
