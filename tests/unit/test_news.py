"""What processes tell each other: that something was written, who hears alarms, who can call."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from callcenter.ports import Committed
from handlers.news import FRESH_S, MOST_NODES, TOPIC, Looks, News, Standing
from tests.conftest import ManualClock


def news(clock: ManualClock, node: str = "a", *, hears: bool = True, looks: list[str] | None = None) -> News:
    async def publish(topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        assert (topic, qos, retain) == (TOPIC, 0, False)
        said.append(payload)

    said: list[bytes] = []
    seen = [] if looks is None else looks
    looks_of = Looks(lambda: seen.append("written"), lambda: seen.append("free"))
    made = News(
        publish, lambda: Standing(hears, True), clock, node=node, performs=lambda k: k == "ours", looks=looks_of
    )
    made.said = said  # type: ignore[attr-defined]
    return made


def effect(kind: str) -> Any:
    return SimpleNamespace(effect=SimpleNamespace(kind=kind))


def says(node: str, *, hears: bool = True, calls: bool = True, free: bool = False) -> bytes:
    return json.dumps({"node": node, "hears": hears, "calls": calls, "free": free}).encode()


def test_news_of_others_are_looked_at_and_our_own_are_not(clock: ManualClock) -> None:
    looks: list[str] = []
    one = news(clock, looks=looks)
    one.hear(says("a"))
    assert looks == []
    one.hear(says("b"))
    assert looks == ["written"]
    one.hear(says("b", free=True))
    assert looks == ["written", "written", "free"]


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"7", b'{"node": "b"}', b"\xff", b"[" * 100_000])
def test_whatever_else_comes_means_nothing(clock: ManualClock, payload: bytes) -> None:
    looks: list[str] = []
    one = news(clock, looks=looks)
    one.hear(payload)
    assert (looks, one.others_hear) == ([], False)


def test_who_hears_and_who_calls_is_believed_for_a_while(clock: ManualClock) -> None:
    one = news(clock)
    assert not one.others_hear
    assert one.others_call  # nobody says that a line is away
    one.hear(says("b", hears=False, calls=False))
    assert (one.others_hear, one.others_call) == (False, False)
    one.hear(says("c", hears=True, calls=False))
    assert one.others_hear
    one.hear(says("d", hears=False, calls=True))
    assert one.others_call
    clock.advance(FRESH_S + 0.1)
    assert not one.others_hear


def test_whoever_floods_it_fills_no_memory(clock: ManualClock) -> None:
    one = news(clock)
    one.hear(says("b"))
    for n in range(10 * MOST_NODES):
        one.hear(says(f"node-{n}", hears=False))
    assert len(one._heard) == MOST_NODES
    assert one.others_hear
    clock.advance(FRESH_S + 0.1)
    one.hear(says("c"))
    assert list(one._heard) == ["c"]


async def test_each_commit_is_told_a_storm_of_them_once(clock: ManualClock) -> None:
    one = news(clock, hears=False)
    said: list[bytes] = one.said  # type: ignore[attr-defined]
    running = asyncio.create_task(one.run())
    await asyncio.sleep(0)
    assert [json.loads(each) for each in said] == [{"node": "a", "hears": False, "calls": True, "free": False}]
    for _ in range(100):
        one.committed(Committed(["entry"], [effect("ours")], earliest_timer=None))  # type: ignore[list-item]
    one.committed(Committed([], [effect("theirs")], earliest_timer=None))
    one.committed(Committed([], [effect("ours")], earliest_timer=None))
    one.committed(Committed([], [], earliest_timer=None))
    for _ in range(8):
        clock.advance(0.5)
        for _turn in range(20):
            await asyncio.sleep(0)
    running.cancel()
    # the first, the storm, and after that every two seconds
    assert [json.loads(each)["free"] for each in said] == [False, True, False]
