"""A recording on our own disk: only when it is there for certain may the carrier's copy go."""

import hashlib
import os
import tempfile
from pathlib import Path


def write_durably(directory: Path, content: bytes) -> tuple[str, str]:
    """Hash and file name. On the disk itself before it returns, name and all: the only other copy is deleted next.

    Readable by us alone, and written under a name of its own: two silent rooms have one hash.
    """
    digest = hashlib.sha256(content).hexdigest()
    directory.mkdir(parents=True, exist_ok=True)
    number, part = tempfile.mkstemp(suffix=".part", dir=directory)
    try:
        with os.fdopen(number, "wb") as writing:
            writing.write(content)
            writing.flush()
            os.fsync(writing.fileno())
        Path(part).replace(directory / f"{digest}.wav")
    except OSError:
        Path(part).unlink(missing_ok=True)
        raise
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
    return digest, f"{digest}.wav"
