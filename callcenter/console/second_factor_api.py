"""The JSON of second factors: one's own is begun, confirmed and ended; a colleague's is taken away with a reason."""

from dataclasses import dataclass

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from callcenter.alerts.rules import Refused
from callcenter.console.auth import SIGNED_IN, Doorkeeper, SignedIn
from callcenter.console.factor_checks import NO_PROOF, FactorChecks
from callcenter.console.problems import OwnPassword, Said, problem, read_body
from callcenter.console.roles import May
from callcenter.console.routes import Route
from callcenter.console.second_factor import link, new_recovery_codes, new_secret, qr_path, recovery_hash
from callcenter.console.submitting import submitted
from callcenter.ports import Submit
from callcenter.ports.signing_in import FactorBegun, FactorConfirmed, FactorEnded, FactorReset
from callcenter.storage import factor_book
from callcenter.storage.reading import Reader
from callcenter.storage.records import rfc3339

OWN = "/api/v1/second-factor"
TITLE = "Not possible as it stands now"


class Code(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    code: str = Field(min_length=1, max_length=64)


class Ending(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    password: str = Field(min_length=1, max_length=256)
    code: str = Field(min_length=1, max_length=64)


class ResetBody(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    reason: Said


@dataclass(frozen=True, slots=True)
class SecondFactorApi:
    """The request handlers and what they work with."""

    read: Reader
    submit: Submit
    keeper: Doorkeeper
    checks: FactorChecks

    def routes(self) -> tuple[Route, ...]:
        own, reset = May.OWN_SESSION, "/api/v1/operators/{id}/second-factor/reset"
        return (
            Route("GET", OWN, own, "getSecondFactor", self.show),
            Route("POST", OWN, own, "beginSecondFactor", self.begin),
            Route("POST", f"{OWN}/confirm", own, "confirmSecondFactor", self.confirm),
            Route("POST", f"{OWN}/end", own, "endSecondFactor", self.end),
            Route("POST", reset, May.HELP_SIGN_IN, "resetSecondFactor", self.reset),
        )

    async def show(self, request: web.Request) -> web.Response:
        who = request[SIGNED_IN]
        found = await self.read(factor_book.factor, who.id)
        return web.json_response(
            {
                "since": rfc3339(found.since) if found.since else None,
                "recovery": found.recovery,
                "demanded": who.local and who.role in self.checks.demands,
            }
        )

    async def begin(self, request: web.Request) -> web.Response:
        """The secret is shown this once, and to nobody who does not know the password."""
        body = await read_body(request, OwnPassword)
        if isinstance(body, web.Response):
            return body
        who = request[SIGNED_IN]
        if (wrong := await self._wrong_password(request, who, body.password)) is not None:
            return wrong
        secret = new_secret()
        if (refused := await self._refused(FactorBegun(who.id, self.checks.seal.close(secret)))) is not None:
            return refused
        address = link(secret, who.id)
        size, path = qr_path(address)
        return web.json_response({"secret": secret, "link": address, "qr": {"size": size, "path": path}}, status=201)

    async def confirm(self, request: web.Request) -> web.Response:
        body = await read_body(request, Code)
        if isinstance(body, web.Response):
            return body
        who = request[SIGNED_IN]
        found = await self.read(factor_book.factor, who.id)
        step = None if found.since else self.checks.step(found.sealed, body.code)
        if step is None and found.sealed and not found.since:
            return problem(409, "wrong_code", "the code is not that of now", title=TITLE)
        codes = new_recovery_codes()
        hashes = tuple(recovery_hash(who.id, one) for one in codes)
        if (refused := await self._refused(FactorConfirmed(who.id, step or 0, hashes))) is not None:
            return refused
        self.keeper.forget(who.token_hash)
        return web.json_response({"recovery_codes": list(codes)})

    async def end(self, request: web.Request) -> web.Response:
        body = await read_body(request, Ending)
        if isinstance(body, web.Response):
            return body
        who = request[SIGNED_IN]
        if (wrong := await self._wrong_password(request, who, body.password)) is not None:
            return wrong
        proof = await self.checks.proof(who.id, body.code)
        if isinstance(proof, str):
            status, says = NO_PROOF[proof]
            return problem(409 if status == 401 else status, proof, says)
        refused = await self._refused(FactorEnded(who.id, proof))
        return refused if refused is not None else web.Response(status=204)

    async def reset(self, request: web.Request) -> web.Response:
        body = await read_body(request, ResetBody)
        if isinstance(body, web.Response):
            return body
        wanted = FactorReset(request.match_info["id"], body.reason, request[SIGNED_IN].operator)
        refused = await self._refused(wanted)
        return refused if refused is not None else web.Response(status=204)

    async def _wrong_password(self, request: web.Request, who: SignedIn, password: str) -> web.Response | None:
        if not who.local:
            return problem(409, "not_local", "an identity provider signs you in, and asks for it itself", title=TITLE)
        if await self.keeper.check_password(who.id, password, request.remote or "") is None:
            return problem(401, "wrong_credentials", "the password is wrong")
        return None

    async def _refused(self, wanted: object) -> web.Response | None:
        """None: it is stored."""
        result = await submitted(self.submit, wanted)
        if isinstance(result, Refused):
            return problem(404 if result.code == "not_found" else 409, result.code, result.detail, title=TITLE)
        return result if isinstance(result, web.Response) else None
