"""What a worker does again and again, and must not end of."""

from collections.abc import Awaitable

import structlog

from callcenter.ports import NotStored
from callcenter.storage.writer import Unavailable

log = structlog.get_logger()


async def attempted(work: Awaitable[object], failed: str) -> bool:
    """Whether it went well. Of a database that is away the door has told; anything else is logged as `failed`."""
    try:
        await work
    except (NotStored, Unavailable):
        return False
    except Exception:
        log.exception(failed)
        return False
    return True
