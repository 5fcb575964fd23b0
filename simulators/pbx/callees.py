"""Who answers the telephone, and what they do with it."""

from dataclasses import dataclass

VOICE = ""  # instead of a key: something is said


@dataclass(frozen=True, slots=True)
class Press:
    """A key, or VOICE, so many seconds after the n-th prompt began."""

    key: str
    after_s: float = 1.0
    prompt: int = 1


@dataclass(frozen=True, slots=True)
class Callee:
    """`cause` is how it ends where nobody answers; None: it rings until the caller gives up."""

    rings_s: float = 2.0
    cause: int | None = None
    answers: bool = True
    presses: tuple[Press, ...] = ()
    hangs_up: Press | None = None  # when; its key does not matter


ANSWERS = Callee()
SILENT = ANSWERS
NO_ANSWER = Callee(answers=False)
BUSY = Callee(rings_s=0.5, answers=False, cause=17)
REJECTS = Callee(answers=False, cause=21)
HANGS_UP_IN_PROMPT = Callee(hangs_up=Press("", after_s=1.0))


def presses(*keys: Press) -> Callee:
    return Callee(presses=keys)
