"""Who is at the other end of a line: scripted people and machines, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal

Behaviour = Literal[
    "answer", "press", "speaks", "silent", "voicemail", "announcement", "busy", "ignore", "reject", "nobody"
]
SmsFate = Literal["delivered", "undelivered", "failed"]


@dataclass(frozen=True, slots=True)
class Nature:
    """What a behaviour means for the call: how it ends unanswered, or what machine detection says."""

    unanswered: str = ""  # the final status; empty: it is answered
    sip: int = 200
    rings: bool = True
    heard_as: str = "human"
    stays_s: float | None = None  # machines hang up by themselves


NATURES: Mapping[Behaviour, Nature] = {
    "answer": Nature(),
    "press": Nature(),
    "speaks": Nature(),
    "silent": Nature(heard_as="unknown"),
    "voicemail": Nature(heard_as="machine_start", stays_s=30),
    "announcement": Nature(heard_as="machine_start", stays_s=12),
    "busy": Nature("busy", 486, rings=False),
    "ignore": Nature("no-answer", 487),
    "reject": Nature("busy", 603),
    "nobody": Nature("failed", 404, rings=False),
}


@dataclass(frozen=True, slots=True)
class Callee:
    """One end of a line. `digits` and `says` hold one answer for each Gather in turn; an empty one is no answer.

    The same record scripts a caller of ours: then `stays_s` counts from dialling, so a small one is an abandoned call.
    """

    does: Behaviour = "answer"
    rings_s: float = 4.0
    digits: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    early: bool = False  # in the middle of the prompt instead of after it
    after_s: float = 1.5  # after the prompt; more than the Gather's timeout is too late
    stays_s: float | None = None  # hangs up so long after answering; None: when told, or with the document
    answered_by: str = ""  # what machine detection says instead of the usual
    sms: SmsFate = "delivered"

    def __post_init__(self) -> None:
        if self.does not in NATURES:
            raise ValueError(f"no callee does {self.does!r}")

    @property
    def nature(self) -> Nature:
        return NATURES[self.does]

    @property
    def heard_as(self) -> str:
        return self.answered_by or self.nature.heard_as

    @property
    def leaves_after_s(self) -> float | None:
        return self.nature.stays_s if self.stays_s is None else self.stays_s

    def digits_at(self, gather: int) -> str:
        return self.digits[gather] if self.does == "press" and gather < len(self.digits) else ""

    def words_at(self, gather: int) -> str:
        return self.says[gather] if self.does == "speaks" and gather < len(self.says) else ""

    @classmethod
    def of(cls, data: Mapping[str, object]) -> "Callee":
        """From JSON; a name that is no field is refused, so that a script with a slip is not played half."""
        known = {field.name for field in fields(cls)}
        if unknown := set(data) - known:
            raise ValueError(f"a callee has no {', '.join(sorted(unknown))}")
        values = {key: tuple(map(str, value)) if isinstance(value, list) else value for key, value in data.items()}
        return cls(**values)  # type: ignore[arg-type]
