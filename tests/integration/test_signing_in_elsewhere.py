"""Signing in by an identity provider: who gets a session of ours, and everybody who does not."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp.test_utils import TestServer
from cryptography.fernet import Fernet
from joserfc import jwt
from joserfc.jwk import OctKey
from structlog.testing import capture_logs

from callcenter.console.api import Api
from callcenter.console.app import build
from callcenter.console.auth import Doorkeeper, token_hash
from callcenter.console.call_api import CallApi
from callcenter.console.factor_checks import FactorChecks
from callcenter.console.feed import Feed
from callcenter.console.live import Health, Live, Presence
from callcenter.console.oidc_api import OidcDesk
from callcenter.console.oidc_provider import Attempt, Away, Client as OidcClient, Provider
from callcenter.console.oidc_tokens import Grants, Untrusted, key_set, operator_id, person
from callcenter.console.pages import Pages
from callcenter.privacy import Seal
from callcenter.storage import sessions
from tests.conftest import ManualClock
from tests.identity_provider import CLIENT, SECRET, IdentityProvider, elliptic, rsa
from tests.integration.contract import Answer, Client
from tests.integration.office import POLICY, Office
from tests.processes import PASSWORD, free_port

pytestmark = pytest.mark.one_database

DONE = "/?sign_in=done"
START, BACK, SESSION = "/sign-in/oidc", "/sign-in/oidc/return", "/api/v1/session"
GRANTS = Grants("roles", {"chiefs": "supervisor", "desk": "operator"}, "town", {"all": "", "d1": "d1", "away": "gone"})


@dataclass
class Browser:
    """Cookies and redirections as a browser has them, and nothing else of it."""

    client: Client
    provider: IdentityProvider
    cookies: dict[str, str]

    async def get(self, path: str) -> Answer:
        kept = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = await self.client.get(path, headers={"Cookie": kept} if kept else {}, allow_redirects=False)
        for line in answer.headers.getall("Set-Cookie", []):
            for name, cookie in SimpleCookie(line).items():
                self.cookies.pop(name, None)
                if cookie.value:
                    self.cookies[name] = cookie.value
        return answer

    async def leave_for_the_provider(self, *, again: bool = False) -> str:
        answer = await self.get(START + ("?again" if again else ""))
        assert answer.status == 303
        return answer.headers["Location"]

    async def comes_back(self, address: str) -> str:
        """Where it ends up."""
        parts = urlsplit(address)
        assert parts.path == BACK
        answer = await self.get(f"{parts.path}?{parts.query}")
        assert answer.status == 303
        return answer.headers["Location"]

    async def sign_in(self, **claims: Any) -> str:
        """The whole way, and where it ends."""
        return await self.comes_back(self.provider.consent(await self.leave_for_the_provider(), **claims))

    async def who(self) -> Answer:
        return await self.get(SESSION)


@dataclass
class House:
    """The console of a centre without devices, and the identity provider it trusts."""

    office: Office
    provider: IdentityProvider
    clock: ManualClock
    base: str
    keeper: Doorkeeper
    desk: OidcDesk
    stack: AsyncExitStack

    async def browser(self) -> Browser:
        return Browser(await self.stack.enter_async_context(Client(self.base)), self.provider, {})

    def opened(self) -> list[dict[str, Any]]:
        return [json.loads(entry.data) for entry in self.office.entries() if entry.rule == "session.opened"]

    async def refused(self, sign_in: Any) -> tuple[str, str]:
        """What the browser is told, and the reason in the log; nobody is signed in."""
        with capture_logs() as logs:
            told = await sign_in
        [line] = [line for line in logs if line["event"] in ("oidc.refused", "oidc.away")]
        assert not self.opened()
        return told, line["reason"]


def _app(office: Office, keeper: Doorkeeper, desk: OidcDesk | None) -> Any:
    clock, read = office.clock, office.reader
    presence = Presence(office.door.submit, clock)
    health = Health(lambda: True, lambda: True)
    live = Live(Feed(read, clock), presence, health, read=read, clock=clock, session=keeper.session)
    checks = FactorChecks(read, clock, Seal(Fernet.generate_key()))
    api = Api(read, office.door.submit, office.door.later, keeper, live, presence, clock, lambda *_one: POLICY, checks)
    return build(api, keeper, Pages(health, read, clock), CallApi(read, None, clock), oidc=desk)


@pytest.fixture
async def house(sqlite_url: str, clock: ManualClock) -> AsyncIterator[House]:
    provider = IdentityProvider(now=lambda: clock.now().timestamp(), host="127.0.0.1")
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    client = OidcClient(provider.issuer, CLIENT, SECRET, "openid profile", base + BACK)
    async with AsyncExitStack() as stack:
        office = await stack.enter_async_context(Office(sqlite_url, clock))
        await stack.enter_async_context(TestServer(provider.app(), host="127.0.0.1", port=provider.port))
        keeper = Doorkeeper(office.reader, clock, public=base)
        desk = OidcDesk(Provider(client, clock), GRANTS, Seal(Fernet.generate_key()))
        await stack.enter_async_context(TestServer(_app(office, keeper, desk), host="127.0.0.1", port=port))
        provider.person |= {"town": "d1"}
        yield House(office, provider, clock, base, keeper, desk, stack)


@pytest.fixture
async def browser(house: House) -> Browser:
    return await house.browser()


# -- who gets in


async def test_whom_the_provider_names_gets_a_session_like_everybody_elses(house: House, browser: Browser) -> None:
    way = await browser.leave_for_the_provider()
    asked = {name: values[0] for name, values in parse_qs(urlsplit(way).query).items()}
    assert (asked["scope"], asked["prompt"], asked["redirect_uri"]) == ("openid profile", "login", house.base + BACK)
    parts = urlsplit(house.provider.consent(way))
    answer = await browser.get(f"{parts.path}?{parts.query}")
    assert (answer.status, answer.headers["Location"]) == (303, DONE)

    cookie = next(one for line in answer.headers.getall("Set-Cookie") if (one := SimpleCookie(line).get("vnh_session")))
    assert (cookie["samesite"], cookie["path"], bool(cookie["httponly"])) == ("Strict", "/", True)
    one = operator_id(house.provider.issuer, "u-1")
    found = (await browser.who()).body
    assert found["operator"] == {"id": one, "name": "Li Na"}
    assert (found["role"], found["area_id"], found["local"]) == ("operator", "d1", False)
    assert house.opened() == [{"operator": one, "way": "oidc", "role": "operator", "area": "d1"}]
    assert set(browser.cookies) == {"vnh_session"}  # that of the attempt is gone
    assert token_hash(browser.cookies["vnh_session"]) in [row.token_hash for row in house.office.rows("sessions")]
    house.office.assert_whole()


async def test_the_cookie_of_an_attempt_survives_the_way_and_says_nothing(browser: Browser) -> None:
    answer = await browser.get(START)
    [line] = answer.headers.getall("Set-Cookie")
    cookie = SimpleCookie(line)["vnh_oidc"]
    assert (cookie["samesite"], bool(cookie["httponly"]), int(cookie["max-age"])) == ("Lax", True, 600)
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["nonce"][0] not in line
    assert "code_verifier" not in query


async def test_each_algorithm_we_allow(house: House, browser: Browser) -> None:
    for key in (rsa("r1"), elliptic("e1")):
        house.provider.keys.append(key)
        house.clock.advance(11)
        assert await browser.sign_in() == DONE


async def test_role_area_and_name_are_those_of_the_last_sign_in(house: House, browser: Browser) -> None:
    await browser.sign_in()
    assert await browser.sign_in(roles=["staff", "desk", "chiefs"], town="all", name="Li Na (duty)") == DONE
    house.clock.advance(6)
    found = (await browser.who()).body
    assert (found["role"], found["area_id"], found["operator"]["name"]) == ("supervisor", None, "Li Na (duty)")
    operators = [row.id for row in house.office.rows("operators") if row.id.startswith("oidc-")]
    assert operators == [operator_id(house.provider.issuer, "u-1")]


async def test_a_namesake_is_somebody_else(house: House, browser: Browser) -> None:
    await browser.sign_in(email="li@town.example")
    other = await house.browser()
    await other.sign_in(sub="u-2", email="li@town.example")
    assert (await browser.who()).body["operator"]["id"] != (await other.who()).body["operator"]["id"]


async def test_whoever_signs_in_at_a_desk_takes_the_place_of_who_was_there(house: House, browser: Browser) -> None:
    """Else the alerts of the one who has gone would be nobody's, with their console still open."""
    await browser.sign_in()
    before = browser.cookies["vnh_session"]
    await browser.sign_in(sub="u-2")
    by_bearer = {"Authorization": f"Bearer {before}"}
    assert (await browser.client.get(SESSION, headers=by_bearer)).code == "signed_out"
    assert (await browser.who()).status == 200


