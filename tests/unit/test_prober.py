"""When the prober has people told: after two misses, from time to time while it lasts, and once when it works again."""

import asyncio
from pathlib import Path

from simulators.bracelet import Bracelet
from simulators.centre_api import CentreApi
from simulators.connection import Broker
from simulators.prober import Plan, Prober


def prober(command: str) -> Prober:
    broker = Broker("127.0.0.1", 9)
    plan = Plan(broker, "http://127.0.0.1:9", "synthetic-1", "synthetic", "x", command, 60)
    return Prober(plan, CentreApi(plan.http, "synthetic", password="x"), Bracelet(broker, plan.device, password="x"))


def told(tmp_path: Path, rounds: list[str]) -> list[str]:
    file = tmp_path / "told"
    probing = prober(f'echo "$SYNTHETIC_STATE $SYNTHETIC_MISSES $SYNTHETIC_TROUBLE" >> {file}; exit 3')

    async def go() -> None:
        for trouble in rounds:
            await probing.take(trouble)

    asyncio.run(go())
    return file.read_text().splitlines() if file.exists() else []


def test_one_miss_is_no_reason_to_wake_anybody(tmp_path: Path) -> None:
    assert told(tmp_path, ["lost", "", "lost", ""]) == []


def test_two_in_a_row_are_and_again_after_ten_more(tmp_path: Path) -> None:
    said = told(tmp_path, ["lost"] * 13 + ["", ""])
    assert said == ["missing 2 lost", "missing 12 lost", "well 0 "]


async def test_without_the_centres_word_it_does_not_press() -> None:
    probing = prober("")
    async with probing._api:
        assert "signing in" in await probing.round()
    assert probing._bracelet.presses == []
