"""Sessions: who gets one, what it is made of, and how it ends."""

import asyncio
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from sqlalchemy import select

from callcenter.clock import SystemClock
from callcenter.console import auth
from callcenter.console.auth import LONGEST_DELAY_S, Doorkeeper, new_session, token_hash
from callcenter.storage import sessions, tables as t
from callcenter.storage.engine import connect
from callcenter.storage.reading import Reader
from callcenter.storage.writer import Unavailable
from tests.conftest import ManualClock
from tests.integration.conftest import Seats
from tests.processes import PASSWORD, Service

pytestmark = pytest.mark.one_database

SESSION = "/api/v1/session"


def cookie_of(answer) -> SimpleCookie:
    return SimpleCookie(answer.headers["Set-Cookie"])


async def sign_in(seats: Seats, name: str = "operator1", password: str = PASSWORD):
    return await seats.nobody.post(SESSION, {"username": name, "password": password})


async def test_the_right_password(centre: Service, seats: Seats) -> None:
    answer = await sign_in(seats, "supervisor1")
    assert answer.status == 200
    assert answer.body["operator"] == {"id": "supervisor1", "name": "Supervisor1"}
    assert answer.body["role"] == "supervisor"
    token = answer.body["token"]
    assert len(token) >= 40

    cookie = cookie_of(answer)["vnh_session"]
    assert cookie.value == token
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    assert cookie["path"] == "/"
    assert not cookie["domain"]
    assert 8 * 3600 <= int(cookie["max-age"]) <= 24 * 3600
    assert not cookie["secure"]  # plain http on loopback: a secure cookie would never come back

    by_cookie = await seats.nobody.get(SESSION, headers={"Cookie": f"vnh_session={token}"})
    by_bearer = await seats.nobody.get(SESSION, headers={"Authorization": f"Bearer {token}"})
    assert by_cookie.body == by_bearer.body == {key: answer.body[key] for key in answer.body if key != "token"}
    assert (by_cookie.body["role"], by_cookie.body["area_id"]) == ("supervisor", None)


async def test_the_token_itself_is_not_in_the_database(centre: Service, seats: Seats) -> None:
    token = (await sign_in(seats)).body["token"]
    engine = connect(centre.database_url or f"sqlite:///{centre.directory / 'callcenter.db'}", writer=False)
    with engine.connect() as connection:
        stored = connection.execute(select(t.sessions.c.token_hash)).scalars().all()
        passwords = connection.execute(select(t.operators.c.password_hash)).scalars().all()
    engine.dispose()
    assert token not in stored
    assert token_hash(token) in stored
    assert all(one.startswith("$argon2id$") for one in passwords)


def test_under_https_the_cookie_is_secure_and_bound_to_the_host() -> None:
    keeper = Doorkeeper(None, None, public="https://care.example")
    assert (keeper.secure, keeper.cookie) == (True, "__Host-vnh_session")


async def test_wrong_ones_are_told_alike(seats: Seats) -> None:
    wrong = [("operator1", "wrong"), ("nobody", PASSWORD), ("operator1 ", PASSWORD), ("OPERATOR1", PASSWORD)]
    told = set()
    for number, (name, password) in enumerate(wrong):
        answer = await sign_in(seats, name, password)
        assert (answer.status, answer.code) == (401, "wrong_credentials")
        assert "Set-Cookie" not in answer.headers
        told.add(str(answer.body))
        if number % 2:  # so that the delays do not grow on
            assert (await sign_in(seats)).status == 200
    assert len(told) == 1