async def test_unlocking_is_a_new_sign_in_of_the_same_person_and_ends_beside_the_console(
    house: House, browser: Browser
) -> None:
    await browser.sign_in()
    before = browser.cookies["vnh_session"]
    mine = house.provider.consent(await browser.leave_for_the_provider(again=True))
    assert await browser.comes_back(mine) == "/sign-in/again?sign_in=done"
    assert browser.cookies["vnh_session"] != before
    by_bearer = {"Authorization": f"Bearer {before}"}
    assert (await browser.client.get(SESSION, headers=by_bearer)).code == "signed_out"
    # Somebody else has unlocked nothing: they are at a console of their own.
    theirs = house.provider.consent(await browser.leave_for_the_provider(again=True), sub="u-2")
    assert await browser.comes_back(theirs) == DONE
    wrong = house.provider.consent(await browser.leave_for_the_provider(again=True), nonce="wrong")
    assert await browser.comes_back(wrong) == "/sign-in/again?sign_in=refused"


async def test_a_password_opens_nothing_for_them_and_a_local_operator_is_not_taken_over(
    house: House, browser: Browser
) -> None:
    await browser.sign_in()
    one = operator_id(house.provider.issuer, "u-1")
    assert await house.keeper.check_password(one, PASSWORD, "10.0.0.1") is None
    with house.office.writer.transaction() as connection:
        admin = sessions.NewOperator(one, "Chief", "admin", "$argon2id$set here", house.clock.now(), None)
        sessions.put_operator(connection, admin)
    with capture_logs() as logs:
        assert await browser.sign_in() == "/?sign_in=refused"
    assert [line["reason"] for line in logs if line["event"] == "oidc.refused"] == ["local"]
    [row] = [row for row in house.office.rows("operators") if row.id == one]
    assert (row.name, row.role, row.password_hash) == ("Chief", "admin", "$argon2id$set here")


