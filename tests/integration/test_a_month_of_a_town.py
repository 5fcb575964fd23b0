"""The month in virtual time (benchmarks/month): a small town's busy day, and ten days of the town among the long tests.

The whole month takes six minutes of one core: `make month`, or VNH_DAYS=30 here.
"""

import os

import pytest

from benchmarks.month.month import Month, month
from benchmarks.month.plan import Plan
from benchmarks.month.report import failures, table

# A storm of presses in its first night, and all that can go wrong with telephones and people more often than usual.
BUSY_DAY = Plan(
    seed=4, days=1, residents=200, presses_a_day=0.09, callers_a_day=0.02, storm_presses=5, storm_day=0,
    news_lost=0.02, answers_lost=0.02, wrong_numbers=0.06, lapses=0.15,
)  # fmt: skip
QUIET_DAY = Plan(seed=5, days=1, residents=60, presses_a_day=0.05, callers_a_day=0.02)


def held(found: Month) -> None:
    print(table(found))
    wrong = failures(found)
    assert not wrong, wrong


@pytest.mark.long
def test_on_a_busy_day_of_a_small_town_everybody_is_helped_in_time() -> None:
    with month(BUSY_DAY) as found:
        held(found)
        needs = found.checks.needs
        assert {need.how for need in needs} >= {"accepted", "resolved", "120"}
        assert found.checks.hung_up_s, "others were ringing when somebody said yes"
        assert found.network.counts["wrong numbers"]
        assert found.network.counts["news lost"]
        assert found.desk.counts["claimed and forgotten"]


def test_the_same_seed_tells_the_same_story_to_the_last_hash() -> None:
    hashes = []
    for _ in range(2):
        with month(QUIET_DAY) as found:
            assert found.cases.all
            hashes.append(found.last_hash)
    assert hashes[0] == hashes[1]


@pytest.mark.long
def test_in_a_month_of_a_town_everybody_is_helped_in_time() -> None:
    plan = Plan(days=int(os.environ.get("VNH_DAYS", "10")), storm_day=5)
    with month(plan) as found:
        held(found)
        assert len(found.cases.all) > 40 * plan.days
