"""The live feed: a console that was away gets exactly what it missed, each entry once, in order, byte for byte."""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import event

from callcenter.clock import SystemClock
from callcenter.console import api, live
from callcenter.console.auth import SignedIn
from callcenter.console.feed import Feed, _framed
from callcenter.console.live import Health, Live, Presence
from callcenter.storage import queries
from callcenter.storage.records import Entry
from config import policies
from tests.conftest import ManualClock, Seat
from tests.integration.bracelet import bracelet
from tests.integration.conftest import unused
from tests.integration.office import ANN, BEN, Office
from tests.processes import NOW, Service

LONGEST_S = 60.0


@dataclass
class Console:
    """What one console has received: entries as text by number, and the alerts as it would draw them."""

    connect: Callable[[int | None], Any]
    entries: dict[int, str] = field(default_factory=dict)
    alerts: dict[str, dict] = field(default_factory=dict)
    n: int | None = None
    snapshots: int = 0
    resumes: int = 0

    def take(self, text: str) -> None:
        frame = json.loads(text)
        if frame["type"] == "snapshot":
            self.snapshots += 1
            self.n, self.alerts = frame["n"], {alert["id"]: alert for alert in frame["alerts"]}
            self.entries.clear()
        elif frame["type"] == "resumed":
            self.resumes += 1
            assert frame["since"] == self.n, "resumed from another place than asked for"
        elif frame["type"] == "entry":
            assert self.n is not None
            assert frame["n"] == self.n + 1, f"{frame['n']} after {self.n}"
            self.n, self.entries[frame["n"]] = frame["n"], text
            if frame["alert"]:
                self.alerts[frame["alert"]["id"]] = frame["alert"]

    async def listen(self, *, until: int | None = None, frames: int = 1_000_000, anew: bool = False) -> None:
        """Connect, take `frames` messages or everything up to entry `until`, and be cut off."""
        async with asyncio.timeout(LONGEST_S), self.connect(None if anew else self.n) as socket:
            while frames and (until is None or self.n is None or self.n < until):
                self.take(await socket.receive_str())
                frames -= 1
            # Leave as a broken network does: without a word.
            with contextlib.suppress(AttributeError):
                socket._response.connection.transport.abort()


# -- through the real service


async def write(centre: Service, ann: Seat, other: Seat, devices: list[str], presses: int) -> None:
    """Presses of several bracelets, repeats among them, and two operators who act on what they open."""
    dice = random.Random(7)
    async with bracelet(centre.mqtt_port, "+") as hand:
        for number in range(presses):
            device = dice.choice(devices)
            await hand.send({"msg": f"live-{number}", "kind": dice.choice(["sos", "fall"])}, device=device)
            if number % 5 == 4:
                open_now = (await ann.get(f"/api/v1/alerts?device={device}&state=open"))["alerts"]
                for alert in open_now[:1]:
                    await asyncio.gather(
                        ann.act(alert["id"], "claim"),
                        other.act(alert["id"], "claim"),
                        ann.act(alert["id"], "note", text=f"round {number}"),
                    )
                    if number % 10 == 9:
                        for one in (ann, other):
                            await one.act(alert["id"], "resolve", outcome="false_alarm")
                        await ann.act(alert["id"], "close")
        await hand.send({"msg": "the last"}, device=(end := unused(centre)))
        while (await hand.answer())["topic"] != f"vnh/v1/{end}/down/ack":
            pass  # one lane, in order: now all of it is stored


async def newest(ann: Seat) -> int:
    return (await ann.get("/api/v1/alerts?limit=1"))["n"]


