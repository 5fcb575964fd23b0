"""Telephone numbers at rest: sealed to be read again by those who may, and a keyed hash to search by."""

import hashlib
import hmac
import os
import tempfile
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

KEY_FILE = "secret.key"


@dataclass(frozen=True, slots=True)
class Seal:
    """One deployment's key. Losing it loses the numbers in the call log, nothing else."""

    key: bytes

    def close(self, text: str) -> bytes:
        return Fernet(self.key).encrypt(text.encode())

    def open(self, sealed: bytes) -> str:
        """The text; empty when another key sealed it."""
        try:
            return Fernet(self.key).decrypt(bytes(sealed)).decode()
        except InvalidToken:
            return ""

    def sign(self, purpose: str, message: bytes) -> bytes:
        """32 bytes that nobody can make without the key; of another purpose others."""
        return hmac.new(self.key, purpose.encode() + b"\0" + message, hashlib.sha256).digest()

    def digest(self, number: str) -> str:
        """The same for the same number, and of no use without the key."""
        return hmac.new(self.key, number.encode(), hashlib.sha256).hexdigest()


def read_key(directory: Path, given: str = "") -> Seal | str:
    """The key given by the settings, or the one kept in the data directory (made at the first start)."""
    if given:
        try:
            Fernet(given.encode())
        except ValueError:
            return "CALLCENTER_SECRET_KEY must be 32 bytes in URL-safe base64"
        return Seal(given.encode())
    path = directory / KEY_FILE
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make_key(path)
        key = path.read_bytes()
        Fernet(key)
    except (OSError, ValueError) as error:
        return f"{path}: {error}"
    return Seal(key)


def _make_key(path: Path) -> None:
    """Whole and on the disk, or not at all: whoever starts at the same moment reads the same key, never half of one."""
    number, part = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(part, path)
    finally:
        Path(part).unlink()


def normalised(number: str, country: str = "86") -> str:
    """E.164, as far as it can be told: spaces and brackets go, 00 is +, a national number gets its country.

    Empty when nothing of it is a number (withheld, anonymous).
    """
    number = unicodedata.normalize("NFKC", number)  # a list typed in Chinese has wide digits: １３８
    digits = "".join(c for c in number if c in "0123456789")
    if not digits:
        return ""
    if number.strip().startswith("+"):
        return f"+{digits}"
    if digits.startswith("00"):
        return f"+{digits[2:]}"
    if digits.startswith(country) and len(digits) > 11:
        return f"+{digits}"
    return f"+{country}{digits.lstrip('0')}"