# -- who does not

WRONG_CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "another nonce": ({"nonce": "somebody else's"}, "nonce"),
    "no nonce": ({"nonce": None}, "nonce"),
    "for another client": ({"aud": "the-shop"}, "aud"),
    "of another issuer": ({"iss": "https://evil.example"}, "iss"),
    "expired": ({"exp": 1_700_000_000}, "exp"),
    "without an end": ({"exp": None}, "exp"),
    "from the future": ({"iat": 4_000_000_000}, "iat"),
    "without a beginning": ({"iat": None}, "iat"),
    "given to another client": ({"azp": "the-shop"}, "azp"),
    "for two, given to nobody said": ({"aud": [CLIENT, "the-shop"]}, "azp"),
    "about nobody": ({"sub": None}, "sub"),
    "about somebody endless": ({"sub": "x" * 256}, "sub"),
    "who showed it this morning": ({"auth_time": 1_795_000_000}, "auth_time"),
}


@pytest.mark.parametrize("name", WRONG_CLAIMS)
async def test_a_token_that_says_something_wrong(house: House, browser: Browser, name: str) -> None:
    house.provider.alter, reason = WRONG_CLAIMS[name]
    assert await house.refused(browser.sign_in()) == ("/?sign_in=refused", reason)
    assert (await browser.who()).status == 401


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _unsigned(_provider: IdentityProvider, claims: dict[str, Any]) -> str:
    return f"{_part({'alg': 'none'})}.{_part(claims)}."


