"""Ids made by the program: sortable by time, unique across processes (ULID)."""

import os
from base64 import b32hexencode
from datetime import datetime

# b32hexencode counts 0-9A-V, Crockford's alphabet leaves out I, L, O and U.
_CROCKFORD = bytes.maketrans(b"0123456789ABCDEFGHIJKLMNOPQRSTUV", b"0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def new_id(now: datetime) -> str:
    """26 characters: 48 bits of milliseconds, 80 random bits."""
    milliseconds = int(now.timestamp() * 1000).to_bytes(6)
    return b32hexencode(b"\0\0\0\0" + milliseconds + os.urandom(10)).translate(_CROCKFORD)[-26:].decode()
