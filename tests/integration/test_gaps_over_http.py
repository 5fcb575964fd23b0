"""A gap as consoles see it: listed with whom it concerns, swept by a supervisor, dismissed with a reason."""

from datetime import UTC, datetime, timedelta

import pytest

from callcenter.alerts.gaps import GapKind
from callcenter.storage import gap_book
from callcenter.storage.engine import connect
from tests.integration.conftest import HOUSEHOLDS, Seats
from tests.processes import Service

WORDS = {"words": "我们想知道您是否平安。", "ask": "residents"}


@pytest.fixture
def gap(centre: Service) -> str:
    """One after a restore: no heartbeat of another test settles it."""
    now = datetime.now(UTC)
    engine = connect(centre._url, writer=True, size=1, patience_s=20)
    with engine.begin() as connection:
        began = now - timedelta(hours=1)
        made = gap_book.add(connection, GapKind.RESTORED, began, now - timedelta(minutes=1), now=now, by="test")
    engine.dispose()
    return made.id


async def listed(seats: Seats, gap: str, query: str = "") -> dict | None:
    found = (await seats.operator.get(f"/api/v1/gaps{query}")).body["gaps"]
    return next((one for one in found if one["id"] == gap), None)


async def test_a_gap_is_seen_by_all_and_swept_by_a_supervisor(seats: Seats, gap: str) -> None:
    one = await listed(seats, gap)
    assert one
    assert (one["kind"], one["people"], one["settled_at"]) == ("restored", HOUSEHOLDS, None)
    refused = await seats.operator.post(f"/api/v1/gaps/{gap}/sweep", WORDS)
    assert (refused.status, refused.code) == (403, "not_supervisor")
    assert (await seats.chief.post(f"/api/v1/gaps/{gap}/sweep", WORDS | {"words": " "})).status == 400
    done = await seats.chief.post(f"/api/v1/gaps/{gap}/sweep", WORDS)
    assert done.status == 201
    (incident,) = done.body["incidents"]
    raised = (await seats.operator.get(f"/api/v1/incidents/{incident}")).body["incident"]
    assert (raised["gap_id"], raised["progress"]["total"]) == (gap, HOUSEHOLDS)
    assert await listed(seats, gap) is None
    settled = await listed(seats, gap, "?state=all&limit=500")
    assert settled
    assert (settled["settled_how"], settled["incidents"], settled["people"]) == ("swept", [incident], 0)
    again = await seats.chief.post(f"/api/v1/gaps/{gap}/sweep", WORDS)
    assert (again.status, again.code) == (409, "not_allowed")
    closed = await seats.chief.post(f"/api/v1/incidents/{incident}/close", {"note": "x", "reason": "a test"})
    assert closed.status == 200


async def test_a_gap_is_dismissed_with_a_reason(seats: Seats, gap: str) -> None:
    at = f"/api/v1/gaps/{gap}/dismiss"
    assert (await seats.operator.post(at, {"reason": "planned"})).status == 403
    assert (await seats.chief.post(at, {"reason": "  "})).status == 400
    assert (await seats.chief.post(at, {"reason": "planned, everybody was told"})).body == {"settled": True}
    assert (await seats.chief.post("/api/v1/gaps/nothing/dismiss", {"reason": "x"})).status == 404
    assert (await seats.operator.get("/api/v1/gaps?state=some")).status == 400