def _with_the_public_key(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    """What everybody knows, used as a secret."""
    secret = OctKey.import_key(provider.keys[-1].as_pem(private=False).hex())
    header = {"alg": "HS256", "kid": provider.keys[-1].kid}
    return jwt.encode(header, claims, secret, algorithms=["HS256"])


def _by_a_stranger(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    key = elliptic(provider.keys[-1].kid)
    return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key, algorithms=["ES256"])


def _with_an_unknown_key(_provider: IdentityProvider, claims: dict[str, Any]) -> str:
    key = elliptic("made up")
    return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key, algorithms=["ES256"])


def _altered_afterwards(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    head, _, signature = provider.signed(claims).split(".")
    return f"{head}.{_part(claims | {'roles': ['chiefs']})}.{signature}"


FORGED: dict[str, tuple[Callable[[IdentityProvider, dict[str, Any]], str], str]] = {
    "alg none": (_unsigned, "unsupported_algorithm"),
    "HS256 with the public key": (_with_the_public_key, "unsupported_algorithm"),
    "a stranger's key under a known name": (_by_a_stranger, "bad_signature"),
    "a key nobody has published": (_with_an_unknown_key, "invalid_key_id"),
    "altered": (_altered_afterwards, "bad_signature"),
    "no token": (lambda _provider, _claims: "rubbish", "decode_error"),
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_token(house: House, browser: Browser, name: str) -> None:
    forge, reason = FORGED[name]
    house.provider.sign = lambda claims: forge(house.provider, claims)
    told, why = await house.refused(browser.sign_in())
    assert told == "/?sign_in=refused"
    assert why in (reason, "no_token") if name == "no token" else why == reason
    assert (await browser.who()).status == 401


async def test_a_state_that_is_not_this_browsers(house: House, browser: Browser) -> None:
    """Somebody else's answer must sign nobody in here: they would work in that one's name."""
    other = await house.browser()
    theirs = house.provider.consent(await other.leave_for_the_provider())
    assert await browser.comes_back(theirs) == "/?sign_in=expired"  # no cookie
    await browser.leave_for_the_provider()
    assert await browser.comes_back(theirs) == "/?sign_in=expired"
    browser.cookies["vnh_oidc"] = Seal(Fernet.generate_key()).close("{}").decode()
    assert await browser.comes_back(theirs) == "/?sign_in=expired"
    assert (house.provider.asked["/token"], house.opened()) == (0, [])


async def test_whoever_comes_back_too_late(house: House, browser: Browser) -> None:
    back = house.provider.consent(await browser.leave_for_the_provider())
    house.clock.advance(601)
    assert await browser.comes_back(back) == "/?sign_in=expired"


async def test_an_answer_counts_once(house: House, browser: Browser) -> None:
    """With the cookie of the attempt put back, the provider refuses the code."""
    way = await browser.leave_for_the_provider()
    cookie = browser.cookies["vnh_oidc"]
    back = house.provider.consent(way)
    assert await browser.comes_back(back) == DONE
    assert await browser.comes_back(back) == "/?sign_in=expired"
    browser.cookies["vnh_oidc"] = cookie
    with capture_logs() as logs:
        assert await browser.comes_back(back) == "/?sign_in=refused"
    assert [line["reason"] for line in logs if line["event"] == "oidc.refused"] == ["code"]
    assert len(house.opened()) == 1


async def test_a_code_of_another_attempt_is_bound_to_its_browser_by_pkce(house: House, browser: Browser) -> None:
    other = await house.browser()
    stolen = parse_qs(urlsplit(house.provider.consent(await other.leave_for_the_provider())).query)["code"][0]
    state = parse_qs(urlsplit(await browser.leave_for_the_provider()).query)["state"][0]
    back = f"{house.base}{BACK}?code={stolen}&state={state}"
    assert await house.refused(browser.comes_back(back)) == ("/?sign_in=refused", "code")


@pytest.mark.parametrize(
    ("more", "told", "reason"),
    [
        ("error=access_denied", "refused", "declined"),
        ("error=temporarily_unavailable", "away", "its_own"),
        ("code=x&iss=https%3A%2F%2Fevil.example", "refused", "iss"),
        ("", "refused", "code"),
    ],
)
async def test_an_answer_without_a_code_for_us(
    house: House, browser: Browser, more: str, told: str, reason: str
) -> None:
    state = parse_qs(urlsplit(await browser.leave_for_the_provider()).query)["state"][0]
    ended = await house.refused(browser.comes_back(f"{house.base}{BACK}?state={state}&{more}"))
    assert ended == (f"/?sign_in={told}", reason)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"roles": None}, "no_role"),
        ({"roles": []}, "no_role"),
        ({"roles": ["visitors"]}, "no_role"),
        ({"roles": "desk,chiefs"}, "no_role"),
        ({"roles": {"desk": True}}, "no_role"),
        ({"town": None}, "no_area"),
        ({"town": "elsewhere"}, "no_area"),
        ({"town": "away"}, "no_area"),  # an area that the settings name and the register does not have
    ],
)
async def test_without_a_role_or_an_area_here_nobody_gets_in(
    house: House, browser: Browser, claims: dict[str, Any], reason: str
) -> None:
    assert await house.refused(browser.sign_in(**claims)) == ("/?sign_in=no_role", reason)
    assert not [row for row in house.office.rows("operators") if row.id.startswith("oidc-")]


