"""What an id token proves: who signed it, for whom, when, and what role and area its claims give. Default: refused.

OpenID Connect Core 1.0, section 3.1.3.7. The only file that knows the library for signatures.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import ClaimError, JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet
from joserfc.jws import JWSRegistry

# Signatures with a key of which we know the public half only: no secret that two share, and never none.
ALGORITHMS = ("RS256", "PS256", "ES256")
KEY_TYPES = ("RSA", "EC")
LEEWAY = timedelta(seconds=60)  # two clocks that are set, and differ
LONGEST_SUBJECT = 255  # characters, by the standard
LONGEST_NAME = 64
EVERYBODYS = ""  # in the table of areas: they see every area

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Untrusted:
    """It lets nobody in. `reason` is for the log: a word, or the name of a claim, and nothing about a person."""

    reason: str


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token of this one attempt must say. Times are seconds since 1970; `asked`: when the attempt began."""

    issuer: str
    client_id: str
    nonce: str
    asked: int
    now: int


@dataclass(frozen=True, slots=True)
class Grants:
    """Value of a claim -> role, and -> area; of several values the first of the table counts. None in it: refused."""

    role_claim: str
    roles: Mapping[str, str]
    area_claim: str = ""  # empty: everybody sees every area
    areas: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Person:
    """Who somebody is here. `id` is of issuer and subject alone: names and addresses go from one person to another."""

    id: str
    name: str
    role: str
    area: str | None


# -- keys


def key_set(document: object) -> KeySet | None:
    """The keys with which the provider may sign, of its published document; those unknown to us are left out."""
    published = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(published, list):
        return None
    return KeySet([key for one in published if (key := _public_key(one)) is not None])


def _public_key(one: object) -> Key | None:
    if not isinstance(one, dict) or one.get("kty") not in KEY_TYPES or one.get("use", "sig") != "sig":
        return None
    try:
        return JWKRegistry.import_key(one)
    except (JoseError, ValueError, TypeError, KeyError):
        return None


# -- the token


def read_token(token: str, keys: KeySet, expected: Expected) -> Claims | Untrusted:
    """Its claims, if all of it is as it must be. Reason `invalid_key_id`: the provider may have a new key."""
    # Header fields that nobody has told us to understand (`crit`) are left alone, as RFC 7515 has it.
    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    try:
        claims = jwt.decode(token, keys, registry=registry).claims
        _rules(expected).validate(claims)
    except ClaimError as error:
        return Untrusted(error.claim)
    except JoseError as error:
        return Untrusted(error.error)
    except (ValueError, TypeError, KeyError):
        return Untrusted("no_token")
    return claims if (wrong := _wrong(claims, expected)) is None else Untrusted(wrong)


def _rules(expected: Expected) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        now=expected.now,
        leeway=int(LEEWAY.total_seconds()),
        iss={"essential": True, "value": expected.issuer},
        aud={"essential": True, "value": expected.client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": expected.nonce},
    )


def _wrong(claims: Claims, expected: Expected) -> str | None:
    """What the library does not look at: who else may use it, and whether they have just proved who they are."""
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else expected.client_id) != expected.client_id:
        return "azp"
    if len(claims["sub"]) > LONGEST_SUBJECT:
        return "sub"
    at = claims.get("auth_time", expected.asked)  # not every provider tells it
    earliest = expected.asked - LEEWAY.total_seconds()
    if isinstance(at, bool) or not isinstance(at, int | float) or not at >= earliest:
        return "auth_time"
    return None


# -- who that is here


def person(claims: Claims, issuer: str, grants: Grants) -> Person | Untrusted:
    """Of a token that was read."""
    role = _granted(claims, grants.role_claim, grants.roles)
    if role is None:
        return Untrusted("no_role")
    area = _granted(claims, grants.area_claim, grants.areas) if grants.area_claim else EVERYBODYS
    if area is None:
        return Untrusted("no_area")
    one = operator_id(issuer, claims["sub"])
    return Person(one, _name(claims) or one, role, area or None)


def operator_id(issuer: str, subject: str) -> str:
    """The same for the same person, and another one for everybody else: 80 bits of a hash."""
    return "oidc-" + hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()[:20]


def _granted(claims: Claims, claim: str, table: Mapping[str, str]) -> str | None:
    found = _value(claims, claim)
    values = found if isinstance(found, list) else [found]
    return next((granted for value, granted in table.items() if value in values), None)


def _value(claims: Claims, claim: str) -> object:
    """By its name; or inside an object, as in `realm_access.roles`. Some names have dots of their own."""
    if claim in claims:
        return claims[claim]
    first, _, rest = claim.partition(".")
    inner = claims.get(first)
    return _value(inner, rest) if rest and isinstance(inner, dict) else None


def _name(claims: Claims) -> str:
    """What colleagues read; empty when the provider tells none that can be shown."""
    given = (claims.get(claim) for claim in ("name", "preferred_username"))
    said = ("".join(filter(str.isprintable, one)).strip() for one in given if isinstance(one, str))
    return next(filter(None, said), "")[:LONGEST_NAME]
