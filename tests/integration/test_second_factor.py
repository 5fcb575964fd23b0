"""The second factor: what it asks for, that no code counts twice, and that nobody is locked out of a desk."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyotp
import pytest
from aiohttp.test_utils import TestServer
from cryptography.fernet import Fernet

from callcenter import provisions
from callcenter.alerts.rules import Refused
from callcenter.console import auth
from callcenter.console.api import Api
from callcenter.console.app import build
from callcenter.console.auth import LONGEST_DELAY_S, Doorkeeper
from callcenter.console.call_api import CallApi
from callcenter.console.factor_checks import FactorChecks
from callcenter.console.feed import Feed
from callcenter.console.live import Health, Live, Presence
from callcenter.console.pages import Pages
from callcenter.console.second_factor import RECOVERY_CODES, is_recovery, new_recovery_codes, qr_path, step_of
from callcenter.ports.signing_in import FactorProof, SignedInHere
from callcenter.privacy import Seal
from callcenter.storage import tables as t
from config.settings import Settings
from handlers.second_factors import EXCUSED
from tests.conftest import ManualClock
from tests.integration.contract import Answer, Client
from tests.integration.office import POLICY, Office
from tests.processes import PASSWORD

OWN = "/api/v1/second-factor"
STEP_S = 30


class Unhurried(ManualClock):
    """Does not sleep, and remembers for how long it should have."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


@dataclass
class Desk:
    """A console's application on an office; `secrets`: what operators have scanned."""

    office: Office
    clock: Unhurried
    base: str
    checks: FactorChecks
    stack: AsyncExitStack
    secrets: dict[str, str] = field(default_factory=dict)

    async def client(self, token: str = "") -> Client:
        return await self.stack.enter_async_context(Client(self.base, token))

    async def ask(self, who: str, code: str = "") -> Answer:
        body = {"username": who, "password": PASSWORD} | ({"code": code} if code else {})
        return await (await self.client()).post("/api/v1/session", body)

    async def sign_in(self, who: str, code: str = "") -> Client:
        answer = await self.ask(who, code)
        assert answer.status == 200, answer.body
        return await self.client(answer.body["token"])

    def code(self, who: str) -> str:
        return pyotp.TOTP(self.secrets[who]).at(self.clock.now())

    def next_code(self, who: str) -> str:
        self.clock.advance(STEP_S)
        return self.code(who)

    async def enrol(self, who: str = "operator1") -> tuple[Client, list[str]]:
        client = await self.sign_in(who)
        begun = await client.post(OWN, {"password": PASSWORD})
        assert begun.status == 201, begun.body
        self.secrets[who] = begun.body["secret"]
        confirmed = await client.post(f"{OWN}/confirm", {"code": self.code(who)})
        assert confirmed.status == 200, confirmed.body
        return client, confirmed.body["recovery_codes"]

    def entries(self, rule: str) -> list[dict[str, Any]]:
        return [json.loads(one.data) | {"actor": one.actor} for one in self.office.entries() if one.rule == rule]


