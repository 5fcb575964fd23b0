"""The circuit breaker of one gateway."""

from collections import deque
from dataclasses import dataclass, field

import structlog

from callcenter import metrics

log = structlog.get_logger()

FAILURES, WITHIN_S = 3, 30.0  # (telephony.md, 6)


@dataclass(slots=True)
class Circuit:
    """Whether a gateway is worth asking. Open after three failures in 30 s; a probe closes it again."""

    name: str
    failed_at: deque[float] = field(default_factory=lambda: deque(maxlen=FAILURES))
    open: bool = False

    def failed(self, now: float, *, at_once: bool = False) -> None:
        self.failed_at.append(now)
        many = len(self.failed_at) == FAILURES and now - self.failed_at[0] <= WITHIN_S
        if (many or at_once) and not self.open:
            self._set(True)

    def doubtful(self, now: float) -> bool:
        """It failed a moment ago, and has not worked since."""
        return bool(self.failed_at) and now - self.failed_at[-1] <= WITHIN_S

    def worked(self) -> None:
        self.failed_at.clear()
        if self.open:
            self._set(False)

    def tell(self) -> None:
        metrics.circuit_open.labels(self.name).set(self.open)

    def _set(self, now_open: bool) -> None:
        self.open = now_open
        self.tell()
        log.warning("telephony.circuit", gateway=self.name, open=now_open)
