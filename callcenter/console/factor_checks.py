"""Whether a code of the second factor fits. Guessing is slowed down, one guess at a time, and nobody is locked out."""

from dataclasses import dataclass, field

from callcenter.clock import Clock
from callcenter.console.auth import Delays
from callcenter.console.second_factor import is_recovery, recovery_hash, step_of, typed
from callcenter.ports.signing_in import FactorProof
from callcenter.privacy import Seal
from callcenter.storage import factor_book
from callcenter.storage.reading import Reader

# Why there is no proof, as openapi.yaml has it -> status and words.
NO_PROOF = {
    "second_factor": (401, "a code of the second factor is needed"),
    "wrong_code": (401, "the code is not that of now, and no recovery code that is left"),
    "code_used": (401, "this code was used already; wait for the next one"),
    "one_at_a_time": (429, "somebody tries a code of this operator just now; a recovery code works at once"),
}


@dataclass(slots=True)
class FactorChecks:
    """`demands`: roles that must have a second factor."""

    read: Reader
    clock: Clock
    seal: Seal
    demands: frozenset[str] = frozenset()
    delays: Delays = field(init=False)
    _checked_now: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        # Not those of passwords: whoever tries codes knows the password, and each right one would begin anew there.
        self.delays = Delays(self.clock)

    async def proof(self, operator: str, code: str) -> FactorProof | str:
        """What proves it, for the door to take; empty where nothing is to be proved. Else a key of NO_PROOF."""
        found = await self.read(factor_book.factor, operator)
        if found.since is None:
            return FactorProof()
        if not typed(code):
            return "second_factor"
        if is_recovery(code):  # 80 bits: there is nothing to slow down, and a guesser's queue is not in its way
            return FactorProof(recovery=recovery_hash(operator, code))
        if operator in self._checked_now:
            return "one_at_a_time"
        self._checked_now.add(operator)
        try:
            await self.delays.wait(operator)
            step = self.step(found.sealed, code)
        finally:
            self._checked_now.discard(operator)
        if step is None:
            self.delays.failed(operator)
            return "wrong_code"
        return FactorProof(step=step)

    def accepted(self, operator: str) -> None:
        """The door has taken the code: one that was used before must not make guessing quick again."""
        self.delays.forget(operator)

    def step(self, sealed: bytes, code: str) -> int | None:
        """Of which step the code is; None: of none, or the secret was sealed with a key that is lost."""
        secret = self.seal.open(sealed) if sealed else ""
        return step_of(secret, code, self.clock.now()) if secret else None