@pytest.fixture
async def desk(populated_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(auth, "_verify", lambda stored, password: stored != auth._NOBODY and password == PASSWORD)
    clock = Unhurried()
    async with AsyncExitStack() as stack:
        office = await stack.enter_async_context(Office(populated_url, clock))
        read, submit = office.reader, office.door.submit
        keeper = Doorkeeper(read, clock, public="http://127.0.0.1")
        checks = FactorChecks(read, clock, Seal(Fernet.generate_key()))
        health = Health(lambda: True, lambda: True)
        presence = Presence(submit, clock)
        live = Live(Feed(read, clock), presence, health, read=read, clock=clock, session=keeper.session)
        api = Api(read, submit, office.door.later, keeper, live, presence, clock, lambda *_one: POLICY, checks)
        app = build(api, keeper, Pages(health, read, clock), CallApi(read, checks.seal, clock))
        server = await stack.enter_async_context(TestServer(app, host="127.0.0.1"))
        yield Desk(office, clock, str(server.make_url("")).rstrip("/"), checks, stack)
        office.assert_whole()


# -- getting one, and signing in with it


async def test_once_confirmed_a_code_is_asked_for_and_without_it_there_is_no_session(desk: Desk) -> None:
    client, recovery = await desk.enrol()
    assert len(set(recovery)) == RECOVERY_CODES
    assert all(map(is_recovery, recovery))
    shown = (await client.get(OWN)).body
    assert (bool(shown["since"]), shown["recovery"], shown["demanded"]) == (True, RECOVERY_CODES, False)
    before = len(desk.office.rows("sessions"))
    for code, said in (
        ("", "second_factor"),
        ("000000", "wrong_code"),
        ("x", "wrong_code"),
        (" - ", "second_factor"),
    ):
        answer = await desk.ask("operator1", code)
        assert (answer.status, answer.code, "Set-Cookie" in answer.headers) == (401, said, False)
    assert len(desk.office.rows("sessions")) == before
    await desk.sign_in("operator1", desk.next_code("operator1"))
    assert [one["factor"] for one in desk.entries("session.opened")] == ["none", "app"]
    assert desk.entries("session.opened")[-1] | {"way": "password", "operator": "operator1"} == {
        "operator": "operator1", "way": "password", "role": "operator", "area": None, "factor": "app",
        "actor": "operator:operator1",
    }  # fmt: skip
    assert (await client.post("/api/v1/session/unlock", {"password": PASSWORD})).status == 204  # by password, as ever


async def test_the_door_opens_no_session_without_a_code_whatever_a_console_believes(desk: Desk) -> None:
    """One that was set up in this very moment by another process, too."""
    await desk.enrol()
    before = len(desk.office.rows("sessions"))
    for proof in (FactorProof(), FactorProof(recovery="no such hash")):
        refused = await desk.office.door.submit(SignedInHere("operator1", "hash", proof))
        assert isinstance(refused, Refused)
    assert len(desk.office.rows("sessions")) == before


async def test_what_is_begun_and_not_confirmed_asks_for_nothing(desk: Desk) -> None:
    client = await desk.sign_in("operator1")
    wrong = await client.post(OWN, {"password": "wrong"})
    assert (wrong.status, wrong.code) == (401, "wrong_credentials")
    assert (await client.post(f"{OWN}/confirm", {"code": "123456"})).code == "not_begun"
    begun = await client.post(OWN, {"password": PASSWORD})
    assert begun.body["link"].startswith("otpauth://totp/VNH:operator1?secret=")
    assert (await client.post(f"{OWN}/confirm", {"code": "000000"})).code == "wrong_code"
    await desk.sign_in("operator1")
    assert (await client.get(OWN)).body["since"] is None


async def test_the_secret_is_shown_once_and_stored_sealed(desk: Desk) -> None:
    client, recovery = await desk.enrol()
    again = await client.post(OWN, {"password": PASSWORD})
    assert (again.status, again.code) == (409, "enrolled")
    everything = repr(desk.office.rows("second_factors")) + repr(desk.office.rows("recovery_codes"))
    everything += repr(desk.office.rows("timeline"))
    assert desk.secrets["operator1"] not in everything
    assert not [one for one in recovery if one in everything or one.replace("-", "") in everything]


# -- no code counts twice


async def test_a_code_counts_once_also_for_two_who_send_it_at_one_moment(desk: Desk) -> None:
    await desk.enrol()
    assert (await desk.ask("operator1", desk.code("operator1"))).code == "code_used"  # it has confirmed already
    code = desk.next_code("operator1")
    statuses = {(await desk.ask("operator1", code)).status for _ in range(2)}
    assert statuses == {200, 401}
    desk.clock.advance(-STEP_S)  # and none from before it
    assert (await desk.ask("operator1", desk.code("operator1"))).code == "code_used"
    desk.clock.advance(2 * STEP_S)
    desk.checks._checked_now = Nobody()  # as two processes of the centre would
    both = await asyncio.gather(*(desk.ask("operator1", desk.code("operator1")) for _ in range(2)))
    assert sorted(one.status for one in both) == [200, 401]


class Nobody(set):  # type: ignore[type-arg]
    """Remembers nothing."""

    def add(self, _one: object) -> None: ...


async def test_a_recovery_code_signs_in_once_and_only_its_owner(desk: Desk) -> None:
    client, recovery = await desk.enrol()
    await desk.enrol("operator2")
    assert (await desk.ask("operator2", recovery[0])).code == "wrong_code"
    await desk.sign_in("operator1", recovery[0].lower().replace("-", " "))
    assert (await desk.ask("operator1", recovery[0])).code == "wrong_code"
    assert (await client.get(OWN)).body["recovery"] == RECOVERY_CODES - 1
    both = await asyncio.gather(*(desk.ask("operator1", recovery[1]) for _ in range(2)))
    assert sorted(one.status for one in both) == [200, 401]
    assert desk.entries("session.opened")[-1]["factor"] == "recovery"


# -- guessing is slow, and nobody is locked out


async def test_guessing_is_slowed_whatever_the_password_says_and_never_locks_out(desk: Desk) -> None:
    _client, recovery = await desk.enrol()
    for _ in range(9):
        assert (await desk.ask("operator1", "000000")).code == "wrong_code"
    assert desk.clock.slept == sorted(desk.clock.slept)
    assert (len(desk.clock.slept), desk.clock.slept[-1]) == (6, LONGEST_DELAY_S)
    used = desk.code("operator1")
    assert (await desk.ask("operator1", used)).code == "code_used"
    assert (await desk.ask("operator1", "000000")).code == "wrong_code"
    assert desk.clock.slept[-2:] == [LONGEST_DELAY_S] * 2  # a used code makes guessing no quicker
    await desk.sign_in("operator1", recovery[0])
    assert len(desk.clock.slept) == 8  # at once
    await desk.sign_in("operator1", desk.next_code("operator1"))
    desk.clock.slept.clear()
    await desk.sign_in("operator1", desk.next_code("operator1"))
    assert desk.clock.slept == []


async def test_codes_are_tried_one_at_a_time_and_a_recovery_code_waits_for_none(desk: Desk) -> None:
    _client, recovery = await desk.enrol()
    desk.checks._checked_now.add("operator1")
    busy = await desk.ask("operator1", desk.next_code("operator1"))
    assert (busy.status, busy.code) == (429, "one_at_a_time")
    await desk.sign_in("operator1", recovery[0])
    desk.checks._checked_now.discard("operator1")
    await desk.sign_in("operator1", desk.code("operator1"))


async def test_with_the_centres_key_lost_recovery_codes_still_count(desk: Desk) -> None:
    _client, recovery = await desk.enrol()
    desk.checks.seal = Seal(Fernet.generate_key())
    assert (await desk.ask("operator1", desk.next_code("operator1"))).code == "wrong_code"
    await desk.sign_in("operator1", recovery[0])


# -- ending it, and having it taken away


async def test_it_is_ended_with_password_and_code(desk: Desk) -> None:
    client, _recovery = await desk.enrol()
    wanted = {"password": PASSWORD, "code": "000000"}
    assert (await client.post(f"{OWN}/end", wanted)).code == "wrong_code"
    assert (await client.post(f"{OWN}/end", wanted | {"password": "wrong"})).code == "wrong_credentials"
    assert (await client.post(f"{OWN}/end", wanted | {"code": desk.next_code("operator1")})).status == 204
    await desk.sign_in("operator1")
    assert len(desk.entries("second_factor.ended")) == 1


async def test_a_supervisor_takes_a_lost_one_away_with_a_reason_and_nobody_their_own(desk: Desk) -> None:
    await desk.enrol()
    chief, _recovery = await desk.enrol("supervisor1")
    reset = "/api/v1/operators/{}/second-factor/reset"
    assert (await chief.post(reset.format("supervisor1"), {"reason": "lost"})).code == "own"
    assert (await chief.post(reset.format("nobody"), {"reason": "lost"})).status == 404
    assert (await chief.post(reset.format("operator1"), {"reason": " "})).status == 400
    other = await desk.sign_in("operator2")
    assert (await other.post(reset.format("operator1"), {"reason": "lost"})).status == 403
    assert (await chief.post(reset.format("operator1"), {"reason": "fell into the sea"})).status == 204
    await desk.sign_in("operator1")
    assert desk.entries("second_factor.reset") == [
        {"operator": "operator1", "reason": "fell into the sea", "actor": "operator:supervisor1"}
    ]


# -- where a role must have one


async def test_a_role_that_must_have_one_gets_one_first_and_nobody_in_a_shift_is_stopped(desk: Desk) -> None:
    working = await desk.sign_in("operator1")
    desk.checks.demands = frozenset({"operator"})
    desk.clock.advance(10)
    assert (await working.get("/api/v1/alerts")).status == 200  # signed in before it was demanded
    new = await desk.ask("operator1")
    assert (new.body["limited"], new.body["may"]) == (True, ["own_session"])
    client = await desk.client(new.body["token"])
    for path in ("/api/v1/alerts", "/api/v1/residents", "/api/v1/past-alerts", "/api/v1/live"):
        assert (await client.get(path)).code == "forbidden"
    assert (await client.get(OWN)).body["demanded"] is True
    desk.secrets["operator1"] = (await client.post(OWN, {"password": PASSWORD})).body["secret"]
    assert (await client.post(f"{OWN}/confirm", {"code": desk.code("operator1")})).status == 200
    assert (await client.get("/api/v1/alerts")).status == 200  # in the same session
    assert [one["factor"] for one in desk.entries("session.opened")] == ["none", "owed"]
    assert (await desk.ask("supervisor1")).body["limited"] is False


async def test_who_has_no_telephone_at_hand_works_a_shift_without(desk: Desk) -> None:
    chief = await desk.sign_in("supervisor1")
    desk.checks.demands = frozenset({"operator"})
    stuck = await desk.sign_in("operator1")
    assert (await stuck.get("/api/v1/alerts")).status == 403
    reason = {"reason": "her telephone is broken"}
    assert (await chief.post("/api/v1/operators/operator1/second-factor/reset", reason)).status == 204
    desk.clock.advance(10)
    assert (await stuck.get("/api/v1/alerts")).status == 200  # without signing in anew
    assert (await desk.ask("operator1")).body["limited"] is False
    assert desk.entries("session.opened")[-1]["factor"] == "excused"
    desk.clock.advance(EXCUSED.total_seconds())
    assert (await desk.ask("operator1")).body["limited"] is True


@pytest.mark.parametrize("roles", ["nobody", "supervisor,wallboard", "prober"])
def test_a_role_that_cannot_have_one_is_refused_at_start(roles: str) -> None:
    with pytest.raises(OSError, match="CALLCENTER_SECOND_FACTOR_ROLES"):
        provisions.demands(Settings(second_factor_roles=roles))
    assert provisions.demands(Settings(second_factor_roles=" supervisor, admin,")) == {"supervisor", "admin"}


# -- the codes themselves


@pytest.mark.parametrize(("at", "code"), [(1234567890, "005924"), (1111111109, "081804"), (2000000000, "279037")])
def test_the_codes_are_those_of_rfc_6238(at: int, code: str) -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    step = at // STEP_S
    for seconds, found in ((0, step), (STEP_S, step), (-STEP_S, step), (2 * STEP_S, None), (-2 * STEP_S, None)):
        assert step_of(secret, code, datetime.fromtimestamp(at + seconds, UTC)) == found, seconds
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in code)  # as a Chinese keyboard may type them
    for typed in (f" {code[:3]} {code[3:]}", f"{code[:3]}-{code[3:]}", wide):
        assert step_of(secret, typed, datetime.fromtimestamp(at, UTC)) == step


def test_recovery_codes_are_long_and_no_two_alike() -> None:
    made = [one for _ in range(100) for one in new_recovery_codes()]
    assert len(set(made)) == len(made)
    assert all(len(one.replace("-", "")) == 16 for one in made)
    assert t.recovery_codes.c.code_hash.primary_key


def test_the_picture_holds_the_corners_of_a_qr_code() -> None:
    size, path = qr_path("otpauth://totp/VNH:ann?secret=GEZDGNBVGY3TQOJQ&issuer=VNH")
    dark = {tuple(map(int, one.split("h")[0].split())) for one in path.split("M")[1:]}
    assert all({(x, y), (x + 6, y + 6)} <= dark for x, y in ((4, 4), (size - 11, 4), (4, size - 11)))
    assert all(4 <= x < size - 4 and 4 <= y < size - 4 for x, y in dark)  # with a quiet zone around