# -- keys


async def test_a_new_key_is_found_and_a_made_up_one_does_not_make_us_ask_on_and_on(
    house: House, browser: Browser
) -> None:
    assert await browser.sign_in() == DONE
    house.clock.advance(11)
    house.provider.keys = [elliptic("k2")]
    assert await browser.sign_in() == DONE
    assert house.provider.asked["/keys"] == 2
    house.provider.sign = lambda claims: _with_an_unknown_key(house.provider, claims)
    for _ in range(2):
        assert await browser.sign_in() == "/?sign_in=refused"
    assert house.provider.asked["/keys"] == 2
    house.clock.advance(3600)
    house.provider.sign = None
    assert await browser.sign_in() == DONE
    assert house.provider.asked["/keys"] == 3  # and a key that was withdrawn would be gone now


# -- the provider is away


@pytest.mark.parametrize(("trouble", "reason"), [("hang", "timeout"), ("500", "status_500")])
async def test_a_provider_that_does_not_answer_is_said_and_passwords_go_on_working(
    house: House, browser: Browser, trouble: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = house.provider.consent(await browser.leave_for_the_provider())
    house.provider.trouble = trouble
    monkeypatch.setattr(house.desk.provider, "_patience_s", 0.2 if trouble == "hang" else 5)
    assert await house.refused(browser.comes_back(back)) == ("/?sign_in=away", reason)
    house.clock.advance(61)
    assert await house.refused(browser.leave_for_the_provider()) == ("/?sign_in=away", reason)
    local = await browser.client.post(SESSION, {"username": "operator1", "password": PASSWORD})
    assert (local.status, local.body["local"]) == (200, True)


async def test_a_provider_that_says_it_is_another_one(house: House, browser: Browser) -> None:
    house.provider.host = "localhost"  # the same server, by a name that was not agreed upon
    assert await house.refused(browser.leave_for_the_provider()) == ("/?sign_in=away", "issuer")


async def test_an_unset_client_secret_is_nobodys_fault_who_signs_in(house: House, browser: Browser) -> None:
    desk = Provider(OidcClient(house.provider.issuer, CLIENT, "wrong", "openid", house.base + BACK), house.clock)
    way = await browser.leave_for_the_provider()
    code = parse_qs(urlsplit(house.provider.consent(way)).query)["code"][0]
    assert await desk.claims(code, Attempt("s", "n", "v", 0)) == Away("token_401")


async def test_nobody_can_store_a_session_now(house: House, browser: Browser) -> None:
    back = house.provider.consent(await browser.leave_for_the_provider())
    await house.office.door.stop()
    assert await browser.comes_back(back) == "/?sign_in=unavailable"
    assert (await browser.who()).status == 401


# -- guessing


async def test_refusals_cost_a_growing_delay_but_never_for_a_password(
    house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(house.clock, "sleep", sleep)
    house.provider.alter = {"nonce": "wrong"}
    for _ in range(5):
        await browser.sign_in()
    assert slept == [0.2, 0.4]
    assert await house.keeper.check_password("operator1", PASSWORD, "127.0.0.1") == "operator1"
    assert slept == [0.2, 0.4]
    house.provider.alter = {}
    assert await browser.sign_in() == DONE
    slept.clear()
    await browser.sign_in()
    assert slept == []


async def test_a_centre_without_a_provider_has_no_such_door(sqlite_url: str, clock: ManualClock) -> None:
    async with Office(sqlite_url, clock) as office:
        keeper = Doorkeeper(office.reader, clock, public="http://127.0.0.1")
        port = free_port()
        served = TestServer(_app(office, keeper, None), host="127.0.0.1", port=port)
        async with served, Client(f"http://127.0.0.1:{port}") as nobody:
            for path in (START, BACK):
                assert (await nobody.get(path)).status == 404


# -- pure


def test_of_the_published_keys_only_those_that_can_sign_for_everybody_are_taken() -> None:
    """A secret among them, which everybody could read, must never check a signature."""
    good, weak = elliptic("k1").as_dict(private=False), OctKey.generate_key(256, {"kid": "k2"}).as_dict(private=True)
    other = good | {"kid": "k3", "use": "enc"}
    keys = key_set({"keys": [weak, other, {"kty": "EC", "crv": "P-256"}, {"kty": "AKP"}, 7, good]})
    assert keys is not None
    assert [key.kid for key in keys] == ["k1"]
    for rubbish in (None, [], {}, {"keys": 7}):
        assert key_set(rubbish) is None


def test_a_claim_may_lie_inside_an_object_or_have_dots_of_its_own() -> None:
    inside = {"sub": "u", "realm_access": {"roles": ["desk"]}}
    dotted = {"sub": "u", "https://town.example/roles": "desk"}
    for claims, claim in ((inside, "realm_access.roles"), (dotted, "https://town.example/roles")):
        found = person(claims, "i", replace(GRANTS, role_claim=claim, area_claim=""))
        assert not isinstance(found, Untrusted)
        assert (found.role, found.area, found.name) == ("operator", None, found.id)


def test_a_name_is_shown_as_far_as_it_can_be() -> None:
    names = [("  Li\x00 Na\n ", "Li Na"), ("", None), (7, None), ("\x07", None), ("很" * 99, "很" * 64)]
    for given, shown in names:
        found = person({"sub": "u", "roles": "desk", "name": given}, "i", replace(GRANTS, area_claim=""))
        assert not isinstance(found, Untrusted)
        assert found.name == (shown or found.id)