async def test_consoles_that_come_and_go_while_everybody_writes(centre: Service, ann: Seat, ben: Seat) -> None:
    devices = [unused(centre) for _ in range(5)]
    steady = Console(ann.live)
    await steady.listen(frames=1)
    start = steady.n
    assert start is not None
    restless = [Console(ann.live) for _ in range(4)]
    for console in restless:
        console.n = start
    writing = asyncio.ensure_future(write(centre, ann, ben, devices, 120))

    async def come_and_go(console: Console, dice: random.Random) -> None:
        while not writing.done():
            await unless_over(console.listen(frames=dice.randrange(1, 25)))
            await asyncio.sleep(dice.random() * 0.02)

    async def unless_over(listening: Coroutine[Any, Any, None]) -> None:
        """Cut off when the writing is over: then only a beat comes every two seconds."""
        task = asyncio.ensure_future(listening)
        await asyncio.wait((task, writing), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
        await asyncio.gather(task, return_exceptions=not task.done())

    await asyncio.gather(
        writing, unless_over(steady.listen()), *(come_and_go(one, random.Random(n)) for n, one in enumerate(restless))
    )
    last = await newest(ann)
    for console in (steady, *restless):
        await console.listen(until=last)
        assert sorted(console.entries) == list(console.entries) == list(range(start + 1, console.n + 1))
    for console in restless:
        assert console.resumes > 1
        assert console.snapshots == 0
        assert [console.entries[n] for n in range(start + 1, last + 1)] == [
            steady.entries[n] for n in range(start + 1, last + 1)
        ]
    whole = Console(ann.live, n=start)  # all of it from the database or the kept frames, never live
    await whole.listen(until=last)
    assert [whole.entries[n] for n in range(start + 1, last + 1)] == [
        steady.entries[n] for n in range(start + 1, last + 1)
    ]
    listed = (await ann.get("/api/v1/alerts?state=all&limit=2000"))["alerts"]
    mine = {alert["id"]: alert for alert in listed if alert["device_id"] in devices}
    assert {key: whole.alerts[key]["press_count"] for key in mine} == {k: a["press_count"] for k, a in mine.items()}


async def test_a_snapshot_and_what_follows_it_are_the_whole_truth(centre: Service, ann: Seat, ben: Seat) -> None:
    """However a snapshot falls between the commits."""
    devices = [unused(centre) for _ in range(3)]
    writing = asyncio.ensure_future(write(centre, ann, ben, devices, 60))
    consoles: list[Console] = []
    while not writing.done():
        consoles.append(Console(ann.live))
        await consoles[-1].listen(frames=1)
        await asyncio.sleep(0.01)
    await writing
    listed = await ann.get("/api/v1/alerts?limit=2000")
    assert len(consoles) > 3
    for console in consoles:
        await console.listen(until=listed["n"])
        assert drawn(console.alerts.values(), devices) == drawn(listed["alerts"], devices)


def drawn(alerts: Iterable[dict], devices: list[str]) -> dict[str, tuple]:
    """What an operator sees of the open alerts of these devices. (Rungs climb while the test compares.)"""
    shown = ("state", "kind", "press_count", "owner", "opened_at")
    mine = (one for one in alerts if one["device_id"] in devices and one["state"] != "closed")
    return {one["id"]: tuple(one[name] for name in shown) for one in mine}


# -- one process, with everything in the test's hands


SEATED = SignedIn("operator1", "Ann", "operator", "")


@dataclass
class Room:
    """The live feed of one office, and a web server in front of it."""

    office: Office
    feed: Feed
    server: TestServer

    def connect(self, session: aiohttp.ClientSession) -> Callable[[int | None], Any]:
        def connected(since: int | None) -> Any:
            return session.ws_connect(self.server.make_url("/live" + (f"?since={since}" if since is not None else "")))

        return connected


@contextlib.asynccontextmanager
async def room(office: Office) -> AsyncIterator[Room]:
    clock = SystemClock()
    feed = Feed(office.reader, clock)
    presence = Presence(office.door.submit, clock)

    async def session(_hash: str) -> SignedIn:
        return SEATED

    health = Health(lambda: True, lambda: True)
    made = Live(feed, presence, health, read=office.reader, clock=clock, session=session)

    async def serve(request: web.Request) -> web.StreamResponse:
        since = request.query.get("since")
        return await made.serve(request, SEATED, int(since) if since else None)

    app = web.Application()
    app.router.add_get("/live", serve)
    await feed.start()
    office.door.listen(feed.committed)
    running = asyncio.ensure_future(feed.run())
    async with TestServer(app) as server:
        yield Room(office, feed, server)
        await made.close()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def some(office: Office, count: int, *, start: int = 0, device: str = "") -> None:
    """Entries, several of them in one commit."""
    await asyncio.gather(*(office.press(device or f"bracelet-{1 + n % 9}", f"m{start + n}") for n in range(count)))


async def test_two_processes_write_and_consoles_move_between_them(populated_url: str, clock: ManualClock) -> None:
    dice = random.Random(3)
    async with (
        Office(populated_url, clock, node="a") as one,
        Office(populated_url, clock, node="b") as two,
        room(one) as left,
        room(two) as right,
        aiohttp.ClientSession() as session,
    ):
        consoles = [Console(left.connect(session), n=0), Console(right.connect(session), n=0)]
        mover = Console(left.connect(session), n=0)

        async def keep_writing(office: Office, name: str) -> None:
            for round_ in range(12):
                await asyncio.gather(
                    *(office.press(f"bracelet-{dice.randrange(1, 10)}", f"{name}-{round_}-{n}") for n in range(5))
                )
                alert = office.alerts("open")[0].id
                await asyncio.gather(
                    office.act(alert, "claim", ANN if name == "a" else BEN), office.act(alert, "note", text="x")
                )

        writing = asyncio.gather(keep_writing(one, "a"), keep_writing(two, "b"))

        async def move() -> None:
            while not writing.done():
                mover.connect = dice.choice([left, right]).connect(session)
                await mover.listen(frames=dice.randrange(2, 12))
                assert not mover.snapshots  # a process that has not seen as much yet looks first

        await asyncio.gather(writing, move())
        last = one.read(queries.head)
        for console in consoles:
            await console.listen(until=last)
        mover.connect = right.connect(session)
        await mover.listen(until=last)
        expected = [(entry.n, entry.frame()) for entry in one.entries()]
        assert len(expected) >= 120 + 24
        for console in (*consoles, mover):
            assert list(console.entries.items()) == expected
        one.assert_whole()


async def test_live_and_resumed_frames_are_the_same_bytes(office: Office) -> None:
    async with room(office) as made, aiohttp.ClientSession() as session:
        seen_live, resumed = (Console(made.connect(session), n=0) for _ in range(2))
        listening = asyncio.ensure_future(seen_live.listen(until=43))
        await some(office, 40)
        alert = office.alerts()[0].id
        await office.acts(alert, "claim")
        await office.acts(alert, "note", text='Ünicode 测试 "quoted" \\ \u2028')
        await office.acts(alert, "resolve", outcome="false_alarm", text="x")
        await listening
        await resumed.listen(until=43)
        assert seen_live.entries == resumed.entries == {entry.n: entry.frame() for entry in office.entries()}


async def test_what_is_older_than_the_kept_frames_comes_from_the_database(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callcenter.console.feed.KEPT_FRAMES", 10)
    monkeypatch.setattr("callcenter.console.feed.SEND_AT_ONCE", 7)
    async with room(office) as made, aiohttp.ClientSession() as session:
        await some(office, 50)
        for since in (0, 1, 39, 40, 41, 49, 50):
            console = Console(made.connect(session), n=since)
            await console.listen(until=50, frames=60)
            assert (console.snapshots, list(console.entries)) == (0, list(range(since + 1, 51))), since


async def test_a_service_that_has_just_started_resumes_what_it_never_sent(office: Office) -> None:
    await some(office, 30)
    async with room(office) as made, aiohttp.ClientSession() as session:
        console = Console(made.connect(session), n=12)
        await console.listen(until=30)
        assert (console.snapshots, list(console.entries)) == (0, list(range(13, 31)))


@pytest.mark.parametrize("since", [31, 10**9, 2**53])
async def test_a_number_from_the_future_gets_a_snapshot(office: Office, since: int) -> None:
    await some(office, 30)
    async with room(office) as made, aiohttp.ClientSession() as session:
        console = Console(made.connect(session), n=since)
        await console.listen(frames=1)
        assert (console.snapshots, console.n, len(console.alerts)) == (1, 30, 9)


async def test_too_far_behind_gets_a_snapshot(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "RESUME_AT_MOST", 20)
    await some(office, 30)
    async with room(office) as made, aiohttp.ClientSession() as session:
        for since, snapshots in ((9, 1), (10, 0)):
            console = Console(made.connect(session), n=since)
            await console.listen(until=30)
            assert console.snapshots == snapshots, since


async def test_a_new_console_gets_a_snapshot_of_what_is_open(office: Office) -> None:
    await some(office, 12)
    done = office.alerts()[0]
    await office.finish(done.id)
    async with room(office) as made, aiohttp.ClientSession() as session:
        console = Console(made.connect(session))
        await console.listen(frames=1)
        assert (console.snapshots, console.n) == (1, 15)
        assert console.alerts.keys() == {alert.id for alert in office.alerts("open")}
        assert done.id not in console.alerts


@pytest.mark.parametrize("what", ["list", "detail", "snapshot"])
async def test_a_view_is_never_older_than_the_number_it_names(office: Office, what: str) -> None:
    """Whoever resumes from that number would never hear of what was left out. A press falls between its queries."""
    alert = (await office.press("bracelet-1", "before")).alert
    loop = asyncio.get_running_loop()
    pressed: list[str] = []

    def between(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "timeline_head" in statement and not pressed:
            pressed.append("now")
            asyncio.run_coroutine_threadsafe(office.press("bracelet-1", "between"), loop).result(10)

    event.listen(office.reader._engine, "before_cursor_execute", between)
    if what == "list":
        view = await office.reader(api._listed, state="open")
        (found,) = view["alerts"]
    elif what == "detail":
        view = await office.reader(api._detail, alert, SEATED, lambda *_one: policies.read())
        found = view["alert"]
    else:
        n, alerts = await office.reader(live._snapshot, SEATED)
        view, (found,) = {"n": n}, alerts
    assert pressed
    told = [json.loads(entry.after) for entry in office.entries() if entry.n <= view["n"]]
    assert found["press_count"] >= told[-1]["press_count"]


@pytest.mark.parametrize("after", ["{}", '{"owner": null}', '{"owner": {"id": "a"}, "transfer": {"to": {"id": "b"}}}'])
def test_an_alert_of_another_release_stops_no_feed(after: str) -> None:
    entry = Entry(1, NOW, "a1", "alert.opens", "system", False, "{}", after, "", area_id="d1")
    assert _framed(entry).hands == ({"a", "b"} if "transfer" in after else set())
