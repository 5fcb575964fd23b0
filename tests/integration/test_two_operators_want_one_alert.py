"""Claims over HTTP: exactly one operator wins, and the others are told who."""

import asyncio
from collections import Counter

from tests.conftest import Seat
from tests.integration.bracelet import bracelet, metrics_now
from tests.processes import Service


async def pressed(centre: Service, device: str, msg: str) -> str:
    async with bracelet(centre.mqtt_port, device) as sender:
        await sender.press(msg)
        return (await sender.answer())["alert"]


def judge(answers: list[tuple[int, dict]]) -> tuple[dict, list[dict]]:
    """The winner's owner and the losers' answers, after the check that there is one winner."""
    (won,) = [body for status, body in answers if status == 200]
    lost = [body for status, body in answers if status == 409]
    assert len(lost) == len(answers) - 1, answers
    owner = won["alert"]["owner"]
    for body in lost:
        assert body["code"] == "lost_race"
        assert body["owner"] == owner
        assert body["alert"]["owner"] == owner
        assert body["status"] == 409
    return owner, lost


async def test_both_claim_at_once_many_times(centre: Service, ann: Seat, ben: Seat, worn: str) -> None:
    before = (await metrics_now(centre)).of("vnh_claim_conflicts_total")
    winners: Counter[str] = Counter()
    async with bracelet(centre.mqtt_port, worn) as device:
        for round_ in range(20):
            await device.press(f"p{round_}")
            ack = await device.answer()
            while ack["ref"] != f"p{round_}":
                ack = await device.answer()
            alert = ack["alert"]
            seats = [ann, ben] if round_ % 2 else [ben, ann]
            answers = await asyncio.gather(*(one.act(alert, "claim", version=1) for one in seats))
            owner, _ = judge(answers)
            winners[owner["id"]] += 1
            mine = ann if owner["id"] == "operator1" else ben
            assert (await mine.act(alert, "resolve", outcome="false_alarm"))[0] == 200
            assert (await mine.act(alert, "close"))[0] == 200
    assert sum(winners.values()) == 20
    assert (await metrics_now(centre)).of("vnh_claim_conflicts_total") - before == 20


async def test_twenty_at_once(centre: Service, ann: Seat, ben: Seat, chief: Seat, worn: str) -> None:
    """With and without the version they saw, three operators on many screens."""
    alert = await pressed(centre, worn, "p1")
    seats = [ann, ben, chief]
    wanted = [(seats[n % 3], {"version": 1} if n % 2 else {}) for n in range(20)]
    answers = await asyncio.gather(*(one.act(alert, "claim", **more) for one, more in wanted))
    owner, _ = judge(answers)
    detail = await ann.get(f"/api/v1/alerts/{alert}")
    assert detail["alert"]["owner"] == owner
    assert [entry["rule"] for entry in detail["timeline"]].count("operator.claims") == 1


async def test_the_loser_without_a_version_has_lost_the_race(centre: Service, ann: Seat, ben: Seat, worn: str) -> None:
    alert = await pressed(centre, worn, "p1")
    assert (await ann.act(alert, "claim"))[0] == 200
    status, body = await ben.act(alert, "claim")
    assert (status, body["code"], body["owner"]) == (409, "lost_race", {"id": "operator1", "name": "Operator1"})
    assert "Operator1" in body["detail"]


async def test_the_loser_with_the_version_it_saw_learns_the_owner_too(
    centre: Service, ann: Seat, ben: Seat, worn: str
) -> None:
    alert = await pressed(centre, worn, "p1")
    assert (await ann.act(alert, "claim", version=1))[0] == 200
    status, body = await ben.act(alert, "claim", version=1)
    assert (status, body["code"], body["owner"]["name"]) == (409, "lost_race", "Operator1")


async def test_claiming_twice_changes_nothing(centre: Service, ann: Seat, worn: str) -> None:
    alert = await pressed(centre, worn, "p1")
    _, first = await ann.act(alert, "claim")
    status, body = await ann.act(alert, "claim")
    assert (status, body["code"], body["owner"]["id"]) == (409, "lost_race", "operator1")
    assert body["alert"] == first["alert"]


async def test_resolving_at_once_is_done_once(centre: Service, ann: Seat, worn: str) -> None:
    """A double click: the second answer says that it is over already."""
    alert = await pressed(centre, worn, "p1")
    await ann.act(alert, "claim")
    answers = await asyncio.gather(*(ann.act(alert, "resolve", outcome="false_alarm") for _ in range(5)))
    assert Counter(status for status, _ in answers) == {200: 1, 409: 4}
    assert {body["code"] for status, body in answers if status == 409} == {"not_allowed"}
    rules = [entry["rule"] for entry in (await ann.get(f"/api/v1/alerts/{alert}"))["timeline"]]
    assert rules.count("operator.resolves") == 1
