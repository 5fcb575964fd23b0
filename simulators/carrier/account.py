"""Whose carrier it is: the account with its numbers, how the network behaves, and how identifiers are made."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import md5

API = "2010-04-01"


@dataclass(frozen=True, slots=True)
class Number:
    """A number the account owns, and where the carrier asks what to do with calls to it."""

    voice_url: str = ""
    fallback_url: str = ""
    status_url: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    sid: str
    token: str
    numbers: Mapping[str, Number] = field(default_factory=dict)  # none: any number may be shown as the caller

    @property
    def path(self) -> str:
        return f"/{API}/Accounts/{self.sid}"


@dataclass(frozen=True, slots=True)
class Network:
    """Seconds and limits of the lines. Spans are drawn from the seed."""

    calls_per_s: float = 10.0
    queue_s: tuple[float, float] = (0.2, 0.8)
    ring_extra_s: float = 0.0  # the real one may ring up to 5 s longer than told
    amd_s: float = 3.0
    recording_after_s: float = 2.0
    sms_s: float = 1.0
    forbidden: tuple[str, ...] = ()  # prefixes the account may not call: 21215
    landlines: tuple[str, ...] = ()  # prefixes that take no SMS: 21614
    recordings_absent: bool = False


class Sids:
    """Identifiers of Twilio's form: the same seed and the same order give the same ones."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._counts: Counter[str] = Counter()

    def make(self, prefix: str) -> str:
        self._counts[prefix] += 1
        return prefix + self.digest(prefix, self._counts[prefix])

    def digest(self, *parts: object) -> str:
        return md5("/".join(map(str, (self._seed, *parts))).encode(), usedforsecurity=False).hexdigest()
