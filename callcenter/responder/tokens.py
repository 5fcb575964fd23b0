"""The secret part of a link: an id and a signature over it by this deployment's key. Nothing of it is stored."""

import base64
import hashlib
import hmac
import re
import secrets

from callcenter.privacy import Seal

PURPOSE = "responder-link"
SIGNATURE_BYTES = 18  # of SHA-256: 144 bits that nobody guesses
ID_LENGTH = 12  # characters; handlers/links.py makes them
_SHAPE = re.compile(r"[A-Za-z0-9_-]{36}", re.ASCII)


def _signature(seal: Seal, link_id: str) -> str:
    return base64.urlsafe_b64encode(seal.sign(PURPOSE, link_id.encode())[:SIGNATURE_BYTES]).decode()


def token(seal: Seal, link_id: str) -> str:
    return link_id + _signature(seal, link_id)


def link_of(seal: Seal, given: str) -> str | None:
    """The link's id, if we have signed it. Compared in constant time: nobody learns how near a guess was."""
    if not _SHAPE.fullmatch(given):
        return None
    link_id = given[:ID_LENGTH]
    fits = hmac.compare_digest(given[ID_LENGTH:].encode(), _signature(seal, link_id).encode())
    return link_id if fits else None


def address(public: str, token: str) -> str:
    return f"{public}/r/{token}"


def new_browser() -> str:
    """What the cookie of whoever opens a link first holds."""
    return secrets.token_urlsafe(32)


def browser_hash(cookie: str) -> str:
    """What is stored of it; empty for no cookie."""
    return hashlib.sha256(cookie.encode(errors="replace")).hexdigest() if cookie else ""
