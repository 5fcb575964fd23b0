"""Stored values that this release cannot read, as after a rollback: the safest known meaning instead, told loudly.

A press joins an open alert: nothing that stands in its row may keep the press from being stored.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

import structlog

from callcenter import metrics

log = structlog.get_logger()

T = TypeVar("T")


def value(row: Mapping[Any, Any], column: str, read: Callable[[Any], T], safest: T) -> T:
    try:
        return read(row[column])
    except Exception:
        tell(column, row["id"])
        return safest


def tell(column: str, row: str) -> None:
    """Counted each time, logged once: an open alert is read every second. `row`: the id of what it stands in."""
    metrics.values_unreadable.labels(column).inc()
    _log(column, row)


@lru_cache(4096)
def _log(column: str, row: str) -> None:
    log.error("storage.unreadable", column=column, row=row, exc_info=True)