class Stopwatch(SystemClock):
    """Does not sleep, but remembers for how long it should have."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def keeper_and_clock(sqlite_url: str, monkeypatch: pytest.MonkeyPatch):
    # A tenth of a second each otherwise; the hash itself is tried through the service above.
    monkeypatch.setattr(auth, "_verify", lambda stored, password: stored != auth._NOBODY and password == PASSWORD)
    reader, clock = Reader(connect(sqlite_url, writer=False)), Stopwatch()
    yield Doorkeeper(reader, clock, public="http://127.0.0.1"), clock
    reader.close()


async def test_wrong_passwords_cost_a_growing_delay_but_never_lock_anybody_out(keeper_and_clock) -> None:
    keeper, clock = keeper_and_clock
    for _ in range(9):
        assert await keeper.check_password("operator1", "wrong", "10.0.0.1") is None
    assert clock.slept == sorted(clock.slept)
    assert clock.slept[0] < 0.5
    assert clock.slept[-1] == LONGEST_DELAY_S
    assert len(clock.slept) == 6  # three mistakes are free

    found = await keeper.check_password("operator1", PASSWORD, "10.0.0.2")
    assert found == "operator1"
    assert clock.slept[-1] == LONGEST_DELAY_S

    clock.slept.clear()
    assert await keeper.check_password("operator1", PASSWORD, "10.0.0.2")
    assert clock.slept == []  # forgotten after a success


async def test_guessing_many_names_from_one_address_is_slowed_too(keeper_and_clock) -> None:
    keeper, clock = keeper_and_clock
    for number in range(6):
        await keeper.check_password(f"guess-{number}", "wrong", "10.0.0.1")
    assert len(clock.slept) == 3


async def test_somebody_elses_mistakes_do_not_slow_a_colleague_at_another_desk(keeper_and_clock) -> None:
    keeper, clock = keeper_and_clock
    for _ in range(4):
        await keeper.check_password("operator1", "wrong", "10.0.0.1")
    clock.slept.clear()
    assert await keeper.check_password("operator2", PASSWORD, "10.0.0.2")
    assert clock.slept == []


async def test_unlocking_asks_for_the_password_of_whose_session_it_is(centre: Service, seats: Seats) -> None:
    """Requirement 24: it proves who sits there, and neither makes nor ends a session."""
    unlock = f"{SESSION}/unlock"
    engine = connect(centre.database_url or f"sqlite:///{centre.directory / 'callcenter.db'}", writer=False)

    def sessions() -> list[tuple]:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(select(t.sessions.c.token_hash, t.sessions.c.revoked_at))]

    before = sorted(sessions(), key=str)
    wrong = await seats.operator.post(unlock, {"password": "wrong"})
    assert (wrong.status, wrong.code) == (401, "wrong_credentials")
    right = await seats.operator.post(unlock, {"password": PASSWORD})
    assert right.status == 204
    assert "Set-Cookie" not in right.headers
    assert (await seats.operator.post(unlock, {"password": ""})).status == 400
    assert (await seats.operator.post(unlock, {"username": "operator2", "password": PASSWORD})).status == 400
    assert (await seats.nobody.post(unlock, {"password": PASSWORD})).code == "signed_out"
    assert (await seats.operator.get(SESSION)).status == 200
    assert sorted(sessions(), key=str) == before
    engine.dispose()


async def test_signing_out_kills_the_token_at_once(seats: Seats) -> None:
    token = (await sign_in(seats)).body["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert (await seats.nobody.get(SESSION, headers=headers)).status == 200
    answer = await seats.nobody.ask("DELETE", SESSION, headers=headers)
    assert answer.status == 204
    assert cookie_of(answer)["vnh_session"].value == ""
    for again in (headers, {"Cookie": f"vnh_session={token}"}):
        answer = await seats.nobody.get(SESSION, headers=again)
        assert (answer.status, answer.code) == (401, "signed_out")


async def test_signing_out_leaves_other_sessions_alone(seats: Seats) -> None:
    one, two = [(await sign_in(seats)).body["token"] for _ in range(2)]
    assert one != two
    await seats.nobody.ask("DELETE", SESSION, headers={"Authorization": f"Bearer {one}"})
    assert (await seats.nobody.get(SESSION, headers={"Authorization": f"Bearer {two}"})).status == 200


async def test_a_signed_out_console_hears_nothing_more(centre: Service, seats: Seats) -> None:
    """What goes on after the sign-out is not for whoever still holds the connection."""
    token = (await sign_in(seats)).body["token"]
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{centre.http}/api/v1/live"
    async with seats.seat.session.ws_connect(url, headers=headers) as live:
        assert (await live.receive_json(timeout=10))["type"] == "snapshot"
        await seats.nobody.ask("DELETE", SESSION, headers=headers)
        async with asyncio.timeout(10):
            async for _ in live:
                pass
        assert live.closed


@pytest.mark.parametrize("token", ["", "x", "x" * 5000, "\N{SNOWMAN}".encode().hex(), "' OR 1=1 --"])
async def test_no_other_token_works(seats: Seats, token: str) -> None:
    for headers in ({"Authorization": f"Bearer {token}"}, {"Cookie": f"vnh_session={token}"}):
        answer = await seats.nobody.get(SESSION, headers=headers)
        assert (answer.status, answer.code) == (401, "signed_out")


async def test_an_old_session_is_over(keeper_and_clock, sqlite_url: str) -> None:
    """16 hours: longer than any shift, shorter than a day."""
    keeper, clock = keeper_and_clock
    engine = connect(sqlite_url, writer=True, size=1)
    for token, hours in (("young", 15.9), ("old", 16.1)):
        created = clock.now() - timedelta(hours=hours)
        row = {"token_hash": token_hash(token), "operator_id": "operator1", "created_at": created, "seen_at": created}
        with engine.begin() as connection:
            connection.execute(t.sessions.insert().values(**row))
    engine.dispose()

    def request(token: str) -> web.Request:
        return make_mocked_request("GET", "/", headers={"Authorization": f"Bearer {token}"})

    assert (await keeper.who(request("young"))).id == "operator1"
    assert await keeper.who(request("old")) is None


async def test_who_was_known_is_let_in_while_the_database_is_away_and_nobody_else(
    sqlite_url: str, clock: ManualClock
) -> None:
    """A console whose line breaks in an outage comes back, and hears that nothing is being stored."""
    engine = connect(sqlite_url, writer=True, size=1)
    _, row = new_session("operator1", clock.now())
    with engine.begin() as connection:
        sessions.open_session(connection, row)
    engine.dispose()
    reader, away = Reader(connect(sqlite_url, writer=False)), False

    async def read(query: Any, *arguments: Any) -> Any:
        if away:
            raise Unavailable("away")
        return await reader(query, *arguments)

    keeper = Doorkeeper(read, clock, public="http://127.0.0.1")  # type: ignore[arg-type]
    known = await keeper.session(row.token_hash)
    assert known is not None
    away = True
    clock.advance(600)
    assert await keeper.session(row.token_hash) == known
    with pytest.raises(Unavailable):
        await keeper.session("somebody else")
    clock.advance(3_600)
    with pytest.raises(Unavailable):
        await keeper.session(row.token_hash)
    keeper.forget(row.token_hash)
    away = False
    assert await keeper.session(row.token_hash) == known
    reader.close()
