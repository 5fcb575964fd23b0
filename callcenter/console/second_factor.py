"""The codes of a second factor: time-based ones of an app (RFC 6238) and recovery codes. Nothing here is stored."""

import hashlib
import hmac
import secrets
import unicodedata
from base64 import b32encode
from datetime import datetime

import pyotp
import segno

ISSUER = "VNH"
RECOVERY_CODES = 8
RECOVERY_BYTES = 10  # 80 bits: beyond guessing, so a plain hash keeps them and no key is needed to check one
CLOCK_STEPS = (0, -1, 1)  # of 30 s: the telephone's clock and the typing


def new_secret() -> str:
    """160 bits, as RFC 4226 wants them, in base32."""
    return pyotp.random_base32()


def link(secret: str, operator: str) -> str:
    """What an app reads: otpauth://totp/..."""
    return pyotp.TOTP(secret).provisioning_uri(name=operator, issuer_name=ISSUER)


def qr_path(text: str) -> tuple[int, str]:
    """Modules on a side, with the quiet zone, and the dark ones as the path of an SVG."""
    rows = list(segno.make(text, error="m", micro=False).matrix_iter(border=4))
    dark = (f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, one in enumerate(row) if one)
    return len(rows), "".join(dark)


def typed(code: str) -> str:
    """As it counts, however it was copied."""
    return "".join(char for char in unicodedata.normalize("NFKC", code).upper() if char.isascii() and char.isalnum())


def is_recovery(code: str) -> bool:
    """Whether it can only be one of those: they are longer than a code of an app."""
    return len(typed(code)) > 8


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The 30 s since 1970 whose code this is, if that is now or next to it."""
    clock = pyotp.TOTP(secret)
    here, given = clock.timecode(now), typed(code).encode()
    steps = (here + more for more in CLOCK_STEPS)
    return next((step for step in steps if hmac.compare_digest(clock.generate_otp(step).encode(), given)), None)


def new_recovery_codes() -> tuple[str, ...]:
    """In groups of four, to be written down."""
    made = (b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode() for _ in range(RECOVERY_CODES))
    return tuple("-".join(one[n : n + 4] for n in range(0, len(one), 4)) for one in made)


def recovery_hash(operator: str, code: str) -> str:
    """What is stored of one. Not keyed: it has to count when the key of the centre is lost."""
    return hashlib.sha256(f"{operator}\0{typed(code)}".encode()).hexdigest()
