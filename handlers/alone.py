"""What may fail without the rest of what is being decided."""

from collections.abc import Callable
from typing import TypeVar

import structlog

from callcenter.storage.unit import Unit
from callcenter.storage.writer import is_lost

log = structlog.get_logger()

T = TypeVar("T")


def alone(unit: Unit, work: Callable[[], T], *, otherwise: T, failed: str, **about: object) -> T:
    """The work's answer; when it fails, its rows are taken back, `failed` is logged, and the answer is `otherwise`.

    Not if the database is gone: that is no fault of this work, and everything else fails with it.
    """
    try:
        with unit.connection.begin_nested():
            return work()
    except Exception:
        if is_lost(unit.connection):
            raise
        log.exception(failed, **about)
        return otherwise
