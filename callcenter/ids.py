"""Ids made by the program: sortable by time, unique across processes (ULID)."""

import os
from datetime import datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id(now: datetime) -> str:
    """26 characters: 48 bits of milliseconds, 80 random bits."""
    number = (int(now.timestamp() * 1000) << 80) | int.from_bytes(os.urandom(10))
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))
